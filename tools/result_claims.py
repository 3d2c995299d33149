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

from course_utils.ledger import judge
from course_utils.resampling import percentile_interval, reflected_interval

AUROC, AUPR, FPR95 = (f"ood.max-probability.{name}" for name in ("auroc", "aupr", "fpr95"))


@dataclass(frozen=True)
class ToJudge:
    """The first is better than the second; with a margin: not worse by more than that.

    Keys of several networks are averaged. With `over_seeds` the claim is about the kind of network,
    and the spread over seeds widens the interval; otherwise it is about these very weights.
    """

    id: str
    statement: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    better: str
    margin: float = 0.0
    over_seeds: bool = False


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
    kind = "images"
    interval = percentile_interval(difference, drawn)
    if claim.first[0].endswith(".ece"):
        kind, interval = "images-reflected", reflected_interval(difference, drawn)
    low, high = interval.low, interval.high
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
