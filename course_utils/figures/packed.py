"""What a Packed-Ensemble is: small networks side by side in one grouped network."""

from __future__ import annotations

from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle

from . import style
from .picture import Picture

#: LeNet: (name, output channels, inputs per input channel and output channel); conv 5 x 5, and
#: the first linear layer sees 4 x 4 pixels of each channel.
LAYERS = (("conv 1", 6, 25), ("conv 2", 16, 25), ("fc 1", 120, 16), ("fc 2", 84, 1), ("out", 10, 1))


@dataclass(frozen=True)
class PackedPlan:
    """Channels and parameters of a Packed-Ensemble of LeNets.

    Attributes
    ----------
    num_members : int
        M, called ``num_estimators`` in torch-uncertainty.
    alpha : float
        Width of the whole, in LeNets.
    lenet, member : tuple of int
        Channels after each layer: of LeNet, and of one of the M small networks.
    lenet_parameters, member_parameters : int
    """

    num_members: int
    alpha: float
    lenet: tuple[int, ...]
    member: tuple[int, ...]
    lenet_parameters: int
    member_parameters: int

    @property
    def packed(self) -> tuple[int, ...]:
        """Channels of the grouped network, all members together."""
        return tuple(self.num_members * channels for channels in self.member)

    @property
    def packed_parameters(self) -> int:
        """Parameters of the grouped network."""
        return self.num_members * self.member_parameters


