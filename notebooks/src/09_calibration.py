# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 9. Calibration, and what it misses
#
# A weather service that says "70 % rain" should be right on seven such days in ten. Can we make a
# network keep its word like that? And if we can, what may still be wrong with it?
#
# **Questions**
#
# - When is a confidence a probability, and can it be repaired?
# - What does calibration miss?
# - Can a classifier promise how often it is wrong?
#
# **Objectives.** After this chapter you can
#
# - fit a temperature on validation images, and predict what it changes and what it cannot change;
# - explain the grouping loss, and compute it where the groups are known;
# - build prediction sets with a promised coverage, and measure whether the promise is kept.
#
# **Time.** About 45 minutes to read, play and solve six exercises. Nothing is trained; the code
# needs less than half a minute.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Turn the knob
#
# The network below learned from only 2,000 digits, so it makes enough mistakes to look at. Drag the
# temperature from one end to the other. Which of the two curves moves, and which one hardly does?

# %%
import numpy as np

from course_utils.images import ImageSet, batches, load_mnist
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict
from course_utils.widgets import temperature_slider

data_val, data_test = load_mnist("val"), load_mnist("test")
modest = {
    "LeNet": zoo.load("modest-lenet-0"),
    "DE-8": zoo.load("modest-deep-ensemble-8"),
    "PE-4": zoo.load("modest-packed-4"),
}
validated = {name: predict(model, data_val) for name, model in modest.items()}
tested = {name: predict(model, data_test) for name, model in modest.items()}
temperature_slider(tested["LeNet"], fit_on=validated["LeNet"])

# %% [markdown]
# On the left is the reliability diagram: of the answers with a certain confidence, how many are
# right? On the right is the risk-coverage curve: how many mistakes are left if we answer only the
# digits we're most sure about?
#
# ## One number repairs a lot
#
# *When is a confidence a probability, and can it be repaired?*
#
# A network is **calibrated** if, of all answers given with confidence $p$, a share $p$ is right.
# Most networks aren't. The smallest repair (Guo et al., 2017) divides all logits by one number, the
# **temperature** $T$:
#
# $$ p_T(c \mid x) = \frac{e^{z_c / T}}{\sum_k e^{z_k / T}}. $$
#
# A $T$ above 1 makes every answer less certain, a $T$ below 1 more certain. We take the $T$ with
# the lowest NLL on *validation* images. Training images won't do: there the network is nearly
# always right, so more certainty would only seem to help.

# %% [markdown]
# ### Exercise 9.1: Fit a temperature
#
# *About 7 minutes.* Try every candidate, and return the one with the lowest NLL. `logits` is
# [images, classes], `labels` holds the true classes, and `candidates` is an array of temperatures
# in any order. The NLL is the mean of $-\ln p_T(\text{label} \mid x)$. Use NumPy.

# %%
from course_utils.exercises.chapter_09 import ex9_1


def best_temperature(logits, labels, candidates):
    """The candidate with the lowest NLL on these images."""
    return ...


ex9_1.check(best_temperature)

# %%
ex9_1.help

# %% [markdown]
# torch-uncertainty's `TemperatureScaler` wraps a network and does the same with gradients. The
# course's `calibration.scale` then divides logits we already have.

# %%
import pandas as pd
from torch_uncertainty.post_processing import TemperatureScaler

from course_utils.metrics import calibration, scores, selective
from course_utils.metrics.classification import negative_log_likelihood

scaler = TemperatureScaler(modest["LeNet"])
scaler.fit(batches(data_val, 500), progress=False)
temperature = float(scaler.temperature[0].detach())
print(f"temperature of the modest LeNet: {temperature:.2f}")


def summary(predictions):
    confidence = predictions.mean.max(axis=1)
    uncertainty = scores.max_probability(predictions)
    return {
        "accuracy": predictions.correct.mean(),
        "excess": confidence.mean() - predictions.correct.mean(),
        "NLL": negative_log_likelihood(predictions),
        "ECE": calibration.expected_calibration_error(predictions),
        "AURC": selective.risk_coverage(uncertainty, predictions.correct).aurc,
    }


