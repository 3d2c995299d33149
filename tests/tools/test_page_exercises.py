"""Exercises in pages: what nobody can answer there is said, and help is unfolded."""

from __future__ import annotations

import nbformat
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.exercises import bug_hunt
from course_utils.exercises.chapter_04 import ex4_1
from tools.learner.page_exercises import unfold


def answered(answer: object) -> nbformat.NotebookNode:
    verdict = ex4_1.check(answer)
    data = {"text/plain": repr(verdict), "text/html": verdict._repr_html_()}
    output = new_output("execute_result", data, execution_count=1)
    return new_code_cell(ex4_1.cell, outputs=[output])


def unfolded(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    notebook = new_notebook(cells=list(cells))
    unfold(notebook)
    return notebook


def test_an_open_exercise_offers_hints_and_solution() -> None:
    data = {"text/html": ex4_1.help._repr_html_()}
    output = new_output("execute_result", data, execution_count=2)
    notebook = unfolded(answered(...), new_code_cell(ex4_1.help_cell, outputs=[output]))
    task, help_below = notebook.cells
    assert task.source == ex4_1.cell and help_below.metadata.transient["remove_source"]
    said = task.outputs[0].data["text/html"]
    assert "Not attempted" not in said and "take the notebook" in said
    page = BeautifulSoup(help_below.outputs[0].data["text/html"], "html.parser")
    titles = [one.get_text() for one in page.select("details > summary")]
    assert titles == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Solution of exercise 4.1"]
    assert not page.select("details[open]")


def test_an_answer_keeps_its_verdict() -> None:
    before = answered(lambda logits: logits)
    assert unfolded(before.copy()).cells[0].outputs == before.outputs


def test_what_only_a_kernel_can_tell_is_left_out() -> None:
    notebook = unfolded(
        new_markdown_cell("How far did you get? (Only this kernel knows, and it forgets.)"),
        new_code_cell("from course_utils import exercises\n\nexercises.progress(4)"),
        new_markdown_cell("The end."),
    )
    assert [cell.source for cell in notebook.cells] == ["The end."]


def test_every_symptom_of_the_bug_hunt_has_its_help() -> None:
    (cell,) = unfolded(new_code_cell("# bug_hunt.hint(1)\n# bug_hunt.solution(1)")).cells
    page = BeautifulSoup(cell.outputs[0].data["text/html"], "html.parser")
    symptoms = page.find_all("details", recursive=False)
    assert len(symptoms) == len(bug_hunt.BUGS)
    assert all(len(one.select("details")) == 4 for one in symptoms)
