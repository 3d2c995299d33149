"""What chapters 5 and 6 claim about votes, thresholds, shift, calibration and sets, in numbers.

Called by ``make_results.py`` after the networks were measured on the test digits. Each function
takes predictions and adds entries to the results, with the draws that claims need. Damaged digits
are every fifth test digit, and a draw takes all damaged copies of a digit together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.isotonic import IsotonicRegression

from course_utils.images import ImageSet, batches
from course_utils.images.corruptions import CORRUPTIONS, corrupt
from course_utils.metrics import calibration, conformal, scores, selective
from course_utils.metrics.detection import auroc
from course_utils.metrics.grouping import grouping_loss, without_groups
from course_utils.metrics.predictions import Predictions
from course_utils.metrics.resampling import Resamples, ranking_draws
from course_utils.networks import evaluation, zoo

if TYPE_CHECKING:
    from tools.author.results import Results

SINGLE, EIGHT, PACKED = "modest-lenet-0", "modest-deep-ensemble-8", "modest-packed-4"
GOOD_SINGLE, GOOD_EIGHT, GOOD_PACKED = "lenet-0", "deep-ensemble-8", "packed-4-0"
NETWORKS = (SINGLE, EIGHT, PACKED, GOOD_SINGLE, GOOD_EIGHT, GOOD_PACKED)

PERCENT = 100
TARGET = 0.01  # risk that thresholds are chosen for
STEP = 5  # every fifth test digit is damaged
FEWEST_ANSWERED = 5  # of fewer answers no risk is reported
NUM_SPLITS = 300
NUM_BINS = 15
OOD_SCORES = (scores.max_probability, scores.entropy, scores.mutual_information, scores.energy)
FIXED_THRESHOLD_KINDS = ("blur", "Gaussian noise", "rotation")
COMPARED_KINDS = ("shift", "rotation", "Gaussian noise", "contrast")

# What measurements are compared with where no other measurement is the measure of things.
CHOSEN = {
    "rank-correlation-0.99": (0.99, ""),
    "ratio-3": (3, ""),
    "zero": (0, "%"),
    "risk-5-percent": (5, "%"),
    "share-5-percent": (5, "%"),
    "share-10-percent": (10, "%"),
    "share-35-percent": (35, "%"),
    "share-65-percent": (65, "%"),
    "accuracy-95-percent": (95, "%"),
    "coverage-95-percent": (95, "%"),
    "coverage-99-percent": (99, "%"),
    "temperature-1": (1, ""),
    "classes-8": (8, ""),
}


def measure_lessons(
    results: Results,
    on_test: Mapping[str, tuple[Predictions, Predictions]],
    validation: ImageSet,
    validation_ood: ImageSet,
) -> None:
    """Everything of chapters 5 and 6 for which the networks are there.

    Parameters
    ----------
    results : Results
        With the entries of the networks themselves.
    on_test : mapping of str to pair of Predictions
        For each network of `NETWORKS` that is there what it says about ``results.test`` and
        ``results.foreign``.
    validation, validation_ood : ImageSet
        Digits and clothes to choose on.
    """
    for name, (value, unit) in CHOSEN.items():
        results.add(f"chosen.{name}", value, None, None, "chosen", unit, None, "evaluation")
    if not all(name in on_test for name in (SINGLE, EIGHT, PACKED)):
        print("Chapters 5 and 6: left out, the modest networks are missing.")
        return
    networks = {name: zoo.load(name) for name in NETWORKS if name in on_test}
    on_val = {name: evaluation.predict(model, validation) for name, model in networks.items()}
    known = {name: digits for name, (digits, _) in on_test.items()}

    measure_ranking(results, known[SINGLE], known[PACKED])
    measure_splits(results, EIGHT, known[EIGHT])
    ood = evaluation.predict(networks[EIGHT], validation_ood.subset(slice(len(validation) // 4)))
    measure_mixed_stream(results, EIGHT, *on_test[EIGHT], on_val[EIGHT], ood)
    measure_calibration(results, known, on_val, networks[SINGLE], validation)
    measure_sets(results, known, on_val, networks[SINGLE], validation)
    measure_batches(results, SINGLE, *on_test[SINGLE])
    measure_groups_of_digits(results, SINGLE, networks[SINGLE], known[SINGLE])

    few = results.test.subset(slice(0, None, STEP))
    clean = {name: p.take(slice(0, None, STEP)) for name, p in known.items()}
    damaged = damaged_answers(networks, few)
    measure_shift(results, clean, damaged, on_val)
    measure_damaged_calibration(results, networks, few, clean, on_val)
    measure_inverted(results, networks, few, clean)


# Chapter 5 --------------------------------------------------------------------------------------


def measure_ranking(results: Results, single: Predictions, packed: Predictions) -> None:
    """Do two scores order alike, what does one mistake weigh, and who says what when wrong?"""
    draws, n = results.test_draws, len(packed)
    both = scores.entropy(packed), scores.max_probability(packed)
    everything = np.ones((n, 1), np.uint8)
    results.add_drawn(
        f"{PACKED}.test.entropy.rank-correlation",
        rank_correlation(*both, everything)[0],
        rank_correlation(*both, draws.counts),
        "",
        n,
    )
    top, middle = increases(single)
    for measure in ("aurc", "augrc"):
        ratio = top[measure] / middle[measure]
        key = f"{SINGLE}.test.{measure}.top-to-middle"
        results.add(key, ratio, None, None, "exact", "", None, "evaluation")

    votes = packed.member_predicted
    unanimous = (votes == votes[:, :1]).all(axis=1)
    groups = {
        "split-mistakes": ~unanimous & ~packed.correct,
        "unanimous-mistakes": unanimous & ~packed.correct,
        "unanimous-right": unanimous & packed.correct,
    }
    for score in (
        scores.max_probability,
        scores.entropy,
        scores.mutual_information,
        scores.variation_ratio,
        scores.disagreement,
    ):
        slug, values = _slug(score), score(packed)
        for group, members in groups.items():
            if members.any():
                key = f"{PACKED}.test.{slug}.of-{group}"
                drawn = _ratio(draws.means(values * members), draws.means(members))
                results.add_drawn(key, values[members].mean(), drawn, "", int(members.sum()))


def rank_correlation(first: NDArray, second: NDArray, counts: NDArray) -> NDArray[np.float64]:
    """Spearman's correlation of two scores in each draw, ties at their mean rank, shape [R].

    Parameters
    ----------
    first, second : array of float, shape [N]
    counts : array of int, shape [N, R]
        How often each image is drawn.
    """
    places = [np.unique(values, return_inverse=True)[1] for values in (first, second)]
    found = []
    for drawn in counts.T:  # one by one: all draws at once would need gigabytes
        deviations = []
        for place in places:
            of_value = np.bincount(place, weights=drawn)
            rank = np.cumsum(of_value) - (of_value - 1) / 2
            deviations.append(rank[place] - (drawn.sum() + 1) / 2)
        one, other = deviations
        variances = (drawn * one**2).sum() * (drawn * other**2).sum()
        found.append((drawn * one * other).sum() / np.sqrt(variances))
    return np.array(found)


def increases(predictions: Predictions) -> tuple[dict[str, float], dict[str, float]]:
    """What AURC and AUGRC rise by if the most certain answer were wrong, or the middle one."""
    uncertainty, correct = scores.max_probability(predictions), predictions.correct
    before = selective.risk_coverage(uncertainty, correct)
    right = np.argsort(uncertainty, kind="stable")
    right = right[correct[right]]  # what is wrong already cannot be made wrong
    rises = []
    for place in (0, len(right) // 2):
        pretended = correct.copy()
        pretended[right[place]] = False
        after = selective.risk_coverage(uncertainty, pretended)
        rises.append({m: getattr(after, m) - getattr(before, m) for m in ("aurc", "augrc")})
    return rises[0], rises[1]


def largest_coverage(curve: selective.RiskCoverage) -> float:
    """Threshold of the largest coverage that keeps the target on these very images."""
    return curve.threshold_for_risk(TARGET)


def with_guarantee(curve: selective.RiskCoverage, delta: float = 0.1, num_looks: int = 11) -> float:
    """Threshold of the largest of eleven fixed coverages whose risk is bounded by the target.

    Each bound is Clopper and Pearson's at delta / 11, so that all of them hold together with
    probability 1 - delta (Bonferroni).
    """
    steps = np.searchsorted(curve.coverage, np.linspace(0.5, 1, num_looks) - 1e-9)
    wrong, answered = curve.num_wrong[steps], curve.num_answered[steps]
    kept = steps[beta.ppf(1 - delta / num_looks, wrong + 1, answered - wrong) <= TARGET]
    return float(curve.threshold[kept[-1]]) if len(kept) else -np.inf


def split_and_choose(
    predictions: Predictions,
    num_to_choose: int,
    choose: Callable[[selective.RiskCoverage], float],
    num_splits: int = NUM_SPLITS,
) -> NDArray[np.float64]:
    """Risk and coverage on the rest, for thresholds chosen on random parts, shape [splits, 2]."""
    uncertainty, correct = scores.max_probability(predictions), predictions.correct
    generator = np.random.default_rng(0)
    outcomes = []
    for _ in range(num_splits):
        shuffled = generator.permutation(len(correct))
        chosen, rest = shuffled[:num_to_choose], shuffled[num_to_choose:]
        threshold = choose(selective.risk_coverage(uncertainty[chosen], correct[chosen]))
        answered = uncertainty[rest] <= threshold
        wrong = (answered & ~correct[rest]).sum()
        outcomes.append((wrong / max(answered.sum(), 1), answered.mean()))
    return np.array(outcomes)


def measure_splits(results: Results, name: str, predictions: Predictions) -> None:
    """How often a threshold for the target misses it, over random splits of the test digits."""
    draws = Resamples(NUM_SPLITS, results.test_draws.num_resamples, seed=2)
    rules = {"largest-coverage": largest_coverage, "with-guarantee": with_guarantee}
    for count, rule in ((250, "largest-coverage"), (1000, "largest-coverage"),
                        (1000, "with-guarantee"), (2000, "largest-coverage")):  # fmt: skip
        risk, coverage = split_and_choose(predictions, count, rules[rule]).T
        key = f"{name}.splits-{count}.{rule}"
        above = risk > TARGET
        for measure, values in (("above-target", above), ("risk", risk), ("coverage", coverage)):
            drawn = draws.means(values)
            results.add_drawn(
                f"{key}.{measure}", values.mean(), drawn, "%", NUM_SPLITS,
                kind="splits", scale=PERCENT,
            )  # fmt: skip
        if not above.any():
            add_never_seen(results, f"{key}.above-target", NUM_SPLITS)
        order = np.argsort(risk, kind="stable")
        weights = np.cumsum(draws.counts[order], axis=0, dtype=np.int64)
        ends = [
            risk[order][(weights >= share * NUM_SPLITS).argmax(axis=0)] for share in (0.05, 0.95)
        ]
        width = np.subtract(*np.quantile(risk, [0.95, 0.05]))
        results.add_drawn(
            f"{key}.width-of-risk", width, ends[1] - ends[0], "%", NUM_SPLITS,
            kind="splits", scale=PERCENT,
        )  # fmt: skip


def add_never_seen(results: Results, key: str, count: int) -> None:
    """A share of 0: drawing again would say 0 to 0, Clopper and Pearson know an upper end."""
    num_draws = results.test_draws.num_resamples
    level = (np.arange(num_draws) + 0.5) / num_draws
    results.draws[key] = PERCENT * (1 - (1 - level) ** (1 / count))
    high = PERCENT * (1 - 0.025 ** (1 / count))
    results.add(key, 0.0, 0.0, high, "binomial", "%", count, "evaluation")


def measure_mixed_stream(
    results: Results,
    name: str,
    digits: Predictions,
    ood: Predictions,
    val_digits: Predictions,
    val_ood: Predictions,
) -> None:
    """A stream with one OOD image to four digits; the threshold knows of them, or does not."""
    ood = ood.take(slice(len(digits) // 4))
    ood_draws = Resamples(len(ood), results.test_draws.num_resamples, seed=3)
    n = len(digits) + len(ood)
    for score in OOD_SCORES:
        known = selective.risk_coverage(score(val_digits), val_digits.correct)
        mixed = selective.risk_coverage(
            np.concatenate([score(val_digits), score(val_ood)]),
            np.concatenate([val_digits.correct, np.zeros(len(val_ood), bool)]),
        )
        for title, curve in (("digits", known), ("mixed", mixed)):
            threshold = curve.threshold_for_risk(TARGET)
            answered, foreign = score(digits) <= threshold, score(ood) <= threshold
            wrong = answered & ~digits.correct
            of_digits = results.test_draws.means(np.stack([answered, wrong], axis=1)) * len(digits)
            of_ood = ood_draws.means(foreign) * len(ood)
            risk = (wrong.sum() + foreign.sum()) / max(answered.sum() + foreign.sum(), 1)
            drawn = _ratio(of_digits[:, 1] + of_ood, of_digits[:, 0] + of_ood)
            key = f"{name}.stray.{_slug(score)}.threshold-on-{title}"
            for measure, value, drawn_value, count in (
                ("answered", answered.mean(), of_digits[:, 0] / len(digits), len(digits)),
                ("risk", risk, drawn, n),
                ("from-target", abs(risk - TARGET), abs(drawn - TARGET), n),
            ):
                results.add_drawn(f"{key}.{measure}", value, drawn_value, "%", count, scale=PERCENT)


# Calibration and sets ---------------------------------------------------------------------------


def measure_calibration(
    results: Results,
    on_test: Mapping[str, Predictions],
    on_val: Mapping[str, Predictions],
    network: torch.nn.Module,
    validation: ImageSet,
) -> None:
    """Temperatures of one network and of ensembles, and isotonic regression beside them."""
    from torch_uncertainty.post_processing import IsotonicRegressionScaler

    draws = Resamples(len(validation), results.test_draws.num_resamples, seed=5)
    fitted = on_val[SINGLE]
    logits = calibration.log_mean(fitted)
    temperature = calibration.fit_temperature(logits, fitted.labels)
    drawn = temperature_draws(logits, fitted.labels, temperature, draws)
    results.add_drawn(f"{SINGLE}.val.temperature", temperature, drawn, "", len(validation))

    add_quality(results, f"{SINGLE}.test.scaled",
                calibration.scale(on_test[SINGLE], mean=temperature))  # fmt: skip
    scaler = IsotonicRegressionScaler(network)
    scaler.fit(batches(validation, 500), progress=False)
    with torch.inference_mode():
        outputs = [scaler(images).numpy() for images, _ in batches(results.test, 500)]
    isotonic = Predictions(np.concatenate(outputs)[:, np.newaxis], results.test.labels)
    add_quality(results, f"{SINGLE}.test.isotonic", isotonic)

    for name in (EIGHT, PACKED):
        fitted, answers = on_val[name], on_test[name]
        each = calibration.member_temperatures(fitted)
        drawn = [
            temperature_draws(fitted.logits[:, member], fitted.labels, found, draws)
            for member, found in enumerate(each)
        ]
        key = f"{name}.val.lowest-member-temperature"
        results.add_drawn(key, each.min(), np.min(drawn, axis=0), "", len(validation))
        of_mean = calibration.fit_temperature(calibration.log_mean(fitted), fitted.labels)
        add_quality(results, f"{name}.test.calibrate-then-pool",
                    calibration.scale(answers, members=each))  # fmt: skip
        add_quality(results, f"{name}.test.pool-then-calibrate",
                    calibration.scale(answers, mean=of_mean))  # fmt: skip


def add_quality(results: Results, key: str, predictions: Predictions) -> None:
    """Accuracy, NLL, ECE, AURC, and mean confidence minus accuracy (excess) on the test digits."""
    draws, n = results.test_draws, len(predictions)
    correct, confidence = predictions.correct, predictions.mean.max(axis=1)
    log_mean = calibration.log_mean(predictions)
    of_images = {
        "accuracy": (correct.astype(np.float64), "%", PERCENT),
        "nll": (-log_mean[np.arange(n), predictions.labels], "nats", 1),
        "excess": (confidence - correct, "%", PERCENT),
    }
    for measure, (values, unit, scale) in of_images.items():
        results.add_drawn(
            f"{key}.{measure}", values.mean(), draws.means(values), unit, n, scale=scale
        )
    add_calibration_error(results, f"{key}.ece", [predictions], draws)
    uncertainty = scores.max_probability(predictions)
    results.add_drawn(
        f"{key}.aurc",
        selective.risk_coverage(uncertainty, correct).aurc,
        draws.risk_coverage(uncertainty, correct)["aurc"],
        "%",
        n,
        scale=PERCENT,
    )


def add_calibration_error(
    results: Results, key: str, copies: list[Predictions], draws: Resamples
) -> None:
    """ECE of several copies of the same images, of which a draw takes all or none."""
    gaps = np.zeros((len(copies[0]), NUM_BINS + 1))
    for predictions in copies:
        confidence = predictions.mean.max(axis=1)
        bins = calibration.bin_numbers(confidence, NUM_BINS)
        gaps[np.arange(len(gaps)), bins] += (predictions.correct - confidence) / len(copies)
    results.add_drawn(
        key,
        np.abs(gaps.mean(axis=0)).sum(),
        np.abs(draws.means(gaps)).sum(axis=-1),
        "%",
        len(gaps),
        kind="images-reflected",
        scale=PERCENT,
    )


def temperature_draws(
    logits: NDArray, labels: NDArray, estimate: float, draws: Resamples
) -> NDArray[np.float64]:
    """The best temperature of each draw, within a factor of two of the estimate, shape [R].

    The slope of the NLL in 1/T is a mean over images and rises with 1/T: it is computed on a grid
    once, averaged for all draws together, and its zero found by linear interpolation.
    """
    logits = np.asarray(logits, np.float64)
    truth = logits[np.arange(len(labels)), labels]
    inverse = np.geomspace(0.5 / estimate, 2 / estimate, 81)
    slopes = np.empty((len(labels), len(inverse)))
    for column, factor in enumerate(inverse):
        weights = np.exp(factor * (logits - logits.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        slopes[:, column] = (weights * logits).sum(axis=1) - truth
    zeros = [np.interp(0.0, slope, np.log(inverse)) for slope in draws.means(slopes)]
    return 1 / np.exp(zeros)


def measure_sets(
    results: Results,
    on_test: Mapping[str, Predictions],
    on_val: Mapping[str, Predictions],
    network: torch.nn.Module,
    validation: ImageSet,
    alpha: float = 0.01,
) -> None:
    """Coverage and size of conformal sets, and what the correction for a finite n is worth."""
    from torch_uncertainty.post_processing import ConformalClsRAPS, ConformalClsTHR

    draws = results.test_draws
    for name in (SINGLE, EIGHT, PACKED):
        answers = on_test[name]
        sets = conformal.prediction_sets(
            conformal.threshold_scores(answers.mean), set_threshold(on_val[name], alpha)
        )
        n = len(answers)
        covered, sizes = sets[np.arange(n), answers.labels], sets.sum(axis=1)
        key = f"{name}.conformal.thr"
        results.add_drawn(
            f"{key}.coverage", covered.mean(), draws.means(covered), "%", n, scale=PERCENT
        )
        results.add_drawn(f"{key}.mean-size", sizes.mean(), draws.means(sizes), "", n)

    answers = on_test[SINGLE]
    split_draws = Resamples(1000, draws.num_resamples, seed=6)
    for title, corrected in (("corrected", True), ("plain", False)):
        found = conformal.coverage_of_draws(
            conformal.threshold_scores(answers.mean), answers.labels, 0.05, 50,
            corrected=corrected, num_draws=1000,
        ).coverage  # fmt: skip
        results.add_drawn(
            f"{SINGLE}.conformal.calibrated-on-50.{title}.coverage", found.mean(),
            split_draws.means(found), "%", len(found), kind="splits", scale=PERCENT,
        )  # fmt: skip

    for title, method in (("thr", ConformalClsTHR), ("raps", ConformalClsRAPS)):
        torch.manual_seed(0)  # RAPS draws a random number for each image
        wrapped = method(alpha=alpha, model=network, enable_ts=False)
        wrapped.fit(batches(validation, 500))
        with torch.inference_mode():
            outputs = [wrapped(images).numpy() for images, _ in batches(results.test, 500)]
        sizes = (np.concatenate(outputs) > 0).sum(axis=1)
        key, n = f"{SINGLE}.conformal.library-{title}", len(sizes)
        one = sizes == 1
        results.add_drawn(f"{key}.sets-of-one", one.mean(), draws.means(one), "%", n, scale=PERCENT)
        if not one.any():
            add_never_seen(results, f"{key}.sets-of-one", n)
        row = (int(sizes.max()), None, None, "exact", "", None, "evaluation")
        results.add(f"{key}.largest", *row)


def set_threshold(fitted: Predictions, alpha: float = 0.01) -> float:
    """Up to which score a class belongs to the set, from validation digits."""
    true_scores = conformal.threshold_scores(fitted.mean)[np.arange(len(fitted)), fitted.labels]
    return conformal.quantile(true_scores, alpha)


# Scores and groups ------------------------------------------------------------------------------


def squeezed(values: NDArray, batch_size: int) -> NDArray[np.float64]:
    """Scores as torchmetrics' AUROC compares them: a batch with any outside 0 to 1 is squeezed."""
    compared = np.array(values, np.float64)
    for start in range(0, len(compared), batch_size):
        part = compared[start : start + batch_size]
        if ((part < 0) | (part > 1)).any():
            part[:] = 1 / (1 + np.exp(-part))
    return compared


