# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Appendix: TensorBoard
#
# In chapter 2 a CSV file held the log of the training. TensorBoard shows such logs in a browser,
# those of many runs side by side, and while they grow. It isn't part of the course's installation:
# `pip install tensorboard` adds it. Without it, this notebook does nothing.
#
# **Questions**
#
# - How do you log a training for TensorBoard?
# - How do you read such a log without it?
#
# **Objectives.** After this appendix you can
#
# - add a `TensorBoardLogger` to a trainer, and open its log.
#
# **Time.** About 10 minutes.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Log
#
# A `TensorBoardLogger` takes the place of the `CSVLogger`, or its place beside it in a list. We
# train two LeNets on 2,000 digits, each with a learning rate of its own, and log each into a folder
# of its own.

# %%
from importlib.util import find_spec

from lightning.pytorch.callbacks import LearningRateMonitor
from torch import nn
from torch_uncertainty import TUTrainer
from torch_uncertainty.routines import ClassificationRoutine

from course_utils.images import batches, load_mnist
from course_utils.networks import runs
from course_utils.networks.models import LeNet
from course_utils.networks.training import one_cycle_sgd, quiet

quiet()
folder = runs.folder() / "tensorboard"
few = batches(load_mnist("train").subset(range(2_000)), 128, shuffle=True, seed=0)
installed = find_spec("tensorboard") is not None
if not installed:
    print("tensorboard isn't installed. To follow along: pip install tensorboard")


# %%
def train(name, learning_rate):
    """Train a LeNet for five epochs, and log it for TensorBoard."""
    from lightning.pytorch.loggers import TensorBoardLogger

    network = LeNet()
    recipe = one_cycle_sgd(network, 5 * len(few), learning_rate=learning_rate)
    routine = ClassificationRoutine(
        network, num_classes=10, loss=nn.CrossEntropyLoss(), optim_recipe=recipe
    )
    trainer = TUTrainer(
        accelerator="cpu",
        max_epochs=5,
        logger=TensorBoardLogger(folder, name=name),
        log_every_n_steps=1,
        callbacks=[LearningRateMonitor("step")],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(routine, few)


# %%
if installed:
    train("slow", learning_rate=0.01)
    train("fast", learning_rate=0.1)

# %% [markdown]
# ## Look
#
# In a terminal in the course's folder, type
#
# ```
# tensorboard --logdir runs
# ```
#
# and open the address that it prints. In Colab, or in any notebook whose browser reaches the
# machine it runs on, these two lines show it in the page:
#
# ```
# %load_ext tensorboard
# %tensorboard --logdir runs
# ```
#
# ## Read
#
# TensorBoard writes *event files*. You can read them in Python, for instance to draw a figure of
# your own.

# %%
from course_utils import figures


def read(name):
    """The latest log of a name: steps, losses and learning rates."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    latest = max((folder / name).glob("version_*"), key=lambda one: one.stat().st_mtime)
    events = EventAccumulator(str(latest)).Reload()
    losses, rates = events.Scalars("train_loss"), events.Scalars("lr-SGD")
    return {
        "step": [one.step for one in losses],
        "train_loss": [one.value for one in losses],
        "lr-SGD": [one.value for one in rates][: len(losses)],
    }


if installed:
    logs = {name: read(name) for name in ("slow", "fast")}
    picture = figures.training_curves(logs, metrics=["train_loss", "lr-SGD"], x="step")
else:
    picture = None
picture

# %% [markdown]
# **Try it.** Add a third run with another learning rate, and reload TensorBoard's page: it appears
# beside the others.
