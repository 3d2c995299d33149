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
# A weather service that says "70 % rain" should be right on seven such days in ten. Can a network
# be made to keep its word like that? And if it does, what can still be wrong with it?
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
# - explain the grouping loss on an example where it is known;
# - build prediction sets with a promised coverage, and measure whether the promise is kept.
#
# **Time.** About 60 minutes to read and play. Nothing is trained; the code needs about half a
# minute.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Data and models

# %%
import numpy as np
import pandas as pd

from course_utils import figures
from course_utils.images import ImageSet, batches, load_mnist
from course_utils.metrics import scores
from course_utils.metrics.calibration import expected_calibration_error
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

data_val = load_mnist("val")
data_test = load_mnist("test")
print(data_val, data_test, sep="\n")

# %% [markdown]
# We fit on validation digits, temperatures for instance, and report on test digits. Two families of
# networks come with the course. The **modest** ones learned from few digits and
# make mistakes, so that there is something to see. The **good** ones are those of chapter 6. Both
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
# What they say about the validation digits, and about the test digits:

# %%
modest_val = {name: predict(model, data_val) for name, model in modest.items()}
modest_answers = {name: predict(model, data_test) for name, model in modest.items()}
good_answers = {name: predict(model, data_test) for name, model in good.items()}
pd.DataFrame(
    {
        family: {name: answers[name].correct.mean() for name in answers}
        for family, answers in (("modest", modest_answers), ("good", good_answers))
    }
).rename_axis("accuracy").T.round(4)

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
# With a temperature above 1 the validation NLL is best if all answers are made less certain. That
# points to overconfidence, but is no proof of it: a few mistakes made with great confidence can
# drive the NLL, whatever the other answers are. So look at the ECE, too. The scaler's outputs are
# again logits. So is what our `calibration.scale` returns, from logits that we have already; it
# saves asking the network again.

# %%
from course_utils.metrics import calibration, selective
from course_utils.metrics.classification import negative_log_likelihood

before = modest_answers["LeNet"]
after = calibration.scale(before, members=temperature)


def summary(predictions):
    uncertainty = scores.max_probability(predictions)
    return {
        "accuracy": predictions.correct.mean(),
        "NLL": negative_log_likelihood(predictions),
        "ECE": expected_calibration_error(predictions),
        "AURC": selective.risk_coverage(uncertainty, predictions.correct).aurc,
    }


pd.DataFrame({"before": summary(before), "after": summary(after)}).round(5)

# %%
figures.reliability_diagram({"before": before, "after": after})

# %% [markdown]
# Observe that the accuracy is the same to the last digit, that the NLL is better, and that the
# curve moved towards the diagonal.<!--claim:temperature-lowers-nll-and-ece supported--> One number,
# fitted in a moment, without touching a weight.
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
# the first and hardly touches the second. For a threshold that is chosen on validation images, as
# in chapter 7, only the second counts; Chow's rule needs both.
#
# See both at once. Drag the temperature from one end to the other: the points of the reliability
# diagram travel from one side of the diagonal to the other, while the risk-coverage curve beside it
# hardly stirs. A button sets the temperature that fits validation best.

# %%
from course_utils.widgets import temperature_slider

temperature_slider(before, fit_on=modest_val["LeNet"])

# %% [markdown]
# ### Exercise 9.1: Three hopes
#
# *About 3 minutes.* A network is overconfident, and its mistakes hide among its most certain
# answers. A colleague fits a temperature on the validation digits and hopes for three things on
# the test digits: (1) fewer mistakes, (2) a lower NLL, (3) an order in which the mistakes come
# late, so that a threshold finds them. What may be expected?

# %%
from course_utils.exercises.chapter_09 import ex9_1

ex9_1.ask()

# %% [markdown]
# ### A repair with more freedom
#
# **Isotonic regression** (Zadrozny and Elkan, 2002) assumes only that a higher score should not
# mean a lower probability. For each class it fits the rising staircase that is nearest to the truth
# on the calibration images (scikit-learn joins neighbouring steps by a straight ramp, on which few
# images lie), then the ten results are divided by their sum. We fit both methods on few and on all
# validation digits.

