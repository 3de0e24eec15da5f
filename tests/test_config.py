"""A configuration is checked before any data is touched, and every field of it changes something."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tutorial_utils import reproducibility
from tutorial_utils.data import catalogue
from tutorial_utils.data.catalogue import MNIST, DatasetDescription
from tutorial_utils.data.datasets import ImageData
from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.training import trainer
from tutorial_utils.training.batches import Batches, training_batches
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.history import History
from tutorial_utils.training.models import LogisticRegression, make_model
from tutorial_utils.training.trainer import Trainer, train_epoch

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


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("epochs", "num_epochs"),
        ("learning_rat", "learning_rate"),
        ("lr_decay", "learning_rate_decay"),
        ("patience", "early_stopping_patience"),
        ("Momentum", "momentum"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, meant: str) -> None:
    message = refusal(**{name: 1})
    assert f"{name} is not a setting; did you mean" in message
    assert repr(meant) in message


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        # Text and truth values are no numbers.
        ("learning_rate", "0.1", "number"),
        ("learning_rate", "1e-3", "number"),
        ("num_epochs", "3", "integer"),
        ("num_epochs", "false", "integer"),
        ("momentum", "true", "number"),
        ("learning_rate", True, "number"),
        ("num_epochs", False, "integer"),
        # Learning rate.
        ("learning_rate", 0, "above 0"),
        ("learning_rate", -1, "above 0"),
        ("learning_rate", float("nan"), "finite"),
        ("learning_rate", float("inf"), "finite"),
        # Batch size; 60,000 images less 10 %.
        ("batch_size", 0, "at least 1"),
        ("batch_size", -1, "at least 1"),
        ("batch_size", 1.5, "integer"),
        ("batch_size", True, "integer"),
        ("batch_size", 54_001, "at most 54,000"),
        # Epochs, with the range.
        ("num_epochs", 0, "at least 1 and at most 100,000"),
        ("num_epochs", -1, "at least 1 and at most 100,000"),
        ("num_epochs", 10.0, "integer (allowed: at least 1 and at most 100,000)"),
        ("num_epochs", 100_001, "at least 1 and at most 100,000"),
        # Validation share.
        ("validation_split", 0, "above 0 and below 1"),
        ("validation_split", 1, "above 0 and below 1"),
        ("validation_split", -0.1, "above 0 and below 1"),
        ("validation_split", 1e-9, "no image for validation or none for training of 60,000"),
        ("validation_split", 1 - 1e-9, "no image for validation or none for training of 60,000"),
        # Schedule.
        ("learning_rate_step", 0, "at least 1"),
        ("learning_rate_decay", 0, "above 0 and at most 1"),
        ("learning_rate_decay", 1.01, "above 0 and at most 1"),
        ("learning_rate_decay", -0.1, "above 0 and at most 1"),
        # Patience.
        ("early_stopping_patience", 0, "at least 1"),
        ("early_stopping_patience", -3, "at least 1"),
        # Momentum, weight decay, progress.
        ("momentum", -0.1, "at least 0 and below 1"),
        ("momentum", 1.0, "at least 0 and below 1"),
        ("weight_decay", -1e-4, "at least 0"),
        ("log_interval", 0, "at least 1"),
        # Device.
        ("device", "cuda", "this machine has: auto, cpu"),
        ("device", "gpu", "this machine has: auto, cpu"),
        ("device", "cuda:99", "this machine has: auto, cpu"),
        ("device", None, "string"),
        # Seed.
        ("seed", -1, "at least 0 and at most 9,223,372,036,854,775,807"),
        ("seed", 2**63, "at least 0 and at most 9,223,372,036,854,775,807"),
        ("seed", None, "integer"),
        ("seed", 1.0, "integer"),
        # Names.
        ("dataset", "MNSIT", "did you mean 'mnist'?"),
        ("initialisation", "xavier", "'xavier_uniform' or 'default'"),
    ],
)
def test_a_wrong_value_is_refused_with_field_value_and_what_is_allowed(
    field: str, value: Any, allowed: str
) -> None:
    message = refusal(**{field: value})
    assert message.startswith("1 setting is not allowed:")
    assert f"{field}={value!r}: " in message
    assert allowed in message
    assert "pydantic" not in message.lower()


def test_three_wrong_settings_are_named_in_one_error() -> None:
    message = refusal(epochs=5, batch_size=0, learning_rate="fast", momentum=0.5)
    assert message.startswith("3 settings are not allowed:")
    assert len(message.splitlines()) == 4
    assert all(part in message for part in ("epochs is not", "batch_size=0", "learning_rate='fast'"))
    assert "momentum" not in message


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": 1e6},
        {"batch_size": 54_000},
        {"batch_size": 1},
        {"num_epochs": 100_000},
        {"momentum": 0},
        {"learning_rate_decay": 1},
        {"seed": 2**63 - 1},
        {"validation_split": 1 / 60_000},
        {"weight_decay": 0},
    ],
)
def test_values_at_the_edge_are_allowed(values: dict[str, Any]) -> None:
    config = TrainingConfig(**values)
    assert all(getattr(config, name) == value for name, value in values.items())


def test_whole_numbers_stand_for_the_same_number_with_a_point() -> None:
    config = TrainingConfig(learning_rate=1, momentum=0)
    assert config == TrainingConfig(learning_rate=1.0, momentum=0.0)
    assert config.fingerprint() == TrainingConfig(learning_rate=1.0, momentum=0.0).fingerprint()


@settings(max_examples=60, deadline=None)
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


@pytest.mark.fault(30)
def test_no_data_is_touched_by_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_data(*arguments: Any, **options: Any) -> None:
        raise AssertionError("data was touched")

    monkeypatch.setattr("tutorial_utils.data.datasets.load", no_data)
    monkeypatch.setattr("tutorial_utils.data.datasets.fetch", no_data)
    refusal(batch_size=60_000)
    TrainingConfig()


# Changing, noting, naming


@pytest.mark.parametrize("field", TrainingConfig.model_fields)
def test_no_field_can_be_assigned(field: str) -> None:
    config = TrainingConfig()
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        setattr(config, field, getattr(config, field))


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


def test_the_default_rates_fall_by_ten_every_ten_epochs() -> None:
    rates = [TrainingConfig().learning_rate_at(epoch) for epoch in range(1, 31)]
    assert rates == pytest.approx([0.01] * 10 + [0.001] * 10 + [0.0001] * 10, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    learning_rate=st.floats(1e-4, 10),
    decay=st.floats(0.05, 1),
    step=st.integers(1, 12),
)
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
    "weight_decay": 0.1,
    "learning_rate_decay": 0.2,
    "learning_rate_step": 11,
    "early_stopping_patience": 6,
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

TESTED_FIELDS: list[str] = []


def behaviour_of(field: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Mark the test that shows what a field does."""

    def remember(test: Callable[..., None]) -> Callable[..., None]:
        TESTED_FIELDS.append(field)
        return test

    return remember


