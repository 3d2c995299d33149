"""Check, hint and solution: whatever a learner passes, the notebook goes on."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from course_utils import exercises
from course_utils.exercises import (
    Choice,
    Function,
    Misconception,
    NotYet,
    Number,
    guard,
)
from course_utils.exercises.exercise import NOT_ATTEMPTED, NOT_YET, RIGHT, inline

TEXTS = {
    "title": "Mean",
    "objective": "average",
    "minutes": 3,
    "task": "Write the mean.",
    "stub": "def mean(x):\n    return ...",
    "passed": "mean",
    "hints": ("Add.", "Divide.", "By `len`."),
    "answer": "def mean(x):\n    return x.sum() / len(x)",
    "why": "The mean weighs all alike.",
}


@pytest.fixture
def mean() -> Function:
    return Function(
        name="ex9_1",
        **TEXTS,
        reference=np.mean,
        inputs=lambda: [(np.array([3.0, 1.0, 8.0]),), (np.array([0.5, 1.0]),)],
        misconceptions=[Misconception(np.median, "this is the median: half of them lie below it.")],
    )


@pytest.fixture
def number() -> Number:
    return Number(
        name="ex9_2",
        **TEXTS,
        expected=2.5,
        tolerance=0.1,
        misconceptions=[Misconception(25.0, "a share, not percent.")],
    )


@pytest.fixture
def choice() -> Choice:
    return Choice(
        name="ex9_3",
        **TEXTS,
        correct="b",
        options={"a": "one", "b": "two"},
        reasons={"a": "one is too few.", "b": "And three would be too many."},
    )


def test_the_three_verdicts(mean: Function) -> None:
    assert mean.check(...).kind == NOT_ATTEMPTED
    assert mean.check(lambda x: ...).kind == NOT_ATTEMPTED
    assert not mean.done
    assert mean.check(lambda x: x[0]).kind == NOT_YET
    right = mean.check(lambda x: sum(x) / len(x))
    assert right.kind == RIGHT and right.because == TEXTS["why"]
    assert mean.done


def test_a_known_mistake_gets_its_own_words(mean: Function) -> None:
    verdict = mean.check(lambda x: sorted(x)[len(x) // 2] if len(x) == 3 else x.mean())
    assert verdict.because.startswith("This is the median")


def test_an_unknown_mistake_is_shown_on_an_input(mean: Function) -> None:
    said = mean.check(lambda x: x.max()).because
    assert "[3., 1., 8.]" in said and "`8.`" in said and "`4.`" in said


def raises(x):
    print("I am about to fail")
    raise KeyError("where is it?")


class Hostile:
    """Raises whatever is done with it."""

    def __getattribute__(self, name):
        raise RuntimeError("do not touch")

    def __array__(self, *_, **__):
        raise RuntimeError("do not touch")


class CannotSpeak(Exception):
    def __str__(self):
        raise ValueError("no words")


def raises_silently(x):
    raise CannotSpeak


def shuts_down(x):
    sys.exit(3)


def recurses(x):
    return recurses(x)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (3.0, "not a function"),
        (None, "not a function"),
        (lambda x: None, "`return` missing"),
        (lambda x: "4", "a `str`"),
        (lambda x: [1.0, 2.0], "the shape is `[2]`".capitalize()),
        (lambda x: np.nan, "NaN"),
        (lambda x: {"mean": 4.0}, "a `dict`"),
        (lambda x, y: 4.0, "TypeError"),
        (raises, "`KeyError`"),
        (raises_silently, "CannotSpeak"),
        (shuts_down, "SystemExit"),
        (recurses, "RecursionError"),
        (lambda x: Hostile(), "cannot read"),
        (lambda x: [Hostile()], "cannot read"),
    ],
)
def test_whatever_is_passed_gets_a_sentence(mean: Function, answer, words) -> None:
    verdict = mean.check(answer)
    assert verdict.kind == NOT_YET
    assert words in verdict.because
    assert "Traceback" not in verdict._repr_html_()
    assert verdict.because.endswith((".", "?", ")"))


def test_an_object_that_cannot_be_touched_gets_a_sentence(mean: Function) -> None:
    said = mean.check(Hostile()).because  # outside of assert, which would look at the object
    assert "a `Hostile`, not a function" in said


def test_an_error_is_shown_with_its_line_and_what_was_printed(mean: Function) -> None:
    assert "raise KeyError" in mean.check(lambda x: raises(x)).because
    said = mean.check(raises).because
    assert 'raise KeyError("where is it?")' in said
    assert "I am about to fail" in said


def test_prints_help_only_where_the_answer_is_wrong(mean: Function, capsys) -> None:
    def talkative(x):
        print("thinking of", len(x))
        return x.mean() if "right" in globals() else x.max()

    said = mean.check(talkative).because
    assert "(Your code printed: `thinking of 3" in said
    assert mean.check(lambda x: print("done") or x.mean()).because == TEXTS["why"]
    assert capsys.readouterr().out == ""


def test_an_error_inside_a_library_is_shown_with_the_line_of_the_learner(mean: Function) -> None:
    def misshaped(x):
        return np.linalg.inv(x).mean()

    said = mean.check(misshaped).because
    assert "`LinAlgError` in `return np.linalg.inv(x).mean()`" in said


def test_a_forgotten_argument_is_named(number: Number) -> None:
    number.passed, number.expected = "answer, packed", lambda packed: 2 * packed
    assert number.check(6).because == "The check needs all of this: `ex9_2.check(answer, packed)`."
    assert number.check(6, 3).right


def test_changed_inputs_are_noticed_and_do_no_harm(mean: Function) -> None:
    def careless(x):
        x.sort()
        return x.mean()

    assert "changes its input" in mean.check(careless).because
    assert mean.check(np.mean).right  # the next check gets the inputs as they were


@pytest.mark.parametrize("by", ["signal", "exception"])
def test_an_endless_loop_is_stopped(mean: Function, monkeypatch, by: str) -> None:
    if by == "exception":
        monkeypatch.delattr(signal, "setitimer")
    monkeypatch.setattr(guard, "SECONDS", 0.3)

    def endless(x):
        while True:
            with contextlib.suppress(Exception):  # would swallow an ordinary exception
                x = x + 1

    start = time.monotonic()
    verdict = mean.check(endless)
    assert verdict.kind == NOT_YET and "was stopped" in verdict.because
    assert time.monotonic() - start < 3
    assert mean.check(np.mean).right
    time.sleep(0.5)  # nothing goes off later


@pytest.mark.parametrize("by", ["signal", "exception"])
def test_time_that_others_take_does_not_count(mean: Function, monkeypatch, by: str) -> None:
    if by == "exception":
        monkeypatch.delattr(signal, "setitimer")
    monkeypatch.setattr(guard, "SECONDS", 0.3)

    def waits_its_turn(x):  # as on a machine that is busy with something else
        time.sleep(0.8)
        return x.mean()

    assert mean.check(waits_its_turn).right


@pytest.mark.parametrize("by", ["signal", "exception"])
def test_endless_waiting_is_stopped(mean: Function, monkeypatch, by: str) -> None:
    if by == "exception":
        monkeypatch.delattr(signal, "setitimer")
    monkeypatch.setattr(guard, "SECONDS", 0.1)

    def endless(x):
        while True:
            time.sleep(0.05)

    assert "was stopped" in mean.check(endless).because


def test_a_loop_that_catches_everything_once_is_stopped_again(mean: Function, monkeypatch) -> None:
    monkeypatch.setattr(guard, "SECONDS", 0.2)

    def stubborn(x):
        try:
            while True:
                pass
        except:  # noqa: E722
            while True:
                pass

    assert "was stopped" in mean.check(stubborn).because


def test_a_timer_that_runs_already_goes_on() -> None:
    went_off = []
    former = signal.signal(signal.SIGALRM, lambda *_: went_off.append(True))
    kept = signal.setitimer(signal.ITIMER_REAL, 0.4)
    try:
        with guard.time_limit(5):
            time.sleep(0.1)
        assert not went_off
        time.sleep(0.6)
        assert went_off
    finally:
        signal.signal(signal.SIGALRM, former)
        signal.setitimer(signal.ITIMER_REAL, *kept)


def test_works_outside_the_main_thread(mean: Function) -> None:
    found = []
    thread = threading.Thread(target=lambda: found.append(mean.check(np.mean)))
    thread.start()
    thread.join(20)
    assert found[0].right


def test_an_interruption_passes_through(mean: Function) -> None:
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mean.check(interrupted)


def test_tensors_are_numbers_too(mean: Function) -> None:
    torch = pytest.importorskip("torch")
    assert mean.check(lambda x: torch.tensor(x, requires_grad=True).mean()).right


def test_numbers(number: Number) -> None:
    assert number.check(2.45).right
    assert number.check(...).kind == NOT_ATTEMPTED
    assert "a share, not percent" in number.check(25).because.lower()
    assert "look for less" in number.check(3).because
    assert "look for more" in number.check(1).because
    for nonsense in ("2.5", None, [1, 2], float("nan"), np.mean, {}, Hostile()):
        assert number.check(nonsense).kind == NOT_YET
    assert number.check().kind == NOT_YET


def test_numbers_that_depend_on_a_run(number: Number) -> None:
    number.passed, number.expected = "answer, measured", lambda measured: 2 * measured
    assert number.check(6, 3).right
    assert number.check(6, 4).kind == NOT_YET
    assert number.check(6, ...).kind == NOT_ATTEMPTED


def test_choices(choice: Choice) -> None:
    assert choice.check("a").because == "One is too few."
    assert choice.check(" B ").right
    assert "three would be too many" in choice.check("b").because
    for nonsense in ("c", 2, None, "", ["b"], Hostile()):
        assert choice.check(nonsense).kind == NOT_YET
    assert choice.check(...).kind == NOT_ATTEMPTED


def test_a_right_choice_that_depends_on_the_run_is_not_told_why_it_is_wrong() -> None:
    reasons = {"a": "it is even.", "b": "it is odd."}
    parity = Choice(
        name="ex9_4",
        **{**TEXTS, "passed": "answer, value"},
        correct=lambda value: "b" if value % 2 == 0 else "a",
        options={"a": "odd", "b": "even"},
        reasons=reasons,
    )
    assert parity.check("b", 4).because == parity.check("a", 3).because == TEXTS["why"]
    assert parity.check("a", 4).because == "It is even."


def test_hints_and_the_solution_are_folded(mean: Function) -> None:
    page = mean.help._repr_html_()
    assert page.count("<details>") == 4 and "<details open" not in page
    assert "<summary>Hint 3 of 3</summary>" in page and "<code>len</code>" in page
    assert "<summary>Solution of exercise 9.1</summary>" in page
    assert "white-space:pre;" in page and "<code>def mean(x):" in page
    assert TEXTS["why"] in page


def test_words_of_a_learner_are_escaped(mean: Function) -> None:
    def malicious(x):
        raise ValueError("<script>alert(1)</script>")

    page = mean.check(malicious)._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_cells_of_the_notebook(mean: Function) -> None:
    assert mean.cell == (
        "from course_utils.exercises.chapter_09 import ex9_1\n\n\n"
        "def mean(x):\n    return ...\n\n\n"
        "ex9_1.check(mean)"
    )
    assert "return x.sum() / len(x)" in mean.solved_cell
    assert mean.help_cell == "ex9_1.help"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the *mean* of `a * b * c` < 1", "the <em>mean</em> of <code>a * b * c</code> &lt; 1"),
        ("all *at once*, `*args`", "all <em>at once</em>, <code>*args</code>"),
        ("5 * 5 * 6 and x**2 and 2*3*4", "5 * 5 * 6 and x**2 and 2*3*4"),
        ("one ` only, *so*", "one ` only, <em>so</em>"),
    ],
)
def test_code_and_stress_in_a_verdict(text: str, shown: str) -> None:
    assert inline(text) == shown


def test_more_requirements_can_be_made(mean: Function) -> None:
    def examine(function):
        if guard.call(function, np.array([1.0])) != 1:
            raise NotYet("one value is its own mean.")

    mean.examine = examine
    assert mean.check(np.mean).right
    one_off = mean.check(lambda x: x.mean() if len(x) > 1 else 0.0)
    assert one_off.because == "One value is its own mean."


def test_a_chapter_without_exercises() -> None:
    with pytest.raises(ValueError, match="no exercises of a chapter 99"):
        exercises.of_chapter(99)


def test_the_mechanism_needs_no_torch() -> None:
    code = "import sys, course_utils.exercises; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
