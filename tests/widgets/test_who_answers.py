"""Who answers? The counts that Python and the page agree on."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from course_utils.figures import style
from course_utils.metrics.predictions import Predictions
from course_utils.widgets.front_end import Message
from course_utils.widgets.who_answers import WhoAnswers, who_answers

IMAGES = np.zeros((4, 28, 28), np.uint8)
NODE = shutil.which("node")
# Confidence and answer: digits 0 to 3, of which the last is taken for a 7, and strays.
INSIDE, STRAYS = [0.99, 0.9, 0.6, 0.95], [0.97, 0.5, 0.5, 0.4]


def said(confidence: list[float], answers: list[int], labels=None) -> Predictions:
    rest = (1 - np.array(confidence)) / 9
    probabilities = np.repeat(rest[:, None], 10, axis=1)
    probabilities[np.arange(len(answers)), answers] = confidence
    return Predictions.from_probabilities(probabilities[:, None], labels)


@pytest.fixture
def asked() -> WhoAnswers:
    models = {"one": (said(INSIDE, [0, 1, 2, 7], np.arange(4)), said(STRAYS, [4, 4, 5, 6]))}
    return who_answers(models, IMAGES, IMAGES, stray_names=["a bag"] * 4)


@pytest.mark.parametrize(
    ("sure", "answered", "mistakes"),
    [(0.0, 8, 5), (0.55, 5, 2), (0.95, 3, 2), (0.98, 1, 0), (1.1, 0, 0)],
)
def test_answers_and_mistakes_are_counted(
    asked: WhoAnswers, sure: float, answered: int, mistakes: int
) -> None:
    asked.sure = sure
    assert (asked.answered, asked.mistakes) == (answered, mistakes)
    number = style.plural(mistakes, "mistake")
    assert f"answers {answered} of 8 images and makes {number}." in asked.words()
    assert asked.picture().alt


def test_unknown_names_are_refused(asked: WhoAnswers) -> None:
    with pytest.raises(ValueError, match="no model 'two'"):
        asked.model = "two"


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ({}, "dictionary"),
        ({"one": (said(INSIDE[:2], [0, 1], np.arange(2)), said(STRAYS, [4] * 4))}, "every image"),
        ({"one": (said(INSIDE, [0] * 4), said(STRAYS, [4] * 4))}, "true labels"),
    ],
)
def test_input_without_sense_is_a_sentence(models: dict, words: str) -> None:
    made = who_answers(models, IMAGES, IMAGES, stray_names=["a bag"] * 4)
    assert isinstance(made, Message) and words in made.words()


@pytest.mark.node
@pytest.mark.skipif(NODE is None, reason="Node is an authors' tool; the bundle needs none")
def test_the_page_counts_and_words_alike() -> None:
    source = Path(__file__).resolve().parents[2] / "course_utils" / "widgets" / "js" / "who.js"
    script = f"""
        const {{ answeredAt, describe, ranked }} = await import({json.dumps(source.as_uri())});
        const sure = Float64Array.from({json.dumps(INSIDE + STRAYS)});
        const {{ order, steps }} = ranked(sure);
        console.log(JSON.stringify({{ order, steps,
            answered: [0, 0.55, 0.95, 0.98, 1.1].map((one) => answeredAt(sure, one)),
            words: [[0, 0, 0], [8, 1, 4], [3, 1, 1], [1, 0, 0]].map((one) => describe(8, ...one)),
        }}));"""
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    page = json.loads(done.stdout)
    assert page["order"] == [0, 4, 3, 1, 2, 5, 6, 7]
    assert page["steps"] == [1, 2, 3, 4, 5, 7, 8]  # the two at 0.5 change sides together
    assert page["answered"] == [8, 5, 3, 1, 0]
    assert page["words"] == [
        "Nothing is answered, and nothing is wrong: a human looks at everything.",
        "All 8 are answered, with 5 mistakes: 1 digit misread, and 4 pieces of clothing taken "
        "for a digit. A human looks at 0.",
        "3 of 8 are answered, with 2 mistakes: 1 digit misread, and 1 piece of clothing taken "
        "for a digit. A human looks at 5.",
        "1 of 8 is answered, without a mistake. A human looks at 7.",
    ]
