"""Rows of `faults.md` that cut across the package, and the list itself: no row without a test."""

import ast
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import record
from conftest import pytest_collection_modifyitems
from fault_table import LIST, judge, read_rows, write_table
from hypothesis import given
from hypothesis import strategies as st

from tutorial_utils import cli, reproducibility
from tutorial_utils.data import datasets
from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.runs import kernel, parameters
from tutorial_utils.runs.chapters import find
from tutorial_utils.training.config import TrainingConfig

ROOT = Path(__file__).parents[1]
ROWS = read_rows(LIST.read_text(encoding="utf-8"))


# The list


def marked_rows(path: Path) -> Iterator[int]:
    """Rows that a file's tests bear as marks."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault":
            for argument in node.args:
                if isinstance(argument, ast.Constant):
                    assert isinstance(argument.value, int), f"{path.name}: {ast.unparse(node)}"
                    yield argument.value


def test_every_row_has_a_test_and_every_mark_a_row() -> None:
    marked = {row for path in sorted((ROOT / "tests").glob("test_*.py")) for row in marked_rows(path)}
    numbers = re.findall(r"^\| (\d+) \|", LIST.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(numbers) == len(ROWS), "two rows have one number"
    assert marked | REFUSED_BY_ROW.keys() == set(ROWS)


def test_a_row_is_as_good_as_its_worst_test() -> None:
    rows = {1: "one", 2: "two " * 20, 3: "three", 4: "four"}
    outcomes = {
        1: {"a": "passed", "b": "failed"},
        2: {"a": "passed"},
        3: {"a": "passed", "b": "skipped: no mount"},
    }
    judged = [judge(outcomes.get(row, {}).values()) for row in rows]
    assert judged == ["failed", "passed", "skipped: no mount", "none"]
    lines = write_table(rows, outcomes)
    assert len(lines) == 6
    assert lines[-1] == "1 of 4 rows tested and passing"
    assert lines[3].endswith("2  skipped: no mount")


@pytest.mark.parametrize("asked", [False, True])
def test_what_is_long_or_random_is_skipped_with_a_reason_unless_asked_for(
    pytestconfig: pytest.Config, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    monkeypatch.setattr(pytestconfig.option, "nightly", asked)
    items = [
        pytest.Function.from_parent(request.node.parent, name=name, callobj=lambda: None) for name in "ab"
    ]
    items[1].add_marker("nightly")
    pytest_collection_modifyitems(pytestconfig, list(items))
    reasons = [[mark.kwargs["reason"] for mark in item.iter_markers("skip")] for item in items]
    assert reasons == [[], [] if asked else ["long or random: make nightly runs it"]]


TESTS = """
import pytest
@pytest.mark.fault(1)
def test_one(): pass
@pytest.mark.fault(2, 3)
def test_two(): pytest.skip("no disk")
@pytest.mark.fault(3)
def test_three(): assert False
@pytest.fixture
def broken():
    yield
    assert False
@pytest.mark.fault(4)
def test_four(broken): pass
"""
PLUGIN = """
import fault_table
def pytest_configure(config):
    config.addinivalue_line("markers", "fault(*rows): rows")
    config.pluginmanager.register(fault_table.FaultTable(show=True))
