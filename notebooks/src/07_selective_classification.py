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
# - compute AURC, AUGRC, coverage at a risk and risk at a coverage by hand, and check a library;
# - show that only the order of the scores counts, and tie a threshold to a control of your own;
# - explain what AUGRC repairs in AURC;
# - compare curves of several models with intervals;
# - sort the mistakes of a Packed-Ensemble by what its members say, and name the scores that find
#   them.
#
# **Time.** About 50 minutes to read and play. Nothing is trained; the code needs about half a
# minute.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Digits, and models that err
#
# All networks of this chapter come with the course, and none of them has seen the test digits in
# training.

# %%
from course_utils.images import load_fashion_mnist, load_mnist

data_test = load_mnist("test")
data_test

# %% [markdown]
# Good networks make so few mistakes on these digits that there is nothing to see. We therefore
# learn on *modest* ones, which were trained on few digits, and return to good ones at the end. The
# Deep Ensemble of eight holds the smaller models: its first member is our single LeNet, its first
# two are DE-2.

# %%
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict


def ask(eight, packed, images):
    """What four models say: one, two and eight members of a Deep Ensemble, and a packed one."""
    predictions = predict(zoo.load(eight), images)
    return {
        "LeNet": predictions.subset(members=[0]),
        "DE-2": predictions.subset(members=[0, 1]),
        "DE-8": predictions,
        "PE-4": predict(zoo.load(packed), images),
    }


modest = ("modest-deep-ensemble-8", "modest-packed-4")
test = ask(*modest, data_test)
for name in modest:
    facts = zoo.facts(name)
    print(f"{name}: {facts['epochs']} epochs of {facts['num_train']:,} digits, no crops")

# %% [markdown]
# How often are they wrong, if they must answer everything?

# %%
import numpy as np
import pandas as pd

errors = {
    name: {"mistakes": (~p.correct).sum(), "error rate (%)": 100 * (~p.correct).mean()}
    for name, p in test.items()
}
pd.DataFrame(errors).T.astype({"mistakes": int}).round(2)

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
# The idea is older than most networks. Chow (1957, 1970) asked when a machine that reads characters
# should *reject* one. His answer: if a mistake costs $c_w$ and a rejection $c_r$, then answer if
# the probability of being wrong is at most $c_r / c_w$, and reject otherwise. No other rule is
# cheaper, provided that the probability is the true one.
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
# answered*. Geifman and El-Yaniv (2017) brought this to deep networks, with thresholds for which
# the risk is guaranteed; chapter 8 comes back to that.
#
# Take a threshold and count.

# %%
from course_utils.metrics import scores, selective

predictions = test["LeNet"]
uncertainty = scores.max_probability(predictions)  # 1 - max p: "the chance of being wrong"
correct = predictions.correct

answered = uncertainty <= 0.1
print(f"coverage: {answered.mean():.4f}")
print(f"risk:     {(~correct[answered]).mean():.4f}")
print(f"risk of answering everything: {(~correct).mean():.4f}")
print(f"of {(~correct).sum()} mistakes, {(~correct & ~answered).sum()} are referred")

# %% [markdown]
# Observe what was bought and what was paid. Each threshold makes another offer. All offers
# together are the **risk-coverage curve**. `selective.risk_coverage` walks through the images from
# the most to the least certain, and counts at every step.

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
# *About 8 minutes.* Write the risk-coverage curve yourself. Your function gets the **confidence**
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
# is. We try three increasing functions, and for each compute the ECE of chapter 2 as well, with
# $1 - u$ for the confidence.

# %%
changes = {
    "as it is": uncertainty,
    "square root": np.sqrt(uncertainty),
    "square": uncertainty**2,
    "rank": np.unique(uncertainty, return_inverse=True)[1] / len(uncertainty),
}


def calibration_error(confidence, correct, num_bins=15):
    """Gap between confidence and share of right answers, averaged over bins of equal width."""
    bins = np.floor(num_bins * confidence).astype(int)
    gaps = np.bincount(bins, weights=confidence - correct)
    return np.abs(gaps).sum() / len(confidence)


