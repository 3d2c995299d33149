"""Train, evaluate and predict: what chapters 2 to 4 spell out, in functions for the rest.

`fit` and `evaluate` are thin: the work is done by torch-uncertainty's ``TUTrainer`` and
``ClassificationRoutine`` (through `course_utils.networks.routine`, which leaves out what nobody looks at).
Images come from `course_utils.images.batches`.
"""

from __future__ import annotations

import copy
import csv
import errno
import logging
import math
import re
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from lightning.pytorch import LightningDataModule
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from torch import nn
from torch_uncertainty import TUTrainer
from torch_uncertainty.transforms import RepeatTarget

from course_utils._support import settings
from course_utils._support.device import device
from course_utils.images import MEAN, STD, Batches, ImageSet, batches
from course_utils.metrics.predictions import Predictions

from .checkpoints import read_checkpoint
from .progress import ProgressLine
from .routine import CourseRoutine

__all__ = [
    "BATCH_SIZE",
    "EPOCHS",
    "Fit",
    "count_members",
    "device",
    "epochs_for",
    "evaluate",
    "fit",
    "interruptible",
    "one_cycle_sgd",
    "predict",
    "quiet",
    "random_affine",
]

BATCH_SIZE = 128
EVALUATION_BATCH_SIZE = 500  # larger batches leave the CPU's cache: 1000 is slower than 500
EPOCHS = {"look": 3, "train": 3, "full": 75}  # of the 55,000 digits


def epochs_for(train: ImageSet, speed: settings.Speed | None = None) -> int:
    """How many epochs a speed, by default that of ``COURSE_SPEED``, stands for on these images.

    A smaller set gets more epochs, so that the number of steps stays about the same: 3 epochs of
    the 55,000 digits are 1,290 steps, and so are 54 epochs of the sample's 3,000.
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


def random_affine(
    images: torch.Tensor, degrees: float = 10.0, stretch: float = 0.1
) -> torch.Tensor:
    """Rotate, scale and shear every image by its own random amount.

    Parameters
    ----------
    images : torch.Tensor
        Normalised images [B, 1, 28, 28], as `course_utils.images.batches` deals them out.
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


class _Shares(LightningDataModule):
    """Each process's own share of every training batch, and all validation images for everybody.

    Lightning shares out the images of a ``DataLoader`` by itself, but gives every process the same
    batches of any other loader. Which process this is, it knows only once all are running: hence
    loaders that are made late. Validation is not shared out, because shares of equal length may
    hold an image twice.
    """

    def __init__(
        self,
        train: ImageSet,
        val: ImageSet,
        crop_padding: int,
        augment: Callable[[torch.Tensor], torch.Tensor] | None,
    ) -> None:
        super().__init__()
        self.train_images, self.val_images = train, val
        self.crop_padding, self.augment = crop_padding, augment
        self.seed = int(torch.randint(2**62, (), dtype=torch.int64))  # as `batches` draws its own

    def train_dataloader(self) -> Batches | _Augmented:
        strategy, rank, count = (
            self.trainer.strategy,
            self.trainer.global_rank,
            self.trainer.world_size,
        )
        seed = strategy.broadcast(self.seed)  # the first one's: all must shuffle alike
        torch.manual_seed(seed % 2**62 + rank)  # other images, so other dropout and augmentation
        loader = batches(
            self.train_images,
            BATCH_SIZE // count,
            shuffle=True,
            crop_padding=self.crop_padding,
            device=strategy.root_device,
            seed=seed,
            rank=rank,
            world_size=count,
        )
        return loader if self.augment is None else _Augmented(loader, self.augment)

    def val_dataloader(self) -> Batches:
        return batches(
            self.val_images, EVALUATION_BATCH_SIZE, device=self.trainer.strategy.root_device
        )


