"""Sample grid, augmentation sheet, gallery of mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from figure_examples import DEEP, IMAGES, SINGLE, make_images, make_predictions
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

from course_utils import figures
from course_utils._support import validation as checks
from course_utils.figures import images as drawing
from course_utils.metrics.predictions import Predictions


def texts_of(picture: figures.Picture) -> list[str]:
    return [text.get_text() for axes in picture.figure.axes for text in axes.texts]


def test_a_mask_is_ink_and_paper() -> None:
    mask = np.eye(3, dtype=bool)
    stack = checks.image_stack(mask[None])
    assert stack.dtype == np.uint8
    assert (stack == np.where(mask, 255, 0)).all()
    assert (checks.one_image(mask) == stack[0]).all()


def test_mosaic_puts_each_tile_in_its_place_as_dark_ink() -> None:
    tiles = make_images(6).reshape(2, 3, 28, 28)
    joined = drawing.mosaic(tiles, gap=1)
    assert joined.shape == (2 * 29 + 1, 3 * 29 + 1)
    for row in range(2):
        for column in range(3):
            y, x = 1 + 29 * row, 1 + 29 * column
            assert (joined[y : y + 28, x : x + 28] == 255 - tiles[row, column]).all()
    lines = np.ones_like(joined, bool)
    for row in range(2):
        for column in range(3):
            lines[1 + 29 * row : 29 + 29 * row, 1 + 29 * column : 29 + 29 * column] = False
    assert (joined[lines] == drawing.LINE).all()


def test_wide_gap_keeps_every_tile_whole() -> None:
    tiles = make_images(6).reshape(2, 3, 28, 28)
    joined = drawing.mosaic(tiles, wide_gap_after=0)
    shift = 28 // 3
    assert (joined[1:29, 1:29] == 255 - tiles[0, 0]).all()
    assert (joined[1:29, 30 + shift : 58 + shift] == 255 - tiles[0, 1]).all()
    assert (joined[30:58, 59 + shift : 87 + shift] == 255 - tiles[1, 2]).all()


def test_sample_grid_shows_only_images_of_the_row_and_counts_all() -> None:
    labels = np.repeat([0, 1, 2], [5, 3, 12])
    # the grey level tells the class
    images = np.broadcast_to((labels * 40 + 20).astype(np.uint8)[:, None, None], (20, 28, 28))
    picture = figures.sample_grid(images, labels, class_names=("0", "1", "2"), per_class=4)
    (axes,) = picture.figure.axes
    shown = np.asarray(axes.images[0].get_array())
    for row, tiles in enumerate((4, 3, 4)):
        for column in range(4):
            tile = shown[1 + 29 * row : 29 + 29 * row, 1 + 29 * column : 29 + 29 * column]
            assert (tile == 255 - (row * 40 + 20 if column < tiles else 0)).all()
    assert [t.get_text() for t in axes.get_yticklabels()] == ["0", "1", "2"]
    assert texts_of(picture) == ["5", "3", "12", "count"]
    assert "0 5, 1 3, 2 12." in picture.alt and "20 images" in picture.alt


def test_sample_grid_keeps_the_rows_of_classes_without_an_image() -> None:
    picture = figures.sample_grid(IMAGES[:3], np.array([1, 1, 4]), per_class=2)
    (axes,) = picture.figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == list(figures.DIGITS)
    assert texts_of(picture)[:-1] == ["0", "2", "0", "0", "1", "0", "0", "0", "0", "0"]
    shown = np.asarray(axes.images[0].get_array())
    assert (shown[1 + 29 * 9 : 29 + 29 * 9, 1:29] == 255).all()
    assert "8 0, 9 0." in picture.alt
    more = figures.sample_grid(IMAGES[:2], np.array([0, 25]), per_class=2)
    assert len(more.figure.axes[0].get_yticklabels()) == 26


def test_sample_grid_is_the_same_for_the_same_seed_only() -> None:
    def shown(seed: int) -> bytes:
        picture = figures.sample_grid(IMAGES, DEEP.labels, seed=seed)
        return np.asarray(picture.figure.axes[0].images[0].get_array()).tobytes()

    assert shown(3) == shown(3) != shown(4)


@pytest.mark.parametrize(
    ("images", "labels", "names", "sentence"),
    [
        (IMAGES[:3], np.array([0, 1]), None, "There are 3 images but 2 labels"),
        (IMAGES[:0], np.array([], int), None, "no images to show"),
        (IMAGES[:2], np.array([0, 7]), ("a", "b"), "pass one name per class"),
        (IMAGES[0], np.array([0]), None, r"\[N, height, width\].*image\[None\]"),
        (IMAGES[:2] - 300.0, np.array([0, 1]), None, "undo the normalisation"),
        (np.full((2, 28, 28), np.nan), np.array([0, 1]), None, "not finite"),
    ],
)
def test_sample_grid_says_what_is_wrong(images, labels, names, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as error:
        figures.sample_grid(images, labels, class_names=names)
    assert "\n" not in str(error.value)


def test_images_of_other_types_look_the_same() -> None:
    labels = DEEP.labels[:40]
    plain = figures.sample_grid(IMAGES[:40], labels).png()
    assert figures.sample_grid(IMAGES[:40] / 255.0, labels).png() == plain
    assert figures.sample_grid(IMAGES[:40, None], labels).png() == plain
    assert figures.sample_grid(IMAGES[:40].astype(int), labels).png() == plain


def test_augmentation_sheet() -> None:
    picture = figures.augmentation_sheet(
        IMAGES[:2], IMAGES[2:12].reshape(2, 5, 28, 28), name="random crop"
    )
    shown = np.asarray(picture.figure.axes[0].images[0].get_array())
    assert (shown[1:29, 1:29] == 255 - IMAGES[0]).all()
    assert (shown[30:58, 1:29] == 255 - IMAGES[1]).all()
    assert (shown[30:58, 39:67] == 255 - IMAGES[7]).all()
    assert texts_of(picture) == ["original", "random crop"]
    assert picture.alt == (
        "Augmentation sheet: 2 original images in the first column, 5 versions of each beside it "
        "(random crop)."
    )


def test_augmentation_sheet_names_each_column_above_it() -> None:
    columns = ("mirrored", "turned by 90 degrees", "by 180")
    picture = figures.augmentation_sheet(
        IMAGES[:2], IMAGES[2:8].reshape(2, 3, 28, 28), name="no labels", column_names=columns
    )
    (axes,) = picture.figure.axes
    assert [text.replace("\n", " ") for text in texts_of(picture)] == ["original", *columns]
    shown = np.asarray(axes.images[0].get_array())
    for text, tile in zip(axes.texts, [0, 2, 3, 4], strict=True):
        x = round(text.xy[0] + 0.5)
        assert (shown[1:29, x : x + 28] == 255 - IMAGES[tile]).all()
    assert picture.alt.endswith("(no labels: mirrored, turned by 90 degrees and by 180).")
    with pytest.raises(ValueError, match="3 versions of each image but 2 column names"):
        figures.augmentation_sheet(
            IMAGES[:2], IMAGES[2:8].reshape(2, 3, 28, 28), column_names=columns[:2]
        )


@pytest.mark.parametrize(
    ("augmented", "sentence"),
    [
        (IMAGES[:2], "versions, height, width"),
        (IMAGES[:9].reshape(3, 3, 28, 28), "2 originals but 3 rows of augmented images"),
        (np.zeros((2, 3, 20, 20), np.uint8), "one size"),
        (np.zeros((2, 0, 28, 28), np.uint8), "at least one image and one augmented"),
    ],
)
def test_augmentation_sheet_says_what_is_wrong(augmented: np.ndarray, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.augmentation_sheet(IMAGES[:2], augmented)


def tiny_ensemble() -> Predictions:
    """Three members, four images: all right; 2:1 for a wrong class; all wrong; all differ."""
    votes = np.array([[0, 0, 0], [2, 2, 1], [0, 0, 0], [0, 1, 2]])
    strength = np.array([[5, 5, 5], [4, 4, 4], [8, 8, 8], [3, 2, 1]])
    logits = np.zeros((4, 3, 3), np.float32)
    for image in range(4):
        logits[image, np.arange(3), votes[image]] = strength[image]
    return Predictions(logits, np.array([0, 1, 2, 2]))


def test_gallery_shows_the_mistakes_most_confident_first() -> None:
    ensemble = tiny_ensemble()
    picture = figures.misclassified_gallery(IMAGES[:4], ensemble)
    (axes,) = picture.figure.axes
    assert len(axes.images) == 3
    order = [2, 1, 3]
    for image, index in zip(axes.images, order, strict=True):
        assert (np.asarray(image.get_array()) == 255 - IMAGES[index]).all()
    captions = [text for text in texts_of(picture) if text.startswith("true")]
    assert [caption.split("\n")[:2] for caption in captions] == [
        ["true 2", "says 0"],
        ["true 1", "says 2"],
        ["true 2", "says 0"],
    ]
    confidence = ensemble.mean.max(axis=1)
    assert captions[0].split("\n")[2] == figures.style.percent(confidence[2])
    assert "3 of 4 answers are wrong (75.0 %)" in picture.alt
    assert "1 taken for 2 with confidence" in picture.alt and "2 of 3 members agree" in picture.alt


def test_gallery_shows_each_vote_in_its_colour() -> None:
    picture = figures.misclassified_gallery(IMAGES[:4], tiny_ensemble())
    (axes,) = picture.figure.axes
    strips = [text for text in texts_of(picture) if text in {"0 0 0", "2 2 1", "0 1 2"}]
    assert strips == ["0 0 0", "2 2 1", "0 1 2"]
    boxes = [c for c in axes.collections if isinstance(c, PolyCollection)][-1]
    tints = [to_hex(color).upper() for color in boxes.get_facecolor()]
    wrong, true, other = drawing.TINT_ANSWER, drawing.TINT_TRUE, drawing.TINT_OTHER
    assert tints[:9] == [wrong, wrong, wrong, wrong, wrong, true, wrong, other, true]
    assert tints[9:] == [true, wrong, other]  # the key


@pytest.mark.parametrize("medium", ["notebook", "slides"])
def test_words_of_a_very_sure_answer_end_before_the_next_image(medium: str) -> None:
    logits = np.zeros((12, 1, 10), np.float32)
    logits[:, 0, 7] = 18
    sure = Predictions(logits, np.full(12, 1))
    with figures.style.use(medium):
        picture = figures.misclassified_gallery(IMAGES[:12], sure)
    picture.figure.canvas.draw()
    (axes,) = picture.figure.axes
    starts = [image.get_window_extent() for image in axes.images]
    captions = [text for text in axes.texts if text.get_text().startswith("true")]
    assert all("> 99.9999 %" in caption.get_text() for caption in captions)
    for caption in captions:
        box = caption.get_window_extent()
        assert box.x1 < picture.figure.bbox.x1
        for start in starts:
            same_row = start.y0 < box.y1 and box.y0 < start.y1
            assert not same_row or start.x0 > box.x1 + 2 or start.x1 < box.x0


def test_gallery_of_a_single_model_has_no_votes() -> None:
    picture = figures.misclassified_gallery(IMAGES, SINGLE)
    assert "members" not in picture.alt
    assert not [text for text in texts_of(picture) if "votes" in text]


def test_gallery_of_many_members_counts_votes() -> None:
    ensemble = Predictions.combine([DEEP] * 4)
    picture = figures.misclassified_gallery(IMAGES, ensemble, limit=1)
    index = int(np.flatnonzero(~DEEP.correct)[DEEP.mean.max(axis=1)[~DEEP.correct].argmax()])
    answer = DEEP.predicted[index]
    votes = 4 * int((DEEP.member_predicted[index] == answer).sum())
    assert any(text.startswith(f"{votes} \N{MULTIPLICATION SIGN} {answer}") for text in
               texts_of(picture))  # fmt: skip
    assert f"{votes} of 32 members agree" in picture.alt


def test_gallery_takes_a_choice_in_its_order() -> None:
    right = int(np.flatnonzero(DEEP.correct)[0])
    wrong = int(np.flatnonzero(~DEEP.correct)[0])
    picture = figures.misclassified_gallery(IMAGES, DEEP, indices=np.array([right, wrong]))
    captions = [text for text in texts_of(picture) if text.startswith("true")]
    assert len(captions) == 2 and "right" in captions[0] and "right" not in captions[1]
    assert "rightly recognised" in picture.alt


def test_gallery_obeys_its_limit() -> None:
    picture = figures.misclassified_gallery(IMAGES, DEEP, limit=2)
    assert len(picture.figure.axes[0].images) == 2
    assert picture.alt.startswith("Gallery of 2 images")


def test_gallery_without_mistakes_says_so() -> None:
    perfect = DEEP.take(DEEP.correct)
    picture = figures.misclassified_gallery(IMAGES[DEEP.correct], perfect)
    assert picture.alt == f"No image is misclassified: all {len(perfect)} answers are right."
    assert [text.get_text() for text in picture.figure.texts] == [picture.alt]
    nothing = figures.misclassified_gallery(IMAGES, DEEP, indices=np.array([], int))
    assert nothing.alt == "No image fits this choice."


@pytest.mark.parametrize(
    ("images", "predictions", "options", "sentence"),
    [
        (IMAGES[:9], DEEP, {}, "There are 9 images but 400 predictions"),
        (IMAGES, Predictions(DEEP.logits), {}, "needs true labels"),
        (IMAGES, DEEP, {"class_names": ("a", "b")}, "10 classes but 2 class names"),
        (IMAGES, DEEP, {"indices": np.array([400])}, "There are 400 images; an index of 400"),
        (IMAGES, DEEP, {"indices": np.array([-1])}, "outside"),
        (IMAGES, DEEP, {"limit": 0}, "At least 1 image"),
    ],
)
def test_gallery_says_what_is_wrong(images, predictions, options, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.misclassified_gallery(images, predictions, **options)


def test_two_images_and_two_classes_are_enough() -> None:
    small = make_predictions(2, 2, 2, seed=5, skill=-9)
    picture = figures.misclassified_gallery(IMAGES[:2], small)
    assert "2 of 2 answers are wrong (100 %)" in picture.alt


def test_crops_are_cut_out_where_the_windows_are_marked() -> None:
    image = IMAGES[0]
    picture = figures.crop_windows(image, padding=4, corners=[(1, 0), (6, 7)])
    original, padded, first, second = (
        255 - np.asarray(axes.images[0].get_array()) for axes in picture.figure.axes
    )
    assert (original == image).all() and (padded[4:32, 4:32] == image).all()
    assert (first == padded[1:29, 0:28]).all() and (second == padded[6:34, 7:35]).all()
    marked = [patch.get_xy() for patch in picture.figure.axes[1].patches[1:]]
    assert marked == [(-0.5, 0.5), (6.5, 5.5)]
    assert "3 down, 4 right and 2 up, 3 left" in picture.alt


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"padding": -1, "corners": [(0, 0), (0, 0)]}, "cannot be -1"),
        ({"padding": 4, "corners": [(0, 0)]}, "two windows, not 1"),
        ({"padding": 4, "corners": [(0, 0), (9, 0)]}, "begins at 0 to 8"),
    ],
)
def test_windows_lie_in_the_padded_image(given: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        figures.crop_windows(IMAGES[0], **given)
