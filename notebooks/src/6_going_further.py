# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6. Going further
#
# Eight short lessons, each with one question of its own. They need only the cells of data and
# models that come first, and not each other: read them in any order, or only the one you came for.
#
# **Questions**
#
# - What happens to doubt when the images change?
# - When is a confidence a probability, and can it be repaired?
# - Can a classifier promise how often it is wrong?
# - Which score tells clothes from digits?
# - Which other ensembles are there, and what do they cost?
# - What is it that calibration cannot see?
# - How do I bring my own images, and more than one device?
#
# **Objectives.** After this chapter you can
#
# - draw accuracy, calibration and disagreement against the severity of a corruption, and say which
#   of them needs no labels;
# - fit a temperature on validation images, and predict what it changes and what it cannot change;
# - build prediction sets with a promised coverage, and measure whether the promise is kept;
# - compare five scores for out-of-distribution images, and show how a batch size can spoil one;
# - set other ensembles beside the ones you know, for the same budget;
# - explain the grouping loss on an example where it is known;
# - run the whole pipeline on images of your own;
# - train on several devices, and show that each of them sees its own images.
#
# **Time.** About 90 minutes to read and play, roughly ten for each section. The code needs about a
# minute; up to three where it trains.

# %% [markdown]
# ## Data and models for all sections
#
# What several sections need is imported here. The images come in the parts that chapter 1 made.

# %%
import numpy as np
import pandas as pd

from course_utils import figures, scores, zoo
from course_utils.data import ImageSet, batches, load_fashion_mnist, load_mnist
from course_utils.training import predict

data_train = load_mnist("train")
data_val = load_mnist("val")
data_test = load_mnist("test")
data_ood = load_fashion_mnist("test")
[data_train, data_val, data_test, data_ood]

# %% [markdown]
# This chapter looks at shipped networks, and they have seen none of the sample's digits. So, on the
# sample, all digits but the validation digits can test them: more errors to look at, and less
# chance in every number. The sections speak of `digits`; only who trains something of his own here
# must keep to `data_test`.

# %%
digits = data_test
if data_test.source == "sample":
    digits = ImageSet(
        np.concatenate([data_train.images, data_test.images]),
        np.concatenate([data_train.labels, data_test.labels]),
        name="sample digits other than validation",
        source="sample",
    )
print(f"{len(data_val):,} digits to fit on, {len(digits):,} digits to report on")

# %% [markdown]
# Two families of networks come with the course. The **modest** ones learned from few digits and
# make mistakes, so that there is something to see. The **good** ones are those of chapter 4. Both
# have a single LeNet, a Deep Ensemble of eight and a Packed-Ensemble of four.

# %%
modest = {
    "LeNet": zoo.load("modest-lenet-0"),
    "DE-8": zoo.load("modest-deep-ensemble-8"),
    "PE-4": zoo.load("modest-packed-4"),
}
good = {
    "LeNet": zoo.load("lenet-0"),
    "DE-8": zoo.load("deep-ensemble-8"),
    "PE-4": zoo.load("packed-4-0"),
}
names = ("modest-lenet-0", "modest-packed-4", "lenet-0", "packed-4-0")
pd.DataFrame({name: zoo.facts(name) for name in names}).loc[["epochs", "num_train"]]

# %% [markdown]
# What they say about the validation digits, and about the digits to report on:

# %%
modest_val = {name: predict(model, data_val) for name, model in modest.items()}
modest_answers = {name: predict(model, digits) for name, model in modest.items()}
good_answers = {name: predict(model, digits) for name, model in good.items()}
pd.DataFrame(
    {
        family: {name: answers[name].correct.mean() for name in answers}
        for family, answers in (("modest", modest_answers), ("good", good_answers))
    }
).rename_axis("accuracy").T.round(4)

# %% [markdown]
# ## Distribution shift
#
# *What happens to doubt when the images change?*
#
# The test digits come from the same hands and scanners as the training digits. The world does not
# keep to that: a camera shakes, paper is stained, a printer runs out of ink. The answer is still
# one of the ten digits, but the images have **shifted** away from what the network learned. It will
# make more mistakes. Our question is whether it *notices*.
#
# We damage digits ourselves, in eight ways and five severities, with transforms that torchvision
# and torch-uncertainty ship. This is *not* the benchmark MNIST-C, which we meet below: our numbers
# cannot be compared with published ones.

# %%
from course_utils.corruptions import CORRUPTIONS, corrupt
from course_utils.figures.shift import severity_curves, severity_sheet

severities = (0, 1, 2, 3, 4, 5)
one_digit = digits.images[digits.labels == 4][:1]
severity_sheet(
    {
        kind: np.concatenate([corrupt(one_digit, kind, s) for s in severities])
        for kind in CORRUPTIONS
    }
)

# %% [markdown]
# Severity 0 is the digit as it was. Up to severity 3 you will read all of them, and most at 5. Keep
# that in mind: where a network gives up, the label has not become false.
#
# Now a random choice of digits, each damaged in all eight ways. For each severity we put the eight
# together.