# %%
from torch_uncertainty.post_processing import IsotonicRegressionScaler

from course_utils.metrics.predictions import Predictions


def repaired(scaler, images):
    """What a fitted scaler makes of some images."""
    outputs = [scaler(inputs).detach().numpy() for inputs, _ in batches(images, 500)]
    return Predictions(np.concatenate(outputs)[:, np.newaxis], images.labels)


def num_distinct(answers):
    """How many different confidences there are."""
    return len(np.unique(answers.mean.max(axis=1).round(9)))


# %%
generator = np.random.default_rng(seed=1)
results = {"no repair": summary(before) | {"distinct confidences": num_distinct(before)}}
for method in (TemperatureScaler, IsotonicRegressionScaler):
    for count in (200, len(data_val)):
        chosen = data_val.subset(generator.choice(len(data_val), count, replace=False))
        scaler = method(modest["LeNet"])
        scaler.fit(batches(chosen, 500), progress=False)
        answers = repaired(scaler, data_test)
        name = f"{method.__name__.removesuffix('Scaler')}, {count:,} digits"
        results[name] = summary(answers) | {"distinct confidences": num_distinct(answers)}
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
# - A staircase is flat on its steps. Images that stand on the same steps of all ten staircases get
#   the same confidence, and **no threshold can separate them any more**. Images that share the step
#   of their own class only are put in a new order by the division. Compare the distinct confidences
#   (to nine decimals) with those of the temperature, and the AURC. Even the answer may change,
#   since each class has its own staircase.
#
# With all validation digits the staircases still leave a higher AURC and a higher NLL than the
# temperature does. On our scale of data, take the temperature.

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
# The members' own temperatures are clearly above 1, in DE-8 and in PE-4: alone, each of them is
# overconfident. Their average is *less* confident than they are, since it includes their
# disagreement. So **averaging is a repair in itself**, and where the first row of a model has an
# excess near 0 it has been enough.
#
# Repair the members first, and the average makes them cautious a second time: too cautious, as
# Rahaman and Thiery (2021) and Wu and Gales (2021)
# found.<!--claim:members-first-too-cautious supported--> "Pool, then calibrate" takes the average
# for what it is and needs one temperature only. It aims at the NLL, in which a few bad surprises
# weigh heavily. It does lower the NLL,<!--claim:pool-then-calibrate-lowers-nll supported--> and
# yet the ECE of both gets worse. So if the NLL counts, pool, then calibrate; if the confidence must
# mean what it says on average, leave an ensemble alone whose excess is near 0.
#
# The price: what comes out of "pool, then calibrate" is a single answer. Mutual information and
# disagreement must be computed from the members *before*.

# %% [markdown]
# ### Exercise 9.2: Pool, then calibrate
#
# *About 8 minutes.* Write the second way of the section above. Your function gets the
# probabilities of the members [N, M, C] and one temperature. It averages over the members, divides
# the *logarithm* of the average by the temperature, and makes probabilities [N, C] of it again.

# %%
from course_utils.exercises.chapter_09 import ex9_2


def pool_then_calibrate(probabilities, temperature):
    """Probabilities [N, C] of an ensemble, pooled first."""
    return ...


ex9_2.check(pool_then_calibrate)

# %%
ex9_2.help

# %% [markdown]
# ### Where it helps, and where not
#
# Does a temperature that was fitted on clean digits hold for damaged ones? We take some digits, and
# damage each of them in one of eight ways, from blur to rotation. (Chapter 10 shows them all.)

# %%
from course_utils.images.corruptions import CORRUPTIONS, corrupt

some_digits = data_test.subset(generator.choice(len(data_test), 1_000, replace=False))
kind = generator.integers(len(CORRUPTIONS), size=len(some_digits))
damaged = some_digits.images.copy()
for number, name in enumerate(CORRUPTIONS):
    damaged[kind == number] = corrupt(damaged[kind == number], name, severity=4)
