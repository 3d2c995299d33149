"""The website of a small course: what is on it, and that faults keep it from being published."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.presenter import site as make_site
from tools.presenter import site_check

pytestmark = pytest.mark.slow
ROOT = make_site.ROOT
OPENING = "# 1. Digits\n\n**Questions**\n\n- What are they?\n\n**Time.** About 25 minutes."
FORMULA = r"$$\hat p = \frac{1}{M}\sum_{m=1}^M p_m$$"
FIGURE = """\
from course_utils import figures
figures.message("A figure of the course")"""


def write(path: Path, *cells: nbformat.NotebookNode) -> None:
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), path)


def slide(source: str) -> nbformat.NotebookNode:
    return new_markdown_cell(source, metadata={"slideshow": {"slide_type": "slide"}})


def course(folder: Path) -> Path:
    """One chapter with a deck of its own, and a deck before all chapters."""
    chapter = [new_markdown_cell(OPENING), new_markdown_cell(FORMULA), new_code_cell(FIGURE)]
    write(folder / "notebooks" / "01_data.ipynb", *chapter)
    write(folder / "slides" / "00_opening.ipynb", slide("# Opening"))
    write(folder / "slides" / "01_data.ipynb", slide("# Digits"), slide("## More"))
    return folder


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    options = ["--notebooks", "notebooks", "--slides", "slides", "--build", "site"]
    return subprocess.run(
        [sys.executable, "-m", "tools.presenter.site", *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = course(tmp_path_factory.mktemp("course"))
    (folder / "site").mkdir()
    (folder / "site" / "9_old.html").touch()
    ended = build(folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder / "site"


def front(site: Path) -> BeautifulSoup:
    return BeautifulSoup((site / "index.html").read_text(encoding="utf-8"), "html.parser")


def test_front_page_leads_to_everything(site: Path) -> None:
    page = front(site)
    (chapter,) = page.select(".card")
    assert [link["href"] for link in chapter.select("a")][:3] == [
        *("01_data.html", "notebooks/01_data.ipynb", "slides/01_data.html"),
    ]
    assert chapter.p.get_text() == "What are they?"
    assert chapter.select_one(".minutes").get_text() == "25 min"
    (deck,) = page.select("footer li")
    assert deck.get_text().startswith("Opening:") and deck.a["href"] == "slides/00_opening.html"
    assert [one.get_text() for one in page.select(".button")] == ["Start", "Install"]
    assert page.select_one(page.select(".button")[1]["href"]) is not None
    picture = page.select_one("meta[property='og:image']")["content"]
    assert (site / picture).read_bytes().startswith(b"\x89PNG")
    assert "COURSE_SPEED=look" in page.get_text()


def test_nothing_stays_of_an_earlier_site_or_of_the_run(site: Path) -> None:
    assert not (site / "9_old.html").exists() and not (site / "scratch").exists()
    assert {path.name for path in site.glob("*.html")} == {"index.html", "01_data.html"}


def test_notebooks_can_be_taken_away(site: Path) -> None:
    with zipfile.ZipFile(site / "notebooks.zip") as archive:
        assert archive.namelist() == ["notebooks/01_data.ipynb"]
        assert (
            archive.read("notebooks/01_data.ipynb")
            == (site / "notebooks" / "01_data.ipynb").read_bytes()
        )


def test_a_fault_keeps_the_site_from_being_published(tmp_path: Path) -> None:
    folder = course(tmp_path)
    wrong = new_markdown_cell("![](gone.png) and [on](02_lenet.ipynb)")
    failing = new_code_cell("raise ValueError('no such split')")
    write(folder / "notebooks" / "01_data.ipynb", new_markdown_cell(OPENING), wrong, failing)
    ended = build(folder)
    assert ended.returncode == 1
    said = ended.stderr
    assert "01_data.html: a picture has no alt text" in said and "gone.png is missing" in said
    assert "01_data.html: the link to 02_lenet.html is missing" in said
    assert "01_data.html: failed: cell 3: ValueError: no such split" in said
    assert "Not to be published:" in said.splitlines()[-1] and "Traceback" not in said


@pytest.mark.skipif(make_site.make_slides.chromium() is None, reason="needs Chromium")
def test_the_browser_sees_what_files_do_not_show(
    site: Path, tmp_path: Path, in_its_thread: Callable[..., Any]
) -> None:
    shutil.copytree(site, tmp_path / "site")
    ask = "<script>fetch('http://192.0.2.1/x').catch(() => 0); throw Error('broken')</script>"
    wide = '<div style="width: 3000px">wide</div><img alt="A dot" src="index.html">'
    later = "<script>setTimeout(() => fetch('http://192.0.2.1/y').catch(() => 0), 300)</script>"
    for name, more in (("01_data.html", ask + wide), ("index.html", later)):
        changed = tmp_path / "site" / name
        page = changed.read_text(encoding="utf-8")
        changed.write_text(page.replace("</body>", f"{more}</body>"), encoding="utf-8")
    assert site_check.problems(tmp_path / "site") == []
    assert in_its_thread(make_site.look, site) == []
    assert in_its_thread(make_site.look, tmp_path / "site") == [
        "01_data.html: asks the network for http://192.0.2.1/x",
        "01_data.html: a script fails: broken",
        "01_data.html: a picture cannot be drawn: A dot",
        "01_data.html: is wider than its window",
        "index.html: asks the network for http://192.0.2.1/y",
    ]
