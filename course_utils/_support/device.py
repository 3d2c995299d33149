"""Where networks are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def device() -> torch.device:
    """Where networks are trained: a CUDA GPU that works, otherwise the CPU.

    Apple's GPU (MPS) is left out: it has no float64, which several metrics need, and a LeNet is too
    small to gain from it.
    """
    import torch

    if torch.cuda.is_available():
        try:
            torch.zeros(1, device="cuda")
        except RuntimeError:  # present but unusable: driver too old, memory taken by others
            return torch.device("cpu")
        return torch.device("cuda")
    return torch.device("cpu")
