"""Answers to the quiz: every letter, and what is no letter."""

from planted import Planted

from course_utils import exercises

# Question -> its right answer, and some words that each wrong one must get.
KEY = {
    "ex13_1": ("b", {"a": "luck on these digits", "c": "contest among equals"}),
    "ex13_2": ("b", {"a": "grey", "c": "how else"}),
    "ex13_3": ("b", {"a": "grouping loss", "c": "guesses is calibrated"}),
    "ex13_4": ("b", {"a": "outvote", "c": "too cautious"}),
    "ex13_5": ("a", {"b": "entropy of the mean", "c": "all say the same"}),
    "ex13_6": ("b", {"a": "view(2, 4, 10)", "c": "member after member"}),
    "ex13_7": ("c", {"a": "narrower", "b": "first and the last layer"}),
    "ex13_8": ("b", {"a": "less sure", "c": "what the numbers say"}),
    "ex13_9": ("c", {"a": "images like those", "b": "as far as the score notices"}),
    "ex13_10": ("b", {"a": "lucky or unlucky", "c": "conditional coverage"}),
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

assert len(exercises.of_chapter(13)) == len(KEY) == 10
