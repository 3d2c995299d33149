"""One line that says how far a training is, in a notebook, a terminal or an exported page."""

from __future__ import annotations

import html
import math
import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar

from course_utils._support.notebook import in_notebook

from . import threads  # noqa: F401, one thread unless chosen otherwise
from .interruption import Beginning


class ProgressLine(ProgressBar):
    """A single line, rewritten in place a few times a second.

    Lightning's own bars are widgets in JupyterLab: one appears and goes for every validation, the
    page jumps, and nothing of them is left in an exported notebook. This line stays. Where there is
    no progress any more, because the loss is not a number, it stops the training. It puts a stopped
    training back to its beginning, so that the cell can run again.

    Parameters
    ----------
    title : str
        What is being trained.
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title
        self._is_enabled = True
        self._handle = None
        self._accuracy: float | None = None
        self._loss: float | None = None
        self._beginning: Beginning | None = None
        self._start = self._shown_at = 0.0
        self.seconds_before = 0.0  # of the training that is resumed, up to its checkpoint
        self.seconds = 0.0  # of the whole training, once it has ended
        self._was_stopped = False

    def disable(self) -> None:
        self._is_enabled = False

    def enable(self) -> None:
        self._is_enabled = True

    def state_dict(self) -> dict[str, float]:
        return {"seconds": time.perf_counter() - self._start}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        self.seconds_before = state_dict["seconds"]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._was_stopped and self._beginning is not None:
            self._beginning.remove_logs(trainer)
        self._was_stopped, self._accuracy, self._loss = False, None, None
        self._handle = None  # a cell that runs again has a new output
        self._beginning = Beginning(trainer, pl_module)
        self._start = time.perf_counter() - self.seconds_before
        self._show(trainer, force=True)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        # not at every step: a GPU would have to be waited for
        step = trainer.global_step
        every = trainer.log_every_n_steps  # type: ignore[attr-defined] # Lightning sets it late
        if step % every == 0:
            self._loss = float(outputs["loss"])
            if not math.isfinite(self._loss):
                raise FloatingPointError(
                    f"{self.title}: the loss is not a number any more after {step} steps, so the "
                    "training has diverged. Check whether all inputs are finite and normalised, or "
                    "try a lower learning rate. The weights are again those it began with."
                )
        self._show(trainer)

    # not on_validation_epoch_end: the routine computes its metrics after the callbacks of that name
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        accuracy = trainer.callback_metrics.get("val/cls/Acc")
        self._accuracy = None if accuracy is None else float(accuracy)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seconds = time.perf_counter() - self._start
        self._show(trainer, force=True)
        self._leave_line()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        if self._beginning is not None:  # else it was stopped before its first step
            self._was_stopped = True
            self._beginning.restore(trainer, pl_module)
        self._leave_line()

    def _leave_line(self) -> None:
        if self._is_enabled and not in_notebook() and sys.stderr.isatty():
            print(file=sys.stderr)

    def _show(self, trainer: Trainer, force: bool = False) -> None:
        now = time.perf_counter()
        if not self._is_enabled or (now - self._shown_at < 0.25 and not force):
            return
        self._shown_at = now
        epochs = trainer.max_epochs
        assert epochs is not None  # a trainer that trains has settled on a number
        total = epochs * trainer.num_training_batches
        share = trainer.global_step / total if total else 1.0
        epoch = min(trainer.current_epoch + 1, epochs)
        words = f"{self.title}: epoch {epoch} of {epochs}"
        if self._loss is not None:
            words += f", loss {self._loss:.3f}"
        if self._accuracy is not None:
            words += f", validation accuracy {self._accuracy:.1%}"
        seconds = now - self._start
        words += f", {seconds:.0f} s"
        if 0 < share < 1:
            words += f", about {seconds / share - seconds:.0f} s left"
        if in_notebook():
            self._display(share, words)
        elif sys.stderr.isatty():
            print(f"\r{share:4.0%}  {words}\x1b[K", end="", file=sys.stderr, flush=True)

    def _display(self, share: float, words: str) -> None:
        from IPython.display import HTML, display

        line = HTML(
            f'<progress max="1" value="{share:.4f}" style="width: 12em; vertical-align: middle"'
            f' aria-label="{html.escape(self.title)}"></progress> {html.escape(words)}'
        )
        if self._handle is None:
            self._handle = display(line, display_id=True)
        else:
            self._handle.update(line)
