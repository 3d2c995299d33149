"""Digits made harder on the spot: eight kinds of damage in five severities.

They are made from transforms that torchvision and torch-uncertainty ship. They are *not* MNIST-C
(Mu & Gilmer 2019, arXiv:1906.02337), a fixed set of images with kinds and strengths of its own:
numbers measured on ours cannot be compared with published ones. torch-uncertainty's noises and its
contrast keep their five strengths, which follow ImageNet-C (Hendrycks & Dietterich 2019,
arXiv:1903.12261). Its blurs need kornia, which the course does not install, so blur comes from
torchvision. The strengths of the rest were chosen such that a reader can name nearly all digits
at severity 3, and many at 5.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from .image_set import ImageSet

if TYPE_CHECKING:
    import torch

__all__ = ["CORRUPTIONS", "SEVERITIES", "Corruption", "corrupt"]

SEVERITIES = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Corruption:
    """One kind of damage.

    Attributes
    ----------
    apply : callable
        ``apply(images, severity)``: float32 tensor [N, 1, 28, 28] from 0 to 1 in and out (values
        outside are clipped afterwards), drawing from torch's global generator.
    strength : tuple of float
        What grows or falls with the five severities.
    unit : str
        What the strength is.
    origin : str
        The library whose transform it is.
    """

    apply: Callable[[torch.Tensor, int], torch.Tensor]
    strength: tuple[float, ...]
    unit: str
    origin: str


@overload
def corrupt(images: ImageSet, name: str, severity: int, seed: int = 0) -> ImageSet: ...
@overload
def corrupt(
    images: NDArray[np.uint8], name: str, severity: int, seed: int = 0
) -> NDArray[np.uint8]: ...
def corrupt(
    images: ImageSet | NDArray[np.uint8], name: str, severity: int, seed: int = 0
) -> ImageSet | NDArray[np.uint8]:
    """Return damaged copies of images; labels stay as they are.

    Parameters
    ----------
    images : ImageSet or uint8 array [N, 28, 28]
    name : str
        One of ``CORRUPTIONS``.
    severity : int
        1 (slight) to 5 (strong); 0 leaves everything as it is.
    seed : int
        The same seed, images and severity give the same result, to the bit on one machine. The
        global random state of torch is neither used nor changed.

    Returns
    -------
    ImageSet or uint8 array [N, 28, 28]
        As given. An ImageSet says in its name what was done to it.

    Raises
    ------
    ValueError
        If the name or the severity is unknown, or an array is not uint8 [N, 28, 28].
    """
    if name not in CORRUPTIONS:
        raise ValueError(f"There is no corruption {name!r}: choose among {', '.join(CORRUPTIONS)}.")
    try:
        known = operator.index(severity) in (0, *SEVERITIES)
    except TypeError:  # 1.0 equals 1, but is no index into the strengths
        known = False
    if not known:
        raise ValueError(f"The severity is a whole number from 0 to 5, not {severity!r}.")
    if isinstance(images, ImageSet):
        label = f"{images.name}, {name} {severity}" if severity else images.name
        return replace(images, images=corrupt(images.images, name, severity, seed), name=label)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError(
            f"The images must be uint8 [N, 28, 28], not {images.dtype} {list(images.shape)}."
        )
    if severity == 0 or len(images) == 0:
        return images.copy()

    import torch

    pixels = torch.from_numpy(images[:, np.newaxis].astype(np.float32) / 255)
    with torch.no_grad(), torch.random.fork_rng(devices=()):
        # not torch.manual_seed, which seeds the generators of all GPUs too
        torch.default_generator.manual_seed(int(seed))
        damaged = CORRUPTIONS[name].apply(pixels, severity)
    return (255 * damaged.clamp(0, 1)).round().to(torch.uint8)[:, 0].numpy()


# torch-uncertainty ------------------------------------------------------------------------------


def _from_torch_uncertainty(class_name: str) -> Callable[[torch.Tensor, int], torch.Tensor]:
    def apply(images: torch.Tensor, severity: int) -> torch.Tensor:
        from torch_uncertainty.transforms import corruption

        return getattr(corruption, class_name)(severity)(images)

    return apply


# torchvision ------------------------------------------------------------------------------------

SIGMA = (0.8, 1.2, 1.6, 2.0, 2.5)
SIDE = (14, 10, 8, 7, 6)
DEGREES = (10, 20, 30, 40, 50)
PIXELS = (1, 2, 3, 4, 5)
SQUARE = (3, 5, 6, 8, 10)


def _blur(images: torch.Tensor, severity: int) -> torch.Tensor:
    from torchvision.transforms.v2 import functional

    return functional.gaussian_blur(images, kernel_size=[15, 15], sigma=[SIGMA[severity - 1]])


def _pixelation(images: torch.Tensor, severity: int) -> torch.Tensor:
    from torchvision.transforms.v2 import InterpolationMode, functional

    side = SIDE[severity - 1]
    small = functional.resize(images, [side, side], antialias=True)
    return functional.resize(small, [28, 28], interpolation=InterpolationMode.NEAREST_EXACT)


def _rotation(images: torch.Tensor, severity: int) -> torch.Tensor:
    import torch
    from torchvision.transforms.v2 import InterpolationMode, functional

    # torchvision turns a whole batch by one angle: one batch for either direction
    clockwise = torch.rand(len(images)) < 0.5
    turned = torch.empty_like(images)
    for chosen, sign in ((clockwise, -1), (~clockwise, 1)):
        turned[chosen] = functional.rotate(
            images[chosen], sign * DEGREES[severity - 1], InterpolationMode.BILINEAR
        )
    return turned


def _shift(images: torch.Tensor, severity: int) -> torch.Tensor:
    import torch
    from torchvision.transforms.v2 import functional

    distance = PIXELS[severity - 1]
    direction = torch.randint(4, (len(images),))
    moved = torch.empty_like(images)
    for number, (x, y) in enumerate(((1, 1), (1, -1), (-1, 1), (-1, -1))):
        chosen = direction == number
        moved[chosen] = functional.affine(
            images[chosen], angle=0, translate=[x * distance, y * distance], scale=1, shear=[0, 0]
        )
    return moved


def _occlusion(images: torch.Tensor, severity: int) -> torch.Tensor:
    import torch
    from torchvision.transforms.v2 import functional

    side = SQUARE[severity - 1]
    # the corner of the square, so that it lies inside the box of 20 by 20 that holds the ink
    corners = 4 + torch.randint(20 - side + 1, (len(images), 2))
    return torch.stack(
        [
            functional.erase(image, int(top), int(left), side, side, v=torch.zeros(1, 1, 1))
            for image, (top, left) in zip(images, corners, strict=True)
        ]
    )


CORRUPTIONS: dict[str, Corruption] = {
    "Gaussian noise": Corruption(
        _from_torch_uncertainty("GaussianNoise"),
        (0.08, 0.12, 0.18, 0.26, 0.38),
        "standard deviation",
        "torch-uncertainty",
    ),
    "shot noise": Corruption(
        _from_torch_uncertainty("ShotNoise"),
        (60, 25, 12, 5, 3),
        "photons of full ink",
        "torch-uncertainty",
    ),
    "contrast": Corruption(
        _from_torch_uncertainty("Contrast"),
        (0.4, 0.3, 0.2, 0.1, 0.05),
        "share of the contrast kept",
        "torch-uncertainty",
    ),
    "blur": Corruption(_blur, SIGMA, "sigma in pixels", "torchvision"),
    "pixelation": Corruption(_pixelation, SIDE, "pixels along a side", "torchvision"),
    "rotation": Corruption(_rotation, DEGREES, "degrees, either way", "torchvision"),
    "shift": Corruption(_shift, PIXELS, "pixels, along both axes", "torchvision"),
    "occlusion": Corruption(_occlusion, SQUARE, "side of the blank square", "torchvision"),
}
"""Every corruption by the name that menus and legends show."""
