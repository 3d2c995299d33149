"""Random changes to a batch of images on its way into training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F

from course_utils.images import MEAN, STD, Batches

__all__ = ["Augmented", "random_affine"]


def random_affine(
    images: torch.Tensor, degrees: float = 10.0, stretch: float = 0.1
) -> torch.Tensor:
    """Rotate, scale and shear every image by its own random amount.

    Parameters
    ----------
    images : torch.Tensor
        Normalised images [B, 1, 28, 28], as `course_utils.images.batches` yields them.
    degrees : float
        Largest rotation to either side.
    stretch : float
        Scale of each axis is uniform in 1 +- stretch, shear in +- stretch.
    """
    count, place = len(images), images.device
    angle = (torch.rand(count, device=place) * 2 - 1) * math.radians(degrees)
    scale_x, scale_y, shear = 1 + (torch.rand(3, count, device=place) * 2 - 1) * stretch
    theta = torch.zeros(count, 2, 3, device=place)
    theta[:, 0, 0] = angle.cos() * scale_x
    theta[:, 0, 1] = -angle.sin() * scale_x + (shear - 1)
    theta[:, 1, 0] = angle.sin() * scale_y
    theta[:, 1, 1] = angle.cos() * scale_y
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    # grid_sample fills with 0, which is not the background once images are normalised
    background = -MEAN / STD
    moved = F.grid_sample(images - background, grid, align_corners=False) + background
    # with the strides of a channels-last batch, see `course_utils.images`
    return moved.squeeze(1).unsqueeze(-1).movedim(-1, 1)


class Augmented:
    """Batches with one more random change to the images."""

    def __init__(self, loader: Batches, augment: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.loader, self.augment = loader, augment

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for images, labels in self.loader:
            yield self.augment(images), labels
