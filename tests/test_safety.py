"""Nothing foreign runs: no pickle is loaded, nothing is unpacked elsewhere, no words become markup.

First the code is read: what could run something foreign may not stand in it. Then malicious files
are planted at every door of the course; each would leave a trace if anything in it were executed.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import pickle
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_uncertainty.methods import deep_ensembles

from course_utils import figures
from course_utils.exercises import bug_hunt
from course_utils.exercises.kinds import Choice, Function, Number
from course_utils.images import ImageSet, files, load_mnist
from course_utils.images import own_images as own_data
from course_utils.metrics.predictions import Predictions
from course_utils.networks import runs, training, zoo
from course_utils.networks.checkpoints import read_checkpoint
from course_utils.networks.models import LeNet
from tools.learner import lab
from tools.presenter import present

ROOT = Path(__file__).resolve().parents[1]
READ = ("course_utils", "tools", "notebooks/src", "slides/src")

# --- the code is read ---------------------------------------------------------------------------

PICKLES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
RUN_TEXT = {"eval", "exec", "compile", "__import__"}
# whatever it is called on
NEVER = {
    "unpack_archive": "follows paths out of its folder",
    "load_from_checkpoint": "loads pickles",
    "read_pickle": "loads pickles",
    "load_state_dict_from_url": "loads pickles from the network",
    "full_load": "builds objects",
    "unsafe_load": "builds objects",
}


def dangers(source: str) -> Iterator[str]:
    """What in a Python source could run something foreign."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = [alias.name for alias in node.names]
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for module in modules:
                if module.partition(".")[0] in PICKLES:
                    yield f"line {node.lineno}: imports {module}"
        if isinstance(node, ast.Call):
            for reason in dangers_of_call(node):
                yield f"line {node.lineno}: {ast.unparse(node)[:60]} {reason}"


def dangers_of_call(call: ast.Call) -> Iterator[str]:
    """What one call could do."""
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if given.get("shell", "False") != "False":
        yield "runs a shell"
    if given.get("allow_pickle", "False") != "False":
        yield "loads pickles"
    if given.get("weights_only", "True") != "True":
        yield "loads pickles"
    if isinstance(call.func, ast.Name) and call.func.id in RUN_TEXT:
        yield "runs text"
    if not isinstance(call.func, ast.Attribute):
        return
    owner, name = ast.unparse(call.func.value), call.func.attr
    if name in NEVER:
        yield NEVER[name]
    if owner == "os" and name in {"system", "popen"}:
        yield "runs a shell"
    if (owner, name) == ("torch", "load") and "weights_only" not in given:
        yield "may load pickles"
    if (owner, name) in {("np", "load"), ("numpy", "load")} and "allow_pickle" not in given:
        yield "should say allow_pickle=False"
    if owner.endswith("hub") and name == "load" and owner.startswith("torch"):
        yield "runs code from the network"
    if owner == "yaml" and name == "load":
        yield "builds objects"
    unpacks = name == "extractall" or (name == "extract" and call.args)  # not BeautifulSoup's
    if unpacks and given.get("filter") != "'data'":
        yield "may unpack out of its folder"


@pytest.mark.parametrize("folder", READ)
def test_no_code_of_the_course_could_run_something_foreign(folder: str) -> None:
    sources = sorted((ROOT / folder).rglob("*.py"))
    assert len(sources) >= 6
    found = {
        str(path.relative_to(ROOT)): list(dangers(path.read_text(encoding="utf-8")))
        for path in sources
    }
    # mutation testing runs changed copies of the course's own metrics, and nothing else
    found.pop("tools/author/mutants.py", None)
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import dill as d",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.hub.load('a/b', 'c')",
        "Routine.load_from_checkpoint(path)",
        "trainer.fit(routine, ckpt_path=last, weights_only=False)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.lib.format.read_array(file, allow_pickle=True)",
        "pd.read_pickle(path)",
        "eval(text)",
        "exec(text, names)",
        "os.system('ls')",
        "subprocess.run(command, shell=True)",
        "yaml.load(text)",
        "tarfile.open(path).extractall(folder)",
        "zipfile.ZipFile(path).extract(name, folder)",
        "shutil.unpack_archive(path)",
    ],
)
def test_the_reading_notices(source: str) -> None:
    assert list(dangers(source))


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "platform.system()",
        "heading.extract()",
        "re.compile(text)",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=False)",
        "tarfile.open(path).extractall(folder, filter='data')",
        "subprocess.run([command], check=True)",
        "yaml.safe_load(text)",
    ],
)
def test_the_reading_lets_pass(source: str) -> None:
    assert not list(dangers(source))


def test_scripts_of_the_widgets_write_words_and_no_markup() -> None:
    scripts = sorted((ROOT / "course_utils/widgets/js").glob("*.js"))
    assert len(scripts) >= 10
    unsafe = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc"
    for script in scripts:
        assert not re.search(unsafe, script.read_text(encoding="utf-8")), script.name


# --- malicious files at every door --------------------------------------------------------------


