"""Measuring for the ledger: the libraries' values, paired differences, and honest gaps."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from course_utils.images import ImageSet
from course_utils.metrics import ledger, selective
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.scores import max_probability
from course_utils.networks import zoo
from course_utils.networks.registry import NETWORKS
from tools.author import results as make_results
from tools.author.result_claims import ToJudge, claims_to_judge, difference_on_images, t_half_width
from tools.author.results import Results

NUM_IMAGES = 400


def image_set(name: str) -> ImageSet:
    images = np.zeros((NUM_IMAGES, 28, 28), np.uint8)
    return ImageSet(images, np.arange(NUM_IMAGES) % 10, name)


def predictions(skill: float, num_members: int, seed: int) -> Predictions:
    generator = np.random.default_rng(seed)
    labels = np.arange(NUM_IMAGES) % 10
    logits = generator.normal(size=(NUM_IMAGES, num_members, 10))
    logits += skill * np.eye(10)[labels][:, np.newaxis]
    return Predictions(logits.astype(np.float32), labels)


@pytest.fixture(scope="module")
def results() -> Results:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_results, "NUM_RESAMPLES", 60)
        results = Results(image_set("MNIST test"), image_set("Fashion-MNIST test"))
    for name, skill, members, seed in (("one", 4, 1, 0), ("three", 4, 3, 1)):
        on_test, on_foreign = predictions(skill, members, seed), predictions(0, members, seed + 9)
        make_results.measure_model(results, name, on_test, on_foreign)
        if members == 3:
            make_results.measure_subsets(results, name, on_test, on_foreign)
    return results


def test_values_are_those_of_the_libraries(results):
    torch = pytest.importorskip("torch")
    from torch_uncertainty.metrics import AURC, BrierScore, CategoricalNLL, CovAt5Risk

    known = predictions(4, 3, 1)
    mean, labels = torch.tensor(known.mean), torch.tensor(known.labels)
    values = results.values
    assert values["three.test.accuracy"] == pytest.approx(100 * known.correct.mean())
    for metric, key, factor in (
        (BrierScore(num_classes=10), "brier", 1),
        (CategoricalNLL(), "nll", 1),
        (AURC(), "aurc", 100),
        (CovAt5Risk(), "coverage-at-5-percent-risk", 100),
    ):
        metric.update(mean, labels)
        assert values[f"three.test.{key}"] == pytest.approx(factor * float(metric.compute()), 1e-5)


def test_intervals_hold_their_number(results):
    for key, (value, low, high, *_) in results.entries.items():
        assert low <= value <= high, key


def test_only_scores_that_exist_are_kept(results):
    assert "three.ood.mutual-information.auroc" in results.entries
    assert "one.ood.mutual-information.auroc" not in results.entries
    assert results.entries["three.ood.energy.fpr95"][5] == 2 * NUM_IMAGES


def test_subsets_of_all_members_are_the_ensemble(results):
    for measure in ("test.nll", "test.accuracy", "test.ece", "ood.max-probability.auroc"):
        whole = results.values[f"three.{measure}"]
        assert results.values[f"three.members-3.{measure}"] == pytest.approx(whole)
    row = results.entries["three.members-2.test.nll"]
    assert row[1] < row[0] < row[2]
    assert row[3:6] == ["subsets", "nats", 3]


def test_no_error_among_the_answered_still_has_an_upper_limit():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_results, "NUM_RESAMPLES", 20)
        fresh = Results(image_set("MNIST test"), image_set("Fashion-MNIST test"))
    right = np.ones(NUM_IMAGES, dtype=bool)
    make_results.add_selective(fresh, "perfect", np.arange(float(NUM_IMAGES)), right)
    value, low, high, interval, _, n, _ = fresh.entries["perfect.test.risk-at-80-percent-coverage"]
    assert (value, low, interval, n) == (0, 0, "binomial", 320)
    stats = pytest.importorskip("scipy.stats")
    exact = stats.binomtest(0, 320).proportion_ci(0.95, method="exact").high
    assert high == pytest.approx(100 * exact, rel=1e-5)


# Claims


def test_every_claim_has_its_own_name_and_a_direction():
    claims = claims_to_judge("lenet-3")
    assert len({claim.id for claim in claims}) == len(claims)
    assert all(claim.better in ("higher", "lower") and claim.margin >= 0 for claim in claims)
    beaten = next(claim for claim in claims if claim.id == "ensemble-beats-best-member-nll")
    assert beaten.second == ("lenet-3.test.nll",)


def test_a_difference_is_paired(results):
    claim = ToJudge("x", "X", ("three.test.nll",), ("one.test.nll",), "lower")
    found = difference_on_images(claim, results.values, results.draws)
    expected = results.draws["three.test.nll"] - results.draws["one.test.nll"]
    assert (found["low"], found["high"]) == pytest.approx(
        tuple(np.quantile(expected, [0.025, 0.975])), rel=1e-5
    )
    nothing = ToJudge("x", "X", ("one.test.nll",), ("one.test.nll",), "lower")
    same = difference_on_images(nothing, results.values, results.draws)
    assert (same["low"], same["high"], same["verdict"]) == (0, 0, "undecided")


def test_a_published_number_does_not_vary(results):
    values = results.values | {"published.x": 90.0}
    claim = ToJudge("x", "X", ("one.test.accuracy",), ("published.x",), "higher")
    found = difference_on_images(claim, values, results.draws)
    spread = np.quantile(results.draws["one.test.accuracy"], [0.025, 0.975]) - 90
    assert (found["low"], found["high"]) == pytest.approx(tuple(spread), rel=1e-5)


def test_seeds_widen_the_interval():
    draws = {key: np.linspace(-1, 1, 101) * 0 + value for key, value in VALUES.items()}
    claim = ToJudge("x", "X", tuple(f"a-{i}.m" for i in range(5)), ("b.m",), "higher")
    fixed = difference_on_images(claim, VALUES, draws)
    assert fixed["low"] == fixed["high"]
    seeds = ToJudge(**{**vars(claim), "over_seeds": True})
    found = difference_on_images(seeds, VALUES, draws)
    stats = pytest.importorskip("scipy.stats")
    sample = [VALUES[f"a-{i}.m"] - VALUES["b.m"] for i in range(5)]
    expected = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
    assert (found["low"], found["high"]) == pytest.approx(tuple(expected), rel=1e-5)
    assert found["interval"] == "images-seeds"


VALUES = {**{f"a-{i}.m": 1.0 + 0.1 * i for i in range(5)}, "b.m": 0.9}


def test_two_scores_of_the_same_networks_are_paired_by_seed():
    values = {f"a-{i}.{score}": 1.0 * i + (score == "x") for i in range(5) for score in "xy"}
    draws = {key: np.full(10, value) for key, value in values.items()}
    first, second = (tuple(f"a-{i}.{score}" for i in range(5)) for score in "xy")
    claim = ToJudge("x", "X", first, second, "higher", over_seeds=True)
    found = difference_on_images(claim, values, draws)
    assert (found["low"], found["high"]) == (1, 1)  # the networks differ, the difference does not


def test_student_s_interval():
    stats = pytest.importorskip("scipy.stats")
    sample = np.array([1.0, 2.0, 4.0, 4.5, 7.0])
    interval = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
    assert 2 * t_half_width(sample) == pytest.approx(interval.high - interval.low)


# What others measured


def live_record(num_seeds: int, source: str = "full") -> dict:
    rows = [
        {
            "model": model,
            "seed": seed,
            "accuracy": 98 + number + 0.1 * seed,
            "seconds": 10.0 + seed,
            "source": source,
            "device": "CPU",
        }
        for number, model in enumerate(make_results.LIVE_NAMES)
        for seed in range(num_seeds)
    ]
    return {"rows": rows, "versions": {"torch": "2.13.0"}}


@pytest.fixture
def empty() -> Results:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_results, "NUM_RESAMPLES", 2)
        return Results(image_set("MNIST test"), image_set("Fashion-MNIST test"))


def test_five_paired_seeds_enter(empty, tmp_path):
    path = tmp_path / "three_epochs-full.json"
    path.write_text(json.dumps(live_record(5)), encoding="utf-8")
    live = make_results.add_live(empty, path)
    row = empty.entries["live-lenet.test.accuracy"]
    assert row[0] == pytest.approx(98.2)
    assert row[3:6] == ["seeds-t", "%", 5]
    first, second = (f"{name}.test.accuracy" for name in ("live-packed-4", "live-lenet"))
    claim = ToJudge("x", "X", (first,), (second,), "higher")
    found = make_results.live_difference(claim, live, "percentage points")
    assert (found["difference"], found["verdict"], found["n"]) == (2, "supported", 5)


@pytest.mark.parametrize("record", [live_record(4), live_record(5, source="sample")])
def test_too_few_seeds_or_other_data_are_left_out(empty, tmp_path, capsys, record):
    path = tmp_path / "three_epochs-full.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    assert make_results.add_live(empty, path) == {}
    assert not empty.entries
    assert "left out" in capsys.readouterr().out


def test_files_of_other_commands_enter_and_may_not_overwrite(empty, tmp_path, monkeypatch):
    monkeypatch.setattr(make_results, "BENCHMARKS", tmp_path)
    record = {
        "device": "CPU",
        "versions": {},
        "data": {},
        "command": "make bench",
        "entries": {
            "bench.whole.ratio": [3.9, 3.6, 4.1, "seeds", "", 5],
            "published.x": [99, "%"],
        },
    }
    (tmp_path / "bench.entries.json").write_text(json.dumps(record), encoding="utf-8")
    make_results.add_files(empty)
    assert empty.entries["bench.whole.ratio"] == [3.9, 3.6, 4.1, "seeds", "", 5, "bench"]
    assert empty.entries["published.x"] == [99, None, None, "published", "%", None, "bench"]
    with pytest.raises(SystemExit, match=r"bench\.entries\.json holds bench\.whole\.ratio"):
        make_results.add_files(empty)


def test_what_is_written_is_a_ledger(empty, results, tmp_path, monkeypatch):
    claim = ToJudge("fewer", "Fewer", ("three.test.nll",), ("one.test.nll",), "lower")
    monkeypatch.setattr(make_results, "claims_to_judge", lambda best: [claim])
    empty.entries, empty.values = dict(results.entries), dict(results.values)
    empty.draws = results.draws
    empty.sources["evaluation"] = {
        "device": "CPU",
        "versions": {},
        "data": dict(ledger.KNOWN_DATA),
        "command": "make results",
    }
    text = make_results.written(empty, make_results.judged(empty, {}))
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    read = ledger.load(path)
    assert read.value("three.test.accuracy").value == results.entries["three.test.accuracy"][0]
    assert read.value("claims.fewer.difference").value == read.claim("fewer").difference


def test_a_network_whose_weights_are_missing_is_named_and_left_out(monkeypatch, capsys):
    def missing(name):
        raise zoo.ZooError("its weights are missing.")

    monkeypatch.setattr(zoo, "names", lambda: ["lenet-0", "deep-ensemble-2"])
    recipe = asdict(NETWORKS["lenet-0"].recipe)
    members = {"lenet-0": recipe, "deep-ensemble-2": {"members": ["lenet-0", "lenet-1"]}}
    monkeypatch.setattr(zoo, "facts", members.get)
    monkeypatch.setattr(zoo, "load", missing)
    assert list(make_results.predictions_of_zoo(image_set("x"))) == []
    printed = capsys.readouterr().out
    assert "lenet-0: left out, its weights are missing." in printed
    assert "deep-ensemble-2: left out" in printed


def test_a_short_first_version_is_not_taken_for_the_real_one(monkeypatch, capsys):
    recipe = asdict(NETWORKS["lenet-0"].recipe)
    monkeypatch.setattr(zoo, "names", lambda: ["lenet-0"])
    monkeypatch.setattr(zoo, "facts", lambda name: recipe | {"epochs": 3})
    assert list(make_results.predictions_of_zoo(image_set("x"))) == []
    assert "lenet-0: left out, trained with epochs 3 instead of 75" in capsys.readouterr().out


def test_sample_data_are_refused(capsys):
    with pytest.raises(SystemExit, match="full data sets"):
        make_results.main()


def test_areas_follow_the_course_s_definition(results):
    known = predictions(4, 1, 0)
    curve = selective.risk_coverage(max_probability(known), known.correct)
    assert results.values["one.test.augrc"] == pytest.approx(100 * curve.augrc)


def test_the_benchmark_is_told_by_device(empty: make_results.Results) -> None:
    make_results.add_benchmarks(empty)
    record = json.loads((make_results.BENCHMARKS / "against_ancestor-cpu.json").read_text())
    whole = empty.entries["benchmark-cpu.whole.times-faster"]
    assert whole[0] == pytest.approx(record["summary"]["whole"]["ratio"], rel=1e-5)
    assert empty.entries["benchmark-cpu.lenet.lenet-steps"][0] == 1
    assert "thread" in empty.sources[whole[6]]["device"]
