# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 0. The whole story
#
# You train three small classifiers of handwritten digits: one network, two networks that answer
# together, and four narrow ones packed into one. Then you decide which digits the computer may read
# on its own, and which it should pass on to a person. The other chapters take these steps one at a
# time; here you get the whole tour.
#
# **Questions**
#
# - What do several networks tell us that one doesn't?
# - Which numbers say whether we can trust a classifier?
# - When should it answer, and when should it ask?
#
# **Objectives.** After this chapter you can
#
# - train a network, a Deep Ensemble and a Packed-Ensemble with torch-uncertainty, and compare them
#   in one table;
# - combine the members of an ensemble into one answer;
# - choose a threshold from what mistakes and referrals cost, and report what it's worth on new
#   digits.
#
# **Time.** About 25 minutes to read, draw and solve three exercises. Training takes about a minute
# of that.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Draw a digit
#
# Eight trained networks come with the course. Draw a digit slowly and watch them make up their
# minds. Then try to make them disagree: a 4 that's nearly a 9, a 7 with a long foot. What do they
# say about a house?

# %%
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.networks import zoo
from course_utils.widgets import drawing_pad

data_test, data_ood = load_mnist("test"), load_fashion_mnist("test")
eight = zoo.load("deep-ensemble-8")
drawing_pad(eight, examples={"digits": data_test, "clothes": data_ood})

# %% [markdown]
# The networks only know digits, so they have to call everything a digit. What we'd like is a
# warning: "don't rely on this one".
#
# ## The digits
#
# torchvision's MNIST has 60,000 training images. We leave 5,000 of them out, to make choices with;
# choosing on the test images would flatter us (chapter 1 shows how much). Each training image is
# shifted a little every time it's used.

# %%
import numpy as np
import torch
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import MNIST
from torchvision.transforms import v2

from course_utils.images import MEAN, STD, torchvision_root, validation_indices

to_network = v2.Compose(
    [
        v2.RandomCrop(28, padding=4),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([MEAN], [STD]),
    ]
)
mnist = MNIST(torchvision_root(), train=True, transform=to_network)
to_train_on = np.setdiff1d(np.arange(len(mnist)), validation_indices())
train_set = Subset(mnist, to_train_on)
torchvision_loader = DataLoader(train_set, batch_size=128, shuffle=True)
print(f"{len(train_set):,} digits to train on, {len(mnist) - len(train_set):,} to choose with")

# %% [markdown]
# This loader opens every digit as a picture and transforms it on its own. The course's `batches`
# gives the same kind of batch, but crops and scales all its digits at once. How long would we wait
# for the digits alone, for three networks and two epochs each?

# %%
from itertools import islice
from time import perf_counter

from course_utils.images import batches

data_train, data_val = load_mnist("train"), load_mnist("val")
train_loader = batches(data_train, 128, shuffle=True, crop_padding=4, seed=0)
val_loader, test_loader, ood_loader = (
    batches(images, 500) for images in (data_val, data_test, data_ood)
)
for name, loader in {"DataLoader": torchvision_loader, "batches": train_loader}.items():
    start = perf_counter()
    num_batches = sum(1 for _ in islice(loader, 20))
    per_batch = (perf_counter() - start) / num_batches
    print(f"{name:10} {per_batch * len(loader) * 3 * 2:5.1f} s")

# %% [markdown]
# One by one, the digits take many times as long to load as in batches. A network as small as ours
# would spend most of its training waiting for them, so we train from `batches`.
#
# ## One network
#
# LeNet is a small convolutional network that read cheques in the 1990s. torch-uncertainty's
# **routine** holds the network, the loss and the recipe (here gradient descent with a learning rate
# that rises once and falls again), and knows which metrics to compute. With `eval_ood=True` it will
# also test how well the network tells digits from clothes.

# %%
from torch import nn
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.networks.models import LeNet
from course_utils.networks.training import one_cycle_sgd, quiet

quiet()  # hides a few warnings that you can't do anything about
num_epochs = 2
num_steps = num_epochs * len(train_loader)

torch.manual_seed(0)
lenet = LeNet()
lenet_routine = ClassificationRoutine(
    lenet,
    num_classes=10,
    loss=nn.CrossEntropyLoss(),
    optim_recipe=one_cycle_sgd(lenet, num_steps),
    eval_ood=True,
)

# %% [markdown]
# The **trainer** runs the loop. `TUTrainer` is Lightning's trainer with readable tables. All three
# models get the same trainer, so we write it as a function. With `COURSE_SPEED=look` it loads
# weights that come with the course instead of training.

# %%
from torch_uncertainty import TUTrainer

from course_utils import speed
from course_utils.networks.progress import ProgressLine
from course_utils.networks.training import device


def fit(routine, name, shipped):
    """Train a network, or load the shipped one; return the trainer."""
    trainer = TUTrainer(
        accelerator=device().type, devices=1, max_epochs=num_epochs,
        logger=False, enable_checkpointing=False, enable_model_summary=False,
        callbacks=[ProgressLine(name)],
    )  # fmt: skip
    if speed() == "look":
        routine.model.load_state_dict(zoo.load(shipped).state_dict())
        print(f"Not trained here: shipped weights, {zoo.facts(shipped)['epochs']} epochs.")
    else:
        trainer.fit(routine, train_loader, val_loader)
    return trainer


