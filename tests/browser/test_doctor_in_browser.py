"""The doctor's table in a real JupyterLab: the page answers the kernel, and all can read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from driving import shoot, use_theme
from looking import violations

CELLS = ["from course_utils.health import doctor\n\ndoctor.report()"]


def test_the_page_answers(opened: Callable[..., Any]) -> None:
    page = opened("doctor", CELLS)
    table = page.locator(".course-findings")
    table.get_by_text("the page has answered the kernel").wait_for()
    assert table.count() == 1
    assert "fine" in table.get_by_role("row", name="Widgets").inner_text()
    for theme in ("Dark", "Light"):
        use_theme(page, theme)
        shoot(page, f"doctor-{theme.lower()}")
        assert violations(page, [".course-findings"]) == []
