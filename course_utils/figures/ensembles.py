"""What each further member brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from course_utils._support import validation as checks

from . import style
from .picture import Picture

if TYPE_CHECKING:
    from course_utils.metrics.subsets import Choices


@dataclass(frozen=True)
class MemberSeries:
    """A metric for each number of members.

    Attributes
    ----------
    members : int [K]
    value : float [K]
        A share (0 to 1) where ``percent`` is true.
    low, high : float [K], optional
        Ends of an interval, or of the range over subsets of one ensemble.
    percent : bool
        Show as percentage.
    higher_is_better : bool
    references : mapping of name to value
        Level of other models, drawn as a line across.
    """

    members: np.ndarray
    value: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    percent: bool = False
    higher_is_better: bool = True
    references: Mapping[str, float] | None = None


def series_over_subsets(
    choices: Choices, metrics: Sequence[str] = ("Accuracy", "NLL", "ECE")
) -> dict[str, MemberSeries]:
    """Mean and range of each metric over all choices of 1, 2, 3, ... members of an ensemble.

    Parameters
    ----------
    choices : Choices
        Of ``course_utils.metrics.subsets``.
    metrics : sequence of str
        Names as ``choices.metrics`` has them.
    """
    counts = np.unique(choices.sizes)
    series = {}
    for name in metrics:
        of_size = [choices.values(name)[choices.sizes == count] for count in counts]
        series[name] = MemberSeries(
            members=counts,
            value=np.array([values.mean() for values in of_size]),
            low=np.array([values.min() for values in of_size]),
            high=np.array([values.max() for values in of_size]),
            percent=choices.metrics[name].is_share,
            higher_is_better=choices.metrics[name].higher_is_better,
        )
    return series


@style.drawn
def metric_against_members(
    series: Mapping[str, MemberSeries],
    *,
    interval: str = "range over subsets",
    name: str = "Deep Ensemble",
) -> Picture:
    """One panel per metric: its value against the number of members, with intervals.

    Parameters
    ----------
    series : mapping of metric name to MemberSeries
    interval : str
        What the bars are; they are a range, not a confidence interval, when the values come from
        subsets of one ensemble.
    name : str
        Of the ensemble.
    """
    checks.named(series, "The figure of members")
    for metric, one in series.items():
        lengths = {
            len(array) for array in (one.members, one.value, one.low, one.high) if array is not None
        }
        if lengths == {0} or len(lengths) != 1:
            raise ValueError(
                f"The series of {metric} needs as many values and interval ends as numbers of "
                "members, at least one."
            )
        if (one.low is None) != (one.high is None):
            raise ValueError(f"The interval of {metric} needs both ends.")
    count = len(series)
    columns = count if count <= 3 else 2
    rows = -(-count // columns)
    figure = style.canvas(8, 0.5 + 2.25 * rows)
    grid = style.panels(
        figure,
        columns=[1] * columns,
        rows=[1] * rows,
        left=4.4,
        right=1.2,
        top=4.2,
        bottom=3.3,
        gap_x=5.0,
        gap_y=5.6,
    )
    cells = [axes for line in grid for axes in line]
    look = style.current()
    # one legend for all panels
    styles = style.model_styles(
        dict.fromkeys(name for one in series.values() for name in one.references or {})
    )
    handles: dict[str, object] = {}
    sentences = []
    for axes, (metric, one) in zip(cells, series.items(), strict=False):
        factor = 100.0 if one.percent else 1.0
        members = np.asarray(one.members)
        value = np.asarray(one.value, np.float64)
        if one.low is not None and one.high is not None:
            low, high = np.asarray(one.low, np.float64), np.asarray(one.high, np.float64)
            handles[interval] = axes.vlines(
                members,
                factor * low,
                factor * high,
                color=style.BLUE,
                alpha=0.35,
                linewidth=2.6 * look.line,
                label=interval,
            )
        (handles[name],) = axes.plot(
            members, factor * value, color=style.BLUE, marker="s", label=name
        )
        for model, level in (one.references or {}).items():
            looks = styles[model]
            handles[model] = axes.axhline(
                factor * level,
                color=looks.color,
                linestyle=looks.line,
                linewidth=0.8 * look.line,
                label=model,
            )
        axes.set_xlim(members.min() - 0.5, members.max() + 0.5)
        step = max(1, -(-len(members) // 8))
        axes.set_xticks(members[::step])
        axes.margins(y=0.12)
        arrow = "↑" if one.higher_is_better else "↓"
        unit = " (%)" if one.percent else ""
        style.label(axes, x="members", title=f"{metric}{unit} {arrow}", grid="y")
        shown = style.percent if one.percent else (lambda number: f"{number:.4g}")
        words = (
            f"{metric} goes from {shown(value[0])} with {style.plural(int(members[0]), 'member')} "
            f"to {shown(value[-1])} with {int(members[-1])}"
        )
        if one.low is not None and one.high is not None:
            words += f" ({interval} there {shown(one.low[-1])} to {shown(one.high[-1])})"
        for model, level in (one.references or {}).items():
            words += f", {model} has {shown(level)}"
        sentences.append(words)
    for axes in cells[count:]:
        axes.set_visible(False)
    order = [name, *(key for key in handles if key != name)]
    style.legend(
        figure,
        [handles[key] for key in order],
        order,
        loc="upper left",
        ncols=4,
        bbox_to_anchor=(1.2 * look.em / figure.get_size_inches()[0], 1),
        columnspacing=1.6,
    )
    alt = f"{name}: metrics against the number of members. " + "; ".join(sentences) + "."
    return Picture(figure, alt)
