"""Claims of direction: what is claimed, on which keys of the ledger, and the rule that judges it.

Every statement names the networks it is about: a claim on fixed weights says nothing about other
weights. The margins of "close" were fixed before the numbers were seen. No correction for the
number of claims is made: of twenty true ties one will look decided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.metrics.ledger import judge
from course_utils.metrics.resampling import percentile_interval, reflected_interval

AUROC, AUPR, FPR95 = (f"ood.max-probability.{name}" for name in ("auroc", "aupr", "fpr95"))


@dataclass(frozen=True)
class ToJudge:
    """The first is better than the second; with a margin: not worse by more than that.

    Keys of several networks are averaged. With `over_seeds` the claim is about the kind of network,
    and the spread over seeds widens the interval; otherwise it is about these very weights.
    `interval` says what the draws are, a kind of `ledger.INTERVALS`.
    """

    id: str
    statement: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    better: str
    margin: float = 0.0
    over_seeds: bool = False
    interval: str = "images"


def claims_to_judge(best_lenet: str) -> list[ToJudge]:
    """All claims; `best_lenet` is the member of the Deep Ensemble that validation prefers."""
    de8, modest8 = "deep-ensemble-8", "modest-deep-ensemble-8"
    lenets = [f"lenet-{seed}" for seed in range(8)]
    modest = [f"modest-lenet-{seed}" for seed in range(8)]
    packed = [f"packed-4-{seed}" for seed in range(5)]

    def of(models: str | list[str], measure: str) -> tuple[str, ...]:
        return tuple(
            f"{model}.{measure}" for model in ([models] if isinstance(models, str) else models)
        )

    def members(count: int, measure: str, ensemble: str = de8) -> tuple[str, ...]:
        return (f"{ensemble}.members-{count}.{measure}",)

    claims = []

    def claim(claim_id, statement, first, second, better, **options):
        claims.append(ToJudge(claim_id, statement, first, second, better, **options))

    nll, accuracy, ece = "test.nll", "test.accuracy", "test.ece"
    # More members. Of NLL averaged over subsets the direction is certain (Jensen), the size is not.
    for many, few in ((8, 1), (8, 4), (2, 1)):
        which = "" if (many, few) == (8, 1) else f"-{many}-than-{few}"
        these = f"{many} of the LeNets against {few}, mean over all choices"
        claim(f"more-members-lower-nll{which}", f"More members, lower NLL ({these})",
              members(many, nll), members(few, nll), "lower")  # fmt: skip
        claim(f"more-members-higher-accuracy{which}", f"More members, higher accuracy ({these})",
              members(many, accuracy), members(few, accuracy), "higher")  # fmt: skip
    claim("ensemble-beats-best-member-accuracy",
          "The Deep Ensemble of 8 is more accurate than its best member, chosen on validation",
          of(de8, accuracy), of(best_lenet, accuracy), "higher")  # fmt: skip
    claim("ensemble-beats-best-member-nll",
          "The Deep Ensemble of 8 has a lower NLL than its best member, chosen on validation",
          of(de8, nll), of(best_lenet, nll), "lower")  # fmt: skip
    claim("ensembles-better-calibrated",
          "The Deep Ensemble of 8 has a lower ECE than its members have on average",
          of(de8, ece), of(lenets, ece), "lower")  # fmt: skip
    claim("more-members-higher-ood-auroc",
          "The Deep Ensemble of 8 tells clothes from digits better than its members on average "
          "(AUROC, maximum probability)",
          of(de8, AUROC), of(lenets, AUROC), "higher")  # fmt: skip
    coverage = "test.coverage-at-1-permille-risk"
    claim("more-members-more-coverage",
          "At 0.1 % risk the Deep Ensemble of 8 answers more than its members on average",
          of(de8, coverage), of(lenets, coverage), "higher")  # fmt: skip
    claim("modest-more-members-lower-nll",
          "Modest networks: more members, lower NLL (8 against 1)",
          members(8, nll, modest8), members(1, nll, modest8), "lower")  # fmt: skip
    claim("modest-more-members-higher-accuracy",
          "Modest networks: more members, higher accuracy (8 against 1)",
          members(8, accuracy, modest8), members(1, accuracy, modest8), "higher")  # fmt: skip
    claim("modest-ensembles-better-calibrated",
          "The modest Deep Ensemble of 8 has a lower ECE than its members on average",
          of(modest8, ece), of(modest, ece), "lower")  # fmt: skip
    claim("modest-more-members-more-coverage",
          "At 1 % risk the modest Deep Ensemble of 8 answers more than its members on average",
          of(modest8, "test.coverage-at-1-percent-risk"),
          of(modest, "test.coverage-at-1-percent-risk"), "higher")  # fmt: skip

    # Scores. The same weights on both sides.
    for slug, models, title, seeds in (
        ("deep-ensemble-8", de8, "the Deep Ensemble of 8", False),
        ("packed-4", packed, "Packed-Ensembles of 4", True),
        ("modest", modest8, "the modest Deep Ensemble of 8", False),
        ("modest-packed-4", "modest-packed-4", "the modest Packed-Ensemble of 4", False),
        ("short-packed-4", "short-packed-4", "the Packed-Ensemble of 3 epochs", False),
    ):
        claim(f"entropy-of-mean-beats-member-entropy-ood-{slug}",
              f"Entropy of the mean beats mean member entropy for OOD ({title}, AUROC)",
              of(models, "ood.entropy.auroc"), of(models, "ood.expected-entropy.auroc"),
              "higher", over_seeds=seeds)  # fmt: skip
        claim(f"mutual-information-finds-errors-better-{slug}",
              f"Mutual information finds errors better than maximum probability ({title}, AURC)",
              of(models, "test.mutual-information.aurc"), of(models, "test.aurc"),
              "lower", over_seeds=seeds)  # fmt: skip
        claim(f"mutual-information-finds-ood-better-{slug}",
              f"Mutual information beats maximum probability for OOD ({title}, AUROC)",
              of(models, "ood.mutual-information.auroc"), of(models, AUROC),
              "higher", over_seeds=seeds)  # fmt: skip
    for score, title in (
        ("max-logit", "Maximum logit"), ("energy", "Energy"), ("entropy", "Entropy"),
    ):  # fmt: skip
        claim(f"{score}-beats-max-probability-ood",
              f"{title} beats maximum probability for OOD (single LeNets, AUROC)",
              of(lenets, f"ood.{score}.auroc"), of(lenets, AUROC),
              "higher", over_seeds=True)  # fmt: skip
        claim(f"{score}-beats-max-probability-ood-deep-ensemble-8",
              f"{title} beats maximum probability for OOD (the Deep Ensemble of 8, AUROC)",
              of(de8, f"ood.{score}.auroc"), of(de8, AUROC), "higher")  # fmt: skip

    # Packed-Ensembles.
    for measure, slug, better, margin, title in (
        (accuracy, "accuracy", "higher", 0.1, "accuracy, within 0.1 percentage points"),
        (nll, "nll", "lower", 0.002, "NLL, within 0.002 nats"),
    ):
        claim(f"packed-close-to-deep-ensemble-{slug}",
              "A Packed-Ensemble of 4 comes close to a Deep Ensemble of 4 of these LeNets at a "
              f"quarter of its parameters ({title})",
              of(packed, measure), members(4, measure), better,
              margin=margin, over_seeds=True)  # fmt: skip
    for measure, slug, better in (
        (accuracy, "accuracy", "higher"), (nll, "nll", "lower"), (AUROC, "ood", "higher"),
    ):  # fmt: skip
        claim(f"packed-beats-lenet-{slug}",
              f"A Packed-Ensemble of 4 beats a single LeNet of the same size ({slug})",
              of(packed, measure), of(lenets, measure), better, over_seeds=True)  # fmt: skip
        claim(f"wide-packed-beats-packed-{slug}",
              f"The one Packed-Ensemble of alpha 4 beats those of alpha 2 ({slug})",
              of("packed-4-wide", measure), of(packed, measure), better)  # fmt: skip
        claim(f"mc-dropout-beats-lenet-{slug}",
              f"The one LeNet with MC-dropout beats the plain LeNets on average ({slug})",
              of("mc-dropout", measure), of(lenets, measure), better)  # fmt: skip

    # The goal of the zoo. Theirs is taken as an exact number: its images and draws are not known.
    for measure, slug, better in (
        (accuracy, "accuracy", "higher"), ("test.brier", "brier", "lower"), (nll, "nll", "lower"),
        (AUROC, "auroc", "higher"), (AUPR, "aupr", "higher"), (FPR95, "fpr95", "lower"),
    ):  # fmt: skip
        claim(f"deep-ensemble-8-beats-published-{slug}",
              f"The Deep Ensemble of 8 beats the tutorial's published one ({slug})",
              of(de8, measure), of(f"published.{de8}", measure), better)  # fmt: skip

    # Trained in the lessons, 3 epochs, seed by seed.
    claim("live-deep-ensemble-2-beats-lenet",
          "After 3 epochs a Deep Ensemble of 2 is more accurate than a LeNet",
          of("live-deep-ensemble-2", accuracy), of("live-lenet", accuracy),
          "higher", over_seeds=True)  # fmt: skip
    claim("live-packed-4-beats-lenet",
          "After 3 epochs a Packed-Ensemble of 4 is more accurate than a LeNet",
          of("live-packed-4", accuracy), of("live-lenet", accuracy),
          "higher", over_seeds=True)  # fmt: skip
    return claims + chapter_5_claims() + chapter_6_claims()


def chapter_5_claims() -> list[ToJudge]:
    """What chapter 5 says about scores, thresholds, shift and OOD images."""
    single, eight, packed = "modest-lenet-0", "modest-deep-ensemble-8", "modest-packed-4"
    titles = {eight: "the modest Deep Ensemble of 8", packed: "the modest Packed-Ensemble of 4"}
    claims = []

    def claim(claim_id, statement, first, second, better, **options):
        claims.append(ToJudge(claim_id, statement, (first,), (second,), better, **options))

    for score in ("variation-ratio", "disagreement"):
        for slug, model in (("modest", eight), ("modest-packed-4", packed)):
            claim(f"{score}-orders-mistakes-worse-{slug}",
                  f"{score.capitalize().replace('-', ' ')} has a larger AURC than maximum "
                  f"probability ({titles[model]})",
                  f"{model}.test.{score}.aurc", f"{model}.test.aurc", "higher")  # fmt: skip
    claim("entropy-orders-like-max-probability",
          f"Entropy and maximum probability order alike: Spearman above 0.99 ({titles[packed]})",
          f"{packed}.test.entropy.rank-correlation", "chosen.rank-correlation-0.99",
          "higher")  # fmt: skip
    claim("aurc-weighs-the-top-many-times",
          "One more mistake at the top raises AURC more than three times as much as one in the "
          "middle (the modest LeNet)",
          f"{single}.test.aurc.top-to-middle", "chosen.ratio-3", "higher",
          interval="exact")  # fmt: skip
    claim("augrc-keeps-the-top-in-proportion",
          "One more mistake at the top raises AUGRC less than three times as much as one in the "
          "middle (the modest LeNet)",
          f"{single}.test.augrc.top-to-middle", "chosen.ratio-3", "lower",
          interval="exact")  # fmt: skip

    splits = f"{eight}.splits"
    aimed, bounded = f"{splits}-1000.largest-coverage", f"{splits}-1000.with-guarantee"
    of_splits = f"({titles[eight]}, 300 splits of the test digits)"
    for count in (1000, 2000):
        for bound, better, word in ((35, "higher", "above"), (65, "lower", "below")):
            claim(f"aimed-threshold-misses-{word}-{bound}-percent-{count}",
                  f"Chosen on {count:,} digits to just meet 1 % risk, a threshold misses it on the "
                  f"rest in a share of the splits {word} {bound} % {of_splits}",
                  f"{splits}-{count}.largest-coverage.above-target",
                  f"chosen.share-{bound}-percent", better, interval="splits")  # fmt: skip
    claim("more-digits-to-choose-narrower-risk",
          f"Chosen on 2,000 digits the risk on the rest scatters less than on 250 {of_splits}",
          f"{splits}-2000.largest-coverage.width-of-risk",
          f"{splits}-250.largest-coverage.width-of-risk", "lower", interval="splits")  # fmt: skip
    claim("guarantee-kept",
          f"The bounded rule misses the target in less than a tenth of the splits {of_splits}",
          f"{bounded}.above-target", "chosen.share-10-percent", "lower",
          interval="splits")  # fmt: skip
    claim("guarantee-costs-coverage",
          f"The bounded rule answers less than the one that aims at the target {of_splits}",
          f"{bounded}.coverage", f"{aimed}.coverage", "lower", interval="splits")  # fmt: skip

    for kind in ("blur", "gaussian-noise", "rotation"):
        hurt, clean = f"{eight}.shift.{kind}-5", f"{eight}.shift.clean"
        shown = f"{kind.replace('-', ' ')}, severity 5 ({titles[eight]})"
        claim(f"error-rate-rises-{kind}", f"More errors under {shown}",
              f"{hurt}.error-rate", f"{clean}.error-rate", "higher")  # fmt: skip
        claim(f"coverage-falls-{kind}", f"A fixed threshold answers less under {shown}",
              f"{hurt}.coverage", f"{clean}.coverage", "lower")  # fmt: skip
        if kind == "rotation":
            claim("risk-far-above-target-rotation",
                  f"At a threshold for 1 % the risk is above 5 % under {shown}",
                  f"{hurt}.risk", "chosen.risk-5-percent", "higher")  # fmt: skip
        else:
            claim(f"risk-below-that-under-rotation-{kind}",
                  f"At a fixed threshold the risk is lower than with turned digits under {shown}",
                  f"{hurt}.risk", f"{eight}.shift.rotation-5.risk", "lower")  # fmt: skip
    for score in ("max-probability", "entropy", "mutual-information", "energy"):
        knows, naive = (f"{eight}.stray.{score}.threshold-on-{on}" for on in ("mixed", "digits"))
        shown = f"({titles[eight]}, {score.replace('-', ' ')}, one stray to four digits)"
        claim(f"strays-in-validation-nearer-to-target-{score}",
              f"With strays in validation the risk is nearer to 1 % {shown}",
              f"{knows}.from-target", f"{naive}.from-target", "lower")  # fmt: skip
        claim(f"strays-in-validation-answer-fewer-{score}",
              f"With strays in validation fewer digits are answered {shown}",
              f"{knows}.answered", f"{naive}.answered", "lower")  # fmt: skip
    for model in ("lenet-0", "deep-ensemble-2", "deep-ensemble-8", "packed-4-0"):
        claim(f"answers-everything-at-5-percent-risk-{model}",
              f"{model} errs on fewer than 5 %, so its coverage at 5 % risk is 100 %",
              f"{model}.test.accuracy", "chosen.accuracy-95-percent", "higher")  # fmt: skip
    for score in (
        "max-probability", "entropy", "mutual-information", "variation-ratio", "disagreement",
    ):  # fmt: skip
        key, name = f"{packed}.test.{score}.of", score.replace("-", " ")
        right = f"than right answers on which all agree ({titles[packed]})"
        claim(f"split-mistakes-score-higher-{score}",
              f"Mistakes on which members split have a higher mean {name} {right}",
              f"{key}-split-mistakes", f"{key}-unanimous-right", "higher")  # fmt: skip
        if score in ("max-probability", "entropy"):
            claim(f"shared-mistakes-score-higher-{score}",
                  f"Mistakes on which all agree have a higher mean {name} {right}",
                  f"{key}-unanimous-mistakes", f"{key}-unanimous-right", "higher")  # fmt: skip
    return claims


def chapter_6_claims() -> list[ToJudge]:
    """What chapter 6 says about shift, calibration, sets, scores and groups."""
    single, eight, packed = "modest-lenet-0", "modest-deep-ensemble-8", "modest-packed-4"
    titles = {
        single: "the modest LeNet",
        eight: "the modest Deep Ensemble of 8",
        packed: "the modest Packed-Ensemble of 4",
    }
    slugs = {single: "modest-lenet-0", eight: "modest", packed: "modest-packed-4"}
    lenets = tuple(f"lenet-{seed}" for seed in range(8))
    claims = []

    def claim(claim_id, statement, first, second, better, **options):
        first, second = ((keys,) if isinstance(keys, str) else keys for keys in (first, second))
        claims.append(ToJudge(claim_id, statement, first, second, better, **options))

    # Shift.
    for model, title in titles.items():
        for measure, better, change in (
            ("accuracy", "lower", "falls"), ("ece", "higher", "rises"),
            ("entropy", "higher", "rises"), ("disagreement", "higher", "rises"),
        ):  # fmt: skip
            if model == single and measure == "disagreement":
                continue
            shown = "ECE" if measure == "ece" else measure.capitalize()
            claim(f"shift-{measure}-{change}-{slugs[model]}",
                  f"{shown} {change} from clean digits to eight kinds of damage at severity 5 "
                  f"({title})",
                  f"{model}.shift.all-5.{measure}", f"{model}.shift.clean.{measure}",
                  better)  # fmt: skip
    for model in (eight, packed):
        claim(f"shift-ensemble-better-calibrated-{slugs[model]}",
              f"On damaged digits {titles[model]} has a lower ECE than the modest LeNet",
              f"{model}.shift.all-5.ece", f"{single}.shift.all-5.ece", "lower")  # fmt: skip
    for kind, better, word in (
        ("shift", "higher", "more"), ("rotation", "higher", "more"),
        ("gaussian-noise", "lower", "less"), ("contrast", "lower", "less"),
    ):  # fmt: skip
        claim(f"good-lenet-{word}-accurate-{kind}",
              f"lenet-0 is {word} accurate than the modest LeNet under {kind.replace('-', ' ')}, "
              "severity 5",
              f"lenet-0.shift.{kind}-5.accuracy", f"{single}.shift.{kind}-5.accuracy",
              better)  # fmt: skip

    # Calibration.
    claim("modest-lenet-overconfident", "The temperature of the modest LeNet is above 1",
          f"{single}.val.temperature", "chosen.temperature-1", "higher")  # fmt: skip
    scaled = f"{single}.test.scaled"
    for measure in ("nll", "ece"):
        claim(f"temperature-lowers-{measure}",
              f"A temperature fitted on validation lowers the {measure.upper()} of the modest "
              "LeNet",
              f"{scaled}.{measure}", f"{single}.test.{measure}", "lower")  # fmt: skip
    claim("temperature-keeps-accuracy", "A temperature keeps the accuracy of the modest LeNet",
          f"{scaled}.accuracy", f"{single}.test.accuracy", "higher", margin=0.001)  # fmt: skip
    for measure in ("aurc", "nll"):
        claim(f"isotonic-higher-{measure}-than-temperature",
              f"Isotonic regression leaves a higher {measure.upper()} than a temperature, both "
              "fitted on all validation digits (the modest LeNet)",
              f"{single}.test.isotonic.{measure}", f"{scaled}.{measure}", "higher")  # fmt: skip
    for model in (eight, packed):
        claim(f"members-overconfident-{slugs[model]}",
              f"All members of {titles[model]} have a temperature above 1",
              f"{model}.val.lowest-member-temperature", "chosen.temperature-1",
              "higher")  # fmt: skip
        claim(f"calibrate-then-pool-too-cautious-{slugs[model]}",
              f"Calibrate, then pool: mean confidence below accuracy ({titles[model]})",
              f"{model}.test.calibrate-then-pool.excess", "chosen.zero", "lower")  # fmt: skip
        claim(f"pool-then-calibrate-lowers-nll-{slugs[model]}",
              f"Pool, then calibrate: lower NLL than without repair ({titles[model]})",
              f"{model}.test.pool-then-calibrate.nll", f"{model}.test.nll", "lower")  # fmt: skip
    for model in (*titles, "lenet-0", "deep-ensemble-8", "packed-4-0"):
        for when in ("before", "after"):
            claim(f"damaged-worse-calibrated-{when}-{model}",
                  f"Damage of severity 4 raises the ECE, {when} scaling ({model})",
                  f"{model}.damaged-4.{when}-scaling.ece", f"{model}.familiar.{when}-scaling.ece",
                  "higher")  # fmt: skip

    # Sets.
    drawn = f"{single}.conformal.calibrated-on-50"
    for title, better, word in (("corrected", "higher", "keeps"), ("plain", "lower", "breaks")):
        claim(f"{title}-quantile-{word}-promise",
              f"Calibrated on 50 digits, the {title} quantile {word} the promise of 95 % on "
              "average (the modest LeNet, 1,000 draws)",
              f"{drawn}.{title}.coverage", "chosen.coverage-95-percent", better,
              interval="splits")  # fmt: skip
    claim("better-network-smaller-sets",
          "At 99 % the modest Deep Ensemble of 8 has smaller sets than the modest LeNet (THR)",
          f"{eight}.conformal.thr.mean-size", f"{single}.conformal.thr.mean-size",
          "lower")  # fmt: skip
    for model, title in titles.items():
        claim(f"sets-keep-promise-{slugs[model]}",
              f"Sets for 99 % cover at least that, within 0.5 percentage points ({title}, THR)",
              f"{model}.conformal.thr.coverage", "chosen.coverage-99-percent", "higher",
              margin=0.5)  # fmt: skip
    library = f"{single}.conformal.library"
    claim("raps-defaults-hardly-any-set-of-one",
          "With the library's default penalty fewer than 5 % of RAPS' sets have one class "
          "(the modest LeNet)",
          f"{library}-raps.sets-of-one", "chosen.share-5-percent", "lower")  # fmt: skip
    claim("raps-shortens-the-largest-set",
          "The largest set of RAPS is shorter than that of THR (the modest LeNet)",
          f"{library}-raps.largest", f"{library}-thr.largest", "lower",
          interval="exact")  # fmt: skip
    for kind in ("shift", "rotation", "occlusion"):
        claim(f"sets-break-promise-{kind}",
              f"Sets for 99 % of clean digits cover less under {kind}, severity 5 "
              "(the modest LeNet)",
              f"{single}.shift.{kind}-5.sets.coverage", "chosen.coverage-99-percent",
              "lower")  # fmt: skip
    for kind in ("blur", "contrast"):
        claim(f"sets-hold-nearly-all-classes-{kind}",
              f"Sets for 99 % hold more than eight classes on average under {kind}, severity 5 "
              "(the modest LeNet)",
              f"{single}.shift.{kind}-5.sets.mean-size", "chosen.classes-8", "higher")  # fmt: skip

    # Scores.
    for score, title in (("max-logit", "Maximum logit"), ("energy", "Energy")):
        for models, slug, name in (
            (lenets, "", "single LeNets"),
            (("deep-ensemble-8",), "-deep-ensemble-8", "the Deep Ensemble of 8"),
        ):
            claim(f"{score}-beats-entropy-ood{slug}",
                  f"{title} beats entropy for OOD ({name}, AUROC)",
                  tuple(f"{model}.ood.{score}.auroc" for model in models),
                  tuple(f"{model}.ood.entropy.auroc" for model in models),
                  "higher", over_seeds=not slug)  # fmt: skip
    for model in (eight, packed):
        claim(f"mutual-information-below-entropy-ood-{slugs[model]}",
              f"Mutual information has a lower AUROC than entropy for OOD ({titles[model]})",
              f"{model}.ood.mutual-information.auroc", f"{model}.ood.entropy.auroc",
              "lower")  # fmt: skip
    for size in (10, 50, 200):
        claim(f"small-batches-flatter-auroc-{size}",
              f"In batches of {size} torchmetrics' AUROC of the entropy is above the true one "
              "(the modest LeNet)",
              f"{single}.ood.entropy.auroc-in-batches-of-{size}", f"{single}.ood.entropy.auroc",
              "higher")  # fmt: skip

    # Groups, and ink the other way round.
    for slug, statement in (
        ("turned-known", "turned digits in a stream, known"),
        ("turned-by-features", "turned digits in a stream, seen by the last features"),
        ("clean-by-features", "clean digits, seen by the last features"),
    ):
        key = f"{single}.grouping.{slug}"
        claim(f"grouping-above-chance-{slug}",
              f"The grouping loss is above what chance brings ({statement}, the modest LeNet)",
              f"{key}.lower-bound", f"{key}.chance", "higher", interval="chance")  # fmt: skip
    for model in ("lenet-0", "deep-ensemble-8"):
        claim(f"inverted-overconfident-{model}",
              f"On inverted digits the mean confidence is above the accuracy ({model})",
              f"{model}.inverted.confidence", f"{model}.inverted.accuracy", "higher")  # fmt: skip
        claim(f"inverted-raises-entropy-{model}",
              f"On inverted digits the entropy is higher than on proper ones ({model})",
              f"{model}.inverted.entropy", f"{model}.familiar.entropy", "higher")  # fmt: skip
    return claims


def difference_on_images(
    claim: ToJudge, values: Mapping[str, float], draws: Mapping[str, NDArray]
) -> dict:
    """First minus second, with the interval of draws that both share; one entry of the ledger.

    Parameters
    ----------
    claim : ToJudge
    values : mapping of key to float
    draws : mapping of key to float64, shape [R]
        Without an entry for numbers that were published: they do not vary.
    """

    def mean(keys: tuple[str, ...], of: Mapping) -> float | NDArray:
        return sum(of[key] if key in of else values[key] for key in keys) / len(keys)

    difference = mean(claim.first, values) - mean(claim.second, values)
    drawn = mean(claim.first, draws) - mean(claim.second, draws)
    kind = claim.interval
    interval = percentile_interval(difference, drawn)
    if claim.first[0].endswith(".ece"):
        kind, interval = "images-reflected", reflected_interval(difference, drawn)
    low, high = min(interval.low, difference), max(interval.high, difference)
    if claim.over_seeds:
        kind = "images-seeds"
        half_width = math.hypot((high - low) / 2, *_seed_half_widths(claim, values))
        low, high = difference - half_width, difference + half_width
    return stored_claim(claim, difference, low, high, kind)


def _seed_half_widths(claim: ToJudge, values: Mapping[str, float]) -> list[float]:
    first, second = (
        np.array([values[key] for key in keys]) for keys in (claim.first, claim.second)
    )
    same = [key.split(".")[0] for key in claim.first] == [key.split(".")[0] for key in claim.second]
    # two scores of the same networks: their difference is what varies from seed to seed
    samples = [first - second] if same else [first, second]
    return [t_half_width(sample) for sample in samples if len(sample) > 1]


def t_half_width(sample: NDArray, level: float = 0.95) -> float:
    """Half the width of Student's interval of a mean, for independent normal values."""
    from scipy.stats import t

    quantile = t.ppf((1 + level) / 2, len(sample) - 1)
    return float(quantile * np.std(sample, ddof=1) / math.sqrt(len(sample)))


def stored_claim(
    claim: ToJudge, difference: float, low: float, high: float, interval: str, **more
) -> dict:
    """What the ledger keeps; the verdict follows from the rounded numbers it shows."""
    low, high = (float(f"{end:.6g}") for end in (low, high))
    return {
        "statement": claim.statement,
        "first": list(claim.first),
        "second": list(claim.second),
        "difference": float(f"{difference:.6g}"),
        "low": low,
        "high": high,
        "better": claim.better,
        "margin": claim.margin,
        "interval": interval,
        "verdict": judge(low, high, claim.better, claim.margin),
        **more,
    }
