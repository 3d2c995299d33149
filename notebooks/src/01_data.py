# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1. Data
#
# A neural network answers any question you put to it. Show it a handwritten 4, and it says "4".
# Show it a sandal, and it still names one of the ten digits, often with great confidence. To know
# when to believe it, we start with the images: a network can't know more than they show.
#
# **Questions**
#
# - What does the network see, and what has it never seen?
# - Which changes to an image leave its label true?
# - Why do we need three sets of images and not two?
#
# **Objectives.** After this chapter you can
#
# - describe a set of images by its classes, counts and pixel statistics;
# - say what "out-of-distribution" means here, and measure how well a score finds it;
# - write a random crop, and recognise changes that make a label false;
# - show how choosing on the test set flatters the winner, and check that two sets share no image;
# - write a `Dataset`, load images in batches in two ways, and say what each costs;
# - spot two traps in a ready-made loader.
#
# **Time.** About 45 minutes to read, play and solve eight exercises. Nothing is trained yet.

# %% tags=["colab"] jupyter={"source_hidden": true}
# Google Colab only: installs the course. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    print("This copy of the course does not know its address. To set it, its publisher runs:")
    print("make address URL=https://github.com/OWNER/NAME")

# %% [markdown]
# ## Draw in a corner
#
# A network trained on MNIST has only ever seen digits that were scaled and centred in the same way.
# Draw a small 7 in a corner of the sheet. The network probably reads it well, because the sheet
# scales and centres it first. Now clear the tick at *scale and centre like MNIST*, and watch the
# answer. It's the same 7.

# %%
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.networks import zoo
from course_utils.widgets import drawing_pad

data_train, data_val, data_test = (load_mnist(split) for split in ("train", "val", "test"))
fashion_val = load_fashion_mnist("val")
drawing_pad(zoo.load("lenet-0"), examples={"digits": data_val, "clothes": fashion_val})

# %% [markdown]
# The button *Example: clothes* brings up images that aren't digits at all. The network still has to
# say one.
#
# ## The digits
#
# MNIST is a set of handwritten digits (LeCun et al., 1998). All 70,000 come with the course, in
# three parts: one to train on, one to make choices with (`val`, for validation), and one to report
# on (`test`).

# %%
[data_train, data_val, data_test]

# %% [markdown]
# Each image is a table of 28 by 28 whole numbers, where 0 is paper and 255 is full ink. Here is
# every second row and column from the middle of a zero. Can you see the ring?

# %%
first_zero = data_train.images[data_train.labels == 0][0]
print(first_zero[4:24:2, 4:24:2])

# %% [markdown]
# Numbers like these are all a network ever gets. We prefer pictures: one row per class, drawn at
# random from the training digits.

# %%
import numpy as np

from course_utils import figures

figures.sample_grid(data_train.images, data_train.labels, per_class=16, seed=0)

# %% [markdown]
# One class varies a lot: ones lean, some sevens have a bar, some fours are closed at the top like
# nines. If none of these gives you pause, look again.

# %% [markdown]
# ### Exercise 1.1: A description in numbers
#
# *About 4 minutes.* How many images of each class are there, and how bright are they? Return three
# things: the number of images of each of the ten classes (an array, zeros included), and the mean
# and the standard deviation of all pixels on a scale from 0 (paper) to 1 (ink).
#
# Replace the `...` and run the cell. Hints and a solution unfold below it.

# %%
from course_utils.exercises.chapter_01 import ex1_1


def describe(images, labels):
    """Images of each of the ten classes, mean and standard deviation of the pixels, 0 to 1."""
    return ...


ex1_1.check(describe)

# %%
ex1_1.help

# %% [markdown]
# Networks learn faster from inputs with mean 0 and standard deviation 1 (LeCun et al., 1998). So
# every grey value $g$ becomes $x = (g / 255 - \text{MEAN}) / \text{STD}$, with two constants that
# nearly everybody uses for MNIST. Do they fit?

