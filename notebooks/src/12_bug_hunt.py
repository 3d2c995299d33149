# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12. The bug hunt
#
# A colleague leaves the group and leaves you a script. It trains an ensemble, evaluates another
# one, and prints a report. It runs from the first cell to the last without an error. It is wrong in
# ten places.
#
# **Questions**
#
# - How does a mistake look that raises no error?
# - Which number of a report gives it away?
#
# **Objectives.** After this chapter you can
#
# - find a fault from its symptom, in a script that runs without an error;
# - check a step of an evaluation on inputs where you know the answer.
#
# **Time.** About 35 minutes to hunt. The code needs less than half a minute.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## The rules
#
# - Ten of the functions below are faulty, each in one place. Change what is inside them; keep their
#   names, what they take and what they return. What is not in a function is sound.
# - Run a cell again after you changed it. Then run the scoreboard at the end. It lists ten
#   symptoms, and says which of them are gone. In the report some hide behind others: read it again
#   after each repair.
# - The scoreboard calls your functions with inputs of its own, on which each fault shows. How you
#   write them is up to you. It never stops, whatever you try.
# - Stuck? Below the scoreboard there are three hints for each symptom, and the solution.
#
# First run everything as it is, and read what comes out: the list of images, the table of the
# training, and the report. Ask yourself at each line: *can that be?*

# %%
import warnings

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.images import batches, load_fashion_mnist, load_mnist
from course_utils.metrics import selective
from course_utils.networks import zoo
from course_utils.networks.training import quiet

quiet()  # hardware, and what nobody can do anything about

# %% [markdown]
# ## The images


# %%
def digits():
    """Digits to train on, to choose on, to report on."""
    data_train = load_mnist("train")
    return data_train, load_mnist("val"), data_train.subset(slice(1_000))


def clothes():
    """Clothes to report on."""
    return load_fashion_mnist("val")


# %%
[*digits(), clothes()]

# %% [markdown]
# ## Training
#
# Two LeNets are trained together, for a few steps only. The ensemble takes a batch of B images and
# returns 2 · B rows of logits: all images of the first member, then all images of the second one.


