# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 9. Going further
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

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Data and models for all sections
#
# What several sections need is imported here. The images come in the parts that chapter 1 made.

# %%
import numpy as np
import pandas as pd

from course_utils import figures
from course_utils.images import ImageSet, batches, load_fashion_mnist, load_mnist
from course_utils.metrics import scores
from course_utils.metrics.calibration import expected_calibration_error
from course_utils.metrics.detection import ood_detection
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

data_train = load_mnist("train")
data_val = load_mnist("val")
data_test = load_mnist("test")
data_ood = load_fashion_mnist("test")
print(data_train, data_val, data_test, data_ood, sep="\n")

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
# ## Distribution shift
#
# *What happens to doubt when the images change?*
#
# The test digits come from the same kind of forms as the training digits, scanned and prepared in
# the same way, even where other people wrote them. The world does not keep to that: a camera
# shakes, paper is stained, a printer runs out of ink. The answer is still one of the ten digits,
# but the images have **shifted** away from what the network learned. It will make more mistakes.
# Our question is whether it *notices*.
#
# We damage digits ourselves, in eight ways and five severities, with transforms that torchvision
# and torch-uncertainty ship. This is *not* the benchmark MNIST-C, which we meet below: our numbers
# cannot be compared with published ones.

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
    )


generator = np.random.default_rng(seed=0)
some_digits = data_test.subset(generator.choice(len(data_test), 300, replace=False))
by_severity = {0: some_digits} | {s: shifted(some_digits, s) for s in severities[1:]}
for severity, images in by_severity.items():
    print(f"severity {severity}: {len(images):,} images")

# %% [markdown]
# Four measures, all known from chapters 2 and 4: accuracy, ECE, the entropy of the answer, and the
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
# Read the panels one after the other.
#
# - **Accuracy** falls. At severity 5 it is lower than on the digits as they
#   are.<!--claim:shift-lowers-accuracy supported--> That is no surprise.
# - **ECE** ends far above where it began:<!--claim:shift-raises-ece supported--> the confidence no
#   longer means what it says. Whether it is too high or too low depends on the kind of damage, as a
#   table below will show. (Severity 0 has an eighth of the images, and the ECE of few images comes
#   out too high. So if a curve seems to dip at first, nothing has improved.)
# - **Entropy** rises.<!--claim:shift-raises-entropy supported--> So the networks do notice
#   *something*. It is only not enough.
# - **Disagreement** rises, too.<!--claim:shift-raises-disagreement supported--> Members that agreed
#   on familiar digits continue in different directions where they have learned nothing. No label is
#   needed to measure this: on a stream of images it's an alarm that works before the first
#   complaint arrives.
#
# Compare the models in the ECE panel at severity 5. An ensemble, DE-8 as well as PE-4, is punished
# less for being wrong,<!--claim:ensembles-better-calibrated-under-shift supported--> since its
# members seldom are all sure of the same wrong answer. Ovadia et al. (2019)
# found the same for large networks and photographs: among the methods they tried, Deep Ensembles
# kept their calibration best under shift. (This is the pool of eight kinds. It need not hold for
# each of them.)
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
# has seen crops, and small turns; there it is far ahead of the modest
# one.<!--claim:good-lenet-ahead-where-digits-move supported--> But look at Gaussian noise and
# contrast: the network with far fewer errors on clean digits is the one that
# fails.<!--claim:good-lenet-behind-on-grey-paper supported--> Many clean digits did not teach it
# what to do with grey paper: there it never met any. One number for "robustness" hides all that.
#
# One number for calibration hides as much. For each kind we subtract the accuracy from the **mean
# confidence**: above 0 the network is overconfident, below 0 too cautious.

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
# Observe both signs. Where digits move or turn, the modest networks lose accuracy faster than
# confidence. On pale digits (contrast) they lose confidence first, the ensembles most of all. In
# one pool the two partly cancel. The ECE of all eight kinds together can never be higher than the
# mean of their eight ECEs: bin by bin, the absolute value of a mean is at most the mean of the
# absolute values. An average over unlike images hides what happens to each; the section on grouping
# makes a measure of it.
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
# ### Exercise 9.1: An alarm without labels
#
# *About 2 minutes.* Your ensemble reads envelopes day and night, and nobody writes down what the
# right answers would have been. You want an alarm for the day on which the scanner gets dirty.
# Which measure can you watch?
#
# Click an answer, then **Check**.