# %%
rows = {}
for name, changed in changes.items():
    new = selective.risk_coverage(changed, correct)
    rows[name] = {
        "every point of the curve is the same": np.array_equal(new.coverage, curve.coverage)
        and np.array_equal(new.risk, curve.risk),
        "AURC (%)": 100 * new.aurc,
        "risk at 80 % coverage (%)": 100 * new.risk_at_coverage(0.8),
        "ECE (%)": 100 * calibration_error(1 - changed, correct),
    }
assert all(row["every point of the curve is the same"] for row in rows.values())
pd.DataFrame(rows).T

# %% [markdown]
# Observe that three columns do not change by a single digit, and the last one changes a lot.
# Ranking and calibration are different virtues. A model can sort its answers perfectly and be
# wildly wrong about its chances; another can be calibrated and unable to tell its mistakes from the
# rest. If you only ever cut off a share of the images, you need the order. If you compare with a
# *cost*, as Chow does, you need the numbers as well.
#
# One trap: **temperature scaling** is *not* such a change. It divides the logits of each image by
# the same number. This keeps the order of the classes within an image, but the maximum probability
# of one image may overtake that of another. Chapter 9 comes back to it.

# %% [markdown]
# ## Four numbers, by hand, on ten digits
#
# A curve is compared more easily by numbers. torch-uncertainty reports four. We compute each of
# them step by step on ten digits: seven right and three wrong answers, taken from the hardest.

