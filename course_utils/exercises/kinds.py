"""Four kinds of exercises: write a function, give a number, choose an answer, build a thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import guard
from .exercise import Exercise, NotAttempted, NotYet

if TYPE_CHECKING:
    from .question import Question


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that many give, and what to say to them.

    Attributes
    ----------
    answer : callable, float or str
        What they compute: for the inputs of a function exercise, a function; otherwise the value.
    hint : str
        Why it is wrong, without giving the solution away.
    """

    answer: Any
    hint: str


@dataclass(eq=False, kw_only=True)
class Function(Exercise):
    """Write a function; it is tried on inputs that the learner does not see in the task.

    Attributes
    ----------
    reference : callable
        The right function; returns a number or an array.
    inputs : callable
        Returns the argument tuples to try, made anew for every check.
    misconceptions : sequence of Misconception
        Looked through in order where an answer is wrong.
    tolerance : float
        Absolute and relative; what rounding may do.
    examine : callable, optional
        ``examine(function)``: more requirements, stated by raising `NotYet`.
    """

    reference: Callable[..., Any]
    inputs: Callable[[], Sequence[tuple[Any, ...]]]
    misconceptions: Sequence[Misconception] = ()
    tolerance: float = 1e-6
    examine: Callable[[Callable[..., Any]], None] | None = None

    def grade(self, *answers: Any) -> str | None:
        """Compare with the reference on all inputs; name the misconception that explains a miss."""
        function = _only(answers)
        if not callable(function):
            raise NotYet(
                f"this is {_kind(function)}, not a function. Pass the function itself, without "
                "calling it: its name without parentheses."
            )
        tried = []
        for given in self.inputs():
            value = guard.call(function, *given)
            if value is ... or value is NotImplemented:
                raise NotAttempted
            if value is None:
                raise NotYet("your function returns `None`: is the `return` missing?")
            expected = np.asarray(self.reference(*given))
            tried.append((given, as_array(value, expected.shape), expected))
        for given, value, expected in tried:
            if not self._equal(value, expected):
                raise NotYet(self._explain(tried, given, value, expected))
        if self.examine is not None:
            self.examine(function)
        return None

    def _equal(self, value: np.ndarray, expected: Any) -> bool:
        expected = np.asarray(expected, dtype=float)
        return value.shape == expected.shape and bool(
            np.allclose(value, expected, rtol=self.tolerance, atol=self.tolerance, equal_nan=True)
        )

    def _explain(self, tried: list, given: tuple, value: np.ndarray, expected: np.ndarray) -> str:
        for misconception in self.misconceptions:
            if all(self._equal(found, misconception.answer(*inputs)) for inputs, found, _ in tried):
                return misconception.hint
        if np.isnan(value).any():
            return (
                "your function returns NaN (not a number) for some input. Is something divided by "
                "0, or the logarithm of 0 taken?"
            )
        shown = ", ".join(_short(one) for one in given)
        return f"for the input `{shown}` your function gives `{_short(value)}`, and " + (
            f"`{_short(expected)}` is right."
        )


@dataclass(eq=False, kw_only=True)
class Number(Exercise):
    """Give one number: read off a figure, or computed.

    Attributes
    ----------
    expected : float or callable
        A callable takes what is passed to ``check`` after the answer: results that depend on the
        learner's own run.
    tolerance : float
        Absolute; what reading off may miss.
    misconceptions : sequence of Misconception
        Their answers are floats, or callables as `expected`.
    unit : str
    """

    expected: float | Callable[..., float]
    tolerance: float
    misconceptions: Sequence[Misconception] = ()
    unit: str = ""

    def grade(self, *answers: Any) -> str | None:
        """Compare; name the misconception that explains a miss, or the direction."""
        if not answers:
            raise NotYet("pass your answer, a number.")
        if answers[0] is None:
            raise NotYet("this is `None`, not a number: nothing has been computed yet.")
        value, more = float(as_array(answers[0], ())), answers[1:]
        if np.isnan(value):
            raise NotYet("this is NaN, not a number.")
        expected = _at(self.expected, more)
        if abs(value - expected) <= self.tolerance:
            return None
        for misconception in self.misconceptions:
            mistaken = _at(misconception.answer, more)
            if abs(value - mistaken) <= min(self.tolerance, abs(mistaken) / 20):
                raise NotYet(misconception.hint)
        unit = f" {self.unit}" if self.unit else ""
        direction = "less" if value > expected else "more"
        raise NotYet(f"{value:g}{unit} is not it: look for {direction}.")


