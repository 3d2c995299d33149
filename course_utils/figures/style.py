"""One look for every figure: palette, sizes, layout, and the two styles.

The look is switched in one place: ``style.use("slides")`` in the first cell of a deck, or
``with style.use("slides"):`` around a few figures. Every figure function asks this module for
its sizes; none has a font size of its own.

Decision on themes: a figure is a *white card*. It brings its own white background and dark ink,
and the page shows it with a little padding and rounded corners. It reads the same in
JupyterLab's light and dark themes, on paper and on a projector, and its contrast is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType  # not in matplotlib 3.10

# --- colours -----------------------------------------------------------------------------------
# Okabe & Ito (2008), "Color Universal Design". Its orange and sky blue have a contrast of only
# 2.3 on white; both are darkened until they reach 3 (WCAG 2.2, 1.4.11), the hue is kept.
BLACK = "#000000"
ORANGE = "#C77C00"
SKY = "#2D96D8"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"

CARD = "#FFFFFF"
INK = "#222222"  # text
SOFT = "#595959"  # secondary text, contrast 7 on the card
REFERENCE = "#767676"  # reference lines, contrast 4.5
FRAME = "#B0B0B0"  # spines
GRID = "#E6E6E6"

RIGHT, WRONG, OOD = BLUE, VERMILLION, PURPLE
EXPECTED, MUTUAL = SKY, VERMILLION  # the two parts of an entropy

PROBABILITY = LinearSegmentedColormap.from_list(
    "course_probability", ["#FFFFFF", "#A9CFE8", "#3A8FC4", "#00507D"]
)
ERRORS = LinearSegmentedColormap.from_list(
    "course_errors", ["#FFFFFF", "#F6CFAE", "#E58A45", "#A84300"]
)

DIGITS = tuple(str(digit) for digit in range(10))
FASHION = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
CLASS_NAMES = {"mnist": DIGITS, "fashion": FASHION}


@dataclass(frozen=True)
class ModelStyle:
    """How one model is drawn: the same in every figure of the course."""

    color: str
    marker: str
    line: str | tuple[int, tuple[float, ...]]


#: Blues are Deep Ensembles, oranges Packed-Ensembles; marker and dashes tell them apart without
#: colour.
MODEL_STYLES: dict[str, ModelStyle] = {
    "LeNet": ModelStyle(BLACK, "o", "solid"),
    "DE-2": ModelStyle(SKY, "^", (0, (4, 1.5))),
    "DE-4": ModelStyle(SKY, "v", (0, (1, 1.2))),
    "DE-8": ModelStyle(BLUE, "s", "solid"),
    "PE-2": ModelStyle(ORANGE, "P", (0, (4, 1.5))),
    "PE-4": ModelStyle(VERMILLION, "D", (0, (6, 1.5, 1.2, 1.5))),
    "PE-8": ModelStyle(ORANGE, "d", "solid"),
    "MC-Dropout": ModelStyle(GREEN, "X", (0, (3, 1.2, 1, 1.2, 1, 1.2))),
}

#: Taken in turn by models that are not in the table above.
SPARE_STYLES: tuple[ModelStyle, ...] = (
    ModelStyle(GREEN, "p", "solid"),
    ModelStyle(PURPLE, "h", (0, (5, 1.5))),
    ModelStyle(REFERENCE, "<", (0, (1, 1.2))),
    ModelStyle(ORANGE, ">", (0, (6, 1.5, 1.2, 1.5))),
    ModelStyle(SKY, "*", "solid"),
    ModelStyle(BLUE, "X", (0, (1, 1.2))),
)

#: Members of an ensemble and parts of a diagram, in order.
MEMBER_COLORS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#7A5C99", "#5F6B2D")


def model_styles(names: Iterable[str]) -> dict[str, ModelStyle]:
    """Style of each model: fixed for known names, the next spare one for the others."""
    styles: dict[str, ModelStyle] = {}
    spare = 0
    for name in names:
        if name in MODEL_STYLES:
            styles[name] = MODEL_STYLES[name]
        else:
            styles[name] = SPARE_STYLES[spare % len(SPARE_STYLES)]
            spare += 1
    return styles


# --- the two styles ----------------------------------------------------------------------------
@dataclass(frozen=True)
class Style:
    """Sizes of one medium.

    Attributes
    ----------
    name : str
    text : float
        Size of all ordinary text in points; nothing is smaller.
    title : float
        Size of panel titles in points.
    scale : float
        Factor on figure widths and heights, which the functions give in inches for a notebook.
    line : float
        Width of a data line in points.
    marker : float
        Size of a marker in points.
    dpi : float
        Pixels per inch of the picture put on the page; it is shown at 96 CSS pixels per inch.
    tallest : float
        Height in inches that axes may fill: below a headline a slide has no more.
    """

    name: str
    text: float
    title: float
    scale: float
    line: float
    marker: float
    dpi: float
    tallest: float = float("inf")

    @property
    def em(self) -> float:
        """Height of ordinary text in inches, the unit of all margins."""
        return self.text / 72

    @property
    def thin(self) -> float:
        """Width of a reference or leader line in points."""
        return 0.65 * self.line

    @property
    def rc(self) -> dict[RcKeyType, Any]:
        """The matplotlib settings under which a figure is built and drawn."""
        return {
            "font.size": self.text,
            "font.family": ["DejaVu Sans"],
            "axes.labelsize": self.text,
            "axes.titlesize": self.title,
            "axes.titleweight": "normal",
            "axes.unicode_minus": True,
            "axes.edgecolor": FRAME,
            "axes.labelcolor": INK,
            "axes.facecolor": CARD,
            "axes.linewidth": 0.8,
            "axes.axisbelow": True,
            "text.color": INK,
            "xtick.labelsize": self.text,
            "ytick.labelsize": self.text,
            "xtick.color": FRAME,
            "ytick.color": FRAME,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "legend.fontsize": self.text,
            "legend.frameon": False,
            "figure.facecolor": CARD,
            "figure.edgecolor": CARD,
            "savefig.facecolor": CARD,
            "savefig.bbox": None,
            "figure.autolayout": False,
            "figure.constrained_layout.use": False,
            "lines.linewidth": self.line,
            "lines.markersize": self.marker,
            "hatch.linewidth": 0.6,
            "image.interpolation": "antialiased",
            "path.simplify": True,
            "svg.fonttype": "path",
            "svg.hashsalt": "course",
        }


STYLES: dict[str, Style] = {
    "notebook": Style("notebook", 10.0, 11.0, 1.0, 1.6, 5.0, 144.0),
    "slides": Style("slides", 18.0, 20.0, 1.6, 2.8, 9.0, 144.0, tallest=5.7),
}

_current = STYLES["notebook"]


def current() -> Style:
    """The style in force."""
    return _current


class use:
    """Switch the style of all figures drawn from now on.

    As a plain call it stays; in a ``with`` statement the former style comes back at the end.
    """

    def __init__(self, name: str) -> None:
        global _current
        if name not in STYLES:
            known = " or ".join(repr(known) for known in STYLES)
            raise ValueError(f"There is no figure style {name!r}; use {known}.")
        self._former = _current
        _current = STYLES[name]

    def __enter__(self) -> Style:
        return _current

    def __exit__(self, *exception: object) -> None:
        global _current
        _current = self._former


Function = TypeVar("Function", bound=Callable[..., Any])


def drawn(function: Function) -> Function:
    """Run a figure function under the course's settings, whatever the user's own are."""

    @wraps(function)
    def under_style(*args: Any, **kwargs: Any) -> Any:
        with matplotlib.rc_context(current().rc):
            return function(*args, **kwargs)

    return under_style  # type: ignore[return-value]


# --- layout ------------------------------------------------------------------------------------
# Margins are set in units of the text height. matplotlib's tight and constrained layouts draw
# the figure twice.
def canvas(width: float, height: float) -> Figure:
    """An empty figure of a size in notebook inches."""
    scale = current().scale
    figure = Figure(figsize=(width * scale, height * scale), facecolor=CARD)
    FigureCanvasAgg(figure)
    return figure


def fitting(height: float) -> float:
    """A height in notebook inches, or what the style has; for axes, which can be any height."""
    look = current()
    return min(height, look.tallest / look.scale)


def panels(
    figure: Figure,
    *,
    columns: Sequence[float] = (1,),
    rows: Sequence[float] = (1,),
    left: float = 4.5,
    right: float = 1.0,
    top: float = 2.0,
    bottom: float = 3.2,
    gap_x: float = 5.5,
    gap_y: float = 2.0,
) -> list[list[Axes]]:
    """Styled axes on a grid, row by row from the top.

    Parameters
    ----------
    columns, rows : sequence of float
        Relative widths and heights.
    left, right, top, bottom, gap_x, gap_y : float
        Margins and gaps in text heights.
    """
    em = current().em
    width, height = figure.get_size_inches()
    free_width = width - em * (left + right + gap_x * (len(columns) - 1))
    free_height = height - em * (top + bottom + gap_y * (len(rows) - 1))
    unit_x, unit_y = free_width / sum(columns), free_height / sum(rows)
    grid: list[list[Axes]] = []
    upper = height - em * top
    for row in rows:
        lower = upper - row * unit_y
        x = em * left
        line: list[Axes] = []
        for column in columns:
            rectangle = (x / width, lower / height, column * unit_x / width, row * unit_y / height)
            line.append(styled(figure.add_axes(rectangle)))
            x += column * unit_x + em * gap_x
        grid.append(line)
        upper = lower - em * gap_y
    return grid


def styled(axes: Axes) -> Axes:
    """The look of all axes: no frame above and at the right, and ticks of the style's size."""
    size = current().text
    axes.spines[["top", "right"]].set_visible(False)
    # Ticks are made late, at drawing time, when the settings may be the user's again: say all.
    axes.tick_params(
        labelsize=size, length=0.25 * size, width=0.8, color=FRAME, labelcolor=INK, pad=0.3 * size
    )
    axes.set_axisbelow(True)
    return axes


