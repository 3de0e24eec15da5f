"""A sweep runs each point once, on one machine or several, whatever dies on the way."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from tutorial_utils import cli
from tutorial_utils.exceptions import ConfigurationError, SweepError
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
GRID = ["-g", "learning_rate=0.01,0.1", "-g", "seed=0,1"]


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
        for index, cell in enumerate(cells):
            cell["id"] = f"cell-{index}"
        notebook = nbformat.v4.new_notebook(cells=cells)
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook.metadata["kernelspec"] = kernel
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
        process = self.start(*options)
        return subprocess.CompletedProcess(process.args, *end(process))

    def lines(self, what: str = "start") -> list[list[str]]:
        """Words of every line that runs left outside."""
        text = self.log.read_text() if self.log.exists() else ""
        return [line.split() for line in text.splitlines() if line.startswith(what)]

    def table(self) -> pd.DataFrame:
        return pd.read_csv(self.output / "results.csv")

    def wait_until(self, what: Callable[[], object], patience: float = 60) -> None:
        last = time.monotonic() + patience
        while not what():
            assert time.monotonic() < last, "waited in vain"
            time.sleep(0.05)

    def wait_for_kernels_to_end(self) -> None:
        """No kernel outlives the process that started it by more than a moment."""
        processes = [int(line[3]) for line in self.lines()]
        assert processes
        self.wait_until(lambda: not any(is_alive(process) for process in processes), patience=10)


def end(process: "subprocess.Popen[bytes]", patience: float = 120) -> tuple[int, str, str]:
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
    assert sweep_points.read_file(path, ALLOWED) == sweep_points.make_grid(
        {"learning_rate": [0.001, 1.0], "seed": [4], "word": ["1e3x", "plain"]}, ALLOWED
    )
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
        ("grid: {seed: [1e0]}", "seed=1.0"),
        ("!!python/object/apply:os.system ['false']", "cannot be read"),
        ("- a\n b: [", "cannot be read"),
        ("", "not a sweep file"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "sweep.yml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=f"(?s){problem}"):
        sweep_points.read_file(path, ALLOWED)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.yml"):
        sweep_points.read_file(tmp_path / "absent.yml", ALLOWED)


def test_all_problems_of_a_grid_are_told_at_once_and_each_once() -> None:
    texts = ["learning_rate=-1,0.1,x", "epochs=3", "seed=0,1,2,-3", "seed=4", "centre", "wait=1,,2", "=1"]
    with pytest.raises(ConfigurationError) as caught:
        sweep_points.read_grid(texts, ALLOWED)
    message = str(caught.value)
    expected = (
        "learning_rate=-1",
        "'x'",
        "epochs is not",
        "seed=-3",
        "seed is given twice",
        "'centre' is not of",
        "'wait=",
    )
    assert all(message.count(part) == 1 for part in (*expected, "'=1'")), message


@pytest.mark.parametrize("texts", [["seed=0,1,0"], ["seed=1,01"], ["learning_rate=0.1,1e-1,0.10", "seed=1"]])
def test_a_point_that_stands_twice_is_refused(texts: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="stands twice"):
        sweep_points.read_grid(texts, ALLOWED)


def test_a_grid_too_large_is_refused_without_being_made() -> None:
    axes = {name: range(10**6) for name in ("learning_rate", "seed", "wait")}
    started = time.monotonic()
    with pytest.raises(ConfigurationError, match=r"1,000,000,000,000,000,000"):
        sweep_points.make_grid(axes, ALLOWED)
    assert time.monotonic() - started < 10  # making it would take for ever


def test_a_thousand_points_are_allowed_and_one_more_is_not() -> None:
    assert len(sweep_points.make_grid({"seed": range(1000)}, ALLOWED)) == 1000
    with pytest.raises(ConfigurationError, match=r"1 to 1,000 points, this one 1,001"):
        sweep_points.make_grid({"seed": range(1001)}, ALLOWED)


def test_the_default_folder_is_the_same_for_the_same_points_and_no_others(sweep: Sweep) -> None:
    chapter = find(sweep.root / "notebooks" / "part" / "chapter")
    folders = [
        sweeps.default_folder(chapter, sweep_points.read_grid([text], ALLOWED))
        for text in ("seed=0", "seed=0,1")
    ]
    assert folders[0] != folders[1]
    assert folders[0] == sweeps.default_folder(chapter, sweep_points.read_grid(["seed=0"], ALLOWED))
    assert folders[0].parent == Path("_build/sweeps/part/chapter")


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


@pytest.mark.parametrize("options", [[], ["-g", "seed=0", "-f", "sweep.yml"]])
def test_a_grid_or_a_file_is_needed(
    sweep: Sweep, options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sweep.root)
    monkeypatch.setattr(sys, "argv", ["tutorial", "sweep", "part/chapter", *options])
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    assert "give a grid" in capsys.readouterr().err
    assert not (sweep.root / "_build").exists()


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "_cluster", lambda *arguments: pytest.fail("started"))


@pytest.fixture
def chapter(sweep: Sweep) -> Chapter:
    return find(sweep.root / "notebooks" / "part" / "chapter")


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize(
    ("options", "problem"),
    [({"jobs": 0}, "jobs=0"), ({"jobs": 1, "scheduler": "tcp://x:1"}, "not both")],
)
def test_bad_settings_start_nothing(
    chapter: Chapter, tmp_path: Path, options: dict[str, object], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        sweeps.run(chapter, [{"seed": 0}], tmp_path, **options)  # type: ignore[arg-type]


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize("folder", ["_build/results/x", "_build/executed", "_build/html", "file/x"])
def test_a_folder_that_is_not_ours_starts_nothing(sweep: Sweep, chapter: Chapter, folder: str) -> None:
    (sweep.root / "file").touch()
    with pytest.raises(ConfigurationError, match="give another output"):
        sweeps.run(chapter, [{"seed": 0}], sweep.root / folder)


def test_the_machine_decides_how_many_run_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import dask.system
    import distributed.system

    monkeypatch.setattr(dask.system, "CPU_COUNT", 8)
    monkeypatch.setattr(distributed.system, "MEMORY_LIMIT", 64 * 2**30)
    assert sweeps.default_jobs() == 8
    monkeypatch.setattr(distributed.system, "MEMORY_LIMIT", 7 * 2**30)
    assert sweeps.default_jobs() == 3
    monkeypatch.setattr(distributed.system, "MEMORY_LIMIT", 2**30)
    assert sweeps.default_jobs() == 1


# On this machine


@pytest.mark.slow
def test_a_sweep_runs_every_point_once_and_again_only_what_changed(sweep: Sweep) -> None:
    first = sweep.run(*GRID, "-j", "2")
    assert first.returncode == 0, first.stderr
    # The progress line is gone, and dask said nothing; a kernel that ends may still complain of its sockets.
    assert not re.search("distributed|dask|point/s", shown(first.stderr))
    assert "\rsweep of part/chapter: " in first.stderr
    assert "4 finished, 0 failed" in first.stdout
    starts = [(float(rate), int(seed)) for _, rate, seed, *_ in sweep.lines()]
    assert sorted(starts) == [(0.01, 0), (0.01, 1), (0.1, 0), (0.1, 1)]
    assert {line[4] for line in sweep.lines()} == {"1"}  # threads
    table = sweep.table()
    assert table[["learning_rate", "seed"]].to_numpy().tolist() == [[0.01, 0], [0.01, 1], [0.1, 0], [0.1, 1]]
    assert table["validation_loss"].tolist() == pytest.approx([0, 0.001, 0.0081, 0.0091])
    assert set(table["status"]) == {"finished"}
    assert sorted(path.name for path in sweep.root.iterdir()) == ["notebooks", "out put", "outside"]
    for path in (sweep.output / "points").glob("*.ipynb"):
        executed = nbformat.read(path, as_version=4)
        rate, seed = re.findall(r"=([\d.]+)", path.name)[:2]
        injected = next(
            c.source for c in executed.cells if "injected-parameters" in c.metadata.get("tags", [])
        )
        assert f"learning_rate = {rate}" in injected and f"seed = {seed}" in injected
    names = {path.name for path in (sweep.output / "points").iterdir()}
    assert len(names) == 8

    again = sweep.run(*GRID)
    assert again.returncode == 0
    assert "4 of 4 points are there already" in again.stderr
    assert len(sweep.lines()) == 4

    more = sweep.run("-g", "learning_rate=0.01,0.1,0.2", "-g", "seed=0", "-j", "1")
    assert more.returncode == 0
    assert [line[1:3] for line in sweep.lines()[4:]] == [["0.2", "0"]]
    assert len(sweep.table()) == 3

    sweep.write("# another text\n")
    changed = sweep.run("-g", "seed=0,1", "-g", "learning_rate=0.1", "-j", "2")
    assert changed.returncode == 0
    assert len(sweep.lines()) == 7


@pytest.mark.slow
@pytest.mark.fault(66)
def test_a_point_that_fails_stops_no_other_and_is_tried_again(sweep: Sweep) -> None:
    options = ["-g", "seed=0,1,2", "-g", "word=fail", "-j", "2"]
    first = sweep.run(*options)
    assert first.returncode == 1
    assert "2 finished, 1 failed" in first.stdout
    assert "Traceback" not in first.stderr
    said = shown(first.stderr).splitlines()
    assert said[0].startswith("failed: seed=1,word=fail: part/chapter: cell")  # the bar did not tear it
    assert "not <b>this</b> one" in said[0]
    failed = Path(said[1].strip())
    assert failed.name.endswith(".failed.ipynb")
    assert "not <b>this</b> one" in failed.read_text()
    table = sweep.table()
    assert table["status"].tolist() == ["finished", "failed", "finished"]
    assert "ValueError: not <b>this</b> one" in table["reason"][1]
    assert table["validation_loss"].isna().tolist() == [False, True, False]
    page = (sweep.output / "report.html").read_text()
    assert "not &lt;b&gt;this&lt;/b&gt; one" in page and "<b>" not in page

    (sweep.log.parent / "repaired").touch()
    second = sweep.run(*options)
    assert second.returncode == 0
    assert [line[2] for line in sweep.lines()].count("1") == 2
    assert len(sweep.lines()) == 4
    assert not list(sweep.output.rglob("*.failed.ipynb"))
    assert set(sweep.table()["status"]) == {"finished"}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["killed", "interrupted"])
@pytest.mark.fault(67)
def test_a_sweep_that_was_ended_goes_on_with_what_is_missing(sweep: Sweep, way: str) -> None:
    # The last point takes longer than anyone waits.
    points = [{"seed": 0}, {"seed": 1}, {"seed": 2, "wait": 600}]
    path = sweep.root / "sweep.yml"
    path.write_text(json.dumps({"points": points}))
    process = sweep.start("-f", str(path), "-j", "1")
    sweep.wait_until(lambda: len(sweep.lines()) == 3)
    assert len(list((sweep.output / "points").glob("*.json"))) == 2
    process.send_signal(signal.SIGKILL if way == "killed" else signal.SIGINT)
    code, out, err = end(process, 30)
    sweep.wait_for_kernels_to_end()
    if way == "interrupted":
        assert code == 130
        assert "interrupted" in err and "the same command goes on" in err and str(sweep.output) in err
        assert "Traceback" not in err and "finished," not in out
    assert len(list((sweep.output / "points").glob("*.json"))) == 2
    assert not list(sweep.output.rglob("*.failed.ipynb"))

    sweep.log.unlink()
    process = sweep.start("-f", str(path), "-j", "1")
    sweep.wait_until(sweep.lines)
    process.kill()
    process.communicate()
    assert [line[2] for line in sweep.lines()] == ["2"]
    sweep.wait_for_kernels_to_end()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_local_cluster_is_quiet_and_closed_to_the_network(
    jobs: int, recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    psutil = pytest.importorskip("psutil")
    monkeypatch.chdir(tmp_path)
    with sweeps._cluster(jobs, None) as client:
        assert sum(client.nthreads().values()) == jobs
        listening = [c.laddr for c in psutil.Process().net_connections() if c.status == "LISTEN"]
    assert {address.ip for address in listening} <= {"127.0.0.1"}
    assert 8787 not in {address.port for address in listening}
    assert not [str(warning.message) for warning in recwarn if "8787" in str(warning.message)]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_time_limit_is_for_each_point(sweep: Sweep) -> None:
    done = sweep.run("-g", "wait=0,120", "-j", "2", "--time-limit", "25")
    assert done.returncode == 1
    assert sweep.table()["status"].tolist() == ["finished", "failed"]
    assert "time limit of 25 s" in sweep.table()["reason"][1]
    sweep.wait_for_kernels_to_end()


# On several machines: processes that share nothing but the scheduler's address


class Cluster:
    """A scheduler and workers started by hand, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.processes: list[subprocess.Popen[bytes]] = []
        port = self.address.rpartition(":")[2]
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")

    def _start(self, kind: str, *options: str, path: Path = ROOT) -> "subprocess.Popen[bytes]":
        home = self.folder / f"{kind}-{len(self.processes)}"
        home.mkdir(parents=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", kind, *options],
            cwd=home,
            env={**os.environ, "PYTHONPATH": str(path), "DASK_TEMPORARY_DIRECTORY": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=(home / "log").open("wb"),
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def add_worker(self, path: Path = ROOT) -> "subprocess.Popen[bytes]":
        options = ["--nthreads", "1", "--memory-limit", "0", "--no-dashboard", "--host", "127.0.0.1"]
        return self._start("worker", self.address, *options, path=path)

    def wait_for_workers(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, timeout=30, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        """Kill a process and what it started in its group, the nanny with its worker."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def close(self) -> None:
        for process in self.processes:
            self.kill(process)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "cluster")
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.fault(68)
def test_workers_started_by_hand_give_the_same_and_may_die(sweep: Sweep, cluster: Cluster) -> None:
    workers = [cluster.add_worker(), cluster.add_worker()]
    here = sweep.run(*GRID, "-j", "2")
    assert here.returncode == 0
    alone = sweep.table()
    sweep.output, sweep.log = sweep.root / "elsewhere", sweep.log.with_name("log 2")
    sweep.write()
    cluster.wait_for_workers(2)
    process = sweep.start(
        "-g", "learning_rate=0.01,0.1", "-g", "seed=0,1", "-g", "wait=2", "--scheduler", cluster.address
    )
    sweep.wait_until(lambda: len(sweep.lines()) >= 2)
    cluster.kill(workers[0])
    code, out, err = end(process)
    assert code == 0, err
    assert shown(err) == ""
    assert "4 finished, 0 failed" in out
    assert len(sweep.lines("end")) >= 4
    columns = ["learning_rate", "seed", "status", "validation_loss", "same"]
    pd.testing.assert_frame_equal(sweep.table()[columns], alone[columns])
    assert len(sweep.lines()) > 4  # what the dead worker had begun was done again
    sweep.wait_for_kernels_to_end()


@pytest.mark.slow
def test_a_scheduler_that_dies_or_an_interruption_ends_the_sweep_and_its_kernels(
    sweep: Sweep, cluster: Cluster
) -> None:
    cluster.add_worker()
    cluster.wait_for_workers(1)
    process = sweep.start("-g", "wait=0,600", "--scheduler", cluster.address)
    sweep.wait_until(lambda: len(sweep.lines()) == 2)
    process.send_signal(signal.SIGINT)
    code, _, err = end(process, 30)
    assert code == 130
    assert "Traceback" not in err
    sweep.wait_for_kernels_to_end()

    sweep.log.unlink()
    process = sweep.start("-g", "wait=0,600", "--scheduler", cluster.address)
    sweep.wait_until(sweep.lines)
    cluster.kill(cluster.scheduler)
    code, _, err = end(process)
    assert code == 1
    assert "Traceback" not in err
    assert "1 of 2 points are there already" in err
    assert cluster.address in err


@pytest.mark.slow
def test_workers_that_cannot_do_it_are_named(sweep: Sweep, cluster: Cluster, tmp_path: Path) -> None:
    from distributed import Client

    with Client(cluster.address, timeout=30, set_as_default=False):  # it is there, and has no workers
        pass
    lonely = sweep.run(*GRID, "--scheduler", cluster.address)
    assert lonely.returncode == 1
    assert shown(lonely.stderr).startswith(f"error: the scheduler at {cluster.address} has no workers")

    other = tmp_path / "other"
    shutil.copytree(ROOT / "tutorial_utils", other / "tutorial_utils")
    with (other / "tutorial_utils" / "training" / "trainer.py").open("a") as file:
        file.write("# another version\n")
    cluster.add_worker(path=other)
    cluster.add_worker()
    cluster.wait_for_workers(2)
    refused = sweep.run(*GRID, "--scheduler", cluster.address)
    assert refused.returncode == 1
    said = shown(refused.stderr)
    assert said.count("  - tcp://127.0.0.1") == 1
    assert "install what is here, tutorial_utils" in said
    assert "Traceback" not in said
    assert not sweep.lines()


@pytest.mark.slow
@pytest.mark.parametrize("listens", [False, True])
def test_a_scheduler_that_does_not_answer_is_named(
    sweep: Sweep, chapter: Chapter, listens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "ANSWER_WITHIN", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listens:
            silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(SweepError, match=rf"no dask scheduler answers at {address}"):
            sweeps.run(chapter, [{"seed": 0}], sweep.output, scheduler=address)
        assert time.monotonic() - started < 15


def test_an_address_that_is_none_is_named(sweep: Sweep, chapter: Chapter) -> None:
    with pytest.raises(SweepError, match="no dask scheduler answers at nonsense://x"):
        sweeps.run(chapter, [{"seed": 0}], sweep.output, scheduler="nonsense://x")


def test_a_worker_that_came_later_with_another_package_runs_nothing() -> None:
    executed = sweeps.execute_point("sweep", "tutorial_utils 0", "no notebook", "part/chapter", {}, 60)
    assert "this sweep needs tutorial_utils 0" in executed.error
    assert not executed.results and not executed.notebook


def test_the_package_is_described_by_versions_and_source() -> None:
    import torch

    import tutorial_utils

    described = sweeps.describe_package()
    assert f"tutorial_utils {tutorial_utils.__version__} (" in described
    assert described.endswith(f"torch {torch.__version__}")


def test_a_full_disk_is_said(sweep: Sweep, chapter: Chapter, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SweepError, match=r"cannot write .*No space left"):
        sweeps._keep(sweeps.Executed("{}", "{}"), sweep.output / "points" / "x.ipynb")
    assert not list(sweep.output.rglob("*.part"))
