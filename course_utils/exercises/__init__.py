"""Exercises that answer back: a task in the notebook, ``check``, ``hint`` and ``solution`` here.

A chapter's notebook imports its exercises by name, and shows at its end how many are done::

    from course_utils.exercises.chapter_02 import ex2_1

    ex2_1.check(my_function)
    ex2_1.hint()
    ex2_1.solution()

    exercises.progress(2)

Nothing is kept of anybody: which exercises are done is known to the running kernel only. One module
per chapter holds the tasks; the notebook never contains a solution.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .exercise import Exercise, NotYet, Progress, Verdict
from .kinds import Built, Choice, Function, Misconception, Number

__all__ = [
    "Built",
    "Choice",
    "Exercise",
    "Function",
    "Misconception",
    "NotYet",
    "Number",
    "Progress",
    "Verdict",
    "of_chapter",
    "progress",
]


def of_chapter(chapter: int) -> list[Exercise]:
    """The exercises of a chapter in their order.

    Raises
    ------
    ValueError
        If there is no such chapter.
    """
    name = f"{__name__}.chapter_{chapter:02}"
    try:
        module: ModuleType = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ValueError(f"There are no exercises of a chapter {chapter}.") from None
    found = [item for item in vars(module).values() if isinstance(item, Exercise)]
    return sorted(found, key=lambda exercise: exercise.number)


def progress(chapter: int) -> Progress:
    """How many exercises of a chapter are done, as far as this kernel knows."""
    return Progress(chapter, of_chapter(chapter))
