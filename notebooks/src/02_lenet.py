# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2. LeNet
#
# In this chapter you build a small neural network, train it, and then question it. The training is
# the short part. The long part is the table of numbers at the end: each row is one question about
# trust, and you will know what each one asks.
#
# **Questions**
#
# - What is inside the network, and where are its parameters?
# - What exactly does training minimise, and what has weight decay to do with belief?
# - How do we see whether a network knows when it is wrong?
#
# **Objectives.** After this chapter you can
#
# - write LeNet in PyTorch and count its parameters by hand;
# - derive cross-entropy with weight decay from Bayes' rule, and say which prior a weight decay
#   means;
# - train with torch-uncertainty's routine and trainer, and check that a schedule really ran;
# - explain every row of the table of metrics, and compute each of them in one line;
# - read a reliability diagram, a confusion matrix and a histogram of scores.
#
# **Time.** About 60 minutes to read and play. The code needs about a minute with the default
# budget, most of it for the training.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## The images
#
# The digits come in the three parts of chapter 1. As out-of-distribution (OOD) images we take the
# *test* part of Fashion-MNIST, as many as there are test digits.

# %%
from course_utils.images import load_fashion_mnist, load_mnist

data_train = load_mnist("train")
data_val = load_mnist("val")
data_test = load_mnist("test")
data_ood = load_fashion_mnist("test")

for images in (data_train, data_val, data_test, data_ood):
    print(f"{images.name:20} {len(images):6,} images")

# %% [markdown]
# The budget comes from the environment variable `COURSE_SPEED`: `look` takes weights that come with
# the course, `train` (the default) trains for a short time, `full` trains for long. Set it before
# you start Jupyter.

# %%
from course_utils import speed

print(f"COURSE_SPEED is {speed()!r}.")

# %% [markdown]
# ## The network, written out
#
# LeNet-5 read cheques in the 1990s (LeCun et al., 1998). Ours has its layout, with simplifications
# that later became usual: ReLU instead of the hyperbolic tangent, maximum instead of average
# pooling, and a plain linear layer at the end.
#
# Two **convolutions** look at the image through small windows. Each is followed by a **pooling**
# that keeps the largest of every 2 by 2 values. Then three **fully connected** layers combine what
# was found, into one number per class. These numbers are called **logits**.

# %%
import torch
import torch.nn.functional as F
from torch import nn


