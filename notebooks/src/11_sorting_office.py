# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 11. The sorting office
#
# You run the night shift of a post office. A camera photographs one digit of each postcode, a
# network reads it, and the letter travels to the region of that digit. Some digits are smudged, and
# now and then the camera photographs something that is no digit at all. You decide which images the
# network answers, and which a person reads. In the morning comes the bill.
#
# **Questions**
#
# - What is the cheapest way to use a network that sometimes errs, when you don't know what will
#   come in?
# - What can you promise about its mistakes, and how sure can you be?
#
# **Objectives.** After this chapter you can
#
# - work out what a policy's decisions cost;
# - choose thresholds by what they cost, on images like those that will come;
# - say what a promise about a risk covers, and what it doesn't;
# - hand in a policy that you can't tune any more, and read its model card.
#
# **Time.** About 25 minutes to build a policy and hand it in. Nothing has to be trained, and
# judging takes less than a minute.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## The office opens
#
# Everybody in a room uses the same code, and gets the same mail. If you work on your own, keep
# "tuesday", or choose a word that you like.

# %%
from course_utils.exercises import sorting_office
from course_utils.exercises.sorting_office import REFER

office = sorting_office.open_room("tuesday")
office

# %% [markdown]
# The mail is made of MNIST's training digits, without the 2,000 from which the modest networks have
# learned. So only these may read it: a network that knows all training digits would remember the
# mail, and `admit` refuses it.
#
# Before the mail comes, put the modest ensemble at the desk. It looks at 200 validation digits and
# 100 pieces of clothing; a frame marks a wrong answer. Drag, and leave the handle where *you* would
# let it work.

# %%
from course_utils.figures import FASHION
from course_utils.images import load_fashion_mnist
from course_utils.widgets.who_answers import who_answers

reader = office.admit("modest-deep-ensemble-8")
clothes = load_fashion_mnist("val")
some_digits = office.validation.subset(slice(None, None, 25))
some_clothes = clothes.subset(slice(None, None, 50))

desk = who_answers(
    {"eight": (reader.predictions(some_digits), reader.predictions(some_clothes))},
    some_digits,
    some_clothes,
    stray_names=[FASHION[label] for label in some_clothes.labels],
)
desk

# %% [markdown]
# That was your first policy. As a function it gets what the network says of a day's images, and
# what mistakes cost on that day. It returns a digit or `REFER` for each image. What would it cost,
# if all mail looked like the validation digits?

# %%
import numpy as np
import pandas as pd

from course_utils.metrics import scores


def desk_policy(predictions, costs):
    """Answer what the network is at least as sure of as the handle above says."""
    doubt = scores.max_probability(predictions)
    return np.where(doubt <= 1 - desk.sure, predictions.predicted, REFER)


validation = reader.predictions(office.validation)
office.rehearse(desk_policy, validation).round(2).to_frame("validation digits")

# %% [markdown]
# `rehearse` keeps the labels from your policy, and you can call it as often as you like. Move the
# handle, run the cell again, and watch the bill.
#
# ## The bill
#
# A person who reads an image always takes the same time. A wrong answer is not always the same:
# letters that went to a far region take longer to come back. Which regions are far changes from day
# to day.

# %% [markdown]
# ### Exercise 11.1: The bill
#
# *About 5 minutes.* Write the bill of a day, in minutes. Your function gets the `answers` and the
# `truth` of N images, both a digit or `REFER`: where the truth is `REFER` there is no digit, and
# every answer is wrong. A wrong answer costs `wrong[answer]`, because the image goes to the region
# of the digit that was *answered*. A referred image costs `refer`, whatever it shows, and a right
# answer nothing.

# %%
from course_utils.exercises.chapter_11 import ex11_1


def bill(answers, truth, wrong, refer):
    """Minutes that a day costs. answers, truth: int [N]; wrong: [10]; refer: a number."""
    return ...


ex11_1.check(bill)

# %%
ex11_1.help

# %% [markdown]
# ## A threshold for each digit
#
# An answer that is expensive to get wrong should be given less freely. So each digit gets a
# threshold of its own: take the images to which the network would answer "8", and find the
# threshold that is cheapest for these. Ten times that makes a policy.

# %% [markdown]
# ### Exercise 11.2: The cheapest threshold
#
# *About 7 minutes.* Take all images that would get the same answer. Your function knows how
# uncertain each of them is, and whether its answer is `correct` [N]. An image is answered if its
# uncertainty is at most the threshold; otherwise it is referred. Return the threshold that costs
# least in all: one of the uncertainties, or `-np.inf` if it's cheapest to answer nothing.

# %%
from course_utils.exercises.chapter_11 import ex11_2


def cheapest_threshold(uncertainty, correct, cost_wrong, cost_refer):
    """The threshold with the smallest cost; uncertainty, correct: [N]."""
    return ...