# %%
import pandas as pd

from course_utils.images import MEAN, STD

sets = {"train": data_train, "val": data_val, "test": data_test, "clothes": fashion_val}
description = pd.DataFrame(
    {name: np.bincount(images.labels, minlength=10) for name, images in sets.items()}
).T
description["mean"] = [images.images.mean() / 255 for images in sets.values()]
description["std"] = [images.images.std() / 255 for images in sets.values()]
print(f"MEAN = {MEAN}, STD = {STD}")
description.round(4)

# %% [markdown]
# They fit: they're the mean and the standard deviation of MNIST's 60,000 training images. We use
# them for *every* image, clothes included, because the network expects one scale. No digit is rare,
# so accuracy can't hide a class on which the network fails. The validation digits have exactly 500
# of each class because they were chosen that way.

# %% [markdown]
# ## Images the network won't know
#
# Fashion-MNIST has the same format, but shows clothes (Xiao et al., 2017). For a network that only
# knows digits, *no* answer can be right.

# %%
figures.sample_grid(
    fashion_val.images, fashion_val.labels, class_names=figures.FASHION, per_class=12
)

# %% [markdown]
# Think of the training images as draws from a distribution $p(x, y)$ of images and labels. A fresh
# draw from it, such as a test digit, is **in-distribution**. An image from another distribution is
# **out-of-distribution** (OOD). Here the difference is drastic: the right label isn't among the ten
# the network knows, and the only good reaction is doubt.
#
# How hard are the two to tell apart? Before we praise a network for it, we try something that
# learns nothing: the share of pixels that are grey, neither pure paper nor full ink.


# %%
def share_of_grey(images):
    """Share of pixels strictly between paper and full ink, for each image."""
    return ((images > 0) & (images < 255)).mean(axis=(1, 2))


digit_scores, clothes_scores = share_of_grey(data_val.images), share_of_grey(fashion_val.images)
print(f"mean share of grey: digits {digit_scores.mean():.3f}, clothes {clothes_scores.mean():.3f}")

# %% [markdown]
# To judge a score we use the **AUROC**: the probability that a random OOD image gets a higher score
# than a random digit. 1 is perfect, and 0.5 is guessing.

# %%
from sklearn.metrics import roc_auc_score

is_ood = np.repeat([0, 1], [len(digit_scores), len(clothes_scores)])
print(f"AUROC: {roc_auc_score(is_ood, np.concatenate([digit_scores, clothes_scores])):.3f}")

# %% [markdown]
# That's remarkably good for counting pixels. Fashion-MNIST is an *easy* OOD test: a network that
# fails it has a problem, and one that passes hasn't proved much. Remember this number when you
# measure the AUROC of networks.

# %% [markdown]
# ### Exercise 1.2: The AUROC by hand
#
# *About 4 minutes.* Write the AUROC without a library. Form all pairs of one digit and one piece of
# clothing. A pair counts 1 if the clothes have the higher score, one half if the two scores are
# equal, and 0 otherwise. Return the mean over all pairs. Both arguments are NumPy arrays.

# %%
from course_utils.exercises.chapter_01 import ex1_2


def auroc(digit_scores, clothes_scores):
    """Probability that random clothes score higher than a random digit; ties count half."""
    return ...


ex1_2.check(auroc)

# %%
ex1_2.help

# %% [markdown]
# ## Changing an image but not its label
#
# More varied training images make a better network, and we can make some ourselves as long as the
# label stays true. This is called **augmentation**. Ours is a random crop: put a border of 4 pixels
# around the image, and cut out a window of 28 by 28 at a random place. Here are two windows of one
# digit.

# %%
two = data_train.images[data_train.labels == 2][7]
figures.crop_windows(two, padding=4, corners=[(1, 0), (6, 7)])

# %% [markdown]
# torchvision has this crop ready. Here are three digits with nine crops each.

# %%
import torch
from torchvision.transforms import v2

