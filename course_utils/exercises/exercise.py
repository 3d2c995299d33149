"""What every exercise has in common: three verdicts, hints that come one by one, a solution."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from . import guard

RIGHT, NOT_YET, NOT_ATTEMPTED = "Right.", "Not yet.", "Not attempted yet."
_SIGNS = {RIGHT: "✓", NOT_YET: "→", NOT_ATTEMPTED: "○"}  # words carry the meaning, signs help
_BARS = {RIGHT: "#009E73", NOT_YET: "#D55E00", NOT_ATTEMPTED: "#8A8A8A"}


class NotYet(Exception):
    """The answer is not right yet; the text says why, to the learner."""


class NotAttempted(Exception):
    """The answer is still the stub."""


@dataclass(frozen=True)
class Verdict:
    """What ``check`` says.

    Attributes
    ----------
    kind : str
        `RIGHT`, `NOT_YET` or `NOT_ATTEMPTED`.
    because : str
        Why; code in backticks.
    """

    kind: str
    because: str

    @property
    def right(self) -> bool:
        """Whether the exercise is done."""
        return self.kind == RIGHT

    def __repr__(self) -> str:
        return f"{_SIGNS[self.kind]} {self.kind} {self.because}"

    def _repr_html_(self) -> str:
        head = f"<strong>{_SIGNS[self.kind]} {self.kind}</strong>"
        return card(f"{head} {inline(self.because)}", _BARS[self.kind])


@dataclass(frozen=True)
class Folded:
    """Texts under titles that open on a click or a key, also without a kernel."""

    parts: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return "\n\n".join(f"{title}\n{text}" for title, text in self.parts)

    def _repr_html_(self) -> str:
        folded = "".join(
            f"<details><summary>{html.escape(title)}</summary>{blocks(text)}</details>"
            for title, text in self.parts
        )
        return card(folded, _BARS[NOT_ATTEMPTED])


@dataclass(eq=False)
class Exercise:
    """A task with its check, its hints and its solution.

    Attributes
    ----------
    name : str
        Such as ``"ex2_1"``: chapter and number.
    title : str
    objective : str
        What the learner can do afterwards; one of the objectives of the chapter.
    minutes : int
        Expected.
    task : str
        As it stands in the notebook.
    stub : str
        The code in the notebook, which the learner replaces; it answers ``...``.
    passed : str
        What the notebook passes to ``check``: names that the stub defines, or the chapter.
    hints : (str, str, str)
        From a nudge to nearly there.
    answer : str
        Code that takes the place of the stub.
    why : str
        What is said to who is right, and to who opens the solution.
    """

    name: str
    title: str
    objective: str
    minutes: int
    task: str
    stub: str
    passed: str
    hints: tuple[str, str, str]
    answer: str
    why: str
    done: bool = field(default=False, init=False)
    _hints_seen: int = field(default=0, init=False)

    @property
    def chapter(self) -> int:
        """Of the course."""
        return self.number[0]

    @property
    def number(self) -> tuple[int, int]:
        """Chapter, and place in it."""
        chapter, place = self.name.removeprefix("ex").split("_")
        return int(chapter), int(place)

    @property
    def cell(self) -> str:
        """The notebook's cell, as the learner finds it."""
        return self._cell(self.stub)

    @property
    def solved_cell(self) -> str:
        """The notebook's cell with the solution in it."""
        return self._cell(self.answer)

    def _cell(self, code: str) -> str:
        imported = f"from course_utils.exercises.chapter_{self.chapter:02} import {self.name}"
        gap = "\n\n\n" if re.match(r"(def|@|class) ?", code.strip()) else "\n\n"
        return f"{imported}{gap}{code.strip()}{gap}{self.name}.check({self.passed})"

    @property
    def help_cell(self) -> str:
        """The cell below it: help, for who takes away a ``#``."""
        return f"# {self.name}.hint()\n# {self.name}.solution()"

    def grade(self, *answers: Any) -> str | None:
        """Look at an answer; return what else to say to who is right.

        Raises
        ------
        NotYet, NotAttempted
        """
        raise NotImplementedError

    def check(self, *answers: Any) -> Verdict:
        """Say whether an answer is right, and why; never raise, whatever the answer is."""
        try:
            with guard.time_limit(guard.SECONDS):
                more = self._graded(answers)
        except NotAttempted:
            return Verdict(
                NOT_ATTEMPTED,
                f"Replace the `...` and run the cell again. `{self.name}.hint()` gives a hint.",
            )
        except (NotYet, guard.Failed) as wrong:
            return Verdict(NOT_YET, _sentence(str(wrong)))
        except guard.TooSlow:
            return Verdict(
                NOT_YET,
                f"Your code was stopped: it takes longer than {guard.SECONDS:g} seconds. "
                "Does a loop never end? An array operation is quicker than a loop over images.",
            )
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an answer may be an object that raises when it is read
            return Verdict(
                NOT_YET,
                f"The check cannot read this answer: looking at it raised `{type(error).__name__}`."
                " Pass what the task asks for.",
            )
        self.done = True
        return Verdict(RIGHT, f"{self.why} {more or ''}".strip())

    def _graded(self, answers: tuple[Any, ...]) -> str | None:
        if any(answer is ... for answer in answers):
            raise NotAttempted
        return self.grade(*answers)

    def hint(self) -> Folded:
        """The next of three hints; those seen before stay."""
        self._hints_seen = min(self._hints_seen + 1, len(self.hints))
        return Folded(self._folded_hints[: self._hints_seen])

    def solution(self) -> Folded:
        """Code and explanation, folded."""
        text = f"```\n{self.answer.strip()}\n```\n\n{self.why}"
        return Folded(((f"Solution of exercise {self.chapter}.{self.number[1]}", text),))

    @property
    def help(self) -> Folded:
        """All hints and the solution, each folded: for a page that nobody can call from."""
        return Folded((*self._folded_hints, *self.solution().parts))

    @property
    def _folded_hints(self) -> tuple[tuple[str, str], ...]:
        number = len(self.hints)
        return tuple((f"Hint {n} of {number}", text) for n, text in enumerate(self.hints, start=1))


