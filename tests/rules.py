"""A rule for many things as one test, which lists all that break it."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import pytest

T = TypeVar("T")


def rule_for(things: Mapping[str, T]) -> Callable[[Callable[[T], Iterable[object]]], Callable[[], None]]:
    """Make a test of a function that yields what is wrong with one thing.

    Args:
        things: All that the rule holds for, by the names that a failure lists.

    Returns:
        A decorator. Marks stand above it.
    """

    def make_test(find: Callable[[T], Iterable[object]]) -> Callable[[], None]:
        def test() -> None:
            assert things, "there is nothing that the rule could hold for"
            broken = [f"{name}: {what}" for name, thing in things.items() for what in find(thing)]
            if broken:
                pytest.fail("\n".join(broken), pytrace=False)

        test.__name__, test.__doc__ = find.__name__, find.__doc__
        return test

    return make_test
