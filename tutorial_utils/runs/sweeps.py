"""One chapter run with many combinations of parameters, in parallel, on one machine or several."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.metadata
import json
import logging
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tutorial_utils
from tutorial_utils.exceptions import ConfigurationError, SweepError, join_problems
from tutorial_utils.files import check_place, scratch_folder
from tutorial_utils.progress import bar, note
from tutorial_utils.reproducibility import package_fingerprint
from tutorial_utils.runs import kernel, parameters
from tutorial_utils.runs.chapters import Chapter
from tutorial_utils.runs.kernel import TIME_LIMIT, Executed
from tutorial_utils.runs.parameters import Scalar
from tutorial_utils.runs.sweep_points import Point

if TYPE_CHECKING:
    from distributed import Client, Future

SWEEPS = Path("_build/sweeps")
"""Where sweeps arrive unless they are told otherwise."""

MEMORY_PER_POINT = 2 * 2**30
"""Bytes for one point, of which the book's chapters need about half; short memory allows fewer at a time."""

ANSWER_WITHIN = 15.0
"""Seconds in which a scheduler must answer."""


@dataclass(frozen=True)
class Outcome:
    """One finished point of a sweep: its values, and its results file or why it failed."""

    point: Point
    results: Path | None
    error: str = ""


def default_folder(chapter: Chapter, points: Sequence[Point]) -> Path:
    """Choose where a sweep arrives: below :data:`SWEEPS`, the same for the same points."""
    names = "-".join(dict.fromkeys(name for point in points for name in point))
    identity = hashlib.sha256(json.dumps(points).encode()).hexdigest()[:8]
    return SWEEPS / chapter.name / f"{parameters.safe_name(names or 'defaults', 80)}-{identity}"


