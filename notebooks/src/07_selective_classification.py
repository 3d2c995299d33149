# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. Selective classification
#
# So far every image got an answer. But nobody forces a classifier to answer everything. A sorting
# machine can put an unreadable envelope aside for a person; a doctor can order another test. A
# classifier that may say "I don't know" makes fewer mistakes, and leaves some of the work to
# others. This chapter measures that trade.
#
# **Questions**
#
# - What exactly is traded when a model may refuse, and how is it measured?
# - Which uncertainty finds which mistakes, and which mistakes does none of them find?
#
# **Objectives.** After this chapter you can
#
# - write the risk-coverage curve, and read coverage and risk off it;
# - compute AURC and AUGRC by hand, and explain what AUGRC repairs;
# - find out which scores find which mistakes, and which mistakes no score finds;
# - tie a threshold to a control of your own.
#
# **Time.** About 40 minutes to read, play and solve six exercises. Nothing is trained.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Digits, and models that err
#
# Good networks make so few mistakes on the test digits that there's nothing to see. So we learn on
# *modest* ones, which were trained on 2,000 digits; the good ones wait in chapter 8. The Deep
# Ensemble of eight holds the smaller models: its first member is our single LeNet, its first two
# are DE-2.

# %%
import numpy as np
import pandas as pd

from course_utils.images import load_mnist
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

data_test = load_mnist("test")
eight = predict(zoo.load("modest-deep-ensemble-8"), data_test)
test = {
    "LeNet": eight.subset(members=[0]),
    "DE-2": eight.subset(members=[0, 1]),
    "DE-8": eight,
    "PE-4": predict(zoo.load("modest-packed-4"), data_test),
}

# %% [markdown]
# Before any formula, take the trade into your own hands. Choose DE-8 and drag the point on its
# curve from the right end to the left, until half of the mistakes are gone. Then choose LeNet at
# the same coverage. Would you have known the digits on either side of the threshold?

# %%
from course_utils.widgets import risk_coverage_explorer

explorer = risk_coverage_explorer(test, data_test.images)
explorer

# %% [markdown]
# ## Prediction with rejection
#
# The idea is older than most networks. Chow (1970) asked when a machine that reads characters
# should *reject* one. His answer: if a mistake costs $c_w$ and a rejection $c_r$, answer if the
# probability of being wrong is at most $c_r / c_w$. No other rule is cheaper, provided that the
# probability is the true one.
#
# We seldom know true probabilities. El-Yaniv and Wiener (2010) therefore separate two things. A
# **selective classifier** is a pair: a classifier $f$, and a rule that says whether to use it. The
# rule here is a threshold $\tau$ on an uncertainty $u$: answer $f(x)$ if $u(x) \le \tau$, refer $x$
# to somebody else otherwise. For $N$ images with labels $y_i$ two numbers describe what comes out:
#
# $$ \text{coverage} = \frac{1}{N} \sum_{i=1}^{N} [u(x_i) \le \tau], \qquad
# \text{risk} = \frac{\sum_i [u(x_i) \le \tau] \, [f(x_i) \ne y_i]}{\sum_i [u(x_i) \le \tau]}. $$
#
# **Coverage** is the share of images answered. **Risk** is the share of wrong answers *among those
# answered*.
#
# Take a threshold and count.

# %%
from course_utils.metrics import calibration, rankings, scores, selective

predictions = test["LeNet"]
uncertainty = scores.max_probability(predictions)  # 1 - max p: "the chance of being wrong"
correct = predictions.correct

answered = uncertainty <= 0.1
print(f"coverage: {answered.mean():.4f}")
print(f"risk:     {(~correct[answered]).mean():.4f}")
print(f"risk of answering everything: {(~correct).mean():.4f}")
print(f"of {(~correct).sum()} mistakes, {(~correct & ~answered).sum()} are referred")

# %% [markdown]
# Some mistakes are gone, and so are some right answers. Each threshold is a different trade-off,
# and all of them together are the **risk-coverage curve**. `selective.risk_coverage` walks through
# the images from the most to the least certain, and counts at every step.

# %%
from course_utils import figures

curve = selective.risk_coverage(uncertainty, correct)
figures.risk_coverage_curves({"LeNet": curve}, operating_points={"LeNet": 0.1})

# %% [markdown]
# Read it from right to left. At the right end everything is answered, and the risk is the error
# rate. Then the least certain answers are given up, and the risk falls, because many of them are
# wrong. The grey lines are the limits: referring at random, which keeps the risk where it is, and a
# perfect order, in which all mistakes come last.

