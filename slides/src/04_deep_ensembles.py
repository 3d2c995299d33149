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

from course_utils import figures
from course_utils.figures import style
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.metrics import ledger, scores
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

style.use("slides")
matplotlib.rcParams.update(style.current().rc)  # for the figures that are drawn in this deck
digits = load_mnist("test")
clothes = load_fashion_mnist("test")
network = zoo.load("deep-ensemble-8")
eight = predict(network, digits)
eight_on_clothes = predict(network, clothes)

# %% [markdown] slideshow={"slide_type": "slide"}
# # 3. Deep Ensembles
#
# What do several know that one does not?
#
# Chapters 4 and 5: average them, train them, count them, and listen to where they disagree

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Train the same network twice from different random weights, and let both answer. That is
# the whole idea, from 2017, and it is still hard to beat.
#
# **Ask:** Why should two networks with the same recipe and the same digits differ at all?
#
# **Likely:** Random start. Some say other batches, too; here the start is enough.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two seeds make two sets of mistakes

# %% jupyter={"source_hidden": true}
modest = predict(zoo.load("modest-deep-ensemble-8"), digits)
wrong = modest.member_predicted[:, :2] != modest.labels[:, None]
counts = {
    "only the first errs": int((wrong[:, 0] & ~wrong[:, 1]).sum()),
    "both err": int(wrong.all(axis=1).sum()),
    "only the second errs": int((~wrong[:, 0] & wrong[:, 1]).sum()),
}
figure = style.canvas(8, 2.4)
axes = style.bare(style.panels(figure, left=0.5, right=0.5, top=1, bottom=1)[0][0])
start = 0
looks = zip(counts.items(), (style.SKY, "0.55", style.ORANGE), strict=True)
for (name, count), color in looks:
    axes.barh(0, count, left=start, height=0.5, color=color, edgecolor=style.CARD)
    axes.text(start + count / 2, 0, f"{count}", ha="center", va="center_baseline", fontsize=28)
    axes.text(start + count / 2, 0.42, name, ha="center", va="center_baseline")
    start += count
axes.set(ylim=(-0.45, 0.7))
told = ", ".join(f"{name}: {count}" for name, count in counts.items())
figures.Picture(figure, f"Mistakes of two modest LeNets on {len(digits):,} digits. {told}.")

# %% [markdown]
# Source: two modest LeNets of the zoo that differ in their seed only, test digits

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Two networks, the same 2,000 training digits, the same recipe, another seed. They are
# about equally good, and they do not make quite the same mistakes. Blue and orange are our chance:
# there one of them knew.
#
# **Ask:** What would no chance look like in this picture?
#
# **Likely:** All grey: both always err together.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Average what they say, not how loud they are


