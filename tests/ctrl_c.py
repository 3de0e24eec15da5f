"""Ctrl-C at a chosen line of a function, wherever it stands."""

import sys
from collections.abc import Callable, Container
from types import FrameType
from typing import Any, Self


class CtrlC:
    """Within the block, comes before the n-th line that a function runs through.

    Attributes:
        came: Whether the function ran through as many lines.
    """

    def __init__(self, function: Callable[..., Any], n: int, lines: Container[int] | None = None) -> None:
        self.code, self.left, self.lines = function.__code__, n, lines
        self.came = False

    def __enter__(self) -> Self:
        self.before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *error: object) -> None:
        sys.settrace(self.before)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code is not self.code:
            return None
        if event == "line" and (self.lines is None or frame.f_lineno in self.lines):
            self.left -= 1
            if self.left == 0:
                self.came = True
                raise KeyboardInterrupt
        return self._trace
