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
from course_utils.images import ImageSet, batches, load_fashion_mnist, load_mnist
from course_utils.images.corruptions import CORRUPTIONS, corrupt
from course_utils.metrics import calibration, conformal, scores, selective
from course_utils.metrics.classification import negative_log_likelihood
from course_utils.metrics.detection import auroc
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

style.use("slides")
matplotlib.rcParams.update(style.current().rc)  # for the figures that are drawn in this deck
digits, validation = load_mnist("test"), load_mnist("val")
clothes = load_fashion_mnist("test")
names = {"LeNet": "modest-lenet-0", "DE-8": "modest-deep-ensemble-8", "PE-4": "modest-packed-4"}
networks = {title: zoo.load(name) for title, name in names.items()}
lenet, lenet_val = (predict(networks["LeNet"], part) for part in (digits, validation))
eight, eight_val = (predict(networks["DE-8"], part) for part in (digits, validation))
good_lenet = zoo.load("lenet-0")
some = digits.subset(np.random.default_rng(0).choice(len(digits), 100, replace=False))

# %% [markdown] slideshow={"slide_type": "slide"}
# # 6. Going further
#
# What if the world changes?
#
# Chapters 9 and 10, with their appendices: short lessons, each with one question of its own

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Shift, calibration, sets that keep a promise, scores for what is no digit, other
# ensembles, groups, your own images, several devices. In the notebooks each section stands alone.
#
# **Ask:** Which of them brought you here?
#
# **Likely:** Own data, and shift. Give these the time.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## You can read all of these. Can the network?

# %% jupyter={"source_hidden": true}
from course_utils.figures.shift import severity_curves, severity_sheet

severities = (0, 1, 2, 3, 4, 5)
one_digit = digits.images[digits.labels == 4][:1]
shown = ("rotation", "blur", "Gaussian noise", "contrast")
severity_sheet(
    {
        kind: np.concatenate([corrupt(one_digit, kind, severity) for severity in severities])
        for kind in shown
    }
)

# %% [markdown]
# Source: four of eight kinds; severities after Hendrycks and Dietterich (2019)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Severity 0 is the digit as it was. The label stays true, the images have *shifted* away
# from what the network learned. It will make more mistakes. Our question is whether it notices.
# (This is not MNIST-C; the notebook can fetch that, too.)
#
# **Ask:** Which row will hurt most?
#
# **Likely:** Opinions differ, and it depends on the training. We shall see.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Accuracy falls, and confidence loses its meaning


# %% jupyter={"source_hidden": true}
def all_kinds(severity):
    """Some digits, damaged in all eight ways."""
    parts = [corrupt(some, kind, severity) for kind in CORRUPTIONS] if severity else [some]
    return ImageSet(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        name=f"severity {severity}",
    )


measured = {}
for title, network in networks.items():
    measured[title] = {"accuracy": [], "ECE": [], "entropy (nats)": [], "disagreement": []}
    for severity in severities:
        p = predict(network, all_kinds(severity))
        apart = scores.disagreement(p).mean() if p.num_members > 1 else np.nan
        error = calibration.expected_calibration_error(p)
        values = (p.correct.mean(), error, scores.entropy(p).mean(), apart)
        for measure, value in zip(measured[title], values, strict=True):
            measured[title][measure].append(value)


# %% jupyter={"source_hidden": true}
def curves(*measures):
    """Some of the measures against the severity."""
    kept = {title: {m: values[m] for m in measures} for title, values in measured.items()}
    return severity_curves(kept, percent={"accuracy", "ECE", "disagreement"})


curves("accuracy", "ECE")

# %% [markdown]
# Source: modest networks, eight kinds of damage together; after Ovadia et al. (2019)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Accuracy falls with every step. The calibration error ends far above where it began: in
# some kinds accuracy falls faster than confidence, on pale digits it is the other way round, and in
# this pool the two even cancel in part. The notebook shows each kind. (Severity 0 has an eighth of
# the images, and the ECE of few images comes out too high. So a dip at first is no improvement.)
#
# **Ask:** Which curves can you draw in production?
#
# **Likely:** Neither of these two: you need labels. But see the next slide.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Doubt rises, and needs no label

# %% jupyter={"source_hidden": true}
curves("entropy (nats)", "disagreement")

