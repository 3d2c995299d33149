"""What every exercise has in common: three verdicts, hints to unfold, a solution."""

from __future__ import annotations

import ast
import html
import re
from dataclasses import dataclass
from typing import Any

from . import guard, progress_file

RIGHT, NOT_YET, NOT_ATTEMPTED = "Right.", "Not yet.", "Not attempted yet."
_SIGNS = {RIGHT: "✓", NOT_YET: "→", NOT_ATTEMPTED: "○"}  # words carry the meaning, signs help
LONGEST_PRINT = 300  # characters of what a learner's code printed that a verdict repeats
_BARS = {RIGHT: "#009E73", NOT_YET: "#D55E00", NOT_ATTEMPTED: "#8A8A8A"}


class NotYet(Exception):
    """The answer is not right yet; the text tells the learner what is wrong."""


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
        Shown with a right answer, and in the solution.
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

    @property
    def done(self) -> bool:
        """Whether it was answered rightly, now or in an earlier session."""
        return self.name in progress_file.done()

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
    def imported(self) -> str:
        """The first line of its cell."""
        return f"from course_utils.exercises.chapter_{self.chapter:02} import {self.name}"

    @property
    def cell(self) -> str:
        """The notebook's cell, as the learner finds it."""
        return self._cell(self.stub)

    @property
    def solved_cell(self) -> str:
        """The notebook's cell with the solution in it."""
        return self._cell(self.answer)

    def _cell(self, code: str) -> str:
        gap = "\n\n\n" if re.match(r"(def|@|class) ?", code.strip()) else "\n\n"
        return f"{self.imported}{gap}{code.strip()}{gap}{self.name}.check({self.passed})"

    @property
    def help_cell(self) -> str:
        """The cell below it, which shows hints and the solution to unfold."""
        return f"{self.name}.help"

    def grade(self, *answers: Any) -> str | None:
        """Look at an answer; return what else to say if it is right.

        Raises
        ------
        NotYet, NotAttempted
        """
        raise NotImplementedError

    def check(self, *answers: Any) -> Verdict:
        """Say whether an answer is right, and why; never raise, whatever the answer is.

        A right answer is remembered, see :mod:`course_utils.exercises.progress_file`.
        """
        verdict = self.judge(*answers)
        if verdict.right:
            progress_file.record(self.name)
        return verdict

    def judge(self, *answers: Any) -> Verdict:
        """As `check`, but nothing is remembered."""
        with guard.listening() as printed:
            verdict = self._verdict(answers)
        if verdict.kind == NOT_YET and printed:
            shown = " ".join("".join(printed).split())[-LONGEST_PRINT:]
            return Verdict(NOT_YET, f"{verdict.because} (Your code printed: `{shown}`.)")
        return verdict

    def _verdict(self, answers: tuple[Any, ...]) -> Verdict:
        try:
            with guard.time_limit(guard.SECONDS):
                more = self._graded(answers)
        except NotAttempted:
            return Verdict(
                NOT_ATTEMPTED,
                "Replace the `...` and run the cell again. There are hints below.",
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
        return Verdict(RIGHT, f"{self.why} {more or ''}".strip())

    def _graded(self, answers: tuple[Any, ...]) -> str | None:
        if any(answer is ... for answer in answers):
            raise NotAttempted
        if len(answers) != self.num_answers:
            raise NotYet(f"the check needs all of this: `{self.name}.check({self.passed})`.")
        return self.grade(*answers)

    @property
    def num_answers(self) -> int:
        """How many things the notebook passes to `check`."""
        call = ast.parse(f"check({self.passed})", mode="eval").body
        assert isinstance(call, ast.Call)
        return len(call.args)

    @property
    def help(self) -> Folded:
        """Three hints and the solution, each folded away until it is asked for."""
        number = len(self.hints)
        hints = [(f"Hint {n} of {number}", text) for n, text in enumerate(self.hints, start=1)]
        solution = f"```\n{self.answer.strip()}\n```\n\n{self.why}"
        return Folded((*hints, (f"Solution of exercise {self.label}", solution)))

    @property
    def label(self) -> str:
        """Its number as people write it, such as 2.1."""
        return ".".join(map(str, self.number))


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
