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
# In this chapter you write a small network, its loss and its training loop, then let a trainer do
# the same. Most of the typing is yours. At the end you have a trained LeNet and a table of numbers
# about it, which chapter 3 teaches you to read.
#
# **Questions**
#
# - What's inside the network, and where are its parameters?
# - What does training minimise, and what does weight decay have to do with prior belief?
# - How do you notice that a training isn't doing what you told it to?
#
# **Objectives.** After this chapter you can
#
# - write LeNet in PyTorch and count its parameters by hand;
# - compute the loss from logits, and say which prior a weight decay stands for;
# - write a training loop, then hand it to torch-uncertainty's routine and trainer, and check that
#   the schedule ran.
#
# **Time.** About 45 minutes with all exercises. The training takes about a minute of them.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Before and after
#
# Here are two LeNets. They have the same layers; one was trained for three epochs, the other is as
# random as on the day it was made. The browser opens with the trained one's mistakes on 2,000
# validation digits.
#
# **Try it.** Switch the model to *untrained*. Nearly everything is a mistake now, and no answer is
# much surer than a guess. Then go back to *trained* and show the *errors of trained only*: digits
# that the untrained network gets right. What does it answer to nearly everything, and why is that
# sometimes right?

# %%
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict
from course_utils.widgets import misclassified_browser

data_train, data_val = load_mnist("train"), load_mnist("val")
some_digits = data_val.subset(slice(2_000))

torch.manual_seed(0)
before, after = zoo.build("lenet"), zoo.load("short-lenet")
misclassified_browser(
    {"trained": predict(after, some_digits), "untrained": predict(before, some_digits)},
    some_digits,
)

# %% [markdown]
# ## The network
#
# LeNet-5 read cheques in the 1990s (LeCun et al., 1998). Ours keeps its layout, with three changes
# that became usual later: ReLU instead of the hyperbolic tangent, maximum instead of average
# pooling, and a plain linear layer at the end.
#
# Two **convolutions** slide small windows over the image, 5 by 5 pixels each. After each one, a
# **pooling** keeps the largest of every 2 by 2 values. Then three **fully connected** layers turn
# what was found into one number per class, the **logits**.
#
# A window of 5 by 5 fits into a row of 28 pixels at 24 places, because nothing is padded. Follow
# that through both convolutions and poolings, and you know what reaches `fc1`.

# %% [markdown]
# ### Exercise 2.1: Write LeNet
#
# *About 8 minutes.* The two convolutions are there. Add the linear layers `fc1` (to 120 numbers),
# `fc2` (to 84) and `fc3` (to one number per class), then write `forward`: convolution, ReLU and
# pooling, twice; flatten; three linear layers with a ReLU behind the first two. `F.relu`,
# `F.max_pool2d(features, 2)` and `features.flatten(1)` are what you need.

# %%
from course_utils.exercises.chapter_02 import ex2_1


