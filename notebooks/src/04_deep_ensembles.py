# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 4. Deep Ensembles
#
# Train the same network twice from different random weights, and you get two networks that are
# about equally good but don't make quite the same mistakes. A Deep Ensemble (Lakshminarayanan,
# Pritzel and Blundell, 2017) lets several such networks, its *members*, answer together. Few
# methods are simpler, and few have proved harder to beat.
#
# **Questions**
#
# - Why average probabilities, and what is certain to improve?
# - How do you train several networks at once, and what does it cost?
# - How many members are enough?
#
# **Objectives.** After this chapter you can
#
# - average the members' answers, and show on numbers that the average has at most their mean NLL;
# - sort the output of an ensemble by image and member, and repeat the labels to match;
# - train members jointly with the right learning rate and weight decay, and explain why they are
#   right;
# - combine networks that were trained independently, and say what each way costs;
# - measure how much each further member brings.
#
# **Time.** About 45 minutes with all exercises. One to two minutes of them are training, none with
# `COURSE_SPEED=look`.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Eight opinions
#
# Here are eight LeNets that differ only in their seed. They're *modest*: each has seen only 2,000
# digits, so that they err often enough for us to watch. The widget holds the 40 test digits that
# they dispute most.
#
# **Try it.** Press "Play", or drag the slider: the members' answers are laid on top of each other.
# Find a digit on which the first two are sure of different things. What do the other six make of
# it?

# %%
import numpy as np

from course_utils.images import batches, load_fashion_mnist, load_mnist
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict
from course_utils.widgets import averaging

data_train, data_val = load_mnist("train"), load_mnist("val")
data_test = load_mnist("test")
modest = predict(zoo.load("modest-deep-ensemble-8"), data_test)
averaging(modest, data_test)

# %% [markdown]
# ## Why average?
#
# Member $m$ gives probability $p_m(c)$ to class $c$. The ensemble's answer is the mean,
#
# $$ \bar p(c) = \frac{1}{M} \sum_{m=1}^{M} p_m(c). $$
#
# This is a *mixture*: we don't know which member to believe, so we give each of them the weight
# $1/M$. Why not average the logits, one step earlier? Let one member be extremely sure of class 0,
# and the other fairly sure of class 1.

# %%
import torch

logits = torch.tensor([[12.0, 0.0], [0.0, 2.0]])
print("the two members:       ", *logits.softmax(dim=1).numpy().round(3))
print("mean of probabilities: ", logits.softmax(dim=1).mean(dim=0).numpy().round(3))
print("softmax of mean logits:", logits.mean(dim=0).softmax(dim=0).numpy().round(3))

# %% [markdown]
# The mean of the probabilities keeps the doubt. With the mean of the logits the louder member wins,
# and the answer no longer shows that there was a conflict.

# %% [markdown]
# ### Exercise 4.1: The answer of an ensemble
#
# *About 5 minutes.* Write the answer of a Deep Ensemble with NumPy alone. You get the members'
# logits, an array of shape [N, M, C]: images, members, classes. Return the ensemble's
# probabilities, of shape [N, C].

# %%
from course_utils.exercises.chapter_04 import ex4_1


def ensemble_answer(member_logits):
    """Probabilities [N, C] of a Deep Ensemble, from logits [N, M, C]."""
    return ...


ex4_1.check(ensemble_answer)

# %%
ex4_1.help

# %% [markdown]
# ### What is certain to improve
#
# The logarithm is concave. So by Jensen's inequality, for every image with true class $y$,
#
# $$ \underbrace{-\ln \bar p(y)}_{\text{NLL of the mean}} \;\le\;
# \underbrace{\frac{1}{M} \sum_{m=1}^{M} -\ln p_m(y)}_{\text{mean NLL of the members}}. $$
#
# This needs no assumption about networks or images. But the ensemble beats the *average* member,
# not necessarily the best one. And nothing of the kind holds for accuracy: if two of three members
# make the same mistake, the mean may make it too.

# %% [markdown]
# ### Exercise 4.2: Two losses
#
# *About 5 minutes.* Write both sides of the inequality. You get the members' probabilities, shape
# [N, M, C], and the labels, shape [N]. Return two numbers: the mean NLL of the members, and the NLL
# of their mean, each averaged over the images.

