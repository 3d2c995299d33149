"""Bring a drawing into the form in which MNIST's digits are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["BOX", "SIDE", "as_mnist", "shrunk"]

SIDE = 28  # of an image, pixels
BOX = 20  # the ink of every MNIST digit fits exactly into a square of this side
# Measured on MNIST: the centre of mass of its digits lies between 13.5 and 14.5, counted from 0 in
# steps of a pixel. They were moved by whole pixels, towards 14.
CENTRE = 14


def as_mnist(drawing: ArrayLike) -> NDArray[np.uint8]:
    """Scale and centre a drawing the way MNIST's digits were.

    Its ink is scaled to fit into a box of 20 by 20 pixels, with its aspect ratio kept and with grey
    levels where edges fall between pixels; the box is then moved by whole pixels in an image of 28
    by 28 until the centre of mass of the ink is in the middle (LeCun, Bottou, Bengio and Haffner
    1998, *Gradient-based learning applied to document recognition*, section III.A). A digit of
    MNIST comes back as it was.

    Parameters
    ----------
    drawing : uint8 [H, W]
        0 is paper, 255 is full ink.

    Returns
    -------
    uint8 [28, 28]
        Without ink, all 0. The width of the pen is not changed on its own: a single dot fills the
        whole box. The box never leaves the image, even if all its ink is in one corner.

    Raises
    ------
    ValueError
        If the drawing is not uint8 [H, W].
    """
    drawing = _checked(drawing)
    image = np.zeros((SIDE, SIDE), np.uint8)
    rows, columns = np.flatnonzero(drawing.any(1)), np.flatnonzero(drawing.any(0))
    if not len(rows):
        return image
    ink = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(ink.shape)
    height, width = (max(1, round(scale * length)) for length in ink.shape)
    ink = _resized(ink, height, width)
    weights = ink / max(1.0, float(ink.sum(dtype=np.float64)))  # ink too pale for any grey: all 0
    top = _start(weights.sum(1))
    left = _start(weights.sum(0))
    image[top : top + height, left : left + width] = ink
    return image


def shrunk(drawing: ArrayLike) -> NDArray[np.uint8]:
    """A whole drawing, paper and all, as 28 by 28 pixels: where and how large the ink is stays.

    Parameters
    ----------
    drawing : uint8 [H, W]

    Returns
    -------
    uint8 [28, 28]

    Raises
    ------
    ValueError
        If the drawing is not uint8 [H, W].
    """
    return _resized(_checked(drawing), SIDE, SIDE)


def _checked(drawing: ArrayLike) -> NDArray[np.uint8]:
    drawing = np.asarray(drawing)
    if drawing.ndim != 2 or drawing.dtype != np.uint8 or 0 in drawing.shape:
        raise ValueError(
            "A drawing must be uint8 grey values of the shape [height, width], not "
            f"{drawing.dtype} {list(drawing.shape)}."
        )
    return drawing


def _start(shares: NDArray[np.float64]) -> int:
    """Where a side of the box begins, so that the centre of mass comes to the middle."""
    mean = float(shares @ np.arange(len(shares)))
    return int(np.clip(round(CENTRE - mean), 0, SIDE - len(shares)))


def _resized(ink: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    if ink.shape == (height, width):
        return ink
    from PIL import Image  # here, because only drawings need it

    # Area means where many pixels become one; straight lines between pixels where one becomes many.
    finer = height > ink.shape[0] or width > ink.shape[1]
    kind = Image.Resampling.BILINEAR if finer else Image.Resampling.BOX
    return np.asarray(Image.fromarray(ink).resize((width, height), kind))
