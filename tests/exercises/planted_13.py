"""Answers to the quiz: every letter, and what is no letter."""

from planted import Planted

from course_utils import exercises

# Question -> its right answer, and some words that each wrong one must get.
KEY = {
    "ex13_1": ("b", {"a": "luck on these digits", "c": "contest among equals"}),
    "ex13_2": ("b", {"a": "grey", "c": "how else"}),
    "ex13_3": ("b", {"a": "grouping loss", "c": "guesses and says"}),
    "ex13_4": ("b", {"a": "outvote", "c": "too cautious"}),
    "ex13_5": ("a", {"b": "entropy of the mean", "c": "all say the same"}),
    "ex13_6": ("b", {"a": "view(2, 4, 10)", "c": "member after member"}),
    "ex13_7": ("c", {"a": "narrower", "b": "first and the last layer"}),
    "ex13_8": ("b", {"a": "less certain", "c": "what the numbers say"}),
    "ex13_9": ("c", {"a": "images like those", "b": "as far as the score notices"}),
    "ex13_10": ("b", {"a": "lucky or unlucky", "c": "conditional coverage"}),
    "ex13_11": ("b", {"a": "wherever it stands", "c": "people read it"}),
    "ex13_12": ("c", {"a": "one with too few", "b": "no say in how long"}),
    "ex13_13": ("a", {"b": "takes their mean", "c": "add nothing"}),
    "ex13_14": ("a", {"b": "the confidences themselves", "c": "logarithm"}),
    "ex13_15": ("b", {"a": "make these four differ", "c": "like any others"}),
    "ex13_16": ("b", {"a": "four groups of 3", "c": "a whole LeNet"}),
    "ex13_17": ("b", {"a": "divides mistakes by all images", "c": "the ranks"}),
    "ex13_18": ("c", {"a": "costs 0.8", "b": "costs 0.4"}),
    "ex13_19": ("c", {"a": "who would tell you", "b": "accuracy needs labels"}),
    "ex13_20": ("c", {"a": "weighs mistakes", "b": "only the mistakes' part"}),
}

PLANTED = {
    name: Planted(
        wrong=[
            *((f'answer = "{letter}"', words) for letter, words in reasons.items()),
            ("answer = 1", "choose one of"),
        ],
        right=[f'answer = " {right.upper()} "'],
    )
    for name, (right, reasons) in KEY.items()
}

assert len(exercises.of_chapter(13)) == len(KEY) == 20