# %%
from course_utils.exercises.chapter_09 import ex9_1

ex9_1.ask()

# %% [markdown]
# ### torch-uncertainty's own way
#
# The routine of chapter 2 evaluates shift if asked by `eval_shift=True`. It then needs a
# *datamodule*, an object that holds the loaders: first the familiar images, then the shifted ones.
# A plain list of loaders isn't enough, because the routine asks the datamodule for its
# `shift_severity`. This one attribute and one method suffice.

# %%
from lightning.pytorch import LightningDataModule


class ShiftModule(LightningDataModule):
    """Familiar and shifted images for `eval_shift`."""

    shift_severity = 3  # the routine only hands this on

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
# Now the trainer tests each modest network on both, with severity 3 as the shift.

# %%
from torch_uncertainty import TUTrainer
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.networks.training import quiet

quiet()


def test_under_shift(data_shift):
    """torch-uncertainty's measures of the modest networks, on familiar and on shifted digits."""
    rows = {}
    for name, model in modest.items():
        routine = ClassificationRoutine(
            model, num_classes=10, is_ensemble=name != "LeNet", eval_shift=True
        )
        trainer = TUTrainer(accelerator="cpu", logger=False, enable_progress_bar=False)
        datamodule = ShiftModule(some_digits, data_shift)
        measured = trainer.test(routine, datamodule=datamodule, verbose=False)[0]
        for measure, pair in keys.items():
            for part, key in zip(("familiar", "shifted"), pair, strict=True):
                rows.setdefault((name, part), {})[measure] = measured.get(key, np.nan)
    return pd.DataFrame(rows).T.round(3)


test_under_shift(by_severity[3])

# %% [markdown]
# Compare the two rows of each network. The story is that of the curves: less accurate, worse
# calibrated, more entropy, more disagreement. (NaN: a single network has nobody to disagree with.)
#
# What to take along: **a measure of trust that was made on familiar images holds for familiar
# images.** This includes thresholds (chapter 7), temperatures and guarantees (both below).
#
# ### Optional: MNIST-C
#
# MNIST-C (Mu and Gilmer, 2019) is a fixed set of damaged MNIST test digits: fifteen kinds, one
# strength each. If you have a network and some minutes, open the folded cell and set
# `try_the_network = True`: torch-uncertainty's `MNISTC` downloads 240 MB into your cache, once. Let
# it load all kinds together; `MNISTC(subset="fog")` of version 0.13 looks for the labels in a
# folder that does not have them.

# %% tags=["optional"] jupyter={"source_hidden": true}
from torch_uncertainty.datasets import MNISTC

from course_utils._support.patience import within
from course_utils.images import torchvision_root

try_the_network = False


def some_of_mnist_c():
    """3,000 of the 150,000 damaged test digits."""
    everything = MNISTC(torchvision_root(), subset="all", split="test", download=True)
    chosen = np.random.default_rng(seed=0).choice(len(everything), 3_000, replace=False)
    images = everything.samples[chosen].reshape(-1, 28, 28)
    return ImageSet(images, everything.labels[chosen].astype(np.int64), "MNIST-C")


table = None
if try_the_network and (data_shift := within(600, some_of_mnist_c, "MNIST-C")):
    table = test_under_shift(data_shift)
table

# %% [markdown]
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
# ### Exercise 9.2: Three hopes
#
# *About 3 minutes.* A network is overconfident, and its mistakes hide among its most certain
# answers. A colleague fits a temperature on the validation digits and hopes for three things on
# the test digits: (1) fewer mistakes, (2) a lower NLL, (3) an order in which the mistakes come
# late, so that a threshold finds them. What may be expected?

# %%
from course_utils.exercises.chapter_09 import ex9_2

ex9_2.ask()

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
# ### Exercise 9.3: Pool, then calibrate
#
# *About 8 minutes.* Write the second way of the section above. Your function gets the
# probabilities of the members [N, M, C] and one temperature. It averages over the members, divides
# the *logarithm* of the average by the temperature, and makes probabilities [N, C] of it again.

