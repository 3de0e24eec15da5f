"""Any model trained once and kept: whoever asks for the same training again gets its weights from a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sized
from pathlib import Path

import torch
from torch import Tensor, nn

from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.reproducibility import preserved_randomness, training_fingerprint
from tutorial_utils.training.batch_checks import begin, order_generators
from tutorial_utils.training.batches import BatchIterable
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.history import History
from tutorial_utils.training.trainer import Trainer, device_of, fit_once


def fit_or_load(
    config: TrainingConfig,
    model: nn.Module,
    train: BatchIterable,
    validation: BatchIterable,
    folder: Path | None,
    *,
    show_progress: bool = True,
) -> History:
    """Train a model as ``Trainer`` does, or give it the weights that the same training gave it before.

    A training is the same if settings, layers, first weights, the logits that these give a batch, the number
    of batches, the first training and validation batch, and the training code are.

    What is drawn from global generators, such as dropout or
    changes to the images, is drawn as from ``config.seed``, and the generators are put back: nothing that
    comes later depends on whether a file was there. Only the order of the training batches is used up.

    Args:
        config: Settings of the run.
        model: Changed in place, on the device where it is.
        train: Training batches.
        validation: Validation batches.
        folder: Where trained models are kept; None trains and keeps nothing.
        show_progress: Show a progress bar.

    Returns:
        The history of the training.

    Raises:
        TrainingError: The run was stopped: it diverged, its loss was no finite number, or Ctrl-C came.
        DataError: As :meth:`~tutorial_utils.training.trainer.Trainer.fit`.
    """
    with preserved_randomness(device=device_of(model)):
        torch.manual_seed(config.seed)
        path = None
        if folder is not None:
            path = folder / "models" / f"{fingerprint(config, model, train, validation)}.safetensors"
        trainer = Trainer(config, checkpoint=path, show_progress=show_progress)
        return fit_once(trainer, model, lambda: (train, validation))


def fingerprint(
    config: TrainingConfig, model: nn.Module, train: BatchIterable, validation: BatchIterable
) -> str:
    """A short hash of all that decides what a training gives.

    Args:
        config: Settings of the run.
        model: As it starts.
        train: Training batches; the first is looked at, and the order stays as it was.
        validation: Validation batches, likewise.

    Raises:
        DataError: There are no batches, or their labels are no class numbers.
    """
    digest = hashlib.sha256(f"{config.fingerprint()}:{training_fingerprint()}:{model!r}".encode())
    weights = model.state_dict().values()
    digest.update(b"".join(_bytes_of(tensor) for tensor in weights))
    for what, batches in (("training", train), ("validation", validation)):
        digest.update(str(len(batches) if isinstance(batches, Sized) else "unknown").encode())
        with preserved_randomness(order_generators(batches).values()):
            images, labels = next(begin(batches, what))
        digest.update(_bytes_of(images) + _bytes_of(labels))
    digest.update(
        _bytes_of(predict(model, images).probabilities)
    )  # two models may differ in how they compute
    return digest.hexdigest()[:16]


def _bytes_of(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().numpy().tobytes()
