# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 13. Ten questions
#
# The end of the course, or of a day. Ten questions, one for each thing you should be able to do
# now. Every answer gets a reason, right or wrong. Nothing is sent anywhere, and nobody keeps score
# but this kernel.
#
# **Questions**
#
# - What has stayed?
#
# **Objectives.** With these questions you can check whether you can
#
# - say which images a choice may be made on;
# - recognise an evaluation that flatters itself;
# - say what a probability from a network is worth, and check it;
# - say what averaging is certain to improve;
# - split a doubt into hesitation and contradiction;
# - sort the output of an ensemble by image and member;
# - compute the cost of a Packed-Ensemble;
# - choose a threshold on validation and defend it on test;
# - measure what shift and foreign images do to a fixed threshold;
# - build prediction sets with a promised coverage.
#
# **Time.** About 20 minutes to read and play. Nothing is computed.
#
# Run all cells, then click an answer and **Check**.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ### Exercise 13.1: Where to look first
#
# *About 2 minutes.* You try five recipes and keep the one with the highest accuracy on the test
# digits. What is wrong with reporting that accuracy?

# %%
from course_utils.exercises.chapter_13 import ex13_1

ex13_1.ask()

# %% [markdown]
# ### Exercise 13.2: A foreign set
#
# *About 2 minutes.* A loader calls `FashionMNIST(root)` for the images that a digit network should
# refuse, and evaluates 10,000 of them. Which trap is in it?

# %%
from course_utils.exercises.chapter_13 import ex13_2

ex13_2.ask()

# %% [markdown]
# ### Exercise 13.3: Nine in ten
#
# *About 2 minutes.* A network has an ECE of nearly 0. What follows?

# %%
from course_utils.exercises.chapter_13 import ex13_3

ex13_3.ask()

# %% [markdown]
# ### Exercise 13.4: Certain to improve
#
# *About 2 minutes.* You average the probabilities of four networks. Which of these is true for any
# networks and any images?

# %%
from course_utils.exercises.chapter_13 import ex13_4

ex13_4.ask()

# %% [markdown]
# ### Exercise 13.5: Two kinds of doubt
#
# *About 2 minutes.* Eight members each say: 4 with one half, 9 with one half. What is the mutual
# information?

# %%
from course_utils.exercises.chapter_13 import ex13_5

ex13_5.ask()

# %% [markdown]
# ### Exercise 13.6: Rows of an ensemble
#
# *About 2 minutes.* torch-uncertainty's ensemble of 4 returns 8 rows for 2 images. Whose are rows
# 0 and 1?

# %%
from course_utils.exercises.chapter_13 import ex13_6

ex13_6.ask()

# %% [markdown]
# ### Exercise 13.7: Four in one
#
# *About 2 minutes.* A Packed-Ensemble with alpha = 2 and M = 4: what does a hidden layer of it
# cost, in weights, compared with the same layer of the ordinary network?

# %%
from course_utils.exercises.chapter_13 import ex13_7

ex13_7.ask()

# %% [markdown]
# ### Exercise 13.8: Only the order counts
#
# *About 2 minutes.* You divide all logits of a single network by a temperature of 2. What happens
# to the ranking of the digits by the maximum probability, for two classes?

# %%
from course_utils.exercises.chapter_13 import ex13_8

ex13_8.ask()

# %% [markdown]
# ### Exercise 13.9: The threshold travels
#
# *About 2 minutes.* A threshold was chosen on clean validation digits for a risk of one in a
# hundred. Then shoes come in with the digits. What does the threshold promise?

# %%
from course_utils.exercises.chapter_13 import ex13_9

ex13_9.ask()

# %% [markdown]
# ### Exercise 13.10: A promise with a number
#
# *About 2 minutes.* A conformal predictor promises: the set holds the true class with probability
# at least one minus alpha. Over what is this probability?

# %%
from course_utils.exercises.chapter_13 import ex13_10

ex13_10.ask()

# %%
from course_utils import exercises

exercises.progress(13)

# %% [markdown]
# ## What you have learned
#
# Where an answer surprised you, go back: questions 1 and 2 belong to chapter 1, 3 to chapter 2, 6
# to 6 to chapter 4, 7 to chapter 6, 8 and 9 to chapter 7, 10 to chapter 9.
