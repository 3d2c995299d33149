"""Test the tests: break `course_utils/metrics` in 300 small ways and count how many they notice.

`make mutants` calls this twice. `draw` runs in an environment with cosmic-ray, whose default
operators give all mutants: a plus becomes a minus, 1 becomes 2, a ``not`` comes in, a loop never
starts. A fixed seed draws 300 of them; those that do not compile, or differ in type hints only, are
passed over. `test` runs the tests of the metrics against each, those of its own module first, until
one fails. At least 95 % must be noticed.

Nothing is changed on disk: a process that has loaded all libraries forks for each mutant. That
needs Linux or macOS.

A mutant that computes the same as the original can't be noticed. Those stand, each with the reason,
in ``tests/metrics/equivalent_mutants.json`` and do not count.

Stop it at any time: the next call skips what was noticed and tries the others again, so that a new
test proves itself within seconds. ``make clean`` forgets everything.
"""

from __future__ import annotations

import ast
import difflib
import gc
import hashlib
import json
import os
import random
import re
import resource
import signal
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
METRICS = ROOT / "course_utils" / "metrics"
TESTS = ROOT / "tests"
EQUIVALENT = TESTS / "metrics" / "equivalent_mutants.json"
DRAWN = ROOT / "build" / "mutants" / "drawn.json"
RESULTS = ROOT / "build" / "mutants" / "results.json"

COUNT, SEED, WANTED = 300, 0, 0.95
NETWORKS = "test_determinism.py"  # trains them, in processes of its own that know of no mutant
# A busy machine makes these fail as well.
TIMELESS = "not take_less_than_a_second and not imports_no_heavy_library"
LIBRARIES = (
    "hypothesis.extra.numpy",
    "sklearn.isotonic",
    "sklearn.metrics",
    "sklearn.tree",
    "torch_uncertainty.metrics",
    "torch_uncertainty.ood_criteria",
    "torch_uncertainty.post_processing",
)
MEMORY = 6 * 2**30  # bytes: a mutant may ask for any amount
PASSED, FAILED, NOT_IMPORTED, CRASHED = range(4)  # pytest's exit codes


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes
    ----------
    module : str
    line : int
        Where the change begins.
    before, after : str
        The lines that differ.
    source : str
        The whole module, changed.
    """

    module: str
    line: int
    before: str
    after: str
    source: str

    @property
    def key(self) -> str:
        """Another one when anything in the module changes."""
        return hashlib.sha256(f"{self.module} {self.source}".encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{self.module}.py:{self.line}\n    - {self.before}\n    + {self.after}"


# Drawing


def draw() -> list[Mutant]:
    """Mutants by cosmic-ray's default operators, in an order that the seed decides.

    Each place has a random number of its own, so that after an edit most of the draw is the same.
    """
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    classes = {name: get_operator(name) for name in operator_names()}
    operators = {name: found() for name, found in classes.items() if not found.arguments()}
    sources = {path.stem: path.read_text("utf-8") for path in METRICS.glob("*.py")}
    places = []
    for module, source in sources.items():
        nodes = list(ast_nodes(get_ast(source)))
        for name, operator in operators.items():
            count = sum(len(list(operator.mutation_positions(node))) for node in nodes)
            places += [(module, name, occurrence) for occurrence in range(count)]
    places.sort(key=lambda place: random.Random(f"{SEED} {place}").random())
    drawn: list[Mutant] = []
    for module, name, occurrence in places:
        changed = mutate_code(sources[module], operators[name], occurrence)
        if _program(changed) not in (None, _program(sources[module])):
            drawn.append(_described(module, sources[module], changed))
        if len(drawn) == COUNT:
            break
    return drawn


def _program(source: str) -> str | None:
    """What Python runs, so without type hints; None if it does not compile."""
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return None
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def _described(module: str, source: str, changed: str) -> Mutant:
    old, new = source.splitlines(), changed.splitlines()
    changes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    different = [change for change in changes if change[0] != "equal"]
    (_, start, _, new_start, _), (_, _, end, _, new_end) = different[0], different[-1]
    before, after = (
        " ".join(line.strip() for line in lines)
        for lines in (old[start:end], new[new_start:new_end])
    )
    return Mutant(module, start + 1, before, after, changed)


# Testing


def test(mutants: list[Mutant]) -> dict[str, str]:
    """Try each mutant that no test has noticed so far.

    Returns
    -------
    dict of str to str
        For the key of each mutant the test that noticed it, "endless" or "survived".
    """
    outcomes = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    left = [one for one in mutants if outcomes.get(one.key, "survived") == "survived"]
    if not left:
        return outcomes
    _load_libraries()
    unchanged = Mutant("scores", 1, "", "", (METRICS / "scores.py").read_text("utf-8"))
    before = os.times().children_user
    if _outcome(unchanged) != "survived":
        raise SystemExit("The tests fail without any mutant: repair that first.")
    seconds = int(os.times().children_user - before) + 1
    print(f"The tests pass in {seconds} s of computing. Mutants to try: {len(left)}.", flush=True)
    for number, mutant in enumerate(left, start=1):
        outcomes[mutant.key] = _outcome(mutant, limit=2 * seconds + 10)
        RESULTS.write_text(json.dumps(outcomes), encoding="utf-8")
        if outcomes[mutant.key] == "survived":
            print(f"{number}: survived {mutant}", flush=True)
        elif number % 25 == 0:
            print(f"{number} tried", flush=True)
    return outcomes


def _load_libraries() -> None:
    """Load once what every fork needs, and set up hypothesis: the first failure is enough."""
    os.environ["OMP_NUM_THREADS"] = "1"  # a fork must not inherit threads
    for library in LIBRARIES:
        import_module(library)
    from hypothesis import HealthCheck, Phase, settings

    settings.register_profile(
        "mutants",
        max_examples=60,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),  # they look at the clock
        phases=[Phase.explicit, Phase.generate],
    )
    gc.collect()
    gc.freeze()  # or each fork copies all libraries to count who refers to them


def _outcome(mutant: Mutant, limit: int = 600) -> str:
    """Run the tests in a fork, for so many seconds of computing, however busy the machine is."""
    sys.stdout.flush()
    hears, tells = os.pipe()
    child = os.fork()
    if child == 0:
        status = 255
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 10))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            status = _run_tests(mutant, tells)
        finally:
            os._exit(status)
    os.close(tells)
    with open(hears, encoding="utf-8") as told:
        noticing = told.readline().strip()
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended == -signal.SIGXCPU:
        return "endless"
    if ended not in (PASSED, FAILED, NOT_IMPORTED, CRASHED):
        raise SystemExit(f"The tests did not run (exit status {ended}) against {mutant}")
    return "survived" if ended == PASSED else noticing or "pytest itself"


class _Messenger:
    """A plugin of pytest that tells which test failed."""

    def __init__(self, tells: int) -> None:
        self.tells = tells

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            os.write(self.tells, f"{report.nodeid}\n".encode())

    pytest_collectreport = pytest_runtest_logreport


def _run_tests(mutant: Mutant, tells: int) -> int:
    import pytest

    path = str(METRICS / f"{mutant.module}.py")
    as_it_is = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
        if loader.path == path:
            return compile(mutant.source, path, "exec")
        return as_it_is(loader, name)

    SourceFileLoader.get_code = get_code  # type: ignore[assignment,method-assign]
    options = ["-x", "-q", "-m", "not slow", "-k", TIMELESS, "--hypothesis-profile=mutants"]
    options += [f"-pno:{plugin}" for plugin in ("cacheprovider", "anyio", "nbval", "xdist")]
    os.chdir(ROOT)
    for files in _test_files(mutant.module):
        status = int(pytest.main([*options, *files], plugins=[_Messenger(tells)]))
        if status != PASSED:
            return status
    return PASSED


def _test_files(module: str) -> tuple[list[str], list[str]]:
    """The module's own test file and those that import it; then all others."""
    imports = re.compile(rf"^(from|import) .*\b{module}\b", re.MULTILINE)
    paths = [*TESTS.glob("metrics/test_*.py"), *TESTS.glob("properties/test_*.py")]
    near: list[str] = []
    far: list[str] = []
    for path in sorted(paths, key=lambda path: (path.stem != f"test_{module}", path)):
        if path.name != NETWORKS:
            (near if imports.search(path.read_text("utf-8")) else far).append(str(path))
    return near, far


