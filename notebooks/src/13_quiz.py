# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 13. Twenty questions
#
# The end of the course, or of a day. You get ten of twenty questions, drawn for you, and the other
# ten if you'd like a second round. Whatever you answer, you're told why it's right or wrong.
# Nothing is sent anywhere.
#
# **Questions**
#
# - What do you remember?
#
# **Objectives.** With these questions you can check whether you can
#
# - say which changes of an image keep its label;
# - say which images a choice may be made on;
# - recognise an evaluation that flatters itself;
# - recognise mistakes that raise no error;
# - say which prior weight decay stands for;
# - pick the measure that answers your question;
# - say what a probability from a network is worth, and check it;
# - say what averaging is certain to improve;
# - split a doubt into hesitation and contradiction;
# - sort the output of an ensemble by image and member;
# - compute the sizes and the cost of a Packed-Ensemble;
# - choose a threshold on validation and defend it on test;
# - compute what a decision costs;
# - notice a shift without labels;
# - measure what shift and foreign images do to a fixed threshold;
# - build prediction sets with a promised coverage.
#
# **Time.** About 40 minutes to read and play, for ten questions. Nothing is computed.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Ten questions
#
# Run the cell, click on an answer, then on **Check**. There are hints if you're stuck.

# %%
from course_utils.exercises import quiz

quiz.ten()

# %% [markdown]
# ## A second round
#
# These are the ten that the first round left out. They'll wait until tomorrow, if you prefer: by
# then, you'll see what you remember.

# %%
quiz.ten(round=2)

# %%
from course_utils import exercises

exercises.progress(13)

# %% [markdown]
# ## What you have learned
#
# Where an answer surprised you, go back to the chapter that its solution names.
