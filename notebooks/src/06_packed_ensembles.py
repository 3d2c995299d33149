# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6. Packed-Ensembles
#
# A Deep Ensemble (Lakshminarayanan et al., 2017) of $M$ networks knows more than one network, and
# costs $M$ times as much. Must it?
# Packed-Ensembles (Laurent et al., ICLR 2023) make each member narrower and run all of them as
# *one* network, in a single pass. The idea fits in one word that every convolution in PyTorch
# already understands: `groups`.
#
# **Questions**
#
# - How can one network be four?
# - What do we pay for four opinions, in parameters, operations and seconds?
# - Is the packed ensemble worth more than one ordinary network of the same cost?
#
# **Objectives.** After this chapter you can
#
# - explain why a grouped convolution is several separate convolutions;
# - write a network with `PackedConv2d` and `PackedLinear`, and say which settings will build;
# - compute its parameters and operations by hand, and check them;
# - take a Packed-Ensemble apart into small networks that give the same answers;
# - compare models of different budgets without fooling anybody, yourself included.
#
# **Time.** About 40 minutes to read and play, and nearly as long for the exercises. Training takes
# about as long as in chapter 4; with `COURSE_SPEED=look` finished weights are taken instead, and
# the code needs half a minute.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## From many networks to one with groups
#
# Take LeNet. Make four copies with half as many channels. Then lay them side by side and call the
# result one network: in every layer its channels fall into four groups, and no connection leads
# from one group to another.

# %%
from course_utils import figures

figures.packed_diagram(num_members=4, alpha=2)

# %% [markdown]
# The height of a block is its number of channels. Observe the numbers of parameters below the three
# drawings: four small networks have hardly more than one LeNet. The reason is that a layer between
# $C_1$ and $C_2$ channels has $C_1 C_2$ connections. Halve both and a quarter is left, four times
# a quarter is one.
#
# Two numbers describe the construction. **M** is the number of members, called `num_estimators` in
# the code. **Alpha** is the width of the whole, measured in original networks: with $\alpha = 2$
# the four members together are twice as wide as LeNet, so each has half its width.

# %% [markdown]
# ### A grouped convolution is several convolutions
#
# Is a network with groups really several networks? We look at one layer, with plain PyTorch: four
# channels in, six out, in two groups.

# %%
import torch
from torch import nn

torch.manual_seed(0)
grouped = nn.Conv2d(4, 6, kernel_size=3, groups=2)
print("weights of the grouped layer:  ", tuple(grouped.weight.shape))
print("weights of an ordinary layer:  ", tuple(nn.Conv2d(4, 6, kernel_size=3).weight.shape))

# %% [markdown]
# The axes are: channels out, channels in, rows, columns. Observe that each of the six outputs of
# the grouped layer looks at two channels, not at four: half of the weights. Now we build two other
# layers from the same weights. The first is two ordinary convolutions, one for each half of the
# channels. The second is one ordinary convolution whose other weights are zero.

# %%
halves = [nn.Conv2d(2, 3, kernel_size=3) for _ in range(2)]
full = nn.Conv2d(4, 6, kernel_size=3)
with torch.no_grad():
    full.weight.zero_()
    full.bias.copy_(grouped.bias)
    for i, half in enumerate(halves):
        outputs, inputs = slice(3 * i, 3 * i + 3), slice(2 * i, 2 * i + 2)
        half.weight.copy_(grouped.weight[outputs])
        half.bias.copy_(grouped.bias[outputs])
        full.weight[outputs, inputs] = grouped.weight[outputs]

# %% [markdown]
# If a grouped layer is what we say it is, all three give the same answer to any input.

# %%
with torch.no_grad():
    some_input = torch.randn(10, 4, 8, 8)
    from_grouped = grouped(some_input)
    first_half, second_half = some_input.chunk(2, dim=1)
    from_halves = torch.cat([halves[0](first_half), halves[1](second_half)], dim=1)
    from_full = full(some_input)
print(f"largest difference to two layers: {(from_grouped - from_halves).abs().max():.1e}")
print(f"largest difference to the full layer: {(from_grouped - from_full).abs().max():.1e}")

# %% [markdown]
# The differences are rounding errors at most: the three are the same function. A picture of the
# full layer's weights shows why. Each square is one pair of channels, and its colour is the size
# of the nine weights between them.

# %%
strengths = full.weight.detach().norm(dim=(2, 3)).numpy()
figure = figures.style.canvas(5, 3)
axes = figures.style.panels(figure, left=5)[0][0]
axes.imshow(strengths, cmap="Blues", vmin=0)
axes.set_xticks(range(4))
axes.set_yticks(range(6))
figures.style.label(axes, x="channel in", y="channel out")
figures.Picture(
    figure,
    "Weights of the full layer, 6 channels out by 4 channels in: "
    f"{(strengths > 0).sum()} of {strengths.size} pairs are connected, in two diagonal blocks.",
)

# %% [markdown]
# Observe the two blocks on the diagonal. A matrix with such blocks never mixes the halves, and so
# do many such layers in a row: stack **block-diagonal** layers and you get separate networks.
# Nothing else is needed, since activation functions and pooling act on every channel alone.

# %% [markdown]
# ### Exercise 6.1: Weights in groups
#
# *About 3 minutes.* How many parameters has `nn.Conv2d(12, 32, kernel_size=5, groups=4)`, biases
# included? Compute it by hand, as four separate convolutions.
#
# Replace the `...` and run the cell. Take away the `#` of `hint()` in the cell below for the first
# of three hints, run it again for the next.

# %%
from course_utils.exercises.chapter_06 import ex6_1

num_parameters = ...

ex6_1.check(num_parameters)

# %%
# ex6_1.hint()
# ex6_1.solution()

