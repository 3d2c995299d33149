# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3. Reading the table
#
# Chapter 2 ended with a table of some twenty numbers about one network. Accuracy is only the first.
# The others ask whether you can believe its probabilities, whether it's less sure where it's wrong,
# and whether it notices what it has never seen. Here you compute them, and see where each one
# misleads.
#
# **Questions**
#
# - What does each row of the table ask, and what is it blind to?
# - Does a confidence of nine in ten mean nine right answers in ten?
# - Does the network know when it's wrong, and when an image is no digit at all?
#
# **Objectives.** After this chapter you can
#
# - compute the rows of the table from probabilities and labels;
# - read a reliability diagram, and say what its bins hide;
# - read coverage, risk and false alarms off a ranking of images.
#
# **Time.** About 45 minutes with all exercises. Nothing is trained.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## One knob
#
# Good networks make few mistakes, and few mistakes show little. So most pictures of this chapter
# are about a *modest* LeNet, which learned from only 2,000 digits, and about its answers to the
# 5,000 validation digits.
#
# The slider divides its logits by a **temperature** $T$ before the softmax. Above 1, every answer
# becomes less sure; below 1, surer.
#
# **Try it.** Drag it to the left and to the right. The most probable class never changes, and so
# the accuracy doesn't either. What does? Find the temperature that brings the points onto the
# diagonal.

# %%
import numpy as np

from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.networks import runs, zoo
from course_utils.networks.evaluation import predict
from course_utils.widgets import temperature_slider

data_val = load_mnist("val")
modest_network = zoo.load("modest-lenet-0")
modest = predict(modest_network, data_val)

temperature_slider(modest)

# %% [markdown]
# Two networks can give the same answers and deserve very different trust. Accuracy can't tell them
# apart; other rows of the table can.
#
# ## The table
#
# `evaluate` calls `trainer.test` for each network, as you did in chapter 2, and sets the results
# side by side under readable names. LeNet is the one that you trained, or else one that comes with
# the course. The digits are now the test digits, with as many clothes as out-of-distribution (OOD)
# images.

# %%
from course_utils.networks.evaluation import evaluate

data_test, data_ood = load_mnist("test"), load_fashion_mnist("test")
run = runs.load("lenet")
final = run.predictions(data_test)

table = evaluate({"LeNet": run.model, "modest": modest_network}, data_test, data_ood)
table.round(3)

# %% [markdown]
# (The raw table of chapter 2 has a few rows more: MCE is the largest gap of any bin, however few
# images it holds, SmECE an ECE without bins, and the SCOD rows mix clothes into the curves of risk
# and coverage.)
#
# In what follows $p_i(c)$ is the probability that the network gives to class $c$ for image $i$,
# $y_i$ is the true class, and $\hat p_i = \max_c p_i(c)$ is the **confidence**.
#
# ### Are the answers right, and are the probabilities good?
#
# - **Accuracy**: the share of images whose most probable class is the true one. How probable
#   doesn't matter.
# - **Brier score** (Brier, 1950): the squared distance between the probabilities and the truth,
#   $\frac{1}{N} \sum_i \sum_c (p_i(c) - [y_i = c])^2$, from 0 (certain and right) to 2 (certain and
#   wrong). Some authors halve it or average over classes, so check before you compare. Lower is
#   better.
# - **NLL**, the negative log-likelihood: $\frac{1}{N} \sum_i -\ln p_i(y_i)$, the mean cross-entropy
#   of chapter 2. Its minimum is 0. One confident mistake can outweigh a hundred good answers.
# - **Entropy**: $\frac{1}{N} \sum_i \sum_c -p_i(c) \ln p_i(c)$, the mean doubt, from 0 to $\ln 10$.
#   It needs no labels, and neither high nor low is good in itself.
#
# Brier score and NLL are **strictly proper**: on average, nobody does better than by stating the
# true probabilities (Gneiting and Raftery, 2007). And if the probabilities were true, NLL and
# entropy would agree on average. An NLL well above the entropy is a sign of **overconfidence**.

# %%
table.loc[["NLL", "Entropy"]].round(3)

# %% [markdown]
# The modest network's NLL is several times its entropy: it claims far less doubt than its mistakes
# call for. What about LeNet's?

