"""Share every training batch between several processes, each on a device of its own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from course_utils.images import Batches, ImageSet, batches

from .augmentation import Augmented
from .evaluation import EVALUATION_BATCH_SIZE

__all__ = ["Shares", "own_rank"]


def own_rank() -> int:
    """The number of this process among those that train together; the first has 0."""
    return rank_zero_only.rank  # type: ignore[attr-defined] # Lightning sets it at run time


class Shares(LightningDataModule):
    """Each process's own share of every training batch, and all validation images for each.

    Lightning shares out the images of a ``DataLoader`` by itself, but gives every process the same
    batches of any other loader. Which process this is, it knows only once all are running: hence
    loaders that are made late. Validation is not shared out, because shares of equal length may
    hold an image twice.
    """

    def __init__(
        self,
        train: ImageSet,
        val: ImageSet,
        batch_size: int,
        crop_padding: int,
        augment: Callable[[torch.Tensor], torch.Tensor] | None,
    ) -> None:
        super().__init__()
        self.train_images, self.val_images = train, val
        self.batch_size = batch_size
        self.crop_padding, self.augment = crop_padding, augment
        self.seed = int(torch.randint(2**62, (), dtype=torch.int64))  # as `batches` draws its own

    def train_dataloader(self) -> Batches | Augmented:
        assert self.trainer is not None  # it is the trainer that asks
        strategy, rank = self.trainer.strategy, self.trainer.global_rank
        count = self.trainer.world_size
        seed = strategy.broadcast(self.seed)  # the first one's: all must shuffle alike
        torch.manual_seed(seed % 2**62 + rank)  # other images, so other dropout and augmentation
        loader = batches(
            self.train_images,
            self.batch_size // count,
            shuffle=True,
            crop_padding=self.crop_padding,
            device=strategy.root_device,
            seed=seed,
            rank=rank,
            world_size=count,
        )
        return loader if self.augment is None else Augmented(loader, self.augment)

    def val_dataloader(self) -> Batches:
        assert self.trainer is not None
        return batches(
            self.val_images, EVALUATION_BATCH_SIZE, device=self.trainer.strategy.root_device
        )
