"""Training, evaluation and prediction: the recipe, what a training leaves, and what stops it."""

from __future__ import annotations

import copy
import errno
import os
import pickle
import re
import signal
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch_uncertainty import TUTrainer
from torch_uncertainty.methods import deep_ensembles
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.images import MEAN, STD, ImageSet, batches, load_fashion_mnist, load_mnist
from course_utils.networks import augmentation, evaluation, silence, training, training_folder, zoo
from course_utils.networks.models import LeNet, PackedLeNet
from course_utils.networks.progress import ProgressLine

REPOSITORY = Path(__file__).resolve().parents[2]
STEPS = 4  # in an epoch of the few digits


@pytest.fixture(scope="module")
def train():
    return load_mnist("train").subset(np.arange(0, 3000, 6)[: STEPS * training.BATCH_SIZE])


@pytest.fixture(scope="module")
def val():
    return load_mnist("val").subset(slice(0, 1000, 5))


@pytest.fixture(scope="module")
def test():
    return load_mnist("test").subset(slice(0, 1000, 4))


@pytest.fixture(scope="module")
def ood():
    return load_fashion_mnist("test").subset(slice(0, 250))


def seeded(architecture="lenet", seed=0):
    torch.manual_seed(seed)
    return zoo.build(architecture)


def weights(model):
    return {key: value.detach().clone() for key, value in model.state_dict().items()}


class Count:
    """A change to the images that changes nothing, counts, and interrupts at one of its calls."""

    def __init__(self, interrupt_at=None, exception=KeyboardInterrupt):
        self.calls, self.interrupt_at, self.exception = 0, interrupt_at, exception

    def __call__(self, images):
        self.calls += 1
        if self.calls == self.interrupt_at:
            raise self.exception
        return images


# Where and for how long


def test_device_takes_a_gpu_that_works(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "zeros", lambda *size, device: None)
    assert training.device() == torch.device("cuda")


def test_device_falls_back_to_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert training.device() == torch.device("cpu")

    def broken(*size, device):
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "zeros", broken)
    assert training.device() == torch.device("cpu")


def test_a_gpu_that_is_asked_for_and_absent_is_one_clear_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"no GPU here that PyTorch can use.*training\.device\(\)"):
        batches(blank(3), 2, device="cuda")


class Hungry(nn.Module):
    """A network that fills the memory when it gets more than so many images at once."""

    def __init__(self, most):
        super().__init__()
        self.inner, self.most = LeNet(), most

    def forward(self, images):
        if len(images) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return self.inner(images)


def test_a_full_gpu_gets_smaller_batches(test, capsys):
    torch.manual_seed(0)
    model = Hungry(most=50).eval()
    found = evaluation.predict(model, test)
    expected = evaluation.predict(model.inner, test)
    np.testing.assert_allclose(found.logits, expected.logits, atol=1e-6)
    assert "smaller ones are tried" in capsys.readouterr().out
    with pytest.raises(MemoryError, match=r"GPU's memory does not suffice\. Shut down other"):
        evaluation.predict(Hungry(most=0), test, num_members=1)


def test_training_on_a_full_gpu_is_one_clear_sentence(train, val, tmp_path):
    with pytest.raises(MemoryError, match=r"training of x: the GPU's memory does not suffice"):
        training.fit(Hungry(most=48), train, val, name="x", folder=tmp_path, epochs=1)


def blank(count):
    return ImageSet(np.zeros((count, 28, 28), np.uint8), np.zeros(count, np.int64), "blank")


@pytest.mark.parametrize(
    ("count", "speed", "epochs"),
    [
        (55_000, "look", 3),
        (55_000, "train", 3),
        (55_000, "full", 75),
        (3000, "train", 54),
        (3000, "full", 1344),
        (10, "look", 1290),
        (500_000, "train", 1),
    ],
)
def test_epochs_keep_the_number_of_steps(count, speed, epochs, monkeypatch):
    monkeypatch.setenv("COURSE_SPEED", "look")
    assert training.epochs_for(blank(count), speed) == epochs
    monkeypatch.setenv("COURSE_SPEED", speed)
    assert training.epochs_for(blank(count)) == epochs


# The recipe


