"""What is said on screen while something takes long: one kind of progress bar, one kind of remark."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable
from typing import Any, TextIO, cast

from tqdm import tqdm

QUIET_VARIABLE = "TUTORIAL_QUIET"
"""Environment variable that switches progress bars off, as in builds; remarks are shown all the same."""


def bar(
    iterable: Iterable[Any] | None = None,
    *,
    total: float | None = None,
    initial: int = 0,
    description: str,
    unit: str,
    show: bool = True,
) -> tqdm[Any]:
    """Make a progress bar that vanishes when it is done; on stderr, in Jupyter on stdout.

    It is plain tqdm: ``tqdm.auto`` leaves widgets behind that make built pages load scripts from other hosts.

    Args:
        iterable: What to loop over; None for a bar that is moved by ``update``.
        total: Number of steps, when the iterable does not tell.
        initial: Steps done before, when something interrupted goes on.
        description: What takes long.
        unit: What one step is, such as ``"epoch"``; with ``"B"``, bytes, the numbers get kB and MB.
        show: False for no bar at all, as when ``TUTORIAL_QUIET`` is set.
    """
    return tqdm(
        cast("Iterable[Any]", iterable),  # None is fine for a bar without a loop
        total=total,
        initial=initial,
        desc=description,
        unit=unit,
        unit_scale=unit == "B",
        leave=False,
        file=stream(),
        dynamic_ncols=True,
        disable=not show or os.environ.get(QUIET_VARIABLE, "") not in ("", "0"),
    )


def note(message: str) -> None:
    """Say something where the bars are, without tearing one."""
    tqdm.write(printable(message), file=stream())


def printable(text: str) -> str:
    """Write out what would command a terminal, which obeys a stranger's text as well.

    A server's answer or a sweep file may hold characters that clear the screen, or turn the line around. All
    control and format characters but tabs and line ends become as Python would type them.
    """
    return "".join(
        letter.encode("unicode_escape").decode()
        if unicodedata.category(letter) in ("Cc", "Cf") and letter not in "\n\t"
        else letter
        for letter in text
    )


def stream() -> TextIO:
    """Where progress is shown: stderr, which leaves a command's output clean; Jupyter would paint it red."""
    in_jupyter = type(sys.stdout).__module__.startswith("ipykernel")
    return sys.stdout if in_jupyter else sys.stderr
