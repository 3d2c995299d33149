"""One look at a notebook that has run: move its widgets, read what they say, check the page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from driving import dragging, shoot

# What a widget shows: words, and everything drawn.
SHOWN = """widget => ({
    words: [...widget.querySelectorAll('.cw-words')].map(words => words.textContent),
    drawn: [
        ...[...widget.querySelectorAll('svg')].map(drawing => drawing.outerHTML),
        ...[...widget.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()),
    ],
})"""
# From the most telling control to the least: a pad to draw on, sliders, choices, buttons.
CONTROLS = {
    "pad": "canvas[tabindex='0']",
    "slider": "input[type=range]:enabled",
    "choice": "select:enabled",
    "box": "input[type=checkbox]:enabled",
    "number": "input[type=number]:enabled",
    "button": "button:enabled",
}
# Tried in turn, because a slider may stand at its end and the first key then moves nothing.
KEYS = {
    "pad": [["Space", *["ArrowDown"] * 6, "Space"]],
    "slider": [["ArrowRight"], ["ArrowLeft"], ["PageUp"], ["PageDown"]],
    "choice": [["ArrowDown"], ["ArrowUp"]],
    "box": [["Space"]],
    "number": [["ArrowUp", "Enter"], ["ArrowDown", "Enter"]],
    "button": [["Enter"]],
}
CUT_OFF = """selector => [...document.querySelectorAll(selector)]
    .flatMap(widget => [...widget.querySelectorAll('label, button')])
    .filter(element => element.scrollWidth > element.clientWidth)
    .map(element => element.textContent.trim())"""
SERIOUS = ("serious", "critical")


def changed(widget: Any, act: Callable[[], None], *, seconds: float) -> bool:
    """Do something; say whether words and drawing both changed before the time was over."""
    before = widget.evaluate(SHOWN)
    act()
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        now = widget.evaluate(SHOWN)
        if all(before[what] != now[what] for what in before):
            return True
        time.sleep(0.05)
    return False


def by_keyboard(page: Any, widget: Any, kind: str, control: Any, seconds: float) -> bool:
    """Move one control by keys."""
    for keys in KEYS[kind]:

        def press(keys: list[str] = keys) -> None:
            control.focus()
            for key in keys:
                page.keyboard.press(key)

        if changed(widget, press, seconds=seconds):
            return True
    return False


def by_mouse(page: Any, widget: Any, kind: str, control: Any, seconds: float) -> bool:
    """Move one control by the mouse, or by a finger where there is a touch screen."""
    touch = page.evaluate("navigator.maxTouchPoints") > 0

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        with dragging(page, start, end):
            pass

    def act() -> None:
        control.scroll_into_view_if_needed()
        box = control.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        if kind == "pad":
            above = middle[0] - box["width"] / 6, box["y"] + box["height"] / 5
            drag(above, (above[0] + box["width"] / 6, box["y"] + 0.8 * box["height"]))
        elif kind == "slider":
            share = control.evaluate("one => (one.value - one.min) / (one.max - one.min)")
            to = box["x"] + (0.3 if share > 0.5 else 0.7) * box["width"]
            drag((box["x"] + share * box["width"], middle[1]), (to, middle[1]))
        elif kind == "choice":  # the list that opens belongs to no page: the browser draws it
            options = control.locator("option").count()
            index = control.evaluate("element => element.selectedIndex")
            control.select_option(index=(index + 1) % options)
        elif touch:
            control.tap()
        else:
            control.click()

    return changed(widget, act, seconds=seconds)


def move(page: Any, widget: Any, name: str, *, seconds: float = 5) -> list[str]:
    """Move a widget by keyboard and by mouse; return what did not go as it should."""
    problems = []
    for how, hand in (("keyboard", by_keyboard), ("mouse", by_mouse)):
        # The first of each kind: two that do nothing are one mistake too many.
        found = {
            kind: controls.first
            for kind, selector in CONTROLS.items()
            if (controls := widget.locator(selector).filter(visible=True)).count()
        }
        # Some controls rightly leave the drawing alone, as a filter that keeps the digit on top:
        # a first round does not wait for these as long as for a crowded machine.
        if not any(
            hand(page, widget, kind, control, patience)
            for patience in sorted({min(0.5, seconds), seconds})
            for kind, control in found.items()
        ):
            problems.append(f"{name} cannot be moved by {how}; tried: {', '.join(found)}.")
    return problems


def look_at(widget: Any, name: str) -> list[str]:
    """What is wrong with a widget as it stands."""
    complaints = widget.locator(".cw-problem, .cw-bad:not(:empty)").all_inner_texts()
    problems = [f"{name} complains: {words}" for words in complaints]
    state = widget.evaluate(SHOWN)
    problems += [] if any(state["words"]) else [f"{name} says nothing."]
    return problems + ([] if state["drawn"] else [f"{name} draws nothing."])


def cut_off(page: Any, selector: str = ".course-widget") -> list[str]:
    """Labels, numbers and buttons of widgets that are wider than their place."""
    return [f"Cut off: {text!r}." for text in page.evaluate(CUT_OFF, selector)]


def violations(page: Any, include: list[str] | None = None) -> list[str]:
    """Serious and critical findings of axe-core, in the whole page or in parts of it."""
    import axe_playwright_python

    script = Path(axe_playwright_python.__file__).with_name("axe.min.js")
    page.evaluate(script.read_text(encoding="utf-8"))
    found = page.evaluate(
        """async include => {
            const there = include?.filter(selector => document.querySelector(selector));
            if (there?.length === 0) return [];
            const context = there ? { include: there } : document;
            return (await axe.run(context, { resultTypes: ['violations'] })).violations;
        }""",
        include,
    )
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['html'][:300]}"
        f" {json.dumps([check['message'] for check in node['any'] + node['all'] + node['none']])}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


def move_all(page: Any, name: str) -> list[str]:
    """Move every widget of the course in a page, keep its picture, and return what is wrong."""
    problems = []
    played_with = page.locator(".course-widget").filter(has_not=page.locator(".cw-question"))
    for number, widget in enumerate(played_with.all(), start=1):
        called = f"widget {number} of {name}"
        widget.scroll_into_view_if_needed()
        widget.locator("xpath=self::*[@data-ready]").wait_for()
        problems += look_at(widget, called) + move(page, widget, called)
        problems += look_at(widget, f"{called}, once moved,")
        shoot(widget, f"{name}-widget-{number}")
    return problems
