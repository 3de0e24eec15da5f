"""Where pages find what was measured: in files, on which the page that shows them depends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import yaml  # type: ignore[import-untyped]
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from tutorial_utils.report.results import Results, read

logger = logging.getLogger(__name__)

CHAPTERS = "notebooks/"


def depend_on(env: BuildEnvironment, *parts: str) -> Path:
    """Let the page that is being read depend on a file, named from the folder of sources."""
    path = Path(env.srcdir, *parts).resolve()
    env.note_dependency(str(path))
    return path


def read_results(env: BuildEnvironment, chapter: str) -> Results:
    """Read a chapter's results, such as those of ``"mnist/03_training"``.

    Raises:
        DataError: There are none.
    """
    return read(depend_on(env, env.config.measured_results, f"{chapter}.json"))


def read_sweep(env: BuildEnvironment, name: str) -> pd.DataFrame:
    """Read the table of a sweep.

    Raises:
        OSError: There is none.
    """
    return pd.read_csv(depend_on(env, env.config.measured_sweeps, name, "results.csv"))


def read_benchmarks(env: BuildEnvironment) -> Any:
    """Read what ``make bench`` measured.

    Raises:
        OSError: There is no such file.
    """
    return json.loads(depend_on(env, env.config.measured_speed).read_text(encoding="utf-8"))


def read_list(env: BuildEnvironment, name: str) -> Any:
    """Read a YAML file from beside the page."""
    path = depend_on(env, Path(env.docname).parent.as_posix(), name)
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def chapters_in(env: BuildEnvironment) -> list[str]:
    """Names of the book's chapters: in the order of the contents if there are any, else of their paths."""
    pages = getattr(env, "external_site_map", None) or sorted(env.found_docs)
    return [name.removeprefix(CHAPTERS) for name in pages if name.startswith(CHAPTERS)]


def read_all_results(env: BuildEnvironment, part: str = "") -> dict[str, Results]:
    """Read the results of all chapters, or of those of one part, in the order of the contents."""
    return {name: read_results(env, name) for name in chapters_in(env) if name.startswith(part)}


def repository_url(env: BuildEnvironment) -> str:
    """Address of the repository as the settings give it; empty when they do not."""
    return str(env.config.html_theme_options.get("repository_url", "")).rstrip("/")