# %% [markdown]
# ### Exercise 3.1: Four rows by hand
#
# *About 7 minutes.* Write a function that returns accuracy, Brier score, NLL and entropy, in this
# order, from probabilities [N, C] and labels [N]. Accuracy as a share, the Brier score summed over
# the classes, natural logarithms. All probabilities are larger than 0.

# %%
from course_utils.exercises.chapter_03 import ex3_1


def four_rows(probabilities, labels):
    """Accuracy, Brier score, NLL and entropy, each a mean over the images."""
    return ...


ex3_1.check(four_rows)

# %%
ex3_1.help

# %% [markdown]
# ## Does 90 % mean nine in ten?
#
# A **reliability diagram** sorts the answers into bins by confidence and compares what they claim
# with what they reach. On the diagonal, confidence is accuracy. Below it, the network is
# overconfident.

# %%
from course_utils import figures

figures.reliability_diagram({"modest": modest})

# %% [markdown]
# Every point with an interval lies below the diagonal: the modest network claims more than it
# reaches, at every confidence. The lower panel shows how many images each bin holds, on a
# logarithmic axis. Most of them are in the last bin. Pale points stand for fewer than twenty
# images, and are mostly chance.
#
# The table sums the diagram up:
#
# - **ECE**, the expected calibration error (Naeini et al., 2015; Guo et al., 2017): the distance
#   from the diagonal, $\sum_b \frac{n_b}{N} \, |\text{acc}_b - \text{conf}_b|$, where bin $b$ holds
#   $n_b$ of the $N$ answers. The table uses 15 bins of equal width.
# - **Adaptive ECE** (Nguyen and O'Connor, 2015): the same with bins that hold equally many answers.
#
# Lower is better, but never report either alone. Their blind spot is the opposite of accuracy's: a
# network that always answers with the class frequencies is perfectly calibrated, and useless.

# %% [markdown]
# ### Exercise 3.2: A point in the diagram
#
# *About 2 minutes.* In a reliability diagram a point lies at confidence 90 %, accuracy 70 %, and
# its bin holds 2,000 of 10,000 images. Which sentence is right?

# %%
from course_utils.exercises.chapter_03 import ex3_2

ex3_2.ask()

# %%
ex3_2.help

# %% [markdown]
# ### Exercise 3.3: The calibration error
#
# *About 8 minutes.* Write the ECE with ten bins of equal width, [0, 0.1), [0.1, 0.2) and so on; the
# last one, [0.9, 1], also holds a confidence of exactly 1. In each bin that isn't empty take the
# absolute difference between the share of right answers and the **mean confidence**, then average
# over the bins, each weighted by its share of the images. You get confidence [N] and correct [N]
# (true or false).

# %%
from course_utils.exercises.chapter_03 import ex3_3


def calibration_error(confidence, correct):
    """Expected calibration error with ten bins, a share between 0 and 1."""
    return ...


ex3_3.check(calibration_error)

# %%
ex3_3.help

# %% [markdown]
# With equal widths most bins hold a handful of images and the last one nearly all. What if every
# bin held equally many?

# %% [markdown]
# ### Exercise 3.4: Bins of equal mass
#
# *About 5 minutes.* Sort the answers by confidence, cut them into `num_bins` groups of (nearly)
# equal size with `np.array_split`, and return one row for each group: its mean confidence and its
# share of right answers, an array [num_bins, 2], least confident group first.

# %%
from course_utils.exercises.chapter_03 import ex3_4


def equal_mass_bins(confidence, correct, num_bins):
    """Mean confidence and share of right answers of each group, [num_bins, 2]."""
    return ...


ex3_4.check(equal_mass_bins)

# %%
ex3_4.help

# %% [markdown]
# The figure can do that as well. Now you choose.

# %% [markdown]
# ### Exercise 3.5: Controls for a figure
#
# *About 4 minutes.* How much of the diagram is the network, and how much the choice of bins?
# `ipywidgets.interact(function, name=(2, 30), other=False)` makes a slider and a tick box, and
# calls the function whenever one of them changes. Write `show(bins, equal_mass)`, which returns
# `figures.reliability_diagram` of `modest` with these two settings, and hand it to `interact`. Then
# play: what stays, and what comes and goes with the bins?

# %%
from course_utils.exercises.chapter_03 import ex3_5

show = ...

ex3_5.check(show)

# %%
ex3_5.help