padding = 4
random_crop = v2.RandomCrop(28, padding=padding)
torch.manual_seed(0)

originals = np.stack([data_train.images[data_train.labels == digit][7] for digit in (2, 6, 7)])
crops = np.stack(
    [[random_crop(torch.tensor(image[None]))[0].numpy() for _ in range(9)] for image in originals]
)
figures.augmentation_sheet(originals, crops, name=f"nine random crops, padding {padding}")

# %% [markdown]
# A crop only shifts the digit. MNIST's digits were scaled into a box of 20 by 20 and centred in the
# image, which leaves a margin of about 4 pixels: very little ink gets lost, and the label stays
# true.
#
# **Try it.** Change `padding` to 12 and run the cell again. Where would *you* refuse to read the
# digit? Then set it back to 4.

# %% [markdown]
# ### Exercise 1.3: Which change is safe?
#
# *About 2 minutes.* Which of these changes leaves the labels of *all* ten digits true?

# %%
from course_utils.exercises.chapter_01 import ex1_3

ex1_3.ask()

# %% [markdown]
# Here are the three unsafe changes and two more.

# %%
changes = {
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "turned by 90°": np.rot90,
    "turned by 180°": lambda image: np.rot90(image, 2),
    "pushed sideways": lambda image: np.roll(image, 14, axis=1) * (np.arange(28) >= 14),
}
changed = np.stack([[change(image) for change in changes.values()] for image in originals])
figures.augmentation_sheet(originals, changed, name="changes", column_names=list(changes))

# %% [markdown]
# A network trained on such images learns wrong answers, or learns to be sure where nobody can be.

# %% [markdown]
# ### Exercise 1.4: Crop a batch
#
# *About 6 minutes.* Write the random crop for a whole batch in NumPy. `images` is uint8 of shape
# [N, 28, 28]. Put 4 pixels of paper around each image and cut out a window of 28 by 28 at a random
# place, for each image a different one: `generator.integers(n)` draws a whole number from 0 to
# n - 1. All possible windows should be equally likely.

# %%
from course_utils.exercises.chapter_01 import ex1_4


def random_crops(images, generator):
    """A window of 28 by 28 at a random place of each image, in a border of 4 pixels."""
    return ...


ex1_4.check(random_crops)

# %%
ex1_4.help

# %% [markdown]
# ## Why three sets of images
#
# The training set fits the weights. But we also *choose*: a learning rate, a network, a number of
# epochs. Once we've chosen by the score on some images, is that score still an honest forecast? You
# find out with "classifiers" that answer at random without looking. Each one's true accuracy is one
# in ten.

# %% [markdown]
# ### Exercise 1.5: The best of many guessers
#
# *About 7 minutes.* Let `num_guessers` guessers answer the digits in `choose_on` (an array of
# labels), each by drawing from `generator.integers(10, size=…)`. Keep the one with the highest
# accuracy there, then let it guess again, on the labels in `report_on`. Return its two accuracies:
# where it was chosen, and on the fresh digits.

# %%
from course_utils.exercises.chapter_01 import ex1_5


def best_guesser(choose_on, report_on, num_guessers, generator):
    """Accuracy of the best of many guessers where it was chosen, and on fresh digits."""
    return ...


ex1_5.check(best_guesser)

# %%
ex1_5.help

# %% [markdown]
# How does the gap grow with the number of guessers? A guesser's hits on 100 digits follow a
# binomial distribution, so we can draw them directly, 300 times for each number of guessers.

# %%
num_digits = 100
generator = np.random.default_rng(seed=0)

num_candidates = np.array([1, 3, 10, 30, 100, 300, 1_000])
where_chosen = np.array(
    [
        generator.binomial(num_digits, 0.1, size=(300, k)).max(axis=1).mean() / num_digits
        for k in num_candidates
    ]
)
on_fresh = generator.binomial(num_digits, 0.1, size=(len(num_candidates), 300)).mean(axis=1)
figures.best_of_many(num_candidates, where_chosen, on_fresh / num_digits)