# %%
from course_utils.exercises.chapter_04 import ex4_2


def two_losses(probabilities, labels):
    """Mean NLL of the members, and NLL of their mean."""
    return ...


ex4_2.check(two_losses)

# %%
ex4_2.help

# %% [markdown]
# ## Building an ensemble
#
# torch-uncertainty's `deep_ensembles` copies a network, or combines networks that you have. We try
# three ways on a trained LeNet.

# %%
import pandas as pd
from torch_uncertainty.methods import deep_ensembles

trained, another = zoo.load("short-lenet"), zoo.load("lenet-0")
ways = {
    "one network": deep_ensembles(trained, 2),
    "one network, no reset": deep_ensembles(trained, 2, reset_model_parameters=False),
    "a list of two": deep_ensembles([trained, another]),
}
found = {}
for name, built in ways.items():
    first, second = (member.fc3.weight for member in built.core_models)
    found[name] = {
        "members differ": not torch.equal(first, second),
        "first is still trained": torch.equal(first, trained.fc3.weight),
    }
pd.DataFrame(found).T

# %% [markdown]
# - *One network* gives members with new random weights: what you want before training. Whatever the
#   network had learned is gone.
# - Without the reset all members are the same network: an ensemble in name only, and no error.
# - A *list of two or more* is taken as it is, whatever the option says.
#
# ## The order of the output
#
# An ensemble turns $B$ images into $M \cdot B$ rows of logits: all images through the first member,
# then all images through the second, and so on. The library einops writes this order as `(m b) c`.
# To see it, we take two "networks" that just write their own number and that of the image: 203 is
# member 2, image 3.

# %%
from einops import rearrange


class Signature(torch.nn.Linear):
    """A stand-in for a network that signs instead of answering."""

    def forward(self, images):
        return 100 * self.in_features + torch.arange(1, 1 + len(images))[:, None]


images, labels = next(iter(batches(data_train, batch_size=4, shuffle=True, seed=0)))
signatures = deep_ensembles([Signature(1, 1), Signature(2, 1)])(images)
print("rows:", signatures[:, 0].tolist())
by_image = {
    "rearrange": rearrange(signatures, "(m b) c -> b m c", m=2)[..., 0].tolist(),
    "view": signatures.view(4, 2, 1)[..., 0].tolist(),
}
pd.DataFrame(by_image, index=[f"image {number}" for number in (1, 2, 3, 4)])

# %% [markdown]
# `view(b, m, c)` has the right shape and the wrong content: it takes two *images* of one member for
# two members' answers to one image. You get no error, only nonsense.

# %% [markdown]
# ### Exercise 4.3: Who voted for it?
#
# *About 6 minutes.* You get the output of an ensemble, a tensor of M·B rows in the order `(m b)`,
# and the number of members. Return for each image how many members vote for the class that the
# *ensemble* answers: B whole numbers. A member votes for its most probable class.

# %%
from course_utils.exercises.chapter_04 import ex4_3


def votes_for_answer(outputs, num_members):
    """Members whose class is the ensemble's, for each image: [M * B, C] -> [B]."""
    return ...


ex4_3.check(votes_for_answer)

# %%
ex4_3.help

# %% [markdown]
# ### The labels, in the same order
#
# In training every row needs its label. torch-uncertainty's `RepeatTarget` repeats the whole list,
# PyTorch's `repeat_interleave` each label in place. Compare the last digit of each row, the number
# of the image, with the labels below it.

# %%
import torch.nn.functional as F
from torch_uncertainty.transforms import RepeatTarget

_, repeated = RepeatTarget(2)((images, labels))
rows = {
    "row": signatures[:, 0].tolist(),
    "RepeatTarget": repeated.tolist(),
    "repeat_interleave": labels.repeat_interleave(2).tolist(),
}
pd.DataFrame(rows).T

# %% [markdown]
# `repeat_interleave` gives most rows the label of another image. Training on that runs without an
# error, and the network learns little more than to guess.

# %% [markdown]
# ### Exercise 4.4: One joint step
#
# *About 6 minutes.* Write one step of joint training with PyTorch alone. `ensemble(images)` returns
# M·B rows in the order `(m b)`, and there are B labels. The loss is the mean of `F.cross_entropy`
# over all rows, each with the label of *its* image. Let the optimizer make a step, and return the
# loss.