data_damaged = ImageSet(damaged, some_digits.labels, "damaged, severity 4")
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
# - A modest LeNet, trained on few digits until it knew them by heart, is the typical patient. A $T$
#   below 1 belongs to a network that is more cautious than it need be.
# - Where the ECE is small already, expect no gain. The modest ensembles have a $T$ well above 1,
#   and it does not help them on familiar digits, as the table before showed. Where $T$ is near 1,
#   "before" and "after" differ by chance, since the ECE of so few errors is itself noisy.
# - On damaged digits the ECE is several times as large, before *and*
#   after.<!--claim:damage-raises-ece-before-and-after supported--> The temperature was made for
#   another distribution. There it may help, where the network is overconfident and $T$ is above 1,
#   or harm. It can't know.
#
# *Sources:* Zadrozny and Elkan (2002), Guo et al. (2017), Ovadia et al. (2019), Rahaman and Thiery
# (2021), Wu and Gales (2021).

# %% [markdown]
# ## Grouping loss
#
# *What is it that calibration cannot see?*
#
# Where a calibrated network says 0.8, it is right four times in five, on average over all images
# of this confidence. Does that hold for *this* image? We make a world where we know.
#
# Each image has a confidence $S$. But there are two hidden groups. In one of them, answers are
# right more often than the confidence says, by 0.1; in the other they are right less often, by as
# much. Both groups are equally large, at every confidence.

# %%
generator = np.random.default_rng(seed=0)
num_images, gap = 10_000, 0.1
confidence = generator.uniform(0.6, 0.85, num_images)
group = generator.choice([-1, 1], num_images)
true_probability = confidence + gap * group
correct = generator.random(num_images) < true_probability

seen = pd.DataFrame({"says": confidence, "right": correct, "group": group})
seen["confidence"] = pd.cut(seen["says"], [0.6, 0.65, 0.7, 0.75, 0.8, 0.85])
table = seen.groupby("confidence", observed=True)[["says", "right"]].mean()
for name, number in (("unlucky group", -1), ("lucky group", 1)):
    part = seen[seen["group"] == number]
    table[f"right, {name}"] = part.groupby("confidence", observed=True)["right"].mean()
table.round(3)

# %% [markdown]
# Observe the first two columns: up to chance they agree in every row, so this classifier is
# calibrated. No temperature would help. And yet it is wrong about *everybody*: in each row, the two
# groups lie on either side. A doctor who treats the groups alike over-treats one of them and
# neglects the other.
#
# Let $X$ be the image, $Y$ be 1 if the answer is right and 0 if not, $S$ the confidence,
# $C = E[Y \mid S]$ the accuracy there, and $Q = E[Y \mid X]$ the true probability to be right,
# given all that the image shows. The Brier score of confidence and correctness then has three parts
# (Kull and Flach, 2015):
#
# $$ E[(S - Y)^2] = \underbrace{E[(S - C)^2]}_{\text{calibration}}
#    + \underbrace{E[(C - Q)^2]}_{\text{grouping}}
#    + \underbrace{E[(Q - Y)^2]}_{\text{irreducible}} . $$
#
# The part in the middle is the **grouping loss**. In our world $S = C$ and $Q = C \pm 0.1$, so it
# is $0.1^2$ exactly. Do the parts add up?

# %%
pd.Series(
    {
        "calibration": 0.0,  # by construction
        "grouping": np.mean((confidence - true_probability) ** 2),
        "irreducible": np.mean((true_probability - correct) ** 2),
        "Brier score of the confidence": np.mean((confidence - correct) ** 2),
    }
).round(4).to_frame("value")

# %% [markdown]
# They do, up to chance. But in life nobody knows $Q$.
#
# ### An estimate from below
#
# Perez-Lebel, Le Morvan and Varoquaux (2023) found a way around. Take images of about the same
# confidence. Sort them into regions by what you *can* see, such as the features of the network. If
# the accuracy differs between regions by more than chance, there are groups. Some steps deserve
# care.
#
# 1. Half of the images grow a decision tree for each bin of confidence; its leaves are the regions.
#    The *other* half measures the accuracies. A tree that was allowed to grade itself would always
#    find groups.
# 2. Accuracies of small regions differ by chance, too. How much is known, and subtracted: with
#    $n_j$ images and the accuracy $\mu_j$ in region $j$ of a bin of $n$ images and accuracy $c$,
#
# $$ \sum_j \frac{n_j}{n} (\mu_j - c)^2 \; - \; \Big( \sum_j \frac{n_j}{n}
#    \frac{\mu_j (1 - \mu_j)}{n_j - 1} - \frac{c (1 - c)}{n - 1} \Big) . $$
#
# 3. Inside a bin the confidence still differs a little, and the accuracy with it. That is no
#    grouping loss, so the variance of the calibration curve inside the bin is subtracted as well.
#
# What remains is a *lower bound*: groups that the features do not show stay hidden. `course_utils`
# has it in `grouping.py`. We offer it the hidden group among three features that mean nothing.