trainer = fit(lenet_routine, "LeNet", "short-lenet")

# %% [markdown]
# What is it worth? The trainer tests it on the 10,000 test digits and as many pictures of clothes.

# %%
tested = trainer.test(lenet_routine, [test_loader, ood_loader])

# %% [markdown]
# That's a lot of numbers, and chapter 3 explains each of them. For now, look at two. `Acc` is the
# share of right answers. `AUROC`, under *OOD Detection*, is the probability that the network is
# less sure about a random piece of clothing than about a random digit. Guessing gives one half.
#
# ## Two networks that answer together
#
# A **Deep Ensemble** is several networks that differ only in their random start. torch-uncertainty
# trains both in one go: it stacks their outputs, and `RepeatTarget` repeats the labels to match.

# %%
from torch_uncertainty.methods import deep_ensembles
from torch_uncertainty.transforms import RepeatTarget

ensemble = deep_ensembles(LeNet(), num_estimators=2)
ensemble_routine = ClassificationRoutine(
    ensemble,
    num_classes=10,
    loss=nn.CrossEntropyLoss(),
    is_ensemble=True,
    format_batch_fn=RepeatTarget(2),
    optim_recipe=one_cycle_sgd(ensemble, num_steps, num_members=2),
    eval_ood=True,
)
trainer = fit(ensemble_routine, "Deep Ensemble", "short-deep-ensemble-2")

# %% [markdown]
# ### Exercise 0.1: One answer from several
#
# *About 4 minutes.* An ensemble's probabilities are the mean of its members' probabilities, and it
# answers with the class whose mean is highest. Write that in one line. `probabilities` has the
# shape [images, members, classes]; return one class per image.
#
# Replace the `...` and run the cell. Hints and a solution unfold below it.

# %%
from course_utils.exercises.chapter_00 import ex0_1


def answers(probabilities):
    """The ensemble's answer to each image; probabilities is [images, members, classes]."""
    return ...


ex0_1.check(answers)

# %%
ex0_1.help

# %% [markdown]
# ## Four networks in one
#
# Two networks cost twice as much as one. A **Packed-Ensemble** gives each of its members a share of
# the channels instead: ours holds four LeNets of half the width, side by side in the same layers,
# and together they're about as large as one LeNet. Only the model and the number of members change.

# %%
from course_utils.networks.models import PackedLeNet

packed = PackedLeNet(alpha=2, num_estimators=4)
packed_routine = ClassificationRoutine(
    packed,
    num_classes=10,
    loss=nn.CrossEntropyLoss(),
    is_ensemble=True,
    format_batch_fn=RepeatTarget(4),
    optim_recipe=one_cycle_sgd(packed, num_steps, num_members=4),
    eval_ood=True,
)
trainer = fit(packed_routine, "Packed-Ensemble", "short-packed-4")

# %% [markdown]
# ## One table
#
# Now all three, side by side. `trainer.test` returns its metrics as a dictionary, and we pick a
# few.

# %%
import pandas as pd

routines = {"LeNet": lenet_routine, "DE-2": ensemble_routine, "PE-4": packed_routine}
loaders = [test_loader, ood_loader]
measured = {
    name: trainer.test(routine, loaders, verbose=False)[0] for name, routine in routines.items()
}
chosen = ["test/cls/Acc", "test/cls/NLL", "test/cal/ECE", "test/sc/AURC", "ood/AUROC"]
table = pd.DataFrame(measured).T.astype({"test/cplx/params": int})
table[[*chosen, "test/cplx/params"]].round(5)

# %% [markdown]
# - **Acc**: the share of right answers. Higher is better.
# - **NLL**: how far the probabilities are from the truth. One confident mistake can outweigh a
#   hundred good answers. Lower is better.
# - **ECE**: how far confidence and accuracy are apart. Of the answers given with confidence 0.9,
#   nine in ten should be right. Lower is better.
# - **AURC**: the share of mistakes among the answers if the least certain digits go to a person,
#   averaged over how many go. Lower is better.
# - **AUROC**: how well doubt tells clothes from digits. Higher is better.
#
# Two LeNets together answer better than one. The Packed-Ensemble is about as large as one LeNet;
# compare it with LeNet column by column. After so few epochs its narrow members still have a lot to
# learn, and whether packing pays in the end is the subject of chapter 6.
#
# The ECE is the odd one out: the single LeNet has the best. Averaging makes probabilities less
# extreme, so both ensembles claim *less* than they achieve. Chapter 9 puts that right.

# %% [markdown]
# ### A second opinion
#
# The course also computes these metrics itself, in NumPy, from the predicted probabilities. Do the
# two agree?

# %%
from course_utils.metrics import calibration, detection
from course_utils.networks.evaluation import predict