def toy_config(**changes: Any) -> TrainingConfig:
    values = {"dataset": "toy", "batch_size": 10, "num_epochs": 3, "momentum": 0.0, **changes}
    return TrainingConfig(**values)


def toy_images(description: DatasetDescription = TOY) -> ImageData:
    """Noise around a level of grey that tells the class."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(description.num_train) % description.num_classes
    noise = torch.randint(0, 120, (description.num_train, *description.image_shape), generator=generator)
    return ImageData((noise + 60 * labels.view(-1, 1, 1, 1)).to(torch.uint8), labels, description)


def fit(config: TrainingConfig) -> tuple[LogisticRegression, History]:
    model = make_model(config)
    train, validation = training_batches(toy_images(), config)
    return model, Trainer(config, show_progress=False).fit(model, train, validation)


def weights_after(config: TrainingConfig, updates: int) -> Tensor:
    """Float64 weights after some full-batch updates from a fixed start, apart from the Trainer's choices."""
    images = torch.linspace(-1, 1, 48, dtype=torch.float64).view(3, 1, 4, 4)
    model = LogisticRegression(16, 3, generator=torch.Generator().manual_seed(0)).double()
    optimiser = trainer.make_optimiser(model, config)
    for _ in range(updates):
        train_epoch(model, Batches(images, torch.tensor([0, 1, 2]), 3), optimiser, lambda step, loss: None)
    return model.linear.weight.detach().clone()


