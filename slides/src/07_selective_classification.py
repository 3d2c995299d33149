# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% slideshow={"slide_type": "skip"} jupyter={"source_hidden": true}
import matplotlib
import numpy as np
import pandas as pd

from course_utils import figures
from course_utils.figures import style
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.metrics import scores, selective
from course_utils.networks import zoo
from course_utils.networks.evaluation import predict

style.use("slides")
matplotlib.rcParams.update(style.current().rc)  # for the figures that are drawn in this deck
digits, validation = load_mnist("test"), load_mnist("val")
clothes = load_fashion_mnist("test").subset(slice(len(digits) // 4))
network, packed_network = zoo.load("modest-deep-ensemble-8"), zoo.load("modest-packed-4")
eight, eight_val = predict(network, digits), predict(network, validation)
eight_on_clothes = predict(network, clothes)
packed, packed_val = predict(packed_network, digits), predict(packed_network, validation)
test = {"LeNet": eight.subset(members=[0]), "DE-8": eight, "PE-4": packed}
val = {"LeNet": eight_val.subset(members=[0]), "DE-8": eight_val, "PE-4": packed_val}
uncertainty = scores.max_probability(test["LeNet"])
correct = test["LeNet"].correct
curve = selective.risk_coverage(uncertainty, correct)
target = 0.01

# %% [markdown] slideshow={"slide_type": "slide"}
# # 5. Selective classification
#
# When to answer, when to ask a person?
#
# Chapters 7 and 8: a classifier that may say "I do not know", and what that is worth

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Nobody forces a classifier to answer everything. A sorting machine may put an unreadable
# envelope aside, a doctor orders another test. We learn on *modest* networks, trained on few
# digits: the good ones err so rarely that there is nothing to see.
#
# **Ask:** Where does a machine in your life say "I do not know"?
#
# **Likely:** Passport gates, speech assistants. Most systems never do.
#
# **Minutes:** 2

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A threshold turns doubt into a decision

# %% jupyter={"source_hidden": true}
figures.score_histograms(
    uncertainty,
    correct,
    scores.max_probability(eight_on_clothes.subset(members=[0])),
    score_name="1 - confidence",
    ood_name="clothes",
    threshold=0.1,
)

# %% [markdown]
# Source: a modest LeNet on test digits, and clothes; reject option: Chow (1970)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Left of the line the machine answers, right of it a person does. Every image that is
# referred costs work. Every mistake left of the line is an error that nobody sees.
#
# **Ask:** Which way would you move the line, and what would you pay?
#
# **Likely:** Left: fewer mistakes, more work. That is the whole trade.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two numbers: how much is answered, how well
#
# Answer $f(x)$ if the uncertainty $u(x) \le \tau$, refer $x$ to a person otherwise.
#
# $$ \text{coverage} = \frac{1}{N} \sum_{i} [u(x_i) \le \tau] $$
#
# $$ \text{risk} = \frac{\sum_i [u(x_i) \le \tau] \, [f(x_i) \ne y_i]}{\sum_i [u(x_i) \le \tau]} $$
#
# - **Coverage** is the share of images answered
# - **Risk** is the share of wrong answers *among those answered*

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Risk has another denominator than the error rate: only the answered count. The notebook
# counts both by hand at one threshold.
#
# **Ask:** Refer everything. What are coverage and risk?
#
# **Likely:** Coverage 0. Risk is nought divided by nought; we say that it makes no mistake.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Every threshold is an offer; here are all of them

# %% jupyter={"source_hidden": true}
figures.risk_coverage_curves({"LeNet": curve}, operating_points={"LeNet": 0.1})

# %% [markdown]
# Source: El-Yaniv and Wiener (2010), Geifman and El-Yaniv (2017); a modest LeNet

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Read it from right to left. The grey lines are the limits: referring at random keeps the
# risk where it is, a perfect order puts all mistakes last. The marked point is the threshold of the
# last slides.
#
# **Ask:** What can be answered at 1 % risk?
#
# **Likely:** A horizontal line from 1 % risk to the curve, and down to the axis.
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Only the order counts, not the numbers


# %% jupyter={"source_hidden": true}
def calibration_error(confidence, num_bins=15):
    """Gap between confidence and share of right answers, averaged over bins of equal width."""
    bins = np.floor(num_bins * confidence).astype(int)
    return np.abs(np.bincount(bins, weights=confidence - correct)).sum() / len(confidence)


changes = {
    "as it is": uncertainty,
    "its square root": np.sqrt(uncertainty),
    "its square": uncertainty**2,
    "its rank": np.unique(uncertainty, return_inverse=True)[1] / len(uncertainty),
}
rows = {}
for name, changed in changes.items():
    new = selective.risk_coverage(changed, correct)
    rows[name] = {"AURC (%)": f"{100 * new.aurc:.3f}"}
    rows[name]["risk at 80 % coverage (%)"] = f"{100 * new.risk_at_coverage(0.8):.3f}"
    rows[name]["ECE (%)"] = f"{100 * calibration_error(1 - changed):.1f}"
pd.DataFrame(rows).T

# %% [markdown]
# **Ranking and calibration are different virtues.** Chow's rule needs both.
#
# Source: a modest LeNet on test digits, computed when this deck was built

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Stretch and squeeze the scores as you like: the same sets of images are answered, and no
# digit of the first columns moves. The last one changes a lot. A model can sort its answers
# perfectly and be wildly wrong about its chances. One trap: temperature scaling is *not* such a
# change. Chapter 9 comes back to it.
#
# **Ask:** When do you need the numbers as well?
#
# **Likely:** When you compare a probability with a cost directly, as Chow does. Choosing the
# cheapest threshold on validation needs the order only.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Ten digits: the risk jumps, then falls again

# %% jupyter={"source_hidden": true}
hardest = np.argsort(uncertainty)[-len(uncertainty) // 16 :]
right, wrong = hardest[correct[hardest]], hardest[~correct[hardest]]
seven = right[np.linspace(0, len(right) - 1, 7).astype(int)]
ten = np.concatenate([seven, wrong[[len(wrong) * k // 20 for k in (3, 10, 17)]]])
ten = ten[np.argsort(uncertainty[ten])]  # the most certain first
mistakes = np.cumsum(~correct[ten])
answered = np.arange(1, 11)

# %% jupyter={"source_hidden": true}
figure = style.canvas(8, 3.4)
pictures, axes = (
    row[0] for row in style.panels(figure, rows=(1, 2.3), left=5, right=14, top=0.4, gap_y=0.6)
)
for place, index in enumerate(ten):
    box = (place + 0.6, place + 1.4, 0, 1)
    pictures.imshow(255 - digits.images[index], cmap="gray", extent=box)
    word, color = ("right", style.RIGHT) if correct[index] else ("wrong", style.WRONG)
    pictures.text(place + 1, 1.08, word, ha="center", color=color)
style.bare(pictures).set(xlim=(0.5, 10.5), ylim=(0, 1.5), aspect="auto")
axes.plot(answered, 100 * mistakes / answered, "o-", color=style.VERMILLION)
axes.plot(answered, 10 * mistakes, "s--", color=style.BLUE)
axes.set(xlim=(0.5, 10.5), xticks=answered)
ends = (("risk", 100 * mistakes[-1] / 10 + 4, style.VERMILLION),)
ends += (("coverage × risk", 10 * mistakes[-1] - 4, style.BLUE),)  # noqa: RUF001
for name, y, color in ends:
    axes.text(10.6, y, name, color=color, va="center")
style.label(axes, x="answered, the most certain first", y="%", grid="y")
figures.Picture(figure, f"Ten digits from certain to uncertain; mistakes so far: {list(mistakes)}.")

# %% [markdown]
# Source: ten hard digits of a modest LeNet. AURC, AUGRC: areas below line and dashes

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Answer one, answer two, and so on. The risk jumps at each mistake and falls at each right
# answer after it. Coverage times risk never falls: it is the share of all images that are
# answered *and* wrong. The notebook computes AURC, AUGRC, coverage at 5 % risk and risk at 80 %
# coverage from this table, and checks the library.
#
# **Ask:** Read off the risk at 80 % coverage.
#
# **Likely:** The point of eight answered.
#
# **Minutes:** 5

# %% [markdown] slideshow={"slide_type": "slide"}
# ## In AURC one sure mistake weighs without limit

# %% jupyter={"source_hidden": true}
ranks = np.arange(1, len(uncertainty) + 1)
weights = {
    "AURC": np.cumsum((1 / ranks)[::-1])[::-1],
    "AUGRC": (len(ranks) - ranks + 1) / len(ranks),
}
figure = style.canvas(8, 3.1)
axes = style.panels(figure, right=2, top=0.8)[0][0]
looks = zip(weights.items(), (style.VERMILLION, style.BLUE), ("-", "--"), strict=True)
for (name, weight), color, line in looks:
    axes.semilogx(ranks, weight, color=color, linestyle=line)
    axes.text(2, weight[1] + 0.5, name, color=color)
style.label(axes, x="rank of the mistake, the most certain answer first", y="weight", grid="both")
figures.Picture(
    figure,
    f"Weight of a mistake against its rank among {len(ranks):,}: in AURC it falls from "
    f"{weights['AURC'][0]:.1f} to nearly 0, in AUGRC from 1 to nearly 0.",
)

# %% [markdown]
# Source: AUGRC, Traub et al. (2024): the probability that an image is answered and wrong

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Both areas are sums over the mistakes. In AURC a mistake at the first rank weighs like
# ln N, in AUGRC never more than 1. A single mislabelled image that the model is sure about can
# decide a comparison by AURC. Report AUGRC, and AURC beside it for older work.
#
# **Ask:** Are there mislabelled images among MNIST's test digits?
#
# **Likely:** Yes. The surest mistakes in the browser of chapter 7 are candidates.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Eight answer more at the same risk

# %% jupyter={"source_hidden": true}
from course_utils.metrics.resampling import Resamples

draws = Resamples(len(digits), num_resamples=100)
coverages = np.array([0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0])
curves, bands = {}, {}
for name in ("LeNet", "DE-8"):
    u, answers = scores.max_probability(test[name]), test[name].correct
    curves[name] = selective.risk_coverage(u, answers)
    risks = [draws.risk_at_coverage(u, answers, coverage) for coverage in coverages]
    bands[name] = (coverages, *np.quantile(risks, [0.025, 0.975], axis=1))
figures.risk_coverage_curves(curves, bands=bands, reference="LeNet")

# %% [markdown]
# Source: modest networks; bands: 95 % intervals, the same digits drawn for both

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** At 1 % risk the modest ensemble answers more than its members on
# average.<!--claim:eight-answer-more supported--> Bands that overlap do not mean
# that two models are equal: both answered the same digits. What counts is the interval of the
# difference, and the notebook has it.
#
# **Ask:** Why is coverage at 5 % risk useless for these?
#
# **Likely:** They err less often than that: they may answer everything. Ask for a risk that hurts.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Votes are blind where all members agree

# %% jupyter={"source_hidden": true}
chosen_scores = {
    "max. probability": scores.max_probability,
    "entropy": scores.entropy,
    "mutual information": scores.mutual_information,
    "variation ratio": scores.variation_ratio,
    "disagreement": scores.disagreement,
}
shares = {}
for name, score in chosen_scores.items():
    u = score(packed)
    shares[name] = 1 - np.searchsorted(np.sort(u), u, side="left") / len(u)
mistakes = np.flatnonzero(~packed.correct)
hidden = np.array([share[mistakes] for share in shares.values()])
hidden = hidden[:, np.argsort(hidden[0])]
figure = style.canvas(8, 3.1)
axes = style.panels(figure, left=10.5, right=6, top=0.6)[0][0]
image = axes.imshow(hidden, aspect="auto", cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
axes.set_yticks(range(len(shares)), list(shares))
style.label(axes, x=f"the {len(mistakes)} mistakes of PE-4, the easiest to find first")
bar = figure.colorbar(image, cax=axes.inset_axes([1.02, 0, 0.025, 1]), ticks=[0, 0.5, 1])
bar.ax.set_ylabel("share to refer")
middle = "; ".join(f"{name} {np.median(row):.3f}" for name, row in zip(shares, hidden, strict=True))
figures.Picture(figure, f"Share to refer until each mistake is found. Medians: {middle}.")

# %% [markdown]
# Source: a modest PE-4: how much must be referred until this mistake is among it?

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Dark is bad: the mistake hides among answers that look certain. The first two rows are
# nearly the same. In the last two, votes, dark are the mistakes on which all members agree: by
# votes they look like any right answer. The upper rows still find most of them. Only the last few
# on the right hide from every score: members that learned from the same digits share their blind
# spots. Mutual information finds mistakes less well than maximum probability
# does:<!--claim:mutual-information-orders-mistakes-worse supported--> it sees contradiction only,
# and any doubt counts.
#
# **Ask:** What could find the mistakes on the far right?
#
# **Likely:** Other data, another kind of model, or a person who samples *certain* answers.
#
# **Minutes:** 5

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Aim at the target, and you miss it half the time

# %% jupyter={"source_hidden": true}
from scipy.stats import beta

looks = np.linspace(0.5, 1, 11)


def with_guarantee(curve, delta=0.1):
    """Threshold of the largest of eleven coverages whose risk is bounded by the target."""
    steps = np.searchsorted(curve.coverage, looks - 1e-9)
    wrong, answered = curve.num_wrong[steps], curve.num_answered[steps]
    kept = steps[beta.ppf(1 - delta / len(looks), wrong + 1, answered - wrong) <= target]
    return curve.threshold[kept[-1]] if len(kept) else -np.inf


u, right_answers = scores.max_probability(eight), eight.correct
rules = {"largest coverage": lambda curve: curve.threshold_for_risk(target)}
rules["with guarantee"] = with_guarantee
outcomes = {name: [] for name in rules}
generator, num_to_choose = np.random.default_rng(0), min(1_000, len(u) // 2)
for _ in range(300):
    chosen, rest = np.split(generator.permutation(len(u)), [num_to_choose])
    on_chosen = selective.risk_coverage(u[chosen], right_answers[chosen])
    for name, rule in rules.items():
        taken = u[rest] <= rule(on_chosen)
        outcomes[name].append(100 * (~right_answers[rest])[taken].sum() / max(taken.sum(), 1))

# %% jupyter={"source_hidden": true}
figure = style.canvas(8, 3.1)
axes = style.panels(figure, top=2.2)[0][0]
edges = np.linspace(0, max(map(max, outcomes.values())) + 1e-9, 31)
styles = ((style.VERMILLION, "///"), (style.BLUE, ""))
for (name, risks), (color, hatch) in zip(outcomes.items(), styles, strict=True):
    axes.hist(risks, edges, color=color, alpha=0.5, hatch=hatch, label=name)
axes.axvline(100 * target, color=style.INK, linestyle=":", label="target")
axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)
style.label(axes, x="risk on other digits (%)", y="splits")
above = {name: f"{np.mean(np.array(risks) > 1):.0%}" for name, risks in outcomes.items()}
figures.Picture(
    figure,
    "Histogram of the risk on other digits over 300 splits, for two rules. Share above the target: "
    + ", ".join(f"{name} {share}" for name, share in above.items()),
)

# %% [markdown]
# Source: DE-8 (modest), 300 splits: chosen on some digits, reported on the others

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** We promise a risk of 1 % and take the largest coverage that keeps it where we choose. On
# other digits about every other promise is broken: we chose the lucky threshold. To *promise* one
# must aim lower, by as much as chance may take away: an exact bound (Clopper and Pearson),
# which may fail in at most one choice of ten, shared out over eleven looks that were fixed before
# (Bonferroni).
#
# **Ask:** What does the guarantee cost?
#
# **Likely:** Coverage. And it holds for digits of the same kind only.
#
# **Minutes:** 5

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Under blur it refers enough, under rotation it does not

# %% jupyter={"source_hidden": true}
from course_utils.images.corruptions import corrupt

on_val = selective.risk_coverage(scores.max_probability(eight_val), eight_val.correct)
threshold = on_val.threshold_for_risk(target)
some = digits.subset(slice(0, len(digits), max(1, len(digits) // 500)))
kinds, severities = ("blur", "Gaussian noise", "rotation"), (0, 1, 3, 5)
shifted = {kind: {"coverage": [], "risk": [], "error rate": []} for kind in kinds}
for kind in kinds:
    for severity in severities:
        p = predict(network, corrupt(some, kind, severity))
        point = selective.risk_coverage(scores.max_probability(p), p.correct)
        point = point.at_threshold(threshold)
        values = (point.coverage, point.risk, (~p.correct).mean())
        for measure, value in zip(shifted[kind], values, strict=True):
            shifted[kind][measure].append(100 * value)

# %% jupyter={"source_hidden": true}
figure = style.canvas(8, 3.3)
row = style.panels(figure, columns=(1, 1, 1), left=4.5, gap_x=2.2, top=3.8)[0]
looks = {"coverage": (style.BLUE, "--", "s"), "risk": (style.VERMILLION, "-", "D")}
looks["error rate"] = ("0.45", ":", "o")
for axes, kind in zip(row, kinds, strict=True):
    for name, (color, line, marker) in looks.items():
        values = shifted[kind][name]
        axes.plot(severities, values, color=color, linestyle=line, marker=marker, label=name)
    axes.set(ylim=(-4, 104), xticks=severities)
    style.label(axes, x="severity", title=kind, grid="y")
row[0].set_ylabel("%")
figure.legend(*row[0].get_legend_handles_labels(), loc="upper right", ncols=3, frameon=False)
ends = [f"{kind}: coverage {shifted[kind]['coverage'][-1]:.0f}, risk "
        f"{shifted[kind]['risk'][-1]:.1f}, error rate {shifted[kind]['error rate'][-1]:.0f}"
        for kind in kinds]  # fmt: skip
figures.Picture(figure, f"A fixed threshold on damaged digits, in percent at the end: {ends}.")

# %% [markdown]
# Source: DE-8 (modest), threshold for 1 % risk from clean validation digits

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Under all three the coverage falls. Under blur and noise that is enough: the work takes
# longer, and is not much less reliable. Under rotation it falls as well, and not nearly enough: a
# turned digit may look like a fine other one, the model is sure, and the risk climbs far above the
# promise. Watch the coverage of a system in use, it needs no labels. But do not rely on it alone.
#
# **Ask:** Your coverage dropped overnight. What do you do?
#
# **Likely:** Look at the images. The alarm does not say which of the two it is.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Every OOD image that is answered is one more mistake

# %% jupyter={"source_hidden": true}
stream_scores = {
    "max. probability": scores.max_probability,
    "entropy": scores.entropy,
    "mutual information": scores.mutual_information,
    "energy": scores.energy,
}
risks = {}
for name, score in stream_scores.items():
    cut = selective.risk_coverage(score(eight_val), eight_val.correct).threshold_for_risk(target)
    taken, ood = score(eight) <= cut, int((score(eight_on_clothes) <= cut).sum())
    wrong = int((taken & ~eight.correct).sum())
    risks[name] = (100 * wrong / taken.sum(), 100 * (wrong + ood) / (taken.sum() + ood))

# %% jupyter={"source_hidden": true}
figure = style.canvas(8, 3.1)
axes = style.panels(figure, left=10.5, right=4, top=2.2)[0][0]
for place, (without, with_ood) in enumerate(risks.values()):
    axes.plot([without, with_ood], [place, place], color=style.FRAME, zorder=1)
    axes.text(with_ood + 0.25, place, f"{with_ood:.1f}", va="center")
points = np.array(list(risks.values()))
axes.scatter(points[:, 0], range(4), s=180, color=style.BLUE, label="digits only")
axes.scatter(points[:, 1], range(4), s=180, marker="D", color=style.VERMILLION,
             label="with clothes")  # fmt: skip
axes.axvline(100 * target, color=style.INK, linestyle=":", label="promised")
axes.set_yticks(range(4), list(risks))
axes.set(ylim=(3.6, -0.6), xlim=(0, None))
axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)
style.label(axes, x="risk (%)")
told = "; ".join(f"{name} {low:.1f} to {high:.1f}" for name, (low, high) in risks.items())
figures.Picture(figure, f"Risk in percent without and with clothes among the digits: {told}.")

# %% [markdown]
# Source: DE-8 (modest), clothes to digits 1 : 4; Xia and Bouganis (2022)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** The threshold was chosen on clean digits, and knows nothing of OOD images. If you
# expect some, put some into validation, in the expected mix, and never those of the test. The risk
# then comes back to the neighbourhood of the target, and fewer digits are answered.
#
# **Ask:** With one OOD image to a hundred digits everything looks better. What has improved?
#
# **Likely:** Nothing. Only the mix.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does silence cost? Decide, then open the test

# %% jupyter={"source_hidden": true}
from course_utils.widgets import abstention_desk

ood_images = load_fashion_mnist("val").subset(slice(1_000))
ood_answers = predict(network, ood_images)
abstention_desk(
    {name: val[name] for name in ("LeNet", "DE-8")},
    {name: test[name] for name in ("LeNet", "DE-8")},
    {"LeNet": ood_answers.subset(members=[0]), "DE-8": ood_answers},
    images=validation.images,
    ood_images=ood_images.images,
)

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Live, in three steps: a mail office. Wrong deliveries cost ten, a person costs one. Let
# the room call out a model and a threshold, set them, and open the test set *once*. Was the promise
# of validation kept? In another round slip in OOD images; the table keeps both rounds.
#
# **Ask:** What if a wrong delivery costs a hundred?
#
# **Likely:** Answer less. Set the cost in another round, and compare the two rows.
#
# **Minutes:** 8

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Chow trusts the probabilities. Are they right?

# %% jupyter={"source_hidden": true}
rows = {}
for name in test:
    on_val, on_test = (
        selective.cost_curve(scores.max_probability(p), p.correct, 10, 1)
        for p in (val[name], test[name])
    )
    costs = {
        "answer everything": on_test.cost[-1],
        "Chow's rule": on_test.cost_at(selective.chow_threshold(10, 1)),
        "cheapest on validation": on_test.cost_at(on_val.optimum.threshold),
        "best in hindsight": on_test.optimum.cost,
    }
    rows[name] = {rule: f"{cost:.3f}" for rule, cost in costs.items()}
pd.DataFrame(rows)

# %% [markdown]
# Answer if $1 - \max_c p(c) \le c_r / c_w$: no rule is cheaper, **if** the probability is true.
#
# Source: mean cost per test digit, modest networks; a mistake costs 10, a referral 1

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Chow's rule needs no validation digits, it takes the probabilities at their word. The
# third row trusts validation instead. The last row nobody can reach. Where Chow is the more
# expensive one by more than chance, the probabilities are not to be believed: that is what
# calibration is worth, in money. This table has no intervals, small differences decide nothing.
#
# **Ask:** For which of the three models does Chow do badly, and why?
#
# **Likely:** The single network: it is overconfident.
#
# **Minutes:** 4

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Whom would you have believed?

# %% tags=["live"] jupyter={"source_hidden": true}
from course_utils.widgets import misclassified_browser

misclassified_browser({"PE-4": packed, "LeNet": test["LeNet"], "DE-8": eight}, digits.images)

# %% tags=["still"] slideshow={"slide_type": "skip"} jupyter={"source_hidden": true}
shared = np.flatnonzero(~packed.correct & ~test["LeNet"].correct & ~eight.correct)
surest = shared[scores.max_probability(packed)[shared].argsort()[:6]]
figures.misclassified_gallery(digits.images, packed, indices=surest)

# %% [markdown]
# Source: mistakes that PE-4, LeNet and DE-8 share (modest networks), the surest of PE-4

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** Live: first the errors that only PE-4 makes, then those that all three share; sort each
# by uncertainty. Pin one to compare it with others.
#
# **Ask:** Which of the two kinds can *you* read?
#
# **Likely:** Often the first. The shared ones puzzle people, too, or carry a doubtful label.
#
# **Minutes:** 5

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Small risks need many digits to promise

# %% jupyter={"source_hidden": true}
from math import ceil

figure = style.canvas(8, 2.7)
axes = style.panels(figure, left=9.5, right=5, top=0.6)[0][0]
needed = {risk: ceil(np.log(0.05) / np.log(1 - risk)) for risk in (0.05, 0.01, 0.001, 0.0001)}
axes.barh(range(len(needed)), list(needed.values()), color=style.BLUE, height=0.55)
axes.set(xscale="log", xlim=(10, 1e5))
axes.set_yticks(range(len(needed)), [f"below {risk:.4g}" for risk in needed])
axes.invert_yaxis()
for place, count in enumerate(needed.values()):
    axes.text(count * 1.15, place, f"{count:,}", va="center")
axes.axvline(len(digits), color=style.VERMILLION, linestyle="--")
axes.text(len(digits) * 1.1, -0.35, "our test", color=style.VERMILLION, va="center")
style.label(axes, x="right answers in a row, and not one wrong")
told = ", ".join(f"{risk:g}: {count:,}" for risk, count in needed.items())
figures.Picture(figure, f"Right answers in a row needed to show that a risk is below: {told}.")

# %% [markdown]
# Source: rule of three, about $3 / n$ with a confidence of nineteen in twenty

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** If none of n answers was wrong, the true risk is below about 3 / n. Small risks are
# expensive to promise long before they are hard to reach. Below a certain risk you no longer
# measure the model, but the labels.
#
# **Ask:** A vendor promises one error in ten thousand, tested on MNIST. Your question?
#
# **Likely:** "On which thirty thousand digits?"
#
# **Minutes:** 3

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Now you: open the test set once
#
# **Open chapter 8**, the Abstention Desk (fifteen minutes)
#
# - Find the cheapest threshold for the given costs, then open the test set, **once**
# - Was the promise of validation kept? By how much did you miss?
# - Run the cell again and slip in OOD images: what do they cost at the same threshold?
#
# **Next:** what if the world changes? Chapters 9 and 10: calibration, sets that keep promises,
# shift.

# %% [markdown] slideshow={"slide_type": "notes"}
# **Say:** In pairs: one is the boss, one the customer. Agree on a threshold before you open.
#
# **Ask:** Who was above, who below the promise? Raise hands.
#
# **Likely:** With the same model and costs all alike: it is one validation set and one test set.
# Expect to end above the promise: the winner is flattered.
#
# **Minutes:** 18
