"""The two networks of the course, word for word as learners of chapters 2 and 6 write them.

Later chapters, the zoo and the slides import them from here. A test compares the texts.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch_uncertainty.layers import PackedConv2d, PackedLinear

from . import threads  # noqa: F401, one thread unless chosen otherwise

__all__ = ["LeNet", "PackedLeNet"]


class LeNet(nn.Module):
    """LeNet-5 for 28 x 28 digits, with ReLU and max-pooling (after LeCun et al., 1998)."""

    def __init__(self, in_channels: int = 1, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 4 * 4, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = F.max_pool2d(F.relu(self.conv1(images)), 2)
        features = F.max_pool2d(F.relu(self.conv2(features)), 2)
        features = features.flatten(1)
        features = F.relu(self.fc1(features))
        features = F.relu(self.fc2(features))
        return self.fc3(features)


class PackedLeNet(nn.Module):
    """M narrow LeNets in one network: each layer has one group of channels per estimator."""

    def __init__(
        self, in_channels: int = 1, num_classes: int = 10, alpha: float = 2, num_estimators: int = 4
    ) -> None:
        super().__init__()
        packed = {"alpha": alpha, "num_estimators": num_estimators}
        self.conv1 = PackedConv2d(in_channels, 6, kernel_size=5, **packed, first=True)
        self.conv2 = PackedConv2d(6, 16, kernel_size=5, **packed)
        self.fc1 = PackedLinear(16 * 4 * 4, 120, **packed)
        self.fc2 = PackedLinear(120, 84, **packed)
        self.fc3 = PackedLinear(84, num_classes, **packed, last=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = F.max_pool2d(F.relu(self.conv1(images)), 2)
        features = F.max_pool2d(F.relu(self.conv2(features)), 2)
        features = features.flatten(1)
        features = F.relu(self.fc1(features))
        features = F.relu(self.fc2(features))
        return self.fc3(features)
