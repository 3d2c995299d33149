"""The progress line: what it says in a terminal, a notebook, a log."""

from __future__ import annotations

import io
import re
import types

import IPython
import IPython.display
import pandas as pd
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from torch_uncertainty import TUTrainer
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.images import batches, load_mnist
from course_utils.networks import progress, training
from course_utils.networks.models import LeNet


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Log(io.StringIO):
    def isatty(self):
        return False


class Page:
    """What a notebook shows: a list of outputs, each of them replaced when it is updated."""

    def __init__(self):
        self.outputs, self.updates = [], 0

    def display(self, shown, display_id):
        assert display_id
        place = len(self.outputs)
        self.outputs.append(shown.data)

        def update(shown):
            self.outputs[place] = shown.data
            self.updates += 1

        return types.SimpleNamespace(update=update)


@pytest.fixture
def page(monkeypatch):
    page = Page()
    monkeypatch.setattr(IPython.display, "display", page.display)
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    return page


def train(folder, name="lenet", augment=None, epochs=3):
    torch.manual_seed(0)
    return training.fit(
        LeNet(),
        load_mnist("train").subset(slice(0, 3000, 10)),
        load_mnist("val").subset(slice(0, 1000, 5)),
        name=name,
        folder=folder,
        epochs=epochs,
        augment=augment,
    )


def last_accuracy(fit):
    return f"{pd.read_csv(fit.log)['val/cls/Acc'].dropna().iloc[-1]:.1%}"


def interrupt(images):
    raise KeyboardInterrupt


