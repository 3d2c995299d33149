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
# A Deep Ensemble of $M$ networks costs $M$ times as much as one. Must it? A Packed-Ensemble
# (Laurent et al., ICLR 2023) makes each member narrower and runs all of them as *one* network, in a
# single pass. The whole idea fits into an argument that every convolution in PyTorch already has:
# `groups`.
#
# **Questions**
#
# - How can one network be four?
# - What do four opinions cost, in parameters, operations and seconds?
# - Is a Packed-Ensemble worth more than one ordinary network of the same size?
#
# **Objectives.** After this chapter you can
#
# - explain why a grouped convolution is several separate convolutions;
# - write a network with `PackedConv2d` and `PackedLinear`, and say which settings will build;
# - compute its parameters by hand;
# - take a Packed-Ensemble apart into small networks that give the same answers;
# - read its rows of answers: each member's, and those of all together;
# - compare models of different budgets without fooling anybody, yourself included.
#
# **Time.** About 40 minutes to read, play and do the exercises.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Four networks in one
#
# Take LeNet. Make four copies, each with half as many channels. Lay them side by side and call the
# result one network. Move the sliders:

# %%
from course_utils.widgets import packed_calculator

packed_calculator()

# %% [markdown]
# The height of a block is its number of channels, and each member has its own colour. **M** is the
# number of members, `num_estimators` in the code. **Alpha** is the width of all members together,
# measured in LeNets: with $\alpha = 2$ and $M = 4$ each member has half of LeNet's width.
#
# Now look at the parameters. At $M = 4$ and $\alpha = 2$ the four members together have hardly more
# than one LeNet. A layer between $C_1$ and $C_2$ channels has $C_1 C_2$ connections; halve both,
# and a quarter is left. Four times a quarter is one.
#
# ### A grouped convolution is several convolutions
#
# Here is a layer with four channels in, six out, in two groups:

# %%
import torch
import torch.nn.functional as F
from torch import nn

grouped = nn.Conv2d(4, 6, kernel_size=3, groups=2)
print("weights of the grouped layer:  ", tuple(grouped.weight.shape))
print("weights of an ordinary layer:  ", tuple(nn.Conv2d(4, 6, kernel_size=3).weight.shape))

# %% [markdown]
# The axes are channels out, channels in, rows, columns. Each of the six outputs looks at two
# channels instead of four, so there are half as many weights. Outputs 1 to 3 belong to the first
# group and look at the first two channels. The others look at the last two.
#
# In the exercises, replace the `...` and run the cell. Hints and a solution unfold below it.

# %% [markdown]
# ### Exercise 6.1: Groups without groups
#
# *About 3 minutes.* Compute what `F.conv2d(images, weight, bias, groups=groups)` computes, with
# ordinary convolutions only: one for each group, on that group's share of the channels.

# %%
from course_utils.exercises.chapter_06 import ex6_1


def in_groups(images, weight, bias, groups):
    """A grouped convolution, from convolutions without groups."""
    return ...


ex6_1.check(in_groups)

# %%
ex6_1.help

# %% [markdown]
# ## The packed layers
#
# torch-uncertainty has the layers ready:
# [`PackedConv2d`](https://torch-uncertainty.github.io/generated/torch_uncertainty.layers.PackedConv2d.html)
# and
# [`PackedLinear`](https://torch-uncertainty.github.io/generated/torch_uncertainty.layers.PackedLinear.html).
# They take the sizes of the *original* layer, and four settings:
#
# - `alpha` multiplies the channels, in and out.
# - `num_estimators` is M, the number of groups.
# - `first=True`: the input is the image. It isn't multiplied and has no groups, since every member
#   looks at the whole image.
# - `last=True`: the output isn't shared. Every member answers for all classes.

# %%
from torch_uncertainty.layers import PackedConv2d, PackedLinear

packed = {"alpha": 2, "num_estimators": 4}
print(PackedConv2d(1, 6, kernel_size=5, **packed, first=True).conv)
print(PackedConv2d(6, 16, kernel_size=5, **packed).conv)
hidden = PackedLinear(120, 84, **packed)
last = PackedLinear(84, 10, **packed, last=True)
print("weights of a hidden linear layer:", tuple(hidden.weight.shape))
print("answers to 2 images:", tuple(last(F.relu(hidden(torch.randn(2, 240)))).shape))

