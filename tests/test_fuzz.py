"""Damaged files: always the package's own error that names the file, never another, never a wrong tensor."""

import io
import json
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_sprites import as_png

from tutorial_utils.data.formats import read_cifar_binary, read_idx
from tutorial_utils.exceptions import DataError
from tutorial_utils.fetching import archives, sprites
from tutorial_utils.fetching.wanted import DataFile, SizedFile, SpriteSet

SHAPES = st.lists(st.integers(0, 5), min_size=1, max_size=3).map(tuple)


@st.composite
def damages(draw: st.DrawFn, content: bytes) -> bytes:
    """The same bytes with some flipped, cut off, added or taken out of the middle."""
    damaged = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(damaged) - 1, 0)))
        way = draw(st.sampled_from(["flip", "cut", "extend", "remove", "insert"]))
        if way == "flip" and damaged:
            damaged[place] ^= 1 << draw(st.integers(0, 7))
        elif way == "cut":
            del damaged[place:]
        elif way == "remove":
            del damaged[place : place + draw(st.integers(1, 9))]
        else:
            at = len(damaged) if way == "extend" else place
            damaged[at:at] = draw(st.binary(min_size=1, max_size=9))
    return bytes(damaged)


def as_idx(values: np.ndarray) -> bytes:
    """LeCun's format, by hand."""
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.tobytes()


def as_records(images: np.ndarray, labels: np.ndarray) -> bytes:
    """CIFAR-10's binary format, by hand."""
    return b"".join(bytes([label]) + image.tobytes() for label, image in zip(labels, images, strict=True))


def pixels(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


# MNIST's format


@given(written=SHAPES, expected=SHAPES)
@pytest.mark.fault(23)
def test_idx_is_read_as_it_was_written_and_of_another_shape_refused_with_both(
    tmp_path: Path, written: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    values = pixels(written)
    (tmp_path / "file").write_bytes(as_idx(values))
    np.testing.assert_array_equal(read_idx(tmp_path / "file", written).numpy(), values)
    if written == expected:
        return
    with pytest.raises(DataError) as caught:
        read_idx(tmp_path / "file", expected)
    named = [str(shape) for shape in (written, expected)]
    if len(written) != len(expected):
        named = [f"0x0000080{len(shape)}" for shape in (written, expected)]
    assert all(part in str(caught.value) for part in [*named, str(tmp_path / "file")])


@given(data=st.data())
@pytest.mark.fault(23)
def test_damaged_idx_is_refused_by_name_or_read_as_the_bytes_that_are_there(
    tmp_path: Path, data: st.DataObject
) -> None:
    """A flipped pixel keeps the format; the checksum, which is compared before, is what notices it."""
    values = pixels((4, 3, 2))
    path = tmp_path / "images"
    path.write_bytes(data.draw(damages(as_idx(values))))
    try:
        read = read_idx(path, values.shape)
    except DataError as error:
        assert str(path) in str(error)
        assert "expected" in str(error)
    else:
        assert path.read_bytes() == as_idx(read.numpy())


# CIFAR-10's format


@given(data=st.data())
@pytest.mark.fault(23)
def test_records_are_read_as_the_bytes_that_are_there_or_refused_by_name(
    tmp_path: Path, data: st.DataObject
) -> None:
    images, labels = pixels((4, 3, 2, 2)), np.array([0, 9, 3, 7], dtype=np.uint8)
    path = tmp_path / "batch"
    content = as_records(images, labels)
    path.write_bytes(data.draw(damages(content) | st.just(content)))
    try:
        read = read_cifar_binary([path], images.shape)
    except DataError as error:
        assert str(path) in str(error)
        assert "expected" in str(error)
    else:
        assert path.read_bytes() == as_records(read[0].numpy(), read[1].numpy())


# What files come out of


SPRITE = pixels((3, 4, 3))
PNG, LABELS = as_png(SPRITE), json.dumps([0, 1, 2]).encode()
EXPECTED = as_records(SPRITE.transpose(0, 2, 1), np.array([0, 1, 2]))


@given(png=damages(PNG) | st.just(PNG), labels=damages(LABELS) | st.just(LABELS))
@pytest.mark.fault(10, 11)
def test_damaged_sprites_are_refused_by_name(tmp_path: Path, png: bytes, labels: bytes) -> None:
    """What passes is right but for what only the pinned checksum of the file can tell."""
    (tmp_path / "a.png").write_bytes(png)
    (tmp_path / "labels.json").write_bytes(labels)
    sizes = [SizedFile("a.png", len(png)), SizedFile("labels.json", len(labels))]
    sets = [SpriteSet((sizes[0],), 3, 4, sizes[1])]
    (tmp_path / "a.bin").unlink(missing_ok=True)
    try:
        sprites.rewrite(sets, [DataFile("a.bin", len(EXPECTED), "")], tmp_path, tmp_path)
    except DataError as error:
        assert "a.png" in str(error) or "labels.json" in str(error)
    else:
        assert (tmp_path / "a.bin").stat().st_size == len(EXPECTED)
        if (png, labels) == (PNG, LABELS):
            assert (tmp_path / "a.bin").read_bytes() == EXPECTED


def as_tar() -> bytes:
    """Not compressed, so that damage reaches the headers."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in (("folder/ä" * 20, b"long name"), ("folder/wanted", b"0123456789")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


TAR = as_tar()


def compress(content: bytes) -> bytes:
    packer = zlib.compressobj(1, wbits=31)  # 31: with gzip's header and checksum
    return packer.compress(content) + packer.flush()


@given(data=st.data())
@pytest.mark.parametrize("where", ["inside", "outside"])
@pytest.mark.fault(20)
def test_damaged_archives_are_refused_by_name_and_write_nothing_else(
    tmp_path: Path, where: str, data: st.DataObject
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    packed = compress(data.draw(damages(TAR))) if where == "inside" else data.draw(damages(compress(TAR)))
    (tmp_path / "crafted.tgz").write_bytes(packed)
    (folder / "wanted").unlink(missing_ok=True)
    wanted = DataFile("wanted", 10, "")
    try:
        archives.extract(tmp_path / "crafted.tgz", "folder", [wanted], folder)
    except DataError as error:
        assert "crafted.tgz" in str(error) or "folder/wanted" in str(error)
    else:
        assert (folder / "wanted").stat().st_size == 10
    assert {path.name for path in tmp_path.rglob("*")} <= {"crafted.tgz", "folder", "wanted"}


@given(packed=damages(compress(b"content " * 20)))
@pytest.mark.fault(10, 11)
def test_damaged_gzip_is_refused_by_name(tmp_path: Path, packed: bytes) -> None:
    (tmp_path / "file.gz").write_bytes(packed)
    try:
        archives.gunzip(tmp_path / "file.gz", tmp_path / "file", limit=1_000)
    except DataError as error:
        assert "file.gz" in str(error)