# %% [markdown]
# Source: the same networks and digits; a single network has nobody to disagree with

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** So the networks do notice *something*, only not enough. Members that agreed on familiar
# digits go in different directions where they have learned nothing. On a stream of images this is
# an alarm before the first complaint arrives.
#
# **Ask:** Why is it an alarm, and not a cure?
#
# **Likely:** It says that something has changed. It does not make the answers right.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The better network is not better everywhere

# %% jupyter={"source_hidden": true}
by_kind = {}
worst = all_kinds(5)
for title, network in (("modest", networks["LeNet"]), ("good", good_lenet)):
    right = predict(network, worst).correct
    by_kind[title] = 100 * right.reshape(len(CORRUPTIONS), -1).mean(axis=1)
order = np.argsort(by_kind["good"] - by_kind["modest"])
figure = style.canvas(8, 3.5)
axes = style.panels(figure, left=8.5, top=2.2)[0][0]
for place, kind in enumerate(order):
    ends = [by_kind["modest"][kind], by_kind["good"][kind]]
    axes.plot(ends, [place, place], color=style.FRAME, linewidth=4, zorder=1)
looks = {"modest": (style.SKY, "o"), "good": (style.VERMILLION, "D")}
for title, (color, marker) in looks.items():
    values = by_kind[title][order]
    axes.scatter(values, range(len(order)), s=170, color=color, marker=marker, label=title)
axes.set_yticks(range(len(order)), [list(CORRUPTIONS)[kind] for kind in order])
axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
style.label(axes, x="accuracy at severity 5 (%)", grid="x")
told = "; ".join(f"{list(CORRUPTIONS)[k]} {by_kind['modest'][k]:.0f} and {by_kind['good'][k]:.0f}"
                 for k in order)  # fmt: skip
figures.Picture(figure, f"Accuracy in percent of a modest and a good LeNet, by damage: {told}.")

# %% [markdown]
# Source: LeNets of 2,000 digits without crops, and of 55,000 with crops and turns

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The good LeNet has seen crops and small turns, and there it is far ahead. On some kinds
# the network with far fewer errors on clean digits is the one that fails. One number for
# "robustness" hides all that.
#
# **Ask:** Why might more training make it worse on grey paper?
#
# **Likely:** It never needed to know what to do with grey. Nobody taught it.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One number brings confidence to the diagonal

# %% jupyter={"source_hidden": true}
temperature = calibration.fit_temperature(calibration.log_mean(lenet_val), lenet_val.labels)
scaled = calibration.scale(lenet, members=temperature)
figures.reliability_diagram({"before": lenet, "after": scaled})

# %% [markdown]
# Source: temperature $p_T(c) \propto e^{z_c / T}$, fitted on validation; Guo et al. (2017)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Divide all logits by one number, the temperature. Above 1 every answer becomes less
# certain. It is chosen such that the NLL on validation is smallest. Not on training images: there
# the network is right nearly always, and would want to be surer still.
#
# **Ask:** What has changed in the answers?
#
# **Likely:** Nothing. Not one answer. That is the next slide.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## It repairs confidence, and hardly moves the order

# %% jupyter={"source_hidden": true}
rows = {}
for value in (0.25, 0.5, 1, 2, 4, 8):
    turned = calibration.scale(lenet, members=value)
    ranked = selective.risk_coverage(scores.max_probability(turned), turned.correct)
    rows[f"{value:g}"] = {
        "Accuracy (%)": f"{100 * turned.correct.mean():.2f}",
        "NLL": f"{negative_log_likelihood(turned):.3f}",
        "ECE (%)": f"{100 * calibration.expected_calibration_error(turned):.1f}",
        "AURC (%)": f"{100 * ranked.aurc:.3f}",
    }
pd.DataFrame(rows).rename_axis("temperature", axis=1)

# %% [markdown]
# **Calibration and ranking are two different qualities.**
#
# Source: the modest LeNet on test digits, computed when this deck was built

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Accuracy does not move at all: dividing by T keeps the order of the ten logits. NLL and
# ECE change a great deal. AURC moves far less: what counts there is the order of the *images*. For
# a threshold that is chosen on validation images only that matters.
#
# **Ask:** Why does AURC move at all?
#
# **Likely:** The confidence depends on all ten logits. One rival or several: the lead can change.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Averaging is a repair in itself

