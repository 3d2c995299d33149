"""Costs of a Packed-Ensemble: the formula against torch, the bars on data."""

from __future__ import annotations

import pytest

from course_utils import figures
from course_utils.figures.packed_costs import network_flops


def counted(model) -> tuple[int, int]:
    """Parameters, and FLOPs of one image, as torch counts them."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 28, 28))
    return sum(one.numel() for one in model.parameters()), counter.get_total_flops()


def buildable(members: int) -> list[float]:
    """All alphas up to 8 in steps of a half that build."""
    found = []
    for alpha in (half / 2 for half in range(1, 17)):
        try:
            figures.packed_plan(members, alpha)
        except ValueError:
            continue
        found.append(alpha)
    assert found
    return found


def test_lenet_costs_what_torch_counts() -> None:
    models = pytest.importorskip("course_utils.networks.models")
    lenet, *_ = figures.packed_costs(figures.packed_plan(4, 2))
    assert (lenet.parameters, lenet.flops) == counted(models.LeNet()) == (44_426, 563_280)


@pytest.mark.parametrize("members", range(1, 9))
def test_every_setting_costs_what_torch_counts(members: int) -> None:
    models = pytest.importorskip("course_utils.networks.models")
    for alpha in buildable(members):
        _, packed, _ = figures.packed_costs(figures.packed_plan(members, alpha))
        model = models.PackedLeNet(alpha=alpha, num_estimators=members)
        assert (packed.parameters, packed.flops) == counted(model), alpha


def test_a_deep_ensemble_costs_what_torch_counts() -> None:
    models = pytest.importorskip("course_utils.networks.models")
    from torch_uncertainty.methods import deep_ensembles

    _, _, deep = figures.packed_costs(figures.packed_plan(3, 1.5))
    assert (deep.parameters, deep.flops) == counted(deep_ensembles(models.LeNet(), 3))


def test_colour_channels_cost_in_the_first_layer_only() -> None:
    lenet = figures.packed_plan(4, 2).lenet
    assert network_flops(lenet, 3) - network_flops(lenet) == 2 * 2 * 6 * 25 * 24 * 24


def test_bars_are_the_numbers_beside_them() -> None:
    picture = figures.packed_cost_bars(4, 2)
    costs = figures.packed_costs(figures.packed_plan(4, 2))
    assert [cost.name for cost in costs] == ["LeNet", "PE-4", "DE-4"]
    for axes, attribute in zip(picture.figure.axes, ("parameters", "flops"), strict=True):
        values = [getattr(cost, attribute) for cost in costs]
        assert [bar.get_width() for bar in axes.patches] == values
        assert [text.get_text().split()[0] for text in axes.texts] == [f"{n:,}" for n in values]
        for value in values:
            assert f"{value:,}" in picture.alt
    assert "PE-4: 45,672 parameters (1.03 times LeNet), 737,760 FLOPs per image" in picture.alt


def test_bars_say_what_does_not_build() -> None:
    with pytest.raises(ValueError, match="can't be built"):
        figures.packed_cost_bars(4, 3)