# %%
turned = {T: summary(calibration.scale(tested["LeNet"], members=T)) for T in (0.25, 0.5, 1, 2, 4)}
fitted = summary(calibration.scale(tested["LeNet"], members=temperature))
pd.DataFrame(turned | {"fitted": fitted}).rename_axis(columns="temperature").round(4)

# %% [markdown]
# The *excess* is the mean confidence minus the accuracy: above 0 the network claims too much. With
# the fitted temperature, NLL and ECE are better than at
# $T = 1$.<!--claim:temperature-lowers-nll-and-ece supported--> The accuracy is the same in every
# column, because dividing by $T$ keeps the order of the ten logits, so no *answer* ever changes.
#
# The AURC moves much less than NLL and ECE. It depends only on the order of the *images*, from
# certain to uncertain. That order changes a little, because a low temperature looks at the nearest
# rival only and a high one at all nine. So **calibration and ranking are two different
# qualities**. A temperature repairs the first and hardly touches the second.

# %% [markdown]
# ### Exercise 9.2: Three hopes
#
# *About 3 minutes.* A network is overconfident, and its mistakes hide among its most certain
# answers. A colleague fits a temperature on the validation digits and hopes for three things on
# the test digits: (1) fewer mistakes, (2) a lower NLL, (3) an order in which the mistakes come
# late, so that a threshold finds them. What can we expect?

# %%
from course_utils.exercises.chapter_09 import ex9_2

ex9_2.ask()

# %% [markdown]
# ## Ensembles: divide before or after the average?
#
# There are two ways to give an ensemble a temperature.
#
# - **Calibrate, then pool.** Each member gets its own temperature, then we average.
# - **Pool, then calibrate.** We average first, then divide the *logarithm* of the average:
#   $p_T(c) \propto \bar p(c)^{1/T}$. (Logarithms of probabilities serve as logits.)

# %% [markdown]
# ### Exercise 9.3: Pool, then calibrate
#
# *About 5 minutes.* Write the second way. Your function gets the probabilities of the members
# [N, M, C] and one temperature. It averages over the members, divides the *logarithm* of the
# average by the temperature, and turns the result into probabilities [N, C] again.

# %%
from course_utils.exercises.chapter_09 import ex9_3


def pool_then_calibrate(probabilities, temperature):
    """Probabilities [N, C] of an ensemble, pooled first."""
    return ...


ex9_3.check(pool_then_calibrate)

# %%
ex9_3.help

# %% [markdown]
# Here are both ways, for both ensembles.

# %%
rows = {}
for name in ("DE-8", "PE-4"):
    each = calibration.member_temperatures(validated[name])
    pooled = calibration.fit_temperature(
        calibration.log_mean(validated[name]), validated[name].labels
    )
    first = calibration.scale(tested[name], members=each)
    last = calibration.scale(tested[name], mean=pooled)
    rows[name, "no repair"] = {"T": 1.0} | summary(tested[name])
    rows[name, "calibrate, then pool"] = {"T": each.mean()} | summary(first)
    rows[name, "pool, then calibrate"] = {"T": pooled} | summary(last)
ways = pd.DataFrame(rows).T
ways.round(4)

# %% [markdown]
# (For "calibrate, then pool", $T$ is the mean over the members.) Alone, each member needs a
# temperature well above 1. Their average already includes their disagreement, so **averaging is a
# repair in itself**: look at the excess in the rows without repair. Repair the members first, and
# the average becomes too cautious,<!--claim:members-first-too-cautious supported--> as Rahaman and
# Thiery (2021) found.
#
# "Pool, then calibrate" does lower the NLL.<!--claim:pool-then-calibrate-lowers-nll supported-->
# Yet the ECE of both ensembles gets worse. How can that be, if $T$ is above 1? The NLL punishes a
# wrong answer given with near certainty so hard that a few such surprises decide which $T$ is best.
# **So $T > 1$ doesn't tell you that a network is overconfident on average. The excess does.**
#
# Our recommendation: look at the excess on validation images first. If it's clearly above 0, fit a
# temperature. If it's near 0, as for these ensembles, leave the confidences alone, unless a rare
# confident mistake is what hurts you most; then the NLL is the number to improve.
#
# [An appendix](appendix/isotonic.ipynb) tries a repair with more freedom, isotonic regression.

