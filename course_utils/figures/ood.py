"""Images of no known class: do the scores set them apart?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from course_utils._support import validation as checks
from course_utils.metrics.detection import ood_detection

from . import style
from .picture import Picture

MOST_POINTS = 1500  # of a curve; more than there are pixels
FEW = 60  # images that are drawn one by one, because bars of so few would be spikes


@style.drawn
def score_histograms(
    scores: np.ndarray,
    correct: np.ndarray,
    ood_scores: np.ndarray | None = None,
    *,
    score_name: str = "score",
    ood_name: str = "OOD",
    threshold: float | None = None,
    bins: int = 40,
    log: bool = True,
) -> Picture:
    """Distribution of a score among right answers, wrong answers and OOD images.

    Each group is scaled to its own size, so that a few wrong answers are seen beside thousands
    of right ones. Where there are very few, each is drawn as a stroke on the axis.

    Parameters
    ----------
    scores : float [N]
        Of images of known classes, "higher = less certain".
    correct : bool [N]
    ood_scores : float [K], optional
    score_name, ood_name : str
    threshold : float, optional
        Marked by a line; the share of each group at or below it, which is answered, is given.
    bins : int
    log : bool
        Logarithmic shares: the tails decide, and on a linear axis they vanish.
    """
    scores = checks.finite(scores, "The score")
    correct = np.asarray(correct, dtype=bool)
    checks.same_length(len(scores), len(correct), "scores", "answers marked right or wrong")
    if not len(scores):
        raise ValueError("The histogram needs at least one score.")
    groups: list[tuple[str, np.ndarray, str, object, float]] = [
        ("right", scores[correct], style.RIGHT, "solid", 0.16),
        ("wrong", scores[~correct], style.WRONG, (0, (5, 1.5)), 0.0),
    ]
    if ood_scores is not None:
        ood = checks.finite(ood_scores, "The score of the OOD images")
        groups.append((ood_name, ood, style.OOD, (0, (1, 1.2)), 0.16))
    everything = np.concatenate([values for _, values, *_ in groups])
    low, high = float(everything.min()), float(everything.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    figure = style.canvas(8, 3.1)
    axes = style.panels(figure, left=4.8, right=1.0, top=2.4, bottom=3.3)[0][0]
    look = style.current()
    handles: list[Any] = []
    labels, sentences = [], []
    parts: dict[str, Any] = {}
    smallest = 1.0
    for name, values, color, line, alpha in groups:
        size = style.plural(len(values), "image")
        if name == "wrong" and 0 < len(values) <= FEW:
            (stroke,) = axes.plot(
                values,
                np.full(len(values), 0.05),
                "|",
                transform=axes.get_xaxis_transform(),
                color=color,
                markersize=1.1 * look.text,
                markeredgewidth=look.line,
                zorder=4,
            )
            parts["rug"] = stroke
            handles.append(stroke)
        else:
            share = np.histogram(values, edges)[0] / max(1, len(values))
            if share.any():
                smallest = min(smallest, share[share > 0].min())
            base = 1e-9 if log else 0
            fill = axes.stairs(
                100 * np.maximum(share, base),
                edges,
                fill=True,
                facecolor=color,
                alpha=alpha,
                edgecolor="none",
                linewidth=0,
                baseline=100 * base,
            )
            outline = axes.stairs(
                100 * np.maximum(share, base),
                edges,
                color=color,
                linestyle=line,
                linewidth=look.line,
                baseline=100 * base,
            )
            handles.append((fill, outline))
        labels.append(f"{name} ({len(values):,})")
        if len(values):
            words = f"{name}: {size}, median {np.median(values):.3g}"
            if threshold is not None:
                words += f", {style.percent((values <= threshold).mean())} answered"
        else:
            words = f"{name}: no image"
        sentences.append(words)
    if threshold is not None:
        parts["threshold"] = axes.axvline(
            threshold, color=style.INK, linewidth=look.thin, linestyle=(0, (3, 2))
        )
        if low <= threshold <= high:
            room = threshold - low > 0.15 * (high - low)
            axes.annotate(
                "← answered",
                (threshold, 1),
                xycoords=("data", "axes fraction"),
                xytext=((-0.4 if room else 0.4) * look.text, -0.9 * look.text),
                textcoords="offset points",
                ha="right" if room else "left",
                color=style.SOFT,
            )
    axes.set_xlim(low, high)
    if log:
        axes.set_ylim(100 * max(smallest, 1e-7) / 2, 160)
        axes.set_yscale("log")
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    else:
        axes.set_ylim(bottom=0)
    share_name = "% of group (log scale)" if log else "% of group"
    style.label(axes, x=f"{score_name}: larger = less certain", y=share_name, grid="y")
    style.legend(
        figure,
        handles,
        labels,
        loc="upper left",
        ncols=3,
        bbox_to_anchor=(4.2 * look.em / figure.get_size_inches()[0], 1),
        columnspacing=1.4,
    )
    alt = (
        f"Histograms of {score_name}"
        + (f" with a threshold at {threshold:.3g}" if threshold is not None else "")
        + ", each group scaled to its own size. "
        + "; ".join(sentences)
        + "."
    )
    return Picture(figure, alt, parts)


@style.drawn
def roc_and_precision_recall(
    models: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    ood_name: str = "OOD",
) -> Picture:
    """ROC curve and precision-recall curve of OOD detection, several models or scores.

    Parameters
    ----------
    models : mapping of name to (scores of known images [N], scores of OOD images [K])
        "Higher = less certain"; OOD is the positive class.
    ood_name : str
    """
    checks.named(models, "The ROC figure")
    results = {name: ood_detection(*pair) for name, pair in models.items()}
    figure = style.canvas(8, style.fitting(3.7))
    left, right = style.panels(
        figure, columns=(1, 1), left=4.6, right=1.8, top=2.2, bottom=3.3, gap_x=5.2
    )[0]
    (chance,) = left.plot(
        [0, 100],
        [0, 100],
        color=style.REFERENCE,
        linewidth=style.current().thin,
        linestyle=(0, (2, 2)),
    )
    shares = {one.num_ood / (one.num_ood + one.num_known) for one in results.values()}
    for share in shares:
        right.axhline(
            100 * share,
            color=style.REFERENCE,
            linewidth=style.current().thin,
            linestyle=(0, (2, 2)),
        )
    lines, sentences = [], []
    for (name, result), looks in zip(
        results.items(), style.model_styles(results).values(), strict=True
    ):
        settings: dict[str, Any] = {
            "color": looks.color,
            "linestyle": looks.line,
            "clip_on": False,
            "zorder": 3,
        }
        keep = _thinned(result.false_positive, result.true_positive)
        (line,) = left.plot(
            100 * result.false_positive[keep],
            100 * result.true_positive[keep],
            marker=looks.marker,
            markevery=(0.06, 0.18),
            label=name,
            **settings,
        )
        keep = _thinned(result.true_positive, result.precision)
        right.plot(
            100 * result.true_positive[keep],
            100 * result.precision[keep],
            marker=looks.marker,
            markevery=(0.06, 0.18),
            label=name,
            **settings,
        )
        lines.append(line)
        sentences.append(
            f"{name}: AUROC {result.auroc:.4f}, AUPR {result.aupr:.4f}, false alarms at 95 % "
            f"found {style.percent(result.fpr95)}"
        )
    for axes in (left, right):
        axes.set(xlim=(0, 100), ylim=(0, 100))
    style.label(
        left, x="known images flagged (%)", y=f"{ood_name} found (%)", title="ROC", grid="both"
    )
    style.label(
        right,
        x=f"{ood_name} found (%)",
        y=f"{ood_name} among flagged (%)",
        title="Precision and recall",
        grid="both",
    )
    box = {"frameon": True, "facecolor": style.CARD, "edgecolor": "none", "framealpha": 0.85}
    style.legend(
        left,
        [*lines, chance],
        [*(f"{name}  {result.auroc:.4f}" for name, result in results.items()), "chance"],
        loc="lower right",
        title="AUROC",
        alignment="left",
        **box,
    )
    style.legend(
        right,
        lines,
        [f"{name}  {result.aupr:.4f}" for name, result in results.items()],
        loc="lower left",
        title="AUPR",
        alignment="left",
        bbox_to_anchor=(0, 0.02),
        **box,
    )
    first = next(iter(results.values()))
    alt = (
        f"ROC and precision-recall curves for finding {ood_name} images among known ones "
        f"({first.num_known:,} known, {first.num_ood:,} {ood_name}). " + "; ".join(sentences) + "."
    )
    return Picture(figure, alt)


def _thinned(across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Indices of points enough for a smooth curve: even steps along its length."""
    if len(across) <= MOST_POINTS:
        return np.arange(len(across))
    way = np.append(0.0, np.cumsum(np.abs(np.diff(across)) + np.abs(np.diff(up))))
    places = np.searchsorted(way, np.linspace(0, way[-1], MOST_POINTS))
    return np.unique(np.append(places, len(across) - 1))
