"""What chapter 9 says about its results, to be checked where it says so."""

STATEMENTS = [
    (
        "learned from only 2,000 digits",
        "__import__('course_utils.networks.zoo', fromlist=['zoo'])"
        ".facts('modest-lenet-0')['num_train'] == 2_000",
    ),
    (
        "the fitted temperature, NLL and ECE are better than at",
        "fitted['NLL'] < turned[1]['NLL'] and fitted['ECE'] < turned[1]['ECE']",
    ),
    (
        "The accuracy is the same in every column",
        "len({one['accuracy'] for one in [*turned.values(), fitted]}) == 1",
    ),
    (
        "The AURC moves much less than NLL and ECE",
        "(lambda t: (t.max(axis=1) / t.min(axis=1)).pipe("
        "lambda r: 1.5 * r['AURC'] < min(r['NLL'], r['ECE'])))(pd.DataFrame(turned))",
    ),
    (
        "each member needs a temperature well above 1",
        "all(calibration.member_temperatures(validated[name]).min() > 1.1"
        " for name in ('DE-8', 'PE-4'))",
    ),
    (
        "the average becomes too cautious",
        "(ways.xs('calibrate, then pool', level=1)['excess'] < -0.005).all()",
    ),
    (
        "Yet the ECE of both ensembles gets worse",
        "(ways.xs('pool, then calibrate', level=1)['ECE']"
        " > ways.xs('no repair', level=1)['ECE']).all()"
        " and (ways.xs('pool, then calibrate', level=1)['T'] > 1).all()",
    ),
    (
        "If it's near 0, as for these ensembles",
        "(ways.xs('no repair', level=1)['excess'].abs() < 0.01).all()",
    ),
    (
        "one group lies above the confidence and the other below",
        "(lambda t: (abs(t['says'] - t['right']) < 0.03).all()"
        " and (t['right, lucky'] > t['says']).all() and (t['right, unlucky'] < t['says']).all())"
        "(by_group(says, right, lucky, edges, ('lucky', 'unlucky')))",
    ),
    (
        "upright digits are right more often than turned ones",
        "(groups['right, upright'] > groups['right, turned']).all()"
        " and (abs(groups['right'] - groups['says']) < 0.1).all()",
    ),
    (
        "all networks keep the promise about equally",
        "promises.loc[list(modest), 'coverage'].between(0.98, 0.995).all()"
        " and promises.loc['DE-8', 'mean size'] < promises.loc['LeNet', 'mean size']"
        " and (promises['lowest class'] < promises['coverage'])[list(modest)].all()",
    ),
    (
        "For turned and covered digits the promise is",
        "promises.loc[['LeNet, rotation', 'LeNet, occlusion'], 'coverage'].max() < 0.97"
        " and promises.loc[['LeNet, contrast', 'LeNet, blur'], 'mean size'].min() > 8",
    ),
    (
        "with the plain quantile it falls short",
        "coverages['plain quantile'].mean() < 0.95 <= coverages['with the + 1'].mean() + 0.002",
    ),
]