# %% [markdown]
# ## Right on average, wrong for everybody
#
# *What does calibration miss?*
#
# Where a calibrated network says 0.8, it's right four times in five, *on average* over all images
# of this confidence. Let's make a world where that average hides something: two groups of equal
# size. In one, answers are right more often than the confidence says, by 0.1. In the other, they're
# right less often, by as much.

# %%
generator = np.random.default_rng(seed=0)
num_images, gap = 10_000, 0.1
says = generator.uniform(0.6, 0.85, num_images)
lucky = generator.random(num_images) < 0.5
true_probability = says + np.where(lucky, gap, -gap)
right = generator.random(num_images) < true_probability


def by_group(says, right, is_first, edges, names):
    """What confidences say and how often answers are right: in all, and in two groups."""
    seen = pd.DataFrame({"says": says, "right": right, "first": is_first})
    bins = pd.cut(seen["says"], edges)
    table = seen.groupby(bins, observed=True)[["says", "right"]].mean()
    for name, part in zip(names, (seen[is_first], seen[~is_first]), strict=True):
        shares = part.groupby(bins, observed=True)["right"]
        table[f"right, {name}"], table[f"number, {name}"] = shares.mean(), shares.size()
    return table.rename_axis("confidence")


edges = [0.6, 0.65, 0.7, 0.75, 0.8, 0.85]
by_group(says, right, lucky, edges, ("lucky", "unlucky")).round(3)

# %% [markdown]
# The first two columns agree in every row, up to chance, so this classifier is calibrated. No
# temperature would help. And yet it's wrong about *everybody*: in each row, one group lies above
# the confidence and the other below.
#
# Let $S$ be the confidence, $Y$ whether the answer is right (1 or 0), $C$ the accuracy of all
# answers with this confidence, and $Q$ the true probability that *this* answer is right. The Brier
# score of the confidence has three parts (Kull and Flach, 2015):
#
# $$ E[(S - Y)^2] = \underbrace{E[(S - C)^2]}_{\text{calibration}}
#    + \underbrace{E[(C - Q)^2]}_{\text{grouping}}
#    + \underbrace{E[(Q - Y)^2]}_{\text{irreducible}} . $$
#
# The middle part is the **grouping loss**. In our world $Q = C \pm 0.1$, so it is $0.1^2$.

# %% [markdown]
# ### Exercise 9.4: The grouping loss of a table
#
# *About 6 minutes.* Compute the middle part from a table like the one above. `num_images` and
# `share_right` are arrays [bins, groups]: how many images a group has in a bin of confidence, and
# which share of them is answered correctly. Take the group's share for $Q$ and the share of the
# whole bin for $C$, and average $(C - Q)^2$ over all images.

# %%
from course_utils.exercises.chapter_09 import ex9_4


def grouping_loss(num_images, share_right):
    """Mean of (C - Q)² over all images; both arrays are [bins, groups]."""
    return ...


ex9_4.check(grouping_loss)

# %%
ex9_4.help

# %% [markdown]
# ### A network with two groups
#
# Could this happen to LeNet? In this stream of digits every second one is turned. We repair the
# confidences on the first half of the stream, with the best rising curve from confidence to
# accuracy, and look at the second half.

# %%
from sklearn.isotonic import IsotonicRegression

from course_utils.images.corruptions import corrupt

chosen = np.random.default_rng(seed=4).permutation(len(data_test))[:4_000]
stream = data_test.subset(chosen)
is_turned = np.arange(len(stream)) % 2 == 1
pixels = stream.images.copy()
pixels[is_turned] = corrupt(stream.images[is_turned], "rotation", severity=5)

answers = predict(modest["LeNet"], ImageSet(pixels, stream.labels, "half of them turned"))
confidence, fit = answers.mean.max(axis=1), np.arange(len(stream)) < 2_000
curve = IsotonicRegression(out_of_bounds="clip").fit(confidence[fit], answers.correct[fit])
repaired = curve.predict(confidence[~fit])
edges, names = [-0.01, 0.4, 0.6, 0.8, 0.9, 1], ("upright", "turned")
groups = by_group(repaired, answers.correct[~fit], ~is_turned[~fit], edges, names)
groups.round(3)

