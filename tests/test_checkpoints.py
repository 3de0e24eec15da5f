"""A checkpoint comes back as it was, is whole at every moment, and nothing else is taken for one."""

import dataclasses
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tutorial_utils.exceptions import CheckpointError
from tutorial_utils.training import checkpoints
from tutorial_utils.training.checkpoints import Checkpoint, fill, model_path
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.history import EpochRecord, History, StopReason
from tutorial_utils.training.models import LogisticRegression, make_model

ROOT = Path(__file__).parents[1]


def checkpoint(**changes: Any) -> Checkpoint:
    config = TrainingConfig(learning_rate=0.1 + 0.2, seed=2**63 - 1, num_epochs=3)
    records = [
        EpochRecord(1, 0.3, 1.5, 0.5, None, None, 1 / 3, 0.1, 2.0),
        EpochRecord(2, 0.3, 1.25, 0.5, 0.7, 0.8, 1e-300, 0.1, 2.5),
    ]
    values: dict[str, Any] = {
        "config": config,
        "history": History(records, StopReason.EARLY_STOP, "nicht besser: größer"),
        "model": {"linear.weight": torch.randn(3, 4), "linear.bias": torch.randn(3, dtype=torch.float64)},
        "best": {"linear.weight": torch.randn(3, 4), "linear.bias": torch.randn(3)},
        "optimiser": {"linear.weight/exp_avg": torch.randn(3, 4), "linear.weight/step": torch.tensor(7.0)},
        "generators": {"global": torch.get_rng_state(), "order": torch.Generator().get_state()},
    }
    return Checkpoint(**{**values, **changes})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


GROUPS = ("model", "best", "optimiser", "generators")


def assert_equal(first: Checkpoint, second: Checkpoint) -> None:
    assert first.config == second.config
    assert first.history == second.history
    for group in GROUPS:
        ours, theirs = getattr(first, group), getattr(second, group)
        assert ours.keys() == theirs.keys()
        for name, tensor in ours.items():
            assert tensor.dtype == theirs[name].dtype
            assert torch.equal(tensor, theirs[name])


def test_a_checkpoint_comes_back_bit_by_bit_in_place_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "model.safetensors"
    for written in (checkpoint(), checkpoint(config=TrainingConfig(momentum=0.0), optimiser={})):
        checkpoints.save(path, written)
        assert_equal(checkpoints.load(path), written)
        assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"]


@pytest.mark.fault(71)
def test_what_was_stored_on_a_device_that_is_not_here_loads(path: Path) -> None:
    written, model = checkpoint(), LogisticRegression(4, 3)
    elsewhere = written.config.model_copy(update={"device": "cuda:7"})
    checkpoints.save(path, dataclasses.replace(written, config=elsewhere))
    assert_equal(checkpoints.load(path), written)
    checkpoints.save_model(path, elsewhere, written.history, model)
    assert checkpoints.load_model(path, model) == written.history


def test_tensors_that_share_memory_transposed_or_with_gradients_are_stored_too(path: Path) -> None:
    weight = torch.randn(4, 3, requires_grad=True)
    shared = {"linear.weight": weight.T, "linear.bias": weight[0]}
    written = checkpoint(model=shared, best=shared)
    checkpoints.save(path, written)
    assert_equal(checkpoints.load(path), written)


@pytest.mark.fault(17)
def test_a_failing_save_leaves_the_previous_file_and_no_other(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = checkpoint()
    checkpoints.save(path, first)

    def disk_full(tensors: object, file: Path, metadata: object) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", disk_full)
    with pytest.raises(CheckpointError, match=r"cannot write .*No space left.*make room"):
        checkpoints.save(path, checkpoint())
    assert_equal(checkpoints.load(path), first)
    assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"]


# Damaged and foreign files


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*model\.safetensors"):
        checkpoints.load(path)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        checkpoints.load(path.parent)


@pytest.mark.parametrize("share", [0, 0.01, 0.9, 0.9999])
@pytest.mark.fault(46)
def test_a_truncated_file_is_refused(path: Path, share: float) -> None:
    checkpoints.save(path, checkpoint())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError, match=r"not a safetensors file or is damaged.*train again") as caught:
        checkpoints.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.fault(46)
