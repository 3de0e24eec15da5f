"""A parameters cell is read as its author meant it, and new values are refused before anything runs."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_utils import reproducibility
from tutorial_utils.data import catalogue
from tutorial_utils.exceptions import ChapterError, ConfigurationError
from tutorial_utils.runs import parameters
from tutorial_utils.runs.chapters import find
from tutorial_utils.runs.parameters import Parameter, read_cell

ROOT = Path(__file__).parents[1]
CELL = """
dataset: str = "mnist"  # data set, "mnist" or "cifar10"
seed: int = 0  # fixes everything, 0 or more
device: str = "auto"  # where to compute: "auto", "cpu", "cuda"
num_epochs: int = 30  # passes, 1 or more
batch_size: int = 64  # images per update, 1 to 54,000
learning_rate: float = 0.01  # step length, above 0
momentum: float = 0.9  # share kept, 0 to below 1
learning_rate_decay: float = 0.1  # factor, above 0 to 1
learning_rate_step: int = 10  # epochs, 1 or more
validation_split: float = 0.1  # share held out, between 0 and 1
early_stopping_patience: int = 30  # epochs, 1 or more
num_seeds: int = 10  # repeated runs, 2 or more
shuffle: bool = True  # mix the images before each epoch
title: str = "a # b"  # a text for the figure
"""
HERE = read_cell(CELL, "part/chapter")


@pytest.fixture(autouse=True)
def no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproducibility, "available_devices", lambda: ["cpu"])


def problems_with(*pairs: str) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        parameters.check_texts(HERE, pairs)
    return caught.value.problems


# The cell


@pytest.mark.parametrize(
    ("kind", "comment", "allowed", "bounds"),
    [
        ("int", "2 or more", "2 or more", {"ge": 2}),
        ("int", "-2 or more", "-2 or more", {"ge": -2}),
        ("float", "above 0", "above 0", {"gt": 0}),
        ("int", "1 to 54,000", "1 to 54,000", {"ge": 1, "le": 54_000}),
        ("float", "above 0 to 1", "above 0 to 1", {"gt": 0, "le": 1}),
        ("float", "0 to below 1", "0 to below 1", {"ge": 0, "lt": 1}),
        ("float", "between 0 and 1", "between 0 and 1", {"gt": 0, "lt": 1}),
        ("float", "1e-3 to 0.5", "1e-3 to 0.5", {"ge": 0.001, "le": 0.5}),
        ("float", "Above 0 To 1E2. ", "Above 0 To 1E2", {"gt": 0, "le": 100}),
        ("float", "any number", "any number", {}),
        ("str", "0 or more", "", {}),
    ],
)
def test_the_comment_states_the_range(
    kind: str, comment: str, allowed: str, bounds: dict[str, float]
) -> None:
    default = {"int": "3", "float": "0.3", "str": "'x'"}[kind]
    (parameter,) = read_cell(f"name: {kind} = {default}  # a b, 3 c, {comment}", "p/c").values()
    assert parameter.allowed == allowed
    assert parameter.bounds == bounds
    assert parameter.meaning == ("a b, 3 c" if allowed else f"a b, 3 c, {comment}")


@pytest.mark.parametrize(
    ("comment", "choices", "meaning"),
    [
        ('weights, "a" or "b"', ("a", "b"), "weights"),
        ('Where: "auto", "cpu" Or "mps".', ("auto", "cpu", "mps"), "Where"),
        ('"a"', ("a",), ""),
        ("any text, it's free", (), "any text, it's free"),
    ],
)
def test_the_comment_lists_the_texts(comment: str, choices: tuple[str, ...], meaning: str) -> None:
    (parameter,) = read_cell(f'name: str = "a"  # {comment}', "p/c").values()
    assert (parameter.choices, parameter.meaning) == (choices, meaning)


@pytest.mark.fault(90)
@pytest.mark.parametrize(
    "line",
    [
        "rate: float = 0.5",
        "rate: float = 0.5  # step length",
        "rate: float = 0.5  # step length, positive",
        "count: int = 3  # repeats, 0.5 or more",
        "count: int = 3  # repeats, 0 or more, as a rule",
        "count: int = 3  # repeats, 1 or more, 2 to 9",
        "learning_rate: float = 0.5  # step length, at least 0.1",
        "num_epochs: int = 3  # passes (1 to 9)",
        'part: str = "a"  # part, "a" / "b"',
        'part: str = "a"  # part, "a',
        'part: str = "a"  # part, “a” or “b”',
        'dataset: str = "mnist"  # data set "mnist"',
    ],
)
def test_a_comment_that_cannot_be_read_is_an_error_of_the_chapter(line: str) -> None:
    """Never a lost bound."""
    with pytest.raises(ChapterError) as caught:
        read_cell(line, "part/chapter")
    assert "part/chapter: " in str(caught.value)
    assert line.split(":")[0] in str(caught.value)
    assert ('"a", "b" or "c"' if "str" in line else "N or more") in str(caught.value)


def test_without_a_range_of_its_own_a_setting_has_that_of_the_configuration() -> None:
    cell = """
