"""The most memory that a piece of work takes, looked at all the time while it runs."""

from __future__ import annotations

import contextlib
import threading

import psutil


def own_memory(*, workers: bool = False) -> int:
    """Memory of this process in bytes, without pages that a file stands behind, which the system may drop.

    Args:
        workers: Add what its child processes have for themselves.

    Returns:
        Resident bytes.
    """
    this = psutil.Process()
    info = this.memory_info()
    total = int(info.rss - getattr(info, "shared", 0))  # only Linux tells the two apart
    for worker in this.children(recursive=True) if workers else ():
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            total += int(worker.memory_full_info().uss)
    return total


class Peak:
    """Measures how much more memory a block takes, at its most, than there was before it.

    Args:
        workers: Count child processes, too; looking then takes longer.
        every: Seconds between two looks.

    Attributes:
        bytes: The result, when the block has ended.
    """

    def __init__(self, *, workers: bool = False, every: float = 0.01) -> None:
        self.bytes = 0
        self._workers, self._every = workers, every
        self._done = threading.Event()

    def __enter__(self) -> Peak:
        self._before = own_memory(workers=self._workers)
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(self._every):
            self._look()

    def _look(self) -> None:
        self.bytes = max(self.bytes, own_memory(workers=self._workers) - self._before)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watcher.join()
        self._look()