# %%
def shifted(images, severity):
    """All kinds of damage, one after the other."""
    parts = [corrupt(images, name, severity) for name in CORRUPTIONS]
    return ImageSet(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        name=f"{images.name}, eight kinds of damage, severity {severity}",
        source=images.source,
    )


generator = np.random.default_rng(seed=0)
some_digits = digits.subset(generator.choice(len(digits), 300, replace=False))
by_severity = {0: some_digits} | {s: shifted(some_digits, s) for s in severities[1:]}
for severity, images in by_severity.items():
    print(f"severity {severity}: {len(images):,} images")

# %% [markdown]
# Four measures, all known from chapters 2 and 3: accuracy, ECE, the entropy of the answer, and the
# share of pairs of members that disagree. A single network has no pairs.


# %%
def measures(predictions):
    single = predictions.num_members == 1
    return {
        "accuracy": predictions.correct.mean(),
        "ECE": figures.calibration_bins(predictions).error,
        "entropy (nats)": scores.entropy(predictions).mean(),
        "disagreement": np.nan if single else scores.disagreement(predictions).mean(),
    }


def against_severity(models):
    results = {}
    for name, model in models.items():
        each = [measures(predict(model, images)) for images in by_severity.values()]
        results[name] = pd.DataFrame(each).to_dict("list")
    return results


modest_shift = against_severity(modest)
severity_curves(modest_shift, percent={"accuracy", "ECE", "disagreement"})

# %% [markdown]
# Read the panels one after the other.
#
# - **Accuracy** falls with every step. That is no surprise.
# - **ECE** ends far above where it began: the confidence no longer means what it says. The networks
#   become overconfident, because they lose accuracy faster than confidence. On the way the ECE of
#   an ensemble may dip. An ensemble can be too cautious on familiar digits, and a little damage
#   makes its caution fit.
# - **Entropy** rises. So the networks do notice *something*. It is only not enough.
# - **Disagreement** rises, too. Members that agreed on familiar digits continue in different
#   directions where they have learned nothing. No label is needed to measure this: on a stream of
#   images it's an alarm that works before the first complaint arrives.
#
# Compare the models in the ECE panel. An ensemble is punished less for being wrong, since its
# members seldom are all sure of the same wrong answer. Ovadia et al. (2019) found the same for
# large networks and photographs: among the methods they tried, Deep Ensembles kept their
# calibration best under shift.
#
# Which kind of damage is worst? We add the good LeNet to the modest networks.

# %%
asked = modest | {"good LeNet": good["LeNet"]}
answers = {name: predict(model, by_severity[5]) for name, model in asked.items()}
pd.DataFrame(
    {
        name: predictions.correct.reshape(len(CORRUPTIONS), -1).mean(axis=1)
        for name, predictions in answers.items()
    },
    index=list(CORRUPTIONS),
).round(3).rename_axis("accuracy at severity 5")

# %% [markdown]
# Some kinds hardly hurt, others destroy the answers, and which is which depends on the training.
# The modest networks learned without random crops and are lost where a digit moves. The good LeNet
# has seen crops, and small turns; there it is far ahead. But look at Gaussian noise and contrast:
# the network with far fewer errors on clean digits is the one that fails. What it learned from many
# digits, and never needed there, was what to do with grey paper. One number for "robustness" hides
# all that.
#
# Accuracy and ECE of both families:

# %%
good_shift = against_severity(good)
gap = {}
for family, results in (("modest", modest_shift), ("good", good_shift)):
    for name, result in results.items():
        for measure in ("accuracy", "ECE"):
            gap[family, name, measure] = pd.Series(result[measure], severities)
pd.DataFrame(gap).T.round(3).rename_axis(columns="severity")

# %% [markdown]
# The good networks start higher. But a high accuracy on clean digits promises nothing about damaged
# ones. Look how long they keep their lead, what is left of it at severity 5, and at their ECE on
# the way.

# %% [markdown]
# ### MNIST-C, and torch-uncertainty's own way
#
# MNIST-C (Mu and Gilmer, 2019) is a fixed set of damaged MNIST test digits: fifteen kinds, one
# strength each. torch-uncertainty can read it. One trap: `MNISTC(subset="fog")` of version 0.13
# looks for the labels in a folder where the archive has none, while `subset="all"` finds them.
# `mnist_c.folder()` of this course puts a copy where both look, and fetches the archive (240 MB)
# with a time-out. On the bundled sample it doesn't try.
#
# Where MNIST-C is not to be had, our own damage at severity 3 stands in, under its own name.

# %%
from torch_uncertainty.datasets import MNISTC

from course_utils import mnist_c
from course_utils.data import DataUnavailableError

try:
    everything = MNISTC(mnist_c.folder(), subset="all", split="test")
    chosen = generator.choice(len(everything), 3_000, replace=False)
    data_shift = ImageSet(
        everything.samples[chosen].reshape(-1, 28, 28),
        everything.labels[chosen].astype(np.int64),
        name=f"MNIST-C, {len(chosen):,} of {len(everything):,} images",
        source="full",
    )
except DataUnavailableError as error:
    print(error)
    data_shift = by_severity[3]
print("Used below:", data_shift.name)

