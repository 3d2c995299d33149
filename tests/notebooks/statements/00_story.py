"""What chapter 0 says about its results, to be checked where it says so."""

STATEMENTS = [
    (
        "gives the same kind of batch",
        "len(torchvision_loader) == 430 and len(train_set) == 55_000",
    ),
    (
        "One by one, the digits take many times as long to load",
        "len(train_loader) == len(torchvision_loader)",
    ),
    ("on the 10,000 test digits and as many pictures of", "len(data_test) == len(data_ood)"),
    (
        "is the probability that the network is",
        "0.5 < tested[0]['ood/AUROC'] < 1 and 0.9 < tested[0]['test/cls/Acc'] < 1",
    ),
    (
        "Two LeNets together answer better than one",
        "(table.loc['DE-2', ['test/cls/Acc', 'ood/AUROC']]"
        " > table.loc['LeNet', ['test/cls/Acc', 'ood/AUROC']]).all()"
        " and (table.loc['DE-2', ['test/cls/NLL', 'test/sc/AURC']]"
        " < table.loc['LeNet', ['test/cls/NLL', 'test/sc/AURC']]).all()",
    ),
    (
        "The Packed-Ensemble is about as large as one LeNet",
        "abs(table.at['PE-4', 'test/cplx/params'] / table.at['LeNet', 'test/cplx/params'] - 1)"
        " < 0.05 and table.at['DE-2', 'test/cplx/params']"
        " == 2 * table.at['LeNet', 'test/cplx/params']",
    ),
    (
        "the single LeNet has the best",
        "table['test/cal/ECE'].idxmin() == 'LeNet'",
    ),
    (
        "The AUROCs agree",
        "all(abs(one['AUROC, course'] - one['AUROC, torch-uncertainty']) < 1e-5"
        " for one in both.values())",
    ),
    (
        "The ECEs may differ a little",
        "all(abs(one['ECE, course'] / one['ECE, torch-uncertainty'] - 1) < 0.02"
        " for one in both.values())",
    ),
    (
        "so both ensembles claim *less* than they achieve",
        "(table['test/cls/Entropy'] > table['test/cls/NLL'])[['DE-2', 'PE-4']].all()",
    ),
    (
        "The first few percent of referrals remove most of the mistakes",
        "(~correct[np.argsort(uncertainty)[: int(0.95 * len(correct))]]).sum()"
        " < 0.5 * (~correct).sum()",
    ),
    (
        "Our threshold is cheaper than both extremes",
        "on_test.cost_at(decided) < min(on_test.cost_at(np.inf), on_test.cost_at(-np.inf))",
    ),
    (
        "it leaves far fewer wrong answers",
        "((1 - test.mean.max(axis=1) <= decided) & ~test.correct).sum()"
        " < 0.5 * (~test.correct).sum()",
    ),
]
