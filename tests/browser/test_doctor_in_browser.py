"""The doctor's table in a real JupyterLab: the page answers the kernel, and all can read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from driving import shoot
from looking import cut_off, in_both_themes, violations

CELLS = ["from course_utils.health import doctor\n\ndoctor.report()"]


@in_both_themes
def test_the_page_answers(opened: Callable[..., Any], dark: bool) -> None:
    page = opened("doctor", CELLS, dark=dark)
    table = page.locator(".course-findings")
    table.get_by_text("the page has answered the kernel").wait_for()
    assert table.count() == 1
    assert "fine" in table.get_by_role("row", name="Widgets").inner_text()
    shoot(page, f"doctor-{'dark' if dark else 'light'}")
    assert cut_off(page) + violations(page, [".course-findings"]) == []
