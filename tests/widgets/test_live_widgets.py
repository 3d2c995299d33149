"""What Python knows of the widgets: checked input, traits that agree, data that go over once."""

from __future__ import annotations

import gc
import gzip
import weakref

import numpy as np
import pytest
from widget_helpers import make_images, make_predictions

from course_utils import widgets
from course_utils.images import load_mnist
from course_utils.metrics.predictions import Predictions
from course_utils.widgets import disagreement, front_end, misclassified, sending
from course_utils.widgets.front_end import REFERENCE, Message, packed
from tools.author import bundle
from tools.learner.page_widgets import document, scripts


@pytest.fixture
def models() -> dict[str, Predictions]:
    ensemble = make_predictions(200, 4)
    return {"LeNet": ensemble.subset([0]), "DE-4": ensemble}


def test_the_bundle_is_that_of_the_sources():
    assert bundle.check() is None


def test_a_changed_source_is_noticed(tmp_path):
    for name in ("metrics.js", "style.css", "package-lock.json"):
        (tmp_path / name).write_text("1")
    before = bundle.content_hash(tmp_path)
    (tmp_path / "style.css").write_text("2")
    assert bundle.content_hash(tmp_path) != before


# --- data ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "float32", "float64"])
def test_a_store_holds_every_bit(kind):
    array = np.random.default_rng(0).integers(0, 100, (7, 3)).astype(kind) / np.array(1, kind)
    array = array.astype(kind)
    width = array.dtype.itemsize
    planes = np.frombuffer(gzip.decompress(packed(array)), np.uint8).reshape(width, -1)
    assert np.array_equal(planes.T.copy().view(kind).reshape(array.shape), array)


def test_equal_arrays_go_over_once_and_leave_with_the_last_widget(models):
    before = set(front_end._stores)
    explorer = widgets.risk_coverage_explorer(models, make_images(200))
    held = set(front_end._stores)
    desk = widgets.abstention_desk(models, images=make_images(200))
    assert set(front_end._stores) == held
    assert desk.given["images"] == explorer.given["images"]
    assert desk.given["images"].startswith(REFERENCE)
    browser = widgets.misclassified_browser(models, make_images(200))
    means = set(front_end._stores) - held  # which only the browser shows
    assert [front_end._stores[key].shape for key in means] == [[200, 10]] * 2
    explorer.close()
    desk.close()
    assert set(front_end._stores) == held | means
    browser.close()
    assert set(front_end._stores) == before


def test_explorer_and_desk_send_scores_instead_of_logits(models):
    test = {name: make_predictions(300, one.num_members, seed=4) for name, one in models.items()}
    shown = [
        widgets.risk_coverage_explorer(models),
        widgets.abstention_desk(models, test, models),
    ]
    stores = [front_end._stores[key] for one in shown for key in one._keys]
    numbers = {(count,) for count in (200, 300, 40, 60)}  # of the queues and their OOD images
    by_score = {(scores, *one) for scores in (5, 8) for one in numbers}
    assert {tuple(store.shape) for store in stores} == numbers | by_score


def test_ten_thousand_digits_leave_room_for_the_rest_of_a_page():
    whole = make_predictions(10_000, 8)
    models = {"LeNet": whole.subset([0]), "PE-4": whole.subset(range(4)), "DE-8": whole}
    explorer = widgets.risk_coverage_explorer(models, load_mnist("test").images)
    in_base64 = sum(len(front_end._stores[key].content) for key in explorer._keys) * 4 / 3
    assert in_base64 < 2_800_000  # 8 members' logits alone are 3.6 MB


def test_what_is_only_shown_is_as_fine_as_its_words(models):
    probabilities = models["DE-4"].probabilities
    sent = sending.shown(models["DE-4"])["members"]
    for member, values in enumerate(sent):
        assert np.abs(values / 1e6 - probabilities[:, member]).max() <= 0.5e-6
    greys = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    assert len(np.unique(sending.pictures(greys))) == 16
    assert np.abs(sending.pictures(greys).astype(int) - greys).max() == 8


def test_a_closed_widget_holds_no_data(models):
    desk = widgets.abstention_desk(models)
    data = weakref.ref(desk.validation)
    desk.close()
    gc.collect()
    assert data() is None and desk.given == {}


def test_a_page_holds_each_array_and_the_front_end_once(models):
    shown = [widgets.risk_coverage_explorer(models), widgets.abstention_desk(models)]
    page = document(shown)
    assert page.count("tools.author.bundle") == 1
    store = shown[0].given["labels"].removeprefix(REFERENCE)
    assert page.count(f'"{store}":') == 1
    assert all(f'data-widget="{one.model_id}"' in page for one in shown)
    assert "http" not in page.split("<script")[1]
    assert scripts({}, ["unknown"]) == ""


