"""Prose says what the results ledger says: every text of the course, and planted lies."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from text_checks import MARKER, Allowed, Text, markdown_of, problems, read_allowed, texts

from course_utils import figures
from course_utils.metrics import ledger as results
from course_utils.metrics.ledger import Ledger
from course_utils.networks import zoo

REPOSITORY = Path(__file__).resolve().parents[1]
ALLOWED = REPOSITORY / "tests" / "texts_allowed.txt"
TEXTS = texts(REPOSITORY)


def claim(says: str, low: float, high: float) -> list:
    return ["Statement", says, [["one.test.nll", "many.test.nll", (low + high) / 2, low, high]]]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    content = {
        "version": results.VERSION,
        "measured": {},
        "weights": {},
        "entries": {},
        "claims": {
            "fewer-errors": claim("lower", 0.003, 0.004),
            "faster": claim("faster", -0.001, 0.002),
            "greener": claim("greener", -0.002, -0.001),
        },
    }
    return Ledger({**content, "checksum": results.checksum(content)})


def found(content: str, ledger: Ledger, allowed: list[Allowed] | None = None) -> list[str]:
    return problems(Text("README.md", content), ledger, allowed)


# The course's own texts


def test_there_are_texts_to_check():
    assert any(text.name == "notebooks/src/01_data.py" for text in TEXTS)
    assert all(text.content.strip() for text in TEXTS)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.name)
def test_the_text_agrees_with_the_ledger(text):
    wrong = problems(text, results.load(), read_allowed(ALLOWED))
    assert not wrong, "\n".join(wrong)


def test_the_ledger_has_the_claims_of_the_texts_and_no_others():
    marked = {match[1].split()[0] for text in TEXTS for match in MARKER.finditer(text.content)}
    assert marked == set(results.load().claims)


class Recorder:
    """Stands for the ledger in a cell of a deck, and notes what the cell asks for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def value(self, key: str) -> results.Entry:
        self.asked.add(key)
        return results.value(key)


def test_the_ledger_has_the_numbers_of_the_decks_and_of_its_claims_and_no_others():
    recorder = Recorder()
    known = {"ledger": recorder, "figures": figures, "np": np, "pd": pd, "zoo": zoo}
    for path in sorted((REPOSITORY / "slides" / "src").glob("*.py")):
        for cell in re.split(r"(?m)^# %%.*$", path.read_text(encoding="utf-8")):
            if "ledger.value" in cell:
                exec(cell, dict(known))
    course = results.load()
    compared = {
        number
        for claim in course.claims.values()
        for pair in claim.pairs
        for number in (pair.greater, pair.smaller)
        if isinstance(number, str)
    }
    assert recorder.asked | compared == set(course.entries)


def test_every_exact_allowance_is_needed():
    exact = [entry for entry in read_allowed(ALLOWED) if not entry.is_pattern]
    stale = [entry.wanted for entry in exact if not any(entry.spans(text) for text in TEXTS)]
    assert not stale, f"no text has {stale}: remove these lines from {ALLOWED.name}"


def test_the_list_of_allowances_is_short():
    assert len(read_allowed(ALLOWED)) <= 60


# What must pass


@pytest.mark.parametrize(
    "content",
    [
        "Members make the NLL *lower*.<!--claim:fewer-errors supported-->",
        "The NLL is lower:<!--claim:fewer-errors supported--> it has members. And so on.",
        "Lower or lower.<!--claim:fewer-errors supported--> Faster, maybe; it may be faster."
        "<!--claim:faster undecided-->",
        "First sentence. It may be faster<!--claim:faster undecided-->.",
        "Ten classes, 28 by 28 pixels, 60,000 images, 3 epochs, chapter 2, 30 minutes, 0.5.",
        "Write `accuracy = 0.9871`, or $p = 0.25$, see arXiv:1706.04599 in the 1990s.",
        "```\n99 % of 0.123 in 5 s\n```\nDone.",
    ],
)
def test_what_is_true_passes(content, ledger):
    assert found(content, ledger) == []


# Planted lies


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("It reaches 98.7 %.", "'98.7 %' looks measured"),
        ("It reaches 98.7% of them.", "'98.7%' looks measured"),
        ("It reaches 98.7\npercent.", "'98.7 percent' looks measured"),
        ("Better by 0.3 percentage points.", "'0.3 percentage points' looks measured"),
        ("It trains in 12 seconds.", "'12 seconds' looks measured"),
        ("It trains in 12 s, a step takes 34 ms.", "'34 ms' looks measured"),
        ("A 12-second fit.", "'12-second' looks measured"),
        ("It reaches ninety percent.", "'ninety percent' looks measured"),
        ("The AUROC is 0.986 here.", "'0.986' looks measured"),
        ("The AUROC is .9862.", "'.9862' looks measured"),
        ("99.5 %<!-- from the ledger -->", "looks measured"),
        ("<!--claim:fewer-errors-->", "needs the claim and its verdict"),
        ("It may be faster.<!--claim:faster supported-->", "is undecided on the ledger"),
        ("It is lower.<!--claim:fewer-errors undecided-->", "is supported on the ledger"),
        ("It is not greener.<!--claim:greener refuted-->", "is refuted on the ledger"),
        ("It is higher.<!--claim:fewer-errors supported-->", "lacks its words 'lower'"),
        ("Lower. It is so.<!--claim:fewer-errors supported-->", "lacks its words 'lower'"),
        ("It is faster<!--claim:faster undecided-->.", "does not leave it open"),
        ("It may rain. It is faster<!--claim:faster undecided-->.", "does not leave it open"),
        (
            "It is lower<!--claim:fewer-errors supported--> and may be faster"
            "<!--claim:faster undecided-->.",
            "the second one of its sentence",
        ),
        ("So.<!--claim:fewer-erors supported-->", "Did you mean fewer-errors"),
    ],
)
def test_a_lie_is_found(content, complaint, ledger):
    complaints = found(content, ledger)
    assert any(complaint in each for each in complaints), complaints


def test_a_complaint_names_the_line(ledger):
    source = (
        "# %% [markdown]\n# Fine.\n\n# %%\naccuracy = 0.98  # 98 %\n\n# %% [markdown]\n# So 98 %."
    )
    text = Text("notebooks/src/9_x.py", markdown_of(source))
    assert problems(text, ledger) == [
        "notebooks/src/9_x.py, line 8: '98 %' looks measured: show it in a cell, or allow it with a"
        " reason."
    ]


def test_an_allowance_covers_its_snippet_only(ledger):
    allowed = [Allowed("README.md", "at 5 % risk", "we choose the risk")]
    assert found("coverage at 5 %\nrisk", ledger, allowed) == []
    assert len(found("coverage at 5 % risk is 93 %", ledger, allowed)) == 1
    assert len(problems(Text("slides/x.md", "at 5 % risk"), ledger, allowed)) == 1


def test_an_allowance_may_be_a_pattern(ledger):
    allowed = [Allowed("*", r"/\b[15] % risk/", "we choose the risk")]
    assert found("at 5 % risk and at 1 % risk", ledger, allowed) == []
    assert len(found("at 15 % risk", ledger, allowed)) == 1


def test_an_allowance_needs_a_reason(tmp_path):
    path = tmp_path / "allowed.txt"
    path.write_text("# comment\nREADME.md :: 5 % risk ::\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2: write files"):
        read_allowed(path)
