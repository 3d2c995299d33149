"""The bug hunt: as it is, mended, each fault alone, each repair alone, and nonsense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch

from course_utils.exercises import bug_hunt
from course_utils.exercises.bug_hunt import BUGS, Scoreboard, scoreboard, symptom
from course_utils.images import load_fashion_mnist, load_mnist
from course_utils.metrics import selective

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "12_bug_hunt.ipynb"
NUMBERS = range(1, len(BUGS) + 1)
GIVEN = {
    "np": np,
    "torch": torch,
    "selective": selective,
    "load_mnist": load_mnist,
    "load_fashion_mnist": load_fashion_mnist,
}


def defined(*code: str) -> dict[str, Any]:
    """A notebook's names after these cells."""
    names = dict(GIVEN)
    for cell in code:
        exec(cell, names)
    return names


def with_faults(numbers: set[int]) -> dict[str, Any]:
    """The mended script, but for these."""
    return defined(*(bug.stub if n in numbers else bug.answer for n, bug in enumerate(BUGS, 1)))


def still_there(board: Scoreboard) -> set[int]:
    return {number for number, verdict in enumerate(board.verdicts, 1) if not verdict.right}


def said_of(code: str, function: str) -> str:
    """What the scoreboard says of one function, the others being mended."""
    board = scoreboard(with_faults(set()) | {function: defined(code)[function]})
    (number,) = still_there(board)
    assert BUGS[number - 1].passed == function
    return board.verdicts[number - 1].because


def test_ten_faults_as_the_notebook_has_them() -> None:
    assert len(BUGS) == 10
    assert len({bug.passed for bug in BUGS}) == len({symptom(bug) for bug in BUGS}) == 10
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    code = "\n\n\n".join(cell.source for cell in cells if cell.cell_type == "code")
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for bug in BUGS:
        assert code.count(bug.stub) == 1, bug.passed
        assert code.count(f"def {bug.passed}(") == 1
        assert bug.answer not in code
        assert bug.objective in " ".join(prose.split())


def test_as_it_is_nothing_is_gone() -> None:
    board = scoreboard(with_faults(set(NUMBERS)))
    assert board.num_gone == 0 and not board.complete
    for bug, verdict in zip(BUGS, board.verdicts, strict=True):
        assert verdict.because.lower() == symptom(bug).lower()  # nothing but the symptom is said
    assert repr(board).startswith("0 of 10 symptoms are gone.")
    # the rows name no function: that is what is hunted
    assert not any(f"`{bug.passed}`" in repr(board) for bug in BUGS)


def test_mended_all_are_gone() -> None:
    board = scoreboard(with_faults(set()))
    assert board.complete, board
    assert board._repr_html_().count("✓ gone") == 10


@pytest.mark.parametrize("number", NUMBERS)
def test_each_fault_alone_is_shown_alone(number: int) -> None:
    board = scoreboard(with_faults({number}))
    assert board.num_gone == 9
    assert still_there(board) == {number}
    page = board._repr_html_()
    assert page.count("still there") == 1 and page.count("✓ gone") == 9


@pytest.mark.parametrize("number", NUMBERS)
def test_each_repair_alone_is_seen(number: int) -> None:
    assert still_there(scoreboard(with_faults(set(NUMBERS) - {number}))) == set(NUMBERS) - {number}


def test_a_fault_that_comes_back_is_shown_again() -> None:
    assert scoreboard(with_faults(set())).complete
    assert still_there(scoreboard(with_faults({5}))) == {5}


def raises(*_: Any) -> None:
    raise RuntimeError("no")


def shuts_down(*_: Any) -> None:
    raise SystemExit


class Hostile:
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("do not touch")


@pytest.mark.parametrize(
    "nonsense",
    [
        3,
        None,
        "digits",
        [1, 2],
        ...,
        lambda *_: None,
        lambda *_: ...,
        lambda *_: "text",
        lambda *_: (1, 2, 3),
        lambda *_: ([], []),
        lambda *_: {"optimizer": 1, "lr_scheduler": 2},
        lambda *_: np.full(7, np.nan),
        lambda *_: Hostile(),
        lambda: 1,
        raises,
        shuts_down,
    ],
)
def test_nonsense_is_not_gone_and_does_not_stop_the_scoreboard(nonsense: Any) -> None:
    board = scoreboard({bug.passed: nonsense for bug in BUGS})
    assert board.num_gone == 0
    assert len(repr(board)) > 300 and "<table" in board._repr_html_()


