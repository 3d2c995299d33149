# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Appendix: Where the time of a Packed-Ensemble goes
#
# A PE-4 does nearly a third more operations than LeNet, but a training step takes longer than that
# on most CPUs. This appendix to [chapter 6](../06_packed_ensembles.ipynb) looks at the parts of a
# prediction one by one, and at one detail of memory that matters more than any of them.
#
# **Time.** About 10 minutes. Nothing is trained; the code needs about half a minute.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## How to time
#
# Parameters and FLOPs belong to a network. Seconds belong to a machine, to whatever else it's
# doing, and to how you measure. Three precautions: the first round doesn't count, the candidates
# take turns so that a busy moment hits all of them, and we report the median.

# %%
from time import perf_counter

import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.images import batches, load_mnist
from course_utils.networks import zoo


def median_milliseconds(actions, repeats=15):
    """Median time of each action; they take turns."""
    times = {name: [] for name in actions}
    for _ in range(1 + repeats):
        for name, action in actions.items():
            start = perf_counter()
            action()
            times[name].append(1_000 * (perf_counter() - start))
    return pd.DataFrame(times).iloc[1:].median()


# %%
names = {"LeNet": "lenet-0", "DE-2": "deep-ensemble-2", "PE-4": "packed-4-0"}
models = {name: zoo.load(stored) for name, stored in names.items()}
images, labels = next(iter(batches(load_mnist("val"), batch_size=128)))
print(f"CPU, {torch.get_num_threads()} thread(s), batches of {len(images)}")

# %% [markdown]
# ## Layer by layer


# %%
def relu_and_pool(features):
    return F.max_pool2d(F.relu(features), 2)


@torch.inference_mode()
def milliseconds_of_parts(models, images):
    """Median time of each part of a forward pass over a batch of images."""
    actions = {}
    for name, model in models.items():
        x = images
        for part, function in {
            "conv1": model.conv1,
            "ReLU, pooling 1": relu_and_pool,
            "conv2": model.conv2,
            "ReLU, pooling 2": relu_and_pool,
            "linear": nn.Sequential(
                nn.Flatten(1), model.fc1, nn.ReLU(), model.fc2, nn.ReLU(), model.fc3
            ),
        }.items():
            actions[part, name] = lambda function=function, x=x: function(x)
            x = function(x)
    return median_milliseconds(actions).unstack(sort=False)


# %% [markdown]
# Beside the milliseconds stand two ratios of PE-4 to LeNet: in time, and in FLOPs. Within one
# layer, FLOPs grow as the weights do.

# %%
pair = {name: models[name] for name in ("LeNet", "PE-4")}
parts = milliseconds_of_parts(pair, images)
layers = {"conv1": ["conv1"], "conv2": ["conv2"], "linear": ["fc1", "fc2", "fc3"]}
weights = pd.DataFrame(
    {
        name: {
            part: sum(getattr(model, layer).weight.numel() for layer in inside)
            for part, inside in layers.items()
        }
        for name, model in pair.items()
    }
)
parts["ratio in time"] = parts["PE-4"] / parts["LeNet"]
parts["ratio in FLOPs"] = weights["PE-4"] / weights["LeNet"]
parts.round(2)

# %% [markdown]
# (NaN: nothing is counted for ReLU and pooling.) Three things to look for:
#
# - **ReLU and pooling** have no FLOPs in our count, and still they take time, in both networks.
#   PE-4 has twice the channels there. Its time needn't double, though: see the next point.
# - **conv1** does twice the FLOPs, **conv2** the same number. A CPU computes 8 or 16 numbers in one
#   instruction, in the layout below for neighbouring channels. LeNet's 6 channels leave part of
#   that empty, and PE-4's 12 fill it better, so twice the work may cost less than twice the time.
#   The groups of conv2 have only 3 channels in and 8 out, and there it may be the other way round.
# - **The linear layers** are one matrix product each in LeNet. In PE-4 each is a stack of small
#   products, with rearranging before and after.
#
# FLOPs are a forecast. Only the clock decides, and each clock only for its own machine.
# torch-uncertainty's tutorial says that the training time of PE-4 "should be approximately similar
# to the one of the single model". On a GPU that a single LeNet leaves idle, that can be so. A CPU
# is busy with one LeNet already.
#
# ## Strides
#
# In memory a batch of images is one long row of numbers. A tensor's *strides* say how far apart two
# neighbours are: along the batch, the channels, the rows and the columns. In the default layout the
# channels of an image come one after the other. In **channels-last** all channels of a pixel stand
# together. With a single channel, both descriptions fit the same memory.

# %%
default = images.as_strided(images.shape, (784, 784, 28, 1))
print("strides, channels last:", images.stride(), " default:", default.stride())
print("same numbers:", torch.equal(images, default), end="  ")
print("same memory:", images.data_ptr() == default.data_ptr())
with torch.inference_mode():
    for name, batch in (("channels last", images), ("default", default)):
        print(f"{name:14} conv1 answers in strides {models['PE-4'].conv1(batch).stride()}")

# %% [markdown]
# The numbers are the same and so is the memory. But the first convolution answers in the layout in
# which it was asked, and everything after it follows. The course's `batches` are always
# channels-last. What if they weren't?


# %%
def training_step(model, images):
    """Forward and backward, without the optimizer's small share."""
    outputs = model(images)
    F.cross_entropy(outputs, labels.repeat(len(outputs) // len(labels))).backward()
    model.zero_grad()


layouts = {"channels last": images, "default": default}
actions = {
    (name, layout): lambda m=model, x=batch: training_step(m, x)
    for name, model in models.items()
    for layout, batch in layouts.items()
}
steps = median_milliseconds(actions).unstack(sort=False)
steps.assign(saved=1 - steps["channels last"] / steps["default"]).round(2)

# %% [markdown]
# The table shows milliseconds per training step, and the share that channels-last saves. On most
# PCs PE-4 gains most: in the default layout its step costs far more than its FLOPs say. If your
# table shows little difference, PyTorch uses other code for your processor.
#
# The mathematics is the same in both columns. So when you report seconds, name the machine, the
# number of threads, the batch size, and the layout.
#
# Back to [chapter 6](../06_packed_ensembles.ipynb).
