"""Prose says what the results ledger says: every text of the course, and planted lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from text_checks import Allowed, Text, markdown_of, problems, read_allowed, texts

from course_utils.metrics.ledger import KNOWN_DATA, VERSION, Ledger, load

REPOSITORY = Path(__file__).resolve().parents[1]
ALLOWED = REPOSITORY / "tests" / "texts_allowed.txt"
TEXTS = texts(REPOSITORY)


def claim(verdict: str, low: float, high: float) -> dict:
    return {
        "statement": "More members, lower NLL",
        "first": ["many.test.nll"],
        "second": ["one.test.nll"],
        "difference": (low + high) / 2,
        "low": low,
        "high": high,
        "better": "lower",
        "margin": 0.0,
        "unit": "nats",
        "interval": "images",
        "n": 10_000,
        "verdict": verdict,
    }


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    source = {"device": "CPU", "versions": {}, "data": KNOWN_DATA, "command": "make results"}
    return Ledger(
        {
            "version": VERSION,
            "sources": {"evaluation": source},
            "weights": {},
            "entries": {
                "one.test.accuracy": [99.4512, 99.3, 99.6, "images", "%", 10_000, "evaluation"],
                "one.test.nll": [0.01654, 0.014, 0.019, "images", "nats", 10_000, "evaluation"],
                "many.test.nll": [0.01301, 0.011, 0.015, "images", "nats", 10_000, "evaluation"],
                "one.parameters": [44426, None, None, "exact", "", None, "evaluation"],
                "claims.fewer-errors.difference": [
                    *(-0.0035, -0.004, -0.003, "images", "nats", 10_000, "evaluation"),
                ],
                "one.train.seconds": [31.4, None, None, "single", "s", None, "evaluation"],
            },
            "claims": {
                "fewer-errors": claim("supported", -0.004, -0.003),
                "faster": claim("undecided", -0.001, 0.002),
                "greener": claim("refuted", 0.001, 0.002),
            },
        }
    )


def found(content: str, ledger: Ledger, allowed: list[Allowed] | None = None) -> list[str]:
    return problems(Text("README.md", content), ledger, allowed)


# The course's own texts


def test_there_are_texts_to_check():
    assert any(text.name == "notebooks/src/1_data.py" for text in TEXTS)
    assert all(text.content.strip() for text in TEXTS)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.name)
def test_the_text_agrees_with_the_ledger(text):
    wrong = problems(text, load(), read_allowed(ALLOWED))
    assert not wrong, "\n".join(wrong)


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
        "It is right on 99.5 %<!--ledger:one.test.accuracy--> of the digits.",
        "It is right on **99.45 %**<!-- ledger:one.test.accuracy --> of the digits.",
        "Not below 99.3 percent<!--ledger:one.test.accuracy#low-->.",
        "| accuracy (%) | 99.45<!--ledger:one.test.accuracy--> |",
        "Lower by 0.0035 nats<!--ledger:claims.fewer-errors.difference-->.",
        "NLL: -0.0035<!--ledger:claims.fewer-errors.difference--> nats",
        "A share of .995<!--ledger:one.test.accuracy-->.",
        "NLL 0.0165<!--ledger:one.test.nll--> against .013<!--ledger:many.test.nll-->",
        "LeNet has 44,426<!--ledger:one.parameters--> parameters.",
        "| LeNet | 99.5 %<!--ledger:one.test.accuracy--> | 31 s<!--ledger:one.train.seconds--> |",
        "Members lower the NLL<!--claim:fewer-errors supported-->.",
        "First sentence. It may be faster<!--claim:faster undecided-->.",
        "It is not greener.<!--claim:greener refuted-->",
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
        ("99.6 %<!--ledger:one.test.accuracy-->", "the ledger has 99.4512"),
        ("99.4 %<!--ledger:one.test.accuracy-->", "the ledger has 99.4512"),
        ("99.450 %<!--ledger:one.test.accuracy-->", "the ledger has 99.4512"),
        (".985<!--ledger:one.test.accuracy-->", "the ledger has 0.994512"),
        ("44,462<!--ledger:one.parameters-->", "the ledger has 44426"),
        ("at least 99.4 %<!--ledger:one.test.accuracy#low-->", "the ledger has 99.3"),
        ("+0.0035 nats<!--ledger:claims.fewer-errors.difference-->", "the ledger has -0.0035"),
        ("4 s<!--ledger:one.test.accuracy-->", "is not the unit"),
        ("31 %<!--ledger:one.train.seconds-->", "is not the unit"),
        ("44,426<!--ledger:one.parameters#high-->", "has no interval"),
        ("99 %<!--ledger:one.test.acuracy-->", "Did you mean one.test.accuracy"),
        ("Very good.<!--ledger:one.test.accuracy-->", "follows no number"),
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
        ("99.5 %<!--ledger:one.test.accuracy--> or even 99.9 %", "'99.9 %' looks measured"),
        ("99.5 %<!-- from the ledger -->", "looks measured"),
        ("<!--claim:fewer-errors-->", "needs the claim and its verdict"),
        ("Faster.<!--claim:faster supported-->", "is undecided on the ledger"),
        ("Fewer.<!--claim:fewer-errors undecided-->", "is supported on the ledger"),
        ("It is faster<!--claim:faster undecided-->.", "does not leave it open"),
        ("It may rain. It is faster<!--claim:faster undecided-->.", "does not leave it open"),
        ("It is greener<!--claim:greener refuted-->.", "does not deny it"),
        ("Not so. It is greener<!--claim:greener refuted-->.", "does not deny it"),
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
        "notebooks/src/9_x.py, line 8: '98 %' looks measured: mark it, or allow it with a reason."
    ]


def test_an_allowance_covers_its_snippet_only(ledger):
    allowed = [Allowed("README.md", "at 5 % risk", "we choose the risk")]
    assert found("coverage at 5 %\nrisk", ledger, allowed) == []
    assert len(found("coverage at 5 % risk is 93 %", ledger, allowed)) == 1
    assert len(problems(Text("benchmarks/x.md", "at 5 % risk"), ledger, allowed)) == 1


def test_an_allowance_may_be_a_pattern(ledger):
    allowed = [Allowed("*", r"/\b[15] % risk/", "we choose the risk")]
    assert found("at 5 % risk and at 1 % risk", ledger, allowed) == []
    assert len(found("at 15 % risk", ledger, allowed)) == 1


def test_an_allowance_needs_a_reason(tmp_path):
    path = tmp_path / "allowed.txt"
    path.write_text("# comment\nREADME.md :: 5 % risk ::\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2: write files"):
        read_allowed(path)
