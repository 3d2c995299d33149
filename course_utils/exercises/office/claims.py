"""One sentence that promises a risk: find its number, and say afterwards whether it was kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from course_utils.figures import style
from course_utils.metrics.intervals import wilson_interval

from . import OfficeError

LONGEST = 200  # letters of a claim
_NUMBER = r"(?<![\w.,-])-?\d+(?:[.,]\d+)?"
_PERCENT = re.compile(rf"({_NUMBER})\s*(?:%|per ?cent\b)", re.IGNORECASE)
_ONE_IN = re.compile(
    r"(?<![\w.,-])(\d+)\s+(?:in|of|out of)\s+(?:every\s+)?(\d[\d,]*)", re.IGNORECASE
)
_SHARE = re.compile(r"(?<![\w.,-])0?\.\d+(?!\w)")
EXAMPLE = '"At most 1 % of what we answer is wrong."'


def tidied(text: object, what: str, longest: int = LONGEST) -> str:
    """A learner's words on one line, without letters that cannot be printed.

    Raises
    ------
    OfficeError
        If it is no text, or too long.
    """
    if not isinstance(text, str):
        raise OfficeError(f"{what} is a text in quotation marks, not a `{type(text).__name__}`.")
    text = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    if len(text) > longest:
        raise OfficeError(f"{what} has {len(text)} letters: {longest} must do.")
    return text


def claimed_risk(claim: str, risk: object = None) -> float:
    """The risk that a sentence claims, a share.

    Parameters
    ----------
    claim : str
        Has one number, such as "1 %", "1 in 100" or "0.01", unless `risk` is given.
    risk : float, optional
        The number itself.

    Raises
    ------
    OfficeError
        If there is no sentence, or its number cannot be told, or is no share.
    """
    if len(re.findall(r"\w+", claim)) < 3:
        raise OfficeError(f"Claim a risk in one sentence, such as {EXAMPLE}")
    if risk is not None:
        if isinstance(risk, bool) or not isinstance(risk, (int, float)):
            raise OfficeError(f"`risk` is a share such as 0.01, not a `{type(risk).__name__}`.")
        return _checked(float(risk), "as a share: 1 % is 0.01")
    found = [float(number.replace(",", ".")) / 100 for number in _PERCENT.findall(claim)]
    if not found:
        pairs = [(int(a), int(b.replace(",", ""))) for a, b in _ONE_IN.findall(claim)]
        found = [a / b for a, b in pairs if b]
    if not found:
        found = [float(number) for number in _SHARE.findall(claim)]
    if not found:
        raise OfficeError(
            f"There is no risk in this sentence. Write one, such as {EXAMPLE}, or give it as a "
            "number: `risk=0.01`."
        )
    if len(set(found)) > 1:
        listed = style.listing([style.percent(one) for one in found])
        raise OfficeError(
            f"There are several numbers in this sentence ({listed}): give the risk that you mean "
            "as a number, `risk=0.01`."
        )
    return _checked(found[0], "between 0 and 100 %")


def _checked(risk: float, advice: str) -> float:
    if not 0 <= risk <= 1:  # NaN is not either
        raise OfficeError(f"A risk of {risk:g} cannot be: give it {advice}.")
    return risk


@dataclass(frozen=True)
class Promise:
    """What became of a claim on one day.

    Attributes
    ----------
    claimed : float
        At most this share of the answers was to be wrong.
    wrong, answered : int
        What was.
    wrong_at_all, images : int
        The same for the network, had it answered every image.
    """

    claimed: float
    wrong: int
    answered: int
    wrong_at_all: int
    images: int

    @property
    def interval(self) -> tuple[float, float]:
        """Where the risk of many such days lies, with 95 % confidence; 0 to 1 without answers."""
        if not self.answered:
            return 0.0, 1.0
        low, high = wilson_interval(self.wrong, self.answered)
        return float(low), float(high)

    @property
    def verdict(self) -> str:
        """``"kept"``, ``"broken"``, or ``"not tested"`` where nothing was answered."""
        if not self.answered:
            return "not tested"
        return "kept" if self.wrong <= self.claimed * self.answered else "broken"

    @property
    def because(self) -> str:
        """The numbers behind the verdict, and how far they can be trusted, in two sentences."""
        if not self.answered:
            return (
                "Nothing was answered. A policy that refers every image makes no mistake, and "
                "promises nothing either."
            )
        low, high = self.interval
        said = (
            f"{self.wrong:,} of {style.plural(self.answered, 'answer')} were wrong, "
            f"{100 * self.wrong / self.answered:.2f} %, where at most "
            f"{style.percent(self.claimed)} was claimed. On many such days the risk is between "
            f"{style.percent(low)} and {style.percent(high)}, with 95 % confidence: "
        )
        if self.verdict == "kept" and self.wrong_at_all <= self.claimed * self.images:
            return said + "but answering every image would have kept this promise, too."
        if self.verdict == "kept":
            if high <= self.claimed:
                return said + "below the claim."
            return said + "another such day might break the promise."
        if low > self.claimed:
            return said + "bad luck does not explain it."
        return said + "this may have been bad luck."
