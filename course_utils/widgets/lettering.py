"""Text at the speed of a moving hand: pieces that were drawn once are copied.

Matplotlib lays out and draws every letter anew, which is about half of the time of a picture whose
numbers change. The words of a widget are few, and its numbers are made of ten digits.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties
from numpy.typing import NDArray

# Digits one by one, since numbers hardly ever repeat; between them whole stretches, which keep
# their kerning.
PIECES = re.compile(r"\d|\D+")


class Piece(NamedTuple):
    """Some letters, drawn once."""

    ink: NDArray[np.int32]  # [h, w], 0 for none and 255 for full
    right: int  # from the pen to the left edge of the ink, pixels
    up: int  # from the line on which letters stand to the upper edge of the ink, pixels
    advance: float  # of the pen, pixels
    height: float  # of the letters, pixels, of which
    descent: float  # this much lies below the line


class Lettering:
    """An Agg renderer that puts text together from pieces that it has drawn before.

    Text that is turned, clipped, translucent or mathematical is drawn by Agg itself, and so is
    everything else.

    Parameters
    ----------
    renderer : RendererAgg
    """

    def __init__(self, renderer: RendererAgg) -> None:
        self._agg = renderer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._agg, name)

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """As ``matplotlib.backend_bases.RendererBase.draw_text``; y counts from the top."""
        clipped = gc.get_clip_rectangle() is not None or gc.get_clip_path()[0] is not None
        if ismath or angle or clipped or gc.get_alpha() != 1:
            self._agg.draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        pixels = np.asarray(self._agg.buffer_rgba())
        color = np.round(255 * np.array(gc.get_rgb()[:3])).astype(np.int32)
        line = round(y)
        for piece in self._pieces(s, prop):
            _stamp(pixels, piece.ink, line - piece.up, round(x) + piece.right, color)
            x += piece.advance

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any
    ) -> tuple[float, float, float]:
        """As ``matplotlib.backend_bases.RendererBase.get_text_width_height_descent``."""
        if ismath:
            return self._agg.get_text_width_height_descent(s, prop, ismath)
        pieces = self._pieces(s, prop)
        descent = max((piece.descent for piece in pieces), default=0.0)
        above = max((piece.height - piece.descent for piece in pieces), default=0.0)
        return sum(piece.advance for piece in pieces), above + descent, descent

    def _pieces(self, s: str, prop: FontProperties) -> list[Piece]:
        prop = prop.copy()  # a key that nobody changes
        return [_drawn(letters, prop, self._agg.dpi) for letters in PIECES.findall(s)]


@lru_cache(maxsize=4096)
def _drawn(letters: str, prop: FontProperties, dpi: float) -> Piece:
    """Draw some letters on a slip of their own."""
    size = RendererAgg(1, 1, dpi).get_text_width_height_descent

    def advance(text: str) -> float:
        # between letters, because the width of a text alone leaves out blanks at its ends
        return size(f"d{text}d", prop, False)[0] - size("dd", prop, False)[0]

    _, height, descent = size(letters, prop, False)
    # Behind a tall letter, which is cut off: Matplotlib 3.10 rounds the place of each text by its
    # highest letter, and digits would dance around their line.
    tall, blank = advance("d "), advance(" ")
    margin = int(np.ceil(size("|", prop, False)[1]))
    pen = margin + int(np.ceil(tall))
    slip = RendererAgg(pen + int(np.ceil(advance(letters))) + margin, 3 * margin, dpi)
    gc = slip.new_gc()
    gc.set_foreground("black")
    slip.draw_text(gc, pen - tall, 2 * margin, f"d {letters}", prop, 0)
    ink = np.asarray(slip.buffer_rgba())[:, int(pen - blank / 2) :, 3]
    pen -= int(pen - blank / 2)
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    if not rows.size:  # blanks
        return Piece(np.zeros((0, 0), np.int32), 0, 0, advance(letters), height, descent)
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.int32)
    right, up = int(columns[0]) - pen, 2 * margin - int(rows[0])
    return Piece(ink, right, up, advance(letters), height, descent)


def _stamp(
    pixels: NDArray[np.uint8], ink: NDArray[np.int32], top: int, left: int, color: NDArray
) -> None:
    """Put ink of a color on opaque pixels; what lies outside is left out."""
    height, width = ink.shape
    rows = slice(max(top, 0), max(top + height, 0))
    columns = slice(max(left, 0), max(left + width, 0))
    ground = pixels[rows, columns, :3]
    ink = ink[rows.start - top :, columns.start - left :][: ground.shape[0], : ground.shape[1]]
    ground[...] = ground + (color - ground) * ink[:, :, None] // 255
