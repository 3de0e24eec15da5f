"""What happened during training, as plain records."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from tutorial_utils.exceptions import TrainingError

if TYPE_CHECKING:
    import pandas as pd


class StopReason(StrEnum):
    """Why training ended."""

    FINISHED = "finished"
    EARLY_STOP = "early_stop"
    DIVERGED = "diverged"
    NOT_FINITE = "not_finite"
    INTERRUPTED = "interrupted"


RAN_TO_ITS_END = frozenset({StopReason.FINISHED, StopReason.EARLY_STOP})
"""The two ends that the settings of a run ask for; after any other the model is not what they make of it."""


@dataclass(frozen=True)
class EpochRecord:
    """One epoch. Losses are mean cross-entropy per image in nats, accuracies fractions.

    Attributes:
        epoch: Number, counted from 1.
        learning_rate: The rate of the epoch: that of its first update, where a schedule goes batch by batch.
        running_loss: Training loss *during* the epoch: each batch measured just before its own update, so
            its first batches saw an older model than its last.
        running_accuracy: Training accuracy measured the same way.
        train_loss: Training loss *after* the epoch; None unless it was asked for.
        train_accuracy: Training accuracy after the epoch; None unless it was asked for.
        validation_loss: Loss on the validation images after the epoch.
        validation_accuracy: Accuracy on the validation images after the epoch.
        seconds: Wall-clock time of the epoch.
    """

    epoch: int
    learning_rate: float
    running_loss: float
    running_accuracy: float
    train_loss: float | None
    train_accuracy: float | None
    validation_loss: float
    validation_accuracy: float
    seconds: float


@dataclass
class History:
    """All epochs of one run and how it ended.

    Attributes:
        records: One record per finished epoch.
        stop_reason: Why training ended; None while it runs.
        stop_detail: The same in words, with epoch, step and rate where they matter.
    """

    records: list[EpochRecord] = field(default_factory=list)
    stop_reason: StopReason | None = None
    stop_detail: str = ""

    def __len__(self) -> int:
        return len(self.records)

    @property
    def best(self) -> EpochRecord:
        """The record with the lowest validation loss, the earliest of equals.

        Raises:
            ValueError: No epoch was finished.
        """
        if not self.records:
            raise ValueError(f"no epoch was finished ({self.stop_detail or 'training has not begun'})")
        return min(self.records, key=lambda record: record.validation_loss)

    @property
    def trained(self) -> bool:
        """Whether the run came to the end that its settings ask for.

        If not, it was stopped: it diverged, its loss was no finite number, or Ctrl-C came. The model then
        holds the best weights from before, which may be those from before the first step, and a score of
        them says nothing about the settings.
        """
        return self.stop_reason in RAN_TO_ITS_END

    def require_trained(self, what: str = "this run") -> Self:
        """Return the history itself, unless the run was stopped.

        Args:
            what: Names the run in the message.

        Raises:
            TrainingError: It was stopped; says by what, with epoch, step and rate where they matter.
        """
        if not self.trained:
            raise TrainingError(
                f"{what} cannot be scored as a trained model: {self.stop_detail or 'it has not ended'}"
            )
        return self

    def epochs_since_best(self) -> int:
        """Number of epochs since the lowest validation loss; 0 when the last one is the best."""
        return self.records[-1].epoch - self.best.epoch

    def interrupt(self) -> None:
        """Note that Ctrl-C came; what had ended by then stays as it ended."""
        if self.stop_reason is None:
            self.stop_reason = StopReason.INTERRUPTED
            self.stop_detail = f"interrupted in epoch {len(self) + 1}"

    def column(self, name: str) -> list[Any]:
        """One attribute of every record, in order."""
        return [getattr(record, name) for record in self.records]

    def to_frame(self) -> pd.DataFrame:
        """One row per epoch, indexed by epoch number."""
        import pandas as pd  # a quarter of what importing torch takes, and no training needs it

        return pd.DataFrame([asdict(record) for record in self.records]).set_index("epoch")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; :meth:`from_dict` reads them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> History:
        """Make a history from what :meth:`to_dict` returned."""
        reason = values["stop_reason"]
        return cls(
            records=[EpochRecord(**record) for record in values["records"]],
            stop_reason=StopReason(reason) if reason else None,
            stop_detail=values["stop_detail"],
        )
