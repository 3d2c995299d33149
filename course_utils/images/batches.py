"""Batches: an image set, shuffled, randomly cropped and normalised, ready for a network."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .image_set import ImageSet

if TYPE_CHECKING:
    import torch

__all__ = ["MEAN", "STD", "Batches", "batches"]

# Mean and standard deviation of all pixels of MNIST's training set, on the scale from 0 to 1.
MEAN = 0.1307
STD = 0.3081


def batches(
    image_set: ImageSet,
    batch_size: int,
    *,
    shuffle: bool = False,
    crop_padding: int = 0,
    device: str | torch.device = "cpu",
    seed: int | None = None,
    rank: int = 0,
    world_size: int = 1,
) -> Batches:
    """Prepare batches of images, ready for a network.

    The same numbers as torchvision's ``RandomCrop(28, padding=crop_padding)``, ``ToDtype(float32,
    scale=True)`` and ``Normalize([MEAN], [STD])`` applied image by image, much faster: the grey
    values stay in memory as they are, and a whole batch is cropped and normalised at once.

    Parameters
    ----------
    image_set : ImageSet
    batch_size : int
        Images in a batch; the last batch may be smaller.
    shuffle : bool
        Whether every epoch has a new order.
    crop_padding : int
        Pixels of background added on every side before a window of 28 by 28 is cut out, at a random
        position for each image. 0 means no augmentation.
    device : str or torch.device
        Where the batches are made and live.
    seed : int, optional
        Makes order and crops repeatable. Without it, torch's global generator is asked for one, so
        that ``torch.manual_seed`` and Lightning's ``seed_everything`` work as usual.
    rank, world_size : int
        Take only every ``world_size``-th image, starting at ``rank``, as for several GPUs. All
        ranks need the same seed, and get equally many batches: the first images fill up the rest.

    Returns
    -------
    Batches
        Each iteration is one epoch of (float32 [B, 1, 28, 28], int64 [B]).

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used; the message says which.
    """
    if not isinstance(image_set, ImageSet):
        raise TypeError(f"batches needs an ImageSet, not {type(image_set).__name__}.")
    if len(image_set) == 0:
        raise ValueError(f"{image_set.name} has no images: there is nothing to batch.")
    batch_size, crop_padding = operator.index(batch_size), operator.index(crop_padding)
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}: a batch needs at least one image.")
    if crop_padding < 0:
        raise ValueError(f"crop_padding is {crop_padding}: it cannot be negative.")
    if not 0 <= rank < world_size:
        raise ValueError(
            f"rank is {rank}: with world_size {world_size} it goes from 0 to {world_size - 1}."
        )
    if world_size > len(image_set):
        raise ValueError(
            f"There are {len(image_set)} images for {world_size} ranks: use fewer ranks."
        )
    if world_size > 1 and seed is None:
        raise ValueError("Several ranks need the same seed to share the images: give one.")
    return Batches(image_set, batch_size, shuffle, crop_padding, device, seed, rank, world_size)


class Batches:
    """What `batches` returns: iterate once for each epoch; ``len`` is the number of batches."""

    def __init__(
        self,
        image_set: ImageSet,
        batch_size: int,
        shuffle: bool,
        crop_padding: int,
        device: str | torch.device,
        seed: int | None,
        rank: int,
        world_size: int,
    ) -> None:
        import torch

        self.image_set = image_set
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.crop_padding = crop_padding
        self.device = torch.device(device)
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise ValueError(
                'There is no GPU here that PyTorch can use: leave device="cuda" out, or give '
                "course_utils.networks.training.device(), which falls back to the CPU."
            )
        self.rank, self.world_size = rank, world_size
        if seed is None:
            seed = int(torch.randint(2**62, (), dtype=torch.int64))
        # Random numbers come from the CPU, so that a seed gives the same epoch on every device.
        self._generator = torch.Generator().manual_seed(seed)
        self._labels = torch.tensor(image_set.labels, device=self.device)
        images = torch.tensor(image_set.images, device=self.device)
        if crop_padding:
            images = torch.nn.functional.pad(images, (crop_padding,) * 4)
            # Every window of every image, [N, 2P+1, 2P+1, 28, 28]: a view, nothing is copied.
            images = images.unfold(1, 28, 1).unfold(2, 28, 1)
        self._images = images

    def __len__(self) -> int:
        images_per_rank = -(-len(self.image_set) // self.world_size)
        return -(-images_per_rank // self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        import torch

        # All random numbers of an epoch are drawn at its start: one copy to the device for all.
        count = len(self.image_set)
        order = torch.arange(count)
        if self.shuffle:
            order = torch.randperm(count, generator=self._generator)
        positions = order
        if self.crop_padding:
            windows = 2 * self.crop_padding + 1
            offsets = torch.randint(windows, (2, count), generator=self._generator)
            positions = torch.stack([order, *offsets])
        if self.world_size > 1:
            missing = -count % self.world_size
            positions = torch.cat([positions, positions[..., :missing]], dim=-1)
            positions = positions[..., self.rank :: self.world_size]
        positions = positions.to(self.device)
        for chosen in positions.split(self.batch_size, dim=-1):
            index = chosen if not self.crop_padding else chosen[0]
            window = index if not self.crop_padding else tuple(chosen)
            yield _normalise(self._images[window]), self._labels[index]


def _normalise(grey_values: torch.Tensor) -> torch.Tensor:
    """uint8 [B, 28, 28] -> float32 [B, 1, 28, 28], to the bit as torchvision's transforms do it."""
    import torch

    # times 1 / 255, as torchvision does: dividing by 255 differs in the last bit
    normalised = grey_values.to(torch.float32).mul_(1 / 255).sub_(MEAN).div_(STD)
    # The channel axis is added last and then moved, not inserted: with a single channel both give
    # the same numbers in the same memory, but only these strides tell PyTorch's convolutions that
    # the batch is channels-last, which makes a training step on a CPU about a third faster.
    return normalised.unsqueeze(-1).movedim(-1, 1)
