"""What ways of working cost, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from . import style
from .picture import Picture

WRONG, REFERRED = style.VERMILLION, style.SKY


@dataclass(frozen=True)
class CostBar:
    """The cost of one way of working, per image.

    Attributes
    ----------
    name : str
    wrong, referred : float
        What wrong answers and what referred images cost; together the whole.
    error : float
        Half the width of an interval of the whole; 0 for none.
    emphasised : bool
        The one that the others are compared with.
    """

    name: str
    wrong: float
    referred: float
    error: float = 0.0
    emphasised: bool = False

    @property
    def cost(self) -> float:
        """The whole cost per image."""
        return self.wrong + self.referred


@style.drawn
def cost_bars(bars: Sequence[CostBar], *, unit: str = "", figure: Figure | None = None) -> Picture:
    """Cost per image of several ways of working, split into wrong answers and referred images.

    Parameters
    ----------
    bars : sequence of CostBar
        From top to bottom.
    unit : str
        Of the cost, such as "euros".
    """
    bars = list(bars)
    if not bars:
        raise ValueError("The comparison of costs needs at least one way of working.")
    look = style.current()
    figure = style.canvas(8, (1.9 * len(bars) + 5.6) * look.em / look.scale, figure)
    left = 1.6 + 0.56 * max(len(bar.name) for bar in bars)
    axes = style.panels(figure, left=left, right=5.0, top=2.2, bottom=3.2)[0][0]
    places = range(len(bars))
    wrong = axes.barh(
        places,
        [bar.wrong for bar in bars],
        height=0.62,
        color=WRONG,
        hatch="///",
        edgecolor=style.CARD,
        linewidth=0,
    )
    referred = axes.barh(
        places,
        [bar.referred for bar in bars],
        left=[bar.wrong for bar in bars],
        height=0.62,
        color=REFERRED,
    )
    highest = max((bar.cost + bar.error for bar in bars), default=0.0) or 1.0
    axes.set(xlim=(0, 1.02 * highest), ylim=(len(bars) - 0.45, -0.55))
    axes.errorbar(
        [bar.cost for bar in bars],
        places,
        xerr=[bar.error for bar in bars],
        fmt="none",
        ecolor=style.INK,
        elinewidth=look.thin,
        capsize=0.2 * look.text,
    )
    for place, bar in zip(places, bars, strict=True):
        axes.annotate(
            f"{bar.cost:.3g}",
            (bar.cost + bar.error, place),
            xytext=(0.5 * look.text, 0),
            textcoords="offset points",
            va="center",
            fontweight="bold" if bar.emphasised else "normal",
            annotation_clip=False,
        )
    axes.set_yticks(places, [bar.name for bar in bars])
    for text, bar in zip(axes.get_yticklabels(), bars, strict=True):
        text.set_fontweight("bold" if bar.emphasised else "normal")
    axes.tick_params(axis="y", length=0)
    style.label(axes, x=f"cost per image ({unit})" if unit else "cost per image", grid="x")
    style.legend(
        figure,
        [wrong, referred],
        ["wrong answers", "asking a human"],
        loc="upper left",
        ncols=2,
        bbox_to_anchor=((left - 0.4) * look.em / figure.get_size_inches()[0], 1),
        columnspacing=1.4,
    )
    of = f" {unit}" if unit else ""
    alt = (
        f"Bars of the cost per image{f' in {unit}' if unit else ''}. "
        + "; ".join(
            f"{bar.name}: {bar.cost:.3g}{of} ({bar.wrong:.3g} for wrong answers, "
            f"{bar.referred:.3g} for asking)"
            for bar in bars
        )
        + "."
    )
    return Picture(figure, alt)
