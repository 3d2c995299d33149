# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% slideshow={"slide_type": "skip"} jupyter={"source_hidden": true}
import matplotlib
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn
from torch_uncertainty import layers

from course_utils import figures
from course_utils.figures import style
from course_utils.images import batches, load_fashion_mnist, load_mnist
from course_utils.metrics import ledger, scores
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict
from course_utils.networks.models import LeNet, PackedLeNet

style.use("slides")
matplotlib.rcParams.update(style.current().rc)  # for the figures that are drawn in this deck
digits = load_mnist("test")
clothes = load_fashion_mnist("test")
packed = predict(zoo.load("short-packed-4"), digits)
packed_on_clothes = predict(zoo.load("short-packed-4"), clothes)
images, labels = next(iter(batches(load_mnist("val"), batch_size=128, shuffle=True, seed=0)))


# %% slideshow={"slide_type": "skip"} jupyter={"source_hidden": true}
def half_lenet():
    """LeNet with half of the channels in each hidden layer."""
    network = LeNet()
    network.conv1, network.conv2 = nn.Conv2d(1, 3, 5), nn.Conv2d(3, 8, 5)
    network.fc1, network.fc2 = nn.Linear(8 * 4 * 4, 60), nn.Linear(60, 42)
    network.fc3 = nn.Linear(42, 10)
    return network


@torch.no_grad()
def take_apart(packed_network, num_members=4):
    """Copy each member's weights into a LeNet of its own."""
    networks = [half_lenet() for _ in range(num_members)]
    for name, packed_layer in packed_network.named_children():
        weights = packed_layer.weight
        if isinstance(packed_layer, layers.PackedConv2d):  # one member's filters after the other's
            weights = weights.unflatten(0, (num_members, -1))
        biases = packed_layer.bias.unflatten(0, (num_members, -1))
        for member, network in enumerate(networks):
            layer = getattr(network, name)
            layer.weight.copy_(weights[member])
            layer.bias.copy_(biases[member])
    return networks


# %% [markdown] slideshow={"slide_type": "slide"}
# # 4. Packed-Ensembles
#
# Must several opinions cost several times as much?
#
# Chapter 6: four networks in one, taken apart, and compared without fooling anybody

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** A Deep Ensemble of M costs M times as much. Packed-Ensembles make each member narrower
# and run all of them as one network, in a single pass.
#
# **Ask:** What could one save on, and what would it cost?
#
# **Likely:** Smaller members, fewer members, shared layers. All of them exist.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Four half-wide networks are hardly more than one

# %% jupyter={"source_hidden": true}
figures.packed_diagram(num_members=4, alpha=2)

# %% [markdown]
# Source: Packed-Ensembles, Laurent et al. (ICLR 2023); heights are numbers of channels

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Make four copies of LeNet with half as many channels, lay them side by side, and call the
# result one network with groups. Two numbers describe it: M members, and alpha, the width of the
# whole measured in LeNets. Here M is 4 and alpha is 2.
#
# **Ask:** Why does half the width cost only a quarter of the weights?
#
# **Likely:** A layer connects inputs with outputs, and both were halved.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Groups are blocks, and blocks never mix

# %% jupyter={"source_hidden": true}
torch.manual_seed(0)
grouped = nn.Conv2d(4, 6, kernel_size=3, groups=2)
whole = np.zeros((6, 4))
for group in range(2):
    outputs, inputs = slice(3 * group, 3 * group + 3), slice(2 * group, 2 * group + 2)
    whole[outputs, inputs] = grouped.weight[outputs].detach().norm(dim=(2, 3)).numpy()
figure = style.canvas(8, 3.3)
axes, words = style.panels(figure, columns=(1, 1), left=5, right=0.5, top=0.8, bottom=3.2, gap_x=4)[
    0
]
axes.imshow(whole, cmap="Blues", vmin=0, aspect="auto")
axes.set(xticks=range(4), yticks=range(6))
style.label(axes, x="channel in", y="channel out")
style.bare(words)
sentences = "coloured:\nconnected by nine weights\n\nwhite:\nno connection at all"
words.text(0, 0.55, sentences, va="center", linespacing=1.5, transform=words.transAxes)
figures.Picture(
    figure,
    "Weights of a convolution of 4 channels to 6 in two groups, written as one full layer: "
    f"{(whole > 0).sum()} of {whole.size} pairs are connected, in two diagonal blocks.",
)

