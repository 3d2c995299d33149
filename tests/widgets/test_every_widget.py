"""What holds for every public widget: odd input, two at once, cells that run again."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from widget_examples import EXAMPLES, controls_of, fiddle, set_to, shown
from widget_helpers import figures_in_memory, make_images, make_predictions, open_connections

from course_utils import widgets
from course_utils.metrics.predictions import Predictions

COUNT = 60
GOOD, IMAGES = make_predictions(COUNT), make_images(COUNT)
MADE_RIGHT = GOOD.mean.argmax(axis=1)
ODD = {
    "no labels": Predictions(GOOD.logits),
    "one member": GOOD.subset([0]),
    "many members": make_predictions(COUNT, 12),
    "two images": make_predictions(2),
    "one image": make_predictions(1),
    "all right": Predictions(GOOD.logits, MADE_RIGHT),
    "all wrong": Predictions(GOOD.logits, (MADE_RIGHT + 1) % 10),
    "three classes": make_predictions(COUNT, classes=3),
    "two classes": make_predictions(COUNT, classes=2),
    "probabilities only": Predictions.from_probabilities(GOOD.probabilities, GOOD.labels),
    "all the same": Predictions(np.zeros((COUNT, 4, 10), np.float32), GOOD.labels),
}
every = pytest.mark.parametrize("name", EXAMPLES)


def sentence(made: widgets.BaseWidget) -> str:
    """What a widget complains about, or nothing."""
    return made.pictures[0].caption if made.pictures[0].problem else ""


def is_whole(made: widgets.BaseWidget) -> bool:
    """All pictures of a widget that are there have a text."""
    return any(png for png, _, _ in shown(made)) and all(alt for png, alt, _ in shown(made) if png)


def test_every_public_widget_has_its_example() -> None:
    public = {
        name
        for name in widgets.__all__
        # what the decorator `widget` made
        if inspect.isfunction(getattr(widgets, name))
        and hasattr(getattr(widgets, name), "__wrapped__")
    }
    assert len(public) >= 7
    assert set(EXAMPLES) == public


@every
def test_good_input_is_drawn_and_every_control_answers(name: str) -> None:
    made = EXAMPLES[name].build(GOOD, IMAGES)
    assert sentence(made) == ""
    assert is_whole(made)
    assert made.still().count("<img") >= sum(bool(png) for png, _, _ in shown(made))
    assert fiddle(made) >= 2
    assert is_whole(made)


@every
def test_every_control_has_words(name: str) -> None:
    for control in controls_of(EXAMPLES[name].build(GOOD, IMAGES)):
        words = getattr(control, "description", None)
        assert words is None or re.search(r"\w", words), f"{type(control).__name__} has no name"


@every
@pytest.mark.parametrize("odd", ODD)
def test_odd_input_works_or_is_a_sentence(name: str, odd: str) -> None:
    example, predictions = EXAMPLES[name], ODD[odd]
    made = example.build(predictions, IMAGES[: len(predictions)])
    if odd == "no labels":
        assert bool(sentence(made)) == example.labels
    if sentence(made):
        assert re.fullmatch(r"[A-Z][^\n]{10,300}\.", sentence(made))
        return
    assert is_whole(made)
    fiddle(made)
    assert is_whole(made)


@every
def test_another_number_of_images_is_a_sentence(name: str) -> None:
    made = EXAMPLES[name].build(GOOD, IMAGES[:-1])
    if EXAMPLES[name].images:
        assert re.search(rf"\b({COUNT}|{COUNT - 1})\b", sentence(made))
    else:
        assert sentence(made) == ""


@every
def test_a_complaint_freezes_nothing(name: str) -> None:
    made = EXAMPLES[name].build(GOOD, IMAGES)
    made.pictures[0].complain("This makes no sense.")
    assert fiddle(made) >= 2
    assert sentence(made) != "This makes no sense."


@every
def test_two_over_the_same_predictions_leave_each_other_alone(name: str) -> None:
    logits, labels, images = GOOD.logits.copy(), GOOD.labels.copy(), IMAGES.copy()
    first, second = (EXAMPLES[name].build(GOOD, IMAGES) for _ in range(2))
    state, drawn, controls = second.state, shown(second), set_to(second)
    fiddle(first)
    assert second.state is state
    assert shown(second) == drawn
    assert set_to(second) == controls
    assert np.array_equal(GOOD.logits, logits)
    assert np.array_equal(GOOD.labels, labels)
    assert np.array_equal(IMAGES, images)
    first.close()
    assert fiddle(second) >= 2


@every
def test_a_cell_that_runs_again_leaks_nothing(name: str, notebook) -> None:
    cell = "made = build(predictions, images)\nmade"
    names = {"build": EXAMPLES[name].build, "predictions": GOOD, "images": IMAGES}
    made = notebook(cell, **names)
    notebook(cell)
    connections, in_memory = open_connections(), figures_in_memory()
    for _ in range(20):
        former, made = made, notebook(cell)
        assert former is not made
    assert open_connections() == connections
    assert figures_in_memory() <= in_memory
    assert former._heard == []  # observers of controls that an earlier run left
    assert made._heard or controls_of(made)


@pytest.mark.slow
def test_two_hundred_runs_of_the_heaviest_cell_leave_no_memory_behind() -> None:
    script = Path(__file__).with_name("run_again.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=500,
        check=True,
    )
    grown = json.loads(done.stdout.splitlines()[-1])
    # kB for a run; a closed widget stays in `Out`
    assert (grown["traced"][-1] - grown["traced"][0]) / 100 < 10
    # the same with all that is not Python's: a leak grows in each fifty, a cache fills in one
    each_fifty = np.diff(grown["resident"])
    assert len(each_fifty) == 4
    assert np.median(each_fifty) * 1e3 / 50 < 30
    assert each_fifty.sum() < 30  # MB: neither is the cache large
