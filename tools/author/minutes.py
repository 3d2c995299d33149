"""For authors: estimate how long each chapter takes, and keep the minutes that texts name in step.

    python -m tools.author.minutes            prints the estimates
    python -m tools.author.minutes --check    also says which text names other minutes
    python -m tools.author.minutes --write    puts them into the texts

Reading 200 words takes a minute, each exercise the minutes that it states, and computing what
`course_utils/assets/forecast.json` has measured. The sum is rounded to 5 minutes.
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

from course_utils import exercises

ROOT = Path(__file__).resolve().parents[2]
WORDS_A_MINUTE = 200


@dataclass(frozen=True)
class Estimate:
    """What goes into the minutes of one chapter.

    Attributes
    ----------
    name : str
        Such as ``"06_packed_ensembles"``.
    words : int
        To read.
    exercises : int
        Minutes that its exercises state.
    seconds : float
        Of computing with the default speed.
    remark : str
        What is missing; often empty.
    """

    name: str
    words: int
    exercises: int
    seconds: float
    remark: str = ""

    @property
    def minutes(self) -> int:
        """Rounded to 5, at least 5."""
        exact = self.words / WORDS_A_MINUTE + self.exercises + self.seconds / 60
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


def estimates(root: Path, of_exercises: Mapping[int, int]) -> list[Estimate]:
    """Return the estimate of every chapter, in order.

    Parameters
    ----------
    root : Path
        Of the repository.
    of_exercises : mapping of chapter to int
        Minutes that the exercises of a chapter state.
    """
    try:
        path = root / "course_utils" / "assets" / "forecast.json"
        forecast = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        forecast = None
    found = []
    for source in sorted((root / "notebooks" / "src").glob("[0-9]*.py")):
        seconds, remark = computing(forecast, source.stem)
        count = of_exercises.get(int(source.stem[:2]), 0)
        found.append(Estimate(source.stem, words_in(source), count, seconds, remark))
    return found


def places(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield each text that names a chapter's minutes: in words, its path, and where in it."""
    file = re.escape(name) + r"\.ipynb\)"
    time = r"(^# \*\*Time\.\*\* About )(\d+)( minutes)"
    yield "its **Time.** line", f"notebooks/src/{name}.py", time
    yield "README.md", "README.md", rf"(^\|.*/{file} \|.*\| )(\d+)( \|$)"
    yield (
        "the welcome notebook",
        "notebooks/src/welcome.py",
        rf"(\({file},\s(?:# +)?)(\d+)(\sminutes)",
    )


def deviations(root: Path, found: list[Estimate]) -> list[str]:
    """Return one sentence for each text that names other minutes than the estimate."""
    problems = []
    for chapter in found:
        for text, place, pattern in places(chapter.name):
            path = root / place
            content = path.read_text(encoding="utf-8") if path.exists() else ""
            match = re.search(pattern, content, re.MULTILINE)
            if match is None or match[2] != str(chapter.minutes):
                said = f"says {match[2]}" if match else "names none"
                problems.append(
                    f"{chapter.name}: the estimate is {chapter.minutes} minutes, {text} {said}."
                )
    return problems


def write(root: Path, found: list[Estimate]) -> None:
    """Put the estimates where the texts name minutes."""
    for chapter in found:
        for _, place, pattern in places(chapter.name):
            path = root / place
            content = path.read_text(encoding="utf-8")
            new = re.sub(pattern, rf"\g<1>{chapter.minutes}\g<3>", content, flags=re.MULTILINE)
            if new != content:
                path.write_text(new, encoding="utf-8")


def of_exercises() -> dict[int, int]:
    """Return the minutes that the exercises of each chapter state together."""
    return {row.number: row.minutes for row in exercises.course_map().rows}


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Print the table, and check if asked to. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the texts")
    parser.add_argument("--write", action="store_true", help="put the estimates into the texts")
    options = parser.parse_args(arguments)
    found = estimates(root, of_exercises())
    if options.write:
        write(root, found)
    print(f"{'chapter':32} {'words':>6} {'exercises':>10} {'seconds':>8} {'minutes':>8}")
    for one in found:
        numbers = f"{one.words:6} {one.exercises:10} {one.seconds:8.0f} {one.minutes:8}"
        print(f"{one.name:32} {numbers}  {one.remark}".rstrip())
    problems = deviations(root, found) if options.check else []
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