# %% [markdown]
# ### Exercise 7.1: The curve in ten lines
#
# *About 7 minutes.* Write the risk-coverage curve yourself. Your function gets the **confidence**
# [N] (high means certain) and whether each answer is `correct` [N], true or false. It returns two
# arrays of length N: coverage and risk if only the most certain image is answered, the two most
# certain ones, and so on to all N. No two images have the same confidence.
#
# Replace the `...` and run the cell. Hints and a solution unfold below it.

# %%
from course_utils.exercises.chapter_07 import ex7_1


def risk_coverage_by_hand(confidence, correct):
    """Coverage [N] and risk [N], the most certain image first."""
    return ...


ex7_1.check(risk_coverage_by_hand)

# %%
ex7_1.help

# %% [markdown]
# ## Only the order counts
#
# A threshold only asks who comes first. So we may stretch and squeeze the scores as we like: as
# long as the order stays, the same sets of images are answered, and every curve stays exactly as it
# is. We try three increasing functions, and for each compute the ECE of chapter 3 as well, with
# $1 - u$ for the confidence.

# %%
changes = {
    "as it is": uncertainty,
    "square root": np.sqrt(uncertainty),
    "square": uncertainty**2,
    "rank": np.unique(uncertainty, return_inverse=True)[1] / len(uncertainty),
}


# %%
rows = {}
for name, changed in changes.items():
    new = selective.risk_coverage(changed, correct)
    rows[name] = {
        "every point of the curve is the same": np.array_equal(new.coverage, curve.coverage)
        and np.array_equal(new.risk, curve.risk),
        "AURC (%)": 100 * new.aurc,
        "risk at 80 % coverage (%)": 100 * new.risk_at_coverage(0.8),
        "ECE (%)": 100 * calibration.bins_of_confidence(1 - changed, correct).error,
    }
assert all(row["every point of the curve is the same"] for row in rows.values())
pd.DataFrame(rows).T

# %% [markdown]
# Three columns stay the same to the last digit, and the ECE changes a lot. Ranking and calibration
# are different virtues. If you only ever refer a share of the images, you need the order. If you
# compare with a *cost*, as Chow does, you need the numbers as well.
#
# One trap: **temperature scaling** isn't such a change. It keeps the order of the classes within an
# image, but the maximum probability of one image may overtake that of another.

# %% [markdown]
# ## Four numbers, by hand, on ten digits
#
# Curves are easier to compare as numbers, and torch-uncertainty reports four. We look at ten
# digits, the most certain answer first: seven right answers and three wrong ones, all hard.

