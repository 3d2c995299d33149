"""The results ledger: what it shows, how it judges, and what it refuses."""

from __future__ import annotations

import copy
import json
import subprocess
import sys

import pytest

from course_utils.metrics import ledger
from course_utils.metrics.ledger import Ledger, LedgerError, judge
from course_utils.networks import zoo

SOURCE = {
    "device": "CPU",
    "versions": {"torch": "2.13.0"},
    "data": {"MNIST test": ledger.KNOWN_DATA["MNIST test"]},
    "command": "make results",
}
CLAIM = {
    "statement": "More members, lower NLL",
    "first": ["many.test.nll"],
    "second": ["one.test.nll"],
    "difference": -0.003,
    "low": -0.004,
    "high": -0.002,
    "better": "lower",
    "margin": 0.0,
    "unit": "nats",
    "interval": "images",
    "n": 10_000,
    "verdict": "supported",
}
CONTENT = {
    "version": ledger.VERSION,
    "sources": {"evaluation": SOURCE},
    "weights": {},
    "entries": {
        "one.test.accuracy": [99.61, 99.48, 99.72, "images", "%", 10_000, "evaluation"],
        "one.test.nll": [0.01654, 0.0141, 0.0192, "images", "nats", 10_000, "evaluation"],
        "many.test.nll": [0.01354, 0.0115, 0.0157, "images", "nats", 10_000, "evaluation"],
        "many.parameters": [355408, None, None, "exact", "", None, "evaluation"],
    },
    "claims": {"more-members": CLAIM},
}


@pytest.fixture
def content() -> dict:
    return copy.deepcopy(CONTENT)


@pytest.fixture
def small(content) -> Ledger:
    return Ledger(content)


# Entries


def test_an_entry_knows_where_it_comes_from(small):
    entry = small.value("one.test.accuracy")
    assert (entry.value, entry.low, entry.high, entry.unit) == (99.61, 99.48, 99.72, "%")
    assert (entry.n, entry.device, entry.command) == (10_000, "CPU", "make results")
    assert entry.versions == {"torch": "2.13.0"}
    assert entry.data == SOURCE["data"]
    assert "n = 10,000" in entry.described
    assert "bootstrap" in entry.described


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


def test_digits_can_be_asked_for(small):
    assert f"{small.value('one.test.accuracy'):.2f}" == "99.61 %"
    assert f"{small.value('many.parameters'):,}" == "355,408"


def test_a_table_has_a_column_for_each_model(small):
    table = small.table(["one", "many"], ["test.nll", "parameters"])
    assert list(table.columns) == ["one", "many"]
    assert table.loc["test.nll", "many"].startswith("0.014 nats")
    assert table.loc["parameters", "one"] == ""
    assert list(small.table(["one"]).index) == ["test.accuracy", "test.nll"]


def test_keys_can_be_narrowed(small):
    assert small.keys("many.") == ["many.test.nll", "many.parameters"]
    assert len(small.keys()) == 4


# Claims


@pytest.mark.parametrize(
    ("low", "high", "better", "margin", "verdict"),
    [
        (0.1, 0.3, "higher", 0, "supported"),
        (-0.1, 0.3, "higher", 0, "undecided"),
        (-0.3, -0.1, "higher", 0, "refuted"),
        (0.0, 0.3, "higher", 0, "undecided"),
        (0.0, 0.0, "higher", 0, "undecided"),
        (-0.3, 0.0, "lower", 0, "undecided"),
        (-0.3, -0.1, "lower", 0, "supported"),
        (0.1, 0.3, "lower", 0, "refuted"),
        (-0.05, 0.3, "higher", 0.1, "supported"),
        (-0.15, 0.3, "higher", 0.1, "undecided"),
        (-0.3, -0.15, "higher", 0.1, "refuted"),
        (-0.3, 0.05, "lower", 0.1, "supported"),
        (0.05, 0.15, "lower", 0.1, "undecided"),
    ],
)
def test_the_rule_of_the_verdict(low, high, better, margin, verdict):
    assert judge(low, high, better, margin) == verdict


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.1, 0.2, "greater"), "must be 'higher' or 'lower'"),
        ((0.2, 0.1, "higher"), "check the measurement"),
        ((float("nan"), 0.1, "higher"), "check the measurement"),
        ((0.1, 0.2, "higher", -1), "margin must be at least 0"),
    ],
)
def test_a_verdict_on_nonsense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        judge(*arguments)


def test_a_claim_reads_as_a_sentence(small):
    claim = small.claim("more-members")
    assert claim.first == ("many.test.nll",)
    assert str(claim) == (
        "More members, lower NLL: supported, difference -0.003 nats (-0.004 to -0.002)"
    )
    assert small.claims().loc["more-members", "verdict"] == "supported"


# Bad input


def test_an_unknown_key_names_the_nearest(small):
    with pytest.raises(LedgerError, match=r"no result 'one.test.acuracy'.*one\.test\.accuracy"):
        small.value("one.test.acuracy")
    with pytest.raises(LedgerError, match=r"no claim 'more-member'.*more-members"):
        small.claim("more-member")
    with pytest.raises(LedgerError, match="no model 'two'"):
        small.table(["two"])


def test_another_version_is_refused(content):
    content["version"] = 0
    with pytest.raises(LedgerError, match=r"has version 0, this package reads 1.*make results"):
        Ledger(content)


