"""Images: the shipped data sets, image sets of your own, corruptions, and batches for a network."""

from __future__ import annotations

from .batches import MEAN, STD, Batches, batches
from .files import ImagesError, read_original, torchvision_root
from .image_set import ImageSet
from .loaders import SPLITS, load_fashion_mnist, load_mnist, validation_indices

__all__ = [
    "MEAN",
    "SPLITS",
    "STD",
    "Batches",
    "ImageSet",
    "ImagesError",
    "batches",
    "load_fashion_mnist",
    "load_mnist",
    "read_original",
    "torchvision_root",
    "validation_indices",
]