class _Augmented:
    """Batches with one more random change to the images."""

    def __init__(self, loader: Batches, augment: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.loader, self.augment = loader, augment

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for images, labels in self.loader:
            yield self.augment(images), labels


# What is not shown in the notebooks, each with its reason.
SILENCED = (
    # FPR95 keeps all scores: 20,000 numbers are 80 kB
    r".*will save all targets and predictions in buffer.*",
    # a cell run a second time logs to the same folder, on purpose: the last run counts
    r"Experiment logs directory .* exists and is not empty.*",
    r"Checkpoint directory .* exists and is not empty.*",
    # Lightning calls PyTorch by a deprecated name; nothing a learner could do
    r".*isinstance\(treespec, LeafSpec\).*",
)


def quiet() -> None:
    """Silence, for this session, the warnings of `SILENCED` and Lightning's lines on hardware."""
    for message in SILENCED:
        warnings.filterwarnings("ignore", message=message)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


def count_members(model: nn.Module, *, training: bool = False) -> int:
    """How many members answer: the rows of output for each image.

    torch-uncertainty's ensembles return [(m b), C], all images of the first member first.
    MC-dropout answers once in training and M times in evaluation; BatchEnsemble deals the images of
    a batch out to its members in training; the others do not distinguish.
    """
    count = 48  # BatchEnsemble fails on fewer images than members
    place = next(model.parameters()).device
    # a copy: in training mode, looking would already change what batch normalisation has counted
    model = copy.deepcopy(model).train(training)
    with torch.no_grad():
        rows = model(torch.zeros(count, 1, 28, 28, device=place)).shape[0]
    return rows // count


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
        One more random change to every batch of images, such as `random_affine`.
    recipe : callable
        ``recipe(model, num_steps, num_members)`` returns optimizer and schedule.
    resume : bool
        Go on from the last checkpoint in the folder, if there is one.
    callbacks : sequence of Lightning callbacks
        Called along with those of the course, for whoever wants to watch or stop a training.
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
    KeyboardInterrupt, OSError, MemoryError
        If the training is interrupted, the disk is full, or the GPU's memory does not suffice (see
        `interruptible`); everything up to the last whole epoch is kept.
    """
    if not len(train) or not len(val):
        raise ValueError("There are no images to train on, or none to validate on.")
    if val.content_hash == train.content_hash:
        raise ValueError("Training and validation images are the same: validate on others.")
    if re.search(r"\btest\b", val.name):  # also "MNIST test, blur 3", but not "contest"
        raise ValueError(
            f"{val.name} is kept for the end: whoever looks at it in training chooses on it."
            " Validate on the split 'val'."
        )
    epochs = epochs_for(train) if epochs is None else epochs
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}: train for at least 1.")
    num_processes = devices * num_nodes
    if min(devices, num_nodes) < 1 or BATCH_SIZE % num_processes:
        raise ValueError(
            f"A batch of {BATCH_SIZE} images cannot be shared out equally over {devices} devices on"
            f" each of {num_nodes} machines: use 1, 2, 4, 8, ... in all."
        )
    num_members = count_members(model, training=True)
    model.train()  # Lightning keeps the mode that it finds: dropout would stay off
    quiet()
    log_folder = Path(folder) / name
    with (
        _only_training_in(log_folder),
        interruptible(f"The training of {name}", "resume=True goes on from its last epoch"),
    ):
        if num_processes > 1:
            # counted without touching them: a GPU in use cannot be taken along by ddp_notebook
            where = torch.device("cuda" if torch.cuda.device_count() >= devices else "cpu")
            loaders = {"datamodule": _Shares(train, val, crop_padding, augment)}
            steps_per_epoch = math.ceil(
                math.ceil(len(train) / num_processes) / (BATCH_SIZE // num_processes)
            )
        else:
            where = device()
            train_batches = batches(
                train, BATCH_SIZE, shuffle=True, crop_padding=crop_padding, device=where
            )
            steps_per_epoch = len(train_batches)
            loaders = {
                "train_dataloaders": train_batches
                if augment is None
                else _Augmented(train_batches, augment),
                "val_dataloaders": batches(val, EVALUATION_BATCH_SIZE, device=where),
            }
        num_steps = epochs * steps_per_epoch
        routine = CourseRoutine(
            model,
            num_classes=10,
            loss=nn.CrossEntropyLoss(),
            is_ensemble=count_members(model) > 1,
            format_batch_fn=RepeatTarget(num_members),
            optim_recipe=recipe(model, num_steps, num_members),
        )
        checkpoints = ModelCheckpoint(
            log_folder,
            filename="best",
            monitor="val/cls/NLL",
            save_last=True,
            enable_version_counter=False,
        )
        line = ProgressLine(name)
        last = log_folder / "last.ckpt"
        resume = resume and last.exists()
        steps_done = _steps_done(last, model, num_steps) if resume else 0
        if not resume and rank_zero_only.rank == 0:
            _remove_earlier(log_folder)
        trainer = TUTrainer(
            accelerator="gpu" if where.type == "cuda" else "cpu",
            devices=devices,
            num_nodes=num_nodes,
            strategy=strategy if num_processes > 1 else "auto",
            max_epochs=epochs,
            logger=_loggers(log_folder, steps_done),
            log_every_n_steps=min(10, steps_per_epoch),
            callbacks=[checkpoints, LearningRateMonitor("step"), line, *callbacks],
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        start = time.perf_counter()
        trainer.fit(routine, **loaders, ckpt_path=last if resume else None, weights_only=True)
        seconds = time.perf_counter() - start
        return Fit(
            model=model.cpu().eval(),
            name=name,
            epochs=epochs,
            # ddp_notebook's processes take the trainer's own count with them
            num_steps=trainer.global_step or num_steps,
            seconds=line.seconds_before + seconds,
            device=_device_name(where, num_processes),
            learning_rate=trainer.optimizers[0].param_groups[0]["lr"]
            if trainer.optimizers
            else math.nan,
            log=log_folder / "metrics.csv",
            best_checkpoint=log_folder / "best.ckpt",
            last_checkpoint=last,
        )


def _steps_done(checkpoint: Path, model: nn.Module, num_steps: int) -> int:
    """How many steps a checkpoint has behind it, once it is known to fit this training."""
    try:
        saved = read_checkpoint(checkpoint)
        steps_done = saved["global_step"]
        weights = saved["state_dict"]
        schedules = [schedule.get("total_steps") for schedule in saved["lr_schedulers"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{checkpoint} cannot be read: delete it, or train anew with resume=False."
        ) from error
    shapes = {f"model.{key}": value.shape for key, value in model.state_dict().items()}
    if shapes != {key: value.shape for key, value in weights.items() if key.startswith("model.")}:
        raise ValueError(
            f"{checkpoint} belongs to another architecture than this {type(model).__name__}:"
            " train under another name, or anew with resume=False."
        )
    if planned := [steps for steps in schedules if steps not in (None, num_steps)]:
        raise ValueError(
            f"{checkpoint} belongs to a training of {planned[0]} steps, this one has {num_steps}:"
            " train with the same epochs and images, or with resume=False."
        )
    return steps_done


def _remove_earlier(folder: Path) -> None:
    """Remove what an earlier training left: nobody shall resume from it or see two in one curve."""
    for pattern in ("best.ckpt", "last.ckpt", "events.out.tfevents.*"):
        for path in folder.glob(pattern):
            path.unlink()


@contextmanager
def _only_training_in(folder: Path) -> Iterator[None]:
    """Keep a second notebook from mixing its log and checkpoints with those of the first."""
    import filelock

    lock = filelock.FileLock(folder / ".lock")
    try:
        if rank_zero_only.rank == 0:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ValueError(
            f"Another notebook is training in {folder} at this moment: wait until it has finished,"
            " or train under another name."
        ) from None
    except (OSError, NotImplementedError):
        pass  # a folder that knows no locks; if it cannot be written to, Lightning will find out
    try:
        yield
    finally:
        lock.release()


NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES}


@contextmanager
def interruptible(
    title: str,
    remedy: str = "to start anew, restart the kernel and run all cells up to this one",
) -> Iterator[None]:
    """Let a training or an evaluation end with one sentence where it cannot go on.

    Ctrl-C, and Jupyter's stop button, stop the cell and nothing else: Lightning would answer by
    ending Python, and ignore all further interruptions.

    Parameters
    ----------
    title : str
        What is done, as the beginning of a sentence.
    remedy : str
        What to do after an interruption, as the end of one.

    Raises
    ------
    KeyboardInterrupt
        If it is interrupted.
    OSError
        If log and checkpoints cannot be written, for example because the disk is full.
    MemoryError
        If the GPU's memory does not suffice.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt(f"{title} was interrupted; {remedy}.") from None
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise OSError(
            error.errno,
            f"{title} cannot write its log or its checkpoints ({error.strerror}): make room, or set"
            f" COURSE_RUNS_DIR to another folder before Jupyter starts; {remedy}.",
        ) from None
    except torch.OutOfMemoryError:
        raise MemoryError(f"{title}: {GPU_FULL}") from None


