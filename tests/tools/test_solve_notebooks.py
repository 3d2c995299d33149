"""The solved notebooks pass, and one with a wrong solution does not."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils import exercises
from course_utils.exercises import Exercise, bug_hunt, progress_file
from course_utils.exercises.chapter_02 import ex2_2, ex2_4
from tools.author import solve_notebooks
from tools.learner import run as run_course

NOTEBOOKS = run_course.paths_of(solve_notebooks.ROOT / "notebooks")
SPECIAL = {path.stem: path for path in NOTEBOOKS if path.stem[:2] in ("12", "13")}
CHAPTERS = [path for path in NOTEBOOKS if path.stem not in SPECIAL]
# kernels find the package as the tests do
PATH = f"import sys\nsys.path.insert(0, {str(solve_notebooks.ROOT)!r})"


def small(*of_chapter: Exercise) -> nbformat.NotebookNode:
    """A chapter with these exercises."""
    cells = [new_code_cell(PATH), new_markdown_cell("# 2. Small")]
    cells += [new_code_cell(exercise.cell) for exercise in of_chapter]
    return new_notebook(cells=cells)


def run(notebook: nbformat.NotebookNode, folder: Path) -> list[str]:
    """What goes wrong in it."""
    return run_course.execute(notebook, folder, 120, lambda cell: None)


def test_a_right_solution_passes_and_a_wrong_one_fails(tmp_path: Path) -> None:
    wrong = dataclasses.replace(ex2_4, answer='choice = "a"')
    solved = solve_notebooks.solve(small(ex2_2, wrong), [ex2_2, wrong])
    (error,) = run(solved, tmp_path)
    assert "AssertionError: the solution of ex2_4 is not accepted" in error
    assert [cell.outputs for cell in solved.cells if ex2_2.answer in cell.source]
    assert run(solve_notebooks.solve(small(ex2_2, ex2_4), [ex2_2, ex2_4]), tmp_path) == []


def test_an_exercise_without_its_cell_is_a_mistake() -> None:
    with pytest.raises(solve_notebooks.UnsolvedError, match="ex2_4 stands in 0 cells"):
        solve_notebooks.solve(small(ex2_2), [ex2_2, ex2_4])
    with pytest.raises(solve_notebooks.UnsolvedError, match="`digits` stands in 0 cells"):
        solve_notebooks.solve_bug_hunt(small(ex2_2))
    with pytest.raises(solve_notebooks.UnsolvedError, match=r"`quiz.ten\(\)` stands in 0 cells"):
        solve_notebooks.solve_quiz(small(ex2_2))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_exercise_of_a_chapter_is_solved_and_asserted(path: Path) -> None:
    of_chapter = exercises.of_chapter(int(path.stem[:2]))
    before = nbformat.read(path, as_version=4)
    solved = solve_notebooks.solve(before, of_chapter)
    code = [cell.source for cell in solve_notebooks.code_cells(solved)]
    assert len(solved.cells) == len(before.cells) + len(of_chapter)
    for exercise in of_chapter:
        place = code.index(exercise.solved_cell)
        assert f"assert {exercise.name}.done" in code[place + 1]
        assert exercise.cell not in code


def test_the_bug_hunt_is_solved() -> None:
    path = SPECIAL[solve_notebooks.BUG_HUNT]
    solved = solve_notebooks.solve_bug_hunt(nbformat.read(path, as_version=4))
    code = "\n".join(cell.source for cell in solve_notebooks.code_cells(solved))
    assert "assert board.complete" in code
    for bug in bug_hunt.BUGS:
        assert bug.stub not in code and bug.answer in code
    ast.parse(code)


def test_the_command_writes_all_and_names_a_notebook_that_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nbformat.write(small(*exercises.of_chapter(2)), tmp_path / "2_small.ipynb")
    (tmp_path / "welcome.ipynb").touch()  # which is no chapter
    options = ["--notebooks", str(tmp_path), "--target", str(tmp_path / "solved")]
    (tmp_path / "solved").mkdir()
    (tmp_path / "solved" / "old.ipynb").touch()
    assert solve_notebooks.main(options) == 0
    assert [path.name for path in (tmp_path / "solved").iterdir()] == ["2_small.ipynb"]
    nbformat.write(small(ex2_2), tmp_path / "2_small.ipynb")
    assert solve_notebooks.main(options) == 1
    assert "2_small.ipynb: ex2_1 stands in 0 cells" in capsys.readouterr().err


def test_both_rounds_of_the_quiz_are_answered() -> None:
    solved = solve_notebooks.solve_quiz(nbformat.read(SPECIAL[solve_notebooks.QUIZ], as_version=4))
    answers = [
        cell.source
        for cell in solve_notebooks.code_cells(solved)
        if "question.right" in cell.source
    ]
    questions = exercises.of_chapter(13)
    progress_file.forget()
    for number, code in enumerate(answers, start=1):
        exec(f"from course_utils.exercises import quiz\n{code}", {})
        assert sum(question.done for question in questions) == 10 * number
    assert len(answers) == 2
    progress_file.forget()