# %%
from course_utils.figures.grouping import grouping_diagram
from course_utils.metrics.grouping import grouping_loss, without_groups

noise = generator.normal(size=(num_images, 3))
found = grouping_loss(confidence, correct, np.column_stack([group, noise]))
blind = grouping_loss(confidence, correct, noise)
nobody = generator.random(num_images) < confidence  # the same confidences, and no groups
none = grouping_loss(confidence, nobody, np.column_stack([group, noise]))
rows = {"group among the features": found, "group not among them": blind, "no groups": none}
pd.DataFrame(
    {
        title: {
            "truth": 0.0 if title == "no groups" else gap**2,
            "as counted": each.plug_in,
            "without bias": each.explained,
            "lower bound": each.lower_bound,
        }
        for title, each in rows.items()
    }
).T.round(4)

# %% [markdown]
# Observe three things. Where the features know the group, the lower bound comes close to the truth.
# (It is below it on average. Estimated from finitely many images it scatters, here a little above.)
# Where they do not, it is about 0: what cannot be seen is not found. And the column *as counted* is
# far above 0 in all rows, even where there is nothing. Without the correction, everybody has a
# grouping loss. As a figure, with fewer and larger regions, so that chance moves them less:

# %%
features = np.column_stack([group, noise])
grouping_diagram(grouping_loss(confidence, correct, features, num_bins=10, images_per_region=200))

# %% [markdown]
# The diamonds, whole bins, lie along the dashed line: calibrated. The regions form two bands, one
# above and one below.

# %% [markdown]
# ### A network with two groups
#
# Could this happen to LeNet? We make a stream of digits in which half were turned by some hands:
# every second digit is rotated. The modest LeNet reads all of them, and its confidences are
# repaired on the first half of the stream, by isotonic regression: here one curve, from the
# confidence to the share of right answers, so that no answer changes. On the second half we look.

# %%
from sklearn.isotonic import IsotonicRegression

from course_utils.images.corruptions import corrupt

num_stream = 4_000
chosen = np.random.default_rng(seed=4).permutation(len(data_test))[:num_stream]
stream = data_test.subset(chosen)
is_turned = np.arange(num_stream) % 2 == 1
pixels = stream.images.copy()
pixels[is_turned] = corrupt(stream.images[is_turned], "rotation", severity=5)
stream = ImageSet(pixels, stream.labels, "every second digit turned")

answers = predict(modest["LeNet"], stream)
top = answers.mean.max(axis=1)
first_half = np.arange(num_stream) < num_stream // 2
curve = IsotonicRegression(out_of_bounds="clip").fit(top[first_half], answers.correct[first_half])
repaired = curve.predict(top)[~first_half]
right, turned = answers.correct[~first_half], is_turned[~first_half]

# %% [markdown]
# As in the table above: what it says, and how often it is right, in both groups.

# %%
seen = pd.DataFrame({"says": repaired, "right": right, "turned": turned})
ranges = ["up to 0.4", "to 0.6", "to 0.8", "to 0.9", "to 1"]
seen["confidence"] = pd.cut(seen["says"], [-0.1, 0.4, 0.6, 0.8, 0.9, 1], labels=ranges)
table = seen.groupby("confidence", observed=True)[["says", "right"]].mean()
for name, is_it in (("upright digits", False), ("turned digits", True)):
    part = seen[seen["turned"] == is_it].groupby("confidence", observed=True)["right"]
    table[f"right, {name}"], table[f"number, {name}"] = part.mean(), part.size()
table.round(3)

