"""The results ledger: the measured numbers that decks show and the claims that texts make.

``python -m tools.author.results`` measures them and writes ``assets/results.json``. Nobody types a
number into it, and a checksum notices who does::

    from course_utils.metrics import ledger

    print(ledger.value("short-lenet.test.accuracy"))  # the number, its unit and its interval
    print(ledger.claim("shift-raises-ece"))           # supported, undecided or refuted

A key is ``<network>.<images>.<measure>``, with the names of `course_utils.networks.zoo`.

Some thirty claims are judged at a level of 95 % each, and the level is not corrected for their
number: of thirty true ties one or two would look decided. Most differences are many times as large
as their intervals, and those say more than the verdict. Where a claim compares with a round number
("less than 5 %"), that number was chosen with the result in view.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = [
    "INTERVALS",
    "Claim",
    "Entry",
    "Ledger",
    "LedgerError",
    "Pair",
    "checksum",
    "claim",
    "judge",
    "load",
    "value",
]

FILE = Path(__file__).parents[1] / "assets" / "results.json"
VERSION = 2
REPAIR = "install the course again, or measure again with python -m tools.author.results"
DASH = "\N{EN DASH}"

INTERVALS = {
    "images": "95 % bootstrap over the images, the same draws for all networks",
    "ece": "at least 95 %: the bins together are off by no more in 95 % of bootstrap draws",
    "subsets": "range over subsets of one ensemble",
    "exact": "counted, not estimated",
}
"""What the two ends of an entry mean, by the kind that the ledger stores."""


class LedgerError(RuntimeError):
    """A ledger that cannot be trusted, or a key it does not have; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """One measured number.

    Attributes
    ----------
    key : str
    value, low, high : float
        The number and the ends of its interval, in `unit`; the ends are None without interval.
    interval : str
        What the ends mean, one of the keys of `INTERVALS`.
    unit : str
        ``"%"``, ``"nats"``, or ``""`` for a pure number.
    n : int or None
        How many images or subsets are behind it.
    """

    key: str
    value: float
    low: float | None
    high: float | None
    interval: str
    unit: str
    n: int | None

    def __str__(self) -> str:
        decimals = _decimals(self.value, self.low, self.high)
        shown = _with_unit(f"{self.value:,.{decimals}f}", self.unit)
        if self.low is None or self.high is None:
            return shown
        return f"{shown} ({self.low:,.{decimals}f}{DASH}{self.high:,.{decimals}f})"

    def __format__(self, specification: str) -> str:
        """``f"{entry:.2f}"`` shows the value and its unit with two decimals."""
        if not specification:
            return str(self)
        return _with_unit(format(self.value, specification), self.unit)


@dataclass(frozen=True)
class Pair:
    """Two numbers of which the first is claimed to be the greater.

    Attributes
    ----------
    greater, smaller : str or float
        A key of the ledger, or a fixed number to compare with.
    difference, low, high : float
        Greater minus smaller, and its interval. The ends leave room for the Monte-Carlo error of
        the bootstrap (`course_utils.metrics.resampling.verdict_interval`), so that another seed
        gives the same verdict.
    """

    greater: str | float
    smaller: str | float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Claim:
    """A claim of direction: in every pair the first number is the greater one.

    Attributes
    ----------
    id : str
    statement : str
        What is claimed, with the networks it is about. It holds for these weights, not for others.
    says : str
        The words that carry it: every sentence marked with this claim has them.
    pairs : tuple of Pair
    """

    id: str
    statement: str
    says: str
    pairs: tuple[Pair, ...]

    @property
    def verdict(self) -> str:
        """``"supported"``, ``"undecided"`` or ``"refuted"``, by the rule of `judge`."""
        return judge([(pair.low, pair.high) for pair in self.pairs])

    def __str__(self) -> str:
        return f"{self.statement}: {self.verdict}"


def judge(intervals: list[tuple[float, float]]) -> str:
    """Verdict on "all these differences are above 0".

    Returns
    -------
    str
        ``"supported"`` where all intervals lie above 0, ``"refuted"`` where one lies below,
        ``"undecided"`` otherwise.
    """
    if not intervals or not all(low <= high for low, high in intervals):
        raise ValueError("A verdict needs intervals, each from its lower to its upper end.")
    if all(low > 0 for low, _ in intervals):
        return "supported"
    return "refuted" if any(high < 0 for _, high in intervals) else "undecided"


class Ledger:
    """The content of one ledger file.

    Attributes
    ----------
    entries : dict of str to Entry
    claims : dict of str to Claim
    weights : dict of str to str
        sha256 of the weights that were measured, by name.
    measured : dict
        ``device``, ``versions`` of packages, ``images`` (name and sha256), ``command``.

    Raises
    ------
    LedgerError
        If the content is of another version, or not what was measured.
    """

    def __init__(self, content: Any, name: str = "results.json") -> None:
        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise LedgerError(f"The results ledger {name} is not of version {VERSION}: {REPAIR}.")
        if content.get("checksum") != checksum(content):
            raise LedgerError(f"The results ledger {name} was changed by hand: {REPAIR}.")
        self.name = name
        self.measured: dict[str, Any] = content["measured"]
        self.weights: dict[str, str] = content["weights"]
        self.entries = {key: Entry(key, *row) for key, row in content["entries"].items()}
        self.claims = {
            claim_id: Claim(claim_id, statement, says, tuple(Pair(*row) for row in rows))
            for claim_id, (statement, says, rows) in content["claims"].items()
        }

    def value(self, key: str) -> Entry:
        """The entry of one key; a LedgerError names the nearest ones if there is none."""
        return self._found("result", key, self.entries)

    def claim(self, claim_id: str) -> Claim:
        """One claim with its verdict; a LedgerError names the nearest ones if there is none."""
        return self._found("claim", claim_id, self.claims)

    def _found(self, kind: str, wanted: str, known: dict[str, Any]) -> Any:
        if wanted in known:
            return known[wanted]
        near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise LedgerError(f"The results ledger {self.name} has no {kind} {wanted!r}.{hint}")


def checksum(content: dict[str, Any]) -> str:
    """sha256 of everything in a ledger but its ``"checksum"``."""
    rest = {part: of_part for part, of_part in content.items() if part != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


@cache
def load(path: Path = FILE) -> Ledger:
    """Read and check a ledger, by default the one that comes with the course.

    Raises
    ------
    LedgerError
        If it is missing, damaged, of another version, or was changed by hand.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LedgerError(f"The results ledger {path.name} cannot be read: {REPAIR}.") from error
    return Ledger(content, path.name)


def value(key: str) -> Entry:
    """The entry of one key of the course's ledger, see `Ledger.value`."""
    return load().value(key)


def claim(claim_id: str) -> Claim:
    """One claim of the course's ledger with its verdict, see `Ledger.claim`."""
    return load().claim(claim_id)


def _decimals(number: float, low: float | None, high: float | None) -> int:
    """So many that the width of the interval shows one digit, or the number three."""
    width = 0.0 if low is None or high is None else high - low
    if width > 0:
        # a little over one digit: 0.24 wide shows tenths, 0.096 wide hundredths
        return max(0, -math.floor(math.log10(width) + 1e-9))
    if number == int(number):
        return 0
    return max(0, 2 - math.floor(math.log10(abs(number))))


def _with_unit(shown: str, unit: str) -> str:
    return f"{shown} {unit}" if unit else shown
