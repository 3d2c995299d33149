"""Which class is taken for which.

The plots of torchmetrics and scikit-learn colour right and wrong cells by one scale: at 98 %
accuracy the diagonal takes all the colour and every error looks white. Here only errors are
coloured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from course_utils._support import validation as checks
from course_utils.metrics.classification import confusion_counts

from . import style
from .picture import Picture

if TYPE_CHECKING:
    from course_utils.metrics.predictions import Predictions


@style.drawn
def confusion_matrix(
    predictions: Predictions,
    *,
    class_names: Sequence[str] | None = None,
    top: int = 8,
) -> Picture:
    """Confusion matrix with coloured errors, and the most frequent confusions as bars.

    Parameters
    ----------
    predictions : Predictions
        With labels.
    class_names : sequence of str, optional
    top : int
        Confusions listed at most.
    """
    counts = confusion_counts(predictions)
    classes = len(counts)
    names = checks.class_names(classes, class_names)
    errors = counts.copy()
    np.fill_diagonal(errors, 0)
    total, wrong = int(counts.sum()), int(errors.sum())
    look = style.current()
    long_names = max(map(len, names)) > 3
    below = 3.3 if not long_names else 3.0 + 0.36 * max(map(len, names))
    left = 3.2 + 0.6 * max(map(len, names))
    height = style.fitting(4.3 if not long_names else 4.5)
    figure = style.canvas(8, height)
    wide, tall = figure.get_size_inches()
    side = tall - look.em * (below + 2.0)
    axes = style.styled(
        figure.add_axes((left * look.em / wide, below * look.em / tall, side / wide, side / tall))
    )
    most = max(1, int(errors.max()))
    strength = np.where(errors > 0, 0.15 + 0.85 * errors / most, 0.0)
    axes.imshow(strength, cmap=style.ERRORS, vmin=0, vmax=1, interpolation="nearest")
    step = max(1, int(np.ceil(1.2 * look.em * classes / side)))
    wide_step = step if long_names else style.stride(names, side / classes)
    axes.set_xticks(range(0, classes, wide_step), names[::wide_step])
    axes.set_yticks(range(0, classes, step), names[::step])
    if long_names:
        style.slant(axes)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(style.FRAME)
    if side / classes > 1.7 * look.em:  # three digits are a little wider, their neighbours not
        filled = np.argwhere(counts)
        inks = style.ink_on(style.ERRORS(strength[counts > 0]))
        for (row, column), ink in zip(filled, inks, strict=True):
            value = int(counts[row, column])
            axes.text(
                column,
                row,
                str(value) if value < 1000 else f"{value / 1000:.1f}k",
                ha="center",
                va="center",
                color=style.SOFT if row == column else ink,
            )
    style.label(axes, x="predicted", y="true", title=f"{wrong:,} of {total:,} wrong")

    pairs = [(int(errors[i, j]), i, j) for i, j in zip(*np.nonzero(errors), strict=True)]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    pairs = pairs[:top]
    words = [f"{names[i]} → {names[j]}" for _, i, j in pairs]
    if pairs:
        start = left * look.em + side + look.em * (2.6 + 0.62 * max(map(len, words)))
        bar_height = min(side, 2.1 * look.em * len(pairs))
        bars = style.styled(
            figure.add_axes(
                (
                    start / wide,
                    (below * look.em + side - bar_height) / tall,
                    max(0.5, wide - start - 2.6 * look.em) / wide,
                    bar_height / tall,
                )
            )
        )
        sizes = [size for size, _, _ in pairs]
        bars.barh(range(len(pairs)), sizes, height=0.62, color="#E58A45")
        bars.set_yticks(range(len(pairs)), words)
        bars.set_ylim(len(pairs) - 0.5, -0.5)
        bars.set_xlim(0, 1.05 * max(sizes))
        bars.set_xticks([])
        bars.tick_params(length=0)
        bars.spines["bottom"].set_visible(False)
        for row, size in enumerate(sizes):
            bars.annotate(
                f"{size:,}",
                (size, row),
                xytext=(0.4 * look.text, 0),
                textcoords="offset points",
                va="center",
            )
        # above the words, not the bars, which may be short
        bars.annotate(
            "true → predicted",
            ((left + 2.2) * look.em / wide + side / wide, (below * look.em + side) / tall),
            xycoords="figure fraction",
            xytext=(0, 0.7 * look.text),
            textcoords="offset points",
            size=look.title,
            annotation_clip=False,
        )
    alt = (
        f"Confusion matrix of {style.plural(total, 'image')}, {classes} classes: {wrong:,} wrong, "
        f"accuracy {style.percent(1 - wrong / total)}. "
    )
    if pairs:
        listed = [f"{names[i]} taken for {names[j]} ({size:,})" for size, i, j in pairs[:5]]
        alt += f"Most frequent confusions: {style.listing(listed)}."
    else:
        alt += "No image is misclassified."
    return Picture(figure, alt)
