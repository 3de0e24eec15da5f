"""Nothing from outside runs, and nothing private gets out. SECURITY.md says what is promised."""

import ast
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from itertools import chain
from pathlib import Path

import nbformat
import pytest
from packages import pack_wheel
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from playwright.sync_api import Browser
from rules import rule_for
from test_cli import run as command

from tutorial_utils.data import datasets
from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.runs import chapters, kernel, parameters

ROOT = Path(__file__).parents[1]
CHAPTER = "foundations/02_gradients"
CODE = [
    path
    for folder in ("tutorial_utils", "book/_ext", "notebooks", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def read_lock(path: Path) -> dict[str, list[str]]:
    """What a lock asks for, markers included, and the hashes that the files may have."""
    whole = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    entries = (line.split(" --hash=") for line in whole.splitlines())
    return {wanted.strip(): [each.strip() for each in hashes] for wanted, *hashes in entries}


LOCKS = {name: read_lock(ROOT / name) for name in ("requirements.lock", "benchmarks/requirements.lock")}
LOCKED_LINES = list(LOCKS["requirements.lock"])
# What reads a pickle, or can be told to. Whatever reads one runs the code that is in it.
UNPICKLING = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
NEVER = re.compile(
    r"eval|exec|os\.(system|popen|exec\w+|spawn\w+|posix_spawnp?)|pty\.spawn"
    r"|subprocess\.(getoutput|getstatusoutput)|asyncio\.create_subprocess_shell"
    r"|(torch|numpy)\.load|torch\.(hub|jit|package)\.\w+|yaml\.(unsafe_load|full_load)(_all)?|\w+\.read_pickle"
)
"""What runs a text, a shell's line or a stranger's code, whether it is called or only handed on."""
STARTERS = {"run", "call", "check_call", "check_output", "Popen"}
SAFE_LOADERS = {"yaml.SafeLoader", "yaml.CSafeLoader", "Loader"}
"""The last is what `sweep_points.py` makes of `yaml.BaseLoader`; test_sweeps.py hands it dangerous files."""

NO_PERMISSION = re.compile(r"\b(AGPL|Affero|non-?commercial)\b", re.IGNORECASE)
CUDA = re.compile("nvidia-|cuda-|triton$")
KNOWN_PROPRIETARY = re.compile(r"^(nvidia-|cuda-)")
"""CUDA's libraries may be used and passed on with PyTorch, which brings them; nothing here imports them."""
WITHOUT_LICENCE_FIELD = {"axe-playwright-python", "cuda-toolkit"}
"""These do not say in their metadata."""


def find_dangers(tree: ast.AST) -> Iterator[str]:
    """What in parsed code could run a stranger's code or a stranger's command."""
    imported = dict(find_imports(tree))
    for module in {name.split(".")[0] for name in imported.values()} & UNPICKLING:
        yield f"import of {module}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            name = full_name(node, imported)
            if NEVER.fullmatch(name):
                yield name
        elif isinstance(node, ast.Call):
            yield from find_dangers_of_call(node, imported)


def find_imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What imported names stand for: ``np`` for numpy, or ``run`` for subprocess.run."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (first, first)
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def full_name(node: ast.expr, imported: dict[str, str]) -> str:
    first, dot, rest = ast.unparse(node).partition(".")
    return imported.get(first, first) + dot + rest


def find_dangers_of_call(node: ast.Call, imported: dict[str, str]) -> Iterator[str]:
    name = full_name(node.func, imported)
    options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    yield from (option for option in ("allow_pickle", "shell") if options.get(option, "False") != "False")
    if name.endswith((".extractall", ".unpack_archive")):
        yield "every member of an archive"
    if name in ("yaml.load", "yaml.load_all"):
        loaders = [*node.args[1:], *(keyword.value for keyword in node.keywords if keyword.arg == "Loader")]
        if not loaders or any(full_name(loader, imported) not in SAFE_LOADERS for loader in loaders):
            yield f"{name} with another loader"
    if name in {f"subprocess.{starter}" for starter in STARTERS}:
        command = node.args[0] if node.args else None
        if isinstance(command, ast.Constant | ast.JoinedStr | ast.BinOp) and not holds_list(command):
            yield f"{name} of one text"


def holds_list(command: ast.expr) -> bool:
    return isinstance(command, ast.BinOp) and any(isinstance(n, ast.List) for n in ast.walk(command))


@pytest.mark.fault(22, 48)
@rule_for({str(path.relative_to(ROOT)): path for path in CODE})
def test_no_code_opens_a_pickle_or_a_shell(path: Path) -> Iterator[str]:
    return find_dangers(ast.parse(path.read_text(encoding="utf-8")))


DANGEROUS = """
import pickle
from joblib import load
from pickle import loads as read
import joblib.numpy_pickle
torch.load(path)
from torch import load as fetch; fetch(path)
import torch as t; t.load(path, weights_only=wanted)
torch.hub.load('somebody/model', 'm')
import numpy as anything; anything.load(path, None, True)
read_array(path, allow_pickle=True)
pd.read_pickle(path)
eval(text)
os.system('ls ' + name)
from os import system; system('ls ' + name)
list(map(os.system, commands))
os.execvp(name, [name])
subprocess.run(f'ls {name}')
subprocess.run(['ls'], shell=True)
subprocess.Popen(['ls'], shell=wanted)
import subprocess as sp; sp.check_output('ls ' + name)
from subprocess import run; run(f'ls {name}', shell=True)
asyncio.create_subprocess_shell(line)
import yaml as y; y.load(text, y.UnsafeLoader)
yaml.load(text, Loader=yaml.FullLoader)
yaml.load(text, yaml.Loader)
from yaml import Loader; yaml.load(text, Loader)
yaml.load(text)
yaml.unsafe_load(text)
tarfile.open(path).extractall(folder)
"""
SAFE = """
model.eval()
subprocess.run(['ls', name])
subprocess.run([*command, name], check=True)
yaml.safe_load(text)
yaml.load(text, yaml.SafeLoader)
"""


def test_the_search_finds_every_danger_and_lets_pass_what_is_safe() -> None:
    found = {line: list(find_dangers(ast.parse(line))) for line in (DANGEROUS + SAFE).split("\n") if line}
    assert [line for line in found if found[line]] == DANGEROUS.split("\n")[1:-1]


# What a run does, and what it leaves behind. Its interpreters import `sitecustomize` first, which notes what
# they are asked to do, and tells them names of machine and user that must not be found afterwards.

CANARY = "canary-3f9c1d-that-nobody-may-see"
NOTED = "NOTED"
SPY = f"""
import os, socket, sys

def note(event, arguments, file=os.open(os.environ["{NOTED}"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)):
    if event in ("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn"):
        os.write(file, f"{{event}}\\n".encode())
    elif event == "subprocess.Popen":
        os.write(file, f"{{event}} {{os.path.basename(os.fsdecode(arguments[0]))}}\\n".encode())
    elif event == "socket.connect" and arguments[0].family in (socket.AF_INET, socket.AF_INET6):
        os.write(file, f"{{event}} {{arguments[1][0]}}\\n".encode())

sys.addaudithook(note)
socket.gethostname = socket.getfqdn = lambda *name: "{CANARY}"
if hasattr(os, "uname"):
    true = os.uname()
    os.uname = lambda: os.uname_result((true[0], "{CANARY}", *true[2:]))
"""
HARMLESS = {
    "subprocess.Popen python",  # the kernel
    "subprocess.Popen git",  # which commit this is
    "subprocess.Popen uname",  # Python's platform.processor
    "subprocess.Popen ldconfig",  # PyTorch looks for CUDA
    "subprocess.Popen fc-list",  # Matplotlib looks for fonts, once in each home folder
}


class Machine:
    """Somebody's machine: a home folder, secrets in the environment, and notes of what programs do."""

    def __init__(self, folder: Path) -> None:
        self.home, self.noted = folder / CANARY, folder / "noted"
        self.home.mkdir()
        spy = folder / "spy"
        spy.mkdir()
        (spy / "sitecustomize.py").write_text(SPY)
        names = ("USER", "LOGNAME", "USERNAME", "HOSTNAME")
        secrets = ("API_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY")
        self.environment = {
            **os.environ,
            **dict.fromkeys((*names, *secrets), CANARY),
            "HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join([str(spy), str(ROOT)]),
            NOTED: str(self.noted),
            datasets.DATA_VARIABLE: str(datasets.data_root()),
        }

    def run(self, code: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(command, cwd=cwd, env=self.environment, capture_output=True, text=True)

    def tutorial(self, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        return self.run("from tutorial_utils.cli import main; main()", *arguments, cwd=cwd)

    def done(self) -> set[str]:
        """What programs were noted to do; a version behind Python's name does not matter."""
        return set(re.sub(r"(python)[\d.]*$", r"\1", self.noted.read_text(), flags=re.MULTILINE).splitlines())


@pytest.fixture
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("machine"))


@pytest.mark.skipif(sys.platform != "linux", reason="names of programs as Linux has them")
def test_a_run_writes_nothing_private_opens_no_pickle_starts_no_shell_and_asks_nobody(
    machine: Machine, tmp_path: Path
) -> None:
    """Private is what environment, home folder and machine say. Libraries act on a run's behalf, too."""
    ran = machine.tutorial("run", f"notebooks/{CHAPTER}", "-o", str(tmp_path / "run.ipynb"), "--html")
    assert ran.returncode == 0, ran.stderr
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert set(written) == {"run.ipynb", "run.json", "run.html"}
    for name, text in written.items():
        assert CANARY not in text, name
        assert f"{tempfile.gettempdir()}{os.sep}" not in text, name
    assert machine.done() <= HARMLESS
    assert {"subprocess.Popen python", "subprocess.Popen git"} <= machine.done(), "nothing was noted"


ACTS = """
import fractions, os, pickle, platform, socket, subprocess
pickle.loads(pickle.dumps(fractions.Fraction(1)))
os.system("true")
subprocess.run("true", shell=True)
socket.socket().connect_ex(("127.0.0.1", 9))
assert platform.node().startswith("canary"), platform.node()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="names of programs as Linux has them")
def test_what_programs_do_is_noted(machine: Machine) -> None:
    ran = machine.run(ACTS)
    assert ran.returncode == 0, ran.stderr
    acts = {"pickle.find_class", "os.system", "subprocess.Popen sh", "socket.connect 127.0.0.1"}
    assert machine.done() == acts


def read_built_files() -> Iterator[tuple[str, bytes]]:
    """All that `make book` wrote for readers and later builds: names and contents, also of what is packed."""
    build = ROOT / "_build"
    folders = [build / name for name in ("results", "executed", "models", "page_data", "sweeps/book", "html")]
    for folder in [*folders, ROOT / "benchmarks"]:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
            yield str(path.relative_to(ROOT)), path.read_bytes()
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as packed:
                    yield from ((f"{path.name}: {name}", packed.read(name)) for name in packed.namelist())


@pytest.mark.book
def test_no_built_file_names_a_folder_of_the_machine() -> None:
    """Neither of this one nor of another one that built it."""
    here = [folder for folder in (ROOT, Path.home(), Path(tempfile.gettempdir())) if folder.name]
    anywhere = [rb"/(home|Users)/\w+/", rb"/root/", rb"/var/folders/", rb"[A-Z]:\\+Users\\"]
    private = re.compile(rb"|".join([*(re.escape(os.fsencode(f"{folder}/")) for folder in here), *anywhere]))
    checked = set()
    for name, content in read_built_files():
        checked.add(name.rpartition(".")[2])
        found = private.search(content)
        assert found is None, f"{name} names {found and found[0]!r}"
    assert {"json", "ipynb", "html", "js", "csv", "safetensors", "png", "zip"} <= checked


# Text that a stranger chose

NOTEBOOK = (
    """
import json, os, pathlib, warnings
from tutorial_utils.report import narrate
folder = pathlib.Path(os.environ["TUTORIAL_OUTPUT"]) / "results" / "part"
folder.mkdir(parents=True, exist_ok=True)
content = {"notebook": "part/chapter", "parameters": {"text": text}, "provenance": {}}
content["metrics"] = {text: len(text), "length": len(text), "itself": text}
content["timings"] = {"chapter_seconds": 1.0}
(folder / "chapter.json").write_text(json.dumps(content))
print(text)
warnings.warn(text)
if "fail" in text:
    raise ValueError(text)
""",
    "narrate.table([{text: text}])",
    "text",
)
HOSTILE = """</pre></td></style></script><img src=x onerror="owned=1"><script>owned=1</script>\
<svg onload=owned=1>'\"\"\"); open('owned', 'w') # {{ 7 * 7 }} \\"""


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A repository whose chapter takes any text, and shows it in many ways."""
    cells = [nbformat.v4.new_code_cell(cell) for cell in ('text: str = "a"  # any text', *NOTEBOOK)]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "notebooks" / "part" / "chapter.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return tmp_path


def assert_shows_as_text(browser: Browser, path: Path, text: str, times: int) -> None:
    """In a real browser, whose reading of broken markup is the one that counts."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate("typeof owned") == "undefined"
    assert page.locator("[onerror], [onload], img[src=x]").count() == 0
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert page.evaluate("document.body.textContent").count(text) == times
    page.close()


def test_a_hostile_text_stays_text_in_the_report_of_a_sweep_and_on_the_page_of_a_run(
    strange: Path, machine: Machine, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = f"fail {HOSTILE}"
    file, folder = strange / "sweep.yaml", strange / "swept"
    file.write_text(json.dumps({"points": [{"text": HOSTILE}, {"text": failing}]}))
    swept = machine.tutorial("sweep", "part/chapter", "-f", str(file), "-o", str(folder), cwd=strange)
    assert "1 finished, 1 failed" in swept.stdout, swept.stderr
    # As two parameters, in the reason of the failure, and as the name of a metric.
    assert_shows_as_text(browser, folder / "report.html", HOSTILE, 4)
    for name in ("report.html", "results.csv"):
        assert CANARY not in (folder / name).read_text(encoding="utf-8")

    (measured,) = (folder / "points").glob("*.json")
    done = kernel.Executed(measured.read_text(), measured.with_suffix(".ipynb").read_text())
    monkeypatch.setattr(kernel, "execute", lambda *arguments, **options: done)  # the same again
    monkeypatch.chdir(strange)
    arguments = ["-p", f"text={HOSTILE}", "-o", "run.ipynb", "--html"]
    assert command(monkeypatch, "run", "part/chapter", *arguments) == 0
    assert json.loads((strange / "run.json").read_text())["metrics"]["itself"] == HOSTILE
    # Printed, warned of, and twice in the table; in the cells above and below as Python writes it.
    assert_shows_as_text(browser, strange / "run.html", HOSTILE, 4)
    assert "7 * 7" in (strange / "run.html").read_text()
    assert not list(strange.rglob("owned"))


@rule_for({path.stem: path for path in sorted((ROOT / "notebooks").glob("*/*.ipynb"))})
def test_chapters_take_no_text_but_those_that_they_name(path: Path) -> Iterator[str]:
    """So none gets into a sentence, which is Markdown and could hold markup."""
    given = chapters.find(path).parameters
    for name in [name for name, parameter in given.items() if parameter.kind is str]:
        for text in (HOSTILE, f"{given[name].default}{HOSTILE}", f"cuda:{HOSTILE}", ""):
            with contextlib.suppress(ConfigurationError):
                parameters.check(given, {name: text})
                yield f"{name} may be {text!r}"


# Dependencies


@rule_for(LOCKS)
def test_every_dependency_has_one_version_pinned_files_and_none_from_an_address(
    lock: dict[str, list[str]],
) -> Iterator[str]:
    """A package may stand there twice, for different versions of Python; each Python takes one of them."""
    for line, hashes in lock.items():
        if not re.fullmatch(r"[\w.-]+==[^*\s@]+( ; .+)?", line):
            yield f"{line} is not one version from the index"
        if not hashes or not all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes):
            yield f"{line} has no SHA-256"
    for version in ("3.11.0", "3.11.9", "3.12.0", "3.13.0", "3.14.0"):
        python = {"python_full_version": version, "python_version": version.rpartition(".")[0]}
        names = [
            canonicalize_name(requirement.name)
            for requirement in map(Requirement, lock)
            if requirement.marker is None or requirement.marker.evaluate(python)
        ]
        assert len(names) > 50
        assert sorted(names) == sorted(set(names)), version


def test_benchmarks_compare_with_the_versions_of_the_book() -> None:
    book = {Requirement(line).name: Requirement(line).specifier for line in LOCKED_LINES}
    compared = {
        Requirement(line).name: Requirement(line).specifier for line in LOCKS["benchmarks/requirements.lock"]
    }
    assert {name for name in compared if name in book and compared[name] != book[name]} == set()
    assert {"numpy", "torch"} <= compared.keys() & book.keys()


def test_set_up_refuses_a_file_with_another_hash(tmp_path: Path) -> None:
    """With the options of the Makefile, on a package made here: the file is named, and not installed."""
    packed = pack_wheel(tmp_path, "small", "1.0")
    (options,) = re.findall(r"^INSTALL_LOCKED := (.+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    options = re.sub(r"\$\(.*?\)\S*\)", "", options)  # what depends on the kind of installation
    command = [sys.executable, *options.split(), str(tmp_path / "lock"), "--dry-run", "--no-index"]
    for sha256, code in ((hashlib.sha256(packed.read_bytes()).hexdigest(), 0), ("0" * 64, 1)):
        (tmp_path / "lock").write_text(f"small==1.0 --hash=sha256:{sha256}\n")
        done = subprocess.run([*command, f"--find-links={tmp_path}"], capture_output=True, text=True)
        assert done.returncode == code, done.stderr
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr and "small==1.0" in done.stderr


def test_what_is_tested_is_what_is_locked() -> None:
    small = metadata.version("torch").endswith("+cpu")
    for requirement in map(Requirement, LOCKED_LINES):
        if small and CUDA.match(requirement.name):
            continue
        if requirement.marker is None or requirement.marker.evaluate():
            installed = metadata.version(requirement.name)
            assert requirement.specifier.contains(installed, prereleases=True), f"{requirement}: {installed}"


def test_nothing_that_is_installed_contradicts_what_another_package_needs() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_the_lock_holds_whatever_the_book_and_its_tests_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = dict(project["optional-dependencies"])
    locked, compared = (
        {canonicalize_name(Requirement(line).name) for line in lock} for lock in LOCKS.values()
    )
    bench = {Requirement(text).name for text in extras.pop("bench")}
    wanted = [*project["dependencies"], *chain.from_iterable(extras.values())]
    assert {Requirement(text).name for text in wanted} <= locked
    assert bench <= compared - locked, "nothing else needs them"


def licence(package: metadata.Distribution) -> str:
    """What a package says of its licence, in any of the three places where it may stand.

    Of a whole text the first line is enough: below may stand the licences of files that it brings along.
    """
    about = package.metadata
    classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    whole = (about.get("License") or "").splitlines()
    return " ".join(filter(None, [about.get("License-Expression"), *classifiers, *whole[:1]]))


def test_every_dependency_may_be_used() -> None:
    said = {package.metadata["Name"]: licence(package) for package in metadata.distributions()}
    assert {name for name, text in said.items() if not text.strip()} <= WITHOUT_LICENCE_FIELD
    barred = {name for name, text in said.items() if NO_PERMISSION.search(text)}
    assert barred == set()
    proprietary = {name for name, text in said.items() if "proprietary" in text.lower()}
    assert {name for name in proprietary if not KNOWN_PROPRIETARY.match(name)} == set()
