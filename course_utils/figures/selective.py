"""Answer or refer: risk against coverage, and what it costs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from course_utils._support import validation as checks

from . import style
from .picture import Picture

if TYPE_CHECKING:
    from course_utils.metrics.selective import CostCurve, RiskCoverage

MOST_POINTS = 1500
LEADER, LETTER = 1.6, 0.62  # line to a text beside the axes, and width of a letter, in text heights


def thinned(count: int, coverage: np.ndarray) -> np.ndarray:
    """Indices of at most ``MOST_POINTS`` points, evenly in coverage, with the jagged start."""
    if count <= MOST_POINTS:
        return np.arange(count)
    places = np.searchsorted(coverage, np.linspace(0, 1, MOST_POINTS - 100))
    return np.unique(np.concatenate([np.arange(100), places.clip(0, count - 1), [count - 1]]))


def _ideal(error_rate: float, points: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Risk of a perfect ranking: none until all right answers are given, then only wrong ones."""
    coverage = np.linspace(1 - error_rate, 1, points)
    with np.errstate(invalid="ignore", divide="ignore"):
        risk = np.where(coverage > 0, (coverage - (1 - error_rate)) / coverage, 1.0)
    return np.append(0.0, coverage), np.append(0.0 if error_rate < 1 else 1.0, risk)


def _right_margin(texts: Iterable[str]) -> float:
    """Room for texts at the ends of the curves, in text heights; long ones are wrapped."""
    longest = max((len(line) for text in texts for line in text.splitlines()), default=0)
    return float(np.clip(LEADER + LETTER * longest + 0.5, 11.5, 17.5))


def _wrapped(text: str, letters: int) -> str:
    """Each line broken into lines of so many letters at most; a number keeps its percent sign."""
    lines = [
        part
        for line in text.replace(" %", "\N{NO-BREAK SPACE}%").splitlines()
        for part in textwrap.wrap(line, letters)
    ]
    return "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ")


def _write_at_the_ends(
    axes: Axes, ends: Mapping[str, tuple[float, str]], styles: Mapping[str, style.ModelStyle]
) -> None:
    """Write a text where each curve ends, in the right margin; overlapping ones move apart."""
    look = style.current()
    low, high = axes.get_ylim()
    wide, tall = axes.figure.get_size_inches()
    box = axes.get_position()
    letters = int(((1 - box.x1) * wide / look.em - LEADER) / LETTER)
    texts = {name: _wrapped(text, letters) for name, (_, text) in ends.items()}
    line = 1.35 * look.em / (box.height * tall) * (high - low)
    heights = [line * (1 + text.count("\n")) for text in texts.values()]
    places = style.spread(
        [value for value, _ in ends.values()],
        heights,
        [low + height / 2 - 0.1 * line for height in heights],
        [high - height / 2 + 0.1 * line for height in heights],
    )
    for name, place in zip(ends, places, strict=True):
        axes.annotate(
            texts[name],
            (1, ends[name][0]),
            xycoords=("axes fraction", "data"),
            xytext=(1 + LEADER * look.em / (box.width * wide), place),
            textcoords=("axes fraction", "data"),
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": styles[name].color,
                "linewidth": look.thin,
                "shrinkA": 1,
                "shrinkB": 0.6 * look.marker,
                "relpos": (0, 0.5),
            },
        )


