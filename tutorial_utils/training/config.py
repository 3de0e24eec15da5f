"""The settings of one training run: frozen, checked before any data is touched, all problems at once."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from tutorial_utils import reproducibility
from tutorial_utils.data import catalogue
from tutorial_utils.exceptions import ConfigurationError, did_you_mean, join_problems

SHOWN_CHARACTERS = 200
"""A message shows so much of a refused value."""

NOT_LEARNT = frozenset({"device", "log_interval"})
"""Settings on which nothing that is learnt depends: where it is computed, and how progress is shown."""


class TrainingConfig(BaseModel):
    """The settings of one training run.

    A value that is not allowed raises :class:`~tutorial_utils.exceptions.ConfigurationError`, which lists
    every problem. Text is never read as a number here; the command line does that.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )

    # `dataset` and `validation_split` stand first because the checks of others need them.
    dataset: str = Field("mnist", description="which data set to train on")
    validation_split: float = Field(
        0.1, gt=0, lt=1, description="share of the training images held out for validation"
    )
    seed: int = Field(
        0, ge=0, le=reproducibility.MAX_SEED, description="fixes split, order and initialisation"
    )
    device: str = Field("auto", description="where to compute; 'auto' takes the fastest device")
    initialisation: Literal["xavier_uniform", "default"] = Field(
        "xavier_uniform", description="how weights start; 'default' is PyTorch's own"
    )
    num_epochs: int = Field(30, ge=1, le=100_000, description="passes over the training set")
    batch_size: int = Field(64, ge=1, description="images per update")
    optimiser: Literal["sgd", "adam"] = Field(
        "sgd", description="how gradients become steps: gradient descent with momentum, or Adam"
    )
    learning_rate: float = Field(
        0.01, gt=0, description="step length of the first epoch; the longest one of a one-cycle schedule"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="share of the last step that is kept in the next")
    weight_decay: float = Field(0.0, ge=0, description="strength of the L2 penalty")
    schedule: Literal["step", "one_cycle"] = Field(
        "step",
        description="how the rate changes: in steps after epochs, or up and down once, batch by batch",
    )
    learning_rate_decay: float = Field(
        0.1,
        gt=0,
        le=1,
        description="factor on the rate after every `learning_rate_step` epochs; 1 keeps it constant",
    )
    learning_rate_step: int = Field(10, ge=1, description="epochs between two decays")
    early_stopping_patience: int = Field(
        5, ge=1, description="epochs without a better validation loss before training stops"
    )
    divergence_bound: float = Field(
        1e4, allow_inf_nan=True, description="batch loss in nats that ends training; inf lets it go on"
    )
    log_interval: int = Field(100, ge=1, description="batches between two updates of the progress bar")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems = problems_of(error, allowed=type(self).model_fields)
            count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
            message = join_problems(f"{count} not allowed:", problems.values())
            raise ConfigurationError(message, problems) from None

    @field_validator("dataset")
    @classmethod
    def _dataset_is_known(cls, name: str) -> str:
        if name not in catalogue.DATASETS:
            raise ValueError(f"unknown; {did_you_mean(name, catalogue.DATASETS)}")
        return name

    @field_validator("validation_split")
    @classmethod
    def _both_parts_have_images(cls, share: float, info: ValidationInfo) -> float:
        if "dataset" in info.data:
            total = catalogue.describe(info.data["dataset"]).num_train
            if not 0 < round(share * total) < total:
                raise ValueError(f"leaves no image for validation or none for training of {total:,}")
        return share

    @field_validator("batch_size")
    @classmethod
    def _a_batch_fits_into_the_training_set(cls, size: int, info: ValidationInfo) -> int:
        if {"dataset", "validation_split"} <= info.data.keys():
            total = catalogue.describe(info.data["dataset"]).num_train
            available = total - round(info.data["validation_split"] * total)
            if size > available:
                raise ValueError(f"must be at most {available:,}, the number of training images")
        return size

    @field_validator("learning_rate_decay", "learning_rate_step")
    @classmethod
    def _only_the_step_schedule_decays(cls, value: float, info: ValidationInfo) -> float:
        usual = cls.model_fields[str(info.field_name)].default
        if info.data.get("schedule") == "one_cycle" and value != usual:
            raise ValueError(
                f"is for schedule='step'; with 'one_cycle', which does not use it, leave it at {usual}"
            )
        return value

    @field_validator("divergence_bound")
    @classmethod
    def _guessing_is_no_divergence(cls, bound: float, info: ValidationInfo) -> float:
        if "dataset" in info.data:
            classes = catalogue.describe(info.data["dataset"]).num_classes
            if not bound > math.log(classes):  # NaN compares false and lands here too
                raise ValueError(
                    f"must be above ln {classes} = {math.log(classes):.4g}, what guessing costs; inf stops "
                    "a run only when its loss is no finite number"
                )
        return bound

    @field_validator("device")
    @classmethod
    def _device_is_here(cls, name: str) -> str:
        reproducibility.check_device(name)
        return name

    @property
    def description(self) -> catalogue.DatasetDescription:
        """The data set's description."""
        return catalogue.describe(self.dataset)

    @property
    def remembers(self) -> bool:
        """Whether the optimiser remembers anything from one step to the next."""
        return self.optimiser == "adam" or self.momentum > 0

    @property
    def notes(self) -> list[str]:
        """What is allowed but worth knowing, a sentence each."""
        patience = f"early_stopping_patience={self.early_stopping_patience}"
        if self.early_stopping_patience > self.num_epochs:
            return [f"{patience} is above num_epochs={self.num_epochs}: training never stops early."]
        if self.schedule == "one_cycle" and self.early_stopping_patience < self.num_epochs:
            return [
                f"{patience} is below num_epochs={self.num_epochs}: a run that is stopped early "
                "never comes to the low rates at the end of its cycle."
            ]
        return []

    def but(self, **changes: Any) -> TrainingConfig:
        """The same settings with some changed, checked again.

        Args:
            **changes: Fields and their new values.

        Raises:
            ConfigurationError: A changed value is not allowed.
        """
        return TrainingConfig(**{**self.model_dump(), **changes})

    def differences(self, other: TrainingConfig, columns: tuple[str, str]) -> list[dict[str, str]]:
        """List the settings in which another configuration differs, as rows of a table.

        Args:
            other: The other configuration.
            columns: Names of the columns for this one and for the other.
        """
        mine, theirs = self.model_dump(), other.model_dump()
        return [
            {"setting": name, columns[0]: str(mine[name]), columns[1]: str(theirs[name])}
            for name in mine
            if mine[name] != theirs[name]
        ]

    @classmethod
    def from_json(cls, text: str) -> TrainingConfig:
        """Read settings that were stored, perhaps on another machine.

        Args:
            text: What ``model_dump_json`` wrote.

        Returns:
            The settings; a device that is not here becomes ``"auto"``.

        Raises:
            ConfigurationError: A value is not allowed.
            TypeError, ValueError: The text is something else.
        """
        values = {**json.loads(text)}
        if values.get("device") not in reproducibility.available_devices():
            values["device"] = "auto"
        return cls(**values)

    def learning_rate_at(self, epoch: int) -> float:
        """The step schedule's rate in an epoch: ``learning_rate * decay ** floor((epoch - 1) / step)``.

        Args:
            epoch: Epoch number, counted from 1.
        """
        decays: int = (epoch - 1) // self.learning_rate_step
        return float(self.learning_rate * self.learning_rate_decay**decays)

    def fingerprint(self) -> str:
        """A short hash of the settings that decide what is learnt (not how progress is shown)."""
        settings = self.model_dump(exclude=set(NOT_LEARNT))
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def problems_of(error: ValidationError, *, allowed: dict[str, FieldInfo]) -> dict[str, str]:
    """Say every problem of a validation error in a line, by the user's own name of the field.

    Args:
        error: What pydantic found.
        allowed: The fields that exist.
    """
    problems: dict[str, str] = {}
    for problem in error.errors(include_url=False):
        name = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            problems[name] = f"{name} is not a setting; {did_you_mean(name, allowed)}"
            continue
        message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
        limits = "" if problem["type"] == "value_error" else describe_range(allowed[name])
        limits = f" (allowed: {limits})" if limits else ""
        problems[name] = f"{name}={_show(problem['input'])}: {message}{limits}"
    return problems


def _show(value: object) -> str:
    """Write a refused value, cut short; Python refuses to write integers of thousands of digits."""
    try:
        text = repr(value)
    except ValueError:
        return f"<{type(value).__name__} too long to show>"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def describe_range(field: FieldInfo) -> str:
    """Say which numbers a field takes: ``"at least 1 and at most 100,000"``, or nothing."""
    words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    bounds = [
        f"{word} {getattr(limit, sign):,}"
        for limit in field.metadata
        for sign, word in words.items()
        if hasattr(limit, sign)
    ]
    return " and ".join(bounds)


HEADLINE = {
    "mnist": TrainingConfig(early_stopping_patience=30),
    "cifar10": TrainingConfig(
        dataset="cifar10",
        validation_split=0.2,
        initialisation="default",
        num_epochs=60,
        batch_size=100,
        learning_rate=0.009,
        momentum=0.0,
        learning_rate_decay=1.0,
        early_stopping_patience=60,
    ),
}
"""The configuration behind each data set's headline results; the chapters' parameters cells repeat it."""