# %%
from course_utils.exercises.chapter_04 import ex4_4


def joint_step(ensemble, optimizer, images, labels, num_members):
    """Train all members on one batch; return the loss, the mean over all rows."""
    return ...


ex4_4.check(joint_step)

# %%
ex4_4.help

# %% [markdown]
# ## Learning rate times M, weight decay by M
#
# In this exercise all members are trained *jointly*: one forward pass, one loss, one step. The loss
# is the mean over all rows, and so over the members. Each member sees only $1/M$ of the gradient it
# would see alone:
#
# $$ L = \frac{1}{M} \sum_{m=1}^{M} L_m, \qquad
# \frac{\partial L}{\partial w_m} = \frac{1}{M} \, \frac{\partial L_m}{\partial w_m}. $$
#
# A learning rate $M$ times as large makes up for it. But the weight decay $\lambda w_m$ doesn't
# pass through the loss. The larger learning rate would make it $M$ times too strong, so it has to
# be divided by $M$:
#
# $$ w_m \leftarrow w_m - M \eta
# \left( \frac{1}{M} \frac{\partial L_m}{\partial w_m} + \frac{\lambda}{M} w_m \right)
# = w_m - \eta \left( \frac{\partial L_m}{\partial w_m} + \lambda w_m \right). $$
#
# Don't take our word for it. We train a LeNet alone, and its twin as the first of a pair, on the
# same batches. The recipe of chapter 2, `one_cycle_sgd`, can be told the number of members.

# %%
from copy import deepcopy
from itertools import islice

from course_utils.networks.models import LeNet
from course_utils.networks.training import one_cycle_sgd

batch_list = list(islice(batches(data_train, 128, shuffle=True, seed=1), 20))


def train_a_little(model, rows_per_image, num_members):
    """One step for each batch."""
    recipe = one_cycle_sgd(model, len(batch_list), num_members)
    for images, labels in batch_list:
        recipe["optimizer"].zero_grad()
        F.cross_entropy(model(images), labels.repeat(rows_per_image)).backward()
        recipe["optimizer"].step()
        recipe["lr_scheduler"]["scheduler"].step()


# %%
torch.manual_seed(1)
twin, other = LeNet(), LeNet()
alone = deepcopy(twin)
train_a_little(alone, 1, 1)
for told in (2, 1):
    pair = deep_ensembles([deepcopy(twin), deepcopy(other)])
    train_a_little(pair, 2, num_members=told)
    distance = (pair.core_models[0].fc1.weight - alone.fc1.weight).abs().max()
    print(f"Recipe for {told}: the twins' weights in fc1 differ by at most {distance:.1e}.")

# %% [markdown]
# With the right recipe the member has gone the way of its twin, up to rounding at most. The other
# member has no influence: joint training *is* training alone, several times over.

# %% [markdown]
# ### Exercise 4.5: A recipe for M
#
# *About 6 minutes.* A network alone is trained by `torch.optim.SGD` with `lr=0.05`, `momentum=0.9`
# and `weight_decay=5e-4`, under a `OneCycleLR` (from `torch.optim.lr_scheduler`) with `max_lr=0.05`
# and `total_steps=num_steps`. Write the recipe for M members that are trained jointly, so that each
# goes the way it would have gone alone. Return the optimizer and the scheduler.

# %%
from course_utils.exercises.chapter_04 import ex4_5


def recipe(ensemble, num_members, num_steps):
    """Optimizer and schedule that train each member as if it were alone."""
    return ...


ex4_5.check(recipe)

# %%
ex4_5.help

# %% [markdown]
# ## Training two members
#
# Compared with chapter 2 three things are new: `is_ensemble=True`, which adds metrics that need
# members, `RepeatTarget`, and a recipe that knows there are two.

# %%
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch_uncertainty import TUTrainer
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.networks import runs
from course_utils.networks.progress import ProgressLine
from course_utils.networks.training import device, epochs_for, quiet

