"""Text put together from pieces looks like Matplotlib's own."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from widget_helpers import apart

from course_utils.widgets.lettering import Lettering

TEXTS = (
    "says 8 (68.5 %), right",
    "expected\nentropy 0.83",
    "12,345 of 60,000",
    "Ankle boot, AVATAR",
    "  blanks  around  ",
    "7",
    "",
)


def both(text: str, x: float = 0.5, y: float = 0.5, **settings: object) -> list[np.ndarray]:
    """Pixels of a text drawn by Agg and from pieces."""
    pictures = []
    for wrap in (lambda renderer: renderer, Lettering):
        figure = Figure(figsize=(4, 1.5), dpi=150)
        canvas = FigureCanvasAgg(figure)
        drawn = figure.text(x, y, text, **settings)
        drawn.set_animated(True)
        canvas.draw()
        drawn.draw(wrap(canvas.get_renderer()))
        pictures.append(np.asarray(canvas.buffer_rgba()).astype(int))
    return pictures


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ha": "center", "va": "center"},
        {"ha": "right", "va": "top", "fontsize": 7, "color": "#b3003c"},
        {"fontweight": "bold", "fontsize": 18, "va": "center_baseline"},
    ],
    ids=["plain", "centred", "small, right, red", "bold"],
)
def test_pieces_look_like_matplotlibs_text(text: str, settings: dict) -> None:
    ours, theirs = both(text, **settings)[::-1]
    ink = np.abs(255 - theirs).sum()
    if not text.strip():
        assert not ink and (ours == theirs).all()
        return
    # the same amount of ink, and where it is, up to less than a pixel for every letter
    assert np.abs(255 - ours).sum() == pytest.approx(ink, rel=0.02)
    rows = [np.flatnonzero((255 - one).sum(axis=(1, 2))) for one in (ours, theirs)]
    assert abs(rows[0][0] - rows[1][0]) <= 1 and abs(rows[0][-1] - rows[1][-1]) <= 1
    columns = [np.flatnonzero((255 - one).sum(axis=(0, 2))) for one in (ours, theirs)]
    assert abs(columns[0][0] - columns[1][0]) <= 2 and abs(columns[0][-1] - columns[1][-1]) <= 2
    assert apart(ours, theirs) < 0.15
    assert apart(np.roll(ours, 6, axis=1), theirs) > 0.3  # so a difference would show


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_is_itself(digit: int) -> None:
    ours = both(f"4{digit}1", fontsize=9)[1]
    theirs = [both(f"4{other}1", fontsize=9)[0] for other in range(10)]
    assert np.argmin([apart(ours, one) for one in theirs]) == digit


@pytest.mark.parametrize(
    "text, settings",
    [("turned 1", {"rotation": 30}), ("pale 2", {"alpha": 0.4}), ("$x^2$", {})],
)
def test_what_pieces_cannot_do_is_left_to_agg(text: str, settings: dict) -> None:
    theirs, ours = both(text, **settings)
    assert (ours == theirs).all() and (ours != 255).any()


@pytest.mark.parametrize("x, y", [(-0.02, 0.5), (0.98, 0.5), (0.5, -0.04), (0.5, 0.99), (3, 3)])
def test_text_over_the_edge_is_cut_off(x: float, y: float) -> None:
    theirs, ours = both("over the edge 42", x=x, y=y)
    assert np.abs(255 - ours).sum() == pytest.approx(np.abs(255 - theirs).sum(), rel=0.1)


def test_a_text_that_changes_its_font_is_drawn_in_the_new_one() -> None:
    figure = Figure(figsize=(4, 1.5), dpi=150)
    canvas = FigureCanvasAgg(figure)
    text = figure.text(0.1, 0.5, "69")
    ink = []
    for weight in ("normal", "bold", "normal"):
        canvas.draw()
        np.asarray(canvas.buffer_rgba())[...] = 255
        text.set_fontweight(weight)
        text.draw(Lettering(canvas.get_renderer()))
        ink.append((255 - np.asarray(canvas.buffer_rgba()).astype(int)).sum())
    assert ink[0] == ink[2] < ink[1]
