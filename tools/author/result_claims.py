"""The claims that texts make, each as pairs of numbers of which the first is the greater.

Numbers are keys of ``result_measures.py``, or fixed ones to compare with. The fixed ones were
chosen with the results in view: they say in figures what "nearly all" or "far above" means in the
text, and prove nothing beyond. No correction for the number of claims is made.
"""

from __future__ import annotations

Pairs = list[tuple[str | float, str | float]]

SINGLE, EIGHT, PACKED = "modest-lenet-0", "modest-deep-ensemble-8", "modest-packed-4"
MODEST, ENSEMBLES = (SINGLE, EIGHT, PACKED), (EIGHT, PACKED)
GOOD = ("lenet-0", "deep-ensemble-2", "deep-ensemble-8", "packed-4-0")

# fmt: off
# claim -> words that every sentence with its marker has, statement, pairs
CLAIMS: dict[str, tuple[str, str, Pairs]] = {
    # Deck 4
    "entropy-of-mean-ahead-of-mean-entropy-ood": (
        "beats", "For OOD the entropy of the mean beats the mean entropy (PE-4 of 3 epochs)",
        [("short-packed-4.ood.entropy.auroc", "short-packed-4.ood.expected-entropy.auroc")]),
    "short-deep-ensemble-2-ahead-of-lenet": (
        "more accurate", "Of the networks of 3 epochs DE-2 is more accurate than LeNet",
        [("short-deep-ensemble-2.test.accuracy", "short-lenet.test.accuracy")]),
    "short-packed-4-ahead-of-lenet": (
        "PE-4", "Of the networks of 3 epochs PE-4 is more accurate than LeNet",
        [("short-packed-4.test.accuracy", "short-lenet.test.accuracy")]),

    # Chapter 7 and its deck
    "eight-answer-more": (
        "answers more", "At 1 % risk the modest DE-8 answers more than its members on average",
        [(f"{EIGHT}.test.coverage-at-1-percent-risk",
          f"{EIGHT}.members-1.test.coverage-at-1-percent-risk")]),
    "votes-order-mistakes-worse": (
        "larger", "Variation ratio and disagreement have a larger AURC than maximum probability",
        [(f"{model}.test.{score}.aurc", f"{model}.test.aurc")
         for score in ("variation-ratio", "disagreement") for model in ENSEMBLES]),
    "mutual-information-orders-mistakes-worse": (
        "less well", "Mutual information has a larger AURC than maximum probability",
        [(f"{model}.test.mutual-information.aurc", f"{model}.test.aurc") for model in ENSEMBLES]),
    "blur-and-noise-are-noticed": (
        "falls", "Under blur and noise accuracy falls and a fixed threshold answers less (DE-8)",
        [(f"{EIGHT}.few.{measure}", f"{EIGHT}.{kind}-5.{measure}")
         for kind in ("blur", "gaussian-noise") for measure in ("accuracy", "answered")]),
    "risk-lower-than-under-rotation": (
        "far lower", "At a fixed threshold the risk under blur and noise is below that of rotation",
        [(f"{EIGHT}.rotation-5.risk", f"{EIGHT}.{kind}-5.risk")
         for kind in ("blur", "gaussian-noise")]),
    "rotation-breaks-the-promise": (
        "far above", "Under rotation a threshold for 1 % answers less, and its risk is above 5 %",
        [(f"{EIGHT}.few.answered", f"{EIGHT}.rotation-5.answered"),
         (f"{EIGHT}.rotation-5.risk", 5.0)]),
    "good-networks-answer-everything-at-5-percent": (
        "everything", "The good networks err on fewer than 5 %: at that risk all is answered",
        [(f"{model}.test.accuracy", 95.0) for model in GOOD]),

    # Chapter 9 and its deck
    "shift-lowers-accuracy": (
        "lower", "Damage of severity 5 lowers the accuracy",
        [(f"{model}.few.accuracy", f"{model}.all-5.accuracy") for model in MODEST]),
    "shift-raises-ece": (
        "far above", "Damage of severity 5 raises the ECE",
        [(f"{model}.all-5.ece", f"{model}.few.ece") for model in MODEST]),
    "shift-raises-entropy": (
        "rises", "Damage of severity 5 raises the entropy",
        [(f"{model}.all-5.entropy", f"{model}.few.entropy") for model in MODEST]),
    "shift-raises-disagreement": (
        "rises", "Damage of severity 5 raises the disagreement",
        [(f"{model}.all-5.disagreement", f"{model}.few.disagreement") for model in ENSEMBLES]),
    "ensembles-better-calibrated-under-shift": (
        "punished less", "On damaged digits the ensembles have a lower ECE than the single LeNet",
        [(f"{SINGLE}.all-5.ece", f"{model}.all-5.ece") for model in ENSEMBLES]),
    "good-lenet-ahead-where-digits-move": (
        "far ahead", "Under shift and rotation lenet-0 is more accurate than the modest LeNet",
        [(f"lenet-0.{kind}-5.accuracy", f"{SINGLE}.{kind}-5.accuracy")
         for kind in ("shift", "rotation")]),
    "good-lenet-behind-on-grey-paper": (
        "fails", "Under noise and contrast lenet-0 is less accurate than the modest LeNet",
        [(f"{SINGLE}.{kind}-5.accuracy", f"lenet-0.{kind}-5.accuracy")
         for kind in ("gaussian-noise", "contrast")]),
    "temperature-lowers-nll-and-ece": (
        "better", "A temperature fitted on validation lowers NLL and ECE of the modest LeNet",
        [(f"{SINGLE}.test.{measure}", f"{SINGLE}+temperature.test.{measure}")
         for measure in ("nll", "ece")]),
    "members-first-too-cautious": (
        "too cautious", "Calibrate, then pool: the mean confidence is below the accuracy",
        [(f"{model}+members-first.test.accuracy", f"{model}+members-first.test.confidence")
         for model in ENSEMBLES]),
    "pool-then-calibrate-lowers-nll": (
        "lower the NLL", "Pool, then calibrate: the NLL is lower than without repair",
        [(f"{model}.test.nll", f"{model}+temperature.test.nll") for model in ENSEMBLES]),
    "sets-keep-promise": (
        "keep the promise", "Sets for 99 % cover more than 98.5 %",
        [(f"{model}.test.covered", 98.5) for model in MODEST]),
    "better-network-smaller-sets": (
        "smaller sets", "At 99 % the modest DE-8 has smaller sets than the modest LeNet",
        [(f"{SINGLE}.test.set-size", f"{EIGHT}.test.set-size")]),
    "sets-break-promise-under-damage": (
        "broken", "Sets for 99 % cover less where digits are moved, turned or covered",
        [(99.0, f"{SINGLE}.{kind}-5.covered") for kind in ("shift", "rotation", "occlusion")]),
    "sets-hold-nearly-all-classes": (
        "nearly all", "Sets for 99 % hold more than eight classes on pale and blurred digits",
        [(f"{SINGLE}.{kind}-5.set-size", 8.0) for kind in ("contrast", "blur")]),
    "logits-ahead-of-entropy-ood": (
        "beat the entropy", "For OOD energy and maximum logit beat the entropy (the good DE-8)",
        [(f"deep-ensemble-8.ood.{score}.auroc", "deep-ensemble-8.ood.entropy.auroc")
         for score in ("energy", "max-logit")]),
    "mutual-information-behind-entropy-ood": (
        "behind the entropy", "For OOD mutual information is behind the entropy",
        [(f"{model}.ood.entropy.auroc", f"{model}.ood.mutual-information.auroc")
         for model in ENSEMBLES]),
    "mutual-information-behind-max-probability-ood": (
        "behind the maximum probability", "For OOD mutual information is behind max. probability",
        [(f"{EIGHT}.ood.max-probability.auroc", f"{EIGHT}.ood.mutual-information.auroc")]),
    "inverted-overconfident": (
        "above the accuracy", "On inverted digits the mean confidence is above the accuracy",
        [(f"{model}.inverted.confidence", f"{model}.inverted.accuracy")
         for model in ("lenet-0", "deep-ensemble-8")]),
    "inverted-raises-entropy": (
        "higher than on proper digits", "Inverted digits have a higher entropy than proper ones",
        [(f"{model}.inverted.entropy", f"{model}.few.entropy")
         for model in ("lenet-0", "deep-ensemble-8")]),
}
# fmt: on
