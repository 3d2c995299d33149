"""Is a confidence of 90 % right nine times in ten? The reliability diagram answers.

torch-uncertainty's ``CalibrationError.plot`` takes no axes, draws empty bins as accuracy 0 and
shows one model; hence this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from course_utils._support import validation as checks
from course_utils.metrics.calibration import CalibrationBins, calibration_bins, equal_mass_bins
from course_utils.metrics.intervals import wilson_interval

from . import style
from .picture import Picture

if TYPE_CHECKING:
    from course_utils.metrics.predictions import Predictions

FEW = 20  # a bin with fewer images is drawn pale and unconnected: its accuracy is mostly chance
PALE = 0.45  # opacity of such a marker


@style.drawn
def reliability_diagram(
    models: Mapping[str, Predictions], *, bins: int = 15, equal_mass: bool = False
) -> Picture:
    """Accuracy against confidence above, number of images per bin below; several models.

    Bins that hold at least ``FEW`` images have an interval, and a line joins those that are
    neighbours. The others are a pale hollow marker each, so that nobody reads chance as a trend.

    Parameters
    ----------
    models : mapping of model name to Predictions
        With labels.
    bins : int
        Of equal width, 15 as in torch-uncertainty.
    equal_mass : bool
        Bins that hold equally many images instead.
    """
    checks.named(models, "The reliability diagram")
    sort = equal_mass_bins if equal_mass else calibration_bins
    tables = {name: sort(model, bins) for name, model in models.items()}
    error = "adaptive ECE" if equal_mass else "ECE"
    mass = " of equal mass" if equal_mass else ""
    figure = style.canvas(8, style.fitting(4.2))
    (upper,), (lower,) = style.panels(
        figure, rows=(3, 1), left=5.6, right=15.5, top=1.4, bottom=3.2, gap_y=1.2
    )
    (perfect,) = upper.plot(
        [0, 100],
        [0, 100],
        color=style.REFERENCE,
        linewidth=style.current().thin,
        linestyle=(0, (2, 2)),
    )
    handles, labels, sentences = [], [], []
    any_few = any_solid = False
    for (name, table), looks in zip(
        tables.items(), style.model_styles(tables).values(), strict=True
    ):
        count, confidence, accuracy = _for_the_eye(table)
        few = (count > 0) & (count < FEW)
        solid = count >= FEW
        across, up = 100 * confidence, 100 * accuracy
        (line,) = upper.plot(
            across,
            np.where(solid, up, np.nan),
            color=looks.color,
            linestyle=looks.line,
            marker=looks.marker,
            clip_on=False,
            zorder=3,
            label=name,
        )
        upper.plot(
            across[few],
            up[few],
            color=looks.color,
            alpha=PALE,
            linestyle="none",
            marker=looks.marker,
            markerfacecolor=style.CARD,
            clip_on=False,
            zorder=2.5,
            label=f"few {name}",
        )
        low, high = wilson_interval(np.round(accuracy * count)[solid], count[solid])
        upper.vlines(
            across[solid],
            100 * low,
            100 * high,
            color=looks.color,
            linewidth=style.current().thin,
            clip_on=False,
            zorder=3,
            label=f"interval {name}",
        )
        lower.stairs(
            np.where(count > 0, count, np.nan),
            100 * table.edges,
            color=looks.color,
            linestyle=looks.line,
            linewidth=0.75 * style.current().line,
            baseline=None,
        )
        handles.append(line)
        labels.append(f"{name}\n{error} {style.percent(table.error)}")
        right = float(np.nansum(table.accuracy * table.count) / table.count.sum())
        mean = float(np.nansum(table.confidence * table.count) / table.count.sum())
        lean = "overconfident" if mean > right else "underconfident"
        sentences.append(
            f"{name}: {error} {style.percent(table.error)}, mean confidence {style.percent(mean)}, "
            f"accuracy {style.percent(right)} ({lean if mean != right else 'balanced'}), "
            f"{int(few.sum())} of {style.plural(int((count > 0).sum()), 'filled bin')} with fewer "
            f"than {FEW} images"
        )
        any_few, any_solid = any_few or bool(few.any()), any_solid or bool(solid.any())
    handles.append(perfect)
    labels.append("perfect")
    look = style.current()
    if any_solid:
        handles.append(
            Line2D(
                [],
                [],
                linestyle="none",
                marker="|",
                color=style.SOFT,
                markersize=look.text,
                markeredgewidth=look.thin,
            )
        )
        labels.append("95 % interval")
    if any_few:
        handles.append(
            Line2D(
                [],
                [],
                linestyle="none",
                marker="o",
                color=style.SOFT,
                alpha=PALE,
                markerfacecolor=style.CARD,
            )
        )
        labels.append(f"pale: fewer than\n{FEW} images,\nmostly chance")
    upper.set(xlim=(0, 100), ylim=(0, 100))
    upper.tick_params(labelbottom=False)
    lower.set(xlim=(0, 100), yscale="log")
    most = max(int(table.count.max()) for table in tables.values())
    lower.set_ylim(0.5, 2.5 * most)
    lower.minorticks_off()
    lower.set_yticks(*_decades(most))
    style.label(upper, y="accuracy (%)", grid="both")
    style.label(lower, x="confidence (%)", y="images", grid="y")
    width = figure.get_size_inches()[0]
    for axes in (upper, lower):
        axes.yaxis.set_label_coords(1.7 * look.em / width, _middle(axes), figure.transFigure)
    style.legend(
        figure,
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(1 - 14.6 * look.em / width, 1 - look.em / figure.get_size_inches()[1]),
        labelspacing=0.8,
    )
    alt = (
        f"Reliability diagram with {bins} bins{mass}: accuracy against confidence, and the "
        "number of images per bin. "
        + "; ".join(sentences)
        + "."
        + (" Those are drawn pale and without a line: they are mostly chance." if any_few else "")
    )
    return Picture(figure, alt)


def _for_the_eye(table: CalibrationBins) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean confidence and accuracy [B]: confidences of exactly 1 join the last bin."""
    count = table.count[:-1].copy()
    count[-1] += table.count[-1]
    means = []
    for values in (table.confidence, table.accuracy):
        total = np.nan_to_num(values) * table.count
        total[-2] += total[-1]
        with np.errstate(invalid="ignore"):
            means.append(total[:-1] / count)
    return count, means[0], means[1]


def _middle(axes: Axes) -> float:
    box = axes.get_position()
    return (box.y0 + box.y1) / 2


def _decades(most: int) -> tuple[list[int], list[str]]:
    top = max(1, int(np.log10(max(most, 1))))
    exponents = [0, top] if top < 4 else [0, 2, top]
    values = sorted({10**exponent for exponent in exponents})
    return values, [f"{value:,}" for value in values]
