"""One look at a notebook that has run: move its widgets, read what they say, check the page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driving import shoot

# The dark one in `make test`: it has more that can go wrong.
in_both_themes = pytest.mark.parametrize(
    "dark",
    [pytest.param(False, id="light", marks=pytest.mark.slow), pytest.param(True, id="dark")],
)
PICTURES = ".course-picture img"
# The kernel is idle again, so all that it had to say before has arrived and was dealt with. A
# picture may still be on its way from there to the screen.
ANSWERED = """() => jupyterapp.shell.currentWidget.context.sessionContext.session.kernel
    .requestExecute({ code: '', silent: true }).done.then(() => null)"""
PAUSE = 300  # milliseconds; for what the browser itself does later: decoding, a pen's own pauses
# What a widget shows: its pictures with their alternative text, and the words below them.
SHOWN = """widget => ({
    turns: [...widget.querySelectorAll('[data-turn]')].map(shown => shown.dataset.turn),
    pictures: [...widget.querySelectorAll('img')].filter(image => !image.hidden)
        .map(image => [image.src, image.alt]),
    words: [...widget.querySelectorAll('figcaption, [role=status]')]
        .map(words => words.textContent),
})"""
# From the most telling control to the least: a pad to draw on, sliders, choices, buttons.
CONTROLS = {
    "pad": "canvas[tabindex='0']",
    "slider": ".noUi-target:not([disabled]) .noUi-handle",
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
# Of a slider, a list, a box or a number; the browser changes it before a kernel hears of it.
VALUE = """control => control.getAttribute('aria-valuenow')
    || (control.type === 'checkbox' ? String(control.checked) : control.value || null)"""
CUT_OFF = """selector => [...document.querySelectorAll(selector)]
    .flatMap(widget => [...widget.querySelectorAll('.widget-label, .widget-readout, button')])
    .filter(element => element.scrollWidth > element.clientWidth)
    .map(element => element.textContent.trim())"""
SERIOUS = ("serious", "critical")


def shown(widget: Any) -> dict[str, list]:
    """The pictures and words of a widget as they are now."""
    return widget.evaluate(SHOWN)


def settled(widget: Any) -> dict[str, list]:
    """The pictures and words once nothing is on its way any more."""
    before: dict[str, list] | None = None
    while before != (now := shown(widget)):
        before = now
        widget.page.wait_for_timeout(PAUSE)
        widget.page.evaluate(ANSWERED)
    return now


def at_rest(page: Any, number: int = 0) -> Any:
    """Wait until a picture is there and nothing in the page is on its way; return the picture."""
    picture = page.locator(PICTURES).nth(number)
    picture.wait_for()
    settled(page.locator("body"))
    return picture


def changed_by(page: Any, act: Callable[[], Any], number: int = 0) -> str:
    """Do something, wait until a picture has been replaced, and return its alt text."""
    before = at_rest(page, number).get_attribute("data-turn")
    act()
    page.wait_for_function(
        "([all, n, before]) => document.querySelectorAll(all)[n].dataset.turn !== before",
        arg=[PICTURES, number, before],
        timeout=15_000,
    )
    return at_rest(page, number).get_attribute("alt")


def press(page: Any, target: Any, key: str) -> Callable[[], None]:
    """The act of pressing a key on something that takes the focus."""

    def act() -> None:
        target.focus()
        page.keyboard.press(key)

    return act


def changed(widget: Any, control: Any, act: Callable[[], None], *, seconds: float) -> bool:
    """Do something; say whether pictures and words both changed before the time was over.

    A control that keeps its value, or takes it again, was not moved: nobody waits for long.
    """
    before, value = settled(widget), control.evaluate(VALUE)
    act()
    started = time.monotonic()
    while (waited := time.monotonic() - started) < seconds:
        now = shown(widget)
        alts = [[alt for _, alt in at["pictures"]] for at in (before, now)]
        told = alts[0] != alts[1] or before["words"] != now["words"]
        if told and before["pictures"] != now["pictures"]:
            settled(widget)
            return True
        if waited > 2 and now == before and value and control.evaluate(VALUE) == value:
            return False
        time.sleep(0.05)
    return False


def by_keyboard(page: Any, widget: Any, kind: str, control: Any, seconds: float) -> bool:
    """Move one control by keys."""
    for keys in KEYS[kind]:

        def press(keys: list[str] = keys) -> None:
            control.focus()
            for key in keys:
                page.keyboard.press(key)

        if changed(widget, control, press, seconds=seconds):
            return True
    return False


def by_mouse(page: Any, widget: Any, kind: str, control: Any, seconds: float) -> bool:
    """Move one control by the mouse."""

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        page.mouse.move(*start)
        page.mouse.down()
        page.mouse.move(*end, steps=8)
        page.mouse.up()

    def act() -> None:
        control.scroll_into_view_if_needed()
        box = control.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        if kind == "pad":
            above = middle[0] - box["width"] / 6, box["y"] + box["height"] / 5
            drag(above, (above[0] + box["width"] / 6, box["y"] + 0.8 * box["height"]))
        elif kind == "slider":
            way = control.locator("xpath=ancestor::*[contains(@class, 'noUi-target')]")
            way = way.bounding_box()
            to = 0.3 if middle[0] > way["x"] + way["width"] / 2 else 0.7
            drag(middle, (way["x"] + to * way["width"], middle[1]))
        elif kind == "choice":  # the list that opens belongs to no page: the browser draws it
            options = control.locator("option").count()
            index = control.evaluate("element => element.selectedIndex")
            control.select_option(index=(index + 1) % options)
        else:
            control.click()

    return changed(widget, control, act, seconds=seconds)


def move(page: Any, widget: Any, name: str, *, seconds: float = 15) -> list[str]:
    """Move a widget by keyboard and by mouse; return what did not go as it should."""
    problems = []
    for how, hand in (("keyboard", by_keyboard), ("mouse", by_mouse)):
        # The first of each kind: two that do nothing are one mistake too many.
        found = {
            kind: controls.first
            for kind, selector in CONTROLS.items()
            if (controls := widget.locator(selector).filter(visible=True)).count()
        }
        # Some controls rightly leave the picture alone, as a filter that keeps the digit on top:
        # a first round does not wait for these as long as for a crowded machine.
        if not any(
            hand(page, widget, kind, control, patience)
            for patience in sorted({min(1, seconds), seconds})
            for kind, control in found.items()
        ):
            problems.append(f"{name} cannot be moved by {how}; tried: {', '.join(found)}.")
    return problems


def look_at(widget: Any, name: str) -> list[str]:
    """What is wrong with the pictures of a widget as they stand."""
    state = widget.evaluate(
        """widget => [...widget.querySelectorAll('img')].filter(image => !image.hidden)
            .map(image => [image.alt.trim(), image.complete && image.naturalWidth > 0])"""
    )
    problems = [] if state else [f"{name} shows no picture."]
    problems += [f"{name} shows a picture without a text." for alt, _ in state if not alt]
    problems += [f"{name} shows a broken picture: {alt}" for alt, whole in state if not whole]
    complaints = widget.locator(".course-problem").all_inner_texts()
    return problems + [f"{name} complains: {words}" for words in complaints]


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


def move_all(page: Any, name: str, *, seconds: float = 15) -> list[str]:
    """Move every widget of the course in a page, keep its picture, and return what is wrong."""
    problems = []
    for number, widget in enumerate(page.locator(".course-widget").all(), start=1):
        called = f"widget {number} of {name}"
        widget.scroll_into_view_if_needed()
        problems += look_at(widget, called) + move(page, widget, called, seconds=seconds)
        problems += look_at(widget, f"{called}, once moved,")
        shoot(widget, f"{name}-widget-{number}")
    return problems
