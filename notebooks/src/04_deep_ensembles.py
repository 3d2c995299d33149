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
# Train the same network twice from different random weights. You get two networks that are about
# equally good, and that do not make quite the same mistakes. A Deep Ensemble (Lakshminarayanan,
# Pritzel and Blundell, 2017) lets several such networks, its *members*, answer together. Where they
# agree you may trust the answer more. Where they disagree you are warned, in a way that no single
# network can warn you.
#
# **Questions**
#
# - Why average probabilities, and what is certain to improve?
# - How are several networks trained at once, and what does it cost?
# - How many members are enough?
# - What do members disagree about?
#
# **Objectives.** After this chapter you can
#
# - average the members' answers, and show on numbers that the average has at most their mean NLL;
# - train members jointly with the right learning rate and weight decay, and say why these are so;
# - sort the output of an ensemble by image and member, and name two ways to get it wrong;
# - combine networks that were trained independently, and compare memory and time;
# - draw accuracy, NLL and calibration against the number of members, and say what the bars mean;
# - split the uncertainty about one image into two parts, and read both.
#
# **Time.** About 45 minutes to read and play, and nearly as long for the exercises. The code needs
# about one to two minutes, most of it for training; less than one with `COURSE_SPEED=look`.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Images, and a single network to start from
#
# The images are those of chapter 1. The single LeNet is the one that you trained in chapter 2, or
# one that comes with the course. The next line says which.

# %%
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.networks import runs

data_train, data_val = load_mnist("train"), load_mnist("val")
data_test = load_mnist("test")
data_ood = load_fashion_mnist("test")
single = runs.load("lenet")
print(f"We test on {len(data_test):,} digits, and on {len(data_ood):,} pictures of clothes.")

# %% [markdown]
# ## Why average?
#
# A member $m$ gives probabilities $p_m(c)$ to the classes $c$. The ensemble's answer is their mean,
#
# $$ \bar p(c) = \frac{1}{M} \sum_{m=1}^{M} p_m(c). $$
#
# This is a *mixture*: we do not know which member to believe, so we believe each of them with
# weight $1/M$. Why not average the logits, one step earlier? Let one member be extremely sure of
# class 0, and the other fairly sure of class 1.

# %%
import numpy as np

member_logits = np.array([[12.0, 0.0], [0.0, 2.0]])


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


print("members:               ", *softmax(member_logits).round(3))
print("mean of probabilities: ", softmax(member_logits).mean(axis=0).round(3))
print("softmax of mean logits:", softmax(member_logits.mean(axis=0)).round(3))

# %% [markdown]
# Observe that the mean of the probabilities keeps the doubt: two members say two things. With the
# mean of the logits the louder member wins, and nobody can tell from the answer that there was a
# conflict. Deep Ensembles average probabilities.
#
# The same with ten classes and eight members: press "Play", or drag the slider yourself, and the
# members' answers to one test digit are laid on top of each other, one after another. The widget
# holds the digits on which these networks disagree most. Look for one where the first two members
# are sure of different digits, and see what the other six make of it.

# %%
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict
from course_utils.widgets import averaging

predictions_modest = predict(zoo.load("modest-deep-ensemble-8"), data_test)
averaging(predictions_modest, data_test)

# %% [markdown]
# ### Exercise 4.1: The answer of an ensemble
#
# *About 4 minutes.* Write the answer of a Deep Ensemble. You get the members' logits, a NumPy
# array of shape [N, M, C]: images, members, classes. Return the ensemble's probabilities, of shape
# [N, C].
#
# Replace the `...` and run the cell. Take away the `#` of `hint()` in the cell below for the first
# of three hints, run it again for the next.

# %%
from course_utils.exercises.chapter_04 import ex4_1


def ensemble_answer(member_logits):
    """Probabilities [N, C] of a Deep Ensemble, from logits [N, M, C]."""
    return ...


ex4_1.check(ensemble_answer)

# %%
# ex4_1.hint()
# ex4_1.solution()

# %% [markdown]
# ### What is certain to improve: the NLL
#
# The logarithm is concave, so by Jensen's inequality $\ln \bar p(y) \ge \frac{1}{M} \sum_m \ln
# p_m(y)$ for the true class $y$ of every image. With the sign turned round:
#
# $$ \underbrace{-\ln \bar p(y)}_{\text{NLL of the mean}} \;\le\;
# \underbrace{\frac{1}{M} \sum_{m=1}^{M} -\ln p_m(y)}_{\text{mean NLL of the members}} $$
#
# This needs no assumption, neither about the networks nor about the images. We see it on the two
# members above, for both possible truths.

# %%
import pandas as pd

pd.DataFrame(
    {
        "NLL of the mean": -np.log(softmax(member_logits).mean(axis=0)),
        "mean NLL of the members": -np.log(softmax(member_logits)).mean(axis=0),
    },
    index=["if the truth is class 0", "if the truth is class 1"],
).round(3)

# %% [markdown]
# Observe the second row: a member that was sure and wrong pays a great deal, and the mean hardly
# feels it.
#
# Three limits, to keep the claim honest.
#
# - The ensemble beats the *average* member. The best member may still beat the ensemble.
# - Nothing of the kind holds for accuracy: if two of three members make the same mistake, the mean
#   may make it too. It usually improves; we shall count.
# - The inequality also holds for averaged logits, because the cross-entropy is a convex function of
#   them. It is the doubt that is lost there, as above.

# %% [markdown]
# ### Exercise 4.2: Is it not the same?
#
# *About 3 minutes.* A colleague averages the members' *logits*, takes one softmax at the end, and
# says: "Probabilities or logits, it comes to the same." Which reply is right?
#
# - `a` It does: the softmax is increasing, so the order of mean and softmax is free.
# - `b` The predicted class is always the same, only the confidence differs.
# - `c` Confidence and even the predicted class can differ. A bound on the NLL holds in both cases.
# - `d` They differ, and with averaged logits the NLL can exceed the mean of the members'.

