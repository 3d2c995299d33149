"""The results ledger: every measured number that the course's texts use, from one file.

``make results`` measures and writes ``assets/results.json``; nobody types a number into it::

    from course_utils.metrics import ledger

    print(ledger.value("deep-ensemble-8.test.accuracy"))   # the number, its unit and its interval
    print(ledger.claim("more-members-lower-nll"))          # supported, undecided or refuted

Keys are ``<model>.<images>.<measure>``: ``lenet-0.test.nll``, ``lenet-0.ood.energy.auroc``. Models
are the names of `course_utils.networks.zoo`; ``live-lenet`` and the like are trained in the
lessons, over several seeds; ``published.…`` is what others report.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "INTERVALS",
    "KNOWN_DATA",
    "Claim",
    "Entry",
    "Ledger",
    "LedgerError",
    "claim",
    "claims",
    "judge",
    "keys",
    "load",
    "table",
    "value",
]

FILE = Path(__file__).parents[1] / "assets" / "results.json"
VERSION = 1
FIX = "get it again from the course's repository, or measure anew with make results"

# What the numbers are about: sha256 of all pixels and labels (`ImageSet.content_hash`).
KNOWN_DATA = {
    "MNIST train": "0dcf8ec61dddb61495c32d4cb10aeda319a4275337ca5cc33e70450a3c44f0bb",
    "MNIST test": "a0863a96c44e5666edbb30c4071ee79ca0514c621e6349c5967fc78e7305c891",
    "Fashion-MNIST test": "9a494dc49efeb996f4076c469b31cd058152067b1594ba6ab85dd739fce3775e",
    # chosen on: thresholds, temperatures, sets
    "MNIST val": "c1c57bcbf933186747db2a759c868852d50bad3c23b80ada85a1826a70d5ca76",
    "Fashion-MNIST val": "43c5f23841b46d2e20eb0bcc012ebf12d2764315e5d9465a251d85c63b16348a",
}

INTERVALS = {
    "images": "95 % bootstrap over the images, the same draws for all models",
    "images-reflected": "95 % bootstrap over the images, reflected at the estimate",
    "images-seeds": "95 %, spread over images (bootstrap) and over seeds (t) added in quadrature",
    "binomial": "95 % Clopper-Pearson: no error was seen, so the bootstrap is silent",
    "splits": "95 % bootstrap over random splits of the same images",
    "chance": "the middle 95 % of what chance alone brings",
    "chosen": "chosen to compare with, not measured",
    "subsets": "range over subsets of one ensemble",
    "seeds": "range over seeds",
    "seeds-t": "95 % t interval over paired seeds",
    "single": "one run, no interval",
    "exact": "counted, not estimated",
    "published": "as published, no interval",
}
"""What the two ends of an entry mean, by the kind that the ledger stores."""

DASH = "\N{EN DASH}"


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
        ``"%"``, ``"nats"``, ``"s"``, or ``""`` for a pure number.
    n : int or None
        How many images, seeds or subsets are behind it.
    device : str
    versions : dict of str to str
        Of the packages that measured it.
    data : dict of str to str
        Name of each image set and its sha256.
    command : str
        Measures it again.
    """

    key: str
    value: float
    low: float | None
    high: float | None
    interval: str
    unit: str
    n: int | None
    device: str
    versions: dict[str, str]
    data: dict[str, str]
    command: str

    def __str__(self) -> str:
        return self._shown(_decimals(self.value, self.low, self.high))

    def __format__(self, specification: str) -> str:
        """``f"{entry:.2f}"`` shows the value and its unit with two decimals."""
        if not specification:
            return str(self)
        return _with_unit(format(self.value, specification), self.unit)

    def _shown(self, decimals: int) -> str:
        shown = _with_unit(f"{self.value:,.{decimals}f}", self.unit)
        if self.low is None or self.high is None:
            return shown
        return f"{shown} ({self.low:,.{decimals}f}{DASH}{self.high:,.{decimals}f})"

    @property
    def described(self) -> str:
        """The number with everything that belongs to it, in one line."""
        count = "" if self.n is None else f", n = {self.n:,}"
        return f"{self} [{INTERVALS[self.interval]}{count}; {self.device}; {self.command}]"


