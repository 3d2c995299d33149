# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6. Going further
#
# Eight short lessons, each with one question of its own. They need only the two cells of data and
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
# - draw accuracy, calibration and disagreement against the severity of a corruption, and say what
#   a fixed threshold would do there;
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

# %% [markdown]
# ## Data and models for all sections
#
# The images, in the parts that chapter 1 made:

# %%
import numpy as np

from course_utils.data import ImageSet, load_fashion_mnist, load_mnist

data_train = load_mnist("train")
data_val = load_mnist("val")
data_test = load_mnist("test")
data_ood = load_fashion_mnist("test")
[data_train, data_val, data_test, data_ood]

# %% [markdown]
# This chapter looks at shipped networks, and they have seen none of the sample's digits. So, on the
# sample, all digits but the validation digits can test them: more errors to look at, and less
# chance in every number. The sections speak of `digits`; only who trains something of his own here
# must keep to `data_test`.

# %%
digits = data_test
if data_test.source == "sample":
    digits = ImageSet(
        np.concatenate([data_train.images, data_test.images]),
        np.concatenate([data_train.labels, data_test.labels]),
        name="sample digits other than validation",
        source="sample",
    )
print(f"{len(data_val):,} digits to fit on, {len(digits):,} digits to report on")

# %% [markdown]
# Two families of networks come with the course. The **modest** ones learned from few digits and
# make mistakes, so that there is something to see. The **good** ones are those of chapter 4. Both
# have a single LeNet, a Deep Ensemble of eight and a Packed-Ensemble of four.

# %%
import pandas as pd

from course_utils import zoo

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
shown = ["epochs", "num_train"]
pd.DataFrame(
    {name: zoo.facts(name) for name in ("modest-lenet-0", "modest-packed-4", "lenet-0", "packed-4-0")}
).loc[shown]

# %% [markdown]
# What they say about the validation digits, and about the digits to report on:

# %%
from course_utils.training import predict

modest_val = {name: predict(model, data_val) for name, model in modest.items()}
modest_answers = {name: predict(model, digits) for name, model in modest.items()}
good_answers = {name: predict(model, digits) for name, model in good.items()}
pd.DataFrame(
    {
        family: {name: answers[name].correct.mean() for name in answers}
        for family, answers in (("modest", modest_answers), ("good", good_answers))
    }
).rename_axis("accuracy").T.round(4)

# %% [markdown]
# ## Distribution shift

# %% [markdown]
# ## Calibration

# %% [markdown]
# ## Conformal sets

# %% [markdown]
# ## Scores for what is no digit

# %% [markdown]
# ## Other ensembles at a glance

# %% [markdown]
# ## Grouping loss

# %% [markdown]
# ## Your own data

# %% [markdown]
# ## More than one device

# %% [markdown]
# ## What you have learned

# %% [markdown]
# ### Sources
