"""The quiz: which ten questions are drawn, and that its notebook shows them all."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from course_utils import exercises
from course_utils.exercises import Choice, progress_file, quiz
from course_utils.exercises.exercise import blocks

ALL = exercises.of_chapter(quiz.CHAPTER)
NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "13_quiz.ipynb"


@pytest.fixture
def learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work folder of a learner's own."""
    (tmp_path / progress_file.HANDED_OUT).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(path: Path, name: str) -> None:
    (path / progress_file.NAME).write_text(f'{{"learner": "{name}", "done": {{}}}}')


def test_two_rounds_ask_every_question_once(learner: Path) -> None:
    first, second = quiz.drawn(1), quiz.drawn(2)
    assert len(first) == len(second) == 10
    assert {*first, *second} == set(ALL)


def test_learners_keep_their_ten_and_do_not_share_them(learner: Path) -> None:
    named(learner, "ada")
    of_ada = quiz.drawn(1)
    assert quiz.drawn(1) == of_ada
    named(learner, "bob")
    assert set(quiz.drawn(1)) != set(of_ada)


def test_a_round_shows_each_question_with_its_text(
    learner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list = []
    monkeypatch.setattr(quiz, "display", shown.append)
    made = quiz.ten(round=2)
    assert made is not None
    made._ipython_display_()
    assert [one.exercise for one in shown] == quiz.drawn(2)
    for one in shown:
        assert one.given["task"] == one.exercise.task
        assert one.exercise.title in one.still() and blocks(one.exercise.task) in one.still()


def test_there_is_no_third_round(capsys: pytest.CaptureFixture[str]) -> None:
    assert quiz.ten(round=3) is None
    assert "two rounds" in capsys.readouterr().out


@pytest.mark.parametrize("question", ALL, ids=[one.name for one in ALL])
def test_every_wrong_answer_has_a_reason_and_none_names_a_place(question: Choice) -> None:
    assert len(question.options) == 3
    wrong = set(question.options) - {question.correct}
    assert set(question.reasons) == wrong and all(question.reasons.values())
    assert question.answer == f'answer = "{question.correct}"'
    ordinal = r"(first|second|third|last|other)"
    place = rf"\b(of the above|{ordinal} (answer|option)s?|(answer|option) [abc])\b"
    for text in (*question.options.values(), *question.reasons.values(), question.why):
        assert not re.search(place, text), text
    assert re.search(r"\(Chapter \d+\.\)$", question.why)


def test_the_notebook_names_every_objective_and_has_both_rounds() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    words = " ".join(" ".join(cell.source.split()) for cell in cells)
    for question in ALL:
        assert question.objective in words, question.name
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    rounds = [line for source in code for line in source.splitlines() if "quiz.ten" in line]
    assert rounds == ["quiz.ten()", "quiz.ten(round=2)"]
    assert any(re.search(r"^exercises\.progress\(13\)$", cell, re.M) for cell in code)
