"""End a training that cannot go on with one sentence, and let its cell simply run again."""

from __future__ import annotations

import copy
import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger

__all__ = ["GPU_FULL", "Beginning", "Interrupted", "interruptible"]

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES}
GPU_FULL = (
    "the GPU's memory does not suffice. Shut down other kernels that use it, take a smaller network"
    " or smaller batches, or set CUDA_VISIBLE_DEVICES to -1 before Jupyter starts, to compute on"
    " the CPU."
)


class Interrupted(KeyboardInterrupt):
    """Somebody stopped it. A notebook shows the sentence and no traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [str(self)]


@contextmanager
def interruptible(
    title: str,
    remedy: str = "run this cell again to start anew, or take the shipped weights"
    " (%env COURSE_SPEED=look)",
) -> Iterator[None]:
    """Let a training or an evaluation end with one sentence where it cannot go on.

    Ctrl-C, and Jupyter's stop button, stop the cell and those that wait behind it, and nothing
    else: Lightning would answer by ending Python, and ignore all further interruptions.

    Parameters
    ----------
    title : str
        What is done, as the beginning of a sentence.
    remedy : str
        What to do after an interruption, as the end of one.

    Raises
    ------
    Interrupted
        If it is interrupted.
    OSError
        If log and checkpoints cannot be written, for example because the disk is full.
    MemoryError
        If the GPU's memory does not suffice.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        signal.signal(signal.SIGINT, handler)
        raise Interrupted(f"{title} was interrupted: {remedy}.") from None
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise OSError(
            error.errno,
            f"{title} cannot write its log or its checkpoints ({error.strerror}): make room, or set"
            f" COURSE_RUNS_DIR to another folder before Jupyter starts; then {remedy}.",
        ) from None
    except torch.OutOfMemoryError:
        raise MemoryError(f"{title}: {GPU_FULL}") from None


class Beginning:
    """Where a training began, to put a stopped one back there.

    Left alone, Lightning goes on in the middle of an epoch with the next batch that comes, and the
    schedule of the learning rate ends too early. The order of the images is not put back: a second
    attempt sees them in another one.
    """

    def __init__(self, trainer: Trainer, module: LightningModule) -> None:
        kept: dict[str, Any] = {
            "weights": module.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in trainer.optimizers],
            "schedules": [one.scheduler.state_dict() for one in trainer.lr_scheduler_configs],
            "checkpoints": [vars(callback) for callback in trainer.checkpoint_callbacks],
        }
        self._kept = copy.deepcopy(kept)
        self._loops = trainer.fit_loop.state_dict()

    def restore(self, trainer: Trainer, module: LightningModule) -> None:
        """Put back the weights, optimizers, schedules, checkpoints' memory and all counts."""
        kept = copy.deepcopy(self._kept)
        module.load_state_dict(kept["weights"])
        for optimizer, state in zip(trainer.optimizers, kept["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        for one, state in zip(trainer.lr_scheduler_configs, kept["schedules"], strict=True):
            one.scheduler.load_state_dict(state)
        for callback, state in zip(trainer.checkpoint_callbacks, kept["checkpoints"], strict=True):
            vars(callback).update(state)
        loops = trainer.fit_loop
        loops.load_state_dict(self._loops)
        # loaded loops would go on from a checkpoint: tell them that there is nothing to go on from
        loops.restarting = False
        epoch = loops.epoch_loop
        for loop in (loops, epoch, epoch.val_loop, epoch.automatic_optimization):
            loop.on_iteration_done()

    def remove_logs(self, trainer: Trainer) -> None:
        """Remove what the stopped attempt logged: its steps will come again."""
        for logger in trainer.loggers:
            if isinstance(logger, CSVLogger):
                Path(logger.log_dir, "metrics.csv").unlink(missing_ok=True)
