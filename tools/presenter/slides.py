"""Build the slides: every deck executed, as one HTML file for a USB stick and as a PDF.

    python -m tools.presenter.slides            all decks
    python -m tools.presenter.slides NAME ...   only these

The pages lie in `build/slides/`. Press S in one for the speaker view. The PDFs need Chromium; where
there is none the HTML can be printed by any browser at `?print-pdf`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

from tools.learner.pages import COURSE
from tools.learner.run import execute, settle
from tools.presenter.slide_pages import HEIGHT, WIDTH, deck_page

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
CELL_SECONDS = 300


def chromium() -> str | None:
    """The browser that prints, if there is one."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def build_deck(source: Path, folder: Path) -> list[str]:
    """Execute a deck and write its page. Returns what went wrong."""
    notebook = nbformat.read(source, as_version=4)
    with tempfile.TemporaryDirectory() as scratch:
        errors = execute(notebook, Path(scratch), CELL_SECONDS, lambda cell: None)
    if not errors:
        page = deck_page(notebook, COURSE)
        (folder / f"{source.stem}.html").write_text(page, encoding="utf-8")
    return errors


def print_pdfs(pages: list[Path], browser: str) -> None:
    """Print pages with the browser, a slide a sheet."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=browser,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for path in pages:
            page = started.new_page()
            page.goto(f"{path.as_uri()}?print-pdf")
            page.wait_for_selector(".pdf-page section", state="attached")
            page.pdf(
                path=path.with_suffix(".pdf"),
                width=f"{WIDTH}px",
                height=f"{HEIGHT}px",
                print_background=True,
            )
            page.close()
        started.close()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and build. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="decks by name, by default all")
    parser.add_argument("--slides", type=Path, default=ROOT / "slides")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "slides")
    options = parser.parse_args(arguments)
    decks = sorted(options.slides.glob("*.ipynb"))
    known = [deck.stem for deck in decks]
    if unknown := set(options.names) - set(known):
        print(f"There is no deck {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
        return 2
    decks = [deck for deck in decks if not options.names or deck.stem in options.names]
    options.build.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("COURSE_SPEED", "look")  # slides show the zoo, nothing is trained
    _, made_with = settle()
    started = time.monotonic()
    failed = False
    # two kernels: one imports while the other draws
    with ThreadPoolExecutor(max_workers=2) as workers:
        results = workers.map(lambda deck: build_deck(deck, options.build), decks)
        for deck, errors in zip(decks, results, strict=True):
            failed = failed or bool(errors)
            print(f"{deck.stem}: {'; '.join(errors) or 'done'}", flush=True)
    browser = chromium()
    if browser is None:
        print("No PDF: there is no Chromium. Open a page at ?print-pdf and print it instead.")
    elif not failed:
        print_pdfs([options.build / f"{deck.stem}.html" for deck in decks], browser)
    seconds = time.monotonic() - started
    print(f"{len(decks)} decks in {seconds:.0f} s: {options.build}. {made_with}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