# %% [markdown]
# ## The packed layers
#
# torch-uncertainty has the layers ready: `PackedConv2d` and `PackedLinear`. They take the sizes of
# the *original* layer and work out the rest from four settings.
#
# - `alpha`: channels in and out are multiplied by it.
# - `num_estimators`: M, the number of groups.
# - `first=True`: the input is the image itself. It isn't multiplied and has no groups, since every
#   member looks at the whole image.
# - `last=True`: the output has $M$ times the classes, one answer for each member. The layer also
#   rearranges them, as we will see.
#
# A fifth, `gamma`, cuts each member into further groups. It is 1 unless you set it.

# %%
from torch_uncertainty.layers import PackedConv2d, PackedLinear

packed = {"alpha": 2, "num_estimators": 4}
first = PackedConv2d(1, 6, kernel_size=5, **packed, first=True)
second = PackedConv2d(6, 16, kernel_size=5, **packed)
for layer in (first, second):
    print(layer.conv)

# %% [markdown]
# Observe that the second layer is nothing but a grouped `Conv2d`, of 12 to 32 channels in 4 groups.
# The first has no groups: its 12 outputs, three for each member, all see the one channel of the
# image.
#
# For a linear layer PyTorch has no groups. `PackedLinear` keeps one matrix for each member:

# %%
import torch.nn.functional as F

hidden = PackedLinear(120, 84, **packed)
last = PackedLinear(84, 10, **packed, last=True)
print("weights of a hidden layer:", tuple(hidden.weight.shape))
print("weights of the last layer:", tuple(last.weight.shape))
answers = last(F.relu(hidden(torch.randn(2, 240))))
print("answers to 2 images:", tuple(answers.shape))

# %% [markdown]
# The axes are: members, outputs, inputs. Observe the last line: two images give *eight* rows of ten
# logits. It's the order of chapter 4, all images of the first member, then all of the second, and
# so on. Whoever reads the rows as "image by image" mixes members and images without any error
# message.
#
# ### What gamma does
#
# With `gamma=2` each member falls into two groups of its own, and the weights are halved again.
# That saves parameters, but the halves of a member no longer talk to each other in that layer.

# %%
for gamma in (1, 2):
    linear = PackedLinear(120, 84, **packed, gamma=gamma)
    convolution = PackedConv2d(6, 16, kernel_size=5, **packed, gamma=gamma)
    print(
        f"gamma={gamma}: linear layer of {linear.groups} groups, {linear.weight.numel():,} weights;"
        f" convolution of {convolution.conv.groups} groups, {convolution.weight.numel():,} weights"
    )

# %% [markdown]
# Observe that the convolution ignores our wish. `PackedConv2d` lowers `gamma` without a word where
# a group would have fewer than 64 channels (its setting `minimum_channels_per_group`), and LeNet
# has far fewer. So `gamma` is a tool for large networks, and we leave it at 1.

# %% [markdown]
# ## LeNet, packed
#
# Compare this class with the one in chapter 2: same layers, same sizes, same `forward`. Only the
# kind of the layers has changed, and the first and the last are marked.


# %%
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


# %% [markdown]
# One line deserves a second look: `flatten(1)`. It turns 32 channels of 4 by 4 pixels into 512
# numbers, channel by channel. The first eight channels belong to the first member, so the first 128
# numbers do too, and the groups stay together. In an order by pixels they would be torn apart.

# %% [markdown]
# ### Exercise 6.2: Whose number is it?
#
# *About 2 minutes.* After `flatten(1)` the packed network of four members has 512 numbers,
# `features[:, 0]` to `features[:, 511]`. To which member does `features[:, 300]` belong: 1, 2, 3
# or 4?

# %%
from course_utils.exercises.chapter_06 import ex6_2

member = ...

ex6_2.check(member)

# %%
# ex6_2.hint()
# ex6_2.solution()

# %% [markdown]
# ## Which settings build?
#
# Not every pair of $M$ and $\alpha$ works. We ask for three members at the width of two LeNets:

# %%
try:
    PackedLeNet(alpha=2, num_estimators=3)
except ValueError as error:
    print(error)

# %% [markdown]
# Sixteen channels become 32, and 32 channels cannot be shared equally by three members. Let us try
# many pairs. On PyTorch's *meta* device tensors have shapes and no numbers, so building a network
# costs almost nothing. We also send an image through, for a network that builds may still fail
# there.

# %%
import pandas as pd


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def try_to_build(alpha, num_members):
    """Thousands of parameters, or None if the network cannot be built or run."""
    try:
        with torch.device("meta"):
            model = PackedLeNet(alpha=alpha, num_estimators=num_members)
            model(torch.zeros(2, 1, 28, 28))
    except (ValueError, RuntimeError):
        return None
    return count_parameters(model) / 1_000


alphas = [half / 2 for half in range(1, 15)]
sizes = {M: {alpha: try_to_build(alpha, M) for alpha in alphas} for M in range(1, 11)}
sizes = pd.DataFrame(sizes, dtype=float).T.rename_axis(index="M", columns="alpha")
sizes.map(lambda size: "" if pd.isna(size) else f"{size:.0f}")

# %% [markdown]
# The table shows thousands of parameters where the network builds, and nothing where it raises.
# Observe the pattern: a row for every $M$, beginning at $\alpha = M/2$, in steps of $M/2$.
#
# **Why?** LeNet's hidden layers have 6, 16, 120 and 84 channels. Packed, they have $6\alpha$,
# $16\alpha$, $120\alpha$ and $84\alpha$, and $M$ must divide each of them. If $M$ divides $6\alpha$
# and $16\alpha$, it also divides $3 \cdot 6\alpha - 16\alpha = 2\alpha$. And if $M$ divides
# $2\alpha$, it divides all four, because they are 3, 8, 60 and 42 times $2\alpha$. So:
#
# > The packed LeNet builds if and only if $2\alpha$ is a multiple of $M$.
#
# Then every member has $3k$, $8k$, $60k$ and $42k$ channels with $k = 2\alpha / M$. The smallest
# possible member, $k = 1$, is a LeNet of half the width, and $k = 2$ is LeNet itself. We check
# the rule against the table:

