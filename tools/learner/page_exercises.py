"""Exercises in a page without a kernel: it says so; hints and solutions unfold there, too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode
from nbformat.v4 import new_output

from course_utils.exercises import Exercise, bug_hunt
from course_utils.exercises.exercise import NOT_ATTEMPTED

CHECK = re.compile(r"^ex\d+_\d+\.check\(", re.MULTILINE)
HELP = re.compile(r"ex\d+_\d+\.help")
BUG_HELP = re.compile(r"# bug_hunt\.(hint|solution)\(\d*\)")
PROGRESS = re.compile(r"^exercises\.(progress|course_map)\(", re.MULTILINE)
HOW_FAR = "How far did you get?"
WITHOUT_CODE = {"remove_source": True}  # nbconvert's way to show outputs alone
NO_KERNEL = (
    '<p class="no-kernel">No Python runs in this page, so it cannot check your answer. '
    "Think of yours, then unfold the solution; to try it, take the notebook.</p>"
)


def unfold(notebook: NotebookNode) -> None:
    """Put hints and solutions where the notebook waits for an answer, in place.

    An exercise that was answered keeps its verdict. What only a kernel can tell, such as how many
    exercises are done, is left out.
    """
    notebook.cells = list(_cells(notebook.cells))


def _cells(cells: list[NotebookNode]) -> Iterator[NotebookNode]:
    for cell in cells:
        if cell.cell_type == "markdown":
            if not cell.source.startswith(HOW_FAR):
                yield cell
            continue
        lines = cell.source.strip().splitlines()
        if PROGRESS.search(cell.source):
            continue
        if HELP.fullmatch(cell.source.strip()):
            cell.metadata["transient"] = WITHOUT_CODE
        elif lines and all(BUG_HELP.fullmatch(line) for line in lines):
            cell.metadata["transient"] = WITHOUT_CODE
            cell.outputs = [_html("".join(map(_symptom, bug_hunt.BUGS)))]
        elif _unanswered(cell):
            cell.outputs = [_html(NO_KERNEL)]
        yield cell


def _unanswered(cell: NotebookNode) -> bool:
    said = [str(output.get("data", {}).get("text/plain", "")) for output in cell.get("outputs", [])]
    return bool(CHECK.search(cell.source)) and any(NOT_ATTEMPTED in words for words in said)


def _symptom(bug: Exercise) -> str:
    return (
        f"<details><summary>Symptom {bug.number[1]}: hints and solution</summary>"
        f"{bug.help._repr_html_()}</details>"
    )


def _html(html: str) -> NotebookNode:
    return new_output("display_data", {"text/html": html})