def test_a_safetensors_file_of_somebody_else_is_refused(path: Path) -> None:
    for metadata in (None, {"format": "pt"}):
        save_file({"model/linear.weight": torch.zeros(2, 2)}, path, metadata=metadata)
        for load in (checkpoints.load, lambda path: checkpoints.load_model(path, LogisticRegression(2, 2))):
            with pytest.raises(CheckpointError, match="not a checkpoint or model of this package"):
                load(path)


RUN = {"records": [], "stop_reason": None, "stop_detail": ""}


@pytest.mark.parametrize(
    ("name", "metadata"),
    [
        ("model/w", {"config": "{}"}),
        ("model/w", {"config": "{", "history": "{}"}),
        ("model/w", {"config": "[]", "history": "{}"}),
        ("model/w", {"config": '{"epochs": 3}', "history": json.dumps(RUN)}),
        ("model/w", {"config": "{}", "history": json.dumps(RUN | {"records": [{}]})}),
        ("model/w", {"config": "{}", "history": json.dumps(RUN | {"stop_reason": "tired"})}),
        ("scheduler/w", {"config": "{}", "history": json.dumps(RUN)}),
        ("w", {"config": "{}", "history": json.dumps(RUN)}),
    ],
)
@pytest.mark.fault(46)
def test_a_file_of_this_package_that_is_no_checkpoint_is_refused(
    path: Path, name: str, metadata: dict[str, str]
) -> None:
    checkpoints.write(path, {name: torch.zeros(2, 2)}, metadata)
    with pytest.raises(CheckpointError, match="not a checkpoint of this package"):
        checkpoints.load(path)


@pytest.mark.parametrize(
    ("group", "named"),
    [("model", "model"), ("best", "best"), ("optimiser", "optimiser"), ("generators", "generator")],
)
@pytest.mark.fault(50)
def test_a_checkpoint_that_lacks_a_part_is_refused_with_its_name(path: Path, group: str, named: str) -> None:
    checkpoints.save(path, checkpoint(**{group: {}}))
    with pytest.raises(CheckpointError, match=f"lacks {named}; the run cannot be continued exactly"):
        checkpoints.load(path)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("writer", ["pickle", "torch"])
@pytest.mark.fault(48)
def test_a_pickle_is_refused_and_not_executed(path: Path, tmp_path: Path, writer: str) -> None:
    marker = tmp_path / "executed"
    if writer == "pickle":
        path.write_bytes(pickle.dumps(Trap(marker)))
    else:
        torch.save({"weight": Trap(marker)}, path)
    with pytest.raises(CheckpointError, match="pickle among them, are never opened"):
        checkpoints.load(path)
    assert not marker.exists()
    # The trap works: opening the file as what it is springs it.
    if writer == "pickle":
        pickle.loads(path.read_bytes())
    else:
        torch.load(path.rename(tmp_path / "model.pt"), weights_only=False)
    assert marker.exists()


@pytest.mark.fault(46)
def test_no_flipped_bit_goes_unnoticed(path: Path) -> None:
    """Everywhere in the file, weights and history among them; the format itself sees only its header."""
    checkpoints.save(path, checkpoint())
    content = path.read_bytes()
    places = {*range(0, len(content), 97), len(content) - 1}
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError) as caught:
            checkpoints.load(path)
        assert str(path) in str(caught.value)
    path.write_bytes(content)
    checkpoints.load(path)


# Filling a model


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (
            LogisticRegression(12, 5).state_dict(),
            [
                "linear.weight: the model has (10, 784), the checkpoint (5, 12)",
                "linear.bias: the model has (10,), the checkpoint (5,)",
            ],
        ),
        (
            nn.Linear(784, 10).state_dict(),
            [
                "linear.weight: the model has (10, 784), the checkpoint nothing",
                "weight: the model has nothing, the checkpoint (10, 784)",
            ],
        ),
    ],
    ids=["other images and classes", "other names"],
)
@pytest.mark.fault(47)
def test_weights_of_another_shape_are_refused_with_both_shapes_and_nothing_is_copied(
    weights: dict[str, Tensor], words: list[str]
) -> None:
    model = LogisticRegression(784, 10)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(CheckpointError, match="does not fit the model") as caught:
        fill(model, weights)
    assert all(part in str(caught.value) for part in words)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