# %%
from course_utils.exercises.chapter_09 import ex9_3


def pool_then_calibrate(probabilities, temperature):
    """Probabilities [N, C] of an ensemble, pooled first."""
    return ...


ex9_3.check(pool_then_calibrate)

# %%
ex9_3.help

# %% [markdown]
# ### Where it helps, and where not
#
# Does a temperature that was fitted on clean digits hold for damaged ones? We take some digits, and
# damage each of them in one of the ways of the section on distribution shift.

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
# ### Exercise 9.4: The threshold of a conformal set
#
# *About 7 minutes.* Write step 3 of the recipe. Your function gets the scores of the true classes
# of n calibration images, [n] in any order, and alpha. It returns the k-th smallest score with k =
# ⌈(n + 1)(1 - alpha)⌉, and `np.inf` if there are fewer than k scores.

# %%
from course_utils.exercises.chapter_09 import ex9_4


def conformal_threshold(scores, alpha):
    """The k-th smallest score, or infinity."""
    return ...


ex9_4.check(conformal_threshold)

# %%
ex9_4.help

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
import torch
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
known, foreign = {}, {}
for family, models in (("modest", modest), ("good", good)):
    for name, model in models.items():
        known[family, name] = (modest_answers if family == "modest" else good_answers)[name]
        foreign[family, name] = predict(model, data_ood)
print(f"{len(data_test):,} digits, {len(data_ood):,} clothes")

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
# How to read this.
#
# - **Energy and maximum logit** belong together: the energy is a smooth version of the largest
#   logit. Once the confidence is nearly 1, maximum probability and entropy hardly change any more,
#   while the best logit goes on growing, with the strength of the features that speak for it.
#   Clothes excite the features of digits less. Compare these two columns with the others, in each
#   row: is what goes on beyond a confidence of nearly 1 worth something? For the good DE-8 it is:
#   energy and maximum logit beat the entropy.<!--claim:logits-ahead-of-entropy-ood supported-->
#   (The softmax itself loses only what is added to all ten logits alike.)
# - **Entropy** sees all ten probabilities, maximum probability only the largest. Where one rival
#   matters they order images alike, so expect them nearer to each other than to the energy.
# - **Mutual information** asks about disagreement alone. It leaves out the doubt that all members
#   share; for finding clothes, any doubt would do. Compare its column with the entropy's: leaving
#   something out need not help. For the modest DE-8 and PE-4 mutual information is behind the
#   entropy.<!--claim:mutual-information-behind-entropy-ood supported-->
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
rows = {"without torchmetrics, all at once": ood_detection(*pair).auroc}
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
# ### Exercise 9.5: Same scores, other number
#
# *About 3 minutes.* The AUROC of the entropy is higher with batches of 10 than with batches of
# 1,000, by the same metric and for the same images. You write a report. What do you do?

# %%
from course_utils.exercises.chapter_09 import ex9_5

ex9_5.ask()

# %% [markdown]
# *Sources:* Hendrycks and Gimpel (2017), Liu et al. (2020), Hendrycks et al. (2022), Houlsby et al.
# (2011).

# %% [markdown]
# ## Other ensembles at a glance
#
# *Which other ensembles are there, and what do they cost?*
#
# Deep Ensembles keep $M$ sets of weights, Packed-Ensembles keep $M$ narrow ones. Two other families
# make many answers out of nearly *one* set. torch-uncertainty has both, each as a function that
# takes a network and returns one.
#
# **MC-dropout** (Gal and Ghahramani, 2016). Dropout removes a random part of the features at every
# training step. Usually it is switched off afterwards. Here it stays on: each pass through the
# network is another, thinned network, and $M$ passes are $M$ members. *Costs:* no parameter more,
# training of one network, and $M$ passes for every answer.
#
# **BatchEnsemble** (Wen et al., 2020). All members share the weights $W$ of a layer. Each has two
# vectors of its own, $r_m$ for the inputs and $s_m$ for the outputs, and its own bias:
#
# $$ W_m = W \circ (s_m r_m^\top), \qquad W_m x = s_m \circ (W (r_m \circ x)) . $$
#
# So each member is the shared matrix, multiplied entry by entry with a matrix of rank one that is
# its own. In training, torch-uncertainty deals
# the images of a batch out to the members; each image is seen by one of them. *Costs:* few
# parameters more; in training as many images as one network, with two more products for each layer;
# and $M$ passes for every answer, in one large batch.

