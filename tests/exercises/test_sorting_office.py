"""The sorting office: streams, readers, the judge, promises, one submission and its card."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.exercises import sorting_office
from course_utils.exercises.office import card, claims, judging, readers, report, streams
from course_utils.exercises.sorting_office import REFER, Costs, Office, OfficeError
from course_utils.images import ImageSet, load_mnist
from course_utils.metrics import scores
from course_utils.metrics.predictions import Predictions
from course_utils.networks import zoo
from course_utils.networks.models import LeNet
from course_utils.networks.runs import Run

SIZE = 150
CLAIM = "At most 5 % of what we answer is wrong."


def cautious(predictions: Predictions, costs: Costs) -> np.ndarray:
    return np.where(scores.max_probability(predictions) <= 0.02, predictions.predicted, REFER)


def refer_all(predictions: Predictions, costs: Costs) -> np.ndarray:
    return np.full(len(predictions), REFER)


def answer_all(predictions: Predictions, costs: Costs) -> np.ndarray:
    return predictions.predicted


def small(code: str, folder: Path | None = None) -> Office:
    return Office(code, folder, size=SIZE)


@pytest.fixture(scope="module")
def practice() -> Office:
    return small("practice 1")


@pytest.fixture(scope="module")
def judged(practice: Office) -> Any:
    """Facts about a policy, and the predictions that it was given."""
    room = practice._room
    pool = readers.admit(readers.EIGHT, None, room).predictions(room.images)

    def facts(policy: Any) -> dict[str, Any]:
        return report.judged(room, policy, pool, pool, readers.eight_on_validation())

    facts.pool = pool  # type: ignore[attr-defined]
    return facts


def said(error: pytest.ExceptionInfo[BaseException]) -> str:
    """The words of a refusal: for people, on one line, and with no traceback in a notebook."""
    words = str(error.value)
    assert words.endswith((".", "?", "`", '"')) and "\n" not in words and len(words) < 700
    assert error.value._render_traceback_() == [words]  # type: ignore[attr-defined]
    return words


# --- streams ------------------------------------------------------------------------------------
def test_the_same_code_gives_the_same_streams_and_another_code_others() -> None:
    one, same, other = (
        sorting_office.open_room(code) for code in ("Tuesday ", "tuesday", "friday")
    )
    assert one._room.fingerprint == same._room.fingerprint != other._room.fingerprint
    assert repr(one) == repr(same)
    for first, second in zip(one._room.streams, same._room.streams, strict=True):
        assert np.array_equal(first.indices, second.indices)
        assert np.array_equal(first.costs.wrong, second.costs.wrong)


def test_the_streams_are_those_that_other_laptops_draw() -> None:
    assert streams.Room("tuesday").fingerprint == "c9058036cc39"


def test_a_day_holds_what_was_announced() -> None:
    room = streams.Room("tuesday")
    assert len(room.streams) == 20
    assert len({tuple(one.costs.wrong) for one in room.streams}) > 5
    shares = []
    for stream in room.streams:
        assert len(stream.indices) == len(np.unique(stream.indices)) == 3_000
        kinds = room.kinds[stream.indices]
        assert set(kinds) == {"clean", *room.damage, streams.NO_DIGIT}
        assert (kinds[:100] != kinds[0]).any(), "the order gives the kinds away"
        shares.append((kinds == streams.NO_DIGIT).mean())
    assert 0 < min(shares) < max(shares) < 0.2


def test_no_digit_of_the_mail_is_one_that_was_learned_validated_or_tested() -> None:
    room = streams.Room("tuesday", SIZE)
    clean = room.images.images[room.kinds == "clean"]
    mail = {image.tobytes() for image in clean}
    assert len(mail) == len(clean)
    for known in (streams.modest_digits(), load_mnist("val"), load_mnist("test")):
        assert not mail & {image.tobytes() for image in known.images}
    assert (room.truth[room.kinds == streams.NO_DIGIT] == REFER).all()
    assert streams.modest_digits().content_hash == zoo.facts("modest-packed-4")["data_hash"]


@pytest.mark.parametrize("code", ["", "  ", "!?", None, 3, "x" * 41, "a\x00b", "practice 1"])
def test_what_is_no_code_gets_a_sentence(code: Any) -> None:
    with pytest.raises(OfficeError) as error:
        sorting_office.open_room(code)
    said(error)
    with pytest.raises(OfficeError):
        sorting_office.practice_room("tuesday")  # type: ignore[arg-type]


def test_the_bill() -> None:
    costs = Costs(wrong=np.arange(10.0, 20), refer=2)
    answers, truth = np.array([3, 4, REFER, REFER, 9]), np.array([3, 5, 5, REFER, REFER])
    assert costs.bill(answers, truth).tolist() == [0, 14, 2, 2, 19]
    for wrong in ([1] * 9, [-1] * 10, [np.nan] * 10, "much"):
        with pytest.raises(OfficeError) as error:
            Costs(wrong=wrong)  # type: ignore[arg-type]
        said(error)


# --- who may read -------------------------------------------------------------------------------
def test_modest_networks_are_admitted_and_no_others(practice: Office) -> None:
    names = readers.admitted_names()
    assert names and all("modest" in name for name in names)
    for name in set(zoo.names()) - set(names):
        with pytest.raises(OfficeError, match="learned from 55,000 digits") as error:
            practice.admit(name)
        said(error)


def own(name: str = "lenet-0", data_hash: str = "x") -> Run:
    return Run(name, zoo.load(name), {"data_hash": data_hash, "num_train": 55_000}, "here")


@pytest.mark.parametrize(
    ("network", "trained_on", "words"),
    [
        ("nobody", None, "There is no network 'nobody'"),
        (3, None, "not a network"),
        (None, None, "not a network"),
        (own(), None, "learned from 55,000 digits"),
        (LeNet(), None, "Say what your network has learned from"),
        (LeNet(), "all", "takes the ImageSet"),
        (LeNet(), load_mnist("val"), "5,000 of the 5,000 images"),
        (zoo.load("lenet-0"), streams.modest_digits(), "weights of lenet-0"),
        (zoo.load("deep-ensemble-2"), streams.modest_digits(), "weights of lenet-0"),
        (own(data_hash=streams.modest_digits().content_hash), None, "weights of lenet-0"),
        (nn.Linear(3, 200), streams.modest_digits(), "cannot read images"),
    ],
)
def test_refused_networks(practice: Office, network: Any, trained_on: Any, words: str) -> None:
    with pytest.raises(OfficeError) as error:
        practice.admit(network, trained_on)
    assert words in said(error)


def test_a_network_that_has_seen_the_mail_gives_itself_away(monkeypatch) -> None:
    monkeypatch.setattr(readers, "check_weights", lambda reader: None)
    room = Office("tuesday", size=1_000)
    for name in ("lenet-0", "short-lenet"):
        with pytest.raises(OfficeError, match="seen the mail before") as error:
            room.admit(zoo.load(name), streams.modest_digits())
        said(error)


def test_a_network_of_ones_own_is_admitted(practice: Office) -> None:
    modest = zoo.load("modest-lenet-0")
    reader = practice.admit(modest, practice.training.subset(slice(1_000)))
    assert reader.name == "own LeNet" and practice.admit(reader) is reader
    assert reader.predictions(practice.validation.subset(slice(7))).num_members == 1
    with pytest.raises(OfficeError, match="reads an ImageSet"):
        reader.predictions(practice.validation.images)  # type: ignore[arg-type]


def test_a_reader_that_was_not_admitted_is_found(practice: Office) -> None:
    smuggled = sorting_office.Reader("modest-lenet-0", zoo.load("lenet-0"))
    with pytest.raises(OfficeError, match="weights of lenet-0"):
        practice.submit(cautious, smuggled, CLAIM)


# --- the judge ----------------------------------------------------------------------------------
class Hostile:
    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("do not touch")


def never_ends(predictions: Any, costs: Any) -> Any:
    while True:
        pass


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (3, "not a function"),
        (lambda predictions: 1, "raised `TypeError`"),
        (lambda p, c: 1 / 0, "raised `ZeroDivisionError`"),
        (lambda p, c: exit(), "raised `SystemExit`"),
        (lambda p, c: p.predicted.__setitem__(0, 3), "Change a copy"),
        (lambda p, c: p.correct, "no labels"),
        (lambda p, c: c.wrong.sort(), "read-only"),
        (lambda p, c: None, "`return` missing"),
        (lambda p, c: ..., "`return` missing"),
        (lambda p, c: "three", "type `str`"),
        (lambda p, c: [[1], [2, 3]], "one whole number for each image"),
        (lambda p, c: Hostile(), "type `Hostile`"),
        (lambda p, c: p.predicted == 3, "true and false"),
        (lambda p, c: p.mean, "shape [200, 10]"),
        (lambda p, c: p.predicted[1:], "shape [199]"),
        (lambda p, c: p.predicted + np.nan, "NaN"),
        (lambda p, c: p.predicted + 0.5, "answers"),
        (lambda p, c: p.predicted + 1, "answers 10 to an image"),
        (lambda p, c: np.full(len(p), -2), "answers -2 to an image"),
    ],
)
def test_a_bad_policy_gets_a_sentence(practice: Office, policy: Any, words: str) -> None:
    with pytest.raises(OfficeError) as error:
        practice.submit(policy, readers.EIGHT, CLAIM)
    assert words in said(error)


def test_a_policy_that_never_ends_is_stopped(practice: Office, monkeypatch) -> None:
    monkeypatch.setattr(judging.guard, "SECONDS", 0.3)
    with pytest.raises(OfficeError, match="was stopped"):
        practice.submit(never_ends, readers.EIGHT, CLAIM)


@pytest.mark.parametrize("kind", [list, torch.tensor, lambda a: a.astype(float), np.int8])
def test_answers_of_other_types(kind: Any) -> None:
    predictions = Predictions(np.eye(10, dtype=np.float32)[:, None])
    answers = np.array([0, 1, REFER, 3, 4, 5, 6, 7, 8, 9])
    found = judging.answers_of(lambda p, c: kind(answers), predictions, Costs(np.ones(10)))
    assert found.dtype == np.int64 and np.array_equal(found, answers)


def test_the_best_in_hindsight_has_no_regret_and_no_simple_policy_beats_it(judged) -> None:
    room, pool = small("practice 1")._room, judged.pool
    answers = iter(judging.run(room, judging.in_hindsight, pool).answers)
    assert judged(lambda p, c: next(answers))["score"] == 0
    for policy in (cautious, refer_all, answer_all):
        facts = judged(policy)
        assert facts["score"] > 0
        for yours, best in zip(facts["days"][card.YOURS], facts["days"][card.BEST], strict=True):
            assert yours >= best


def test_references_are_what_their_names_say(judged) -> None:
    days = judged(answer_all)["days"]
    assert days["answer everything"] == days[card.YOURS]
    assert days["refer everything"] == [1_000] * 20
    assert len(days) == 6


def test_thresholds_tuned_on_one_stream_do_not_win_on_the_others(judged) -> None:
    room, pool = small("practice 1")._room, judged.pool
    first = pool.take(room.streams[0].indices)
    truth, doubts = room.truth[room.streams[0].indices], scores.max_probability(first)

    def tuned(predictions: Predictions, costs: Costs) -> np.ndarray:
        thresholds = judging.cheapest_thresholds(first.predicted, doubts, truth, costs)
        return judging.with_thresholds(predictions, scores.max_probability(predictions), thresholds)

    facts = judged(tuned)
    regret = np.subtract(facts["days"][card.YOURS], facts["days"][card.BEST])
    assert regret[0] < 0.5 * np.mean(regret[1:])
    assert facts["score"] > 0.5 * np.mean(facts["days"][card.BEST])


def test_rehearsing_bills_and_refuses(practice: Office) -> None:
    some = practice.admit("modest-lenet-0").predictions(practice.validation.subset(slice(50)))
    assert practice.rehearse(refer_all, some)["minutes for 1,000 images"] == 1_000
    assert np.isnan(practice.rehearse(refer_all, some)["wrong among answered (%)"])
    strange = practice.rehearse(answer_all, some, np.full(50, REFER))
    assert strange["wrong among answered (%)"] == 100
    for given in ((some, np.zeros(3)), (some, [12] * 50), (some.mean, None), (some, None, 3)):
        with pytest.raises(OfficeError) as error:
            practice.rehearse(answer_all, *given)
        said(error)


# --- promises -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("claim", "risk"),
    [
        (CLAIM, 0.05),
        ("Fewer than 0.5% of the answers are wrong.", 0.005),
        ("We err on 2 percent of the mail", 0.02),
        ("Höchstens 1,5 % sind falsch", 0.015),
        ("At most 1 in 200 answers is wrong", 0.005),
        ("The risk is below 0.01.", 0.01),
        ("On 3,000 images at most 1 % are wrong", 0.01),
        ("At most 1 % are wrong, at most 1 %!", 0.01),
    ],
)
def test_the_number_in_a_sentence(claim: str, risk: float) -> None:
    assert claims.claimed_risk(claim) == pytest.approx(risk)


@pytest.mark.parametrize(
    ("claim", "risk", "words"),
    [
        ("", None, "one sentence"),
        ("percent", None, "one sentence"),
        ("only a few percent are wrong", None, "no risk in this sentence"),
        ("with 95 % confidence at most 1 % are wrong", None, "several numbers"),
        ("we are wrong 120 % of the time", None, "between 0 and 100 %"),
        ("at most -1 % are wrong", None, "between 0 and 100 %"),
        (3, None, "a text"),
        ("x " * 200, None, "letters"),
        (CLAIM, 5, "1 % is 0.01"),
        (CLAIM, float("nan"), "1 % is 0.01"),
        (CLAIM, "1 %", "a share"),
        (CLAIM, True, "a share"),
    ],
)
def test_a_bad_claim_gets_a_sentence(practice: Office, claim: Any, risk: Any, words: str) -> None:
    with pytest.raises(OfficeError) as error:
        practice.submit(cautious, readers.EIGHT, claim, risk=risk)
    assert words in said(error)


@pytest.mark.parametrize(
    ("wrong", "answered", "verdict", "words"),
    [
        (0, 0, "not tested", "promises nothing"),
        (5, 1_000, "kept", "below the claim"),
        (18, 1_000, "kept", "another such day"),
        (25, 1_000, "broken", "bad luck"),
        (90, 1_000, "broken", "does not explain"),
    ],
)
def test_kept_or_broken(wrong: int, answered: int, verdict: str, words: str) -> None:
    promise = claims.Promise(0.02, wrong, answered, wrong_at_all=400, images=2_000)
    assert promise.verdict == verdict and words in promise.because
    low, high = promise.interval
    assert low <= (wrong / answered if answered else 0) <= high


def test_a_promise_that_costs_nothing() -> None:
    assert "answering every image" in claims.Promise(0.5, 1, 100, 50, 200).because


# --- one submission -----------------------------------------------------------------------------
def test_what_a_policy_prints_is_shown_while_rehearsing(practice: Office, capsys) -> None:
    some = practice.admit("modest-lenet-0").predictions(practice.validation.subset(slice(9)))
    practice.rehearse(lambda p, c: print("doubt") or p.predicted, some)
    assert capsys.readouterr().out == "doubt\n"


def test_the_learners_line_is_quoted(practice: Office, tmp_path: Path) -> None:
    code = tmp_path / "cell.py"
    code.write_text("def policy(p, c):\n    return p.subset(members=99)\n")
    names: dict[str, Any] = {}
    exec(compile(code.read_text(), str(code), "exec"), names)
    with pytest.raises(OfficeError, match=r"in `return p\.subset"):
        practice.submit(names["policy"], readers.EIGHT, CLAIM)


def test_one_submission_for_a_room(tmp_path: Path) -> None:
    office = small("tuesday", tmp_path)
    with pytest.raises(OfficeError, match="haven't submitted"):
        office.report()
    with pytest.raises(OfficeError):
        office.submit(lambda p, c: None, readers.EIGHT, CLAIM)
    assert list(tmp_path.iterdir()) == []  # what fails does not count
    made = office.submit(cautious, readers.EIGHT, CLAIM, name=" Ada\n<script>alert(1)</script> ")
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".html"}
    with pytest.raises(OfficeError, match="only the first time counts") as error:
        small("tuesday", tmp_path).submit(answer_all, readers.EIGHT, CLAIM)
    said(error)
    again = small("tuesday", tmp_path).report()
    assert again.facts == made.facts and again.score == made.score
    assert "office.report()" in repr(office)
    assert small("friday", tmp_path)._file != office._file
    text = made.path.read_text(encoding="utf-8")
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text
    assert "<script>alert" not in made._repr_html_()
    assert card.read(made.path) == made.facts


def test_practice_counts_for_nothing(practice: Office, tmp_path: Path) -> None:
    first, second = (practice.submit(refer_all, readers.EIGHT, CLAIM) for _ in range(2))
    assert first.score == second.score and first.verdict == "not tested" and first.path is None
    assert "no wrong answer" in first.missed().alt
    assert first.save_card(tmp_path / "card.html").exists()
    with pytest.raises(OfficeError, match=r"ends in \.html"):
        first.save_card(tmp_path / "card.txt")
    with pytest.raises(OfficeError, match="keeps no submissions"):
        practice.report()


def test_a_damaged_submission_and_a_full_disk(tmp_path: Path, monkeypatch) -> None:
    office = small("tuesday", tmp_path / "office")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(sorting_office, "write_whole", full)
        with pytest.raises(OfficeError, match="doesn't count yet") as error:
            office.submit(cautious, readers.EIGHT, CLAIM)
        said(error)
    office.submit(cautious, readers.EIGHT, CLAIM)
    (path,) = (tmp_path / "office").glob("*.json")
    content = json.loads(path.read_text())
    content["facts"]["score"] = 0.0
    for text in (json.dumps(content), "{", "[" * 10_000, '{"facts": 3}'):
        path.write_text(text)
        with pytest.raises(OfficeError, match="can't be read"):
            office.report()


def test_submissions_lie_in_the_learners_folder(tmp_path: Path, monkeypatch) -> None:
    for folder in ("course_utils", "notebooks", "work"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for code in ("tuesday", "a/b", "../../c", "été"):
        file = sorting_office.open_room(code)._file
        assert file is not None and file.parent == tmp_path / "work" / "sorting_office"
    copies = tmp_path / "home" / "copies"  # a hub's course is read-only, and learners have copies
    copies.mkdir(parents=True)
    (copies / ".handed_out.json").write_text("{}")
    monkeypatch.chdir(copies)
    assert sorting_office.open_room("tuesday")._file.parent == copies / "sorting_office"


def test_own_networks_are_judged_by_what_they_say(practice: Office) -> None:
    class Seven(nn.Module):
        """Always answers 7."""

        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(10))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.bias + 5 * torch.eye(10)[7].expand(len(images), 10)

    reader = practice.admit(Seven(), ImageSet(*_part(practice.training), "mine"))
    made = practice.submit(answer_all, reader, CLAIM)
    assert made.facts["network"] == "own Seven" and made.verdict == "broken"
    assert made.facts["days"]["answer everything"] != made.facts["days"][card.YOURS]


def _part(images: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    return images.images[:500], images.labels[:500]