def test_objects_that_cannot_be_touched_do_not_stop_it() -> None:
    num_gone = scoreboard({bug.passed: Hostile() for bug in BUGS}).num_gone
    assert num_gone == 0


@pytest.mark.parametrize("names", [{}, None, 3, "digits"])
def test_without_functions_it_says_so(names: Any) -> None:
    assert repr(scoreboard(names)).count("was not found") == 10


def test_an_endless_function_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: Any) -> None:
        while True:
            pass

    monkeypatch.setattr(bug_hunt.guard, "SECONDS", 0.3)
    verdict = BUGS[6].check(endless)
    assert not verdict.right and "was stopped" in verdict.because


@pytest.mark.parametrize(
    ("function", "code", "words"),
    [
        ("digits", "def digits():\n    return load_mnist('test')", "three sets"),
        (
            "digits",
            "def digits():\n    v = load_mnist('val')\n    return load_mnist('train'), v, v",
            "digits that you choose on",
        ),
        (
            "digits",
            "def digits():\n    t = load_mnist('train')\n"
            "    return t.subset(slice(700)), load_mnist('val'), t.subset(slice(700, 1400))",
            "not from the part 'test'",
        ),
        (
            "digits",
            "def digits():\n    t = load_mnist('test')\n"
            "    return load_mnist('train'), load_mnist('val'), t.subset(slice(20))",
            "too few",
        ),
        ("clothes", "def clothes():\n    return load_mnist('test')", "Fashion-MNIST"),
        ("clothes", "def clothes():\n    return load_fashion_mnist('test').images", "ImageSet"),
        (
            "recipe",
            "def recipe(model, n):\n    o = torch.optim.SGD(model.parameters(), lr=0.1)\n"
            "    s = torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=n)\n"
            "    return {'optimizer': o, 'lr_scheduler': s}",
            "at every step",
        ),
        ("recipe", "def recipe(model, n):\n    return n", "as Lightning takes it"),
        (
            "repeat_labels",
            "def repeat_labels(labels, num_members):\n    return labels",
            "shape",
        ),
        (
            "ask",
            "def ask(network, inputs):\n    network.eval()\n"
            "    with torch.no_grad():\n        return network(inputs).softmax(-1)",
            "not the logits",
        ),
        (
            "by_member",
            "def by_member(logits, m):\n    return logits.view(m, -1, 10).transpose(0, 1).flip(1)",
            "in reverse",
        ),
        (
            "average",
            "def average(member_logits):\n    return member_logits.mean(1).softmax(-1)",
            "average probabilities",
        ),
        (
            "average",
            "def average(member_logits):\n    return member_logits.softmax(1).mean(1)",
            "last axis",
        ),
        (
            "accuracy",
            "def accuracy(a):\n    return sum((x == y).float().mean() for x, y in a) / len(a)",
            "weighs a small batch",
        ),
        (
            "risks",
            "def risks(confidence, correct):\n    order = np.argsort(-confidence)\n"
            "    return np.cumsum(correct[order]) / np.arange(1, len(correct) + 1)",
            "share of right answers",
        ),
        (
            "at_budget",
            "def at_budget(val, test, budget):\n    c = selective.risk_coverage(*val)\n"
            "    p = c.at_threshold(c.threshold_for_risk(budget))\n"
            "    return p.threshold, p.coverage, p.risk",
            "those of the validation digits",
        ),
        # right numbers with which the code below would crash
        ("ask", "def ask(n, x):\n    return n.eval()(x)", "still carry their graph"),
        ("ask", "def ask(n, x):\n    return n.eval()(x).detach().numpy()", "needs a tensor"),
        ("repeat_labels", "def repeat_labels(y, m):\n    return np.tile(y, m)", "a `ndarray`"),
        ("repeat_labels", "def repeat_labels(y, m):\n    return y.tolist() * m", "a `list`"),
        (
            "repeat_labels",
            "def repeat_labels(y, m):\n    return y.repeat(m).float()",
            "a tensor of `torch.float32`: the cross-entropy takes",
        ),
        (
            "average",
            "def average(x):\n    return x.softmax(-1).numpy().mean(1)",
            "`answers` goes on with a tensor",
        ),
        (
            "recipe",
            "def recipe(m, n):\n    o = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "    return o, torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=n)",
            "side by side",
        ),
        (
            "recipe",
            "def recipe(m, n):\n    o = torch.optim.SGD(m.parameters(), lr=0.1)\n"
            "    s = torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=n)\n"
            "    s = {'scheduler': s, 'interval': 'step', 'frequency': 10}\n"
            "    return {'optimizer': o, 'lr_scheduler': s}",
            "should end near zero",
        ),
        (
            "recipe",
            "def recipe(m, n):\n    other = torch.nn.Linear(2, 2)\n"
            "    o = torch.optim.SGD(other.parameters(), lr=0.1)\n"
            "    s = torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=n)\n"
            "    return {'optimizer': o, 'lr_scheduler': {'scheduler': s, 'interval': 'step'}}",
            "the parameters of `model`",
        ),
    ],
)
def test_another_mistake_gets_its_own_words(function: str, code: str, words: str) -> None:
    assert words in said_of(code, function)