def bare(axes: Axes) -> Axes:
    """Take away frame and ticks: for images and diagrams."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def label(
    axes: Axes, *, x: str = "", y: str = "", title: str = "", grid: str | None = None
) -> Axes:
    """Name the axes; the title stands at the left, where reading starts."""
    pad = 0.4 * current().text
    if x:
        axes.set_xlabel(x, labelpad=pad)
    if y:
        axes.set_ylabel(y, labelpad=pad)
    if title:
        axes.set_title(title, loc="left", pad=0.7 * current().text)
    if grid:
        axes.grid(True, axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    return axes


def _luminance(colors: Any) -> np.ndarray:
    """Relative luminance of WCAG 2.2 of each colour [K, 4], 0 for black to 1 for white."""
    rgb = np.asarray(colors, dtype=float).reshape(-1, 4)[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(first: Any, second: Any) -> float:
    """Contrast of two colours by WCAG 2.2, from 1 to 21; text needs 4.5, and 7 for its AAA."""
    low, high = sorted(_luminance([to_rgba(first), to_rgba(second)]))
    return float((high + 0.05) / (low + 0.05))


def ink_on(colors: Any) -> list[str]:
    """Black or white text for each background colour [K, 4], whichever has more contrast.

    Black and not ``INK``: one of black and white always reaches the 4.5 that WCAG asks of text.
    """
    luminance = _luminance(colors)
    white_better = 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05
    return [CARD if white else BLACK for white in white_better]


def stride(names: Sequence[str], pitch: float) -> int:
    """The tick-label stride: 1 names every tick, 2 every other, so that names do not touch.

    Parameters
    ----------
    names : sequence of str
    pitch : float
        Distance of neighbouring ticks in inches.
    """
    width = (0.64 * max(map(len, names)) + 0.4) * current().em
    return max(1, -int(-width // pitch))


def slant(axes: Axes) -> None:
    """Turn long names on the horizontal axis so that they do not run into each other."""
    axes.tick_params(axis="x", labelrotation=40)
    for text in axes.get_xticklabels():
        text.set(horizontalalignment="right", rotation_mode="anchor")


def spread(
    positions: Sequence[float],
    gap: float | Sequence[float],
    low: float | Sequence[float] = -float("inf"),
    high: float | Sequence[float] = float("inf"),
) -> list[float]:
    """Move label positions apart until no two overlap.

    The order is kept and overlapping groups stay centred on where they belong, unless an end of
    the axis, ``low`` or ``high``, pushes them back. With too many labels ``low`` gives way.

    Parameters
    ----------
    positions : sequence of float [K]
        Where the centre of each label belongs.
    gap : float, or sequence of float [K]
        Height of every label, or of each.
    low, high : float, or sequence of float [K]
        Bounds of the centres.
    """
    heights, lowest, highest = (
        [float(value) for value in np.broadcast_to(values, len(positions))]
        for values in (gap, low, high)
    )
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    # How far each label is from the first one when all touch. What is left when these are taken
    # away must not decrease: an isotonic regression, solved by pooling violators.
    offsets = [0.0] * len(order)
    for rank in range(1, len(order)):
        former, index = order[rank - 1], order[rank]
        offsets[rank] = offsets[rank - 1] + (heights[former] + heights[index]) / 2
    pools: list[tuple[float, int]] = []  # sum and number of members
    for index, offset in zip(order, offsets, strict=True):
        total, number = positions[index] - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / number:
            former_total, former_number = pools.pop()
            total, number = total + former_total, number + former_number
        pools.append((total, number))
    places = [total / number for total, number in pools for _ in range(number)]
    places = [place + offset for place, offset in zip(places, offsets, strict=True)]
    for rank, index in enumerate(order):
        places[rank] = max(places[rank], lowest[index])
        if rank:
            places[rank] = max(places[rank], places[rank - 1] + offsets[rank] - offsets[rank - 1])
    for rank in reversed(range(len(order))):
        places[rank] = min(places[rank], highest[order[rank]])
        if rank + 1 < len(order):
            places[rank] = min(places[rank], places[rank + 1] - offsets[rank + 1] + offsets[rank])
    moved = [0.0] * len(order)
    for index, place in zip(order, places, strict=True):
        moved[index] = place
    return moved


@cache
def text_width(text: str) -> float:
    """Width of one line of ordinary text in text heights, measured in the font of the figures."""
    properties = FontProperties(family="DejaVu Sans", size=1)
    return float(text_to_path.get_text_width_height_descent(text, properties, ismath=False)[0])


# --- words and numbers -------------------------------------------------------------------------
def percent(share: float) -> str:
    """A share as a percentage with as many digits as it deserves: 98.5 %, 0.12 %, 100 %."""
    value = 100 * float(share)
    if value in (0.0, 100.0):
        return f"{value:.0f} %"
    if value < 1 or value > 99.9:
        # never round a share that is not 0 or 1 to either of them
        for digits in (2, 3, 4):
            text = f"{value:.{digits}f}"
            if 0 < float(text) < 100:
                return f"{text} %"
        return "< 0.0001 %" if value < 50 else "> 99.9999 %"
    return f"{value:.1f} %"


def plural(count: int, singular: str, many: str | None = None) -> str:
    """A count with its noun: "1 digit", "2,000 digits"."""
    noun = singular if count == 1 else (many or singular + "s")
    return f"{count:,} {noun}"


def listing(parts: Sequence[str]) -> str:
    """Join words the way a sentence does."""
    if len(parts) <= 1:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def legend(
    target: Axes | Figure, handles: Sequence[Any], labels: Sequence[str], **kwargs: Any
) -> Any:
    """A legend without a frame; its text is ordinary text."""
    settings: Mapping[str, Any] = {
        "frameon": False,
        "fontsize": current().text,
        "handlelength": 2.6,
        "borderaxespad": 0.2,
        "labelspacing": 0.35,
        **kwargs,
    }
    return target.legend(list(handles), list(labels), **settings)
