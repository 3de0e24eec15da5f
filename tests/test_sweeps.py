"""A sweep runs each point once, on one machine or several, whatever dies on the way."""

import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from tutorial_utils.exceptions import ConfigurationError, SweepError
from tutorial_utils.files import scratch_folder
from tutorial_utils.runs import sweep_points, sweeps
from tutorial_utils.runs.chapters import Chapter, find
from tutorial_utils.runs.parameters import read_cell

pytest.importorskip("distributed")

ROOT = Path(__file__).parents[1]
PARAMETERS = """\
learning_rate: float = 0.01  # step length, above 0
seed: int = 0  # fixes everything, 0 or more
centre: bool = True  # centre the pixels
wait: float = 0.0  # seconds of work, 0 or more
word: str = "plain"  # any text
"""
ALLOWED = read_cell(PARAMETERS, "part/chapter")
# Written by hand, because importing torch takes seconds. Each run leaves a line outside.
WORK = """
import json, os, pathlib, time
log = pathlib.Path({log!r})
def tell(what):
    with log.open("a") as file:
        threads = os.environ["OMP_NUM_THREADS"]
        file.write(f"{{what}} {{learning_rate}} {{seed}} {{os.getpid()}} {{threads}}\\n")
tell("start")
time.sleep(wait)
while word == "hold" and not log.with_name("released").exists():
    time.sleep(0.05)
if word == "fail" and seed == 1 and not log.with_name("repaired").exists():
    raise ValueError("not <b>this</b> one")
folder = pathlib.Path(os.environ["TUTORIAL_OUTPUT"]) / "results" / "part"
folder.mkdir(parents=True, exist_ok=True)
content = {{
    "notebook": "part/chapter", "parameters": {{"seed": seed}}, "timings": {{"chapter_seconds": 1.5}},
    "metrics": {{"validation_loss": (learning_rate - 0.01) ** 2 + seed / 1000, "list": [1], "same": 3}},
    "provenance": {{}},
}}
(folder / "chapter.json").write_text(json.dumps(content))
tell("end")
"""


class Sweep:
    """A folder with one notebook, and the command run on it in a process of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "outside" / "log"
        self.log.parent.mkdir(parents=True)
        self.output = root / "out put"
        self.write()

    def write(self, remark: str = "") -> None:
        """Write the notebook."""
        cells = [
            nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(remark + WORK.format(log=str(self.log))),
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        for index, cell in enumerate(cells):
            cell["id"] = f"cell-{index}"
        path = self.root / "notebooks" / "part" / "chapter.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)

    def start(self, *options: str) -> "subprocess.Popen[bytes]":
        """Start `tutorial sweep`, as a shell would, with a progress line."""
        command = [sys.executable, "-c", "from tutorial_utils.cli import main; main()", "sweep"]
        return subprocess.Popen(
            [*command, "notebooks/part/chapter", "-o", str(self.output), *options],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TUTORIAL_QUIET": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run it to its end."""
        return subprocess.CompletedProcess(options, *end(self.start(*options)))

    def lines(self, what: str = "start") -> list[list[str]]:
        """Words of every line that runs left outside."""
        text = self.log.read_text() if self.log.exists() else ""
        return [line.split() for line in text.splitlines() if line.startswith(what)]

    def table(self) -> pd.DataFrame:
        return pd.read_csv(self.output / "results.csv")

    def wait_until(self, what: Callable[[], object], patience: float = 300) -> None:
        last = time.monotonic() + patience
        while not what():
            assert time.monotonic() < last, "waited in vain"
            time.sleep(0.05)

    def wait_for_kernels_to_end(self) -> None:
        """No kernel outlives the process that started it by more than a moment."""
        processes = [int(line[3]) for line in self.lines()]
        assert processes
        self.wait_until(lambda: not any(is_alive(process) for process in processes))


def end(process: "subprocess.Popen[bytes]", patience: float = 300) -> tuple[int, str, str]:
    """Wait for the end; exit code, output and errors, with the carriage returns of progress lines."""
    out, err = process.communicate(timeout=patience)
    return process.returncode, out.decode(), err.decode()


def is_alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[Sweep]:
    made = Sweep(tmp_path / "a book")
    yield made
    for line in made.lines():
        if is_alive(int(line[3])):
            os.kill(int(line[3]), signal.SIGKILL)


@pytest.fixture
def chapter(sweep: Sweep) -> Chapter:
    return find(sweep.root / "notebooks" / "part" / "chapter")