# %% [markdown]
# Over the whole stream the repair roughly works: compare the first two columns. But at the same
# repaired confidence, upright digits are right more often than turned ones. No curve over the
# confidence can do better, because the confidence doesn't say which group a digit belongs to.
#
# So ask *for whom* a number is right. Where you know the groups, such as pens, scanners or writers,
# look at each of them. Where you don't, [an appendix](appendix/grouping_loss.ipynb) shows how much
# of the grouping loss a network's own features reveal.

# %% [markdown]
# ## Sets that keep a promise
#
# *Can a classifier promise how often it is wrong?*
#
# The set of all ten digits always contains the truth. **Conformal prediction** makes smaller sets
# and still keeps a promise: with probability at least $1 - \alpha$, the truth is in the set. It
# assumes nothing about the network. It needs $n$ labelled images that the network didn't learn
# from, and new images from the same source (exactly: all of them must be *exchangeable*, every
# order equally likely).
#
# 1. Choose a score for how badly class $c$ fits image $x$, such as $s = 1 - p(c \mid x)$.
# 2. Compute the scores of the *true* classes of the $n$ images.
# 3. Take the $k$-th smallest of them, $k = \lceil (n + 1)(1 - \alpha) \rceil$, and call it
#    $\hat q$.
# 4. The set of a new image holds all classes with a score of at most $\hat q$.
#
# Why does it work? The true score of the new image is one more draw from the same source. It's
# equally likely to take each of the $n + 1$ places in the order, so it's among the first $k$ with
# probability $k / (n + 1) \ge 1 - \alpha$. (Ties can only help.) That's the whole proof (Vovk et
# al., 2005).

# %% [markdown]
# ### Exercise 9.5: The threshold of a conformal set
#
# *About 6 minutes.* Write step 3. Your function gets the scores of the true classes of n images,
# [n] in any order, and alpha. It returns the k-th smallest score with k = ⌈(n + 1)(1 - alpha)⌉, and
# `np.inf` if there are fewer than k scores.

# %%
from course_utils.exercises.chapter_09 import ex9_5


def conformal_threshold(scores, alpha):
    """The k-th smallest score, or infinity."""
    return ...


ex9_5.check(conformal_threshold)

# %%
ex9_5.help

# %% [markdown]
# Now the sets themselves. We allow one set in a hundred to miss the truth.

# %%
from course_utils.figures.conformal import coverage_histograms, prediction_set_gallery
from course_utils.metrics import conformal

alpha, sets, thresholds = 0.01, {}, {}
for name in modest:
    scores_val = conformal.threshold_scores(validated[name].mean)
    true_scores = scores_val[np.arange(len(data_val)), data_val.labels]
    thresholds[name] = conformal.quantile(true_scores, alpha)
    scores_test = conformal.threshold_scores(tested[name].mean)
    sets[name] = conformal.prediction_sets(scores_test, thresholds[name])

larger = np.flatnonzero(sets["LeNet"].sum(axis=1) > 1)
shown = np.random.default_rng(seed=0).permutation(larger)[:16]
prediction_set_gallery(
    data_test.images[shown], sets["LeNet"][shown], data_test.labels[shown], limit=16
)

# %% [markdown]
# Read each set as a sentence: "it's one of these". Where the truth isn't in the set, it's written
# below. A person who gets a digit with a set of two has an easier task than with all ten.
#
# Is the promise kept? Overall that's easy to count. The promise is about the *average*, so we also
# want to know about each class.

# %% [markdown]
# ### Exercise 9.6: Is the promise kept for every class?
#
# *About 5 minutes.* `sets` is an array [images, classes] of true and false, where true means that
# the class is in the set. Return an array with one number a class: of the images whose *true* class
# it is, the share whose set contains the truth. Every class has at least one image.

# %%
from course_utils.exercises.chapter_09 import ex9_6


def coverage_by_class(sets, labels):
    """Share of the images of each class whose set holds the truth, [classes]."""
    return ...


ex9_6.check(coverage_by_class)

# %%
ex9_6.help

# %% [markdown]
# The three networks, and then LeNet's threshold on damaged digits:


