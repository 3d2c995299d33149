"""Exercises that answer back: a task in the notebook; check, hints and solution come from here.

A chapter's notebook imports its exercises by name, and shows at its end how far the learner is::

    from course_utils.exercises.chapter_02 import ex2_1

    ex2_1.check(my_function)
    ex2_1.help  # hints and the solution, folded

    exercises.progress(2)

One module per chapter holds the tasks; the notebook never contains a solution. What is done is kept
in the learner's own ``work/`` folder, see :mod:`~course_utils.exercises.progress_file`.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .course_map import CHAPTERS, CourseMap, Row
from .exercise import Exercise, NotYet, Verdict
from .kinds import Built, Choice, Function, Misconception, Number

__all__ = [
    "Built",
    "Choice",
    "CourseMap",
    "Exercise",
    "Function",
    "Misconception",
    "NotYet",
    "Number",
    "Verdict",
    "course_map",
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


def _rows() -> list[Row]:
    from . import bug_hunt

    rows = []
    for notebook, title in CHAPTERS.items():
        number = int(notebook[:2])
        try:
            found: list[Exercise] = of_chapter(number)
        except ValueError:  # a chapter to read
            found = list(bug_hunt.BUGS) if number == bug_hunt.CHAPTER else []
        left = [f"{one.label} {one.title}" for one in found if not one.done]
        minutes = sum(one.minutes for one in found)
        rows.append(Row(number, title, f"{notebook}.ipynb", left, len(found), minutes))
    return rows


def course_map() -> CourseMap:
    """How far one is in every chapter, and what comes next."""
    return CourseMap(_rows())


def progress(chapter: int) -> CourseMap:
    """How far one is in a chapter, and what comes next."""
    return CourseMap(_rows(), here=chapter)
