# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # When to trust a classifier
#
# Draw a shoe, or a digit. Eight small networks answer while you draw, and digits are all that they
# know.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown] tags=["lab"]
# This page runs: click into the grey cell below and press **Shift+Enter**, once for each cell. The
# first takes some seconds.

# %%
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.networks import zoo
from course_utils.widgets import drawing_pad

digits, clothes = load_mnist("test"), load_fashion_mnist("test")
eight = zoo.load("deep-ensemble-8")
shoes = clothes.subset([384, 4549, 240, 3070, 6897, 3254])  # the eight are sure of these
drawing_pad(eight, examples={"shoes": shoes, "digits": digits})

# %% [markdown]
# ## Who answers?
#
# Now networks that have learned from few digits look at 200 digits and at 100 pieces of clothing. A
# frame marks a wrong answer. How sure must a network be, before you let it answer without you?

# %%
from course_utils.figures import FASHION
from course_utils.networks.evaluation import predict
from course_utils.widgets.who_answers import who_answers

modest = zoo.load("modest-deep-ensemble-8")
some_digits = digits.subset(slice(None, None, 50))
some_clothes = clothes.subset(slice(None, None, 100))
inside, strays = predict(modest, some_digits), predict(modest, some_clothes)

who_answers(
    {
        "one network": (inside.subset(members=[0]), strays.subset(members=[0])),
        "eight together": (inside, strays),
    },
    some_digits,
    some_clothes,
    stray_names=[FASHION[label] for label in some_clothes.labels],
)

# %% [markdown]
# ## What caution costs
#
# The same choice on 2,000 digits, for one network, for two and for eight: drag the point on its
# curve, and see what is answered, and at what risk.

# %%
from course_utils.widgets import risk_coverage_explorer

more_digits = digits.subset(slice(None, None, 5))
answers = predict(modest, more_digits)
models = {
    "LeNet": answers.subset(members=[0]),
    "DE-2": answers.subset(members=[0, 1]),
    "DE-8": answers,
}
risk_coverage_explorer(models, more_digits)

# %% [markdown] tags=["lab"]
# ## The chapters
#
# - [0. The whole story](00_story.ipynb), 25 minutes. Draw a digit, train three small models, and
#   take one decision.
# - [1. Data](01_data.ipynb), 45 minutes. Look at digits, and at things that a network will call
#   digits.
# - [2. LeNet](02_lenet.ipynb), 45 minutes. Write a network, its loss and its training loop.
# - [3. Reading the table](03_metrics.ipynb), 45 minutes. Find out, row by row, what a network is
#   worth.
# - [4. Deep Ensembles](04_deep_ensembles.ipynb), 45 minutes. Let several networks answer, and
#   switch some of them off.
# - [5. What members disagree about](05_disagreement.ipynb), 35 minutes. Find the digits over which
#   eight networks quarrel.
# - [6. Packed-Ensembles](06_packed_ensembles.ipynb), 40 minutes. Pack an ensemble into one network,
#   and count what that saves.
# - [7. Selective classification](07_selective_classification.ipynb), 40 minutes. Drag a threshold,
#   and learn who answers.
# - [8. Deciding](08_deciding.ipynb), 35 minutes. Run a desk: who answers, who asks a human, and at
#   what price?
# - [9. Calibration, and what it misses](09_calibration.ipynb), 45 minutes. Turn a temperature, and
#   build answers that keep a promise.
# - [10. When the world changes](10_shift.ipynb), 25 minutes. Spoil digits, and see who notices.
# - [11. The sorting office](11_sorting_office.ipynb), 25 minutes. Decide who reads the mail,
#   promise a risk, and submit once.
# - [12. The bug hunt](12_bug_hunt.ipynb), 35 minutes. Hunt ten faults that raise no error.
# - [13. Twenty questions](13_quiz.ipynb), 40 minutes. Answer ten of them, and learn why; ten
#   more are left for a second round.
#
# These are your own copies: change what you like.