"""


def run_pytest(folder: Path, *options: str, ci: str) -> tuple[int, str]:
    """Exit status and output of tests whose outcomes are known, run with the table."""
    (folder / "test_some.py").write_text(TESTS)
    (folder / "conftest.py").write_text(PLUGIN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "xdist"]
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT / "tests")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # others take seconds to load
    command += [*options, str(folder)]
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return answer.returncode, answer.stdout


def test_the_table_is_printed_by_parallel_runs_too_and_ci_skips_nothing(tmp_path: Path) -> None:
    status, output = run_pytest(tmp_path, "-n", "1", ci="true")
    lines = output.split("faults =")[1].splitlines()
    outcomes = [re.split(r"\s{2,}", line.strip())[-1] for line in lines[2:7]]
    assert outcomes == ["passed", "failed", "failed", "failed", "none"]
    assert f"1 of {len(ROWS)} rows tested and passing" in output and status == 1


def test_a_reader_may_skip_a_row_but_one_without_a_test_fails_the_run(tmp_path: Path) -> None:
    status, output = run_pytest(tmp_path, "-k", "test_one or test_two", ci="false")
    assert "1 passed, 1 skipped" in output and "skipped: no disk" in output
    assert f"1 of {len(ROWS)} rows tested and passing" in output and status == 1


# Parameters: each refused as Python value and as the command's text, before data or kernel

Refused = tuple[str, list[Any], str]
REFUSED_BY_ROW: dict[int, list[Refused]] = {
    25: [("epochs", [3], "did you mean 'num_epochs'"), ("learning_rat", [0.1], "'learning_rate'")],
    26: [("learning_rate", ["0.1", "1e-3"], "number")],
    27: [("num_epochs", ["true"], "whole number|integer"), ("momentum", ["false"], "number")],
    28: [("learning_rate", [0, -1], "above 0"), ("learning_rate", [math.nan, math.inf], "finite")],
    29: [("batch_size", [0, -1], "at least 1"), ("batch_size", [1.5, True], "integer|whole number")],
    30: [("batch_size", [54_001], "at most 54,000")],
    31: [("num_epochs", [0, -1], "at least 1"), ("num_epochs", [10.0], "at most 100,000|whole number")],
    32: [
        ("validation_split", [0, 1, -0.1], "above 0 and below 1"),
        ("validation_split", [1e-9], "no image for validation"),
    ],
    33: [
        ("learning_rate_step", [0], "at least 1"),
        ("learning_rate_decay", [0, -0.5, 1.01], "above 0 and at most 1"),
    ],
    34: [("early_stopping_patience", [0, -2], "at least 1")],
    35: [("momentum", [-0.1, 1.0], "at least 0 and below 1")],
    37: [("device", ["cuda", "gpu", "cuda:99"], "this machine has: auto, cpu")],
    38: [
        ("seed", [-1], "at least 0"),
        ("seed", [2**63], "at most 9,223,372,036,854,775,807"),
        ("seed", [None, 1.0], "integer|whole number"),
    ],
    39: [("dataset", ["MNSIT"], "did you mean 'mnist'")],
}
UNKNOWN, RIGHT_AS_TEXT = 25, {26}
"""The command is given texts: only in Python is a text in a number's place wrong."""
CHAPTER = str(ROOT / "notebooks" / "mnist" / "03_training")


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No accelerator, and whatever touches data or starts a kernel fails the test."""
    monkeypatch.setattr(reproducibility, "available_devices", lambda: ["cpu"])
    for module, name in ((datasets, "fetch"), (datasets, "load"), (kernel, "execute")):
        monkeypatch.setattr(module, name, lambda *args, **options: pytest.fail("touched"))


def refused_by_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *pairs: str
) -> str:
    """What `tutorial run` says when it refuses."""
    options = [word for pair in pairs for word in ("-p", pair)]
    monkeypatch.setattr(sys, "argv", ["tutorial", "run", CHAPTER, *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    return said


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("row", [pytest.param(row, marks=pytest.mark.fault(row)) for row in REFUSED_BY_ROW])
def test_a_wrong_value_is_refused_in_python_and_by_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], row: int
) -> None:
    for name, value, words in [(n, value, w) for n, values, w in REFUSED_BY_ROW[row] for value in values]:
        with pytest.raises(ConfigurationError, match=words) as caught:
            TrainingConfig(**{name: value})
        assert list(caught.value.problems) == [name]
        assert str(caught.value).startswith("1 setting is not allowed:\n  - ")
        assert row == UNKNOWN or f"{name}={value!r}: " in str(caught.value)
        if row not in RIGHT_AS_TEXT:
            said = refused_by_command(monkeypatch, capsys, f"{name}={value}")
            assert re.search(words, said) and name in said


@pytest.mark.usefixtures("untouched")
@pytest.mark.fault(40)
def test_three_wrong_values_make_one_error_with_three_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfig(epochs=3, batch_size=0, learning_rate=-1)
    said = refused_by_command(monkeypatch, capsys, "epochs=3", "batch_size=0", "learning_rate=-1")
    for message in (str(caught.value), said):
        opening, *lines = message.splitlines()
        assert "3 " in opening and len(lines) == 3
        assert all(any(name in line for line in lines) for name in ("epochs", "batch_size", "learning_rate"))


@pytest.mark.fault(26, 27)
def test_the_command_reads_numbers_and_truth_values_from_text() -> None:
    allowed = find(CHAPTER).parameters
    read = parameters.check_texts(allowed, ["learning_rate=1e-3", "momentum=0.5", "num_epochs=3"])
    assert read == {"num_epochs": 3, "learning_rate": 0.001, "momentum": 0.5}
    cell = parameters.read_cell("shuffle: bool = True  # mix them", "part/chapter")
    assert parameters.check_texts(cell, ["shuffle=false"]) == {"shuffle": False}
    with pytest.raises(ConfigurationError, match="true or false"):
        parameters.check_texts(cell, ["shuffle=1"])
    with pytest.raises(ConfigurationError, match="shuffle"):
        parameters.check(cell, {"shuffle": "false"})


@pytest.mark.fault(38)
def test_a_number_that_python_refuses_to_write_out_is_refused_all_the_same() -> None:
    with pytest.raises(ConfigurationError, match=r"seed=<int too long to show>: .*at least 0"):
        TrainingConfig(seed=10**5000)
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfig(seed="9" * 10_000)
    assert len(str(caught.value)) < 1_000


# Anything that may be passed
VALUES = st.one_of(
    *(st.integers(), st.floats(), st.booleans(), st.none(), st.text(), st.binary(), st.complex_numbers()),
    st.lists(st.integers(), max_size=2),
)
NAMES = st.one_of(st.sampled_from(sorted(TrainingConfig.model_fields)), st.text(max_size=20))


@pytest.mark.usefixtures("untouched")
@pytest.mark.fault(25, 28, 29, 31, 32, 33, 34, 35, 37, 38, 39, 40)
@given(values=st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_values_make_a_configuration_or_one_error_about_them(values: dict[str, Any]) -> None:
    try:
        config = TrainingConfig(**values)
    except ConfigurationError as error:
        opening, *lines = str(error).split("\n  - ")
        count = len(error.problems)
        assert opening == ("1 setting is" if count == 1 else f"{count} settings are") + " not allowed:"
        assert len(lines) == count >= 1
        assert len(str(error)) < 4_000
        # A default may no longer fit, as a batch that is larger than what another share leaves.
        assert error.problems.keys() <= values.keys() | {"batch_size"}
    else:
        assert all(getattr(config, name) == value for name, value in values.items())
        assert TrainingConfig(**config.model_dump()) == config


@pytest.mark.usefixtures("untouched")
@pytest.mark.fault(25, 26, 27, 40)
@given(pairs=st.lists(st.one_of(st.text(), st.builds("{}={}".format, NAMES, VALUES)), max_size=4))
def test_any_texts_are_read_or_refused_in_one_error(pairs: list[str]) -> None:
    allowed = find(CHAPTER).parameters
    try:
        read = parameters.check_texts(allowed, pairs)
    except ConfigurationError as error:
        assert error.problems
    else:
        assert all(type(value) is allowed[name].kind for name, value in read.items())


# What a headline number may do


def test_the_record_is_written_as_it_stands(tmp_path: Path) -> None:
    record.write(record.read(), tmp_path / "record.json")
    assert (tmp_path / "record.json").read_bytes() == record.FILE.read_bytes()


def measured(folder: Path, chapter: str, metrics: dict[str, Any]) -> None:
    """A results file by hand."""
    path = folder / f"{chapter}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"notebook": chapter, "parameters": {}, "metrics": metrics, "timings": {}, "provenance": {}}
    path.write_text(json.dumps(content))


@pytest.mark.fault(64)
def test_a_number_beyond_its_tolerance_is_shown_with_its_record(tmp_path: Path) -> None:
    chapter, metric, value, tolerance = "part/chapter", "accuracy", 0.9257, 0.004
    kept = {chapter: {metric: {"value": value, "tolerance": tolerance}}}
    for drift in (0, 0.99 * tolerance, -0.99 * tolerance):
        measured(tmp_path, chapter, {metric: value + drift})
        assert record.find_drift(kept, tmp_path) == []
    for found in (value + 1.01 * tolerance + 1e-9, value - 1.01 * tolerance - 1e-9, None):
        measured(tmp_path, chapter, {metric: found} if found else {})
        (line,) = record.find_drift(kept, tmp_path)
        assert f"{chapter}: {metric} is {found}, on record is {value}, tolerance {tolerance}" in line
        assert "make record" in line


@pytest.mark.fault(64)
def test_a_new_baseline_is_accepted_with_the_old_tolerances(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = record.read()
    for chapter, metrics in old.items():
        measured(tmp_path, chapter, {name: kept["value"] for name, kept in metrics.items()})
    changed = {"best_validation_loss": 0.31234, "best_validation_accuracy": 0.9}
    measured(tmp_path, "mnist/03_training", changed)
    file = tmp_path / "record.json"
    record.write(old, file)
    assert len(record.find_drift(old, tmp_path)) == 2
    monkeypatch.setattr(record, "FILE", file)
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    record.main()
    new = record.read(file)
    assert record.find_drift(new, tmp_path) == []
    assert new["mnist/03_training"]["best_validation_loss"] == {"value": 0.3123, "tolerance": 0.002}
    assert {**new, "mnist/03_training": old["mnist/03_training"]} == old
    assert "best_validation_loss was 0.2824, is now 0.3123" in capsys.readouterr().out
