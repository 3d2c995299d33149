"""Pictures of the images themselves: samples of each class, augmentations, mistakes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Polygon, Rectangle

from course_utils._support import validation as checks

from . import style
from .picture import Picture, message
from .votes import TINT_ANSWER, TINT_OTHER, TINT_TRUE, vote_tint

if TYPE_CHECKING:
    from course_utils.metrics.predictions import Predictions

LINE = 222  # grey level of the lines between tiles


def mosaic(images: np.ndarray, *, gap: int = 1, wide_gap_after: int | None = None) -> np.ndarray:
    """Join tiles into one grey image: one artist is drawn instead of hundreds of axes.

    Parameters
    ----------
    images : uint8 [rows, columns, height, width]
        0 is paper, 255 is ink, as in MNIST.
    gap : int
        Pixels of grey line between tiles.
    wide_gap_after : int, optional
        Column after which a wider white gap is left.

    Returns
    -------
    uint8 [rows * height + ..., columns * width + ...]
        Dark ink on white paper.
    """
    rows, columns, height, width = images.shape
    extra = 0 if wide_gap_after is None else width // 3
    joined = np.full(
        (rows * (height + gap) + gap, columns * (width + gap) + gap + extra), LINE, np.uint8
    )
    for column in range(columns):
        shift = extra if wide_gap_after is not None and column > wide_gap_after else 0
        x = gap + column * (width + gap) + shift
        for row in range(rows):
            y = gap + row * (height + gap)
            joined[y : y + height, x : x + width] = 255 - images[row, column]
    if wide_gap_after is not None and extra:
        x = (wide_gap_after + 1) * (width + gap) + gap
        joined[:, x : x + extra - gap] = 255
    return joined


def show(axes: Axes, grey: np.ndarray) -> None:
    """Show a grey image at its own proportions, without frame."""
    style.bare(axes)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255)


@style.drawn
def sample_grid(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    class_names: Sequence[str] | None = None,
    per_class: int = 16,
    seed: int = 0,
) -> Picture:
    """Random images of each class, one row per class, with the number of images in it.

    Parameters
    ----------
    images : uint8 [N, H, W]
    labels : int [N]
    class_names : sequence of str, optional
        ``style.DIGITS`` or ``style.FASHION``; numbers unless given, for ten classes or as many as
        the labels need. A class without an image keeps its row.
    per_class : int
        Columns.
    seed : int
        Which images are drawn.
    """
    images = checks.image_stack(images)
    labels = np.asarray(labels)
    checks.same_length(len(images), len(labels), second_name="labels")
    if len(images) == 0:
        raise ValueError("There are no images to show; choose a split or filter with some.")
    if per_class < 1:
        raise ValueError(f"At least 1 image per class must be shown, not {per_class}.")
    count = max(10, int(labels.max()) + 1) if class_names is None else len(class_names)
    if labels.min() < 0 or labels.max() >= count:
        raise ValueError(
            f"The labels go from {labels.min()} to {labels.max()} but there are {count} class "
            "names; pass one name per class."
        )
    names = checks.class_names(count, class_names)
    generator = np.random.default_rng(seed)
    height, width = images.shape[1:]
    tiles = np.zeros((count, per_class, height, width), np.uint8)
    sizes = np.bincount(labels, minlength=count)
    for row in range(count):
        members = np.flatnonzero(labels == row)
        chosen = generator.permutation(members)[:per_class]
        tiles[row, : len(chosen)] = images[chosen]

    joined = mosaic(tiles)
    look = style.current()
    left = 1.1 + 0.62 * max(map(len, names))
    right = 1.2 + 0.62 * max(5, *(len(f"{size:,}") for size in sizes))
    inner = 8 * look.scale - look.em * (left + right)
    tall = (inner * joined.shape[0] / joined.shape[1] + 2.2 * look.em) / look.scale
    figure = style.canvas(8, tall)
    axes = style.panels(figure, left=left, right=right, top=1.7, bottom=0.5)[0][0]
    show(axes, joined)
    centres = [1 + (height + 1) * (row + 0.5) for row in range(count)]
    axes.set_yticks(centres, names)
    axes.tick_params(left=False)
    for centre, size in zip(centres, sizes, strict=True):
        axes.annotate(
            f"{size:,}",
            (1, centre),
            xycoords=("axes fraction", "data"),
            xytext=(0.6 * look.text, 0),
            textcoords="offset points",
            va="center",
            color=style.SOFT,
        )
    axes.annotate(
        "count",
        (1, 1),
        xycoords="axes fraction",
        xytext=(0.6 * look.text, 0.5 * look.text),
        textcoords="offset points",
        color=style.SOFT,
    )
    shown = min(per_class, int(sizes.max()))
    alt = (
        f"Sample grid: {count} rows, one per class, with up to {shown} of "
        f"{style.plural(len(images), 'image')}. Images per class: "
        + ", ".join(f"{name} {size:,}" for name, size in zip(names, sizes, strict=True))
        + "."
    )
    return Picture(figure, alt)


@style.drawn
def augmentation_sheet(
    originals: np.ndarray,
    augmented: np.ndarray,
    *,
    name: str = "augmentation",
    column_names: Sequence[str] | None = None,
) -> Picture:
    """Each original beside several augmented versions of it.

    Parameters
    ----------
    originals : uint8 [N, H, W]
    augmented : uint8 [N, K, H, W]
        K versions of each original.
    name : str
        What was done, such as "random crop with padding 4".
    column_names : sequence of str [K], optional
        What was done in each column, if that differs; they take the place of ``name``.
    """
    originals = checks.image_stack(originals)
    augmented = np.asarray(augmented)
    if augmented.ndim != 4:
        raise ValueError(
            "Augmented images must have the shape [images, versions, height, width], "
            f"not {list(augmented.shape)}."
        )
    checks.same_length(len(originals), len(augmented), "originals", "rows of augmented images")
    if len(originals) == 0 or augmented.shape[1] == 0:
        raise ValueError("The sheet needs at least one image and one augmented version of it.")
    if augmented.shape[2:] != originals.shape[1:]:
        raise ValueError(
            f"Originals are {originals.shape[1:]} pixels but augmented images "
            f"{augmented.shape[2:]}; the sheet needs one size."
        )
    versions = augmented.shape[1]
    if column_names is not None and len(column_names) != versions:
        raise ValueError(
            f"There are {versions} versions of each image but {len(column_names)} column names; "
            "pass one name per column."
        )
    flat = checks.image_stack(augmented.reshape(-1, *augmented.shape[2:]))
    tiles = np.concatenate([originals[:, None], flat.reshape(augmented.shape)], axis=1)
    joined = mosaic(tiles, wide_gap_after=0)

    look = style.current()
    inner = 8 * look.scale - look.em
    width = originals.shape[2]
    starts = [1] + [2 + width + width // 3 + column * (width + 1) for column in range(versions)]
    if column_names is None:
        heads = {1: "original", starts[1]: name}
    else:
        letters = max(4, int(inner / joined.shape[1] * width / look.em / 0.6))
        names = ["original", *column_names]
        heads = {
            x: "\n".join(textwrap.wrap(text, letters))
            for x, text in zip(starts, names, strict=True)
        }
    lines = 1 + max(text.count("\n") for text in heads.values())
    top = 0.6 + 1.3 * lines
    tall = (inner * joined.shape[0] / joined.shape[1] + (top + 0.5) * look.em) / look.scale
    figure = style.canvas(8, tall)
    axes = style.panels(figure, left=0.5, right=0.5, top=top, bottom=0.5)[0][0]
    show(axes, joined)
    for x, text in heads.items():
        axes.annotate(
            text,
            (x - 0.5, 0),
            xytext=(0, 0.5 * look.text),
            textcoords="offset points",
            va="bottom",
            color=style.INK,
        )
    done = name if column_names is None else f"{name}: {style.listing(list(column_names))}"
    alt = (
        f"Augmentation sheet: {style.plural(len(originals), 'original image')} in the first "
        f"column, {style.plural(versions, 'version')} of each beside it ({done})."
    )
    return Picture(figure, alt)


@style.drawn
def crop_windows(image: np.ndarray, *, padding: int, corners: Sequence[tuple[int, int]]) -> Picture:
    """An image, the same in its border with two windows marked, and the two crops.

    Parameters
    ----------
    image : uint8 [H, W]
    padding : int
        Pixels of paper on every side.
    corners : two pairs of int
        Row and column in the padded image at which each window begins.
    """
    image = checks.one_image(image)
    height, width = image.shape
    if padding < 0:
        raise ValueError(f"The border cannot be {padding} pixels wide; pass 0 or more.")
    if len(corners) != 2:
        raise ValueError(f"The figure shows two windows, not {len(corners)}.")
    if any(not 0 <= start <= 2 * padding for corner in corners for start in corner):
        raise ValueError(f"With a border of {padding} a window begins at 0 to {2 * padding}.")
    padded = np.pad(image, padding)
    pictures = {"original": image, f"border of {padding}": padded}
    names = ("solid window", "dashed window")
    for name, (row, column) in zip(names, corners, strict=True):
        pictures[name] = padded[row : row + height, column : column + width]

    figure = style.canvas(8, 2.3)
    (places,) = style.panels(
        figure, columns=(1,) * 4, left=1, right=1, top=2, bottom=0.5, gap_x=1.5
    )
    for axes, (name, shown) in zip(places, pictures.items(), strict=True):
        show(axes, 255 - shown)
        style.label(axes, title=name)
        rows, columns = shown.shape
        frame = [
            (-0.5, -0.5),
            (columns - 0.5, -0.5),
            (columns - 0.5, rows - 0.5),
            (-0.5, rows - 0.5),
        ]
        axes.add_patch(Polygon(frame, fill=False, edgecolor=style.FRAME))
        # all four at the scale of the padded one
        margin = ((len(padded) - rows) / 2 + 1, (padded.shape[1] - columns) / 2 + 1)
        axes.set(
            xlim=(-margin[1], columns - 1 + margin[1]), ylim=(rows - 1 + margin[0], -margin[0])
        )
    looks = ((style.BLUE, "solid"), (style.VERMILLION, "dashed"))
    for (row, column), (color, line) in zip(corners, looks, strict=True):
        places[1].add_patch(
            Rectangle(
                (column - 0.5, row - 0.5),
                width,
                height,
                fill=False,
                edgecolor=color,
                linestyle=line,
                linewidth=2,
            )
        )
    moved = style.listing(
        [
            f"{_shift(padding - row, 'down', 'up')}, {_shift(padding - column, 'right', 'left')}"
            for row, column in corners
        ]
    )
    alt = (
        f"An image; the same in a border of {style.plural(padding, 'pixel')} with two windows "
        f"marked; the two crops, in which the content has moved by {moved}."
    )
    return Picture(figure, alt)


def _shift(pixels: int, forward: str, backward: str) -> str:
    return f"{abs(pixels)} {forward if pixels >= 0 else backward}"


@style.drawn
def misclassified_gallery(
    images: np.ndarray,
    predictions: Predictions,
    *,
    indices: np.ndarray | None = None,
    limit: int = 12,
    class_names: Sequence[str] | None = None,
) -> Picture:
    """Wrong answers: image, true and predicted label, confidence, each member's vote.

    Parameters
    ----------
    images : uint8 [N, H, W]
    predictions : Predictions
        Of the same N images, with labels.
    indices : int [K], optional
        Which images, in this order, for instance a filtered and sorted choice of a widget; right
        answers may be among them. By default all wrong ones, the most confident first.
    limit : int
        Tiles at most.
    class_names : sequence of str, optional

    Notes
    -----
    With nothing to show the picture is a card that says so.
    """
    images = checks.image_stack(images)
    checks.same_length(len(images), len(predictions.mean))
    labels = checks.labelled(predictions, "The gallery of mistakes")
    members, classes = predictions.num_members, predictions.mean.shape[1]
    names = checks.class_names(classes, class_names)
    if limit < 1:
        raise ValueError(f"At least 1 image must be shown, not {limit}.")
    predicted, correct = predictions.predicted, predictions.correct
    confidence = predictions.mean.max(axis=1)
    wrong = int((~correct).sum())
    chosen_by_caller = indices is not None
    if indices is None:
        indices = np.flatnonzero(~correct)
        indices = indices[np.argsort(-confidence[indices], kind="stable")]
        if len(indices) == 0:
            return message(
                f"No image is misclassified: all {style.plural(len(images), 'answer')} are right."
            )
    indices = np.asarray(indices, dtype=np.int64).reshape(-1)
    if len(indices) == 0:
        return message("No image fits this choice.")
    if indices.min() < 0 or indices.max() >= len(images):
        raise ValueError(
            f"There are {len(images):,} images; an index of {indices.min()} to {indices.max()} "
            "is outside."
        )
    shown = indices[:limit]

    # Geometry in text heights: a cell is an image, three lines of text, a strip of votes.
    look = style.current()
    em, scale = look.em, look.scale
    tile = 6.0
    words = [
        (
            f"true {names[labels[index]]}",
            f"says {names[predicted[index]]}"
            + ("  right" if chosen_by_caller and correct[index] else ""),
            style.percent(confidence[index]),
        )
        for index in shown
    ]
    # the tile, the words beside it, and air before the next one
    needed = tile + 1.4 + max(style.text_width(line) for lines in words for line in lines)
    columns = int(np.clip(8 * scale / em // needed, 1, 4))
    rows = -(-len(shown) // columns)
    votes = members > 1
    short = checks.short_names(names)
    letters = max(map(len, short))
    pitch = 0.602 * (letters + 1)  # advance of DejaVu Sans Mono, one blank between votes
    strip = votes and members * pitch <= 8 * scale / em / columns - 1.5
    cell_width = 8 * scale / em / columns
    cell_height = tile + (1.9 if votes else 0.0) + 1.5
    key = 2.0 if strip else 0.0
    figure = style.canvas(8, (rows * cell_height + 0.6 + key) * em / scale)
    axes = style.bare(figure.add_axes((0, 0, 1, 1)))
    axes.set_autoscale_on(False)

    boxes, fills, boundaries = [], [], []
    for position, index in enumerate(shown):
        x = (position % columns) * cell_width + 0.8
        y = (position // columns) * cell_height + 0.8
        axes.imshow(
            255 - images[index], cmap="gray", vmin=0, vmax=255, extent=(x, x + tile, y + tile, y)
        )
        boundaries.append([(x, y), (x + tile, y), (x + tile, y + tile), (x, y + tile)])
        axes.text(
            x + tile + 0.7, y + tile / 2, "\n".join(words[position]), va="center", linespacing=1.45
        )
        if not votes:
            continue
        said = predictions.member_predicted[index]
        if strip:
            for member, vote in enumerate(said):
                at = x + member * pitch
                low, high = y + tile + 0.45, y + tile + 1.85
                edge = at + pitch - 0.18
                boxes.append([(at, low), (edge, low), (edge, high), (at, high)])
                fills.append(vote_tint(vote, labels[index], predicted[index]))
            text = " ".join(short[vote].ljust(letters) for vote in said)
            axes.text(
                x + 0.301 - 0.09,
                y + tile + 1.15,
                text,
                family="DejaVu Sans Mono",
                va="center_baseline",
            )
        else:
            tally = np.bincount(said, minlength=classes)
            order = [c for c in np.argsort(-tally, kind="stable") if tally[c]][:3]
            text = ", ".join(f"{tally[c]} \N{MULTIPLICATION SIGN} {short[c]}" for c in order)
            axes.text(x, y + tile + 1.15, text, va="center_baseline")
    axes.add_collection(
        PolyCollection(boundaries, facecolors="none", edgecolors=style.FRAME, linewidths=0.8)
    )
    if strip:
        at, low = 0.8, rows * cell_height + 0.6
        for tint, text in (
            (TINT_TRUE, "votes for the true class"),
            (TINT_ANSWER, "for the wrong answer"),
            (TINT_OTHER, "for another class"),
        ):
            boxes.append([(at, low), (at + 1, low), (at + 1, low + 1.2), (at, low + 1.2)])
            fills.append(tint)
            axes.text(at + 1.4, low + 0.6, text, va="center_baseline", color=style.SOFT)
            at += 3.0 + 0.58 * len(text)
    if boxes:
        axes.add_collection(PolyCollection(boxes, facecolors=fills, edgecolors="none", zorder=1.5))
    axes.set(xlim=(0, 8 * scale / em), ylim=(rows * cell_height + 0.6 + key, 0), aspect="auto")

    said = []
    for index in shown:
        sentence = (
            f"{names[labels[index]]} taken for {names[predicted[index]]}"
            if not correct[index]
            else f"{names[labels[index]]} rightly recognised"
        )
        sentence += f" with confidence {style.percent(confidence[index])}"
        if votes:
            with_answer = int((predictions.member_predicted[index] == predicted[index]).sum())
            sentence += f", {with_answer} of {members} members agree"
        said.append(sentence)
    alt = (
        f"Gallery of {style.plural(len(shown), 'image')}; {wrong:,} of {len(images):,} answers "
        f"are wrong ({style.percent(wrong / len(images))}). " + "; ".join(said) + "."
    )
    return Picture(figure, alt)