class Evil:
    """Unpickled, it leaves a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return Path.touch, (self.trace,)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "something foreign ran"


@pytest.fixture(autouse=True)
def nothing_runs(trace: Path) -> Iterator[None]:
    yield
    assert not trace.exists()


def test_the_planted_object_would_run(trace: Path) -> None:
    pickle.loads(pickle.dumps(Evil(trace)))
    assert trace.exists(), "the files below would be harmless, and prove nothing"
    trace.unlink()


def refusal(error: pytest.ExceptionInfo[BaseException]) -> str:
    """The words of a refusal: one sentence for people."""
    words = str(error.value)
    assert words.endswith(".") and "\n" not in words and len(words) < 400
    return words


@pytest.fixture
def checkpoint(tmp_path: Path, trace: Path) -> Path:
    """Weights of the right names and shapes, and one thing more."""
    state = {f"model.{name}": value for name, value in LeNet().state_dict().items()}
    torch.save({"state_dict": state, "surprise": Evil(trace)}, tmp_path / "version_0.ckpt")
    return tmp_path / "version_0.ckpt"


def test_a_malicious_checkpoint(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="holds more than weights") as error:
        read_checkpoint(checkpoint)
    refusal(error)


def test_a_malicious_checkpoint_in_the_way_chapter_3_reads_it(checkpoint: Path) -> None:
    with pytest.raises(pickle.UnpicklingError):
        deep_ensembles([LeNet(), LeNet()], ckpt_paths=[checkpoint] * 2)


@pytest.fixture
def few() -> tuple[ImageSet, ImageSet]:
    return tuple(load_mnist(split).subset(slice(0, 200)) for split in ("train", "val"))


def test_resuming_reads_weights_only_lightning_too(few, tmp_path, trace, monkeypatch) -> None:
    arguments = {"name": "lenet", "folder": tmp_path, "epochs": 1, "resume": True}
    fit = training.fit(LeNet(), *few, **arguments)
    asked = []
    load = torch.load

    def note(*positional, **given):
        asked.append(given.get("weights_only"))
        return load(*positional, **given)

    with monkeypatch.context() as patched:
        patched.setattr(torch, "load", note)
        training.fit(LeNet(), *few, **arguments)
    assert len(asked) >= 2 and set(asked) == {True}
    saved = torch.load(fit.last_checkpoint, weights_only=True)
    torch.save({**saved, "surprise": Evil(trace)}, fit.last_checkpoint)
    with pytest.raises(ValueError, match="cannot be read") as error:
        training.fit(LeNet(), *few, **arguments)
    refusal(error)


def test_a_pickle_in_place_of_weights(tmp_path, trace, monkeypatch) -> None:
    content = pickle.dumps(Evil(trace))
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(zoo.ZooError, match="not a safetensors file") as error:
        zoo.load_weights(LeNet(), tmp_path / "a.safetensors")
    refusal(error)
    with pytest.raises(zoo.ZooError, match="differ from the recorded ones") as error:
        zoo.load_weights(LeNet(), tmp_path / "a.safetensors", "0" * 64)
    refusal(error)
    where = tmp_path / "look"
    where.mkdir()
    (where / "lenet.safetensors").write_bytes(content)
    facts = {"epochs": 3, "num_train": 1, "sha256": hashlib.sha256(content).hexdigest()}
    (where / "lenet.json").write_text(str(facts).replace("'", '"'))
    monkeypatch.setenv("COURSE_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("COURSE_SPEED", "look")
    assert "zoo" in runs.load("lenet").origin


def test_an_npz_of_objects(tmp_path, trace) -> None:
    images, labels = np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.int64)
    evil = np.array([Evil(trace)] * 3, dtype=object)
    np.savez(tmp_path / "labels.npz", images=images, labels=evil)
    np.savez(tmp_path / "images.npz", images=evil, labels=labels)
    for name in ("images", "labels"):
        with pytest.raises(own_data.OwnDataError, match=r"objects.*never loaded") as error:
            own_data.from_npz(tmp_path / f"{name}.npz")
        refusal(error)
    for key in ("logits", "labels", "format"):
        arrays = {"format": np.array("course_utils.metrics.predictions/1"), "labels": labels}
        arrays |= {"logits": np.zeros((3, 1, 10)), key: evil}
        np.savez(tmp_path / "predictions.npz", **arrays)
        with pytest.raises(ValueError, match="damaged or not a predictions file") as error:
            Predictions.load(tmp_path / "predictions.npz")
        refusal(error)


def test_a_pickle_in_place_of_images(tmp_path, trace, monkeypatch) -> None:
    name = "t10k-labels-idx1-ubyte"
    (tmp_path / "MNIST/raw").mkdir(parents=True)
    planted = gzip.compress(pickle.dumps(Evil(trace)))
    (tmp_path / f"MNIST/raw/{name}.gz").write_bytes(planted)
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    monkeypatch.setattr(files, "FILES", {"MNIST": {name: files.FILES["MNIST"][name]}})
    with pytest.raises(files.ImagesError, match="not the published file"):
        files.torchvision_root(tmp_path / "root")
    assert not (tmp_path / "root").exists()


def png(width: int, height: int, pixels: bytes | None = None) -> bytes:
    """A grey PNG of a size, whose pixels take little room."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 1) * height)) if pixels is None else pixels
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png(12_000, 12_000, b"x"), "must be 28 by 28"),
        (png(60_000, 60_000, b"x"), "gigantic and must be 28 by 28"),
        (png(28, 28, zlib.compress(bytes(100_000_000), 9)), ""),  # 100 MB in 100 kB
        (png(28, 28)[:-30], "damaged"),
        (png(28, 28)[:40], "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"<svg onload='alert(1)'/>", "damaged or no PNG"),
    ],
    ids=["large", "bomb", "bomb in the pixels", "cut off", "header only", "empty", "svg"],
)
def test_a_malicious_png(tmp_path, content, words) -> None:
    (tmp_path / "7_digit.png").write_bytes(content)
    if not words:  # more pixels than announced are left aside
        assert not own_data.from_folder(tmp_path).images.any()
        return
    with pytest.raises(own_data.OwnDataError, match=words) as error:
        own_data.from_folder(tmp_path)
    refusal(error)


