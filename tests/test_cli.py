import subprocess
import sys
from pathlib import Path

import pytest

import tutorial_utils
from tutorial_utils import catalogue, cli, datasets
from tutorial_utils.datasets import LoadedDataset
from tutorial_utils.download import Arrival
from tutorial_utils.exceptions import TutorialError

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


@pytest.mark.data
def test_data_says_when_the_cache_is_right(
    mnist: LoadedDataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "data", "mnist") == 0
    out = capsys.readouterr().out
    assert "MNIST" in out
    assert str(datasets.data_root()) in out
    assert "verified in the cache" in out


def test_an_unknown_name_is_refused_before_anything_is_fetched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(datasets, "fetch", lambda *args, **kwargs: pytest.fail("fetched"))
    assert run(monkeypatch, "data", "mnist", "mnits") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: dataset='mnits' is unknown; did you mean 'mnist'?\n"


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


def test_a_wrong_option_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "data", "--ofline") == 2
    assert "--offline" in capsys.readouterr().err


def test_offline_without_data_ends_with_one_and_says_what_to_do(tmp_path: Path) -> None:
    answer = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tutorial_utils.cli import main; main()",
            "data",
            "--offline",
            "--root",
            tmp_path,
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: ")
    assert "Traceback" not in answer.stderr
    assert str(tmp_path / "MNIST" / "raw") in answer.stderr


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys, tutorial_utils.cli; assert not {'torch', 'numpy', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, timeout=60)