# %%
def kept(sets, labels):
    covered = sets[np.arange(len(labels)), labels]
    by_class = pd.Series(covered).groupby(labels).mean()
    sizes = sets.sum(axis=1)
    return {"coverage": covered.mean(), "lowest class": by_class.min(), "mean size": sizes.mean()}


rows = {name: kept(found, data_test.labels) for name, found in sets.items()}
some_digits = data_test.subset(slice(None, None, 25))
for kind in ("rotation", "occlusion", "contrast", "blur"):
    answers = predict(modest["LeNet"], corrupt(some_digits, kind, severity=5))
    found = conformal.prediction_sets(1 - answers.mean, thresholds["LeNet"])
    rows[f"LeNet, {kind}"] = kept(found, some_digits.labels)
promises = pd.DataFrame(rows).T
promises.round(3)

# %% [markdown]
# On clean digits all networks keep the promise about equally
# well.<!--claim:sets-keep-promise supported--> So coverage says nothing about a network's quality.
# A better network gets **smaller sets** for the same
# promise.<!--claim:better-network-smaller-sets supported--> And nothing is promised for a single
# class: the lowest class gets less than the average, though part of that is chance.
#
# On damaged digits the proof no longer applies. For turned and covered digits the promise is
# broken.<!--claim:sets-break-promise-under-damage supported--> On pale and blurred ones the sets
# hold nearly all ten classes,<!--claim:sets-hold-nearly-all-classes supported--> which tells you
# nothing, but at least it's honest.
#
# ### Why the + 1 matters
#
# The promise is also an average over *calibration sets*: yours may give more or less. We draw fifty
# of the test digits to calibrate and measure on the others, a thousand times, with step 3 and with
# the plain quantile of the scores, which torch-uncertainty takes.

# %%
promise = {"alpha": 0.05, "num_calibration": 50}
lenet_scores = conformal.threshold_scores(tested["LeNet"].mean)
coverages = {}
for name, corrected in (("with the + 1", True), ("plain quantile", False)):
    drawn = conformal.coverage_of_draws(
        lenet_scores, data_test.labels, **promise, corrected=corrected, num_draws=1_000
    )
    coverages[name] = drawn.coverage
coverage_histograms(coverages, promised=1 - promise["alpha"])

# %% [markdown]
# The triangles are the means. With the + 1 the mean is on the safe side of the promise; with the
# plain quantile it falls short. The width is a warning of its own: with fifty images, your coverage
# may be some points off either way. [An appendix](appendix/conformal_sets.ipynb) shows how both
# depend on $n$, which $\alpha$ makes sense, and two scores besides $1 - p$.

# %% [markdown]
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(9)

# %% [markdown]
# ## What you have learned
#
# - A temperature repairs confidences and keeps every answer. It hardly changes the ranking.
#   Averaging members is a repair, too; look at the excess before you add another.
# - The grouping loss is what an average over unlike images hides.
# - A conformal set keeps its promise on average, for any network, as long as new images come from
#   the same source. A better network has smaller sets.
#
# **What comes next.** All of this was fitted on digits of one kind. Chapter 10 changes the world.
#
# ### Sources
#
# - C. Guo, G. Pleiss, Y. Sun, K. Weinberger (2017). On calibration of modern neural networks.
#   *ICML*. [arXiv:1706.04599](https://arxiv.org/abs/1706.04599). Temperature scaling.
# - R. Rahaman, A. Thiery (2021). Uncertainty quantification and deep ensembles. *NeurIPS*.
#   [arXiv:2007.08792](https://arxiv.org/abs/2007.08792). Why an average of calibrated members is
#   too cautious.
# - M. Kull, P. Flach (2015). Novel decompositions of proper scoring rules for classification. *ECML
#   PKDD*. [doi:10.1007/978-3-319-23528-8_5](https://doi.org/10.1007/978-3-319-23528-8_5). The three
#   parts of a proper score.
# - V. Vovk, A. Gammerman, G. Shafer (2005). *Algorithmic Learning in a Random World*. Springer. The
#   source of the proof above.
# - A. Angelopoulos, S. Bates (2021). A gentle introduction to conformal prediction and
#   distribution-free uncertainty quantification.
#   [arXiv:2107.07511](https://arxiv.org/abs/2107.07511). Begin here.
