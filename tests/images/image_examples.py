"""Small image sets for tests."""

from __future__ import annotations

import numpy as np

from course_utils.images import ImageSet


def make(count: int = 5, seed: int = 0) -> ImageSet:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return ImageSet(images, random.integers(0, 10, count), "noise")
