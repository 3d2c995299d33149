"""A question on a page from a file, answered by mouse, touch and keyboard, without a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from looking import violations

from course_utils.exercises import Choice
from tools.learner.page_widgets import document

QUESTION = Choice(
    name="ex9_9",
    title="Which way?",
    objective="choose",
    minutes=1,
    task="Which way?",
    stub="answer = ...",
    passed="answer",
    hints=("Look `left`.", "Look right.", "*Listen*."),
    answer='answer = "b"',
    why="It is the *only* way, says `map`.",
    correct="b",
    options={"a": "left, over a < b", "b": "right"},
    reasons={"a": "that is a wall."},
)


@pytest.fixture(params=["light", "dark"])
def page(request: Any, browser: Any, tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "question.html"
    path.write_text(document([QUESTION.ask()]), encoding="utf-8")
    context = browser.new_context(
        viewport={"width": 390, "height": 800}, has_touch=True, color_scheme=request.param
    )
    shown = context.new_page()
    wrong: list[str] = []
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.goto(path.as_uri())
    shown.wait_for_selector(".cw-question")
    yield shown
    context.close()
    assert not wrong


def said(page: Any) -> str:
    return page.locator(".cw-judged").inner_text()


def test_by_touch(page: Any) -> None:
    check = page.get_by_role("button", name="Check")
    check.tap()
    assert said(page) == "Choose an answer first."
    page.get_by_label("left, over a < b").tap()
    check.tap()
    assert said(page) == "→ Not yet. That is a wall."
    page.get_by_label("right", exact=True).tap()
    assert said(page) == ""  # another answer is not judged until it is checked
    check.tap()
    assert said(page) == "✓ Right. It is the only way, says map."
    assert page.locator(".cw-judged em").inner_text() == "only"
    assert page.locator(".cw-judged code").inner_text() == "map"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not violations(page)


def test_by_keyboard(page: Any) -> None:
    page.locator("input[type=radio]").first.focus()
    page.keyboard.press("ArrowDown")
    chosen = page.locator("input:checked").get_attribute("value")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert said(page).startswith("✓ Right." if chosen == "b" else "→ Not yet.")


def test_hints_come_one_by_one_and_the_solution_when_asked_for(page: Any) -> None:
    hint, solution = (page.get_by_role("button", name=name) for name in ("Hint", "Solution"))
    assert page.locator(".cw-help").inner_text() == ""
    for number in (1, 2, 3):
        hint.tap()
        assert page.locator(".cw-help h4").count() == number
    assert hint.is_disabled()
    solution.tap()
    words = page.locator(".cw-help").inner_text()
    assert "Hint 3 of 3" in words and "Solution" in words and "right. It is the only way" in words