def rates(num_steps, **arguments):
    """The learning rate of every step, and the one left after the last."""
    described = training.one_cycle_sgd(LeNet(), num_steps, **arguments)
    assert described["lr_scheduler"]["interval"] == "step"
    optimizer, schedule = described["optimizer"], described["lr_scheduler"]["scheduler"]
    found = []
    for _ in range(num_steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return np.array(found), optimizer.param_groups[0]["lr"]


@pytest.mark.parametrize("warm_up", [0.2, 0.4])
def test_learning_rate_rises_once_and_falls_to_almost_zero(warm_up):
    found, last = rates(1290, warm_up=warm_up)
    assert found.max() == pytest.approx(0.05, rel=1e-4)
    assert found.argmax() == pytest.approx(warm_up * 1290, abs=1)
    assert (np.diff(found[: found.argmax() + 1]) > 0).all()
    assert (np.diff(found[found.argmax() :]) < 0).all()
    assert found[-1] < 1e-6 and last < 1e-6


@pytest.mark.parametrize("num_steps", range(1, 12))
def test_a_training_of_very_few_steps_works_too(num_steps):
    found, _ = rates(num_steps)
    assert np.isfinite(found).all() and found.max() <= 0.05
    assert found[-1] < 1e-6


def test_members_scale_rate_and_weight_decay():
    recipe = training.one_cycle_sgd(LeNet(), 100, 4, learning_rate=0.05, weight_decay=0.0004)
    (group,) = recipe["optimizer"].param_groups
    assert group["max_lr"] == pytest.approx(0.2)
    assert group["weight_decay"] == pytest.approx(0.0001)
    assert group["momentum"] == 0.9 and group["nesterov"]


def test_a_member_trained_jointly_takes_the_steps_it_takes_alone(train, val, tmp_path):
    # A strong weight decay, so that a wrong one would show after eight steps.
    recipe = partial(training.one_cycle_sgd, weight_decay=0.5)

    def trained(model, name, recipe=recipe):
        torch.manual_seed(1)  # the same batches with the same crops
        return training.fit(
            model, train, val, name=name, folder=tmp_path, epochs=2, recipe=recipe
        ).model

    members = [seeded(seed=0), seeded(seed=1)]
    ensemble = deep_ensembles(copy.deepcopy(members))
    unscaled = deep_ensembles(copy.deepcopy(members))
    jointly = trained(ensemble, "jointly").core_models
    alone = [trained(model, f"alone-{place}") for place, model in enumerate(members)]
    for together, single in zip(jointly, alone, strict=True):
        for ours, theirs in zip(together.parameters(), single.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, atol=2e-6, rtol=1e-4)

    def forgetful(model, num_steps, num_members):
        described = recipe(model, num_steps, num_members)
        described["optimizer"].param_groups[0]["weight_decay"] *= num_members
        return described

    (other, _) = trained(unscaled, "unscaled", forgetful).core_models
    assert (other.fc1.weight - alone[0].fc1.weight).abs().max() > 1e-4


# Random changes to images


def test_random_affine_of_nothing_changes_nothing(train):
    (images, _) = next(iter(batches(train, 8)))
    same = augmentation.random_affine(images, degrees=0, stretch=0)
    torch.testing.assert_close(same, images, atol=1e-4, rtol=0)
    assert same.stride() == images.stride()


def test_random_affine_changes_each_image_and_keeps_the_background(train):
    (images, _) = next(iter(batches(train, 8)))
    torch.manual_seed(0)
    repeated = images[:1].repeat(8, 1, 1, 1)
    moved = augmentation.random_affine(repeated)
    assert moved.shape == repeated.shape
    assert all((moved[0] - other).abs().max() > 0.1 for other in moved[1:])
    background = -MEAN / STD
    torch.testing.assert_close(moved[:, :, 0, 0], torch.full((8, 1), background))
    empty = torch.full((4, 1, 28, 28), background)
    torch.testing.assert_close(augmentation.random_affine(empty), empty)
    torch.manual_seed(0)
    torch.testing.assert_close(augmentation.random_affine(repeated), moved, atol=0, rtol=0)


# Members


@pytest.mark.parametrize(
    ("architecture", "in_training", "in_evaluation"),
    [
        ("lenet", 1, 1),
        ("deep-ensemble 3", 3, 3),
        ("packed 2 4", 4, 4),
        ("mc-dropout 0.2 5", 1, 5),
        ("batch-ensemble 4", 1, 4),
    ],
)
def test_count_members(architecture, in_training, in_evaluation):
    model = zoo.build(architecture)
    for mode in (True, False):
        model.train(mode)
        assert evaluation.count_members(model, training=True) == in_training
        assert evaluation.count_members(model) == in_evaluation
        assert model.training == mode


def test_counting_leaves_the_network_as_it_is():
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(784), nn.Linear(784, 10))
    model[1].eval()  # frozen by hand
    before = weights(model)
    evaluation.count_members(model, training=True)
    assert model.training and not model[1].training
    for key, value in weights(model).items():
        assert torch.equal(value, before[key]), key


