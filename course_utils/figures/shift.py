"""What changed images look like, and what they do to a model as the change grows."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from course_utils._support import validation as checks

from . import style
from .images import mosaic, show
from .picture import Picture


@style.drawn
def severity_sheet(
    rows: Mapping[str, np.ndarray],
    *,
    severities: Sequence[int] = (0, 1, 2, 3, 4, 5),
) -> Picture:
    """One row of images for each kind of change, one column for each severity.

    Parameters
    ----------
    rows : mapping of the name of a change to uint8 [K, H, W]
        K images, one for each severity.
    severities : sequence of int [K]
    """
    checks.named(rows, "The sheet of severities")
    stacks = {name: checks.image_stack(images) for name, images in rows.items()}
    shapes = {stack.shape for stack in stacks.values()}
    if len(shapes) > 1 or len(next(iter(stacks.values()))) != len(severities):
        raise ValueError(
            f"Each row needs one image for each of the {len(severities)} severities, all of one "
            f"size; got the shapes {sorted(shapes)}."
        )
    look = style.current()
    em, inner = look.em, 8 * look.scale
    names = {name: textwrap.fill(name, 16) for name in rows}
    longest = max(len(line) for text in names.values() for line in text.split("\n"))
    left, top = 1.2 + 0.62 * longest, 2.6
    joined = mosaic(np.stack(list(stacks.values())))
    pixel = min(
        (inner - (left + 0.5) * em) / joined.shape[1], 5.0 * em / joined.shape[0] * len(rows)
    )
    high = joined.shape[0] * pixel + (top + 0.5) * em
    figure = style.canvas(8, high / look.scale)
    axes = figure.add_axes(
        (left * em / inner, 0.5 * em / high, joined.shape[1] * pixel / inner,
         joined.shape[0] * pixel / high)
    )  # fmt: skip
    show(axes, joined)
    _, count, height, width = np.stack(list(stacks.values())).shape
    for row, text in enumerate(names.values()):
        axes.annotate(
            text,
            (-0.5, 1 + row * (height + 1) + height / 2),
            xytext=(-0.6 * look.text, 0),
            textcoords="offset points",
            ha="right",
            va="center",
        )
    for column in range(count):
        axes.annotate(
            str(severities[column]),
            (1 + column * (width + 1) + width / 2, -0.5),
            xytext=(0, 0.4 * look.text),
            textcoords="offset points",
            ha="center",
            va="bottom",
        )
    axes.annotate(
        "severity",
        (-0.5, -0.5),
        xytext=(-0.6 * look.text, 0.4 * look.text),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=style.SOFT,
    )
    alt = (
        f"Sheet of changed images: severities {severities[0]} to {severities[-1]} from left to "
        f"right, one row each for {style.listing(list(rows))}."
    )
    return Picture(figure, alt)


@style.drawn
def severity_curves(
    models: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    severities: Sequence[int] = (0, 1, 2, 3, 4, 5),
    percent: Collection[str] = (),
) -> Picture:
    """One panel for each measure: its value against severity, a curve for each model.

    Parameters
    ----------
    models : mapping of model name to mapping of measure to float [K]
        All with the same measures. A model of which a measure is not defined, such as the
        disagreement of a single network, has NaN there and no curve.
    severities : sequence of int [K]
        0 is the unchanged image.
    percent : collection of str
        Measures that are shares, shown in percent.
    """
    checks.named(models, "The figure of severities")
    measures = list(next(iter(models.values())))
    for name, values in models.items():
        if list(values) != measures or not measures:
            raise ValueError(f"{name} needs the same measures as the others, at least one.")
        for measure, series in values.items():
            if len(series) != len(severities):
                raise ValueError(
                    f"{measure} of {name} has {len(series)} values for {len(severities)} "
                    "severities; give one for each."
                )
    columns = min(2, len(measures))
    rows = -(-len(measures) // columns)
    figure = style.canvas(8, 0.5 + 2.3 * rows)
    grid = style.panels(
        figure, columns=[1] * columns, rows=[1] * rows,
        left=4.4, right=1.2, top=4.4, bottom=3.4, gap_x=5.0, gap_y=5.8,
    )  # fmt: skip
    cells = [axes for line in grid for axes in line]
    looks = style.model_styles(models)
    handles: dict[str, object] = {}
    sentences = []
    for axes, measure in zip(cells, measures, strict=False):
        factor = 100.0 if measure in percent else 1.0
        shown = style.percent if measure in percent else (lambda value: f"{value:.3g}")
        words = []
        for name, values in models.items():
            curve = np.asarray(values[measure], dtype=np.float64)
            if np.isnan(curve).any():
                continue
            look = looks[name]
            (handles[name],) = axes.plot(
                severities,
                factor * curve,
                color=look.color,
                linestyle=look.line,
                marker=look.marker,
                label=name,
            )
            words.append(f"{name} goes from {shown(curve[0])} to {shown(curve[-1])}")
        axes.set_xticks(list(severities))
        axes.margins(y=0.08)
        if measure in percent:
            axes.set_ylim(top=min(axes.get_ylim()[1], 101))
        unit = " (%)" if measure in percent else ""
        style.label(axes, x="severity", title=f"{measure}{unit}", grid="y")
        sentences.append(f"{measure}: {', '.join(words) if words else 'defined for no model'}")
    for axes in cells[len(measures) :]:
        axes.set_visible(False)
    style.legend(
        figure,
        list(handles.values()),
        list(handles),
        loc="upper left",
        ncols=4,
        bbox_to_anchor=(1.2 * style.current().em / figure.get_size_inches()[0], 1),
        columnspacing=1.6,
    )
    alt = (
        f"Measures against severity, from {severities[0]} to {severities[-1]}. "
        + "; ".join(sentences)
        + "."
    )
    return Picture(figure, alt)


@style.drawn
def fixed_threshold(kinds: Mapping[str, Mapping[str, np.ndarray]]) -> Picture:
    """Error rate, coverage and risk at one threshold as the damage grows, a panel for each kind.

    Parameters
    ----------
    kinds : mapping of kind of damage to mapping
        Under ``"error rate"``, ``"coverage"`` and ``"risk"`` shares (0 to 1) of float [K], for
        severities 0 to K - 1; NaN where nothing is answered.
    """
    checks.named(kinds, "The figure of a fixed threshold")
    looks = {
        "error rate": (style.SOFT, ":", "o"),
        "coverage": (style.BLUE, "--", "s"),
        "risk": (style.VERMILLION, "-", "D"),
    }
    figure = style.canvas(8, 3.2)
    row = style.panels(figure, columns=(1,) * len(kinds), left=4.5, gap_x=2, top=3.9)[0]
    words = []
    for axes, (kind, given) in zip(row, kinds.items(), strict=True):
        measures = {name: np.asarray(given[name], np.float64) for name in looks}
        for name, (color, line, marker) in looks.items():
            axes.plot(100 * measures[name], color=color, linestyle=line, marker=marker, label=name)
        axes.set(ylim=(-3, 103), xticks=range(len(measures["risk"])))
        style.label(axes, x="severity", title=kind, grid="y")
        at_worst = [
            f"{name} {style.percent(measures[name][-1])}"
            for name in looks
            if np.isfinite(measures[name][-1])
        ]
        words.append(f"{kind}: {', '.join(at_worst)}")
    row[0].set_ylabel("%")
    style.legend(figure, list(row[0].get_lines()), list(looks), loc="upper right", ncols=3)
    alt = "A fixed threshold on damaged images; at the highest severity, "
    return Picture(figure, alt + "; ".join(words) + ".")