# Counting


def report(mutants: list[Mutant], outcomes: dict[str, str]) -> int:
    """Print the counts; 1 if too few were noticed, or one that is called equivalent was."""
    reasons = {
        (entry["module"], entry["before"], entry["after"]): entry["reason"]
        for entry in json.loads(EQUIVALENT.read_text("utf-8"))
    }
    equivalent = [one for one in mutants if (one.module, one.before, one.after) in reasons]
    wrong = [one for one in equivalent if outcomes[one.key] != "survived"]
    for one in wrong:
        print(f"listed as equivalent, but noticed by {outcomes[one.key]}: {one}")
    counts = Counter(outcomes[one.key] for one in mutants if one not in equivalent)
    others = counts.total()
    noticed = others - counts["survived"]
    print(
        f"{len(mutants)} mutants drawn: {noticed} noticed ({counts['endless']} of them by never "
        f"ending), {counts['survived']} survived, {len(equivalent)} equivalent. "
        f"{noticed / others:.1%} of the {others} that can be noticed; {WANTED:.0%} are wanted."
    )
    return int(bool(wrong) or noticed < WANTED * others)


def main(arguments: list[str] | None = None) -> int:
    """`draw` or `test`; returns the exit status."""
    (step,) = sys.argv[1:] if arguments is None else arguments
    DRAWN.parent.mkdir(parents=True, exist_ok=True)
    if step == "draw":
        DRAWN.write_text(json.dumps([asdict(one) for one in draw()]), encoding="utf-8")
        return 0
    mutants = [Mutant(**row) for row in json.loads(DRAWN.read_text("utf-8"))]
    return report(mutants, test(mutants))


if __name__ == "__main__":
    sys.exit(main())
