"""A question to click on: what Python knows of it. What the page does is tried in a browser."""

from __future__ import annotations

import pytest

from course_utils.exercises import Choice, progress_file
from course_utils.exercises.question import ask

TEXTS = {
    "name": "ex9_9",
    "title": "Which way?",
    "objective": "choose",
    "minutes": 1,
    "task": "Which way?",
    "stub": "answer = ...",
    "passed": "answer",
    "hints": ("One.", "`Two`.", "Three."),
    "answer": 'answer = "b"',
    "why": "It is the *only* way.",
}
CHOICE = Choice(
    **TEXTS,
    correct="b",
    options={"a": "left & up", "b": "right"},
    reasons={"a": "that is a wall."},
)


@pytest.fixture(autouse=True)
def nothing_done():
    progress_file.forget()
    yield
    progress_file.forget()


def test_an_answer_that_is_checked_is_remembered() -> None:
    question = ask(CHOICE)
    question.answer = "b"
    assert not CHOICE.done  # chosen, not checked yet
    question.checked = "a"
    assert not CHOICE.done
    question.checked = "b"
    assert CHOICE.done
    with pytest.raises(ValueError, match="answers are a, b"):
        question.answer = "c"


def test_the_page_gets_a_verdict_on_every_answer() -> None:
    given = ask(CHOICE).given
    assert sorted(given["options"]) == [["a", "left & up"], ["b", "right"]]
    assert given["verdicts"]["a"] == ["Not yet.", "That is a wall.", False]
    assert given["verdicts"]["b"] == ["Right.", "It is the *only* way.", True]
    assert given["hints"][1] == "`Two`."
    assert given["solution"].startswith("right. It is")
    assert not CHOICE.done  # looking at it is no answer


def test_the_right_answer_may_depend_on_a_result() -> None:
    texts = {**TEXTS, "passed": "answer, loss"}
    choice = Choice(
        **texts,
        correct=lambda loss: "a" if loss < 1 else "b",
        options={"a": "low", "b": "high"},
        reasons={"a": "it is high.", "b": "it is low."},
    )
    assert choice.cell.endswith("ex9_9.ask(loss)")
    assert ask(choice, 0.5).given["verdicts"]["a"][2]
    assert not ask(choice, 2.0).given["verdicts"]["a"][2]
    unasked = ask(choice)  # the result is forgotten: a sentence, no traceback
    assert "needs all of this" in unasked.given["verdicts"]["a"][1]


def test_without_javascript_the_answers_and_the_help_are_there() -> None:
    still = ask(CHOICE).still()
    assert "<li>left &amp; up</li>" in still and still.count("<details>") == 4
