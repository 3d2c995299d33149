"""How training went: loss and metrics against epochs, several runs in one figure."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from course_utils._support import validation as checks

from . import style
from .picture import Picture

#: Columns that Lightning's CSV logger writes for torch-uncertainty's routine, and their names.
METRIC_NAMES = {
    "train_loss": "training loss",
    "train_loss_epoch": "training loss",
    "val/cls/NLL": "validation NLL",
    "val/cls/Acc": "validation accuracy",
    "val/cls/Brier": "validation Brier score",
    "val/cal/ECE": "validation ECE",
    "lr-SGD": "learning rate",
}
_DEFAULT = ("train_loss", "train_loss_epoch", "val/cls/NLL", "val/cls/Acc")
MOST_POINTS = 4000  # of a line; more than there are pixels
FEW = 12  # points of a single line, each with a marker; on more, markers would look like data
_SHARES = ("Acc", "accuracy")


def read_log(log: Any, name: str = "run") -> dict[str, np.ndarray]:
    """Columns of a log as float64 arrays of equal length, NaN where a row has no value.

    Parameters
    ----------
    log : path of a CSV file, pandas DataFrame, or mapping of column to array
    name : str
        For the error message.
    """
    if isinstance(log, (str, Path)):
        path = Path(log)
        if not path.is_file():
            raise ValueError(f"There is no training log {path.name!r} for {name}; train it first.")
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns: Mapping[str, Any] = {
            key: [row[key] for row in rows] for key in (rows[0] if rows else {})
        }
    else:
        columns = {str(key): log[key] for key in log}
    numbers: dict[str, np.ndarray] = {}
    for key, values in columns.items():
        if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
            numbers[key] = values.astype(np.float64)  # as below, without a million small steps
            continue
        try:
            numbers[key] = np.array(
                [np.nan if value in ("", None) else float(value) for value in values], np.float64
            )
        except (TypeError, ValueError):
            continue  # a column of words is none that can be drawn
    if not numbers or not len(next(iter(numbers.values()))):
        raise ValueError(f"The training log of {name} holds no numbers; train for one epoch first.")
    if len({len(values) for values in numbers.values()}) > 1:
        raise ValueError(f"The columns of the training log of {name} have different lengths.")
    return numbers


def thinned(values: np.ndarray) -> np.ndarray:
    """Indices of at most ``MOST_POINTS`` values: first, lowest and highest of each stretch.

    A noisy loss stays as noisy to the eye as it is; even steps would drop its peaks.
    """
    if len(values) <= MOST_POINTS:
        return np.arange(len(values))
    starts = np.linspace(0, len(values), MOST_POINTS // 4 + 1).astype(int)
    kept = [[0, len(values) - 1]]
    for start, end in pairwise(starts):
        piece = values[start:end]
        kept.append([start, start + piece.argmin(), start + piece.argmax()])
    return np.unique(np.concatenate(kept))


@style.drawn
def training_curves(
    logs: Mapping[str, Any],
    *,
    metrics: Mapping[str, str] | Sequence[str] | None = None,
    x: str = "epoch",
) -> Picture:
    """One panel per metric, one line per run.

    Parameters
    ----------
    logs : mapping of run name to log
        A log is the path of a CSV file as Lightning's logger writes it, a DataFrame, or a mapping
        of column to array.
    metrics : mapping of column to words, or columns, optional
        What to draw. By default training loss, validation NLL and validation accuracy, as far as
        the logs have them.
    x : str
        Column on the horizontal axis. Epochs are shown from 1.
    """
    checks.named(logs, "The figure of training curves")
    data = {name: read_log(log, name) for name, log in logs.items()}
    everywhere = {column for columns in data.values() for column in columns}
    if metrics is None:
        metrics = [column for column in _DEFAULT if column in everywhere]
        if "train_loss" in metrics and "train_loss_epoch" in metrics:
            metrics.remove("train_loss_epoch")
        metrics = metrics or sorted(everywhere - {x, "epoch", "step"})[:3]
    if not isinstance(metrics, Mapping):
        metrics = {column: METRIC_NAMES.get(column, column) for column in metrics}
    unknown = [column for column in metrics if column not in everywhere]
    if unknown or not metrics:
        raise ValueError(
            f"No log has the column {unknown[0] if unknown else 'asked for'!r}; "
            f"there are {', '.join(sorted(everywhere))}."
        )
    for name, columns in data.items():
        if x not in columns:
            raise ValueError(f"The log of {name} has no column {x!r} for the horizontal axis.")

    look = style.current()
    figure = style.canvas(8, 2.9)
    grid = style.panels(
        figure, columns=[1] * len(metrics), left=4.2, right=1.6, top=4.0, bottom=3.2, gap_x=4.4
    )[0]
    styles = style.model_styles(data)
    handles: dict[str, Any] = {}
    sentences = []
    for axes, (column, words) in zip(grid, metrics.items(), strict=True):
        last = []
        share = any(mark in column for mark in _SHARES)
        for name, columns in data.items():
            if column not in columns:
                continue
            keep = np.isfinite(columns[column]) & np.isfinite(columns[x])
            across, values = columns[x][keep], columns[column][keep]
            if not len(values):
                continue
            drawn = thinned(values)
            final = style.percent(values[-1]) if share else f"{values[-1]:.3g}"
            across, values = across[drawn], values[drawn]
            across = across + 1 if x == "epoch" else across
            looks = styles[name]
            (handles[name],) = axes.plot(
                across,
                100 * values if share else values,
                color=looks.color,
                linestyle=looks.line,
                marker=looks.marker if len(data) > 1 or len(values) <= FEW else "",
                markevery=max(1, len(values) // 8),
                label=name,
            )
            last.append(f"{name} {final}")
        style.label(axes, x=x, title=words + (" (%)" if share else ""), grid="y")
        if x == "epoch":
            axes.locator_params(axis="x", integer=True)
        axes.margins(x=0.06, y=0.08)
        if axes.dataLim.width == 0 and axes.lines:
            axes.set_xlim(axes.dataLim.x0 - 0.5, axes.dataLim.x0 + 0.5)
        if last:
            sentences.append(f"{words} at the end: {', '.join(last)}")
    if not handles:
        raise ValueError("The logs hold no value of these metrics; train for one epoch first.")
    style.legend(
        figure,
        list(handles.values()),
        list(handles),
        loc="upper left",
        ncols=min(len(handles), 4),
        bbox_to_anchor=(1.6 * look.em / figure.get_size_inches()[0], 1),
    )
    alt = (
        f"Training curves of {style.listing(list(data))} against {x}. " + "; ".join(sentences) + "."
    )
    return Picture(figure, alt)