# %% [markdown]
# The more candidates, the more the winner is flattered. The best of many scores is partly luck, and
# luck doesn't carry over to fresh digits. For $k$ equally good candidates and $n$ images the
# expected gap is at most $\sqrt{\ln k \, / \, (2n)}$ (Hoeffding, 1963). Real networks fail on the
# same images, which makes their gap smaller. It's still a gap.
#
# Hence the rule of this course: **fit on train, choose on validation, report on test, once.**
#
# **Try it.** Set `num_digits` to 1,000 and run the cell again. What happens to the gap?

# %% [markdown]
# ### Exercise 1.6: Do two sets share images?
#
# *About 3 minutes.* Three sets only help if they share no image. Write a function that counts how
# many images of the first array are also somewhere in the second, pixel for pixel. An image that
# appears twice in the first array counts twice. Both arrays are uint8 of shape [N, 28, 28].

# %%
from course_utils.exercises.chapter_01 import ex1_6


def num_shared(first, second):
    """How many images of the first array are also in the second."""
    return ...


ex1_6.check(num_shared)

# %%
ex1_6.help

# %% [markdown]
# How large should a test set be? An error rate $e$ measured on $n$ images has a standard error of
# $\sqrt{e (1 - e) / n}$. For a network that gets one digit in a hundred wrong:

# %%
for n in (1_000, 5_000, 10_000):
    print(f"{n:6,} images: {0.01:.2%} errors, give or take {np.sqrt(0.01 * 0.99 / n):.2%}")

# %% [markdown]
# With 1,000 digits the uncertainty is about a third of the error rate itself. And never take the
# *first* thousand of MNIST's test digits: the first half was written by other people than the
# second, and is harder (Yadav and Bottou, 2019).

# %% [markdown]
# ## Batches
#
# A network is trained on a few images at a time, a **batch**. The course's `batches` keeps all grey
# values in memory and prepares a whole batch at once: pick, crop, normalise.

# %%
from course_utils.images import batches

loader_memory = batches(data_train, batch_size=128, shuffle=True, crop_padding=4, seed=0)
images, labels = next(iter(loader_memory))
print(f"{len(loader_memory)} batches; the first: images {tuple(images.shape)}, {images.dtype}")
print(f"mean {images.mean():.2f}, standard deviation {images.std():.2f}; labels {labels.dtype}")

# %% [markdown]
# The shape is images, channels, rows, columns; grey images have one channel. Most PyTorch projects
# do it another way: a **Dataset** returns one image with its label, **transforms** prepare the
# image, and a **DataLoader** collects a batch. torchvision's MNIST is such a Dataset. It finds its
# files in a folder that `torchvision_root` prepares from the ones we ship.

# %%
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision.datasets import MNIST

from course_utils.images import torchvision_root, validation_indices

to_network = v2.Compose(
    [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([MEAN], [STD])]
)
crop_then_to_network = v2.Compose([v2.RandomCrop(28, padding=4), to_network])

root = torchvision_root()
mnist = MNIST(root, train=True, transform=crop_then_to_network)
is_validation = np.isin(np.arange(len(mnist)), validation_indices())
dataset = Subset(mnist, np.flatnonzero(~is_validation))
loader_familiar = DataLoader(dataset, batch_size=128, shuffle=True)
print(f"{len(mnist):,} digits, of which {len(dataset):,} are for training")

# %% [markdown]
# torchvision only knows train and test, so our validation digits are among its 60,000. `Subset`
# leaves them out. Both ways give the same digits in the same format. What do they cost?

# %%
from itertools import islice
from time import perf_counter

for name, loader in {"DataLoader": loader_familiar, "batches": loader_memory}.items():
    start = perf_counter()
    num_batches = sum(1 for _ in islice(loader, 20))
    seconds = (perf_counter() - start) / num_batches
    print(f"{name:10} {1_000 * seconds:6.1f} ms a batch, {seconds * len(loader):6.1f} s an epoch")

