"""Prediction sets: what they hold, and how often they hold the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils._support import validation as checks

from . import style
from .picture import Picture, message


@style.drawn
def coverage_histograms(
    coverages: Mapping[str, np.ndarray],
    *,
    promised: float,
    bins: int = 30,
) -> Picture:
    """How the coverage of prediction sets varies over draws of calibration images.

    Parameters
    ----------
    coverages : mapping of name to float [R]
        Share of test images whose set holds the truth, one value for each draw.
    promised : float
        1 - alpha, marked by a line; the promise is about the mean.
    bins : int
        Of equal width, the same for all.
    """
    checks.named(coverages, "The histogram of coverages")
    values = {
        name: checks.finite(one, f"The coverage of {name}") for name, one in coverages.items()
    }
    if any(len(one) == 0 for one in values.values()):
        raise ValueError("The histogram needs at least one draw for each name.")
    if not 0 < promised < 1:
        raise ValueError(f"The promised coverage is a share between 0 and 1, not {promised}.")
    everything = np.concatenate([*values.values(), [promised]])
    low, high = float(everything.min()), float(everything.max())
    edge = max(0.05 * (high - low), 0.002)
    edges = np.linspace(low - edge, min(high + edge, 1.0), bins + 1)
    look = style.current()
    figure = style.canvas(8, 0.6 + 1.25 * len(values))
    grid = style.panels(
        figure, rows=[1] * len(values), left=1.2, right=2.4, top=2.4, bottom=3.3, gap_y=2.3
    )
    sentences = []
    for (name, one), (axes,) in zip(values.items(), grid, strict=True):
        counts = np.histogram(one, edges)[0]
        axes.stairs(counts, 100 * edges, fill=True, facecolor=style.BLUE, alpha=0.3)
        axes.stairs(counts, 100 * edges, color=style.BLUE, linewidth=0.7 * look.line)
        axes.axvline(100 * promised, color=style.INK, linewidth=look.thin, linestyle=(0, (3, 2)))
        mean = float(one.mean())
        kept = mean >= promised
        axes.plot(
            [100 * mean],
            [0],
            marker="^" if kept else "v",
            markersize=1.7 * look.marker,
            color=style.GREEN if kept else style.VERMILLION,
            clip_on=False,
            zorder=4,
            linestyle="none",
        )
        axes.set(xlim=(100 * edges[0], 100 * edges[-1]), ylim=(0, 1.1 * counts.max()), yticks=[])
        axes.spines["left"].set_visible(False)
        axes.tick_params(labelbottom=axes is grid[-1][0])
        style.label(axes, title=f"{name}: mean {style.percent(mean)}")
        sentences.append(
            f"{name}: mean {style.percent(mean)}, "
            f"{'at or above' if kept else 'below'} the promise, "
            f"from {style.percent(one.min())} to {style.percent(one.max())} "
            f"over {style.plural(len(one), 'draw')}"
        )
    style.label(
        grid[-1][0],
        x=f"coverage (%); dashed: promised {style.percent(promised)}, triangle: mean",
    )
    alt = (
        f"Histograms of the coverage over draws of calibration images; promised "
        f"{style.percent(promised)}. " + "; ".join(sentences) + "."
    )
    return Picture(figure, alt)


@style.drawn
def prediction_set_gallery(
    images: np.ndarray,
    sets: np.ndarray,
    labels: np.ndarray,
    *,
    class_names: Sequence[str] | None = None,
    limit: int = 16,
) -> Picture:
    """Images with the classes of their sets below; a set without the truth says so.

    Parameters
    ----------
    images : uint8 [N, H, W]
    sets : bool [N, C]
    labels : int [N]
    class_names : sequence of str [C], optional
    limit : int
        Tiles at most, the first ones.
    """
    images = checks.image_stack(images)
    sets, labels = np.asarray(sets, dtype=bool), np.asarray(labels)
    checks.same_length(len(images), len(sets), "images", "sets")
    checks.same_length(len(images), len(labels), "images", "labels")
    if limit < 1:
        raise ValueError(f"At least 1 image must be shown, not {limit}.")
    if not len(images):
        return message("No image fits this choice.")
    names = checks.class_names(sets.shape[1], class_names)
    held = sets[np.arange(len(sets)), labels]
    look = style.current()
    em, width = look.em, 8 * look.scale
    texts = []
    for index in range(min(limit, len(images))):
        said = " ".join(names[c] for c in np.flatnonzero(sets[index])) or "nothing"
        texts.append((said, "" if held[index] else f"true {names[labels[index]]}"))
    tile = 5.0
    needed = max(tile + 1.0, 0.64 * max(len(part) for text in texts for part in text) + 1.2)
    columns = int(np.clip(width / em // needed, 1, 8))
    rows = -(-len(texts) // columns)
    pitch_x, pitch_y = width / em / columns, tile + 3.6
    figure = style.canvas(8, (rows * pitch_y + 0.6) * em / look.scale)
    axes = style.bare(figure.add_axes((0, 0, 1, 1)))
    axes.set_autoscale_on(False)
    for index, (said, missed) in enumerate(texts):
        x = (index % columns) * pitch_x + 0.6
        y = (index // columns) * pitch_y + 0.6
        axes.imshow(
            255 - images[index], cmap="gray", vmin=0, vmax=255, extent=(x, x + tile, y + tile, y)
        )
        axes.text(x, y + tile + 0.9, said, va="center")
        axes.text(x, y + tile + 2.2, missed, va="center", color=style.WRONG)
    axes.set(xlim=(0, width / em), ylim=(rows * pitch_y + 0.6, 0))
    axes.set_aspect("auto")
    alt = (
        f"{style.plural(len(texts), 'image')} with the classes in their prediction sets: "
        + "; ".join(f"{said}{f' ({missed})' if missed else ''}" for said, missed in texts)
        + "."
    )
    return Picture(figure, alt)
