# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10. When the world changes
#
# A scanner gets dirty, a printer runs out of ink, somebody posts a photo of a shoe. Everything you
# measured so far was measured on clean digits. What is it worth now?
#
# **Questions**
#
# - What happens to doubt when the images change?
# - Which score tells clothes from digits?
# - How do I bring my own images?
#
# **Objectives.** After this chapter you can
#
# - draw accuracy, calibration and disagreement against the severity of a corruption, and say which
#   of them needs no labels;
# - compute an energy score and compare five scores for out-of-distribution images;
# - bring images of your own into the form the network knows.
#
# **Time.** About 25 minutes to read and play. Nothing is trained; the code needs about half a
# minute.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Make some trouble yourself
#
# Draw a digit, then change it step by step: tilt it, thicken it, strike it through, turn it into
# something that isn't a digit. When do the eight members begin to disagree, and when do you?

# %%
from course_utils.networks import zoo
from course_utils.widgets import drawing_pad

eight = zoo.load("modest-deep-ensemble-8")
drawing_pad(eight)

# %% [markdown]
# ## Data and models

# %%
import numpy as np
import pandas as pd

from course_utils import figures
from course_utils.images import ImageSet, load_fashion_mnist, load_mnist
from course_utils.metrics import scores
from course_utils.metrics.calibration import expected_calibration_error
from course_utils.metrics.detection import ood_detection
from course_utils.networks.evaluation import predict

data_test = load_mnist("test")
data_ood = load_fashion_mnist("test")
print(data_test, data_ood, sep="\n")

# %% [markdown]
# The **modest** networks learned from 2,000 digits and make mistakes, so there's something to see.
# The **good** ones are those of chapter 6. Both families have a single LeNet, a Deep Ensemble of
# eight and a Packed-Ensemble of four.

# %%
modest = {
    "LeNet": zoo.load("modest-lenet-0"),
    "DE-8": eight,
    "PE-4": zoo.load("modest-packed-4"),
}
good = {
    "LeNet": zoo.load("lenet-0"),
    "DE-8": zoo.load("deep-ensemble-8"),
    "PE-4": zoo.load("packed-4-0"),
}
modest_answers = {name: predict(model, data_test) for name, model in modest.items()}
good_answers = {name: predict(model, data_test) for name, model in good.items()}
pd.DataFrame(
    {
        family: {name: answers[name].correct.mean() for name in answers}
        for family, answers in (("modest", modest_answers), ("good", good_answers))
    }
).rename_axis("accuracy").T.round(4)

# %% [markdown]
# ## Distribution shift
#
# The test digits were scanned and prepared like the training digits, even where other people wrote
# them. The world doesn't keep to that: a camera shakes, paper gets stained, a printer runs out of
# ink. The answer is still one of the ten digits, but the images have **shifted** away from what the
# network learned. It will make more mistakes. Does it *notice*?
#
# We damage digits ourselves, in eight ways and five severities. (This isn't the benchmark MNIST-C,
# so don't compare our numbers with published ones; [an appendix](appendix/shift_benchmark.ipynb)
# shows how to test on that.)

# %%
from course_utils.figures.shift import severity_curves, severity_sheet
from course_utils.images.corruptions import CORRUPTIONS, corrupt

severities = (0, 1, 2, 3, 4, 5)
one_digit = data_test.images[data_test.labels == 4][:1]
severity_sheet(
    {
        kind: np.concatenate([corrupt(one_digit, kind, s) for s in severities])
        for kind in CORRUPTIONS
    }
)

# %% [markdown]
# Severity 0 is the digit as it was. You can still read most of them at severity 5: where a network
# gives up, the label hasn't become false.
#
# Now we damage 300 digits in all eight ways. For each severity we put the eight together.


# %%
def shifted(images, severity):
    """All kinds of damage, one after the other."""
    parts = [corrupt(images, name, severity) for name in CORRUPTIONS]
    return ImageSet(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        name=f"{images.name}, eight kinds of damage, severity {severity}",
    )


generator = np.random.default_rng(seed=0)
some_digits = data_test.subset(generator.choice(len(data_test), 300, replace=False))
by_severity = {0: some_digits} | {s: shifted(some_digits, s) for s in severities[1:]}

