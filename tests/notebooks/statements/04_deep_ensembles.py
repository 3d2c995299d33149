"""What chapter 4 says about its own results, and how to tell whether it is so."""

STATEMENTS = [
    (
        "The mean of the probabilities keeps the doubt.",
        "0.3 < logits.softmax(dim=1).mean(dim=0).min() and "
        "logits.mean(dim=0).softmax(dim=0).max() > 0.99",
    ),
    (
        "*One network* gives members with new random weights",
        "found['one network'] == {'members differ': True, 'first is still trained': False}",
    ),
    (
        "Without the reset all members are the same network",
        "not found['one network, no reset']['members differ']",
    ),
    (
        "A *list of two or more* is taken as it is",
        "found['a list of two'] == {'members differ': True, 'first is still trained': True}",
    ),
    (
        "it takes two *images* of one member",
        "by_image['view'][0] == [101, 102] and by_image['rearrange'][0] == [101, 201]",
    ),
    (
        "`repeat_interleave` gives most rows the label of another image",
        "(labels.repeat_interleave(2) != repeated).float().mean() > 0.5",
    ),
    (
        "With the right recipe the member has gone the way of its twin",
        "(lambda pair: train_a_little(pair, 2, 2) is None and distance > 1e-3 and "
        "(pair.core_models[0].fc1.weight - alone.fc1.weight).abs().max() < 1e-5)"
        "(deep_ensembles([deepcopy(twin), deepcopy(other)]))",
    ),
    (
        "It is. How far below depends on how much the members differ.",
        "of_mean < np.mean(members)",
    ),
    (
        "It makes no difference, up to rounding.",
        "np.abs(of_answers.mean - of_networks.mean).max() < 1e-5",
    ),
    (
        "Training jointly takes about $M$ times the memory",
        "(costs['8 jointly'] / costs['one LeNet']).filter(like='MB').between(7, 8.1).all()",
    ),
    (
        "than the other six together.",
        "(lambda value: value[0] - value[1] > value[1] - value[7])"
        "(figures.series_over_subsets(Choices(modest))['NLL'].value)",
    ),
    (
        "**NLL** falls with every member",
        "(np.diff(figures.series_over_subsets(Choices(modest))['NLL'].value) < 0).all()",
    ),
    (
        "It rises at first, and the eighth member doesn't help.",
        "(lambda value: value[0] < value[1] < value[2] and value[7] <= value[6])"
        "(figures.series_over_subsets(Choices(modest))['Accuracy'].value)",
    ),
    (
        "**ECE** is far lower for eight than for one: these members are too sure",
        "(lambda value: value[7] < value[0] / 3)"
        "(figures.series_over_subsets(Choices(modest))['ECE'].value)"
        " and modest.probabilities.max(axis=2).mean()"
        " > (modest.member_predicted == modest.labels[:, None]).mean()",
    ),
    (
        "But the ECE *rises*",
        "(lambda value: value[7] > 2 * value[0] and value[0] < 0.002)"
        "(figures.series_over_subsets(Choices(good))['ECE'].value)"
        " and good.mean.max(axis=1).mean() < good.correct.mean()",
    ),
]
