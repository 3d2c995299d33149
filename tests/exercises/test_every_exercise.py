"""Each exercise: stub, solution, planted mistakes with their reasons, another right answer."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from course_utils import exercises
from course_utils.exercises import Choice, Exercise, Verdict, progress_file, quiz
from course_utils.exercises.exercise import NOT_ATTEMPTED, NOT_YET, RIGHT

PACKAGE = Path(exercises.__file__).parent
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHAPTERS = sorted(int(path.stem[8:]) for path in PACKAGE.glob("chapter_*.py"))
ALL = [exercise for chapter in CHAPTERS for exercise in exercises.of_chapter(chapter)]
each = pytest.mark.parametrize("exercise", ALL, ids=[exercise.name for exercise in ALL])


def planted(exercise: Exercise) -> Any:
    return importlib.import_module(f"planted_{exercise.chapter:02}").PLANTED[exercise.name]


def answered(exercise: Exercise, code: str) -> Verdict:
    """The verdict on code in the place of the stub, in a notebook that has run so far."""
    names = {"np": np, **planted(exercise).given}
    exec(code, names)
    passed = eval(f"({exercise.passed},)", names)
    return exercise.check(*passed)


@pytest.fixture(autouse=True)
def nothing_done() -> Any:
    yield
    progress_file.forget()


@each
def test_the_stub_is_not_attempted(exercise: Exercise) -> None:
    assert answered(exercise, exercise.stub).kind == NOT_ATTEMPTED


@each
def test_the_solution_is_right(exercise: Exercise) -> None:
    verdict = answered(exercise, exercise.answer)
    assert verdict.kind == RIGHT, verdict
    assert exercise.done


@each
def test_planted_mistakes_get_their_reason(exercise: Exercise) -> None:
    wrong = planted(exercise).wrong
    assert len(wrong) >= 3
    for code, words in wrong:
        verdict = answered(exercise, code)
        assert verdict.kind == NOT_YET, code
        assert words.lower() in verdict.because.lower(), code
    said = {answered(exercise, code).because for code, _ in wrong}
    assert len(said) == len(wrong), "two mistakes get the same answer"


@each
def test_another_right_answer_is_right(exercise: Exercise) -> None:
    others = planted(exercise).right
    assert others and exercise.answer not in others
    for code in others:
        assert answered(exercise, code).kind == RIGHT, code


@each
def test_texts_are_complete(exercise: Exercise) -> None:
    assert len(exercise.hints) == 3 and all(exercise.hints)
    assert 1 <= exercise.minutes <= 20
    assert exercise.title and exercise.why and exercise.task
    assert "..." in exercise.stub and "..." not in exercise.answer
    for text in (exercise.task, exercise.why, *exercise.hints):
        assert text.count("`") % 2 == 0, text


@pytest.mark.parametrize("chapter", [one for one in CHAPTERS if one != quiz.CHAPTER])
def test_the_notebook_has_every_exercise_and_no_solution(chapter: int) -> None:
    (path,) = NOTEBOOKS.glob(f"{chapter:02}_*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    words = [
        " ".join(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown"
    ]
    objectives = " ".join(words)
    for exercise in exercises.of_chapter(chapter):
        assert code.count(exercise.cell) == 1, f"{exercise.name}: its cell is not in {path.name}"
        if not isinstance(exercise, Choice):  # those have buttons for it
            assert code[code.index(exercise.cell) + 1] == exercise.help_cell
        heading = f"### Exercise {chapter}.{exercise.number[1]}: {exercise.title}"
        minutes = "minute" if exercise.minutes == 1 else "minutes"
        task = f"{heading} *About {exercise.minutes} {minutes}.* {exercise.task}"
        assert any(" ".join(task.split()) in text for text in words), task
        assert exercise.objective in objectives, "it belongs to no objective of the chapter"
        assert exercise.answer.strip() not in "\n".join(code)
    assert any(re.search(rf"^exercises\.progress\({chapter}\)$", cell, re.M) for cell in code)


def test_there_are_enough_and_their_names_are_in_order() -> None:
    for chapter in CHAPTERS:
        numbers = [exercise.number for exercise in exercises.of_chapter(chapter)]
        assert numbers == [(chapter, place) for place in range(1, len(numbers) + 1)]
        names = {name: item for name, item in vars(_module(chapter)).items() if item in ALL}
        assert all(name == exercise.name for name, exercise in names.items())


def _module(chapter: int) -> Any:
    return importlib.import_module(f"course_utils.exercises.chapter_{chapter:02}")