# %% [markdown]
# Compare the columns as before. The repair works for the stream as a whole, up to chance. But at
# the same repaired confidence upright digits are right more often than turned ones. The repair has
# averaged over two groups, and fits neither. No curve over the confidence can do better, because
# the confidence alone does not say which group a digit belongs to.
#
# Do the network's own *features* say it? We take what its last layer sees, 84 numbers for each
# digit, and ask for the lower bound. Beside it stands the bound for the known groups, and what
# chance brings: in each of twenty worlds we keep all confidences and features, and draw right and
# wrong anew so that images of the same confidence are all alike.


# %%
import torch


def last_features(model, image_set):
    """What the last layer of a LeNet sees, [N, 84]."""
    kept = []
    hook = model.fc3.register_forward_hook(lambda layer, inputs, output: kept.append(inputs[0]))
    with torch.inference_mode():
        for images, _ in batches(image_set, 500):
            model(images)
    hook.remove()
    return torch.cat(kept).numpy()


def with_chance(confidence, correct, features):
    """The lower bound, and the range of what chance brings."""
    bound = grouping_loss(confidence, correct, features).lower_bound
    chance = without_groups(confidence, correct, features, num_draws=20)
    return {"lower bound": bound, "chance, lowest": chance.min(), "chance, highest": chance.max()}


# %%
features = last_features(modest["LeNet"], stream)[~first_half]
clean_features = last_features(modest["LeNet"], data_test.subset(chosen))
clean = modest_answers["LeNet"].take(chosen)
rows = {
    "turned or not, known": with_chance(repaired, right, turned),
    "turned or not, from the features": with_chance(repaired, right, features),
    "clean digits, from the features": with_chance(
        clean.mean.max(axis=1), clean.correct, clean_features
    ),
}
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# How to read it. A lower bound above all that chance brings is a sign of groups: by chance alone it
# would be the highest of the 21 about once in 21 times. One that
# lies among the chances says *nothing found*, not *nothing there*. (Chance itself may lie below 0:
# where a bin is wide, step 3 takes away more than regions without groups explain. So compare with
# chance, not with 0.) Of the first row we know that there are groups. In the second, a part may be
# found: the features were never asked to remember whether a digit was turned. The third row is the
# network on the digits it was made for. Is there any grouping loss to be seen? On 4,000 test digits
# we cannot tell: chance may have brought all that is found.
#
# The lesson is the one of the whole course, one level deeper. A number may be right on average and
# wrong for each group. Ask *for whom* it is right; and where you know the groups, such as pens,
# scanners or writers, look at each of them.
#
# **torch-uncertainty** measures the same if its routine is told `eval_grouping_loss=True`.
# The network must then be a single one with a method `feats_forward` and a linear head, and the
# package `glest` must be there. Its version 0.0.1a1 does not run with scikit-learn 1.7 or newer,
# so this course computes the estimate itself.
#
# *Sources:* Kull and Flach (2015), Perez-Lebel et al. (2023).

# %% [markdown]
# ## Conformal sets
#
# *Can a classifier promise how often it is wrong?*
#
# A single answer is right or wrong. A **set** of answers can be made as safe as we like: the set of
# all ten digits always holds the truth. **Conformal prediction** makes smaller sets than that
# and keeps a promise: with probability at least $1 - \alpha$ the truth is in the set. It needs
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
# the first $k$ with probability $k / (n + 1) \ge 1 - \alpha$. (Equal scores may be put in order by
# lot: the set takes every score up to $\hat q$, so ties can only add to it.) That is the whole
# proof (Vovk et al., 2005).

# %% [markdown]
# ### Exercise 9.3: The threshold of a conformal set
#
# *About 7 minutes.* Write step 3 of the recipe. Your function gets the scores of the true classes
# of n calibration images, [n] in any order, and alpha. It returns the k-th smallest score with k =
# ⌈(n + 1)(1 - alpha)⌉, and `np.inf` if there are fewer than k scores.

# %%
from course_utils.exercises.chapter_09 import ex9_3


def conformal_threshold(scores, alpha):
    """The k-th smallest score, or infinity."""
    return ...


ex9_3.check(conformal_threshold)

# %%
ex9_3.help

