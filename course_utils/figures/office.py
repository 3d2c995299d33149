"""The sorting office in pictures: what a policy missed, and what its days cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from course_utils._support import validation as checks

from . import style
from .picture import Picture, message

COLUMNS = 8
NO_DIGIT = "no digit"


@style.drawn
def wrong_answers(images: np.ndarray, said: np.ndarray, truth: np.ndarray) -> Picture:
    """Images with the digit that was answered, and what they are.

    Parameters
    ----------
    images : uint8 [K, H, W]
    said : int [K]
        The wrong answers.
    truth : int [K]
        What would have been right; -1 for an image of no digit.

    Notes
    -----
    With nothing to show the picture is a card that says so.
    """
    images = np.asarray(images)
    if not len(images):
        return message("There is no wrong answer to show.")
    images, said, truth = checks.image_stack(images), np.asarray(said), np.asarray(truth)
    checks.same_length(len(images), len(said), second_name="answers")
    checks.same_length(len(images), len(truth), second_name="labels")
    names = [NO_DIGIT if label < 0 else str(label) for label in truth]
    look = style.current()
    columns = COLUMNS if look.name == "notebook" else COLUMNS // 2
    rows = -(-len(images) // columns)
    wide = 8 * look.scale / look.em
    pitch = (wide - 0.6) / columns
    tile, words = min(0.74 * pitch, 7.0), 3.4
    tall = rows * (tile + words) + 0.8
    figure = style.canvas(8, tall * look.em / look.scale)
    axes = style.bare(figure.add_axes((0, 0, 1, 1)))
    axes.set_autoscale_on(False)
    for place, (image, answer, name) in enumerate(zip(images, said, names, strict=True)):
        x = 0.5 + (place % columns) * pitch
        y = 0.6 + (place // columns) * (tile + words)
        extent = (x, x + tile, y + tile, y)
        axes.imshow(255 - image, cmap="gray", vmin=0, vmax=255, extent=extent)
        axes.text(x, y + tile + 0.9, f"says {answer}", va="center", color=style.INK)
        axes.text(x, y + tile + 2.1, f"is {name}", va="center", color=style.SOFT)
    axes.set(xlim=(0, wide), ylim=(tall, 0), aspect="auto")
    listed = [f"{name} taken for {answer}" for name, answer in zip(names, said, strict=True)]
    return Picture(figure, f"{style.plural(len(images), 'wrong answer')}: {style.listing(listed)}.")


@style.drawn
def daily_costs(costs: Mapping[str, np.ndarray], *, yours: str = "") -> Picture:
    """A row of dots for each policy, one for each day, with the mean as a line.

    Parameters
    ----------
    costs : mapping of name to float [K]
        What each policy cost on each of K days, at least 0.
    yours : str
        The policy to emphasise.
    """
    checks.named(costs, "The figure of daily costs")
    days = {name: checks.finite(values, f"The cost of {name}") for name, values in costs.items()}
    if len({len(values) for values in days.values()}) > 1 or not all(map(len, days.values())):
        raise ValueError("Every policy needs the cost of every day, and there must be one.")
    names = sorted(days, key=lambda name: days[name].mean())
    look = style.current()
    longest = max(style.text_width(name) for name in names)
    figure = style.canvas(8, style.fitting((2.4 * len(names) + 5.5) * look.em / look.scale))
    axes = style.panels(figure, left=longest + 1.5, right=4.5, top=0.8)[0][0]
    for row, name in enumerate(names):
        color = style.VERMILLION if name == yours else style.BLUE
        mean = days[name].mean()
        axes.plot(
            days[name],
            np.full(len(days[name]), row),
            linestyle="none",
            marker="o",
            color=color,
            alpha=0.45,
            markeredgewidth=0,
        )
        axes.plot([mean, mean], [row - 0.32, row + 0.32], color=color, linewidth=2 * look.line)
        axes.annotate(
            f"{mean:,.0f}",
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(0.6 * look.text, 0),
            textcoords="offset points",
            va="center",
            color=style.INK,
            fontweight="bold" if name == yours else "normal",
        )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    # the worst days of the worst policy cost forty times as much as the best
    highest = max(values.max() for values in days.values())
    axes.set_xscale("symlog", linthresh=100, linscale=0.5)
    axes.set_xlim(0, max(1.15 * highest, 10))
    ticks = [tick for tick in (0, 100, 300, 1_000, 3_000, 10_000, 30_000) if tick <= 1.15 * highest]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    style.label(
        axes, x="minutes for 1,000 images: a dot for each day, the mean at the right", grid="x"
    )
    means = [f"{name} {days[name].mean():,.0f}" for name in names]
    count = style.plural(len(next(iter(days.values()))), "day")
    return Picture(
        figure,
        f"What policies cost on {count}, minutes for 1,000 images. Means, the cheapest first: "
        f"{style.listing(means)}.",
    )