@dataclass(eq=False, kw_only=True)
class Choice(Exercise):
    """Choose one of several answers by clicking; each wrong one is told why.

    Attributes
    ----------
    correct : str or callable
        Letter of the right answer; a callable takes what is passed to ``check`` after the answer.
    options : mapping of letter to str
    reasons : mapping of letter to str
        Shown to those who chose it. The right one may have none: `why` is shown in any case.
    """

    correct: str | Callable[..., str]
    options: Mapping[str, str]
    reasons: Mapping[str, str]

    def grade(self, *answers: Any) -> str | None:
        """Compare letters; say why the chosen one is wrong."""
        if not answers:
            raise NotYet(f"pass your choice: {self._letters()}.")
        choice, more = answers[0], answers[1:]
        if not isinstance(choice, str) or choice.strip().lower() not in self.options:
            raise NotYet(f"choose one of {self._letters()}, as text in quotation marks.")
        choice = choice.strip().lower()
        correct = self.correct(*more) if callable(self.correct) else self.correct
        if choice != correct:
            raise NotYet(self.reasons[choice])
        # where the right letter depends on the run, each reason says why its letter would be wrong
        return None if callable(self.correct) else self.reasons.get(choice)

    @property
    def cell(self) -> str:
        """The notebook's cell, which shows the question to click on."""
        _, *more = self.passed.split(", ")
        return f"{self.imported}\n\n{self.name}.ask({', '.join(more)})"

    def ask(self, *more: Any) -> Question:
        """The question with its answers to click on.

        Parameters
        ----------
        *more
            What the right answer depends on, if anything: results of the learner's own run.
        """
        from .question import ask

        return ask(self, *more)

    def _letters(self) -> str:
        *first, last = (f'`"{letter}"`' for letter in self.options)
        return f"{', '.join(first)} or {last}"


@dataclass(eq=False, kw_only=True)
class Built(Exercise):
    """Build something that works, such as a control that moves a figure.

    Attributes
    ----------
    try_out : callable
        Gets what is passed to ``check``, uses it, and raises `NotYet` where it does not work.
    """

    try_out: Callable[..., None]

    def grade(self, *answers: Any) -> str | None:
        """Use it, and say what does not work."""
        if not answers or any(answer is ... for answer in answers):
            raise NotAttempted
        self.try_out(*answers)
        return None


def as_array(value: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """A learner's value as float64, or a sentence that says what it should be."""
    if value is ...:
        raise NotAttempted
    if value is None:
        raise NotYet("this is `None`: is a `return` missing, or does the name still hold nothing?")
    if isinstance(value, (bool, str, bytes)) or callable(value):
        raise NotYet(f"this is {_kind(value)} where a number or an array is expected.")
    if hasattr(value, "detach"):  # a tensor, perhaps with a graph behind it or on a GPU
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise NotYet(f"this is {_kind(value)} where a number or an array is expected.") from None
    if shape is not None and array.shape != shape:
        if array.size == 1 and shape == ():
            return array.reshape(())
        raise NotYet(f"the shape is {_shape(array.shape)}, and {_shape(shape)} is expected.")
    return array


def _only(answers: tuple[Any, ...]) -> Any:
    if len(answers) != 1:
        raise NotYet(f"pass one answer, not {len(answers)}.")
    return answers[0]


def _at(value: Any, more: tuple[Any, ...]) -> float:
    return float(value(*more) if callable(value) else value)


def _shape(shape: tuple[int, ...]) -> str:
    return "a single number" if shape == () else f"`[{', '.join(map(str, shape))}]`"


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} `{name}`"


def _short(value: Any) -> str:
    """A value on one short line."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        text = np.array2string(value, precision=4, separator=", ", threshold=12, edgeitems=2)
    elif isinstance(value, float):
        text = f"{value:.4g}"
    else:
        text = repr(value)
    text = " ".join(text.split())
    return text if len(text) <= 120 else text[:117] + "…"