# %%
import torch
from torch_uncertainty.methods import batch_ensemble, mc_dropout
from torch_uncertainty.models.classification.lenet import lenet

from course_utils.networks.models import LeNet

torch.manual_seed(0)
dropout = mc_dropout(lenet(1, 10, dropout_rate=0.1), num_estimators=16, on_batch=False)
shared = batch_ensemble(LeNet(), num_estimators=4, convert_layers=True)
for name, model in (("MC-dropout", dropout), ("BatchEnsemble", shared)):
    rows = [len(model.train(mode)(torch.zeros(8, 1, 28, 28))) for mode in (True, False)]
    print(f"{name:13} answers to 8 images: {rows[0]} in training, {rows[1]} in evaluation")

# %% [markdown]
# Observe that both give *one* answer for each image in training and $M$ in evaluation. (With
# `on_batch=False` the passes come one after the other. All of them in one large batch, the default,
# is meant for GPUs.) Here are the traps.
#
# - In training there are as many answers as labels. `RepeatTarget` of chapter 4 would repeat labels
#   that have no partner. `is_ensemble=True` is still right for the routine: in evaluation there are
#   members to compare.
# - The rule "learning rate times $M$" is for members with weights of their own. Shared weights get
#   the gradients of *all* members already.
# - MC-dropout rolls dice: ask twice, and the answers differ. Fix the seed before you report.
# - BatchEnsemble needs at least as many images in a batch as it has members.
#
# `training.fit` counts the answers in both modes, so it gets the first two right.

# %%
from course_utils import speed
from course_utils.networks import runs, training

loaded = {"LeNet": "lenet", "DE-2": "deep-ensemble-2", "PE-4": "packed-4"}
small, histories = {}, {}
for title, name in loaded.items():
    run = runs.load(name)
    small[title], histories[title] = run.model, run.facts
newcomers = {"MC-dropout": ("short-mc-dropout", dropout)}
newcomers["BatchEnsemble"] = ("short-batch-ensemble-4", shared)
for title, (name, model) in newcomers.items():
    if speed() == "look":
        small[title], histories[title] = zoo.load(name), zoo.facts(name)
        print(f"{title}: weights from the course's zoo ({name})")
    else:
        fit = training.fit(model, data_train, data_val, name=name, folder=runs.folder())
        small[title] = fit.model
        histories[title] = {"epochs": fit.epochs, "num_train": len(data_train)}

# %% [markdown]
# Now quality, on 4,000 of the test digits, drawn at random, and as many clothes. The AUROC is that
# of the entropy.

# %%