class LeNet(nn.Module):
    """LeNet-5 for 28 x 28 digits, with ReLU and max-pooling (after LeCun et al., 1998)."""

    def __init__(self, in_channels: int = 1, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 4 * 4, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = F.max_pool2d(F.relu(self.conv1(images)), 2)
        features = F.max_pool2d(F.relu(self.conv2(features)), 2)
        features = features.flatten(1)
        features = F.relu(self.fc1(features))
        features = F.relu(self.fc2(features))
        return self.fc3(features)


# %% [markdown]
# We make one. Its weights are random; the seed makes them the same in every run.

# %%
torch.manual_seed(0)
model = LeNet()
model

# %% [markdown]
# What goes in and out of each layer? PyTorch calls a **hook** whenever a layer has done its work.
# We hang one on each layer of a throw-away network and show it one image.

# %%
shapes = {}


def note_shapes(name):
    """Make a hook that writes down the shapes of one image before and after a layer."""

    def hook(layer, inputs, output):
        shapes[name] = {"in": tuple(inputs[0].shape[1:]), "out": tuple(output.shape[1:])}

    return hook


traced = LeNet()
for name, layer in traced.named_children():
    layer.register_forward_hook(note_shapes(name))
traced(torch.zeros(1, 1, 28, 28))
for name, shape in shapes.items():
    print(f"{name}: {shape['in']!s:12} -> {shape['out']}")

# %% [markdown]
# Observe how the image shrinks while the channels grow. A window of 5 by 5 fits into 28 pixels at
# 24 places, pooling halves that to 12; then 8 and 4. Sixteen channels of 4 by 4 make the 256
# numbers that `fc1` takes.
#
# ### Counting the parameters
#
# A convolution has one window of weights for each pair of input and output channel, and one bias
# for each output channel. A fully connected layer has one weight for each pair of input and output,
# and one bias for each output. We count by hand, and check against the model.

# %%
import pandas as pd

by_hand = {
    "conv1": (1 * 5 * 5 + 1) * 6,
    "conv2": (6 * 5 * 5 + 1) * 16,
    "fc1": (16 * 4 * 4 + 1) * 120,
    "fc2": (120 + 1) * 84,
    "fc3": (84 + 1) * 10,
}
in_the_model = {
    name: sum(parameter.numel() for parameter in layer.parameters())
    for name, layer in model.named_children()
}
assert by_hand == in_the_model

print(" + ".join(f"{count:,}" for count in by_hand.values()), f"= {sum(by_hand.values()):,}")

# %% [markdown]
# Where is the work? Each weight of a convolution is used at every place its window fits: 24 by 24
# places in `conv1`, 8 by 8 in `conv2`. Each weight of a fully connected layer is used once. A use
# is one multiplication and one addition: two floating-point operations (FLOPs).

# %%
places = {"conv1": 24 * 24, "conv2": 8 * 8, "fc1": 1, "fc2": 1, "fc3": 1}
layers = pd.DataFrame({"parameters": by_hand})
layers["FLOPs per image"] = [
    2 * layer.weight.numel() * places[name] for name, layer in model.named_children()
]
flops_by_hand = layers["FLOPs per image"].sum()
layers.loc["sum"] = layers.sum()
layers

# %% [markdown]
# Observe that the two columns tell opposite stories. The fully connected layers hold most of the
# parameters, and the convolutions do most of the work. "A small network" may mean either. Keep both
# columns in mind for chapter 6.

# %% [markdown]
# ### Exercise 2.1: Three classes
#
# *About 4 minutes.* LeNet has 44,426 parameters with ten classes. How many would it have if it
# only had to tell **three** classes apart? Only the last layer changes; it sees 84 numbers.
# Compute it by hand, then check.
#
# Replace the `...` and run the cell. Take away the `#` of `hint()` in the cell below for the first
# of three hints, run it again for the next.

# %%
from course_utils.exercises.chapter_02 import ex2_1

num_parameters = ...

ex2_1.check(num_parameters)

# %%
# ex2_1.hint()
# ex2_1.solution()

# %% [markdown]
# ## What training minimises
#
# ### From logits to probabilities
#
# The network $f_w$ with parameters $w$ turns an image $x$ into ten logits $z = f_w(x)$. The
# **softmax** turns logits into probabilities:
#
# $$ p(c \mid x, w) = \frac{e^{z_c}}{\sum_k e^{z_k}}. $$
#
# If the true class is $y$, the **cross-entropy** of this answer is $-\ln p(y \mid x, w)$: 0 if the
# network was sure and right, and without limit if it was sure and wrong. We compute it in three
# ways for a batch of digits and the untrained network.

# %%
import math

from course_utils.images import batches

images, labels = next(iter(batches(data_train, batch_size=128, shuffle=True, seed=0)))
with torch.no_grad():
    logits = model(images)
probabilities = logits.exp() / logits.exp().sum(dim=1, keepdim=True)

print("by hand:        ", -probabilities[range(128), labels].log().mean().item())
print("by PyTorch:     ", F.cross_entropy(logits, labels).item())
print("of pure guessing:", math.log(10))

# %% [markdown]
# Observe that an untrained network is about as good as guessing: it gives each class about the same
# probability, and $-\ln \frac{1}{10} = \ln 10$. This is a useful check in every project. If your
# loss starts far above $\ln C$ for $C$ classes, something is wrong before training begins.
#
# PyTorch's function takes *logits*, not probabilities, and works with logarithms throughout, so
# that large logits do no harm. Giving it probabilities raises no error and trains badly.

# %% [markdown]
# ### The Bayesian view: why weight decay is a belief
#
# We have training data $D$: $N$ images $x_i$ with labels $y_i$. Which parameters should we believe
# in, having seen $D$? Bayes' rule answers with a whole distribution, the **posterior**:
#
# $$ p(w \mid D) = \frac{p(D \mid w)\, p(w)}{p(D)} \;\propto\; p(D \mid w)\, p(w). $$
#
# The **likelihood** $p(D \mid w)$ says how well $w$ explains the labels. If the labels are
# independent given the images, it is a product, and its negative logarithm is a sum of
# cross-entropies:
#
# $$ -\ln p(D \mid w) = \sum_{i=1}^{N} -\ln p(y_i \mid x_i, w). $$
#
# The **prior** $p(w)$ says what we believed before: say, that each weight is drawn independently
# from a Gaussian with mean 0 and variance $\sigma^2$. Then
#
# $$ -\ln p(w) = \frac{1}{2 \sigma^2} \lVert w \rVert^2 + \text{const}. $$
#
# The posterior of a network cannot be computed exactly. The simplest way out is to keep only its
# highest point, the **maximum a posteriori** (MAP) estimate. Add both terms and divide by $N$,
# which moves no maximum:
#
# $$ w_{\text{MAP}} = \arg\min_w \;
# \underbrace{\frac{1}{N} \sum_{i=1}^{N} -\ln p(y_i \mid x_i, w)}_{\text{mean cross-entropy}}
# \; + \; \underbrace{\frac{\lambda}{2} \lVert w \rVert^2}_{\text{weight decay}}, \qquad
# \lambda = \frac{1}{N \sigma^2}. $$
#
# So mean cross-entropy with an L2 penalty *is* MAP estimation with a Gaussian prior. The gradient
# of the penalty is $\lambda w$, and that is what PyTorch's `SGD` adds to the gradient when you set
# `weight_decay` to $\lambda$. Does it? We do one step both ways.

# %%
from copy import deepcopy

weight_decay = 5e-4

with_option = deepcopy(model)
optimizer = torch.optim.SGD(with_option.parameters(), lr=1.0, weight_decay=weight_decay)
F.cross_entropy(with_option(images), labels).backward()
optimizer.step()

with_penalty = deepcopy(model)
optimizer = torch.optim.SGD(with_penalty.parameters(), lr=1.0)
squared_norm = sum(parameter.square().sum() for parameter in with_penalty.parameters())
(F.cross_entropy(with_penalty(images), labels) + weight_decay / 2 * squared_norm).backward()
optimizer.step()

same = [
    torch.allclose(a, b, atol=1e-6)
    for a, b in zip(with_option.parameters(), with_penalty.parameters(), strict=True)
]
print("the same step in all ten tensors of parameters:", all(same))

# %% [markdown]
# Now read the formula backwards: $\sigma = 1 / \sqrt{N \lambda}$. Which prior do we believe in when
# we set the weight decay to the value above?

# %%
for num_images in sorted({1_000, len(data_train), 55_000}):
    sigma = 1 / math.sqrt(num_images * weight_decay)
    print(f"N = {num_images:6,}: standard deviation of the prior {sigma:.2f}")

# %% [markdown]
# Observe that the same weight decay means a narrower prior for more images. If you keep your belief
# and get twice the data, $\lambda$ must be halved: the data speak louder. Without weight decay,
# $\lambda = 0$, the prior is flat and MAP becomes **maximum likelihood**.
#
# Some remarks, to be honest about the analogy.
#
# - It holds for SGD, and for PyTorch's `Adam`, which also adds $\lambda w$ to the gradient: both
#   head for the same points, though Adam's adaptive steps take another way. For `AdamW` it does not
#   hold: there the decay does not enter the loss at all, and its option is not $\lambda$
#   (Loshchilov and Hutter, 2019).
# - Random crops are not new independent images. With them, the sum above becomes an average over
#   crops, and $N$ remains the number of *digits*.
# - PyTorch's option covers all parameters it is given, here the biases too. So does our prior.
# - A few epochs of SGD do not reach the highest point. MAP says where the training is heading.
#
# What matters for this course: MAP keeps **one** point of the posterior and throws away the rest.
# All other networks that explain the digits equally well, but might answer differently to a sandal,
# are lost. Chapter 4 will bring some of them back.

# %% [markdown]
# ## The recipe
#
# Stochastic gradient descent takes a step after every batch:
# $w \leftarrow w - \eta \, (\nabla \text{loss} + \lambda w)$. (Nesterov) momentum adds up the
# directions of past steps, with weights that fade. The learning rate $\eta$ follows **one cycle**
# (Smith and Topin, 2017): it rises during the first two fifths of the training (`warm_up`), and
# then falls to almost zero, so that the noise of single batches dies out. The rise is slow for a
# reason. The first steps of a random network can be wild, and a ReLU that is thrown below zero for
# every image has no gradient left to come back: one early spike can cost a network some of its
# channels for good.


# %%
def one_cycle_sgd(
    model: nn.Module, num_steps: int, num_members: int = 1,
    learning_rate: float = 0.05, weight_decay: float = 5e-4, warm_up: float = 0.4,
) -> dict:  # fmt: skip
    """SGD with Nesterov momentum, and a learning rate that rises once and falls to almost zero.

    The loss is the mean over the members. Each member therefore sees only 1/M of its own gradient:
    the learning rate is multiplied by M, and the weight decay, which does not pass through the
    loss, is divided by M. With SGD a member then takes exactly the steps it would take alone.
    """
    learning_rate = learning_rate * num_members
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=learning_rate,
        momentum=0.9,
        nesterov=True,
        weight_decay=weight_decay / num_members,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=learning_rate, total_steps=num_steps,
        pct_start=warm_up, cycle_momentum=False,
    )  # fmt: skip
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