# %% [markdown]
# The second convolution is nothing but a grouped `Conv2d`. A linear layer in PyTorch has no groups,
# so `PackedLinear` keeps one matrix per member: the axes are members, outputs, inputs. In the last
# line two images give *eight* rows: all images of the first member, then all of the second, as in a
# Deep Ensemble.

# %% [markdown]
# ### Exercise 6.2: LeNet, packed
#
# *About 6 minutes.* Write LeNet with packed layers, each with `alpha` and `num_estimators`. The
# five layers keep their names and sizes: `conv1` (to 6 channels) and `conv2` (to 16), both with
# `kernel_size=5`, then `fc1` (from 16 · 4 · 4 to 120), `fc2` (to 84) and `fc3` (to the classes).
# `forward` is LeNet's, word for word: ReLU and 2 by 2 max-pooling after each convolution,
# `flatten(1)`, ReLU between the linear layers.

# %%
from course_utils.exercises.chapter_06 import ex6_2


class PackedLeNet(nn.Module):
    """M narrow LeNets in one network: each layer has one group of channels per estimator."""

    def __init__(
        self, in_channels: int = 1, num_classes: int = 10, alpha: float = 2, num_estimators: int = 4
    ) -> None:
        super().__init__()
        ...

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return ...


ex6_2.check(PackedLeNet)

# %%
ex6_2.help

# %% [markdown]
# From here on we use the course's copy of this class, in case yours isn't finished.
#
# ### Which settings build?

# %%
from course_utils.networks.models import LeNet, PackedLeNet

try:
    PackedLeNet(alpha=2, num_estimators=3)
except ValueError as error:
    print(error)

# %% [markdown]
# Three members can't share the 32 channels of `conv2` equally. LeNet's hidden layers have 6, 16,
# 120 and 84 channels. Packed, they have $6\alpha$, $16\alpha$, $120\alpha$ and $84\alpha$, and $M$
# must divide all four. Their greatest common divisor is $2\alpha$. So:
#
# > The packed LeNet builds if and only if $2\alpha$ is a multiple of $M$.
#
# The narrowest member that builds is therefore a LeNet of half the width. To pack a network of your
# own, choose channels with a large common divisor, such as powers of two.

# %% [markdown]
# ### Exercise 6.3: Count the parameters
#
# *About 4 minutes.* How many parameters does a packed network have? You get the *original* layers
# as a list of tuples `(inputs, outputs, pixels)`, where `pixels` is the number of weights for each
# pair of input and output: 25 for a filter of 5 by 5, 1 for a linear layer. So LeNet's first layer
# is `(1, 6, 25)`. Work it out for one member first. How wide is it? What does its first layer see,
# and what does its last layer answer?

# %%
from course_utils.exercises.chapter_06 import ex6_3


def packed_parameters(layers, alpha, num_members):
    """Parameters of a packed network, weights and biases, from the original layers."""
    return ...


ex6_3.check(packed_parameters)

# %%
ex6_3.help

# %% [markdown]
# The library's own count:


# %%
def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


packed_lenet = PackedLeNet(alpha=2, num_estimators=4)
print(f"LeNet:       {count_parameters(LeNet()):,} parameters")
print(f"PackedLeNet: {count_parameters(packed_lenet):,}")

# %% [markdown]
# In a hidden layer both sides shrink to $\alpha / M$ of the channels, and there are $M$ members:
#
# $$ M \cdot \frac{\alpha}{M} \cdot \frac{\alpha}{M} = \frac{\alpha^2}{M} $$
#
# times the original weights. With $\alpha^2 = M$, as here, that's no change at all. What is added
# comes from the two ends and the biases. At $\alpha = M$ each member is a full LeNet: a Deep
# Ensemble in one pass, and nothing is saved.

# %% [markdown]
# ### Exercise 6.4: Spend 46,000 parameters
#
# *About 2 minutes.* You may spend 46,000 parameters on a packed LeNet, and want as many members as
# possible. Which setting do you take?

# %%
from course_utils.exercises.chapter_06 import ex6_4

ex6_4.ask()

# %% [markdown]
# ## Taking it apart
#
# If a Packed-Ensemble *is* four small LeNets, we must be able to cut them out.