# %%
hardest = np.argsort(uncertainty)[-len(uncertainty) // 16 :]
right, wrong = hardest[correct[hardest]], hardest[~correct[hardest]]
seven = right[np.linspace(0, len(right) - 1, 7).astype(int)]
three = wrong[[len(wrong) * k // 20 for k in (3, 10, 17)]]
ten = np.concatenate([seven, three])
ten = ten[np.argsort(uncertainty[ten])]  # the most certain first
figures.misclassified_gallery(data_test.images, predictions, indices=ten)

# %% [markdown]
# They are sorted: the most certain answer first. Now answer one, answer two, and so on.

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
# Observe the risk: it jumps up at each mistake, and *falls* at each right answer after it. The
# column on the right never falls. Now the four numbers.
#
# - **Risk at 80 % coverage**: read the row of eight answered.
# - **Coverage at 5 % risk**: the *largest* coverage whose risk is at most 5 %. The curve may cross
#   that line several times; the last crossing counts.
# - **AURC** (Geifman, Uziel and El-Yaniv, 2019): the area under risk against coverage. There is no
#   risk at coverage 0, so the area goes from $1/N$ to 1, and is divided by that width. It is a mean
#   risk over all coverages.
# - **AUGRC** (Traub et al., 2024): the same area under *coverage times risk*, the **generalised
#   risk**. It is the share of *all* images that are answered and wrong: what slips through.


# %%
def mean_height(heights):
    """Area between coverage 1/N and 1 by trapezoids, divided by the width."""
    return np.trapezoid(heights, steps["coverage"]) / (1 - 1 / num_digits)


by_hand = {
    "AURC": mean_height(steps["risk"]),
    "AUGRC": mean_height(steps["coverage * risk"]),
    "coverage at 5 % risk": steps["coverage"][steps["risk"] <= 0.05].max(),
    "risk at 80 % coverage": steps["risk"].loc[8],
}

# %% [markdown]
# The course's package has the same numbers.


# %%
def by_the_course(predictions):
    """The four numbers for the maximum probability."""
    curve = selective.risk_coverage(scores.max_probability(predictions), predictions.correct)
    return {
        "AURC": curve.aurc,
        "AUGRC": curve.augrc,
        "coverage at 5 % risk": curve.coverage_at_risk(0.05),
        "risk at 80 % coverage": curve.risk_at_coverage(0.8),
    }


# %% [markdown]
# And torch-uncertainty has a metric for each. They take probabilities and labels.

# %%
import torch
from torch_uncertainty.metrics.classification import AUGRC, AURC, CovAt5Risk, RiskAt80Cov


def by_torch_uncertainty(predictions):
    """The same four numbers by torch-uncertainty's metrics."""
    metrics = (AURC(), AUGRC(), CovAt5Risk(), RiskAt80Cov())
    for metric in metrics:
        metric.update(torch.tensor(predictions.mean), torch.tensor(predictions.labels))
    return dict(zip(by_hand, (metric.compute().item() for metric in metrics), strict=True))


three_ways = pd.DataFrame(
    {
        "by hand": by_hand,
        "course_utils.metrics.selective": by_the_course(predictions.take(ten)),
        "torch-uncertainty": by_torch_uncertainty(predictions.take(ten)),
    }
)
assert np.allclose(three_ways.to_numpy(), three_ways[["by hand"]], atol=1e-6)
three_ways.round(6)

# %% [markdown]
# Observe that the three columns agree. Does it hold for all digits, and all four models?

# %%
on_all_digits = {}
for name, p in test.items():
    on_all_digits[name, "course"] = by_the_course(p)
    on_all_digits[name, "torch-unc."] = by_torch_uncertainty(p)
on_all_digits = pd.DataFrame(on_all_digits)
ours, theirs = (on_all_digits.xs(who, axis=1, level=1) for who in ("course", "torch-unc."))
assert np.allclose(ours, theirs, atol=1e-5)
on_all_digits.round(5)

# %% [markdown]
# They agree. (Where several images have the same uncertainty they may not: torch-uncertainty's
# numbers then depend on the order in which the images come. For the two areas `selective` takes the
# mean over all orders; coverage and risk it reads only where a threshold can stop. And where *no*
# coverage keeps the risk, torch-uncertainty says NaN, and we say 0: whoever answers nothing makes
# no mistake.)
#
# Observe also the row "coverage at 5 % risk". A model that errs less often than that may answer
# everything, and the row says 1. It cannot tell such models apart, and it will not tell us anything
# about good ones. Ask for a risk that the model cannot keep for free.

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
# We draw the two weights, without the common factor $1/N$.

# %%
ranks = np.arange(1, len(uncertainty) + 1)
weights = {
    "AURC": np.cumsum((1 / ranks)[::-1])[::-1],
    "AUGRC": (len(ranks) - ranks + 1) / len(ranks),
}
figure = figures.style.canvas(8, 3.2)
axes = figures.style.panels(figure, right=7)[0][0]
colors = (figures.style.VERMILLION, figures.style.BLUE)
for weight, color, line in zip(weights.values(), colors, ("-", "--"), strict=True):
    axes.semilogx(ranks, weight, color=color, linestyle=line)
axes.text(2, weights["AURC"][1] + 0.6, "AURC", color=colors[0])
axes.text(2, 1.3, "AUGRC", color=colors[1])
figures.style.label(
    axes, x="rank of the mistake, the most certain answer first", y="weight", grid="both"
)
figures.Picture(
    figure,
    f"Weight of a mistake against its rank among {len(ranks):,}: in AURC it falls from "
    f"{weights['AURC'][0]:.1f} at the first rank to {weights['AURC'][-1]:.4f} at the last, in "
    "AUGRC from 1 to nearly 0.",
)

# %% [markdown]
# Observe the left end. In AURC a mistake at the very first rank weighs many times as much as one in
# the middle, and the weight grows with $\ln N$ without limit. A single mislabelled image that the
# model is sure about can decide a comparison. In AUGRC no mistake weighs more than 1, and
# the weight falls evenly with the rank (a straight line, were the axis not logarithmic).
#
# We try it. We pretend that the label of one image is wrong: first the most certain one, then the
# one in the middle of the order.

# %%
order = np.argsort(uncertainty)
rows = {"as it is": {"AURC": curve.aurc, "AUGRC": curve.augrc}}
for place, rank in {"one more mistake, in the middle": len(order) // 2, "at the top": 0}.items():
    pretended = correct.copy()
    pretended[order[rank]] = False
    new = selective.risk_coverage(uncertainty, pretended)
    rows[place] = {"AURC": new.aurc, "AUGRC": new.augrc}
table = pd.DataFrame(rows).T
table.join((table / table.iloc[0]).add_suffix(" relative")).round(5)

# %% [markdown]
# Compare the last row with the row above it. One image among thousands, and AURC rises by many
# times what it rises by in the middle; AUGRC knows the difference too, but keeps it in proportion.
#
# Traub et al. give AUGRC a meaning. Draw one image to judge, and another one to set the threshold.
# AUGRC is the probability that the first is *wrong and answered*. Sorting such pairs by whether
# the second is right or wrong gives
#
# $$ \text{AUGRC} = a \, (1 - a) \, (1 - \text{AUROC}) + \tfrac{1}{2} (1 - a)^2 $$
#
# with the accuracy $a$, and the AUROC of telling mistakes from right answers by $u$. The second
# term stays even if the order is perfect: a bad classifier cannot be saved by knowing it. We check,
# up to terms of size $1/N$.

# %%
from sklearn.metrics import roc_auc_score

rows = {}
for name, p in test.items():
    accuracy = p.correct.mean()
    auroc = roc_auc_score(~p.correct, scores.max_probability(p))
    rows[name] = {
        "AUGRC": by_the_course(p)["AUGRC"],
        "by the formula": accuracy * (1 - accuracy) * (1 - auroc) + (1 - accuracy) ** 2 / 2,
        "of it: order": accuracy * (1 - accuracy) * (1 - auroc),
        "of it: error rate": (1 - accuracy) ** 2 / 2,
    }
pd.DataFrame(rows).T.round(5)

# %% [markdown]
# Read the last two columns to see whether a model should learn to *order* its answers better, or
# simply to make fewer mistakes. AUROC alone would not tell: it forgets how many mistakes there are.
# This is why it is a bad measure for comparing *different* classifiers here. Report AUGRC, and AURC
# beside it for comparison with older work.

# %% [markdown]
# ### Exercise 7.2: Two areas, two winners
#
# *About 4 minutes.* Two models answer the same 1,000 digits, and each makes 20 mistakes. Sorted
# from the most certain answer on, the first mistake of model A is its **very first** answer; its
# other 19 mistakes are its 19 least certain answers. The mistakes of model B are spread evenly
# over the less certain half. Which model has the smaller area?

# %%
from course_utils.exercises.chapter_07 import ex7_2

ex7_2.ask()

# %% [markdown]
# ## Four models, with intervals
#
# Now the curves of all four. The digits are a draw; others would have given other curves. We draw
# them again 300 times with replacement, the same digits for all models, and shade 95 % intervals.

# %%
from course_utils.metrics.resampling import Resamples, percentile_interval

draws = Resamples(len(data_test), num_resamples=300)
curves, bands = {}, {}
coverages = np.array([0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0])
for name, p in test.items():
    u = scores.max_probability(p)
    curves[name] = selective.risk_coverage(u, p.correct)
    risks = [draws.risk_at_coverage(u, p.correct, coverage) for coverage in coverages]
    bands[name] = (coverages, *np.quantile(risks, [0.025, 0.975], axis=1))
figures.risk_coverage_curves(curves, bands=bands, reference="LeNet")

# %% [markdown]
# Bands that overlap do not mean that two models are equally good: both answered the *same* digits,
# and a hard draw is hard for both. What counts is the interval of the *difference*. We take it for
# each model and the single LeNet.

# %%
drawn = {
    name: draws.risk_coverage(scores.max_probability(p), p.correct) for name, p in test.items()
}
rows = {}
for name in ("DE-2", "DE-8", "PE-4"):
    for measure in ("aurc", "augrc"):
        estimate = getattr(curves[name], measure) - getattr(curves["LeNet"], measure)
        interval = percentile_interval(
            100 * estimate, 100 * (drawn[name][measure] - drawn["LeNet"][measure])
        )
        rows[name, measure.upper()] = {
            "minus LeNet (percentage points)": interval.estimate,
            "from": interval.low,
            "to": interval.high,
        }
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# Below zero is better than LeNet. If an interval contains zero, these digits do not decide. And
# remember chapter 6: the interval is about the choice of digits. Another seed in training is
# another story.

# %% [markdown]
# ## Which score finds which mistakes?
#
# Until now, uncertainty meant $1 - \max_c \bar p(c)$. Chapter 4 gave us more, and an ensemble has
# them all:
#
# - **maximum probability** and **entropy** look at the mean answer;
# - **mutual information** looks at how far the members' probabilities differ;
# - **variation ratio**, the share of members that did not vote for the winner (Freeman, 1965), and
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
# Observe the column "different values" first. With $M$ members there are only a few ways to vote,
# and most digits share the best one: all agree. Votes cannot order those digits at all, and a
# threshold can only take or leave the lot. That is why their *areas* are so much larger than that
# of the maximum probability.<!--claim:votes-order-mistakes-worse supported--> Compare with the last
# column: among the few most uncertain digits, where the members do split, votes may well keep up.
# As a *reason* they are fine ("three of four read a 4"); as an order they are coarse.
#
# Mutual information sees *only* contradiction. A digit that puzzles every member in the same way
# has a large entropy and hardly any mutual information, and yet the answer may well be wrong. By
# its AURC, mutual information finds the mistakes of these two less well than the maximum
# probability does.<!--claim:mutual-information-orders-mistakes-worse supported--> For finding
# *mistakes*, any doubt counts, whatever its source.
#
# A table is a mean. Which mistakes are found by which score? For each mistake of PE-4 and each
# score we ask: **which share of the digits must be referred until this mistake is among them?**
# Dark is bad: the mistake hides among answers that look certain.


# %%
def share_to_refer(score, predictions):
    """For each image: share of the images at least as uncertain."""
    u = score(predictions)
    return 1 - np.searchsorted(np.sort(u), u, side="left") / len(u)


packed = test["PE-4"]
mistakes = np.flatnonzero(~packed.correct)
shares = {name: share_to_refer(score, packed) for name, score in chosen_scores.items()}
hidden = np.array([share[mistakes] for share in shares.values()])
hidden = hidden[:, np.argsort(hidden[0])]

figure = figures.style.canvas(8, 3)
axes = figures.style.panels(figure, left=13, right=8, top=1, bottom=3.2)[0][0]
image = axes.imshow(hidden, aspect="auto", cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
axes.set_yticks(range(len(shares)), list(shares))
figures.style.label(axes, x="mistakes of PE-4, the easiest for maximum probability first")
bar = figure.colorbar(image, cax=axes.inset_axes([1.03, 0, 0.03, 1]), ticks=[0, 0.5, 1])
bar.ax.set_ylabel("share to refer")
middle = "; ".join(f"{name} {np.median(row):.3f}" for name, row in zip(shares, hidden, strict=True))
figures.Picture(
    figure,
    f"Share of the digits to refer until each of {len(mistakes)} mistakes is among them, one row "
    f"per score. Medians: {middle}.",
)

# %% [markdown]
# Observe three things.
#
# - The first two rows are nearly the same. For most digits only two classes compete, and then
#   entropy and maximum probability say the same thing.
# - The last two rows are light or dark, with little between. Dark are the mistakes on which all
#   members agree: by votes they look like any right answer, and everything would have to be
#   referred.
# - The rows of probabilities stay paler: they find most of those mistakes, too. Only the last few
#   on the right hide from every score. The members learned from the same digits, and share their
#   blind spots.
#
# The next section looks at these groups one by one.

# %% [markdown]
# ## Question 2: the mistakes of Packed-Ensembles
#
# The tutorial from which this course descends ends with a question: *find the errors made by
# Packed-Ensembles, look at the predictions of the sub-models, and say which uncertainty scores
# could identify them.* We have all the tools. We sort the mistakes of the modest PE-4 by what its
# four members say.

# %%
votes = packed.member_predicted  # [digits, members]
unanimous = (votes == votes[:, :1]).all(axis=1)
somebody_knew = (votes == packed.labels[:, np.newaxis]).any(axis=1)
groups = {
    "all agree, all wrong": unanimous & ~packed.correct,
    "split, nobody right": ~unanimous & ~somebody_knew & ~packed.correct,
    "split, somebody right": somebody_knew & ~packed.correct,
    "right answers, all agree": unanimous & packed.correct,
    "right answers, split": ~unanimous & packed.correct,
}
rows = {name: {"digits": members.sum()} for name, members in groups.items()}
for score_name, score in chosen_scores.items():
    for name, members in groups.items():
        rows[name][f"mean {score_name}"] = score(packed)[members].mean()
pd.DataFrame(rows).T.astype({"digits": int}).round(3)

# %% [markdown]
# The first three rows are the mistakes, the last two the right answers. Observe how the groups
# differ.
#
# - **Split, somebody right**: the ensemble *had* the answer, but others were louder. On average
#   every score is high here. All of them point at these mistakes.
# - **Split, nobody right**: the members contradict each other with different wrong answers. Here
#   too, every score is high on average.
# - **All agree, all wrong**: variation ratio and disagreement are exactly 0, as for an easy digit.
#   Compare maximum probability and entropy with the row of right answers on which all agree: if
#   they are clearly higher, then the members *hesitated* although they voted alike, and scores that
#   see probabilities still have a chance.
#
# Which share of each group is caught if we refer the most uncertain 15 % of all digits?

# %%
caught = {}
for name in list(groups)[:3]:
    caught[name] = {"mistakes": groups[name].sum()}
    for score_name, share in shares.items():
        caught[name][score_name] = 100 * (share[groups[name]] <= 0.15).mean()
pd.DataFrame(caught).T.astype({"mistakes": int}).round(1)

# %% [markdown]
# Votes catch all of the split mistakes, because fewer than 15 % of the digits are split, and these
# come first. They catch none of the first group, by construction: a threshold on votes would have
# to refer every digit on which all agree. Scores that see probabilities catch a good part of it.

# %% [markdown]
# ### Exercise 7.3: Blind to votes
#
# *About 4 minutes.* You may only see the votes of PE-4, no probabilities. Which share of its
# **mistakes**, in percent, can no threshold on votes refer, short of referring every digit? Read
# the counts off the tables above, or compute it. (Half a point does not matter.)

# %%
from course_utils.exercises.chapter_07 import ex7_3

percent = ...

ex7_3.check(percent, packed)

# %%
ex7_3.help

# %% [markdown]
# Now look at single digits. From each group we take the mistake that is the hardest to find by
# maximum probability.

# %%
hardest_to_find = {}
for name in list(groups)[:3]:
    members = np.flatnonzero(groups[name])
    if len(members):
        hardest_to_find[name] = members[shares["maximum probability"][members].argmax()]
figures.misclassified_gallery(
    data_test.images, packed, indices=np.array(list(hardest_to_find.values()))
)

# %% [markdown]
# And what each member says about the first of them, the shared blind spot:

# %%
index = next(iter(hardest_to_find.values()))
figures.disagreement_sheet(
    data_test.images[index], packed.probabilities[index], label=int(packed.labels[index])
)

# %% [markdown]
# Read the rows. If all members put nearly all their probability on the same wrong class, then no
# score that is computed from these probabilities can find the mistake. Another kind of knowledge is
# needed: more training digits of this kind, a different network, or a second look by a human at a
# random sample of *certain* answers.
#
# Go through the mistakes yourself. Try this: show only the errors of PE-4 that no other model
# makes, then the errors that all models share; sort each by uncertainty. Look at which of the two
# kinds *you* can read. Pin a digit to compare others with it.

# %%
from course_utils.widgets import misclassified_browser

good_packed = predict(zoo.load("packed-4-0"), data_test)

misclassified_browser(
    {"PE-4": packed, "LeNet": test["LeNet"], "DE-8": test["DE-8"], "good PE-4": good_packed},
    data_test.images,
)

# %% [markdown]
# Run the next cell too, and the browser's button "Show in the disagreement explorer" brings its
# digit here. Try this: switch members of PE-4 off and on, and watch the answer and the two parts of
# its entropy. Look for a digit where a single member decides. Then look at the clothes beside it:
# do the members contradict each other there more than on the digits?

# %%
from course_utils.widgets import disagreement_explorer

data_ood = load_fashion_mnist("test").subset(slice(2_500))
answers_ood = ask(*modest, data_ood)

disagreement_explorer(
    {"PE-4": packed, "DE-8": test["DE-8"]},
    data_test.images,
    foreign={name: answers_ood[name] for name in ("PE-4", "DE-8")},
    foreign_images=data_ood,
    foreign_names=figures.FASHION,
)

# %% [markdown]
# One question is left: is it the same for a Packed-Ensemble that was trained well? The same table
# as above, for the good one.

# %%
compare_scores(good_packed).round(3)

# %% [markdown]
# So the answer to Question 2 is: start with **maximum probability** or **entropy of the mean**,
# which see hesitation *and* contradiction. **Mutual information** sees contradiction only, and
# **variation ratio** and **disagreement** only so much of it as turns a vote. They explain a
# mistake ("two of four read a 9"), and order those digits well on which members split; where all
# vote alike, votes are blind. And some mistakes are found by no score at all, since all members
# share them.

# %% [markdown]
# ### Exercise 7.4: A slider of your own
#
# *About 4 minutes.* What you drag in a widget is a *trait* of a Python object: `explorer.threshold`
# can be read, set, and tied to a trait of any other widget. Make an `ipywidgets.FloatSlider` from 0
# to 1 that starts at `explorer.threshold`, and link its `value` to the threshold of the explorer
# above, so that each follows the other. Write `slider` on the last line of the cell to see it; then
# drag it, and look at the explorer.

# %%
from course_utils.exercises.chapter_07 import ex7_4

slider = ...

ex7_4.check(slider, explorer)

# %%
ex7_4.help

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
# - C. K. Chow (1957). An optimum character recognition system using decision functions. *IRE
#   Transactions on Electronic Computers* EC-6(4).
#   [doi:10.1109/TEC.1957.5222035](https://doi.org/10.1109/TEC.1957.5222035)
# - C. K. Chow (1970). On optimum recognition error and reject tradeoff. *IEEE Transactions on
#   Information Theory* 16(1).
#   [doi:10.1109/TIT.1970.1054406](https://doi.org/10.1109/TIT.1970.1054406)
# - R. El-Yaniv, Y. Wiener (2010). On the foundations of noise-free selective classification.
#   *Journal of Machine Learning Research* 11.
#   [jmlr.org](https://jmlr.org/papers/v11/el-yaniv10a.html)
# - Y. Geifman, R. El-Yaniv (2017). Selective classification for deep neural networks. *NeurIPS*.
#   [arXiv:1705.08500](https://arxiv.org/abs/1705.08500)
# - Y. Geifman, G. Uziel, R. El-Yaniv (2019). Bias-reduced uncertainty estimation for deep neural
#   classifiers. *ICLR*. [arXiv:1805.08206](https://arxiv.org/abs/1805.08206)
# - J. Traub et al. (2024). Overcoming common flaws in the evaluation of selective classification
#   systems. *NeurIPS*. [arXiv:2407.01032](https://arxiv.org/abs/2407.01032)
# - L. C. Freeman (1965). *Elementary applied statistics*. Wiley.