def default_jobs() -> int:
    """How many points this machine runs at a time: one for each core, fewer when memory is short."""
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    return max(1, min(int(CPU_COUNT), int(MEMORY_LIMIT // MEMORY_PER_POINT)))


def run(
    chapter: Chapter,
    points: Sequence[Point],
    folder: Path,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    time_limit: float = TIME_LIMIT,
) -> list[Outcome]:
    """Run a chapter once for every point.

    A point that finished before, with the same chapter and package, is not run again. A point takes the
    chapter's text and gives back text, so workers on other machines need this package and nothing on disk.
    Each point computes with one thread, so that its numbers do not depend on how many run beside it.

    Args:
        chapter: What to run.
        points: From :mod:`tutorial_utils.runs.sweep_points`.
        folder: Where ``points/`` are kept, one executed notebook and one results file each.
        jobs: Points at a time on this machine; by default :func:`default_jobs`.
        scheduler: Instead of ``jobs``, address of a running dask scheduler: ``"tcp://192.0.2.1:8786"``.
        time_limit: Seconds for each point.

    Returns:
        The outcome of each point, in order. A point that failed does not stop the others.

    Raises:
        ConfigurationError: ``jobs`` is below 1 or given with a scheduler, or the folder cannot be written.
        SweepError: The scheduler cannot be reached, has no workers, or a worker has another package.
        ChapterError: What a point gave cannot be written; what was finished is kept.
    """
    if jobs is not None and jobs < 1:
        raise ConfigurationError(f"jobs={jobs}: must be 1 or more")
    if jobs is not None and scheduler is not None:
        raise ConfigurationError("give jobs or a scheduler, not both: its workers say how many run at a time")
    chapter.check_output(folder)
    places = [folder / "points" / _file_name(chapter, point) for point in points]
    try:
        check_place(places[0])
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to {folder} ({error.strerror}); give another output with -o"
        ) from None
    missing = {
        index: points[index] for index, place in enumerate(places) if not place.with_suffix(".json").is_file()
    }
    if len(missing) < len(points):
        note(f"{len(points) - len(missing)} of {len(points)} points are there already")
    errors: dict[int, str] = {}
    if missing:
        with _quiet_dask(), _cluster(jobs, scheduler) as client:
            errors = _execute_all(client, chapter, missing, places, time_limit)
    return [
        Outcome(point, None if index in errors else place.with_suffix(".json"), errors.get(index, ""))
        for index, (point, place) in enumerate(zip(points, places, strict=True))
    ]


def _file_name(chapter: Chapter, point: Point) -> str:
    """Name a point's files; another chapter or package makes other names, so old results are never taken."""
    identity = json.dumps([chapter.code, package_fingerprint(), point], sort_keys=True)
    return f"{parameters.name_run(point, 80)}-{hashlib.sha256(identity.encode()).hexdigest()[:10]}.ipynb"


def _execute_all(
    client: Client, chapter: Chapter, points: Mapping[int, Point], places: Sequence[Path], time_limit: float
) -> dict[int, str]:
    """Run points on a cluster, write what each gave as it finishes, and return why some failed, by index.

    Points of a worker that dies run elsewhere.
    """
    from distributed import as_completed, wait

    name = f"sweep-{uuid.uuid4().hex}"
    given = (name, describe_package(), chapter.text, chapter.name)
    index_of = {
        client.submit(_execute_point, *given, point, time_limit, key=f"{name}-{index}", pure=False): index
        for index, point in points.items()
    }
    errors: dict[int, str] = {}
    try:
        with bar(total=len(points), description=f"sweep of {chapter.name}", unit="point") as progress:
            for future in as_completed(list(index_of)):  # type: ignore[no-untyped-call]
                index, executed = index_of.pop(future), _take(future)
                kept = kernel.write(executed, places[index], places[index].with_suffix(".json"))
                if executed.error:
                    errors[index] = executed.error
                    where = f"\n  {kept}" if executed.notebook else ""
                    first_line = executed.error.partition("\n")[0]
                    note(f"failed: {parameters.name_run(points[index])}: {first_line}{where}")
                progress.set_postfix(failed=len(errors), refresh=False)
                progress.update()
    except BaseException:  # nobody waits for what still runs
        with contextlib.suppress(Exception):  # the cluster itself may be what is gone
            client.run(_end_sweep, name, on_error="ignore")
            wait(list(index_of), timeout=10)  # type: ignore[no-untyped-call]
        raise
    return errors


def _take(future: Future[Executed]) -> Executed:
    """What a point gave, or why it gave nothing: all that a chapter can do wrong is in there already."""
    try:
        return future.result()
    except CancelledError:
        raise
    except Exception as error:
        return Executed("", "", f"the worker could not run it ({type(error).__name__}: {error})")


def describe_package() -> str:
    """What must be the same on every worker: this package's code, and torch."""
    torch = importlib.metadata.version("torch")
    return f"tutorial_utils {tutorial_utils.__version__} ({package_fingerprint()}), torch {torch}"


_stops: dict[str, threading.Event] = {}


def _execute_point(
    sweep: str, package: str, text: str, name: str, point: Mapping[str, Scalar], time_limit: float
) -> Executed:
    """Execute one point; what a worker does, until :func:`_end_sweep` ends it."""
    stop = _stops.setdefault(sweep, threading.Event())
    if stop.is_set():
        return Executed("", "", "stopped from outside")
    if describe_package() != package:  # a worker that came after the others were checked
        return Executed("", "", f"a worker has {describe_package()}, this sweep needs {package}")
    return kernel.execute(text, name, point, time_limit=time_limit, threads=1, stop=stop)


def _end_sweep(sweep: str) -> None:
    """End what this process runs for a sweep."""
    _stops.setdefault(sweep, threading.Event()).set()


@contextlib.contextmanager
def _quiet_dask() -> Iterator[None]:
    """Keep dask's log to ourselves: what went wrong with a point is said with the point."""
    try:
        import distributed
    except ImportError:  # the package works without it
        raise SweepError("sweeps need dask; install it with: pip install 'tutorial-utils[book]'") from None
    names = logging.root.manager.loggerDict
    loggers = [logging.getLogger(name) for name in names if name.split(".")[0] == distributed.__name__]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger in loggers:
            logger.disabled = False


@contextlib.contextmanager
def _cluster(jobs: int | None, scheduler: str | None) -> Iterator[Client]:
    """Start a cluster on this machine, or join a running one."""
    import dask
    from distributed import Client, LocalCluster

    if scheduler is None:
        # Threads are enough, because each point runs in the process of its kernel. dask neither limits the
        # memory of those nor leaves files in the working directory.
        with (
            scratch_folder() as temporary,
            dask.config.set(temporary_directory=str(temporary)),  # of the scheduler as well as the worker
            LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=1,
                threads_per_worker=jobs or default_jobs(),
                processes=False,
                memory_limit=0,
                # None would listen on all interfaces all the same, the scheduler on a port that may be taken.
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL + 1,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,  # type: ignore[no-untyped-call]
            client.as_current(),
        ):
            yield client
        return
    try:
        _call(scheduler)
        client = Client(scheduler, timeout=ANSWER_WITHIN, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError) as error:  # a TimeoutError is an OSError
        raise SweepError(
            f"no dask scheduler answers at {scheduler} ({error or 'silence'}); start one, or use --jobs"
        ) from None
    with client, client.as_current():
        _check_workers(client, scheduler)
        try:
            yield client
        except (CancelledError, OSError) as error:  # dask's words for losing its scheduler
            raise SweepError(
                f"the scheduler at {scheduler} is gone ({type(error).__name__}); finished points stay, and "
                "running again goes on from there"
            ) from None


def _call(scheduler: str) -> None:
    """Ask a scheduler who it is: a ``Client`` waits for ever if a server accepts and says nothing."""
    from distributed.core import rpc

    async def ask() -> None:
        async with asyncio.timeout(ANSWER_WITHIN), rpc(scheduler) as there:  # type: ignore[no-untyped-call]
            kind = (await there.identity())["type"]
        if kind != "Scheduler":
            raise ValueError(f"it is a {kind}")

    with ThreadPoolExecutor(1) as thread:  # in Jupyter, this thread has a running loop already
        thread.submit(asyncio.run, ask()).result()


def _check_workers(client: Client, scheduler: str) -> None:
    """Make sure that every worker has this very package: other code would give other numbers."""
    here = describe_package()
    found = client.run(describe_package, on_error="return")
    if not found:
        raise SweepError(f"the scheduler at {scheduler} has no workers; start one: dask worker {scheduler}")
    problems = [
        f"{worker}: {f'{type(there).__name__}: {there}' if isinstance(there, Exception) else there}"
        for worker, there in found.items()
        if there != here
    ]
    if problems:
        opening = f"workers that cannot run this sweep; install what is here, {here}, and start them again:"
        raise SweepError(join_problems(opening, problems))