def test_other_data_are_refused(content):
    content["sources"]["evaluation"]["data"] = {"MNIST test": "0" * 64}
    with pytest.raises(LedgerError, match=r"made with other data: its MNIST test.*make results"):
        Ledger(content)


def test_unknown_images_are_refused(content):
    content["sources"]["evaluation"]["data"] = {"my digits": "0" * 64}
    with pytest.raises(LedgerError, match="made with other data"):
        Ledger(content)


@pytest.mark.parametrize("part", ["sources", "weights", "entries", "claims"])
def test_a_missing_part_is_refused(content, part):
    del content[part]
    with pytest.raises(LedgerError, match=f"lacks its {part}"):
        Ledger(content)


@pytest.mark.parametrize(
    "row",
    [
        [99.61],
        "99.61",
        [None, None, None, "exact", "", None, "evaluation"],
        ["99.61", None, None, "exact", "", None, "evaluation"],
        [float("nan"), None, None, "exact", "", None, "evaluation"],
        [99.61, 99.5, None, "images", "%", 10_000, "evaluation"],
        [99.61, 99.5, 99.7, "a guess", "%", 10_000, "evaluation"],
        [99.61, 99.5, 99.7, "images", "%", 10_000, "somewhere"],
        [True, None, None, "exact", "", None, "evaluation"],
        [99.61, float("nan"), 99.7, "images", "%", 10_000, "evaluation"],
        [99.61, float("-inf"), 99.7, "images", "%", 10_000, "evaluation"],
        [99.61, 99.7, 99.5, "images", "%", 10_000, "evaluation"],
        [99.61, 99.5, 99.7, "images", "%", float("inf"), "evaluation"],
        [99.61, 99.5, 99.7, ["images"], "%", 10_000, "evaluation"],
        [99.61, 99.5, 99.7, "images", "%", 10_000, ["evaluation"]],
    ],
)
def test_a_damaged_entry_is_refused(content, row):
    content["entries"]["one.test.accuracy"] = row
    with pytest.raises(LedgerError, match=r"'one.test.accuracy'.*is damaged"):
        Ledger(content)


@pytest.mark.parametrize(
    "source",
    [
        None,
        [SOURCE],
        {part: SOURCE[part] for part in ("versions", "data", "command")},
        {part: SOURCE[part] for part in ("device", "versions", "command")},
        SOURCE | {"versions": ["torch"]},
        SOURCE | {"data": ["MNIST test"]},
        SOURCE | {"command": None},
    ],
)
def test_a_damaged_source_is_refused(content, source):
    content["sources"]["evaluation"] = source
    with pytest.raises(LedgerError, match=r"source 'evaluation'.*is damaged"):
        Ledger(content)


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "refuted"},
        {"low": float("-inf")},
        {"difference": float("nan")},
        {"low": -0.004, "high": 0.002},
        {"better": "higher"},
        {"first": ["somebody.test.nll"]},
    ],
)
def test_a_claim_that_its_numbers_do_not_carry_is_refused(content, change):
    content["claims"]["more-members"].update(change)
    with pytest.raises(LedgerError, match="does not follow from its own numbers"):
        Ledger(content)


@pytest.mark.parametrize("change", [{"low": None}, {"extra": 1}, {"better": "best"}])
def test_a_damaged_claim_is_refused(content, change):
    content["claims"]["more-members"].update(change)
    with pytest.raises(LedgerError, match=r"'more-members'.*is damaged"):
        Ledger(content)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"version": 1'])
def test_a_damaged_file_is_refused(tmp_path, text):
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LedgerError, match=r"results\.json .*make results"):
        ledger.load(path)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(LedgerError, match=r"no results ledger absent\.json.*make results"):
        ledger.load(tmp_path / "absent.json")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "results.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LedgerError, match="cannot be read"):
        ledger.load(path)


# The course's own


def test_the_course_s_ledger_is_intact_and_small():
    course = ledger.load()
    assert course.keys()
    assert ledger.FILE.stat().st_size < 400_000
    assert all(course.value(key).command for key in course.keys(start=""))
    assert len(ledger.claims()) == len(json.loads(ledger.FILE.read_text("utf-8"))["claims"])


def test_intervals_hold_their_number():
    for key in ledger.keys(start=""):
        entry = ledger.value(key)
        if entry.low is not None:
            assert entry.low <= entry.value <= entry.high, key
        if entry.interval in ("images", "seeds-t", "images-reflected"):
            assert entry.n >= 5, key


def test_the_ledger_is_about_the_weights_that_are_shipped():
    stored = {name: zoo.facts(name)["sha256"] for name in zoo.names()}
    for name, networks in ledger.load().weights.items():
        for network, sha256 in networks.items():
            assert stored.get(network) == sha256, (
                f"{name} was measured with other weights of {network}: run make results"
            )


def test_reading_it_needs_no_torch():
    code = (
        "import sys; from course_utils.metrics import ledger; ledger.load();"
        "sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_known_data_are_those_that_ship():
    from course_utils.images import load_fashion_mnist, load_mnist

    loaded = (
        *(load_mnist(split) for split in ("train", "val", "test")),
        *(load_fashion_mnist(split) for split in ("val", "test")),
    )
    assert {images.name: images.content_hash for images in loaded} == ledger.KNOWN_DATA
