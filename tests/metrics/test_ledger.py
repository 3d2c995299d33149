"""The results ledger: what it shows, how it judges, and what it refuses."""

from __future__ import annotations

import copy
import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest

from course_utils.metrics import ledger
from course_utils.metrics.ledger import Claim, Entry, Ledger, LedgerError, Pair, judge
from course_utils.networks import zoo

CONTENT = {
    "version": ledger.VERSION,
    "measured": {"command": "python -m tools.author.results"},
    "weights": {},
    "entries": {
        "one.test.accuracy": [99.61, 99.48, 99.72, "images", "%", 10_000],
        "one.test.nll": [0.01654, 0.0141, 0.0192, "images", "nats", 10_000],
        "many.test.nll": [0.01354, 0.0115, 0.0157, "images", "nats", 10_000],
        "many.parameters": [355408, None, None, "exact", "", None],
    },
    "claims": {
        "more-members": [
            "More members, lower NLL",
            "lower",
            [["one.test.nll", "many.test.nll", 0.003, 0.002, 0.004]],
        ]
    },
}


def sealed(content: dict) -> dict:
    return {**content, "checksum": ledger.checksum(content)}


@pytest.fixture
def small() -> Ledger:
    return Ledger(sealed(CONTENT))


# Entries


def test_an_entry_has_its_interval_and_its_unit(small):
    entry = small.value("one.test.accuracy")
    assert (entry.value, entry.low, entry.high) == (99.61, 99.48, 99.72)
    assert (entry.interval, entry.unit, entry.n) == ("images", "%", 10_000)


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("one.test.accuracy", "99.6 % (99.5\u201399.7)"),
        ("one.test.nll", "0.017 nats (0.014\u20130.019)"),
        ("many.parameters", "355,408"),
    ],
)
def test_an_entry_shows_the_digits_that_its_interval_allows(small, key, shown):
    assert str(small.value(key)) == shown
    assert f"{small.value(key)}" == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(12345.6, "12,346"), (12.345, "12.3"), (0.012345, "0.0123"), (-7.0, "-7")]
)
def test_without_an_interval_three_digits_are_shown(number, shown):
    assert str(Entry("key", number, None, None, "exact", "", None)) == shown


def test_nobody_changes_what_was_measured(small):
    claim = small.claim("more-members")
    for of_ledger, name in (
        (small.value("one.test.nll"), "value"),
        (claim, "statement"),
        (claim.pairs[0], "low"),
    ):
        with pytest.raises(FrozenInstanceError):
            setattr(of_ledger, name, 1.0)


def test_digits_can_be_asked_for(small):
    assert f"{small.value('one.test.accuracy'):.2f}" == "99.61 %"
    assert f"{small.value('many.parameters'):,}" == "355,408"


def test_an_unknown_key_names_the_nearest(small):
    with pytest.raises(LedgerError, match=r"no result 'one.test.acuracy'.*one\.test\.accuracy"):
        small.value("one.test.acuracy")
    with pytest.raises(LedgerError, match=r"no claim 'more-member'.*more-members"):
        small.claim("more-member")


# Claims


@pytest.mark.parametrize(
    ("intervals", "verdict"),
    [
        ([(0.1, 0.3)], "supported"),
        ([(-0.1, 0.3)], "undecided"),
        ([(-0.3, -0.1)], "refuted"),
        ([(0.0, 0.3)], "undecided"),
        ([(-0.3, 0.0)], "undecided"),
        ([(0.1, 0.3), (0.2, 0.4)], "supported"),
        ([(0.1, 0.3), (-0.1, 0.2)], "undecided"),
        ([(0.1, 0.3), (-0.2, -0.1)], "refuted"),
        ([(-0.1, 0.3), (-0.2, -0.1)], "refuted"),
    ],
)
def test_the_rule_of_the_verdict(intervals, verdict):
    assert judge(intervals) == verdict


@pytest.mark.parametrize("intervals", [[], [(0.2, 0.1)], [(float("nan"), 0.1)]])
def test_a_verdict_on_nonsense_is_refused(intervals):
    with pytest.raises(ValueError, match="A verdict needs intervals"):
        judge(intervals)


def test_a_claim_reads_as_a_sentence(small):
    claim = small.claim("more-members")
    assert claim.pairs == (Pair("one.test.nll", "many.test.nll", 0.003, 0.002, 0.004),)
    assert str(claim) == "More members, lower NLL: supported"


# What it refuses


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["entries"]["many.test.nll"].__setitem__(0, 0.01353),
        lambda content: content["claims"]["more-members"][2][0].__setitem__(3, -0.002),
        lambda content: content["claims"]["more-members"].__setitem__(1, "higher"),
        lambda content: content["entries"].pop("many.parameters"),
    ],
)
def test_a_number_that_was_typed_is_refused(change):
    content = copy.deepcopy(sealed(CONTENT))
    change(content)
    with pytest.raises(LedgerError, match="was changed by hand"):
        Ledger(content)


@pytest.mark.parametrize("content", [None, [], {}, {"version": 1}])
def test_another_version_is_refused(content):
    with pytest.raises(LedgerError, match=r"is not of version 2.*tools\.author\.results"):
        Ledger(content)


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 2', b"\xff\xfe\x00", None])
def test_a_damaged_or_missing_file_is_refused(tmp_path, content):
    path = tmp_path / "results.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"results\.json cannot be read.*tools\.author\.results"):
        ledger.load(path)


# The course's own


def test_intervals_of_the_course_s_ledger_hold_their_number():
    for entry in ledger.load().entries.values():
        assert entry.interval in ledger.INTERVALS
        if entry.low is not None:
            assert entry.low <= entry.value <= entry.high, entry.key
        if entry.interval in ("images", "ece") and entry.low < entry.high:
            assert entry.low < entry.value < entry.high, entry.key


def test_the_differences_of_claims_are_those_of_the_entries():
    course = ledger.load()

    def number(side: str | float) -> float:
        return course.value(side).value if isinstance(side, str) else side

    def widest(claim: Claim) -> float:
        return max(
            abs(number(pair.greater) - number(pair.smaller) - pair.difference)
            / max(abs(number(pair.greater)), abs(number(pair.smaller)))
            for pair in claim.pairs
        )

    for claim in course.claims.values():
        assert widest(claim) < 1e-5, claim.id
        assert all(pair.low <= pair.difference <= pair.high for pair in claim.pairs), claim.id


def test_the_ledger_is_about_the_weights_that_are_shipped():
    for name, sha256 in ledger.load().weights.items():
        assert zoo.facts(name)["sha256"] == sha256, f"{name} is not what was measured"


def test_reading_it_needs_no_torch():
    code = (
        "import sys; from course_utils.metrics import ledger; ledger.load();"
        "sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
