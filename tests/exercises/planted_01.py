"""Answers to the exercises of chapter 1."""

from planted import Planted
from sklearn.metrics import roc_auc_score
from torch.utils.data import Dataset

DESCRIBE = "def describe(images, labels):\n"
AUROC = "def auroc(digit_scores, clothes_scores):\n"
CROPS = "def random_crops(images, generator):\n"
GUESSER = "def best_guesser(choose_on, report_on, num_guessers, generator):\n"
SHARED = "def num_shared(first, second):\n"
DATASET = """class DigitDataset(Dataset):
    def __init__(self, image_set, transform):
        self.image_set, self.transform = image_set, transform
    def __len__(self):
        return len(self.image_set)
    def __getitem__(self, index):
"""


def crops(draw: str, pad: str = "((0, 0), (4, 4), (4, 4))", before: str = "") -> str:
    """Code of a batch of crops with another way to draw places, or another border."""
    return (
        f"{CROPS}    padded = np.pad(images, {pad})\n    made = []\n    {before or 'pass'}\n"
        f"    for image in padded:\n        {draw}\n"
        "        made.append(image[row : row + 28, column : column + 28])\n"
        "    return np.array(made)"
    )


def guesser(keep: str, give: str) -> str:
    """Code of the guessers with other lines in the loop, or another result."""
    return (
        f"{GUESSER}    best = kept = fresh = 0.0\n    for _ in range(num_guessers):\n"
        "        accuracy = (generator.integers(10, size=len(choose_on)) == choose_on).mean()\n"
        "        again = (generator.integers(10, size=len(report_on)) == report_on).mean()\n"
        f"        {keep}\n    return {give}"
    )


KEEP = "if accuracy > best: best, kept = accuracy, again"

