"""The first page from a disk, with the network refused: by mouse and by finger, in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from driving import REPOSITORY, shoot
from looking import violations

from tools.learner.pages import Chapter
from tools.learner.run import execute, index_page, paths_of, read_chapters

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LAPTOP = {"viewport": {"width": 1400, "height": 900}}
WHO, EXPLORER = ".course-live:has(.cw-crowd)", ".course-live:has(.cw-queue)"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("front")
    notebooks = REPOSITORY / "notebooks"
    notebook = nbformat.read(notebooks / "welcome.ipynb", as_version=4)
    welcome = Chapter("welcome", notebook, 1.0, execute(notebook, folder, 300, lambda cell: None))
    assert not welcome.errors
    chapters = read_chapters(paths_of(notebooks))
    path = folder / "index.html"
    path.write_text(index_page(chapters, welcome, "Computed."), encoding="utf-8")
    return path


@pytest.fixture(params=[(PHONE, "dark"), (LAPTOP, "light")], ids=["phone", "laptop"])
def page(request: Any, browser: Any, index: Path) -> Iterator[Any]:
    options, scheme = request.param
    context = browser.new_context(**options, color_scheme=scheme, reduced_motion="reduce")
    opened, wrong = context.new_page(), []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)

    def refuse(route: Any) -> None:
        wrong.append(route.request.url)
        route.abort()

    opened.route(lambda url: not url.startswith(("file:", "data:", "blob:")), refuse)
    opened.goto(index.as_uri())
    opened.finger = options.get("has_touch", False)
    for place in opened.locator(".course-live").all():
        place.scroll_into_view_if_needed()
        place.locator(".course-widget[data-ready]").wait_for(timeout=20_000)
    yield opened
    context.close()
    assert not wrong


def press(page: Any, place: Any, **where: Any) -> None:
    (place.tap if page.finger else place.click)(**where)


def counts(page: Any) -> list[int]:
    """Answered, for a human, mistakes."""
    page.wait_for_timeout(100)
    numbers = page.locator(f"{WHO} :is(.cw-heads, .cw-mistaken) strong")
    mistakes, answered, human = map(int, numbers.all_inner_texts())  # in the order of the page
    return [answered, human, mistakes]


def test_the_first_screen_answers_a_shoe_and_what_is_drawn(page: Any) -> None:
    page.evaluate("scrollTo(0, 0)")
    shoot(page, f"front-{page.viewport_size['width']}", full_page=True)
    verdict = page.locator(".cw-verdict")
    shoe = page.locator(".cw-answer .cw-words").inner_text()
    assert verdict.inner_text() == "4" and "of “shoes”" in shoe
    sheet = page.locator(".cw-sheet canvas")
    for place in (sheet, verdict):  # both are seen at once
        box = place.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"]
    press(page, page.get_by_role("button", name="Clear"))
    page.wait_for_timeout(100)
    assert verdict.inner_text() == "?"
    box = sheet.bounding_box()
    if page.finger:
        for share in range(20, 80, 4):
            place = box["x"] + box["width"] / 2, box["y"] + box["height"] * share / 100
            page.touchscreen.tap(*place)
    else:
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8, steps=15)
        page.mouse.up()
    page.wait_for_timeout(100)
    assert verdict.inner_text() == "1"


def test_images_change_sides_and_mistakes_are_counted(page: Any) -> None:
    slider = page.locator(f"{WHO} input[type=range]")
    slider.scroll_into_view_if_needed()
    answered, human, mistakes = counts(page)
    assert answered + human == 300 and mistakes > 50
    box = slider.bounding_box()
    press(page, slider, position={"x": box["width"] * 0.35, "y": box["height"] / 2})
    fewer = counts(page)
    assert fewer[0] < answered and fewer[2] < mistakes and sum(fewer[:2]) == 300
    press(page, page.get_by_role("button", name="eight together"))
    assert counts(page)[2] < fewer[2]
    slider.focus()
    page.keyboard.press("End")  # surer than anybody can be
    assert counts(page) == [0, 300, 0]
    page.keyboard.press("Home")
    assert counts(page)[:2] == [300, 0]


def test_an_image_says_what_it_was_taken_for(page: Any) -> None:
    crowd = page.locator(f"{WHO} .cw-crowd canvas")
    crowd.scroll_into_view_if_needed()
    press(page, crowd, position={"x": 6, "y": 6})
    tip = page.locator(f"{WHO} .cw-tip").inner_text()
    assert tip.startswith("Says ") and tip.endswith(", which is right.")


def test_the_explorer_follows(page: Any) -> None:
    slider = page.locator(f"{EXPLORER} input[type=range]").first
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_timeout(100)
    words = page.locator(EXPLORER).inner_text().replace("\N{NO-BREAK SPACE}", " ")
    assert "answers 2,000 of 2,000 digits (100 %)" in words


def test_the_page_fits_and_can_be_read_by_all(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not violations(page)