# %% [markdown]
# The parameter `num_members` is for chapter 4, where several networks are trained together. Here
# there is one member, and nothing is multiplied or divided.
#
# The dictionary is for Lightning, the library that runs the training loop. Two details in its last
# line decide whether the schedule runs at all:
#
# - the key must be **`lr_scheduler`**. The tutorial that this course descends from wrote
#   `"scheduler"`. Lightning warned, ignored it, and the learning rate never changed;
# - the interval must be **`step`**. Lightning's default is `epoch`: a schedule that was planned for
#   a thousand steps is then moved on only once in an epoch.
#
# Neither mistake raises an error. So we make them on purpose, further down, and look.

# %% [markdown]
# ## The routine
#
# torch-uncertainty's **routine** says what happens to a batch: the loss in training, the metrics in
# validation and test. It takes the network, the loss and the recipe. The recipe must know the
# number of steps, so the loader and the number of epochs come first.

# %%
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.networks.training import BATCH_SIZE, device, epochs_for

train_loader = batches(
    data_train, BATCH_SIZE, shuffle=True, crop_padding=4, device=device(), seed=0
)
val_loader = batches(data_val, 500, device=device())
num_epochs = epochs_for(data_train)
num_steps = num_epochs * len(train_loader)

recipe = one_cycle_sgd(model, num_steps)
routine = ClassificationRoutine(
    model, num_classes=10, loss=nn.CrossEntropyLoss(), optim_recipe=recipe
)

# %% [markdown]
# How long is this training? An **epoch** is one pass over all training images, a **step** is one
# batch and one move of the weights. What if there were fewer digits? `epochs_for` then plans more
# epochs.

# %%
budget = pd.DataFrame({"digits": [55_000, 2_000]})
budget["epochs"] = [epochs_for(data_train), epochs_for(data_train.subset(slice(2_000)))]
# the last batch of an epoch may be smaller
budget["steps per epoch"] = [math.ceil(count / BATCH_SIZE) for count in budget["digits"]]
budget["steps"] = budget["epochs"] * budget["steps per epoch"]
assert budget["steps"].iloc[0] == num_steps
budget

# %% [markdown]
# Both rows have about the same number of steps, and it is steps that move the weights. So do not
# read many epochs of few digits as a longer training. It is equally long, and meets each digit more
# often.
#
# We validate on the validation digits after every epoch. The test digits stay locked away until the
# network is final.

# %% [markdown]
# ## The trainer
#
# The **trainer** runs the loop. `TUTrainer` is Lightning's `Trainer` with readable tables. Around
# it we place a few helpers:
#
# - **loggers** write down what happens: `CSVLogger` into a table that we can plot right here, and,
#   if the package tensorboard is installed, `TensorBoardLogger` into files for that program;
# - `LearningRateMonitor` adds the learning rate to the log, so that we can check it;
# - `ModelCheckpoint` keeps the weights with the best validation NLL, and the last ones;
# - `ProgressLine` is the course's progress bar, one line that stays in the page; it keeps the time,
#   and stops a training whose loss is not a number any more;
# - `quiet()` silences a few warnings that you can do nothing about. The list, with a reason for
#   each, is `course_utils.networks.silence.SILENCED`.

