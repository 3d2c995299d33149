"""The picture in the README is there, of a fit size, and can be made again from the chapter."""

from __future__ import annotations

import re

import nbformat
from PIL import Image

from tools.author import readme_picture


def test_picture_is_sharp_and_small() -> None:
    with Image.open(readme_picture.PICTURE) as picture:
        picture.load()
        assert picture.width == readme_picture.WIDTH
        assert picture.width > picture.height > picture.width / 3
        shades = picture.convert("L").histogram()
    assert sum(count > 0 for count in shades) > 50  # not an empty page
    assert readme_picture.PICTURE.stat().st_size < 300_000


def test_readme_shows_it_with_an_alternative_text() -> None:
    readme = (readme_picture.ROOT / "README.md").read_text(encoding="utf-8")
    name = readme_picture.PICTURE.relative_to(readme_picture.ROOT).as_posix()
    shown = re.search(rf"!\[([^\]]+)\]\({re.escape(name)}\)", readme)
    assert shown and len(shown.group(1)) > 30


def test_chapter_still_has_what_the_script_looks_for() -> None:
    cells = nbformat.read(readme_picture.CHAPTER, as_version=4).cells
    drawn = next(
        number
        for number, cell in enumerate(cells)
        if cell.cell_type == "code" and readme_picture.SHEET in cell.source
    )
    assert re.search(r"^##", cells[drawn - 1].source, flags=re.MULTILINE)
    assert cells[drawn + 1].cell_type == "markdown"
    assert drawn + 2 < len(cells)
