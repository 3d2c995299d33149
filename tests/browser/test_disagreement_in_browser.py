"""The disagreement explorer in JupyterLab, by keyboard and by mouse."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from driving import shoot
from looking import at_rest, changed_by, in_both_themes, press

DATA = """
import numpy as np
from course_utils import data, figures
from course_utils.metrics.predictions import Predictions
from course_utils.widgets import disagreement_explorer

digits, clothes = data.load_mnist("val"), data.load_fashion_mnist("val")

def pretend(labels, members, skill, seed, spread=0.7):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(len(labels), 1, 10)) * 1.6
    logits = logits + spread * generator.normal(size=(len(labels), members, 10))
    logits[np.arange(len(labels)), :, labels] += skill
    return Predictions(logits.astype("float32"), labels)

models = {"LeNet": pretend(digits.labels, 1, 5, 0), "DE-8": pretend(digits.labels, 8, 7, 1)}
ood = {"LeNet": pretend(clothes.labels, 1, 0, 2), "DE-8": pretend(clothes.labels, 8, 0, 3, 2)}
"""
BOTH = """
disagreement_explorer(models, digits, ood=ood, ood_images=clothes,
                      ood_names=figures.FASHION)
"""
ALONE = "disagreement_explorer(models, digits)"
MANY = """
many = pretend(digits.labels, 32, 7, 5)
disagreement_explorer(many, digits, ood=pretend(clothes.labels, 32, 0, 6, 2),
                      ood_images=clothes, ood_names=figures.FASHION)
"""
Open = Callable[..., Any]


def words(page: Any, number: int = 0) -> str:
    return page.get_by_role("status").nth(number).inner_text()


@pytest.mark.slow
def test_by_keyboard_and_mouse(opened: Open) -> None:
    page = opened("disagreement", [DATA, BOTH])
    digit, stranger = (at_rest(page, number) for number in (0, 1))
    shoot(page, "disagreement")
    first = digit.get_attribute("alt")
    assert "the ensemble of 8 members says" in first
    assert "place 1 of 1,000 (most disputed first)" in words(page)
    assert re.search("of class (T-shirt|Trouser|Pullover|Dress|Coat|S|Bag|Ankle)", alt(stranger))

    handles = page.locator(".noUi-handle")
    assert handles.count() == 2
    for name in ("Place", "OOD place"):
        page.get_by_role("slider", name=name, exact=True).wait_for()
    by_key = changed_by(page, press(page, handles.nth(0), "ArrowRight"))
    assert by_key != first and "place 2 of 1,000" in words(page)
    assert "place 1 of" in words(page, 1)
    changed_by(page, press(page, handles.nth(1), "PageUp"), 1)
    assert "place 1 of" not in words(page, 1)

    # a switch acts on both sheets; by mouse and by the space bar
    before = alt(stranger)
    box = page.get_by_role("checkbox", name="member 3", exact=True)
    assert "ensemble of 7 members" in changed_by(page, lambda: box.click())
    assert "ensemble of 7 members" in alt(stranger) != before
    seven = changed_by(page, press(page, page.get_by_label("member 8", exact=True), " "))
    assert "ensemble of 6 members" in seven and "6 of 8 members together say" in words(page, 1)
    shoot(page, "disagreement-six")
    off = page.get_by_role("button", name="All off")
    assert "nobody answers" in changed_by(page, lambda: off.click())
    assert not box.is_checked()
    alone = page.get_by_role("button", name="One at a time")
    assert "ensemble of 1 member says" in changed_by(page, press(page, alone, "Enter"))
    assert page.get_by_label("member 1", exact=True).is_checked()
    everybody = page.get_by_role("button", name="All on")
    assert "ensemble of 8 members" in changed_by(page, lambda: everybody.click())

    # by number; nonsense is answered by a sentence and nothing freezes
    number = page.get_by_label("Image", exact=True)
    number.fill("5000")
    number.press("Enter")
    page.get_by_text("numbered from 0 to 999; there is no number 5000.").wait_for()
    shoot(page, "disagreement-problem")
    number.fill("17")
    assert "Image 17." in changed_by(page, lambda: number.press("Enter"))
    assert "Image 17," in words(page)

    disputed = page.get_by_role("button", name="Most disputed").first
    assert changed_by(page, lambda: disputed.click()) == first
    page.get_by_role("button", name="Next").nth(1).click()
    order = page.get_by_label("Order", exact=True)
    changed_by(page, lambda: order.select_option("surest first"))
    assert "place 1 of 1,000 (surest first)" in words(page)
    model = page.get_by_label("Model")
    assert "the network says" in changed_by(page, lambda: model.select_option("LeNet"))
    assert "nobody to disagree with" in words(page)
    assert page.get_by_role("checkbox").count() == 1


def alt(picture: Any) -> str:
    return picture.get_attribute("alt")


@in_both_themes
def test_sheets_stand_side_by_side_at_their_true_size(opened: Open, dark: bool) -> None:
    name = f"disagreement-look-{'dark' if dark else 'light'}"
    page = opened(name, [DATA, BOTH, ALONE, MANY], dark=dark)
    at_rest(page)
    for number, sheets in enumerate((2, 1, 2)):
        cell = page.locator(".jp-CodeCell").nth(number + 1)
        cell.scroll_into_view_if_needed()
        pictures = cell.locator(".course-picture img[data-turn]")
        pictures.nth(sheets - 1).wait_for(timeout=60_000)
        shoot(cell.locator(".course-widget"), f"{name}-{number}")
        for image in pictures.all():
            # shown at its true size, so that 10 pt are 10 pt
            assert image.evaluate("i => i.clientWidth * 1.5 / i.naturalWidth") >= 0.995
            assert "rgb(255, 255, 255)" in image.evaluate(
                "i => getComputedStyle(i).backgroundColor"
            )
        if sheets == 2:
            left, right = (pictures.nth(side).bounding_box() for side in (0, 1))
            assert left["y"] == pytest.approx(right["y"], abs=2) and left["x"] < right["x"]
