"""Which score finds the mistakes: the course's scores, and one of your own among them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from course_utils._support import validation as checks
from course_utils.metrics.rankings import rank_scores

from . import style
from .picture import Picture, message

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from course_utils.metrics.predictions import Predictions

ROW = 1.9  # text heights for each score
WIDEST = 20  # letters of a name


@style.drawn
def score_ranking(
    predictions: Predictions, own: Mapping[str, Callable[[Predictions], ArrayLike]] | None = None
) -> Picture:
    """AUROC of mistakes and AURC of every score, best first; your own have other marks.

    A score of your own that fails, or gives something other than one finite number for each image,
    gets a card that says so instead of an error.

    Parameters
    ----------
    predictions : Predictions
        With labels.
    own : mapping of name to function, optional
        Each takes ``predictions`` and returns float [N], higher = less certain.
    """
    given = {}
    for name, score in (own or {}).items():
        try:
            value = score(predictions)
            if value is None or value is ...:
                raise ValueError(f"The score {name!r} returns nothing: is the return missing?")
            given[name] = checks.finite(value, f"The score {name!r}")
            checks.same_length(len(given[name]), len(predictions), f"values of {name!r}", "images")
        except Exception as error:  # a learner's function may raise anything
            said = str(error) if isinstance(error, ValueError) else f"{name!r} raised {error!r}."
            return message(said)
    table = rank_scores(predictions, given)
    names = list(table.index)
    shown = [textwrap.shorten(name, WIDEST, placeholder=" …") for name in names]
    rows = np.arange(len(names))
    look = style.current()
    figure = style.canvas(8, (ROW * len(names) + 5.0) * look.em / look.scale)
    longest = 1.12 * max(style.text_width(name) for name in shown)  # yours is in bold
    grid = style.panels(
        figure, columns=(1, 1), left=longest + 1.4, right=4.5, top=2.4, bottom=2.6, gap_x=5.5
    )[0]
    mine = np.isin(names, list(given))
    columns = (
        (table["AUROC"].to_numpy(), "AUROC of mistakes (%)", 2),
        (table["AURC"].to_numpy(), "AURC (%), low is good", 3),
    )
    for axes, (values, title, digits) in zip(grid, columns, strict=True):
        for where, marker, color, size in (
            (~mine, "o", style.BLUE, 1.2),
            (mine, "D", style.VERMILLION, 1.5),
        ):
            axes.plot(
                100 * values[where],
                rows[where],
                marker,
                color=color,
                markersize=size * look.marker,
                clip_on=False,
            )
        for row, value in zip(rows, values, strict=True):
            axes.annotate(
                f"{100 * value:.{digits}f}",
                (100 * value, row),
                xytext=(0.8 * look.text, 0),
                textcoords="offset points",
                va="center",
                annotation_clip=False,
            )
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_yticks(rows, shown if axes is grid[0] else [""] * len(names))
        axes.margins(x=0.06)
        style.label(axes, title=title, grid="y")
    for text, is_mine in zip(grid[0].get_yticklabels(), mine, strict=True):
        text.set_fontweight("bold" if is_mine else "normal")
    mistakes = int((~predictions.correct).sum())
    listed = "; ".join(
        f"{name}{' (your own)' if is_mine else ''}: {style.percent(row['AUROC'])}, "
        f"{style.percent(row['AURC'])}"
        for is_mine, (name, row) in zip(mine, table.iterrows(), strict=True)
    )
    alt = (
        f"AUROC of mistakes and AURC of {style.plural(len(names), 'score')} on "
        f"{style.plural(len(predictions), 'image')}, {style.plural(mistakes, 'mistake')} among "
        f"them, best AUROC first. {listed}."
    )
    return Picture(figure, alt)
