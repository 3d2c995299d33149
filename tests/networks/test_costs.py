"""Memory and time of a training step."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_uncertainty.methods import deep_ensembles

from course_utils.networks.costs import training_costs
from course_utils.networks.models import LeNet

IMAGES, LABELS = torch.randn(8, 1, 28, 28), torch.arange(8)


def test_two_members_cost_twice_as_much_as_one() -> None:
    models = {"one": LeNet(), "two": deep_ensembles(LeNet(), 2)}
    costs = training_costs(models, IMAGES, LABELS)
    assert costs.loc["parameters (thousand)", "one"] == pytest.approx(44.426)
    assert costs.loc["MB: weights, gradients, momentum", "one"] == pytest.approx(0.533112)
    memory = costs.drop("ms per step")
    ratio = memory["two"] / memory["one"]
    assert ratio.between(1.8, 2).all()  # the images are kept once
    assert (costs.loc["ms per step"] > 0).all()


def test_what_is_kept_for_the_backward_pass_is_counted() -> None:
    class Twice(nn.Module):
        """A linear layer keeps its input, a ReLU its output."""

        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(28 * 28, 10)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.linear(images.flatten(1)).relu()

    kept = training_costs({"x": Twice()}, IMAGES, LABELS).loc["MB: kept for the backward pass", "x"]
    assert kept == pytest.approx(4 * 8 * (28 * 28 + 10) / 1e6)
