"""Write the chapters with every exercise solved into `build/solved/`, to be run as a test.

In the place of each stub stands the solution, and below its check an assertion that the check was
content. In the bug hunt the faulty functions are replaced by the right ones, in the quiz the right
answers are chosen. A chapter that lacks
an exercise is a mistake, as is an exercise that belongs to no chapter.
"""

from __future__ import annotations

import argparse
import copy
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from course_utils import exercises
from course_utils.exercises import Exercise, bug_hunt
from tools.learner.run import paths_of

ROOT = Path(__file__).resolve().parents[2]
BUG_HUNT = "12_bug_hunt"
QUIZ = "13_quiz"
ROUNDS = ("quiz.ten()", "quiz.ten(round=2)")
SCOREBOARD = "bug_hunt.scoreboard(globals())"


class UnsolvedError(Exception):
    """A notebook and its exercises do not fit together."""


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Its cells of code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def insert_after(notebook: NotebookNode, cell: NotebookNode, source: str) -> None:
    """Put a cell of code below another one."""
    place = next(number for number, one in enumerate(notebook.cells) if one is cell)
    notebook.cells.insert(place + 1, new_code_cell(source))


def solve(notebook: NotebookNode, of_chapter: Sequence[Exercise]) -> NotebookNode:
    """A copy in which every exercise has its solution, and must be right.

    Raises
    ------
    UnsolvedError
        If an exercise has no cell, or more than one.
    """
    solved = copy.deepcopy(notebook)
    for exercise in of_chapter:
        found = [cell for cell in code_cells(solved) if cell.source == exercise.cell]
        if len(found) != 1:
            raise UnsolvedError(f"{exercise.name} stands in {len(found)} cells, not in one.")
        (cell,) = found
        cell.source = exercise.solved_cell
        because = f"the solution of {exercise.name} is not accepted"
        insert_after(solved, cell, f'assert {exercise.name}.done, "{because}"')
    return solved


def solve_bug_hunt(notebook: NotebookNode) -> NotebookNode:
    """A copy in which every fault is fixed, and the scoreboard must say so.

    Raises
    ------
    UnsolvedError
        If a faulty function is not there exactly once, or there is no scoreboard.
    """
    solved = copy.deepcopy(notebook)
    for bug in bug_hunt.BUGS:
        found = [cell for cell in code_cells(solved) if bug.stub in cell.source]
        if len(found) != 1:
            raise UnsolvedError(f"the faulty `{bug.passed}` stands in {len(found)} cells.")
        found[0].source = found[0].source.replace(bug.stub, bug.answer)
    boards = [cell for cell in code_cells(solved) if SCOREBOARD in cell.source]
    if len(boards) != 1:
        raise UnsolvedError(f"there are {len(boards)} scoreboards, not one.")
    insert_after(solved, boards[0], f"board = {SCOREBOARD}\nassert board.complete, board")
    return solved


def solve_quiz(notebook: NotebookNode) -> NotebookNode:
    """A copy in which every question is answered rightly.

    Raises
    ------
    UnsolvedError
        If a round is not there exactly once.
    """
    solved = copy.deepcopy(notebook)
    for call in ROUNDS:
        found = [cell for cell in code_cells(solved) if call in cell.source.splitlines()]
        if len(found) != 1:
            raise UnsolvedError(f"`{call}` stands in {len(found)} cells, not in one.")
        answers = (
            f"questions = {call}.questions\n"
            "for question in questions:\n"
            "    question.checked = min(question.right)\n"
            'assert all(one.exercise.done for one in questions), "a solution is not accepted"'
        )
        insert_after(solved, found[0], answers)
    return solved


def solve_all(notebooks: Path, target: Path) -> list[Path]:
    """Write every chapter, solved, into a folder that holds nothing else.

    Raises
    ------
    UnsolvedError
        Naming the notebook.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    written = []
    for path in paths_of(notebooks):
        notebook = nbformat.read(path, as_version=4)
        try:
            if path.stem == BUG_HUNT:
                solved = solve_bug_hunt(notebook)
            elif path.stem == QUIZ:
                solved = solve_quiz(notebook)
            else:
                solved = solve(notebook, exercises.of_chapter(int(path.stem.split("_")[0])))
        except (UnsolvedError, ValueError) as error:
            raise UnsolvedError(f"{path.name}: {error}") from None
        nbformat.write(solved, target / path.name)
        written.append(target / path.name)
    return written


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and write. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "solved")
    options = parser.parse_args(arguments)
    try:
        written = solve_all(options.notebooks, options.target)
    except UnsolvedError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(written)} notebooks with all exercises solved: {options.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