# %% [markdown]
# The routine of chapter 2 evaluates shift if asked by `eval_shift=True`. It then needs a
# *datamodule*, an object that holds the loaders: first the familiar images, then the shifted ones.
# A plain list of loaders isn't enough, because the routine asks the datamodule for its
# `shift_severity`. This one attribute and one method suffice.

# %%
from lightning.pytorch import LightningDataModule


class ShiftModule(LightningDataModule):
    """Familiar and shifted images for `eval_shift`."""

    shift_severity = 1  # MNIST-C has one strength; the routine only hands this on

    def __init__(self, familiar, shifted):
        super().__init__()
        self.loaders = [batches(familiar, 500), batches(shifted, 500)]

    def test_dataloader(self):
        return self.loaders


# %% [markdown]
# Where it puts the measures that we want, for the familiar and for the shifted images:

# %%
keys = {
    "accuracy": ("test/cls/Acc", "shift/cls/Acc"),
    "ECE": ("test/cal/ECE", "shift/cal/ECE"),
    "NLL": ("test/cls/NLL", "shift/cls/NLL"),
    "entropy": ("test/cls/Entropy", "shift/Entropy"),
    "disagreement": ("test/ens_Disagreement", "shift/ens_Disagreement"),
}

# %% [markdown]
# Now the trainer tests each modest network on both.

# %%
from torch_uncertainty import TUTrainer
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.training import quiet