# %%
rule = pd.DataFrame({alpha: {M: (2 * alpha) % M == 0 for M in sizes.index} for alpha in alphas})
print("rule and table agree for all pairs:", bool((rule == sizes.notna()).all(axis=None)))

# %% [markdown]
# A fine point: the layers cut $\alpha C$ down to a whole number, silently. So $\alpha = 2.001$
# builds, too, and gives the network of $\alpha = 2$. The rule holds for all $\alpha$ for which
# nothing is cut.
#
# **Try it.** What would you have to change in LeNet so that $M = 4$ builds with $\alpha = 1$?
# Which numbers of channels would each layer need?

# %% [markdown]
# ### Exercise 6.3: The smallest alpha
#
# *About 7 minutes.* For LeNet the smallest $\alpha$ is $M/2$. And for other networks? You get the
# numbers of channels of all hidden layers, for LeNet `(6, 16, 120, 84)`, and $M$. Return the
# smallest $\alpha > 0$ for which every $\alpha C$ is a whole multiple of $M$, so that nothing is
# cut. It need not be a whole number.

# %%
from course_utils.exercises.chapter_06 import ex6_3


def smallest_alpha(channels, num_members):
    """Smallest alpha at which every member gets a whole number of every layer's channels."""
    return ...


ex6_3.check(smallest_alpha)

# %%
# ex6_3.hint()
# ex6_3.solution()

# %% [markdown]
# ## The arithmetic of packing
#
# ### Parameters
#
# A layer with $w$ weights and $b$ biases becomes $M$ layers, each with $\alpha / M$ of its channels
# on either side. In a hidden layer the weights shrink with both sides:
#
# $$ M \cdot \frac{\alpha}{M} \cdot \frac{\alpha}{M} \cdot w = \frac{\alpha^2}{M} \, w . $$
#
# With `gamma` there is a $\gamma$ in the denominator as well (Laurent et al., 2023). The first
# layer is narrower on one side only, because every member sees the whole image, and so is the last,
# because every member answers for all classes: $\alpha \, w$. Biases: $\alpha \, b$, in the last
# layer $M \, b$.

# %% [markdown]
# ### Exercise 6.4: Count the packed parameters
#
# *About 8 minutes.* Write the count as a function. You get the weights and the biases of the
# *original* layers as two NumPy arrays, from the first layer to the last (LeNet's weights are
# `[150, 2400, 30720, 10080, 840]`), further alpha and M. Return the number of parameters of the
# packed network, with $\gamma = 1$.

# %%
from course_utils.exercises.chapter_06 import ex6_4


def packed_parameters(weights, biases, alpha, num_members):
    """Parameters of a packed network, from those of the original layers."""
    return ...


ex6_4.check(packed_parameters)

# %%
# ex6_4.hint()
# ex6_4.solution()

# %% [markdown]
# We trust the formula after we have counted.

# %%
from course_utils.networks.models import LeNet

M, alpha = 4, 2
lenet, packed_lenet = LeNet(), PackedLeNet(alpha=alpha, num_estimators=M)
rows = {}
for name, layer in lenet.named_children():
    weight_factor = alpha if name in ("conv1", "fc3") else alpha**2 / M
    bias_factor = M if name == "fc3" else alpha
    rows[name] = {
        "LeNet": count_parameters(layer),
        "packed, by formula": weight_factor * layer.weight.numel()
        + bias_factor * layer.bias.numel(),
        "packed, counted": count_parameters(getattr(packed_lenet, name)),
    }
parameters = pd.DataFrame(rows).T.astype(int)
parameters.loc["all"] = parameters.sum()
parameters

# %% [markdown]
# Observe that formula and count agree in every layer. With $\alpha^2 = M$ the hidden layers keep
# their weights exactly; what is added comes from the first layer, the last layer and the biases.
#
# ### Operations
#
# Every weight is used once for each place in the picture where its filter is laid, each time for
# one multiplication and one addition. So the operations grow by the same factors as the weights. In
# LeNet the first convolution does nearly a third of the work, and it grows with $\alpha$. (So does
# the last layer, which hardly counts.) PyTorch can count: its `FlopCounterMode` adds up the
# floating-point operations (FLOPs) of convolutions and matrix products while an image passes
# through.

# %%
from torch.utils.flop_counter import FlopCounterMode


