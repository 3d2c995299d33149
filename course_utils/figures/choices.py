"""What choosing does: choices of members, the best of many candidates, rules for a threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from course_utils._support import validation as checks

from . import style
from .picture import Picture

GOLDEN = (5**0.5 - 1) / 2  # its multiples spread dots evenly, whatever their number
DOT: dict[str, Any] = {"linestyle": "none", "marker": "o", "markeredgewidth": 0, "color": style.SKY}
HALF = 0.3  # half the width of a column of dots, in members


@style.drawn
def choices_of_members(
    sizes: np.ndarray,
    values: np.ndarray,
    *,
    metric: str = "accuracy",
    percent: bool = False,
    higher_is_better: bool = True,
    sampled: bool = False,
) -> Picture:
    """A dot for each choice of members against its size, with the mean of each size.

    Parameters
    ----------
    sizes : int [S]
        Number of members of each choice.
    values : float [S]
        A share (0 to 1) where ``percent`` is true; infinite ones are left out.
    metric : str
    percent, higher_is_better : bool
    sampled : bool
        The choices are a sample, not all.
    """
    sizes, values = np.asarray(sizes), np.asarray(values, np.float64)
    if sizes.shape != values.shape or sizes.ndim != 1:
        raise ValueError("Each choice needs its size and its value; the two differ in number.")
    drawable = np.isfinite(values)
    if not drawable.any():
        raise ValueError(f"There is no choice with a finite {metric} to draw.")
    factor = 100.0 if percent else 1.0
    counts = np.unique(sizes[drawable])
    look = style.current()
    figure = style.canvas(8, 3.5)
    axes = style.panels(figure, left=6.0, right=1.0, top=2.8, bottom=3.2)[0][0]

    means = []
    for count in counts:
        here = np.sort(values[drawable & (sizes == count)])
        means.append(here.mean())
        shift = HALF * (2 * (GOLDEN * np.arange(len(here)) % 1) - 1) if len(here) > 1 else [0.0]
        axes.plot(
            count + np.asarray(shift),
            factor * here,
            **DOT,
            markersize=0.7 * look.marker,
            alpha=0.55,
        )
    (line,) = axes.plot(
        counts, factor * np.array(means), color=style.BLUE, marker="s", label="mean"
    )
    low, high = factor * values[drawable].min(), factor * values[drawable].max()
    room = 0.08 * (high - low) or (0.5 if percent else 0.05)
    low, high = low - room, high + room
    axes.set_xlim(counts.min() - 0.6, counts.max() + 0.6)
    axes.set_ylim(low, high)
    axes.set_xticks(counts[:: max(1, -(-len(counts) // 16))])
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    arrow = "↑" if higher_is_better else "↓"
    unit = " (%)" if percent else ""
    better = "higher is better" if higher_is_better else "lower is better"
    style.label(axes, x="members in the choice", y=f"{metric}{unit} {arrow} {better}", grid="y")
    style.legend(
        figure,
        [Line2D([], [], **DOT, markersize=look.marker, alpha=1), line],
        ["a sample of the choices" if sampled else "every choice", "mean"],
        loc="upper left",
        ncols=2,
        bbox_to_anchor=(5.4 * look.em / figure.get_size_inches()[0], 1),
        columnspacing=1.6,
    )
    return Picture(figure, f"{metric} of {describe_choices(sizes, values, percent)}.")


def describe_choices(sizes: np.ndarray, values: np.ndarray, percent: bool) -> str:
    """Number, range and mean of the choices of each size, in words."""
    show: Callable[[float], str] = style.percent if percent else (lambda value: f"{value:.4f}")
    finite = np.isfinite(values)
    parts = []
    for count in np.unique(sizes[finite]):
        here = values[finite & (sizes == count)]
        words = f"{style.plural(int(count), 'member')}: "
        if len(here) == 1:
            words += show(here[0])
        else:
            words += f"{len(here)} from {show(here.min())} to {show(here.max())}, "
            words += f"mean {show(here.mean())}"
        parts.append(words)
    left_out = int(np.count_nonzero(~finite))
    end = (
        f"; {style.plural(left_out, 'choice')} with an infinite value left out" if left_out else ""
    )
    return f"{style.plural(len(sizes), 'choice')} of members, by size. {'; '.join(parts)}{end}"


@style.drawn
def best_of_many(
    num_candidates: np.ndarray, where_chosen: np.ndarray, fresh: np.ndarray
) -> Picture:
    """Accuracy of the best of many candidates, where it was chosen and on fresh images.

    Parameters
    ----------
    num_candidates : int [K]
        How many candidates the best was chosen from, ascending.
    where_chosen, fresh : float [K]
        Its accuracy, 0 to 1.
    """
    numbers = np.asarray(num_candidates)
    series = {
        "where it was chosen": (np.asarray(where_chosen, np.float64), style.VERMILLION, "o"),
        "on fresh images": (np.asarray(fresh, np.float64), style.BLUE, "s"),
    }
    if any(values.shape != numbers.shape for values, *_ in series.values()) or not len(numbers):
        raise ValueError("Each number of candidates needs its two accuracies.")
    if not all(np.isfinite(values).all() for values, *_ in series.values()):
        raise ValueError("An accuracy is missing or not finite.")
    figure = style.canvas(8, 3.4)
    axes = style.panels(figure, left=5.5, right=13, top=1.0, bottom=3.4)[0][0]
    for name, (values, color, marker) in series.items():
        axes.semilogx(numbers, 100 * values, color=color, marker=marker)
        axes.annotate(
            name,
            (numbers[-1], 100 * values[-1]),
            xytext=(0.9 * style.current().text, 0),
            textcoords="offset points",
            color=color,
            va="center",
            annotation_clip=False,
        )
    axes.set_xticks(numbers, [f"{number:,}" for number in numbers])
    axes.minorticks_off()
    highest = max(values.max() for values, *_ in series.values())
    axes.set_ylim(0, 115 * highest or 1)
    style.label(
        axes, x="candidates, of which the best is chosen", y="accuracy of the best (%)", grid="y"
    )
    words = style.listing(
        [
            f"{style.percent(values[0])} to {style.percent(values[-1])} {name}"
            for name, (values, *_) in series.items()
        ]
    )
    alt = (
        f"Accuracy of the best of {numbers[0]:,} to {style.plural(int(numbers[-1]), 'candidate')}: "
        f"{words}."
    )
    return Picture(figure, alt)


@style.drawn
def risks_of_rules(risks: Mapping[str, np.ndarray], target: float) -> Picture:
    """Histogram of the risk that each rule for a threshold led to, beside the one it promised.

    Parameters
    ----------
    risks : mapping of rule to float [K]
        One risk (0 to 1) per repetition; NaN where nothing was answered, which isn't drawn.
    target : float
    """
    checks.named(risks, "The histogram of risks")
    if len(risks) > len(style.MEMBER_COLORS):
        raise ValueError(f"There are colours for {len(style.MEMBER_COLORS)} rules at most.")
    values = {name: np.asarray(each, np.float64) for name, each in risks.items()}
    drawn = {name: each[np.isfinite(each)] for name, each in values.items()}
    figure = style.canvas(8, 3.2)
    axes = style.panels(figure, left=5, right=1.5, top=2.6)[0][0]
    highest = max([target, *(float(each.max()) for each in drawn.values() if len(each))])
    edges = np.linspace(0, 100 * 1.02 * highest, 31).tolist()
    lines, words = [], []
    strokes = ("-", "--", "-.", ":")
    for place, (name, each) in enumerate(drawn.items()):
        look: dict[str, Any] = {
            "color": style.MEMBER_COLORS[place],
            "linestyle": strokes[place % len(strokes)],
        }
        axes.hist(100 * each, edges, histtype="step", linewidth=style.current().line, **look)
        lines.append(Line2D([], [], **look))
        above = float((each > target).sum() / len(values[name])) if len(each) else 0.0
        nothing = float(np.isnan(values[name]).mean())
        words.append(
            f"{name}: {style.percent(above)} above the target, {style.percent(nothing)} without "
            "an answer"
        )
    aim = axes.axvline(100 * target, color=style.INK, linestyle=":")
    axes.set_ylim(0, None if any(map(len, drawn.values())) else 1)
    style.legend(
        axes,
        [*lines, aim],
        [*drawn, "target"],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=len(drawn) + 1,
    )
    style.label(axes, x="risk on the other images (%)", y="repetitions", grid="y")
    alt = f"Histogram of risks against a target of {style.percent(target)}. {'; '.join(words)}."
    return Picture(figure, alt)