# %% [markdown]
# Source: `nn.Conv2d(4, 6, kernel_size=3, groups=2)`, the sizes of its weights

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** A grouped convolution is several convolutions side by side. A stack of block-diagonal
# layers never mixes the halves, so it is separate networks. Nothing else is needed, since
# activation and pooling act on every channel alone.
#
# **Ask:** Which operation would break the separation?
#
# **Likely:** Batch norm does not, layer norm over all channels does, and so does flattening in
# another order.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## PyTorch knows the word already: groups

# %%
from torch_uncertainty.layers import PackedConv2d, PackedLinear

setting = {"alpha": 2, "num_estimators": 4}
print(PackedConv2d(1, 6, kernel_size=5, **setting, first=True).conv)
print(PackedConv2d(6, 16, kernel_size=5, **setting).conv)
print(tuple(PackedLinear(120, 84, **setting).weight.shape))
print(tuple(PackedLinear(84, 10, **setting, last=True).weight.shape))

# %% [markdown]
# Source: torch-uncertainty's layers take the sizes of the *original* layer

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Sizes are those of LeNet, the layer works out the rest. The first layer has no groups:
# all members look at the whole image. The last gives one answer for each member. A linear layer has
# no groups in PyTorch, so it keeps one matrix per member.
#
# **Ask:** Two images go in. How many rows come out of the last layer?
#
# **Likely:** Eight: all images of the first member, then all of the second.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The class is LeNet's, with other layers
#
# ```python
# packed = {"alpha": 2, "num_estimators": 4}
# conv1 = PackedConv2d(1, 6, kernel_size=5, **packed, first=True)
# conv2 = PackedConv2d(6, 16, kernel_size=5, **packed)
# fc1 = PackedLinear(16 * 4 * 4, 120, **packed)
# fc2 = PackedLinear(120, 84, **packed)
# fc3 = PackedLinear(84, 10, **packed, last=True)
# ```
#
# The same `forward`, word for word. In training three things are new: labels repeated for each
# member, the learning rate **times M**, the weight decay **by M**.

# %% [markdown]
# Source: `PackedLeNet` of chapter 6; recipe of chapter 4

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Compare it with chapter 2, layer by layer. One line deserves a second look: flatten. It
# goes channel by channel, so the first 128 numbers belong to the first member, and the groups stay
# together.
#
# **Ask:** Which of the three new things would you forget, and what would happen?
#
# **Likely:** The learning rate; it trains too slowly, without an error.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## It builds if M divides $2 \alpha$, and only then

# %% jupyter={"source_hidden": true}
alphas, members = [half / 2 for half in range(1, 13)], range(1, 9)
figure = style.canvas(8, 3.4)
axes = style.panels(figure, left=3.5, right=0.5, top=0.5, bottom=3.2)[0][0]
axes.set(xlim=(-0.5, len(alphas) - 0.5), ylim=(8.5, 0.5))
axes.set_xticks(range(len(alphas)), [f"{alpha:g}" for alpha in alphas])
axes.set_yticks(members)
axes.tick_params(length=0)
for column, alpha in enumerate(alphas):
    for row in members:
        builds = (2 * alpha) % row == 0
        color = "#CBE3F2" if builds else "#F4F4F4"
        axes.add_patch(matplotlib.patches.Rectangle((column - 0.46, row - 0.43), 0.92, 0.86,
                                                    facecolor=color))  # fmt: skip
        if builds:
            size = figures.packed_plan(row, alpha).packed_parameters / 1_000
            axes.text(column, row, f"{size:.0f}", ha="center", va="center_baseline")
style.label(axes, x="alpha", y="M")
figures.Picture(
    figure,
    "For M from 1 to 8 and alpha from 0.5 to 6: thousands of parameters where the packed LeNet "
    "builds; each row begins at alpha = M / 2 and goes on in steps of M / 2.",
)