def count_flops(model: nn.Module) -> int:
    """FLOPs of convolutions and matrix products for one image."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 28, 28))
    return counter.get_total_flops()


# multiplications and additions: 2 x weights x places
places = {"conv1": 24 * 24, "conv2": 8 * 8, "fc1": 1, "fc2": 1, "fc3": 1}
by_hand = {
    model_name: sum(2 * getattr(model, name).weight.numel() * n for name, n in places.items())
    for model_name, model in {"LeNet": lenet, "packed": packed_lenet}.items()
}
counted = {"LeNet": count_flops(lenet), "packed": count_flops(packed_lenet)}
flops = pd.DataFrame({"FLOPs per image, by hand": by_hand, "counted": counted})
flops.assign(**{"times LeNet": flops["counted"] / flops["counted"]["LeNet"]}).round(3)

# %% [markdown]
# Observe that the counts agree, and that the packed network costs about a third more than LeNet,
# not four times as much. What is *not* in this count: biases, activations, pooling, and moving
# numbers about. We will meet them again when we measure seconds.
#
# ### At full width it is a Deep Ensemble
#
# For $\alpha = M$ we have $k = 2$: every member is a full LeNet. Then nothing should be saved at
# all, and the packed network should cost what a Deep Ensemble of $M$ costs.

# %%
from torch_uncertainty.methods import deep_ensembles

rows = {}
for members in (2, 3, 4, 8):
    pair = {
        "packed": PackedLeNet(alpha=members, num_estimators=members),
        "deep": deep_ensembles(LeNet(), members),
    }
    rows[members] = {
        f"{name}: {what}": count(model)
        for what, count in (("parameters", count_parameters), ("FLOPs", count_flops))
        for name, model in pair.items()
    }
pd.DataFrame(rows).T.rename_axis("M = alpha")

# %% [markdown]
# Observe that the pairs of columns are equal: at full width nothing is saved. Equal counts do not
# prove that the two *are* the same. If they are, a Packed-Ensemble is a Deep Ensemble whose members
# may be narrower, in a form that runs in one pass. We take it apart below.

# %% [markdown]
# ### Try other settings
#
# Move M and alpha: the blocks are the layers, one colour for each member, and they change with you.
# Then type an alpha that does not build. Look for the settings whose parameters stay near LeNet's,
# and watch which of the two grows faster, parameters or FLOPs.

# %%
from course_utils.widgets import packed_calculator

packed_calculator()

# %% [markdown]
# ### Exercise 6.5: Spend 46,000 parameters
#
# *About 3 minutes.* You may spend 46,000 parameters on a packed LeNet, and want as many members as
# possible. Which setting do you take?
#
# - `a` $M = 4$, $\alpha = 1$
# - `b` $M = 4$, $\alpha = 2$
# - `c` $M = 5$, $\alpha = 2.5$
# - `d` $M = 8$, $\alpha = 2$

# %%
from course_utils.exercises.chapter_06 import ex6_5

choice = ...

ex6_5.check(choice)

# %%
# ex6_5.hint()
# ex6_5.solution()

# %% [markdown]
# ## Taking it apart
#
# If a Packed-Ensemble with $\alpha = 2$ and $M = 4$ *is* four small LeNets, we must be able to cut
# them out. A small LeNet is LeNet with 3, 8, 60 and 42 channels. Its `forward` is LeNet's.


# %%
def half_lenet() -> LeNet:
    """LeNet with half of the channels in each hidden layer."""
    network = LeNet()
    network.conv1 = nn.Conv2d(1, 3, kernel_size=5)
    network.conv2 = nn.Conv2d(3, 8, kernel_size=5)
    network.fc1 = nn.Linear(8 * 4 * 4, 60)
    network.fc2 = nn.Linear(60, 42)
    network.fc3 = nn.Linear(42, 10)
    return network


print(f"one small LeNet:   {count_parameters(half_lenet()):,} parameters")
print(f"four small LeNets: {4 * count_parameters(half_lenet()):,}")
print(f"PackedLeNet:       {count_parameters(packed_lenet):,}")

# %% [markdown]
# The numbers fit. Now the weights. In every layer the first quarter of the weights belongs to the
# first member, the second quarter to the second, and so on. We copy each quarter into a small
# network of ordinary layers.


# %%
@torch.no_grad()
def take_apart(packed_network: nn.Module, num_members: int = 4) -> list[LeNet]:
    """Copy each member's weights into a LeNet of its own."""
    networks = [half_lenet() for _ in range(num_members)]
    for name, packed_layer in packed_network.named_children():
        weights = packed_layer.weight
        if isinstance(packed_layer, PackedConv2d):  # one member's filters after the other's
            weights = weights.unflatten(0, (num_members, -1))
        biases = packed_layer.bias.unflatten(0, (num_members, -1))
        for member, network in enumerate(networks):
            layer = getattr(network, name)
            layer.weight.copy_(weights[member])
            layer.bias.copy_(biases[member])
    return networks


small_lenets = take_apart(packed_lenet)

# %% [markdown]
# Was every weight put where it belongs? A single wrong one would change the answers. So we ask all
# five networks about real digits.

# %%
from course_utils.images import batches, load_mnist

data_train, data_val, data_test = (load_mnist(split) for split in ("train", "val", "test"))
images, labels = next(iter(batches(data_val, batch_size=128, shuffle=True, seed=0)))

with torch.no_grad():
    together = packed_lenet(images)  # 4 x 128 rows, member after member
    apart = torch.cat([network(images) for network in small_lenets])
print("rows:", len(together), len(apart))
print(f"largest logit: {together.abs().max():.3f}")
print(f"largest difference of any two logits: {(together - apart).abs().max():.1e}")
torch.testing.assert_close(together, apart)

# %% [markdown]
# Observe that the difference is of the size of rounding in float32. Layers with blocks on the
# diagonal *must* give this, for every image; the check shows that the library's layers have these
# blocks, in the order that we assumed. So the packed network *is* four half-width LeNets, and the
# rest is a matter of speed.
#
# ### Also in training
#
# Do the four influence each other while they learn? The loss is the mean over all members and
# images, so a member's share of it is a quarter. Its gradient should be a quarter of what it would
# be alone, and nothing should come from the others.

# %%
F.cross_entropy(packed_lenet(images), labels.repeat(4)).backward()
for network in small_lenets:
    F.cross_entropy(network(images), labels).backward()

gradient_packed = packed_lenet.fc1.weight.grad
gradient_alone = torch.stack([network.fc1.weight.grad for network in small_lenets])
largest = gradient_alone.abs().max()
print(f"largest gradient alone:             {largest:.1e}")
difference = (4 * gradient_packed - gradient_alone).abs().max()
print(f"difference to 4 x gradient packed:  {difference:.1e}")
torch.testing.assert_close(4 * gradient_packed, gradient_alone, rtol=1e-4, atol=1e-6)

# %% [markdown]
# Exactly a quarter, up to rounding. Two conclusions.
#
# 1. With SGD we multiply the learning rate by $M$, as in chapter 4, and divide the weight decay by
#    $M$. Then each member takes the steps that it would take alone.
# 2. The members stay different only because they *start* different, from their own random weights.
#    They see the same batches in the same order.

# %% [markdown]
# ## Training
#
# The recipe is that of chapters 2 and 4: SGD with a one-cycle schedule, random crops and
# cross-entropy. For an ensemble of $M$, `training.fit` does three things, which you have seen
# written out.
#
# - `RepeatTarget(M)` repeats the labels, to fit the $M$ blocks of answers.
# - `one_cycle_sgd(model, num_steps, num_members=M)` multiplies the learning rate by $M$ and divides
#   the weight decay by $M$.
# - `ClassificationRoutine` averages the members' probabilities before it computes accuracy, NLL and
#   the like; `is_ensemble=True` adds the measures of disagreement.
#
# Here are labels and rates for our case:

# %%
from torch_uncertainty.transforms import RepeatTarget

from course_utils.networks import evaluation, training

print("labels of a batch of 3, repeated:", RepeatTarget(4)((images[:3], labels[:3]))[1].tolist())
for name, model, members in (("LeNet", lenet, 1), ("PE-4", packed_lenet, 4)):
    optimizer = training.one_cycle_sgd(model, 1_000, num_members=members)["optimizer"]
    rates = {key: optimizer.defaults[key] for key in ("lr", "weight_decay")}
    print(f"{name:6} largest learning rate and weight decay: {rates}")

# %% [markdown]
# Now we train. With `COURSE_SPEED=look` we take finished weights from the course's zoo.

# %%
from course_utils import speed
from course_utils.images import load_fashion_mnist
from course_utils.networks import runs

fashion_test = load_fashion_mnist("test")
if speed() == "look":
    packed_run = runs.load("packed-4")
else:
    torch.manual_seed(0)
    packed_fit = training.fit(
        PackedLeNet(alpha=2, num_estimators=4),
        data_train,
        data_val,
        name="packed-4",
        folder=runs.folder(),
    )
    packed_run = runs.save(packed_fit, data_train, data_test, fashion_test)
    print(f"{packed_fit.epochs} epochs in {packed_fit.seconds:.1f} s on {packed_fit.device}")

# %% [markdown]
# A network trained here is handed on by `runs.save`, with its answers to the test digits and the
# test clothes, so that whatever you try next can take it up without training again.

# %% [markdown]
# ## What the members know, and what they know together
#
# First the members on their own. How far is half a LeNet behind a whole one?

# %%
predictions = packed_run.predictions(data_test)
predictions_ood = packed_run.predictions(fashion_test)

correct_of_members = predictions.member_predicted == predictions.labels[:, None]
accuracies = {f"member {m + 1}": share for m, share in enumerate(correct_of_members.mean(axis=0))}
accuracies["mean of the members"] = correct_of_members.mean()
accuracies["all four together"] = predictions.correct.mean()
pd.Series(accuracies).mul(100).round(2).to_frame(f"accuracy on {len(data_test):,} digits (%)")

# %% [markdown]
# Compare the last two rows. The step from one to the other is what the ensemble adds: members that
# err on *different* digits outvote each other. If all made the same mistakes, there would be no
# step at all.
#
# Next, digits against clothes. We ask several scores which images are strange. AUROC is the
# probability that a random piece of clothing gets a higher score than a random digit.

# %%
from course_utils.metrics import scores
from course_utils.metrics.detection import ood_detection

print(f"{len(predictions):,} digits, {len(predictions_ood):,} clothes")
auroc = {
    name: ood_detection(score(predictions), score(predictions_ood)).auroc
    for name, score in scores.available(predictions).items()
}
pd.Series(auroc).sort_values(ascending=False).round(4).to_frame("AUROC")

# %% [markdown]
# Look for two things. *Entropy* is the entropy of the mean answer, *expected entropy* the mean of
# the members' entropies; their difference is the *mutual information*, what members disagree on. If
# entropy stands above expected entropy, disagreement carries knowledge that no single member has.
#
# Three scores are new. The *variation ratio* is the share of members that do not vote for the most
# popular class: with four members it knows few different values, and is blind where all agree. The
# *maximum logit*, as a score $-\max_c z_c$ (Hendrycks et al., 2022), and the *energy*
# $-\ln \sum_c e^{z_c}$ (Liu et al., 2020) look at the logits $z$, averaged over the members, before
# the softmax divides by $\sum_c e^{z_c}$. The softmax keeps the shares of the classes and throws
# away how much evidence there was in total; these two keep it. Remember from chapter 1 what
# counting grey pixels reached.

# %%
figures.score_histograms(
    scores.entropy(predictions),
    predictions.correct,
    scores.entropy(predictions_ood),
    score_name="entropy of the mean answer",
    ood_name="clothes",
)

# %% [markdown]
# Right answers should lie on the left, clothes on the right, and wrong answers with the clothes.
# Where they overlap, no threshold can separate them.

# %% [markdown]
# ## An honest comparison
#
# Which is best: LeNet, a Deep Ensemble, or the packed one? The question has no answer until we say
# at what cost, and after what training. So we collect two groups.
#
# - Your own, or the zoo's stand-ins if you skipped a chapter: LeNet, a Deep Ensemble of 2, and the
#   Packed-Ensemble. They had the *same* budget as long as the table says so.
# - From the zoo: `lenet-0`, `packed-4-0` and `deep-ensemble-8`, which is `lenet-0` and seven
#   others. They had the same budget among themselves. The table below says which; it need not be
#   yours.

# %%
from course_utils.networks import zoo

own_runs = {
    "LeNet": runs.load("lenet"),
    "DE-2": runs.load("deep-ensemble-2"),
    "PE-4": packed_run,
}
zoo_names = ("lenet-0", "packed-4-0", "deep-ensemble-8")

models = {name: run.model for name, run in own_runs.items()}
models |= {name: zoo.load(name) for name in zoo_names}
facts = {name: run.facts for name, run in own_runs.items()}
facts |= {name: zoo.facts(name) for name in zoo_names}

# %% [markdown]
# How was each of them trained? An epoch is one pass over the training digits, a step is one batch.
# Few digits need many epochs to take as many steps.

# %%
from math import ceil

budgets = pd.DataFrame(
    {
        name: {
            "Members": evaluation.count_members(models[name]),
            "Epochs": fact["epochs"],
            "Training digits": fact["num_train"],
            "Steps": fact["epochs"] * ceil(fact["num_train"] / training.BATCH_SIZE),
            "Augmentation": "crop, affine" if fact.get("affine") else "crop",
        }
        for name, fact in facts.items()
    }
)
budgets

