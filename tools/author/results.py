"""Measure every number of the course's decks and claims, and write the results ledger.

    python -m tools.author.results

The numbers of the decks are listed here, the claims in ``result_claims.py``, and
``result_measures.py`` measures both from the shipped weights and images. It takes minutes.
"""

from __future__ import annotations

import json
import time
from importlib.metadata import version
from typing import Any

from course_utils._support.atomic import write_whole
from course_utils.metrics import ledger
from course_utils.networks import training, zoo
from tools.author.result_claims import CLAIMS, Pairs
from tools.author.result_measures import Laboratory, Measured, difference

PACKAGES = ("torch", "torch-uncertainty", "scikit-learn", "numpy", "scipy")
MODEST, EIGHT = "modest-lenet-0", "modest-deep-ensemble-8"
SHORT = ("short-lenet", "short-deep-ensemble-2", "short-packed-4")

# What the decks show.
SHOWN = [
    *(
        f"{name}.test.{measure}"
        for name in (MODEST, EIGHT)
        for measure in ("accuracy", "nll", "ece", "coverage-at-1-percent-risk")
    ),
    *(f"short-lenet.test.{measure}" for measure in ("brier", "ece", "aurc")),
    "short-lenet.ood.max-probability.fpr95",
    *(
        f"{EIGHT}.members-{count}.test.{measure}"
        for measure in ("accuracy", "nll", "ece")
        for count in range(1, 9)
    ),
    *(
        f"{name}.{measure}"
        for name in (MODEST, "modest-deep-ensemble-2", EIGHT, *SHORT)
        for measure in ("parameters", "flops")
    ),
    *(
        f"{name}.{measure}"
        for name in SHORT
        for measure in ("test.accuracy", "test.nll", "ood.max-probability.auroc")
    ),
]


def keys() -> list[str]:
    """All numbers that are measured: those of the decks, and those that claims compare."""
    compared = {number for *_, pairs in CLAIMS.values() for pair in pairs for number in pair}
    return sorted({*SHOWN, *(number for number in compared if isinstance(number, str))})


def row(measured: Measured) -> list[Any]:
    """An entry as the ledger stores it."""
    low, high = measured.interval
    ends = [None if end is None else rounded(end) for end in (low, high)]
    return [rounded(measured.value), *ends, measured.kind, measured.unit, measured.n]


def pair_rows(lab: Laboratory, pairs: Pairs) -> list[list[Any]]:
    """The pairs of a claim, each with its difference and the ends of that."""
    rows = []
    for pair in pairs:
        numbers = [lab.measured(one) if isinstance(one, str) else Measured(one) for one in pair]
        found = difference(*numbers)
        rows.append([*pair, *map(rounded, (found.estimate, found.low, found.high))])
    return rows


def rounded(number: float) -> float | int:
    """Six digits; counts stay whole."""
    return number if isinstance(number, int) else float(f"{number:.6g}")


def weights() -> dict[str, str]:
    """sha256 of all weights behind the numbers, by name."""
    networks = {key.split(".")[0].split("+")[0] for key in keys()}
    stored = {part for name in networks for part in zoo.facts(name).get("members", [name])}
    return {name: zoo.facts(name)["sha256"] for name in sorted(stored)}


def measure(lab: Laboratory) -> dict[str, Any]:
    """The content of the ledger."""
    entries = {}
    for number, key in enumerate(keys(), start=1):
        entries[key] = row(lab.measured(key))
        print(f"\r{number} of {len(keys())} numbers", end="", flush=True)
    print()
    images = [lab.images(which) for which in ("test", "val", "clothes", "val-clothes")]
    content = {
        "version": ledger.VERSION,
        "measured": {
            "command": "python -m tools.author.results",
            "device": "CPU",
            "versions": {name: version(name).split("+")[0] for name in PACKAGES},
            "images": {one.name: one.content_hash for one in images},
        },
        "weights": weights(),
        "entries": entries,
        "claims": {
            claim_id: [statement, says, pair_rows(lab, pairs)]
            for claim_id, (says, statement, pairs) in CLAIMS.items()
        },
    }
    return {**content, "checksum": ledger.checksum(content)}


def written(content: dict[str, Any]) -> str:
    """The ledger as JSON, a number or claim a line, so that changes can be read."""

    def lines(part: Any) -> str:
        if not isinstance(part, dict):
            return json.dumps(part)
        body = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in part.items())
        return f"{{\n{body}\n}}"

    body = ",\n".join(f"{json.dumps(name)}: {lines(part)}" for name, part in content.items())
    return f"{{\n{body}\n}}\n"


def main() -> None:
    """Measure, write, and say what came out."""
    started = time.perf_counter()
    training.quiet()
    text = written(measure(Laboratory()))
    checked = ledger.Ledger(json.loads(text))
    write_whole(ledger.FILE, text.encode())
    for claim in checked.claims.values():
        print(f"{claim.verdict:<10} {claim.id}")
    print(
        f"{len(checked.entries)} numbers and {len(checked.claims)} claims in {ledger.FILE.name}"
        f" ({len(text) / 1000:.0f} kB), {time.perf_counter() - started:.0f} s"
    )


if __name__ == "__main__":
    main()
