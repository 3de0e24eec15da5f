"""The same commit executed twice measures the same, to the last digit."""

import json
from pathlib import Path
from typing import Any

import pytest
import repeat

TRAINING = "mnist/02_model"
"""Cheap, and it trains: in a folder of its own it finds no stored model."""
NOT_TRAINING = ("foundations/01_softmax_and_cross_entropy", "foundations/02_gradients")


@pytest.mark.book
@pytest.mark.slow
@pytest.mark.parametrize("chapters", [(TRAINING,), pytest.param(NOT_TRAINING, marks=pytest.mark.nightly)])
def test_chapters_measure_the_same_again(tmp_path: Path, chapters: tuple[str, ...]) -> None:
    for name, differences in repeat.repeat(chapters, repeat.FIRST, tmp_path / "second", jobs=1):
        assert differences == [], name
    trained = list((tmp_path / "second").glob("models/*.safetensors"))
    assert bool(trained) is (TRAINING in chapters)


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ({"a": 1.5, "b": [1, None]}, {"b": [1, None], "a": 1.5}, []),
        ({"a": 0.1}, {"a": 0.1 + 2**-58}, []),  # the same double
        ({"a": 0.1}, {"a": 0.1 + 2**-56}, ["metrics/a was 0.1, is now 0.10000000000000002"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["metrics/a/1 was 2, is now 3"]),
        ({"a": [1, 2]}, {"a": [1]}, ["metrics/a was [1, 2], is now [1]"]),
        ({"a": 1}, {}, ["metrics/a is only in the first run"]),
        ({}, {"a": 1}, ["metrics/a is only in the second run"]),
        ({"a": None}, {"a": 0}, ["metrics/a was None, is now 0"]),
        ({"a": True}, {"a": 1}, ["metrics/a was True, is now 1"]),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, ["metrics/a/b was 'x', is now 'y'"]),
    ],
)
def test_every_difference_is_found(first: Any, second: Any, found: list[str]) -> None:
    assert list(repeat.find_differences(first, second)) == found


def write_results(folder: Path, name: str, **metrics: float) -> None:
    path = folder / "results" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "notebook": name,
        "parameters": {"seed": 0},
        "metrics": metrics,
        "timings": {},
        "provenance": {},
    }
    path.write_text(json.dumps(content))


def run_main(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str, loss: float) -> int:
    """`make repeat` for two made-up chapters, of which the second now has this loss."""
    monkeypatch.setattr(repeat, "FIRST", folder / "first")
    monkeypatch.setattr(repeat, "SECOND", folder / "second")
    monkeypatch.setattr(repeat, "chapters", lambda: ["part/one", "part/two"])
    monkeypatch.setattr("sys.argv", ["repeat.py", *arguments])

    def execute(name: str, into: Path) -> str:
        if loss < 0:
            return f"{name}: cell 3 failed"
        write_results(into, name, loss=loss if name.endswith("two") else 0.5)
        return ""

    monkeypatch.setattr(repeat, "execute", execute)
    for name in ("part/one", "part/two"):
        write_results(folder / "first", name, loss=0.5)
    with pytest.raises(SystemExit) as ended:
        repeat.main()
    return int(ended.value.code or 0) if not isinstance(ended.value.code, str) else 1


def test_equal_chapters_pass(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = tmp_path / "second" / "models" / "old.safetensors"
    stored.parent.mkdir(parents=True)
    stored.touch()
    assert run_main(monkeypatch, tmp_path, loss=0.5) == 0
    assert "2 of 2 chapters measured the same again" in capsys.readouterr().out
    assert not stored.exists(), "a model of an earlier repeat would be used again"


def test_a_chapter_that_differs_fails_with_both_numbers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, tmp_path, loss=0.25) == 1
    told = capsys.readouterr().out
    assert "part/one: the same" in told
    assert "part/two: differs\n  metrics/loss was 0.5, is now 0.25" in told
    assert "1 of 2" in told


def test_a_chapter_that_fails_is_no_equal_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, tmp_path, "part/one", loss=-1) == 1
    assert "cell 3 failed" in capsys.readouterr().out


def test_a_wrong_name_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, tmp_path, "part/three", loss=0.5) == 2
    assert "there is no chapter part/three; there are part/one, part/two" in capsys.readouterr().err
    assert not (tmp_path / "second").exists()