# %%
hardest = np.argsort(uncertainty)[-len(uncertainty) // 16 :]
right, wrong = hardest[correct[hardest]], hardest[~correct[hardest]]
seven = right[np.linspace(0, len(right) - 1, 7).astype(int)]
three = wrong[[len(wrong) * k // 20 for k in (3, 10, 17)]]
ten = np.concatenate([seven, three])
ten = ten[np.argsort(uncertainty[ten])]  # the most certain first
figures.misclassified_gallery(data_test.images, predictions, indices=ten)

# %% [markdown]
# Now answer one, answer two, and so on.

# %%
num_digits = len(ten)
steps = pd.DataFrame(
    {
        "digit": data_test.labels[ten],
        "answer": predictions.predicted[ten],
        "uncertainty": uncertainty[ten],
        "wrong": (~correct[ten]).astype(int),
    },
    index=pd.RangeIndex(1, num_digits + 1, name="answered"),
)
steps["wrong so far"] = steps["wrong"].cumsum()
steps["coverage"] = steps.index / num_digits
steps["risk"] = steps["wrong so far"] / steps.index
steps["coverage * risk"] = steps["wrong so far"] / num_digits
steps.round(3)

# %% [markdown]
# The risk jumps up at each mistake, and *falls* at each right answer after it. The column on the
# right never falls. The four numbers can be read off this table.
#
# - **Risk at 80 % coverage**: read the row of eight answered.
# - **Coverage at 5 % risk**: the *largest* coverage whose risk is at most 5 %. The curve may cross
#   that line several times; the last crossing counts.
# - **AURC** (Geifman, Uziel and El-Yaniv, 2019): the area under risk against coverage. There is no
#   risk at coverage 0, so the area goes from $1/N$ to 1, and is divided by that width. It is a mean
#   risk over all coverages.
# - **AUGRC** (Traub et al., 2024): the same area under *coverage times risk*, the **generalised
#   risk**. It is the share of *all* images that are answered and wrong: what slips through.

# %% [markdown]
# ### Exercise 7.2: Two areas
#
# *About 6 minutes.* Your function gets `wrong` [N], 1 for a wrong answer and 0 for a right one,
# the most certain answer first. Return AURC and AUGRC: the area under the risk and under coverage
# times risk, against coverage from 1/N to 1, each divided by that width, 1 - 1/N.
# `np.trapezoid(heights, places)` gives an area.

# %%
from course_utils.exercises.chapter_07 import ex7_2


def two_areas(wrong):
    """AURC and AUGRC of answers in order, the most certain first."""
    return ...


ex7_2.check(two_areas)

# %%
ex7_2.help

# %% [markdown]
# torch-uncertainty has a metric for each of the four. They take probabilities and labels. Compare
# with the table, and with your function: `two_areas(steps["wrong"].to_numpy())`.

# %%
import torch
from torch_uncertainty.metrics.classification import AUGRC, AURC, CovAt5Risk, RiskAt80Cov

on_ten = predictions.take(ten)
for metric in (AURC(), AUGRC(), CovAt5Risk(), RiskAt80Cov()):
    metric.update(torch.tensor(on_ten.mean), torch.tensor(on_ten.labels))
    print(f"{type(metric).__name__:12} {metric.compute():.4f}")

# %% [markdown]
# Coverage at 5 % risk has a weakness. A model that errs less often than that may answer everything,
# and gets 1. It can't tell such models apart: ask for a risk that the model can't keep for free.

# %% [markdown]
# ## Why AUGRC was proposed
#
# Both areas are sums over the mistakes. Say a mistake has rank $i$ of $N$, counted from the most
# certain answer. It is among the answered ones for all $k \ge i$. So, up to the ends of the
# trapezoids, it adds
#
# $$ \text{to AURC: } \frac{1}{N} \sum_{k=i}^{N} \frac{1}{k} \approx \frac{1}{N} \ln \frac{N}{i},
# \qquad \text{to AUGRC: } \frac{1}{N} \sum_{k=i}^{N} \frac{1}{N} = \frac{1}{N} \cdot
# \frac{N - i + 1}{N}. $$
#
# Here are the two weights, without the common factor $1/N$.

# %%
figures.mistake_weights(len(uncertainty))

# %% [markdown]
# At the left end, a mistake in AURC weighs many times as much as one in the middle, and the weight
# grows with $\ln N$ without limit. A single mislabelled image that the model is sure about can
# decide a comparison. In AUGRC no mistake weighs more than 1.
#
# AUGRC also has a meaning (Traub et al., 2024). Draw one image to judge and another one to set the
# threshold: AUGRC is the probability that the first is *wrong and answered*. Report AUGRC, and AURC
# beside it for comparison with older work.

# %% [markdown]
# ### Exercise 7.3: Two areas, two winners
#
# *About 4 minutes.* Two models answer the same 1,000 digits, and each makes 20 mistakes. Sorted
# from the most certain answer on, the first mistake of model A is its **very first** answer; its
# other 19 mistakes are its 19 least certain answers. The mistakes of model B are spread evenly
# over the less certain half. Which model has the smaller area?

# %%
from course_utils.exercises.chapter_07 import ex7_3

ex7_3.ask()

# %% [markdown]
# ## Four models, with intervals
#
# Now the curves of all four.

# %%
curves = {
    name: selective.risk_coverage(scores.max_probability(p), p.correct) for name, p in test.items()
}
figures.risk_coverage_curves(curves, reference="LeNet")

# %% [markdown]
# The digits are a draw; others would have given other curves. We draw them again 300 times with
# replacement, the same digits for all models, and look at the *difference* to the single LeNet. A
# hard draw is hard for both, so the difference scatters less than the curves do.

# %%
from course_utils.metrics.resampling import Resamples, percentile_interval

draws = Resamples(len(data_test), num_resamples=300)
drawn = {
    name: draws.risk_coverage(scores.max_probability(p), p.correct)["augrc"]
    for name, p in test.items()
}
rows = {}
for name in ("DE-2", "DE-8", "PE-4"):
    estimate = curves[name].augrc - curves["LeNet"].augrc
    interval = percentile_interval(100 * estimate, 100 * (drawn[name] - drawn["LeNet"]))
    rows[name] = {"AUGRC minus LeNet's (points)": interval.estimate}
    rows[name] |= {"from": interval.low, "to": interval.high}
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# Below zero is better than LeNet. If an interval contains zero, these digits don't decide. And the
# interval is about the choice of digits only: another seed in training is another story.

# %% [markdown]
# ## Which score finds which mistakes?
#
# Until now, uncertainty meant $1 - \max_c \bar p(c)$. Chapter 5 gave us more, and an ensemble has
# them all:
#
# - **maximum probability** and **entropy** look at the mean answer;
# - **mutual information** looks at how far the members' probabilities differ;
# - **variation ratio**, the share of members that did not vote for the winner, and
#   **disagreement**, the share of pairs with different votes, look at votes only.
#
# We compare them on the two ensembles. One column says how many mistakes are caught if the most
# uncertain twentieth of the digits is referred; where many digits have the same score, it takes the
# mean over their orders.

# %%
chosen_scores = {
    "maximum probability": scores.max_probability,
    "entropy": scores.entropy,
    "mutual information": scores.mutual_information,
    "variation ratio": scores.variation_ratio,
    "disagreement": scores.disagreement,
}


def compare_scores(predictions):
    """One row for each score."""
    rows = {}
    for name, score in chosen_scores.items():
        curve = selective.risk_coverage(score(predictions), predictions.correct)
        kept = curve.expected_curve()[1][round(0.95 * len(predictions)) - 1] * 0.95
        rows[name] = {
            "different values": len(curve.threshold),
            "AURC (%)": 100 * curve.aurc,
            "AUGRC (%)": 100 * curve.augrc,
            "mistakes caught (%)": 100 * (1 - kept / curve.error_rate),
        }
    return pd.DataFrame(rows).T.astype({"different values": int})


pd.concat({name: compare_scores(test[name]) for name in ("PE-4", "DE-8")}).round(3)

# %% [markdown]
# Look at the column "different values" first. There are only a few ways to vote, and on most digits
# all members agree. Votes can't order those digits, so a threshold can only take or leave the lot.
# That's why their *areas* are so much larger than that of the maximum
# probability.<!--claim:votes-order-mistakes-worse supported-->
#
# Mutual information sees *only* contradiction. A digit that puzzles every member in the same way
# has a large entropy and hardly any mutual information, and yet the answer may well be wrong. By
# its AURC, mutual information finds the mistakes of these two less well than the maximum
# probability does.<!--claim:mutual-information-orders-mistakes-worse supported-->
#
# A table shows means. Which score finds which mistake?

# %% [markdown]
# ### Exercise 7.4: How much must be referred?
#
# *About 6 minutes.* A mistake is found late if it looks certain. For **each mistake**, in the
# order of the images, return the share of all images that must be referred until it is among
# them: those at least as uncertain as the mistake itself. Images with the same uncertainty are
# all referred or all answered.

# %%
from course_utils.exercises.chapter_07 import ex7_4


def share_to_refer(uncertainty, correct):
    """For each mistake: share of all images that are at least as uncertain."""
    return ...


ex7_4.check(share_to_refer)

# %%
ex7_4.help

# %% [markdown]
# Here is this share for each mistake of PE-4 and each score. Dark is bad: the mistake hides among
# answers that look certain.

# %%
packed = test["PE-4"]
shares = {name: rankings.share_to_refer(score(packed)) for name, score in chosen_scores.items()}
figures.hidden_mistakes({name: share[~packed.correct] for name, share in shares.items()})

# %% [markdown]
# - The first two rows are nearly the same: on most digits only two classes compete.
# - The last two rows are light or dark, with little between. Dark are the mistakes on which all
#   members agree. By votes they look like any right answer.
# - The rows of probabilities stay paler, so they find many of those mistakes, too.

# %% [markdown]
# ## Question 2: the mistakes of Packed-Ensembles
#
# The tutorial that this course grew out of ends with a question: *find the errors made by
# Packed-Ensembles, look at the predictions of the sub-models, and say which uncertainty scores
# could identify them.* We sort the mistakes of the modest PE-4 by what its four members say. Which
# share of each group is caught, in percent, if we refer the most uncertain 15 % of all digits?

# %%
votes = packed.member_predicted  # [digits, members]
unanimous = (votes == votes[:, :1]).all(axis=1)
somebody_knew = (votes == packed.labels[:, np.newaxis]).any(axis=1)
groups = {
    "all agree, all wrong": unanimous & ~packed.correct,
    "split, nobody right": ~unanimous & ~somebody_knew & ~packed.correct,
    "split, somebody right": somebody_knew & ~packed.correct,
}
caught = {}
for name, members in groups.items():
    caught[name] = {"mistakes": members.sum()}
    for score_name, share in shares.items():
        caught[name][score_name] = 100 * (share[members] <= 0.15).mean()
pd.DataFrame(caught).T.astype({"mistakes": int}).round(1)

# %% [markdown]
# Votes catch all of the split mistakes, because fewer than 15 % of the digits are split, and these
# come first. They catch none of the first group, by construction: a threshold on votes would have
# to refer every digit on which all agree. Scores that see probabilities catch a good part of it.

# %% [markdown]
# ### Exercise 7.5: Blind to votes
#
# *About 2 minutes.* You may only see the votes of PE-4, no probabilities. Which share of its
# **mistakes**, in percent, can no threshold on votes refer, short of referring every digit? Read
# the counts off the tables above, or compute it. (Half a point does not matter.)

# %%
from course_utils.exercises.chapter_07 import ex7_5

percent = ...

ex7_5.check(percent, packed)

# %%
ex7_5.help

# %% [markdown]
# The first group is the shared blind spot. Here's its mistake that is the hardest to find by
# maximum probability.

# %%
blind = np.flatnonzero(groups["all agree, all wrong"])
index = blind[shares["maximum probability"][blind].argmax()]
figures.disagreement_sheet(
    data_test.images[index], packed.probabilities[index], label=int(packed.labels[index])
)

# %% [markdown]
# If all members put nearly all their probability on the same wrong class, no score computed from
# these probabilities can find the mistake. It takes other knowledge: more training digits of this
# kind, a different network, or a person who checks a random sample of *certain* answers.
#
# Go through the mistakes yourself. Show only the errors of PE-4 that no other model makes, then
# those that all models share. Which of the two kinds can *you* read?

# %%
from course_utils.widgets import misclassified_browser

misclassified_browser(
    {"PE-4": packed, "LeNet": test["LeNet"], "DE-8": test["DE-8"]},
    data_test.images,
)

# %% [markdown]
# So the answer to Question 2: start with **maximum probability** or **entropy of the mean**, which
# see hesitation *and* contradiction. **Mutual information** sees contradiction only, and
# **variation ratio** and **disagreement** only as much of it as turns a vote. And some mistakes are
# found by no score at all, since all members share them.

# %% [markdown]
# ### Exercise 7.6: A slider of your own
#
# *About 4 minutes.* What you drag in a widget is a *trait* of a Python object:
# `explorer.threshold` can be read, set, and tied to a trait of any other widget. Make an
# `ipywidgets.FloatSlider` from 0 to 1 that starts at `explorer.threshold`, and link its `value`
# to the threshold of the explorer above, so that each follows the other. Write `slider` on the
# last line of the cell to see it; then drag it, and look at the explorer.

# %%
from course_utils.exercises.chapter_07 import ex7_6

slider = ...

ex7_6.check(slider, explorer)

# %%
ex7_6.help

# %% [markdown]
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(7)

# %% [markdown]
# ## What you have learned
#
# - A selective classifier trades coverage for risk. Its curve depends on the order of the scores
#   only.
# - AURC gives mistakes at the most certain ranks a weight without limit; AUGRC is the probability
#   of a silent failure, and keeps every mistake in proportion.
# - Coverage at 5 % risk says nothing about models that err less than that. Ask for a risk that
#   hurts.
# - For finding mistakes, any doubt counts, whatever its source. Votes can't order the digits on
#   which all members agree.
#
# **What comes next.** A curve is a report. Chapter 8 makes a decision: one threshold, with a
# promise and a price.
#
# ### Sources
#
# - C. K. Chow (1970). On optimum recognition error and reject tradeoff. *IEEE Transactions on
#   Information Theory* 16(1).
# - R. El-Yaniv, Y. Wiener (2010). On the foundations of noise-free selective classification.
#   *Journal of Machine Learning Research* 11.
# - Y. Geifman, G. Uziel, R. El-Yaniv (2019). Bias-reduced uncertainty estimation for deep neural
#   classifiers. *ICLR*. [arXiv:1805.08206](https://arxiv.org/abs/1805.08206)
# - J. Traub et al. (2024). Overcoming common flaws in the evaluation of selective classification
#   systems. *NeurIPS*. [arXiv:2407.01032](https://arxiv.org/abs/2407.01032)
