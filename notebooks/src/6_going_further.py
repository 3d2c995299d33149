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
