"""The two networks: their sizes, their shapes, and what a packed network is made of."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.networks.models import LeNet, PackedLeNet


def sizes(model):
    return {
        name: sum(value.numel() for value in layer.parameters())
        for name, layer in model.named_children()
    }


@pytest.fixture
def images():
    return torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def test_lenet_layer_by_layer():
    expected = {
        "conv1": 6 * 1 * 25 + 6,
        "conv2": 16 * 6 * 25 + 16,
        "fc1": 120 * 256 + 120,
        "fc2": 84 * 120 + 84,
        "fc3": 10 * 84 + 10,
    }
    assert sizes(LeNet()) == expected
    assert sum(expected.values()) == 44_426


def test_packed_lenet_layer_by_layer():
    # Each of the four members has 3, 8, 60 and 42 channels and ten outputs.
    member = {
        "conv1": 3 * 1 * 25 + 3,
        "conv2": 8 * 3 * 25 + 8,
        "fc1": 60 * 128 + 60,
        "fc2": 42 * 60 + 42,
        "fc3": 10 * 42 + 10,
    }
    assert sum(member.values()) == 11_418
    assert sizes(PackedLeNet()) == {name: 4 * size for name, size in member.items()}
    assert sum(sizes(PackedLeNet()).values()) == 45_672


def test_output_shapes(images):
    assert LeNet()(images).shape == (3, 10)
    assert LeNet(in_channels=3, num_classes=4)(images.expand(3, 3, 28, 28)).shape == (3, 4)
    assert PackedLeNet()(images).shape == (4 * 3, 10)
    wide = PackedLeNet(in_channels=3, num_classes=4, alpha=4, num_estimators=2)
    assert wide(images.expand(3, 3, 28, 28)).shape == (2 * 3, 4)


def test_packing_as_wide_as_its_members_has_the_size_of_a_deep_ensemble():
    assert sum(sizes(PackedLeNet(alpha=4, num_estimators=4)).values()) == 4 * 44_426


class HalfLeNet(nn.Module):
    """One member of the packed network with alpha 2 and 4 estimators, on its own."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 3, 5), nn.Conv2d(3, 8, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(128, 60), nn.Linear(60, 42), nn.Linear(42, 10)

    def forward(self, images):
        features = F.max_pool2d(F.relu(self.conv1(images)), 2)
        features = F.max_pool2d(F.relu(self.conv2(features)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(features)))))


def test_packed_lenet_is_four_half_width_lenets_member_after_member(images):
    torch.manual_seed(0)
    packed = PackedLeNet(alpha=2, num_estimators=4)
    expected = []
    for member in range(4):
        single = HalfLeNet()
        # Whatever the layout of a layer, a member's share is a quarter of it, in order.
        with torch.no_grad():
            for own, shared in zip(single.parameters(), packed.parameters(), strict=True):
                own.copy_(shared.flatten().chunk(4)[member].reshape(own.shape))
        expected.append(single(images))
    torch.testing.assert_close(packed(images), torch.cat(expected))  # (m b)


def test_members_do_not_see_each_other(images):
    packed = PackedLeNet(alpha=2, num_estimators=4)
    before = packed(images).reshape(4, 3, 10)
    with torch.no_grad():
        packed.fc1.weight[2].zero_()  # the third group
    changed = (packed(images).reshape(4, 3, 10) - before).abs().amax(dim=(1, 2)) > 1e-6
    assert changed.tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("num_estimators", "alphas"),
    [(2, (1, 2, 3, 4, 5, 6, 8)), (3, (1.5, 3, 6)), (4, (2, 4, 6, 8)), (5, (2.5, 5)), (16, (8,))],
)
def test_settings_that_build(num_estimators, alphas, images):
    for alpha in alphas:
        model = PackedLeNet(alpha=alpha, num_estimators=num_estimators)
        assert model(images).shape == (num_estimators * 3, 10)


@pytest.mark.parametrize(("alpha", "num_estimators"), [(2, 7), (2, 3), (4, 9), (0, 4), (2, 0)])
def test_settings_that_cannot_build_say_which_number_is_wrong(alpha, num_estimators):
    message = "not divisible by|should be > 0, not 0|should be >= 1, not 0"
    with pytest.raises(ValueError, match=message):
        PackedLeNet(alpha=alpha, num_estimators=num_estimators)