# %% jupyter={"source_hidden": true}
def softmax(logits):
    """Probabilities along the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


member_logits = np.array([[12.0, 0.0], [0.0, 2.0]])
bars = {
    "member 1": softmax(member_logits)[0],
    "member 2": softmax(member_logits)[1],
    "mean of\nprobabilities": softmax(member_logits).mean(axis=0),
    "softmax of\nmean logits": softmax(member_logits.mean(axis=0)),
}
figure = style.canvas(8, 3.0)
row = style.panels(figure, columns=(1,) * 4, left=3.5, right=0.5, top=3.6, bottom=3.2, gap_x=3)[0]
for axes, (name, values) in zip(row, bars.items(), strict=True):
    axes.bar(["0", "1"], values, color=[style.BLUE, style.ORANGE])
    axes.set(ylim=(0, 1.18), yticks=[0, 0.5, 1])
    for place, value in enumerate(values):
        axes.text(place, value + 0.04, f"{value:.2f}", ha="center")
    style.label(axes, title=name, x="class")
told = "; ".join(f"{n.replace(chr(10), ' ')} {v[0]:.2f}, {v[1]:.2f}" for n, v in bars.items())
figures.Picture(figure, f"Probabilities of two classes: {told}.")

# %% [markdown]
# Source: logits (12, 0) and (0, 2), invented; Lakshminarayanan et al. (2017)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Two members, two opinions. The mean of the probabilities keeps the doubt. With the mean
# of the logits the louder member wins, and nobody can tell from the answer that there was a
# conflict.
#
# **Ask:** Who wins a meeting in which loudness is averaged?
#
# **Likely:** Laughter, and the right answer.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Certain: the NLL is never above the members' mean
#
# The logarithm is concave (Jensen), so for the true class $y$ of **every** image:
#
# $$ \underbrace{-\ln \bar p(y)}_{\text{NLL of the mean}} \;\le\;
# \underbrace{\frac{1}{M} \sum_{m=1}^{M} -\ln p_m(y)}_{\text{mean NLL of the members}} $$
#
# No assumption about the networks, none about the images.
#
# Not certain: **accuracy, calibration**, and to beat the **best** member.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** A member that was sure and wrong pays a great deal, and the mean hardly feels it. Keep
# the claim honest: it beats the *average* member. If two of three members make the same mistake,
# the mean may make it, too.
#
# **Ask:** Can the ensemble be worse than its worst member?
#
# **Likely:** In NLL never. In accuracy it may, in constructed cases.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## It holds digit by digit: no point above the line

# %% jupyter={"source_hidden": true}
rows = np.arange(len(digits))
of_members = -np.log(modest.probabilities[rows, :, digits.labels]).mean(axis=1)
of_mean = -np.log(modest.mean[rows, digits.labels])
figure = style.canvas(8, 3.4)
axes = style.panels(figure, left=5.5, right=14, top=0.8)[0][0]
axes.loglog(of_members, of_mean, ".", color=style.BLUE, markersize=4, rasterized=True)
ends = np.array([1e-6, 30])
axes.plot(ends, ends, color=style.VERMILLION)
axes.set(xlim=ends, ylim=ends)
axes.text(45, 15, "equal", color=style.VERMILLION, va="center")
axes.text(45, 0.003, "each point is\na digit; those\nbelow 1e-6\nare not shown", va="center")
style.label(axes, x="mean NLL of the members", y="NLL of the mean", grid="both")
figures.Picture(
    figure,
    f"NLL of the mean against the mean NLL of eight members, one point for each of {len(digits):,} "
    f"digits, on logarithmic axes from 1e-6; no point lies above the diagonal. "
    f"Means: {of_mean.mean():.3f} against {of_members.mean():.3f}.",
)

# %% [markdown]
# Source: the eight modest LeNets on test digits

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Both axes are logarithmic. On the line the members agree. The further below, the larger
# the factor; in nats the average gains most where a member was sure and wrong.
#
# **Ask:** What does a point on the line tell you?
#
# **Likely:** All members gave the truth the same probability. Averaging had nothing to do.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The first members bring most of the gain


# %% jupyter={"source_hidden": true}
def series(measure, scale, **look):
    """A measure against the number of members, from the ledger."""
    name = "modest-deep-ensemble-8.members-{}.test." + measure
    entries = [ledger.value(name.format(count)) for count in range(1, 9)]
    columns = {
        part: np.array([getattr(entry, part) for entry in entries]) / scale
        for part in ("value", "low", "high")
    }
    return figures.MemberSeries(members=np.arange(1, 9), **columns, **look)


figures.metric_against_members(
    {
        "Accuracy": series("accuracy", 100, percent=True),
        "NLL": series("nll", 1, higher_is_better=False),
        "ECE": series("ece", 100, percent=True, higher_is_better=False),
    },
    interval="range over subsets of one ensemble",
)

# %% [markdown]
# Source: results ledger: all subsets of eight modest LeNets, 10,000 test digits

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** From eight members we can form every smaller ensemble and average. NLL falls with every
# member, it must. Accuracy usually rises and levels off. ECE need not fall: averaging makes answers
# less sure, which cures members that are too sure, and spoils careful ones. The bars are ranges
# over subsets, no confidence intervals: at eight there is only one subset.
#
# **Ask:** How many members would you pay for?
#
# **Likely:** Three to five.
#
# **Minutes:** 5

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One option makes eight times the same member

# %%
import torch
from torch_uncertainty.methods import deep_ensembles

from course_utils.networks.models import LeNet

for reset in (True, False):
    ensemble = deep_ensembles(LeNet(), 8, reset_model_parameters=reset)
    first, second = (member.fc3.bias for member in ensemble.core_models[:2])
    print(f"{reset!s:5}: members are equal: {torch.equal(first, second)}")

# %% [markdown]
# Source: torch-uncertainty, run now. A *list* of networks is taken as it is

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Members that start equal and see the same batches stay equal for ever: an ensemble in
# name only, without an error. With a list of two or more pretrained networks the option does
# nothing, and they are safe.
#
# **Ask:** How would you notice from the results?
#
# **Likely:** Disagreement and mutual information are exactly zero.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Member by member, and a wrong order is silent

# %% jupyter={"source_hidden": true}
rows_of_output = np.array([101, 102, 103, 201, 202, 203])
pd.DataFrame(
    {
        "row": [f"member {row // 100}, image {row % 100}" for row in rows_of_output],
        "its true label": ["A", "B", "C"] * 2,
        "RepeatTarget": np.tile(["A", "B", "C"], 2),
        "repeat_interleave": np.repeat(["A", "B", "C"], 2),
    }
).set_index("row").rename_axis(None)

# %% [markdown]
# Read with `rearrange(outputs, "(m b) c -> b m c", m=M)`, never with `view(B, M, C)`.
#
# Source: output of an ensemble of two for a batch of three images

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** First all images through the first member, then all through the second. `view(B, M, C)`
# has the right shape and the wrong content. `repeat_interleave` gives most rows the label of
# another image: training runs through, and the network learns little more than to guess.
#
# **Ask:** Which rows does repeat_interleave get right by luck?
#
# **Likely:** The first and the last. Let them find both in the table.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Learning rate times M, weight decay by M
#
# The loss is a mean over members, so each sees $1/M$ of its gradient. Weight decay does not pass
# through the loss. Both are put right:
#
# $$ w_m \leftarrow w_m - M \eta \left( \frac{1}{M} \frac{\partial L_m}{\partial w_m}
# + \frac{\lambda}{M} w_m \right)
# = w_m - \eta \left( \frac{\partial L_m}{\partial w_m} + \lambda w_m \right) $$
#
# So training together **is** training alone, M times.
#
# Exact for SGD, with momentum, too. With Adam only the weight decay changes.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Do not believe it: the notebook trains a LeNet alone, and its twin as the first of a
# pair, on the same batches. With this recipe they end at the same weights, without it the member
# lags behind.
#
# **Ask:** Why not with Adam?
#
# **Likely:** It divides the gradient by its own size, so the factor cancels, and only the weight
# decay must be divided.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## M members are M times the work, together or in turn

# %% jupyter={"source_hidden": true}
names = {"one LeNet": "modest-lenet-0", "two": "modest-deep-ensemble-2"}
names["eight"] = "modest-deep-ensemble-8"
cost = {
    title: {
        "Parameters": f"{ledger.value(f'{name}.parameters').value:,.0f}",
        "FLOPs per image": f"{ledger.value(f'{name}.flops').value:,.0f}",
        "Work of training": "once" if members == 1 else f"{members} times",
        "Memory of training, jointly": "once" if members == 1 else f"about {members} times",
        "Memory, one after another": "once",
    }
    for (title, name), members in zip(names.items(), (1, 2, 8), strict=True)
}
pd.DataFrame(cost)

# %% [markdown]
# Source: results ledger (counted); the notebook measures both on your machine

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** You may train members one after another, on several machines, and combine only their
# answers: that saves memory, not work. In use, an ensemble of M needs M forward passes. Chapter 6
# is about getting much of the gain for less.
#
# **Ask:** Where is this cost acceptable?
#
# **Likely:** Where a mistake is expensive, or the network small.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One doubt has two parts
#
# $$ \underbrace{H[\bar p]}_{\text{entropy of the mean}} \;=\;
# \underbrace{\frac{1}{M} \sum_m H[p_m]}_{\text{expected entropy}} \;+\;
# \underbrace{\frac{1}{M} \sum_m \sum_c p_m(c) \ln \frac{p_m(c)}{\bar p(c)}}_{
# \text{mutual information}} $$
#
# - **Expected entropy** is *hesitation*: each member is unsure, for itself
# - **Mutual information** is *contradiction*: each may be sure, but not of the same

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The first is high for images that are ambiguous to everybody; more members do not help.
# The second is what you would learn by being told which member is right. In the literature:
# aleatoric and epistemic. Take the names with care, the split is only as good as the members are
# diverse.
#
# **Ask:** All eight say "fifty-fifty". Which part is it?
#
# **Likely:** All hesitation; mutual information is zero.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Here they contradict each other most

# %% jupyter={"source_hidden": true}
disputed = int(scores.mutual_information(eight).argmax())
figures.disagreement_sheet(
    digits.images[disputed], eight.probabilities[disputed], label=int(digits.labels[disputed])
)

# %% [markdown]
# Source: the eight LeNets of the zoo; the test digit of largest mutual information

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Each row is a member, the dot is its vote, the last row is the answer of the ensemble.
# The bar on the right splits the doubt. Even here the larger part is hesitation.
#
# **Ask:** Point at the member you would have believed, had it been alone.
#
# **Likely:** Any of them: alone, several look sure.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Here they hesitate, each for itself

# %% jupyter={"source_hidden": true}
ambiguous = int(scores.expected_entropy(eight).argmax())
figures.disagreement_sheet(
    digits.images[ambiguous], eight.probabilities[ambiguous], label=int(digits.labels[ambiguous])
)

# %% [markdown]
# Source: the same eight; the test digit of largest expected entropy

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Now hardly anything but the lower part of the bar is left. Against this, a ninth member
# does not help. A look at the envelope might.
#
# **Ask:** What would *you* do with this digit?
#
# **Likely:** Ask a person, or look at the digits beside it.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## They differ on few images, and live on them

# %% jupyter={"source_hidden": true}
figures.agreement_matrix(eight)

# %% [markdown]
# Source: Fort et al. (2019); the eight LeNets of the zoo on test digits

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Each square: how often two members name the same digit. Look at the scale: they agree on
# nearly all. Where two differ, at least one is wrong, and the other may help.
#
# **Ask:** Would you throw one out?
#
# **Likely:** Only if a pair stood out as twins. Members that differ only in the seed do not.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Clothes divide the members, most of the time

# %% jupyter={"source_hidden": true}
figures.score_histograms(
    scores.mutual_information(eight),
    eight.correct,
    scores.mutual_information(eight_on_clothes),
    score_name="mutual information (nats)",
    ood_name="clothes",
)

# %% [markdown]
# Source: the eight LeNets of the zoo; digits and clothes one to one

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Most digits crowd at the left end, and most clothes do not. Nobody taught the members
# what to say about clothes, so they say different things. But some clothes lie at the far left,
# too.
#
# **Ask:** What must have happened there?
#
# **Likely:** Eight votes for the same digit. Next slide.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Agreement is evidence, not proof

# %% jupyter={"source_hidden": true}
convincing = int(scores.entropy(eight_on_clothes).argmin())
figures.disagreement_sheet(
    clothes.images[convincing],
    eight_on_clothes.probabilities[convincing],
    label=figures.FASHION[clothes.labels[convincing]],
)

# %% [markdown]
# Source: the piece of clothing that fools the eight LeNets best

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Eight networks, eight identical votes, and all wrong. Members that learned from the same
# digits share their blind spots.
#
# **Ask:** How could one make members that do not?
#
# **Likely:** Other data, other architectures. Costs more, and nobody can be sure.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Whom do you believe?

# %% tags=["live"] jupyter={"source_hidden": true}
from course_utils.widgets import disagreement_explorer

disagreement_explorer(
    eight,
    digits,
    foreign=eight_on_clothes,
    foreign_images=clothes,
    foreign_names=figures.FASHION,
)

# %% tags=["still"] slideshow={"slide_type": "skip"} jupyter={"source_hidden": true}
votes = eight.member_predicted[disputed]
loudest = votes == eight.predicted[disputed]
figures.disagreement_sheet(
    digits.images[disputed],
    eight.probabilities[disputed],
    label=int(digits.labels[disputed]),
    active=~loudest,
)

# %% [markdown]
# Source: the disputed digit again, with the members switched off that had won

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Live: it opens on the most disputed digit; take away one member after another. Beside the
# digit stands a piece of clothing under the same members. (In print: the members that had won are
# switched off.)
#
# **Ask:** Before each click: will the decision turn?
#
# **Likely:** Opinions differ, and that is the point. Watch which part of the entropy goes down.
#
# **Minutes:** 5

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Draw a 4, and close its top

# %% tags=["live"] jupyter={"source_hidden": true}
from course_utils.widgets import drawing_pad

drawing_pad(network, examples={"digit": digits, "clothes": clothes})

# %% tags=["still"] slideshow={"slide_type": "skip"} jupyter={"source_hidden": true}
fours = np.flatnonzero(digits.labels == 4)
between = int(fours[np.abs(eight.mean[fours, 9] - eight.mean[fours, 4]).argmin()])
figures.disagreement_sheet(digits.images[between], eight.probabilities[between], label=4)

# %% [markdown]
# Source: the test digit 4 that the eight LeNets nearly take for a 9

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Live: a volunteer draws a 4 and closes its top little by little. The small picture is
# what the networks get: shrunk and centred as MNIST's digits were. Then draw a shoe.
#
# **Ask:** Which part of the doubt grows, for the 4 that becomes a 9, and for the shoe?
#
# **Likely:** Try it: often hesitation for the first. For the shoe it depends on the shoe.
#
# **Minutes:** 6

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Now you: build the best ensemble, and pay for it
#
# **Open chapter 4**, "Choose members yourself" (ten minutes)
#
# - Press *Best single*, then *Add the best next*, for each metric in turn
# - Where do the dots stop rising? Is the best choice by one metric the best by another?
# - These are *validation* digits. Why?
#
# **Next:** must M opinions cost M times as much? Chapter 6 packs four into one network.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Work in pairs. Note down how many members you would pay for, and by which metric.
#
# **Ask:** Why validation digits, and not test?
#
# **Likely:** Choosing flatters the winner. Chapter 1.
#
# **Minutes:** 12
