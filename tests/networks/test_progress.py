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
from IPython.core.interactiveshell import InteractiveShell
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch_uncertainty import TUTrainer
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.images import batches, load_mnist
from course_utils.networks import progress, training
from course_utils.networks.interruption import Interrupted, interruptible
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
    loss, accuracy = r"loss \d\.\d{3}", f"validation accuracy {last_accuracy(fit)}"
    expected = rf"100%  lenet: epoch 3 of 3, {loss}, {accuracy}, \d+ s"
    assert re.fullmatch(expected, shown[-1].removesuffix("\x1b[K"))


@pytest.mark.parametrize(
    ("step", "words"),
    [(2, "4 s, about 8 s left"), (3, "4 s, about 4 s left"), (6, "4 s")],
)
def test_the_time_left_is_that_of_the_steps_left(step, words, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: 4.0)
    trainer = types.SimpleNamespace(
        max_epochs=2, num_training_batches=3, global_step=step, current_epoch=1, log_every_n_steps=9
    )
    line = progress.ProgressLine("lenet")
    line.on_train_batch_end(trainer, None, None, None, 0)
    assert terminal.getvalue().removesuffix("\x1b[K").endswith(f"epoch 2 of 2, {words}")


def test_the_loss_shown_is_the_last_one_logged(tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    fit = train(tmp_path)
    loss = pd.read_csv(fit.log)["train_loss"].dropna().iloc[-1]
    assert f"epoch 3 of 3, loss {loss:.3f}, " in terminal.getvalue()


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
    assert f"validation accuracy {last_accuracy(fit)}" in page.outputs[0]


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


class Chapter2:
    """A trainer as chapter 2 writes it, what it trains, and on what: a few digits, two epochs."""

    def __init__(self, *callbacks, folder=None):
        torch.manual_seed(0)
        self.loader = batches(load_mnist("train").subset(slice(0, 3000, 10)), 50)
        self.model = LeNet()
        recipe = training.one_cycle_sgd(self.model, 2 * len(self.loader))
        self.routine = ClassificationRoutine(
            self.model, num_classes=10, loss=torch.nn.CrossEntropyLoss(), optim_recipe=recipe
        )
        logged = [] if folder is None else [LearningRateMonitor("step"), checkpoint(folder)]
        self.trainer = TUTrainer(
            accelerator="cpu",
            max_epochs=2,
            logger=False if folder is None else CSVLogger(folder, name="", version=""),
            log_every_n_steps=1,
            enable_checkpointing=folder is not None,
            callbacks=[*logged, *callbacks],
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        self.val_loader = batches(load_mnist("val").subset(slice(0, 100)), 100)

    def fit(self):
        with interruptible("The training of digits"):
            self.trainer.fit(self.routine, self.loader, self.val_loader)


def checkpoint(folder):
    return ModelCheckpoint(
        folder, filename="best", monitor="val/cls/NLL", save_last=True, enable_version_counter=False
    )


class Stop(Callback):
    """Presses the stop button before a step, once."""

    def __init__(self, at):
        self.at = at

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.at:
            self.at = None
            raise KeyboardInterrupt


@pytest.mark.parametrize("at", [0, 3, 6, 9])  # first step, in the first epoch, between, in the last
def test_a_stopped_cell_that_runs_again_trains_from_the_start(at, tmp_path):
    """The cell of chapter 2 is run, stopped and run again: as if it had not been stopped."""
    expected = Chapter2(progress.ProgressLine("digits"), folder=tmp_path / "whole")
    expected.fit()
    stopped = Chapter2(progress.ProgressLine("digits"), Stop(at), folder=tmp_path / "stopped")
    begun = {key: value.clone() for key, value in stopped.model.state_dict().items()}
    with pytest.raises(Interrupted, match="digits was interrupted: run this cell again to start"):
        stopped.fit()
    assert all(torch.equal(value, begun[key]) for key, value in stopped.model.state_dict().items())
    stopped.fit()

    assert stopped.trainer.global_step == expected.trainer.global_step == 12
    for key, value in expected.model.state_dict().items():
        assert torch.equal(stopped.model.state_dict()[key], value), key
    logs = [pd.read_csv(tmp_path / name / "metrics.csv") for name in ("stopped", "whole")]
    pd.testing.assert_frame_equal(*logs)
    for file in ("best.ckpt", "last.ckpt"):
        ours, theirs = (
            torch.load(tmp_path / name / file, weights_only=True) for name in ("stopped", "whole")
        )
        assert (ours["epoch"], ours["global_step"]) == (theirs["epoch"], theirs["global_step"])


def test_a_training_can_be_stopped_more_than_once(tmp_path):
    stop = Stop(7)
    chapter = Chapter2(progress.ProgressLine("digits"), stop, folder=tmp_path)
    for at in (7, 2):
        stop.at = at
        with pytest.raises(Interrupted):
            chapter.fit()
    chapter.fit()
    assert chapter.trainer.global_step == 12
    assert pd.read_csv(tmp_path / "metrics.csv")["train_loss"].notna().sum() == 12


def test_a_stopped_cell_shows_one_sentence_and_stops_those_behind_it(capsys):
    shell = InteractiveShell()
    shell.history_manager.enabled = False
    done = shell.run_cell(
        "from course_utils.networks.training import interruptible\n"
        "with interruptible('The training of LeNet'):\n"
        "    raise SystemExit(1)  # Lightning's answer to Ctrl-C\n"
    )
    assert not done.success  # so Jupyter does not run the cells that wait
    shown = capsys.readouterr()
    assert shown.out.strip() == (
        "The training of LeNet was interrupted: run this cell again to start anew, or take the"
        " shipped weights (%env COURSE_SPEED=look)."
    )
    assert shown.err == ""


def test_the_time_of_a_finished_training_stays():
    line = progress.ProgressLine("digits")
    chapter = Chapter2(line)
    chapter.fit()
    seconds = line.seconds
    assert seconds > 0
    chapter.fit()  # the cell is run again: there is nothing left to do
    assert line.seconds == seconds
