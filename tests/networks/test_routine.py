"""What the routine leaves out saves time and changes no number."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn
from torch_uncertainty.methods import deep_ensembles
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.images import batches, load_mnist
from course_utils.networks import evaluation, training
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
    train = load_mnist("train").subset(slice(0, 3000))  # 24 batches
    val = load_mnist("val").subset(slice(0, 500))
    fit = training.fit(model, train, val, name="model", folder=folder, epochs=2)
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
    pd.testing.assert_frame_equal(log, expected_log[log.columns], check_exact=True)
    for name, value in expected.items():
        assert torch.equal(weights[name], value), name


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


def test_what_is_left_out_is_shown_nowhere():
    shown = set(evaluation.METRICS)
    assert "test/cal/ECE" in shown
    routine = CourseRoutine(LeNet(), num_classes=10)
    assert "val/cal/SmECE" not in routine.val_cls_metrics
    assert shown & {f"test/{name}" for name in ("cal/SmECE",)} == set()
    names = set(routine.test_cls_metrics.keys())
    assert {"test/cls/Acc", "test/cal/ECE", "test/sc/AURC"} <= names
