"""What is fetched: files with their checksums, and what they can be made from."""

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
    """

    sha256: str


@dataclass(frozen=True)
class SpriteSet:
    """PNG images that each hold many small images, a row of RGB pixels for each, and a list of their labels.

    Each PNG image is rewritten to the wanted file of the same stem, in the format "cifar_binary".

    Attributes:
        sprites: The PNG images.
        num_images: Small images in each of them, its height.
        num_pixels: Pixels of a small image, its width.
        labels: A JSON list of class numbers for all PNG images, in their order.
    """

    sprites: tuple[SizedFile, ...]
    num_images: int
    num_pixels: int
    labels: SizedFile
