"""Lines that learners type: statements that a solution adds to its stub."""

from __future__ import annotations

import pytest

from course_utils import exercises
from course_utils.exercises import bug_hunt
from tools.author import typing as typed_lines

STUB = 'def mean(x):\n    """The mean."""\n    return ...'


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        (STUB, 0),
        ('def mean(x):\n    """The mean."""\n    return sum(x) / len(x)', 1),
        ("def mean(x):\n    # add, then divide\n    total = sum(x)\n    return total / len(x)", 2),
        ("def mean(x):\n    total = sum(x); return total / len(x)", 2),
        ("def mean(x):\n    return (\n        sum(x)\n        / len(x)\n    )", 1),
        ("def mean(x):\n    for one in x: print(one)\n    return 0", 3),
        ("def mean(x):\n    if x:\n        return 1\n    else:\n        return 0", 3),
        ('def mean(x):\n    """Other words."""\n    return ...', 0),
        ("@cache\ndef mean(x):\n    return ...", 0),
    ],
)
def test_statements_count_however_they_are_laid_out(answer: str, count: int) -> None:
    assert typed_lines.typed(STUB, answer) == count


def test_the_same_line_twice_is_typed_twice() -> None:
    assert typed_lines.typed("x = ...", "x = f(x)\nx = f(x)") == 2


def test_the_ellipsis_of_a_stub_is_no_docstring() -> None:
    assert typed_lines.statements("class A:\n    ...")["..."] == 1


def test_every_chapter_with_exercises_is_counted() -> None:
    lines = typed_lines.lines_of_chapters()
    assert lines[6] >= 40
    assert lines[13] == 0  # a quiz: nothing is typed
    assert bug_hunt.CHAPTER in lines and list(lines) == sorted(lines)
    for chapter, count in lines.items():
        if chapter != bug_hunt.CHAPTER:
            kinds = {type(exercise) for exercise in exercises.of_chapter(chapter)}
            assert (count > 0) == (kinds != {exercises.Choice})


def test_it_prints_a_line_for_each_chapter_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed_lines.main() == 0
    *each, total = capsys.readouterr().out.splitlines()
    assert sum(int(line.split()[-2]) for line in each) == int(total.split()[-2])