# %% [markdown]
# Read this table first, whenever you compare models. A column may be set against another one only
# if their budgets agree, or if you say that they do not. (Where it says "affine", small random
# turns, stretches and shears were used besides the crops.)
#
# ### Quality
#
# All six answer the same test digits and the same clothes, one to one.

# %%
table = evaluation.evaluate(models, data_test, fashion_test)
print(f"{len(data_test):,} digits, {len(fashion_test):,} clothes")
quality = ["Accuracy (%)", "NLL", "Brier score", "ECE (%)", "AURC (%)"]
quality += ["OOD AUROC (%)", "OOD FPR95 (%)", "Disagreement", "Mutual information"]
table.loc[quality].rename(columns=lambda name: f"{name}, {facts[name]['epochs']} epochs").round(3)

# %% [markdown]
# NaN stands where a network has no members to disagree. How to read the rest, with caution:
#
# - Within the first three columns, and within the last three, budgets are equal (check above), and
#   the architecture makes the difference, plus chance: every column is *one* training.
# - LeNet and PE-4 are closest in cost. Do not take for granted that PE-4 wins. It has four
#   opinions, but from members of half the width, and LeNet is narrow to begin with. The paper shows
#   gains for large networks, which have width to spare.
# - Between the groups, budgets may differ, and then training makes most of the difference. A table
#   that sets a DE-8 of 75 epochs beside a PE-4 of three says nothing about packing. The tutorial
#   from which this course descends shows both results, one after the other, and rightly warns that
#   they cannot be compared.
# - OOD rows use the maximum probability as the score. You have just seen that other scores order
#   the images better or worse.
#
# How much is chance? We resample the test digits (a paired bootstrap: the same draw for both
# models), and look at the difference in accuracy to the LeNet of the same group.

# %%
from course_utils.metrics.intervals import paired_bootstrap

answers = {name: run.predictions(data_test) for name, run in own_runs.items()}
answers["packed-4-0"] = evaluation.predict(models["packed-4-0"], data_test)
answers["deep-ensemble-8"] = evaluation.predict(models["deep-ensemble-8"], data_test)
answers["lenet-0"] = answers["deep-ensemble-8"].subset(members=[0])  # its first member

rows = {}
for name, base in (
    ("DE-2", "LeNet"),
    ("PE-4", "LeNet"),
    ("packed-4-0", "lenet-0"),
    ("deep-ensemble-8", "lenet-0"),
):
    pair = (answers[name].correct, answers[base].correct)
    interval = paired_bootstrap(lambda a, b: 100 * (a.mean() - b.mean()), *pair)
    rows[f"{name} minus {base}"] = {
        "difference": interval.estimate,
        "from": interval.low,
        "to": interval.high,
    }
pd.DataFrame(rows).T.round(2).rename_axis("accuracy, in percentage points")

# %% [markdown]
# Where the interval contains zero, these digits don't decide which of the two is better. The
# interval knows nothing about what another training would have given, so even a clear difference
# holds for these weights only.
#
# ### The luck of the training
#
# To learn something about architectures, and not about two sets of weights, we need several
# trainings of each. The zoo has five LeNets and five PE-4 of nearly as many parameters, each with a
# seed of its own. (A LeNet and a PE-4 of the same seed share nothing but the number: these are two
# groups, not five pairs.) We measure the NLL of all ten, and look whether their budgets agree.

# %%
import numpy as np


def nll_of(name):
    """NLL of a network of the zoo on the test digits."""
    answer = evaluation.predict(zoo.load(name), data_test)
    return -np.log(answer.mean[np.arange(len(answer)), answer.labels]).mean()


five = pd.DataFrame(
    {
        "LeNet": [nll_of(f"lenet-{seed}") for seed in range(5)],
        "PE-4": [nll_of(f"packed-4-{seed}") for seed in range(5)],
    }
).rename_axis("NLL, seed")
ten = [zoo.facts(f"{name}-{seed}") for name in ("lenet", "packed-4") for seed in range(5)]
print("epochs:", *sorted({fact["epochs"] for fact in ten}))
five.round(4)

# %% [markdown]
# One number of epochs, on the same 55,000 digits, means equal budgets. Is the difference between
# the columns large, compared with the differences within them?

# %% [markdown]
# ### Exercise 6.6: Was it well spent?
#
# *About 6 minutes.* LeNet and PE-4 cost about the same number of parameters. Which has the lower
# NLL? Take the difference of the two means of `five`, PE-4 minus LeNet. Its standard error is
# √(s₁²/5 + s₂²/5), where s₁ and s₂ are the standard deviations of the columns, with `ddof=1`. Form
# the interval from 2.8 standard errors below the difference to 2.8 above it. (2.8 is for five
# values what 2 is for many. With two groups of five it errs on the safe side.)
#
# - `a` LeNet: the whole interval is above 0.
# - `b` PE-4: the whole interval is below 0.
# - `c` These ten trainings leave it open: 0 is in the interval.

# %%
from course_utils.exercises.chapter_06 import ex6_6

choice = ...

ex6_6.check(choice, five)

# %%
# ex6_6.hint()
# ex6_6.solution()

# %% [markdown]
# ### Whose mistakes?
#
# Which digits are behind the numbers? Filter the mistakes of one model, and see what the others say
# to the same digit. "Pin to compare" keeps a digit in place while you look at others beside it.
# Look for mistakes that only one of them makes, and for some that all share.

# %%
from course_utils.widgets import misclassified_browser

misclassified_browser({name: answers[name] for name in ("LeNet", "DE-2", "PE-4")}, data_test)

# %% [markdown]
# Now calibration, where we can look at more than one number:

# %%
figures.reliability_diagram({name: answers[name] for name in ("LeNet", "DE-2", "PE-4")})

# %% [markdown]
# Points above the diagonal: the model is right more often than it claims, it's *underconfident*.
# Points below: *overconfident*. Averaging members can only make an answer less confident than the
# members are on average. That helps overconfident members and hurts members that are cautious
# already, as they may be after a short training with random crops. So an ensemble need not have the
# smaller ECE.

