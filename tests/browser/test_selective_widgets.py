"""Risk-coverage explorer and Abstention Desk in JupyterLab, by keyboard and by mouse."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driving import shoot
from looking import at_rest, changed_by, press

DATA = """
import numpy as np
from course_utils import data
from course_utils.metrics.predictions import Predictions

digits, strange = data.load_mnist("val"), data.load_fashion_mnist("val")

def pretend(labels, members, skill, seed):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(len(labels), 1, 10)) * 1.6
    logits = logits + 0.7 * generator.normal(size=(len(labels), members, 10))
    logits[np.arange(len(labels)), :, labels] += skill
    return Predictions(logits.astype("float32"), labels)

models = {"LeNet": pretend(digits.labels, 1, 5, 0), "DE-8": pretend(digits.labels, 8, 7, 1)}
ood = {"LeNet": pretend(strange.labels, 1, 0, 2), "DE-8": pretend(strange.labels, 8, 0, 3)}
"""
EXPLORER = """
from course_utils.widgets import risk_coverage_explorer
risk_coverage_explorer(models, digits)
"""
DESK = """
from course_utils.widgets import abstention_desk
abstention_desk(models, models, ood, images=digits, ood_images=strange)
"""
Open = Callable[..., Any]


def answered(alt: str) -> int:
    return int(re.search(r"([\d,]+) (?:of [\d,]+ digits|answered)", alt).group(1).replace(",", ""))


def test_keys_of_a_control_do_nothing_to_the_notebook(opened: Open) -> None:
    """JupyterLab moves by arrows and cuts a cell by x, unless a control has the focus."""
    page = opened("keys", [DATA, EXPLORER])
    at_rest(page)
    cells = page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length")
    score = page.locator(".course-widget select").nth(1)
    before = score.input_value()
    alt = changed_by(page, press(page, score, "ArrowDown"))
    assert score.input_value() != before
    assert score.input_value().lower() in alt
    for control in (score, page.locator(".course-widget .noUi-handle").first):
        for key in ("x", "b", "ArrowDown"):
            press(page, control, key)()
            assert control.evaluate("element => element === document.activeElement"), key
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == cells
    # what is meant for the notebook still reaches it
    press(page, score, "Control+s")()
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")


def test_explorer_by_keyboard_and_mouse(opened: Open) -> None:
    page = opened("explorer", [DATA, EXPLORER])
    picture = at_rest(page)
    first = picture.get_attribute("alt")
    assert "Risk-coverage curves" in first
    handles = page.locator(".noUi-handle")
    assert handles.count() == 3
    for name in ("Coverage: answered (%)", "Risk: wrong among answered (%)", "Threshold: answer"):
        page.get_by_role("slider", name=name).wait_for()
    by_key = changed_by(page, press(page, handles.nth(0), "ArrowRight"))
    assert answered(by_key) > answered(first)
    by_key = changed_by(page, press(page, handles.nth(1), "ArrowLeft"), 1)
    assert "gate" in by_key
    box = page.locator(".noUi-target").nth(2).bounding_box()
    height = box["y"] + box["height"] / 2
    by_mouse = changed_by(page, lambda: page.mouse.click(box["x"] + 0.9 * box["width"], height))
    shoot(page, "explorer")
    fewer = changed_by(page, lambda: page.mouse.click(box["x"] + 0.05 * box["width"], height))
    assert answered(fewer) < answered(by_mouse)
    model = page.get_by_label("Model")
    assert "DE-8 answers" in changed_by(page, lambda: model.select_option("DE-8"))
    assert page.get_by_role("status").first.inner_text() in picture.get_attribute("alt")


def test_desk_by_keyboard_and_mouse(opened: Open) -> None:
    page = opened("desk", [DATA, DESK])
    before = at_rest(page).get_attribute("alt")
    shoot(page, "desk")
    handle = page.locator(".noUi-handle").first
    after = changed_by(page, press(page, handle, "ArrowRight"))
    assert answered(after) > answered(before)
    cost = page.get_by_label("A wrong delivery costs (euros)")
    assert changed_by(page, lambda: (cost.focus(), page.keyboard.press("ArrowUp"))) != after
    share = page.get_by_label("OOD images in the queue")
    with_ood = changed_by(page, lambda: share.select_option("10 %"))
    assert "Validation queue of 1,100" in with_ood
    box = page.locator(".noUi-target").first.bounding_box()
    height = box["y"] + box["height"] / 2
    changed_by(page, lambda: page.mouse.click(box["x"] + 0.9 * box["width"], height))
    shoot(page, "desk-ood")
    page.get_by_role("button", name="Open the test set").click()
    page.get_by_text("The test set is open now").wait_for()
    assert "your desk" in at_rest(page, 2).get_attribute("alt")
    assert page.get_by_role("button", name="Open the test set").is_disabled()
    shoot(page, "desk-opened")


@pytest.mark.slow
def test_dark_theme_keeps_cards_white_and_words_readable(opened: Open) -> None:
    page = opened("dark", [DATA, DESK], dark=True)
    picture = at_rest(page)
    shoot(page, "desk-dark")
    card = picture.evaluate("element => getComputedStyle(element).backgroundColor")
    assert "rgb(255, 255, 255)" in card
    words = page.locator(".course-picture figcaption").first.evaluate(
        "element => getComputedStyle(element).color"
    )
    assert min(map(float, re.findall(r"[\d.]+", words)[:3])) > 180


def test_running_again_leaves_one_widget(opened: Open) -> None:
    count = "import ipywidgets\nprint('count', len(ipywidgets.widgets.widget._instances))"
    page = opened("again", [DATA, EXPLORER, count])
    counts = []
    for _ in range(3):
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        at_rest(page)
        counts.append(page.get_by_text(re.compile(r"count \d+")).last.inner_text())
    assert len(set(counts)) == 1
    assert page.locator(".course-widget").count() == 1


def test_pages_of_the_course_keep_the_picture(lab: Any) -> None:
    """What ``make run`` writes: pictures with their alt text, controls as words."""
    import nbformat
    from nbconvert.preprocessors import ExecutePreprocessor
    from tools.learner.still_widgets import freeze

    lab.write("frozen", [DATA, EXPLORER])
    notebook = nbformat.read(lab.folder / "frozen.ipynb", 4)
    ExecutePreprocessor(timeout=120).preprocess(notebook, {"metadata": {"path": str(lab.folder)}})
    freeze(notebook)
    still = notebook.cells[1].outputs[0]["data"]["text/html"]
    assert 'alt="Risk-coverage curves.' in still
    assert 'alt="The threshold as a gate.' in still
    assert "Model: LeNet" in still
    assert "<p>LeNet answers 900 of 1,000 digits" in still


def test_no_kernel_no_widget_but_the_picture(lab: Any, browser: Any, tmp_path: Path) -> None:
    """A plain export shows the still, with its alt text."""
    import nbformat
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors import ExecutePreprocessor

    lab.write("export", [DATA, EXPLORER])
    notebook = nbformat.read(lab.folder / "export.ipynb", 4)
    ExecutePreprocessor(timeout=120, store_widget_state=False).preprocess(
        notebook, {"metadata": {"path": str(lab.folder)}}
    )
    written = tmp_path / "export.html"
    written.write_text(HTMLExporter(embed_images=True).from_notebook_node(notebook)[0])
    page = browser.new_page(viewport={"width": 1000, "height": 1400})
    page.goto(written.as_uri())
    image = page.locator(".course-still img").first
    assert "Risk-coverage curves" in image.get_attribute("alt")
    assert image.evaluate("element => element.naturalWidth") > 1000
    page.close()
