"""What chapter 5 says about its own results, and how to tell whether it is so."""

STATEMENTS = [
    (
        "Several members are quite sure, each of another class",
        "len({int(row.argmax()) for row in modest.probabilities[disputed] if row.max() > 0.7}) > 3",
    ),
    (
        "The most disputed digit.",
        "mutual_information[disputed] > 0.5 * scores.entropy(modest)[disputed]",
    ),
    (
        "Here most members hesitate, each for itself",
        "(modest.probabilities[ambiguous].max(axis=1) < 0.7).sum() > 4"
        " and expected_entropy[ambiguous] > 0.5 * scores.entropy(modest)[ambiguous]",
    ),
    (
        "Is the answer of this ensemble certain, as an entropy of 0 seems to say?",
        "Entropy()(flatly) == 0 and MutualInformation()(flatly) > 0.69",
    ),
    (
        "No pair stands far out",
        "(lambda shares: max(shares) - min(shares) < 0.03)"
        "([(modest.member_predicted[:, i] == modest.member_predicted[:, j]).mean()"
        " for i in range(8) for j in range(i)])",
    ),
    (
        "in ten they aren't unanimous.",
        "0.07 < 1 - (modest.member_predicted == modest.predicted[:, None]).all(axis=1).mean()"
        " < 0.13",
    ),
    (
        "Nearly always, though some unanimous answers are wrong",
        "(~modest.correct[~unanimous]).sum() > (~modest.correct[unanimous]).sum() > 0"
        " and modest.correct[unanimous].mean() > 0.99",
    ),
    (
        "The eight together answer more than even the best of them",
        "coverage[0] > max(coverage[1:])",
    ),
    (
        "But look at the count in the last row",
        "numbers[-1] == 8 and (votes == 8).sum() > 1_000 and (votes < 8).mean() > 0.5",
    ),
    (
        "So agreement is evidence, not proof.",
        "good_clothes.mean[surest].max() > 0.99"
        " and len(set(good_clothes.member_predicted[surest])) == 1",
    ),
    (
        "Most digits sit in the first bar and most clothes further right",
        "(lambda known, ood: (known < ood.max() / 40).mean() > 0.9"
        " and (ood > ood.max() / 40).mean() > 0.9)"
        "(scores.mutual_information(good), scores.mutual_information(good_clothes))",
    ),
    (
        "With each score the eight do better than one of them does on average.",
        "all(row['eight members'] > row['one member'] for row in rows.values()"
        " if row.get('one member', np.nan) == row.get('one member', np.nan)"
        " and 'eight members' in row)",
    ),
    (
        "The largest logit of *one* member finds clothes better",
        "rows['Maximum logit']['one member'] > rows['Mutual information']['eight members']",
    ),
    (
        "Mutual information is the weakest of the ensemble's four.",
        "min((row for row in rows if row != 'Grey pixels'),"
        " key=lambda row: rows[row]['eight members']) == 'Mutual information'",
    ),
    (
        "Counting grey pixels beats all but one.",
        "sum(row['eight members'] > rows['Grey pixels']['no network'] for row in rows.values()"
        " if 'eight members' in row) == 1",
    ),
]
