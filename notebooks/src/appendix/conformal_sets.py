# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Appendix: more about conformal sets
#
# Which score, which $\alpha$, and how many calibration images? All with the modest LeNet.

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

from course_utils.images import batches, load_mnist
from course_utils.metrics import conformal
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

data_val, data_test = load_mnist("val"), load_mnist("test")
lenet = zoo.load("modest-lenet-0")
fitted, answers = predict(lenet, data_val), predict(lenet, data_test)

# %% [markdown]
# ## Three scores, by torch-uncertainty
#
# - **THR** (Sadinle et al., 2019): $s = 1 - p(c \mid x)$.
# - **APS** (Romano et al., 2020): the probabilities of $c$ and of all classes before it, added up
#   from the most probable one on. Sets adapt more to the difficulty of an image.
# - **RAPS** (Angelopoulos et al., 2021): APS with a penalty for every rank beyond the first few,
#   which cuts long tails.
#
# Each wraps a network and is fitted on validation digits. (THR and APS would fit a temperature
# first; we switch that off to see one thing at a time.) We allow that one set in a hundred misses
# the truth.

# %%
from torch_uncertainty.post_processing import (
    ConformalClsAPS,
    ConformalClsRAPS,
    ConformalClsTHR,
)

alpha = 0.01
sets, rows = {}, {}
for method in (ConformalClsTHR, ConformalClsAPS, ConformalClsRAPS):
    torch.manual_seed(0)  # APS and RAPS draw random numbers
    wrapped = method(alpha=alpha, model=lenet, enable_ts=False)
    wrapped.fit(batches(data_val, 500))
    with torch.inference_mode():
        outputs = [wrapped(images).numpy() for images, _ in batches(data_test, 500)]
    name = method.__name__.removeprefix("ConformalCls")
    sets[name] = np.concatenate(outputs) > 0  # the classes of the set share all probability
    sizes = sets[name].sum(axis=1)
    rows[name] = {
        "coverage": sets[name][np.arange(len(data_test)), data_test.labels].mean(),
        "mean size": sizes.mean(),
        "largest": sizes.max(),
        "sets of one": (sizes == 1).mean(),
    }
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# All three keep about what they promised, and their sizes differ. (Other people
# wrote the test digits than the validation digits. So the two are not quite exchangeable, and the
# proof does not cover this table. It covers the draws below.)
# *Given* the coverage, smaller sets are better. THR would make the smallest on average if the
# probabilities were the true ones; APS is close here. RAPS does what it is for: its largest set is
# shorter than that of THR. But with torch-uncertainty's default penalty hardly any set has one
# class. That penalty suits a thousand classes of photographs. Beside confidences so near to 1 it
# outweighs everything else, and all images get sets of about the same size. Defaults are somebody
# else's choices.

# %% [markdown]
# ## How alpha relates to the error rate
#
# Which $\alpha$ is sensible? We go through several, on cached probabilities. `conformal` is the
# course's version of the same scores, in NumPy; it does not add the most probable class to an empty
# set, as torch-uncertainty does.

# %%
scores_val = conformal.threshold_scores(fitted.mean)
true_scores = scores_val[np.arange(len(fitted)), fitted.labels]
scores_test = conformal.threshold_scores(answers.mean)
rows = {}
for alpha in (0.2, 0.1, 0.05, 0.02, 0.01, 0.005):
    threshold = conformal.quantile(true_scores, alpha)
    found = conformal.prediction_sets(scores_test, threshold)
    sizes = found.sum(axis=1)
    rows[alpha] = {
        "promised": 1 - alpha,
        "coverage": found[np.arange(len(answers)), answers.labels].mean(),
        "empty": (sizes == 0).mean(),
        "one class": (sizes == 1).mean(),
        "two or more": (sizes > 1).mean(),
    }
print(f"error rate of the network: {1 - answers.correct.mean():.4f}")
pd.DataFrame(rows).T.rename_axis("alpha").round(4)

# %% [markdown]
# Compare each $\alpha$ with the error rate.
#
# - **Above it**, the single most probable class is right often enough already. To come down to the
#   promise, conformal prediction makes *empty* sets: it uses its right to be wrong on the images
#   where the network is least sure. That is a rejection, like in chapter 7. torch-uncertainty
#   fills these sets with the most probable class, so that the coverage stays at the accuracy.
# - **Below it**, some sets must hold a second class, and the smaller $\alpha$ the more and the
#   longer they are.
#
# So the sets are of interest for an $\alpha$ below the error rate. With a network that errs five
# times in a thousand and $\alpha$ at one in ten, every set has at most one class.

# %% [markdown]
# ## How many images does a promise need?
#
# We draw $n$ of the test digits to calibrate and measure on the others, two thousand times for each
# $n$.

# %%
rows = {}
for num_calibration in (20, 50, 100, 200, 500):
    row = {"theory": conformal.expected_coverage(num_calibration, 0.05)}
    for corrected, name in ((True, "corrected"), (False, "plain")):
        drawn = conformal.coverage_of_draws(
            scores_test, answers.labels, 0.05, num_calibration,
            corrected=corrected, num_draws=2_000,
        )  # fmt: skip
        row[f"{name}: mean"] = drawn.coverage.mean()
        row[f"{name}: std"] = drawn.coverage.std()
        row[f"{name}: size"] = drawn.size.mean()
    rows[num_calibration] = row
pd.DataFrame(rows).T.rename_axis("n").round(4)

# %% [markdown]
# Three lessons.
#
# - The corrected mean follows the column *theory*, $k / (n + 1)$, up to the noise of the draws; and
#   theory is never below the promise. The plain mean is below, and what is missing shrinks with
#   $n$. With some thousand calibration images you need not care; with twenty you must.
# - More calibration images do not make the mean better than promised. They make *your* calibration
#   set more reliable: the standard deviation falls about as $1 / \sqrt{n}$.
# - If $n + 1 < 1 / \alpha$, no score is large enough: $k > n$, and the only honest set holds all
#   ten classes. So few images cannot support such a promise.

# %%
too_few = conformal.quantile(true_scores[:18], alpha=0.05)
enough = conformal.quantile(true_scores[:19], alpha=0.05)
print(f"threshold from 18 images: {too_few}, from 19: {enough:.4f}")

# %% [markdown]
# ### Sources
#
# - M. Sadinle, J. Lei, L. Wasserman (2019). Least ambiguous set-valued classifiers with bounded
#   error levels. *JASA* 114. [arXiv:1609.00451](https://arxiv.org/abs/1609.00451). THR.
# - Y. Romano, M. Sesia, E. Candès (2020). Classification with valid and adaptive coverage.
#   *NeurIPS*. [arXiv:2006.02544](https://arxiv.org/abs/2006.02544). APS.
# - A. Angelopoulos, S. Bates, J. Malik, M. Jordan (2021). Uncertainty sets for image classifiers
#   using conformal prediction. *ICLR*. [arXiv:2009.14193](https://arxiv.org/abs/2009.14193). RAPS.
# - V. Vovk (2012). Conditional validity of inductive conformal predictors. *ACML*.
#   [arXiv:1209.2673](https://arxiv.org/abs/1209.2673). How coverage varies over calibration sets.