# %%
def narrow_lenet() -> LeNet:
    """LeNet at half its width."""
    network = LeNet()
    network.conv1 = nn.Conv2d(1, 3, kernel_size=5)
    network.conv2 = nn.Conv2d(3, 8, kernel_size=5)
    network.fc1 = nn.Linear(8 * 4 * 4, 60)
    network.fc2 = nn.Linear(60, 42)
    network.fc3 = nn.Linear(42, 10)
    return network


for name, layer in packed_lenet.named_children():
    print(f"{name}.weight {tuple(layer.weight.shape)}, bias {tuple(layer.bias.shape)}")

# %% [markdown]
# ### Exercise 6.5: Take it apart
#
# *About 5 minutes.* Write a function that copies every member of a packed LeNet into an ordinary
# LeNet of half the width, and returns the list of these networks. In each layer the first quarter
# of `weight` and `bias` belongs to the first of four members, the second quarter to the second. A
# convolution stacks its members along the first axis, like every bias. A `PackedLinear` has an axis
# of its own for the members.

# %%
from course_utils.exercises.chapter_06 import ex6_5


@torch.no_grad()
def take_apart(packed_network, num_members=4):
    """Copy each member's weights into a narrow LeNet of its own."""
    return ...


ex6_5.check(take_apart)

# %%
ex6_5.help

# %% [markdown]
# The members don't meet in training either. The loss is the mean over all members and images, so
# each member gets a quarter of its gradient and nothing of the others'. That's why `training.fit`
# multiplies the learning rate by $M$ and divides the weight decay by $M$, as in chapter 4. The
# members differ only because they *start* from different random weights.
#
# ## Training
#
# `training.fit` is chapter 2's routine and trainer in one call, with `RepeatTarget(4)` for the
# labels. With `COURSE_SPEED=look` we take a network that was trained in the same way.

# %%
from course_utils import speed
from course_utils.images import batches, load_fashion_mnist, load_mnist
from course_utils.networks import runs, training

data_train, data_val, data_test = (load_mnist(split) for split in ("train", "val", "test"))
clothes = load_fashion_mnist("test")
if speed() == "look":
    run = runs.load("packed-4")
else:
    torch.manual_seed(0)
    network = PackedLeNet(alpha=2, num_estimators=4)
    fit = training.fit(network, data_train, data_val, name="packed-4", folder=runs.folder())
    run = runs.save(fit, data_train, data_test, clothes)
    print(f"{fit.epochs} epochs in {fit.seconds:.0f} s on {fit.device}")

# %% [markdown]
# Now the test, in torch-uncertainty's own words. `is_ensemble=True` tells the routine to average
# the members' probabilities; `eval_ood=True` makes it expect a second loader, here with clothes.

# %%
from torch_uncertainty import TUTrainer
from torch_uncertainty.routines import ClassificationRoutine

training.quiet()
routine = ClassificationRoutine(run.model, num_classes=10, is_ensemble=True, eval_ood=True)
trainer = TUTrainer(accelerator="cpu", logger=False, enable_progress_bar=False)
results = trainer.test(routine, [batches(data_test, 500), batches(clothes, 500)])

# %% [markdown]
# Most rows are those of chapters 3 to 5. What none of them says is how good a single member is, and
# for that you need the order of the answers.

# %% [markdown]
# ### Exercise 6.6: Whose rows are these?
#
# *About 3 minutes.* Write a function that returns M + 1 accuracies, as shares: one for each member,
# then that of all together, who answer by the mean of their probabilities. You get `outputs`, a
# tensor of M · B rows of logits in the order of a packed network, and B labels.

# %%
from course_utils.exercises.chapter_06 import ex6_6


def accuracies(outputs, labels, num_members):
    """Accuracy of each member, and in the last place that of all together."""
    return ...


ex6_6.check(accuracies)

# %%
ex6_6.help

# %% [markdown]
# For all test digits:

# %%
import pandas as pd

answers = run.predictions(data_test)
alone = (answers.member_predicted == answers.labels[:, None]).mean(axis=0)
accuracy = pd.Series(alone, index=[f"member {m}" for m in range(1, 5)])
accuracy["all together"] = answers.correct.mean()
accuracy.mul(100).round(2).to_frame("accuracy (%)")

