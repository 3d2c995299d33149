"""Drawings become what MNIST's digits are, and MNIST's digits stay what they were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_utils.images import load_mnist
from course_utils.images.centring import BOX, CENTRE, as_mnist, shrunk


def enlarged(image: np.ndarray, times: int) -> np.ndarray:
    return np.kron(image, np.ones((times, times), np.uint8))


def box(image: np.ndarray) -> tuple[int, int]:
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def centre_of_mass(image: np.ndarray) -> np.ndarray:
    weights = image / image.sum(dtype=float)
    return np.array([weights.sum(1) @ np.arange(28), weights.sum(0) @ np.arange(28)])


@pytest.mark.parametrize("times", [1, 4, 5])
def test_digits_of_mnist_come_back_as_they_were(times: int) -> None:
    digits = load_mnist("val").images[:500]
    back = np.stack([as_mnist(enlarged(digit, times)) for digit in digits])
    assert np.array_equal(back, digits)


def test_moved_and_rescaled_digits_come_back_nearly() -> None:
    from PIL import Image

    digits = load_mnist("val").images[:500]
    differences = []
    for digit in digits:
        page = np.zeros((150, 150), np.uint8)
        page[7:91, 31:115] = np.asarray(Image.fromarray(digit).resize((84, 84)))
        differences.append(np.abs(as_mnist(page).astype(int) - digit).mean())
    # three times as large and elsewhere: a few grey values out of 255 from the two resizings
    assert np.mean(differences) < 8
    blank = np.abs(digits.astype(int)).mean()
    assert np.mean(differences) < 0.25 * blank


@settings(max_examples=60, deadline=None)
@given(drawing=arrays(np.uint8, (33, 21), elements=st.sampled_from([0, 0, 0, 1, 128, 255])))
def test_ink_fits_the_box_and_its_mass_is_in_the_middle(drawing: np.ndarray) -> None:
    image = as_mnist(drawing)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    if not image.any():
        return
    height, width = box(image)
    assert max(height, width) <= BOX
    ink = np.argwhere(image)
    for axis, mean in enumerate(centre_of_mass(image)):
        at_the_edge = ink[:, axis].min() == 0 or ink[:, axis].max() == 27
        assert abs(mean - CENTRE) <= 0.5 + 1e-6 or at_the_edge


def test_aspect_ratio_is_kept() -> None:
    drawing = np.zeros((112, 112), np.uint8)
    drawing[10:90, 50:70] = 255
    assert box(as_mnist(drawing)) == (20, 5)
    assert box(as_mnist(drawing.T)) == (5, 20)


def test_edges_between_pixels_become_grey() -> None:
    drawing = np.zeros((112, 112), np.uint8)
    drawing[10:90, 50:60] = 255
    assert list(np.unique(as_mnist(drawing))) == [0, 255]
    drawing[10:90:2, 59] = 0  # half the ink of the last column
    greys = as_mnist(drawing)
    assert ((greys > 0) & (greys < 255)).any()


def test_empty_drawing_stays_empty() -> None:
    assert not as_mnist(np.zeros((112, 112), np.uint8)).any()


def test_one_pixel_fills_the_box() -> None:
    drawing = np.zeros((112, 112), np.uint8)
    drawing[3, 100] = 200
    image = as_mnist(drawing)
    assert box(image) == (20, 20)
    assert set(np.unique(image)) == {0, 200}


def test_full_black_is_a_square_in_the_middle() -> None:
    image = as_mnist(np.full((112, 112), 255, np.uint8))
    assert (image[4:24, 4:24] == 255).all()
    assert image.sum(dtype=int) == 255 * 400


def test_ink_in_one_corner_is_not_cut_off() -> None:
    drawing = np.full((100, 100), 1, np.uint8)
    drawing[:10, :10] = 255
    image = as_mnist(drawing)
    assert box(image) == (20, 20)


def test_shrinking_keeps_place_and_size() -> None:
    digit = load_mnist("val").images[0]
    assert np.array_equal(shrunk(enlarged(digit, 4)), digit)
    moved = np.roll(enlarged(digit, 4), 8, axis=1)
    assert np.array_equal(shrunk(moved), np.roll(digit, 2, axis=1))


@pytest.mark.parametrize(
    "drawing",
    [np.zeros((28, 28)), np.zeros(784, np.uint8), np.zeros((1, 28, 28), np.uint8), "a drawing"],
)
def test_what_is_no_drawing_is_refused(drawing: object) -> None:
    for change in (as_mnist, shrunk):
        with pytest.raises(ValueError, match="uint8 grey values"):
            change(drawing)


@pytest.mark.slow
def test_the_networks_of_the_course_answer_as_before() -> None:
    torch = pytest.importorskip("torch")
    from course_utils.images import MEAN, STD
    from course_utils.networks import zoo

    digits = load_mnist("val")
    network = zoo.load("modest-lenet-0").eval()

    def answers(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            inputs = torch.from_numpy(images[:, None]).float().div(255).sub(MEAN).div(STD)
            return network(inputs).argmax(dim=1).numpy()

    chosen = digits.images[:500]
    once = answers(chosen)
    assert (once == digits.labels[:500]).mean() > 0.9
    assert np.array_equal(answers(np.stack([as_mnist(one) for one in chosen])), once)