def measure_batches(results: Results, name: str, digits: Predictions, foreign: Predictions) -> None:
    """AUROC of the entropy by torchmetrics, for several sizes of the batches."""
    values = np.concatenate([scores.entropy(digits), scores.entropy(foreign)])
    for batch_size in (10, 50, 200):
        compared = squeezed(values, batch_size)
        drawn = ranking_draws(
            compared[: len(digits)], compared[len(digits) :],
            results.test_draws, results.foreign_draws,
        )  # fmt: skip
        results.add_drawn(
            f"{name}.ood.entropy.auroc-in-batches-of-{batch_size}",
            auroc(compared[: len(digits)], compared[len(digits) :]),
            drawn["auroc"],
            "%",
            len(values),
            scale=PERCENT,
        )


def last_features(network: torch.nn.Module, images: ImageSet) -> NDArray[np.float32]:
    """What the last layer of a LeNet sees, shape [N, 84]."""
    kept = []
    hook = network.fc3.register_forward_hook(lambda layer, inputs, output: kept.append(inputs[0]))
    with torch.inference_mode():
        for batch, _ in batches(images, 500):
            network(batch)
    hook.remove()
    return torch.cat(kept).numpy()


def measure_groups_of_digits(
    results: Results,
    name: str,
    network: torch.nn.Module,
    digits: Predictions,
    num_stream: int = 4000,
    num_draws: int = 20,
) -> None:
    """Lower bounds of the grouping loss, beside what chance alone brings.

    On a stream in which every second digit is turned, with confidences repaired on its first half;
    and on test digits as they are.
    """
    order = np.random.default_rng(seed=4).permutation(len(digits))[:num_stream]
    is_turned = np.arange(num_stream) % 2 == 1
    stream = results.test.subset(order)
    pixels = stream.images.copy()
    pixels[is_turned] = corrupt(stream.images[is_turned], "rotation", severity=5)
    stream = ImageSet(pixels, stream.labels, "every second digit turned", stream.source)
    answers = evaluation.predict(network, stream)
    top = answers.mean.max(axis=1)
    half = num_stream // 2
    curve = IsotonicRegression(out_of_bounds="clip").fit(top[:half], answers.correct[:half])
    repaired, right = curve.predict(top[half:]), answers.correct[half:]

    rows = {
        "turned-known": (repaired, right, is_turned[half:].astype(np.float64)),
        "turned-by-features": (repaired, right, last_features(network, stream)[half:]),
        "clean-by-features": (
            digits.mean.max(axis=1)[order],
            digits.correct[order],
            last_features(network, results.test.subset(order)),
        ),
    }
    for title, row in rows.items():
        bound = grouping_loss(*row).lower_bound
        chance = without_groups(*row, num_draws=num_draws)
        key = f"{name}.grouping.{title}"
        results.add(
            f"{key}.lower-bound", bound, None, None, "single", "", len(row[0]), "evaluation"
        )
        results.add_drawn(f"{key}.chance", chance.mean(), chance, "", num_draws, kind="chance")


