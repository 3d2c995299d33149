"""What chapter 8 says one sees, where it says so."""

STATEMENTS = [
    (
        "On validation the risk is at or just below the target",
        "all(row['val: risk (%)'] <= 100 * target for row in rows.values())",
    ),
    (
        "On test it's something else",
        "all(r['test: risk (%)'] != r['val: risk (%)'] for r in rows.values())",
    ),
    (
        "you land above it about as often as below",
        "0.3 < (outcomes['largest coverage'][:, 0] > target).mean() < 0.7",
    ),
    (
        "The guarantees are broken in far fewer than one split of ten",
        "all((outcomes[n][:, 0] > target).mean() < 0.05 for n in ('Bonferroni', 'fixed sequence'))",
    ),
    (
        "Sometimes they cost everything",
        "np.isnan(np.concatenate([outcomes[n][:, 0] for n in outcomes])).any()",
    ),
    (
        "the fixed sequence gives less away than Bonferroni",
        "outcomes['fixed sequence'][:, 1].mean() > outcomes['Bonferroni'][:, 1].mean()",
    ),
    (
        "The risk climbs far above what was promised",
        "shifted.loc[('rotation', 5), 'risk'] > 5 * 100 * target",
    ),
    (
        "all four scores answer fewer digits",
        "all(rows[n, 'digits and clothes']['digits answered (%)'] "
        "< rows[n, 'clean digits']['digits answered (%)'] for n in stream_scores)",
    ),
    (
        "the risk comes back to the neighbourhood of the target",
        "all(rows[n, 'digits and clothes']['risk of the stream (%)'] < 1.3 for n in stream_scores)",
    ),
    (
        "every piece that's answered is one more mistake",
        "all(rows[n, 'clean digits']['risk of the stream (%)'] "
        "> rows[n, 'digits and clothes']['risk of the stream (%)'] for n in stream_scores)",
    ),
    (
        "All four stay below a risk of 5 %",
        "all(row['risk of all answers (%)'] < 5 for row in rows.values())",
    ),
]
