# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Appendix: a repair with more freedom
#
# Chapter 9 repairs confidences with one number. What if we allow a whole curve?

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# **Isotonic regression** (Zadrozny and Elkan, 2002) assumes only that a higher score should not
# mean a lower probability. For each class it fits the rising staircase that is nearest to the truth
# on the calibration images (scikit-learn joins neighbouring steps by a straight ramp, on which few
# images lie), then the ten results are divided by their sum. We fit both methods on few and on all
# validation digits.

# %%
import numpy as np
import pandas as pd
from torch_uncertainty.post_processing import IsotonicRegressionScaler, TemperatureScaler

from course_utils.images import batches, load_mnist
from course_utils.metrics import scores, selective
from course_utils.metrics.calibration import expected_calibration_error
from course_utils.metrics.classification import negative_log_likelihood
from course_utils.metrics.predictions import Predictions
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

# %%
data_val, data_test = load_mnist("val"), load_mnist("test")
lenet = zoo.load("modest-lenet-0")
before = predict(lenet, data_test)


def summary(predictions):
    uncertainty = scores.max_probability(predictions)
    return {
        "accuracy": predictions.correct.mean(),
        "NLL": negative_log_likelihood(predictions),
        "ECE": expected_calibration_error(predictions),
        "AURC": selective.risk_coverage(uncertainty, predictions.correct).aurc,
    }


# %%
def repaired(scaler, images):
    """What a fitted scaler makes of some images."""
    outputs = [scaler(inputs).detach().numpy() for inputs, _ in batches(images, 500)]
    return Predictions(np.concatenate(outputs)[:, np.newaxis], images.labels)


def num_distinct(answers):
    """How many different confidences there are."""
    return len(np.unique(answers.mean.max(axis=1).round(9)))


# %%
generator = np.random.default_rng(seed=1)
results = {"no repair": summary(before) | {"distinct confidences": num_distinct(before)}}
for method in (TemperatureScaler, IsotonicRegressionScaler):
    for count in (200, len(data_val)):
        chosen = data_val.subset(generator.choice(len(data_val), count, replace=False))
        scaler = method(lenet)
        scaler.fit(batches(chosen, 500), progress=False)
        answers = repaired(scaler, data_test)
        name = f"{method.__name__.removesuffix('Scaler')}, {count:,} digits"
        results[name] = summary(answers) | {"distinct confidences": num_distinct(answers)}
pd.DataFrame(results).T.round(4)

# %% [markdown]
# Read it row by row.
#
# - The temperature has one number to fit. From two hundred digits, with a handful of mistakes among
#   them, it may come out a little off, but it keeps all answers and, nearly, their order.
# - With two hundred digits most steps of the staircases fit noise: compare the NLL. A class that
# was never the true one below some score gets a probability
#   of nearly 0 there (torch-uncertainty stops at one in a million), and one surprise then costs a
#   lot. With more digits the gap to the temperature shrinks.
# - A staircase is flat on its steps. Images that stand on the same steps of all ten staircases get
#   the same confidence, and **no threshold can separate them any more**. Images that share the step
#   of their own class only are put in a new order by the division. Compare the distinct confidences
#   (to nine decimals) with those of the temperature, and the AURC. Even the answer may change,
#   since each class has its own staircase.
#
# With all validation digits the staircases still leave a higher AURC and a higher NLL than the
# temperature does. On our scale of data, take the temperature.

#
# *Source:* B. Zadrozny, C. Elkan (2002). Transforming classifier scores into accurate multiclass
# probability estimates. *KDD*.
# [doi:10.1145/775047.775151](https://doi.org/10.1145/775047.775151).
