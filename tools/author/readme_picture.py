"""Make `images/course.png`, the picture in the README: `python -m tools.author.readme_picture`.

Chapter 5 runs with the shipped weights, so that the picture is the same on every machine: its page
of `make run` where it shows one disputed digit, with what is said of it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = ROOT / "notebooks" / "05_disagreement.ipynb"
PICTURE = ROOT / "images" / "course.png"
SHEET = "disagreement_sheet"
WIDTH = 1400  # of the picture, in its own pixels
PAGE = 1130  # the browser's width in its pixels: room for the contents beside the text
MARGIN = 24  # above and below, in the browser's pixels
EDGE = "#d5dbe1"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# From the heading above the first cell that draws a sheet to the end of the cell below it.
PLACE = """sheet => {
    const cells = [...document.querySelectorAll('main .jp-Cell')];
    const drawn = cells.findIndex(cell => cell.matches('.jp-CodeCell')
        && cell.textContent.includes(sheet));
    const heading = [...cells[drawn - 1].querySelectorAll('h2, h3')].at(-1);
    window.scrollTo(0, window.scrollY + heading.getBoundingClientRect().top - %d);
    cells[drawn + 2].style.visibility = 'hidden';  // or its upper edge would show
    return cells[drawn + 1].getBoundingClientRect().bottom;
}"""


def page_of_chapter(folder: Path) -> Path:
    """Execute the chapter in `folder` and write its page there.

    Raises
    ------
    RuntimeError
        If a cell failed.
    """
    import nbformat

    from tools.learner.pages import Chapter, write_pages
    from tools.learner.run import execute

    notebook = nbformat.read(CHAPTER, as_version=4)
    started = time.monotonic()
    errors = execute(notebook, folder, 600, lambda cell: None)
    if errors:
        raise RuntimeError(f"The picture cannot be made: {CHAPTER.name}, {errors[0]}")
    chapter = Chapter(CHAPTER.stem, notebook, time.monotonic() - started)
    write_pages([chapter], folder)
    return folder / chapter.page


def photograph(page_file: Path, chromium: str) -> bytes:
    """Return a PNG of the page where it shows its first disagreement sheet."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(
            viewport={"width": PAGE, "height": 1000}, device_scale_factor=WIDTH / PAGE
        )
        page.goto(page_file.as_uri())
        # Formulas move what stands below them; MathJax calls back when all are set.
        page.wait_for_function("Boolean(window.MathJax?.Hub?.Queue)", timeout=60_000)
        page.evaluate("new Promise(done => MathJax.Hub.Queue(() => done()))")
        bottom = page.evaluate(PLACE % MARGIN, SHEET)
        png = page.screenshot(clip={"x": 0, "y": 0, "width": PAGE, "height": bottom + MARGIN})
        browser.close()
    return png


def save(png: bytes) -> None:
    """Write the picture with a fine edge, so that it stands out from a white page."""
    from PIL import Image, ImageDraw

    picture = Image.open(BytesIO(png)).convert("RGB")
    ImageDraw.Draw(picture).rectangle((0, 0, picture.width - 1, picture.height - 1), outline=EDGE)
    PICTURE.parent.mkdir(exist_ok=True)
    picture.save(PICTURE, optimize=True)
    kilobytes = PICTURE.stat().st_size / 1000
    print(f"{PICTURE}: {picture.width} x {picture.height} pixels, {kilobytes:.0f} kB")


def main() -> int:
    """Make the picture. Returns the exit status."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("The picture is taken with Chromium: apt install chromium.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"COURSE_SPEED": "look", "COURSE_RUNS_DIR": folder}
        save(photograph(page_of_chapter(Path(folder)), chromium))
    return 0


if __name__ == "__main__":
    sys.exit(main())