# %%
from course_utils.exercises.chapter_04 import ex4_2

choice = ...

ex4_2.check(choice)

# %%
# ex4_2.hint()
# ex4_2.solution()

# %% [markdown]
# ## Building an ensemble
#
# torch-uncertainty's `deep_ensembles` copies a network and draws new random weights for each copy.
# The members share nothing. (Older tutorials import it from `torch_uncertainty.models`; since
# version 0.12 it is in `methods`.)

# %%
import torch
from torch_uncertainty.methods import deep_ensembles

from course_utils.networks.models import LeNet

torch.manual_seed(0)
ensemble = deep_ensembles(LeNet(), num_estimators=2)
for member in ensemble.core_models:
    print(member.conv1.weight.flatten()[:4].detach().numpy().round(3))

# %% [markdown]
# Observe that the members start from different weights. That is where their diversity comes from:
# it needs no different data. Members that start equal and see the same batches stay equal for
# ever.
#
# ### The trap in `reset_model_parameters`
#
# The option `reset_model_parameters`, `True` by default, draws the new weights. We try it on one
# network, on a list of one, and on a list of two.


# %%
def what_happens(core_models, num_estimators, reset):
    """Build an ensemble; tell whether its members are equal, and whether weights survived."""
    before = core_models[0] if isinstance(core_models, list) else core_models
    before = before.fc3.bias.detach().clone()
    built = deep_ensembles(core_models, num_estimators, reset_model_parameters=reset)
    first, second = (member.fc3.bias for member in built.core_models[:2])
    return {
        "members differ": not torch.equal(first, second),
        "first keeps its weights": torch.equal(first, before),
    }


tried = {}
for reset in (True, False):
    tried["one network", reset] = what_happens(LeNet(), 2, reset)
    tried["list of one", reset] = what_happens([LeNet()], 2, reset)
    tried["list of two", reset] = what_happens([LeNet(), LeNet()], None, reset)
pd.DataFrame(tried).T.rename_axis(["given", "reset_model_parameters"])

# %% [markdown]
# Observe two things.
#
# - One network with `False` gives members that are all the same: an ensemble in name only, without
#   an error. With `True` the members are copies with new weights: of what a trained network has
#   learned, nothing gets into the ensemble. A list of one counts as one network.
# - A list of two or more is taken as it is, whatever the option says. Pretrained members are safe
#   there.

# %% [markdown]
# ## The order of the output
#
# An ensemble of $M$ members turns a batch of $B$ images into $M \cdot B$ rows of logits: first all
# images through the first member, then all images through the second. In the language of the
# library einops this is `(m b) c`.

# %%
from course_utils.images import batches

images, labels = next(iter(batches(data_train, batch_size=4, shuffle=True, seed=0)))
outputs = ensemble(images)
print(tuple(images.shape), "->", tuple(outputs.shape))

# %% [markdown]
# To see the order we replace the networks by two that write their own number and the number of the
# image: 203 is member 2, image 3.

# %%
from einops import rearrange


