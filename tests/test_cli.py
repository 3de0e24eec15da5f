import logging
import subprocess
import sys
from pathlib import Path

import pytest

import tutorial_utils
from tutorial_utils import cli
from tutorial_utils.data import catalogue, datasets
from tutorial_utils.exceptions import TutorialError
from tutorial_utils.fetching.ensure import Arrival
from tutorial_utils.report.results import Results
from tutorial_utils.runs import kernel, reruns, sweeps

REPOSITORY = Path(__file__).parents[1]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["tutorial", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"tutorial {tutorial_utils.__version__}\n"


def test_data_names_folder_source_and_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def fetch(name: str, root: Path | None, offline: bool) -> Arrival:
        asked.append((name, root, offline))
        return Arrival(tmp_path / name, "somewhere", transferred=12_000_000, seconds=4)

    monkeypatch.setattr(datasets, "fetch", fetch)
    assert run(monkeypatch, "data", "mnist", "--root", str(tmp_path), "--offline") == 0
    out = capsys.readouterr().out
    assert str(tmp_path / "mnist") in out
    assert "fetched from somewhere: 12.0 MB in 4.0 s (3.0 MB/s)" in out
    assert run(monkeypatch, "data") == 0
    assert asked == [("mnist", tmp_path, True), *((name, None, False) for name in catalogue.DATASETS)]


def test_foreseen_errors_show_no_traceback_and_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(error: Exception) -> None:
        def fetch(*args: object, **kwargs: object) -> None:
            raise error

        monkeypatch.setattr(datasets, "fetch", fetch)

    fail(TutorialError("foreseen"))
    assert run(monkeypatch, "data") == 1
    fail(ZeroDivisionError("a bug"))
    monkeypatch.setattr(sys, "argv", ["tutorial", "data"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


CHAPTER = "notebooks/mnist/03_training"


@pytest.fixture
def reran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """The calls of `reruns.run`, which runs nothing here."""
    calls: list[tuple[object, ...]] = []

    def stand_in(notebook: str, values: dict[str, object], **options: object) -> reruns.Run:
        calls.append((notebook, values, options))
        measured = Results("mnist/03_training", {}, {}, {"chapter_seconds": 12.3}, {})
        return reruns.Run(measured, Path("a.ipynb"), Path("a.json"), Path("a.html"))

    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(reruns, "run", stand_in)
    return calls


def test_run_reads_values_and_says_where_everything_is(
    reran: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = ["-p", "learning_rate=1e-1", "--parameter", "num_epochs=3"]
    options = ["-o", "a.ipynb", "--html", "--time-limit", "60"]
    assert run(monkeypatch, "run", CHAPTER, *pairs, *options) == 0
    assert run(monkeypatch, "run", CHAPTER) == 0
    assert reran == [
        (
            CHAPTER,
            {"num_epochs": 3, "learning_rate": 0.1},
            {"output": Path("a.ipynb"), "html": True, "time_limit": 60.0},
        ),
        (CHAPTER, {}, {"output": None, "html": False, "time_limit": kernel.TIME_LIMIT}),
    ]
    assert capsys.readouterr().out.splitlines()[:4] == [
        "mnist/03_training: done in 12 s",
        "  a.ipynb",
        "  a.json",
        "  a.html",
    ]


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        ("data", ["mnist", "mnits"], ["error: dataset='mnits' is unknown; did you mean 'mnist'?\n"]),
        ("data", ["--ofline"], ["--offline"]),
        (
            "run",
            [CHAPTER, "-p", "epochs=3", "-p", "momentum"],
            ["'num_epochs'", "not of the form NAME=VALUE"],
        ),
        ("run", ["notebooks/mnist/03_trainin"], ["did you mean 'notebooks/mnist/03_training'"]),
        # As papermill has it, the name apart from the value.
        ("run", ["-p", "learning_rate", "0.1", CHAPTER, "-p", "seed=1"], ["-p learning_rate=0.1"]),
        ("run", [CHAPTER, "-p", "seed", "1", "-p", "momentum", "0"], ["-p seed=1 -p momentum=0"]),
        ("run", [CHAPTER, "another"], ["another", "-p NAME=VALUE"]),
        ("sweep", [CHAPTER, "-g", "seed", "1,2"], ["-g seed=1,2"]),
        ("sweep", [CHAPTER], ["give a grid"]),
        ("sweep", [CHAPTER, "-g", "seed=0", "-f", "sweep.yml"], ["give a grid", "and not both"]),
    ],
)
def test_nothing_starts_when_something_is_wrong(
    reran: list[tuple[object, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    arguments: list[str],
    words: list[str],
) -> None:
    for module, name in ((datasets, "fetch"), (sweeps, "run")):
        monkeypatch.setattr(module, name, lambda *args, **kwargs: pytest.fail("started"))
    assert run(monkeypatch, command, *arguments) == (2 if arguments == ["--ofline"] else 1)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(word in captured.err for word in words)
    assert reran == []


def test_run_lists_what_can_be_changed(
    reran: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "run", CHAPTER, "--help-parameters") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "momentum: float = 0.9  (0 to below 1)" in lines
    assert "    share of the last step kept in the next" in lines
    assert max(map(len, lines)) <= 80
    assert reran == []


def test_ctrl_c_ends_a_run_without_a_traceback(
    reran: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reruns, "run", interrupt)
    monkeypatch.setattr(logging, "disable", lambda: None)  # the other tests' messages
    assert run(monkeypatch, "run", CHAPTER) == 130
    assert capsys.readouterr().err == "mnist/03_training: interrupted\n"


def test_a_build_that_is_not_there_is_no_place_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "status", str(tmp_path)) == 0
    said = capsys.readouterr().out
    assert "make book" in said and "index.html" not in said


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys, tutorial_utils.cli; assert not {'torch', 'numpy', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, timeout=600)