GPU_FULL = (
    "the GPU's memory does not suffice. Shut down other kernels that use it, take a smaller network"
    " or smaller batches, or set CUDA_VISIBLE_DEVICES to -1 before Jupyter starts, to compute on"
    " the CPU."
)


def _loggers(folder: Path, steps_done: int) -> list[Logger]:
    loggers: list[Logger] = [_csv_logger(folder, steps_done)]
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        return loggers
    from lightning.pytorch.loggers import TensorBoardLogger

    return [*loggers, TensorBoardLogger(folder, name="", version="")]


def _csv_logger(folder: Path, steps_done: int) -> CSVLogger:
    """A CSV log that goes on after the steps of a checkpoint; Lightning's own starts empty."""
    log = folder / "metrics.csv"
    earlier = []
    if steps_done and log.exists() and rank_zero_only.rank == 0:
        # what came after the checkpoint will come again
        earlier = [row for row in _whole_rows(log) if int(row["step"]) < steps_done]
    logger = CSVLogger(folder, name="", version="", flush_logs_every_n_steps=1)
    writer = logger.experiment  # deletes the file
    if earlier:
        writer.metrics_keys = list(earlier[0])
        with log.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, writer.metrics_keys)
            table.writeheader()
            table.writerows(earlier)
    return logger