dataset: str = "mnist"  # data set
device: str = "auto"
initialisation: str = "default"  # weights
num_epochs: int = 3  # passes. All of them
momentum: float = 0.9
shuffle: bool = True
"""
    found = read_cell(cell, "part/chapter")
    assert {name: parameter.allowed for name, parameter in found.items()} == {
        "dataset": ", ".join(f'"{name}"' for name in catalogue.DATASETS),
        "device": '"auto", "cpu"',
        "initialisation": '"xavier_uniform", "default"',
        "num_epochs": "at least 1 and at most 100,000",
        "momentum": "at least 0 and below 1",
        "shuffle": "",
    }
    bad = ["dataset=MNSIT", "device=gpu", "initialisation=x", "num_epochs=0", "momentum=1"]
    with pytest.raises(ConfigurationError) as caught:
        parameters.check_texts(found, bad)
    assert list(caught.value.problems) == [pair.split("=")[0] for pair in bad]
    assert "(at least 0 and below 1)" in parameters.describe(found)


def test_a_parameter_keeps_name_type_default_and_order() -> None:
    assert list(HERE) == re.findall(r"^\w+", CELL, re.MULTILINE)
    assert HERE["seed"] == Parameter("seed", int, 0, "fixes everything", "0 or more", {"ge": 0}, ())
    assert HERE["title"].default == "a # b"
    assert HERE["title"].meaning == "a text for the figure"


def test_a_value_may_take_several_lines() -> None:
    (parameter,) = read_cell("rate: float = (\n    0.5\n)  # step, above 0", "p/c").values()
    assert (parameter.default, parameter.bounds) == (0.5, {"gt": 0})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("seed = 0", "expected `name: type = value`, with a type of int, float, str, bool"),
        ("seed: int", "expected `name: type = value`"),
        ("rates: list = [1]", "expected `name: type = value`"),
        ("a.b: int = 1", "expected `name: type = value`"),
        ("print('x')", "expected `name: type = value`"),
        ("seed: int = other", "the value must be int, written out"),
        ("seed: int = 1.5", "the value must be int"),
        ("seed: int = True", "the value must be int"),
        ("rate: float = 1", "the value must be float"),
        ("first: int = 2", "first stands there twice"),
    ],
)
def test_a_line_that_is_no_parameter_is_shown(line: str, problem: str) -> None:
    with pytest.raises(ChapterError) as caught:
        read_cell(f"first: int = 1  # a, 1 or more\n{line}", "part/chapter")
    message = str(caught.value)
    assert message.startswith(f"part/chapter: {line!r}" if "'" not in line else "part/chapter: ")
    assert problem in message


@pytest.mark.parametrize("source", ["seed: int =", "x = (", "x = '''"])
def test_a_cell_that_is_not_python_is_an_error_of_the_chapter(source: str) -> None:
    with pytest.raises(ChapterError, match="part/chapter: the parameters cell is not Python"):
        read_cell(source, "part/chapter")


# Texts


LOOSE = """
int_: int = 0  # any number
float_: float = 0.0  # any number
bool_: bool = True
str_: str = ""
"""


def read_typed(text: str, kind: type) -> Any:
    (value,) = parameters.check_texts(read_cell(LOOSE, "p/c"), [f"{kind.__name__}_={text}"]).values()
    assert type(value) is kind
    return value


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS | st.booleans() | st.text().map(str.strip))
def test_what_python_prints_is_read_back(value: int | float | bool | str) -> None:
    assert read_typed(str(value), type(value)) == value


# Values


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("shuffle=", "must be true or false"),
        ("seed=" + "9" * 5000, "must be a whole number"),
        ("learning_rate=fast", "must be a number (allowed: above 0)"),
        ("batch_size=1.5", "must be a whole number (allowed: 1 to 54,000)"),
        ("num_epochs=100001", "at most 100,000"),  # TrainingConfig's limit
        ("num_seeds=1", "at least 2"),  # the comment's alone
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_what_is(pair: str, words: str) -> None:
    (problem,) = problems_with(pair).values()
    assert problem.startswith(pair.partition("=")[0])
    assert words in problem


def test_all_problems_are_told_at_once_and_each_once() -> None:
    found = problems_with(
        "learning_rate=-1", "batch_size=0", "seed=x", "epochs=3", "momentum", "seed=2", "=1"
    )
    assert list(map(found.get, ("momentum", "seed"))) == [
        "'momentum' is not of the form NAME=VALUE",
        "seed is given twice",
    ]
    assert set(found) == {"epochs", "seed", "learning_rate", "batch_size", "momentum", "=1"}
    with pytest.raises(ConfigurationError) as caught:
        parameters.check_texts(HERE, ["learning_rate=-1", "batch_size=0", "seed=x"])
    opening, *lines = str(caught.value).splitlines()
    assert opening == "3 parameters are not allowed:"
    assert len(lines) == 3


def test_a_default_that_no_longer_fits_is_named() -> None:
    found = problems_with("validation_split=0.9999")
    assert found == {"batch_size": "batch_size=64: must be at most 6, the number of training images"}


def test_what_depends_on_a_refused_value_is_not_judged() -> None:
    assert list(problems_with("validation_split=x", "batch_size=53999")) == ["validation_split"]
    # With the default share this batch would be too large; who knows with the right one.
    cell = 'dataset: str = "mnist"  # d, "mnist"\nvalidation_split: float = 0.1  # s, between 0 and 1\n'
    loose = read_cell(cell + "batch_size: int = 1  # b, 1 or more", "p/c")
    with pytest.raises(ConfigurationError) as caught:
        parameters.check_texts(loose, ["validation_split=x", "batch_size=58000"])
    assert list(caught.value.problems) == ["validation_split"]


def test_values_that_are_allowed_arrive_with_their_types_in_the_cells_order() -> None:
    pairs = ["learning_rate=1e6", 'title=it\'s "so", a=b', "shuffle=false", "momentum=0", f"seed={2**62}"]
    read = parameters.check_texts(HERE, pairs)
    assert read == {
        "seed": 2**62,
        "learning_rate": 1e6,
        "momentum": 0.0,
        "shuffle": False,
        "title": 'it\'s "so", a=b',
    }
    assert list(read) == ["seed", "learning_rate", "momentum", "shuffle", "title"]
    assert [type(value) for value in read.values()] == [int, float, float, bool, str]
    assert parameters.check_texts(HERE, []) == {}


def test_python_callers_give_numbers_and_not_texts() -> None:
    assert parameters.check(HERE, {"learning_rate": 1, "seed": 3}) == {"seed": 3, "learning_rate": 1.0}
    assert type(parameters.check(HERE, {"learning_rate": 1})["learning_rate"]) is float
    with pytest.raises(ConfigurationError) as caught:
        parameters.check(
            HERE, {"learning_rate": "0.1", "num_epochs": True, "shuffle": "false", "seed": None, "title": 3}
        )
    assert set(caught.value.problems) == {"learning_rate", "num_epochs", "shuffle", "seed", "title"}


def test_a_device_with_a_number_is_the_configurations_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproducibility, "available_devices", lambda: ["cuda", "cuda:0", "cuda:1", "cpu"])
    assert parameters.check_texts(HERE, ["device=cuda:1"]) == {"device": "cuda:1"}


def test_a_cell_without_parameters_says_so() -> None:
    with pytest.raises(ConfigurationError, match="seed is not a parameter here; there are none"):
        parameters.check({}, {"seed": 1})
    assert parameters.describe({}) == "this notebook has no parameters"


# The terminal


@pytest.mark.parametrize("width", [40, 80])
def test_the_description_says_everything_and_fits_the_terminal(width: int) -> None:
    for cell in (HERE, find(ROOT / "notebooks" / "mnist" / "03_training").parameters):
        text = parameters.describe(cell, width)
        assert max(map(len, text.splitlines())) <= width
        folded = " ".join(text.split())
        for parameter in cell.values():
            assert f"{parameter.name}: {parameter.kind.__name__} = {parameter.default!r}" in folded
            assert parameter.meaning in folded
            assert parameter.allowed in folded
    assert "shuffle: bool = True (true or false)" in " ".join(parameters.describe(HERE).split())


# File names


def test_a_run_is_named_by_its_values() -> None:
    assert parameters.name_run({}) == "defaults"
    values = {"learning_rate": 1e-05, "num_epochs": 3}
    assert parameters.name_run(values) == "learning_rate=1e-05,num_epochs=3"


@given(texts=st.sets(st.text(max_size=60), min_size=2, max_size=3), longest=st.integers(20, 120))
def test_any_text_becomes_a_harmless_name_of_its_own(texts: set[str], longest: int) -> None:
    names = {parameters.safe_name(text, longest) for text in texts}
    assert len(names) == len(texts)
    assert all(re.fullmatch(r"[A-Za-z0-9_=,+-][A-Za-z0-9_=,.+-]*", name) for name in names)
    assert max(len(name.encode()) for name in names) <= longest