@dataclass(frozen=True)
class Claim:
    """A claim of direction, and what the measurements say to it.

    Attributes
    ----------
    id : str
    statement : str
        What is claimed, with the networks it is about.
    first, second : tuple of str
        Keys compared; several are averaged.
    difference, low, high : float
        First minus second and the interval of that difference, in `unit`.
    better : str
        ``"higher"`` or ``"lower"``: where the claim says that the first lies.
    margin : float
        0 for a claim that the first is better; else how much worse it may be and still count as
        close.
    unit, interval : str
        As for `Entry`.
    n : int or None
    verdict : str
        ``"supported"``, ``"undecided"`` or ``"refuted"``, by the rule of `judge`.
    """

    id: str
    statement: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    difference: float
    low: float
    high: float
    better: str
    margin: float
    unit: str
    interval: str
    n: int | None
    verdict: str

    def __str__(self) -> str:
        decimals = _decimals(self.difference, self.low, self.high)
        shown = _with_unit(f"{self.difference:+.{decimals}f}", self.unit)
        ends = f"{self.low:+.{decimals}f} to {self.high:+.{decimals}f}"
        return f"{self.statement}: {self.verdict}, difference {shown} ({ends})"


def judge(low: float, high: float, better: str, margin: float = 0.0) -> str:
    """Verdict on "the first is better than the second", or with a margin "… is close to it".

    Parameters
    ----------
    low, high : float
        Interval of first minus second.
    better : {"higher", "lower"}
    margin : float
        The first may be worse by this much. At 0 the interval must exclude 0.

    Returns
    -------
    str
        ``"supported"`` where the whole interval lies on the claimed side of minus the margin,
        ``"refuted"`` where it lies on the other, ``"undecided"`` otherwise.
    """
    if better not in ("higher", "lower"):
        raise ValueError(f"Better is {better!r}: it must be 'higher' or 'lower'.")
    if not low <= high:
        raise ValueError(f"The interval from {low} to {high} has no width: check the measurement.")
    if margin < 0:
        raise ValueError(f"The margin must be at least 0, got {margin}.")
    if better == "lower":
        low, high = -high, -low
    if low > -margin:
        return "supported"
    if high < -margin:
        return "refuted"
    return "undecided"


class Ledger:
    """The content of one ledger file; `load` reads and checks it."""

    def __init__(self, content: dict[str, Any], name: str = "results.json") -> None:
        self._check(content, name)
        self.name = name
        self.sources: dict[str, dict] = content["sources"]
        self.weights: dict[str, dict[str, str]] = content["weights"]
        self._rows: dict[str, list] = content["entries"]
        self._claims: dict[str, dict] = content["claims"]

    @staticmethod
    def _check(content: Any, name: str) -> None:
        if not isinstance(content, dict) or "version" not in content:
            raise LedgerError(f"The results ledger {name} has no version: {FIX}.")
        if content["version"] != VERSION:
            raise LedgerError(
                f"The results ledger {name} has version {content['version']}, this package reads"
                f" {VERSION}: bring both to the same release (git pull), or run make results."
            )
        for part in ("sources", "weights", "entries", "claims"):
            if not isinstance(content.get(part), dict):
                raise LedgerError(f"The results ledger {name} lacks its {part}: {FIX}.")
        for source_name, source in content["sources"].items():
            if not _is_source(source):
                raise LedgerError(
                    f"The source {source_name!r} of the ledger {name} is damaged: {FIX}."
                )
            for images, content_hash in source["data"].items():
                if KNOWN_DATA.get(images) != content_hash:
                    raise LedgerError(
                        f"The results ledger {name} was made with other data: its {images} is not"
                        " the one this course knows. Run make results on the full data sets."
                    )
        for key, row in content["entries"].items():
            if not _is_row(row, content["sources"]):
                raise LedgerError(f"The entry {key!r} of the ledger {name} is damaged: {FIX}.")
        for claim_id, stored in content["claims"].items():
            try:
                known = set(stored["first"]) | set(stored["second"])
                agrees = stored["verdict"] == judge(
                    stored["low"], stored["high"], stored["better"], stored["margin"]
                ) and all(_is_number(stored[part]) for part in ("difference", "low", "high"))
                Claim(id=claim_id, **stored)
            except (KeyError, TypeError, ValueError) as error:
                raise LedgerError(
                    f"The claim {claim_id!r} of the ledger {name} is damaged: {FIX}."
                ) from error
            if not agrees or not known <= content["entries"].keys():
                raise LedgerError(
                    f"The claim {claim_id!r} of the ledger {name} does not follow from its own"
                    f" numbers: {FIX}."
                )

    def keys(self, start: str = "") -> list[str]:
        """All keys, or those that begin with `start`."""
        return [key for key in self._rows if key.startswith(start)]

    def value(self, key: str) -> Entry:
        """The entry of one key.

        Raises
        ------
        LedgerError
            If there is none; the message names the nearest keys.
        """
        if key not in self._rows:
            raise LedgerError(_unknown("result", key, list(self._rows), self.name))
        number, low, high, interval, unit, n, source = self._rows[key]
        described = self.sources[source]
        return Entry(
            key,
            number,
            low,
            high,
            interval,
            unit,
            n,
            described["device"],
            described["versions"],
            described["data"],
            described["command"],
        )

    def table(self, models: Sequence[str], measures: Sequence[str] | None = None) -> pd.DataFrame:
        """Entries side by side, as text with intervals: a row for each measure.

        Parameters
        ----------
        models : sequence of str
            First parts of keys, such as ``"lenet-0"``: the columns.
        measures : sequence of str, optional
            Last parts of keys, such as ``"test.accuracy"``; by default all that the first model
            has. An empty cell where a model lacks one.
        """
        import pandas as pd

        for model in models:
            if not self.keys(f"{model}."):
                known = [key.split(".")[0] for key in self._rows]
                raise LedgerError(_unknown("model", model, known, self.name))
        if measures is None:
            measures = [key.removeprefix(f"{models[0]}.") for key in self.keys(f"{models[0]}.")]
        cells = {
            model: [
                str(self.value(f"{model}.{measure}")) if f"{model}.{measure}" in self._rows else ""
                for measure in measures
            ]
            for model in models
        }
        return pd.DataFrame(cells, index=pd.Index(measures, name="measure"))

    def claim(self, claim_id: str) -> Claim:
        """One claim of direction with its verdict."""
        if claim_id not in self._claims:
            raise LedgerError(_unknown("claim", claim_id, list(self._claims), self.name))
        stored = self._claims[claim_id]
        pair = {side: tuple(stored[side]) for side in ("first", "second")}
        return Claim(id=claim_id, **(stored | pair))

    def claims(self) -> pd.DataFrame:
        """All claims: statement, difference, interval, unit and verdict."""
        import pandas as pd

        columns = ("statement", "difference", "low", "high", "unit", "margin", "verdict")
        rows = {
            claim_id: [stored[column] for column in columns]
            for claim_id, stored in self._claims.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=list(columns))