@behaviour_of("dataset")
def test_the_data_set_decides_the_sizes_of_the_model_and_which_images_are_accepted() -> None:
    assert make_model(toy_config()).linear.weight.shape == (3, 16)
    assert make_model(toy_config(dataset="mnist")).linear.weight.shape == (10, 784)
    assert len(training_batches(toy_images(), toy_config())[0]) == 11
    with pytest.raises(ConfigurationError, match="dataset='mnist', but these images are 'toy'"):
        training_batches(toy_images(), toy_config(dataset="mnist"))


@behaviour_of("validation_split")
@pytest.mark.parametrize(("share", "held_out"), [(0.1, 12), (0.25, 30), (0.5, 60)])
def test_the_validation_share_decides_how_many_images_are_held_out(share: float, held_out: int) -> None:
    train, validation = training_batches(toy_images(), toy_config(validation_split=share))
    assert (train.num_images, validation.num_images) == (120 - held_out, held_out)


@behaviour_of("seed")
def test_the_seed_decides_split_order_and_initial_weights() -> None:
    def choices(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        config = toy_config(seed=seed)
        train, validation = training_batches(toy_images(), config)
        return validation.images, torch.cat([labels for _, labels in train]), make_model(config).linear.weight

    first, again, other = choices(0), choices(0), choices(1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@behaviour_of("device")
def test_the_device_decides_where_batches_and_model_go(monkeypatch: pytest.MonkeyPatch) -> None:
    # "meta" is a device that every build of PyTorch has.
    monkeypatch.setattr(reproducibility, "available_devices", lambda: ["meta", "cpu"])
    for name, expected in {"auto": "meta", "meta": "meta", "cpu": "cpu"}.items():
        config = toy_config(device=name)
        model, batches = make_model(config), training_batches(toy_images(), config)
        for part in batches:
            assert part.images.device.type == part.labels.device.type == expected
        monkeypatch.setattr(trainer, "train_epoch", lambda model, *rest: (0.0, 0.0))
        monkeypatch.setattr(trainer, "measure", lambda model, batches: (0.0, 0.0))
        Trainer(config, show_progress=False).fit(model, *batches)
        assert model.linear.weight.device.type == expected


@behaviour_of("initialisation")
def test_the_initialisation_decides_how_weights_and_bias_start() -> None:
    xavier, default = (make_model(toy_config(initialisation=name)) for name in ("xavier_uniform", "default"))
    assert xavier.linear.weight.abs().max() > 0.5 > default.linear.weight.abs().max()  # 0.56 and 0.25
    assert default.linear.weight.abs().max() <= 0.25
    assert not xavier.linear.bias.any() and default.linear.bias.all()


@behaviour_of("num_epochs")
@pytest.mark.parametrize("num_epochs", [1, 4])
def test_the_number_of_epochs_decides_how_often_all_images_are_seen(num_epochs: int) -> None:
    _, history = fit(toy_config(num_epochs=num_epochs))
    assert history.column("epoch") == list(range(1, num_epochs + 1))


@behaviour_of("batch_size")
@pytest.mark.parametrize(("batch_size", "sizes"), [(108, [108]), (50, [50, 50, 8]), (36, [36, 36, 36])])
def test_the_batch_size_decides_how_many_images_an_update_sees(batch_size: int, sizes: list[int]) -> None:
    train, _ = training_batches(toy_images(), toy_config(batch_size=batch_size))
    assert [len(labels) for _, labels in train] == sizes


@behaviour_of("learning_rate")
def test_twice_the_learning_rate_is_a_step_twice_as_long() -> None:
    start = weights_after(toy_config(), 0)
    step, longer = (weights_after(toy_config(learning_rate=rate), 1) - start for rate in (0.1, 0.2))
    assert step.abs().max() > 1e-3
    torch.testing.assert_close(longer, 2 * step)
    assert fit(toy_config(learning_rate=0.2))[1].records[0].learning_rate == 0.2


@behaviour_of("momentum")
def test_momentum_adds_its_share_of_the_first_step_to_the_second() -> None:
    first = weights_after(toy_config(momentum=0.9), 1)
    torch.testing.assert_close(first, weights_after(toy_config(momentum=0.0), 1))
    difference = weights_after(toy_config(momentum=0.9), 2) - weights_after(toy_config(momentum=0.0), 2)
    torch.testing.assert_close(difference, 0.9 * (first - weights_after(toy_config(), 0)))


@behaviour_of("weight_decay")
def test_weight_decay_shrinks_the_weights_by_rate_times_strength() -> None:
    start = weights_after(toy_config(), 0)
    difference = weights_after(toy_config(weight_decay=0.5), 1) - weights_after(toy_config(), 1)
    torch.testing.assert_close(difference, -0.01 * 0.5 * start)
    decayed, free = (fit(toy_config(weight_decay=strength))[0] for strength in (5.0, 0.0))
    assert decayed.linear.weight.norm() < 0.8 * free.linear.weight.norm()


@behaviour_of("learning_rate_decay")
def test_the_decay_decides_the_factor_between_rates() -> None:
    for decay, expected in {0.5: [0.01, 0.005, 0.0025], 1.0: [0.01, 0.01, 0.01]}.items():
        _, history = fit(toy_config(learning_rate_decay=decay, learning_rate_step=1))
        assert history.column("learning_rate") == pytest.approx(expected)


@behaviour_of("learning_rate_step")
def test_the_step_decides_after_how_many_epochs_the_rate_falls() -> None:
    for step, expected in {1: [0.01, 0.001, 0.0001], 2: [0.01, 0.01, 0.001]}.items():
        _, history = fit(toy_config(learning_rate_step=step))
        assert history.column("learning_rate") == pytest.approx(expected)


@behaviour_of("early_stopping_patience")
@pytest.mark.parametrize("patience", [1, 3, 4])
def test_the_patience_decides_how_many_worse_epochs_are_borne(
    patience: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses: Iterator[float] = iter(range(1, 100))
    monkeypatch.setattr(trainer, "measure", lambda model, batches: (next(losses), 0.0))
    _, history = fit(toy_config(num_epochs=20, early_stopping_patience=patience))
    assert len(history) == 1 + patience


@behaviour_of("log_interval")
@pytest.mark.parametrize(("interval", "updates"), [(1, 11 + 1), (4, 2 + 1), (100, 0 + 1)])
def test_the_log_interval_decides_how_often_the_progress_bar_moves(
    interval: int, updates: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eleven batches per epoch; the end of the epoch brings the bar to the full count."""
    bar = PretendBar()
    monkeypatch.setattr(trainer, "bar", lambda **options: bar)
    fit(toy_config(num_epochs=2, log_interval=interval))
    assert len(bar.moves) == 2 * updates
    assert sum(bar.moves) == bar.n == 2 * 11
    assert bar.remarks == 2 * (updates - 1)


class PretendBar:
    """Stands in for tqdm and keeps what it was told."""

    def __init__(self) -> None:
        self.n = 0
        self.moves: list[int] = []
        self.remarks = 0

    def __enter__(self) -> "PretendBar":
        return self

    def __exit__(self, *problem: object) -> None:
        pass

    def update(self, steps: int) -> None:
        self.n += steps
        self.moves.append(steps)

    def set_postfix(self, **values: Any) -> None:
        self.remarks += 1


def test_every_field_has_a_test_that_shows_what_it_does() -> None:
    """A new field needs a test above, marked with `behaviour_of`."""
    assert sorted(TESTED_FIELDS) == sorted(TrainingConfig.model_fields)
    assert OTHER_VALUES.keys() == TrainingConfig.model_fields.keys()


def test_differences_list_only_what_differs_with_both_values() -> None:
    config = TrainingConfig()
    other = config.but(seed=3, momentum=0.5)
    assert config.differences(other, ("one", "two")) == [
        {"setting": "seed", "one": "0", "two": "3"},
        {"setting": "momentum", "one": "0.9", "two": "0.5"},
    ]
    assert config.differences(config, ("one", "two")) == []
