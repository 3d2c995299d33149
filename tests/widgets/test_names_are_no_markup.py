"""Names that somebody gives to models, members and classes are words, whatever stands in them."""

from __future__ import annotations

import ipywidgets
import pytest
from widget_examples import answers, fiddle
from widget_helpers import make_images, make_predictions

from course_utils import widgets
from course_utils.widgets.base import parts_of

EVIL = '<img src=x onerror="alert(1)">'
COUNT = 40
PREDICTIONS, IMAGES = make_predictions(COUNT), make_images(COUNT)
MODELS = {f"{EVIL} 1": PREDICTIONS.subset([0]), f"{EVIL} 2": PREDICTIONS}
CLASSES = [f"{EVIL} {number}" for number in range(10)]
MEMBERS = [f"{EVIL} {number}" for number in range(PREDICTIONS.num_members)]
NAMED = {
    "abstention_desk": lambda: widgets.abstention_desk(
        MODELS, MODELS, MODELS, images=IMAGES, ood_images=IMAGES
    ),
    "disagreement_explorer": lambda: widgets.disagreement_explorer(
        MODELS, IMAGES, ood=MODELS, ood_images=IMAGES, class_names=CLASSES
    ),
    "drawing_pad": lambda: widgets.drawing_pad(
        answers(PREDICTIONS), examples={EVIL: IMAGES}, class_names=CLASSES
    ),
    "ensemble_builder": lambda: widgets.ensemble_builder(
        PREDICTIONS, PREDICTIONS, member_names=MEMBERS
    ),
    "misclassified_browser": lambda: widgets.misclassified_browser(
        MODELS, IMAGES, class_names=CLASSES
    ),
    "risk_coverage_explorer": lambda: widgets.risk_coverage_explorer(
        MODELS, IMAGES, class_names=CLASSES
    ),
}


def markup(made: widgets.BaseWidget) -> list[str]:
    """Everything of a widget that a page takes for HTML."""
    parts = parts_of(made)
    taken = [part.value for part in parts if isinstance(part, (ipywidgets.HTML,))]
    if ipywidgets.__version__.startswith("7."):
        taken += [
            part.description
            for part in parts
            if hasattr(part, "description") and not isinstance(part, ipywidgets.Button)
        ]
    return [made.still(), *taken]


@pytest.mark.parametrize("name", NAMED)
def test_names_stay_words(name: str) -> None:
    made = NAMED[name]()
    assert not made.pictures[0].problem, made.pictures[0].caption
    for _ in range(2):
        assert not [html for html in markup(made) if "<img src=x" in html]
        fiddle(made)


def test_descriptions_are_escaped_for_version_7_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipywidgets, "__version__", "7.7.1")
    assert widgets.control(ipywidgets.Checkbox, "<b>").description == "&lt;b&gt;"
    assert widgets.control(ipywidgets.Button, "<b>").description == "<b>"
    monkeypatch.setattr(ipywidgets, "__version__", "8.1.7")
    assert widgets.control(ipywidgets.Checkbox, "<b>").description == "<b>"