# --- servers that answer this machine only ------------------------------------------------------


@pytest.mark.parametrize("tool", [lab, present], ids=["lab", "present"])
def test_jupyterlab_keeps_its_token_and_to_this_machine(tool, tmp_path, monkeypatch) -> None:
    """What it is started with; tests/tools/test_lab.py starts it, and asks with a wrong token."""
    import jupyterlab.labapp

    started: list[list[str]] = []
    for folder in ("notebooks", "slides"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "01_data.ipynb").write_text("{}")
    monkeypatch.setattr(jupyterlab.labapp, "main", lambda arguments: started.append(arguments))
    for module in (lab, tool):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(present, "WORK", tmp_path / "work" / "slides")
    changed = ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "JUPYTER_PREFER_ENV_PATH", "COURSE_SPEED")
    for variable in changed:
        monkeypatch.setenv(variable, "")
    monkeypatch.chdir(tmp_path)
    assert tool.main([]) == 0
    (arguments,) = started
    assert "--ServerApp.ip=127.0.0.1" in arguments
    forbidden = r"token|password|allow_origin|allow_remote|xsrf|disable_check|0\.0\.0\.0"
    assert not [one for one in arguments if re.search(forbidden, one)]


# --- words that would like to be markup or code -------------------------------------------------

MARKUP = '<img src=x onerror="alert(1)">'
TEXTS = dict.fromkeys(("title", "objective", "task", "stub", "passed", "answer", "why"), "x")


class Named:
    """An answer whose own words are markup."""

    def __repr__(self) -> str:
        return MARKUP


Named.__name__ = f"Named{MARKUP}"


def raising(x: object) -> float:
    raise ValueError(MARKUP)


EXERCISE = {"name": "ex9_1", "minutes": 1, "hints": ("x", "x", "x"), **TEXTS}
FUNCTION = Function(**EXERCISE, reference=lambda x: 1.0, inputs=lambda: [([MARKUP],)])
NUMBER = Number(**EXERCISE, expected=1.0, tolerance=0.1)
CHOICE = Choice(**EXERCISE, correct="a", options={"a": "x", "b": "y"}, reasons={"b": "no"})
ANSWERS: list[tuple[object, object]] = [
    (FUNCTION, lambda x: 2.0),
    (FUNCTION, lambda x: Named()),
    (FUNCTION, lambda x: print(MARKUP) or raising(x)),
    (FUNCTION, raising),
    (FUNCTION, Named()),
    (NUMBER, Named()),
    (NUMBER, MARKUP),
    (CHOICE, MARKUP),
    (CHOICE, Named()),
]


@pytest.mark.parametrize(("exercise", "answer"), ANSWERS)
def test_verdicts_show_a_learners_words_as_words(exercise, answer) -> None:
    verdict = exercise.check(answer)
    assert not verdict.right
    assert "<img" not in verdict._repr_html_()


def test_the_scoreboard_shows_a_learners_words_as_words() -> None:
    board = bug_hunt.scoreboard({bug.passed: raising for bug in bug_hunt.BUGS})
    assert MARKUP in "".join(verdict.because for verdict in board.verdicts)
    assert "<img" not in board._repr_html_()


def test_checks_never_run_text(trace: Path) -> None:
    text = f"__import__('pathlib').Path({str(trace)!r}).touch()"
    for exercise in (FUNCTION, NUMBER, CHOICE):
        verdict = exercise.check(text)
        assert not verdict.right


def test_names_of_folders_and_classes_are_words(tmp_path) -> None:
    folder = tmp_path / "<img src=x onerror=alert(1)>"
    folder.mkdir()
    (folder / "7_a.png").write_bytes(png(28, 28))
    images = own_data.from_folder(folder)
    assert images.name == folder.name
    picture = figures.message(images.name)
    assert images.name in picture.alt
    assert "<img src=x" not in picture._repr_html_()
