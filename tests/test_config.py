"""A configuration is checked before any data is touched, and every field of it changes something."""

import dataclasses
import math
from typing import Any
from unittest.mock import MagicMock

import pydantic
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tutorial_utils import reproducibility
from tutorial_utils.data import catalogue
from tutorial_utils.data.catalogue import MNIST, DatasetDescription
from tutorial_utils.data.datasets import ImageData
from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.training import trainer
from tutorial_utils.training.batches import training_batches
from tutorial_utils.training.config import NOT_LEARNT, TrainingConfig
from tutorial_utils.training.models import make_model
from tutorial_utils.training.trainer import Trainer

CURRICULUM = {
    "num_epochs": 30,
    "batch_size": 64,
    "learning_rate": 0.01,
    "momentum": 0.9,
    "log_interval": 100,
    "validation_split": 0.1,
    "early_stopping_patience": 5,
    "learning_rate_decay": 0.1,
    "learning_rate_step": 10,
}

TOY = dataclasses.replace(
    MNIST,
    name="toy",
    image_shape=(1, 4, 4),
    class_names=("a", "b", "c"),
    num_train=120,
    num_test=30,
    mean=(0.5,),
    std=(0.25,),
    test_strata=0,
)


@pytest.fixture(autouse=True)
def plain_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second data set, and no accelerator wherever the tests run."""
    monkeypatch.setitem(catalogue.DATASETS, "toy", TOY)
    monkeypatch.setattr(reproducibility, "available_devices", lambda: ["cpu"])


def refusal(**values: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfig(**values)
    return str(caught.value)


# Defaults


def test_the_defaults_are_those_of_the_curriculum() -> None:
    assert {name: getattr(TrainingConfig(), name) for name in CURRICULUM} == CURRICULUM


def test_every_field_has_a_default_and_says_what_it_is() -> None:
    for field in TrainingConfig.model_fields.values():
        assert not field.is_required()
        assert field.description


# Refusals


WRONG: list[tuple[str, list[Any], str]] = [  # and those of tests/test_faults.py
    ("learning_rate", [True], "number"),
    ("num_epochs", ["3", False, 10.0], "integer (allowed: at least 1 and at most 100,000)"),
    ("validation_split", [1 - 1e-9], "none for training of 60,000"),
    ("weight_decay", [-1e-4], "at least 0"),
    ("log_interval", [0], "at least 1"),
    (
        "divergence_bound",
        [math.nan, -math.inf, -1, 2.3],
        "above ln 10 = 2.303, what guessing costs; inf stops",
    ),
    ("device", [None], "string"),
    ("initialisation", ["xavier"], "'xavier_uniform' or 'default'"),
]


@pytest.mark.parametrize(("field", "values", "allowed"), WRONG)
def test_a_wrong_value_is_refused_with_field_value_and_what_is_allowed(
    field: str, values: list[Any], allowed: str
) -> None:
    for value in values:
        message = refusal(**{field: value})
        assert message.startswith("1 setting is not allowed:")
        assert f"{field}={value!r}: " in message
        assert allowed in message
        assert "pydantic" not in message.lower()


def test_values_at_the_edge_are_allowed() -> None:
    edges: dict[str, list[float]] = {
        "batch_size": [1, 54_000],
        "num_epochs": [100_000],
        "momentum": [0],
        "learning_rate_decay": [1],
        "seed": [2**63 - 1],
        "validation_split": [1 / 60_000],
        "divergence_bound": [2.303, math.inf],
    }
    for field, values in edges.items():
        for value in values:
            assert getattr(TrainingConfig(**{field: value}), field) == value


def test_whole_numbers_stand_for_the_same_number_with_a_point() -> None:
    config = TrainingConfig(learning_rate=1, momentum=0)
    assert config == TrainingConfig(learning_rate=1.0, momentum=0.0)
    assert config.fingerprint() == TrainingConfig(learning_rate=1.0, momentum=0.0).fingerprint()


@given(batch_size=st.integers(1, 70_000), share=st.floats(0.001, 0.999))
@pytest.mark.fault(30)
def test_a_batch_fits_exactly_when_that_many_training_images_are_left(batch_size: int, share: float) -> None:
    left = 60_000 - round(share * 60_000)
    try:
        TrainingConfig(batch_size=batch_size, validation_split=share)
    except ConfigurationError as error:
        assert batch_size > left
        assert f"at most {left:,}" in str(error)
    else:
        assert batch_size <= left


# Changing, noting, naming


def test_no_field_can_be_assigned() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        TrainingConfig().seed = 1


def test_but_changes_a_copy_and_checks_it() -> None:
    config = TrainingConfig(seed=3)
    other = config.but(num_epochs=2, momentum=0.0)
    assert (other.seed, other.num_epochs, other.momentum) == (3, 2, 0.0)
    assert (config.num_epochs, config.momentum) == (30, 0.9)
    with pytest.raises(ConfigurationError, match="num_epochs=0"):
        config.but(num_epochs=0)
    with pytest.raises(ConfigurationError, match="epochs is not a setting"):
        config.but(epochs=2)
    with pytest.raises(ConfigurationError, match="batch_size=64: must be at most 60, "):
        config.but(dataset="toy", validation_split=0.5)


@pytest.mark.fault(34)
def test_patience_beyond_the_epochs_is_allowed_and_noted() -> None:
    assert TrainingConfig().notes == []
    assert TrainingConfig(num_epochs=5, early_stopping_patience=5).notes == []
    (note,) = TrainingConfig(num_epochs=5, early_stopping_patience=6).notes
    assert "early_stopping_patience=6" in note and "num_epochs=5" in note and "never stops early" in note


def test_what_the_one_cycle_schedule_does_not_use_is_refused_and_says_which_schedule_does() -> None:
    message = refusal(schedule="one_cycle", learning_rate_decay=0.5, learning_rate_step=3)
    assert message.startswith("2 settings are not allowed:")
    for part in ("learning_rate_decay=0.5: is for schedule='step'", "learning_rate_step=3", "leave it at 10"):
        assert part in message
    message = refusal(optimiser="rmsprop", schedule="cosine")
    assert "'sgd' or 'adam'" in message and "'step' or 'one_cycle'" in message
    (note,) = TrainingConfig(schedule="one_cycle").notes
    assert "early_stopping_patience=5 is below num_epochs=30" in note
    assert TrainingConfig(schedule="one_cycle", num_epochs=5).notes == []


@given(learning_rate=st.floats(1e-4, 10), decay=st.floats(0.05, 1), step=st.integers(1, 12))
def test_the_schedule_is_pytorchs_step_schedule(learning_rate: float, decay: float, step: int) -> None:
    config = TrainingConfig(learning_rate=learning_rate, learning_rate_decay=decay, learning_rate_step=step)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=learning_rate)
    scheduler = torch.optim.lr_scheduler.StepLR(optimiser, step_size=step, gamma=decay)
    for epoch in range(1, 26):
        assert config.learning_rate_at(epoch) == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-9)
        optimiser.step()
        scheduler.step()


OTHER_VALUES: dict[str, Any] = {
    "dataset": "toy",
    "validation_split": 0.2,
    "seed": 1,
    "device": "meta",
    "initialisation": "default",
    "num_epochs": 31,
    "batch_size": 32,
    "learning_rate": 0.02,
    "momentum": 0.8,
    "optimiser": "adam",
    "schedule": "one_cycle",
    "weight_decay": 0.1,
    "learning_rate_decay": 0.2,
    "learning_rate_step": 11,
    "early_stopping_patience": 6,
    "divergence_bound": 3.0,
    "log_interval": 101,
}


@pytest.mark.parametrize("field", TrainingConfig.model_fields)
def test_the_fingerprint_changes_with_what_decides_the_result_and_with_nothing_else(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reproducibility, "available_devices", lambda: ["cpu", "meta"])
    config = TrainingConfig()
    other = config.but(**{field: OTHER_VALUES[field]})
    assert other != config
    assert (other.fingerprint() == config.fingerprint()) == (field in {"log_interval", "device"})
    assert config.fingerprint() == TrainingConfig().fingerprint()


# Every field changes behaviour


def toy_config(**changes: Any) -> TrainingConfig:
    return TrainingConfig(**{"dataset": "toy", "batch_size": 10, "num_epochs": 3, **changes})


def toy_images(description: DatasetDescription = TOY) -> ImageData:
    """Noise around a level of grey that tells the class."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(description.num_train) % description.num_classes
    noise = torch.randint(0, 120, (description.num_train, *description.image_shape), generator=generator)
    return ImageData((noise + 60 * labels.view(-1, 1, 1, 1)).to(torch.uint8), labels, description)