# Shift ------------------------------------------------------------------------------------------


def damaged_answers(
    networks: Mapping[str, torch.nn.Module], images: ImageSet
) -> dict[str, dict[str, Predictions]]:
    """What networks say about digits damaged with severity 5, by network and kind."""
    answers: dict[str, dict[str, Predictions]] = {}
    for kind in CORRUPTIONS:
        damaged = corrupt(images, kind, severity=5)
        for name in (SINGLE, EIGHT, PACKED, GOOD_SINGLE):
            if name in networks and (name != GOOD_SINGLE or kind in COMPARED_KINDS):
                found = evaluation.predict(networks[name], damaged)
                answers.setdefault(name, {})[kind] = found
    return answers


def measure_shift(
    results: Results,
    clean: Mapping[str, Predictions],
    damaged: Mapping[str, Mapping[str, Predictions]],
    on_val: Mapping[str, Predictions],
) -> None:
    """Accuracy, ECE, entropy and disagreement on damaged digits; fixed thresholds and sets."""
    n = len(clean[SINGLE])
    draws = Resamples(n, results.test_draws.num_resamples, seed=4)
    for name in (SINGLE, EIGHT, PACKED):
        for part, copies in (("clean", [clean[name]]), ("all-5", list(damaged[name].values()))):
            key = f"{name}.shift.{part}"
            of_images = {
                "accuracy": (lambda p: p.correct, "%", PERCENT),
                "entropy": (scores.entropy, "nats", 1),
                "disagreement": (scores.disagreement, "%", PERCENT),
            }
            for measure, (values_of, unit, scale) in of_images.items():
                if measure == "disagreement" and copies[0].num_members == 1:
                    continue
                values = np.mean([values_of(copy) for copy in copies], axis=0)
                results.add_drawn(
                    f"{key}.{measure}", values.mean(), draws.means(values), unit, n, scale=scale
                )
            add_calibration_error(results, f"{key}.ece", copies, draws)
    for name in (SINGLE, GOOD_SINGLE):
        for kind in COMPARED_KINDS if name in damaged else ():
            right = damaged[name][kind].correct
            key = f"{name}.shift.{_words(kind)}-5.accuracy"
            results.add_drawn(key, right.mean(), draws.means(right), "%", n, scale=PERCENT)

    on_digits = on_val[EIGHT]
    curve = selective.risk_coverage(scores.max_probability(on_digits), on_digits.correct)
    threshold = curve.threshold_for_risk(TARGET)
    for part, answers in {
        "clean": clean[EIGHT],
        **{f"{_words(kind)}-5": damaged[EIGHT][kind] for kind in FIXED_THRESHOLD_KINDS},
    }.items():
        answered = scores.max_probability(answers) <= threshold
        wrong = answered & ~answers.correct
        drawn = draws.means(np.stack([~answers.correct, answered, wrong], axis=1))
        key = f"{EIGHT}.shift.{part}"
        for measure, value, drawn_value in (
            ("error-rate", (~answers.correct).mean(), drawn[:, 0]),
            ("coverage", answered.mean(), drawn[:, 1]),
        ):
            results.add_drawn(f"{key}.{measure}", value, drawn_value, "%", n, scale=PERCENT)
        if answered.sum() >= FEWEST_ANSWERED:
            risk, count = wrong.sum() / answered.sum(), int(answered.sum())
            drawn_risk = _ratio(drawn[:, 2], drawn[:, 1])
            results.add_drawn(f"{key}.risk", risk, drawn_risk, "%", count, scale=PERCENT)

    threshold = set_threshold(on_val[SINGLE])
    for kind, answers in damaged[SINGLE].items():
        sets = conformal.prediction_sets(conformal.threshold_scores(answers.mean), threshold)
        covered, sizes = sets[np.arange(n), answers.labels], sets.sum(axis=1)
        key = f"{SINGLE}.shift.{_words(kind)}-5.sets"
        results.add_drawn(
            f"{key}.coverage", covered.mean(), draws.means(covered), "%", n, scale=PERCENT
        )
        results.add_drawn(f"{key}.mean-size", sizes.mean(), draws.means(sizes), "", n)


