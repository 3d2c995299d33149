"""What an ensemble says about one image, as a card that is drawn in a few milliseconds.

The same things as ``figures.disagreement_sheet``, which needs sixty milliseconds: too long while a
pen moves. What does not change from image to image is drawn once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from PIL import Image, ImageDraw

from course_utils.figures import style
from course_utils.figures.disagreement import EXPECTED, MUTUAL, entropy_split

from .belt import _fitting, _font

WIDTH = 816  # pixels; shown at two thirds, like all figures at 144 dpi
SHOWN_WIDTH = 544  # CSS pixels
_TEXT = 20  # pixels, 10 pt at 144 dpi
_TILE = 196  # the image, seven pixels for each of its own
_TOP = 40  # below the titles of the upper half
_BAR = (492, 64, 300, 30)  # x, y, width, height of the entropy's bar
_MAP = (132, 286)  # x, y of the members' map
_MAP_WIDTH = WIDTH - _MAP[0] - 24
_ROOM = 256  # height of the members' rows together
_MEAN = 34  # height of the mean's row
_RAMP = style.PROBABILITY(np.linspace(0, 1, 256))
_COLORS, _INKS = (255 * _RAMP[:, :3]).round().astype(np.uint8), style.ink_on(_RAMP)


def blank_card(
    image: np.ndarray | None, members: int, class_names: Sequence[str]
) -> tuple[np.ndarray, str]:
    """The card before there is an answer.

    Parameters
    ----------
    image : uint8 [28, 28], optional
        What the networks would see.
    members : int
        How many will answer.
    class_names : sequence of str

    Returns
    -------
    pixels : uint8 [H, 816, 3]
    alt : str
    """
    page = _scenery(members, tuple(class_names)).copy()
    _draw_tile(page, image)
    return np.asarray(page), "An empty card: no answer yet."


def answer_card(
    image: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]
) -> tuple[np.ndarray, str]:
    """Image, answer, the members' votes, and the entropy split in two.

    Parameters
    ----------
    image : uint8 [28, 28]
        What the networks see.
    probabilities : float [M, C]
        Of each member.
    class_names : sequence of str [C]

    Returns
    -------
    pixels : uint8 [H, 816, 3]
    alt : str
        The card in words and numbers.
    """
    names = tuple(class_names)
    members, classes = probabilities.shape
    page = _scenery(members, names).copy()
    draw = ImageDraw.Draw(page)
    _draw_tile(page, image)
    mean = probabilities.mean(axis=0)
    answer = int(mean.argmax())

    x = 30 + _TILE + (_BAR[0] - 60 - 30 - _TILE) // 2
    size = 110 if len(names[answer]) <= 2 else 34
    draw.text((x, 132), names[answer], style.INK, _font(size), anchor="mm")
    draw.text((x, 218), _percent(mean[answer]), style.INK, _font(26), anchor="mm")

    _draw_split(draw, probabilities)

    left, top, cell, row = _grid(members, classes)
    votes = probabilities.argmax(axis=1)
    shades = np.rint(255 * np.vstack([probabilities, mean])).astype(int)
    _paste_map(page, _COLORS[shades], members)
    for member, vote in enumerate(votes):
        across, down = left + (vote + 0.5) * cell, top + (member + 0.5) * row
        dot = _dot(round(max(3.0, min(13.0, 0.6 * row, 0.6 * cell))))
        corner = (round(across - dot.width / 2), round(down - dot.height / 2))
        page.paste(_INKS[shades[member, vote]], corner, dot)
    below = top + _rows_height(members) + 12 + _MEAN // 2
    for column in range(classes):
        share = f"{100 * mean[column]:.0f}"
        if mean[column] >= 0.005 and _font(_TEXT).getlength(share) < cell - 2:
            where = (left + (column + 0.5) * cell, below)
            draw.text(where, share, _INKS[shades[-1, column]], _font(_TEXT), anchor="mm")
    return np.asarray(page), describe(probabilities, names)


def describe(probabilities: np.ndarray, class_names: Sequence[str]) -> str:
    """What members say about one image, in words and numbers."""
    members, classes = probabilities.shape
    mean = probabilities.mean(axis=0)
    answer = int(mean.argmax())
    counts = np.bincount(probabilities.argmax(axis=1), minlength=classes)
    ranked = [c for c in np.argsort(-counts, kind="stable") if counts[c]]
    who = "The ensemble" if members > 1 else "The network"
    words = f"{who} says {class_names[answer]} with {_percent(mean[answer])}."
    if members > 1:
        if len(ranked) == 1:
            words += f" All {members} members say {class_names[ranked[0]]}."
        else:
            votes = [
                f"{counts[c]} {'says' if counts[c] == 1 else 'say'} {class_names[c]}"
                for c in ranked
            ]
            words += f" Of its {members} members {style.listing(votes)}."
    total, expected, mutual = entropy_split(probabilities)
    return words + (
        f"\nEntropy {total:.2f} nats = expected entropy {expected:.2f} + mutual information "
        f"{mutual:.2f}; the most possible is {np.log(classes):.2f}."
    )


# --- parts --------------------------------------------------------------------------------------
def _row_height(members: int) -> float:
    return min(32.0, _ROOM / members)


def _rows_height(members: int) -> int:
    return round(members * _row_height(members))


def _grid(members: int, classes: int) -> tuple[int, int, float, float]:
    """Left, top, width of a class's column and height of a member's row."""
    return (*_MAP, _MAP_WIDTH / classes, _row_height(members))


def _percent(share: float) -> str:
    """One digit after the point is all one can follow; what is not certain is never called so."""
    return f"{100 * share:.1f} %" if share < 0.9995 or share == 1 else "> 99.9 %"


@cache
def _dot(diameter: int) -> Image.Image:
    """A smooth disc: Pillow draws only jagged ones."""
    large = Image.new("L", (8 * diameter, 8 * diameter))
    ImageDraw.Draw(large).ellipse((0, 0, large.width - 1, large.height - 1), fill=255)
    return large.resize((diameter, diameter), Image.Resampling.BOX)


def _draw_tile(page: Image.Image, image: np.ndarray | None) -> None:
    if image is not None:
        tile = Image.fromarray(255 - image).resize((_TILE, _TILE), Image.Resampling.NEAREST)
        page.paste(tile, (25, _TOP + 1))


def _paste_map(page: Image.Image, blocks: np.ndarray, members: int) -> None:
    """Colour the cells; the lines between them are those of the scenery."""
    size = (_MAP_WIDTH, _rows_height(members))
    for part, height, y in ((blocks[:-1], size[1], 0), (blocks[-1:], _MEAN, size[1] + 12)):
        cells = Image.fromarray(part).resize((size[0], height), Image.Resampling.NEAREST)
        page.paste(cells, (_MAP[0], _MAP[1] + y))


def _draw_split(draw: ImageDraw.ImageDraw, probabilities: np.ndarray) -> None:
    """A bar from 0 to the highest entropy, filled by its two parts."""
    total, expected, mutual = entropy_split(probabilities)
    x, y, width, height = _BAR
    unit = width / max(np.log(probabilities.shape[1]), 1e-9)
    middle, end = x + unit * expected, x + unit * min(expected + mutual, width / unit)
    if middle >= x + 1:
        draw.rectangle((x, y, middle - 1, y + height), fill=EXPECTED)
    if end >= middle + 1:
        draw.rectangle((middle, y, end - 1, y + height), fill=MUTUAL)
        for start in np.arange(middle + 6, end + height, 10):  # hatched: not by colour alone
            upper, lower = min(start, end - 1), max(start - height, middle)
            line = [(upper, y + start - upper), (lower, y + start - lower)]
            draw.line(line, fill=style.CARD, width=1)
    for line, value in ((0, expected), (1, mutual)):
        at = (x + width, y + height + 52 + 34 * line)
        draw.text(at, f"{value:.2f}", style.INK, _font(_TEXT), anchor="rm")
    at = (x + width, y - 14)
    draw.text(at, f"{total:.2f}", style.INK, _font(22), anchor="rs")


@lru_cache(maxsize=8)
def _scenery(members: int, names: tuple[str, ...]) -> Image.Image:
    """Everything that stays while the image changes."""
    classes = len(names)
    left, top, cell, row = _grid(members, classes)
    rows = _rows_height(members)
    bottom = top + rows + 12 + _MEAN
    slanted = max(_font(_TEXT).getlength(name) for name in names) > cell - 6
    height = bottom + (34 if not slanted else 108)
    page = Image.new("RGB", (WIDTH, height), style.CARD)
    draw = ImageDraw.Draw(page)
    text = _font(_TEXT)

    title = "the networks see" if members > 1 else "the network sees"
    draw.text((24, 26), title, style.INK, text, anchor="ls")
    draw.rectangle((24, _TOP, 25 + _TILE, _TOP + 1 + _TILE), outline=style.FRAME)

    x, y, width, tall = _BAR
    draw.text(
        (x, y - 14),
        "entropy (nats)",
        style.INK,
        _font(22),
        anchor="ls",
    )
    draw.rectangle((x - 1, y - 1, x + width, y + tall + 1), outline=style.FRAME)
    most = float(np.log(max(classes, 1)))
    for share, anchor in ((0.0, "lt"), (1.0, "rt")):
        at = (x + share * width, y + tall + 8)
        draw.text(at, f"{share * most:.2f}" if share else "0", style.SOFT, text, anchor=anchor)
    for line, (name, color) in enumerate(
        (("expected entropy", EXPECTED), ("mutual information", MUTUAL))
    ):
        down = y + tall + 52 + 34 * line
        draw.rectangle((x, down - 9, x + 18, down + 9), fill=color)
        if line:
            for start in (6, 16, 26):
                ends = [(x + min(start, 18), down - 9 + max(0, start - 18))]
                ends.append((x + max(0, start - 18), down - 9 + min(start, 18)))
                draw.line(ends, fill=style.CARD, width=1)
        draw.text((x + 28, down), name, style.INK, text, anchor="lm")

    who = "each member's probability of each class; ● its vote"
    if members == 1:
        who = "the network's probability of each class; ● its vote"
    draw.text((left, top - 14), who, style.INK, text, anchor="ls")
    frame = (left - 1, top - 1, left + _MAP_WIDTH, top + rows)
    draw.rectangle(frame, outline=style.FRAME)
    draw.rectangle((left - 1, bottom - _MEAN - 1, left + _MAP_WIDTH, bottom), outline=style.FRAME)
    step = max(1, int(np.ceil(24 / row)))
    for member in range(0, members, step):
        name = f"member {member + 1}" if members > 1 else "network"
        at = (left - 10, top + (member + 0.5) * row)
        draw.text(at, name, style.INK, text, anchor="rm")
    draw.text((left - 10, bottom - _MEAN // 2), "mean, %", style.INK, text, anchor="rm")
    step = 1 if not slanted else max(1, int(np.ceil(26 / cell)))
    for column in range(0, classes, step):
        across = left + (column + 0.5) * cell
        if slanted:
            _slanted(page, _fitting(names[column], 130), round(across), bottom + 8)
        else:
            draw.text((across, bottom + 8), names[column], style.INK, text, anchor="mt")
    return page


def _slanted(page: Image.Image, name: str, x: int, y: int) -> None:
    """A long name below a narrow column, its end at the column."""
    font = _font(_TEXT)
    word = Image.new("L", (round(font.getlength(name)) + 2, 26), 0)
    ImageDraw.Draw(word).text((word.width - 1, 13), name, 255, font, anchor="rm")
    word = word.rotate(40, Image.Resampling.BICUBIC, expand=True)
    page.paste(style.INK, (x - word.width + 12, y), word)
