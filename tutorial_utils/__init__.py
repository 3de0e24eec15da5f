"""Helpers of the book *Logistic Regression, Measured*, one file per stage of the pipeline."""

__version__ = "0.1.0"
