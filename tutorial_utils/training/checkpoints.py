"""Trained models and interrupted runs on disk: safetensors, never pickle, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as deserialise
from safetensors.torch import save_file
from torch import Tensor, nn

from tutorial_utils.exceptions import CheckpointError, ConfigurationError, join_problems
from tutorial_utils.files import whole_file
from tutorial_utils.reproducibility import training_fingerprint
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.history import History

Tensors = dict[str, Tensor]

GROUPS = {"model": "model", "best": "best", "optimiser": "optimiser", "generator": "generators"}
"""The groups of tensors in a file, where one is stored as ``group/name``, and their names in a checkpoint."""

CHECKSUM = "sha256"
"""Where a file's metadata hold the checksum of everything else in it."""


@dataclass(frozen=True)
class Checkpoint:
    """All that an exact resume needs, as it was at the end of an epoch.

    Attributes:
        config: The settings of the run; they determine the learning rate of every later epoch. When loaded
            where the device is missing that they name, they name ``"auto"``.
        history: Every finished epoch, and why the run ended if it has.
        model: Weights after the last finished epoch.
        best: Weights with the lowest validation loss so far.
        optimiser: What the optimiser remembers, by ``weight/kind``, see
            :func:`~tutorial_utils.training.optimisers.read_state`; empty for one that remembers nothing.
        generators: State of each random generator, uint8: the global ones and those that shuffle the next
            epochs, named as in :func:`~tutorial_utils.reproducibility.random_states`.
    """

    config: TrainingConfig
    history: History
    model: Tensors
    best: Tensors
    optimiser: Tensors
    generators: Tensors


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; a run killed meanwhile leaves the previous file as it was.

    Args:
        path: Ends in ``.safetensors``.
        checkpoint: What to write.

    Raises:
        CheckpointError: The file cannot be written, because the disk is full for example.
    """
    tensors = {
        f"{group}/{name}": tensor
        for group, attribute in GROUPS.items()
        for name, tensor in getattr(checkpoint, attribute).items()
    }
    write(path, tensors, _describe_run(checkpoint.config, checkpoint.history))


def load(path: Path) -> Checkpoint:
    """Read a checkpoint, to the CPU.

    Args:
        path: A file that :func:`save` wrote.

    Raises:
        CheckpointError: The file is missing, damaged, of another kind, or lacks a part.
    """
    tensors, metadata = _read(path)
    groups: dict[str, Tensors] = {group: {} for group in GROUPS}
    try:
        for key, tensor in tensors.items():
            group, name = key.split("/", 1)
            groups[group][name] = tensor
        config = TrainingConfig.from_json(metadata["config"])
        history = History.from_dict(json.loads(metadata["history"]))
    except (KeyError, TypeError, ValueError, ConfigurationError) as error:
        raise CheckpointError(f"{path} is not a checkpoint of this package ({error!r})") from None
    missing = [
        name for name, found in groups.items() if not found and (name != "optimiser" or config.remembers)
    ]
    if missing:
        raise CheckpointError(f"{path} lacks {', '.join(missing)}; the run cannot be continued exactly")
    return Checkpoint(config, history, *groups.values())


def save_model(path: Path, config: TrainingConfig, history: History, model: nn.Module) -> None:
    """Write a finished model and how it came about; unlike a checkpoint it cannot be resumed.

    Args:
        path: Ends in ``.safetensors``.
        config: The settings of the run.
        history: Its epochs.
        model: With its best weights.

    Raises:
        CheckpointError: The file cannot be written.
    """
    write(path, model.state_dict(), _describe_run(config, history))


def load_model(path: Path, model: nn.Module) -> History:
    """Read a finished model and the history of its training.

    Args:
        path: A file that :func:`save_model` wrote.
        model: Receives the weights.

    Raises:
        CheckpointError: The file is missing, damaged, of another kind, or its weights do not fit.
    """
    tensors, metadata = _read(path)
    try:
        history = History.from_dict(json.loads(metadata["history"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is not a model of this package ({error!r})") from None
    fill(model, tensors)
    return history


def write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and what is known about them, with a checksum of both, whole or not at all.

    Args:
        path: Ends in ``.safetensors``.
        tensors: By name.
        metadata: Texts by name.

    Raises:
        CheckpointError: The file cannot be written.
    """
    # Tensors that share memory are refused by the format; copies never do.
    copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    described = {**metadata, CHECKSUM: _checksum(copies, metadata)}
    try:
        with whole_file(path) as temporary:
            save_file(copies, temporary, metadata=described)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"cannot write {path} ({error}); make room there, mend its permissions, or choose another folder"
        ) from error


def _describe_run(config: TrainingConfig, history: History) -> dict[str, str]:
    """What a file says about the run behind its weights."""
    return {"config": config.model_dump_json(), "history": json.dumps(history.to_dict())}


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """SHA-256 of everything in a file but the checksum itself."""
    digest = hashlib.sha256()
    for name, text in sorted(metadata.items()):
        digest.update(json.dumps([name, text]).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path) -> tuple[Tensors, dict[str, str]]:
    """Read all tensors and the metadata of a file that :func:`write` wrote, unless a bit was flipped."""
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}")
    try:
        content = path.read_bytes()  # not mapped: some file systems cannot
        tensors = deserialise(content)
        length = int.from_bytes(content[:8], "little")  # of the header, which begins after it
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a safetensors file or is damaged ({error}); "
            "other formats, pickle among them, are never opened; remove it and train again"
        ) from None
    checksum = metadata.pop(CHECKSUM, None)
    if checksum is None:
        raise CheckpointError(f"{path} is not a checkpoint or model of this package: it has no checksum")
    if checksum != _checksum(tensors, metadata):
        raise CheckpointError(f"{path} is damaged (wrong checksum); remove it and train again")
    return tensors, metadata


def fill(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy stored weights into a model.

    Args:
        model: Receives the weights.
        weights: By parameter name.

    Raises:
        CheckpointError: Names or shapes differ; every difference is listed and nothing is copied.
    """
    check_fit(model, weights)
    model.load_state_dict(dict(weights))


def check_fit(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Make sure that stored weights belong to a model like this one.

    Args:
        model: Left as it is.
        weights: By parameter name.

    Raises:
        CheckpointError: Names or shapes differ; every difference is listed.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    problems = [
        f"{name}: the model has {expected.get(name, 'nothing')}, the checkpoint {found.get(name, 'nothing')}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
    if problems:
        raise CheckpointError(join_problems("the checkpoint does not fit the model:", problems))


def model_path(folder: Path, config: TrainingConfig, data_hash: str) -> Path:
    """Where the model of a configuration, a state of the data and a state of the training code is kept.

    Args:
        folder: The output folder.
        config: Settings of the run.
        data_hash: Fingerprint of the data files.

    Returns:
        ``<folder>/models/<hash>.safetensors``.
    """
    key = f"{config.fingerprint()}:{data_hash}:{training_fingerprint()}"
    return folder / "models" / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"