# %% jupyter={"source_hidden": true}
each = calibration.member_temperatures(eight_val)
figures.reliability_diagram(
    {
        "one member": eight.subset(members=[0]),
        "average": eight,
        "members repaired,\nthen averaged": calibration.scale(eight, members=each),
    }
)

# %% [markdown]
# Source: the eight modest LeNets; Rahaman and Thiery (2021), Wu and Gales (2021)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Alone, each member is overconfident. The average includes their disagreement and is less
# confident than they are. Repair the members first, and the average makes them cautious a second
# time: too cautious. So first pool, then calibrate, if at all.
#
# **Ask:** What gets lost with "pool, then calibrate"?
#
# **Likely:** The members. Compute mutual information before.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A temperature holds for images like its own

# %% jupyter={"source_hidden": true}
generator = np.random.default_rng(0)
kind = generator.integers(len(CORRUPTIONS), size=1_000)
familiar = digits.subset(generator.choice(len(digits), 1_000, replace=False))
pixels = familiar.images.copy()
for number, name in enumerate(CORRUPTIONS):
    pixels[kind == number] = corrupt(pixels[kind == number], name, severity=4)
damaged = ImageSet(pixels, familiar.labels, "damaged")
errors = {}
for part, images in (("familiar digits", familiar), ("damaged digits", damaged)):
    p = predict(networks["LeNet"], images)
    for when, one in (("before", p), ("after", calibration.scale(p, members=temperature))):
        errors[f"{part}, {when}"] = 100 * calibration.expected_calibration_error(one)
figure = style.canvas(8, 3.0)
axes = style.panels(figure, left=12.5, right=4, top=0.6)[0][0]
colors = [style.SKY, style.BLUE, style.ORANGE, style.VERMILLION]
axes.barh(range(4), list(errors.values()), color=colors)
axes.set_yticks(range(4), list(errors))
axes.invert_yaxis()
for place, value in enumerate(errors.values()):
    axes.text(value + 0.4, place, f"{value:.1f}", va="center")
style.label(axes, x="ECE (%)")
told = ", ".join(f"{name} {value:.1f}" for name, value in errors.items())
figures.Picture(figure, f"Calibration error in percent: {told}.")

# %% [markdown]
# Source: the modest LeNet, temperature from clean digits; damage of severity 4

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The temperature was made for another distribution. On damaged digits the error is several
# times as large, before *and* after. A measure of trust that was made on familiar images holds for
# familiar images: thresholds, temperatures, guarantees.
#
# **Ask:** What would you do in production?
#
# **Likely:** Watch the entropy, and refit when the stream has changed.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A set of answers can keep a promise
#
# Take $n$ labelled images that the network has not learned from.
#
# - Score: how badly class $c$ fits image $x$, such as $s(x, c) = 1 - p(c \mid x)$
# - Sort the scores of the **true** classes. Take number $k$, the smallest with
#   $k \ge (n + 1)(1 - \alpha)$
# - The set of a new image: all classes with a score up to that one
#
# The new true score is one more draw. Every place in the order is equally likely, so
#
# $$ P(\text{truth in the set}) \;\ge\; 1 - \alpha $$

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** That is the whole proof of conformal prediction. No assumption about the network. What it
# needs: new images from the same source, every order equally likely. Mind the n + 1: with few
# images it matters.
#
# **Ask:** With 18 images, can you promise nineteen in twenty?
#
# **Likely:** Only with the set of all ten digits. No score is large enough.
#
# **Minutes:** 5

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Read them as sentences: "it is one of these"

# %% jupyter={"source_hidden": true}
from course_utils.figures.conformal import coverage_histograms, prediction_set_gallery

fitted = conformal.threshold_scores(lenet_val.mean)
true_scores = fitted[np.arange(len(fitted)), lenet_val.labels]
cut = conformal.quantile(true_scores, 0.01)
sets = conformal.prediction_sets(conformal.threshold_scores(lenet.mean), cut)
larger = np.random.default_rng(0).permutation(np.flatnonzero(sets.sum(axis=1) > 1))
chosen = larger[sets[larger].sum(axis=1) <= 4][:16]
prediction_set_gallery(digits.images[chosen], sets[chosen], digits.labels[chosen], limit=16)

