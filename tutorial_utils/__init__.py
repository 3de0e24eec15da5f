"""Helpers of the book *Logistic Regression, Measured*, one file per stage of the pipeline."""

import time

__version__ = "0.2.0"

IMPORTED_AT = time.perf_counter()
"""When the package was first imported, by the clock that measures durations: a chapter begins with that."""