@style.drawn
def risk_coverage_curves(
    curves: Mapping[str, RiskCoverage],
    *,
    operating_points: Mapping[str, float] | None = None,
    bands: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]] | None = None,
    reference: str | None = None,
    max_risk: float | None = None,
    figure: Figure | None = None,
) -> Picture:
    """Risk (share of wrong answers among those given) against coverage (share answered).

    Parameters
    ----------
    curves : mapping of model name to RiskCoverage
    operating_points : mapping of model name to threshold, optional
        Marked on the curve and described: answered means uncertainty at most the threshold.
    bands : mapping of model name to (coverage [K], low [K], high [K]), optional
        Intervals of the risk, such as from a paired bootstrap over images.
    reference : str, optional
        Model whose ideal and random curves are drawn, the first by default; "" for none.
    max_risk : float, optional
        Upper end of the axis, a share; by default the curves decide.

    Notes
    -----
    ``parts`` holds the marker of each operating point under ``"point:<model>"`` and its lines to
    the axes under ``"lines:<model>"``, for widgets that move them without drawing all anew.
    """
    checks.named(curves, "The risk-coverage figure")
    operating_points, bands = operating_points or {}, bands or {}
    for name in [*operating_points, *bands, *([reference] if reference else [])]:
        if name not in curves:
            raise ValueError(f"There is no curve {name!r}; there are {', '.join(curves)}.")
    reference = next(iter(curves)) if reference is None else reference
    points = {name: curves[name].at_threshold(value) for name, value in operating_points.items()}
    if max_risk is not None and not 0 < max_risk <= 1:
        raise ValueError(f"The largest risk is a share between 0 and 1, not {max_risk}.")
    styles = style.model_styles(curves)
    figure = style.canvas(8, style.fitting(3.9), figure)
    texts = {name: f"{name}  {style.percent(curve.error_rate)}" for name, curve in curves.items()}
    axes = style.panels(figure, left=4.8, right=_right_margin(texts.values()), top=1.2, bottom=3.3)[
        0
    ][0]
    look = style.current()

    labels = [f"{name}: {_words(point)}" for name, point in points.items()]
    room = axes.get_position().width * figure.get_size_inches()[0] / look.em - 3
    wrapped = [_wrapped(text, int(room / LETTER)) for text in labels]
    legend_lines = sum(text.count("\n") + 1 for text in wrapped)

    # The start of a curve rests on few images and may be anywhere: the axis is made for the rest.
    heights = [curve.risk[curve.coverage > 0.2].max(initial=0) for curve in curves.values()]
    heights += [point.risk for point in points.values() if point.coverage > 0]
    for across, _, high in bands.values():
        heights.append(np.max(np.asarray(high)[np.asarray(across) > 0.2], initial=0))
    highest = float(max(heights))
    top = max_risk or (min(1.0, highest) * (1.12 + 0.1 * legend_lines) or 0.01)
    axes.set(xlim=(0, 100), ylim=(0, 100 * top))

    if reference:
        rate = curves[reference].error_rate
        coverage, risk = _ideal(rate)
        axes.plot(
            100 * coverage,
            100 * risk,
            color=style.REFERENCE,
            linewidth=look.thin,
            linestyle=(0, (2, 2)),
            label="ideal",
        )
        axes.plot(
            [0, 100],
            [100 * rate] * 2,
            color=style.REFERENCE,
            linewidth=look.thin,
            linestyle=(0, (5, 2)),
            label="random",
        )
        whose = f" ({textwrap.shorten(reference, 20, placeholder=' …')})" if len(curves) > 1 else ""
        if 0 < rate <= top:
            axes.annotate(
                f"random{whose}",
                (0, 100 * rate),
                xytext=(0.6 * look.text, -0.35 * look.text),
                textcoords="offset points",
                va="top",
                color=style.SOFT,
            )
        if rate < 1:
            axes.annotate(
                f"ideal{whose}",
                (0, 0),
                xytext=(0.6 * look.text, 0.45 * look.text),
                textcoords="offset points",
                va="bottom",
                color=style.SOFT,
            )

    ends: dict[str, tuple[float, str]] = {}
    sentences = []
    for name, curve in curves.items():
        looks = styles[name]
        coverage, risk = curve.expected_curve()
        keep = thinned(len(coverage), coverage)
        if name in bands:
            across, low, high = (np.asarray(values, np.float64) for values in bands[name])
            if not len(across) == len(low) == len(high):
                raise ValueError(f"The band of {name} has arrays of different length.")
            axes.fill_between(
                100 * across,
                100 * low,
                100 * high,
                color=looks.color,
                alpha=0.16,
                linewidth=0,
                label=f"interval {name}",
            )
        axes.plot(
            100 * coverage[keep],
            100 * risk[keep],
            color=looks.color,
            linestyle=looks.line,
            zorder=3,
            label=name,
        )
        if curve.error_rate <= top:
            axes.plot(
                [100],
                [100 * curve.error_rate],
                looks.marker,
                color=looks.color,
                clip_on=False,
                zorder=4,
            )
            ends[name] = (100 * curve.error_rate, texts[name])
        sentences.append(
            f"{name}: risk {style.percent(curve.error_rate)} at full coverage, "
            f"{style.percent(curve.risk_at_coverage(0.8))} at 80 %, AURC {curve.aurc:.4g}"
        )
    _write_at_the_ends(axes, ends, styles)

    parts: dict[str, Any] = {}
    handles = []
    for name, point in points.items():
        looks = styles[name]
        x, y = 100 * point.coverage, 100 * (point.risk if point.coverage > 0 else 0.0)
        (parts[f"lines:{name}"],) = axes.plot(
            [x, x, 0],
            [0, y, y],
            color=looks.color,
            linewidth=look.thin,
            linestyle=(0, (1, 2)),
            zorder=2,
        )
        (parts[f"point:{name}"],) = axes.plot(
            [x],
            [y],
            looks.marker,
            color=looks.color,
            markersize=1.9 * look.marker,
            markerfacecolor=style.CARD,
            markeredgewidth=0.9 * look.line,
            clip_on=False,
            zorder=5,
        )
        handles.append(
            Line2D(
                [],
                [],
                linestyle="none",
                marker=looks.marker,
                color=looks.color,
                markerfacecolor=style.CARD,
                markersize=1.4 * look.marker,
                markeredgewidth=0.9 * look.line,
            )
        )
    if handles:
        style.legend(axes, handles, wrapped, loc="upper left", borderaxespad=0.1, handlelength=1.2)
    style.label(axes, x="coverage: answered (%)", y="risk: wrong among answered (%)", grid="both")
    alt = "Risk-coverage curves. " + "; ".join(sentences) + "."
    if reference:
        alt += (
            f" Grey lines for {reference}: answering at random stays at "
            f"{style.percent(curves[reference].error_rate)}, a perfect ranking is without error "
            f"up to {style.percent(1 - curves[reference].error_rate)} coverage."
        )
    for text in labels:
        alt += f" Operating point of {text}."
    return Picture(figure, alt, parts)