# fit


@pytest.fixture(scope="module")
def fitted(train, val, tmp_path_factory):
    """Two epochs of a LeNet: the fit, and how often each set of images was used."""
    folder = tmp_path_factory.mktemp("fitted")
    count = Count()
    fit = training.fit(seeded(), train, val, name="lenet", folder=folder, epochs=2, augment=count)
    return fit, count


def test_fit_says_what_happened(fitted):
    fit, count = fitted
    assert (fit.name, fit.epochs, fit.num_steps) == ("lenet", 2, 2 * STEPS)
    assert count.calls == fit.num_steps  # and no validation image was augmented
    assert fit.seconds > 0
    assert re.fullmatch(r"CPU, (1 thread|\d+ threads)", fit.device) or "cpu" not in fit.device
    assert isinstance(fit.model, LeNet) and not fit.model.training
    assert {value.device.type for value in fit.model.parameters()} == {"cpu"}


def test_fit_logs_every_validation_and_the_learning_rate(fitted):
    log = pd.read_csv(fitted[0].log)
    assert log["val/cls/Acc"].dropna().between(0, 1).all()
    assert log.loc[log["val/cls/NLL"].notna(), "step"].tolist() == [STEPS - 1, 2 * STEPS - 1]
    assert log["train_loss"].notna().sum() == 2
    assert log["lr-SGD"].notna().sum() >= 1
    assert not [column for column in log if column.startswith("test")]


def test_fit_writes_tensorboard_events(fitted):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(fitted[0].log.parent))
    events.Reload()
    scalars = events.Tags()["scalars"]
    assert {"train_loss", "val/cls/Acc", "lr-SGD"} <= set(scalars)
    assert [event.step for event in events.Scalars("val/cls/Acc")] == [STEPS - 1, 2 * STEPS - 1]


