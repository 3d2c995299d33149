"""For authors: estimate how long each chapter takes, and check the minutes that texts name.

    python -m tools.author.minutes            prints the estimates
    python -m tools.author.minutes --check    also says which text names other minutes

Reading 200 words takes a minute, typing a line half a minute (see `tools.author.typing`), and
computing what `course_utils/assets/forecast.json` has measured. The sum is rounded to 5 minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext

from tools.author import typing as typed_lines

ROOT = Path(__file__).resolve().parents[2]
WORDS_A_MINUTE = 200
MINUTES_A_LINE = 0.5


@dataclass(frozen=True)
class Estimate:
    """What goes into the minutes of one chapter.

    Attributes
    ----------
    name : str
        Such as ``"06_packed_ensembles"``.
    words, lines : int
        To read, and to type.
    seconds : float
        Of computing with the default speed.
    remark : str
        What is missing; often empty.
    """

    name: str
    words: int
    lines: int
    seconds: float
    remark: str = ""

    @property
    def minutes(self) -> int:
        """Rounded to 5, at least 5."""
        exact = self.words / WORDS_A_MINUTE + self.lines * MINUTES_A_LINE + self.seconds / 60
        return max(5, 5 * math.floor(exact / 5 + 0.5))


def words_in(source: Path) -> int:
    """Count the words of a chapter's texts."""
    notebook = jupytext.read(source, fmt="py:percent")
    return sum(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")


def computing(forecast: Any, name: str) -> tuple[float, str]:
    """Return a chapter's seconds of computing, or 0 and a remark."""
    try:
        measured = forecast["chapters"][name]
        seconds = float(measured["rest"]) + float(measured["training"])
    except KeyError:
        return 0.0, "not in forecast.json: computing counts as 0"
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        return 0.0, "unreadable in forecast.json: computing counts as 0"
    return seconds, ""


def estimates(root: Path, lines: Mapping[int, int]) -> list[Estimate]:
    """Return the estimate of every chapter, in order.

    Parameters
    ----------
    root : Path
        Of the repository.
    lines : mapping of chapter to int
        Lines to type.
    """
    try:
        path = root / "course_utils" / "assets" / "forecast.json"
        forecast = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        forecast = None
    found = []
    for source in sorted((root / "notebooks" / "src").glob("[0-9]*.py")):
        seconds, remark = computing(forecast, source.stem)
        count = lines.get(int(source.stem[:2]), 0)
        found.append(Estimate(source.stem, words_in(source), count, seconds, remark))
    return found


def named_minutes(root: Path, name: str) -> Iterator[tuple[str, str | None]]:
    """Yield each text that names the minutes of a chapter, with the number it gives."""
    file = re.escape(name) + r"\.ipynb\)"
    for text, place, pattern in (
        (
            "its **Time.** line",
            f"notebooks/src/{name}.py",
            r"^# \*\*Time\.\*\* About (\d+) minutes",
        ),
        ("README.md", "README.md", rf"^\|.*/{file} \|.*\| (\d+) \|$"),
        ("the welcome notebook", "notebooks/src/welcome.py", rf"\({file}, (\d+) minutes"),
    ):
        path = root / place
        content = path.read_text(encoding="utf-8") if path.exists() else ""
        match = re.search(pattern, content, re.MULTILINE)
        yield text, match[1] if match else None


def deviations(root: Path, found: list[Estimate]) -> list[str]:
    """Return one sentence for each text that names other minutes than the estimate."""
    return [
        f"{chapter.name}: the estimate is {chapter.minutes} minutes, {text} "
        + (f"says {said}." if said else "names none.")
        for chapter in found
        for text, said in named_minutes(root, chapter.name)
        if said != str(chapter.minutes)
    ]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Print the table, and check if asked to. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the texts")
    options = parser.parse_args(arguments)
    found = estimates(root, typed_lines.lines_of_chapters())
    print(f"{'chapter':32} {'words':>6} {'lines':>6} {'seconds':>8} {'minutes':>8}")
    for one in found:
        numbers = f"{one.words:6} {one.lines:6} {one.seconds:8.0f} {one.minutes:8}"
        print(f"{one.name:32} {numbers}  {one.remark}".rstrip())
    problems = deviations(root, found) if options.check else []
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