def fit(config: TrainingConfig) -> tuple[Any, ...]:
    """All that a run learns."""
    model = make_model(config)
    train, validation = training_batches(toy_images(config.description), config)
    history = Trainer(config, show_progress=False).fit(model, train, validation)
    losses = history.column("running_loss"), history.column("validation_loss")
    return losses, history.column("learning_rate"), [p.tolist() for p in model.parameters()]


@pytest.mark.parametrize("field", TrainingConfig.model_fields)
def test_what_is_learnt_changes_with_every_field_but_those_named_as_not_learnt(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How each of them acts is shown beside an oracle by the tests of batches, models and Trainer."""
    monkeypatch.setitem(catalogue.DATASETS, "other", dataclasses.replace(TOY, name="other", num_train=90))
    # The rate overshoots: without patience a run stops early, with much it runs through its epochs.
    base = toy_config(num_epochs=12, learning_rate=2.0, learning_rate_step=3, early_stopping_patience=2)
    others = {**OTHER_VALUES, "dataset": "other", "device": "cpu", "divergence_bound": 1.1}
    changed = []
    for config in (base, base.but(early_stopping_patience=12)):
        unused = {"learning_rate_step": 10} if field == "schedule" else {}
        changed.append(fit(config) != fit(config.but(**{**unused, field: others[field]})))
        assert fit(config) == fit(config)
    assert any(changed) == (field not in NOT_LEARNT)


def test_the_device_decides_where_the_model_goes_and_batches_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    # "meta" is a device that every build of PyTorch has.
    monkeypatch.setattr(reproducibility, "available_devices", lambda: ["meta", "cpu"])
    seen = []
    monkeypatch.setattr(trainer, "train_epoch", lambda model, batches, *rest: (seen.append(batches), 0.0))
    monkeypatch.setattr(trainer, "measure", lambda model, batches: (float(seen.append(batches) or 0), 0.0))
    for name, expected in {"auto": "meta", "meta": "meta", "cpu": "cpu"}.items():
        config = toy_config(device=name)
        model = make_model(config)
        Trainer(config, show_progress=False).fit(model, *training_batches(toy_images(), config))
        assert model.linear.weight.device.type == expected
        assert {batches.images.device.type for batches in seen} == {expected}
        seen.clear()


@pytest.mark.parametrize(("interval", "updates"), [(1, 11 + 1), (4, 2 + 1), (100, 0 + 1)])
def test_the_log_interval_decides_how_often_the_progress_bar_moves(
    interval: int, updates: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eleven batches per epoch; the end of the epoch brings the bar to the full count."""

    def move(steps: int) -> None:
        bar.n += steps

    bar = MagicMock(n=0)
    bar.__enter__.return_value, bar.update.side_effect = bar, move
    monkeypatch.setattr(trainer, "bar", lambda **options: bar)
    fit(toy_config(num_epochs=2, log_interval=interval))
    assert (bar.update.call_count, bar.n) == (2 * updates, 2 * 11)
    assert bar.set_postfix.call_count == 2 * (updates - 1)


def test_stored_settings_come_back_with_a_device_that_is_here() -> None:
    config = TrainingConfig(seed=3, device="cpu")
    assert TrainingConfig.from_json(config.model_dump_json()) == config
    unguarded = config.but(divergence_bound=math.inf)
    assert TrainingConfig.from_json(unguarded.model_dump_json()) == unguarded
    elsewhere = config.model_dump_json().replace('"cpu"', '"cuda:3"')
    assert TrainingConfig.from_json(elsewhere) == config.but(device="auto")
    with pytest.raises(ConfigurationError, match="epochs is not a setting"):
        TrainingConfig.from_json('{"epochs": 3}')


def test_differences_list_only_what_differs_with_both_values() -> None:
    config = TrainingConfig()
    other = config.but(seed=3, momentum=0.5)
    assert config.differences(other, ("one", "two")) == [
        {"setting": "seed", "one": "0", "two": "3"},
        {"setting": "momentum", "one": "0.9", "two": "0.5"},
    ]
    assert config.differences(config, ("one", "two")) == []