ex11_2.check(cheapest_threshold)

# %%
ex11_2.help

# %% [markdown]
# ## A day like those that will come
#
# The validation digits are clean, and no clothes are among them. The mail isn't like that, and
# thresholds that are cheapest on clean digits are too bold for it. You know neither which damage
# will come nor how much. But you can guess, and guesses are better than pretending that nothing
# will go wrong.
#
# Here is a day made of validation digits, with damage and clothes. **Change the numbers in the
# first two lines to what you expect.** Chapter 10 shows all kinds of damage.

# %%
from course_utils.images import ImageSet
from course_utils.images.corruptions import CORRUPTIONS, corrupt

damaged = {"blur": 250, "Gaussian noise": 250}  # how many of 2,500 digits, your guess
severity, num_clothes = 2, 50  # your guess


def make_day(first):
    """What the reader says of 2,500 validation digits from a place on, and clothes; the truth."""
    digits = office.validation.subset(slice(first, first + 2_500))
    images, start = digits.images, 0
    for kind, count in damaged.items():
        images[start : start + count] = corrupt(images[start : start + count], kind, severity)
        start += count
    others = clothes.images[first : first + num_clothes]
    truth = np.concatenate([digits.labels, np.full(len(others), REFER)])
    images = np.concatenate([images, others])
    return reader.predictions(ImageSet(images, np.zeros(len(images), int), "a day")), truth


chosen_on, chosen_truth = make_day(0)
checked_on, checked_truth = make_day(2_500)
print("There are", ", ".join(CORRUPTIONS))

# %% [markdown]
# There are two such days, because you need both: choose on the first, and check on the second,
# which your policy has not met.

# %%
pd.DataFrame(
    {
        "validation digits": office.rehearse(desk_policy, validation),
        "a day like those that will come": office.rehearse(desk_policy, checked_on, checked_truth),
    }
).round(2)

# %% [markdown]
# ## Your policy
#
# *About 20 minutes.* The policy below works, and is naive: one threshold for all, which looks
# neither at the damage nor at the clothes. Replace what is inside. Some ideas, the most rewarding
# first:
#
# - **Thresholds from data.** Use `cheapest_threshold` for each of the ten digits, with `chosen_on`,
#   `chosen_truth` and the day's `costs.wrong[digit]` and `costs.refer`. Your policy meets other
#   costs on other days: compute the thresholds inside the function.
# - **Another score.** Which of `scores.SCORES` sets clothes and damaged digits apart from the rest?
#   Members that disagree say something that a confidence doesn't.
# - **Other members, another temperature.** `predictions.subset(members=[0, 1, 2])` keeps some of
#   the eight; `scale(predictions, members=1.5)` from `course_utils.metrics.calibration` divides
#   their logits. What you do to the predictions of the mail, do to `chosen_on`, too.
# - **A network of your own**, trained on `office.training`: the last cell of this section.


# %%
def policy(predictions, costs):
    """A digit or REFER for each image. Yours to change."""
    answers = predictions.predicted
    doubt = scores.max_probability(predictions)
    thresholds = np.full(10, costs.refer / costs.wrong.min())
    return np.where(doubt <= thresholds[answers], answers, REFER)


# %% [markdown]
# Run the next cell after each change. It checks your policy on the second day: with the costs of
# the first morning, with mistakes that cost little, and with mistakes that cost much. What counts
# is the first row, the bill.

# %%
several = {
    "the first morning": office.costs,
    "cheap mistakes": sorting_office.Costs(wrong=np.full(10, 5)),
    "costly mistakes": sorting_office.Costs(wrong=np.full(10, 100)),
}
pd.DataFrame(
    {
        name: office.rehearse(policy, checked_on, checked_truth, costs)
        for name, costs in several.items()
    }
).round(2)

# %% [markdown]
# Where do you stand? This is what two policies without any thought cost on the same day, and the
# one from the desk:


# %%
def answer_everything(predictions, costs):
    return predictions.predicted


def refer_everything(predictions, costs):
    return np.full(len(predictions), REFER)


policies = [answer_everything, refer_everything, desk_policy, policy]
pd.DataFrame(
    {one.__name__: office.rehearse(one, checked_on, checked_truth) for one in policies}
).T.round(2)

# %% [markdown]
# If you'd like to train: take away the `#` signs. The training takes a minute or so, and its crops
# help against shifted digits. Then run the two cells that make the days and judge the policy again.
# (If you hand in another set of images than the one that your network has learned from, the office
# may not notice. It trusts you that far.)

# %%
# from course_utils.networks import training
# from course_utils.networks.models import LeNet
#
# fit = training.fit(
#     LeNet(), office.training, office.validation,
#     name="office", folder="runs/office", epochs=54, crop_padding=2,
# )
# reader = office.admit(fit, trained_on=office.training)