def shown(err: str) -> str:
    """What a terminal still shows after progress lines have been overwritten."""
    lines = (line.rsplit("\r", 1)[-1] for line in err.split("\n"))
    return "\n".join(line.rstrip() for line in lines if line.strip())


# Points


def test_a_grid_has_every_combination_the_last_changing_fastest() -> None:
    points = sweep_points.read_grid(["learning_rate=1e-3, 0.1", "seed=0,1", "centre=false"], ALLOWED)
    assert points == [
        {"learning_rate": rate, "seed": seed, "centre": False} for rate in (0.001, 0.1) for seed in (0, 1)
    ]
    assert {type(value) for point in points for value in point.values()} == {float, int, bool}


def test_a_file_may_hold_a_grid_or_points(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yml"
    path.write_text("grid:\n  learning_rate: [1e-3, 1]\n  seed: 4\n  word: [1e3x, plain]\n")
    typed = ["learning_rate=0.001,1", "seed=4", "word=1e3x,plain"]
    assert sweep_points.read_file(path, ALLOWED) == sweep_points.read_grid(typed, ALLOWED)
    path.write_text("points:\n  - {learning_rate: 0.1, seed: 1}\n  - {centre: false}\n")
    # Where a point leaves out what another has, the notebook's own value stands.
    assert sweep_points.read_file(path, ALLOWED) == [
        {"learning_rate": 0.1, "seed": 1, "centre": True},
        {"learning_rate": 0.01, "seed": 0, "centre": False},
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("grid: {seed: [0, -1], learning_rat: [1], centre: [x]}", "learning_rat is not.*centre='x'.*seed=-1"),
        ("grid: {seed: [0], seed: [1]}", "seed is given twice"),
        ("grid: {seed: []}", "this one 0"),
        ("grid: {}", "not a sweep file"),
        ("grid: [1]", "not a sweep file"),
        ("points: []", "this one 0"),
        ("points: [1]", "not a sweep file"),
        ("points: [{seed: 0}, {centre: true}]", "twice"),  # both are the notebook itself
        ("grid: {seed: [0]}\npoints: [{seed: 1}]", "not a sweep file"),
        ("grid: {1: [2]}", "1 is not a parameter"),
        ("grid: {[1]: 2}", "cannot be read|not a parameter"),
        ("grid: {seed: [1e0]}", "seed='1e0'"),
        ("grid: {word: [[a]]}", "not a sweep file"),
        ("points: [{word: [a]}]", "not a sweep file"),
        *(
            (f"grid:\n  seed: [!!{tag} ['made']]\n", "not a sweep file")
            for tag in ("python/object/apply:os.mkdir", "python/name:os.system", "python/tuple")
        ),
        ("- a\n b: [", "cannot be read"),
        ("", "not a sweep file"),
        (None, r"cannot be read \(.*sweep\.yml"),
    ],
)
def test_a_bad_file_is_refused_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sweep.yml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=f"(?s){problem}"):
        sweep_points.read_file(path, ALLOWED)
    assert not (tmp_path / "made").exists()


def test_all_problems_of_a_grid_are_told_at_once_and_each_once() -> None:
    texts = ["learning_rate=-1,0.1,x", "epochs=3", "seed=0,1,2,-3", "seed=4", "centre", "wait=1,,2", "=1"]
    with pytest.raises(ConfigurationError) as caught:
        sweep_points.read_grid(texts, ALLOWED)
    message = str(caught.value)
    expected = [
        "learning_rate=-1",
        "'x'",
        "epochs is not",
        "seed=-3",
        "seed is given twice",
        "'centre' is not of",
    ]
    assert all(message.count(part) == 1 for part in (*expected, "'wait=", "'=1'")), message


@pytest.mark.parametrize("texts", [["seed=0,1,0"], ["seed=1,01"], ["learning_rate=0.1,1e-1,0.10", "seed=1"]])
def test_a_point_that_stands_twice_is_refused(texts: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="stands twice"):
        sweep_points.read_grid(texts, ALLOWED)


def test_a_thousand_points_are_allowed_and_more_are_refused_without_being_made() -> None:
    def listed(count: int) -> str:
        return ",".join(map(str, range(count)))

    assert len(sweep_points.read_grid([f"seed={listed(1000)}"], ALLOWED)) == 1000
    for names, count in ((["seed"], 1001), (ALLOWED, 10**5)):
        with pytest.raises(ConfigurationError, match=f"1 to 1,000 points, this one {count ** len(names):,}"):
            sweep_points.read_grid([f"{name}={listed(count)}" for name in names], ALLOWED)