# --- input that makes no sense ------------------------------------------------------------------
def probabilities_only(models):
    return Predictions.from_probabilities(models["DE-4"].probabilities, models["DE-4"].labels)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: widgets.risk_coverage_explorer({}), "dictionary"),
        (lambda m: widgets.risk_coverage_explorer(m, make_images(3)), "3 images but 200"),
        (
            lambda m: widgets.risk_coverage_explorer({"A": m["LeNet"].take([])}),
            "at least one image",
        ),
        (lambda m: widgets.abstention_desk(m, {"LeNet": m["LeNet"]}), "same models"),
        (lambda m: widgets.abstention_desk(m, ood={"LeNet": m["LeNet"]}), "no OOD images for DE-4"),
        (lambda m: widgets.disagreement_explorer(m, None), "images are missing"),
        (lambda m: widgets.misclassified_browser(m, None), "images are missing"),
        (lambda m: widgets.ensemble_builder("logits"), "needs Predictions"),
        (lambda m: widgets.drawing_pad(3), "needs a network"),
        (lambda m: widgets.drawing_pad(lambda images: 3), "must return Predictions"),
        (lambda m: widgets.temperature_slider(probabilities_only(m)), "need logits"),
        (lambda m: widgets.averaging(m["LeNet"]), "one member"),
    ],
)
def test_bad_input_is_a_sentence_in_the_place_of_the_widget(models, call, words):
    shown = call(models)
    assert isinstance(shown, Message)
    assert words in shown.given["sentence"]
    assert words in shown.still()


# --- explorer -----------------------------------------------------------------------------------
def test_coverage_and_threshold_follow_each_other(models):
    explorer = widgets.risk_coverage_explorer(models)
    curve = explorer.ranking.curve
    explorer.coverage = 0.503
    assert explorer.threshold == curve.threshold_for_coverage(0.503)
    assert explorer.coverage == curve.at_threshold(explorer.threshold).coverage
    explorer.threshold = 0.1
    assert explorer.threshold == 0.1
    assert explorer.coverage == (explorer.ranking.uncertainty <= 0.1).mean()
    assert explorer.risk == explorer.point.risk
    explorer.coverage = 0
    assert explorer.threshold == -np.inf and np.isnan(explorer.risk)


def test_another_model_or_score_keeps_the_coverage(models):
    explorer = widgets.risk_coverage_explorer(models)
    explorer.coverage = 0.6
    explorer.model = "DE-4"
    explorer.score = "Entropy"
    assert explorer.coverage == pytest.approx(0.6)
    assert explorer.point.coverage == explorer.coverage
    explorer.score = "Mutual information"
    explorer.model = "LeNet"  # which has no such score
    assert explorer.score == "Maximum probability"


