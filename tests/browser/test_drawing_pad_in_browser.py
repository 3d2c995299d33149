"""The drawing pad in JupyterLab: by mouse, by keys, by finger; answer, undo, both themes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from driving import shoot
from looking import at_rest, changed_by, in_both_themes

# Stands in for an ensemble: members look at where the ink is. No torch, so that it runs anywhere.
PAD = """
import numpy as np
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.images.centring import as_mnist
from course_utils.metrics.predictions import Predictions
from course_utils.widgets import drawing_pad

weights = np.random.default_rng(0).normal(size=(784, 8, 10))

def members(images):
    ink = images.reshape(len(images), 784) / 255
    return Predictions(np.einsum("np,pmc->nmc", ink, weights).astype("float32") / 4)

pad = drawing_pad(members, centring=as_mnist{more})
pad
"""
EXAMPLES = ', examples={"digits": load_mnist("val"), "clothes": load_fashion_mnist("val")}'
Open = Callable[..., Any]
STATUS = ".course-picture figcaption"


def answer(page: Any) -> str:
    """What the networks say once nothing is on its way any more."""
    at_rest(page)
    return page.locator(STATUS).inner_text()


def answer_to(page: Any, act: Callable[[], Any]) -> str:
    """What they say to something done now."""
    changed_by(page, act)
    return answer(page)


def ink(page: Any, sheet: int = 0) -> int:
    """How many pixels of a canvas have ink."""
    return (
        page.locator(".course-pad canvas")
        .nth(sheet)
        .evaluate(
            """canvas => {
            const all = canvas.getContext('2d')
                .getImageData(0, 0, canvas.width, canvas.height).data;
            return all.filter((value, at) => at % 4 === 3 && value > 127).length;
        }"""
        )
    )


def stroke(page: Any, start: tuple[float, float], end: tuple[float, float], sheet: int = 0) -> None:
    """A line by mouse, in shares of the sheet."""
    canvas = page.locator(".course-pad canvas").nth(sheet)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=12)
    page.mouse.up()


def test_drawn_by_mouse_answered_undone_cleared(opened: Open) -> None:
    page = opened("pad-mouse", [PAD.format(more="")])
    assert "Draw something" in answer(page)
    undo, clear = (page.get_by_role("button", name=name) for name in ("Undo", "Clear"))
    assert undo.is_disabled()
    assert clear.is_disabled()
    first = answer_to(page, lambda: stroke(page, (0.5, 0.15), (0.5, 0.85)))
    assert "the ensemble of 8 members says" in first
    one_line = ink(page)
    second = answer_to(page, lambda: stroke(page, (0.2, 0.3), (0.8, 0.3)))
    assert second != first
    assert ink(page) > one_line > 0
    shoot(page, "pad-mouse")
    assert answer_to(page, undo.click) == first
    assert ink(page) == one_line
    assert "Draw something" in answer_to(page, clear.click)
    assert ink(page) == 0
    assert answer_to(page, undo.click) == first  # clearing can be taken back, too
    page.get_by_label("Width of the pen").fill("20")
    answer_to(page, lambda: stroke(page, (0.2, 0.3), (0.8, 0.3)))
    assert ink(page) > 2 * one_line


def test_drawn_by_keys_and_announced(opened: Open) -> None:
    page = opened("pad-keys", [PAD.format(more=""), "print('below')"])
    canvas = page.get_by_role("application", name="Drawing pad")
    at_rest(page)
    canvas.focus()
    active = "jupyterapp.shell.currentWidget.content.activeCellIndex"
    cell = page.evaluate(active)
    voice = page.locator(".course-pad-voice")

    def draw() -> None:
        page.keyboard.press("Space")
        assert "pen down, column 14, row 14" in voice.inner_text()
        for _ in range(6):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Shift+ArrowRight")
        assert "column 17, row 20" in voice.inner_text()

    assert "the ensemble of 8 members says" in answer_to(page, draw)
    shoot(page, "pad-keys")
    drawn = ink(page)
    page.keyboard.press("Enter")
    assert "pen up" in voice.inner_text()
    page.keyboard.press("ArrowUp")
    assert ink(page) == drawn  # the pen is lifted
    assert page.evaluate(active) == cell  # the notebook did not take the keys
    assert "Draw something" in answer_to(page, lambda: page.keyboard.press("Backspace"))
    assert canvas.evaluate("element => element === document.activeElement")


def test_drawn_by_finger(opened: Open) -> None:
    page = opened("pad-touch", [PAD.format(more="")])
    canvas = page.locator(".course-pad canvas")
    canvas.scroll_into_view_if_needed()
    at_rest(page)
    box = canvas.bounding_box()
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})

    def touch(kind: str, *place: float) -> None:
        points = [{"x": box["x"] + place[0], "y": box["y"] + place[1]}] if place else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def draw() -> None:
        touch("touchStart", 140, 40)
        for step in range(1, 20):
            touch("touchMove", 140, 40 + 10 * step)
        touch("touchEnd")

    assert "the ensemble of 8 members says" in answer_to(page, draw)
    assert ink(page) > 5_000  # a whole line: the page did not scroll instead
    after = canvas.bounding_box()
    assert (after["x"], after["y"]) == (box["x"], box["y"])


@pytest.mark.slow
def test_examples_can_be_scribbled_on(opened: Open) -> None:
    page = opened("pad-examples", [PAD.format(more=EXAMPLES)])
    first = answer(page)
    assert "of digits" in first
    shoot(page, "pad-examples")
    bag = answer_to(page, page.get_by_role("button", name="Example: clothes").click)
    assert "of clothes" in bag
    plain = ink(page)
    scribbled = answer_to(page, lambda: stroke(page, (0.05, 0.05), (0.95, 0.05)))
    assert "of clothes" not in scribbled
    assert ink(page) > plain
    assert "of clothes" not in answer_to(page, page.get_by_role("button", name="Undo").click)
    assert ink(page) == plain
    as_it_is = answer_to(page, page.get_by_text("Scale and centre as MNIST was").click)
    assert as_it_is != bag


@in_both_themes
def test_sheet_stays_white_and_words_can_be_read(opened: Open, dark: bool) -> None:
    name = f"pad-{'dark' if dark else 'light'}"
    page = opened(name, [PAD.format(more=EXAMPLES)], dark=dark)
    at_rest(page)
    stroke(page, (0.1, 0.9), (0.9, 0.8))
    page.locator(".course-pad canvas").focus()
    page.keyboard.press("ArrowRight")
    at_rest(page)
    shoot(page, name)
    paper = page.locator(".course-pad canvas").evaluate(
        "element => getComputedStyle(element).backgroundColor"
    )
    assert paper == "rgb(255, 255, 255)"
    for words in (".course-pad-help", ".course-pad-tools label", ".course-pad-tools button"):
        # a theme's style sheet arrives when it pleases
        page.wait_for_function(
            """([words, dark]) => {
                const {color} = getComputedStyle(document.querySelector(words));
                const shades = color.match(/[\\d.]+/g).slice(0, 3).map(Number);
                return dark ? Math.min(...shades) > 180 : Math.max(...shades) < 80;
            }""",
            arg=[words, dark],
        )
        size = page.locator(words).first.evaluate("element => getComputedStyle(element).fontSize")
        assert float(size.removesuffix("px")) >= 13.3  # 10 points


@pytest.mark.slow
def test_a_second_view_shows_the_same_drawing(opened: Open) -> None:
    page = opened("pad-views", [PAD.format(more=""), "pad"])
    at_rest(page, 1)
    changed_by(page, lambda: stroke(page, (0.5, 0.15), (0.5, 0.85), sheet=1))
    assert ink(page, 0) > 5_000
    # the first view got 112 by 112 grey values, the second has the line itself
    assert abs(ink(page, 0) - ink(page, 1)) < 0.1 * ink(page, 1)


def test_pen_up_to_answer_in_time(opened: Open) -> None:
    """A loose bound, for any machine; the benchmark measures."""
    page = opened("pad-time", [PAD.format(more="")])
    at_rest(page)
    stroke(page, (0.3, 0.2), (0.7, 0.8))
    at_rest(page)
    page.evaluate(
        """() => {
            const image = document.querySelector('.course-picture img');
            document.querySelector('.course-pad canvas').addEventListener('pointerup', () => {
                const lifted = performance.now();
                new MutationObserver(() => { window.waited = performance.now() - lifted; })
                    .observe(image, {attributeFilter: ['data-turn']});
            });
        }"""
    )
    stroke(page, (0.7, 0.2), (0.3, 0.8))
    at_rest(page)
    assert 0 < page.evaluate("window.waited") < 1500


def test_pages_of_the_course_keep_the_answer(lab: Any) -> None:
    """What ``make run`` writes: what the networks saw and said, without the sheet."""
    import nbformat
    from nbconvert.preprocessors import ExecutePreprocessor
    from tools.learner.still_widgets import freeze

    lab.write("pad-frozen", [PAD.format(more=EXAMPLES)])
    notebook = nbformat.read(lab.folder / "pad-frozen.ipynb", 4)
    ExecutePreprocessor(timeout=120).preprocess(notebook, {"metadata": {"path": str(lab.folder)}})
    freeze(notebook)
    still = notebook.cells[0].outputs[0]["data"]["text/html"]
    assert (
        'alt="What the networks see, and what they say. One image; the ensemble of 8 members says'
        in still
    )
    assert "Scale and centre as MNIST was" in still
    assert "of digits." in still
    assert len(still) < 200_000  # the sheet's own bytes are not written out as text