class Progress:
    """How many exercises of a chapter are done."""

    def __init__(self, chapter: int, exercises: Sequence[Exercise]) -> None:
        self.chapter, self.exercises = chapter, list(exercises)

    @property
    def num_done(self) -> int:
        """Exercises that were answered rightly since the kernel started."""
        return sum(exercise.done for exercise in self.exercises)

    @property
    def complete(self) -> bool:
        """Whether all are done."""
        return self.num_done == len(self.exercises)

    def __repr__(self) -> str:
        text = f"{self.num_done} of {len(self.exercises)} exercises done."
        left = [exercise for exercise in self.exercises if not exercise.done]
        if left and self.num_done:
            text += " Left: " + "; ".join(
                f"{exercise.chapter}.{exercise.number[1]} {exercise.title}" for exercise in left
            )
            text += "" if text.endswith("?") else "."
        return text

    def _repr_html_(self) -> str:
        return card(inline(repr(self)), _BARS[RIGHT if self.complete else NOT_ATTEMPTED])


# --- plain texts as HTML ------------------------------------------------------------------------
_CODE = "white-space:pre;overflow-x:auto;margin:0.6em 0"  # pages of nbconvert break code anywhere


def card(content: str, bar: str) -> str:
    """A block with a coloured bar at its left, in the page's own colours."""
    return (
        f'<div role="status" style="border-left:4px solid {bar};padding:0.4em 0.8em;'
        f'margin:0.3em 0;line-height:1.5;max-width:54em">{content}</div>'
    )


def inline(text: str) -> str:
    """Escaped text in which backticks mark code, and asterisks what is stressed."""
    parts = html.escape(text, quote=False).split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner is one
        parts[-2:] = ["`".join(parts[-2:])]
    for number, part in enumerate(parts):
        stressed = re.sub(r"(?<![\w*])\*([^\s*](?:[^*]*[^\s*])?)\*(?![\w*])", r"<em>\1</em>", part)
        parts[number] = f"<code>{part}</code>" if number % 2 else stressed
    return "".join(parts)


def blocks(text: str) -> str:
    """Paragraphs, and code between lines of three backticks."""
    made = []
    for number, part in enumerate(re.split(r"^```.*\n?", text, flags=re.MULTILINE)):
        if number % 2:
            code = html.escape(part.rstrip(), quote=False)
            made.append(f'<pre style="{_CODE}"><code>{code}</code></pre>')
        else:
            paragraphs = [one.strip() for one in part.split("\n\n")]
            made.extend(f"<p>{inline(one)}</p>" for one in paragraphs if one)
    return "".join(made)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
