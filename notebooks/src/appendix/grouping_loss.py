# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Appendix: the grouping loss from below
#
# In chapter 9 we knew the groups. How much of the grouping loss can be found if we don't? The world
# with two groups and the stream of digits below are those of chapter 9.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %%
import numpy as np
import pandas as pd
import torch

from course_utils.images import ImageSet, batches, load_mnist
from course_utils.images.corruptions import corrupt
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

generator = np.random.default_rng(seed=0)
num_images, gap = 10_000, 0.1
confidence = generator.uniform(0.6, 0.85, num_images)
group = generator.choice([-1, 1], num_images)
correct = generator.random(num_images) < confidence + gap * group

data_test = load_mnist("test")
lenet = zoo.load("modest-lenet-0")

# %% [markdown]
# ## An estimate from below
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
# Where the features know the group, the lower bound comes close to the truth.
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
# As in chapter 9, we make a stream of digits in which half were turned by some hands:
# every second digit is rotated. The modest LeNet reads all of them, and its confidences are
# repaired on the first half of the stream, by isotonic regression: here one curve, from the
# confidence to the share of right answers, so that no answer changes. On the second half we look.

# %%
from sklearn.isotonic import IsotonicRegression

num_stream = 4_000
chosen = np.random.default_rng(seed=4).permutation(len(data_test))[:num_stream]
stream = data_test.subset(chosen)
is_turned = np.arange(num_stream) % 2 == 1
pixels = stream.images.copy()
pixels[is_turned] = corrupt(stream.images[is_turned], "rotation", severity=5)
stream = ImageSet(pixels, stream.labels, "every second digit turned")

answers = predict(lenet, stream)
top = answers.mean.max(axis=1)
first_half = np.arange(num_stream) < num_stream // 2
curve = IsotonicRegression(out_of_bounds="clip").fit(top[first_half], answers.correct[first_half])
repaired = curve.predict(top)[~first_half]
right, turned = answers.correct[~first_half], is_turned[~first_half]

# %% [markdown]
# Do the network's own *features* know which digits are turned? We take what its last layer sees, 84
# numbers for each digit, and ask for the lower bound. We compare with the bound for the known
# groups and with twenty null draws, which keep all confidences and features and draw right and
# wrong anew, so that images of the same confidence are all alike.


# %%
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
features = last_features(lenet, stream)[~first_half]
clean_features = last_features(lenet, data_test.subset(chosen))
clean = predict(lenet, data_test.subset(chosen))
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
# **torch-uncertainty** measures the same if its routine is told `eval_grouping_loss=True`.
# The network must then be a single one with a method `feats_forward` and a linear head, and the
# package `glest` must be there. Its version 0.0.1a1 does not run with scikit-learn 1.7 or newer,
# so this course computes the estimate itself.
#
# *Source:* A. Perez-Lebel, M. Le Morvan, G. Varoquaux (2023). Beyond calibration: estimating the
# grouping loss of modern neural networks. *ICLR*.
# [arXiv:2210.16315](https://arxiv.org/abs/2210.16315).
