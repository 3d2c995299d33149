"""The folder of one training: its lock, its log, and the checkpoints to resume from."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger
from torch import nn

from .checkpoints import read_checkpoint
from .sharing import own_rank

__all__ = ["loggers", "only_training_in", "remove_earlier", "steps_done"]


@contextmanager
def only_training_in(folder: Path) -> Iterator[None]:
    """Keep a second notebook from mixing its log and checkpoints with those of the first."""
    import filelock

    lock = filelock.FileLock(folder / ".lock")
    try:
        if own_rank() == 0:
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


def remove_earlier(folder: Path) -> None:
    """Remove what an earlier training left, so it cannot be resumed or mixed into the log."""
    for pattern in ("best.ckpt", "last.ckpt", "events.out.tfevents.*"):
        for path in folder.glob(pattern):
            path.unlink()


def steps_done(checkpoint: Path, model: nn.Module, num_steps: int) -> int:
    """How many steps a checkpoint has behind it, once it is known to fit this training."""
    try:
        saved = read_checkpoint(checkpoint)
        done = saved["global_step"]
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
    return done


def loggers(folder: Path, steps_before: int) -> list[Logger]:
    """A CSV log that goes on after so many steps, and TensorBoard's where it is installed."""
    found: list[Logger] = [_csv_logger(folder, steps_before)]
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        return found
    from lightning.pytorch.loggers import TensorBoardLogger

    return [*found, TensorBoardLogger(folder, name="", version="")]


def _csv_logger(folder: Path, steps_before: int) -> CSVLogger:
    """A CSV log that goes on after the steps of a checkpoint; Lightning's own starts empty."""
    log = folder / "metrics.csv"
    earlier = []
    if steps_before and log.exists() and own_rank() == 0:
        # what came after the checkpoint will come again
        earlier = [row for row in _whole_rows(log) if int(row["step"]) < steps_before]
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
