"""A deck in JupyterLab's slideshow: next slide, a control moved, another picture."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from driving import REPOSITORY, Lab, errors, run_all, shoot

DECK = "00_opening"
SECONDS = 240
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def presented(lab: Lab, browser: Any) -> Any:
    """The opening, executed, as a running slideshow."""
    pytest.importorskip("jupyterlab_slideshow", reason="needs: pip install jupyterlab-slideshow")
    shutil.copy(REPOSITORY / "slides" / f"{DECK}.ipynb", lab.folder)
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    run_all(page, lab.address, DECK, seconds=SECONDS)
    assert errors(page) == []
    # as the instructor guide says: the deck starts at the selected cell
    page.evaluate("jupyterapp.shell.currentWidget.content.widgets[0].node.scrollIntoView()")
    page.get_by_role("heading", name="When to trust a classifier").click()
    page.evaluate("jupyterapp.commands.execute('deck:start')")
    page.wait_for_selector("[data-jp-deck-mode='presenting']", state="attached")
    page.wait_for_selector(".jp-deck-mod-onscreen h1")
    yield page
    page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
    page.close()


def shown(page: Any) -> str:
    """The words of the slide on the screen."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.jp-deck-mod-onscreen')]
            .map(cell => cell.textContent).join(' ')"""
    )


def forward(page: Any) -> None:
    """One step on: the next part of this slide, or the next slide."""
    active = "jupyterapp.shell.currentWidget.content.activeCellIndex"
    before = page.evaluate(active)
    page.evaluate("jupyterapp.commands.execute('deck:forward')")
    page.wait_for_function(f"{active} !== {before}", timeout=20_000)


def test_a_widget_answers_on_its_slide(presented: Any) -> None:
    page = presented
    for _ in range(60):
        if "What does silence cost" in shown(page):
            break
        forward(page)
    assert "What does silence cost" in shown(page)
    widget = page.locator(".jp-deck-mod-onscreen .course-widget").first
    words = widget.locator(".cw-words").first
    before = words.inner_text()
    shoot(page, "presenting-before")
    widget.get_by_label("Answer the surest").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([words, before]) => words.textContent !== before", arg=[words.element_handle(), before]
    )
    shoot(page, "presenting-after")
    assert "What does silence cost" in shown(page)  # the arrow key moved the slider, not the deck
    assert errors(page) == []
