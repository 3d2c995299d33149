"""The recipe of the course's ancestor, to compare with: slow on purpose nowhere, as published.

The ancestor is torch-uncertainty's gallery tutorial "from Deep Ensembles to Packed-Ensembles". Its
choices, written here anew: every image becomes a PIL picture and then a tensor, is cropped and
normalised on its own, in worker processes (8 for training, 4 for evaluation) that start with every
epoch; batches of 512 to train and 2048 to evaluate; plain SGD with learning rate 0.05 times the
number of members, and a schedule under a key that Lightning ignores; ``TUTrainer`` with its default
bars, loggers and checkpoints.

Two things differ, both in its favour or neutral: it trains on the course's 55,000 digits, not on
60,000, and looks at the course's 5,000 validation digits after every epoch, not at the 10,000 test
digits. The networks are the course's, which compute the same.
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch_uncertainty import TUTrainer
from torch_uncertainty.routines import ClassificationRoutine
from torch_uncertainty.transforms import RepeatTarget
from torchvision import transforms

from benchmarks.harness import cpu_clock
from course_utils.images import MEAN, STD, ImageSet

BATCH_SIZE = 512
EVALUATION_BATCH_SIZE = 2048
LEARNING_RATE = 0.05

TO_TRAIN = transforms.Compose(
    [
        transforms.ToTensor(),
        transforms.RandomCrop(28, padding=4),
        transforms.Normalize((MEAN,), (STD,)),
    ]
)
TO_EVALUATE = transforms.Compose(
    [
        transforms.Grayscale(num_output_channels=1),
        transforms.ToTensor(),
        transforms.CenterCrop(28),
        transforms.Normalize((MEAN,), (STD,)),
    ]
)


class Pictures(Dataset):
    """One PIL picture after the other, as torchvision's ``MNIST`` gives them."""

    def __init__(self, image_set: ImageSet, transform: transforms.Compose) -> None:
        self.images = torch.from_numpy(image_set.images)
        self.labels = torch.from_numpy(image_set.labels)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture = Image.fromarray(self.images[index].numpy())
        return self.transform(picture), int(self.labels[index])


def training_loader(train: ImageSet, workers: int) -> DataLoader:
    return DataLoader(
        Pictures(train, TO_TRAIN), batch_size=BATCH_SIZE, shuffle=True, num_workers=workers
    )


def evaluation_loader(images: ImageSet, workers: int) -> DataLoader:
    return DataLoader(
        Pictures(images, TO_EVALUATE), batch_size=EVALUATION_BATCH_SIZE, num_workers=workers
    )


def optim_recipe(model: nn.Module, num_members: int) -> dict[str, Any]:
    """Plain SGD; the schedule stands under a name that nobody reads, so the rate never falls."""
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE * num_members)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    return {"optimizer": optimizer, "scheduler": schedule}


def fit_and_test(
    model: nn.Module,
    num_members: int,
    images: dict[str, ImageSet],
    *,
    epochs: int,
    folder: Path,
    workers: tuple[int, int] = (8, 4),
) -> dict[str, float]:
    """Train and test one network the ancestor's way.

    Parameters
    ----------
    model : nn.Module
    num_members : int
    images : dict
        ``train``, ``val``, ``test`` and ``ood``.
    epochs : int
    folder : Path
        For its log and checkpoints.
    workers : tuple of int
        Processes that prepare images, in training and in evaluation.

    Returns
    -------
    dict
        ``fit_seconds``, ``fit_cpu_seconds``, ``test_seconds``, and from 0 to 1 ``val_accuracy``,
        ``test_accuracy``, ``ood_auroc``.
    """
    # of the ignored schedule, of more workers than cores, of too few steps for its log
    warnings.filterwarnings("ignore", module="lightning.*")
    warnings.filterwarnings("ignore", message="This DataLoader will create.*")
    start, cpu_start = time.perf_counter(), cpu_clock()
    trainer = TUTrainer(accelerator="auto", devices=1, max_epochs=epochs, default_root_dir=folder)
    routine = ClassificationRoutine(
        model,
        num_classes=10,
        loss=nn.CrossEntropyLoss(),
        is_ensemble=num_members > 1,
        format_batch_fn=RepeatTarget(num_members),
        optim_recipe=optim_recipe(model, num_members),
        eval_ood=True,
    )
    train_batches = training_loader(images["train"], workers[0])
    val_batches = evaluation_loader(images["val"], workers[1])
    trainer.fit(routine, train_batches, val_batches)
    fit_seconds, fit_cpu_seconds = time.perf_counter() - start, cpu_clock() - cpu_start
    val_accuracy = float(trainer.callback_metrics["val/cls/Acc"])
    start = time.perf_counter()
    loaders = [evaluation_loader(images[name], workers[1]) for name in ("test", "ood")]
    measured = trainer.test(routine, loaders)[0]
    return {
        "fit_seconds": fit_seconds,
        "fit_cpu_seconds": fit_cpu_seconds,
        "test_seconds": time.perf_counter() - start,
        "val_accuracy": val_accuracy,
        "test_accuracy": measured["test/cls/Acc"],
        "ood_auroc": measured["ood/AUROC"],
    }
