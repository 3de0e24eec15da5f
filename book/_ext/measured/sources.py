"""Where pages find what the chapters measured: results files, read for the page that shows them."""

from __future__ import annotations

from pathlib import Path

from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from tutorial_utils.exceptions import DataError
from tutorial_utils.report.results import Results, read

logger = logging.getLogger(__name__)

CHAPTERS = "notebooks/"


def results_of(env: BuildEnvironment, chapter: str) -> Results | None:
    """Read a chapter's results for the page that is being read, which then depends on them.

    Args:
        env: Sphinx's environment; its current document is the page.
        chapter: Such as ``"mnist/03_training"``.

    Returns:
        The results, or None after a warning when there are none.
    """
    path = Path(env.srcdir, env.config.measured_results, f"{chapter}.json").resolve()
    env.note_dependency(str(path))
    try:
        return read(path)
    except DataError as error:
        logger.warning("%s", error, location=env.docname, type="measured")
        return None


def chapters_in(env: BuildEnvironment) -> list[str]:
    """Names of the book's chapters: in the order of the contents if there are any, else of their paths."""
    pages = getattr(env, "external_site_map", None) or sorted(env.found_docs)
    return [name.removeprefix(CHAPTERS) for name in pages if name.startswith(CHAPTERS)]


def repository_url(env: BuildEnvironment) -> str:
    """Address of the repository as the settings give it; empty when they do not."""
    return str(env.config.html_theme_options.get("repository_url", "")).rstrip("/")
