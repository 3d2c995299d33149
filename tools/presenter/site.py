"""Build the course as a website that needs no kernel and asks no network: `build/site/index.html`.

The executed chapters, the decks, and the notebooks to download. Nothing is trained unless
COURSE_SPEED says so. The site is checked before this ends: links, pictures and their words, and
that no page asks for anything outside. Publish the folder as it is, or open it from a disk.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
import zipfile
from html import escape
from pathlib import Path

from tools.author import address
from tools.learner.front_page import WELCOME, button, front_page
from tools.learner.pages import Chapter, write_pages
from tools.learner.run import CELL_SECONDS, run_chapters, settle
from tools.presenter import site_check
from tools.presenter import slides as make_slides

ROOT = Path(__file__).resolve().parents[2]
ALL_NOTEBOOKS = "notebooks.zip"
LICENCES = ("LICENSE", "LICENSE-CC-BY-4.0", "NOTICE")
PICTURE = "preview.png"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Every widget in sight has drawn itself.
DRAWN = """() => [...document.querySelectorAll('.course-live[data-live]')]
    .every(one => one.querySelector('[data-ready]'))"""
BELOW = """<section id="install"><h2>Install</h2>
<p>You need Python 3.10 to 3.13, no GPU, and no network once it is installed. The first call takes
some minutes.</p>
<pre>{clone}make lab     # the chapters in JupyterLab, on your own copies
make run     # these pages, computed on your machine</pre>
<p>Or take <a href="{notebooks}">all notebooks</a> into a Jupyter that has the course's package.</p>
</section>
{decks}
<p>Here you read the chapters as they ran. In a deck the arrow keys move and S opens the speaker's
view. {made_with}</p>
<p>Text and figures: <a href="LICENSE-CC-BY-4.0.txt">CC BY 4.0</a>. Code:
<a href="LICENSE.txt">Apache 2.0</a>. Data: <a href="NOTICE.txt">NOTICE</a>.</p>"""


def copy_downloads(notebooks: Path, site: Path) -> None:
    """Put the notebooks beside the pages, one by one and all in one file."""
    with zipfile.ZipFile(site / ALL_NOTEBOOKS, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(notebooks.rglob("*.ipynb")):
            name = f"notebooks/{path.relative_to(notebooks).as_posix()}"
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, site / name)
            archive.write(path, name)


def copy_licences(root: Path, site: Path) -> None:
    """Put the licences beside the pages."""
    for name in LICENCES:
        shutil.copyfile(root / name, site / f"{name}.txt")


def links(name: str, site: Path, repository: str) -> str:
    """What there is of a chapter to take away or to show."""
    found = [
        f'<a href="{path}">{label}</a>'
        for path, label in (
            (f"notebooks/{name}.ipynb", "notebook"),
            (f"slides/{name}.html", "slides"),
            (f"slides/{name}.pdf", "PDF"),
        )
        if (site / path).is_file()
    ]
    if colab := address.colab_link(repository, f"notebooks/{name}.ipynb"):
        found.insert(0, f'<a href="{escape(colab)}">Colab</a>')
    return " ".join(found)


def index_page(
    chapters: list[Chapter], welcome: Chapter | None, site: Path, made_with: str, repository: str
) -> str:
    """The page that everything starts from."""
    buttons = button(chapters[0].page, "Start", first=True)
    if colab := address.colab_link(repository, f"notebooks/{WELCOME}.ipynb"):
        buttons += button(colab, "Open in Colab")
    buttons += button("#install", "Install")
    names = {chapter.name for chapter in chapters}
    decks = "".join(
        f"<li>{escape(title_of_deck(deck.stem))}: {links(deck.stem, site, '')}</li>"
        for deck in sorted((site / "slides").glob("*.html"))
        if deck.stem not in names
    )
    return front_page(
        chapters,
        welcome,
        buttons=buttons,
        below=BELOW.format(
            clone=f"git clone {escape(repository)}\ncd {escape(repository.rsplit('/', 1)[-1])}\n"
            if repository
            else "",
            decks=f"<h2>More slides</h2><ul>{decks}</ul>" if decks else "",
            notebooks=ALL_NOTEBOOKS,
            made_with=escape(made_with),
        ),
        take_away={name: links(name, site, repository) for name in names},
        picture=PICTURE,
    )


def title_of_deck(name: str) -> str:
    """What a deck that belongs to no chapter is called."""
    return name.partition("_")[2].replace("_", " ").capitalize()


def take_picture(site: Path, root: Path) -> None:
    """Put a picture of the first page beside it, for those who show a link to it.

    Without a browser it is the course's picture.
    """
    browser = make_slides.chromium()
    if browser is None:
        shutil.copyfile(root / "images" / "course.png", site / PICTURE)
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=FLAGS)
        page = started.new_page(viewport={"width": 1200, "height": 630})  # what previews show
        page.goto((site / "index.html").as_uri())
        page.wait_for_function(DRAWN)
        page.screenshot(path=site / PICTURE)
        started.close()


def look(site: Path) -> list[str]:
    """What is wrong with the finished site, in its files and, where there is one, in Chromium."""
    found = site_check.problems(site)
    browser = make_slides.chromium()
    if browser is None:
        print("There is no Chromium: only the files were checked.")
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=FLAGS)
        found += site_check.seen_problems(site, started)
        started.close()
    return found


def make_site(notebooks: Path, slides: Path, site: Path, root: Path = ROOT) -> int:
    """Execute, write and check. Returns the exit status."""
    os.environ.setdefault("COURSE_SPEED", "look")  # as in the slides: the zoo, nothing is trained
    speed, made_with = settle()
    started = time.monotonic()
    shutil.rmtree(site, ignore_errors=True)  # of an earlier site nothing may stay
    chapters, welcome = run_chapters(notebooks, site, CELL_SECONDS[speed])
    shutil.rmtree(site / "scratch")
    write_pages(chapters, site)
    if make_slides.main(["--slides", str(slides), "--build", str(site / "slides")]) != 0:
        return 1
    copy_downloads(notebooks, site)
    copy_licences(root, site)
    page = index_page(chapters, welcome, site, made_with, address.read(root))
    (site / "index.html").write_text(page, encoding="utf-8")
    take_picture(site, root)
    found = look(site)
    for problem in found:
        print(problem, file=sys.stderr)
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6
    seconds = time.monotonic() - started
    print(f"{len(chapters)} chapters, {size:.0f} MB in {seconds:.0f} s: {site / 'index.html'}")
    if found:
        print(f"Not to be published: {len(found)} problems, listed above.", file=sys.stderr)
    return 1 if found else 0


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and build. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    parser.add_argument("--slides", type=Path, default=ROOT / "slides")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "site")
    options = parser.parse_args(arguments)
    return make_site(options.notebooks, options.slides, options.build.resolve())


if __name__ == "__main__":
    sys.exit(main())
