"""The history keeps every epoch and tells which was best."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_utils.exceptions import TrainingError
from tutorial_utils.training.history import EpochRecord, History, StopReason

LOSSES = st.lists(st.floats(0, 100, allow_subnormal=False), min_size=1, max_size=12)


def record(epoch: int, validation_loss: float, train_loss: float | None = None) -> EpochRecord:
    return EpochRecord(epoch, 0.01, 1.5, 0.5, train_loss, None, validation_loss, 0.25, 0.125)


def history_of(losses: list[float]) -> History:
    return History([record(epoch, loss) for epoch, loss in enumerate(losses, start=1)])


@given(losses=LOSSES)
def test_the_best_epoch_has_the_lowest_validation_loss_and_is_the_earliest_of_equals(
    losses: list[float],
) -> None:
    history = history_of(losses)
    assert history.best.epoch == losses.index(min(losses)) + 1
    assert history.epochs_since_best() == len(losses) - history.best.epoch


def test_without_a_finished_epoch_there_is_no_best_and_the_message_says_why() -> None:
    with pytest.raises(ValueError, match="training has not begun"):
        _ = History().best
    with pytest.raises(ValueError, match="loss became nan"):
        _ = History(stop_reason=StopReason.NOT_FINITE, stop_detail="loss became nan").best


@pytest.mark.fault(95)
@pytest.mark.parametrize("reason", [*StopReason, None])
def test_only_a_run_that_came_to_its_end_passes_for_trained(reason: StopReason | None) -> None:
    history = History([record(1, 0.5)], reason, "loss 2e+04 passed 10000 in epoch 2, step 3")
    assert history.trained == (reason in {"finished", "early_stop"})
    if history.trained:
        assert history.require_trained() is history
    else:
        with pytest.raises(TrainingError, match=r"^seed 3 cannot be scored .*: loss 2e\+04 .* step 3$"):
            history.require_trained("seed 3")


def test_a_column_has_one_entry_per_epoch_in_order() -> None:
    history = history_of([3.0, 1.0, 2.0])
    assert len(history) == 3
    assert history.column("epoch") == [1, 2, 3]
    assert history.column("validation_loss") == [3.0, 1.0, 2.0]
    assert history.column("train_loss") == [None, None, None]


def test_the_table_has_one_row_per_epoch_and_keeps_what_was_not_measured_apart() -> None:
    history = History([record(1, 2.0), record(2, 1.0, train_loss=0.5)])
    frame = history.to_frame()
    assert frame.index.name == "epoch" and frame.index.tolist() == [1, 2]
    assert frame["validation_loss"].tolist() == [2.0, 1.0]
    assert math.isnan(frame["train_loss"].loc[1]) and frame["train_loss"].loc[2] == 0.5


@given(
    losses=LOSSES,
    reason=st.one_of(st.none(), st.sampled_from(StopReason)),
    detail=st.text(max_size=20),
    measured=st.one_of(st.none(), st.floats(0, 100)),
)
def test_a_history_survives_json_exactly(
    losses: list[float], reason: StopReason | None, detail: str, measured: float | None
) -> None:
    records = [record(epoch, loss, train_loss=measured) for epoch, loss in enumerate(losses, start=1)]
    history = History(records, reason, detail)
    back = History.from_dict(json.loads(json.dumps(history.to_dict(), allow_nan=False)))
    assert back == history
    assert type(back.stop_reason) is type(history.stop_reason)