PLANTED = {
    "ex1_1": Planted(
        wrong=[
            (
                DESCRIBE + "    counts = np.unique(labels, return_counts=True)[1]\n"
                "    return counts, (images / 255).mean(), (images / 255).std()",
                "there are 9",
            ),
            (
                DESCRIBE + "    counts = np.bincount(labels, minlength=10)\n"
                "    return counts, images.mean(), images.std()",
                "the mean is on the scale",
            ),
            (
                DESCRIBE + "    counts = np.bincount(labels, minlength=10)\n"
                "    return counts, images.mean() / 255, images.std()",
                "deviation is on the scale",
            ),
            (
                DESCRIBE + "    counts = np.bincount(labels, minlength=10)\n"
                "    return counts, (images / 255).std(), (images / 255).mean()",
                "comes first",
            ),
            (
                DESCRIBE + "    counts = np.bincount(labels, minlength=10)\n"
                "    return counts, (images / 255).mean(), (images / 255).var()",
                "variance",
            ),
            (
                DESCRIBE + "    counts = np.bincount(labels, minlength=10)\n"
                "    brightness = (images / 255).mean(axis=(1, 2))\n"
                "    return counts, brightness.mean(), brightness.std()",
                "*images* differ",
            ),
            (
                DESCRIBE + "    counts = np.bincount(labels, minlength=10)\n"
                "    ink = images[images > 0] / 255\n"
                "    return counts, ink.mean(), ink.std()",
                "ink only",
            ),
            (
                DESCRIBE + "    counts = np.bincount(labels, minlength=10) / len(labels)\n"
                "    return counts, (images / 255).mean(), (images / 255).std()",
                "counts are wrong",
            ),
            (DESCRIBE + "    print(images.mean())", "`None`"),
            (DESCRIBE + "    return images.mean() / 255", "three things"),
            ("describe = 3", "function itself"),
        ],
        right=[
            DESCRIBE + "    counts = [(labels == digit).sum() for digit in range(10)]\n"
            "    return counts, images.mean() / 255, images.std() / 255",
            DESCRIBE + "    pixels = images.ravel() / 255\n"
            "    counts = np.histogram(labels, bins=np.arange(11))[0]\n"
            "    return [counts, np.mean(pixels), np.sqrt(np.mean((pixels - pixels.mean()) ** 2))]",
            DESCRIBE + "    counts = np.zeros(10)\n"
            "    np.add.at(counts, labels, 1)\n"
            "    return counts, np.float32(images.mean() / 255), (images / 255).std(ddof=1)",
        ],
    ),
    "ex1_2": Planted(
        wrong=[
            (AUROC + "    return (clothes_scores[:, None] > digit_scores).mean()", "count nothing"),
            (
                AUROC + "    return (clothes_scores[:, None] >= digit_scores).mean()",
                "count as a success",
            ),
            (
                AUROC + "    pairs = [(d > c) + 0.5 * (d == c)\n"
                "             for d in digit_scores for c in clothes_scores]\n"
                "    return sum(pairs) / len(pairs)",
                "direction is reversed",
            ),
            (
                AUROC + "    higher = clothes_scores > digit_scores\n"
                "    return (higher + 0.5 * (clothes_scores == digit_scores)).mean()",
                "first digit meets only the first",
            ),
            (
                AUROC + "    return (clothes_scores > digit_scores.mean()).mean()",
                "the mean digit",
            ),
            (
                AUROC + "    higher = clothes_scores[:, None] > digit_scores\n"
                "    equal = clothes_scores[:, None] == digit_scores\n"
                "    return (higher + 0.5 * equal).sum() / len(digit_scores) ** 2",
                "How many pairs",
            ),
            (
                AUROC + "    digit_scores.sort()\n"
                "    return np.searchsorted(digit_scores, clothes_scores).mean()",
                "changes its input",
            ),
        ],
        right=[
            AUROC + "    labels = np.repeat([0, 1], [len(digit_scores), len(clothes_scores)])\n"
            "    return roc_auc_score(labels, np.concatenate([digit_scores, clothes_scores]))",
            AUROC + "    ordered = np.sort(digit_scores)\n"
            "    below = np.searchsorted(ordered, clothes_scores, side='left')\n"
            "    upto = np.searchsorted(ordered, clothes_scores, side='right')\n"
            "    return ((below + upto) / 2).mean() / len(ordered)",
        ],
        given={"roc_auc_score": roc_auc_score},
    ),
    "ex1_3": Planted(
        wrong=[
            ('choice = "a"', "nobody writes"),
            ('choice = "b"', "turn a 6"),
            ('choice = "d"', "half of the digit"),
            ('choice = "e"', "choose one of"),
        ],
        right=['choice = " C"'],
    ),
    "ex1_4": Planted(
        wrong=[
            (crops("row, column = generator.integers(8, size=2)"), "begin in row 0 to 7"),
            (crops("row, column = generator.integers(5, size=2)"), "begin in row 0 to 4"),
            (crops("row = column = generator.integers(9)"), "always equal"),
            (
                crops("pass", before="row, column = generator.integers(9, size=2)"),
                "shifted alike",
            ),
            (
                crops(
                    "row, column = generator.integers(9, size=2)", pad="((0, 0), (8, 0), (8, 0))"
                ),
                "on every side",
            ),
            (crops("row, column = np.random.default_rng().integers(9, size=2)"), "two calls"),
            (
                crops(
                    "row, column = rows.integers(9, size=2)",
                    before="rows = np.random.default_rng(1)",
                ),
                "every generator",
            ),
            (
                crops("row, column = generator.choice([0, 1, 2, 3, 4, 4, 5, 6, 7, 8], size=2)"),
                "much more often",
            ),
            (CROPS + "    np.pad(images, 4)", "`None`"),
            (CROPS + "    return images[0]", "the shape is"),
            (CROPS + "    return np.pad(images, 4)[:, 4:32]", "the shape is `[408, 28, 36]`"),
            ("random_crops = 81", "function itself"),
        ],
        right=[
            crops("row, column = generator.choice(9), generator.choice(9)"),
            CROPS + "    padded = np.pad(images, ((0, 0), (4, 4), (4, 4)))\n"
            "    view = np.lib.stride_tricks.sliding_window_view\n"
            "    windows = view(padded, (28, 28), axis=(1, 2))\n"
            "    rows, columns = generator.integers(0, 9, (2, len(images)))\n"
            "    return windows[np.arange(len(images)), rows, columns]",
            CROPS + "    out = np.zeros((len(images), 36, 36))\n"
            "    for canvas, image in zip(out, images):\n"
            "        y, x = generator.integers(9), generator.integers(9)\n"
            "        canvas[y : y + 28, x : x + 28] = image\n"
            "    return out[:, 4:32, 4:32]",
        ],
    ),
    "ex1_5": Planted(
        wrong=[
            (guesser("best, kept = accuracy, again", "best, kept"), "keep the *best*"),
            (
                guesser("best, kept = max(best, accuracy), max(kept, again)", "best, kept"),
                "best of many as well",
            ),
            (guesser(KEEP, "best, best"), "both numbers are the same"),
            (guesser(KEEP, "kept, best"), "order is reversed"),
            (guesser(KEEP, "100 * best, 100 * kept"), "or percent"),
            (guesser(KEEP, "best"), "the shape is a single number"),
            (guesser(KEEP, "best, kept / 2"), "one time in ten"),
            (guesser("best = max(best, accuracy + again)", "best, again"), "should have about"),
            (GUESSER + "    generator.integers(10)", "`None`"),
            (
                GUESSER + "    guesses = np.random.randint(10, size=(num_guessers, 50))\n"
                "    return (guesses == choose_on).mean(axis=1).max(), 0.1",
                "two calls",
            ),
            ("best_guesser = 0.1", "function itself"),
        ],
        right=[
            guesser(KEEP, "best, kept"),
            GUESSER + "    guesses = generator.integers(10, size=(num_guessers, len(choose_on)))\n"
            "    fresh = generator.integers(10, size=len(report_on))\n"
            "    best = (guesses == choose_on).mean(axis=1).max()\n"
            "    return np.array([best, (fresh == report_on).mean()])",
            GUESSER + "    def guess(labels):\n"
            "        return np.mean(generator.integers(10, size=len(labels)) == labels)\n"
            "    return max(guess(choose_on) for _ in range(num_guessers)), guess(report_on)",
        ],
    ),
    "ex1_6": Planted(
        wrong=[
            (
                SHARED + "    return sum((a == b).all() for a, b in zip(first, second))",
                "same place",
            ),
            (
                SHARED + "    return np.isin(first.sum((1, 2)), second.sum((1, 2))).sum()",
                "sums",
            ),
            (
                SHARED + "    one = {a.tobytes() for a in first}\n"
                "    return len(one & {b.tobytes() for b in second})",
                "counts once",
            ),
            (
                SHARED + "    return sum(any((a == b).all() for a in first) for b in second)",
                "roles are exchanged",
            ),
            (SHARED + "    return sum(image in set(second) for image in first)", "TypeError"),
            (
                SHARED + "    return sum(all((a != b).any() for b in second) for a in first)",
                "*not* in the second",
            ),
            (SHARED + "    known = {b.tobytes() for b in second}", "`None`"),
            (SHARED + "    return [a.tobytes() for a in first]", "is expected"),
        ],
        right=[
            SHARED + "    return sum(any((a == b).all() for b in second) for a in first)",
            SHARED + "    count = 0\n"
            "    known = set(map(bytes, second))\n"
            "    for image in first:\n"
            "        count += bytes(image) in known\n"
            "    return count",
            SHARED + "    a, b = (x.reshape(len(x), -1) for x in (first, second))\n"
            "    return (a[:, None] == b).all(axis=2).any(axis=1).sum()",
        ],
    ),
    "ex1_7": Planted(
        wrong=[
            (DATASET + "        return self.image_set[index]", "isn't transformed"),
            (DATASET + "        return self.transform(self.image_set[index][0])", "two things"),
            (
                DATASET + "        image, label = self.image_set[index]\n"
                "        return label, self.transform(image)",
                "image comes first",
            ),
            (
                DATASET + "        image, label = self.image_set[0]\n"
                "        return self.transform(image), label",
                "image number 2",
            ),
            (
                DATASET + "        return self.transform(self.image_set[index][0]), index",
                "the label of item 2 is 1",
            ),
            (
                DATASET.replace("len(self.image_set)", "28")
                + "        image, label = self.image_set[index]\n"
                "        return self.transform(image), label",
                "says 28",
            ),
            (DATASET + "        self.transform(self.image_set[index][0])", "returns nothing"),
            (DATASET + "        return image_set[index]", "NameError"),
            ("DigitDataset = [1, 2, 3]", "class itself"),
        ],
        right=[
            DATASET + "        image, label = self.image_set[index]\n"
            "        return self.transform(image), label",
            DATASET + "        item = self.image_set[index]\n"
            "        return (self.transform(item[0]), int(item[1]))",
            "class DigitDataset:\n"
            "    def __init__(self, image_set, transform):\n"
            "        self.images = [transform(image) for image, _ in image_set]\n"
            "        self.labels = image_set.labels\n"
            "    def __len__(self):\n"
            "        return self.labels.size\n"
            "    def __getitem__(self, index):\n"
            "        return [self.images[index], self.labels[index]]",
        ],
        given={"Dataset": Dataset},
    ),
    "ex1_8": Planted(
        wrong=[
            ('choice = "a"', "flatter the winner"),
            ('choice = "b"', "harder than the rest"),
            ('choice = "d"', "fitted to these digits"),
            ("choice = True", "choose one of"),
        ],
        right=['choice = " C "'],
    ),
}