# %%
from importlib.util import find_spec

from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch_uncertainty import TUTrainer

from course_utils.networks import runs
from course_utils.networks.progress import ProgressLine
from course_utils.networks.training import quiet

quiet()
folder = runs.folder() / "lenet"
loggers = [CSVLogger(folder, name="", version="")]
if find_spec("tensorboard"):
    loggers.append(TensorBoardLogger(folder, name="", version=""))
checkpoint = ModelCheckpoint(
    folder,
    filename="best",
    monitor="val/cls/NLL",
    save_last=True,
    enable_version_counter=False,
)
progress = ProgressLine("LeNet")

# %% [markdown]
# The helpers are ready. Now the trainer itself. It uses a CUDA GPU if there is one, and the CPU
# otherwise. (Lightning's `"auto"` would also take Apple's GPU, which cannot compute some of the
# metrics.)

# %%
trainer = TUTrainer(
    accelerator="gpu" if device().type == "cuda" else "cpu",
    devices=1,
    max_epochs=num_epochs,
    logger=loggers,
    log_every_n_steps=10,
    callbacks=[checkpoint, LearningRateMonitor("step"), progress],
    enable_model_summary=False,
    num_sanity_val_steps=0,
)

# %% [markdown]
# ### Two mistakes on purpose
#
# Before the real training, a rehearsal with few digits: does the schedule run? A **callback**
# writes down the learning rate of every step. We try the right dictionary and the two wrong ones.

# %%
from lightning.pytorch.callbacks import Callback


class WriteDownLearningRate(Callback):
    """Keep the learning rate of every step."""

    def __init__(self):
        self.rates = []

    def on_train_batch_start(self, trainer, *_):
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])


def right(recipe):
    return recipe


def wrong_key(recipe):
    return {"optimizer": recipe["optimizer"], "scheduler": recipe["lr_scheduler"]["scheduler"]}


def wrong_interval(recipe):
    return {**recipe, "lr_scheduler": {**recipe["lr_scheduler"], "interval": "epoch"}}


# %% [markdown]
# The rehearsal itself: a fresh LeNet, few batches, no logs.


