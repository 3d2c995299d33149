"""What an image set is: grey images, their labels and a name."""

from __future__ import annotations

import hashlib
import operator
from dataclasses import dataclass

import numpy as np

__all__ = ["ImageSet"]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Grey images with their labels.

    Parameters
    ----------
    images : uint8 array [N, 28, 28]
        Grey values from 0 (background) to 255.
    labels : int64 array [N]
        Classes from 0 to 9.
    name : str
        What a figure or table calls these images, such as ``"MNIST test"``.

    Raises
    ------
    TypeError, ValueError
        If one of the above does not hold; the message says which.
    """

    images: np.ndarray
    labels: np.ndarray
    name: str

    def __post_init__(self) -> None:
        for field in ("images", "labels"):
            value = getattr(self, field)
            if not isinstance(value, np.ndarray):
                raise TypeError(f"{field} must be a NumPy array, not {type(value).__name__}.")
        if self.images.dtype != np.uint8:
            raise ValueError(
                f"images must be uint8 grey values from 0 to 255, not {self.images.dtype}."
            )
        if self.images.ndim != 3 or self.images.shape[1:] != (28, 28):
            raise ValueError(f"images must have the shape [N, 28, 28], not {self.images.shape}.")
        if self.labels.dtype != np.int64:
            raise ValueError(
                f"labels must be int64, not {self.labels.dtype}: use labels.astype(np.int64)."
            )
        if self.labels.ndim != 1:
            raise ValueError(f"labels must have the shape [N], not {self.labels.shape}.")
        if len(self.images) != len(self.labels):
            raise ValueError(
                f"There are {len(self.images):,} images and {len(self.labels):,} labels: "
                "give one label for each image."
            )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() <= 9:
            raise ValueError(
                f"labels must lie between 0 and 9, not {self.labels.min()} and {self.labels.max()}."
            )
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a string, not {type(self.name).__name__}.")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        """One image (uint8 [28, 28]) and its label: enough for torch's ``DataLoader``."""
        return self.images[operator.index(index)], int(self.labels[index])

    def __repr__(self) -> str:
        return f"ImageSet({self.name!r}, {len(self):,} images)"

    @property
    def content_hash(self) -> str:
        """sha256 of all pixels and labels, 64 hexadecimal digits: equal hash, equal content.

        Computed afresh each time, because the arrays themselves can be written to.
        """
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data)
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()

    def subset(self, indices: np.ndarray | list[int] | slice) -> ImageSet:
        """The images at the given positions (or where a boolean mask is true), in that order."""
        if not isinstance(indices, slice):
            indices = np.asarray(indices)
            if indices.size == 0:
                indices = indices.astype(np.int64)
            if indices.ndim != 1 or indices.dtype.kind not in "iub":
                raise ValueError("indices must be a list of positions or one true/false per image.")
            if indices.dtype == bool:
                if len(indices) != len(self):
                    raise ValueError(
                        f"The mask has {len(indices):,} entries for {len(self):,} images."
                    )
            elif len(indices) and not -len(self) <= indices.min() <= indices.max() < len(self):
                raise IndexError(
                    f"There are {len(self):,} images: positions go from 0 to {len(self) - 1:,}."
                )
        return ImageSet(self.images[indices].copy(), self.labels[indices].copy(), self.name)
