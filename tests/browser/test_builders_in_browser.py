"""Packed-Ensemble calculator and ensemble builder in JupyterLab, by keyboard and by mouse."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from driving import shoot
from looking import PICTURES, at_rest, changed_by, press

DATA = """
import numpy as np
from course_utils.metrics.predictions import Predictions

def pretend(count, skill, seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, count)
    logits = generator.normal(size=(count, 1, 10)) * 1.6
    logits = logits + 0.7 * generator.normal(size=(count, 8, 10))
    logits[np.arange(count), :, labels] += skill
    return Predictions(logits.astype("float32"), labels)

digits, clothes = pretend(2_000, 6, 0), pretend(2_000, 0, 1)
"""
CALCULATOR = """
from course_utils.widgets import packed_calculator
packed_calculator()
"""
BUILDER = """
from course_utils.widgets import ensemble_builder
ensemble_builder(digits, clothes, member_names=[f"lenet-{i}" for i in range(8)])
"""
Open = Callable[..., Any]


def click_at(page: Any, slider: Any, share: float) -> Callable[[], None]:
    def act() -> None:
        box = slider.bounding_box()
        page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)

    return act


def smallest_text(page: Any) -> float:
    """CSS pixels of the smallest real text of the course's widgets; 10 pt are 13.3."""
    return page.evaluate(
        """() => {
            const walker = document.createTreeWalker(
                document.querySelector('.course-widget'), NodeFilter.SHOW_TEXT);
            let smallest = Infinity;
            while (walker.nextNode()) {
                const home = walker.currentNode.parentElement;
                if (walker.currentNode.textContent.trim() && home.offsetParent)
                    smallest = Math.min(smallest, parseFloat(getComputedStyle(home).fontSize));
            }
            return smallest;
        }"""
    )


@pytest.mark.slow
def test_calculator_by_keyboard_and_mouse(opened: Open) -> None:
    page = opened("calculator", [CALCULATOR])
    assert "M = 4 and alpha = 2" in at_rest(page).get_attribute("alt")
    page.get_by_role("slider", name="M: members").wait_for()
    page.get_by_role("slider", name="Alpha: width").wait_for()
    shoot(page, "calculator")

    handles, sliders = page.locator(".noUi-handle"), page.locator(".noUi-target")
    alt = changed_by(page, press(page, handles.nth(0), "ArrowRight"))
    assert "M = 5 and alpha = 2.5" in alt
    assert "5, 5, 5" not in alt and "15, 40, 300, 210, 50" in alt
    alt = changed_by(page, press(page, handles.nth(1), "ArrowRight"))
    assert "M = 5 and alpha = 5." in alt
    bars = page.locator(PICTURES).nth(1)
    assert "PE-5: 222,130 parameters" in bars.get_attribute("alt")
    alt = changed_by(page, click_at(page, sliders.nth(0), 0.99))
    assert "M = 16 and alpha = 8." in alt
    shoot(page, "calculator-16")
    alt = changed_by(page, click_at(page, sliders.nth(1), 0.95))
    assert "M = 16 and alpha = 16." in alt

    box = page.get_by_label("or type alpha")
    box.fill("9")
    box.press("Enter")
    page.get_by_text("The nearest that build are alpha = 8 and 16").wait_for()
    assert box.input_value() == "9"
    shoot(page, "calculator-sentence")
    box.fill("8")
    alt = changed_by(page, lambda: box.press("Enter"))
    assert "M = 16 and alpha = 8." in alt
    row = page.get_by_role("table", name="Channels per layer").get_by_role("row").nth(3)
    assert re.match(r"PE-16\s+48\s+128", row.inner_text())
    assert smallest_text(page) >= 13


@pytest.mark.slow
def test_builder_by_keyboard_and_mouse(opened: Open) -> None:
    page = opened("builder", [DATA, BUILDER])
    assert "1 of 8 members (lenet-0)" in at_rest(page).get_attribute("alt")
    alt = changed_by(page, lambda: page.get_by_label("lenet-3").click())
    assert "2 of 8 members (lenet-0 and lenet-3)" in alt
    alt = changed_by(page, press(page, page.get_by_label("lenet-5"), "Space"))
    assert "3 of 8 members (lenet-0, lenet-3 and lenet-5)" in alt
    assert "Of all 56 choices of 3 members" in page.get_by_role("status").first.inner_text()
    shoot(page, "builder")

    cell = page.get_by_role("table", name="Metrics").get_by_role("row").nth(1).get_by_role("cell")
    before = cell.first.inner_text()
    add = page.get_by_role("button", name="Add the best next")
    alt = changed_by(page, press(page, add, "Enter"))
    assert "4 of 8 members" in alt
    assert cell.first.inner_text() != before
    assert page.get_by_role("checkbox", checked=True).count() == 4

    alt = changed_by(page, lambda: page.get_by_label("Metric", exact=True).select_option("AUROC"))
    assert alt.startswith("AUROC of 255 choices of members")
    shoot(page, "builder-auroc")
    alt = changed_by(page, lambda: page.get_by_role("button", name="All", exact=True).click())
    assert "8 of 8 members" in alt
    add.click()
    page.get_by_text("All members are ticked already").wait_for()
    changed_by(page, lambda: page.get_by_role("button", name="None", exact=True).click())
    page.get_by_text("Nothing is ticked").wait_for()
    shoot(page, "builder-nothing")
    alt = changed_by(page, lambda: page.get_by_role("button", name="Best single").click())
    assert "1 of 8 members" in alt and "none is better" in alt
    assert smallest_text(page) >= 13


@pytest.mark.slow
def test_both_are_readable_in_the_dark_theme(opened: Open) -> None:
    page = opened("builders-dark", [DATA, CALCULATOR, BUILDER], dark=True)
    at_rest(page, 2)
    shoot(page, "builders-dark")
    for selector in ("td", "th", "figcaption", ".widget-html-content p"):
        for element in page.locator(f".course-widget {selector}").all():
            color = element.evaluate("element => getComputedStyle(element).color")
            assert min(map(float, re.findall(r"[\d.]+", color)[:3])) > 180, selector