# %% [markdown]
# Source: thousands of parameters of the packed LeNet; empty where it raises a ValueError

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** M must divide 6 alpha, 16 alpha, 120 alpha and 84 alpha. If it divides the first two, it
# divides three times the first minus the second, which is 2 alpha. For the alphas of this table
# nothing is cut, and what does not fit raises an error. A fine point: the layers cut alpha times
# the channels down to a whole number, silently. So alpha = 2.001 builds, too, and gives the network
# of alpha = 2.
#
# **Ask:** The smallest possible member, what is it?
#
# **Likely:** A LeNet of half the width: 3, 8, 60 and 42 channels.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Hidden weights grow by $\alpha^2 / M$

# %% jupyter={"source_hidden": true}
figures.packed_cost_bars(num_members=4, alpha=2)

# %% [markdown]
# $$ M \cdot \frac{\alpha}{M} \cdot \frac{\alpha}{M} \cdot w = \frac{\alpha^2}{M}\, w $$
#
# in a hidden layer of $w$ weights. The first and the last grow by $\alpha$: every member sees the
# whole image, and answers for all classes.
#
# Source: counted, Laurent et al. (2023)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** With alpha squared equal to M the hidden layers keep their weights exactly. What is added
# comes from the first layer, the last layer and the biases. Operations grow more than parameters,
# because LeNet's first convolution does nearly a third of the work, and it grows with alpha.
#
# **Ask:** What does alpha = M give?
#
# **Likely:** Members of full width: exactly a Deep Ensemble, and nothing is saved. Next slide.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## At full width it is a Deep Ensemble

# %% jupyter={"source_hidden": true}
from torch_uncertainty.methods import deep_ensembles


