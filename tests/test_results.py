"""Results are written whole, plain and only when asked for, and read back as they were."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tutorial_utils.exceptions import DataError
from tutorial_utils.report import results
from tutorial_utils.report.results import Results, output_folder, plain, read, write
from tutorial_utils.training.history import StopReason

KEYS = {"notebook", "parameters", "metrics", "timings", "provenance"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUTORIAL_OUTPUT", str(tmp_path))
    return tmp_path


def write_one(notebook: str = "mnist/04_evaluation", **metrics: Any) -> Path:
    path = write(
        notebook,
        parameters={"seed": 0, "learning_rate": 0.01},
        metrics=metrics or {"test_accuracy": 0.9257},
        timings={"fit_seconds": 1.5},
        data_hash="abc123",
    )
    assert path is not None
    return path


# Plain values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        (np.float32(0.5), 0.5),
        (np.float64("nan"), None),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (torch.tensor(3), 3),
        (torch.tensor([1.5, math.nan]), [1.5, None]),
        (torch.ones(1, 2, requires_grad=True), [[1.0, 1.0]]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([0.5, np.inf]), [0.5, None]),
        ((1, (2, 3)), [1, [2, 3]]),
        ({"a": {1: np.array([1])}}, {"a": {"1": [1]}}),
        (StopReason.EARLY_STOP, "early_stop"),
        ({"a": [None, True, 2**70, -0.5, "ü", {}]}, {"a": [None, True, 2**70, -0.5, "ü", {}]}),
    ],
)
def test_tensors_arrays_and_numpy_scalars_become_plain(value: Any, expected: Any) -> None:
    result = plain(value)
    assert result == expected
    assert type(result) in {dict, list, str, int, float, bool, type(None), StopReason}
    assert json.loads(json.dumps(result, allow_nan=False)) == expected


@pytest.mark.parametrize("value", [object(), {1, 2}, Path("x"), 1j, [lambda: 0], {"a": object()}])
def test_what_has_no_plain_form_is_an_error(value: Any) -> None:
    with pytest.raises(TypeError, match="must be a plain value, not "):
        plain(value)


# Writing


def test_nothing_is_written_when_nothing_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for unset in (True, False):
        monkeypatch.setenv("TUTORIAL_OUTPUT", "")
        if unset:
            monkeypatch.delenv("TUTORIAL_OUTPUT")
        assert output_folder() is None
        assert write("mnist/x", parameters={}, metrics={"a": object()}, data_hash="") is None
    assert list(tmp_path.iterdir()) == []


def test_a_results_file_has_five_keys_and_what_was_given(folder: Path) -> None:
    path = write_one(test_accuracy=np.float64(0.9257), recall=torch.tensor([1.0, math.nan]))
    assert path == folder / "results" / "mnist" / "04_evaluation.json"
    content = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert set(content) == KEYS
    assert content["notebook"] == "mnist/04_evaluation"
    assert content["parameters"] == {"seed": 0, "learning_rate": 0.01}
    assert content["metrics"] == {"test_accuracy": 0.9257, "recall": [1.0, None]}
    assert content["provenance"]["data_hash"] == "abc123"
    assert {"versions", "python", "cpu", "commit", "date"} <= set(content["provenance"])
    assert path.read_text().endswith("}\n")
    assert read(path) == Results(**content)


def test_what_depends_on_the_clock_stands_apart_from_the_metrics(folder: Path) -> None:
    first = write_one()
    before = json.loads(first.read_text())
    assert set(before["timings"]) == {"fit_seconds", "chapter_seconds", "peak_memory_bytes"}
    assert before["timings"]["fit_seconds"] == 1.5
    assert before["timings"]["chapter_seconds"] > 0
    assert before["timings"]["peak_memory_bytes"] > 10_000_000  # torch alone takes more
    after = json.loads(write_one().read_text())
    assert after["timings"] != before["timings"]
    assert (after["metrics"], after["parameters"]) == (before["metrics"], before["parameters"])
    assert not set(before["metrics"]) & set(before["timings"])


def test_a_write_that_fails_leaves_the_previous_file_and_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_one()
    before = path.read_bytes()

    def write_half(self: Path, text: str, *arguments: Any, **options: Any) -> int:
        self.write_bytes(text.encode()[: len(text) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(OSError, match="No space left"):
        write_one(test_accuracy=0.5)
    assert path.read_bytes() == before
    assert [file for file in folder.rglob("*") if file.is_file()] == [path]


# Reading


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"notebook": "mnist/04_evaluation", "para',
        b"[]",
        b"\xff\xfe\x00",
        json.dumps({key: {} for key in KEYS - {"timings"}}).encode(),
        json.dumps({key: {} for key in KEYS | {"extra"}}).encode(),
    ],
    ids=["empty", "truncated", "list", "not text", "key missing", "key too many"],
)
def test_a_file_that_is_no_results_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "04_evaluation.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"04_evaluation\.json is not a results file .* `make book`"):
        read(path)
    path.unlink()
    with pytest.raises(DataError, match=r"no results at .*04_evaluation\.json; run `make book`"):
        read(path)


def test_peak_memory_is_in_bytes_and_unknown_where_the_system_does_not_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    psutil = pytest.importorskip("psutil")
    peak = results.peak_memory()
    assert peak is not None
    assert peak >= 0.5 * psutil.Process().memory_info().rss
    assert peak < 100 * psutil.Process().memory_info().rss
    monkeypatch.setitem(sys.modules, "resource", None)
    assert results.peak_memory() is None