# %%
def rehearse(change):
    """Train a throw-away LeNet for 5 epochs of 8 batches; return its learning rates."""
    model, notes = LeNet(), WriteDownLearningRate()
    loader = batches(data_train.subset(range(8 * BATCH_SIZE)), BATCH_SIZE, device=device())
    recipe = change(one_cycle_sgd(model, num_steps=5 * len(loader)))
    routine = ClassificationRoutine(
        model, num_classes=10, loss=nn.CrossEntropyLoss(), optim_recipe=recipe
    )
    trainer = TUTrainer(
        accelerator="gpu" if device().type == "cuda" else "cpu",
        devices=1,
        max_epochs=5,
        logger=False,
        callbacks=[notes],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(routine, loader)
    return notes.rates


# %% [markdown]
# Lightning's warnings are caught and printed, so that you know them when you meet them.

# %%
import warnings

variants = {"right": right, "wrong key": wrong_key, "wrong interval": wrong_interval}
rates = {}
for name, change in variants.items():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        rates[name] = rehearse(change)
    print(f"{name}: last learning rate {rates[name][-1]:.6f}")
    for warning in caught:
        if "optimizer configuration" in str(warning.message):
            print("    Lightning says:", str(warning.message))

# %%
from course_utils import figures

figures.training_curves(
    {name: {"step": range(1, len(r) + 1), "rate": r} for name, r in rates.items()},
    metrics={"rate": "learning rate"},
    x="step",
)

# %% [markdown]
# Observe that only one of the three makes its cycle. With the wrong key the learning rate stays
# where the cycle starts, with the wrong interval it takes a step only at the end of each epoch.
# Both networks would learn, slowly, and nobody would know why they are worse. **Look at the
# learning rate, not at the code that should set it.**

# %% [markdown]
# ## Training
#
# One line does it. The line around it, `interruptible`, sees to it that the stop button stops this
# cell and nothing else. With `COURSE_SPEED=look` we load weights that were trained in the same way
# instead.

# %%
from course_utils.networks import zoo
from course_utils.networks.training import interruptible

if speed() == "look":
    model = zoo.load("short-lenet")
    log = zoo.log("short-lenet")
    facts = zoo.facts("short-lenet")
    steps_of_weights = facts["epochs"] * math.ceil(facts["num_train"] / BATCH_SIZE)
    print("Not trained here: these weights come from the course's zoo.")
    print(f"{facts['epochs']} epochs of {facts['num_train']:,} digits: {steps_of_weights:,} steps.")
else:
    with interruptible("The training of LeNet"):
        trainer.fit(routine, train_loader, val_loader)
    model = model.cpu().eval()
    log = folder / "metrics.csv"
    print(f"{num_epochs} epochs of {len(data_train):,} digits: {trainer.global_step:,} steps.")

# %% [markdown]
# ### Learning curves
#
# The CSV log has two rows for every tenth step, one with the learning rate and one with the loss,
# and one row for every validation. Fields that a row has nothing for are empty.

# %%
figures.training_curves({"LeNet": log}, x="step")

# %% [markdown]
# Observe three things. The training loss falls fast and then slowly, and it is noisy, since each
# value is that of a single batch. (A peak on the way is a stretch where steps went too far while
# the learning rate was high.) The validation NLL is the same quantity, without crops, on digits
# that the network does not train on. (Neither contains the weight decay, which the optimizer adds
# to the gradient.) And the last stretch, where the learning rate is small, often brings a late
# improvement.
#
# If the validation NLL turned upwards while the training loss goes on falling, the network would be
# **overfitting**. If both were still falling steeply at the end, it would need more epochs.
#
# Now the learning rate, as promised.

# %%
learning_rate = pd.read_csv(log)["lr-SGD"].dropna()
assert learning_rate.iloc[-1] < 0.01 * learning_rate.max(), (
    "The learning rate is not near zero: the schedule did not run, or training was interrupted."
)
print(f"highest {learning_rate.max():.4f}, last {learning_rate.iloc[-1]:.7f}")
figures.training_curves({"LeNet": log}, metrics=["lr-SGD"], x="step")

# %% [markdown]
# Observe the cycle: up during the first two fifths, then down to almost nothing. The assertion
# above would have stopped us if it had not run.
#
# ### The same curves in TensorBoard
#
# TensorBoard shows logs of many runs in a browser, also while they grow. It is an extra of this
# course: `pip install tensorboard`. Then, in a terminal in the course's folder:
#
# ```
# tensorboard --logdir runs
# ```
#
# and open the address that it prints. In Colab, or in any notebook, these two lines show it in the
# page; they are text here, because they need the extra and a browser.
#
# ```
# %load_ext tensorboard
# %tensorboard --logdir runs
# ```
#
# TensorBoard reads *event files*, not the CSV log. Are there any?

# %%
event_files = sorted(folder.glob("events.out.tfevents.*"))
if event_files:
    print(f"{len(event_files)} event file(s) in {folder.parent.name}/{folder.name}")
else:
    print("No event files: nothing was trained here, or tensorboard is not installed.")

# %% [markdown]
# ## The table of metrics
#
# The network is final. Now, once, the test digits; and as many clothes beside them.
#
# `evaluate` does what you could write yourself: it makes a `ClassificationRoutine` with
# `eval_ood=True` and calls `trainer.test(routine, [test_loader, ood_loader])`. Then it gives
# torch-uncertainty's metrics readable names and units.

# %%
from course_utils.networks.evaluation import evaluate

print(f"{len(data_test):,} digits, {len(data_ood):,} clothes")
table = evaluate({"LeNet": model}, data_test, data_ood)
table.round(3)

# %% [markdown]
# Each row asks something else. We go through all of them. Where $p_i(c)$ is written, it is the
# probability that the network gives to class $c$ for image $i$; $y_i$ is the true class, and
# $\hat p_i = \max_c p_i(c)$ the **confidence**.
#
# ### Are the answers right, and are the probabilities good?
#
# - **Accuracy**: the share of images whose most probable class is the true one. How probable it was
#   does not matter. Higher is better.
# - **Brier score** (Brier, 1950): the squared distance between the probabilities and the truth,
#   $\frac{1}{N} \sum_i \sum_c (p_i(c) - [y_i = c])^2$. torch-uncertainty sums over the classes, so
#   it goes from 0 (sure and right, always) to 2 (sure and wrong, always). Elsewhere you meet half
#   of it, or a mean over classes. Lower is better.
# - **NLL**, the negative log-likelihood: $\frac{1}{N} \sum_i -\ln p_i(y_i)$, the mean cross-entropy
#   of above. 0 at best; one sure mistake can cost more than a hundred good answers gain. Lower is
#   better.
# - **Entropy**: $\frac{1}{N} \sum_i \sum_c -p_i(c) \ln p_i(c)$, from 0 (always sure) to $\ln 10$
#   (always clueless). It needs no labels. Neither high nor low is better in itself. But if the
#   probabilities were true, NLL and entropy would agree on average. An NLL above the entropy is a
#   sign of **overconfidence**.
#
# Brier score and NLL are **strictly proper scores**: on average they are best if the stated
# probabilities are the true ones, and only then (Gneiting and Raftery, 2007). Accuracy is content
# as soon as the right class comes first, whatever its probability. The next two rows have the
# opposite blind spot.
#
# ### Does 90 % mean nine in ten?
#
# - **ECE**, the expected calibration error (Naeini et al., 2015; Guo et al., 2017): sort the
#   answers into 15 bins of equal width by confidence; in each bin $b$ with $n_b$ answers compare
#   the share of right ones with the mean confidence:
#   $\sum_b \frac{n_b}{N} \, |\text{acc}_b - \text{conf}_b|$. Lower is better; 0 is perfect. A
#   network that always answers with the class frequencies is calibrated and useless, so never
#   report it alone. (Here a bin holds its lower edge, and a confidence of exactly 1 has a bin of
#   its own: that is how torchmetrics counts.)
# - **Adaptive ECE** (aECE; Nguyen and O'Connor, 2015): the same with bins that hold equally many
#   answers. Of a good network nearly all answers fall into the last bin of the ECE; here they are
#   spread over all bins.
#
# ### Is the network less sure where it is wrong?
#
# Suppose we answer only the images with the highest confidence, and refer the rest to a human.
# **Coverage** is the share of images answered, **risk** the share of wrong answers among them.
#
# - **AURC** (Geifman, Uziel and El-Yaniv, 2019): the area under the curve of risk against coverage,
#   a mean risk over all coverages. Lower is better. A confidence that says nothing gives the error
#   rate.
# - **AUGRC** (Traub et al., 2024): the same with *risk times coverage*, the share of **all** images
#   that are answered and wrong. It does not give the few most confident answers the enormous weight
#   that they have in the AURC. Lower is better. A confidence that says nothing gives half the error
#   rate.
# - **Coverage at 5 % risk**: the *largest* share of images that can be answered so that at most 5 %
#   of the answers are wrong. If the error rate is below 5 % anyway, this is everything, and the row
#   cannot tell good networks apart. Higher is better.
# - **Risk at 80 % coverage**: the share of wrong answers if the least confident fifth is referred.
#   Lower is better.
#
# ### Does the network notice what is no digit?
#
# Every image gets a score, here one minus the confidence (Hendrycks and Gimpel, 2017); clothes
# should get higher ones. Clothes count as *positive*.
#
# - **OOD AUROC**: the probability that a random piece of clothing gets a higher score than a random
#   digit. 50 % is guessing. It does not depend on how many there are of each.
# - **OOD AUPR**: the area under precision against recall, where precision is the share of clothes
#   among the flagged images, recall the share of the clothes that is flagged. It *does* depend on
#   the mix: guessing gives the share of clothes, here one half.
# - **OOD FPR95**: set the threshold so that at least 95 % of the clothes are flagged. Which share
#   of the digits is flagged with them? These are false alarms. Lower is better.
# - **OOD entropy**: the mean entropy for clothes. Compare it with the Entropy row: it should be
#   much higher.
#
# ### What does it cost?
#
# - **Parameters (thousand)**: as counted above.
# - **MFLOPs per image**: millions of floating-point operations for one image. The library reports
#   this for a whole batch; `evaluate` divides by the batch size. Otherwise the "cost" of a network
#   would depend on how you feed it.

# %% [markdown]
# ### The same numbers by hand
#
# Definitions are best understood by computing them. The function `predict` returns the logits for
# all test digits as an object `Predictions`, from which probabilities, answers and correctness
# follow.

# %%
import numpy as np

from course_utils.metrics import scores, selective
from course_utils.metrics.calibration import expected_calibration_error
from course_utils.metrics.detection import ood_detection
from course_utils.networks.evaluation import predict

predictions = predict(model, data_test)
predictions_ood = predict(model, data_ood)
probabilities = predictions.mean  # of all members; here there is one
truth = np.eye(10)[data_test.labels]
uncertainty = scores.max_probability(predictions)  # one minus the confidence
uncertainty_ood = scores.max_probability(predictions_ood)
curve = selective.risk_coverage(uncertainty, predictions.correct)
confidence = probabilities.max(axis=1)
gaps = (predictions.correct - confidence)[np.argsort(confidence)]
detection = ood_detection(uncertainty, uncertainty_ood)

# %% [markdown]
# One line for each row.

# %%
computed = {
    "Accuracy (%)": 100 * predictions.correct.mean(),
    "Brier score": ((probabilities - truth) ** 2).sum(axis=1).mean(),
    "NLL": -np.log(probabilities[truth == 1]).mean(),
    "Entropy": scores.entropy(predictions).mean(),
    "ECE (%)": 100 * expected_calibration_error(predictions, bins=15),
    "Adaptive ECE (%)": 100 * sum(abs(b.sum()) for b in np.array_split(gaps, 15)) / len(gaps),
    "AURC (%)": 100 * curve.aurc,
    "AUGRC (%)": 100 * curve.augrc,
    "Coverage at 5 % risk (%)": 100 * curve.coverage_at_risk(0.05),
    "Risk at 80 % coverage (%)": 100 * curve.risk_at_coverage(0.80),
    "OOD AUROC (%)": 100 * detection.auroc,
    "OOD AUPR (%)": 100 * detection.aupr,
    "OOD FPR95 (%)": 100 * detection.fpr95,
    "OOD entropy": scores.entropy(predictions_ood).mean(),
    "Parameters (thousand)": sum(by_hand.values()) / 1e3,
    "MFLOPs per image": flops_by_hand / 1e6,
}
table.assign(by_hand=pd.Series(computed)).rename(columns={"by_hand": "by hand"}).round(4)

# %% [markdown]
# Observe that the two columns agree, up to small differences in the last digits: we compute in
# double precision, torch-uncertainty in single, where many confidences are rounded to exactly 1.
# And observe that the FLOPs counted from the layers are exactly those that the library measured.
#
# Now compare NLL with Entropy, and Entropy with OOD entropy, in *your* table. Is your network
# overconfident? Does it notice the clothes?

# %% [markdown]
# ### Exercise 2.2: The NLL from logits
#
# *About 8 minutes.* Write the negative log-likelihood: the mean over images of -ln of the
# probability that the softmax gives to the true class. It gets logits [N, C] and labels [N], both
# NumPy arrays. One of the tests has logits around 1000: a softmax that takes `exp` of them as they
# are overflows.

# %%
from course_utils.exercises.chapter_02 import ex2_2


def nll_of_logits(logits, labels):
    """Mean of -ln softmax(logits) at the labels, in nats."""
    return ...


ex2_2.check(nll_of_logits)

# %%
# ex2_2.hint()
# ex2_2.solution()

# %% [markdown]
# ### Exercise 2.3: The calibration error
#
# *About 12 minutes.* Write the expected calibration error with ten bins of equal width, (0, 0.1],
# (0.1, 0.2] … (0.9, 1]. In each bin that is not empty take the absolute difference between the
# share of right answers and the **mean confidence**; average over the bins, each weighted by how
# many images it holds. It gets confidence [N] and correct [N] (true or false).

# %%
from course_utils.exercises.chapter_02 import ex2_3


def calibration_error(confidence, correct):
    """Expected calibration error with ten bins, a share between 0 and 1."""
    return ...


ex2_3.check(calibration_error)

# %%
# ex2_3.hint()
# ex2_3.solution()

# %% [markdown]
# ## Pictures of trust
#
# ### The reliability diagram
#
# The ECE is one number; the reliability diagram shows where it comes from. On the diagonal,
# confidence is accuracy. Below it, the network is overconfident.
#
# A good network makes few mistakes on these digits, and few mistakes show little. So we put a
# *modest* LeNet beside it, from the course's zoo. It was trained on few digits, without random
# crops: this is no fair comparison of methods, only another network that errs, usually more often.

# %%
modest_model = zoo.load("modest-lenet-0")
print(f"The modest LeNet was trained on {zoo.facts('modest-lenet-0')['num_train']:,} digits.")
predictions_modest = predict(modest_model, data_test)
figures.reliability_diagram({"LeNet": predictions, "modest": predictions_modest})

# %% [markdown]
# Observe first the lower panel, on its logarithmic axis: most answers are very confident, and the
# bins on the left hold few images. Where they are fewer than twenty, accuracy is mostly chance:
# such a bin is a pale marker, and no line leads to it. The other bins carry an interval. Only where
# the diagonal lies outside of it does a bin say anything about over- or underconfidence. The better
# the network, the fewer mistakes there are to judge its calibration by.

# %% [markdown]
# ### Exercise 2.4: A point in the diagram
#
# *About 3 minutes.* In a reliability diagram a point lies at confidence 90 %, accuracy 70 %, and
# its bin holds 2,000 of 10,000 images. Which sentence is right?
#
# - `a` The network is underconfident there, and the bin adds 4 points to the ECE.
# - `b` The network is overconfident there, and the bin adds 4 points to the ECE.
# - `c` The network is overconfident there, and the bin adds 20 points to the ECE.
# - `d` The network errs on 10 % of these images.

# %%
from course_utils.exercises.chapter_02 import ex2_4

choice = ...

ex2_4.check(choice)

# %%
# ex2_4.hint()
# ex2_4.solution()

# %% [markdown]
# ### Exercise 2.5: A handle for a figure
#
# *About 4 minutes.* How much of the diagram is the network, and how much is the choice of 15 bins?
# Put a slider on it. `ipywidgets.interact(function, name=(2, 30))` calls a function whenever its
# slider moves, and shows what the function returns. Write `show(bins)`, which returns
# `figures.reliability_diagram` of `predictions` with so many bins, and hand it to `interact`. Then
# move the slider: what stays, and what comes and goes with the bins?

# %%
from course_utils.exercises.chapter_02 import ex2_5

show = ...

ex2_5.check(show)

# %%
# ex2_5.hint()
# ex2_5.solution()

# %% [markdown]
# ### The confusion matrix
#
# Which digits are taken for which? The rows are the true classes, the columns the answers. Only
# errors are coloured.

# %%
figures.confusion_matrix(predictions)

# %% [markdown]
# Are the errors spread evenly? Pairs that share strokes, such as 4 and 9 or 3 and 5, are the usual
# suspects; are they here, too? A matrix says *what* is confused. It does not say whether the
# network was in doubt.
#
# ### Confident mistakes
#
# These are wrong answers, the most confident first: the mistakes that a threshold on the confidence
# would catch last.

# %%
figures.misclassified_gallery(data_test.images, predictions)

# %% [markdown]
# Observe each one and ask: would *you* have known? Some are digits that no one can read with
# certainty, where the honest answer is doubt. Others are plain, and the network is sure of
# something else. A low confidence for the first kind is good judgement. A high confidence for the
# second kind is what this course is about.
#
# ### Answering only when sure
#
# The rows AURC, coverage at 5 % risk and risk at 80 % coverage are three ways of reading one curve.

# %%
curve_modest = selective.risk_coverage(
    scores.max_probability(predictions_modest), predictions_modest.correct
)
figures.risk_coverage_curves({"LeNet": curve, "modest": curve_modest})

# %% [markdown]
# Read it from right to left. At full coverage the risk is the error rate. Going left, the least
# confident images are referred, and the risk falls, because mistakes are more frequent among them.
# At the far left only a few images are answered, so that a single confident mistake would make a
# peak.
#
# Now take the threshold into your own hand. Drag the point along the curve; coverage, risk and
# threshold follow, and each has a slider of its own. Watch the two rows of digits below: the last
# ones that are still answered, and the first ones that are referred to a human. Digits cross from
# one row to the other as you drag. Hover over a curve to see the digit at that place.

# %%
from course_utils.widgets import risk_coverage_explorer

risk_coverage_explorer({"modest": predictions_modest, "LeNet": predictions}, data_test.images)

# %% [markdown]
# **Try it.** Start at full coverage and go down slowly. Which digits leave first, and would you
# have referred them too? How far must you go until half of the mistakes are gone? Then change the
# model, and the score.
#
# ### Digits and clothes
#
# Finally the score, one minus the confidence, for right answers, wrong answers and clothes. Each
# group is scaled to its own size, and the axis is logarithmic.

# %%
figures.score_histograms(
    uncertainty,
    predictions.correct,
    uncertainty_ood,
    score_name="1 - confidence",
    ood_name="Fashion-MNIST",
)

# %% [markdown]
# Observe that right answers pile up at the left, where the network is sure. Most wrong answers and
# most clothes lie further right, as they should. But some clothes lie far to the left: the network
# is as sure of them as of digits. What does it see in them? We take the tenth of the clothes with
# the highest confidence, and show some, in rows by the digit they are taken for.

# %%
most_sure = np.argsort(uncertainty_ood)[: len(data_ood) // 10]
admitted = uncertainty_ood[most_sure]
print(f"{len(most_sure):,} of {len(data_ood):,} clothes; one minus confidence:")
print(f"smallest {admitted[0]:.1e}, median {np.median(admitted):.1e}, largest {admitted[-1]:.1e}")

figures.sample_grid(
    data_ood.images[most_sure],
    predictions_ood.predicted[most_sure],
    class_names=figures.DIGITS,
    per_class=12,
)

# %% [markdown]
# Observe the numbers first. One minus confidence is the probability of an error that the network
# admits; `1.0e-03` is one in a thousand. For clothes the true one is 1: no answer can be right.
#
# Then observe which digits the network likes to see in clothes. It does not use all ten alike, and
# some rows may stay empty. You may find some sense in its choice, but sense does not help. The
# softmax must hand out all its probability among the ten digits. It has no word for "none of
# these".
#
# Remember the rule without learning from chapter 1? We count grey pixels once more and compare.


# %%
def share_of_grey(images):
    """Share of pixels strictly between paper and full ink, for each image."""
    return ((images > 0) & (images < 255)).mean(axis=(1, 2))


grey = ood_detection(share_of_grey(data_test.images), share_of_grey(data_ood.images))
print(f"AUROC, one minus confidence: {detection.auroc:.3f}")
print(f"AUROC, counting grey pixels: {grey.auroc:.3f}")

# %% [markdown]
# Which one wins in your run? The rule knows nothing about digits, and yet it sets a mark that the
# network does not leave far behind, if at all. A high AUROC on an easy pair of data sets is no
# proof of understanding. Report it, and say against which images and which simple rule.
#
# **Try it.** Replace `scores.max_probability` by `scores.entropy` in the two lines that begin with
# `uncertainty`, and run on to the table. Which rows by hand change, and which do not?

# %% [markdown]
# ## Handing on
#
# Chapters 4 and 6 will compare with this network. We leave its weights, its predictions and the
# facts of its training in the folder `runs`.

# %%
from course_utils.networks.training import Fit

if speed() == "look":
    print("Nothing to hand on: later chapters take the same weights from the zoo.")
else:
    fit = Fit(
        model=model,
        name="lenet",
        epochs=num_epochs,
        num_steps=trainer.global_step,
        seconds=progress.seconds,
        device=str(device()),
        learning_rate=trainer.optimizers[0].param_groups[0]["lr"],
        log=log,
        best_checkpoint=folder / "best.ckpt",
        last_checkpoint=folder / "last.ckpt",
    )
    runs.save(fit, data_train, data_test, data_ood)
    print(f"Left in {runs.folder().name}: lenet,", end=" ")
    print(f"trained in {progress.seconds:.0f} s.")

# %% [markdown]
# From now on you need not write all this. `course_utils.networks.training.fit` does the same in one
# call, and `course_utils.networks.models.LeNet` is this network, word for word.

# %% [markdown]
# How far did you get? (Only this kernel knows, and it forgets.)

# %%
from course_utils import exercises

exercises.progress(2)

# %% [markdown]
# ## What you have learned
#
# - LeNet's parameters sit in the fully connected layers, its work in the convolutions.
# - Mean cross-entropy with weight decay $\lambda$ is MAP estimation with a Gaussian prior of
#   variance $1 / (N \lambda)$. MAP keeps one point of the posterior.
# - A schedule that does not run raises no error. Log the learning rate and look at it.
# - Accuracy asks whether answers are right, Brier score and NLL whether probabilities are good, ECE
#   whether confidence means what it says, AURC and AUGRC whether it sorts right from wrong, AUROC,
#   AUPR and FPR95 whether it sorts digits from clothes.
# - The softmax has no word for "none of these".
#
# **What comes next.** One network is one opinion. In chapter 4 we ask several, and learn from where
# they disagree.
#
# ### Sources
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). Gradient-based learning applied to document
#   recognition. *Proceedings of the IEEE* 86(11).
#   [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791)
# - L. Smith, N. Topin (2017). Super-convergence: very fast training of neural networks using large
#   learning rates. [arXiv:1708.07120](https://arxiv.org/abs/1708.07120)
# - I. Loshchilov, F. Hutter (2019). Decoupled weight decay regularization. *ICLR*.
#   [arXiv:1711.05101](https://arxiv.org/abs/1711.05101)
# - G. Brier (1950). Verification of forecasts expressed in terms of probability. *Monthly Weather
#   Review* 78(1).
# - T. Gneiting, A. Raftery (2007). Strictly proper scoring rules, prediction, and estimation.
#   *Journal of the American Statistical Association* 102(477).
# - M. Naeini, G. Cooper, M. Hauskrecht (2015). Obtaining well calibrated probabilities using
#   Bayesian binning. *AAAI*.
# - K. Nguyen, B. O'Connor (2015). Posterior calibration and exploratory analysis for natural
#   language processing models. *EMNLP*. [arXiv:1508.05154](https://arxiv.org/abs/1508.05154)
# - C. Guo, G. Pleiss, Y. Sun, K. Weinberger (2017). On calibration of modern neural networks.
#   *ICML*. [arXiv:1706.04599](https://arxiv.org/abs/1706.04599)
# - Y. Geifman, G. Uziel, R. El-Yaniv (2019). Bias-reduced uncertainty estimation for deep neural
#   classifiers. *ICLR*. [arXiv:1805.08206](https://arxiv.org/abs/1805.08206)
# - D. Hendrycks, K. Gimpel (2017). A baseline for detecting misclassified and out-of-distribution
#   examples in neural networks. *ICLR*. [arXiv:1610.02136](https://arxiv.org/abs/1610.02136)
# - J. Traub et al. (2024). Overcoming common flaws in the evaluation of selective classification
#   systems. *NeurIPS*. [arXiv:2407.01032](https://arxiv.org/abs/2407.01032)
