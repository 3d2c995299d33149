"""What holds for every public widget: odd input, names of any kind, cells that run again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from widget_examples import BUILD
from widget_helpers import make_images, make_predictions, open_connections

from course_utils import widgets
from course_utils.metrics.predictions import Predictions
from course_utils.widgets import front_end
from course_utils.widgets.front_end import LiveWidget, Message
from tools.learner.page_widgets import document

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
# Without labels nothing is right or wrong; what only shows answers does without.
NEED_NO_LABELS = {"averaging", "disagreement_explorer", "drawing_pad", "packed_calculator"}
NEED_NO_IMAGES = {"drawing_pad", "ensemble_builder", "packed_calculator", "temperature_slider"}
EVIL = '<img src=x onerror="alert(1)">'
every = pytest.mark.parametrize("name", BUILD)


def sentence(made: LiveWidget) -> str:
    """What a widget complains about, or nothing."""
    return made.given["sentence"] if isinstance(made, Message) else ""


def test_every_public_widget_has_its_example() -> None:
    assert set(BUILD) == set(widgets.__all__)


@every
def test_good_input_is_sent_and_drawn(name: str) -> None:
    made = BUILD[name](GOOD, IMAGES)
    assert sentence(made) == ""
    assert re.search(r'<img [^>]*alt="[A-Z]', made.still())


@every
@pytest.mark.parametrize("odd", ODD)
def test_odd_input_works_or_is_a_sentence(name: str, odd: str) -> None:
    predictions = ODD[odd]
    made = BUILD[name](predictions, IMAGES[: len(predictions)])
    if odd == "no labels":
        assert bool(sentence(made)) == (name not in NEED_NO_LABELS)
    if sentence(made):
        assert re.fullmatch(r"[A-Z][^\n]{10,300}\.", sentence(made))
    else:
        assert re.search(r'<img [^>]*alt="[A-Z]', made.still())
    json.dumps(made.get_state(drop_defaults=False)["given"], allow_nan=False)


@every
def test_another_number_of_images_is_a_sentence(name: str) -> None:
    made = BUILD[name](GOOD, IMAGES[:-1])
    assert bool(sentence(made)) == (name not in NEED_NO_IMAGES)
    if sentence(made):
        assert re.search(rf"\b({COUNT}|{COUNT - 1})\b", sentence(made))


@every
def test_names_stay_words(name: str) -> None:
    made = BUILD[name](GOOD, IMAGES, prefix=EVIL)
    assert sentence(made) == ""
    assert "<img src=x" not in made.still()
    page = document([made])
    assert "<img src=x" not in page.partition("<script")[0]


@every
def test_a_cell_that_runs_again_leaks_nothing(name: str, notebook) -> None:
    cell = "made = build(predictions, images)\nmade"
    notebook(cell, build=BUILD[name], predictions=GOOD, images=IMAGES)
    made = notebook(cell)
    connections, stores = open_connections(), len(front_end._stores)
    for _ in range(5):
        former, made = made, notebook(cell)
        assert former is not made
    assert open_connections() == connections
    assert len(front_end._stores) == stores


@pytest.mark.slow
def test_many_runs_of_the_heaviest_cell_leave_no_memory_behind() -> None:
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
    # kB for a run
    assert (grown["traced"][-1] - grown["traced"][0]) / 20 < 10
    # the same with all that is not Python's: a leak grows in each thirty, a cache fills in one
    each_thirty = np.diff(grown["resident"])
    assert len(each_thirty) == 4
    assert np.median(each_thirty) * 1e3 / 30 < 30
    assert each_thirty.sum() < 30  # MB: neither is the cache large