def count(model):
    """Number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


rows = {}
for number in (2, 3, 4, 8):
    rows[f"M = alpha = {number}"] = {
        "packed": f"{count(PackedLeNet(alpha=number, num_estimators=number)):,}",
        "Deep Ensemble": f"{count(deep_ensembles(LeNet(), number)):,}",
    }
pd.DataFrame(rows).T.add_suffix(": parameters")

# %% [markdown]
# **Not another kind of ensemble:** its members may be narrower, and it runs in one pass.
#
# Source: counted when this deck was built

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The pairs are equal. So a Packed-Ensemble is a Deep Ensemble whose members may be
# narrower, in a form that runs in one pass.
#
# **Ask:** Then what is alpha really?
#
# **Likely:** The budget. From half a network per member up to a whole one.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Find a setting that stays near one LeNet

# %% tags=["live"] jupyter={"source_hidden": true}
from course_utils.widgets import packed_calculator

packed_calculator()

# %% tags=["still"] slideshow={"slide_type": "skip"} jupyter={"source_hidden": true}
figures.packed_diagram(num_members=3, alpha=1.5)

# %% [markdown]
# Source: one of many settings: three members at $\alpha = 1.5$

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Live: move M and alpha and watch the blocks, then type an alpha that does not build, and
# read what it says. (In print: three members with fewer parameters than one LeNet.)
#
# **Ask:** Which grows faster, parameters or FLOPs? Call out a setting before I set it.
#
# **Likely:** Below alpha = M the FLOPs; at alpha = M both are M times; beyond it the parameters.
#
# **Minutes:** 5

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Cut it into four, and ask all five

# %%
network = PackedLeNet(alpha=2, num_estimators=4)
four_small = take_apart(network)  # each a LeNet of 3, 8, 60 and 42 channels

with torch.no_grad():
    together = network(images)  # 4 x 128 rows, member after member
    apart = torch.cat([small(images) for small in four_small])

print(f"parameters: {count(network):,} and {sum(map(count, four_small)):,}")
print(f"largest difference of logits: {(together - apart).abs().max():.0e}")

# %% [markdown]
# Source: run when this deck was built, on 128 validation digits

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** If it *is* four small LeNets, we must be able to cut them out. In every layer the first
# quarter of the weights belongs to the first member, and so on. The difference is rounding in
# single precision. Blocks on the diagonal must give this; now we know that the library has them.
#
# **Ask:** Two members exchanged: what would this line print?
#
# **Likely:** A difference as large as the logits themselves. A single wrong weight shows less.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## They learn alone, too: a quarter of the gradient

# %%
F.cross_entropy(network(images), labels.repeat(4)).backward()
for small in four_small:
    F.cross_entropy(small(images), labels).backward()

packed_gradient = 4 * network.fc1.weight.grad
alone = torch.stack([small.fc1.weight.grad for small in four_small])
print(f"largest gradient alone: {alone.abs().max():.0e}")
print(f"4 x packed minus alone: {(packed_gradient - alone).abs().max():.0e}")

# %% [markdown]
# Source: run when this deck was built; hence the learning rate times M, as in chapter 4

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The loss is a mean over members, so each has a quarter of its own gradient, and nothing
# from the others. They stay different only because they *start* different: they see the same
# batches in the same order.
#
# **Ask:** What if all four started equal?
#
# **Likely:** Four times the same network, for ever.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Together they err less often than any one of them

# %% jupyter={"source_hidden": true}
of_members = 100 * (packed.member_predicted == packed.labels[:, None]).mean(axis=0)
together = 100 * packed.correct.mean()
figure = style.canvas(8, 2.8)
axes = style.panels(figure, left=8, right=5, top=0.6)[0][0]
names = [f"member {m + 1}" for m in range(4)] + ["all four"]
values = [*of_members, together]
for place, (value, color) in enumerate(
    zip(values, [style.SKY] * 4 + [style.VERMILLION], strict=True)
):
    axes.plot([min(values) - 1, value], [place, place], color=color, linewidth=5)
    axes.plot(value, place, "o", color=color, markersize=14)
    axes.text(value + 0.12, place, f"{value:.1f}", va="center")
axes.set_yticks(range(5), names)
axes.set(ylim=(4.6, -0.6), xlim=(min(values) - 1, max(values) + 0.3))
style.label(axes, x="accuracy (%)", grid="x")
told = ", ".join(f"{name} {value:.1f}" for name, value in zip(names, values, strict=True))
figures.Picture(figure, f"Accuracy in percent on {len(digits):,} test digits: {told}.")

# %% [markdown]
# Source: a PE-4 of alpha 2 of the zoo, three epochs, test digits

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Each member is a LeNet of half the width. The step from them to all four is what the
# ensemble adds: members that err on *different* digits outvote each other.
#
# **Ask:** When would there be no step at all?
#
# **Likely:** If all made the same mistakes.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Clothes on the right, with the wrong answers

# %% jupyter={"source_hidden": true}
figures.score_histograms(
    scores.entropy(packed),
    packed.correct,
    scores.entropy(packed_on_clothes),
    score_name="entropy of the mean (nats)",
    ood_name="clothes",
)

# %% [markdown]
# Source: the same PE-4; digits and clothes one to one

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Right answers on the left, clothes on the right, and wrong answers with the clothes.
# Where they overlap, no threshold on this score can separate them. For this network the entropy of
# the mean beats the mean entropy of the
# members:<!--claim:entropy-of-mean-ahead-of-mean-entropy-ood supported-->
# disagreement carries knowledge that no single member has. That is not so for all of our networks;
# the notebook shows you how to check.
#
# **Ask:** Remember counting grey pixels. Is this better?
#
# **Likely:** "Surely." Let them look: chapter 1 has the number for grey pixels, chapter 3 sets it
# beside a network. A rule that has learned nothing is hard to beat on this pair of data sets.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## First the budget, then the quality

# %% jupyter={"source_hidden": true}
compared = {
    "LeNet": "short-lenet", "DE-2": "short-deep-ensemble-2", "PE-4": "short-packed-4",
}  # fmt: skip
measures = {
    "Accuracy": "test.accuracy",
    "NLL": "test.nll",
    "AUROC, clothes": "ood.max-probability.auroc",
    "Parameters": "parameters",
    "FLOPs": "flops",
}
table = {}
for title, name in compared.items():
    facts = zoo.facts(name)
    table[title] = {"Training": f"{facts['epochs']} epochs of {facts['num_train']:,}"}
    for words, measure in measures.items():
        entry = ledger.value(f"{name}.{measure}")
        counted = entry.interval == "exact"
        table[title][words] = f"{entry.value:,.0f}" if counted else str(entry).replace(" nats", "")
pd.DataFrame(table)

# %% [markdown]
# Source: results ledger, 10,000 test digits; 95 % bootstrap intervals, one training each

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Read the first row first: a column may be set against another one only if their budgets
# agree. Here they do, and DE-2 is more accurate than
# LeNet.<!--claim:short-deep-ensemble-2-ahead-of-lenet supported--> Whether PE-4 is, ten thousand
# digits leave undecided:<!--claim:short-packed-4-ahead-of-lenet undecided--> it has four opinions,
# but from members of half the width, and LeNet is narrow to begin with. The paper shows gains for
# large networks.
#
# **Ask:** A table sets a Deep Ensemble of 75 epochs beside a packed one of three. What does it say?
#
# **Likely:** Nothing about packing. The tutorial that this course descends from shows both, and
# rightly warns that they cannot be compared.
#
# **Minutes:** 5

# %% [markdown] slideshow={"slide_type": "slide"}
# ## FLOPs are a forecast: they leave out ReLU and pooling

# %% jupyter={"source_hidden": true}
places = {"conv1": 24 * 24, "conv2": 8 * 8, "fc1": 1, "fc2": 1, "fc3": 1}
work = {
    name: [2 * getattr(model, layer).weight.numel() * n / 1e3 for layer, n in places.items()]
    for name, model in {"LeNet": LeNet(), "PE-4": PackedLeNet()}.items()
}
parts = ["conv1", "pooling 1", "conv2", "pooling 2", "linear"]
figure = style.canvas(8, 3.1)
axes = style.panels(figure, left=5, top=1)[0][0]
for shift, (name, values) in zip((-0.2, 0.2), work.items(), strict=True):
    heights = [values[0], 0, values[1], 0, sum(values[2:])]
    color = style.MODEL_STYLES[name].color
    axes.bar(np.arange(5) + shift, heights, 0.38, color=color, label=name)
for place in (1, 3):
    axes.text(place, 12, "not counted,\nnot free", ha="center", color=style.SOFT)
axes.set_xticks(range(5), parts)
axes.legend(loc="upper right")
style.label(axes, y="thousand FLOPs", grid="y")
told = "; ".join(f"{n}: {v[0]:.0f}, {v[1]:.0f}, {sum(v[2:]):.0f}" for n, v in work.items())
figures.Picture(figure, f"Thousand FLOPs in conv1, conv2 and linear: {told}. Pooling: none.")

# %% [markdown]
# Source: counted; the appendix to chapter 6 times the parts on your machine, one by one

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** ReLU and pooling have no FLOPs in our count, and yet take a good part of the time. A
# processor computes 8 or 16 numbers in one instruction, and small groups leave it half empty. The
# tutorial says that training takes about as long as for one network. A GPU with nothing else to do
# can make that true. A CPU is busy with a single LeNet already.
#
# **Ask:** What must a report of seconds name?
#
# **Likely:** Machine, threads, layout, what ran beside it, and who was measured first.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One number in a description changes the layout

# %%
default = images.as_strided(images.shape, (784, 784, 28, 1))

print("same numbers:", torch.equal(images, default))
print("same memory: ", images.data_ptr() == default.data_ptr())
conv1 = network.conv1.conv
with torch.no_grad():
    print("channels last:", conv1(images).stride())
    print("default:      ", conv1(default).stride())

# %% [markdown]
# Source: strides: how far apart neighbours lie, by image, channel, row, column

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The same numbers in the same memory, but the first convolution answers in the layout in
# which it was asked, and so does everything after it. The appendix to chapter 6 times both
# layouts on your machine: see which network gains most. The course's batches are always
# channels-last.
#
# **Ask:** Two papers report seconds for the same network. What would you ask first?
#
# **Likely:** Machine, and now: in which layout.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Now you: which settings, and at what price?
#
# **Open chapter 6** (fifteen minutes)
#
# - With the calculator: four members for at most the parameters of **two** LeNets
# - What would LeNet have to look like so that $M = 4$ builds with $\alpha = 1$?
# - On your machine: do the seconds of PE-4 grow as its FLOPs do?
#
# **Next:** we have answers and doubts. Chapter 7 *decides* with them.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The second question needs paper. The third needs a quiet machine: close other programs.
#
# **Ask:** Which channels did you choose for the second?
#
# **Likely:** Any multiples of four, such as 8, 16, 120, 84: only conv1 has to change.
#
# **Minutes:** 15
