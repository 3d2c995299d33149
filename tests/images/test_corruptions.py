"""Corruptions: same seed, same images; each kind does what its name says, and more of it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from course_utils.images import ImageSet, load_mnist
from course_utils.images.corruptions import CORRUPTIONS, SEVERITIES, corrupt


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return load_mnist("val").subset(slice(0, 120))


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b).mean())


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_severity_changes_pixels_only(digits, name):
    before = digits.images.copy()
    for severity in SEVERITIES:
        damaged = corrupt(digits, name, severity)
        assert damaged.images.dtype == np.uint8 and damaged.images.shape == digits.images.shape
        changed = (damaged.images != digits.images).any(axis=(1, 2))
        # a small square may fall on paper only
        assert changed.mean() > (0.5 if name == "occlusion" else 0.99)
        np.testing.assert_array_equal(damaged.labels, digits.labels)
        assert damaged.name == f"{digits.name}, {name} {severity}"
    np.testing.assert_array_equal(digits.images, before)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_damage_grows_with_the_severity(digits, name):
    damage = [distance(corrupt(digits.images, name, s), digits.images) for s in SEVERITIES]
    assert (np.diff(damage) > 0).all()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_seed_decides_and_the_global_state_is_left_alone(digits, name):
    torch.manual_seed(1)
    first = corrupt(digits.images, name, 3, seed=5)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(1))
    torch.manual_seed(2)
    np.testing.assert_array_equal(first, corrupt(digits.images, name, 3, seed=5))
    if name not in ("contrast", "blur", "pixelation"):  # nothing random in these
        assert (first != corrupt(digits.images, name, 3, seed=6)).any()


def test_the_generators_of_gpus_are_left_alone(digits, monkeypatch):
    seeds = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    corrupt(digits.images, "rotation", 3, seed=5)
    assert seeds == []


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_severity_zero_and_no_images(digits, name):
    same = corrupt(digits, name, 0)
    np.testing.assert_array_equal(same.images, digits.images)
    assert same.name == digits.name and same.images is not digits.images
    assert len(corrupt(digits.images[:0], name, 4)) == 0


def test_strengths_of_torch_uncertainty_are_what_the_table_says():
    from torch_uncertainty.transforms import corruption

    for severity in SEVERITIES:
        step = severity - 1
        assert (
            corruption.GaussianNoise(severity).scale == CORRUPTIONS["Gaussian noise"].strength[step]
        )
        assert corruption.ShotNoise(severity).scale == CORRUPTIONS["shot noise"].strength[step]
        assert corruption.Contrast(severity).level == CORRUPTIONS["contrast"].strength[step]


def test_every_kind_has_five_strengths_and_an_origin():
    for kind in CORRUPTIONS.values():
        assert len(kind.strength) == len(SEVERITIES)
        assert kind.origin in ("torchvision", "torch-uncertainty")


def test_noise_has_the_strength_of_its_table():
    grey = np.full((200, 28, 28), 128, np.uint8)
    noisy = corrupt(grey, "Gaussian noise", 2).astype(float) / 255
    assert noisy.std() == pytest.approx(0.12, rel=0.02)
    photons = CORRUPTIONS["shot noise"].strength[1]
    shot = corrupt(grey, "shot noise", 2).astype(float) / 255
    assert shot.std() == pytest.approx(np.sqrt(128 / 255 / photons), rel=0.05)


def test_contrast_shrinks_towards_the_mean():
    image = np.zeros((1, 28, 28), np.uint8)
    image[:, :14] = 200
    low = corrupt(image, "contrast", 4).astype(float)
    assert low.mean() == pytest.approx(100, abs=1)
    assert low.max() - low.min() == pytest.approx(0.1 * 200, abs=1)


def test_rotation_goes_both_ways_by_the_angle():
    image = np.zeros((60, 28, 28), np.uint8)
    image[:, 13:15, 16:24] = 255  # a bar that points to the right
    turned = corrupt(image, "rotation", 5).astype(float)
    rows, columns = np.indices((28, 28)) - 13.5
    up = -(turned * rows).sum(axis=(1, 2)) / turned.sum(axis=(1, 2))
    right = (turned * columns).sum(axis=(1, 2)) / turned.sum(axis=(1, 2))
    angles = np.degrees(np.arctan2(up, right))
    np.testing.assert_allclose(np.abs(angles), 50, atol=2)
    assert 0.2 < (angles > 0).mean() < 0.8


def test_shift_moves_by_whole_pixels_in_all_four_directions():
    image = np.zeros((80, 28, 28), np.uint8)
    image[:, 14, 14] = 255
    moved = corrupt(image, "shift", 4)
    places = {tuple(np.argwhere(one)[0]) for one in moved}
    assert places == {(10, 10), (10, 18), (18, 10), (18, 18)}
    assert (moved.sum(axis=(1, 2)) == 255).all()


def test_occlusion_blanks_one_square_inside_the_middle():
    image = np.full((50, 28, 28), 90, np.uint8)
    for one in corrupt(image, "occlusion", 3):
        rows, columns = np.nonzero(one == 0)
        side = CORRUPTIONS["occlusion"].strength[2]
        assert len(rows) == side**2
        assert np.ptp(rows) == np.ptp(columns) == side - 1
        assert min(rows.min(), columns.min()) >= 4 and max(rows.max(), columns.max()) < 24


def test_pixelation_leaves_few_grey_values_along_a_line():
    image = load_mnist("val").images[:1]
    blocks = corrupt(image, "pixelation", 2)[0]
    steps = (np.diff(blocks.astype(int), axis=1) != 0).any(axis=0).sum()
    assert steps <= CORRUPTIONS["pixelation"].strength[1] - 1


def test_blur_keeps_the_ink(digits):
    blurred = corrupt(digits.images, "blur", 3).astype(float)
    assert blurred.mean() == pytest.approx(digits.images.mean(), rel=0.02)


@pytest.mark.parametrize(
    ("images", "name", "severity", "word"),
    [
        (np.zeros((2, 28, 28), np.uint8), "fog", 1, "rotation"),
        (np.zeros((2, 28, 28), np.uint8), "blur", 6, "0 to 5"),
        (np.zeros((2, 28, 28), np.uint8), "blur", 1.5, "0 to 5"),
        (np.zeros((2, 28, 28), np.uint8), "blur", 1.0, "0 to 5"),
        (np.zeros((2, 28, 28)), "blur", 1, "uint8"),
        (np.zeros((2, 30, 28), np.uint8), "blur", 1, "28"),
    ],
)
def test_nonsense_gets_a_sentence(images, name, severity, word):
    with pytest.raises(ValueError, match=word):
        corrupt(images, name, severity)


def test_the_module_is_light():
    code = "import sys, course_utils.images.corruptions; print('torch' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