def _words(point: Any) -> str:
    if point.coverage == 0:
        return "nothing is answered"
    return f"{style.percent(point.coverage)} answered, {style.percent(point.risk)} of them wrong"


@style.drawn
def cost_curves(
    curves: Mapping[str, CostCurve],
    *,
    thresholds: Mapping[str, float] | None = None,
    unit: str = "",
    figure: Figure | None = None,
) -> Picture:
    """Expected cost per image against coverage, with the cheapest point of each model.

    Parameters
    ----------
    curves : mapping of model name to CostCurve
    thresholds : mapping of model name to threshold, optional
        Where the desk works now; marked with an open symbol, ``parts["point:<model>"]``.
    unit : str
        Of the cost, such as "euros".

    Notes
    -----
    ``parts`` holds also each curve under ``"curve:<model>"`` and its cheapest point under
    ``"optimum:<model>"``, for widgets in which the costs change.
    """
    checks.named(curves, "The cost figure")
    thresholds = thresholds or {}
    for name in thresholds:
        if name not in curves:
            raise ValueError(f"There is no curve {name!r}; there are {', '.join(curves)}.")
    styles = style.model_styles(curves)
    figure = style.canvas(8, style.fitting(3.6), figure)
    texts = {name: f"{name}\nleast {curve.optimum.cost:.3g}" for name, curve in curves.items()}
    axes = style.panels(figure, left=5.2, right=_right_margin(texts.values()), top=1.2, bottom=3.3)[
        0
    ][0]
    look = style.current()
    highest = max(float(curve.cost.max()) for curve in curves.values())
    axes.set(xlim=(0, 100), ylim=(0, 1.1 * highest or 1.0))
    ends, sentences, parts = {}, [], {}
    for name, curve in curves.items():
        looks, best = styles[name], curve.optimum
        keep = thinned(len(curve.coverage), curve.coverage)
        (parts[f"curve:{name}"],) = axes.plot(
            100 * curve.coverage[keep],
            curve.cost[keep],
            color=looks.color,
            linestyle=looks.line,
            zorder=3,
            label=name,
        )
        (parts[f"optimum:{name}"],) = axes.plot(
            [100 * best.coverage],
            [best.cost],
            looks.marker,
            color=looks.color,
            markersize=1.1 * look.marker,
            clip_on=False,
            zorder=6,
            label=f"optimum {name}",
        )
        ends[name] = (float(curve.cost[-1]), texts[name])
        words = (
            f"{name}: {curve.cost[0]:.3g} if all is referred, {curve.cost[-1]:.3g} if all is "
            f"answered, least {best.cost:.3g} at {style.percent(best.coverage)} coverage"
        )
        if name in thresholds:
            now = curve.cost_at(thresholds[name])
            step = int(np.searchsorted(curve.threshold, thresholds[name], side="right")) - 1
            (parts[f"point:{name}"],) = axes.plot(
                [100 * curve.coverage[step]],
                [now],
                looks.marker,
                color=looks.color,
                markersize=1.9 * look.marker,
                markerfacecolor=style.CARD,
                markeredgewidth=0.9 * look.line,
                clip_on=False,
                zorder=5,
            )
            words += f"; now {now:.3g} at {style.percent(curve.coverage[step])}"
        sentences.append(words)
    _write_at_the_ends(axes, ends, styles)
    keys = [("cheapest", style.SOFT)] + ([("now", style.CARD)] if thresholds else [])
    style.legend(
        axes,
        [
            Line2D(
                [],
                [],
                linestyle="none",
                marker="o",
                color=style.SOFT,
                markerfacecolor=fill,
                markersize=1.1 * look.marker,
            )
            for _, fill in keys
        ],
        [word for word, _ in keys],
        loc="upper center",
        ncols=2,
        handlelength=1.0,
    )
    cost = f"cost per image ({unit})" if unit else "cost per image"
    style.label(axes, x="coverage: answered (%)", y=cost, grid="both")
    alt = f"Expected {cost} against coverage. " + "; ".join(sentences) + "."
    return Picture(figure, alt, parts)
