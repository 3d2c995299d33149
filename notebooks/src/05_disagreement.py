# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 5. What members disagree about
#
# A single network that says "5, but I'm not sure" may mean two things: the digit is ambiguous, or
# the network hasn't learned this kind of digit. The members of an ensemble can tell the two apart.
# Whether that also helps to spot what isn't a digit at all is another question, and this chapter
# tests it.
#
# **Questions**
#
# - What are the two kinds of doubt, and how do you compute them?
# - How often do members agree, and does agreement mean that they're right?
# - Does disagreement find clothes better than a single network does?
#
# **Objectives.** After this chapter you can
#
# - split the uncertainty about one image into two parts, and read both;
# - get the same numbers from torch-uncertainty, and say which entropy it reports;
# - count how often two members agree;
# - test whether a score sets clothes apart from digits, and against what to compare it.
#
# **Time.** About 35 minutes with all exercises. Nothing is trained.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Whom do you believe?
#
# The eight modest LeNets of chapter 4 answer once more: same layers, same 2,000 training digits,
# different seeds. Each row of the map is a member, and the dot is its vote. Beside the digit stands
# a piece of clothing under the same members.
#
# **Try it.** The widget opens on the digit that is disputed most. Switch off one member after
# another. When does the decision turn? Then go through some more digits with "Next". Do you find
# one on which all members hesitate instead of contradicting each other?

# %%
import numpy as np

from course_utils import figures
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict
from course_utils.widgets import disagreement_explorer

digits, clothes = load_mnist("test"), load_fashion_mnist("test")
ensemble = zoo.load("modest-deep-ensemble-8")
modest, modest_clothes = predict(ensemble, digits), predict(ensemble, clothes)
disagreement_explorer(
    modest,
    digits,
    foreign=modest_clothes,
    foreign_images=clothes,
    foreign_names=figures.FASHION,
)

# %% [markdown]
# ## Two kinds of doubt
#
# The bar in the widget splits the ensemble's uncertainty into two parts (Depeweg et al., 2018).
# With the entropy $H[p] = -\sum_c p(c) \ln p(c)$,
#
# $$ \underbrace{H[\bar p]}_{\text{entropy of the mean}} \;=\;
# \underbrace{\frac{1}{M} \sum_m H[p_m]}_{\text{expected entropy}} \;+\;
# \underbrace{\frac{1}{M} \sum_{m,c} p_m(c) \ln \frac{p_m(c)}{\bar p(c)}}_{
# \text{mutual information}} $$
#
# - **Entropy of the mean**: how unsure the ensemble's answer is, in total.
# - **Expected entropy** (blue): how unsure the members are on average, each for itself. It's high
#   for images that everybody finds ambiguous.
# - **Mutual information** (orange): how far the members are from their mean. It's what you'd learn
#   if somebody told you which member is right (Houlsby et al., 2011), and zero if all say the same,
#   even "fifty-fifty".

# %% [markdown]
# ### Exercise 5.1: Split the entropy
#
# *About 8 minutes.* Write the split for many images. You get the members' probabilities, a NumPy
# array of shape [N, M, C]. Return an array of shape [N, 3] with the columns *entropy of the mean*,
# *expected entropy*, *mutual information*, in nats (natural logarithm). A probability may be
# exactly 0: it adds nothing to an entropy, although its logarithm is minus infinity.

# %%
from course_utils.exercises.chapter_05 import ex5_1


def split_entropy(probabilities):
    """Entropy of the mean, expected entropy, mutual information: [N, M, C] -> [N, 3]."""
    return ...


ex5_1.check(split_entropy)

# %%
ex5_1.help

# %% [markdown]
# ### Disputed or ambiguous?
#
# We look for two digits: the one with the largest mutual information, and the one with the largest
# expected entropy.

# %%
from course_utils.metrics import scores

mutual_information = scores.mutual_information(modest)
expected_entropy = scores.expected_entropy(modest)
disputed, ambiguous = int(mutual_information.argmax()), int(expected_entropy.argmax())
assert disputed != ambiguous


def sheet(index):
    return figures.disagreement_sheet(
        digits.images[index], modest.probabilities[index], label=int(digits.labels[index])
    )


sheet(disputed)

# %% [markdown]
# The most disputed digit. Several members are quite sure, each of another class, so most of the
# entropy is mutual information. More training digits of this kind would settle who is right.

# %%
sheet(ambiguous)

# %% [markdown]
# The most ambiguous digit. Here most members hesitate, each for itself, and most of the entropy is
# expected entropy. More members can't fix that; context might, such as the rest of an address.
#
# In the literature, expected entropy is called *aleatoric* (from the data) and mutual information
# *epistemic* (from not knowing which network is right). Take the names with care: the split is only
# as good as the members are diverse.

# %% [markdown]
# ### Exercise 5.2: Two kinds of half and half
#
# *About 2 minutes.* The ensemble gives the same mean answer to two images: half 3, half 5. For
# image A four of the eight members say 3 and four say 5, each quite sure. For image B every member
# says half 3, half 5. Which sentence is right?