quiet()
torch.manual_seed(0)
ensemble = deep_ensembles(LeNet(), 2)
train_loader = batches(data_train, 128, shuffle=True, crop_padding=4, device=device(), seed=0)
num_epochs = epochs_for(data_train)
routine = ClassificationRoutine(
    ensemble,
    num_classes=10,
    loss=nn.CrossEntropyLoss(),
    is_ensemble=True,
    format_batch_fn=RepeatTarget(2),
    optim_recipe=one_cycle_sgd(ensemble, num_epochs * len(train_loader), num_members=2),
)

# %%
folder = runs.folder() / "deep-ensemble-2"
best = ModelCheckpoint(
    folder, "best", monitor="val/cls/NLL", save_last=True, enable_version_counter=False
)
trainer = TUTrainer(
    accelerator="gpu" if device().type == "cuda" else "cpu",
    devices=1,
    max_epochs=num_epochs,
    logger=CSVLogger(folder, name="", version=""),
    log_every_n_steps=10,
    callbacks=[best, ProgressLine("DE-2")],
    enable_model_summary=False,
    num_sanity_val_steps=0,
)

# %%
from course_utils import speed
from course_utils.networks.training import Fit, interruptible

if speed() == "look":
    ensemble = zoo.load("short-deep-ensemble-2")
    print("Not trained here: this ensemble comes with the course.")
else:
    with interruptible("The training of DE-2"):
        trainer.fit(routine, train_loader, batches(data_val, 500, device=device()))
    fit = Fit.of(trainer, "deep-ensemble-2")
    runs.save(fit, data_train, data_test, load_fashion_mnist("test"))
    ensemble = fit.model
    print(f"{fit.epochs} epochs, {fit.num_steps:,} steps in {fit.seconds:.0f} s.")
    print("Left for chapter 6: deep-ensemble-2.")

# %% [markdown]
# Now the test digits, and the library's own table.