class Signature(torch.nn.Module):
    """A stand-in for a network, that signs instead of answering."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def forward(self, images):
        return 100 * self.number + torch.arange(1, 1 + len(images))[:, None]


signatures = deep_ensembles([Signature(1), Signature(2)])(images)
print("rows:", signatures[:, 0].tolist())
right = rearrange(signatures, "(m b) c -> b m c", m=2)
wrong = signatures.view(4, 2, 1)
pd.DataFrame(
    {"rearrange": right[..., 0].tolist(), "view": wrong[..., 0].tolist()},
    index=pd.Index(["image 1", "image 2", "image 3", "image 4"]),
)

# %% [markdown]
# Observe that `view` has the right shape and the wrong content: it takes two *images* of one member
# for two members' answers to one image. No error, only nonsense. `Predictions.from_stacked` of this
# course and torch-uncertainty's routine both use the first way.

# %% [markdown]
# ### Exercise 4.3: Back to images and members
#
# *About 6 minutes.* Do by hand what `rearrange` did. You get the output of an ensemble, a tensor
# of M·B rows in the order `(m b)`, and the number of members. Return a tensor of shape [B, M, C]
# with PyTorch alone.

# %%
from course_utils.exercises.chapter_04 import ex4_3


def by_image(outputs, num_members):
    """Logits [B, M, C] from stacked logits [M * B, C]."""
    return ...


ex4_3.check(by_image)

# %%
# ex4_3.hint()
# ex4_3.solution()

# %% [markdown]
# ### Labels must be repeated in the same order
#
# In training every row needs its label. torch-uncertainty's `RepeatTarget` repeats the whole list
# of labels. PyTorch's `repeat_interleave` repeats each label in place.

# %%
from torch_uncertainty.transforms import RepeatTarget

_, repeated = RepeatTarget(2)((images, labels))
pd.DataFrame(
    {
        "row of output": signatures[:, 0].tolist(),
        "RepeatTarget": repeated.tolist(),
        "repeat_interleave": labels.repeat_interleave(2).tolist(),
    }
).T

# %% [markdown]
# Observe the last two digits of the first row, the number of the image, and compare with the
# labels. `RepeatTarget` gives both rows of an image the same, true label. `repeat_interleave` gives
# most rows the label of another image. Training on that runs through without an error, and the
# network learns little more than to guess.

# %% [markdown]
# ### Exercise 4.4: The loss of all rows
#
# *About 6 minutes.* Write the loss of joint training: the mean of the cross-entropy over all M·B
# rows of the output, each with the label of *its* image. You get the output [M·B, C] in the order
# `(m b)`, the labels [B] and the number of members; all tensors. PyTorch's
# `torch.nn.functional.cross_entropy` takes logits and labels, and returns the mean.

# %%
from course_utils.exercises.chapter_04 import ex4_4


def joint_loss(outputs, labels, num_members):
    """Mean cross-entropy over all rows of a stacked output."""
    return ...


ex4_4.check(joint_loss)

# %%
# ex4_4.hint()
# ex4_4.solution()

# %% [markdown]
# ## Training together: the learning rate times M, the weight decay by M
#
# The members are trained *jointly*: one forward pass, one loss, one backward pass, one step. (The
# tutorial that this course descends from says "sequentially"; its code does this.) The loss is the
# mean over all rows, thus over the members:
#
# $$ L = \frac{1}{M} \sum_{m=1}^{M} L_m, \qquad
# \frac{\partial L}{\partial w_m} = \frac{1}{M} \, \frac{\partial L_m}{\partial w_m}. $$
#
# Each member sees only $1/M$ of the gradient it would see alone. A learning rate $M$ times as large
# makes up for it. But the weight decay $\lambda w_m$ does not pass through the loss: it would
# become $M$ times too strong. So it is divided by $M$:
#
# $$ w_m \leftarrow w_m - M \eta \left( \frac{1}{M} \frac{\partial L_m}{\partial w_m}
# + \frac{\lambda}{M} w_m \right) = w_m - \eta \left( \frac{\partial L_m}{\partial w_m}
# + \lambda w_m \right). $$
#
# Momentum is linear in the gradient, so the same holds with it. Do not believe us: we train a LeNet
# alone, and its twin as the first member of a pair, on the same batches.

# %%
from copy import deepcopy
from itertools import islice

import torch.nn.functional as F

from course_utils.networks.training import one_cycle_sgd


def train_a_little(model, batch_list, num_rows, num_members):
    """One step for each batch, with the recipe of chapter 2."""
    recipe = one_cycle_sgd(model, len(batch_list), num_members)
    for images, labels in batch_list:
        recipe["optimizer"].zero_grad()
        F.cross_entropy(model(images), labels.repeat(num_rows)).backward()
        recipe["optimizer"].step()
        recipe["lr_scheduler"]["scheduler"].step()
    return model


loader = batches(data_train, batch_size=128, shuffle=True, crop_padding=4, seed=1)
batch_list = list(islice(loader, 20))
torch.manual_seed(1)
twin, other = LeNet(), LeNet()
alone = train_a_little(deepcopy(twin), batch_list, num_rows=1, num_members=1)

# %% [markdown]
# Now the twin in a pair: once with the recipe told that there are two members, and once without.

# %%
largest_difference = {}
for told, num_members in (("times and divided by 2", 2), ("as for one network", 1)):
    pair = deep_ensembles([deepcopy(twin), deepcopy(other)])
    train_a_little(pair, batch_list, num_rows=2, num_members=num_members)
    largest_difference[told] = max(
        (a - b).abs().max().item()
        for a, b in zip(alone.parameters(), pair.core_models[0].parameters(), strict=True)
    )
print(f"Largest difference of any weight after {len(batch_list)} steps:")
pd.Series(largest_difference, name="to the twin trained alone").to_frame()

# %% [markdown]
# Observe that with the right recipe the member has gone exactly the way of its twin, up to rounding
# at most. Dividing by two loses no bit in binary numbers. Without it, the member lags behind: it
# was trained with half the learning rate and, measured by its gradient, twice the weight decay. The
# other member has no influence at all. So joint training is a matter of convenience: it *is*
# training alone, several times, on the same batches in the same order. Only the first weights are
# drawn anew for each member.
#
# This is exact for SGD. Adam divides the gradient by its own typical size, and a factor $1/M$
# cancels: with Adam, leave the learning rate alone, and divide only the weight decay by $M$ (with
# AdamW not even that).

# %% [markdown]
# ### Exercise 4.5: A recipe for five
#
# *About 3 minutes.* Alone, a network is trained by SGD with `lr=0.04, weight_decay=5e-4`. Now
# **five** of them are trained jointly, with the mean over all rows as the loss. Which recipe lets
# each go the way it would have gone alone?
#
# - `a` `lr=0.04, weight_decay=5e-4`
# - `b` `lr=0.2, weight_decay=5e-4`
# - `c` `lr=0.2, weight_decay=1e-4`
# - `d` `lr=0.008, weight_decay=25e-4`

# %%
from course_utils.exercises.chapter_04 import ex4_5

choice = ...

ex4_5.check(choice)

# %%
# ex4_5.hint()
# ex4_5.solution()

# %% [markdown]
# ## Training two members
#
# The routine is that of chapter 2 with two additions: `RepeatTarget`, and `is_ensemble=True`, which
# adds the metrics that need members, such as their disagreement. (It takes the order of the rows,
# member after member, for granted.) The recipe is told the number of members. The training loss in
# the log is the mean of the members' losses. It is *not* the NLL of the ensemble on these images:
# that one is at most as large, as we have seen.

# %%
from torch import nn
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.networks.training import BATCH_SIZE, device, epochs_for, quiet

quiet()
train_loader = batches(
    data_train, BATCH_SIZE, shuffle=True, crop_padding=4, device=device(), seed=0
)
val_loader = batches(data_val, 500, device=device())
num_epochs = epochs_for(data_train)
num_steps = num_epochs * len(train_loader)
routine = ClassificationRoutine(
    ensemble,
    num_classes=10,
    loss=nn.CrossEntropyLoss(),
    is_ensemble=True,
    format_batch_fn=RepeatTarget(2),
    optim_recipe=one_cycle_sgd(ensemble, num_steps, num_members=2),
)

# %% [markdown]
# What keeps the best and the last weights, and the trainer itself, are the same as in chapter 2.

# %%
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch_uncertainty import TUTrainer

from course_utils.networks.progress import ProgressLine

folder = runs.folder() / "deep-ensemble-2"
checkpoint = ModelCheckpoint(
    folder,
    filename="best",
    monitor="val/cls/NLL",
    save_last=True,
    enable_version_counter=False,
)
progress = ProgressLine("DE-2")

# %% [markdown]
# Nothing here knows that there are two members.

# %%
trainer = TUTrainer(
    accelerator="gpu" if device().type == "cuda" else "cpu",
    devices=1,
    max_epochs=num_epochs,
    logger=CSVLogger(folder, name="", version=""),
    log_every_n_steps=10,
    callbacks=[checkpoint, LearningRateMonitor("step"), progress],
    enable_model_summary=False,
    num_sanity_val_steps=0,
)

# %% [markdown]
# With `COURSE_SPEED=look` we take an ensemble that was trained this way and comes with the course.

# %%
from course_utils import speed
from course_utils.networks.training import Fit, interruptible

if speed() == "look":
    ensemble = zoo.load("short-deep-ensemble-2")
    facts_two = zoo.facts("short-deep-ensemble-2")
    print("Nothing was trained: this ensemble comes with the course.")
else:
    facts_two = {"epochs": num_epochs, "num_train": len(data_train)}
    with interruptible("The training of DE-2"):
        trainer.fit(routine, train_loader, val_loader)
    ensemble = ensemble.cpu().eval()
    last_rate = trainer.optimizers[0].param_groups[0]["lr"]
    print(f"{trainer.global_step:,} steps in {progress.seconds:.0f} s.")
    print(f"Last learning rate: {last_rate:.1e}")
print(f"{facts_two['epochs']} epochs of {facts_two['num_train']:,} digits")

# %% [markdown]
# If you trained it yourself, observe the last learning rate: almost zero, so the schedule ran to
# its end. We hand the ensemble on, with its answers, for chapter 6.

# %%
if speed() == "look":
    print("Nothing to hand on: chapter 6 takes the same ensemble from the course.")
else:
    fit = Fit(
        model=ensemble,
        name="deep-ensemble-2",
        epochs=num_epochs,
        num_steps=trainer.global_step,
        seconds=progress.seconds,
        device=str(device()),
        learning_rate=last_rate,
        log=folder / "metrics.csv",
        best_checkpoint=folder / "best.ckpt",
        last_checkpoint=folder / "last.ckpt",
    )
    runs.save(fit, data_train, data_test, data_ood)
    print("Handed on: deep-ensemble-2.")

# %% [markdown]
# ### Jensen's inequality on real digits
#
# `predict` of the course keeps the members' logits apart: images, members, classes.

# %%
predictions_two = predict(ensemble, data_test)
predictions_two

# %% [markdown]
# We need the NLL of given probabilities, for each member and for their mean.


# %%
def negative_log_likelihood(probabilities, labels):
    """Mean of -ln p(true class), for probabilities [N, C]."""
    return -np.log(probabilities[np.arange(len(labels)), labels]).mean()


labels = data_test.labels
nll = {
    f"member {m + 1}": negative_log_likelihood(predictions_two.probabilities[:, m], labels)
    for m in range(2)
}
nll["mean of the members"] = np.mean(list(nll.values()))
nll["NLL of the mean"] = negative_log_likelihood(predictions_two.mean, labels)
pd.Series(nll, name="NLL on the test digits").round(4).to_frame()

# %% [markdown]
# Observe the last two rows: the NLL of the mean is below the mean of the members, as it must be.
# How far below depends on how much the members differ.

# %% [markdown]
# ## The other way: train alone, combine at evaluation
#
# Since joint training is training alone several times, you may as well train one network after
# another, today and tomorrow, or on several machines. Only the answers must meet. Two LeNets that
# come with the course were trained with different seeds and have never met. We combine them in two
# ways: their answers, with `Predictions.combine`, and the networks, as a list.

# %%
from course_utils.metrics.predictions import Predictions

first, second = zoo.load("lenet-0"), zoo.load("lenet-1")
answers = [predict(first, data_test), predict(second, data_test)]
combined = Predictions.combine(answers)
as_a_list = predict(deep_ensembles([first, second]), data_test)

print(combined)
print("largest difference:", np.abs(combined.mean - as_a_list.mean).max())

# %% [markdown]
# Observe that it makes no difference, up to rounding. `combine` needs only the answers: you can
# keep 8 networks on disk, load one at a time, and still evaluate an ensemble of 8.
#
# ### What each way costs
#
# **Memory.** In training, a network needs room for its weights, their gradients and the momentum,
# and for what the forward pass keeps for the backward pass. PyTorch lets us look at the latter: a
# *hook* sees every tensor that is saved.


# %%
def training_megabytes(model, images, labels):
    """Weights, gradients, momentum; and what the forward pass keeps; in megabytes."""
    kept = {}
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:  # weights are counted below
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = F.cross_entropy(model(images), labels)
    loss.backward()
    weights = sum(parameter.numel() * 4 for parameter in model.parameters())
    return 3 * weights / 1e6, sum(size for size, _ in kept.values()) / 1e6


# %% [markdown]
# **Time.** We time training steps on one batch, on the CPU. The models *take turns*, so that a busy
# moment of the machine hits all of them, the first turns do not count, and we take the median.


# %%
from time import perf_counter


def milliseconds_per_step(models, images, labels, num_turns=13):
    """Median time of a training step of each model, M -> model; the first three left out."""
    optimizers = {
        num_members: one_cycle_sgd(model, num_turns, num_members)["optimizer"]
        for num_members, model in models.items()
    }
    times = {num_members: [] for num_members in models}
    for _ in range(num_turns):
        for num_members, model in models.items():
            start = perf_counter()
            optimizers[num_members].zero_grad()
            F.cross_entropy(model(images), labels.repeat(num_members)).backward()
            optimizers[num_members].step()
            times[num_members].append(perf_counter() - start)
    return {
        num_members: 1_000 * float(np.median(taken[3:])) for num_members, taken in times.items()
    }


# %% [markdown]
# One LeNet, two jointly, eight jointly:

# %%
images, labels = batch_list[0]
of_size = {1: LeNet()} | {
    num_members: deep_ensembles(LeNet(), num_members) for num_members in (2, 8)
}
per_step = milliseconds_per_step(of_size, images, labels)
costs = {}
for num_members, model in of_size.items():
    state, kept = training_megabytes(model, images, labels.repeat(num_members))
    costs[num_members] = {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "MB of weights, gradients, momentum": state,
        "MB kept for the backward pass": kept,
        "ms per step": per_step[num_members],
    }

# %% [markdown]
# Training one after another needs the memory of one network, and M times its time.

# %%
columns = {"one LeNet": costs[1]}
for num_members in (2, 8):
    alone_costs = {**costs[1], "ms per step": num_members * costs[1]["ms per step"]}
    alone_costs["parameters"] = num_members * costs[1]["parameters"]
    columns[f"{num_members} jointly"] = costs[num_members]
    columns[f"{num_members} one after another"] = alone_costs
table = pd.DataFrame(columns)
table.map(lambda value: f"{value:,.0f}" if value > 1000 else f"{value:.2f}")

# %% [markdown]
# Observe the columns in pairs.
#
# - The parameters, which must be stored in the end, are M times those of one network either way.
# - The memory in training is about M times as large jointly, and that of one network otherwise.
# - The time: M networks are M times the work, both ways. Where the joint step is faster than the
#   sum, some overhead was shared. Where it is slower, look at the row above: what has to be kept
#   may no longer fit into the fast memory next to the processor.
#
# No way makes the members cheaper, and in use an ensemble of M needs M forward passes. Chapter 6 is
# about getting much of the gain for less.

# %% [markdown]
# ## Eight members
#
# Eight members take a while to train. The course brings eight LeNets, trained independently with
# different seeds on the 55,000 training digits. The next line says for how many epochs.

# %%
eight = zoo.load("deep-ensemble-8")
facts = zoo.facts("deep-ensemble-8")
print(f"{len(facts['members'])} members, each {facts['epochs']} epochs", end=" ")
print(f"of {facts['num_train']:,} digits")

predictions_eight = predict(eight, data_test)
predictions_eight_ood = predict(eight, data_ood)

# %% [markdown]
# ### Optional: the tutorial's eight, from the Hugging Face hub
#
# The authors of torch-uncertainty have put eight LeNets of the same layout on the Hugging Face hub.
# If you have a network, open the folded cell, set `try_the_network = True`, and run it: the eight
# get a column of their own in the last table. They were trained on all 60,000 digits, ours for
# validation included, so only test digits can judge them.
#
# A checkpoint of Lightning holds the whole routine, in which the network is called `model`.
# `deep_ensembles` reads such files itself; `use_tu_ckpt_format` takes the prefix `model.` off the
# names. Checkpoints are pickle files, and a pickle file can run any code when it is opened. So open
# those of strangers with `weights_only=True` only, which refuses everything but tensors and plain
# values. It is PyTorch's default now, also inside `deep_ensembles`; it was not when many tutorials
# were written.

# %% tags=["optional"] jupyter={"source_hidden": true}
from huggingface_hub import hf_hub_download, utils

from course_utils._support.patience import within

utils.logging.set_verbosity_error()  # it would report every new try
try_the_network = False


def eight_of_the_tutorial():
    """Download eight checkpoints, 1.5 MB in all, and combine them."""
    paths = [hf_hub_download("ENSTA-U2IS/tutorial-models", f"version_{i}.ckpt") for i in range(8)]
    lenets = [LeNet() for _ in paths]
    return deep_ensembles(lenets, ckpt_paths=paths, use_tu_ckpt_format=True).eval()


eight_from_hub = None
if try_the_network:
    eight_from_hub = within(60, eight_of_the_tutorial, "The tutorial's eight LeNets")

# %% [markdown]
# ## How many members are enough?
#
# From eight members we can form many smaller ensembles: 8 of one member, 28 pairs, 56 triples and
# so on. We evaluate all of them. Averaging probabilities is so cheap that nothing needs to be
# trained or predicted again.

# %%
from itertools import combinations

from course_utils import figures
from course_utils.metrics.calibration import expected_calibration_error


def measure(predictions):
    """Accuracy, NLL and expected calibration error."""
    return (
        predictions.correct.mean(),
        negative_log_likelihood(predictions.mean, predictions.labels),
        expected_calibration_error(predictions),
    )


def over_subsets(predictions):
    """The three measures of every ensemble of m of the members, m = 1, 2, ..."""
    measured = []
    for count in range(1, 1 + predictions.num_members):
        subsets = combinations(range(predictions.num_members), count)
        measured.append(np.array([measure(predictions.subset(chosen)) for chosen in subsets]))
    return measured


# %%
measured = over_subsets(predictions_eight)

# %% [markdown]
# ### Exercise 4.6: What does the eighth bring?
#
# *About 2 minutes.* Predict before you look at the figure below. Eight members have a lower NLL
# than one. How much of this gain is due to the **eighth**, in percent of the whole? The check
# computes it from the numbers that you have just measured, as means over subsets. A prediction
# within 1 of it counts as right.

# %%
from course_utils.exercises.chapter_04 import ex4_6

guess = ...  # in percent of the gain

ex4_6.check(guess, measured)

# %%
# ex4_6.hint()
# ex4_6.solution()

# %% [markdown]
# ### From one member to eight
#
# For each number of members we draw the mean over its subsets, and from the lowest to the highest.


# %%
def series(column, **look):
    """One measure against the number of members: mean and range over the subsets."""
    columns = [subsets[:, column] for subsets in measured]
    return figures.MemberSeries(
        members=np.arange(1, 1 + len(measured)),
        value=np.array([values.mean() for values in columns]),
        low=np.array([values.min() for values in columns]),
        high=np.array([values.max() for values in columns]),
        **look,
    )


figures.metric_against_members(
    {
        "Accuracy": series(0, percent=True),
        "NLL": series(1, higher_is_better=False),
        "ECE": series(2, percent=True, higher_is_better=False),
    },
    interval="range over subsets of one ensemble",
)

# %% [markdown]
# Read the figure in this order.
#
# - **NLL**: the mean over subsets falls with every member. This must be so, by Jensen's inequality:
#   an ensemble of $m$ is the average of its sub-ensembles of $m - 1$. Compare what the second
#   member brings with what the last one brings.
# - **Accuracy** usually rises and soon levels off. With so few errors left, a step is a handful of
#   digits.
# - **ECE** need not fall. Averaging makes answers less sure. That helps where members are too sure,
#   as modern networks often are (Guo et al., 2017), and makes an ensemble of well-calibrated
#   members *too doubtful* (Rahaman and Thiery, 2021). Which of the two happens here?
#
# The bars are the **range over subsets of one ensemble**: from the worst to the best choice of
# members. They are *not* confidence intervals. All subsets answer the same test digits and share
# members, and at eight there is only one subset, so that the bar shrinks to nothing by
# construction.
#
# So how sure are we of the gain? The test digits are a draw, too. We draw them again and again with
# replacement (a paired bootstrap: each time the same digits for both), and look at the difference
# in NLL between eight members and the mean of the single ones.

# %%
rows, labels = np.arange(len(data_test)), data_test.labels
loss_members = -np.log(predictions_eight.probabilities[rows, :, labels]).mean(axis=1)
loss_ensemble = -np.log(predictions_eight.mean[rows, labels])
gain = loss_members - loss_ensemble

generator = np.random.default_rng(0)
draws = [generator.choice(gain, size=len(gain)).mean() for _ in range(1_000)]
low, high = np.percentile(draws, [2.5, 97.5])
print(f"Gain in NLL: {gain.mean():.4f}")
print(f"95 % interval over test digits: {low:.4f} to {high:.4f}")
print(f"Gain on the least favourable digit: {gain.min():.1e}")

# %% [markdown]
# Observe the last number: no digit is below zero, except by rounding. This is Jensen's inequality
# once more. It holds image by image, and the interval only says how large the gain is.

# %% [markdown]
# ### Choose members yourself
#
# Each dot is one of the 255 ways to choose among eight members. Point at a dot to see who belongs
# to it, click it to choose it, or tick members one after another. Then press "Best single" and "Add
# the best next" for each metric. Look for where the dots stop getting better, and whether the best
# choice by one metric is also the best by another. These are *validation* digits: choose members
# here, and report on test.

# %%
from course_utils.widgets import ensemble_builder

clothes_val = load_fashion_mnist("val").subset(slice(len(data_val)))
ensemble_builder(
    predict(eight, data_val), predict(eight, clothes_val), member_names=facts["members"]
)

# %% [markdown]
# ## What do members disagree on?
#
# A single network that says "5, with 60 %" may mean two things: the digit is ambiguous, or the
# network has not learned this kind of digit. An ensemble can tell the two apart (Depeweg et al.,
# 2018). Write $H$ for the entropy,
#
# $$ H[p] = -\sum_c p(c) \ln p(c) . $$
#
# Then
#
# $$ \underbrace{H[\bar p]}_{\text{entropy of the mean}} \;=\;
# \underbrace{\frac{1}{M} \sum_m H[p_m]}_{\text{expected entropy}} \;+\;
# \underbrace{\frac{1}{M} \sum_{m,c} p_m(c) \ln \frac{p_m(c)}{\bar p(c)}}_{
# \text{mutual information}} $$
#
# - **Entropy of the mean**: the total uncertainty of the ensemble's answer.
# - **Expected entropy**: how unsure the members are on average, each for itself. It is high for
#   images that are ambiguous to everybody. torch-uncertainty calls it `ens_Entropy`.
# - **Mutual information**: how far the members are from their mean. It is the information that you
#   would gain by learning which member is right (Houlsby et al., 2011). It is zero if all members
#   say the same, even "fifty-fifty". torch-uncertainty calls it `ens_MI`.
#
# A fourth number counts votes only. **Disagreement** is the share of pairs of members that name
# different classes; `ens_Disagreement`. With $n_c$ votes for class $c$,
#
# $$ 1 - \sum_c \frac{n_c (n_c - 1)}{M (M - 1)}. $$
#
# ### One digit
#
# Good members seldom argue about a digit. So we go back to the eight networks of the first widget.
# They are *modest* LeNets, trained on 2,000 digits only. We look for the test digit about which
# they disagree most, by mutual information.

# %%
from course_utils.metrics import scores

most_disputed = int(scores.mutual_information(predictions_modest).argmax())
figures.disagreement_sheet(
    data_test.images[most_disputed],
    predictions_modest.probabilities[most_disputed],
    label=int(data_test.labels[most_disputed]),
)

# %% [markdown]
# Each row is a member, and the dot is its vote. The last row is the mean, the ensemble's answer.
# The bar on the right splits the entropy. We check the formulas on this digit, by hand.

# %%
p = predictions_modest.probabilities[most_disputed]
mean = p.mean(axis=0)
votes = np.bincount(p.argmax(axis=1), minlength=10)
by_hand = {
    "entropy of the mean": -(mean * np.log(mean)).sum(),
    "expected entropy": -(p * np.log(p)).sum(axis=1).mean(),
    "mutual information": (p * np.log(p / mean)).sum(axis=1).mean(),
    "disagreement": 1 - (votes * (votes - 1)).sum() / (8 * 7),
}
pd.Series(by_hand, name="by hand").round(4).to_frame()

# %% [markdown]
# Observe that the second and the third number add up to the first, and compare them with the bar.
# Several members are sure, each of a different class, so most of the entropy is mutual information.
#
# Now the digit that is most *ambiguous*: the largest expected entropy.

# %%
most_ambiguous = int(scores.expected_entropy(predictions_modest).argmax())
assert most_ambiguous != most_disputed
figures.disagreement_sheet(
    data_test.images[most_ambiguous],
    predictions_modest.probabilities[most_ambiguous],
    label=int(data_test.labels[most_ambiguous]),
)

# %% [markdown]
# Here it is mostly that the members hesitate, each for itself. More members cannot fix that;
# context might, such as the rest of the address. In the literature, expected entropy is called
# *aleatoric* (from the data) and mutual information *epistemic* (from not knowing which network is
# right). Take the names with care: the split is only as good as the members are diverse.

# %% [markdown]
# ### Exercise 4.7: Split the entropy
#
# *About 10 minutes.* Write the split for many images. You get the members' probabilities, a NumPy
# array of shape [N, M, C]. Return an array of shape [N, 3] with the columns *entropy of the mean*,
# *expected entropy*, *mutual information*, in nats. A probability may be exactly 0. It contributes
# nothing to an entropy, though its logarithm is minus infinity.

# %%
from course_utils.exercises.chapter_04 import ex4_7


def split_entropy(probabilities):
    """Entropy of the mean, expected entropy, mutual information: [N, M, C] -> [N, 3]."""
    return ...


ex4_7.check(split_entropy)

# %%
# ex4_7.hint()
# ex4_7.solution()

# %% [markdown]
# ### Exercise 4.8: Two kinds of half and half
#
# *About 3 minutes.* The mean answer to two images is the same: half 3, half 5. To image A four of
# the eight members say 3 and four say 5, each quite sure. To image B every member says half 3,
# half 5. Which sentence is right?
#
# - `a` The entropy of the mean is larger for A, because the members contradict each other.
# - `b` For A nearly all of the entropy is mutual information, for B none of it.
# - `c` For A nearly all of the entropy is expected entropy, for B none of it.
# - `d` The ensemble cannot tell A from B.

# %%
from course_utils.exercises.chapter_04 import ex4_8

choice = ...

ex4_8.check(choice)

# %%
# ex4_8.hint()
# ex4_8.solution()

# %% [markdown]
# ### Who agrees with whom?

# %%
figures.agreement_matrix(predictions_eight)

# %% [markdown]
# Does a pair stand out? Members that differ only in the seed should be about equally far
# from each other. The grey numbers on the diagonal are their accuracies. Where two members differ,
# at least one of them is wrong, and the other may help: an ensemble lives on these few images (Fort
# et al., 2019).

# %% [markdown]
# ### Digits and clothes
#
# For clothes there is no right digit. We hope that the members, who were never taught what to say
# there, say different things. The averages over all images:

# %%
named = {
    "entropy of the mean": scores.entropy,
    "expected entropy": scores.expected_entropy,
    "mutual information": scores.mutual_information,
    "disagreement": scores.disagreement,
}
groups = {"test digits": predictions_eight, "clothes": predictions_eight_ood}
average = pd.DataFrame(
    {
        images: {name: score(predictions).mean() for name, score in named.items()}
        for images, predictions in groups.items()
    }
)
average["ratio"] = average["clothes"] / average["test digits"]
average.round(4)

# %% [markdown]
# Observe the ratios: above one means more uncertain about clothes. Compare that of mutual
# information with that of expected entropy. The first is the smaller one: these members betray
# clothes more by hesitating, each for itself, than by contradicting each other. The averages hide
# how much the two groups overlap; a histogram shows it.

# %%
figures.score_histograms(
    scores.mutual_information(predictions_eight),
    predictions_eight.correct,
    scores.mutual_information(predictions_eight_ood),
    score_name="mutual information (nats)",
    ood_name="clothes",
)

# %% [markdown]
# Observe that most digits crowd at the left end and most clothes do not. But some clothes get eight
# votes for the same digit. Which one fools the ensemble best?

# %%
most_convincing = int(scores.entropy(predictions_eight_ood).argmin())
figures.disagreement_sheet(
    data_ood.images[most_convincing],
    predictions_eight_ood.probabilities[most_convincing],
    label=f"Fashion: {figures.FASHION[data_ood.labels[most_convincing]]}",
)

# %% [markdown]
# Agreement is evidence, not proof. Members that learned from the same digits share their blind
# spots.

# %% [markdown]
# ### Whom do you believe?
#
# The widget opens on the digit that is disputed most. Switch off one member after another: watch
# when the decision turns, and which of the two parts of the entropy goes down. Beside the digit
# stands a piece of clothing under the same members. "Most ambiguous" and "Most confident mistake"
# jump to other extremes, and "Next" goes through them in order.

# %%
from course_utils.widgets import disagreement_explorer

disagreement_explorer(
    predictions_eight,
    data_test,
    foreign=predictions_eight_ood,
    foreign_images=data_ood,
    foreign_names=figures.FASHION,
)

# %% [markdown]
# ### Draw one yourself
#
# Press "Clear" and draw a 4; all eight answer while the pen moves. Close its top little by little
# until it could be a 9. Then draw a shoe. Look at which of the two parts of the doubt grows. The
# small picture is what the networks get: your drawing, shrunk and centred as MNIST's digits were.

# %%
from course_utils.widgets import drawing_pad

pad = drawing_pad(eight, examples={"digit": data_test, "clothes": data_ood})
pad

# %% [markdown]
# Your drawing is in Python too: `pad.image` is what the networks see, and `pad.predictions` what
# they say about it.

# %%
scores_of_drawing = {
    "entropy of the mean": scores.entropy(pad.predictions),
    "expected entropy": scores.expected_entropy(pad.predictions),
    "mutual information": scores.mutual_information(pad.predictions),
}
pd.DataFrame(scores_of_drawing, index=["on the sheet now"]).round(3)

# %% [markdown]
# A digit that you draw is neither from the training set nor far from it; your shoe is far. Where
# the members disagree on a drawing, their training digits did not settle what it is; where they
# agree on nonsense, they have no way to know.

# %% [markdown]
# ## Side by side
#
# Time for torch-uncertainty's full table, every row as explained in chapter 2. The columns were
# trained for *different budgets*, and the first four rows say so. An epoch is one pass over the
# training digits; what counts for a comparison are the steps, one for each batch of digits. Where
# the last of the four says "affine", small random turns, stretches and shears were used besides the
# crops. Compare columns of equal budget to learn what members do, and columns of equal members to
# learn what training does.

# %%
from math import ceil


def num_steps(history):
    return history["epochs"] * ceil(history["num_train"] / BATCH_SIZE)


# %%
from course_utils.networks.evaluation import evaluate

models = {"LeNet": single.model, "DE-2": ensemble, "one of the 8": first, "DE-8": eight}
histories = {"LeNet": single.facts, "DE-2": facts_two}
histories |= {"one of the 8": facts, "DE-8": facts}
if eight_from_hub:
    models["DE-8 (hub)"] = eight_from_hub
    histories["DE-8 (hub)"] = {"epochs": 75, "num_train": 60_000, "unknown": "unknown"}

table = evaluate(models, data_test, data_ood)
budget = pd.DataFrame(
    {
        name: {
            "Epochs": str(history["epochs"]),
            "of digits": f"{history['num_train']:,}",
            "Steps": history.get("unknown") or f"{num_steps(history):,}",
            "Augmentation": history.get("unknown")
            or ("crop, affine" if history.get("affine") else "crop"),
        }
        for name, history in histories.items()
    }
)
numbers = table.map(lambda value: "" if np.isnan(value) else f"{value:.4g}")
pd.concat([budget, numbers])

# %% [markdown]
# How to read it:
#
# - **LeNet and DE-2** had the same budget if you trained both in this course: here you see what one
#   more member brings, plus the luck of two separate trainings. **One of the 8 and DE-8** have the
#   same budget: here you see what seven more members bring to this one, which may be a good or a
#   bad one of the eight. LeNet against DE-8 mixes members with training: other augmentation, a
#   learning rate that rises for a shorter time, and more steps where the rows say so. (How the
#   hub's networks were trained is not known in such detail.)
# - **Disagreement, Entropy of members, Mutual information** stand empty for single networks: with
#   one member there is nobody to disagree with.
# - **Parameters and MFLOPs per image** grow with the number of members, exactly.
# - The **OOD** rows use as many clothes as digits.
#
# One question is left about torch-uncertainty's names: is its plain "Entropy" of an ensemble that
# of the mean, or the mean of the members'? We compare with our own numbers for DE-8.

# %%
ours = average["test digits"]
pd.DataFrame(
    {
        "torch-uncertainty": table["DE-8"],
        "ours": {
            "Entropy": ours["entropy of the mean"],
            "Entropy of members": ours["expected entropy"],
            "Mutual information": ours["mutual information"],
            "Disagreement": ours["disagreement"],
        },
    }
).dropna().round(5)

# %% [markdown]
# Observe that the pairs are equal: the plain entropy is that of the mean, and the one of the
# members is the expected entropy. Whenever you report "entropy" of an ensemble, say which one. (For
# OOD detection with `ood_criterion="entropy"` the library averages over the members.)

# %% [markdown]
# How far did you get? (Only this kernel knows, and it forgets.)

# %%
from course_utils import exercises

exercises.progress(4)

# %% [markdown]
# ## What you have learned
#
# - Deep Ensembles average probabilities. The NLL of the mean is never above the mean NLL of the
#   members, image by image. Accuracy and calibration have no such guarantee.
# - Joint training with learning rate times M and weight decay by M is training alone, M times.
# - The output is ordered `(m b) c`; `view` and `repeat_interleave` are wrong without an error.
# - A single network with `reset_model_parameters=False` gives M times the same member; a list is
#   taken as it is.
# - Independent networks can be combined afterwards, from their answers alone. It saves memory, not
#   work.
# - The first few members bring most of the gain. A range over subsets is not a confidence interval.
# - The entropy of the mean is the expected entropy plus the mutual information: hesitation plus
#   contradiction.
#
# **What comes next.** M members cost M times the parameters and M times the computing. Do they have
# to? Chapter 6 packs four narrower networks into one with grouped layers: a Packed-Ensemble. We
# shall take it apart, and compare honestly.
#
# ### Sources
#
# - B. Lakshminarayanan, A. Pritzel, C. Blundell (2017). Simple and scalable predictive uncertainty
#   estimation using deep ensembles. *NeurIPS*.
#   [arXiv:1612.01474](https://arxiv.org/abs/1612.01474)
# - N. Houlsby, F. Huszár, Z. Ghahramani, M. Lengyel (2011). Bayesian active learning for
#   classification and preference learning. [arXiv:1112.5745](https://arxiv.org/abs/1112.5745)
# - S. Depeweg, J. M. Hernández-Lobato, F. Doshi-Velez, S. Udluft (2018). Decomposition of
#   uncertainty in Bayesian deep learning for efficient and risk-sensitive learning. *ICML*.
#   [arXiv:1710.07283](https://arxiv.org/abs/1710.07283)
# - S. Fort, H. Hu, B. Lakshminarayanan (2019). Deep ensembles: a loss landscape perspective.
#   [arXiv:1912.02757](https://arxiv.org/abs/1912.02757)
# - C. Guo, G. Pleiss, Y. Sun, K. Weinberger (2017). On calibration of modern neural networks.
#   *ICML*. [arXiv:1706.04599](https://arxiv.org/abs/1706.04599)
# - R. Rahaman, A. H. Thiery (2021). Uncertainty quantification and deep ensembles. *NeurIPS*.
#   [arXiv:2007.08792](https://arxiv.org/abs/2007.08792)
# - The pretrained members:
#   [ENSTA-U2IS/tutorial-models](https://huggingface.co/ENSTA-U2IS/tutorial-models), with
#   torch-uncertainty's tutorial on Packed-Ensembles.