# %% [markdown]
# The familiar way converts, crops and normalises one image at a time, in Python, and is many times
# slower. A network as small as ours would spend its time waiting. For large photographs that don't
# fit in memory, a DataLoader with several workers is the right tool.

# %% [markdown]
# ### Exercise 1.7: A Dataset of your own
#
# *About 5 minutes.* Sooner or later your images won't be in torchvision. Write a `Dataset` for an
# image set of this course: `len(image_set)` is its size, and `image_set[index]` gives an array and
# a label. An item of the Dataset is the transformed image with its label.

# %%
from course_utils.exercises.chapter_01 import ex1_7


class DigitDataset(Dataset):
    def __init__(self, image_set, transform): ...

    def __len__(self): ...

    def __getitem__(self, index): ...


ex1_7.check(DigitDataset)

# %%
ex1_7.help

# %% [markdown]
# ## A ready-made loader and its two traps
#
# torch-uncertainty brings a *datamodule*, an object that holds all loaders:
# `trainer.test(routine, datamodule=datamodule)`. That's convenient, but look at which images it
# takes.

# %%
from torch_uncertainty.datamodules import MNISTDataModule

datamodule = MNISTDataModule(
    root=root, batch_size=128, eval_ood=True, num_workers=0, persistent_workers=False
)
datamodule.setup()
for role, part in (("val", datamodule.val), ("test", datamodule.test), ("ood", datamodule.ood)):
    file = "train" if part.train else "test"
    print(f"{role:4} {len(part):6,} images of {type(part).__name__}'s {file} file")

# %% [markdown]
# 1. **Validation is the test set.** Whatever you choose on it is chosen on test, unless you pass
#    `val_split`.
# 2. **The OOD images are Fashion-MNIST's training images**, six times as many as the test digits.
#    Other people report on the test images, and some metrics depend on the ratio.
#
# This course uses its own loaders, with as many OOD images as digits.

# %% [markdown]
# ### Exercise 1.8: Which images to choose with?
#
# *About 2 minutes.* You have two scores that should find clothes among digits, and want to keep the
# better one. Afterwards you'll report its AUROC. Which images do you use to *choose*?

# %%
from course_utils.exercises.chapter_01 import ex1_8

ex1_8.ask()

# %% [markdown]
# How far did you get?

# %%
from course_utils import exercises

exercises.progress(1)

# %% [markdown]
# ## What you have learned
#
# - A network sees 28 by 28 numbers, scaled with two constants, and nothing else.
# - Digits are in-distribution, clothes are out-of-distribution. They're easy to tell apart, as
#   counting grey pixels shows.
# - A small shift keeps the label true. A mirror image or half a turn doesn't.
# - Choosing flatters the winner: fit on train, choose on validation, report on test, once.
# - A DataLoader and `batches` give the same digits, at very different prices.
#
# **What comes next.** In chapter 2 you write LeNet, a small network from the days of MNIST, and
# train it on these batches.
#
# ### Sources
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). Gradient-based learning applied to document
#   recognition. *Proceedings of the IEEE* 86(11).
#   [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791)
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998). Efficient BackProp. In *Neural Networks:
#   Tricks of the Trade*, Springer.
# - H. Xiao, K. Rasul, R. Vollgraf (2017). Fashion-MNIST: a novel image dataset for benchmarking
#   machine learning algorithms. [arXiv:1708.07747](https://arxiv.org/abs/1708.07747)
# - C. Yadav, L. Bottou (2019). Cold case: the lost MNIST digits. *NeurIPS*.
#   [arXiv:1905.10498](https://arxiv.org/abs/1905.10498)
# - W. Hoeffding (1963). Probability inequalities for sums of bounded random variables. *Journal of
#   the American Statistical Association* 58(301).
#   [doi:10.1080/01621459.1963.10500830](https://doi.org/10.1080/01621459.1963.10500830)