def _whole_rows(log: Path) -> list[dict[str, str]]:
    """The rows of a log, but for what a full disk or a power cut left of one."""
    text = log.read_text(encoding="utf-8", errors="replace").replace("\0", "")
    return [
        row
        for row in csv.DictReader(text.splitlines())
        if None not in (*row, *row.values()) and row.get("step", "").isdecimal()
    ]


def _device_name(where: torch.device, num_processes: int) -> str:
    if where.type == "cuda":
        name = torch.cuda.get_device_name(where)
    else:
        count = torch.get_num_threads()
        name = f"CPU, {count} thread{'s' if count > 1 else ''}"
    return name if num_processes == 1 else f"{name}, {num_processes} processes"


# torch-uncertainty's name of a metric -> ours, the factor to the shown unit.
METRICS = {
    "test/cls/Acc": ("Accuracy (%)", 100),
    "test/cls/Brier": ("Brier score", 1),
    "test/cls/NLL": ("NLL", 1),
    "test/cls/Entropy": ("Entropy", 1),
    "test/cal/ECE": ("ECE (%)", 100),
    "test/cal/aECE": ("Adaptive ECE (%)", 100),
    "test/sc/AURC": ("AURC (%)", 100),
    "test/sc/AUGRC": ("AUGRC (%)", 100),
    "test/sc/Cov_5Risk": ("Coverage at 5 % risk (%)", 100),
    "test/sc/Risk_80Cov": ("Risk at 80 % coverage (%)", 100),
    "test/ens_Disagreement": ("Disagreement", 1),
    "test/ens_Entropy": ("Entropy of members", 1),
    "test/ens_MI": ("Mutual information", 1),
    "ood/AUROC": ("OOD AUROC (%)", 100),
    "ood/AUPR": ("OOD AUPR (%)", 100),
    "ood/FPR95": ("OOD FPR95 (%)", 100),
    "ood/Entropy": ("OOD entropy", 1),
    "ood/ens_Disagreement": ("OOD disagreement", 1),
    "ood/ens_Entropy": ("OOD entropy of members", 1),
    "ood/ens_MI": ("OOD mutual information", 1),
    "test/cplx/params": ("Parameters (thousand)", 1e-3),
    "test/cplx/flops": ("MFLOPs per image", 1e-6),
}


