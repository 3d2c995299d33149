"""What chapter 7 says one sees, where it says so."""

STATEMENTS = [
    (
        "Some mistakes are gone, and so are some right answers",
        "(~correct & ~answered).any() and (correct & ~answered).any()",
    ),
    ("At the right end everything is answered", "curve.coverage[-1] == 1"),
    (
        "Three columns stay the same to the last digit, and the ECE changes a lot",
        "len({row['AURC (%)'] for row in rows.values()}) == 1 "
        "and max(r['ECE (%)'] for r in rows.values()) > 3 * rows['as it is']['ECE (%)']",
    ),
    ("The column on the right never falls", "steps['coverage * risk'].is_monotonic_increasing"),
    ("on most digits all members agree", "(scores.disagreement(test['PE-4']) == 0).mean() > 0.5"),
    (
        "a threshold can only take or leave the lot",
        "scores.variation_ratio(test['PE-4']).min() == 0",
    ),
    (
        "The first two rows are nearly the same",
        "np.corrcoef(*(shares[n][~packed.correct] for n in ('maximum probability', 'entropy')))"
        "[0, 1] > 0.9",
    ),
    (
        "The rows of probabilities stay paler",
        "shares['entropy'][~packed.correct].mean() "
        "< shares['variation ratio'][~packed.correct].mean()",
    ),
    (
        "Votes catch all of the split mistakes",
        "all(caught[n]['variation ratio'] == 100 for n in groups if n.startswith('split'))",
    ),
    ("They catch none of the first group", "caught['all agree, all wrong']['disagreement'] == 0"),
    (
        "Scores that see probabilities catch a good part of it",
        "caught['all agree, all wrong']['maximum probability'] > 25",
    ),
]
