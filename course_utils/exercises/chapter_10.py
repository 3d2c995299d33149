"""Exercises of chapter 10: shift, and scores for what is no digit."""

from __future__ import annotations

from .kinds import Choice

# --- 10.1 -----------------------------------------------------------------------------------------
ex10_1 = Choice(
    name="ex10_1",
    title="An alarm without labels",
    objective=(
        "draw accuracy, calibration and disagreement against the severity of a corruption, and say "
        "which of them needs no labels"
    ),
    minutes=2,
    task=(
        "Your ensemble reads envelopes day and night, and nobody writes down what the right "
        "answers would have been. You want an alarm for the day on which the scanner gets dirty. "
        "Which measure can you watch?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "For which of the four must somebody know which digit it really was?",
        "ECE compares confidence with something. With what?",
        "Three of them use the labels. The fourth compares members with each other.",
    ),
    answer='choice = "d"',
    why=(
        "Members can be compared with each other at any time. What they cannot tell you is how "
        "many answers are wrong: for that, some images must be labelled."
    ),
    correct="d",
    options={
        "a": "Its ECE",
        "b": "Its accuracy",
        "c": "Its NLL",
        "d": "The mean disagreement of its members",
    },
    reasons={
        "a": "ECE compares the confidence with the share of right answers. Who counts those?",
        "b": "accuracy is the share of right answers, and nobody knows which ones are right.",
        "c": "the NLL takes the probability of the *true* class, which nobody writes down.",
    },
)

# --- 10.2 -----------------------------------------------------------------------------------------
ex10_2 = Choice(
    name="ex10_2",
    title="Same scores, other number",
    objective=(
        "compare five scores for out-of-distribution images, and show how a batch size can spoil "
        "one"
    ),
    minutes=3,
    task=(
        "The AUROC of the entropy is higher with batches of 10 than with batches of 1,000, by the "
        "same metric and for the same images. You write a report. What do you do?"
    ),
    stub="choice = ...",
    passed="choice",
    hints=(
        "AUROC is the probability that a piece of clothing scores higher than a digit. Does that "
        "depend on how images are fed to a computer?",
        "Averaging a number that is wrong with one that is right does not help.",
        "Batches of 1,000 are right only as long as *every* batch has a score outside 0 to 1.",
    ),
    answer='choice = "c"',
    why=(
        "The area belongs to the scores, not to the batches, so it is computed from all scores "
        "together. In small batches some were squeezed by a sigmoid and others not; that moved "
        "digits and clothes apart, which no network did."
    ),
    correct="c",
    options={
        "a": "Report the small batches: it is the better result",
        "b": "Report the mean over several batch sizes, with its standard deviation",
        "c": "Keep the scores of all images and compute the area once, outside the metric",
        "d": "Report batches of 1,000, and use the same size for everything",
    },
    reasons={
        "a": "the network is the same in both. What got better is the mistake of the metric.",
        "b": "this is no noise that averages out: some batches are squeezed, others are not.",
        "d": "with a better network a batch of 1,000 digits may hold no entropy above 1, and then "
        "you are back in the trap without noticing.",
    },
)