# %% [markdown]
# ## Does it know when it's wrong?
#
# Suppose we answer only the images with the highest confidence and refer the others to a human.
# **Coverage** is the share of images that are answered, **risk** the share of wrong answers among
# them. Each threshold on the confidence is a point on a curve.
#
# **Try it.** Drag the point from the right end to the left. Which digits leave first, and would you
# have referred them, too? How far must you go until half of the mistakes are gone?

# %%
from course_utils.widgets import risk_coverage_explorer

lenet = run.predictions(data_val)
risk_coverage_explorer({"modest": modest, "LeNet": lenet}, data_val.images)

# %% [markdown]
# At full coverage the risk is the error rate. Going left it falls, because mistakes are more
# frequent among the least confident images. Four rows of the table read this curve:
#
# - **AURC** (Geifman et al., 2019): the area under it, a mean risk over all coverages. Lower is
#   better. If confidence is uninformative, AURC equals the error rate.
# - **AUGRC** (Traub et al., 2024): the same with risk *times* coverage, the share of **all** images
#   that are answered and wrong. The AURC gives the few most confident answers an enormous weight;
#   this one doesn't.
# - **Coverage at 5 % risk**: the *largest* share of images that can be answered with at most that
#   share of mistakes. Where the error rate is lower anyway, it's everything, and can't tell good
#   networks apart.
# - **Risk at 80 % coverage**: the share of wrong answers if the least confident fifth is referred.
#   Lower is better.

# %% [markdown]
# ### Exercise 3.6: The risk at a coverage
#
# *About 4 minutes.* Answer only the most confident images, the share `coverage` of all, and return
# the risk: the share of wrong answers among those answered. You get confidence [N], correct [N]
# (true or false) and the coverage, between 0 and 1. Round the number of images with `round`.

# %%
from course_utils.exercises.chapter_03 import ex3_6


def risk_at_coverage(confidence, correct, coverage):
    """Share of wrong answers among the most confident images."""
    return ...


ex3_6.check(risk_at_coverage)

# %%
ex3_6.help

# %% [markdown]
# ### Confident mistakes
#
# A threshold catches the doubtful mistakes first. These come last: wrong answers, the most
# confident first.

# %%
figures.misclassified_gallery(data_val.images, modest)

# %% [markdown]
# Read each one yourself before you look at the label. Some nobody can read with certainty, and
# there the honest answer would be doubt. Others are plain, and the network is sure of something
# else. The number beside each is its confidence: it admits next to no chance of being wrong, twelve
# times out of twelve.
#
# Which digits does it confuse? Rows are the true classes, columns the answers, and only errors are
# coloured. (A confusion matrix shows *what* is confused, and nothing of the doubt.)

# %%
figures.confusion_matrix(modest)

# %% [markdown]
# ## Does it notice what is no digit?
#
# Give every image a score, here one minus the confidence (Hendrycks and Gimpel, 2017). Clothes
# should get higher scores than digits, and they count as *positive*:
#
# - **OOD AUROC**: the probability that a random piece of clothing gets a higher score than a random
#   digit. Guessing gives one half.
# - **OOD AUPR**: the area under precision against recall: which share of the flagged images are
#   clothes, and which share of the clothes is flagged. It depends on the mix; with as many clothes
#   as digits, guessing gives one half, too.
# - **OOD FPR95**: the share of digits that are flagged, falsely, if the threshold flags 95 % of the
#   clothes. Lower is better.
# - **OOD entropy**: the mean entropy for clothes. It should be much higher than for digits.

# %% [markdown]
# ### Exercise 3.7: False alarms
#
# *About 5 minutes.* Write FPR95. An image is flagged if its score is at least the threshold. Choose
# the highest threshold that still flags at least 95 % of the clothes, and return the share of
# digits that are flagged with it. You get the scores of the digits and those of the clothes.

# %%
from course_utils.exercises.chapter_03 import ex3_7


def fpr95(digits, clothes):
    """Share of digits flagged by the threshold that flags 95 % of the clothes."""
    return ...


ex3_7.check(fpr95)

# %%
ex3_7.help

# %% [markdown]
# Here are the scores themselves, of LeNet. Each group is scaled to its own size, and the vertical
# axis is logarithmic.

# %%
from course_utils.metrics import scores