quiet()
rows = {}
for name, model in modest.items():
    routine = ClassificationRoutine(
        model, num_classes=10, is_ensemble=name != "LeNet", eval_shift=True
    )
    trainer = TUTrainer(
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    datamodule = ShiftModule(some_digits, data_shift)
    measured = trainer.test(routine, datamodule=datamodule, verbose=False)[0]
    for measure, pair in keys.items():
        for part, key in zip(("familiar", "shifted"), pair, strict=True):
            rows.setdefault((name, part), {})[measure] = measured.get(key, np.nan)
pd.DataFrame(rows).T.round(3)

# %% [markdown]
# Compare the two rows of each network. The story is that of the curves: less accurate, worse
# calibrated, more entropy, more disagreement. (NaN: a single network has nobody to disagree with.)
#
# What to take along: **a measure of trust that was made on familiar images holds for familiar
# images.** This includes thresholds (chapter 5), temperatures and guarantees (both below).
#
# *Sources:* Hendrycks and Dietterich (2019), Mu and Gilmer (2019), Ovadia et al. (2019).

# %% [markdown]
# ## Calibration
#
# *When is a confidence a probability, and can it be repaired?*
#
# A network is **calibrated** if, of all answers given with confidence $p$, a share $p$ is right.
# Most networks are not. The smallest repair (Guo et al., 2017) divides all logits by one number,
# the **temperature** $T$:
#
# $$ p_T(c \mid x) = \frac{e^{z_c / T}}{\sum_k e^{z_k / T}}. $$
#
# $T > 1$ makes every answer less certain, $T < 1$ more certain. $T$ is chosen such that the NLL on
# *validation* images is smallest. It must not be the training images: there the network is right
# nearly always, and would want to be surer still.
#
# ### One network
#
# torch-uncertainty's `TemperatureScaler` wraps a network and fits its temperature.

# %%
from torch_uncertainty.post_processing import TemperatureScaler

scaler = TemperatureScaler(modest["LeNet"])
scaler.fit(batches(data_val, 500), progress=False)
temperature = float(scaler.temperature[0].detach())
print(f"temperature of the modest LeNet: {temperature:.2f}")

# %% [markdown]
# A temperature above 1 says that the network was overconfident, one below 1 that it was too
# cautious. The scaler's outputs are again logits. So are what our `calibration.scale` returns, from
# logits that we have already; it saves asking the network again.

# %%
from course_utils import calibration, selective

before = modest_answers["LeNet"]
after = calibration.scale(before, members=temperature)


def summary(predictions):
    uncertainty = scores.max_probability(predictions)
    return {
        "accuracy": predictions.correct.mean(),
        "NLL": calibration.negative_log_likelihood(predictions),
        "ECE": figures.calibration_bins(predictions).error,
        "AURC": selective.risk_coverage(uncertainty, predictions.correct).aurc,
    }


pd.DataFrame({"before": summary(before), "after": summary(after)}).round(5)

# %%
figures.reliability_diagram({"before": before, "after": after})

# %% [markdown]
# Observe that the accuracy is the same to the last digit, that the NLL is better, and that the
# curve moved towards the diagonal. One number, fitted in a moment, without touching a weight.
#
# ### What a temperature cannot do
#
# Now we turn the temperature far in both directions.

# %%
temperatures = (0.25, 0.5, 1, 2, 4, 8)
turned = {T: summary(calibration.scale(before, members=T)) for T in temperatures}
pd.DataFrame(turned).rename_axis(columns="temperature").round(5)

# %% [markdown]
# Observe three kinds of rows.
#
# - The **accuracy** does not move at all. Dividing by $T$ keeps the order of the ten logits of an
#   image, so no *answer* ever changes.
# - **ECE and NLL** change a great deal.
# - **AURC** moves far less. What counts there is the order of the *images*, from certain to
#   uncertain.
#
# Why does it move at all? The order of images can change, because the confidence depends on all ten
# logits. Here are the gaps of two images to their best logit, with three classes to keep it short:

# %%
gaps = np.array([[0.0, -1.0, -20.0], [0.0, -1.5, -1.5]])
confidence = {T: 1 / np.exp(gaps / T).sum(axis=1) for T in (0.25, 1, 4)}
names = ["one rival", "two rivals"]
pd.DataFrame(confidence, index=names).rename_axis(columns="temperature").round(3)

# %% [markdown]
# Observe that the lead changes hands. At a low temperature only the nearest rival counts; at a high
# one all of them do. In practice most images have one rival that matters, and the order stays
# nearly the same. So **calibration and ranking are two different qualities**: a temperature repairs
# the first and leaves the second alone. For deciding by a threshold, chapter 5, only the second
# counts.

# %% [markdown]
# ### A repair with more freedom
#
# **Isotonic regression** (Zadrozny and Elkan, 2002) assumes only that a higher score should not
# mean a lower probability. For each class it fits the rising staircase that is nearest to the truth
# on the calibration images, then the ten results are divided by their sum. We fit both methods on
# few and on all validation digits.

# %%
from torch_uncertainty.post_processing import IsotonicRegressionScaler

from course_utils.predictions import Predictions


def repaired(scaler, images):
    """What a fitted scaler makes of some images."""
    outputs = [scaler(inputs).detach().numpy() for inputs, _ in batches(images, 500)]
    return Predictions(np.concatenate(outputs)[:, np.newaxis], images.labels)


generator = np.random.default_rng(seed=1)
results = {"no repair": summary(before) | {"distinct confidences": len(before)}}
for method in (TemperatureScaler, IsotonicRegressionScaler):
    for count in (200, len(data_val)):
        chosen = data_val.subset(generator.choice(len(data_val), count, replace=False))
        scaler = method(modest["LeNet"])
        scaler.fit(batches(chosen, 500), progress=False)
        answers = repaired(scaler, digits)
        distinct = len(np.unique(answers.mean.max(axis=1).round(9)))
        name = f"{method.__name__.removesuffix('Scaler')}, {count:,} digits"
        results[name] = summary(answers) | {"distinct confidences": distinct}
pd.DataFrame(results).T.round(4)

# %% [markdown]
# Read it row by row.
#
# - The temperature has one number to fit. From two hundred digits, with a handful of mistakes among
#   them, it may come out a little off, but it keeps all answers and, nearly, their order.
# - The staircases have as many steps as the data ask for. With two hundred digits they are mostly
#   chance: compare the NLL. A class that was never the true one below some score gets a probability
#   of nearly 0 there (torch-uncertainty stops at one in a million), and one surprise then costs a
#   lot. With more digits the gap to the temperature shrinks.
# - A staircase is flat on its steps. All images on one step get the same confidence, and **no
#   threshold can separate them any more**: see how few distinct confidences are left, and what that
#   does to the AURC. Even the answer may change, since each class has its own staircase.
#
# On our scale of data, take the temperature.

# %% [markdown]
# ### Ensembles: divide before or after the average?
#
# torch-uncertainty's routine refuses post-processing for ensembles, with good reason: it is not
# clear what to divide. There are two ways.
#
# - **Calibrate, then pool.** Each member gets its own temperature, on its own answers. Then the
#   probabilities are averaged.
# - **Pool, then calibrate.** The average $\bar p$ is made as usual, and its *logarithm* is divided:
#   $p_T(c) \propto \bar p(c)^{1/T}$. (Logarithms of probabilities serve as logits.)


# %%
def variants(fitted, answers):
    """The ways to repair an ensemble: what comes out, and the temperatures."""
    each = calibration.member_temperatures(fitted)
    of_mean = calibration.fit_temperature(calibration.log_mean(fitted), fitted.labels)
    return {
        "no repair": (answers, ""),
        "calibrate, then pool": (
            calibration.scale(answers, members=each),
            f"{each.min():.2f} to {each.max():.2f}",
        ),
        "pool, then calibrate": (
            calibration.scale(answers, mean=of_mean),
            f"{of_mean:.2f}",
        ),
    }


# %% [markdown]
# Both ways, for both modest ensembles. The column *excess* is mean confidence minus accuracy; below
# 0 means too cautious.

# %%
rows = {}
for name in ("DE-8", "PE-4"):
    ways = variants(modest_val[name], modest_answers[name])
    for way, (one, shown) in ways.items():
        excess = one.mean.max(axis=1).mean() - one.correct.mean()
        rows[name, way] = {"T": shown, "excess": f"{excess:+.4f}"}
        for measure in ("accuracy", "NLL", "ECE"):
            rows[name, way][measure] = f"{summary(one)[measure]:.4f}"
pd.DataFrame(rows).T

# %% [markdown]
# The members' own temperatures are clearly above 1: alone, each of them is overconfident. Their
# average is *less* confident than they are, since it includes their disagreement. So **averaging is
# a repair in itself**, and where the first row of a model has an excess near 0 it has been enough.
#
# Repair the members first, and the average makes them cautious a second time: too cautious, as
# Rahaman and Thiery (2021) and Wu and Gales (2021) found. "Pool, then calibrate" takes the average
# for what it is and needs one temperature only. It aims at the NLL, in which a few bad surprises
# weigh heavily; so it may lower the NLL and yet not the ECE.
#
# The price: what comes out of "pool, then calibrate" is a single answer. Mutual information and
# disagreement must be computed from the members *before*.

# %% [markdown]
# ### Where it helps, and where not
#
# Does a temperature that was fitted on clean digits hold for damaged ones? We take some digits, and
# damage each of them in one of the ways of the section on distribution shift.

# %%
from course_utils.corruptions import CORRUPTIONS, corrupt

some_digits = digits.subset(generator.choice(len(digits), 1_000, replace=False))
kind = generator.integers(len(CORRUPTIONS), size=len(some_digits))
damaged = some_digits.images.copy()
for number, name in enumerate(CORRUPTIONS):
    damaged[kind == number] = corrupt(damaged[kind == number], name, severity=4)
data_damaged = ImageSet(damaged, some_digits.labels, "damaged, severity 4", digits.source)
figures.misclassified_gallery(damaged, predict(modest["DE-8"], data_damaged), limit=8)

# %% [markdown]
# These are the most confident mistakes of the modest Deep Ensemble. Now all networks, each with one
# temperature for its average, on the familiar and on the damaged digits.

# %%
rows = {}
for family, models in (("modest", modest), ("good", good)):
    for name, model in models.items():
        fitted = modest_val[name] if family == "modest" else predict(model, data_val)
        T = calibration.fit_temperature(calibration.log_mean(fitted), fitted.labels)
        rows[family, name] = {"T": T}
        for part, images in (("familiar", some_digits), ("damaged", data_damaged)):
            answers = predict(model, images)
            both = {"before": answers, "after": calibration.scale(answers, mean=T)}
            for when, one in both.items():
                rows[family, name][f"ECE {part} {when}"] = summary(one)["ECE"]
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# Three things to look for.
#
# - The further $T$ is from 1, the more there was to repair. A modest LeNet, trained on few digits
#   until it knew them by heart, is the typical patient. A $T$ below 1 belongs to a network that is
#   more cautious than it need be.
# - Where $T$ is near 1 and the ECE is small already, expect no gain: "before" and "after" then
#   differ by chance, since the ECE of so few errors is itself noisy.
# - On damaged digits the ECE is several times as large, before *and* after. The temperature was
#   made for another distribution. There it may help, where the network is overconfident and $T$ is
#   above 1, or harm. It can't know.
#
# *Sources:* Zadrozny and Elkan (2002), Guo et al. (2017), Ovadia et al. (2019), Rahaman and Thiery
# (2021), Wu and Gales (2021).

# %% [markdown]
# ## Conformal sets
#
# *Can a classifier promise how often it is wrong?*
#
# A single answer is right or wrong. A **set** of answers can be made as safe as we like: the set of
# all ten digits always holds the truth. **Conformal prediction** makes sets that are as small as it
# can and holds a promise: with probability at least $1 - \alpha$ the truth is in the set. It needs
# no assumption about the network. What it needs is a number of labelled images that the network did
# not learn from, and that new images come from the same source. (The exact condition is that all of
# them are *exchangeable*: every order is equally likely.)
#
# The recipe:
#
# 1. Choose a score $s(x, c)$ that says how badly class $c$ fits image $x$, for instance
#    $1 - p(c \mid x)$.
# 2. Compute the scores of the *true* classes of $n$ calibration images.
# 3. Take the $k$-th smallest of them, $k = \lceil (n + 1)(1 - \alpha) \rceil$, and call it
#    $\hat q$.
# 4. The set of a new image is $\{c : s(x, c) \le \hat q\}$.
#
# Why does it work? The true score of the new image is one more draw from the same source. It is
# equally likely to take each of the $n + 1$ places in the order of all true scores, so it is among
# the first $k$ with probability $k / (n + 1) \ge 1 - \alpha$. That is the whole proof (Vovk et al.,
# 2005).
#
# ### Three scores, by torch-uncertainty
#
# - **THR** (Sadinle et al., 2019): $s = 1 - p(c \mid x)$.
# - **APS** (Romano et al., 2020): the probabilities of $c$ and of all classes before it, added up
#   from the most probable one on. Sets adapt more to the difficulty of an image.
# - **RAPS** (Angelopoulos et al., 2021): APS with a penalty for every rank beyond the first few,
#   which cuts long tails.
#
# Each wraps a network and is fitted on validation digits. (They would fit a temperature first, too;
# we switch that off to see one thing at a time.) We allow that one set in a hundred misses the
# truth.

# %%
import torch
from torch_uncertainty.post_processing import (
    ConformalClsAPS,
    ConformalClsRAPS,
    ConformalClsTHR,
)

alpha = 0.01
sets, rows = {}, {}
for method in (ConformalClsTHR, ConformalClsAPS, ConformalClsRAPS):
    torch.manual_seed(0)  # APS and RAPS draw a random number for each image
    wrapped = method(alpha=alpha, model=modest["LeNet"], enable_ts=False)
    wrapped.fit(batches(data_val, 500))
    with torch.inference_mode():
        outputs = [wrapped(images).numpy() for images, _ in batches(digits, 500)]
    name = method.__name__.removeprefix("ConformalCls")
    sets[name] = np.concatenate(outputs) > 0  # the classes of the set share all probability
    sizes = sets[name].sum(axis=1)
    rows[name] = {
        "coverage": sets[name][np.arange(len(digits)), digits.labels].mean(),
        "mean size": sizes.mean(),
        "largest": sizes.max(),
        "sets of one": (sizes == 1).mean(),
    }
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# Observe that all three keep about what they promised, and that their sizes differ. *Given* the
# coverage, smaller sets are better. THR would make the smallest on average if the probabilities
# were the true ones; APS is close here. RAPS does what it is for: its largest set is short. But
# with torch-uncertainty's default penalty hardly any set has one class. That penalty suits a
# thousand classes of photographs. Beside confidences so near to 1 it outweighs everything else, and
# all images get sets of about the same size. Defaults are somebody else's choices.
#
# What do the sets of THR look like where they hold more than one class?

# %%
from course_utils.figures.conformal import coverage_histograms, prediction_set_gallery

larger = np.flatnonzero(sets["THR"].sum(axis=1) > 1)
shown = np.random.default_rng(seed=0).permutation(larger)[:24]
pictures, labels = digits.images[shown], digits.labels[shown]
prediction_set_gallery(pictures, sets["THR"][shown], labels, limit=24)

# %% [markdown]
# Read the sets as sentences: "it is one of these". Where the truth is not in the set, it stands
# below. A human who gets a digit with a set of two has an easier task than with all ten. Some of
# these digits *are* ambiguous, and a set is honest about that in a way that one answer cannot be.
# Others are plain; there the set tells of a network that learned from few digits.

# %% [markdown]
# ### How alpha relates to the error rate
#
# Which $\alpha$ is sensible? We go through several, on cached probabilities. `conformal` is the
# course's version of the same scores, in NumPy; it does not add the most probable class to an empty
# set, as torch-uncertainty does.

# %%
from course_utils import conformal

fitted, answers = modest_val["LeNet"], modest_answers["LeNet"]
scores_val = conformal.threshold_scores(fitted.mean)
true_scores = scores_val[np.arange(len(fitted)), fitted.labels]
scores_test = conformal.threshold_scores(answers.mean)
rows = {}
for alpha in (0.2, 0.1, 0.05, 0.02, 0.01, 0.005):
    threshold = conformal.quantile(true_scores, alpha)
    found = conformal.prediction_sets(scores_test, threshold)
    sizes = found.sum(axis=1)
    rows[alpha] = {
        "promised": 1 - alpha,
        "coverage": found[np.arange(len(answers)), answers.labels].mean(),
        "empty": (sizes == 0).mean(),
        "one class": (sizes == 1).mean(),
        "two or more": (sizes > 1).mean(),
    }
print(f"error rate of the network: {1 - answers.correct.mean():.4f}")
pd.DataFrame(rows).T.rename_axis("alpha").round(4)

# %% [markdown]
# Compare each $\alpha$ with the error rate.
#
# - **Above it**, the single most probable class is right often enough already. To come down to the
#   promise, conformal prediction makes *empty* sets: it uses its right to be wrong on the images
#   where the network is least sure. That is a rejection, like in chapter 5. torch-uncertainty
#   fills these sets with the most probable class, so that the coverage stays at the accuracy.
# - **Below it**, some sets must hold a second class, and the smaller $\alpha$ the more and the
#   longer they are.
#
# So the sets are of interest for an $\alpha$ below the error rate. With a network that errs five
# times in a thousand and $\alpha$ at one in ten, every set has at most one class.

# %% [markdown]
# ### Is the promise kept? A thousand draws
#
# The promise is about the *average* over calibration sets. For one of them, the coverage may be
# above or below. Of the digits to report on we choose $n$ at random to calibrate, and measure the
# coverage on the rest. We do so a thousand times: with $k = \lceil (n+1)(1-\alpha) \rceil$, and
# with the plain quantile of the scores, which torch-uncertainty takes (version 0.13).

# %%
promise = {"alpha": 0.05, "num_calibration": 50}
coverages = {}
for name, corrected in (("with the correction", True), ("plain quantile", False)):
    drawn = conformal.coverage_of_draws(
        scores_test, answers.labels, **promise, corrected=corrected, num_draws=1_000
    )
    coverages[name] = drawn.coverage
print(f"theory for the first: {conformal.expected_coverage(50, 0.05):.4f}")
coverage_histograms(coverages, promised=1 - promise["alpha"])

# %% [markdown]
# Observe the two means, the triangles. With the correction the mean is on the safe side of the
# promise, as proved. With the plain quantile it is too low: that one forgets that the new image is
# one more draw. Observe also the width. With fifty calibration images you may easily be some points
# off, to either side. How do both depend on $n$?

# %%
rows = {}
for num_calibration in (20, 50, 100, 200, 500):
    row = {"theory": conformal.expected_coverage(num_calibration, 0.05)}
    for corrected, name in ((True, "corrected"), (False, "plain")):
        drawn = conformal.coverage_of_draws(
            scores_test, answers.labels, 0.05, num_calibration,
            corrected=corrected, num_draws=2_000,
        )  # fmt: skip
        row[f"{name}: mean"] = drawn.coverage.mean()
        row[f"{name}: std"] = drawn.coverage.std()
        row[f"{name}: size"] = drawn.size.mean()
    rows[num_calibration] = row
pd.DataFrame(rows).T.rename_axis("n").round(4)

# %% [markdown]
# Three lessons.
#
# - The corrected mean follows the column *theory*, $k / (n + 1)$, up to the noise of the draws; and
#   theory is never below the promise. The plain mean is below, and what is missing shrinks with
#   $n$. With some thousand calibration images you need not care; with twenty you must.
# - More calibration images do not make the mean better than promised. They make *your* calibration
#   set more reliable: the standard deviation falls about as $1 / \sqrt{n}$.
# - If $n + 1 < 1 / \alpha$, no score is large enough: $k > n$, and the only honest set holds all
#   ten classes. So few images cannot support such a promise.

# %%
too_few = conformal.quantile(true_scores[:18], alpha=0.05)
enough = conformal.quantile(true_scores[:19], alpha=0.05)
print(f"threshold from 18 images: {too_few}, from 19: {enough:.4f}")

# %% [markdown]
# ### What the promise does not say
#
# The coverage is *marginal*: an average over all images. We fit on the validation digits, and look
# at the ten classes one by one; and at the other networks.

# %%
alpha = 0.01
thresholds, rows = {}, {}
for name, answers in modest_answers.items():
    fitted = modest_val[name]
    true_scores = 1 - fitted.mean[np.arange(len(fitted)), fitted.labels]
    thresholds[name] = conformal.quantile(true_scores, alpha)
    found = conformal.prediction_sets(1 - answers.mean, thresholds[name])
    covered = found[np.arange(len(answers)), answers.labels]
    by_class = pd.Series(covered).groupby(answers.labels).mean()
    rows[name] = {
        "coverage": covered.mean(),
        "mean size": found.sum(axis=1).mean(),
        "lowest of a class": by_class.min(),
        "highest of a class": by_class.max(),
    }
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# Observe two things. First, all networks keep the promise about equally well. Coverage is *no* mark
# of quality; any network gets it. What a better network gets is **smaller sets** for the same
# promise: compare the mean sizes. Second, some classes are covered less than others. An average
# hides that, and whoever writes the unlucky digit pays for it.
#
# And if the images change? We damage digits, and keep the threshold of the clean ones.

# %%
from course_utils.corruptions import CORRUPTIONS, corrupt

generator = np.random.default_rng(seed=0)
some_digits = digits.subset(generator.choice(len(digits), 400, replace=False))
rows = {}
for kind in CORRUPTIONS:
    answers = predict(modest["LeNet"], corrupt(some_digits, kind, severity=5))
    found = conformal.prediction_sets(1 - answers.mean, thresholds["LeNet"])
    rows[kind] = {
        "accuracy": answers.correct.mean(),
        "coverage": found[np.arange(len(answers)), answers.labels].mean(),
        "mean size": found.sum(axis=1).mean(),
    }
pd.DataFrame(rows).T.round(3).sort_values("coverage")

# %% [markdown]
# Observe both ends of the table. At the top the promise is broken. A digit that was moved or turned
# looks like *another* digit to the network; its sets grow, but they miss the truth far too often.
# At the bottom the promise is kept, but at what price: on pale and blurred digits the sets hold
# nearly all ten classes, which says nothing at all. That is still the better failure of the two.
# Damaged digits are not exchangeable with clean ones, so the proof covers none of these rows.
#
# Last, a set is not a probability. "The truth is in the set, $1 - \alpha$ of the time" is true of
# the procedure, not of the one digit before you.
#
# *Sources:* Vovk et al. (2005), Vovk (2012), Sadinle et al. (2019), Romano et al. (2020),
# Angelopoulos et al. (2021), Angelopoulos and Bates (2021).

# %% [markdown]
# ## Scores for what is no digit
#
# *Which score tells clothes from digits?*
#
# Chapter 2 measured how well the confidence sets clothes apart from digits. The confidence is only
# one of the numbers that can be made from logits. Here are five, all with "higher = less certain".
# $\bar p$ is the mean probability, $\bar z$ the mean logit over $M$ members, and $H$ the entropy.
#
# | score | formula | source |
# |---|---|---|
# | maximum probability | $1 - \max_c \bar p(c)$ | Hendrycks and Gimpel (2017) |
# | maximum logit | $-\max_c \bar z_c$ | Hendrycks et al. (2022) |
# | energy | $-\ln \sum_c e^{\bar z_c}$ | Liu et al. (2020) |
# | entropy | $H[\bar p]$ | Shannon (1948) |
# | mutual information | $H[\bar p] - \frac{1}{M} \sum_m H[p_m]$ | Houlsby et al. (2011) |
#
# We compare as many clothes as digits, and give AUROC and FPR95 as in chapter 2.

# %%
SCORES = {
    "maximum probability": scores.max_probability,
    "maximum logit": scores.max_logit,
    "energy": scores.energy,
    "entropy": scores.entropy,
    "mutual information": scores.mutual_information,
}
generator = np.random.default_rng(seed=2)
num_each = min(len(digits), len(data_ood), 4_000)
chosen = generator.choice(len(digits), num_each, replace=False)
clothes = data_ood.subset(generator.choice(len(data_ood), num_each, replace=False))
known, foreign = {}, {}
for family, models in (("modest", modest), ("good", good)):
    for name, model in models.items():
        answers = modest_answers if family == "modest" else good_answers
        known[family, name] = answers[name].take(chosen)
        foreign[family, name] = predict(model, clothes)
print(f"{num_each:,} digits, {len(clothes):,} clothes")

# %%
rows = {}
for measure in ("AUROC", "FPR95"):
    for (family, name), answers in known.items():
        rows[measure, family, name] = {}
        for title, score in SCORES.items():
            if title == "mutual information" and answers.num_members == 1:
                continue  # no members, no disagreement: it would be 0 for every image
            result = figures.detection(score(answers), score(foreign[family, name]))
            rows[measure, family, name][title] = getattr(result, measure.lower())
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# A high AUROC and a low FPR95 are good. (NaN: a single network has no members.) One network as a
# figure:

# %%
figures.roc_and_precision_recall(
    {
        title: (score(known["modest", "DE-8"]), score(foreign["modest", "DE-8"]))
        for title, score in SCORES.items()
    },
    ood_name="clothes",
)

# %% [markdown]
# How to read this.
#
# - **Energy and maximum logit** belong together: the energy is a smooth version of the largest
#   logit. They use something that all others have lost. The softmax looks only at *differences* of
#   logits, while the *size* of the largest one says how strongly the network's features responded
#   at all. Clothes excite the features of digits less. Compare these two columns with the others,
#   in each row: is what the softmax throws away worth something?
# - **Entropy** sees all ten probabilities, maximum probability the first only. Where one rival
#   matters they order images alike, so expect them nearer to each other than to the energy.
# - **Mutual information** asks about disagreement alone. It leaves out the doubt that all members
#   share; for finding clothes, any doubt would do. Compare its column with the entropy's: leaving
#   something out need not help.
#
# Choose the score as you choose everything: on validation images of either kind, *not* on the ones
# you report. This table is a report on five scores, and picking its winner would flatter it. And
# remember chapter 1: counting grey pixels is hard to beat on clothes.

# %% [markdown]
# ### A trap: the AUROC that depends on the batch size
#
# torch-uncertainty leaves the AUROC to torchmetrics. That takes scores for probabilities. If a
# batch holds *any* score outside 0 to 1, it assumes logits and sends the whole batch through a
# sigmoid; and it decides anew for every batch. The entropy of ten classes goes up to $\ln 10$. So
# the same scores may come out squeezed or not, depending on their neighbours. We give it the same
# scores in batches of several sizes.

# %%
import torch
from torchmetrics.classification import BinaryAUROC

key = ("modest", "LeNet")
pair = (scores.entropy(known[key]), scores.entropy(foreign[key]))
values = torch.tensor(np.concatenate(pair))
is_ood = torch.tensor(np.repeat([0, 1], [len(part) for part in pair]))
rows = {"without torchmetrics, all at once": figures.detection(*pair).auroc}
for batch_size in (10, 50, 200, 1_000, len(values)):
    metric = BinaryAUROC()
    for part, truth in zip(values.split(batch_size), is_ood.split(batch_size), strict=True):
        metric.update(part, truth)
    rows[f"torchmetrics, batches of {batch_size:,}"] = float(metric.compute())
pd.Series(rows, name="AUROC of the entropy").to_frame().round(4)

# %% [markdown]
# The scores are the same in all rows, and there is no warning and no error. With small batches the
# number is another, and here a flattering one: many batches of digits hold no entropy above 1 and
# stay as they are, near 0, while nearly every batch of clothes is squeezed into the upper half of
# the scale. With large batches every one of them is squeezed. The sigmoid keeps their order, so the
# number is right again.
#
# Two remedies: keep the scores and compute the area once, as this course does; or divide the
# entropy by $\ln 10$, so that it fits into 0 to 1.

# %%
metric = BinaryAUROC()
for part, truth in zip(values.split(50), is_ood.split(50), strict=True):
    metric.update(part / np.log(10), truth)
print(f"divided by ln 10, batches of 50: {float(metric.compute()):.4f}")

# %% [markdown]
# *Sources:* Hendrycks and Gimpel (2017), Liu et al. (2020), Hendrycks et al. (2022), Houlsby et al.
# (2011).

# %% [markdown]
# ## Other ensembles at a glance

# %% [markdown]
# ## Grouping loss

# %% [markdown]
# ## Your own data

# %% [markdown]
# ## More than one device

# %% [markdown]
# ## What you have learned

# %% [markdown]
# ### Sources