# %% [markdown]
# ### Three scores, by torch-uncertainty
#
# - **THR** (Sadinle et al., 2019): $s = 1 - p(c \mid x)$.
# - **APS** (Romano et al., 2020): the probabilities of $c$ and of all classes before it, added up
#   from the most probable one on. Sets adapt more to the difficulty of an image.
# - **RAPS** (Angelopoulos et al., 2021): APS with a penalty for every rank beyond the first few,
#   which cuts long tails.
#
# Each wraps a network and is fitted on validation digits. (THR and APS would fit a temperature
# first; we switch that off to see one thing at a time.) We allow that one set in a hundred misses
# the truth.

# %%
from torch_uncertainty.post_processing import (
    ConformalClsAPS,
    ConformalClsRAPS,
    ConformalClsTHR,
)

alpha = 0.01
sets, rows = {}, {}
for method in (ConformalClsTHR, ConformalClsAPS, ConformalClsRAPS):
    torch.manual_seed(0)  # APS and RAPS draw random numbers
    wrapped = method(alpha=alpha, model=modest["LeNet"], enable_ts=False)
    wrapped.fit(batches(data_val, 500))
    with torch.inference_mode():
        outputs = [wrapped(images).numpy() for images, _ in batches(data_test, 500)]
    name = method.__name__.removeprefix("ConformalCls")
    sets[name] = np.concatenate(outputs) > 0  # the classes of the set share all probability
    sizes = sets[name].sum(axis=1)
    rows[name] = {
        "coverage": sets[name][np.arange(len(data_test)), data_test.labels].mean(),
        "mean size": sizes.mean(),
        "largest": sizes.max(),
        "sets of one": (sizes == 1).mean(),
    }
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# Observe that all three keep about what they promised, and that their sizes differ. (Other people
# wrote the test digits than the validation digits. So the two are not quite exchangeable, and the
# proof does not cover this table. It covers the thousand draws below.)
# *Given* the coverage, smaller sets are better. THR would make the smallest on average if the
# probabilities were the true ones; APS is close here. RAPS does what it is for: its largest set is
# shorter than that of THR. But with torch-uncertainty's default penalty hardly any set has one
# class. That penalty suits a thousand classes of photographs. Beside confidences so near to 1 it
# outweighs everything else, and all images get sets of about the same size. Defaults are somebody
# else's choices.
#
# What do the sets of THR look like where they hold more than one class?

# %%
from course_utils.figures.conformal import coverage_histograms, prediction_set_gallery

larger = np.flatnonzero(sets["THR"].sum(axis=1) > 1)
shown = np.random.default_rng(seed=0).permutation(larger)[:24]
pictures, labels = data_test.images[shown], data_test.labels[shown]
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
from course_utils.metrics import conformal

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
#   where the network is least sure. That is a rejection, like in chapter 7. torch-uncertainty
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
# above or below. Of the test digits we choose $n$ at random to calibrate, and measure the
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
# one more draw. Observe also the width. With fifty calibration images you may easily be
# some points off, to either side. How do both depend on $n$?

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
# Observe two things. First, all networks keep the promise about equally
# well.<!--claim:sets-keep-promise supported--> Coverage is *no* mark of quality; any network gets
# it. What a better network gets is **smaller sets** for the same
# promise:<!--claim:better-network-smaller-sets supported--> compare the mean sizes. Second, nothing
# is promised for a single class, and the lowest of ten shares lies below their average. A part of
# that is chance: the share of $n$ digits scatters by about $\sqrt{\alpha (1 - \alpha) / n}$, and
# the lowest of ten is low even where all are alike. What goes beyond chance the average hides, and
# whoever writes the unlucky digit pays for it.
#
# And if the images change? We damage digits, and keep the threshold of the clean ones.

# %%
from course_utils.images.corruptions import CORRUPTIONS, corrupt