# %% [markdown]
# ## Your promise
#
# The office manager wants one sentence: which share of your answers is wrong, at most? It will be
# compared with the first day. The smaller the share, the more your promise is worth, and the easier
# it is to break. If you promise that not more than all of them are wrong, you'll keep your word,
# but nobody will listen.
#
# What your second day says, with an interval:

# %%
from course_utils.metrics.intervals import wilson_interval

answers = policy(checked_on, office.costs)
answered = answers != REFER
wrong = answered & (answers != checked_truth)
low, high = wilson_interval(wrong.sum(), max(answered.sum(), 1))
print(f"{wrong.sum()} of {answered.sum():,} answers are wrong.")
print(f"The risk is between {100 * low:.2f} % and {100 * high:.2f} %, with 95 % confidence.")

# %% [markdown]
# ### Exercise 11.3: What the interval doesn't know
#
# *About 3 minutes.* Ann has rehearsed her policy on images that she didn't choose it on. She got an
# interval for its risk, and claims the upper end. On the first day more answers are wrong than she
# claimed, many more than the interval allows. Which is the best explanation?

# %%
from course_utils.exercises.chapter_11 import ex11_3

ex11_3.ask()

# %% [markdown]
# Now write your sentence. How much room do you leave for a mix that you haven't guessed?

# %%
claim = "At most 4 % of what we answer is wrong."

# %% [markdown]
# ## Practise
#
# Practice rooms are like yours, with mail of their own, and nothing counts in them. The judge lets
# your policy sort twenty days, each with its own costs, and its own shares of damage and clothes.
# It compares the bill with that of the **best in hindsight**: the modest ensemble, with the score
# and the ten thresholds that turn out cheapest, chosen each day by somebody who knows the truth.
# What you pay more is your **regret**, and its mean over the twenty days is your score.

# %%
practice = sorting_office.practice_room(1)
practice.submit(policy, reader, claim)

# %% [markdown]
# Read it from the top:
#
# - The **score**. Referring everything makes no mistakes, and leaves a large regret. Answering
#   everything leaves a larger one.
# - The **promise**. Where the interval reaches beyond the claim, another day might have ended
#   differently. If nothing is answered there's nothing to keep, and a promise that's kept by
#   answering everything isn't worth much.
# - The **kinds**. This is what came in. Had you guessed it? Which kind makes the mistakes?
# - The **mistakes** that cost most. Would *you* have read them rightly?
#
# Then improve your policy, and try `practice_room(2)`. Thresholds that fit the mail of one room
# perfectly are of little use in the next: other damage comes in there, and other shares of it. What
# helps in several rooms will help in yours.
#
# ## Submit
#
# You can submit **once**. What you learn from the report can't make this policy better any more,
# which is exactly why its numbers can be believed: it's the same with a test set. If something in
# your policy fails, the office says what, and that doesn't count.
#
# Take away the `#` signs when you're ready. Your name will be on the card, if you give one.

# %%
# report = office.submit(policy, reader, claim, name="")
# report

# %% [markdown]
# The report stays in the folder `sorting_office`, beside your notebooks: a file with all numbers,
# and your **model card**, a page that you can open in a browser and print. It says what somebody
# needs to know who wants to use your policy: what it costs and compared to what, what it promised,
# on which images it was measured, and what its mistakes look like. `office.report()` shows the
# report again.
#
# **For a room.** Put all cards on one stick, and `make leaderboard FOLDER=/path/of/stick` writes a
# page that ranks them. No network is needed, and nothing but the cards is read.

# %%
from course_utils import exercises

exercises.progress(11)

# %% [markdown]
# ## What you have learned
#
# - A policy is good or bad for given costs and a given mix of images. Without both, "how good is
#   it?" has no answer.
# - Thresholds that were chosen on clean digits are too bold for what comes in. A rehearsal with
#   many kinds of damage, and with things that are no digit, makes them more careful.
# - An interval accounts for the luck of the draw. It doesn't know that the world may change.
# - A promised risk needs two facts beside it: on which images, and how many of them were referred.
#   A model card has room for both.
#
# **What comes next.** In chapter 12 nothing is uncertain: ten faults are hidden in a script that
# runs without an error, and you find them.
#
# ### Sources
#
# - C. K. Chow (1970). On optimum recognition error and reject tradeoff. *IEEE Transactions on
#   Information Theory* 16(1).
#   [doi:10.1109/TIT.1970.1054406](https://doi.org/10.1109/TIT.1970.1054406)
#
# - M. Mitchell et al. (2019). Model cards for model reporting. *FAT\* '19*.
#   [arXiv:1810.03993](https://arxiv.org/abs/1810.03993)