def evaluate(
    models: Mapping[str, nn.Module], test: ImageSet, ood: ImageSet | None = None
) -> pd.DataFrame:
    """torch-uncertainty's metrics for several models, side by side.

    Parameters
    ----------
    models : mapping of str to nn.Module
        The columns of the table; left on the CPU.
    test : ImageSet
        In-distribution images with labels.
    ood : ImageSet, optional
        Images of something else; the score is the maximum softmax probability.

    Returns
    -------
    pandas.DataFrame
        A row for each metric under its readable name and unit, a column for each model. NaN where
        a metric is not defined, such as disagreement for a single model.
    """
    where = device()
    quiet()
    loaders = [batches(test, EVALUATION_BATCH_SIZE, device=where)]
    if ood is not None:
        loaders.append(batches(ood, EVALUATION_BATCH_SIZE, device=where))
    columns = {}
    for name, model in models.items():
        routine = CourseRoutine(
            model,
            num_classes=10,
            is_ensemble=count_members(model) > 1,
            eval_ood=ood is not None,
        )
        trainer = TUTrainer(
            accelerator="gpu" if where.type == "cuda" else "cpu",
            devices=1,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        # every loader returns the same dictionary: the routine logs all of them together
        with interruptible(f"The evaluation of {name}", "run the cell again"):
            measured = trainer.test(routine, loaders, verbose=False)[0]
        model.cpu()
        # counted by the routine on its first batch, not on one image
        measured["test/cplx/flops"] /= min(EVALUATION_BATCH_SIZE, len(test))
        columns[name] = {
            readable: measured[key] * factor
            for key, (readable, factor) in METRICS.items()
            if key in measured
        }
    rows = [readable for readable, _ in METRICS.values()]
    table = pd.DataFrame(columns)
    return table.reindex([row for row in rows if row in table.index])


def predict(model: nn.Module, images: ImageSet, num_members: int | None = None) -> Predictions:
    """The logits of every member for every image.

    Parameters
    ----------
    model : nn.Module
        Returns logits [(m b), C] for images [B, 1, 28, 28]; left on the CPU.
    images : ImageSet
        N images; their labels go along.
    num_members : int, optional
        M; by default what the model's output says.

    Returns
    -------
    Predictions
        ``logits`` [N, M, C].
    """
    if num_members is None:
        num_members = count_members(model)
    where = device()
    was_training = model.training
    model.to(where).eval()
    for batch_size in (EVALUATION_BATCH_SIZE, EVALUATION_BATCH_SIZE // 10, 1):
        try:
            logits = []
            for inputs, _ in batches(images, batch_size, device=where):
                # not around the moves: parameters moved in inference mode could not be trained
                with torch.inference_mode():
                    outputs = model(inputs).cpu().numpy()
                logits.append(Predictions.from_stacked(outputs, num_members).logits)
            break
        except torch.OutOfMemoryError:
            if batch_size == 1:
                raise MemoryError(f"The prediction: {GPU_FULL}") from None
            print("The GPU's memory does not suffice for this batch: smaller ones are tried.")
    model.cpu().train(was_training)
    return Predictions(np.concatenate(logits), images.labels)
