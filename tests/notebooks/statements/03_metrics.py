"""What chapter 3 says about its results: a fragment of the sentence, and what must be true."""

CONFIDENCE = "modest.mean.max(axis=1)"
BIN = f"np.minimum(np.floor(15 * {CONFIDENCE}), 14).astype(int)"
COUNT = f"np.bincount({BIN}, minlength=15)"
GAP = f"np.bincount({BIN}, modest.correct - {CONFIDENCE}, minlength=15)"

STATEMENTS = [
    (
        "Two networks can give the same answers",
        "((modest.mean ** (1 / 3)).argmax(axis=1) == modest.predicted).all()",
    ),
    (
        "NLL is several times its entropy",
        "table.loc['NLL', 'modest'] > 3 * table.loc['Entropy', 'modest']",
    ),
    (
        "Every point with an interval lies below the diagonal",
        f"({COUNT} >= 20).sum() >= 6 and ({GAP}[{COUNT} >= 20] < 0).all()",
    ),
    ("Most of them are in the last bin", f"{COUNT}[-1] > 0.9 * len(modest)"),
    (
        "most bins hold a handful of images",
        f"np.median({COUNT}) < 50 and {COUNT}[-1] > 0.9 * len(modest)",
    ),
    (
        "mistakes are more frequent among the least confident",
        "all((~one.correct[one.mean.max(axis=1).argsort()[:500]]).mean()"
        " > 5 * (~one.correct).mean() for one in (modest, lenet))",
    ),
    (
        "can't tell good networks apart",
        "(table.loc['Coverage at 5 % risk (%)'] == 100).all()",
    ),
    (
        "twelve times out of twelve",
        f"np.sort(1 - {CONFIDENCE}[~modest.correct])[:12].max() < 1e-3",
    ),
    ("Right answers pile up at the left", "np.median(doubt[lenet.correct]) < 0.01"),
    (
        "spread over the whole axis",
        "min(np.ptp(doubt[~lenet.correct]), np.ptp(doubt_ood)) > 0.5 * max(doubt_ood)",
    ),
    (
        "hundreds of clothes get a confidence",
        "(doubt_ood < 0.1).sum() > 300 and (doubt > 0.1).sum() > 50",
    ),
    ("these are the clothes it's surest of", "len(np.unique(lenet_ood.predicted)) == 10"),
    (
        "comes close to the networks, or beats them",
        "100 * grey.auroc > table.loc['OOD AUROC (%)'].max() - 2",
    ),
]
