"""What an image set accepts, and what it tells when it does not."""

from __future__ import annotations

import re

import numpy as np
import pytest
from image_examples import make

from course_utils.images import ImageSet


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"images": [[0]]}, TypeError, "NumPy array"),
        ({"labels": [1, 2]}, TypeError, "NumPy array"),
        ({"images": np.zeros((5, 28, 28), np.float32)}, ValueError, "uint8"),
        ({"images": np.zeros((5, 1, 28, 28), np.uint8)}, ValueError, r"\[N, 28, 28\]"),
        ({"images": np.zeros((5, 32, 32), np.uint8)}, ValueError, r"\[N, 28, 28\]"),
        ({"labels": np.zeros(5, np.int32)}, ValueError, "astype"),
        ({"labels": np.zeros(5)}, ValueError, "int64"),
        ({"labels": np.zeros((5, 1), np.int64)}, ValueError, r"\[N\]"),
        ({"labels": np.zeros(4, np.int64)}, ValueError, "5 images and 4 labels"),
        ({"labels": np.full(5, 10)}, ValueError, "between 0 and 9"),
        ({"labels": np.full(5, -1)}, ValueError, "between 0 and 9"),
        ({"name": 3}, TypeError, "name"),
    ],
)
def test_image_set_refuses(change, error, sentence):
    arguments = {
        "images": np.zeros((5, 28, 28), np.uint8),
        "labels": np.zeros(5, np.int64),
        "name": "blank",
    }
    assert len(ImageSet(**arguments)) == 5
    with pytest.raises(error, match=sentence):
        ImageSet(**(arguments | change))


def test_image_set_is_frozen():
    with pytest.raises(AttributeError):
        make().name = "other"


def test_content_hash():
    one = make()
    assert re.fullmatch("[0-9a-f]{64}", one.content_hash)
    assert one.content_hash == ImageSet(one.images.copy(), one.labels, "other").content_hash
    for field in ("images", "labels"):
        other = make()
        getattr(other, field).flat[0] ^= 1
        assert other.content_hash != one.content_hash


def test_subset():
    one = make(5)
    chosen = one.subset([3, 0])
    assert np.array_equal(chosen.images, one.images[[3, 0]])
    assert np.array_equal(chosen.labels, one.labels[[3, 0]])
    assert chosen.name == one.name
    mask = np.array([False, True, False, False, True])
    assert one.subset(mask).content_hash == one.subset([1, 4]).content_hash
    assert one.subset(slice(2)).content_hash == one.subset([0, 1]).content_hash
    assert len(one.subset([])) == 0
    chosen.images[:] = 0
    assert one.images.any(), "a subset is a copy"
    for wrong, error in [
        ([5], IndexError),
        ([-6], IndexError),
        ([True], ValueError),
        ([0.5], ValueError),
        ([[1]], ValueError),
    ]:
        with pytest.raises(error):
            one.subset(wrong)


def test_image_set_in_torchs_data_loader():
    from torch.utils.data import DataLoader

    one = make(5)
    ((images, labels),) = DataLoader(one, batch_size=5)
    assert np.array_equal(images.numpy(), one.images)
    assert np.array_equal(labels.numpy(), one.labels)
