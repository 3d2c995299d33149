"""Several models on the same image: what each says, how sure it is, and how its members vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from . import checks, style
from .disagreement import EXPECTED, MUTUAL, _map_of_members, entropy_split
from .images import TINT_ANSWER, TINT_OTHER, TINT_TRUE, _vote_color
from .picture import Picture

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
    figure: Figure | None = None,
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
    figure : Figure, optional
        Drawn into instead of a new one.

    Notes
    -----
    The confidence is the largest probability of the mean over members. Its entropy is the expected
    entropy of the members plus the mutual information; Depeweg et al. 2018, arXiv:1710.07283.
    """
    image = checks.one_image(image)
    checks.named(probabilities, "The comparison")
    members = {name: _map_of_members(one) for name, one in probabilities.items()}
    classes = max(one.shape[1] for one in members.values())
    names = checks.class_names(classes, class_names)
    if not 0 <= label < min(one.shape[1] for one in members.values()):
        raise ValueError(f"The label {label} is none of the {classes} classes.")
    if chosen is not None and chosen not in members:
        raise ValueError(f"There is no model {chosen!r}; there are {', '.join(members)}.")
    opinions = [_Opinion.of(name, one, int(label)) for name, one in members.items()]
    has_members = any(len(opinion.votes) > 1 for opinion in opinions)

    look = style.current()
    wide = 8 * look.scale / look.em
    side = 11.0 if wide > 55 else 9.0
    body = max(ROW * len(opinions), side)
    tall = HEAD + body + 0.8 + (KEY if has_members else 0.0)
    figure = style.canvas(8, tall * look.em / look.scale, figure)
    axes = style.bare(figure.add_axes((0, 0, 1, 1)))
    axes.set_autoscale_on(False)
    axes.set(xlim=(0, wide), ylim=(tall, 0), aspect="auto")

    axes.imshow(
        255 - image,
        cmap="gray",
        vmin=0,
        vmax=255,
        extent=(0.8, 0.8 + side, HEAD + side, HEAD),
        aspect="auto",
    )
    axes.add_patch(Rectangle((0.8, HEAD), side, side, fill=False, edgecolor=style.FRAME, lw=0.8))
    title = _fitting(f"true: {names[label]}", side)
    axes.text(0.8, HEAD - 1.0, title, fontsize=look.title, va="center_baseline")

    # columns: name and answer, confidence, entropy, votes
    start = 0.8 + side + GAP
    free = wide - start - 3 * GAP - 0.4 - VOTES
    widths = (0.33 * free, 0.21 * free, 0.46 * free)
    named, sure = start, start + widths[0] + GAP
    doubt = sure + widths[1] + GAP
    voting = doubt + widths[2] + GAP
    axes.text(sure, HEAD - 1.0, "confidence", va="center_baseline", color=style.SOFT)
    for line, color, hatch, words in (
        (-2.4, EXPECTED, None, "expected entropy"),
        (-1.0, MUTUAL, "///", "mutual information"),
    ):
        _swatch(axes, doubt, HEAD + line, color, hatch)
        axes.text(doubt + 1.5, HEAD + line, words, va="center_baseline", color=style.SOFT)
    if has_members:
        axes.text(voting, HEAD - 1.0, "members' votes", va="center_baseline", color=style.SOFT)

    boxes: list[list[tuple[float, float]]] = []
    fills: list[str] = []
    for position, opinion in enumerate(opinions):
        top = HEAD + ROW * position
        if opinion.name == chosen:
            low, high = top + 0.05, top + ROW - 0.35
            axes.add_patch(
                Rectangle(
                    (named - 0.7, low),
                    wide - named + 0.4,
                    high - low,
                    fill=False,
                    edgecolor=style.FRAME,
                    lw=0.8,
                )
            )
            axes.add_patch(Rectangle((named - 0.7, low), 0.25, high - low, color=style.INK, lw=0))
        first, second = top + 1.0, top + 2.5
        axes.text(named, first, _fitting(opinion.name, widths[0]), va="center_baseline")
        axes.text(
            named,
            second,
            ("✓ " if opinion.right else "✗ ") + _fitting(names[opinion.answer], widths[0] - 1.5),
            va="center_baseline",
            color=style.BLUE if opinion.right else "#A84300",  # vermilion that reads well as text
        )
        _bar(axes, sure, first, widths[1], [(opinion.confidence, style.SOFT, None)])
        axes.text(sure, second, style.percent(opinion.confidence), va="center_baseline")
        ceiling = float(np.log(members[opinion.name].shape[1]))
        parts = [(opinion.expected / ceiling, EXPECTED, None)]
        words = f"{opinion.entropy:.2f} nats"
        if len(opinion.votes) > 1:
            parts.append((opinion.mutual / ceiling, MUTUAL, "///"))
            words = f"{opinion.expected:.2f} + {opinion.mutual:.2f} = {words}"
        _bar(axes, doubt, first, widths[2], parts)
        axes.text(doubt, second, words, va="center_baseline")
        if len(opinion.votes) > 1:
            _draw_votes(axes, voting, first, second, opinion, names, label, boxes, fills)
    if has_members:
        _draw_key(axes, start, tall - 0.5 * KEY - 0.2, boxes, fills)
    axes.add_collection(PolyCollection(boxes, facecolors=fills, edgecolors="none", zorder=1.5))

    alt = (
        f"Comparison of {style.plural(len(opinions), 'model')} on one image of class "
        f"{names[label]}. " + ". ".join(opinion.in_words(names) for opinion in opinions) + "."
    )
    return Picture(figure, alt)