def test_terminal_has_one_line_that_ends_at_the_end(tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    fit = train(tmp_path)
    text = terminal.getvalue()
    assert text.count("\n") == 1 and text.endswith("\n")
    shown = text.rstrip("\n").split("\r")[1:]
    assert all(line.endswith("\x1b[K") for line in shown)  # no rest of a longer line
    assert shown[0].startswith("  0%  lenet: epoch 1 of 3, 0 s")
    expected = rf"100%  lenet: epoch 3 of 3, validation accuracy {last_accuracy(fit)}, \d+ s"
    assert re.match(expected, shown[-1])


def test_the_accuracy_shown_is_that_of_the_last_validation(tmp_path, page, monkeypatch):
    lines = []
    original = progress.ProgressLine._display

    def keep(line, share, words):
        lines.append(words)
        original(line, share, words)

    monkeypatch.setattr(progress.ProgressLine, "_display", keep)
    # every step is shown, however fast it was
    clock = iter(range(10**6))
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    fit = train(tmp_path)
    accuracies = pd.read_csv(fit.log)["val/cls/Acc"].dropna().tolist()
    assert not [line for line in lines if "epoch 1 " in line and "accuracy" in line]
    for epoch in (2, 3):
        during = [line for line in lines if f"epoch {epoch} of 3" in line]
        assert f"accuracy {accuracies[epoch - 2]:.1%}" in during[0]
    assert f"accuracy {accuracies[-1]:.1%}" in lines[-1]


def test_notebook_has_one_output_that_is_updated(tmp_path, page):
    fit = train(tmp_path)
    assert len(page.outputs) == 1 and page.updates >= 1
    assert 'value="1.0000"' in page.outputs[0]
    assert f"lenet: epoch 3 of 3, validation accuracy {last_accuracy(fit)}" in page.outputs[0]


def test_notebook_shows_any_name_as_text(tmp_path, page):
    train(tmp_path, name='a "big" & <b>bold<', epochs=1)
    assert 'aria-label="a &quot;big&quot; &amp; &lt;b&gt;bold&lt;"' in page.outputs[0]
    assert "<b>" not in page.outputs[0]


def test_a_log_stays_empty(tmp_path, monkeypatch, capsys):
    log = Log()
    monkeypatch.setattr("sys.stderr", log)
    train(tmp_path, epochs=1)
    assert log.getvalue() == ""
    assert capsys.readouterr().out == ""


def test_an_interruption_leaves_the_line(tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, augment=interrupt)
    assert terminal.getvalue().endswith("\n")


def test_disabled_it_says_nothing(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    line = progress.ProgressLine("lenet")
    trainer = types.SimpleNamespace(
        max_epochs=2, num_training_batches=3, global_step=6, current_epoch=2, callback_metrics={}
    )
    line.disable()
    line.on_train_start(trainer, None)
    line.on_train_end(trainer, None)
    assert terminal.getvalue() == ""
    line.enable()
    line.on_train_end(trainer, None)
    assert "100%  lenet: epoch 2 of 2, " in terminal.getvalue()


def test_a_notebook_is_one_with_a_kernel(monkeypatch):
    assert not progress.in_notebook()
    for shell, expected in (
        (types.SimpleNamespace(kernel=object()), True),
        (types.SimpleNamespace(), False),  # IPython in a terminal
    ):
        monkeypatch.setattr(IPython, "get_ipython", lambda shell=shell: shell)
        assert progress.in_notebook() is expected


class Notes(Callback):
    """Keeps the loss that the progress line sees, and spoils it from one step on."""

    def __init__(self, spoilt_from):
        self.spoilt_from = spoilt_from

    def on_before_zero_grad(self, trainer, pl_module, optimizer):
        if trainer.global_step == self.spoilt_from:
            torch.nn.init.constant_(pl_module.model.fc3.bias, float("nan"))


def test_a_loss_that_is_no_number_stops_the_training(tmp_path):
    with pytest.raises(FloatingPointError) as stopped:
        training.fit(
            LeNet(),
            load_mnist("train"),
            load_mnist("val"),
            name="digits",
            folder=tmp_path,
            epochs=2,
            callbacks=[Notes(spoilt_from=5)],
        )
    assert "digits: the loss is not a number any more after 10 steps" in str(stopped.value)
    assert "lower learning rate" in str(stopped.value)
    assert not list(tmp_path.glob("digits/*.ckpt")), "nothing to resume from was left"


def as_in_chapter_2(*callbacks):
    """A trainer, what it trains and on what: a few digits, two epochs."""
    loader = batches(load_mnist("train").subset(slice(0, 3000, 10)), 50)
    model = LeNet()
    recipe = training.one_cycle_sgd(model, 2 * len(loader))
    routine = ClassificationRoutine(
        model, num_classes=10, loss=torch.nn.CrossEntropyLoss(), optim_recipe=recipe
    )
    trainer = TUTrainer(
        accelerator="cpu",
        max_epochs=2,
        logger=False,
        enable_checkpointing=False,
        callbacks=list(callbacks),
        enable_model_summary=False,
    )
    return trainer, routine, loader


def test_a_trainer_that_was_stopped_does_not_go_on_in_mid_epoch(tmp_path):
    """As when the cell of chapter 2 is interrupted and run again."""
    stop = Stop(at=3)
    trainer, routine, loader = as_in_chapter_2(progress.ProgressLine("digits"), stop)
    with (
        pytest.raises(KeyboardInterrupt, match="digits was interrupted; to start anew, restart"),
        training.interruptible("The training of digits"),
    ):
        trainer.fit(routine, loader)
    stop.at = None
    with pytest.raises(RuntimeError, match=r"stopped before its end\. To start anew, restart"):
        trainer.fit(routine, loader)


class Stop(Callback):
    def __init__(self, at):
        self.at = at

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.at:
            raise KeyboardInterrupt


def test_the_time_of_a_finished_training_stays(tmp_path):
    line = progress.ProgressLine("digits")
    trainer, routine, loader = as_in_chapter_2(line)
    trainer.fit(routine, loader)
    seconds = line.seconds
    assert seconds > 0
    trainer.fit(routine, loader)  # the cell is run again: there is nothing left to do
    assert line.seconds == seconds
