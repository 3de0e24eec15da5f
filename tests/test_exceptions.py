"""Errors form one family, and their messages help."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_utils import exceptions
from tutorial_utils.exceptions import TutorialError, did_you_mean, join_problems

NAMES = st.text(alphabet="abcdefghij_", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("name", "also"),
    [
        ("ConfigurationError", ValueError),
        ("DownloadError", OSError),
        ("DataError", ValueError),
        ("CheckpointError", ValueError),
        ("PredictionError", ValueError),
        ("ClaimError", ValueError),
        ("ExpectationError", AssertionError),
        ("ChapterError", RuntimeError),
        ("SweepError", RuntimeError),
    ],
)
def test_every_error_can_be_caught_as_ours_and_as_the_builtin_kind(name: str, also: type[Exception]) -> None:
    error = getattr(exceptions, name)
    assert issubclass(error, TutorialError)
    assert issubclass(error, also)
    assert str(error("what was wrong")) == "what was wrong"


def test_every_problem_gets_a_line_of_its_own_below_the_opening() -> None:
    assert join_problems("not allowed:", ["one", "two"]) == "not allowed:\n  - one\n  - two"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("epochs", "num_epochs"),
        ("learning_rat", "learning_rate"),
        ("MOMENTUM", "momentum"),
        ("MOMENTMU", "momentum"),
        ("batchsize", "batch_size"),
        ("split", "validation_split"),
    ],
)
def test_a_near_miss_is_answered_with_the_name_that_was_meant(written: str, meant: str) -> None:
    allowed = ["num_epochs", "learning_rate", "momentum", "batch_size", "validation_split", "seed"]
    answer = did_you_mean(written, allowed)
    assert answer.startswith("did you mean ") and answer.endswith("?")
    assert repr(meant) in answer
    assert repr("seed") not in answer


def test_a_name_near_to_nothing_is_answered_with_all_names_in_order() -> None:
    assert did_you_mean("xyzzy", ["mnist", "cifar10"]) == "allowed: 'cifar10', 'mnist'"


@given(name=NAMES, allowed=st.sets(NAMES, min_size=1, max_size=6))
def test_the_answer_always_offers_allowed_names_and_no_others(name: str, allowed: set[str]) -> None:
    offered = did_you_mean(name, allowed).split("'")[1::2]
    assert offered
    assert set(offered) <= allowed
    assert len(offered) == len(set(offered))
