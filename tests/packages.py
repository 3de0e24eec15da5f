"""Archives and wheels made by hand, and a script in place of the npm client."""

import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tutorial_utils.fetching import npm

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def pack(path: Path, *members: Member) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def pack_wheel(folder: Path, name: str, version: str) -> Path:
    """An empty package that pip can install."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return path


def replace_npm(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Put a Python script in npm's place; it finds the destination in `target`."""
    script = (
        "import sys, time, shutil\n"
        "target = next(a.split('=', 1)[1] for a in sys.argv if a.startswith('--pack-destination='))\n" + code
    )
    monkeypatch.setattr(npm, "find_npm", lambda: [sys.executable, "-c", script])