def test_the_default_folder_is_the_same_for_the_same_points_and_no_others(chapter: Chapter) -> None:
    first, other, again = (
        sweeps.default_folder(chapter, sweep_points.read_grid([text], ALLOWED))
        for text in ("seed=0", "seed=0,1", "seed=0")
    )
    assert first == again != other
    assert first.parent == Path("_build/sweeps/part/chapter")


def test_the_book_runs_the_command_that_its_page_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    (script,) = re.findall(r"sed -n '(.*tutorial sweep.*)' \$<", (ROOT / "Makefile").read_text())
    command = subprocess.run(
        ["sed", "-n", script.replace("$$", "$"), "book/sweep.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    words = command.replace("\\\n", " ").split()
    assert words[:4] == [".venv/bin/tutorial", "sweep", "notebooks/mnist/02_model", "-o"]
    assert Path(words[4]) / "results.csv" == Path("_build/sweeps/book/results.csv")
    assert set(words[5::2]) == {"-g"}
    monkeypatch.chdir(ROOT)
    points = sweep_points.read_grid(words[6::2], find(words[2]).parameters)
    assert len({point["seed"] for point in points}) >= 3
    assert len({point["learning_rate"] for point in points}) >= 3


# What is refused before anything starts


@pytest.mark.parametrize(
    ("options", "folder", "problem"),
    [
        ({"jobs": 0}, "out", "jobs=0"),
        ({"jobs": 1, "scheduler": "tcp://x:1"}, "out", "not both"),
        ({}, "_build/results/x", "another output"),
        ({}, "_build/executed", "another output"),
        ({}, "_build/html", "another output"),
        ({}, "file/x", "another output"),
    ],
)
def test_bad_settings_and_folders_that_are_not_ours_start_nothing(
    chapter: Chapter, options: dict[str, Any], folder: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "_cluster", lambda *arguments: pytest.fail("started"))
    (chapter.root / "file").touch()
    with pytest.raises(ConfigurationError, match=problem):
        sweeps.run(chapter, [{"seed": 0}], chapter.root / folder, **options)


@pytest.mark.parametrize(("gibibytes", "jobs"), [(64, 8), (7, 3), (1, 1)])
def test_the_machine_decides_how_many_run_at_a_time(
    gibibytes: int, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dask.system.CPU_COUNT", 8)
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", gibibytes * 2**30)
    assert sweeps.default_jobs() == jobs


# On this machine


@pytest.mark.slow
@pytest.mark.fault(66)
def test_a_sweep_runs_every_point_once_and_again_only_what_failed(sweep: Sweep) -> None:
    rate, word = ["-g", "learning_rate=0.1"], ["-g", "word=fail"]
    done = sweep.run(*rate, "-g", "seed=0,1", *word, "-j", "2")
    assert done.returncode == 1
    assert "1 finished, 1 failed" in done.stdout
    # The progress line is gone and tore nothing; dask said nothing.
    assert "\rsweep of part/chapter: " in done.stderr
    said = shown(done.stderr)
    assert not re.search("distributed|dask|point/s|Traceback", said)
    assert re.match("failed: .*part/chapter: cell .*not <b>this</b> one", said)
    assert "not <b>this</b> one" in Path(said.splitlines()[1].strip()).read_text()
    assert sorted(line[1:3] for line in sweep.lines()) == [["0.1", "0"], ["0.1", "1"]]
    assert {line[4] for line in sweep.lines()} == {"1"}  # threads
    table = sweep.table()
    assert table[["learning_rate", "seed"]].to_numpy().tolist() == [[0.1, 0], [0.1, 1]]
    assert table["validation_loss"].tolist() == pytest.approx([0.0081, math.nan], nan_ok=True)
    assert table["status"].tolist() == ["finished", "failed"]
    assert "ValueError: not <b>this</b> one" in table["reason"][1]
    page = (sweep.output / "report.html").read_text()
    assert "not &lt;b&gt;this&lt;/b&gt; one" in page and "<b>" not in page
    assert {path.name for path in sweep.root.iterdir()} == {"notebooks", "out put", "outside"}
    points = sweep.output / "points"
    (finished,) = points.glob("*.json")
    (failed,) = points.glob("*.failed.ipynb")
    for path, seed in ((finished.with_suffix(".ipynb"), 0), (failed, 1)):
        executed = path.read_text()
        assert f"seed={seed}" in path.name
        assert "learning_rate = 0.1" in executed and f"seed = {seed}" in executed

    (sweep.log.parent / "repaired").touch()
    sweep.log.unlink()
    again = sweep.run(*rate, "-g", "seed=0,1,2", *word, "-j", "1")
    assert again.returncode == 0, again.stderr
    assert "1 of 3 points are there already" in again.stderr
    assert [line[1:3] for line in sweep.lines()] == [["0.1", "1"], ["0.1", "2"]]
    assert not list(points.glob("*.failed.ipynb"))
    assert sweep.table()["status"].tolist() == ["finished"] * 3


@pytest.mark.slow
@pytest.mark.fault(67, 107)
def test_a_sweep_that_was_killed_or_interrupted_goes_on_with_what_is_missing(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = sweep.root / "temporary"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    # The last point takes longer than anyone waits.
    path = sweep.root / "sweep.yml"
    path.write_text(json.dumps({"points": [{"seed": 0}, {"seed": 2, "wait": 600}]}))
    process = sweep.start("-f", str(path), "-j", "1")
    sweep.wait_until(lambda: len(sweep.lines()) == 2)
    process.kill()
    process.communicate()
    sweep.wait_for_kernels_to_end()
    left = set(scratch.iterdir())
    assert len(left) == 2  # dask's folder, and the kernel's

    sweep.log.unlink()
    process = sweep.start("-f", str(path), "-j", "1")
    sweep.wait_until(sweep.lines)
    its_own = set(scratch.iterdir())
    assert len(its_own) == 2 and not its_own & left
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with scratch_folder():  # what starts beside it leaves it alone
        assert set(scratch.iterdir()) > its_own
    assert all((folder / "work").is_dir() for folder in its_own)
    process.send_signal(signal.SIGINT)
    code, out, err = end(process)
    sweep.wait_for_kernels_to_end()
    assert [line[2] for line in sweep.lines()] == ["2"]
    assert len(list((sweep.output / "points").glob("*.json"))) == 1
    assert not list(sweep.output.rglob("*.failed.ipynb"))
    assert code == 130
    assert "interrupted" in err and "the same command goes on" in err and str(sweep.output) in err
    assert "Traceback" not in err and "finished," not in out
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_local_cluster_is_quiet_and_closed_to_the_network(
    jobs: int, recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import psutil

    monkeypatch.chdir(tmp_path)
    with sweeps._cluster(jobs, None) as client:
        assert sum(client.nthreads().values()) == jobs
        listening = [c.laddr for c in psutil.Process().net_connections() if c.status == "LISTEN"]
    assert {address.ip for address in listening} <= {"127.0.0.1"}
    assert 8787 not in {address.port for address in listening}
    assert not [str(warning.message) for warning in recwarn if "8787" in str(warning.message)]
    assert not list(tmp_path.iterdir())


def test_the_time_limit_is_for_each_point_and_a_changed_chapter_runs_again(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[Any] = []

    def execute(text: str, name: str, point: Any, *, time_limit: float, **others: Any) -> sweeps.Executed:
        ran.append((point, time_limit))
        return sweeps.Executed(json.dumps(point), text)

    monkeypatch.setattr(sweeps.kernel, "execute", execute)
    points = [{"seed": 0}, {"seed": 1}]
    for remark, times in (("", 1), ("", 1), ("# another text\n", 2)):
        sweep.write(remark)
        changed = find(sweep.root / "notebooks" / "part" / "chapter")
        outcomes = sweeps.run(changed, points, tmp_path / "out", jobs=1, time_limit=25)
        assert [json.loads(each.results.read_text()) for each in outcomes if each.results] == points
        assert ran == [(point, 25) for point in points] * times


# On several machines: processes that share nothing but the scheduler's address


class Cluster:
    """A scheduler and workers started by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.processes: list[subprocess.Popen[bytes]] = []
        port = self.address.rpartition(":")[2]
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")

    def _start(self, kind: str, *options: str, path: Path = ROOT) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", kind, *options],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(path), "DASK_TEMPORARY_DIRECTORY": str(self.folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def add_worker(self, path: Path = ROOT) -> "subprocess.Popen[bytes]":
        options = ["--nthreads", "1", "--memory-limit", "0", "--no-dashboard", "--host", "127.0.0.1"]
        return self._start("worker", self.address, *options, path=path)

    def wait_for_workers(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, timeout=300, set_as_default=False) as client:
            if count:  # without, the scheduler is there
                client.wait_for_workers(count, timeout=300)

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """Kill a process and what it started in its group, the nanny with its worker."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    for process in made.processes:
        made.kill(process)


@pytest.mark.slow
@pytest.mark.fault(68)
def test_workers_started_by_hand_give_the_same_may_die_and_end_with_the_sweep(
    sweep: Sweep, cluster: Cluster
) -> None:
    workers = [cluster.add_worker(), cluster.add_worker()]
    cluster.wait_for_workers(2)
    process = sweep.start("-g", "seed=0,1", "-g", "word=hold", "--scheduler", cluster.address)
    sweep.wait_until(lambda: len(sweep.lines()) == 2)
    cluster.kill(workers[0])
    sweep.log.with_name("released").touch()
    code, out, err = end(process)
    assert code == 0, err
    assert shown(err) == ""
    assert "2 finished, 0 failed" in out
    assert len(sweep.lines()) == 3  # what the dead worker had begun was done again
    table = sweep.table()
    assert table[["seed", "status"]].to_numpy().tolist() == [[0, "finished"], [1, "finished"]]
    assert table["validation_loss"].tolist() == pytest.approx([0, 0.001])
    sweep.wait_for_kernels_to_end()

    sweep.log.unlink()
    process = sweep.start("-g", "wait=600", "--scheduler", cluster.address)
    sweep.wait_until(sweep.lines)
    process.send_signal(signal.SIGINT)
    code, _, err = end(process)
    assert code == 130
    assert "Traceback" not in err
    sweep.wait_for_kernels_to_end()


@pytest.mark.nightly
def test_a_scheduler_that_dies_ends_the_sweep(sweep: Sweep, cluster: Cluster) -> None:
    """dask tries for long to find it again."""
    cluster.add_worker()
    cluster.wait_for_workers(1)
    process = sweep.start("-g", "wait=0,600", "--scheduler", cluster.address)
    sweep.wait_until(lambda: len(sweep.lines()) == 2)
    cluster.kill(cluster.scheduler)
    code, _, err = end(process)
    assert code == 1
    assert "Traceback" not in err
    assert cluster.address in err


def test_a_scheduler_that_is_gone_is_named() -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, processes=False, dashboard_address="127.0.0.1:0") as made:
        address = made.scheduler.address
        gone = pytest.raises(SweepError, match=f"the scheduler at {address} is gone.*finished points stay")
        with gone, sweeps._cluster(None, address):
            raise CancelledError


@pytest.mark.slow
def test_workers_that_cannot_do_it_are_named(
    sweep: Sweep, chapter: Chapter, cluster: Cluster, tmp_path: Path
) -> None:
    def refused() -> str:
        with pytest.raises(SweepError) as caught:
            sweeps.run(chapter, [{"seed": 0}], sweep.output, scheduler=cluster.address)
        return str(caught.value)

    cluster.wait_for_workers(0)
    assert refused().startswith(f"the scheduler at {cluster.address} has no workers")

    other = tmp_path / "other"
    shutil.copytree(ROOT / "tutorial_utils", other / "tutorial_utils")
    with (other / "tutorial_utils" / "training" / "trainer.py").open("a") as file:
        file.write("# another version\n")
    cluster.add_worker(path=other)
    cluster.add_worker()
    cluster.wait_for_workers(2)
    said = refused()
    assert said.count("  - tcp://127.0.0.1") == 1
    assert "install what is here, tutorial_utils" in said
    assert not sweep.lines()


@pytest.mark.parametrize("what", ["silence", "nobody", "nonsense"])
def test_a_scheduler_that_does_not_answer_is_named(
    chapter: Chapter, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "ANSWER_WITHIN", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if what == "silence":
            silent.listen()
        address = "nonsense://x" if what == "nonsense" else f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SweepError, match=f"no dask scheduler answers at {address}"):
            sweeps.run(chapter, [{"seed": 0}], tmp_path / "out", scheduler=address)


def test_a_worker_that_came_later_with_another_package_runs_nothing() -> None:
    executed = sweeps._execute_point("sweep", "tutorial_utils 0", "no notebook", "part/chapter", {}, 60)
    assert "this sweep needs tutorial_utils 0" in executed.error
    assert not executed.results and not executed.notebook
