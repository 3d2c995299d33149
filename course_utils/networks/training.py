"""Train a network: what chapters 2 to 6 spell out, in one call for the rest.

`fit` is thin: the work is done by torch-uncertainty's ``TUTrainer`` and ``ClassificationRoutine``
(through `course_utils.networks.routine`, which leaves out what nobody looks at). Whatever else a
training in a chapter needs, `device`, `quiet` and `interruptible`, can be imported from here too.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint
from torch import nn
from torch_uncertainty import TUTrainer
from torch_uncertainty.transforms import RepeatTarget

from course_utils._support import settings
from course_utils._support.device import device
from course_utils.images import ImageSet, batches

from . import threads  # noqa: F401, one thread unless chosen otherwise
from .augmentation import Augmented
from .evaluation import EVALUATION_BATCH_SIZE, count_members
from .interruption import interruptible
from .progress import ProgressLine
from .routine import CourseRoutine
from .sharing import Shares, own_rank
from .silence import quiet
from .training_folder import loggers, only_training_in, remove_earlier, steps_done

__all__ = [
    "BATCH_SIZE",
    "EPOCHS",
    "Fit",
    "device",
    "epochs_for",
    "fit",
    "interruptible",
    "one_cycle_sgd",
    "quiet",
]

BATCH_SIZE = 128
EPOCHS = {"look": 3, "train": 3, "full": 75}  # of the 55,000 digits


def epochs_for(train: ImageSet, speed: settings.Speed | None = None) -> int:
    """How many epochs a speed, by default that of ``COURSE_SPEED``, stands for on these images.

    A smaller set gets more epochs, so that the number of steps stays about the same: 3 epochs of
    the 55,000 digits are 1,290 steps, and 54 epochs of 3,000 digits are 1,296.
    """
    steps = EPOCHS[speed or settings.speed()] * -(-55_000 // BATCH_SIZE)
    return max(1, round(steps / -(-len(train) // BATCH_SIZE)))


def one_cycle_sgd(
    model: nn.Module,
    num_steps: int,
    num_members: int = 1,
    learning_rate: float = 0.05,
    weight_decay: float = 5e-4,
    warm_up: float = 0.4,
) -> dict:
    """SGD with Nesterov momentum, and a learning rate that rises once and falls to almost zero.

    The loss is the mean over the members. Each member therefore sees only 1/M of its own gradient:
    the learning rate is multiplied by M, and the weight decay, which does not pass through the
    loss, is divided by M. With SGD a member then takes exactly the steps it would take alone.
    """
    learning_rate = learning_rate * num_members
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=learning_rate,
        momentum=0.9,
        nesterov=True,
        weight_decay=weight_decay / num_members,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=learning_rate,
        total_steps=num_steps,
        pct_start=warm_up,  # the share of the steps in which the rate rises
        cycle_momentum=False,
    )
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": schedule, "interval": "step"},
    }


@dataclass(frozen=True)
class Fit:
    """What a training leaves behind.

    Attributes
    ----------
    model : nn.Module
        The trained network, on the CPU, in evaluation mode, with the weights of the last step.
    name : str
    epochs, num_steps : int
    seconds : float
        Wall time of the training with its validation, without loading data; of a resumed one
        also what its checkpoint had taken.
    device : str
    learning_rate : float
        After the last step; close to zero where the schedule ran to its end. NaN after
        ``ddp_notebook``, whose processes take it with them.
    log : Path
        The CSV log: two rows for every 10 steps (learning rate, loss) and one for every validation,
        from the first step on even if the training was interrupted and resumed.
    best_checkpoint, last_checkpoint : Path
        Lightning checkpoints: lowest validation NLL, and last epoch (to resume from).
    """

    model: nn.Module
    name: str
    epochs: int
    num_steps: int
    seconds: float
    device: str
    learning_rate: float
    log: Path
    best_checkpoint: Path
    last_checkpoint: Path

    @classmethod
    def of(cls, trainer: TUTrainer, name: str) -> Fit:
        """What a trainer has left behind that a chapter set up by itself.

        Parameters
        ----------
        trainer : TUTrainer
            Has trained, with a `CSVLogger`, a `ModelCheckpoint` that also saves the last weights,
            and a `ProgressLine`, which keeps the time.
        name : str
            What later chapters know the network by.
        """
        (line,) = (one for one in trainer.callbacks if isinstance(one, ProgressLine))
        checkpoints, logger = trainer.checkpoint_callback, trainer.logger
        assert isinstance(checkpoints, ModelCheckpoint) and logger is not None
        assert trainer.max_epochs is not None  # it has trained
        return cls(
            model=trainer.lightning_module.model.cpu().eval(),
            name=name,
            epochs=trainer.max_epochs,
            num_steps=trainer.global_step,
            seconds=line.seconds,
            device=_device_name(trainer.strategy.root_device, 1),
            learning_rate=trainer.optimizers[0].param_groups[0]["lr"],
            log=Path(str(logger.log_dir)) / "metrics.csv",
            best_checkpoint=Path(checkpoints.best_model_path),
            last_checkpoint=Path(checkpoints.last_model_path),
        )


def fit(
    model: nn.Module,
    train: ImageSet,
    val: ImageSet,
    *,
    name: str,
    folder: Path | str,
    epochs: int | None = None,
    crop_padding: int = 4,
    augment: Callable[[torch.Tensor], torch.Tensor] | None = None,
    recipe: Callable[..., dict] = one_cycle_sgd,
    resume: bool = False,
    callbacks: Sequence[Callback] = (),
    devices: int = 1,
    num_nodes: int = 1,
    strategy: str = "ddp",
) -> Fit:
    """Train a network on `train`, look at `val` after every epoch, log and keep checkpoints.

    Parameters
    ----------
    model : nn.Module
        Returns logits [(m b), C] for images [B, 1, 28, 28]; all members are trained jointly.
    train, val : ImageSet
    name : str
        For the progress line and the folder of the log.
    folder : Path or str
        Log and checkpoints go to ``folder/name``, in place of those of an earlier training.
    epochs : int, optional
        By default what ``COURSE_SPEED`` stands for, see `epochs_for`.
    crop_padding : int
        Random crops after padding by this many pixels; 0 for none.
    augment : callable, optional
        One more random change to every batch of images, such as
        `course_utils.networks.augmentation.random_affine`.
    recipe : callable
        ``recipe(model, num_steps, num_members)`` returns optimizer and schedule.
    resume : bool
        Go on from the last checkpoint in the folder, if there is one.
    callbacks : sequence of Lightning callbacks
        Called along with those of the course, to watch a training or to stop it.
    devices, num_nodes : int
        With more than one, every device of every machine (node) has a process of its own, which
        gets its share of each batch: the steps are those of a single device, up to rounding. GPUs
        where there are enough, otherwise processes on the CPU. Every process returns.
    strategy : {"ddp", "ddp_notebook"}
        How several processes come about. ``ddp`` starts the script again and fails in notebooks;
        there ``ddp_notebook`` copies the running process, before it has touched a GPU.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If `train` or `val` is empty, `val` is `train` or a test set, `epochs` is not positive, a
        batch cannot be shared out equally, somebody else is training in the same folder, or the
        checkpoint to resume from is damaged or belongs to another training.
    FloatingPointError
        If the loss is not a number any more.
    Interrupted, OSError, MemoryError
        If the training is interrupted, the disk is full, or the GPU's memory does not suffice (see
        `interruptible`). `model` then has the weights again that it came with; the checkpoints
        keep everything up to the last whole epoch.
    """
    _check(train, val, devices, num_nodes)
    epochs = epochs_for(train) if epochs is None else epochs
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}: train for at least 1.")
    num_members = count_members(model, training=True)
    model.train()  # Lightning keeps the mode that it finds: dropout would stay off
    quiet()
    log_folder = Path(folder) / name
    with (
        only_training_in(log_folder),
        interruptible(
            f"The training of {name}",
            "run it again to start anew or with resume=True to go on from its last epoch, or take"
            " the shipped weights (%env COURSE_SPEED=look)",
        ),
    ):
        num_processes = devices * num_nodes
        where = device() if num_processes == 1 else _device_of_each(devices)
        loaders = _loaders(train, val, crop_padding, augment, where, num_processes)
        steps_per_epoch = math.ceil(
            math.ceil(len(train) / num_processes) / (BATCH_SIZE // num_processes)
        )
        num_steps = epochs * steps_per_epoch
        routine = CourseRoutine(
            model,
            num_classes=10,
            loss=nn.CrossEntropyLoss(),
            is_ensemble=count_members(model) > 1,
            format_batch_fn=RepeatTarget(num_members),
            optim_recipe=recipe(model, num_steps, num_members),
        )
        last = log_folder / "last.ckpt"
        resume = resume and last.exists()
        steps_before = steps_done(last, model, num_steps) if resume else 0
        if not resume and own_rank() == 0:
            remove_earlier(log_folder)
        checkpoints = ModelCheckpoint(
            log_folder,
            filename="best",
            monitor="val/cls/NLL",
            save_last=True,
            enable_version_counter=False,
        )
        line = ProgressLine(name)
        trainer = TUTrainer(
            accelerator="gpu" if where.type == "cuda" else "cpu",
            devices=devices,
            num_nodes=num_nodes,
            strategy=strategy if num_processes > 1 else "auto",
            max_epochs=epochs,
            logger=loggers(log_folder, steps_before),
            log_every_n_steps=min(10, steps_per_epoch),
            callbacks=[checkpoints, LearningRateMonitor("step"), line, *callbacks],
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        start = time.perf_counter()
        trainer.fit(routine, **loaders, ckpt_path=last if resume else None, weights_only=True)
        seconds = time.perf_counter() - start
    # ddp_notebook's processes take the trainer's own count, and its optimizer, with them
    optimizers = trainer.optimizers
    return Fit(
        model=model.cpu().eval(),
        name=name,
        epochs=epochs,
        num_steps=trainer.global_step or num_steps,
        seconds=line.seconds_before + seconds,
        device=_device_name(where, num_processes),
        learning_rate=optimizers[0].param_groups[0]["lr"] if optimizers else math.nan,
        log=log_folder / "metrics.csv",
        best_checkpoint=log_folder / "best.ckpt",
        last_checkpoint=last,
    )


def _check(train: ImageSet, val: ImageSet, devices: int, num_nodes: int) -> None:
    if not len(train) or not len(val):
        raise ValueError("There are no images to train on, or none to validate on.")
    if val.content_hash == train.content_hash:
        raise ValueError("Training and validation images are the same: validate on others.")
    if re.search(r"\btest\b", val.name):  # also "MNIST test, blur 3", but not "contest"
        raise ValueError(
            f"{val.name} is kept for the end: looking at it in training means choosing on it."
            " Validate on the split 'val'."
        )
    if min(devices, num_nodes) < 1 or BATCH_SIZE % (devices * num_nodes):
        raise ValueError(
            f"A batch of {BATCH_SIZE} images cannot be shared out equally over {devices} devices on"
            f" each of {num_nodes} machines: use 1, 2, 4, 8, ... in all."
        )


def _device_of_each(devices: int) -> torch.device:
    # counted without touching them: a GPU in use cannot be taken along by ddp_notebook
    return torch.device("cuda" if torch.cuda.device_count() >= devices else "cpu")


def _loaders(
    train: ImageSet,
    val: ImageSet,
    crop_padding: int,
    augment: Callable[[torch.Tensor], torch.Tensor] | None,
    where: torch.device,
    num_processes: int,
) -> dict[str, Any]:
    """What ``trainer.fit`` takes its batches from, by the names of its arguments."""
    if num_processes > 1:
        return {"datamodule": Shares(train, val, BATCH_SIZE, crop_padding, augment)}
    train_batches = batches(
        train, BATCH_SIZE, shuffle=True, crop_padding=crop_padding, device=where
    )
    return {
        "train_dataloaders": train_batches
        if augment is None
        else Augmented(train_batches, augment),
        "val_dataloaders": batches(val, EVALUATION_BATCH_SIZE, device=where),
    }


def _device_name(where: torch.device, num_processes: int) -> str:
    if where.type == "cuda":
        name = torch.cuda.get_device_name(where)
    else:
        count = torch.get_num_threads()
        name = f"CPU, {count} thread{'s' if count > 1 else ''}"
    return name if num_processes == 1 else f"{name}, {num_processes} processes"
