"""What a training step costs: memory and time, of one network or of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from torch import nn

from . import threads  # noqa: F401, one thread unless chosen otherwise
from .evaluation import count_members

__all__ = ["training_costs"]

TURNS, LEFT_OUT = 13, 3  # steps of each model, and how many of the first don't count


def training_costs(
    models: Mapping[str, nn.Module], images: torch.Tensor, labels: torch.Tensor
) -> pd.DataFrame:
    """Memory and time of one training step on the CPU, by SGD with momentum.

    The models take turns, so that a busy moment of the machine hits all of them; the time is the
    median. Weights change: pass models that you can spare.

    Parameters
    ----------
    models : mapping of str to nn.Module
        Columns of the table.
    images : float32 [B, 1, 28, 28]
    labels : int64 [B]

    Returns
    -------
    pandas.DataFrame
        Parameters in thousands; megabytes of weights, gradients and momentum, and of what the
        forward pass keeps for the backward pass; milliseconds per step.
    """
    members = {name: count_members(model) for name, model in models.items()}
    columns = {}
    for name, model in models.items():
        parameters = sum(parameter.numel() for parameter in model.parameters())
        columns[name] = {
            "parameters (thousand)": parameters / 1e3,
            "MB: weights, gradients, momentum": 3 * 4 * parameters / 1e6,
            "MB: kept for the backward pass": _kept(model, images),
        }
    optimizers = {
        name: torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        for name, model in models.items()
    }
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(TURNS):
        for name, model in models.items():
            start = perf_counter()
            optimizers[name].zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels.repeat(members[name]))
            loss.backward()
            optimizers[name].step()
            times[name].append(perf_counter() - start)
    for name, taken in times.items():
        columns[name]["ms per step"] = 1e3 * float(np.median(taken[LEFT_OUT:]))
    return pd.DataFrame(columns)


def _kept(model: nn.Module, images: torch.Tensor) -> float:
    """Megabytes that the forward pass keeps for the backward pass, besides the weights."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)  # alive: no address twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = model(images)
    del outputs
    return sum(size for size, _ in kept.values()) / 1e6
