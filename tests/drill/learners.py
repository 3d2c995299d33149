"""What learners write: functions that raise, hang, or change what they were given."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drill import fault, judge_words

from course_utils.exercises.exercise import NOT_YET


def answered(title: str, function: Callable[..., Any], *words: str) -> None:
    """Enter an answer to exercise 1.1 of the course's mechanism that goes wrong as it runs."""

    @fault(title, "the check says so in one sentence, and the notebook goes on")
    def checked(place: Path) -> None:
        import numpy as np

        from course_utils.exercises.kinds import Function

        texts = dict.fromkeys(
            ("title", "objective", "task", "stub", "passed", "answer", "why"), "x"
        )
        exercise = Function(
            name="ex9_1",
            minutes=1,
            hints=("x", "x", "x"),
            reference=lambda x: float(np.mean(x)),
            inputs=lambda: [(np.arange(5.0),)],
            **texts,
        )
        verdict = exercise.check(function)
        assert verdict.kind == NOT_YET
        judge_words(repr(verdict), *words)
        assert exercise.check(lambda x: float(np.mean(x))).right


def raises(x: Any) -> float:
    """Divide by nothing."""
    return float(x.sum()) / len([])


def hangs(x: Any) -> float:
    """Never come back, and catch what would stop it."""
    while True:
        with contextlib.suppress(Exception):
            x = x + 0


def mutates(x: Any) -> float:
    """Return the right answer, and leave zeros behind."""
    mean = float(x.mean())
    x[:] = 0
    return mean


answered("A learner's function raises", raises, "raised `ZeroDivisionError` in `return")
answered("A learner's function never ends", hangs, "stopped after 5 seconds")
answered("A learner's function changes what it was given", mutates, "changes its input number 1")
answered("A learner's function ends Python", lambda x: exit(1), "raised `SystemExit`")
