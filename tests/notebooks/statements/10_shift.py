"""What chapter 10 says about its results, to be checked where it says so."""

STATEMENTS = [
    (
        "At severity 5 it is lower than on the digits",
        "all(one['accuracy'][5] < one['accuracy'][0] for one in modest_shift.values())",
    ),
    (
        "ends far above where it began",
        "all(one['ECE'][5] > 2 * one['ECE'][0] for one in modest_shift.values())",
    ),
    (
        "so the networks do notice",
        "all(one['entropy (nats)'][5] > one['entropy (nats)'][0] for one in modest_shift.values())",
    ),
    (
        "An ensemble, DE-8 as well as PE-4, is punished",
        "max(modest_shift[name]['ECE'][5] for name in ('DE-8', 'PE-4'))"
        " < modest_shift['LeNet']['ECE'][5]",
    ),
    (
        "energy and maximum logit beat the entropy",
        "min(rows['AUROC', 'good', 'DE-8'][one] for one in ('energy', 'maximum logit'))"
        " > rows['AUROC', 'good', 'DE-8']['entropy']",
    ),
    (
        "With small batches the number is different, and flattering here",
        "rows['torchmetrics, batches of 10'] > rows['without torchmetrics, all at once'] + 0.001",
    ),
    (
        "the answers are worthless, and the confidence is far",
        "all(rows['as loaded', name]['accuracy'] < 0.5"
        " and rows['as loaded', name]['mean confidence']"
        " > rows['as loaded', name]['accuracy'] + 0.1 for name in ('LeNet', 'DE-8'))",
    ),
    (
        "**Disagreement** rises, too",
        "all(modest_shift[name]['disagreement'][5] > modest_shift[name]['disagreement'][0]"
        " for name in ('DE-8', 'PE-4'))",
    ),
    (
        "There are both signs",
        "all(((predictions.mean.max(axis=1) - predictions.correct).reshape(len(CORRUPTIONS), -1)"
        ".mean(axis=1) > 0).any() for predictions in answers.values())"
        " and any(((predictions.mean.max(axis=1) - predictions.correct)"
        ".reshape(len(CORRUPTIONS), -1).mean(axis=1) < 0).any()"
        " for predictions in answers.values())",
    ),
    (
        "mutual information is behind the entropy",
        "all(rows['AUROC', 'modest', name]['mutual information']"
        " < rows['AUROC', 'modest', name]['entropy'] for name in ('DE-8', 'PE-4'))",
    ),
]