class LeNet(nn.Module):
    """LeNet-5 for 28 x 28 digits, with ReLU and max-pooling (after LeCun et al., 1998)."""

    def __init__(self, in_channels: int = 1, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return ...


ex2_1.check(LeNet)

# %%
ex2_1.help

# %% [markdown]
# From here on, the chapter uses the course's own copy, so that it runs even if you skipped the
# exercise. If yours is done, delete the import and train your own class: nothing else changes.

# %%
from course_utils.networks.models import LeNet

# %% [markdown]
# We make one. The seed gives it the same random weights in every run.

# %%
torch.manual_seed(0)
model = LeNet()
model

# %% [markdown]
# ### Exercise 2.2: Count the parameters
#
# *About 5 minutes.* Write a function that returns how many parameters LeNet has, for any number of
# input channels and classes. Count by hand, a line for each layer, and add up: that's the count
# you'll need when you shrink or pack a network.

# %%
from course_utils.exercises.chapter_02 import ex2_2


def num_parameters(in_channels, num_classes):
    """Weights and biases of LeNet's five layers."""
    return ...


ex2_2.check(num_parameters)

# %%
ex2_2.help

# %% [markdown]
# Parameters are one measure of size. The other is work: how many multiplications and additions
# (FLOPs, floating-point operations) an image costs. A linear layer uses each weight once. A
# convolution uses each weight at every place its window visits.

# %%
import pandas as pd

places = {"conv1": 24 * 24, "conv2": 8 * 8, "fc1": 1, "fc2": 1, "fc3": 1}
layers = pd.DataFrame(
    {
        "parameters": sum(one.numel() for one in layer.parameters()),
        "FLOPs per image": 2 * layer.weight.numel() * places[name],
    }
    for name, layer in model.named_children()
).set_index(pd.Index(places))
layers.loc["sum"] = layers.sum()
layers

# %% [markdown]
# The columns tell opposite stories: the fully connected layers hold most of the parameters, the
# convolutions do most of the work. "A small network" can mean either. You'll need both columns in
# chapter 6.
#
# ## What training minimises
#
# The network $f_w$ with parameters $w$ turns an image $x$ into ten logits $z = f_w(x)$, and the
# **softmax** turns those into probabilities:
#
# $$ p(c \mid x, w) = \frac{e^{z_c}}{\sum_k e^{z_k}}. $$
#
# The **cross-entropy** of one answer is $-\ln p(y \mid x, w)$, where $y$ is the true class. It is 0
# for an answer that's certain and right, and grows without limit as the truth gets less probable.

# %%
from course_utils.images import batches

images, labels = next(iter(batches(data_train, 128, shuffle=True, seed=0)))
with torch.no_grad():
    print("untrained network:", F.cross_entropy(model(images), labels).item())
print("guessing, ln 10:  ", np.log(10))

# %% [markdown]
# An untrained network gives every class about the same probability, so its loss is close to that of
# a guess, $-\ln \frac{1}{10} = \ln 10$. Remember this number. If a training of yours starts far
# above $\ln C$ for $C$ classes, something is wrong before it begins.

# %% [markdown]
# ### Exercise 2.3: The loss from logits
#
# *About 6 minutes.* Write the mean cross-entropy: for each image -ln of the probability that the
# softmax gives to the true class, averaged over the images. You get logits [N, C] and labels [N],
# both NumPy arrays. Some of the logits we try are around 1000, where `exp` overflows.

# %%
from course_utils.exercises.chapter_02 import ex2_3


def cross_entropy(logits, labels):
    """Mean of -ln softmax(logits) at the labels, in nats."""
    return ...


ex2_3.check(cross_entropy)

# %%
ex2_3.help

# %% [markdown]
# ### Weight decay is a prior
#
# Why add a penalty on large weights? Suppose that before you see the data $D$ ($N$ labelled
# images), you believe that each weight is drawn from a Gaussian with mean 0 and standard deviation
# $\sigma$. Bayes' rule combines this **prior** with the **likelihood** of the labels into a
# **posterior**,
#
# $$ p(w \mid D) \;\propto\; p(D \mid w)\, p(w). $$
#
# Nobody can compute the whole posterior of a network. The simplest way out is to keep its highest
# point, the **maximum a posteriori** (MAP) estimate. Take the negative logarithm, under which the
# likelihood becomes a sum of cross-entropies and the Gaussian a sum of squares, and divide by $N$:
#
# $$ w_{\text{MAP}} = \arg\min_w \;
# \underbrace{\frac{1}{N} \sum_{i=1}^{N} -\ln p(y_i \mid x_i, w)}_{\text{mean cross-entropy}}
# \; + \; \underbrace{\frac{\lambda}{2} \lVert w \rVert^2}_{\text{weight decay}}, \qquad
# \lambda = \frac{1}{N \sigma^2}. $$
#
# The gradient of the penalty is $\lambda w$, and that's exactly what PyTorch's `SGD` adds for
# `weight_decay=λ`. So everybody who trains with weight decay has a prior. Which one is ours?

# %%
weight_decay = 5e-4
sigma = 1 / np.sqrt(len(data_train) * weight_decay)
print(f"{len(data_train):,} digits: the prior has a standard deviation of {sigma:.2f}")

# %% [markdown]
# ### Exercise 2.4: Twice the digits
#
# *About 2 minutes.* You get twice as many training digits. Your prior belief about the weights
# stays the same. What should happen to the weight decay λ?

# %%
from course_utils.exercises.chapter_02 import ex2_4

ex2_4.ask()

# %%
ex2_4.help

# %% [markdown]
# Three remarks. The result holds for SGD, and for `Adam`, but not for `AdamW`, whose decay isn't
# part of the loss (Loshchilov and Hutter, 2019). Random crops aren't new independent images: $N$
# stays the number of digits. And a few epochs don't reach the highest point; MAP says where the
# training is heading.
#
# What matters for this course: MAP keeps **one** network and throws away all others that explain
# the digits as well, but might disagree about a sandal. Chapter 4 brings some of them back.
#
# ## The recipe
#
# Stochastic gradient descent moves the weights a little after every batch. **Momentum** carries on
# in the direction of recent steps. The learning rate follows **one cycle** (Smith and Topin, 2017):
# it climbs during the first two fifths, then falls to almost zero, so that the noise of single
# batches dies out.


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
# (`num_members` waits for chapter 4. With one member nothing is multiplied.) What do you do with an
# optimizer and a schedule?

# %% [markdown]
# ### Exercise 2.5: The loop
#
# *About 6 minutes.* Write one epoch of training. For each batch of `loader`: set the gradients to
# zero, compute the cross-entropy of the network's logits (`F.cross_entropy`), send it backward, let
# the optimizer take a step, then the schedule. Return the losses as a list of numbers.

# %%
from course_utils.exercises.chapter_02 import ex2_5


def one_epoch(network, loader, optimizer, schedule):
    """Train for one epoch; return the loss of each batch."""
    return ...


ex2_5.check(one_epoch)

# %%
ex2_5.help

# %% [markdown]
# ## The routine and the trainer
#
# At home you wouldn't write that loop again. torch-uncertainty splits it in two. The **routine**
# knows what happens to a batch: loss, recipe, metrics. The **trainer** knows when: `TUTrainer` is
# Lightning's `Trainer` with readable tables.
#
# The dictionary that the recipe returns is for Lightning, and two of its words decide whether the
# schedule runs at all. The key must be `lr_scheduler`; with any other word, Lightning warns and
# ignores it. The interval must be `step`; with the default, `epoch`, a schedule planned for a
# thousand steps moves once an epoch. Neither mistake stops the training. The tutorial that this
# course descends from made the first one, and its learning rate never changed.

# %%
from torch_uncertainty import TUTrainer
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.networks.training import quiet

quiet()  # a few warnings that you can do nothing about
# Lightning's "auto" would also take Apple's GPU, which can't compute all of the metrics
accelerator = "gpu" if torch.cuda.is_available() else "cpu"

# %% [markdown]
# ### Exercise 2.6: A routine and a trainer
#
# *About 7 minutes.* Rehearse with 1,024 digits. Make a `ClassificationRoutine` for `small` with 10
# classes, `nn.CrossEntropyLoss()` and the recipe `one_cycle_sgd(small, num_steps=...)`; then a
# `TUTrainer` with `max_epochs=5`, without logger, checkpoints (`enable_checkpointing`) and progress
# bar (`enable_progress_bar`); then train on `few`. The recipe has to know how many steps five
# epochs are.

# %%
from course_utils.exercises.chapter_02 import ex2_6

small = LeNet()
few = batches(data_train.subset(range(1_024)), 128, shuffle=True)

my_routine = ...
my_trainer = ...

ex2_6.check(my_routine, my_trainer)

# %%
ex2_6.help

# %% [markdown]
# Now the real training. How long it takes depends on the environment variable `COURSE_SPEED`:
# `look` doesn't train and takes weights that come with the course, `train` (the default) trains for
# 3 epochs, `full` for 75. We validate after every epoch, on the validation digits. The test digits
# stay locked away until the network is final.

# %%
from course_utils import speed
from course_utils.networks.training import EPOCHS

num_epochs = EPOCHS[speed()]
train_loader = batches(data_train, 128, shuffle=True, crop_padding=4, seed=0)
val_loader = batches(data_val, 500)
num_steps = num_epochs * len(train_loader)

routine = ClassificationRoutine(
    model,
    num_classes=10,
    loss=nn.CrossEntropyLoss(),
    optim_recipe=one_cycle_sgd(model, num_steps),
)
print(f"{num_epochs} epochs of {len(train_loader)} batches: {num_steps:,} steps.")

# %% [markdown]
# The trainer gets a logger, which writes a table of what happened, and three callbacks: one keeps
# the best and the last weights, one logs the learning rate, and one is the course's progress bar.
# (TensorBoard shows the same curves in a browser: see [its appendix](appendix/tensorboard.ipynb).)

# %%
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from course_utils.networks import runs
from course_utils.networks.progress import ProgressLine

folder = runs.folder() / "lenet"
best = ModelCheckpoint(
    folder, "best", monitor="val/cls/NLL", save_last=True, enable_version_counter=False
)
trainer = TUTrainer(
    accelerator=accelerator,
    devices=1,
    max_epochs=num_epochs,
    logger=CSVLogger(folder, name="", version=""),
    log_every_n_steps=10,
    callbacks=[best, LearningRateMonitor("step"), ProgressLine("LeNet")],
    enable_model_summary=False,
    num_sanity_val_steps=0,
)

# %% [markdown]
# Training is one line. (`interruptible` makes the stop button stop this cell and nothing else.)

# %%
from course_utils.networks.training import interruptible

if speed() == "look":
    model, log = zoo.load("short-lenet"), zoo.log("short-lenet")
    print("Not trained here: these weights come with the course.")
else:
    with interruptible("The training of LeNet"):
        trainer.fit(routine, train_loader, val_loader)
    model, log = model.eval(), folder / "metrics.csv"
    print(f"{num_epochs} epochs of {len(data_train):,} digits: {trainer.global_step:,} steps.")

# %% [markdown]
# ## Learning curves

# %%
from course_utils import figures

columns = ["train_loss", "val/cls/NLL", "lr-SGD"]
figures.training_curves({"LeNet": log}, metrics=columns, x="step")

# %% [markdown]
# **The plateau.** The training loss starts at $\ln 10$ and stays there for a while: the network
# still answers the same to every digit. Its last layer can learn at once that all ten are about
# equally frequent, and that's worth $\ln 10$, the loss of a guess. To get lower, the first layers
# have to find strokes, and with small random weights and a learning rate near the bottom of its
# cycle that takes time. Then the loss falls off a cliff.
#
# **The noise.** Each point of the training loss is a single batch. The validation NLL is the same
# quantity over all validation digits, without random crops. If it turned upwards while the training
# loss kept falling, the network would be **overfitting**.
#
# **The cycle.** The learning rate climbs and comes back to almost nothing. So the schedule did run.
# To be sure of that, look at the learning rate, not at the code that should set it.
#
# ## `trainer.test`
#
# The network is final. Now, once, the test digits. With `eval_ood=True` the routine takes a second
# loader with out-of-distribution (OOD) images: as many test clothes from Fashion-MNIST, none of
# which is a digit.

# %%
data_test, data_ood = load_mnist("test"), load_fashion_mnist("test")

tester = TUTrainer(
    accelerator=accelerator,
    devices=1,
    logger=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
results = tester.test(
    ClassificationRoutine(model, num_classes=10, eval_ood=True),
    [batches(data_test, 500), batches(data_ood, 500)],
)

# %% [markdown]
# The first number looks splendid. Most of the others ask whether you can trust the network, and
# chapter 3 goes through them row by row. Two to start with: `Entropy` is the network's mean doubt
# about digits, and the `Entropy` under *OOD Detection* its mean doubt about clothes. It does
# hesitate more over clothes. Is it as lost as a guess would be?

# %%
digits_doubt, clothes_doubt = results[0]["test/cls/Entropy"], results[0]["ood/Entropy"]
print(f"digits {digits_doubt:.2f}, clothes {clothes_doubt:.2f}, a guess {np.log(10):.2f}")

# %% [markdown]
# No. An honest answer to a sandal would be near the last number; the network claims to know more.
#
# `tester.test` also returns the numbers as dictionaries, one for each loader and all alike. Its
# FLOPs are those of a whole batch of 500 images. Divide, and you get the sum from the table of
# layers:

# %%
print(f"{results[0]['test/cplx/flops'] / 500:,.0f} FLOPs per image")

# %% [markdown]
# **Try it.** The cells above are all you need at home. Test the untrained network, `before`, in the
# same way. Most rows collapse. Which one hardly notices?
#
# ## Handing on
#
# The next chapters compare with this network, so we leave its weights and its answers in the folder
# `runs`. From now on you needn't write all of this: `course_utils.networks.training.fit` trains in
# one call.

# %%
from course_utils.networks.training import Fit

if speed() == "look":
    print("Nothing to hand on: later chapters take the same weights from the course.")
else:
    runs.save(Fit.of(trainer, "lenet"), data_train, data_test, data_ood)
    print("Left for later chapters: lenet.")

# %% [markdown]
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(2)

# %% [markdown]
# ## What you have learned
#
# - LeNet's parameters sit in its fully connected layers, its work in the convolutions.
# - An untrained network starts at $\ln C$. Mean cross-entropy with weight decay is a MAP estimate
#   with a Gaussian prior, and it keeps one network of many.
# - A schedule that doesn't run raises no error. Log the learning rate and look at it.
# - `trainer.test` with a second loader also asks about images that belong to no class.
#
# **What comes next.** Chapter 3 reads the table: what each row asks, and where its answer misleads.
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
