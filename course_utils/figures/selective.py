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
    from course_utils.metrics.selective import CostCurve, OperatingPoint, RiskCoverage

Band = tuple[np.ndarray, np.ndarray, np.ndarray]  # coverage, and the ends of the interval there

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


def _axes_with_room_for(figure: Figure, texts: Iterable[str], left: float) -> Axes:
    """Axes that leave the right margin to texts at the ends of the curves."""
    return style.panels(figure, left=left, right=_right_margin(texts), top=1.2, bottom=3.3)[0][0]


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
    wide, tall = axes.figure.get_figure(root=True).get_size_inches()
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
    bands: Mapping[str, Band] | None = None,
    reference: str | None = None,
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

    Notes
    -----
    ``parts`` holds the marker of each operating point under ``"point:<model>"`` and its lines to
    the axes under ``"lines:<model>"``.
    """
    bands = {name: _checked_band(name, band) for name, band in (bands or {}).items()}
    _check_names(curves, operating_points or {}, bands, reference)
    reference = next(iter(curves)) if reference is None else reference
    points = {
        name: curves[name].at_threshold(threshold)
        for name, threshold in (operating_points or {}).items()
    }
    styles = style.model_styles(curves)
    ends = {name: f"{name}  {style.percent(curve.error_rate)}" for name, curve in curves.items()}
    figure = style.canvas(8, style.fitting(3.9))
    axes = _axes_with_room_for(figure, ends.values(), left=4.8)

    described = {name: f"{name}: {_words(point)}" for name, point in points.items()}
    legend = _wrapped_for_a_legend(axes, described.values())
    lines_of_legend = sum(text.count("\n") + 1 for text in legend)
    highest = _highest_risk(curves.values(), points.values(), bands.values())
    top = min(1.0, highest) * (1.12 + 0.1 * lines_of_legend) or 0.01
    axes.set(xlim=(0, 100), ylim=(0, 100 * top))

    if reference:
        _draw_references(axes, curves[reference].error_rate, reference if len(curves) > 1 else "")
    for name, curve in curves.items():
        if name in bands:
            _draw_band(axes, name, bands[name], styles[name])
        _draw_curve(axes, name, curve, styles[name])
    _write_at_the_ends(
        axes,
        {name: (100 * curve.error_rate, ends[name]) for name, curve in curves.items()},
        styles,
    )
    parts: dict[str, Any] = {}
    for name, point in points.items():
        parts |= _draw_operating_point(axes, name, point, styles[name])
    if points:
        style.legend(
            axes,
            [_open_symbol(styles[name]) for name in points],
            legend,
            loc="upper left",
            borderaxespad=0.1,
            handlelength=1.2,
        )
    style.label(axes, x="coverage: answered (%)", y="risk: wrong among answered (%)", grid="both")
    return Picture(figure, _risk_in_words(curves, reference, described.values()), parts)


def _check_names(
    curves: Mapping[str, RiskCoverage],
    operating_points: Mapping[str, float],
    bands: Mapping[str, Band],
    reference: str | None,
) -> None:
    """Every name that is used must be the name of a curve."""
    checks.named(curves, "The risk-coverage figure")
    for name in [*operating_points, *bands, *([reference] if reference else [])]:
        checks.one_of(name, list(curves), "curve")


def _checked_band(name: str, band: Band) -> Band:
    across, low, high = (np.asarray(values, np.float64) for values in band)
    if not len(across) == len(low) == len(high):
        raise ValueError(f"The band of {name} has arrays of different length.")
    return across, low, high


def _wrapped_for_a_legend(axes: Axes, texts: Iterable[str]) -> list[str]:
    """Texts broken into lines that fit into the axes, beside a symbol."""
    wide, _ = axes.figure.get_figure(root=True).get_size_inches()
    room = axes.get_position().width * wide / style.current().em - 3
    return [_wrapped(text, int(room / LETTER)) for text in texts]


def _highest_risk(
    curves: Iterable[RiskCoverage], points: Iterable[OperatingPoint], bands: Iterable[Band]
) -> float:
    """The highest risk that must be seen.

    The start of a curve rests on few images and may be anywhere: the axis is made for the rest.
    """
    heights = [curve.risk[curve.coverage > 0.2].max(initial=0) for curve in curves]
    heights += [point.risk for point in points if point.coverage > 0]
    heights += [high[across > 0.2].max(initial=0) for across, _, high in bands]
    return float(max(heights))


def _draw_references(axes: Axes, error_rate: float, model: str) -> None:
    """What a perfect ranking and a random one would give, in grey, and whose they are."""
    look = style.current()
    coverage, risk = _ideal(error_rate)
    for label, across, up, dash in (
        ("ideal", 100 * coverage, 100 * risk, 2),
        ("random", [0, 100], [100 * error_rate] * 2, 5),
    ):
        axes.plot(
            across,
            up,
            color=style.REFERENCE,
            linewidth=look.thin,
            linestyle=(0, (dash, 2)),
            label=label,
        )
    whose = f" ({textwrap.shorten(model, 20, placeholder=' …')})" if model else ""
    soft: dict[str, Any] = {"textcoords": "offset points", "color": style.SOFT}
    if 0 < 100 * error_rate <= axes.get_ylim()[1]:
        below = (0.6 * look.text, -0.35 * look.text)
        axes.annotate(f"random{whose}", (0, 100 * error_rate), xytext=below, va="top", **soft)
    if error_rate < 1:
        above = (0.6 * look.text, 0.45 * look.text)
        axes.annotate(f"ideal{whose}", (0, 0), xytext=above, va="bottom", **soft)


def _draw_band(axes: Axes, name: str, band: Band, looks: style.ModelStyle) -> None:
    across, low, high = band
    axes.fill_between(
        100 * across,
        100 * low,
        100 * high,
        color=looks.color,
        alpha=0.16,
        linewidth=0,
        label=f"interval {name}",
    )


def _draw_curve(axes: Axes, name: str, curve: RiskCoverage, looks: style.ModelStyle) -> None:
    """The expected curve, and a marker at full coverage unless it lies above the axis."""
    coverage, risk = curve.expected_curve()
    keep = thinned(len(coverage), coverage)
    axes.plot(
        100 * coverage[keep],
        100 * risk[keep],
        color=looks.color,
        linestyle=looks.line,
        zorder=3,
        label=name,
    )
    end = 100 * curve.error_rate
    if end <= axes.get_ylim()[1]:
        axes.plot([100], [end], looks.marker, color=looks.color, clip_on=False, zorder=4)


def _draw_operating_point(
    axes: Axes, name: str, point: OperatingPoint, looks: style.ModelStyle
) -> dict[str, Any]:
    """An open marker on the curve, with lines to both axes; the artists, under their names."""
    look = style.current()
    x, y = 100 * point.coverage, 100 * (point.risk if point.coverage > 0 else 0.0)
    (lines,) = axes.plot(
        [x, x, 0],
        [0, y, y],
        color=looks.color,
        linewidth=look.thin,
        linestyle=(0, (1, 2)),
        zorder=2,
    )
    return {f"lines:{name}": lines, f"point:{name}": _draw_open_marker(axes, x, y, looks)}


def _draw_open_marker(axes: Axes, x: float, y: float, looks: style.ModelStyle) -> Line2D:
    """Where a threshold puts a model; above everything else."""
    look = style.current()
    (marker,) = axes.plot(
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
    return marker


def _open_symbol(looks: style.ModelStyle) -> Line2D:
    """The marker of an operating point, for a legend."""
    look = style.current()
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=looks.marker,
        color=looks.color,
        markerfacecolor=style.CARD,
        markersize=1.4 * look.marker,
        markeredgewidth=0.9 * look.line,
    )


def _risk_in_words(
    curves: Mapping[str, RiskCoverage], reference: str, points: Iterable[str]
) -> str:
    """The alt text."""
    sentences = [
        f"{name}: risk {style.percent(curve.error_rate)} at full coverage, "
        f"{style.percent(curve.risk_at_coverage(0.8))} at 80 %, AURC {curve.aurc:.4g}"
        for name, curve in curves.items()
    ]
    alt = "Risk-coverage curves. " + "; ".join(sentences) + "."
    if reference:
        rate = curves[reference].error_rate
        alt += (
            f" Grey lines for {reference}: answering at random stays at {style.percent(rate)}, a "
            f"perfect ranking is without error up to {style.percent(1 - rate)} coverage."
        )
    return alt + "".join(f" Operating point of {text}." for text in points)


def _words(point: OperatingPoint) -> str:
    if point.coverage == 0:
        return "nothing is answered"
    return f"{style.percent(point.coverage)} answered, {style.percent(point.risk)} of them wrong"


@style.drawn
def cost_curves(
    curves: Mapping[str, CostCurve],
    *,
    thresholds: Mapping[str, float] | None = None,
    unit: str = "",
) -> Picture:
    """Expected cost per image against coverage, with the cheapest point of each model.

    Parameters
    ----------
    curves : mapping of model name to CostCurve
    thresholds : mapping of model name to threshold, optional
        Where the desk works now; marked with an open symbol, ``parts["point:<model>"]``.
    unit : str
        Of the cost, such as "euros".
    """
    checks.named(curves, "The cost figure")
    thresholds = thresholds or {}
    for name in thresholds:
        if name not in curves:
            raise ValueError(f"There is no curve {name!r}; there are {', '.join(curves)}.")
    styles = style.model_styles(curves)
    figure = style.canvas(8, style.fitting(3.6))
    texts = {name: f"{name}\nleast {curve.optimum.cost:.3g}" for name, curve in curves.items()}
    axes = _axes_with_room_for(figure, texts.values(), left=5.2)
    look = style.current()
    highest = max(float(curve.cost.max()) for curve in curves.values())
    axes.set(xlim=(0, 100), ylim=(0, 1.1 * highest or 1.0))
    ends, sentences, parts = {}, [], {}
    for name, curve in curves.items():
        looks, best = styles[name], curve.optimum
        keep = thinned(len(curve.coverage), curve.coverage)
        axes.plot(
            100 * curve.coverage[keep],
            curve.cost[keep],
            color=looks.color,
            linestyle=looks.line,
            zorder=3,
            label=name,
        )
        axes.plot(
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
            parts[f"point:{name}"] = _draw_open_marker(axes, 100 * curve.coverage[step], now, looks)
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


@style.drawn
def mistake_weights(num_images: int) -> Picture:
    """What one mistake adds to AURC and to AUGRC, against its rank.

    Parameters
    ----------
    num_images : int
        How many answers there are; the first one is the most certain.
    """
    if num_images < 2:
        raise ValueError("Ranks need at least two images.")
    ranks = np.arange(1, num_images + 1)
    weights = {
        "AURC": np.cumsum((1 / ranks)[::-1])[::-1],
        "AUGRC": (num_images - ranks + 1) / num_images,
    }
    keep = np.unique(np.geomspace(1, num_images, MOST_POINTS).astype(int)) - 1
    figure = style.canvas(8, 3.2)
    axes = style.panels(figure, right=1, top=2.6, bottom=4.2)[0][0]
    looks = ((style.VERMILLION, "-"), (style.BLUE, "--"))
    for (name, weight), (color, line) in zip(weights.items(), looks, strict=True):
        axes.semilogx(ranks[keep], weight[keep], color=color, linestyle=line, label=name)
    lines = list(axes.get_lines())
    style.legend(axes, lines, list(weights), loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    style.label(
        axes, x="rank of the mistake, the most certain answer first", y="weight", grid="both"
    )
    first, last = weights["AURC"][0], weights["AURC"][-1]
    alt = (
        f"Weight of a mistake against its rank among {num_images:,}: in AURC it falls from "
        f"{first:.2f} at the first rank to {last:.4f} at the last, in AUGRC from 1 to "
        f"{weights['AUGRC'][-1]:.4f}."
    )
    return Picture(figure, alt)


@style.drawn
def hidden_mistakes(shares: Mapping[str, np.ndarray]) -> Picture:
    """How much must be referred until each mistake is among it: scores down, mistakes across.

    Parameters
    ----------
    shares : mapping of score to float [K]
        For each of the same K mistakes the share of the images that are at least as uncertain.
        The mistakes are sorted by the first score.
    """
    checks.named(shares, "The map of mistakes")
    table = np.array([np.asarray(row, np.float64) for row in shares.values()])
    if table.ndim != 2 or not table.shape[1]:
        raise ValueError("Every score needs one share for each mistake, and there must be one.")
    table = table[:, np.argsort(table[0], kind="stable")]
    figure = style.canvas(8, style.fitting(1.6 + 0.3 * len(table)))
    longest = max(len(name) for name in shares)
    axes = style.panels(figure, left=1.5 + LETTER * longest, right=8, top=1, bottom=3.2)[0][0]
    image = axes.imshow(
        100 * table, aspect="auto", cmap="Blues", vmin=0, vmax=100, interpolation="nearest"
    )
    axes.set_yticks(range(len(table)), list(shares))
    style.label(axes, x=f"mistakes, the easiest for {next(iter(shares))} first")
    bar = figure.colorbar(image, cax=axes.inset_axes((1.03, 0, 0.03, 1)), ticks=[0, 50, 100])
    bar.ax.set_ylabel("to refer (%)")
    middle = "; ".join(
        f"{name} {style.percent(float(np.median(row)))}"
        for name, row in zip(shares, table, strict=True)
    )
    alt = (
        f"Share of the images to refer until each of {style.plural(table.shape[1], 'mistake')} is "
        f"among them, one row per score. Medians: {middle}."
    )
    return Picture(figure, alt)