def measure_damaged_calibration(
    results: Results,
    networks: Mapping[str, torch.nn.Module],
    images: ImageSet,
    clean: Mapping[str, Predictions],
    on_val: Mapping[str, Predictions],
) -> None:
    """ECE before and after a temperature, on familiar digits and on those damaged at severity 4."""
    kind = np.random.default_rng(0).integers(len(CORRUPTIONS), size=len(images))
    pixels = images.images.copy()
    for number, name in enumerate(CORRUPTIONS):
        pixels[kind == number] = corrupt(pixels[kind == number], name, severity=4)
    damaged = ImageSet(pixels, images.labels, "damaged, severity 4", images.source)
    draws = Resamples(len(images), results.test_draws.num_resamples, seed=4)
    for name, network in networks.items():
        fitted = on_val[name]
        temperature = calibration.fit_temperature(calibration.log_mean(fitted), fitted.labels)
        answers = {"familiar": clean[name], "damaged-4": evaluation.predict(network, damaged)}
        for part, before in answers.items():
            after = calibration.scale(before, mean=temperature)
            for when, predictions in (("before", before), ("after", after)):
                key = f"{name}.{part}.{when}-scaling.ece"
                add_calibration_error(results, key, [predictions], draws)


def measure_inverted(
    results: Results,
    networks: Mapping[str, torch.nn.Module],
    images: ImageSet,
    clean: Mapping[str, Predictions],
) -> None:
    """Black ink on white paper, shown to networks that know white on black."""
    draws = Resamples(len(images), results.test_draws.num_resamples, seed=4)
    inverted = ImageSet(255 - images.images, images.labels, "inverted", images.source)
    for name in (GOOD_SINGLE, GOOD_EIGHT):
        if name not in networks:
            continue
        answers = evaluation.predict(networks[name], inverted)
        of_images = {
            "inverted.accuracy": (answers.correct, "%", PERCENT),
            "inverted.confidence": (answers.mean.max(axis=1), "%", PERCENT),
            "inverted.entropy": (scores.entropy(answers), "nats", 1),
            "familiar.entropy": (scores.entropy(clean[name]), "nats", 1),
        }
        for measure, (values, unit, scale) in of_images.items():
            results.add_drawn(
                f"{name}.{measure}", values.mean(), draws.means(values), unit, len(images),
                scale=scale,
            )  # fmt: skip


def _ratio(above: NDArray, below: NDArray) -> NDArray[np.float64]:
    """Above by below, where below may be 0 in a draw: 0 then, as nothing was answered."""
    return np.divide(above, below, out=np.zeros(len(below)), where=below > 0)


def _slug(score: scores.ScoreFunction) -> str:
    return score.__name__.replace("_", "-")


def _words(kind: str) -> str:
    return kind.lower().replace(" ", "-")