both = {}
for name, routine in routines.items():
    digits, clothes = predict(routine.model, data_test), predict(routine.model, data_ood)
    doubts = [1 - predictions.mean.max(axis=1) for predictions in (digits, clothes)]
    both[name] = {
        "ECE, torch-uncertainty": table.at[name, "test/cal/ECE"],
        "ECE, course": calibration.expected_calibration_error(digits),
        "AUROC, torch-uncertainty": table.at[name, "ood/AUROC"],
        "AUROC, course": detection.ood_detection(*doubts).auroc,
    }
pd.DataFrame(both).T.round(5)

# %% [markdown]
# The AUROCs agree. The ECEs may differ a little. Their definition is the same, but
# torch-uncertainty adds up thousands of confidences in 32-bit numbers, and each addition rounds. If
# two *models* differed by so little, it would mean nothing.

# %% [markdown]
# ## When to ask a person
#
# We've seen that the models are less sure about clothes. Are they also less sure where they're
# wrong? Suppose a model answers only the digits it's sure about and refers the rest to a person.
# **Coverage** is the share it answers, **risk** the share of mistakes among those. We look at the
# 5,000 validation digits, because we're about to choose something.
#
# Drag the point along the curve. Below it are the last digits that are still answered and the first
# that aren't; watch which ones cross the line. Would *you* have answered them?

# %%
from course_utils.widgets import risk_coverage_explorer

validated = {name: predict(routine.model, data_val) for name, routine in routines.items()}
uncertainty = 1 - validated["DE-2"].mean.max(axis=1)
correct = validated["DE-2"].correct
explorer = risk_coverage_explorer(validated, data_val)
explorer.model = "DE-2"
explorer

# %% [markdown]
# The first few percent of referrals remove most of the mistakes; after that there's little left to
# gain. So where should we stop?
#
# ### Exercise 0.2: What a threshold costs
#
# *About 8 minutes.* A wrong answer costs 10, say in euros, and a person who reads a digit costs 1.
# A right answer costs nothing. The model answers if its uncertainty is *at most* the threshold; all
# other digits go to a person, who makes no mistakes. Return the mean cost of a digit. `uncertainty`
# and `correct` (true or false) are arrays with one value per digit.

# %%
from course_utils.exercises.chapter_00 import ex0_2


def mean_cost(threshold, uncertainty, correct):
    """Mean cost of a digit: 10 for a wrong answer, 1 for a digit that a person reads."""
    return ...


ex0_2.check(mean_cost)

# %%
ex0_2.help

# %% [markdown]
# ### Exercise 0.3: Decide
#
# *About 6 minutes.* Which threshold makes a validation digit cheapest? Try every value that occurs
# in `uncertainty` with your `mean_cost`, and keep the one with the lowest cost.

# %%
from course_utils.exercises.chapter_00 import ex0_3

threshold = ...

ex0_3.check(threshold, uncertainty, correct)

# %%
ex0_3.help

# %% [markdown]
# ## The report
#
# We chose the threshold on the validation digits. Now we measure, once, what it's worth on the test
# digits. (`cost_curve` does what you've just written, so this cell runs even if you skipped the
# exercises.)

# %%
from course_utils.metrics.selective import cost_curve

decided = cost_curve(uncertainty, correct, cost_wrong=10, cost_refer=1).optimum.threshold

test = predict(ensemble, data_test)
on_test = cost_curve(1 - test.mean.max(axis=1), test.correct, cost_wrong=10, cost_refer=1)
policies = {"answer everything": np.inf, "a person reads all": -np.inf, "our threshold": decided}
for name, limit in policies.items():
    answered = 1 - test.mean.max(axis=1) <= limit
    print(
        f"{name:18} costs {on_test.cost_at(limit):.3f} a digit: {answered.mean():6.1%} answered, "
        f"{(answered & ~test.correct).sum():3} wrong answers"
    )

# %% [markdown]
# Our threshold is cheaper than both extremes, and it leaves far fewer wrong answers than answering
# everything. That is the whole story: train, measure honestly, and turn doubt into a decision. It
# holds as long as the digits keep looking like these, and chapter 10 is about what happens when
# they don't.

# %% [markdown]
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(0)

# %% [markdown]
# ## What you have learned
#
# - The mean of several networks' probabilities usually beats a single network, at several times the
#   cost. A Packed-Ensemble aims for the same at about the cost of one.
# - Accuracy, calibration, and doubt about mistakes or foreign images are different things. One
#   model needn't be best at all of them.
# - To make use of doubt, choose a threshold on validation data, and report on test data.
#
# **What comes next.** Chapter 1 goes back to the images: what a network sees, which changes leave a
# label true, and why there are three sets of them.
#
# ### Sources
#
# - torch-uncertainty's tutorial *From Deep Ensembles to Packed-Ensembles*, whose route this chapter
#   follows: [torch-uncertainty.github.io](https://torch-uncertainty.github.io)
# - B. Lakshminarayanan, A. Pritzel, C. Blundell (2017). Simple and scalable predictive uncertainty
#   estimation using deep ensembles. *NeurIPS*. [arXiv:1612.01474](https://arxiv.org/abs/1612.01474)
# - O. Laurent et al. (2023). Packed-Ensembles for efficient uncertainty estimation. *ICLR*.
#   [arXiv:2210.09184](https://arxiv.org/abs/2210.09184)