# %% [markdown]
# Four measures, known from chapters 3 and 5: accuracy, ECE, the entropy of the answer, and the
# share of pairs of members that disagree. A single network has no pairs.


# %%
def measures(predictions):
    single = predictions.num_members == 1
    return {
        "accuracy": predictions.correct.mean(),
        "ECE": expected_calibration_error(predictions),
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
# - **Accuracy** falls. At severity 5 it is lower than on the digits as they
#   are.<!--claim:shift-lowers-accuracy supported-->
# - **ECE** ends far above where it began:<!--claim:shift-raises-ece supported--> the confidence no
#   longer means what it says. (Severity 0 has an eighth of the images, and the ECE of few images
#   comes out too high. So if a curve seems to dip at first, nothing has improved.)
# - **Entropy** rises,<!--claim:shift-raises-entropy supported--> so the networks do notice
#   *something*.
# - **Disagreement** rises, too.<!--claim:shift-raises-disagreement supported--> Members that agreed
#   on familiar digits part where they have learned nothing. You need no label to measure that: it's
#   an alarm that works before the first complaint arrives.
#
# Compare the models in the ECE panel at severity 5. An ensemble, DE-8 as well as PE-4, is punished
# less for being wrong,<!--claim:ensembles-better-calibrated-under-shift supported--> since its
# members are seldom all sure of the same wrong answer. Ovadia et al. (2019) found the same for
# large networks and photographs.
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
# The good LeNet has seen crops and small turns; where digits move it is far ahead of the modest
# one.<!--claim:good-lenet-ahead-where-digits-move supported--> But on Gaussian noise and contrast
# the network with far fewer errors on clean digits is the one that
# fails.<!--claim:good-lenet-behind-on-grey-paper supported--> It never met grey paper. A single
# number for "robustness" hides all that.
#
# A single number for calibration hides as much. Here is the **mean confidence** minus the accuracy,
# for each kind: above 0 the network is overconfident, below 0 too cautious.

# %%
pd.DataFrame(
    {
        name: (predictions.mean.max(axis=1) - predictions.correct)
        .reshape(len(CORRUPTIONS), -1)
        .mean(axis=1)
        for name, predictions in answers.items()
    },
    index=list(CORRUPTIONS),
).round(3).rename_axis("confidence - accuracy at severity 5")

# %% [markdown]
# There are both signs. Where digits move or turn, the modest networks lose accuracy faster than
# confidence. On pale digits (contrast) they lose confidence first, the ensembles most of all. In
# one pool the two partly cancel: an average over unlike images hides what happens to each. That was
# the grouping loss of chapter 9.

# %% [markdown]
# ### Exercise 10.1: An alarm without labels
#
# *About 2 minutes.* Your ensemble reads envelopes day and night, and nobody writes down what the
# right answers would have been. You want an alarm for the day on which the scanner gets dirty.
# Which measure can you watch?
#
# Click an answer, then **Check**.

# %%
from course_utils.exercises.chapter_10 import ex10_1

ex10_1.ask()

# %% [markdown]
# What to take along: **a measure of trust that was made on familiar images holds for familiar
# images.** This includes thresholds (chapter 8), temperatures and guarantees (chapter 9).

# %% [markdown]
# ## Scores for what is no digit
#
# Chapter 3 measured how well the confidence sets clothes apart from digits. The confidence is only
# one of the numbers you can make from logits. Here are five, all with "higher = less certain".
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
# ### Exercise 10.2: The energy score
#
# *About 5 minutes.* Write the third score. `logits` is [images, members, classes]. Average the
# logits over the members, and return one energy for each image. Mind that logits can be large:
# `np.exp(1000)` is infinite.

# %%
from course_utils.exercises.chapter_10 import ex10_2


def energy(logits):
    """The energy of each image, higher for less certain."""
    return ...


ex10_2.check(energy)

# %%
ex10_2.help

# %% [markdown]
# We compare as many clothes as digits, and give AUROC and FPR95 as in chapter 3.

# %%
SCORES = {
    "maximum probability": scores.max_probability,
    "maximum logit": scores.max_logit,
    "energy": scores.energy,
    "entropy": scores.entropy,
    "mutual information": scores.mutual_information,
}
known, foreign = {}, {}
for family, models in (("modest", modest), ("good", good)):
    for name, model in models.items():
        known[family, name] = (modest_answers if family == "modest" else good_answers)[name]
        foreign[family, name] = predict(model, data_ood)

# %%
rows = {}
for measure in ("AUROC", "FPR95"):
    for (family, name), answers in known.items():
        rows[measure, family, name] = {}
        for title, score in SCORES.items():
            if title == "mutual information" and answers.num_members == 1:
                continue  # no members, no disagreement: it would be 0 for every image
            result = ood_detection(score(answers), score(foreign[family, name]))
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
# - **Energy and maximum logit** belong together: the energy is a smooth version of the largest
#   logit. Once the confidence is nearly 1, maximum probability and entropy hardly change any more,
#   while the best logit goes on growing. Does logit size still help once the softmax saturates? For
#   the good DE-8 it does: energy and maximum logit beat the
#   entropy.<!--claim:logits-ahead-of-entropy-ood supported-->
# - **Entropy** sees all ten probabilities, maximum probability only the largest. Where one rival
#   matters they order images alike.
# - **Mutual information** asks about disagreement alone and leaves out the doubt that all members
#   share. For the modest DE-8 and PE-4 mutual information is behind the
#   entropy.<!--claim:mutual-information-behind-entropy-ood supported-->
#
# Choose the score as you choose everything: on validation images of either kind, *not* on the ones
# you report. And remember chapter 1: counting grey pixels is hard to beat on clothes.

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
rows = {"without torchmetrics, all at once": ood_detection(*pair).auroc}
for batch_size in (10, 50, 200, 1_000, len(values)):
    metric = BinaryAUROC()
    for part, truth in zip(values.split(batch_size), is_ood.split(batch_size), strict=True):
        metric.update(part, truth)
    rows[f"torchmetrics, batches of {batch_size:,}"] = float(metric.compute())
pd.Series(rows, name="AUROC of the entropy").to_frame().round(4)

# %% [markdown]
# The scores are the same in all rows, and there is no warning and no error. With small batches the
# number is different, and flattering here: many batches of digits hold no entropy above 1 and
# stay as they are, near 0, while nearly every batch of clothes is squeezed into the upper half of
# the scale. With large batches every one of them is squeezed. The sigmoid keeps their order, so the
# number is right again.
#
# Two remedies: keep the scores and compute the area once, as this course does; or divide the
# entropy by $\ln 10$, so that it fits into 0 to 1.

# %% [markdown]
# ### Exercise 10.3: Same scores, other number
#
# *About 3 minutes.* The AUROC of the entropy is higher with batches of 10 than with batches of
# 1,000, by the same metric and for the same images. You write a report. What do you do?

# %%
from course_utils.exercises.chapter_10 import ex10_3

ex10_3.ask()

# %% [markdown]
# ## Your own data
#
# Everything in this course works on an `ImageSet`: images of 28 by 28 grey values, and labels from
# 0 to 9. `own_data` makes one from a folder of PNGs or from an npz file. It converts and guesses
# nothing. An image that doesn't fit is refused with one sentence
# ([an appendix](appendix/own_images.ipynb) shows which).
#
# For an example we need somebody else's digits. We write some digits as a person would: black ink
# on white paper, one subfolder for each class.

# %%
import tempfile
from pathlib import Path

from PIL import Image

desk = Path(tempfile.mkdtemp(prefix="own-data-"))
letters = desk / "from a letter"
for number, (image, label) in enumerate(
    zip(data_test.images[:300], data_test.labels[:300], strict=True)
):
    place = letters / str(label) / f"{number:03}.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 - image).save(place)
sorted(path.name for path in letters.iterdir())

# %% [markdown]
# **Load** them. For classes with other names, say `classes=["cat", "dog"]`, in the order of the
# labels. Files without subfolders must begin with their class, like `7_anna.png`.

# %%
from course_utils.images import own_images as own_data

mine = own_data.from_folder(letters)
print(mine)
figures.sample_grid(mine.images, mine.labels, per_class=12)

# %% [markdown]
# The classes are in their rows. But compare with the digits of chapter 1. This course draws high
# values dark, as ink, so MNIST's digits are black on white in all its figures. These are not.
#
# **Check** before you evaluate. `remarks` looks for what is allowed but probably not meant:
# inverted images, pale or empty ones, missing classes, copies.

# %%
for remark in own_data.remarks(mine):
    print("-", remark)

# %% [markdown]
# ### Exercise 10.4: Which way round is the ink?
#
# *About 6 minutes.* A folder may hold both kinds. Invert only the images whose paper is bright: the
# median of the outermost pixels (first and last row, first and last column) is above 127. `images`
# is uint8 [images, 28, 28], with values from 0 to 255. Return all images in their order, as uint8.

# %%
from course_utils.exercises.chapter_10 import ex10_4


def bright_ink(images):
    """All images, those on bright paper inverted."""
    return ...


ex10_4.check(bright_ink)

# %%
ex10_4.help

# %% [markdown]
# The network knows bright ink on black paper. No error would have told us: black and
# white are numbers like any others. What would it have cost?

# %%
good_way = own_data.inverted(mine)
rows = {}
for title, image_set in (("as loaded", mine), ("inverted", good_way)):
    for name in ("LeNet", "DE-8"):
        answers = predict(good[name], image_set)
        rows[title, name] = {
            "accuracy": answers.correct.mean(),
            "mean confidence": answers.mean.max(axis=1).mean(),
            "mean entropy (nats)": scores.entropy(answers).mean(),
        }
pd.DataFrame(rows).T.round(3)

# %% [markdown]
# Compare accuracy and confidence in the upper rows. Inverted digits are a shift like the ones at
# the beginning of this chapter, only stronger: the answers are worthless, and the confidence is far
# above the accuracy.<!--claim:inverted-overconfident supported--> The doubt is higher than on
# proper digits,<!--claim:inverted-raises-entropy supported--> but it does not say *why*. Look at
# your images first.
#
# From here on, everything goes as before. Two rules stay: keep images apart on which you choose,
# and keep digits from one person or one scanner in *one* part, or you test on what you have trained
# on. Photos and scans need more than scaling; `centring.as_mnist` fits and centres light ink on
# dark paper as MNIST did.
#
# **Try it.** Write some digits on paper, photograph them, and bring them here. Which mistakes do
# the networks make, and do they doubt before they make them?

# %% [markdown]
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(10)

# %% [markdown]
# ## What you have learned
#
# - When images shift, confidence and accuracy part: for some kinds of damage accuracy falls faster,
#   for others confidence. Entropy and disagreement rise and need no labels; they are alarms, not
#   cures.
# - Energy and maximum logit still tell images apart whose confidence is nearly 1. An AUROC must be
#   computed from all scores at once.
# - Images of your own go through the same pipeline. Look first which way round the ink is.
#
# **What comes next.** In chapter 11 you put all of it to work in a sorting office. The appendices
# go further: [other ensembles](appendix/other_ensembles.ipynb), [a published benchmark of
# shift](appendix/shift_benchmark.ipynb), [several devices](appendix/devices.ipynb).
#
# ### Sources
#
# - D. Hendrycks, T. Dietterich (2019). Benchmarking neural network robustness to common corruptions
#   and perturbations. *ICLR*. [arXiv:1903.12261](https://arxiv.org/abs/1903.12261)
# - Y. Ovadia et al. (2019). Can you trust your model's uncertainty? *NeurIPS*.
#   [arXiv:1906.02530](https://arxiv.org/abs/1906.02530)
# - D. Hendrycks, K. Gimpel (2017). A baseline for detecting misclassified and out-of-distribution
#   examples. *ICLR*. [arXiv:1610.02136](https://arxiv.org/abs/1610.02136)
# - W. Liu et al. (2020). Energy-based out-of-distribution detection. *NeurIPS*.
#   [arXiv:2010.03759](https://arxiv.org/abs/2010.03759)
# - D. Hendrycks et al. (2022). Scaling out-of-distribution detection for real-world settings.
#   *ICML*. [arXiv:1911.11132](https://arxiv.org/abs/1911.11132)
