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
# Replace the `...` by a letter in quotation marks and run the cell. Take away the `#` of `hint()`
# in the cell below for a hint.

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
#
# - `a` Nothing: all five saw the same digits.
# - `b` It is expected to be too high: luck on these digits helped to choose the winner.
# - `c` It is expected to be too low: the test digits are harder.

# %%
from course_utils.exercises.chapter_13 import ex13_1

answer = ...

ex13_1.check(answer)

# %%
# ex13_1.hint()
# ex13_1.solution()

# %% [markdown]
# ### Exercise 13.2: A foreign set
#
# *About 2 minutes.* A loader calls `FashionMNIST(root)` for the images that a digit network should
# refuse, and evaluates 10,000 of them. Which trap is in it?
#
# - `a` The images are in colour.
# - `b` Without `train=False` these are Fashion-MNIST's training images.
# - `c` Foreign images must never be evaluated.

# %%
from course_utils.exercises.chapter_13 import ex13_2

answer = ...

ex13_2.check(answer)

# %%
# ex13_2.hint()
# ex13_2.solution()

# %% [markdown]
# ### Exercise 13.3: Nine in ten
#
# *About 2 minutes.* A network has an ECE of nearly 0. What follows?
#
# - `a` Each single confidence is right.
# - `b` Averaged over images of like confidence, it is as often right as it says.
# - `c` It makes few errors.

# %%
from course_utils.exercises.chapter_13 import ex13_3

answer = ...

ex13_3.check(answer)

# %%
# ex13_3.hint()
# ex13_3.solution()

# %% [markdown]
# ### Exercise 13.4: Certain to improve
#
# *About 2 minutes.* You average the probabilities of four networks. Which of these is true for any
# networks and any images?
#
# - `a` The accuracy is at least the mean accuracy of the members.
# - `b` The NLL is at most the mean NLL of the members.
# - `c` The ECE is at most the mean ECE of the members.

# %%
from course_utils.exercises.chapter_13 import ex13_4

answer = ...

ex13_4.check(answer)

# %%
# ex13_4.hint()
# ex13_4.solution()

# %% [markdown]
# ### Exercise 13.5: Two kinds of doubt
#
# *About 2 minutes.* Eight members each say: 4 with one half, 9 with one half. What is the mutual
# information?
#
# - `a` Zero.
# - `b` ln 2.
# - `c` ln 8.

# %%
from course_utils.exercises.chapter_13 import ex13_5

answer = ...

ex13_5.check(answer)

# %%
# ex13_5.hint()
# ex13_5.solution()

# %% [markdown]
# ### Exercise 13.6: Rows of an ensemble
#
# *About 2 minutes.* torch-uncertainty's ensemble of 4 returns 8 rows for 2 images. Whose are rows
# 0 and 1?
#
# - `a` Members 0 and 1, both about image 0.
# - `b` Member 0 about image 0, and member 0 about image 1.
# - `c` It is not defined.

# %%
from course_utils.exercises.chapter_13 import ex13_6

answer = ...

ex13_6.check(answer)

# %%
# ex13_6.hint()
# ex13_6.solution()

# %% [markdown]
# ### Exercise 13.7: Four in one
#
# *About 2 minutes.* A Packed-Ensemble with alpha = 2 and M = 4: what does a hidden layer of it
# cost, in weights, compared with the same layer of the ordinary network?
#
# - `a` Four times as much.
# - `b` Twice as much.
# - `c` The same.

# %%
from course_utils.exercises.chapter_13 import ex13_7

answer = ...

ex13_7.check(answer)

# %%
# ex13_7.hint()
# ex13_7.solution()

# %% [markdown]
# ### Exercise 13.8: Only the order counts
#
# *About 2 minutes.* You divide all logits of a single network by a temperature of 2. What happens
# to the ranking of the digits by the maximum probability, for two classes?
#
# - `a` It is reversed.
# - `b` It stays; the confidences change.
# - `c` It improves, which is why one calibrates.

# %%
from course_utils.exercises.chapter_13 import ex13_8

answer = ...

ex13_8.check(answer)

# %%
# ex13_8.hint()
# ex13_8.solution()

# %% [markdown]
# ### Exercise 13.9: The threshold travels
#
# *About 2 minutes.* A threshold was chosen on clean validation digits for a risk of one in a
# hundred. Then shoes come in with the digits. What does the threshold promise?
#
# - `a` The same risk.
# - `b` The same coverage.
# - `c` Nothing: every answered shoe is an error that validation never saw.

# %%
from course_utils.exercises.chapter_13 import ex13_9

answer = ...

ex13_9.check(answer)

# %%
# ex13_9.hint()
# ex13_9.solution()

# %% [markdown]
# ### Exercise 13.10: A promise with a number
#
# *About 2 minutes.* A conformal predictor promises: the set holds the true class with probability
# at least one minus alpha. Over what is this probability?
#
# - `a` Over the images, for this one calibration set.
# - `b` Over calibration sets and new images together.
# - `c` For each class and each image alone.

# %%
from course_utils.exercises.chapter_13 import ex13_10

answer = ...

ex13_10.check(answer)

# %%
# ex13_10.hint()
# ex13_10.solution()

# %%
from course_utils import exercises

exercises.progress(13)

# %% [markdown]
# ## What you have learned
#
# Where an answer surprised you, go back: questions 1 and 2 belong to chapter 1, 3 to chapter 2, 6
# to 6 to chapter 4, 7 to chapter 6, 8 and 9 to chapter 7, 10 to chapter 9.
