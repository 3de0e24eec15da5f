"""Helpers of the book *Logistic Regression, Measured*, one file per stage of the pipeline."""

import time

__version__ = "0.1.0"

_IMPORTED_AT = time.perf_counter()
