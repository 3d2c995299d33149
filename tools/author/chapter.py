"""Execute one chapter and open its page: `make chapter N=3`."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path

from course_utils import speed
from tools.learner.lab import has_display
from tools.learner.pages import write_pages
from tools.learner.run import CELL_SECONDS, run_chapters

ROOT = Path(__file__).resolve().parents[2]


def find(notebooks: Path, number: int) -> Path:
    """Return the notebook of a chapter, whose name begins with its number.

    Raises
    ------
    ValueError
        If there is no such chapter.
    """
    for path in notebooks.glob("[0-9]*_*.ipynb"):
        if int(path.stem.partition("_")[0]) == number:
            return path
    raise ValueError(f"There is no chapter {number} in {notebooks}.")


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Execute, write the page, open it where there is a browser. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("number", type=int, help="such as 3")
    number = parser.parse_args(arguments).number
    try:
        path = find(root / "notebooks", number)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    build = root / "build" / "chapter"
    (chapter,) = run_chapters([path], build, CELL_SECONDS[speed()])
    write_pages([chapter], build)
    page = build / chapter.page
    print(page)
    if has_display():
        webbrowser.open(page.as_uri())
    return 1 if chapter.errors else 0


if __name__ == "__main__":
    sys.exit(main())