# %% [markdown]
# Together they are more accurate than each of them alone: members that err on *different* digits
# correct one another.
#
# ## Is it worth it?
#
# A comparison starts with the price. We count, and time 20 training steps. The models take turns,
# so that a busy moment of your machine hits all of them.

# %%
from time import perf_counter

from torch.utils.flop_counter import FlopCounterMode
from torch_uncertainty.methods import deep_ensembles

images, labels = next(iter(batches(data_train, batch_size=128)))
models = {"LeNet": LeNet(), "DE-2": deep_ensembles(LeNet(), 2), "PE-4": PackedLeNet()}


def count_flops(model):
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 28, 28))
    return counter.get_total_flops()


def time_a_step(model):
    start = perf_counter()
    outputs = model(images)
    F.cross_entropy(outputs, labels.repeat(len(outputs) // len(labels))).backward()
    return perf_counter() - start


# %%
seconds = pd.DataFrame([{n: time_a_step(m) for n, m in models.items()} for _ in range(20)])
cost = pd.DataFrame(
    {
        "parameters": {name: count_parameters(model) for name, model in models.items()},
        "FLOPs per image": {name: count_flops(model) for name, model in models.items()},
        "seconds per step": seconds.iloc[3:].median(),
    }
)
(cost / cost.loc["LeNet"]).round(2)

# %% [markdown]
# Everything is in units of one LeNet. DE-2 has twice the parameters and FLOPs. PE-4 has about as
# many parameters as LeNet and nearly a third more FLOPs: its first layer, alpha times as wide, does
# much of the work. Seconds depend on your machine; the [appendix on
# time](appendix/packed_timing.ipynb) shows where they go.
#
# Now the quality. One training of each would measure luck, so we take all that the course ships:
# eight LeNets, the four pairs that they form, and every PE-4. There are two budgets; within each,
# all models had the same digits, epochs and recipe.

# %%
import numpy as np

from course_utils.networks import evaluation, zoo


def nll_of(answer):
    return -np.log(answer.mean[np.arange(len(answer)), answer.labels]).mean()


nll = {}
for budget, lenets, packed_names in (
    ("large", "deep-ensemble-8", [f"packed-4-{seed}" for seed in range(5)]),
    ("small", "modest-deep-ensemble-8", ["modest-packed-4"]),
):
    eight = evaluation.predict(zoo.load(lenets), data_test)
    singles = [eight.subset(members=[m]) for m in range(8)]
    pairs = [eight.subset(members=[m, m + 1]) for m in (0, 2, 4, 6)]
    packs = [evaluation.predict(zoo.load(name), data_test) for name in packed_names]
    for name, group in {"LeNet": singles, "DE-2": pairs, "PE-4": packs}.items():
        nll[budget, name] = np.array([nll_of(answer) for answer in group])
    facts = zoo.facts(lenets)
    print(f"{budget} budget: {facts['num_train']:,} digits, {facts['epochs']} epochs")

table = pd.DataFrame({key: pd.Series(values).describe() for key, values in nll.items()}).T
table[["count", "min", "mean", "max", "std"]].astype({"count": int}).round(4)

# %% [markdown]
# Each row shows the NLL on the test digits: how many models, then lowest, mean and highest value,
# and the spread.
#
# **Many digits.** Packing doesn't pay here. Each of the five packed networks has a higher NLL than
# each of the eight LeNets, which have as many parameters and cost less. Half of LeNet's width is
# too narrow for 55,000 digits, and four opinions don't make up for it. If you can afford two
# LeNets, take DE-2.
#
# **Few digits.** The order turns round. PE-4 has a lower NLL than each of the eight LeNets, with
# about as many parameters, and even than each DE-2, at half the parameters. But this is *one*
# training of PE-4, so nobody knows its spread.
#
# So the answer depends on what limits the network. Where its width does, packing costs quality.
# Where width is plentiful, as for few digits here or in the ResNets of the paper, members can
# afford to be narrow.

# %% [markdown]
# ### Exercise 6.7: More than luck?
#
# *About 3 minutes.* Write the interval of a difference between two groups of trainings: mean of
# `second` minus mean of `first`, give or take 2.8 standard errors. The standard error is
# $\sqrt{s_1^2 / n_1 + s_2^2 / n_2}$ with the sample variances $s^2$, those that divide by $n - 1$.
# You get two NumPy arrays; return the lower and the upper end. (Many values would need a factor of
# 2. With five each, 2.8 is on the safe side.)

# %%
from course_utils.exercises.chapter_06 import ex6_7


def interval(first, second):
    """Lower and upper end of an interval for mean(second) - mean(first)."""
    return ...


ex6_7.check(interval)

# %%
ex6_7.help

# %% [markdown]
# Try it on two rows of the table, `interval(nll["large", "LeNet"], nll["large", "PE-4"])`. Why
# can't it work for the small budget?
#
# ### Calibration
#
# Why such a difference with few digits? NLL punishes overconfidence. Here is one model of each
# kind:

# %%
from course_utils import figures

small = {"LeNet": singles[0], "DE-2": pairs[0], "PE-4": packs[0]}
figures.reliability_diagram(small, bins=10)

# %% [markdown]
# Below the diagonal a model is overconfident: it is right less often than it says. LeNet lies below
# in every bin with enough images; PE-4 has the smallest ECE. The average of members is never surer
# than the members are on average, and that helps overconfident ones. Members that are cautious
# already become too cautious together.

# %% [markdown]
# ### Exercise 6.8: What may you write?
#
# *About 1 minute.* A colleague sets a Deep Ensemble of eight LeNets trained for 75 epochs beside a
# PE-4 trained for three. The DE-8 makes fewer mistakes. Which sentence may she write?

# %%
from course_utils.exercises.chapter_06 import ex6_8

ex6_8.ask()

# %% [markdown]
# ## Your turn: invent a score
#
# *No check, no grade, as long as you like.* Which digits does your Packed-Ensemble get wrong?
# Filter its mistakes, and see what each member says to the same digit:

# %%
from course_utils.widgets import misclassified_browser

answers_val = run.predictions(data_val)
members = {f"member {m + 1}": answers_val.subset(members=[m]) for m in range(4)}
misclassified_browser({"PE-4": answers_val, **members}, data_val)

# %% [markdown]
# What do mistakes have in common that right answers don't? Turn it into a score: one number for
# each digit, higher for less certain. You get `predictions` with `probabilities` and `logits` [N,
# M, C], `mean` [N, C] and `member_predicted` [N, M]. As a start, here is the margin between the two
# most probable classes. Beat it, or find out why that's hard.


# %%
def my_score(predictions):
    second, first = np.sort(predictions.mean, axis=1)[:, -2:].T
    return second - first


figures.score_ranking(answers_val, {"mine": my_score})

# %% [markdown]
# A perfect AUROC would mean that every mistake stands above every right answer. New in the list are
# the [maximum logit](https://arxiv.org/abs/1911.11132) and the
# [energy](https://arxiv.org/abs/2010.03759) $-\ln \sum_c e^{z_c}$, which look at the logits before
# softmax throws away their size. *Variation ratio* and *disagreement* only count votes, so they
# can't rank digits on which all members agree.
#
# These are validation digits, so you may try as often as you like. Once you have chosen, run it on
# `answers`, the test digits, once. Did its lead survive?

# %% [markdown]
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(6)

# %% [markdown]
# ## What you have learned
#
# - A grouped convolution is several convolutions side by side, and a packed network is several
#   narrow networks that answer in one pass.
# - `alpha` is the width of all members together, and hidden weights grow by $\alpha^2 / M$.
# - Rows of answers come member by member.
# - State the budget first, then quality with its spread, then cost by the clock. Whether packing
#   pays depends on how much width the network can spare.
#
# **What comes next.** We have models that give an answer and a doubt. Chapter 7 *decides* with
# them.
#
# ### Sources
#
# - O. Laurent, A. Lafage, E. Tartaglione, et al. (2023). Packed-Ensembles for efficient uncertainty
#   estimation. *ICLR*. [arXiv:2210.09184](https://arxiv.org/abs/2210.09184)
# - torch-uncertainty's tutorial [Improved Ensemble parameter-efficiency with
#   Packed-Ensembles](https://torch-uncertainty.github.io/auto_tutorials/Ensemble_Methods/tutorial_from_de_to_pe.html),
#   from which this chapter descends.
