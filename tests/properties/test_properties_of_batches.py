"""Batches of any size: nothing is lost, doubled or mislabelled, however they are split."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course_utils.images import MEAN, STD, Batches, ImageSet, batches

torch = pytest.importorskip("torch")

COUNTS = st.integers(1, 40)
SEEDS = st.integers(0, 2**62)


def grey(count: int) -> ImageSet:
    """Images that can be told apart by any of their pixels."""
    shades = np.arange(count, dtype=np.uint8)
    images = np.broadcast_to(shades[:, np.newaxis, np.newaxis], (count, 28, 28)).copy()
    return ImageSet(images, shades.astype(np.int64) % 10, "grey")


def shades_of(images: torch.Tensor) -> list[int]:
    """Which images they are, by the pixel in the middle, which no crop of at most 4 removes."""
    return (images[:, 0, 14, 14] * STD + MEAN).mul(255).round().long().tolist()


def epoch(loader: Batches) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
    """Images, labels and the sizes of the batches of one epoch."""
    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels), [len(one) for one in labels]


@given(COUNTS, st.integers(1, 50), st.booleans(), st.integers(0, 4), SEEDS)
def test_every_image_comes_once_with_its_label(count, batch_size, shuffle, padding, seed):
    loader = batches(grey(count), batch_size, shuffle=shuffle, crop_padding=padding, seed=seed)
    for _ in range(2):
        images, labels, sizes = epoch(loader)
        seen = shades_of(images)
        assert sorted(seen) == list(range(count))
        assert labels.tolist() == [shade % 10 for shade in seen]
        assert sizes[:-1] == [batch_size] * (len(loader) - 1)
        assert 1 <= sizes[-1] <= batch_size


@given(COUNTS, st.integers(1, 50), st.integers(1, 50), st.integers(0, 4), SEEDS)
def test_the_size_of_a_batch_changes_no_pixel(count, first, second, padding, seed):
    one, other = (
        epoch(batches(grey(count), size, shuffle=True, crop_padding=padding, seed=seed))
        for size in (first, second)
    )
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])


@given(COUNTS, st.integers(1, 20), st.integers(1, 6), SEEDS)
def test_ranks_share_all_images_evenly(count, batch_size, ranks, seed):
    assume(ranks <= count)
    seen: Counter[int] = Counter()
    lengths = set()
    for rank in range(ranks):
        loader = batches(
            grey(count), batch_size, shuffle=True, seed=seed, rank=rank, world_size=ranks
        )
        images, _, sizes = epoch(loader)
        assert len(sizes) == len(loader)
        lengths.add(len(images))
        seen.update(shades_of(images))
    assert lengths == {-(-count // ranks)}
    assert set(seen) == set(range(count))
    assert max(seen.values()) <= 2
    assert seen.total() - count == -count % ranks


@given(st.integers(1, 12), st.integers(0, 6), SEEDS)
def test_a_crop_is_a_window_of_the_padded_image(count, padding, seed):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    one = ImageSet(images, np.zeros(count, np.int64), "noise")
    cropped, _, _ = epoch(batches(one, 5, crop_padding=padding, seed=seed))
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (28, 28), axis=(1, 2))
    found = (cropped[:, 0] * STD + MEAN).mul(255).round().to(torch.uint8).numpy()
    for image in range(count):
        same = (windows[image] == found[image]).all(axis=(-1, -2))
        assert same.sum() == 1
    assert cropped.dtype == torch.float32
    assert cropped.min() >= (0 - MEAN) / STD - 1e-5
    assert cropped.max() <= (1 - MEAN) / STD + 1e-5
