"""All widgets on one page from a file, without a kernel and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import dragging
from looking import by_mouse, cut_off, violations

from course_utils import figures, widgets
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.metrics.predictions import Predictions
from course_utils.networks import zoo
from course_utils.widgets import disagreement
from course_utils.widgets.who_answers import who_answers
from tools.learner.page_widgets import document

DIGITS = 600
HELD = 400  # of them by the disagreement explorer


def pretend(labels: np.ndarray, members: int, skill: float, seed: int) -> Predictions:
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(len(labels), 1, 10)) * 1.6
    logits = logits + 0.8 * generator.normal(size=(len(labels), members, 10))
    logits[np.arange(len(labels)), :, labels] += skill
    return Predictions(logits, labels)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    digits = load_mnist("test").subset(slice(DIGITS))
    clothes = load_fashion_mnist("test").subset(slice(200))
    ensemble = pretend(digits.labels, 4, 4.5, 0)
    models = {"LeNet": ensemble.subset([0]), "DE-4": ensemble}
    test = {name: pretend(digits.labels, one.num_members, 4.5, 1) for name, one in models.items()}
    foreign = {
        name: Predictions(pretend(clothes.labels, one.num_members, 0, 2).logits)
        for name, one in models.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disagreement, "SHOWN", HELD)
        patch.setattr(disagreement, "FIRST", HELD // 2)
        explorer = widgets.disagreement_explorer(
            models,
            digits,
            foreign=foreign,
            foreign_images=clothes,
            foreign_names=figures.FASHION,
        )
    shown = [
        widgets.risk_coverage_explorer(models, digits),
        widgets.abstention_desk(models, test, foreign, images=digits, ood_images=clothes),
        widgets.drawing_pad(zoo.load("lenet-0"), examples={"digit": digits, "clothes": clothes}),
        widgets.misclassified_browser(models, digits),
        explorer,
        widgets.ensemble_builder(ensemble, foreign["DE-4"]),
        widgets.packed_calculator(),
        widgets.temperature_slider(models["LeNet"]),
        widgets.averaging(ensemble, digits),
        who_answers(
            {"DE-4": (ensemble.take(slice(80)), foreign["DE-4"].take(slice(40)))},
            digits.subset(slice(80)),
            clothes.subset(slice(40)),
            stray_names=["clothes"] * 40,
        ),
        widgets.risk_coverage_explorer({}),
        # noise, which Python and the page scale a pixel differently
        widgets.drawing_pad(
            lambda images: ensemble.take([0]),
            examples=np.random.default_rng(0).integers(0, 256, (1, 28, 28)).astype(np.uint8),
        ),
    ]
    path = tmp_path_factory.mktemp("page") / "widgets.html"
    path.write_text(document(shown), encoding="utf-8")
    for one in shown:
        one.close()
    return path


PHONE = {"viewport": {"width": 390, "height": 900}, "has_touch": True, "color_scheme": "dark"}
LAPTOP = {"viewport": {"width": 900, "height": 900}, "color_scheme": "light"}


@pytest.fixture(params=[PHONE, LAPTOP], ids=["phone", "laptop"])
def page(request: Any, browser: Any, page_file: Path) -> Iterator[Any]:
    context = browser.new_context(**request.param, reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown = context.new_page()
    wrong: list[str] = []
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    shown.on("request", lambda r: wrong.append(r.url) if not r.url.startswith("file:") else None)
    shown.goto(page_file.as_uri())
    yield shown
    context.close()
    assert not wrong


ZOOMED = {"viewport": {"width": 450, "height": 450}, "device_scale_factor": 2}  # 900 at 200 %


@pytest.fixture(scope="module", params=[PHONE, ZOOMED], ids=["by touch", "at 200 %"])
def small_page(request: Any, browser: Any, page_file: Path) -> Iterator[Any]:
    """One page for many tests, on a phone and on a laptop at 200 %."""
    context = browser.new_context(**request.param, reduced_motion="reduce")
    shown = context.new_page()
    shown.goto(page_file.as_uri())
    yield shown
    context.close()


def widget(page: Any, number: int) -> Any:
    """The widget at a place, started: one starts when it comes near the screen."""
    place = page.locator(".course-live").nth(number)
    started = place.locator(".course-widget[data-ready]")
    if not started.count():
        place.scroll_into_view_if_needed()
        started.wait_for(timeout=20_000)
    return started


def start_all(page: Any) -> None:
    for number in range(page.locator(".course-live").count()):
        widget(page, number)


def words(page: Any, number: int, which: int = 0) -> str:
    page.wait_for_timeout(60)
    shown = widget(page, number).locator(".cw-words").nth(which).inner_text()
    return shown.replace("\N{NO-BREAK SPACE}", " ")


def test_nothing_is_wider_than_the_page(page: Any) -> None:
    start_all(page)
    own = page.viewport_size
    for width in (own["width"], 600, 320):  # zooming in, say to 200 %, leaves as little
        page.set_viewport_size({**own, "width": width})
        page.wait_for_timeout(200)
        assert page.evaluate("innerWidth") == width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not cut_off(page)


def test_axe_finds_nothing_serious(page: Any) -> None:
    start_all(page)
    assert not violations(page)


# Each widget by one control: its number, the kind of control, and how it is found.
MOVED = {
    "explorer": (0, "slider", "input[type=range]"),
    "desk": (1, "slider", "input[type=range]"),
    "pad": (2, "pad", "canvas[tabindex]"),
    "browser": (3, "slider", "[aria-label='Go through']"),
    "disagreement": (4, "slider", "input[type=range]"),
    "builder": (5, "box", "input[type=checkbox] >> nth=1"),
    "calculator": (6, "slider", "[aria-label='M: members']"),
    "temperature": (7, "slider", "input[type=range]"),
    "averaging": (8, "slider", "input[type=range]"),
    "who answers": (9, "slider", "input[type=range]"),
}


@pytest.mark.parametrize("name", MOVED)
def test_every_widget_on_a_small_screen(small_page: Any, name: str) -> None:
    number, kind, selector = MOVED[name]
    shown = widget(small_page, number)
    control = shown.locator(selector).first
    assert by_mouse(small_page, shown, kind, control, 5)
    width = small_page.viewport_size["width"]
    box = control.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert shown.evaluate("one => one.scrollWidth <= one.clientWidth")
    smallest = shown.evaluate(
        """one => Math.min(...[...one.querySelectorAll('*')]
            .filter(part => part.checkVisibility() && [...part.childNodes].some(
                node => node.nodeType === 3 && node.textContent.trim()))
            .map(part => parseFloat(getComputedStyle(part).fontSize)))"""
    )
    assert smallest >= 12


def test_the_explorer_by_mouse_touch_and_keys(page: Any) -> None:
    explorer, (coverage, risk, threshold) = widget(page, 0), range(3)
    ranges = explorer.locator("input[type=range]")
    ranges.nth(coverage).focus()
    page.keyboard.press("End")
    assert f"answers {DIGITS} of {DIGITS} digits (100 %)" in words(page, 0)
    page.keyboard.press("ArrowLeft")
    assert f"answers {DIGITS - 1} of" in words(page, 0)
    ranges.nth(risk).focus()
    page.keyboard.press("Home")
    assert "0 of these answers are wrong" in words(page, 0)
    ranges.nth(threshold).focus()
    page.keyboard.press("Home")
    assert "answers none of" in words(page, 0)
    # drag on the curve itself
    explorer.locator(".cw-plot svg").scroll_into_view_if_needed()
    box = explorer.locator(".cw-plot svg").bounding_box()
    left, right = ((box["x"] + share * box["width"], box["y"] + 60) for share in (0.3, 0.7))
    with dragging(page, left, right):
        pass
    answered = int(words(page, 0).split(" answers ")[1].split(" of")[0])
    assert 0.55 * DIGITS < answered < 0.8 * DIGITS
    explorer.get_by_role("button", name="DE-4").click()
    assert words(page, 0).startswith(f"DE-4 answers {answered} of")
    assert "Just answered, nearest first" in explorer.locator(".cw-queue").get_attribute(
        "aria-label"
    )


def test_pointing_at_a_curve_shows_the_digit_there(page: Any) -> None:
    explorer = widget(page, 0)
    explorer.locator(".cw-plot svg").scroll_into_view_if_needed()
    box = explorer.locator(".cw-plot svg").bounding_box()
    for share in np.linspace(0.1, 0.9, 30):
        page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + share * box["height"])
        if explorer.locator(".cw-tip").is_visible():
            break
    assert "The last one answered here: says" in explorer.locator(".cw-tip").inner_text()
    assert explorer.locator(".cw-tip canvas").is_visible()


def test_the_desk_from_costs_to_a_second_round(page: Any) -> None:
    desk = widget(page, 1)
    before = words(page, 1)
    assert "the least" not in before and "best" not in before
    everything = desk.text_content()
    assert "Risk: wrong among answered (%)" in everything and "cheapest" not in everything
    assert "Cost per item" not in everything
    wrong = desk.get_by_label("A wrong answer costs")
    wrong.fill("-3")
    assert "A cost is a number from 0 to 1,000,000." in desk.inner_text()
    wrong.fill("123456")
    assert wrong.evaluate("one => one.scrollWidth <= one.clientWidth")
    assert words(page, 1) != before
    desk.get_by_role("button", name="Undo").click()
    assert words(page, 1) == before
    desk.get_by_role("button", name="Open the test set, once").click()
    desk.get_by_role("button", name="Another round").wait_for()
    verdict = desk.locator(".cw-verdicts")
    assert "validation had promised" in verdict.inner_text()
    assert "asked a human" in verdict.inner_text()
    assert "Cost per item on validation (euros)" in desk.text_content()
    assert "The dot is the cheapest threshold on validation: " in desk.inner_text()
    assert verdict.evaluate("one => one.getBoundingClientRect().top < innerHeight")
    assert desk.get_by_label("Answer the surest").is_disabled()
    desk.get_by_role("button", name="Another round").click()
    desk.get_by_role("button", name="DE-4").click()
    desk.get_by_role("button", name="Open the test set, once").click()
    rows = desk.locator("tbody tr")
    rows.nth(1).wait_for()
    assert rows.count() == 2
    assert "2, test seen before" in rows.nth(1).inner_text()
    desk.get_by_role("button", name="Copy rounds").click()
    assert page.evaluate("navigator.clipboard.readText()").count("\n") == 2
    desk.get_by_role("button", name="Reset").click()
    page.wait_for_timeout(100)
    assert words(page, 1) == before and not rows.count()


def test_the_pad_answers_while_the_pen_moves(page: Any) -> None:
    pad = widget(page, 2)
    assert "This example is image" in words(page, 2)
    pad.get_by_role("button", name="Example: clothes").click()
    assert words(page, 2).endswith("of “clothes”.")
    pad.get_by_role("button", name="Clear").click()
    assert words(page, 2) == "Draw something: a digit, or anything else."
    sheet = pad.get_by_label("Drawing pad")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    middle = box["x"] + box["width"] / 2
    with dragging(page, (middle, box["y"] + 40), (middle, box["y"] + box["height"] - 40), steps=12):
        assert "says 1" in words(page, 2)  # the pen is still down
    pad.get_by_role("button", name="Undo").click()
    assert "Draw something" in words(page, 2)
    sheet.focus()
    for key in ["ArrowUp", "ArrowUp", "ArrowUp", "Space", *["Shift+ArrowDown"] * 4, "Space"]:
        page.keyboard.press(key)
    assert "says" in words(page, 2)


def test_a_mistake_is_found_pinned_and_looked_up(page: Any) -> None:
    browser, _ = widget(page, 3), widget(page, 4)
    assert "Number 1 of" in words(page, 3)
    browser.get_by_role("button", name="Pin to compare").click()
    browser.get_by_role("button", name="Next →").click()
    page.wait_for_timeout(60)
    assert browser.locator("article:visible").count() == 2
    image = words(page, 3).split("It is image ")[1].split(" of")[0]
    browser.get_by_role("button", name="Show in the disagreement explorer").click()
    assert words(page, 4).startswith(f"Image {image},")
    assert f"This page shows {HELD} of {DIGITS} digits: the first {HELD // 2}," in words(page, 4)
    browser.get_by_label("Show", exact=True).select_option("alone")
    browser.get_by_label("True class").select_option("3")
    page.wait_for_timeout(60)
    assert "(errors of LeNet only)" in words(page, 3) or "passes these filters" in words(page, 3)


def test_an_image_that_the_page_does_not_hold(page: Any) -> None:
    explorer = widget(page, 4)
    field = explorer.get_by_label("Image", exact=True).first
    for number in reversed(range(DIGITS)):
        field.fill(f"{number}")
        field.press("Enter")
        if problem := explorer.locator("[role=alert]").first.inner_text():
            break
    sentence = f"This page holds {HELD} of {DIGITS} digits, and number {number} isn't among them."
    assert problem == sentence
    assert not words(page, 4).startswith(f"Image {number},")


def test_disagreement_with_nobody_left(page: Any) -> None:
    explorer = widget(page, 4)
    explorer.get_by_role("button", name="All off").click()
    assert "there is no answer" in words(page, 4)
    assert explorer.locator(".cw-verdict").first.inner_text() == "\N{EN DASH}"
    explorer.get_by_role("button", name="One at a time").click()
    assert "Member 1 alone says" in words(page, 4)
    explorer.get_by_role("button", name="All on").click()
    explorer.get_by_role("button", name="Most confident mistake").first.click()
    assert ", which is wrong. Entropy" in words(page, 4)
    left, right = (one.bounding_box() for one in explorer.locator(".cw-side figure canvas").all())
    if page.evaluate("innerWidth") >= 600:
        assert left["y"] == right["y"]


def test_a_dot_is_a_choice(page: Any) -> None:
    builder = widget(page, 5)
    assert builder.locator(".cw-dot-choice").count() == 15
    everybody = builder.locator("[data-choice='15']")
    everybody.scroll_into_view_if_needed()
    box = everybody.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert words(page, 5).startswith("4 of 4 members")
    builder.get_by_role("button", name="None").click()
    assert "No member is ticked" in words(page, 5)
    builder.get_by_role("button", name="Best single").click()
    assert "None of the 4 single members is better" in words(page, 5)


def test_the_calculator_says_what_builds(page: Any) -> None:
    calculator = widget(page, 6)
    typed = calculator.get_by_label("or type alpha")
    typed.fill("3")
    assert "The nearest that work are alpha = 2 and 4." in calculator.inner_text()
    typed.fill("4")
    assert "M = 4, alpha = 4. Each of the 4 members is a LeNet of 6, 16, 120 and 84" in words(
        page, 6
    )
    calculator.get_by_label("M: members").fill("2")
    assert "M = 2" in words(page, 6)


def test_temperature_moves_the_confidence_and_no_answer(page: Any) -> None:
    slider = widget(page, 7)
    slider.get_by_label("Temperature T").focus()
    page.keyboard.press("ArrowRight")
    assert words(page, 7).startswith("T = 1.01:")
    page.keyboard.press("End")
    assert "T = 5" in words(page, 7) and "underconfident" in words(page, 7)
    slider.get_by_role("button", name="T = 1, as trained").click()
    assert words(page, 7).startswith("T = 1:")


def test_averaging_by_keys_and_by_playing(page: Any) -> None:
    shown = widget(page, 8)
    shown.get_by_label("Members averaged").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert words(page, 8).startswith("The mean of the first 2 says")
    shown.get_by_role("button", name="Play").click()
    shown.get_by_role("button", name="Play again").wait_for()
    assert words(page, 8).startswith("The mean of all 4 says")


def test_bad_input_is_a_sentence(page: Any) -> None:
    assert "dictionary from model names" in widget(page, 10).inner_text()


def test_what_the_kernel_said_stands_beside_its_drawing(page: Any) -> None:
    assert words(page, 11).startswith("The 4 networks together say")
    widget(page, 11).get_by_role("button", name="Clear").click()
    assert words(page, 11).startswith("Draw something")


def test_print_shows_the_still_pictures(page: Any) -> None:
    shown = widget(page, 0)
    page.emulate_media(media="print")
    assert not shown.is_visible()
    still = page.locator(".course-live").first.locator("img")
    assert still.is_visible() and "risk" in still.get_attribute("alt").lower()