@pytest.mark.parametrize(
    "code",
    [
        "def digits():\n    return [load_mnist(part) for part in ('train', 'val', 'test')]",
        "def digits():\n    t, s = load_mnist('train'), load_mnist('test')\n"
        "    return t.subset(slice(600)), load_mnist('val'), s.subset(slice(0, None, 2))",
        "def clothes():\n    return load_fashion_mnist('test').subset(slice(600))",
        "def recipe(model, n):\n    o = torch.optim.Adam(model.parameters())\n"
        "    s = torch.optim.lr_scheduler.LinearLR(o, 1, 0.01, n)\n"
        "    return [o], [{'scheduler': s, 'interval': 'step'}]",
        "def repeat_labels(labels, m):\n    return torch.cat([labels] * m)",
        "def ask(network, inputs):\n    mode = network.training\n    network.eval()\n"
        "    logits = network(inputs)\n    network.train(mode)\n    return logits.detach()",
        "def by_member(logits, m):\n    return torch.stack(logits.chunk(m), dim=1)",
        "def average(member_logits):\n    return sum(member_logits.softmax(-1).unbind(1)) / "
        "member_logits.shape[1]",
        "def accuracy(a):\n    right = sum(int((x == y).sum()) for x, y in a)\n"
        "    return right / sum(len(y) for _, y in a)",
        "def risks(c, correct):\n    return selective.risk_coverage(-c, correct).risk",
    ],
    ids=lambda code: code.split("(")[0].removeprefix("def "),
)
def test_other_repairs_are_accepted(code: str) -> None:
    name = code.split("(")[0].removeprefix("def ")
    board = scoreboard(with_faults(set()) | {name: defined(code)[name]})
    assert board.complete, board


def test_the_learners_chance_stays_as_it_was() -> None:
    names = with_faults(set(NUMBERS))
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    scoreboard(names)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("number", NUMBERS)
def test_three_hints_and_a_folded_solution(number: int) -> None:
    bug = BUGS[number - 1]
    pages = [bug_hunt.hint(number)._repr_html_() for _ in range(4)]
    assert [page.count("<details>") for page in pages] == [3, 3, 3, 3]
    solution = bug_hunt.solution(number)
    assert bug.answer in repr(solution) and bug.why in repr(solution)
    assert f"<summary>Solution for symptom {number}</summary>" in solution._repr_html_()


@pytest.mark.parametrize("number", [0, 11, "1", 1.0, "digits", None])
def test_there_is_no_other_number(number: Any) -> None:
    for said in (bug_hunt.hint(number), bug_hunt.solution(number)):
        assert "from 1 to 10" in said._repr_html_()
