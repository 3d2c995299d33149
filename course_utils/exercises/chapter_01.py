"""Exercises of chapter 1: images, and how to keep them apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.images import ImageSet

from . import guard
from .exercise import NotAttempted, NotYet
from .kinds import Built, Choice, Function, Misconception, as_array

FIND = 'say what "out-of-distribution" means here, and measure how well a score finds it'
CHANGE = "write a random crop, and recognise changes that make a label false"
FLATTER = (
    "show how choosing on the test set flatters the winner, and check that two sets share no image"
)


# --- 1.1 ----------------------------------------------------------------------------------------
def _describes(describe: Any, *more: Any) -> None:
    if not callable(describe):
        raise NotYet("pass the function itself, `describe`, without calling it.")
    generator = np.random.default_rng(10)
    labels = generator.integers(0, 9, 60)  # no nine among them
    images = np.where(generator.random((60, 28, 28)) < 0.2, 200, 0).astype(np.uint8)
    images[:20] //= 3
    found = guard.call(describe, images, labels)
    if found is ...:
        raise NotAttempted
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        as_array(found)  # None, words and the like have sentences of their own
        raise NotYet("return three things, with commas between them: counts, mean, deviation.")
    counts, (mean, deviation) = as_array(found[0]), (float(as_array(x, ())) for x in found[1:])
    if counts.shape != (10,):
        raise NotYet(
            f"ten counts are asked for, and there are {counts.size}. A class without an image "
            "counts 0."
        )
    if not np.array_equal(counts, np.bincount(labels, minlength=10)):
        raise NotYet("the counts are wrong. How often does each label occur?")
    pixels = images / 255
    if np.isclose(mean, images.mean()):
        raise NotYet("the mean is on the scale from 0 to 255. Divide the pixels by 255 first.")
    if np.isclose(mean, pixels.std()) and np.isclose(deviation, pixels.mean()):
        raise NotYet("the mean comes first, then the standard deviation.")
    if np.isclose(mean, pixels[pixels > 0].mean()):
        raise NotYet("this is the mean of the ink only. Paper counts too, as 0.")
    if not np.isclose(mean, pixels.mean(), rtol=1e-4):
        raise NotYet(f"the mean is wrong: {mean:.4f} instead of {pixels.mean():.4f}.")
    if np.isclose(deviation, images.std()):
        raise NotYet("the standard deviation is on the scale from 0 to 255.")
    if np.isclose(deviation, pixels.var()):
        raise NotYet("this is the variance. The standard deviation is its square root.")
    if np.isclose(deviation, pixels.mean(axis=(1, 2)).std()):
        raise NotYet("this says how much the *images* differ in brightness. Take all pixels.")
    if not np.isclose(deviation, pixels.std(), rtol=1e-4):
        raise NotYet(f"the deviation is wrong: {deviation:.4f} instead of {pixels.std():.4f}.")


ex1_1 = Built(
    name="ex1_1",
    title="A description in numbers",
    objective="describe a set of images by its classes, counts and pixel statistics",
    minutes=4,
    task=(
        "How many images of each class are there, and how bright are they? Return three things: "
        "the number of images of each of the ten classes (an array, zeros included), and the mean "
        "and the standard deviation of all pixels on a scale from 0 (paper) to 1 (ink)."
    ),
    stub='''def describe(images, labels):
    """Images of each of the ten classes, mean and standard deviation of the pixels, 0 to 1."""
    return ...''',
    passed="describe",
    hints=(
        "NumPy counts whole numbers with `np.bincount`. What if the last class doesn't occur?",
        "`np.bincount(labels, minlength=10)` always has ten entries. The pixels go from 0 to 255.",
        "Divide `images` by 255 once; `.mean()` and `.std()` of the result are the other two.",
    ),
    answer='''def describe(images, labels):
    """Images of each of the ten classes, mean and standard deviation of the pixels, 0 to 1."""
    counts = np.bincount(labels, minlength=10)
    pixels = images / 255
    return counts, pixels.mean(), pixels.std()''',
    why=(
        "Three lines, and worth writing for every data set before anything is trained: they find "
        "missing classes, and images on the wrong scale. Try it on `data_train.images` and "
        "`data_train.labels`."
    ),
    try_out=_describes,
)


# --- 1.2 ----------------------------------------------------------------------------------------
def _auroc(digit_scores: np.ndarray, clothes_scores: np.ndarray, tie: float = 0.5) -> float:
    clothes = clothes_scores[:, None]
    return float(np.mean((clothes > digit_scores) + tie * (clothes == digit_scores)))


def _beats_the_mean(digit_scores: np.ndarray, clothes_scores: np.ndarray) -> float:
    return float((clothes_scores > digit_scores.mean()).mean())


def _scores_of_digits_and_clothes() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(11)
    votes = generator.integers(0, 5, 30) / 4, generator.integers(1, 6, 30) / 4  # many ties
    return [
        (np.array([0.1, 0.4, 0.4, 0.7]), np.array([0.4, 0.9, 0.3, 0.8])),
        votes,
        (generator.normal(0, 1, 25), generator.normal(0.8, 2, 25)),
    ]


def _more_clothes_than_digits(auroc: Callable[..., Any]) -> None:
    # not among the inputs: NumPy would refuse a comparison one to one, without a hint
    digits, clothes = np.arange(6.0), np.arange(1.5, 16.0)
    value = guard.call(auroc, digits, clothes)
    if not np.isclose(as_array(value, ()), _auroc(digits, clothes)):
        raise NotYet(
            f"with {len(digits)} digits and {len(clothes)} pieces of clothing it is wrong. How "
            "many pairs are there?"
        )


ex1_2 = Function(
    name="ex1_2",
    title="The AUROC by hand",
    objective=FIND,
    minutes=4,
    task=(
        "Write the AUROC without a library. Form all pairs of one digit and one piece of clothing. "
        "A pair counts 1 if the clothes have the higher score, one half if the two scores are "
        "equal, and 0 otherwise. Return the mean over all pairs. Both arguments are NumPy arrays."
    ),
    stub='''def auroc(digit_scores, clothes_scores):
    """Probability that random clothes score higher than a random digit; ties count half."""
    return ...''',
    passed="auroc",
    hints=(
        "*All* pairs: each piece of clothing meets every digit. What shape does that table have?",
        "`clothes_scores[:, None]` has the shape [N, 1]. Compared with an array of length M it "
        "gives a table of [N, M] answers.",
        "Two tables, one with `>` and one with `==`. Half of the second added to the first, and "
        "then `.mean()`.",
    ),
    answer='''def auroc(digit_scores, clothes_scores):
    """Probability that random clothes score higher than a random digit; ties count half."""
    higher = clothes_scores[:, None] > digit_scores
    equal = clothes_scores[:, None] == digit_scores
    return (higher + 0.5 * equal).mean()''',
    why=(
        "The AUROC looks at the order of the scores only: no threshold, no unit. A score that is "
        "the same for all images gets one half, as guessing does."
    ),
    reference=_auroc,
    inputs=_scores_of_digits_and_clothes,
    examine=_more_clothes_than_digits,
    misconceptions=(
        Misconception(
            lambda digits, clothes: _auroc(digits, clothes, tie=0.0),
            "pairs of equal scores count nothing here. They count one half: a coin would decide "
            "them.",
        ),
        Misconception(
            lambda digits, clothes: _auroc(digits, clothes, tie=1.0),
            "pairs of equal scores count as a success here. They count one half: a coin would "
            "decide them.",
        ),
        Misconception(
            lambda digits, clothes: 1 - _auroc(digits, clothes),
            "the direction is reversed: a pair counts where the *clothes* have the higher score.",
        ),
        Misconception(
            lambda digits, clothes: float(
                ((clothes > digits) + 0.5 * (clothes == digits)).mean(),
            ),
            "the first digit meets only the first piece of clothing, the second the second, and so "
            "on. All pairs are asked for: each piece of clothing meets every digit.",
        ),
        Misconception(
            _beats_the_mean,
            "the clothes are compared with the mean digit. A mean says nothing about how widely "
            "the digits are spread: compare with each of them.",
        ),
    ),
)

# --- 1.3 ----------------------------------------------------------------------------------------
ex1_3 = Choice(
    name="ex1_3",
    title="Which change is safe?",
    objective=CHANGE,
    minutes=2,
    task=("Which of these changes leaves the labels of *all* ten digits true?"),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Do each of these to a 2, a 6 and a 7, on paper or in your head.",
        "Which digits turn into other digits, or into no digit at all?",
        "People lean their digits by several degrees without noticing.",
    ),
    answer='choice = "c"',
    why=(
        "People's handwriting leans by that much anyway. With larger angles it becomes doubtful: a "
        "7 that lies on its side is no longer a 7."
    ),
    correct="c",
    options={
        "a": "mirror the image, left to right",
        "b": "turn it by 180 degrees",
        "c": "turn it by up to 10 degrees",
        "d": "push it sideways by half its width",
    },
    reasons={
        "a": "an 8 survives that, but nobody writes a 2 or a 7 that way round.",
        "b": "turn a 6 by 180 degrees and read it again.",
        "d": "half of the digit is gone then, and what's left can belong to several digits.",
    },
)


# --- 1.4 ----------------------------------------------------------------------------------------
PLACES = 9  # for the window in each direction, with a border of 4


def _offsets(images: np.ndarray, crops: np.ndarray) -> np.ndarray:
    """Row and column at which each crop was cut out of its padded image, -1 where nowhere."""
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4)))
    found = np.full((len(images), 2), -1)
    for row in range(PLACES):
        for column in range(PLACES):
            window = padded[:, row : row + 28, column : column + 28]
            found[(window == crops).all(axis=(1, 2))] = row, column
    return found


def _crops(random_crops: Any, *more: Any) -> None:
    if not callable(random_crops):
        raise NotYet("pass the function itself, `random_crops`, without calling it.")
    images = np.random.default_rng(12).integers(1, 256, (400, 28, 28), dtype=np.uint8)

    def crops(seed: int) -> np.ndarray:
        generator = np.random.default_rng(seed)
        value = guard.call(lambda images: random_crops(images, generator), images)
        return as_array(value, images.shape)

    first = crops(0)
    if not np.array_equal(first, crops(0)):
        raise NotYet(
            "two calls with equal generators give different crops. Take all random numbers from "
            "`generator`."
        )
    if np.array_equal(first, crops(1)):
        raise NotYet(
            "every generator gives the same crops. Draw the places from the `generator` that is "
            "passed."
        )
    offsets = _offsets(images, first)
    if (offsets < 0).any():
        raise NotYet(
            f"crop number {(offsets < 0).any(axis=1).argmax()} isn't a window of its own image "
            "with 4 pixels of paper (zeros) on every side."
        )
    rows, columns = offsets.T
    if len(np.unique(offsets, axis=0)) == 1:
        raise NotYet("all images of the batch are shifted alike. Draw a place for each of them.")
    if (rows == columns).all():
        raise NotYet("row and column are always equal. Draw two numbers for each image.")
    for name, places in (("row", rows), ("column", columns)):
        counts = np.bincount(places, minlength=PLACES)
        if not counts[[0, -1]].all():
            raise NotYet(
                f"400 crops begin in {name} {places.min()} to {places.max()} of the padded image. "
                "A window of 28 by 28 fits into 36 by 36 pixels at more places."
            )
        expected = len(images) / PLACES
        if (np.abs(counts - expected) > 5 * np.sqrt(expected)).any():
            raise NotYet(
                f"some places come much more often than others: of 400 crops, {counts} begin in "
                f"{name} 0 to 8."
            )


ex1_4 = Built(
    name="ex1_4",
    title="Crop a batch",
    objective=CHANGE,
    minutes=6,
    task=(
        "Write the random crop for a whole batch in NumPy. `images` is uint8 of shape [N, 28, 28]. "
        "Put 4 pixels of paper around each image and cut out a window of 28 by 28 at a random "
        "place, for each image a different one: `generator.integers(n)` draws a whole number from "
        "0 to n - 1. All possible windows should be equally likely."
    ),
    stub='''def random_crops(images, generator):
    """A window of 28 by 28 at a random place of each image, in a border of 4 pixels."""
    return ...''',
    passed="random_crops",
    hints=(
        "With its border an image has 36 by 36 pixels. In which rows can the window begin?",
        "`np.pad(images, ((0, 0), (4, 4), (4, 4)))` adds the border to all images. Then loop over "
        "them.",
        "`row, column = generator.integers(9, size=2)`, and the window is "
        "`image[row : row + 28, column : column + 28]`.",
    ),
    answer='''def random_crops(images, generator):
    """A window of 28 by 28 at a random place of each image, in a border of 4 pixels."""
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4)))
    crops = np.empty_like(images)
    for index, image in enumerate(padded):
        row, column = generator.integers(9, size=2)
        crops[index] = image[row : row + 28, column : column + 28]
    return crops''',
    why=(
        "9 places across times 9 down make 81 versions of each digit. Beware of torchvision's "
        "`RandomCrop` here: if you give it a whole batch, it shifts all images alike."
    ),
    try_out=_crops,
)


# --- 1.5 ----------------------------------------------------------------------------------------
def _expected_best(num_guessers: int, num_digits: int) -> float:
    """Mean accuracy of the best of many guessers, from the binomial distribution of its hits."""
    chances = np.zeros(num_digits + 1)
    chances[0] = 1.0
    for _ in range(num_digits):
        chances[1:] = 0.9 * chances[1:] + 0.1 * chances[:-1]
        chances[0] *= 0.9
    at_most = np.cumsum(chances)
    return float((1 - at_most**num_guessers).sum() / num_digits)


def _flatters(best_guesser: Any, *more: Any) -> None:
    if not callable(best_guesser):
        raise NotYet("pass the function itself, `best_guesser`, without calling it.")
    generator = np.random.default_rng(1_000)  # no guesser's seed: it would guess the labels
    choose_on, report_on = generator.integers(10, size=50), generator.integers(10, size=200)

    def accuracies(seed: int) -> np.ndarray:
        own = np.random.default_rng(seed)
        value = guard.call(lambda a, b: best_guesser(a, b, 30, own), choose_on, report_on)
        if value is ...:
            raise NotAttempted
        if isinstance(value, (tuple, list)) and len(value) == 2:
            return np.array([float(as_array(one, ())) for one in value])
        return as_array(value, (2,))

    # several pairs: two results may be equal by chance
    if any(not np.array_equal(accuracies(seed), accuracies(seed)) for seed in range(12)):
        raise NotYet(
            "two calls with equal generators give different results. Take all guesses from "
            "`generator`."
        )
    chosen, fresh = np.array([accuracies(seed) for seed in range(80)]).T
    if max(chosen.max(), fresh.max()) > 1:
        raise NotYet(
            "an accuracy is a share between 0 and 1. Is this a number of hits, or percent?"
        )
    if np.array_equal(chosen, fresh):
        raise NotYet("both numbers are the same. On the fresh digits the winner guesses again.")
    best, flattered = _expected_best(30, 50), _expected_best(30, 200)
    if abs(fresh.mean() - best) < 0.02 and abs(chosen.mean() - 0.1) < 0.02:
        raise NotYet("the order is reversed: first where it was chosen, then the fresh digits.")
    if abs(chosen.mean() - 0.1) < 0.02:
        raise NotYet(
            f"over 80 calls your winner has a mean accuracy of {chosen.mean():.2f} where it was "
            "chosen, as any guesser has. Keep the *best* of all."
        )
    if abs(chosen.mean() - best) > 0.02:
        raise NotYet(
            f"with 30 guessers and 50 digits the best should have about {best:.2f} on average "
            f"where it was chosen, and yours has {chosen.mean():.2f}."
        )
    if abs(fresh.mean() - flattered) < 0.01:
        raise NotYet(
            "the accuracy on the fresh digits is the best of many as well. Only the winner of the "
            "first digits guesses again."
        )
    if abs(fresh.mean() - 0.1) > 0.01:
        raise NotYet(
            f"on fresh digits a guesser is right one time in ten, and yours has {fresh.mean():.2f}."
        )


ex1_5 = Built(
    name="ex1_5",
    title="The best of many guessers",
    objective=FLATTER,
    minutes=7,
    task=(
        "Let `num_guessers` guessers answer the digits in `choose_on` (an array of labels), each "
        "by drawing from `generator.integers(10, size=…)`. Keep the one with the highest accuracy "
        "there, then let it guess again, on the labels in `report_on`. Return its two accuracies: "
        "where it was chosen, and on the fresh digits."
    ),
    stub='''def best_guesser(choose_on, report_on, num_guessers, generator):
    """Accuracy of the best of many guessers where it was chosen, and on fresh digits."""
    return ...''',
    passed="best_guesser",
    hints=(
        "All guessers are alike, so the only thing you need to keep is the best accuracy so far.",
        "A guesser's accuracy is `(generator.integers(10, size=len(choose_on)) == choose_on)"
        ".mean()`. Loop, and keep the highest.",
        "After the loop the winner guesses `len(report_on)` more digits. Return both accuracies.",
    ),
    answer='''def best_guesser(choose_on, report_on, num_guessers, generator):
    """Accuracy of the best of many guessers where it was chosen, and on fresh digits."""
    best = 0.0
    for _ in range(num_guessers):
        guesses = generator.integers(10, size=len(choose_on))
        accuracy = (guesses == choose_on).mean()
        if accuracy > best:
            best = accuracy
    fresh_guesses = generator.integers(10, size=len(report_on))
    return best, (fresh_guesses == report_on).mean()''',
    why=(
        "Call it with `data_val.labels[:100]`, `data_test.labels`, 1,000 guessers and "
        "`np.random.default_rng(0)`: the winner looks about twice as good as chance, and on fresh "
        "digits nothing of that is left."
    ),
    try_out=_flatters,
)


# --- 1.6 ----------------------------------------------------------------------------------------
def _shared(first: np.ndarray, second: np.ndarray) -> int:
    known = {image.tobytes() for image in second}
    return sum(image.tobytes() in known for image in first)


def _shared_distinct(first: np.ndarray, second: np.ndarray) -> int:
    return len({image.tobytes() for image in first} & {image.tobytes() for image in second})


def _shared_ink(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.isin(first.sum(axis=(1, 2)), second.sum(axis=(1, 2))).sum())


def _same_place(first: np.ndarray, second: np.ndarray) -> int:
    return int((first == second).all(axis=(1, 2)).sum())


def _two_sets() -> list[tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(13)
    images = generator.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    moved = np.roll(images[5], 3, axis=1)  # as much ink, another image
    first = np.stack([images[i] for i in (0, 1, 2, 3, 4, 5, 3, 6)])
    second = np.stack([*images[10:13], images[3], moved, images[1], images[1], images[1]])
    third = np.stack([images[i] for i in (7, 8, 9, 15, 16, 17, 18, 19)])
    return [(first, second), (second, first), (first, third)]


ex1_6 = Function(
    name="ex1_6",
    title="Do two sets share images?",
    objective=FLATTER,
    minutes=3,
    task=(
        "Three sets only help if they share no image. Write a function that counts how many images "
        "of the first array are also somewhere in the second, pixel for pixel. An image that "
        "appears twice in the first array counts twice. Both arrays are uint8 of shape [N, 28, 28]."
    ),
    stub='''def num_shared(first, second):
    """How many images of the first array are also in the second."""
    return ...''',
    passed="num_shared",
    hints=(
        "An image may stand at another place in the second array. With a loop over both it works, "
        "and takes a while for 55,000 times 10,000 images.",
        "A `set` finds its elements at once, but cannot hold arrays. It can hold `bytes`.",
        "`known = {image.tobytes() for image in second}`; then count the images of the first array "
        "with `image.tobytes() in known`.",
    ),
    answer='''def num_shared(first, second):
    """How many images of the first array are also in the second."""
    known = {image.tobytes() for image in second}
    return sum(image.tobytes() in known for image in first)''',
    why=(
        "An image in both sets is a question that was asked before. Try your function on "
        "`data_train.images` and `data_test.images`. It finds exact copies only: the same digit "
        "shifted by a pixel, or another digit of the same writer, is harder to find."
    ),
    reference=_shared,
    inputs=_two_sets,
    misconceptions=(
        Misconception(
            _same_place,
            "images are compared only where they stand at the same place in both arrays. A copy "
            "may stand anywhere.",
        ),
        Misconception(
            _shared_ink,
            "it looks as if the *sums* of the pixels were compared. A shifted digit has as much "
            "ink and is another image.",
        ),
        Misconception(
            _shared_distinct,
            "an image that stands twice in the first array counts once here. Both take part in "
            "training: count both.",
        ),
        Misconception(
            lambda first, second: _shared(second, first),
            "the roles are exchanged: this counts images of the second array.",
        ),
        Misconception(
            lambda first, second: int(_shared(first, second) > 0),
            "this says whether there is any. How many are there?",
        ),
        Misconception(
            lambda first, second: len(first) - _shared(first, second),
            "these are the images of the first array that are *not* in the second.",
        ),
    ),
)


# --- 1.7 ----------------------------------------------------------------------------------------
def _halved(image: np.ndarray) -> np.ndarray:
    return np.asarray(image, float) / 2 + 0.25


def _dataset(kind: Any, *more: Any) -> None:
    if not isinstance(kind, type):
        raise NotYet("pass the class itself, `DigitDataset`, without parentheses.")
    generator = np.random.default_rng(17)
    images = generator.integers(0, 256, (4, 28, 28), dtype=np.uint8)
    image_set = ImageSet(images, np.array([7, 2, 1, 0]), "four digits")
    dataset = guard.call(lambda: kind(image_set, _halved))
    length = guard.call(lambda: kind.__len__(dataset)) if hasattr(kind, "__len__") else None
    if length is ... or (length is None and not vars(dataset)):
        raise NotAttempted
    if length is None:
        raise NotYet("`__len__` returns `None`: is the `return` missing?")
    if length != 4:
        raise NotYet(f"of an image set with 4 images `__len__` says {length}.")
    for index in (2, 0):
        item = guard.call(lambda index=index: dataset[index])
        if item is None or item is ...:
            raise NotYet("`__getitem__` returns nothing yet.")
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise NotYet("an item is two things, an image and its label.")
        image, label = item
        if np.ndim(image) < np.ndim(label):
            raise NotYet("the image comes first, then the label.")
        if np.array_equal(image, images[index]):
            raise NotYet("the image isn't transformed. Call `transform` on it.")
        if not np.array_equal(image, _halved(images[index])):
            raise NotYet(f"item {index} doesn't hold the transformed image number {index}.")
        if np.ndim(label) or label != image_set.labels[index]:
            raise NotYet(
                f"the label of item {index} is {image_set.labels[index]}, and yours is {label}."
            )


ex1_7 = Built(
    name="ex1_7",
    title="A Dataset of your own",
    objective="write a `Dataset`, load images in batches in two ways, and say what each costs",
    minutes=5,
    task=(
        "Sooner or later your images won't be in torchvision. Write a `Dataset` for an image set "
        "of this course: `len(image_set)` is its size, and `image_set[index]` gives an array and a "
        "label. An item of the Dataset is the transformed image with its label."
    ),
    stub="""class DigitDataset(Dataset):
    def __init__(self, image_set, transform): ...

    def __len__(self): ...

    def __getitem__(self, index): ...""",
    passed="DigitDataset",
    hints=(
        "The three methods have one job each: remember, count, and give one item.",
        "`self.image_set = image_set` remembers it. `image, label = self.image_set[index]` takes "
        "one image out.",
        "`__getitem__` returns `self.transform(image), label`.",
    ),
    answer="""class DigitDataset(Dataset):
    def __init__(self, image_set, transform):
        self.image_set = image_set
        self.transform = transform

    def __len__(self):
        return len(self.image_set)

    def __getitem__(self, index):
        image, label = self.image_set[index]
        return self.transform(image), label""",
    why=(
        "That's all a DataLoader needs: `DataLoader(DigitDataset(data_test, to_network), "
        "batch_size=128)` gives the same batches as `batches(data_test, 128)`, to the last bit."
    ),
    try_out=_dataset,
)


# --- 1.8 ----------------------------------------------------------------------------------------
ex1_8 = Choice(
    name="ex1_8",
    title="Which images to choose with?",
    objective="spot two traps in a ready-made loader",
    minutes=2,
    task=(
        "You have two scores that should find clothes among digits, and want to keep the better "
        "one. Afterwards you'll report its AUROC. Which images do you use to *choose*?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "Ask of each answer: will these images be used again for the report? Has the network been "
        "fitted to them?",
        "A network has seen its training digits, and is surer of them than of new ones.",
        "Remember who wrote the first half of MNIST's test set.",
    ),
    answer='choice = "c"',
    why=(
        "Both kinds of images are new to the network, and none of them comes back in the report. "
        "There are as many of one as of the other because some metrics depend on the ratio."
    ),
    correct="c",
    options={
        "a": "MNIST's test digits and Fashion-MNIST's test images: those count in the end",
        "b": "the first thousand test images of either; the rest is for the report",
        "c": "the validation digits and as many of Fashion-MNIST's training images",
        "d": "the training digits and Fashion-MNIST's training images: there are many more of them",
    },
    reasons={
        "a": "the images you choose on flatter the winner, and scores are no exception. You still "
        "want to report on these.",
        "b": "the two parts don't overlap, which is good. But other people wrote the first part of "
        "MNIST's test set, and it's harder than the rest.",
        "d": "the network was fitted to these digits and is surer of them than of new ones. They "
        "would look easier to tell from clothes than they are.",
    },
)
