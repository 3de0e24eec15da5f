"""Fetches the scripts that pages need, so that the book works offline: pinned, verified, never tracked.

Run as ``python book/_ext/vendor.py FOLDER``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tutorial_utils.exceptions import DownloadError
from tutorial_utils.fetching import ensure
from tutorial_utils.fetching.npm import NpmSource
from tutorial_utils.fetching.wanted import DataFile
from tutorial_utils.fetching.web import PlainHttpSource

SCRIPTS = (
    (
        NpmSource("mathjax@3.2.2", size=6_132_118, folder="package/es5"),
        DataFile(
            name="tex-svg.js",  # formulas as SVG, which needs no fonts
            size=2_108_580,
            sha256="d4295dc33744836935c1399feece5159577b34c5c8ffb9f1c6324cd82e03a882",
        ),
    ),
    (
        NpmSource("mermaid@11.4.1", size=13_509_484, folder="package/dist"),
        DataFile(
            name="mermaid.min.js",  # the classic script: browsers refuse modules for file://
            size=2_571_900,
            sha256="a43bc1afd446f9c4cc66ac5dd45d02e8d65e26fc5344ec0ef787f88d6ddb6f9e",
        ),
    ),
)
"""Where each script comes from, and how to know that it is the right one."""


MIRROR = "https://cdn.jsdelivr.net/npm"
"""Asked where the registry does not answer; it has every file of every package."""


def fetch_scripts(folder: Path) -> None:
    """Make sure that all scripts lie in a folder, saying where each came from.

    Args:
        folder: Made if needed.
    """
    for source, script in SCRIPTS:
        mirror = PlainHttpSource(f"{MIRROR}/{source.spec}/{source.folder.removeprefix('package/')}")
        arrival = ensure.ensure([script], folder, [source, mirror])
        print(f"{script.name}: {arrival}")


if __name__ == "__main__":
    try:
        fetch_scripts(Path(sys.argv[1]))
    except DownloadError as error:
        raise SystemExit(f"error: {error}") from None
