"""Answers to the exercises of chapter 5."""

import torch
from planted import Planted
from sklearn.metrics import roc_auc_score
from torch_uncertainty.metrics.classification import Entropy, MutualInformation

SPLIT = (
    "def split_entropy(probabilities):\n"
    "    def entropy(p):\n"
    "        return -(p * {log}(np.where(p > 0, p, 1))).sum(-1)\n"
    "    total = entropy(probabilities.mean(1))\n"
    "    expected = entropy(probabilities).mean(1)\n"
)
NATS = SPLIT.format(log="np.log")
LIBRARY = "def library_split(probabilities):\n    mean = probabilities.mean(dim=1)\n"
AGREE = "def agreement(votes):\n    same = (votes[:, :, None] == votes[:, None]).mean(0)\n"
AUROC = "def auroc(digits, clothes):\n    clothes = clothes[:, None]\n"
GREY = "def grey_pixels(images):\n"

PLANTED = {
    "ex5_1": Planted(
        wrong=[
            (
                SPLIT.format(log="np.log2")
                + "    return np.stack([total, expected, total - expected], axis=1)",
                "bits",
            ),
            (
                NATS + "    return np.stack([expected, expected, 0 * expected], axis=1)",
                "takes the mean first",
            ),
            (
                NATS + "    return np.stack([expected, total, expected - total], axis=1)",
                "third is negative",
            ),
            (
                NATS + "    return np.stack([expected, total, total - expected], axis=1)",
                "stands first",
            ),
            (
                NATS + "    return np.stack([total, expected, expected - total], axis=1)",
                "wrong sign",
            ),
            (
                NATS + "    return np.stack([total, expected, expected + total], axis=1)",
                "the sum of the first two",
            ),
            (NATS + "    return np.stack([total, expected, total - expected])", "the shape is"),
            (
                "def split_entropy(p):\n    m = p.mean(1)\n    t = -(m * np.log(m)).sum(-1)\n"
                "    e = -(p * np.log(p)).sum(-1).mean(1)\n    return np.stack([t, e, t - e], 1)",
                "logarithm of 0",
            ),
            (
                NATS + "    expected = entropy(probabilities).sum(1)\n"
                "    return np.stack([total, expected, total - expected], axis=1)",
                "entropies are summed",
            ),
            (
                NATS + "    return -np.stack([total, expected, total - expected], axis=1)",
                "sign is missing",
            ),
            (
                NATS + "    mean = [total.mean(), expected.mean(), (total - expected).mean()]\n"
                "    return np.tile(mean, (len(total), 1))",
                "averages over the images",
            ),
            (NATS + "    print(total)", "`return` missing"),
        ],
        right=[
            NATS + "    ratio = probabilities / probabilities.mean(1, keepdims=True)\n"
            "    ratio = np.where(probabilities > 0, ratio, 1)\n"
            "    mutual = (probabilities * np.log(ratio)).sum(2).mean(1)\n"
            "    return np.column_stack([total, expected, mutual])",
            "def split_entropy(probabilities):\n"
            "    def entropy(p):\n"
            "        return -sum(x * np.log(x) for x in p if x > 0)\n"
            "    rows = []\n"
            "    for image in probabilities:\n"
            "        total = entropy(image.mean(axis=0))\n"
            "        expected = sum(map(entropy, image)) / len(image)\n"
            "        rows.append([total, expected, total - expected])\n"
            "    return rows",
        ],
    ),
    "ex5_2": Planted(
        wrong=[
            ('choice = "a"', "depends on the mean only"),
            ('choice = "b"', "members' own entropies"),
            ('choice = "c"', "what each member said"),
            ("choice = None", "choose one of"),
        ],
        right=['choice = "D"'],
    ),
    "ex5_3": Planted(
        wrong=[
            (
                LIBRARY + "    entropy = Entropy()(probabilities)\n"
                "    return entropy, entropy, MutualInformation()(probabilities)",
                "averages over the members",
            ),
            (
                LIBRARY + "    entropy = Entropy()(mean)\n"
                "    return entropy, entropy, MutualInformation()(probabilities)",
                "once more",
            ),
            (
                LIBRARY + "    total, expected = Entropy()(probabilities), Entropy()(mean)\n"
                "    return total, expected, MutualInformation()(probabilities)",
                "swapped",
            ),
            (
                LIBRARY + "    total, expected = Entropy()(mean), Entropy()(probabilities)\n"
                "    return total, expected, MutualInformation()(mean[:, None])",
                "as if there were one member",
            ),
            (
                LIBRARY + "    total, expected = Entropy()(mean), Entropy()(probabilities)\n"
                "    return np.array([total, expected, total - expected]) / np.log(2)",
                "in bits",
            ),
            (
                LIBRARY + "    how = {'reduction': 'sum'}\n"
                "    return (Entropy(**how)(mean), Entropy(**how)(probabilities),\n"
                "            MutualInformation(**how)(probabilities))",
                "sums over the images",
            ),
            (LIBRARY + "    return Entropy()(mean)", "the shape is"),
            (LIBRARY + "    return MutualInformation(probabilities)", "ValueError"),
        ],
        right=[
            LIBRARY + "    total, expected = Entropy()(mean), Entropy()(probabilities)\n"
            "    return torch.stack([total, expected, total - expected])",
            LIBRARY + "    each = [MutualInformation()(one[None]) for one in probabilities]\n"
            "    members = [Entropy()(one) for one in probabilities.swapaxes(0, 1)]\n"
            "    return [Entropy()(mean), np.mean(members), np.mean(each)]",
        ],
        given={"torch": torch, "Entropy": Entropy, "MutualInformation": MutualInformation},
    ),
    "ex5_4": Planted(
        wrong=[
            (AGREE + "    return 1 - same", "they *differ*"),
            (AGREE + "    return same * (1 - np.eye(len(same)))", "agree with itself"),
            (AGREE + "    return len(votes) * same", "numbers of images"),
            (AGREE + "    return 100 * same", "percentages"),
            (AGREE + "    return np.tril(same)", "upper half"),
            (AGREE + "    return np.triu(same)", "lower half"),
            (AGREE + "    return (votes[:, :, None] == votes[:, None]).mean(2)", "the shape is"),
            (AGREE, "`return` missing"),
        ],
        right=[
            AGREE + "    return same",
            "def agreement(votes):\n"
            "    columns = votes.T\n"
            "    return [[sum(a == b) / len(a) for a in columns] for b in columns]",
        ],
    ),
    "ex5_5": Planted(
        wrong=[
            (AUROC + "    return (clothes > digits).mean()", "count nothing"),
            (AUROC + "    return (clothes >= digits).mean()", "count in full"),
            (
                AUROC + "    return (clothes < digits).mean() + (clothes == digits).mean() / 2",
                "other way round",
            ),
            (
                AUROC + "    share = (clothes > digits).mean() + (clothes == digits).mean() / 2\n"
                "    return 100 * share",
                "percentage",
            ),
            (
                AUROC + "    return (clothes > digits).sum() + (clothes == digits).sum() / 2",
                "all pairs",
            ),
            (AUROC + "    return clothes.mean() > digits.mean()", "two means"),
            (
                AUROC + "    return (clothes > digits).mean(0) + (clothes == digits).mean(0) / 2",
                "the shape is",
            ),
            ("def auroc(digits, clothes):\n    return (clothes > digits).mean()", "ValueError"),
        ],
        right=[
            "def auroc(digits, clothes):\n"
            "    truth = [0] * len(digits) + [1] * len(clothes)\n"
            "    return roc_auc_score(truth, np.concatenate([digits, clothes]))",
            AUROC + "    return np.where(clothes == digits, 0.5, clothes > digits).mean()",
        ],
        given={"roc_auc_score": roc_auc_score},
    ),
    "ex5_6": Planted(
        wrong=[
            (
                GREY + "    return ((images >= 20) & (images <= 235)).mean(axis=(1, 2))",
                "don't count as grey",
            ),
            (GREY + "    return ((images > 20) | (images < 235)).mean(axis=(1, 2))", "*or*"),
            (GREY + "    return ((images <= 20) | (images >= 235)).mean(axis=(1, 2))", "*not*"),
            (
                GREY + "    return 100 * ((images > 20) & (images < 235)).mean(axis=(1, 2))",
                "percentages",
            ),
            (
                GREY + "    return ((images > 20) & (images < 235)).sum(axis=(1, 2))",
                "numbers of pixels",
            ),
            (GREY + "    return images.mean(axis=(1, 2))", "how bright"),
            (GREY + "    return ((images > 20) & (images < 235)).mean()", "the shape is"),
            (GREY + "    return (20 < images < 235).mean(axis=(1, 2))", "ValueError"),
            (GREY + "    (images > 20).mean()", "`return` missing"),
        ],
        right=[
            GREY + "    return [((i > 20) & (i < 235)).mean() for i in images]",
            GREY + "    grey = np.logical_and(images > 20, images < 235)\n"
            "    return grey.reshape(len(images), -1).sum(axis=1) / images[0].size",
        ],
    ),
}