def load(path: Path | str | None = None) -> Ledger:
    """Read and check a ledger, by default the one that comes with the course.

    Raises
    ------
    LedgerError
        If it is missing, damaged, of another version, or made with other data.
    """
    return _read(FILE if path is None else Path(path))


@cache
def _read(path: Path) -> Ledger:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LedgerError(f"There is no results ledger {path.name}: {FIX}.") from error
    except (OSError, ValueError) as error:
        raise LedgerError(f"The results ledger {path.name} cannot be read: {FIX}.") from error
    return Ledger(content, path.name)


def value(key: str) -> Entry:
    """The entry of one key of the course's ledger, see `Ledger.value`."""
    return load().value(key)


def keys(start: str = "") -> list[str]:
    """Keys of the course's ledger that begin with `start`."""
    return load().keys(start)


def table(models: Sequence[str], measures: Sequence[str] | None = None) -> pd.DataFrame:
    """Results of several models side by side, see `Ledger.table`."""
    return load().table(models, measures)


def claim(claim_id: str) -> Claim:
    """One claim of direction with its verdict, see `Ledger.claim`."""
    return load().claim(claim_id)


def claims() -> pd.DataFrame:
    """All claims of direction, see `Ledger.claims`."""
    return load().claims()


def _is_row(row: Any, sources: dict) -> bool:
    if not isinstance(row, list) or len(row) != 7:
        return False
    number, low, high, interval, unit, n, source = row
    return (
        _is_number(number)
        and (
            (low is None and high is None) or (_is_number(low) and _is_number(high) and low <= high)
        )
        and (n is None or _is_number(n))
        and all(isinstance(text, str) for text in (interval, unit, source))
        and interval in INTERVALS
        and source in sources
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_source(source: Any) -> bool:
    kinds = {"device": str, "versions": dict, "data": dict, "command": str}
    return isinstance(source, dict) and all(
        isinstance(source.get(part), kind) for part, kind in kinds.items()
    )


def _unknown(kind: str, name: str, known: list[str], ledger: str) -> str:
    near = difflib.get_close_matches(name, dict.fromkeys(known), n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"The results ledger {ledger} has no {kind} {name!r}.{hint}"


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