def _tally(votes: Sequence[int]) -> list[tuple[int, int]]:
    """Votes counted by class, most first."""
    classes, counts = np.unique(np.asarray(votes), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [(int(classes[k]), int(counts[k])) for k in order]


def _fitting(text: str, width: float) -> str:
    """Cut a text that is wider than so many text heights."""
    most = max(3, int(width / LETTER))
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _swatch(axes: Axes, x: float, y: float, color: str, hatch: str | None) -> None:
    axes.add_patch(
        Rectangle((x, y - 0.55), 1.1, 1.1, facecolor=color, hatch=hatch, edgecolor="white", lw=0)
    )


def _bar(
    axes: Axes,
    x: float,
    y: float,
    width: float,
    parts: Sequence[tuple[float, str, str | None]],
) -> None:
    """Shares of the whole width, end to end, on a pale ground."""
    axes.add_patch(Rectangle((x, y - 0.6), width, 1.2, facecolor=TINT_OTHER, lw=0))
    at = x
    for share, color, hatch in parts:
        length = min(share, 1.0) * width
        axes.add_patch(
            Rectangle(
                (at, y - 0.6), length, 1.2, facecolor=color, hatch=hatch, edgecolor="white", lw=0
            )
        )
        at += length


def _draw_votes(
    axes: Axes,
    x: float,
    first: float,
    second: float,
    opinion: _Opinion,
    names: Sequence[str],
    label: int,
    boxes: list[list[tuple[float, float]]],
    fills: list[str],
) -> None:
    """Every vote on its tint, on at most two lines; of more members only the counts."""
    short = checks.short_names(names)
    letters = max(map(len, short))
    pitch = 0.602 * (letters + 1)  # advance of DejaVu Sans Mono, one blank between votes
    per_line = int((VOTES + 0.1) // pitch)
    if len(opinion.votes) > 2 * per_line:
        counted = [
            f"{count} \N{MULTIPLICATION SIGN} {short[vote]}"
            for vote, count in _tally(opinion.votes)
        ]
        for y, start in ((first, 0), (second, 2)):
            words = ", ".join(counted[start : start + 2])
            more = start == 2 and len(counted) > 4
            axes.text(x, y, words + ("…" if more else ""), va="center_baseline")
        return
    for line, y in enumerate((first, second)):
        said = opinion.votes[line * per_line : (line + 1) * per_line]
        for position, vote in enumerate(said):
            low, high = x + position * pitch, x + (position + 1) * pitch - 0.18
            boxes.append([(low, y - 0.7), (high, y - 0.7), (high, y + 0.7), (low, y + 0.7)])
            fills.append(_vote_color(vote, label, opinion.answer))
        if said:
            axes.text(
                x + 0.301 - 0.09,
                y,
                " ".join(short[vote].ljust(letters) for vote in said),
                family="DejaVu Sans Mono",
                va="center_baseline",
            )


def _draw_key(
    axes: Axes,
    x: float,
    y: float,
    boxes: list[list[tuple[float, float]]],
    fills: list[str],
) -> None:
    for tint, words in (
        (TINT_TRUE, "vote for the true class"),
        (TINT_ANSWER, "for the wrong answer"),
        (TINT_OTHER, "for another class"),
    ):
        boxes.append([(x, y - 0.6), (x + 1, y - 0.6), (x + 1, y + 0.6), (x, y + 0.6)])
        fills.append(tint)
        axes.text(x + 1.4, y, words, va="center_baseline", color=style.SOFT)
        x += 2.6 + 0.56 * len(words)