# %%
tester = TUTrainer(
    accelerator="cpu",
    devices=1,
    logger=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
results = tester.test(
    ClassificationRoutine(ensemble, num_classes=10, is_ensemble=True), batches(data_test, 500)
)

# %% [markdown]
# The NLL is that of the *mean*. Is it below the mean NLL of the members, as Jensen says?

# %%
from course_utils.metrics.classification import log_loss_terms

two = predict(ensemble, data_test)
members = [log_loss_terms(two.probabilities[:, m], two.labels).mean() for m in (0, 1)]
of_mean = log_loss_terms(two.mean, two.labels).mean()
print(f"members {members[0]:.4f} and {members[1]:.4f}, on average {np.mean(members):.4f}")
print(f"NLL of the mean {of_mean:.4f}")

# %% [markdown]
# It is. How far below depends on how much the members differ.
#
# ## The other way: train alone, combine afterwards
#
# Joint training is training alone, so you may as well train one network after another, or on
# several machines. Only the answers have to meet. These two LeNets were trained independently; we
# combine once their answers and once the networks.

# %%
from course_utils.metrics.predictions import Predictions

first, second = zoo.load("lenet-0"), zoo.load("lenet-1")
of_answers = Predictions.combine([predict(first, data_test), predict(second, data_test)])
of_networks = predict(deep_ensembles([first, second]), data_test)
print("largest difference:", np.abs(of_answers.mean - of_networks.mean).max())

# %% [markdown]
# It makes no difference, up to rounding. What does each way cost? `training_costs` runs a few
# training steps on the CPU, and adds up what PyTorch keeps for the backward pass.

# %%
from course_utils.networks.costs import training_costs

models = {"one LeNet": LeNet()}
models |= {f"{count} jointly": deep_ensembles(LeNet(), count) for count in (2, 8)}
costs = training_costs(models, *batch_list[0])
costs["8 one after another"] = costs["one LeNet"]
for multiplied in ("parameters (thousand)", "ms per step"):
    costs.loc[multiplied, "8 one after another"] *= 8
costs.round(2)

# %% [markdown]
# Training jointly takes about $M$ times the memory (the two rows in MB), training one by one no
# more than a single network. The work is the same. If the joint step is quicker than the sum,
# overhead was shared; if it's slower, the processor's fast memory was too small. Neither approach
# makes members cheaper, and prediction still needs $M$ forward passes. Chapter 6 is about that.

# %% [markdown]
# ### Exercise 4.6: A small GPU
#
# *About 2 minutes.* A colleague wants an ensemble of eight. Her GPU has room to train one network
# at a time. Which advice is right?

# %%
from course_utils.exercises.chapter_04 import ex4_6

ex4_6.ask()

# %% [markdown]
# ## How many members are enough?
#
# From eight members we can form 255 ensembles: 8 of one, 28 pairs, 56 triples and so on. Averaging
# is cheap, so we look at all of them.

# %%
from itertools import combinations

print("Pairs of 4 members:", *combinations(range(4), 2))

# %% [markdown]
# ### Exercise 4.7: All teams of a size
#
# *About 6 minutes.* Which pair of members you get is chance, so average over all pairs, or triples,
# or fours. You get the members' probabilities, shape [N, M, C], the labels, and a size. Return the
# mean NLL of all ensembles of that many members.

# %%
from course_utils.exercises.chapter_04 import ex4_7


def nll_of_size(probabilities, labels, size):
    """Mean NLL over all ensembles of `size` of the members."""
    return ...


ex4_7.check(nll_of_size)

# %%
ex4_7.help

# %% [markdown]
# For the modest eight from the top of the chapter, the mean over the ensembles of each size, with
# bars from the lowest to the highest:

# %%
from course_utils import figures
from course_utils.metrics.subsets import Choices

figures.metric_against_members(figures.series_over_subsets(Choices(modest)), name="modest LeNets")

# %% [markdown]
# - **NLL** falls with every member, by Jensen's inequality. The second member brings more than the
#   other six together.
# - **Accuracy** has no such guarantee. It rises at first, and the eighth member doesn't help.
# - **ECE** is far lower for eight than for one: these members are too sure, and averaging makes
#   answers less sure.
#
# The bars are a *range over subsets*, not confidence intervals: all subsets share members and test
# digits, and at eight only one is left.
#
# Is that a law? The same for eight *good* LeNets, trained much longer and on all 55,000 digits:

# %%
eight = zoo.load("deep-ensemble-8")
good = predict(eight, data_test)
figures.metric_against_members(figures.series_over_subsets(Choices(good)), name="good LeNets")

# %% [markdown]
# The NLL tells the same story on another scale. But the ECE *rises*: single members are well
# calibrated here, and averaging makes the ensemble too doubtful (Rahaman and Thiery, 2021).
#
# ### Choose members yourself
#
# Each dot is one of the 255 ensembles of the good eight. Click a dot, or tick members one by one;
# then press "Best single" and "Add the best next" for each metric. Where do the dots stop getting
# better? Is the best choice by one metric also the best by another? These are *validation* digits:
# choose members here, report on test.

# %%
from course_utils.widgets import ensemble_builder

clothes_val = load_fashion_mnist("val").subset(slice(len(data_val)))
ensemble_builder(
    predict(eight, data_val),
    predict(eight, clothes_val),
    member_names=zoo.facts("deep-ensemble-8")["members"],
)

# %% [markdown]
# torch-uncertainty's authors offer eight LeNets on the Hugging Face hub: see [this
# appendix](appendix/hub_weights.ipynb).
#
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(4)

# %% [markdown]
# ## What you have learned
#
# - Deep Ensembles average probabilities. The NLL of the mean is never above the mean NLL of the
#   members. Accuracy and calibration have no such guarantee.
# - The output is ordered `(m b) c`. `view` and `repeat_interleave` go wrong without an error.
# - Joint training with the learning rate times $M$ and the weight decay by $M$ is training alone,
#   $M$ times over. Training one by one saves memory, not work.
# - The first few members bring most of the gain.
#
# **What comes next.** When members disagree, what does it tell you? Chapter 5 looks at single
# images.
#
# ### Sources
#
# - B. Lakshminarayanan, A. Pritzel, C. Blundell (2017). Simple and scalable predictive uncertainty
#   estimation using deep ensembles. *NeurIPS*. [arXiv:1612.01474](https://arxiv.org/abs/1612.01474)
# - R. Rahaman, A. H. Thiery (2021). Uncertainty quantification and deep ensembles. *NeurIPS*.
#   [arXiv:2007.08792](https://arxiv.org/abs/2007.08792)