generator = np.random.default_rng(seed=3)
clothes = data_ood.subset(generator.choice(len(data_ood), 4_000, replace=False))
tested = data_test.subset(generator.choice(len(data_test), 4_000, replace=False))
rows = {}
for title, model in small.items():
    torch.manual_seed(0)  # for MC-dropout
    answers, answers_ood = predict(model, tested), predict(model, clothes)
    detection = ood_detection(scores.entropy(answers), scores.entropy(answers_ood))
    steps = histories[title]["epochs"] * -(-histories[title]["num_train"] // training.BATCH_SIZE)
    rows[title] = {
        "steps of training": steps,
        "digits": histories[title]["num_train"],
        "accuracy": round(answers.correct.mean(), 4),
        "NLL": round(negative_log_likelihood(answers), 4),
        "OOD AUROC": round(detection.auroc, 4),
    }
quality = pd.DataFrame(rows).T.astype({"steps of training": int, "digits": int})

# %% [markdown]
# And cost: parameters; milliseconds for one training step, forward and backward, with 128 digits;
# and milliseconds to answer for 128 digits. The networks take turns, and we keep the median.

# %%
import copy
import time

import torch.nn.functional as F

images, labels = next(iter(batches(tested, batch_size=128)))


def training_step(model):
    outputs = model(images)
    F.cross_entropy(outputs, labels.repeat(len(outputs) // len(labels))).backward()


def milliseconds(models, action, turns=9):
    seconds = {title: [] for title in models}
    for turn in range(turns + 2):
        for title, model in models.items():
            start = time.perf_counter()
            action(model)
            if turn >= 2:  # the first turns warm up
                seconds[title].append(time.perf_counter() - start)
    return {title: 1_000 * np.median(each) for title, each in seconds.items()}


# %% [markdown]
# The training steps run on copies, so that the networks stay as they are.

# %%
in_training = {title: copy.deepcopy(model).train() for title, model in small.items()}
step = milliseconds(in_training, training_step)
with torch.inference_mode():
    answer = milliseconds(small, lambda model: model(images))
quality.assign(
    parameters=[sum(p.numel() for p in model.parameters()) for model in small.values()],
    **{"ms a step": pd.Series(step).round(1), "ms to answer": pd.Series(answer).round(1)},
)

# %% [markdown]
# How to read it. The first two columns are the budget; compare only rows where they agree. Then
# compare the rest with LeNet's row.
#
# - **Parameters.** Observe that MC-dropout has LeNet's, and BatchEnsemble hardly more: its members
#   are vectors.
# - **Time.** For MC-dropout the price comes with the answer, not with the training: sixteen passes
#   are sixteen passes, and the dice take time, too. Whoever answers a million images a day pays for
#   that every day. The products with $r_m$ and $s_m$ are cheap beside a large layer. LeNet's layers
#   are small: compare BatchEnsemble's step with LeNet's.
# - **Quality.** Three epochs are a short training, and each newcomer makes it harder: dropout hides
#   features, and the images of a BatchEnsemble are spread over its members. What helps after a long
#   training may not help after a short one. Is there a newcomer ahead of DE-2 in your table? And if
#   one is ahead of LeNet, is it by more than a few digits?
#
# Not in the table are methods that collect members *along* one training: snapshot ensembles (Huang
# et al., 2017), the averages of weights SWA (Izmailov et al., 2018) and EMA (older weights fade),
# and SWAG (Maddox et al., 2019), which draws members from around such an average. They need a
# training that visits several good places. Our short schedule has one, at its end. Two more
# families train members inside one network: MIMO (Havasi et al., 2021) gives it several images at
# once, Masksembles (Durasov et al., 2021) switch fixed groups of features off. torch-uncertainty
# has all of them.
#
# *Sources:* Gal and Ghahramani (2016), Wen et al. (2020), and those just named.

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
# ## Your own data
#
# *How do I bring my own images?*
#
# Everything in this course works on an `ImageSet`: images of 28 by 28 grey values, and labels from
# 0 to 9. `own_data` makes one from a folder of PNGs or from an npz file. It converts and guesses
# nothing. An image that does not fit is refused, with one sentence.
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
# There it is. The network knows bright ink on black paper. No error would have told us: black and
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
# From here on, everything goes as before: `evaluate`, curves, calibration, prediction sets. Two
# rules stay. Keep images apart on which you choose, such as temperatures and thresholds. And digits
# from one person or one scanner belong to *one* part, or you test on what you have trained on.
#
# ### What is refused
#
# Three folders with one bad image each, and what is said of them.

# %%
colourful = np.zeros((28, 28, 3), np.uint8)
colourful[8:20, 12:16] = (255, 128, 0)
spoiled = {
    "7_wide.png": Image.new("L", (64, 28)),
    "7_orange.png": Image.fromarray(colourful),
    "cat_1.png": Image.new("L", (28, 28)),
}
for number, (name, image) in enumerate(spoiled.items()):
    folder = desk / f"folder {number}"
    folder.mkdir()
    image.save(folder / name)
    try:
        own_data.from_folder(folder)
    except own_data.OwnDataError as error:
        print("-", error)

# %% [markdown]
# Now four npz files from a stranger. One holds Python objects, which can run any program when they
# are loaded. They are not loaded.

# %%
arrays = {
    "floats": (good_way.images / 255, good_way.labels),
    "eleven classes": (good_way.images, good_way.labels + 1),
    "objects": (good_way.images, np.array([{"label": 7}] * len(good_way), dtype=object)),
    "fine": (good_way.images, good_way.labels),
}
for name, (images, labels) in arrays.items():
    np.savez(desk / f"{name}.npz", images=images, labels=labels)
    try:
        print("-", own_data.from_npz(desk / f"{name}.npz"))
    except own_data.OwnDataError as error:
        print("-", error)

# %% [markdown]
# Photos and scans are larger than 28 by 28 and need more than scaling. MNIST's digits were fitted
# into a box of 20 by 20 pixels and centred by their mass (LeCun et al., 1998); `centring.as_mnist`
# does this for light ink on dark paper. A network for other sizes or more classes is a matter of
# two numbers in chapter 2's `LeNet`, and of training.
#
# **Try it.** Write some digits on paper, photograph them, and bring them here. Which mistakes do
# the networks make, and do they doubt before they make them?

# %% [markdown]
# ## More than one device
#
# *How do several devices train one network, or many?*
#
# Training on several GPUs is called *data parallel* if each has a copy of the network and its own
# share of every batch. After the backward pass the gradients are averaged over all devices, and
# each copy takes the same step. If the shares are equal, the average of their mean gradients is the
# mean gradient of the whole batch. So the network learns as with one device (if no layer
# looks at the whole batch, as batch normalisation does). Let us see that, with
# two shares:

# %%
import torch
from torch.nn.functional import cross_entropy

from course_utils.networks.models import LeNet

whole = batches(data_train, 128, shuffle=True, seed=5)
shares = [
    batches(data_train, 64, shuffle=True, seed=5, rank=rank, world_size=2) for rank in range(2)
]
network = LeNet()


def gradient(images, labels):
    network.zero_grad()
    cross_entropy(network(images), labels).backward()
    return network.conv1.weight.grad.clone()


of_batch = gradient(*next(iter(whole)))
of_shares = torch.stack([gradient(*next(iter(share))) for share in shares])
print(f"largest entry of the gradient:  {of_batch.abs().max():.1e}")
print(f"the two shares differ by up to  {(of_shares[0] - of_shares[1]).abs().max():.1e}")
print(f"their mean and the batch by     {(of_shares.mean(dim=0) - of_batch).abs().max():.1e}")

# %% [markdown]
# Observe the last line: what is left is rounding. The word for a device's number is its *rank*.
#
# The trap is in the shares. Lightning shares out the images of a `DataLoader` by itself. Any other
# loader it takes as it is, and then every device gets the *same* batches: all work, nothing gained,
# no error. So `batches` takes `rank` and `world_size`. All ranks shuffle with the same seed, and
# each takes every second image, or third, and so on. Do two ranks have different digits, and
# together all of them?

# %%
dealt = [torch.cat([images.flatten(1) for images, _ in share]) for share in shares]
prints = [[hash(image.numpy().tobytes()) for image in part] for part in dealt]
print("digits of each rank:", [len(part) for part in prints])
print("batches of each rank:", [len(share) for share in shares])
both = set(prints[0]) | set(prints[1])
everything = {hash(image.numpy().tobytes()) for images, _ in whole for image in images.flatten(1)}
print("together all digits:", both == everything)
print("digits of both ranks:", len(set(prints[0]) & set(prints[1])))

# %% [markdown]
# Equally many batches matter as much: a rank that has one more waits for the others for ever. Where
# the images cannot be shared equally, some are dealt twice. (If your count of digits of both ranks
# is not 0, the data hold two copies of a digit.)
#
# ### In a notebook
#
# Several devices are several processes. The usual strategy, `ddp`, starts the *script* once more
# for each, and a notebook is no script: Lightning refuses. `ddp_notebook` copies the running
# process instead. A process that has used a GPU cannot be copied, so this must come first after a
# restart of the kernel; the condition below asks for that.

# %%
import torch

from course_utils.networks import runs, training
from course_utils.networks.models import LeNet

if torch.cuda.device_count() > 1 and not torch.cuda.is_initialized():
    fit = training.fit(
        LeNet(),
        data_train,
        data_val,
        name="lenet-many",
        folder=runs.folder(),
        devices=2,
        strategy="ddp_notebook",
    )
    print(f"{fit.num_steps} steps in {fit.seconds:.1f} s on {fit.device}")
elif torch.cuda.device_count() > 1:
    print("A GPU is in use: restart the kernel, run the first two cells of code, then this one.")
else:
    print(f"{torch.cuda.device_count()} GPUs here: nothing to share.")

# %% [markdown]
# ### In a script
#
# `tools/learner/train_on_many.py` calls the same `fit` with `devices`, `num_nodes` and the strategy
# `ddp`. Lightning then starts a process for each GPU:
#
# ```bash
# python -m tools.learner.train_on_many --devices 4
# ```
#
# On several machines, a cluster starts the processes; [the appendix](appendix/devices.ipynb) shows
# how SLURM does.
#
# Without enough GPUs, processes on the CPU stand in, so you can try it anywhere. A test of this
# course does, and compares the weights of two processes at the end with each other and with those
# of a single one. Each device gets 128 / number of devices images of a batch, and the recipe stays.
# For a network as small as LeNet this *loses* time: devices talk after every step, and a step has
# little to compute. It pays for large networks. If you keep 128 images for each device instead, the
# batch grows, there are fewer steps, and learning rate and schedule must be found anew.
#
# ### Members on several devices
#
# An ensemble is easier. Its members do not talk, so each can have a device and a process of its
# own, and nothing is lost on waiting:
#
# ```bash
# for member in 0 1 2 3; do
#     CUDA_VISIBLE_DEVICES=$member python -m tools.learner.train_on_many --seed $member &
# done
# wait
# ```
#
# Afterwards `deep_ensembles([...])` puts the networks together, or `Predictions.combine` their
# answers, as in chapter 4. That way the machines need not even be in the same place.
#
# *Sources:* Li et al. (2020), documentation of Lightning.

# %% [markdown]
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(9)

# %% [markdown]
# ## What you have learned
#
# - When images shift, confidence and accuracy part: for some kinds of damage accuracy falls faster,
#   for others confidence. Entropy and disagreement rise and need no labels; they are alarms, not
#   cures.
# - A temperature repairs the confidence and keeps every answer. It leaves the ranking nearly as it
#   was, and it holds for images like those it was fitted on. Averaging members is a repair, too.
# - A conformal set keeps its promise on average over images and calibration sets, for any network.
#   A better network has smaller sets. The $n + 1$ matters when $n$ is small.
# - Energy and maximum logit still tell images apart whose confidence is nearly 1. An AUROC must be
#   computed from all scores at once.
# - MC-dropout and BatchEnsemble make many answers out of nearly one set of weights. They save
#   parameters, and pay with every answer.
# - A grouping loss is what an average over unlike images hides. It can be bounded from below by
#   what the features show, if chance is subtracted.
# - Images of your own go through the same pipeline. Look first which way round the ink is.
# - Several devices share each batch, and must not all get the same one. Members need no sharing.
#
# **What comes next.** This was the last chapter with new material: chapter 12 hides ten faults in a
# script, chapter 13 asks ten questions. Then take a problem of your own: choose the score and the
# threshold on validation images, say what they promise, and for whom.

# %% [markdown]
# ### Sources
#
# **Distribution shift**
#
# - D. Hendrycks, T. Dietterich (2019). Benchmarking neural network robustness to common corruptions
#   and perturbations. *ICLR*. [arXiv:1903.12261](https://arxiv.org/abs/1903.12261). Where the five
#   severities come from.
# - N. Mu, J. Gilmer (2019). MNIST-C: a robustness benchmark for computer vision.
#   [arXiv:1906.02337](https://arxiv.org/abs/1906.02337). Fifteen kinds of damage, chosen to be as
#   different as possible.
# - Y. Ovadia et al. (2019). Can you trust your model's uncertainty? Evaluating predictive
#   uncertainty under dataset shift. *NeurIPS*.
#   [arXiv:1906.02530](https://arxiv.org/abs/1906.02530). The study to know: many methods, growing
#   shift, calibration and accuracy side by side.
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
# **Scores for out-of-distribution images**
#
# - D. Hendrycks, K. Gimpel (2017). A baseline for detecting misclassified and out-of-distribution
#   examples in neural networks. *ICLR*. [arXiv:1610.02136](https://arxiv.org/abs/1610.02136). The
#   first comparison everybody makes.
# - W. Liu, X. Wang, J. Owens, Y. Li (2020). Energy-based out-of-distribution detection. *NeurIPS*.
#   [arXiv:2010.03759](https://arxiv.org/abs/2010.03759). The size of the logits, made a score.
# - D. Hendrycks et al. (2022). Scaling out-of-distribution detection for real-world settings.
#   *ICML*. [arXiv:1911.11132](https://arxiv.org/abs/1911.11132). The maximum logit.
# - N. Houlsby, F. Huszár, Z. Ghahramani, M. Lengyel (2011). Bayesian active learning for
#   classification and preference learning. [arXiv:1112.5745](https://arxiv.org/abs/1112.5745).
#   Mutual information as disagreement.
# - C. E. Shannon (1948). A mathematical theory of communication. *Bell System Technical Journal*
#   27.
#   [doi:10.1002/j.1538-7305.1948.tb01338.x](https://doi.org/10.1002/j.1538-7305.1948.tb01338.x).
#   Entropy.
#
# **Other ensembles**
#
# - Y. Gal, Z. Ghahramani (2016). Dropout as a Bayesian approximation. *ICML*.
#   [arXiv:1506.02142](https://arxiv.org/abs/1506.02142). Dropout left on samples from an
#   approximate posterior.
# - Y. Wen, D. Tran, J. Ba (2020). BatchEnsemble. *ICLR*.
#   [arXiv:2002.06715](https://arxiv.org/abs/2002.06715). Members as shared weights times
#   factors of rank one.
# - M. Havasi, R. Jenatton, S. Fort, et al. (2021). Training independent subnetworks for robust
#   prediction. *ICLR*. [arXiv:2010.06610](https://arxiv.org/abs/2010.06610). MIMO: one network
#   reads several images at once.
# - N. Durasov, T. Bagautdinov, P. Baque, P. Fua (2021). Masksembles for uncertainty estimation.
#   *CVPR*. [arXiv:2012.08334](https://arxiv.org/abs/2012.08334). Fixed masks, between dropout and
#   ensembles.
# - G. Huang, Y. Li, G. Pleiss, et al. (2017). Snapshot ensembles: train 1, get M for free. *ICLR*.
#   [arXiv:1704.00109](https://arxiv.org/abs/1704.00109). A member at the end of each of several
#   cycles of the learning rate.
# - P. Izmailov, D. Podoprikhin, T. Garipov, D. Vetrov, A. G. Wilson (2018). Averaging weights leads
#   to wider optima and better generalization. *UAI*.
#   [arXiv:1803.05407](https://arxiv.org/abs/1803.05407). SWA: one network, the mean of many.
# - W. Maddox, T. Garipov, P. Izmailov, D. Vetrov, A. G. Wilson (2019). A simple baseline for
#   Bayesian uncertainty in deep learning. *NeurIPS*.
#   [arXiv:1902.02476](https://arxiv.org/abs/1902.02476). SWAG: a normal distribution around that
#   mean.
#
# **Grouping loss**
#
# - M. Kull, P. Flach (2015). Novel decompositions of proper scoring rules for classification. *ECML
#   PKDD*. [doi:10.1007/978-3-319-23528-8_5](https://doi.org/10.1007/978-3-319-23528-8_5). The three
#   parts of a proper score.
# - A. Perez-Lebel, M. Le Morvan, G. Varoquaux (2023). Beyond calibration: estimating the grouping
#   loss of modern neural networks. *ICLR*. [arXiv:2210.16315](https://arxiv.org/abs/2210.16315).
#   The estimator of this chapter, and what it finds in large networks.
#
# **Your own data, and devices**
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). Gradient-based learning applied to document
#   recognition. *Proceedings of the IEEE* 86(11).
#   [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791). How MNIST's digits were scaled and
#   centred.
# - S. Li, Y. Zhao, R. Varma, et al. (2020). PyTorch Distributed: experiences on accelerating data
#   parallel training. *VLDB*. [arXiv:2006.15704](https://arxiv.org/abs/2006.15704). What `ddp`
#   does.
# - [Documentation of Lightning](https://lightning.ai/docs/pytorch/stable/) on strategies and
#   clusters, and [of torch-uncertainty](https://torch-uncertainty.github.io/) on its methods.
