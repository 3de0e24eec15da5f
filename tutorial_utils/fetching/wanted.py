"""What is fetched: files with their checksums, and what they can be made from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SizedFile:
    """One file: its name within its folder, and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class DataFile(SizedFile):
    """One file in the cache, with its pinned checksum, which is checked at every load."""

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
