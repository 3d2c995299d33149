"""What a Packed-Ensemble costs beside one LeNet and beside a Deep Ensemble."""

from __future__ import annotations

from dataclasses import dataclass

from . import style
from .packed import LAYERS, PackedPlan, packed_plan
from .picture import Picture

#: Places in the image at which the weights of each layer are used: a 5 x 5 filter fits 24 x 24
#: times into 28 x 28 pixels, and 8 x 8 times into the 12 x 12 that pooling leaves.
PLACES = (24 * 24, 8 * 8, 1, 1, 1)


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes
    ----------
    name : str
    parameters : int
    flops : int
        Of one image in evaluation: a multiplication and an addition for each use of each weight.
        Biases, activations and pooling are left out, as torch's ``FlopCounterMode`` leaves them.
    """

    name: str
    parameters: int
    flops: int


def network_flops(channels: tuple[int, ...], in_channels: int = 1) -> int:
    """FLOPs per image of a LeNet with these channels after its five layers."""
    total, before = 0, in_channels
    for (_, _, spread), places, after in zip(LAYERS, PLACES, channels, strict=True):
        total += 2 * after * before * spread * places
        before = after
    return total


def packed_costs(plan: PackedPlan) -> tuple[Cost, Cost, Cost]:
    """Costs of LeNet, of the Packed-Ensemble, and of the Deep Ensemble of as many members.

    Groups do not see each other, so a grouped network costs what its members cost alone.
    """
    members = plan.num_members
    lenet = network_flops(plan.lenet)
    return (
        Cost("LeNet", plan.lenet_parameters, lenet),
        Cost(f"PE-{members}", plan.packed_parameters, members * network_flops(plan.member)),
        Cost(f"DE-{members}", members * plan.lenet_parameters, members * lenet),
    )


@style.drawn
def packed_cost_bars(num_members: int = 4, alpha: float = 2) -> Picture:
    """Parameters and FLOPs per image of LeNet, a Packed-Ensemble and a Deep Ensemble.

    Parameters
    ----------
    num_members, alpha : int, float
        M and alpha; those that can't be built raise ValueError.
    """
    plan = packed_plan(num_members, alpha)
    costs = packed_costs(plan)
    look = style.current()
    figure = style.canvas(8, 8.6 * look.em / look.scale)
    grid = style.panels(
        figure, columns=(1, 1), left=4.4, right=11.5, top=2.4, bottom=0.5, gap_x=15.5
    )[0]
    colors = (style.SOFT, style.VERMILLION, style.BLUE)
    for axes, attribute, title in zip(
        grid, ("parameters", "flops"), ("Parameters", "FLOPs per image"), strict=True
    ):
        values = [getattr(cost, attribute) for cost in costs]
        axes.barh(range(3), values, height=0.66, color=colors)
        axes.set(xlim=(0, max(values)), ylim=(2.5, -0.5), xticks=[])
        axes.set_yticks(range(3), [cost.name for cost in costs])
        axes.tick_params(axis="y", length=0)
        axes.spines["bottom"].set_visible(False)
        for place, value in enumerate(values):
            axes.annotate(
                f"{value:,} ({value / values[0]:.3g} \N{MULTIPLICATION SIGN})",
                (value, place),
                xytext=(0.5 * look.text, 0),
                textcoords="offset points",
                va="center",
                annotation_clip=False,
            )
        style.label(axes, title=title)
    lenet = costs[0]
    words = "; ".join(
        f"{cost.name}: {cost.parameters:,} parameters "
        f"({cost.parameters / lenet.parameters:.3g} times LeNet), "
        f"{cost.flops:,} FLOPs per image ({cost.flops / lenet.flops:.3g} times LeNet)"
        for cost in costs
    )
    alt = f"Bars of parameters and FLOPs per image, M = {plan.num_members}, alpha = {plan.alpha:g}."
    return Picture(figure, f"{alt} {words}.")
