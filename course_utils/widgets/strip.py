"""A row of small images to click on: where one stands in an order, and what comes next."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from .live_picture import encode_png

_HERE = Path(__file__).parent
SCALE = 2  # pixels of the page for one of an image


@dataclass(frozen=True)
class Tile:
    """One image of the row: its number in the order, what it is, and the answer to it."""

    number: int
    truth: str
    answer: str
    right: bool

    def in_words(self) -> str:
        return f"true {self.truth}, says {self.answer}, {'right' if self.right else 'wrong'}"


class Strip(anywidget.AnyWidget):
    """Images side by side, each a button; clicking one, or an arrow key, sets ``value``.

    Attributes
    ----------
    png : bytes
        All images in one row.
    tiles : list of dict
        The fields of each :class:`Tile`.
    value : int
        Number of the chosen one, from 1.
    count : int
        The last number; the row shows some of them only.
    label : str
        Name of the row.
    alt, caption, width
        Of the row as a still picture, where no kernel is alive.
    """

    _esm = (_HERE / "strip.js").read_text(encoding="utf-8")
    _css = (_HERE / "strip.css").read_text(encoding="utf-8")

    png = traitlets.Bytes(b"").tag(sync=True)
    tiles = traitlets.List().tag(sync=True)
    value = traitlets.Int(1).tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)
    label = traitlets.Unicode("").tag(sync=True)
    alt = traitlets.Unicode("").tag(sync=True)
    caption = traitlets.Unicode("").tag(sync=True)
    width = traitlets.Int(0).tag(sync=True)

    def show(
        self, images: np.ndarray, tiles: Sequence[Tile], *, value: int = 1, count: int = 0
    ) -> None:
        """Replace everything in one message.

        Parameters
        ----------
        images : uint8 [K, H, W]
            0 is paper; none leaves the row empty.
        tiles : sequence of Tile, length K
        value, count : int
        """
        row = in_a_row(images)
        with self.hold_sync():
            self.png = encode_png(row) if len(tiles) else b""
            self.width = row.shape[1]
            self.tiles = [asdict(tile) for tile in tiles]
            self.value, self.count = value, count
            words = "; ".join(f"number {tile.number}: {tile.in_words()}" for tile in tiles)
            self.alt = f"{self.label}. {words[:1].upper()}{words[1:]}." if tiles else ""
            below = ",  ".join(
                f"{'✓' if tile.right else '✗'} {tile.answer}"
                + ("" if tile.right else f" (true {tile.truth})")
                for tile in tiles
            )
            self.caption = f"{self.label}: {below}" if tiles else ""

    def still(self) -> str:
        """The row and its words as HTML that needs no kernel."""
        if not self.png:
            return ""
        data = base64.b64encode(self.png).decode("ascii")
        return (
            f'<img src="data:image/png;base64,{data}" alt="{html.escape(self.alt, quote=True)}" '
            f'width="{self.width}" style="max-width:100%;height:auto">'
            f"<p>{html.escape(self.caption)}</p>"
        )


def in_a_row(images: np.ndarray) -> np.ndarray:
    """Dark ink on white squares, side by side, uint8 [S, K * S, 3]."""
    count, height, width = images.shape
    side = max(height, width)
    squares = np.full((count, side, side), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    squares[:, top : top + height, left : left + width] = 255 - images
    row = squares.transpose(1, 0, 2).reshape(side, count * side)
    row = row.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    return np.broadcast_to(row[:, :, None], (*row.shape, 3))
