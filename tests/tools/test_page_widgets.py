"""Widgets in pages and decks: the course's own live on, others stand still."""

from __future__ import annotations

import json
from collections.abc import Iterator

import ipywidgets
import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.health.live_table import LiveTable
from course_utils.health.report import Finding
from course_utils.metrics.predictions import Predictions
from course_utils.widgets.front_end import LiveWidget
from course_utils.widgets.who_answers import who_answers
from tools.learner.front_page import front_page
from tools.learner.page_widgets import STATE, VIEW, host
from tools.learner.pages import Chapter, chapter_page
from tools.presenter.slide_pages import deck_page


def small() -> LiveWidget:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (6, 28, 28)).astype(np.uint8)
    logits = generator.normal(size=(6, 1, 10))
    both = Predictions(logits, np.arange(6)), Predictions(logits)
    return who_answers({"one": both}, images, images, stray_names=["a bag"] * 6)


@pytest.fixture
def live() -> Iterator[LiveWidget]:
    made = small()
    yield made
    made.close()


def shown(widget: ipywidgets.Widget, html: str = "") -> nbformat.NotebookNode:
    data = {VIEW: {"model_id": widget.model_id}, "text/plain": "a widget"}
    data |= {"text/html": html} if html else {}
    return new_code_cell("show()", outputs=[new_output("display_data", data)])


def executed(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    state = ipywidgets.Widget.get_manager_state()
    return new_notebook(cells=list(cells), metadata={"widgets": {STATE: state}})


def state_in(page: str) -> dict:
    (script,) = BeautifulSoup(page, "html.parser").select("script#course-widgets")
    return json.loads(script.string)["state"]


def test_links_lead_to_pages_where_there_are_some() -> None:
    words = "[On](02_lenet.ipynb), and [more](appendix/more.ipynb)."
    notebook = new_notebook(cells=[new_markdown_cell(words)])
    page = BeautifulSoup(chapter_page(Chapter("01_data", notebook, 1.0), None, None), "html.parser")
    assert page.main.a["href"] == "02_lenet.html"
    assert "and more (appendix/more.ipynb)." in page.main.get_text()


def test_a_chapter_has_data_and_front_end_once(live: LiveWidget) -> None:
    again = small()  # of the same data
    ids = [live.model_id, again.model_id]
    notebook = executed(
        new_markdown_cell("# Two"), shown(live, live.still()), shown(again, again.still())
    )
    page = chapter_page(Chapter("1_two", notebook, 1.0), None, None)
    again.close()
    places = BeautifulSoup(page, "html.parser").select(".course-live")
    assert [one["data-widget"] for one in places] == ids
    assert all(one.select_one(".course-still img")["alt"] for one in places)
    assert page.count("/* The widgets of the course, bundled") == 1
    state = state_in(page)
    # both widgets, and a store for each of images, labels, confidences and answers
    assert len(state) == 2 + 4 and all("_esm" not in one["state"] for one in state.values())
    assert page.rstrip().endswith("</body>\n</html>") or page.rstrip().endswith("</body></html>")


def test_a_page_without_widgets_carries_no_front_end() -> None:
    slider = ipywidgets.IntSlider(description="Level", value=3)
    notebook = executed(shown(slider))
    page = chapter_page(Chapter("1_none", notebook, 1.0), None, None)
    assert "course-widgets" not in page
    still = BeautifulSoup(page, "html.parser").select_one(".course-frozen")
    assert still.select_one(".control").text == "Level: 3"


def test_a_widget_inside_a_box_lives_too(live: LiveWidget) -> None:
    slider = ipywidgets.FloatSlider(description="Sure", value=0.5)
    box = ipywidgets.VBox([slider, live])
    notebook = executed(shown(box))
    box.close()
    scripts = host(notebook)
    html = notebook.cells[0].outputs[0].data["text/html"]
    assert f'data-widget="{live.model_id}"' in html and "Sure: 0.5" in html
    assert live.model_id in state_in(scripts)


def test_a_deck_shows_the_widget_and_prints_the_still_beside_it(live: LiveWidget) -> None:
    widget, still = shown(live, live.still()), new_code_cell("draw()")
    still.outputs = [new_output("display_data", {"text/html": "<p>a drawing</p>"})]
    widget.metadata["tags"], still.metadata["tags"] = ["live"], ["still"]
    still.metadata["slideshow"] = {"slide_type": "skip"}
    deck = BeautifulSoup(
        deck_page(executed(new_markdown_cell("# Deck"), widget, still), "C"), "html.parser"
    )
    screen, paper = deck.select_one(".on-screen"), deck.select_one(".on-screen + .on-paper")
    assert screen.select_one("[data-prevent-swipe] .course-live")
    assert paper.get_text(strip=True).endswith("a drawing")
    assert live.model_id in state_in(str(deck))


def test_the_front_page_is_the_welcome_notebook_without_its_code(live: LiveWidget) -> None:
    text = "- [1. Data](01_data.ipynb), 30 minutes. Look at digits,\n  and at `none`.\n"
    for_lab = new_markdown_cell(text, metadata={"tags": ["lab"]})
    hello, more = new_markdown_cell("# Hello\n\nDraw."), new_markdown_cell("## More")
    notebook = executed(hello, for_lab, shown(live, live.still()), more)
    welcome = Chapter("welcome", notebook, 1.0)
    data = Chapter("01_data", new_notebook(cells=[new_markdown_cell("# 1. Data")]), 2.0)
    later = Chapter("02_lenet", new_notebook(cells=[new_markdown_cell("# 2. LeNet")]))
    html = front_page([data, later], welcome, buttons="", below="", picture="p.png")
    page = BeautifulSoup(html, "html.parser")
    hero = page.select_one("main > section")
    assert hero.h1.get_text() == "Hello" and hero.select_one(".course-live")
    assert "show()" not in page.main.get_text() and live.model_id in state_in(html)
    first, second = page.select(".card")
    assert first.a["href"] == "01_data.html"
    assert first.p.get_text() == "Look at digits, and at none."
    assert second.a is None and "not run yet" in second.get_text()
    assert page.select_one("meta[name=description]")["content"]
    assert page.select_one("meta[property='og:image']")["content"] == "p.png"
    assert page.select_one("link[rel=icon]")["href"].startswith("data:image/svg+xml")


def test_a_widget_of_another_kind_keeps_its_html_beside_one_of_the_course(
    live: LiveWidget,
) -> None:
    table = LiveTable([Finding("Disk", "fine", "room enough")], [])
    notebook = executed(shown(live, live.still()), shown(table, table.still()))
    page = chapter_page(Chapter("1_two", notebook, 1.0), None, None)
    assert table.model_id not in state_in(page)
    table.close()
    assert "room enough" in BeautifulSoup(page, "html.parser").main.get_text()