def packed_plan(
    num_members: int, alpha: float, *, num_classes: int = 10, in_channels: int = 1
) -> PackedPlan:
    """Channels of a Packed-Ensemble by the rule of torch-uncertainty's layers (gamma = 1).

    A hidden layer of C channels becomes int(alpha * C) channels in M groups; Laurent et al. 2023,
    arXiv:2210.09184. M must divide them: nothing is rounded.

    Raises
    ------
    ValueError
        If it can't be built.
    """
    if isinstance(num_members, bool) or int(num_members) != num_members or num_members < 1:
        raise ValueError(f"The number of members must be a whole number from 1, not {num_members}.")
    if not 0 < alpha < float("inf"):
        raise ValueError(f"Alpha must be a positive number, not {alpha}.")
    num_members = int(num_members)
    member = []
    for name, channels, _ in LAYERS[:-1]:
        wide = int(alpha * channels)  # as the layers do, not rounded
        if wide == 0 or wide % num_members:
            raise ValueError(
                f"M = {num_members} with alpha = {alpha:g} can't be built: {name} would have "
                f"{wide} channels, which {num_members} members can't share equally; try another "
                "alpha."
            )
        member.append(wide // num_members)
    pixels = LAYERS[2][2]
    if int(alpha * LAYERS[1][1] * pixels) != pixels * num_members * member[1]:
        raise ValueError(
            f"Alpha = {alpha:g} can't be built: {pixels} pixels of {num_members * member[1]} "
            "channels are not as many inputs as fc 1 expects; try a whole number."
        )
    member.append(num_classes)
    lenet = (*(channels for _, channels, _ in LAYERS[:-1]), num_classes)
    return PackedPlan(
        num_members,
        float(alpha),
        lenet,
        tuple(member),
        _parameters(lenet, in_channels),
        _parameters(tuple(member), in_channels),
    )


def _parameters(channels: tuple[int, ...], in_channels: int) -> int:
    total, before = 0, in_channels
    for (_, _, spread), after in zip(LAYERS, channels, strict=True):
        total += after * (before * spread + 1)
        before = after
    return total


@style.drawn
def packed_diagram(
    num_members: int = 4,
    alpha: float = 2,
    *,
    num_classes: int = 10,
) -> Picture:
    """One LeNet, M small ones, and the one grouped network that holds them.

    The height of a block is its number of channels, by one scale for the whole figure; bands are
    the connections, and none crosses from one member to another.

    Parameters
    ----------
    num_members, alpha : int, float
        M and alpha; those that can't be built raise ValueError.
    """
    plan = packed_plan(num_members, alpha, num_classes=num_classes)
    figure = style.canvas(8, style.fitting(4.0))
    look = style.current()
    grid = style.panels(
        figure, columns=(1, 1, 1), left=0.7, right=0.7, top=2.3, bottom=4.6, gap_x=1.8
    )[0]
    height = grid[0].get_position().height * figure.get_size_inches()[1] / look.em
    # in text heights: room for the numbers above the blocks
    room = height - 2.2
    members = plan.num_members
    gap = min(0.6, 4.0 / members)
    unit = min((room - gap * (members - 1)) / (members * max(plan.member)), room / max(plan.lenet))
    colors = [style.MEMBER_COLORS[i % len(style.MEMBER_COLORS)] for i in range(members)]
    middle = 1.8 + room / 2

    _network(grid[0], [plan.lenet], [middle], unit, [style.SOFT])
    step = unit * max(plan.member) + gap
    centres = [middle + (i - (members - 1) / 2) * step for i in range(members)]
    _network(grid[1], [plan.member] * members, centres, unit, colors)
    _grouped(grid[2], plan, middle, unit, colors)

    titles = ("One LeNet", f"{members} small LeNets", f"One network of {members} groups")
    numbers = (
        [str(channels) for channels in plan.lenet],
        [str(channels) for channels in plan.member],
        [str(channels) for channels in plan.packed],
    )
    counts = (
        f"{plan.lenet_parameters:,} parameters",
        f"{members} \N{MULTIPLICATION SIGN} {plan.member_parameters:,} parameters",
        f"{plan.packed_parameters:,} parameters",
    )
    if members == 1:
        titles = ("One LeNet", "1 network", "One network, 1 group")
    for axes, title, line, count in zip(grid, titles, numbers, counts, strict=True):
        style.bare(axes)
        axes.set(xlim=(-0.5, 4.5), ylim=(height, 0))
        for column, text in enumerate(line):
            axes.text(column, 0.8, text, ha="center", va="center")
        axes.set_xticks(range(5), [name.replace(" ", "\n") for name, _, _ in LAYERS])
        axes.tick_params(length=0, labelcolor=style.SOFT)
        style.label(axes, x=count, title=title)
    ratio = plan.packed_parameters / plan.lenet_parameters
    alt = (
        f"Packed-Ensemble with M = {members} and alpha = {plan.alpha:g}. LeNet has "
        f"{_row(plan.lenet)} channels and {plan.lenet_parameters:,} parameters. Each of the "
        f"{members} small networks has {_row(plan.member)} channels and "
        f"{plan.member_parameters:,} parameters. Side by side in one network of {members} groups "
        f"they have {_row(plan.packed)} channels and {plan.packed_parameters:,} parameters, "
        f"{ratio:.2f} times those of LeNet; no connection crosses from one group to another."
    )
    return Picture(figure, alt)


def _row(channels: tuple[int, ...]) -> str:
    return ", ".join(str(number) for number in channels)


def _network(
    axes: Axes,
    networks: list[tuple[int, ...]],
    centres: list[float],
    unit: float,
    colors: list[str],
) -> None:
    """Separate networks, each centred on its own line."""
    shapes = _Shapes()
    for channels, centre, color in zip(networks, centres, colors, strict=True):
        spans = [(centre - unit * c / 2, centre + unit * c / 2) for c in channels]
        shapes.add(spans, color)
    shapes.draw(axes)


def _grouped(axes: Axes, plan: PackedPlan, middle: float, unit: float, colors: list[str]) -> None:
    """One network: in every layer the members' blocks touch, and each keeps to its own band."""
    shapes = _Shapes()
    members = plan.num_members
    for member, color in enumerate(colors):
        spans = []
        for channels in plan.member:
            top = middle - unit * channels * members / 2 + member * unit * channels
            spans.append((top, top + unit * channels))
        shapes.add(spans, color)
    shapes.draw(axes)
    for column, channels in enumerate(plan.member):
        half = unit * channels * members / 2
        axes.add_patch(_outline(column, middle - half, middle + half))


WIDTH = 0.2  # half the width of a block, in columns


def _outline(column: int, top: float, bottom: float) -> Rectangle:
    return Rectangle(
        (column - WIDTH - 0.04, top - 0.15),
        2 * WIDTH + 0.08,
        bottom - top + 0.3,
        fill=False,
        edgecolor=style.INK,
        linewidth=style.current().thin,
    )


@dataclass
class _Shapes:
    """Blocks of channels, the connections between them as bands, and the color of each."""

    blocks: list[list[tuple[float, float]]] = field(default_factory=list)
    bands: list[list[tuple[float, float]]] = field(default_factory=list)
    block_colors: list[str] = field(default_factory=list)
    band_colors: list[str] = field(default_factory=list)

    def add(self, spans: list[tuple[float, float]], color: str) -> None:
        """One network, by the top and the bottom of its block in every layer."""
        for column, (top, bottom) in enumerate(spans):
            bottom = max(bottom, top + 0.06)  # a few channels stay visible
            self.blocks.append(
                [
                    (column - WIDTH, top),
                    (column + WIDTH, top),
                    (column + WIDTH, bottom),
                    (column - WIDTH, bottom),
                ]
            )
            self.block_colors.append(color)
            if column + 1 < len(spans):
                after_top, after_bottom = spans[column + 1]
                self.bands.append(
                    [
                        (column + WIDTH, top),
                        (column + 1 - WIDTH, after_top),
                        (column + 1 - WIDTH, after_bottom),
                        (column + WIDTH, bottom),
                    ]
                )
                self.band_colors.append(color)

    def draw(self, axes: Axes) -> None:
        for name, corners, colors, alpha in (
            ("connections", self.bands, self.band_colors, 0.2),
            ("channels", self.blocks, self.block_colors, None),
        ):
            axes.add_collection(
                PolyCollection(corners, facecolors=colors, alpha=alpha, linewidths=0, label=name)
            )