# %% [markdown]
# Source: THR, Sadinle et al. (2019); the modest LeNet, one miss in a hundred allowed

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Sets of two to four classes. Where the truth is not in the set, it stands below. A person
# who gets a digit with a set of two has an easier task than with all ten. Some of these *are*
# ambiguous, others are plain: there the set tells of a network that learned from few digits.
#
# **Ask:** What makes the sets smaller for the same promise?
#
# **Likely:** A better network. Coverage is no mark of quality, any network gets it.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Forget the n + 1, and the promise is broken

# %% jupyter={"source_hidden": true}
all_scores = conformal.threshold_scores(lenet.mean)
coverages = {
    name: conformal.coverage_of_draws(
        all_scores, lenet.labels, alpha=0.05, num_calibration=50, corrected=corrected,
        num_draws=1_000,
    ).coverage
    for name, corrected in (("with the correction", True), ("plain quantile", False))
}  # fmt: skip
coverage_histograms(coverages, promised=0.95)

# %% [markdown]
# Source: a thousand draws of fifty calibration images each; Vovk (2012)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The triangles are the means. With the correction the mean is on the safe side, as proved.
# With the plain quantile, which torch-uncertainty takes, it is too low. And look at the width: the
# promise is about the *average* over calibration sets. Yours may be some points off.
#
# **Ask:** What do more calibration images improve?
#
# **Likely:** Not the mean. The reliability of *your* set.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Move a digit, and no proof covers it

# %% jupyter={"source_hidden": true}
kinds, rows = list(CORRUPTIONS), []
p = predict(networks["LeNet"], all_kinds(5))
found = conformal.prediction_sets(conformal.threshold_scores(p.mean), cut)
held = found[np.arange(len(p)), p.labels].reshape(len(kinds), -1).mean(axis=1)
size = found.sum(axis=1).reshape(len(kinds), -1).mean(axis=1)
order = np.argsort(-held)
figure = style.canvas(8, 3.5)
left, right = style.panels(figure, columns=(1.4, 1), left=8.5, right=3, top=0.5, gap_x=3)[0]
left.barh(range(len(kinds)), 100 * held[order], color=style.BLUE)
left.axvline(99, color=style.VERMILLION, linestyle="--")
left.set_yticks(range(len(kinds)), [kinds[number] for number in order])
right.barh(range(len(kinds)), size[order], color=style.ORANGE)
right.set(yticks=[], xticks=[1, 5, 10])
style.label(left, x="truth in the set (%); promised: 99")
style.label(right, x="classes in the set")
told = "; ".join(f"{kinds[k]} {100 * held[k]:.0f}, {size[k]:.1f}" for k in order)
figures.Picture(figure, f"Coverage in percent and mean size of the sets, by damage: {told}.")

# %% [markdown]
# Source: the modest LeNet, fitted on clean digits; a hundred digits each, severity 5

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Two ways to fail. A digit that was moved or turned looks like *another* digit: the sets
# grow, and miss the truth all the same. On pale or blurred digits the promise is nearly kept, but
# the sets hold so many classes that they say little. That is still the better failure of the two.
#
# **Ask:** Was the theorem wrong?
#
# **Likely:** No. Damaged digits are not exchangeable with clean ones.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Five scores, one question: is it a digit?

# %% jupyter={"source_hidden": true}
eight_on_clothes = predict(networks["DE-8"], clothes)
all_of_them = {
    "max. probability": scores.max_probability,
    "max. logit": scores.max_logit,
    "energy": scores.energy,
    "entropy": scores.entropy,
    "mutual inform.": scores.mutual_information,
}
figures.roc_and_precision_recall(
    {name: (score(eight), score(eight_on_clothes)) for name, score in all_of_them.items()},
    ood_name="clothes",
)

# %% [markdown]
# Source: eight modest LeNets; Liu et al. (2020), Hendrycks et al. (2022)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Energy and maximum logit still grow where the confidence is nearly 1 already, with the
# strength of the features. Mutual information asks about contradiction only; for these eight it is
# behind the maximum
# probability.<!--claim:mutual-information-behind-max-probability-ood supported--> Choose a score on
# validation images of either kind, never on this figure. And remember the grey pixels of chapter 1.
#
# **Ask:** May I now pick the winner and report its AUROC?
#
# **Likely:** No: this was the test set. Choosing flatters.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same scores, another AUROC: batches

