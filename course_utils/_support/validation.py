"""Checks of what comes in; each error is one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike


class Labelled(Protocol):
    """Anything with labels [N], or None where nobody knows them."""

    @property
    def labels(self) -> np.ndarray | None: ...


def image_stack(images: np.ndarray) -> np.ndarray:
    """Images as uint8 [N, H, W]; [N, 1, H, W], shares of ink in 0..1 and masks are taken too."""
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim != 3:
        raise ValueError(
            f"Images must have the shape [N, height, width], not {list(images.shape)}; "
            "put a single image in with image[None]."
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype == bool:
        return images * np.uint8(255)
    if images.size and not np.isfinite(images).all():
        raise ValueError("The images hold values that are not finite; pass the pixels as they are.")
    if images.size and (images.min() < 0 or images.max() > 255):
        raise ValueError(
            "Pixels must lie between 0 and 255 (or 0 and 1); undo the normalisation first."
        )
    top = 1.0 if np.issubdtype(images.dtype, np.floating) and images.max(initial=0) <= 1 else 255.0
    return np.round(images * (255.0 / top)).astype(np.uint8)


def one_image(image: np.ndarray) -> np.ndarray:
    """A single image as uint8 [H, W]."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[0] == 1:
        image = image[0]
    if image.ndim != 2:
        raise ValueError(f"One image [height, width] is needed, not {list(image.shape)}.")
    return image_stack(image[None])[0]


def same_length(
    first: int, second: int, first_name: str = "images", second_name: str = "predictions"
) -> None:
    """Both must speak of the same items."""
    if first != second:
        raise ValueError(
            f"There are {first:,} {first_name} but {second:,} {second_name}; "
            "pass those of the same items."
        )


def labelled(predictions: Labelled, what: str) -> np.ndarray:
    """The labels, or a sentence that they are missing."""
    if predictions.labels is None:
        raise ValueError(
            f"{what} needs true labels; build the predictions with Predictions(logits, labels)."
        )
    labels = np.asarray(predictions.labels)
    if len(labels) == 0:
        raise ValueError(f"{what} needs at least one image; these predictions are empty.")
    return labels


def class_names(count: int, names: Sequence[str] | None) -> tuple[str, ...]:
    """One name per class; numbers unless names are given."""
    if names is None:
        return tuple(str(index) for index in range(count))
    if len(names) != count:
        raise ValueError(
            f"The model has {count} classes but {len(names)} class names were given; "
            "pass one name per class."
        )
    return tuple(str(name) for name in names)


def short_names(names: Sequence[str]) -> tuple[str, ...]:
    """At most two letters each, for a cell in which a whole name has no room."""
    return tuple(name if len(name) <= 2 else name[:2] for name in names)


def named(models: Mapping[str, object], what: str) -> None:
    """Several models come as a mapping from their names, at least one."""
    if not isinstance(models, Mapping) or not models:
        raise ValueError(
            f'{what} takes a dictionary from model names to data, such as {{"LeNet": ...}}.'
        )


def finite(values: ArrayLike, what: str) -> np.ndarray:
    """A float64 vector [N] without gaps."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"{what} must have the shape [N], not {list(values.shape)}.")
    if not np.isfinite(values).all():
        raise ValueError(f"{what} holds values that are not finite; look at the logits first.")
    return values


def member_names(count: int, names: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the members; numbers from 1 unless given."""
    if names is None:
        return tuple(f"member {index + 1}" for index in range(count))
    if len(names) != count:
        raise ValueError(
            f"There are {count} members but {len(names)} member names; pass one name per member."
        )
    return tuple(str(name) for name in names)


def one_of(name: object, names: Sequence[str], what: str) -> str:
    """A name that is in the list, or a sentence with those that are."""
    if name not in names:
        raise ValueError(f"There is no {what} {name!r}; there are {', '.join(names)}.")
    return str(name)


def numbered(number: int, count: int, what: str) -> int:
    """A number that counts from 0, or a sentence with those that there are."""
    if not 0 <= number < count:
        raise ValueError(f"{what} are numbered from 0 to {count - 1}; there is no {number}.")
    return number


def images_for(images: Any, count: int, what: str = "predictions") -> np.ndarray | None:
    """So many images [N, H, W] as uint8, from an array or an ``ImageSet``; None stays None."""
    if images is None:
        return None
    stack = image_stack(getattr(images, "images", images))
    same_length(len(stack), count, second_name=what)
    return stack


def member_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """The probabilities that each member gives one image, float64 [M, C]."""
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim != 2 or 0 in probabilities.shape:
        raise ValueError(
            "The probabilities of one image must have the shape [members, classes], "
            f"not {list(probabilities.shape)}; take predictions.probabilities[i]."
        )
    if not np.isfinite(probabilities).all() or (probabilities < -1e-9).any():
        raise ValueError("Probabilities must be finite and not negative; look at the logits.")
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-4):
        raise ValueError("Each member's probabilities must add up to 1; pass them after softmax.")
    return probabilities