# %%
def recipe(model, num_steps):
    """Optimizer, and a learning rate that falls to zero along a cosine."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=num_steps)
    return {"optimizer": optimizer, "scheduler": {"scheduler": cosine, "interval": "step"}}


def repeat_labels(labels, num_members):
    """The labels of a batch once for each member, in the order of the logits, [members * B]."""
    return labels.repeat_interleave(num_members)


# %% [markdown]
# Lightning calls `training_step` for every batch, and `configure_optimizers` once. We write down
# the loss and the learning rate of each step. Lightning's warnings are caught and printed.

# %%
from lightning.pytorch import LightningModule, Trainer

num_members, num_steps = 2, 60


class Training(LightningModule):
    """Train an ensemble, and keep a record."""

    def __init__(self, model):
        super().__init__()
        self.model, self.record = model, []

    def training_step(self, batch):
        images, labels = batch
        loss = F.cross_entropy(self.model(images), repeat_labels(labels, num_members))
        rate = self.optimizers().param_groups[0]["lr"]
        self.record.append({"loss": loss.item(), "learning rate": rate})
        return loss

    def configure_optimizers(self):
        return recipe(self.model, num_steps)


# %%
from torch_uncertainty.methods import deep_ensembles

from course_utils.networks.models import LeNet

torch.manual_seed(0)
two = deep_ensembles([LeNet() for _ in range(num_members)], task="classification")
training = Training(two)
trainer = Trainer(
    max_steps=num_steps,
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", RuntimeWarning)
    trainer.fit(training, batches(digits()[0], 128, shuffle=True, seed=0))
for warning in caught:
    print("Lightning says:", warning.message)
pd.DataFrame(training.record).iloc[[0, 9, 19, 29, 39, 49, 59]].rename_axis("step").round(4)

# %% [markdown]
# ## Asking
#
# So few steps are not enough for a report. It is made for an ensemble that comes with the course:
# four modest LeNets, which sometimes err. A little dropout on the pixels was meant for a training
# that never came.

# %%
members = [zoo.load(f"modest-lenet-{number}") for number in range(4)]
network = nn.Sequential(nn.Dropout(0.3), deep_ensembles(members, task="classification"))


# %%
def ask(network, inputs):
    """Logits for a batch of images, [members * B, 10]; no gradient is needed."""
    with torch.no_grad():
        return network(inputs)


def by_member(logits, num_members):
    """Logits [members * B, 10] of an ensemble as [B, members, 10]."""
    return logits.view(-1, num_members, logits.shape[-1])


def average(member_logits):
    """Probabilities of an ensemble, [B, 10], from the logits [B, members, 10]."""
    probabilities = member_logits.softmax(dim=-1)
    return probabilities.mean(dim=1).softmax(dim=-1)


# %% [markdown]
# ## Measuring


# %%
def accuracy(answered):
    """Share of right answers in batches of (answers, labels)."""
    for answers, labels in answered:
        share = (answers == labels).float().mean()
    return share


def risks(confidence, correct):
    """Risk if only the most certain image is answered, the two most certain ones, ... [N]."""
    order = np.argsort(confidence)
    return np.cumsum(~correct[order]) / np.arange(1, len(correct) + 1)


def at_budget(val, test, budget):
    """Threshold for a risk budget; coverage and risk. `val`, `test`: (uncertainty, correct)."""
    curve = selective.risk_coverage(*test)
    point = curve.at_threshold(curve.threshold_for_risk(budget))
    return point.threshold, point.coverage, point.risk


# %% [markdown]
# ## The report
#
# From here on everything is sound, except that it uses the functions above.


# %%
def answers(images):
    """What the network says about a set of images: confidence, answer, label."""
    parts = [average(by_member(ask(network, inputs), 4)) for inputs, _ in batches(images, 300)]
    confidence, answer = torch.cat(parts).max(dim=1)
    return confidence.double().numpy(), answer, torch.tensor(images.labels)


def in_batches(answer, labels, size):
    """The same answers in batches of another size."""
    return list(zip(answer.split(size), labels.split(size), strict=True))


def auroc(low, high):
    """Probability that a value of `high` is above one of `low`; half of the ties."""
    both = pd.Series(np.concatenate([low, high])).rank()
    return (both[len(low) :].sum() / len(high) - (len(high) + 1) / 2) / len(low)


# %%
def report():
    """Everything the colleague wrote into the paper."""
    _, data_val, data_test = digits()
    sure_val, answer_val, labels_val = answers(data_val)
    sure, answer, labels = answers(data_test)
    val = (1 - sure_val, (answer_val == labels_val).numpy())
    test = (1 - sure, (answer == labels).numpy())
    risk = risks(sure, test[1])
    threshold, coverage, risk_there = at_budget(val, test, budget=0.02)
    return {
        "digits": len(data_test),
        "accuracy, batches of 300": float(accuracy(in_batches(answer, labels, 300))),
        "accuracy, batches of 700": float(accuracy(in_batches(answer, labels, 700))),
        "mean confidence": sure.mean(),
        "risk of the more certain half": risk[len(risk) // 2 - 1],
        "risk of all": risk[-1],
        "threshold for a risk of 2 %": threshold,
        "coverage at it": coverage,
        "risk at it": risk_there,
        "AUROC against clothes": auroc(1 - sure, 1 - answers(clothes())[0]),
    }


# %% [markdown]
# Two reports of the same network on the same images:

# %%
pd.DataFrame({"first": report(), "second": report()}).round(4)

# %% [markdown]
# Can that be? Then look for the reasons. It helps to call one function at a time, with an input so
# small that you know what must come out.

# %% [markdown]
# ## The scoreboard

# %%
from course_utils.exercises import bug_hunt

bug_hunt.scoreboard(globals())

# %% [markdown]
# ## Help
#
# Put the number of a symptom in, take away a `#`, and run the cell. `hint` has three hints, which
# unfold one after the other.

# %%
# bug_hunt.hint(1)
# bug_hunt.solution(1)

# %% [markdown]
# ## What you have learned
#
# Have you got all ten? Then run the notebook once more from the top, and read the report again.
#
# - Shapes do not tell. Two orders of the same rows have the same shape.
# - A warning is not an error, and is easily overlooked. Look at the thing itself: the learning
#   rate, the labels, the mode of the network.
# - Some faults make a report worse, and are soon found. Those that make it *better* stay.
# - A number that must not depend on something, the size of a batch or a second look, can be tried:
#   change it, and compare.