generator = np.random.default_rng(seed=0)
some_digits = data_test.subset(generator.choice(len(data_test), 400, replace=False))
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
# Observe both ends of the table. At the top the promise is broken, for digits that were moved,
# turned or covered.<!--claim:sets-break-promise-under-damage supported--> A digit that was moved or
# turned looks like *another* digit to the network; its sets grow, but they miss the truth far too
# often. At the bottom the promise is kept, but at what price: on pale and blurred digits the sets
# hold nearly all ten classes,<!--claim:sets-hold-nearly-all-classes supported--> which says nothing
# at all. That is still the better failure of the two.
# Damaged digits are not exchangeable with clean ones, so the proof covers none of these rows.
#
# Last, a set is not a probability. "The truth is in the set, $1 - \alpha$ of the time" is true of
# the procedure, not of the one digit before you.
#
# *Sources:* Vovk et al. (2005), Vovk (2012), Sadinle et al. (2019), Romano et al. (2020),
# Angelopoulos et al. (2021), Angelopoulos and Bates (2021).

# %% [markdown]
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(9)

# %% [markdown]
# ## What you have learned
#
# - A temperature repairs the confidence and keeps every answer. It leaves the ranking nearly as it
#   was, and it holds for images like those it was fitted on. Averaging members is a repair, too.
# - A grouping loss is what an average over unlike images hides. It can be bounded from below by
#   what the features show, once chance is subtracted.
# - A conformal set keeps its promise on average over images and calibration sets, for any network.
#   A better network has smaller sets. The $n + 1$ matters when $n$ is small.
#
# **What comes next.** All of this was fitted on digits of one kind. Chapter 10 changes the world.
#
# ### Sources
#
# **Calibration**
#
# - C. Guo, G. Pleiss, Y. Sun, K. Weinberger (2017). On calibration of modern neural networks.
#   *ICML*. [arXiv:1706.04599](https://arxiv.org/abs/1706.04599). Temperature scaling, and why it is
#   hard to beat.
# - B. Zadrozny, C. Elkan (2002). Transforming classifier scores into accurate multiclass
#   probability estimates. *KDD*.
#   [doi:10.1145/775047.775151](https://doi.org/10.1145/775047.775151). Isotonic regression, class
#   by class.
# - R. Rahaman, A. Thiery (2021). Uncertainty quantification and deep ensembles. *NeurIPS*.
#   [arXiv:2007.08792](https://arxiv.org/abs/2007.08792). Why an average of calibrated members is
#   too cautious, and what to do.
# - X. Wu, M. Gales (2021). Should ensemble members be calibrated?
#   [arXiv:2101.05397](https://arxiv.org/abs/2101.05397). The same question from the other side.
#
# **Conformal sets**
#
# - V. Vovk, A. Gammerman, G. Shafer (2005). *Algorithmic Learning in a Random World*. Springer. The
#   source of the proof above.
# - V. Vovk (2012). Conditional validity of inductive conformal predictors. *ACML*.
#   [arXiv:1209.2673](https://arxiv.org/abs/1209.2673). How coverage varies over calibration sets.
# - A. Angelopoulos, S. Bates (2021). A gentle introduction to conformal prediction and
#   distribution-free uncertainty quantification.
#   [arXiv:2107.07511](https://arxiv.org/abs/2107.07511). Begin here.
# - M. Sadinle, J. Lei, L. Wasserman (2019). Least ambiguous set-valued classifiers with bounded
#   error levels. *JASA* 114. [arXiv:1609.00451](https://arxiv.org/abs/1609.00451). THR.
# - Y. Romano, M. Sesia, E. Candès (2020). Classification with valid and adaptive coverage.
#   *NeurIPS*. [arXiv:2006.02544](https://arxiv.org/abs/2006.02544). APS.
# - A. Angelopoulos, S. Bates, J. Malik, M. Jordan (2021). Uncertainty sets for image classifiers
#   using conformal prediction. *ICLR*. [arXiv:2009.14193](https://arxiv.org/abs/2009.14193). RAPS.
#
# **Grouping loss**
#
# - M. Kull, P. Flach (2015). Novel decompositions of proper scoring rules for classification. *ECML
#   PKDD*. [doi:10.1007/978-3-319-23528-8_5](https://doi.org/10.1007/978-3-319-23528-8_5). The three
#   parts of a proper score.
# - A. Perez-Lebel, M. Le Morvan, G. Varoquaux (2023). Beyond calibration: estimating the grouping
#   loss of modern neural networks. *ICLR*. [arXiv:2210.16315](https://arxiv.org/abs/2210.16315).
#   The estimator of this chapter, and what it finds in large networks.