# %% jupyter={"source_hidden": true}
import torch
from torchmetrics.classification import BinaryAUROC

pair = (scores.entropy(lenet), scores.entropy(predict(networks["LeNet"], clothes)))
values = torch.tensor(np.concatenate(pair))
is_ood = torch.tensor(np.repeat([0, 1], [len(part) for part in pair]))
shown = {"from all scores": auroc(*pair)}
for size in (10, 50, 200, 1_000, len(values)):
    metric = BinaryAUROC()
    for part, truth in zip(values.split(size), is_ood.split(size), strict=True):
        metric.update(part, truth)
    shown[f"batches of {size:,}"] = float(metric.compute())

# %% jupyter={"source_hidden": true}
figure = style.canvas(8, 3.0)
axes = style.panels(figure, left=10.5, right=4, top=0.6)[0][0]
colors = [style.BLUE] + [style.ORANGE] * (len(shown) - 1)
axes.scatter(list(shown.values()), range(len(shown)), s=200, color=colors)
axes.axvline(shown["from all scores"], color=style.BLUE, linestyle=":")
axes.set_yticks(range(len(shown)), list(shown))
axes.invert_yaxis()
axes.locator_params(axis="x", nbins=4)
for place, value in enumerate(shown.values()):
    axes.annotate(f"{value:.4f}", (value, place), xytext=(14, 0), textcoords="offset points",
                  va="center")  # fmt: skip
style.label(axes, x="AUROC of the entropy", grid="x")
told = ", ".join(f"{name} {value:.4f}" for name, value in shown.items())
figures.Picture(figure, f"AUROC of the same scores, in batches of several sizes: {told}.")

# %% [markdown]
# Source: torchmetrics, the modest LeNet; no warning, no error

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** torchmetrics takes scores for probabilities. If a batch holds *any* score outside 0 to 1,
# it sends the whole batch through a sigmoid, and decides anew for every batch. The entropy of ten
# classes goes up to ln 10. So keep the scores, and compute the area once.
#
# **Ask:** How would a reader of your paper notice?
#
# **Likely:** Not at all. Not even you would.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Many answers from nearly one set of weights

# %% jupyter={"source_hidden": true}
ensembles = {
    "one LeNet": ("short-lenet", 1, "its own"),
    "MC-dropout": ("short-mc-dropout", 16, "all, each pass thinned by dice"),
    "BatchEnsemble of 4": ("short-batch-ensemble-4", 4, "all but two vectors and a bias a layer"),
    "Packed-Ensemble of 4": ("short-packed-4", 4, "none, each half as wide"),
    "Deep Ensemble of 2": ("short-deep-ensemble-2", 2, "none"),
}
rows = {}
for title, (name, passes, shared) in ensembles.items():
    count = sum(parameter.numel() for parameter in zoo.load(name).parameters())
    rows[title] = {"Parameters": f"{count:,}", "Answers": passes, "Weights shared": shared}
pd.DataFrame(rows).T

# %% [markdown]
# They save parameters, and **pay with every answer**.
#
# Source: counted; Gal and Ghahramani (2016), Wen et al. (2020)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** MC-dropout: dropout stays on, each pass is another thinned network. BatchEnsemble: all
# members share the weights, each has two vectors of its own for every layer. Traps: no repeated
# labels in training, and no learning rate times M, since shared weights get everybody's gradients.
#
# **Ask:** You answer a million images a day. Which column counts?
#
# **Likely:** The second, where each answer is a pass: sixteen passes are sixteen passes. Not so for
# the packed one: its four come in one pass.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Calibrated on average, wrong about everybody

# %% jupyter={"source_hidden": true}
from course_utils.figures.grouping import grouping_diagram
from course_utils.metrics.grouping import grouping_loss

world = np.random.default_rng(0)
confidence = world.uniform(0.6, 0.85, 10_000)
group = world.choice([-1, 1], 10_000)
answered_right = world.random(10_000) < confidence + 0.1 * group
features = np.column_stack([group, world.normal(size=(10_000, 3))])
grouping_diagram(grouping_loss(confidence, answered_right, features))