# Killed while saving

KILLS = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from tutorial_utils.training import checkpoints
from tutorial_utils.training.checkpoints import Checkpoint
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.history import History

path = Path(sys.argv[1])

def save(value):
    weights = {"w": torch.full((300, 1000), float(value))}
    checkpoints.save(path, Checkpoint(
        TrainingConfig(), History(), weights, weights, weights, {"global": torch.get_rng_state()}))

def killed(work, wait=None):
    child = os.fork()
    if child == 0:
        work()
    if wait is not None:
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    found = checkpoints.load(path)
    (value,) = {tensor.unique().item() for group in (found.model, found.best, found.optimiser)
                for tensor in group.values()}
    return value

def end(*rest, **options):
    os.kill(os.getpid(), signal.SIGKILL)

def half_written(tensors, file, metadata):
    Path(file).write_bytes(path.read_bytes()[:1000])
    end()

def save_until(owner, name, replacement):
    setattr(owner, name, replacement)
    save(1)

def save_for_ever():
    value = checkpoints.load(path).model["w"][0, 0].item()
    while True:
        value += 1
        save(value)

save(0)
if sys.argv[2] == "stages":
    for stage in ((checkpoints, "save_file", half_written), (os, "fsync", end), (Path, "replace", end)):
        assert killed(lambda: save_until(*stage)) == 0, stage
    assert killed(lambda: save_until(Path, "unlink", end)) == 1
else:
    began = time.monotonic()
    save(0)
    duration = time.monotonic() - began
    previous = 0
    for kill in range(50):
        value = killed(save_for_ever, random.Random(kill).uniform(0.2, 3) * duration)
        assert value >= previous
        previous = value
print(len(list(path.parent.glob(".*.part"))))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("when", ["stages", pytest.param("random", marks=pytest.mark.nightly)])
@pytest.mark.fault(45)
def test_a_process_killed_while_saving_leaves_a_whole_checkpoint(path: Path, when: str) -> None:
    """At each stage of a save, and at night fifty times at any moment."""
    answer = subprocess.run(
        [sys.executable, "-c", KILLS, str(path), when],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert answer.returncode == 0, answer.stderr
    # Temporary files tell that kills fell into the middle of saving; otherwise this test showed nothing.
    assert int(answer.stdout) >= 1


# Where models are kept


def test_the_path_of_a_model_follows_settings_data_and_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainingConfig()
    path = model_path(tmp_path, config, "data")
    assert path.parent == tmp_path / "models" and path.suffix == ".safetensors"
    assert model_path(tmp_path, config.but(log_interval=7), "data") == path
    others = {path, model_path(tmp_path, config.but(seed=1), "data"), model_path(tmp_path, config, "other")}
    monkeypatch.setattr(checkpoints, "training_fingerprint", lambda: "other")
    others.add(model_path(tmp_path, config, "data"))
    assert len(others) == 4


def test_a_finished_model_comes_back_but_cannot_be_resumed_nor_fill_another(path: Path) -> None:
    made = checkpoint()
    model, empty = (LogisticRegression(4, 3) for _ in range(2))
    checkpoints.save_model(path, made.config, made.history, model)
    assert checkpoints.load_model(path, empty) == made.history
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), empty.parameters(), strict=True))
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        checkpoints.load(path)
    with pytest.raises(CheckpointError, match="does not fit"):
        checkpoints.load_model(path, LogisticRegression(5, 3))
    checkpoints.write(path, model.state_dict(), {})
    with pytest.raises(CheckpointError, match="not a model of this package"):
        checkpoints.load_model(path, model)


@pytest.mark.fault(82)
def test_a_model_is_read_where_files_cannot_be_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr(safetensors, "safe_open", refuse)
    monkeypatch.setattr("mmap.mmap", refuse)
    config = TrainingConfig()
    model, again = make_model(config), make_model(config.but(seed=1))
    checkpoints.save_model(tmp_path / "model.safetensors", config, History(), model)
    checkpoints.load_model(tmp_path / "model.safetensors", again)
    assert torch.equal(again.linear.weight, model.linear.weight)
