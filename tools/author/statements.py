"""Write the chapters with checks of what their sentences claim into `build/checked/`, to be run.

A sentence such as "the ensemble has the lower NLL" must hold for the numbers above it in every run.
`tests/notebooks/statements/NN_name.py` lists such sentences of a chapter, each with an expression
that must be true there; below the sentence's cell the copy asserts it. A
sentence that the chapter no longer contains is a mistake.
"""

from __future__ import annotations

import argparse
import ast
import copy
import runpy
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parents[2]
STATEMENTS = ROOT / "tests" / "notebooks" / "statements"


class StatementError(Exception):
    """A list of statements does not fit its chapter."""


def read(path: Path) -> list[tuple[str, str]]:
    """Sentences with expressions, of one chapter; none where there is no such file."""
    return runpy.run_path(str(path))["STATEMENTS"] if path.exists() else []


def checked(notebook: NotebookNode, statements: Sequence[tuple[str, str]]) -> NotebookNode:
    """A copy of a chapter that asserts each statement where it stands.

    Raises
    ------
    StatementError
        If a sentence is not in the chapter, or in several of its cells.
    """
    result = copy.deepcopy(notebook)
    for sentence, expression in statements:
        words = " ".join(sentence.split())
        places = [
            place
            for place, cell in enumerate(result.cells)
            if cell.cell_type == "markdown" and words in " ".join(cell.source.split())
        ]
        if len(places) != 1:
            raise StatementError(f"{sentence!r} stands in {len(places)} cells, not in one.")
        try:
            ast.parse(expression, mode="eval")
        except SyntaxError as error:
            raise StatementError(f"{expression!r} is no expression: {error.msg}.") from None
        cell = new_code_cell(f"assert ({expression}), {words!r}")
        result.cells.insert(places[0] + 1, cell)
    return result


def write(notebooks: Path, statements: Path, target: Path) -> tuple[int, int]:
    """Write all chapters and appendices into a folder that then holds nothing else.

    Returns
    -------
    (int, int)
        How many notebooks, and how many statements in them.

    Raises
    ------
    StatementError
        As `checked`, or if a list belongs to no chapter.
    """
    shutil.rmtree(target, ignore_errors=True)
    paths = [*sorted(notebooks.glob("*.ipynb")), *sorted(notebooks.glob("appendix/*.ipynb"))]
    lists = {path.stem: read(path) for path in sorted(statements.glob("*.py"))}
    if unknown := set(lists) - {path.stem for path in paths}:
        raise StatementError(f"There is no notebook {', '.join(sorted(unknown))}.")
    for path in paths:
        try:
            notebook = checked(nbformat.read(path, as_version=4), lists.get(path.stem, []))
        except StatementError as error:
            raise StatementError(f"{path.stem}: {error}") from None
        copied = target / path.relative_to(notebooks)
        copied.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, copied)
    return len(paths), sum(map(len, lists.values()))


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and write. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    parser.add_argument("--statements", type=Path, default=STATEMENTS)
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "checked")
    options = parser.parse_args(arguments)
    try:
        notebooks, count = write(options.notebooks, options.statements, options.target)
    except StatementError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{notebooks} notebooks with {count} statements to check: {options.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