clothes_val = load_fashion_mnist("val")
lenet_ood = run.predictions(clothes_val)
doubt, doubt_ood = scores.max_probability(lenet), scores.max_probability(lenet_ood)
figures.score_histograms(
    doubt, lenet.correct, doubt_ood, score_name="1 - confidence", ood_name="clothes"
)

# %% [markdown]
# Right answers pile up at the left, where the network is sure. Wrong answers and clothes spread
# over the whole axis. No threshold separates them: hundreds of clothes get a confidence that many
# digits don't reach. What does the network see in them? For each digit, these are the clothes it's
# surest of.

# %%
surest = []
for digit in range(10):
    claimed = np.flatnonzero(lenet_ood.predicted == digit)
    surest.extend(claimed[doubt_ood[claimed].argsort()][:12])
figures.sample_grid(
    clothes_val.images[surest],
    lenet_ood.predicted[surest],
    class_names=figures.DIGITS,
    per_class=12,
)

# %% [markdown]
# You may find some sense in its choices, but sense doesn't help: no answer can be right. The
# softmax must hand out all its probability among ten digits, and has no word for "none of these".
#
# How good is the AUROC in the table, then? Chapter 1 had a rule that learns nothing: count the grey
# pixels.

# %%
from course_utils.metrics.detection import ood_detection


def share_of_grey(images):
    """Share of pixels strictly between paper and full ink, for each image."""
    return ((images > 0) & (images < 255)).mean(axis=(1, 2))


grey = ood_detection(share_of_grey(data_test.images), share_of_grey(data_ood.images))
print(f"counting grey pixels: {100 * grey.auroc:.1f} %")
table.loc[["OOD AUROC (%)"]].round(1)

# %% [markdown]
# A rule that has never seen a digit comes close to the networks, or beats them. A high AUROC on an
# easy pair of data sets proves no understanding. Report it together with the images and the simple
# rule you compared with.
#
# ### What does it cost?
#
# - **Parameters (thousand)**: as you counted them in chapter 2.
# - **MFLOPs per image**: millions of operations for one image. The library counts a whole batch;
#   `evaluate` divides by its size, since a network doesn't get dearer by the way you feed it.
#
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(3)

# %% [markdown]
# ## What you have learned
#
# - Accuracy asks whether answers are right. Brier score and NLL ask whether probabilities are good,
#   and only the true ones win on average.
# - ECE asks whether confidence means what it says. It depends on the bins, and says nothing of
#   usefulness.
# - AURC and AUGRC ask whether confidence sorts right from wrong; AUROC, AUPR and FPR95 whether it
#   sorts digits from clothes.
# - A softmax has no word for "none of these", and it's sure of some clothes.
#
# **What comes next.** One network is one opinion. In chapter 4 we ask several.
#
# ### Sources
#
# - G. Brier (1950). Verification of forecasts expressed in terms of probability. *Monthly Weather
#   Review* 78(1).
# - T. Gneiting, A. Raftery (2007). Strictly proper scoring rules, prediction, and estimation.
#   *JASA* 102(477).
# - M. Naeini, G. Cooper, M. Hauskrecht (2015). Obtaining well calibrated probabilities using
#   Bayesian binning. *AAAI*.
# - K. Nguyen, B. O'Connor (2015). Posterior calibration and exploratory analysis for natural
#   language processing models. *EMNLP*. [arXiv:1508.05154](https://arxiv.org/abs/1508.05154)
# - C. Guo, G. Pleiss, Y. Sun, K. Weinberger (2017). On calibration of modern neural networks.
#   *ICML*. [arXiv:1706.04599](https://arxiv.org/abs/1706.04599)
# - D. Hendrycks, K. Gimpel (2017). A baseline for detecting misclassified and out-of-distribution
#   examples in neural networks. *ICLR*. [arXiv:1610.02136](https://arxiv.org/abs/1610.02136)
# - Y. Geifman, G. Uziel, R. El-Yaniv (2019). Bias-reduced uncertainty estimation for deep neural
#   classifiers. *ICLR*. [arXiv:1805.08206](https://arxiv.org/abs/1805.08206)
# - J. Traub et al. (2024). Overcoming common flaws in the evaluation of selective classification
#   systems. *NeurIPS*. [arXiv:2407.01032](https://arxiv.org/abs/2407.01032)
