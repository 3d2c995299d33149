"""Build the course as a website that needs no kernel and asks no network: `build/site/index.html`.

The executed chapters, the decks, and the notebooks to download. Nothing is trained unless
COURSE_SPEED says so. The site is checked before this ends: links, pictures and their words, and
that no page asks for anything outside. Publish the folder as it is, or open it from a disk.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import time
import zipfile
from html import escape
from pathlib import Path

from tools.author import address
from tools.learner.pages import Chapter, one_line, plain_page, write_pages
from tools.learner.run import CELL_SECONDS, run_chapters, settle
from tools.presenter import site_check
from tools.presenter import slides as make_slides

ROOT = Path(__file__).resolve().parents[2]
ALL_NOTEBOOKS = "notebooks.zip"
LICENCES = ("LICENSE", "LICENSE-CC-BY-4.0", "NOTICE")
PICTURE = Path("images", "course.png")


def copy_downloads(notebooks: list[Path], site: Path) -> None:
    """Put the notebooks beside the pages, one by one and all in one file."""
    folder = site / "notebooks"
    folder.mkdir()
    with zipfile.ZipFile(site / ALL_NOTEBOOKS, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in notebooks:
            shutil.copyfile(path, folder / path.name)
            archive.write(path, f"notebooks/{path.name}")


def copy_with_text(root: Path, site: Path) -> str:
    """Put the licences and the course's picture beside the pages; returns the picture as HTML."""
    for name in LICENCES:
        shutil.copyfile(root / name, site / f"{name}.txt")
    alt = re.search(
        rf"!\[([^\]]+)\]\({PICTURE.as_posix()}\)", (root / "README.md").read_text("utf-8")
    )
    if alt is None:
        return ""
    shutil.copyfile(root / PICTURE, site / PICTURE.name)
    words = escape(" ".join(alt[1].split()), quote=True)
    return f'<p><img src="{PICTURE.name}" alt="{words}"></p>'


def links(name: str, site: Path) -> str:
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
    return f'<span class="together">{" · ".join(found)}</span>'


def rows(chapters: list[Chapter], decks: list[Path], site: Path) -> str:
    """The table: every chapter, and before them the decks that belong to none."""
    lines = []
    for deck in decks:
        if deck.stem not in {chapter.name for chapter in chapters}:
            title = escape(deck.stem.partition("_")[2].replace("_", " ").capitalize())
            lines.append(f"<tr><td>{title}</td><td></td><td>{links(deck.stem, site)}</td></tr>")
    for chapter in chapters:
        question = f'<div class="question">{one_line(chapter.question)}</div>'
        lines.append(
            f'<tr><td><a href="{chapter.page}">{escape(chapter.title)}</a>{question}</td>'
            f'<td class="seconds">{escape(chapter.minutes)}</td>'
            f"<td>{links(chapter.name, site)}</td></tr>"
        )
    return "\n".join(lines)


def front_page(table: str, picture: str, made_with: str, repository: str) -> str:
    """The page that everything starts from."""
    where = f' It lives at <a href="{escape(repository)}">{escape(repository)}</a>.' * bool(
        repository
    )
    return plain_page(f"""<p>A network names a digit even when you show it a shoe, and often it is
sure. These chapters are about knowing when to believe it: from one small network on handwritten
digits to ensembles, and to a threshold that says what to hand to a human.{where}</p>
{picture}
<h2>Chapters and slides</h2>
<table>
<tr><th>Chapter</th><th class="seconds">To read</th><th>Take away</th></tr>
{table}
</table>
<p>Here you read them as they ran. To move what can be moved, and to solve the exercises, take
<a href="{ALL_NOTEBOOKS}">all notebooks</a> and the course's package. In a deck the arrow keys move
and S opens the speaker's view.</p>
<p>{escape(made_with)}</p>
<p>Text and figures: <a href="LICENSE-CC-BY-4.0.txt">CC BY 4.0</a>. Code:
<a href="LICENSE.txt">Apache 2.0</a>. Data: <a href="NOTICE.txt">NOTICE</a>.</p>""")


def look(site: Path) -> list[str]:
    """What is wrong with the finished site, in its files and, where there is one, in Chromium."""
    found = site_check.problems(site)
    browser = make_slides.chromium()
    if browser is None:
        print("There is no Chromium: only the files were checked.")
        return found
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=flags)
        found += site_check.seen_problems(site, started)
        started.close()
    return found


def make_site(notebooks: Path, slides: Path, site: Path, root: Path = ROOT) -> int:
    """Execute, write and check. Returns the exit status."""
    os.environ.setdefault("COURSE_SPEED", "look")  # as in the slides: the zoo, nothing is trained
    speed, made_with = settle()
    paths, started = sorted(notebooks.glob("*.ipynb")), time.monotonic()
    shutil.rmtree(site, ignore_errors=True)  # of an earlier site nothing may stay
    chapters = run_chapters(paths, site, CELL_SECONDS[speed])
    shutil.rmtree(site / "scratch")
    write_pages(chapters, site, made_with)
    if make_slides.main(["--slides", str(slides), "--build", str(site / "slides")]) != 0:
        return 1
    copy_downloads(paths, site)
    table = rows(chapters, sorted(slides.glob("*.ipynb")), site)
    page = front_page(table, copy_with_text(root, site), made_with, address.read(root))
    (site / "index.html").write_text(page, encoding="utf-8")
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
