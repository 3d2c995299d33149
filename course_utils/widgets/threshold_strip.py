"""A strip of digits in order of uncertainty, with the threshold as a gate in the middle.

Drawn with Pillow, which matplotlib brings along: two dozen short texts and images take it three
milliseconds, matplotlib sixty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from course_utils.figures import style

EACH_SIDE = 6
WIDTH, HEIGHT = 1152, 196  # pixels; shown at two thirds, like all figures at 144 dpi
SHOWN_WIDTH = 768  # CSS pixels
_TILE, _PITCH, _TOP = 84, 91, 40
_TEXT = 20  # pixels, 10 pt at 144 dpi


@dataclass(frozen=True, eq=False)
class Item:
    """One image on the strip.

    Attributes
    ----------
    image : uint8 [H, W]
    says : str
        The model's answer.
    truth : str
        What is right, if the answer is wrong; otherwise empty.
    """

    image: np.ndarray
    says: str
    truth: str = ""


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / "DejaVuSans.ttf"), size)


def _fitting(text: str, width: float) -> str:
    font = _font(_TEXT)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def threshold_strip(
    answered: Sequence[Item],
    referred: Sequence[Item],
    *,
    titles: tuple[str, str] = ("answered", "referred to a human"),
) -> tuple[np.ndarray, str]:
    """The items on both sides of the threshold.

    Parameters
    ----------
    answered : sequence of Item
        Certain enough, the one nearest to the threshold last; the last ones are drawn.
    referred : sequence of Item
        Too uncertain, the one nearest to the threshold first; the first ones are drawn.
    titles : (str, str)
        Of the two sides.

    Returns
    -------
    pixels : uint8 [HEIGHT, WIDTH, 3]
    alt : str
    """
    answered, referred = list(answered)[-EACH_SIDE:], list(referred)[:EACH_SIDE]
    page = Image.new("RGB", (WIDTH, HEIGHT), style.CARD)
    draw = ImageDraw.Draw(page)
    middle = WIDTH // 2
    draw.text((middle - 22, 6), f"← {titles[0]}", style.INK, _font(22), anchor="ra")
    draw.text((middle + 22, 6), f"{titles[1]} →", style.INK, _font(22), anchor="la")
    for y in range(6, HEIGHT - 6, 14):
        draw.line([(middle, y), (middle, y + 8)], style.INK, 3)
    start = middle - 16 - _PITCH * len(answered)
    for position, item in enumerate(answered):
        _draw_item(page, draw, start + position * _PITCH, item)
    for position, item in enumerate(referred):
        _draw_item(page, draw, middle + 22 + position * _PITCH, item)
    for items, x in ((answered, middle // 2), (referred, middle + middle // 2)):
        if not items:
            draw.text((x, _TOP + _TILE // 2), "nothing", style.SOFT, _font(_TEXT), anchor="mm")
    alt = (
        f"The threshold as a gate. Just {titles[0]}, nearest first: {_words(answered[::-1])}. "
        f"Just {titles[1]}, nearest first: {_words(referred)}."
    )
    return np.asarray(page), alt


def _draw_item(page: Image.Image, draw: ImageDraw.ImageDraw, x: int, item: Item) -> None:
    image = 255 - np.asarray(item.image)
    scale = max(1, _TILE // max(image.shape))
    image = np.kron(image, np.ones((scale, scale), np.uint8))[:_TILE, :_TILE]
    tile = Image.fromarray(image)
    page.paste(tile, (x + (_TILE - tile.width) // 2, _TOP + (_TILE - tile.height) // 2))
    color, width = (style.WRONG, 4) if item.truth else (style.FRAME, 1)
    frame = (x - 1, _TOP - 1, x + _TILE, _TOP + _TILE)
    draw.rectangle(frame, outline=color, width=width)
    verdict = f"✗ {item.truth}" if item.truth else "✓"
    for line, text, ink in ((0, item.says, style.INK), (1, verdict, color)):
        if not item.truth and line == 1:
            ink = style.SOFT
        if item.truth and line == 1:
            ink = "#A84300"  # vermilion, darkened until text reads well
        draw.text(
            (x + _TILE // 2, _TOP + _TILE + 8 + 27 * line),
            _fitting(text, _PITCH - 4),
            ink,
            _font(_TEXT),
            anchor="ma",
        )


def _words(items: Sequence[Item]) -> str:
    if not items:
        return "nothing"
    return "; ".join(
        item.says + (f", wrong: {item.truth}" if item.truth else ", right") for item in items
    )
