"""Several models on the same image: what each says, how sure it is, and how its members vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle

from course_utils._support import validation as checks
from course_utils.metrics.scores import entropy_split

from . import style
from .picture import Picture
from .votes import TINT_ANSWER, TINT_OTHER, TINT_TRUE, vote_tint

ROW = 3.8  # heights and widths in this module are in text heights
HEAD, KEY, GAP = 3.5, 2.2, 1.4
VOTES = 9.7  # eight one-letter votes side by side
LETTER = 0.6  # mean advance of DejaVu Sans, rounded up


@dataclass(frozen=True)
class _Opinion:
    """One row of the card."""

    name: str
    answer: int
    right: bool
    confidence: float
    entropy: float
    expected: float
    mutual: float
    votes: tuple[int, ...]

    @classmethod
    def of(cls, name: str, probabilities: np.ndarray, label: int) -> _Opinion:
        mean = probabilities.mean(axis=0)
        answer = int(mean.argmax())
        votes = tuple(int(vote) for vote in probabilities.argmax(axis=1))
        split = entropy_split(probabilities)
        return cls(name, answer, answer == label, float(mean[answer]), *split, votes)

    def in_words(self, names: Sequence[str]) -> str:
        words = (
            f"{self.name} says {names[self.answer]}, {'right' if self.right else 'wrong'}, with "
            f"confidence {style.percent(self.confidence)} and entropy {self.entropy:.2f} nats"
        )
        if len(self.votes) == 1:
            return words
        tally = [f"{count:,} for {names[vote]}" for vote, count in _tally(self.votes)]
        return (
            f"{words} = expected entropy {self.expected:.2f} + mutual information "
            f"{self.mutual:.2f}; votes: {style.listing(tally)}"
        )


@style.drawn
def model_comparison(
    image: np.ndarray,
    probabilities: Mapping[str, np.ndarray],
    label: int,
    *,
    chosen: str | None = None,
    class_names: Sequence[str] | None = None,
) -> Picture:
    """One image and a row per model: answer, confidence, entropy and its split, members' votes.

    Parameters
    ----------
    image : uint8 [H, W]
    probabilities : mapping of name to float [M, C]
        Of each model's members, such as ``predictions.probabilities[i]``; M = 1 for a single one.
    label : int
        True class.
    chosen : str, optional
        Model whose row is framed.
    class_names : sequence of str, optional
        Numbers unless given.

    Notes
    -----
    The confidence is the largest probability of the mean over members. Its entropy is the expected
    entropy of the members plus the mutual information; Depeweg et al. 2018, arXiv:1710.07283.
    """
    image = checks.one_image(image)
    checks.named(probabilities, "The comparison")
    members = {name: checks.member_probabilities(one) for name, one in probabilities.items()}
    classes = max(one.shape[1] for one in members.values())
    names = checks.class_names(classes, class_names)
    if not 0 <= label < min(one.shape[1] for one in members.values()):
        raise ValueError(f"The label {label} is none of the {classes} classes.")
    if chosen is not None and chosen not in members:
        raise ValueError(f"There is no model {chosen!r}; there are {', '.join(members)}.")
    sizes = {name: len(one) for name, one in members.items()}
    has_members = max(sizes.values()) > 1

    look = style.current()
    lay = _layout(look)
    body = max(ROW * len(sizes), lay.side)
    tall = HEAD + body + 0.8 + (KEY if has_members else 0.0)
    figure = style.canvas(8, tall * look.em / look.scale)
    axes = style.bare(figure.add_axes((0, 0, 1, 1)))
    axes.set_autoscale_on(False)
    axes.set(xlim=(0, lay.wide), ylim=(tall, 0), aspect="auto")
    _draw_heads(axes, lay, has_members, tall)
    parts = _empty_parts(axes, lay, image.shape, sizes, chosen, names)
    return Picture(figure, _fill_in(parts, lay, image, members, int(label), names), parts)


def _fill_in(
    parts: Mapping[str, Any],
    lay: _Layout,
    image: np.ndarray,
    probabilities: Mapping[str, np.ndarray],
    label: int,
    names: Sequence[str],
) -> str:
    """Write one image and all answers into the empty parts; returns the alt text."""
    opinions = [_Opinion.of(name, one, label) for name, one in probabilities.items()]
    parts["image"].set_data(255 - image)
    parts["title"].set_text(_fitting(f"true: {names[label]}", lay.side))
    fills: list[str] = []
    for k, opinion in enumerate(opinions):
        mark = "✓ " if opinion.right else "✗ "
        parts[f"answer {k}"].set(
            text=mark + _fitting(names[opinion.answer], lay.widths[0] - 1.5),
            color=style.BLUE if opinion.right else "#A84300",  # vermilion that reads well as text
        )
        parts[f"confidence {k}"].set_text(style.percent(opinion.confidence))
        parts[f"confidence bar {k}"].set_width(opinion.confidence * lay.widths[1])
        unit = lay.widths[2] / float(np.log(probabilities[opinion.name].shape[1]))
        parts[f"expected {k}"].set_width(opinion.expected * unit)
        words = f"{opinion.entropy:.2f} nats"
        if len(opinion.votes) > 1:
            words = f"{opinion.expected:.2f} + {opinion.mutual:.2f} = {words}"
            parts[f"mutual {k}"].set(
                x=lay.doubt + opinion.expected * unit, width=opinion.mutual * unit
            )
            lines = _vote_lines(opinion.votes, names)
            for line, said in enumerate(lines or _counted(opinion.votes, names)):
                parts[f"votes {k} {line}"].set_text(said)
            if lines:
                fills += [vote_tint(vote, label, opinion.answer) for vote in opinion.votes]
        parts[f"entropy {k}"].set_text(words)
    parts["vote tints"].set_facecolors(fills)
    return (
        f"Comparison of {style.plural(len(opinions), 'model')} on one image of class "
        f"{names[label]}. " + ". ".join(opinion.in_words(names) for opinion in opinions) + "."
    )


@dataclass(frozen=True)
class _Layout:
    """Left ends and widths of the columns in text heights."""

    wide: float
    side: float
    named: float
    sure: float
    doubt: float
    voting: float
    widths: tuple[float, float, float]


def _layout(look: style.Style) -> _Layout:
    wide = 8 * look.scale / look.em
    side = 11.0 if wide > 55 else 9.0
    named = 0.8 + side + GAP
    free = wide - named - 3 * GAP - 0.4 - VOTES
    widths = (0.33 * free, 0.21 * free, 0.46 * free)
    sure = named + widths[0] + GAP
    doubt = sure + widths[1] + GAP
    return _Layout(wide, side, named, sure, doubt, doubt + widths[2] + GAP, widths)


def _draw_heads(axes: Axes, lay: _Layout, has_members: bool, tall: float) -> None:
    """Titles of the columns, and the key of the votes below."""
    soft: dict[str, Any] = {"va": "center_baseline", "color": style.SOFT}
    axes.text(lay.sure, HEAD - 1.0, "confidence", **soft)
    for line, color, hatch, words in (
        (-2.4, style.EXPECTED, None, "expected entropy"),
        (-1.0, style.MUTUAL, "///", "mutual information"),
    ):
        _box(axes, lay.doubt, HEAD + line, 1.1, color, hatch)
        axes.text(lay.doubt + 1.5, HEAD + line, words, **soft)
    if not has_members:
        return
    axes.text(lay.voting, HEAD - 1.0, "members' votes", **soft)
    x, y = lay.named, tall - 0.5 * KEY - 0.2
    for tint, words in (
        (TINT_TRUE, "vote for the true class"),
        (TINT_ANSWER, "for the wrong answer"),
        (TINT_OTHER, "for another class"),
    ):
        _box(axes, x, y, 1.0, tint)
        axes.text(x + 1.4, y, words, **soft)
        x += 2.6 + 0.56 * len(words)


def _empty_parts(
    axes: Axes,
    lay: _Layout,
    shape: tuple[int, int],
    sizes: Mapping[str, int],
    chosen: str | None,
    names: Sequence[str],
) -> dict[str, Any]:
    """Places for everything that depends on the image, still empty."""
    side = lay.side
    parts: dict[str, Any] = {}
    parts["image"] = axes.imshow(
        np.zeros(shape, np.uint8),
        cmap="gray",
        vmin=0,
        vmax=255,
        extent=(0.8, 0.8 + side, HEAD + side, HEAD),
        aspect="auto",
    )
    # drawn after the image on whose edge it lies
    parts["frame"] = axes.add_patch(
        Rectangle((0.8, HEAD), side, side, fill=False, edgecolor=style.FRAME, lw=0.8)
    )
    title_size = style.current().title
    parts["title"] = axes.text(0.8, HEAD - 1.0, "", fontsize=title_size, va="center_baseline")
    boxes: list[list[tuple[float, float]]] = []
    for k, (name, size) in enumerate(sizes.items()):
        top = HEAD + ROW * k
        if name == chosen:
            low, high = top + 0.05, top + ROW - 0.35
            x, width = lay.named - 0.7, lay.wide - lay.named + 0.4
            for wide, look in ((width, {"fill": False, "lw": 0.8}), (0.25, {"lw": 0})):
                color = style.INK if look["lw"] == 0 else style.FRAME
                axes.add_patch(Rectangle((x, low), wide, high - low, color=color, **look))
        first, second = top + 1.0, top + 2.5
        axes.text(lay.named, first, _fitting(name, lay.widths[0]), va="center_baseline")
        _box(axes, lay.sure, first, lay.widths[1], TINT_OTHER)
        _box(axes, lay.doubt, first, lay.widths[2], TINT_OTHER)
        parts[f"confidence bar {k}"] = _box(axes, lay.sure, first, 0, style.SOFT)
        parts[f"expected {k}"] = _box(axes, lay.doubt, first, 0, style.EXPECTED)
        for what, x in (("answer", lay.named), ("confidence", lay.sure), ("entropy", lay.doubt)):
            parts[f"{what} {k}"] = axes.text(x, second, "", va="center_baseline")
        if size == 1:
            continue
        parts[f"mutual {k}"] = _box(axes, lay.doubt, first, 0, style.MUTUAL, "///")
        pitch, per_line = _pitch(names)
        as_tiles = size <= 2 * per_line
        for line, y in enumerate((first, second)):
            count = min(max(size - line * per_line, 0), per_line) if as_tiles else 0
            for position in range(count):
                low, high = lay.voting + position * pitch, lay.voting + (position + 1) * pitch
                high -= 0.18
                boxes.append([(low, y - 0.7), (high, y - 0.7), (high, y + 0.7), (low, y + 0.7)])
            parts[f"votes {k} {line}"] = axes.text(
                lay.voting + (0.301 - 0.09 if as_tiles else 0.0),
                y,
                "",
                family="DejaVu Sans Mono" if as_tiles else "DejaVu Sans",
                va="center_baseline",
            )
    tints = PolyCollection(boxes, facecolors="none", edgecolors="none", zorder=1.5)
    parts["vote tints"] = axes.add_collection(tints)
    return parts


def _tally(votes: Sequence[int]) -> list[tuple[int, int]]:
    """Votes counted by class, most first."""
    classes, counts = np.unique(np.asarray(votes), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [(int(classes[k]), int(counts[k])) for k in order]


def _fitting(text: str, width: float) -> str:
    """Cut a text that is wider than so many text heights."""
    most = max(3, int(width / LETTER))
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _box(
    axes: Axes, x: float, y: float, width: float, color: str, hatch: str | None = None
) -> Rectangle:
    """A bar that begins at x and whose middle line is y."""
    bar = Rectangle((x, y - 0.6), width, 1.2, facecolor=color, hatch=hatch, edgecolor="white", lw=0)
    axes.add_patch(bar)
    return bar


def _pitch(names: Sequence[str]) -> tuple[float, int]:
    """Width of a vote, and how many have room on a line."""
    letters = max(map(len, checks.short_names(names)))
    pitch = 0.602 * (letters + 1)  # advance of DejaVu Sans Mono, one blank between votes
    return pitch, int((VOTES + 0.1) // pitch)


def _vote_lines(votes: Sequence[int], names: Sequence[str]) -> list[str]:
    """Every vote, on two lines; nothing where there is no room for so many."""
    short = checks.short_names(names)
    letters = max(map(len, short))
    per_line = _pitch(names)[1]
    if len(votes) > 2 * per_line:
        return []
    said = [short[vote].ljust(letters) for vote in votes]
    return [" ".join(said[:per_line]), " ".join(said[per_line:])]


def _counted(votes: Sequence[int], names: Sequence[str]) -> list[str]:
    """How many vote for what, on two lines, the most frequent four."""
    short = checks.short_names(names)
    counted = [f"{count} \N{MULTIPLICATION SIGN} {short[vote]}" for vote, count in _tally(votes)]
    more = "…" if len(counted) > 4 else ""
    return [", ".join(counted[:2]), ", ".join(counted[2:4]) + more]