# %% [markdown]
# ### Cost
#
# Parameters and FLOPs are properties of a network. Seconds are not: they depend on the machine, on
# its other work, and on who measures. Three precautions: the first round doesn't count, the models
# *take turns*, so that a busy moment hits all of them, and we take the median.

# %%
from time import perf_counter


def median_milliseconds(actions, repeats=7):
    """Median time of each action; they take turns."""
    times = {name: [] for name in actions}
    for _ in range(1 + repeats):
        for name, action in actions.items():
            start = perf_counter()
            action()
            times[name].append(1_000 * (perf_counter() - start))
    return pd.DataFrame(times).iloc[1:].median()


@torch.inference_mode()
def predict_thousand(model, batches_of_500):
    for batch in batches_of_500:
        model(batch)


def training_step(model, images, labels):
    """Forward and backward, without the optimizer's small share."""
    outputs = model(images)
    F.cross_entropy(outputs, labels.repeat(len(outputs) // len(labels))).backward()
    model.zero_grad()


# %% [markdown]
# Networks of one architecture cost the same, however trained, so four are enough. Everything runs
# on the processor (CPU), also if you have a GPU.

# %%
thousand = data_val.subset(range(1_000))
batches_of_500 = [batch for batch, _ in batches(thousand, batch_size=500)]
timed = {name: models[name] for name in ("LeNet", "DE-2", "PE-4")}
timed["DE-8"] = models["deep-ensemble-8"]

prediction = {n: lambda m=m: predict_thousand(m, batches_of_500) for n, m in timed.items()}
step = {n: lambda m=m: training_step(m, images, labels) for n, m in timed.items()}
cost = pd.DataFrame(
    {
        "Parameters (thousand)": {n: count_parameters(m) / 1_000 for n, m in timed.items()},
        "MFLOPs per image": {n: count_flops(m) / 1e6 for n, m in timed.items()},
        "Seconds to predict 1,000 images": median_milliseconds(prediction) / 1_000,
        "Seconds per training step of 128": median_milliseconds(step) / 1_000,
    }
).T
print(f"CPU, {torch.get_num_threads()} thread(s)")
cost.round(4)

# %% [markdown]
# The same table in units of one LeNet:

# %%
cost.div(cost["LeNet"], axis=0).round(2)

# %% [markdown]
# Compare the rows. For the Deep Ensembles all four should be near the number of members: twice the
# network, twice the time. For PE-4 set the last two rows against the second: do its seconds grow as
# its FLOPs do?
#
# The tutorial from which this course descends says that the training time of PE-4 "should be
# approximately similar to the one of the single model", and adds that models this small do not use
# a GPU to capacity. That is the point: a GPU with nothing else to do can run four small networks in
# about the time of one. A CPU is busy with a single LeNet already. Judge by the last row whether
# the sentence holds on your machine. The paper, too, states a condition for its gain in speed:
# mixed precision.

# %% [markdown]
# ### Exercise 6.7: What an operation costs
#
# *About 3 minutes.* If seconds followed FLOPs, every operation would take equally long. By which
# factor does an operation of PE-4 take longer than one of LeNet in a **training step**, on your
# machine? Use the tables above, and take their FLOPs, those of a forward pass, as the measure of
# work. (The backward pass needs twice as many in every layer but the first convolution, where
# nobody asks for the gradient of the image. So a whole step of PE-4 has a little less to do than
# this measure says.)

# %%
from course_utils.exercises.chapter_06 import ex6_7

factor = ...

ex6_7.check(factor, cost)

# %%
# ex6_7.hint()
# ex6_7.solution()

# %% [markdown]
# ### Why seconds do not follow FLOPs
#
# We time the parts of a prediction one by one.


# %%
def relu_and_pool(features):
    return F.max_pool2d(F.relu(features), 2)


@torch.inference_mode()
def milliseconds_of_parts(models, images):
    """Median time of each part of a forward pass over a batch of images."""
    actions = {}
    for name, model in models.items():
        x = images
        for part, function in {
            "conv1": model.conv1,
            "ReLU, pooling 1": relu_and_pool,
            "conv2": model.conv2,
            "ReLU, pooling 2": relu_and_pool,
            "linear": nn.Sequential(
                nn.Flatten(1), model.fc1, nn.ReLU(), model.fc2, nn.ReLU(), model.fc3
            ),
        }.items():
            actions[part, name] = lambda function=function, x=x: function(x)
            x = function(x)
    return median_milliseconds(actions, repeats=15).unstack(sort=False)


# %% [markdown]
# Beside the milliseconds we put two ratios of PE-4 to LeNet: in time, and in FLOPs.

# %%
pair = {name: models[name] for name in ("LeNet", "PE-4")}
parts = milliseconds_of_parts(pair, images)
layers = {"conv1": ["conv1"], "conv2": ["conv2"], "linear": ["fc1", "fc2", "fc3"]}
weights = pd.DataFrame(
    {
        name: {
            part: sum(getattr(model, layer).weight.numel() for layer in inside)
            for part, inside in layers.items()
        }
        for name, model in pair.items()
    }
)
parts["ratio in time"] = parts["PE-4"] / parts["LeNet"]
parts["ratio in FLOPs"] = weights["PE-4"] / weights["LeNet"]
parts.round(2)

# %% [markdown]
# The first two columns are milliseconds for 128 images. NaN: no FLOPs are counted there, for either
# network. Three things to look for:
#
# - **ReLU and pooling** have no FLOPs in our count, and yet take a good part of the time. They
#   touch $\alpha = 2$ times the channels in PE-4.
# - **conv1** does twice the FLOPs, **conv2** the same. But a processor computes 8 or 16 numbers in
#   one instruction, in the layout of the next section for neighbouring channels. LeNet's 6 channels
#   leave a part of it empty and 12 fill it better, so conv1 and its pooling may cost much less than
#   twice. The groups in conv2 are only 3 channels in and 8 out, so there it may be the other way
#   round.
# - **The linear layers** are one product of matrices each in LeNet. In PE-4 each is a stack of
#   small products, with rearranging before and after.
#
# FLOPs are a forecast. Only the clock decides, and each clock only for its own machine.
#
# ### A detail with a large effect: strides
#
# In memory a batch of images is one long row of numbers. A tensor's *strides* say how far apart two
# neighbours are: along the batch, the channels, the rows and the columns. With one channel, two
# descriptions fit the same memory. In the default layout the channels of an image come one after
# the other. In **channels-last** all channels of a pixel stand together.

# %%
default = images.as_strided(images.shape, (784, 784, 28, 1))
print("strides, channels last:", images.stride(), " default:", default.stride())
print("same numbers:", torch.equal(images, default), end="  ")
print("same memory:", images.data_ptr() == default.data_ptr())
with torch.inference_mode():
    for name, batch in (("channels last", images), ("default", default)):
        print(f"{name:14} conv1 answers in strides {models['PE-4'].conv1(batch).stride()}")

# %% [markdown]
# Observe that the numbers and even the memory are the same, but the first convolution answers in
# the layout in which it was asked, and so does everything after it. The course's `batches` are
# always channels-last. What if they were not?

# %%
layouts = {"channels last": images, "default": default}
actions = {
    (name, layout): lambda m=timed[name], x=batch: training_step(m, x, labels)
    for name in ("LeNet", "DE-2", "PE-4")
    for layout, batch in layouts.items()
}
steps = median_milliseconds(actions).unstack(sort=False)
steps.assign(saved=1 - steps["channels last"] / steps["default"]).round(2)

# %% [markdown]
# The table shows milliseconds per training step, and the share that channels-last saves. Compare
# PE-4 with LeNet. On the processors of most PCs the packed network gains most: in the default
# layout its step costs far more than its FLOPs say, in channels-last it comes much closer. If your
# table shows little difference, PyTorch has other code for your processor. Either way the
# mathematics is the same, and one number in a description makes the difference. Whoever reports
# seconds must say in which layout.

# %% [markdown]
# ### All in one table
#
# Now we may put it together, with the budgets on top. Two trainings of the same architecture cost
# the same per image and per step.

# %%
same_network = {"lenet-0": "LeNet", "packed-4-0": "PE-4", "deep-ensemble-8": "DE-8"}
costs = cost[[same_network.get(name, name) for name in models]].set_axis(list(models), axis=1)
rows = ["Accuracy (%)", "NLL", "ECE (%)", "AURC (%)", "OOD AUROC (%)"]
summary = pd.concat([budgets.loc[["Steps", "Training digits"]], table.loc[rows], costs])
summary.map(lambda value: f"{value:,}" if isinstance(value, int) else f"{value:.4g}")

# %% [markdown]
# Which one would you take? The table alone does not say. If a wrong answer is expensive and a
# computer is cheap, start from the rows of quality. If the network must fit into a small device,
# start from the rows of cost. Where two columns differ by less than chance, take the simpler one.

# %% [markdown]
# How far did you get? (Only this kernel knows, and it forgets.)

# %%
from course_utils import exercises

exercises.progress(6)

# %% [markdown]
# ## What you have learned
#
# - A grouped convolution is several convolutions side by side. Block-diagonal layers in a row are
#   separate networks.
# - `PackedConv2d` and `PackedLinear` take the original sizes, `alpha` and `num_estimators`; `first`
#   and `last` mark where members begin and end.
# - The packed LeNet builds if and only if $2\alpha$ is a multiple of $M$.
# - Hidden weights grow by $\alpha^2 / M$, the first and last layer by $\alpha$. At $\alpha = M$
#   nothing is saved: it is a Deep Ensemble.
# - PE-4 with $\alpha = 2$ *is* four half-width LeNets, in its answers and in its gradients.
# - A comparison states budgets first, then quality with its chance, then cost by the clock.
#
# **Try it.** Train the four small LeNets one by one with the recipe of chapter 2, each from its own
# seed, and combine them as in chapter 4. What should come out, compared with PE-4? What would it
# cost?
#
# **What comes next.** We now have models that give an answer and a doubt. Chapter 7 *decides* with
# them: when to answer, when to pass the digit on to a person, and what either costs.
#
# ### Sources
#
# - O. Laurent, A. Lafage, E. Tartaglione, G. Daniel, J.-M. Martinez, A. Bursuc, G. Franchi (2023).
#   Packed-Ensembles for efficient uncertainty estimation. *ICLR*.
#   [arXiv:2210.09184](https://arxiv.org/abs/2210.09184)
# - A. Lafage. [Make your neural networks more reliable with
#   Packed-Ensembles](https://medium.com/@adrien.lafage/make-your-neural-networks-more-reliable-with-packed-ensembles-7ad0b737a873).
#   The authors' blog post, with more drawings.
# - [Documentation of torch-uncertainty](https://torch-uncertainty.github.io/): its layers, and the
#   tutorial [Improved Ensemble parameter-efficiency with
#   Packed-Ensembles](https://torch-uncertainty.github.io/auto_tutorials/Ensemble_Methods/tutorial_from_de_to_pe.html),
#   from which this chapter descends.
# - B. Lakshminarayanan, A. Pritzel, C. Blundell (2017). Simple and scalable predictive uncertainty
#   estimation using deep ensembles. *NeurIPS*. [arXiv:1612.01474](https://arxiv.org/abs/1612.01474)
# - W. Liu, X. Wang, J. Owens, Y. Li (2020). Energy-based out-of-distribution detection. *NeurIPS*.
#   [arXiv:2010.03759](https://arxiv.org/abs/2010.03759)
# - D. Hendrycks, S. Basart, M. Mazeika, et al. (2022). Scaling out-of-distribution detection for
#   real-world settings. *ICML*. [arXiv:1911.11132](https://arxiv.org/abs/1911.11132)
