"""What is left out or computed jointly saves time and changes no number."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn
from torch_uncertainty.methods import deep_ensembles
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.images import batches, load_mnist
from course_utils.networks import training
from course_utils.networks.joint import MOST_MEMBERS, joint_forward
from course_utils.networks.models import LeNet, PackedLeNet
from course_utils.networks.routine import CourseRoutine


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in a fixed order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _fit(model: nn.Module, folder: Path) -> tuple[pd.DataFrame, dict[str, torch.Tensor]]:
    torch.manual_seed(1)
    train = load_mnist("train")  # 24 batches of the sample
    fit = training.fit(model, train, load_mnist("val"), name="model", folder=folder, epochs=2)
    return pd.read_csv(fit.log), fit.model.state_dict()


@pytest.mark.parametrize("kind", ["LeNet", "PE-4", "DE-2"])
def test_a_fit_is_the_same_as_with_the_routine_of_torch_uncertainty(kind, tmp_path, monkeypatch):
    def build() -> nn.Module:
        torch.manual_seed(0)
        if kind == "DE-2":
            return deep_ensembles(LeNet(), num_estimators=2)
        return LeNet() if kind == "LeNet" else PackedLeNet()

    log, weights = _fit(build(), tmp_path / "course")
    monkeypatch.setattr(training, "CourseRoutine", ClassificationRoutine)
    expected_log, expected = _fit(build(), tmp_path / "library")

    assert set(expected_log.columns) - set(log.columns) == {"val/cal/SmECE"}
    assert log["train_loss"].notna().sum() == 4  # of 48 steps, every tenth
    # to the bit, but for the joint pass, where a few roundings differ and 50 steps amplify them
    tolerance = {"rtol": 0, "atol": 1e-4 if kind == "DE-2" else 0}
    pd.testing.assert_frame_equal(
        log, expected_log[log.columns], check_exact=kind != "DE-2", atol=2e-3, rtol=1e-3
    )
    for name, value in expected.items():
        torch.testing.assert_close(weights[name], value, **tolerance)


def test_one_call_for_all_parameters_gives_the_same_numbers_to_the_bit():
    images, labels = next(iter(batches(load_mnist("train"), 128)))
    results = []
    for kind in (CourseRoutine, ClassificationRoutine):
        torch.manual_seed(0)
        model = LeNet()
        recipe = training.one_cycle_sgd(model, 20)
        kind(model, num_classes=10, optim_recipe=recipe)
        optimizer = recipe["optimizer"]
        assert optimizer.param_groups[0]["foreach"] is (True if kind is CourseRoutine else None)
        for _ in range(10):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        results.append(torch.cat([parameter.flatten() for parameter in model.parameters()]))
    assert torch.equal(*results)


@pytest.mark.parametrize("num_members", [2, MOST_MEMBERS])
def test_joint_forward_gives_the_same_outputs_and_gradients(num_members):
    torch.manual_seed(0)
    ensemble = deep_ensembles(LeNet(), num_estimators=num_members)
    images, labels = next(iter(batches(load_mnist("train"), 64)))
    labels = labels.repeat(num_members)
    together = joint_forward(ensemble)

    torch.testing.assert_close(together(images), ensemble(images), rtol=1e-5, atol=1e-6)

    gradients = []
    for forward in (together, ensemble):
        ensemble.zero_grad()
        nn.functional.cross_entropy(forward(images), labels).backward()
        gradients.append([parameter.grad.clone() for parameter in ensemble.parameters()])
    for joint, single in zip(*gradients, strict=True):
        assert single.abs().max() > 0
        torch.testing.assert_close(joint, single, rtol=1e-4, atol=1e-6)


def test_joint_forward_follows_the_parameters():
    ensemble = deep_ensembles(LeNet(), num_estimators=2)
    together = joint_forward(ensemble)
    images = torch.randn(3, 1, 28, 28)
    before = together(images)
    with torch.no_grad():
        ensemble.core_models[1].fc3.bias += 1
    assert torch.equal(together(images)[:3], before[:3])
    torch.testing.assert_close(together(images)[3:], before[3:] + 1)


class _OtherLeNet(LeNet):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return -super().forward(images)


def _watched() -> nn.Module:
    ensemble = deep_ensembles(LeNet(), num_estimators=2)
    ensemble.core_models[1].conv2.register_forward_hook(lambda *_: None)
    return ensemble


def _changed() -> nn.Module:
    ensemble = deep_ensembles(LeNet(), num_estimators=2)
    ensemble.core_models[0].fc2 = nn.Sequential(nn.Linear(120, 84), nn.Dropout())
    return ensemble


def _layer(**changes) -> nn.Module:
    ensemble = deep_ensembles(LeNet(), num_estimators=2)
    for member in ensemble.core_models:
        member.conv1 = nn.Conv2d(1, 6, **changes)
    return ensemble


@pytest.mark.parametrize(
    "build",
    [
        LeNet,
        PackedLeNet,
        lambda: deep_ensembles(_OtherLeNet(), num_estimators=2),
        lambda: deep_ensembles(LeNet(), num_estimators=2, store_on_cpu=True),
        lambda: deep_ensembles(LeNet(), num_estimators=MOST_MEMBERS + 1),
        _watched,
        _changed,
        lambda: _layer(kernel_size=3, dilation=2),
        lambda: _layer(kernel_size=5, bias=False),
    ],
    ids=[
        *("single", "packed", "derived", "stored on CPU", "many", "watched", "changed"),
        *("dilated", "no bias"),
    ],
)
def test_every_other_model_is_asked_itself(build):
    assert joint_forward(build()) is None


def test_the_routine_asks_the_ensemble_itself_where_no_gradient_is_needed(monkeypatch):
    routine = CourseRoutine(
        deep_ensembles(LeNet(), num_estimators=2), num_classes=10, is_ensemble=True
    )
    images = torch.randn(4, 1, 28, 28)
    calls = []
    monkeypatch.setattr(routine, "_joint_forward", lambda images: calls.append(images))
    with torch.no_grad():
        assert routine(images).shape == (8, 10)
    assert calls == []
    routine(images)
    assert len(calls) == 1


def test_what_is_left_out_is_shown_nowhere():
    shown = set(training.METRICS)
    assert "test/cal/ECE" in shown
    routine = CourseRoutine(LeNet(), num_classes=10)
    assert "val/cal/SmECE" not in routine.val_cls_metrics
    assert shown & {f"test/{name}" for name in ("cal/SmECE",)} == set()
    names = set(routine.test_cls_metrics.keys())
    assert {"test/cls/Acc", "test/cal/ECE", "test/sc/AURC"} <= names
