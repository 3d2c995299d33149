"""`load_mnist` and `load_fashion_mnist`: every image of both sets, the same on every machine.

========================  ==========================================================  ======
data set                  which images                                                images
========================  ==========================================================  ======
MNIST ``train``           the training file without the validation digits             55,000
MNIST ``val``             the first 500 of each digit in the training file             5,000
MNIST ``test``            the test file                                               10,000
Fashion-MNIST ``train``   the first 55,000 of the training file                       55,000
Fashion-MNIST ``val``     the last 5,000 of the training file                          5,000
Fashion-MNIST ``test``    the test file                                               10,000
========================  ==========================================================  ======

No shipped network was trained on a validation or a test image.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from .files import FOLDER, REPAIR, ImagesError, read_original
from .image_set import ImageSet

__all__ = ["SPLITS", "load_fashion_mnist", "load_mnist", "validation_indices"]

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


def load_mnist(split: Split) -> ImageSet:
    """Handwritten digits.

    Parameters
    ----------
    split : {"train", "val", "test"}
        55,000, 5,000 or 10,000 images.

    Raises
    ------
    ValueError
        For any other split.
    ImagesError
        If a shipped file is missing or damaged.
    """
    images, labels = _read("MNIST", split)
    if split != "test":
        validation = np.zeros(len(labels), dtype=bool)
        validation[validation_indices()] = True
        chosen = validation if split == "val" else ~validation
        images, labels = images[chosen], labels[chosen]
    return ImageSet(np.array(images), labels, f"MNIST {split}")


def load_fashion_mnist(split: Split) -> ImageSet:
    """Pictures of clothes in MNIST's format: no classifier of digits should be sure about them.

    Parameters
    ----------
    split : {"train", "val", "test"}
        55,000, 5,000 or 10,000 images.

    Raises
    ------
    ValueError
        For any other split.
    ImagesError
        If a shipped file is missing or damaged.
    """
    images, labels = _read("FashionMNIST", split)
    if split != "test":
        chosen = slice(-5000, None) if split == "val" else slice(-5000)
        images, labels = images[chosen], labels[chosen]
    return ImageSet(np.array(images), labels, f"Fashion-MNIST {split}")


def validation_indices() -> np.ndarray:
    """Positions of the 5,000 validation digits in MNIST's training file, int32 [5000], ascending.

    Handy to leave them out when you train with ``torchvision.datasets.MNIST`` itself.

    Raises
    ------
    ImagesError
        If the file is missing or damaged.
    """
    path = FOLDER / "mnist_validation.npy"
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise ImagesError(f"{path} is missing or damaged: {REPAIR}.") from None


def _read(dataset: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    if split not in SPLITS:
        raise ValueError(f"There is no split {split!r}: ask for 'train', 'val' or 'test'.")
    return read_original(dataset, "test" if split == "test" else "train")