# %%
from course_utils.exercises.chapter_05 import ex5_2

ex5_2.ask()

# %% [markdown]
# ### The library's words
#
# torch-uncertainty has metrics for all this. Two members contradict each other flatly:

# %%
import torch
from torch_uncertainty.metrics.classification import Entropy, MutualInformation

flatly = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])  # one image, two members, two classes
print(f"Entropy {Entropy()(flatly):.3f}, MutualInformation {MutualInformation()(flatly):.3f}")

# %% [markdown]
# Is the answer of this ensemble certain, as an entropy of 0 seems to say?

# %% [markdown]
# ### Exercise 5.3: Ask the library
#
# *About 4 minutes.* Get the same three numbers, averaged over the images, from torch-uncertainty's
# metrics. You get the members' probabilities as a tensor of shape [N, M, C]. `Entropy()` and
# `MutualInformation()` make metrics, which you call with probabilities. Return *entropy of the
# mean*, *expected entropy* and *mutual information*. Careful: `Entropy` takes [N, C] as well as [N,
# M, C], and does something different with each.

# %%
from course_utils.exercises.chapter_05 import ex5_3


def library_split(probabilities):
    """Average entropy of the mean, expected entropy and mutual information: three numbers."""
    return ...


ex5_3.check(library_split)

# %%
ex5_3.help

# %% [markdown]
# ## Who agrees with whom?
#
# Votes alone are a coarser measure. How often do two members vote alike?

# %% [markdown]
# ### Exercise 5.4: A table of agreement
#
# *About 5 minutes.* You get the members' votes, whole numbers of shape [N, M]. Return an array of
# shape [M, M]: in row i and column j stands the share of the images on which members i and j vote
# for the same class.

# %%
from course_utils.exercises.chapter_05 import ex5_4


def agreement(votes):
    """Share of images on which two members agree: [N, M] -> [M, M]."""
    return ...


ex5_4.check(agreement)

# %%
ex5_4.help

# %% [markdown]
# Here is that table for the modest eight, with the accuracy of each member on the diagonal.

# %%
figures.agreement_matrix(modest)

# %% [markdown]
# No pair stands far out, as it should be for members that differ only in the seed. On about one
# digit in ten they aren't unanimous. Only there can the ensemble's answer differ from a member's,
# so these few digits decide whether averaging pays (Fort et al., 2019).
#
# But when all eight agree, are they right?

# %%
unanimous = (modest.member_predicted == modest.predicted[:, None]).all(axis=1)
for name, some in (("all eight agree", unanimous), ("not unanimous", ~unanimous)):
    print(f"{name:16}{some.sum():5,} digits, {(~modest.correct[some]).sum():4} of them wrong")

# %% [markdown]
# Nearly always, though some unanimous answers are wrong all the same. Most mistakes are among the
# few digits on which the votes differ, and those you can refer to a human. Say one answer in 200
# may be wrong. How many digits can a single member answer, and how many can the ensemble?

# %%
from course_utils.metrics import selective

coverage = []
for one in (modest, *(modest.subset([m]) for m in range(8))):
    curve = selective.risk_coverage(scores.max_probability(one), one.correct)
    coverage.append(curve.coverage_at_risk(1 / 200))
print(f"single members: {min(coverage[1:]):.1%} to {max(coverage[1:]):.1%} of the digits")
print(f"all eight:      {coverage[0]:.1%}")

# %% [markdown]
# The eight together answer more than even the best of them at the same risk.
#
# ## Digits and clothes
#
# For clothes no digit is right. We hope that members who were never taught what to say there say
# different things. From here on we ask the eight good LeNets, trained on all 55,000 digits. Each
# row shows clothes for which the most popular digit gets that many of the eight votes.

# %%
eight = zoo.load("deep-ensemble-8")
good, good_clothes = predict(eight, digits), predict(eight, clothes)
votes = np.stack([(good_clothes.member_predicted == c).sum(axis=1) for c in range(10)]).max(axis=0)
numbers, rows = np.unique(votes, return_inverse=True)
names = [f"{number} of 8" for number in numbers]
figures.sample_grid(clothes.images, rows, class_names=names, per_class=14)

# %% [markdown]
# In part they do. But look at the count in the last row: so many clothes get all eight votes for
# the same digit. Which one are the members surest of?

# %%
surest = int(scores.entropy(good_clothes).argmin())
figures.disagreement_sheet(
    clothes.images[surest],
    good_clothes.probabilities[surest],
    label=f"clothes: {figures.FASHION[clothes.labels[surest]]}",
)

# %% [markdown]
# So agreement is evidence, not proof. Members that learned from the same digits share blind spots.
#
# ### Do the scores overlap?
#
# Each score turns an image into one number. Here is the mutual information of digits and clothes.
# Mind the vertical axis: it is logarithmic. Each short stroke is a digit that the ensemble gets
# wrong.

# %%
figures.score_histograms(
    scores.mutual_information(good),
    good.correct,
    scores.mutual_information(good_clothes),
    score_name="mutual information (nats)",
    ood_name="clothes",
)