def test_fit_without_tensorboard_still_logs(train, val, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    fit = training.fit(seeded(), train, val, name="plain", folder=tmp_path, epochs=1)
    assert fit.log.exists()
    assert not list(tmp_path.rglob("events.out.tfevents.*"))


def test_checkpoints_load_without_unpickling_code(fitted):
    fit, _ = fitted
    for path in (fit.best_checkpoint, fit.last_checkpoint):
        saved = torch.load(path, weights_only=True)
        state = {key.removeprefix("model."): value for key, value in saved["state_dict"].items()}
        LeNet().load_state_dict(state)
    for key, value in fit.model.state_dict().items():  # the last one's
        assert torch.equal(value, state[key])
    nll = pd.read_csv(fit.log)["val/cls/NLL"].dropna().to_numpy()
    best = torch.load(fit.best_checkpoint, weights_only=True)
    assert best["epoch"] == nll.argmin()


def test_learning_rate_is_near_zero_after_a_real_training(val, tmp_path):
    # 60 small epochs: as many steps as matter, with images few enough for a test.
    few = load_mnist("train").subset(slice(0, 3000, 100))
    fit = training.fit(
        seeded(), few, val.subset(slice(0, 20)), name="long", folder=tmp_path, epochs=60
    )
    assert fit.num_steps == 60
    log = pd.read_csv(fit.log)["lr-SGD"].dropna()
    assert log.max() == pytest.approx(0.05, rel=0.02)
    assert log.iloc[-1] < 1e-6  # of the last step
    assert fit.learning_rate < 1e-4  # beyond it


def test_training_learns(val, tmp_path):
    train = load_mnist("train").subset(slice(0, 3000, 3))
    for architecture in ("lenet", "packed 2 4"):
        fit = training.fit(
            seeded(architecture),
            train,
            val,
            name=architecture,
            folder=tmp_path,
            epochs=12,
            crop_padding=0,
        )
        assert evaluation.predict(fit.model, val).correct.mean() > 0.7, architecture


def test_same_seed_same_weights(train, val, tmp_path):
    def trained(name):
        model = seeded()
        return weights(
            training.fit(
                model,
                train,
                val,
                name=name,
                folder=tmp_path,
                epochs=1,
                augment=augmentation.random_affine,
            ).model
        )

    first, second = trained("first"), trained("second")
    assert all(torch.equal(value, second[key]) for key, value in first.items())


def test_mc_dropout_trains_as_one_network_and_is_validated_as_several(train, val, tmp_path):
    model = seeded("mc-dropout 0.2 3")
    fit = training.fit(model, train, val, name="mc", folder=tmp_path, epochs=1)
    assert "val/cls/Acc" in pd.read_csv(fit.log)
    assert evaluation.predict(fit.model, val).num_members == 3


def test_a_network_that_was_evaluated_before_trains_all_the_same(train, val, tmp_path):
    """Lightning leaves it in the mode it finds: dropout would be off, all passes would be made."""
    model = seeded("mc-dropout 0.1 4").eval()
    trained = []
    model.register_forward_hook(lambda module, *_: trained.append(module.training))
    training.fit(model, train, val, name="short", folder=tmp_path, epochs=1)
    assert any(trained)


def test_validation_on_training_or_test_images_is_refused(train, test, tmp_path):
    same = ImageSet(train.images.copy(), train.labels.copy(), "another name")
    with pytest.raises(ValueError, match="same: validate on others"):
        training.fit(LeNet(), train, same, name="x", folder=tmp_path)
    with pytest.raises(ValueError, match=r"MNIST test is kept for the end.*split 'val'"):
        training.fit(LeNet(), train, test, name="x", folder=tmp_path)
    damaged = ImageSet(test.images, test.labels, "MNIST test, blur 3")  # as `corrupt` says
    with pytest.raises(ValueError, match="MNIST test, blur 3 is kept for the end"):
        training.fit(LeNet(), train, damaged, name="x", folder=tmp_path)
    for sets in ((train.subset(slice(0)), train), (train, train.subset(slice(0)))):
        with pytest.raises(ValueError, match="no images to train on, or none to validate on"):
            training.fit(LeNet(), *sets, name="x", folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_name_that_ends_in_the_same_letters_is_no_test_set(train, val, tmp_path):
    mine = ImageSet(val.images, val.labels, "my contest")
    assert training.fit(LeNet(), train, mine, name="x", folder=tmp_path, epochs=1).epochs == 1


@pytest.mark.parametrize("epochs", [0, -1])
def test_epochs_must_be_positive(train, val, tmp_path, epochs):
    with pytest.raises(ValueError, match=f"epochs is {epochs}: train for at least 1"):
        training.fit(LeNet(), train, val, name="x", folder=tmp_path, epochs=epochs)


# Interrupted, resumed


def test_a_second_training_in_the_same_folder_waits_for_the_first(train, val, tmp_path):
    with training_folder.only_training_in(tmp_path / "x"):
        with pytest.raises(ValueError, match=r"Another notebook is training in .*x at this moment"):
            training.fit(LeNet(), train, val, name="x", folder=tmp_path, epochs=1)
        other = training.fit(LeNet(), train, val, name="y", folder=tmp_path, epochs=1)
    assert other.num_steps == STEPS
    assert training.fit(LeNet(), train, val, name="x", folder=tmp_path, epochs=1).log.exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_is_one_clear_sentence(train, val, tmp_path, number):
    error = OSError(number, os.strerror(number))
    with pytest.raises(OSError, match="training of x cannot write its log or its check") as told:
        training.fit(
            LeNet(), train, val, name="x", folder=tmp_path, epochs=1, augment=Count(2, error)
        )
    assert told.value.errno == number
    assert "; then run it again to start anew or with resume=True" in str(told.value)


def interrupted(train, val, folder, at, exception=KeyboardInterrupt, epochs=3, model=None):
    with pytest.raises(exception) as caught:
        training.fit(
            model or seeded(),
            train,
            val,
            name="lenet",
            folder=folder,
            epochs=epochs,
            augment=Count(at, exception),
        )
    return caught


@pytest.mark.parametrize("exception", [KeyboardInterrupt, RuntimeError])
def test_resume_goes_on_from_the_last_epoch(train, val, tmp_path, exception):
    handler = signal.getsignal(signal.SIGINT)
    caught = interrupted(train, val, tmp_path, STEPS + 2, exception)
    assert signal.getsignal(signal.SIGINT) is handler
    if exception is KeyboardInterrupt:
        assert "was interrupted: run it again to start anew or with resume=True" in str(
            caught.value
        )
    saved = torch.load(tmp_path / "lenet" / "last.ckpt", weights_only=True)
    assert saved["global_step"] == STEPS
    count = Count()
    fit = training.fit(
        seeded(seed=5),
        train,
        val,
        name="lenet",
        folder=tmp_path,
        epochs=3,
        augment=count,
        resume=True,
    )
    assert count.calls == 2 * STEPS
    assert fit.num_steps == 3 * STEPS
    (before,) = [state["seconds"] for state in saved["callbacks"].values() if "seconds" in state]
    assert 0 < before < fit.seconds
    assert torch.load(fit.last_checkpoint, weights_only=True)["global_step"] == 3 * STEPS
    assert fit.best_checkpoint.exists()
    # The log is one, without gaps and without anything twice.
    log = pd.read_csv(fit.log)
    for column in ("train_loss", "val/cls/Acc"):
        steps = log.loc[log[column].notna(), "step"]
        assert steps.tolist() == [STEPS - 1, 2 * STEPS - 1, 3 * STEPS - 1], column


@pytest.mark.parametrize("half", ["0,0.1000029,", "1", '"1', ",,,,,,,,,,,,,,,,,,,,,,,1", "\0\0"])
def test_a_log_that_ends_in_half_a_row_is_gone_on_with(train, val, tmp_path, half):
    """A disk that was full or a power cut leaves it; the training can be resumed all the same."""
    interrupted(train, val, tmp_path, STEPS + 2, epochs=2)
    with (tmp_path / "lenet" / "metrics.csv").open("a") as log:
        log.write(half)
    fit = training.fit(seeded(), train, val, name="lenet", folder=tmp_path, epochs=2, resume=True)
    steps = pd.read_csv(fit.log).dropna(subset="train_loss")["step"]
    assert steps.tolist() == [STEPS - 1, 2 * STEPS - 1]


def test_the_schedule_goes_on_where_it_stopped(train, val, tmp_path):
    interrupted(train, val, tmp_path, STEPS + 2)
    fit = training.fit(seeded(), train, val, name="lenet", folder=tmp_path, epochs=3, resume=True)
    _, last = rates(3 * STEPS)
    assert fit.learning_rate == pytest.approx(last)


def test_resuming_what_is_finished_changes_nothing(train, val, tmp_path):
    arguments = {"name": "lenet", "folder": tmp_path, "epochs": 2}
    first = training.fit(seeded(), train, val, **arguments)
    log, count = first.log.read_text(), Count()
    again = training.fit(seeded(seed=5), train, val, **arguments, augment=count, resume=True)
    assert count.calls == 0
    assert again.num_steps == first.num_steps
    assert again.learning_rate == first.learning_rate
    assert again.best_checkpoint == first.best_checkpoint and again.best_checkpoint.exists()
    assert again.log == first.log and again.log.read_text().splitlines() == log.splitlines()
    for key, value in first.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[key])


def test_resume_without_a_checkpoint_starts(train, val, tmp_path):
    fit = training.fit(seeded(), train, val, name="lenet", folder=tmp_path, epochs=1, resume=True)
    assert fit.num_steps == STEPS


def test_training_anew_leaves_nothing_of_the_earlier_one(train, val, tmp_path):
    training.fit(seeded(), train, val, name="lenet", folder=tmp_path, epochs=2)
    interrupted(train, val, tmp_path, 2)  # within the first epoch: nothing to resume from
    assert not list(tmp_path.rglob("*.ckpt"))
    assert len(list(tmp_path.rglob("events.out.tfevents.*"))) <= 1
    fit = training.fit(seeded(), train, val, name="lenet", folder=tmp_path, epochs=1)
    assert pd.read_csv(fit.log)["step"].max() == STEPS - 1


def resume(train, val, folder, model=None, epochs=2):
    return training.fit(
        model or seeded(), train, val, name="lenet", folder=folder, epochs=epochs, resume=True
    )


@pytest.fixture
def checkpoint(fitted, tmp_path):
    """A copy of the last checkpoint of a finished training, to be damaged."""
    path = tmp_path / "lenet" / "last.ckpt"
    path.parent.mkdir()
    path.write_bytes(fitted[0].last_checkpoint.read_bytes())
    return path


def test_resume_with_other_epochs_is_one_clear_sentence(train, val, tmp_path, checkpoint):
    with pytest.raises(
        ValueError, match=r"last\.ckpt belongs to a training of 8 steps, this one has 20: train"
    ):
        resume(train, val, tmp_path, epochs=5)
    assert checkpoint.exists()


def test_resume_with_another_architecture_is_one_clear_sentence(train, val, tmp_path, checkpoint):
    for model, name in ((PackedLeNet(), "PackedLeNet"), (LeNet(num_classes=11), "LeNet")):
        with pytest.raises(ValueError, match=f"another architecture than this {name}: train under"):
            resume(train, val, tmp_path, model)


@pytest.mark.parametrize("content", ["truncated", "empty", "text", "flipped", "foreign"])
def test_resume_from_a_damaged_checkpoint_is_one_clear_sentence(
    train, val, tmp_path, checkpoint, content
):
    whole = checkpoint.read_bytes()
    if content == "foreign":
        torch.save({"weights": torch.zeros(3)}, checkpoint)
    else:
        flipped = bytearray(whole)
        flipped[: len(whole) // 2] = bytes(len(whole) // 2)
        checkpoint.write_bytes(
            {
                "truncated": whole[: len(whole) // 2],
                "empty": b"",
                "text": b"not a checkpoint",
                "flipped": bytes(flipped),
            }[content]
        )
    with pytest.raises(ValueError, match=r"last\.ckpt cannot be read: delete it, or train anew"):
        resume(train, val, tmp_path)


class Malicious:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


def test_code_in_a_checkpoint_is_not_executed(train, val, tmp_path, checkpoint):
    saved = torch.load(checkpoint, weights_only=True)
    target = tmp_path / "executed"
    torch.save({**saved, "surprise": Malicious(target)}, checkpoint)
    with pytest.raises(ValueError, match="cannot be read"):
        resume(train, val, tmp_path)
    assert not target.exists()
    pickle.loads(pickle.dumps(Malicious(target)))  # it would have been
    assert target.exists()


def test_a_recipe_without_a_schedule_can_be_resumed(train, val, tmp_path):
    def adam(model, num_steps, num_members):
        return torch.optim.Adam(model.parameters(), lr=1e-3)

    arguments = {"name": "adam", "folder": tmp_path, "epochs": 2, "recipe": adam}
    with pytest.raises(KeyboardInterrupt):
        training.fit(seeded(), train, val, **arguments, augment=Count(STEPS + 1))
    fit = training.fit(seeded(), train, val, **arguments, resume=True)
    assert fit.num_steps == 2 * STEPS
    assert fit.learning_rate == 1e-3


# evaluate

ROWS = [
    "Accuracy (%)",
    "Brier score",
    "NLL",
    "Entropy",
    "ECE (%)",
    "Adaptive ECE (%)",
    "AURC (%)",
    "AUGRC (%)",
    "Coverage at 5 % risk (%)",
    "Risk at 80 % coverage (%)",
    "Disagreement",
    "Entropy of members",
    "Mutual information",
    "OOD AUROC (%)",
    "OOD AUPR (%)",
    "OOD FPR95 (%)",
    "OOD entropy",
    "OOD disagreement",
    "OOD entropy of members",
    "OOD mutual information",
    "Parameters (thousand)",
    "MFLOPs per image",
]
OF_ENSEMBLES = [row for row in ROWS if re.search("isagreement|members|utual", row)]


@pytest.fixture(scope="module")
def models():
    return {
        "LeNet": zoo.load("short-lenet"),
        "PE-4": zoo.load("short-packed-4"),
        "pair": seeded("deep-ensemble 2"),
    }


@pytest.fixture(scope="module")
def table(models, test, ood):
    return evaluation.evaluate(models, test, ood)


def test_table_has_readable_rows_in_order_and_a_column_for_each_model(table):
    assert table.index.tolist() == ROWS
    assert table.columns.tolist() == ["LeNet", "PE-4", "pair"]


def test_what_is_not_defined_is_nan(table):
    missing = table.isna()
    assert missing.index[missing["LeNet"]].tolist() == OF_ENSEMBLES
    assert not missing["PE-4"].any()
    # an untrained pair never gets its risk down to 5 %
    assert missing.index[missing["pair"]].tolist() == ["Coverage at 5 % risk (%)"]


def test_numbers_are_torch_uncertaintys(table, models, test, ood):
    for name, is_ensemble in (("LeNet", False), ("PE-4", True)):
        routine = ClassificationRoutine(
            models[name], num_classes=10, is_ensemble=is_ensemble, eval_ood=True
        )
        trainer = TUTrainer(
            accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False
        )
        loaders = [batches(images, len(images)) for images in (test, ood)]
        theirs = trainer.test(routine, loaders, verbose=False)[0]
        ours = table[name]
        for row, key, factor in (
            ("Accuracy (%)", "test/cls/Acc", 100),
            ("Brier score", "test/cls/Brier", 1),
            ("NLL", "test/cls/NLL", 1),
            ("ECE (%)", "test/cal/ECE", 100),
            ("Adaptive ECE (%)", "test/cal/aECE", 100),
            ("AURC (%)", "test/sc/AURC", 100),
            ("AUGRC (%)", "test/sc/AUGRC", 100),
            ("Coverage at 5 % risk (%)", "test/sc/Cov_5Risk", 100),
            ("Risk at 80 % coverage (%)", "test/sc/Risk_80Cov", 100),
            ("OOD AUROC (%)", "ood/AUROC", 100),
            ("OOD AUPR (%)", "ood/AUPR", 100),
            ("OOD FPR95 (%)", "ood/FPR95", 100),
            ("OOD entropy", "ood/Entropy", 1),
            ("MFLOPs per image", "test/cplx/flops", 1e-6 / len(test)),
            *([("Mutual information", "test/ens_MI", 1)] if is_ensemble else []),
            *([("OOD disagreement", "ood/ens_Disagreement", 1)] if is_ensemble else []),
        ):
            assert ours[row] == pytest.approx(theirs[key] * factor, rel=1e-6), row


def test_accuracy_and_nll_are_those_of_the_predictions(table, models, test):
    for name, model in models.items():
        predictions = evaluation.predict(model, test)
        column = table[name]
        assert column["Accuracy (%)"] == pytest.approx(100 * predictions.correct.mean(), abs=1e-4)
        of_label = predictions.mean[np.arange(len(test)), test.labels]
        assert column["NLL"] == pytest.approx(-np.log(of_label).mean(), rel=1e-3)


def test_cost_is_counted_for_one_image(table, models, test):
    assert table.loc["MFLOPs per image"].tolist() == pytest.approx([0.56328, 0.73776, 2 * 0.56328])
    assert table.loc["Parameters (thousand)"].tolist() == pytest.approx([44.426, 45.672, 88.852])
    # more images than a batch, and fewer: the same for each image
    many = load_mnist("test").subset(slice(0, 600))
    for images in (many, test.subset(slice(0, 20))):
        column = evaluation.evaluate({"LeNet": models["LeNet"]}, images)["LeNet"]
        assert column["MFLOPs per image"] == pytest.approx(0.56328)


def test_without_ood_images_and_ensembles_their_rows_are_not_there(models, test):
    table = evaluation.evaluate({"LeNet": models["LeNet"]}, test)
    assert table.index.tolist() == [
        row for row in ROWS if "OOD" not in row and row not in OF_ENSEMBLES
    ]


def test_evaluating_changes_no_network(models, test):
    model = models["PE-4"]
    before = weights(model)
    evaluation.evaluate({"PE-4": model}, test)
    assert all(torch.equal(value, before[key]) for key, value in weights(model).items())


def test_an_interrupted_evaluation_stops_the_cell_and_nothing_else(test):
    handler = signal.getsignal(signal.SIGINT)

    class Interrupting(LeNet):
        def forward(self, images):
            if images.any():  # members are counted on empty images
                raise KeyboardInterrupt
            return super().forward(images)

    with pytest.raises(KeyboardInterrupt, match="The evaluation of slow was interrupted"):
        evaluation.evaluate({"slow": Interrupting()}, test)
    assert signal.getsignal(signal.SIGINT) is handler


# predict


@pytest.mark.parametrize("name", ["LeNet", "PE-4", "pair"])
def test_predictions_are_the_networks_own_sorted_by_image(models, name):
    images = load_mnist("test").subset(slice(0, 520))  # more than a batch
    model = models[name].eval()
    predictions = evaluation.predict(model, images)
    pixels = torch.tensor(images.images[:, None] / 255.0, dtype=torch.float32)
    with torch.no_grad():
        outputs = model((pixels - MEAN) / STD)
    num_members = len(outputs) // len(images)
    assert predictions.logits.shape == (520, num_members, 10)
    for member in range(num_members):  # all images of the first member come first
        theirs = outputs[member * 520 : (member + 1) * 520].numpy()
        np.testing.assert_allclose(predictions.logits[:, member], theirs, atol=2e-4)
    np.testing.assert_array_equal(predictions.labels, images.labels)


def test_predict_with_a_wrong_number_of_members_is_refused(models, test):
    with pytest.raises(ValueError, match="members"):
        evaluation.predict(models["PE-4"], test, 3)


def test_a_network_that_has_predicted_can_be_trained_on(test):
    model = LeNet().train()
    evaluation.predict(model, test)
    assert model.training
    loss = model(torch.zeros(2, 1, 28, 28)).sum()
    loss.backward()
    assert not any(value.is_inference() for value in model.parameters())


def test_moving_to_another_device_happens_outside_inference_mode(test):
    seen = []

    class Watched(LeNet):
        def to(self, *arguments, **named):
            seen.append(torch.is_inference_mode_enabled())
            return super().to(*arguments, **named)

        def cpu(self):
            seen.append(torch.is_inference_mode_enabled())
            return super().cpu()

    evaluation.predict(Watched(), test)
    assert seen == [False, False]  # else a GPU's parameters could not be trained any more


# Silence

QUIET = """
import warnings
warnings.simplefilter("error", UserWarning)
warnings.simplefilter("ignore", DeprecationWarning)  # as Python does; some are UserWarnings too
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.networks import evaluation, training, zoo
train = load_mnist("train").subset(slice(0, 200))
val, test = load_mnist("val"), load_mnist("test")
for resume in (False, False, True):
    fit = training.fit(
        zoo.build("packed 2 4"), train, val, name="PE", folder={folder!r}, epochs=1, resume=resume
    )
evaluation.evaluate({{"PE": fit.model}}, test, load_fashion_mnist("test"))
evaluation.predict(fit.model, test)
"""


def test_nothing_is_printed_but_what_we_print(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", QUIET.format(folder=str(tmp_path))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # and nothing is left beside the folder that was asked for
    assert {path.name for path in tmp_path.iterdir()} == {"PE"}


def test_a_trainer_of_a_chapter_is_taken_for_a_fit(train, val, tmp_path):
    network = seeded()
    recipe = training.one_cycle_sgd(network, 2 * STEPS)
    loss = torch.nn.CrossEntropyLoss()
    routine = ClassificationRoutine(network, num_classes=10, loss=loss, optim_recipe=recipe)
    best = ModelCheckpoint(tmp_path, "best", monitor="val/cls/NLL", save_last=True)
    line = ProgressLine("x")
    logger = CSVLogger(tmp_path, name="", version="")
    trainer = TUTrainer(
        accelerator="cpu",
        max_epochs=2,
        logger=logger,
        log_every_n_steps=1,
        callbacks=[best, line],
        enable_model_summary=False,
    )
    trainer.fit(routine, batches(train, training.BATCH_SIZE), batches(val, 100))
    fit = training.Fit.of(trainer, "x")
    assert fit.model is network and not network.training
    assert (fit.name, fit.epochs, fit.num_steps) == ("x", 2, 2 * STEPS)
    assert fit.seconds == line.seconds > 0
    assert fit.device.startswith("CPU, ")
    assert fit.learning_rate < 0.01  # of 0.05 at its highest
    assert len(pd.read_csv(fit.log)["train_loss"].dropna()) == 2 * STEPS
    assert fit.best_checkpoint.is_file() and fit.last_checkpoint.is_file()


def rehearse(network, train):
    """Train as an exercise of chapter 2 does: without validation, and without a log."""
    loader = batches(train, 50)
    routine = ClassificationRoutine(
        network,
        num_classes=10,
        loss=torch.nn.CrossEntropyLoss(),
        optim_recipe=training.one_cycle_sgd(network, len(loader)),
    )
    trainer = TUTrainer(accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False)
    trainer.fit(routine, loader)


def test_each_silenced_warning_would_come_otherwise(train, val, test, ood, tmp_path, monkeypatch):
    for module in (training, evaluation):
        monkeypatch.setattr(module, "quiet", lambda: None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            fit = training.fit(seeded(), train, val, name="x", folder=tmp_path, epochs=1)
        training.fit(seeded(), train, val, name="x", folder=tmp_path, epochs=1, resume=True)
        evaluation.evaluate({"x": fit.model}, test, ood)
        routine = ClassificationRoutine(
            seeded(), 10, nn.CrossEntropyLoss(), optim_recipe=training.one_cycle_sgd(seeded(), 1)
        )
        TUTrainer(
            accelerator="cpu",
            max_steps=1,
            logger=False,
            enable_checkpointing=False,
            callbacks=[ProgressLine("x")],
        ).fit(routine, batches(train, 128), batches(val, 500))
        rehearse(seeded(), train)
    messages = [str(warning.message) for warning in caught]
    for pattern in silence.SILENCED:
        assert any(re.match(pattern, message, re.IGNORECASE) for message in messages), pattern
    unknown = [
        message
        for message in messages
        if not any(re.match(pattern, message, re.IGNORECASE) for pattern in silence.SILENCED)
    ]
    assert unknown == []
