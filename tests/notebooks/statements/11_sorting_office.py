"""What chapter 11 says of its results."""

MISSED = '["wrong among answered (%)"]'
CHOSEN_ON_CLEAN = (
    "lambda predictions, costs: sorting_office.with_thresholds(predictions, "
    "scores.max_probability(predictions), sorting_office.cheapest_thresholds("
    "validation.predicted, scores.max_probability(validation), validation.labels, costs))"
)

STATEMENTS = [
    (
        "Thresholds that were chosen on clean digits are too bold for what comes in.",
        f"office.rehearse({CHOSEN_ON_CLEAN}, checked_on, checked_truth){MISSED}"
        f" > office.rehearse({CHOSEN_ON_CLEAN}, validation){MISSED}",
    ),
    (
        "Referring everything makes no mistakes, and leaves a large regret.",
        "practice.submit(refer_everything, reader, claim).score > 300",
    ),
    (
        "Answering everything leaves a larger one.",
        "practice.submit(answer_everything, reader, claim).score"
        " > practice.submit(refer_everything, reader, claim).score",
    ),
]
