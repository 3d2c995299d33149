"""Misclassified browser in JupyterLab, by keyboard and by mouse."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from driving import shoot
from looking import at_rest, changed_by, press

DATA = """
import numpy as np
from course_utils import data
from course_utils.metrics.predictions import Predictions

digits = data.load_mnist("val")

def pretend(labels, members, skill, seed):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(len(labels), 1, 10)) * 1.6
    logits = logits + 0.7 * generator.normal(size=(len(labels), members, 10))
    logits[np.arange(len(labels)), :, labels] += skill
    return Predictions(logits.astype("float32"), labels)

models = {"LeNet": pretend(digits.labels, 1, 5, 0), "DE-8": pretend(digits.labels, 8, 7, 1),
          "PE-4": pretend(digits.labels, 4, 6, 2)}
perfect = {"LeNet": Predictions(np.eye(10, dtype="float32")[digits.labels][:, None], digits.labels)}
"""
BROWSER = """
from course_utils.widgets import misclassified_browser
misclassified_browser(models, digits)
"""
NOTHING = """
from course_utils.widgets import misclassified_browser
misclassified_browser(perfect, digits)
"""
Open = Callable[..., Any]


def status(page: Any) -> str:
    return page.get_by_role("status").first.inner_text()


def menu(page: Any, name: str) -> Any:
    return page.get_by_role("combobox", name=name, exact=True)


def plain(text: str) -> str:
    """Without the unbreakable blanks that menus put in."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def number(page: Any) -> tuple[int, int]:
    """Where the digit stands, and of how many."""
    place, count = re.search(r"Number ([\d,]+) of ([\d,]+)", status(page)).groups()
    return int(place.replace(",", "")), int(count.replace(",", ""))


def test_by_keyboard(opened: Open) -> None:
    page = opened("misclassified", [DATA, BROWSER])
    at_rest(page)
    shoot(page, "misclassified")
    place, errors = number(page)
    assert place == 1 and page.locator(".course-strip button").count() == 9

    onwards = page.get_by_role("button", name="Next")
    changed_by(page, press(page, onwards, "Enter"))
    assert number(page)[0] == 2
    changed_by(page, press(page, page.get_by_role("slider", name="Go through"), "ArrowRight"))
    assert number(page)[0] == 3
    current = page.locator(".course-strip button[aria-current]")
    changed_by(page, press(page, current, "ArrowRight"))
    assert number(page)[0] == 4
    focused = page.evaluate("document.activeElement.dataset.number")
    assert focused == "4"  # the focus goes along, so that the next arrow works
    changed_by(page, lambda: page.keyboard.press("ArrowLeft"))
    assert number(page)[0] == 3

    box = page.get_by_label("Number", exact=True)
    changed_by(page, lambda: (box.fill("6"), page.keyboard.press("Enter")))
    assert number(page) == (6, errors)
    box.fill("100000")
    page.keyboard.press("Enter")
    page.get_by_text("there is no number 100000").wait_for()
    shoot(page, "misclassified-out-of-range")
    changed_by(page, press(page, page.get_by_role("button", name="Previous"), "Enter"))
    assert number(page) == (5, errors) and box.input_value() == "5"

    before = errors
    first = page.get_by_role("slider", name="Uncertainty from, to").first
    for _ in range(40):
        press(page, first, "ArrowRight")()
    page.wait_for_function(
        "before => !document.querySelector('[role=status]').textContent.includes(`of ${before}`)",
        arg=f"{before:,}",
    )


@pytest.mark.slow
def test_by_mouse(opened: Open) -> None:
    page = opened("misclassified-mouse", [DATA, BROWSER])
    tiles = page.locator(".course-strip button")
    changed_by(page, tiles.nth(6).click)
    assert number(page)[0] == 7
    assert tiles.nth(4).get_attribute("aria-current") == "true"  # now in the middle
    errors = number(page)[1]

    alt = changed_by(page, lambda: menu(page, "True class").select_option(index=4))
    assert "of class 3. LeNet says" in alt
    fewer = number(page)[1]
    assert 0 < fewer < errors
    assert f"3 ({fewer:,})" in plain(menu(page, "True class").inner_text())
    # The ensemble makes fewer errors, and none with a 3.
    alt = changed_by(page, lambda: menu(page, "Model").select_option("DE-8"))
    assert "No digit is left" in alt and "Reset filters" in status(page)
    reset = page.get_by_role("button", name="Reset filters")
    assert re.search(r"DE-8 says \d, wrong", changed_by(page, reset.click))
    assert number(page)[1] < errors
    changed_by(page, lambda: menu(page, "Show").select_option(index=3))
    assert "all digits" in status(page)
    changed_by(page, lambda: menu(page, "Order").select_option("most certain first"))
    assert "most certain first" in status(page)
    assert number(page) == (1, 1000)
    assert plain(menu(page, "True class").input_value()) == "any (1,000)"
    shoot(page, "misclassified-all")
    target = page.locator(".noUi-target").nth(1).bounding_box()
    middle = target["y"] + target["height"] / 2
    changed_by(page, lambda: page.mouse.click(target["x"] + 0.5 * target["width"], middle))
    assert 450 < number(page)[0] < 550


def test_nothing_misclassified(opened: Open) -> None:
    page = opened("misclassified-nothing", [DATA, NOTHING])
    assert "is right about all 1,000 digits" in at_rest(page).get_attribute("alt")
    assert status(page) == "Choose “all digits” under “Show”."
    assert page.get_by_role("button", name="Next").is_disabled()
    assert not page.locator(".course-strip").is_visible()
    shoot(page, "misclassified-nothing")
    changed_by(page, lambda: menu(page, "Show").select_option(index=1))
    assert number(page) == (1, 1000) and page.locator(".course-strip button").count() == 9


@pytest.mark.slow
def test_dark_theme_keeps_cards_white_and_words_readable(opened: Open) -> None:
    page = opened("misclassified-dark", [DATA, BROWSER], dark=True)
    at_rest(page)
    shoot(page, "misclassified-dark")

    def style_of(selector: str, name: str) -> list[float]:
        found = page.locator(selector).first.evaluate(
            "(element, name) => getComputedStyle(element)[name]", name
        )
        return [float(part) for part in re.findall(r"[\d.]+", found)[:3]]

    assert style_of(".course-strip-picture", "backgroundColor") == [255, 255, 255]
    assert min(style_of(".course-strip button", "color")) > 180
    assert min(style_of(".course-picture figcaption", "color")) > 180
    assert float(style_of(".course-strip button", "fontSize")[0]) >= 13.3  # 10 pt
