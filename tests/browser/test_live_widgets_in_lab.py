"""Widgets in JupyterLab: page and kernel agree, and a reopened notebook is live."""

from __future__ import annotations

import json
from typing import Any

CELLS = [
    """
import numpy as np
from course_utils import widgets
from course_utils.images import load_mnist
from course_utils.metrics.predictions import Predictions
digits = load_mnist("test").subset(slice(500))
generator = np.random.default_rng(0)
logits = generator.normal(size=(500, 4, 10)) * 1.6
logits[np.arange(500), :, digits.labels] += 4
ensemble = Predictions(logits, digits.labels)
models = {"LeNet": ensemble.subset([0]), "DE-4": ensemble}
""",
    "explorer = widgets.risk_coverage_explorer(models, digits)\nexplorer",
    "desk = widgets.abstention_desk(models, models, images=digits)\ndesk",
    """
import ipywidgets
slider = ipywidgets.FloatSlider(max=1, step=0.002)
ipywidgets.link((explorer, "coverage"), (slider, "value"))
slider
""",
]


def run(page: Any, code: str) -> str:
    """Run code in the kernel and return what it printed."""
    return page.evaluate(
        """async code => {
            const { kernel } = jupyterapp.shell.currentWidget.context.sessionContext.session;
            const asked = kernel.requestExecute({ code });
            let printed = '';
            asked.onIOPub = ({ content }) => { printed += content.text ?? content.evalue ?? ''; };
            await asked.done;
            return printed;
        }""",
        code,
    )


def test_page_and_kernel_agree_and_a_closed_notebook_stays_live(opened: Any, lab: Any) -> None:
    page = opened("live", CELLS)
    explorer = page.locator(".course-widget").first
    explorer.locator(".cw-words").wait_for()
    page.wait_for_function("document.querySelectorAll('.course-widget[data-ready]').length === 2")
    assert page.locator(".course-widget .course-widget").count() == 0

    explorer.scroll_into_view_if_needed()
    explorer.locator("input[type=range]").first.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(1000)
    answered = int(explorer.locator(".cw-words").inner_text().split(" answers ")[1].split(" of")[0])
    assert answered == 445
    say = "print(explorer.coverage, explorer.point.coverage, slider.value)"
    assert [float(share) for share in run(page, say).split()] == [0.89, 0.89, 0.89]

    run(page, "explorer.model = 'DE-4'; explorer.score = 'Entropy'; slider.value = 0.5")
    page.wait_for_timeout(600)
    assert "DE-4 answers 250 of 500" in explorer.locator(".cw-words").inner_text()

    page.get_by_role("button", name="Open the test set, once").click()
    page.wait_for_timeout(800)
    assert run(page, "print(len(desk.to_frame()), desk.state.opened)").split() == ["1", "True"]
    assert "test set is open" in run(page, "desk.coverage = 0.4")

    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    path = lab.folder / "live.ipynb"
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    assert len(path.read_bytes()) < 3_000_000
    assert "widgets" in json.loads(path.read_text())["metadata"]
    page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
    page.goto(f"{lab.address}/lab/workspaces/again/tree/live.ipynb?reset")
    page.wait_for_function(
        "document.querySelectorAll('.course-widget[data-ready]:has(.cw-words)').length === 2",
        timeout=60_000,
    )
    assert "DE-4 answers 250 of 500" in explorer.locator(".cw-words").inner_text()
