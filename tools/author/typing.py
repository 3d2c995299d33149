"""For authors: count the lines that learners type in the exercises.

    python -m tools.author.typing

A line is a statement that the solution adds to the stub; one that `ruff format` wraps counts once.
Docstrings, comments and `else:` don't count, and a choice among given answers isn't typed.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path

from course_utils import exercises
from course_utils.exercises import Choice, bug_hunt


def statements(code: str) -> Counter[str]:
    """Count the statements of a piece of code, each as one line without its body."""
    found: Counter[str] = Counter()
    for node in ast.walk(ast.parse(code)):
        is_text = (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        )
        if isinstance(node, ast.stmt) and not is_text:
            lines = ast.unparse(node).split("\n")
            found[next(line for line in lines if not line.startswith("@"))] += 1
    return found


def typed(stub: str, answer: str) -> int:
    """Count the statements of an answer that its stub doesn't have."""
    return (statements(answer) - statements(stub)).total()


def lines_of_chapters() -> dict[int, int]:
    """Count the lines that learners type in each chapter with exercises."""
    folder = Path(exercises.__file__).parent
    lines = {}
    for path in sorted(folder.glob("chapter_*.py")):
        chapter = int(path.stem.removeprefix("chapter_"))
        lines[chapter] = sum(
            typed(exercise.stub, exercise.answer)
            for exercise in exercises.of_chapter(chapter)
            if not isinstance(exercise, Choice)
        )
    lines[bug_hunt.CHAPTER] = sum(typed(bug.stub, bug.answer) for bug in bug_hunt.BUGS)
    return dict(sorted(lines.items()))


def main() -> int:
    """Print the lines of each chapter, and of all. Returns the exit status."""
    lines = lines_of_chapters()
    for chapter, count in lines.items():
        print(f"chapter {chapter:2}: {count:4} lines")
    print(f"in all:     {sum(lines.values()):4} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