@pytest.mark.parametrize(
    ("name", "value"),
    [("model", "DE-9"), ("score", "Luck"), ("coverage", 1.2), ("threshold", float("nan"))],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(models, name, value):
    explorer = widgets.risk_coverage_explorer(models)
    before = getattr(explorer, name)
    with pytest.raises(ValueError):
        setattr(explorer, name, value)
    assert getattr(explorer, name) == before


def test_minus_infinity_travels_as_null(models):
    explorer = widgets.risk_coverage_explorer(models)
    explorer.coverage = 0
    assert explorer.get_state(["threshold"])["threshold"] is None
    explorer.set_state({"threshold": None, "coverage": 0.0})
    assert explorer.threshold == -np.inf


# --- desk ---------------------------------------------------------------------------------------
def test_a_desk_opens_the_test_set_and_keeps_its_rounds(models):
    test = {name: make_predictions(300, one.num_members, seed=4) for name, one in models.items()}
    desk = widgets.abstention_desk(models, test)
    desk.cost_wrong, desk.coverage = 20, 0.7
    desk.opened = True
    with pytest.raises(ValueError, match="test set is open"):
        desk.model = "DE-4"
    desk.opened = False
    desk.model = "DE-4"
    desk.opened = True
    frame = desk.to_frame()
    assert list(frame["model"]) == ["LeNet", "DE-4"]
    wrong = (desk.test.ranking("LeNet", desk.score).uncertainty <= frame.threshold[1]) & ~test[
        "LeNet"
    ].correct
    answered = desk.test.ranking("LeNet", desk.score).uncertainty <= frame.threshold[1]
    assert frame.cost[1] == pytest.approx(20 * wrong.mean() + (~answered).mean())
    assert desk.state.opened and desk.state.cost_wrong == 20


def test_the_still_of_a_desk_shows_no_costs_before_the_choice(models):
    desk = widgets.abstention_desk(models, models)
    assert "cost" not in desk.picture().alt.lower()
    desk.opened = True
    assert "cost" in desk.picture().alt.lower()


@pytest.mark.parametrize(
    ("name", "value"), [("cost_wrong", -1), ("cost_refer", 2e6), ("ood_share", 0.5)]
)
def test_costs_and_ood_images_have_limits(models, name, value):
    desk = widgets.abstention_desk(models, models)
    with pytest.raises(ValueError, match="must lie between"):
        setattr(desk, name, value)


def test_ood_images_raise_the_cost_of_a_desk_that_does_not_know(models):
    ood = {
        n: Predictions(np.zeros((80, m.num_members, 10)) + np.eye(10)[0] * 9)
        for n, m in models.items()
    }
    desk = widgets.abstention_desk(models, ood=ood)
    before, threshold = desk.validation.costs(desk.state).cost_at(desk.threshold), desk.threshold
    desk.ood_share = 0.2
    assert desk.threshold == threshold
    assert desk.validation.costs(desk.state).cost_at(threshold) > before


# --- the others ---------------------------------------------------------------------------------
def test_the_pad_answers_in_the_page_if_its_networks_are_lenets():
    torch = pytest.importorskip("torch")
    from course_utils.networks.models import LeNet

    network = LeNet()
    pad = widgets.drawing_pad(network)
    assert len(pad.given["networks"]) == 1
    pad.draw(make_images(1)[0])
    assert pad.answer == {}  # the page needs none
    assert pad.predictions.num_members == 1

    class Doubled(LeNet):
        def forward(self, images):
            return 2 * super().forward(images)

    torch.manual_seed(0)
    other = widgets.drawing_pad(Doubled(), examples=make_images(3))
    assert other.given["networks"] == []
    assert np.array(other.answer["rows"]).shape == (1, 10)
    assert other.answer["seen"] == other.image.ravel().tolist()


def test_the_browser_finds_the_mistakes_that_it_shows(models):
    browser = widgets.misclassified_browser(models, make_images(200))
    assert set(browser.found) == set(np.flatnonzero(~models["LeNet"].correct))
    uncertainty = browser.rankings.ranking("LeNet", browser.score).uncertainty
    assert (np.diff(uncertainty[browser.found]) <= 0).all()
    browser.errors = "alone"
    assert models["DE-4"].correct[browser.found].all()
    browser.place = 1
    browser.truth = 3
    assert browser.place == 0
    assert (models["LeNet"].labels[browser.found] == 3).all()


def test_the_explorer_of_disagreement_opens_on_the_most_disputed(models):
    explorer = widgets.disagreement_explorer(models, make_images(200))
    assert explorer.model == "DE-4" and explorer.members == [True] * 4
    explorer.members = [True, False, False, True]
    explorer.model = "LeNet"
    assert explorer.members == [True]
    with pytest.raises(ValueError, match="200 images with numbers from 0 to 199"):
        explorer.index = 200


def test_a_page_holds_what_is_worth_looking_at():
    many = make_predictions(3000, 2)
    models = {"LeNet": many.subset([0]), "DE-2": many}
    wrong = np.flatnonzero(~models["LeNet"].correct | ~many.correct)
    explorer = widgets.disagreement_explorer(models, make_images(3000))
    held = explorer.shown["index"]
    assert len(held) == disagreement.SHOWN and set(wrong) <= set(held)
    assert (held[: disagreement.FIRST] == np.arange(disagreement.FIRST)).all()
    assert (
        explorer.index in held and many.take([explorer.index]).labels == many.labels[explorer.index]
    )
    with pytest.raises(ValueError, match="but not number"):
        explorer.index = int(np.setdiff1d(np.arange(3000), held)[0])
    browser = widgets.misclassified_browser(models, make_images(3000))
    assert set(wrong) <= set(browser.numbers)
    assert len(browser.numbers) == len(wrong) + misclassified.RIGHT
    assert browser.index in wrong
    assert browser.given["set"] == explorer.given["set"]


def test_the_builder_measures_its_choice(models):
    builder = widgets.ensemble_builder(models["DE-4"])
    builder.chosen = [2, 0, 2]
    assert builder.chosen == [0, 2]
    table = {choice: row for choice, *row in builder.given["table"]}
    assert len(table) == 15
    assert table[0b101][0] == models["DE-4"].subset(builder.chosen).correct.mean()
    with pytest.raises(ValueError, match="from 0 to 3; there is no 4"):
        builder.chosen = [4]


def test_the_calculator_refuses_what_does_not_build():
    calculator = widgets.packed_calculator()
    with calculator.hold_trait_notifications():
        calculator.num_members, calculator.alpha = 8, 4
    assert "M = 8" in calculator.still()
    with pytest.raises(ValueError, match="can't be built"):
        calculator.num_members = 7


def test_a_temperature_scales(models):
    slider = widgets.temperature_slider(models["LeNet"])
    slider.temperature = 3
    assert "T = 3" in slider.still()
    with pytest.raises(ValueError):
        slider.temperature = 0


def test_averaging_holds_the_most_disputed_images(models):
    from course_utils.metrics.scores import mutual_information

    shown = widgets.averaging(models["DE-4"], make_images(200))
    assert shown.shown[0] == mutual_information(models["DE-4"]).argmax()
    assert len(shown.predictions) == 40