# %% [markdown]
# Source: a made-up world of two hidden groups; Perez-Lebel et al. (2023)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The diamonds, whole bins, lie on the diagonal: calibrated, and no temperature would
# change anything. But there are two groups, one is right more often than the confidence says, the
# other less often. A doctor who treats them alike over-treats one and neglects the other. The
# notebook estimates this loss from below, and subtracts what chance brings.
#
# **Ask:** Which groups would you look at in your own data?
#
# **Likely:** Sites, devices, writers, age, sex.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Your own images: look which way round the ink is

# %% jupyter={"source_hidden": true}
letter = ImageSet(255 - digits.images[:300], digits.labels[:300], "as loaded")
proper = digits.subset(slice(300))
figure = style.canvas(8, 2.9)
panels = style.panels(figure, columns=(1, 1, 2.2), left=0.5, right=3.5, top=2.2, gap_x=2)[0]
bars = {}
for axes, images, title in zip(panels, (letter, proper), ("as loaded", "inverted"), strict=False):
    p = predict(good_lenet, images)
    bars[f"{title}: right"] = 100 * p.correct.mean()
    bars[f"{title}: confidence"] = 100 * p.mean.max(axis=1).mean()
    style.bare(axes).imshow(images.images[0], cmap="gray", vmin=0, vmax=255)
    style.label(axes, title=title)
box = panels[2].get_position()
panels[2].set_position([box.x0 + 0.21, box.y0, box.width - 0.21, box.height])
panels[2].barh(range(4), list(bars.values()), color=[style.VERMILLION, style.ORANGE, style.BLUE,
                                                     style.SKY])  # fmt: skip
panels[2].set_yticks(range(4), list(bars))
panels[2].invert_yaxis()
for place, value in enumerate(bars.values()):
    panels[2].text(value + 2, place, f"{value:.0f}", va="center")
style.label(panels[2], x="%")
told = ", ".join(f"{name} {value:.0f} %" for name, value in bars.items())
figures.Picture(figure, f"A digit as black on white, and inverted. Of 300 such digits: {told}.")

# %% [markdown]
# Source: a good LeNet and 300 digits, written as a person would: black ink on white paper

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** No error tells you. Black and white are numbers like any others. The answers are
# worthless, and the confidence is far above the share of right ones. `own_data` of the course
# converts and guesses nothing, refuses what does not fit, and remarks on what is probably not
# meant.
#
# **Ask:** What else do people forget when they bring their own images?
#
# **Likely:** Centring, size, and that digits of one person belong into one part.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Several devices must not all get the same batch

# %%
shares = [
    batches(validation, 64, shuffle=True, seed=5, rank=rank, world_size=2) for rank in range(2)
]
first, second = (
    {image.numpy().tobytes() for images, _ in share for image in images} for share in shares
)
print(f"{len(first)} and {len(second)}; in both: {len(first & second)}")
print("together:", len(first | second), "of", len(validation))

# %% [markdown]
# Source: data parallel training, Li et al. (2020); run when this deck was built

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Each device has a copy of the network and its own share of the batch; gradients are
# averaged. Lightning shares out a DataLoader by itself. Any other loader it takes as it is, and
# then every device gets the *same* batches: all work, nothing gained, no error. An ensemble is
# easier: members do not talk, give each its own device.
#
# **Ask:** Why must all ranks have equally many batches?
#
# **Likely:** Otherwise one waits for the others, for ever.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Now you: one section, and then your own problem
#
# **Open chapter 9 or 10**, at the section you came for (twenty minutes)
#
# - Chapter 9, conformal sets: promise nineteen in twenty with 18 images
# - Chapter 10, shift: which kind of damage does *your* network notice?
# - Chapter 10, your own data: write some digits, photograph them, and ask for their doubts
#
# **Next:** take a problem of your own. Choose score and threshold on validation, say what they
# promise, **and for whom**.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** This is the last deck with new material. Come back together after twenty minutes: each
# pair tells one thing that surprised them.
#
# **Ask:** Which number of today will you compute at work next week?
#
# **Likely:** The coverage at a risk that hurts.
#
# **Minutes:** 25