# %% [markdown]
# Most digits sit in the first bar and most clothes further right, but the two overlap. The *AUROC*
# measures by how much, in one number.

# %% [markdown]
# ### Exercise 5.5: AUROC from pairs
#
# *About 5 minutes.* Take one digit and one piece of clothing at random. The AUROC of a score is the
# probability that the clothing has the higher score; a tie counts half. You get the scores of the
# digits and those of the clothes, two arrays of different lengths. Compare every pair, and return
# the AUROC.

# %%
from course_utils.exercises.chapter_05 import ex5_5


def auroc(digits, clothes):
    """Share of pairs in which the clothing has the higher score; ties count half."""
    return ...


ex5_5.check(auroc)

# %%
ex5_5.help

# %% [markdown]
# ### Against what?
#
# An AUROC needs something to compare it with. Clothes differ from digits in ways that have nothing
# to do with networks.

# %% [markdown]
# ### Exercise 5.6: A detector that has learned nothing
#
# *About 4 minutes.* Digits are nearly black and white, clothes have shades. Chapter 1 counted grey
# pixels; do it with a margin. You get images, whole numbers from 0 to 255 of shape [N, 28, 28].
# Return for each image the share of its pixels above 20 and below 235.

# %%
from course_utils.exercises.chapter_05 import ex5_6


def grey_pixels(images):
    """Share of pixels above 20 and below 235: [N, H, W] -> [N]."""
    return ...


ex5_6.check(grey_pixels)

# %%
ex5_6.help

# %% [markdown]
# Now the table of AUROCs: four scores of one member (the mean of the eight) and of the ensemble,
# and the grey pixels. A single member has no mutual information.

# %%
import pandas as pd

from course_utils.metrics import detection

grey = [((s.images > 20) & (s.images < 235)).mean(axis=(1, 2)) for s in (digits, clothes)]
members = [(good.subset([m]), good_clothes.subset([m])) for m in range(8)]
rows = {}
for name in ("Maximum probability", "Maximum logit", "Expected entropy", "Mutual information"):
    score = scores.SCORES[name]
    one = [detection.auroc(score(a), score(b)) for a, b in members if score.suits(a)]
    rows[name] = {
        "one member": np.mean(one) if one else np.nan,
        "eight members": detection.auroc(score(good), score(good_clothes)),
    }
rows["Grey pixels"] = {"no network": detection.auroc(*grey)}
pd.DataFrame(rows).T.map(lambda value: "" if np.isnan(value) else f"{value:.4f}")

# %% [markdown]
# - With each score the eight do better than one of them does on average. That's what members bring.
# - The choice of the score matters as much. The largest logit of *one* member finds clothes better
#   than the mutual information of all eight.
# - Mutual information is the weakest of the ensemble's four. These members give clothes away less
#   by contradicting each other than by hesitating, each for itself.
# - Counting grey pixels beats all but one. So clothes are an easy test, and a high AUROC on them is
#   no proof that a network knows what it doesn't know.
#
# What members add is the split: it tells you *why* an answer is unsure, and whether more training
# data might help.

# %% [markdown]
# ## Draw one yourself
#
# Press "Clear" and draw a 4; all eight answer while the pen moves. Close its top little by little
# until it could be a 9. Then draw a shoe. Which of the two parts of the doubt grows? The small
# picture is what the networks get: your drawing, shrunk and centred as MNIST's digits were.

# %%
from course_utils.widgets import drawing_pad

pad = drawing_pad(eight, examples={"digit": digits, "clothes": clothes})
pad

# %% [markdown]
# Your drawing is in Python too: `pad.image` is what the networks see, and `pad.predictions` what
# they say. Give its `probabilities` to your `split_entropy`.
#
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(5)

# %% [markdown]
# ## What you have learned
#
# - The entropy of the mean is the expected entropy plus the mutual information: hesitation plus
#   contradiction.
# - torch-uncertainty's `Entropy` of all members is the expected entropy. Say which one you report.
# - Unanimous members are usually right about digits, and can be sure of the same nonsense.
# - Before you trust a score for OOD images, compare it with a single network, with other scores,
#   and with a rule that has learned nothing.
#
# **What comes next.** $M$ members cost $M$ times the parameters and $M$ times the computing. Do
# they have to? Chapter 6 packs four narrower networks into one: a Packed-Ensemble.
#
# ### Sources
#
# - N. Houlsby, F. Huszár, Z. Ghahramani, M. Lengyel (2011). Bayesian active learning for
#   classification and preference learning. [arXiv:1112.5745](https://arxiv.org/abs/1112.5745)
# - S. Depeweg, J. M. Hernández-Lobato, F. Doshi-Velez, S. Udluft (2018). Decomposition of
#   uncertainty in Bayesian deep learning for efficient and risk-sensitive learning. *ICML*.
#   [arXiv:1710.07283](https://arxiv.org/abs/1710.07283)
# - S. Fort, H. Hu, B. Lakshminarayanan (2019). Deep ensembles: a loss landscape perspective.
#   [arXiv:1912.02757](https://arxiv.org/abs/1912.02757)
