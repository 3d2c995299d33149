"""Answers to the exercises of chapter 10."""

from planted import Planted

PLANTED = {
    "ex10_1": Planted(
        wrong=[
            ('choice = "a"', "who counts"),
            ('choice = "b"', "nobody knows"),
            ('choice = "c"', "*true* class"),
        ],
        right=['choice = "D"'],
    ),
    "ex10_2": Planted(
        wrong=[
            ('choice = "a"', "mistake of the metric"),
            ('choice = "b"', "no noise"),
            ('choice = "d"', "back in the trap"),
        ],
        right=['choice = "C"'],
    ),
}
