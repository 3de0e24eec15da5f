"""Firefox and WebKit, driven through WebDriver: what Playwright cannot drive as Debian ships it.

Firefox speaks WebDriver BiDi itself, over a WebSocket. WebKit has a driver of the older kind, over HTTP, and
wants a screen, for which Xvfb stands in. Both take the same actions of a pointer.
"""

import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from websocket import create_connection

PATIENCE = 300
"""Seconds for one answer: long, since machines may be busy, and only ever waited out when all is lost."""


class Driven(Protocol):
    """A browser with one page."""

    def open(self, address: str) -> None:
        """Go to an address, and wait until it has loaded."""

    def evaluate(self, expression: str) -> Any:
        """Evaluate an expression on the page; its value must be what JSON can say."""

    def act(self, actions: list[dict[str, Any]]) -> None:
        """Move and press a pointer as WebDriver's actions say, in the window's pixels."""


class Firefox:
    """Over WebDriver BiDi."""

    def __init__(self, address: str) -> None:
        self.socket = create_connection(f"{address}/session", suppress_origin=True, timeout=PATIENCE)
        self.numbers = itertools.count(1)
        self._ask("session.new", capabilities={})
        self.context = self._ask("browsingContext.getTree")["contexts"][0]["context"]

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self.socket.recv())).get("id") != number:
            pass  # an event that nobody asked for
        assert answer["type"] == "success", answer
        return dict(answer["result"])

    def open(self, address: str) -> None:
        self._ask("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def evaluate(self, expression: str) -> Any:
        answer = self._ask(
            "script.evaluate",
            expression=f"JSON.stringify({expression})",
            target={"context": self.context},
            awaitPromise=False,
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"].get("value", "null"))

    def act(self, actions: list[dict[str, Any]]) -> None:
        self._ask("input.performActions", context=self.context, actions=[pointer(actions)])


class WebKit:
    """Over WebDriver's older protocol."""

    def __init__(self, port: int, browser: str) -> None:
        self.root = f"http://127.0.0.1:{port}"
        options = {"webkitgtk:browserOptions": {"binary": browser, "args": ["--automation"]}}
        session = self._ask("/session", {"capabilities": {"alwaysMatch": options}})
        self.root += f"/session/{session['sessionId']}"

    def _ask(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(  # always this machine
            self.root + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)["value"]

    def open(self, address: str) -> None:
        self._ask("/url", {"url": address})

    def evaluate(self, expression: str) -> Any:
        return self._ask("/execute/sync", {"script": f"return {expression};", "args": []})

    def act(self, actions: list[dict[str, Any]]) -> None:
        self._ask("/actions", {"actions": [pointer(actions)]})


def pointer(actions: list[dict[str, Any]]) -> dict[str, Any]:
    """One mouse's actions."""
    return {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}


@contextmanager
def running(*command: str, **settings: Any) -> Iterator[subprocess.Popen[str]]:
    """A program that ends with the block."""
    with subprocess.Popen(command, text=True, **settings) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def firefox() -> Iterator[Driven]:
    """Firefox without a screen, with a profile of its own."""
    with tempfile.TemporaryDirectory() as profile, ExitStack() as stack:
        arguments = ("--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0")
        command = (find("firefox-esr", "firefox"), *arguments, "about:blank")
        process = stack.enter_context(running(*command, stderr=subprocess.PIPE))
        assert process.stderr
        said = (re.search(r"BiDi listening on (ws://\S+)", line) for line in process.stderr)
        yield Firefox(next(filter(None, said))[1])


@contextmanager
def webkit() -> Iterator[Driven]:
    """WebKit's small browser on a screen that nobody sees."""
    with ExitStack() as stack:
        screen = stack.enter_context(
            running(find("Xvfb"), "-displayfd", "1", "-screen", "0", "1280x900x24", stdout=subprocess.PIPE)
        )
        assert screen.stdout
        display = f":{screen.stdout.readline().strip()}"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {**os.environ, "DISPLAY": display, "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}
        stack.enter_context(running(find("WebKitWebDriver"), "-p", str(port), env=environment))
        browser = str(next(Path("/usr/lib").glob("*/webkit2gtk-4*/MiniBrowser")))
        yield connect(port, browser)


def connect(port: int, browser: str) -> WebKit:
    """Ask the driver again until it listens."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return WebKit(port, browser)
        except urllib.error.URLError:
            assert time.monotonic() < end
            time.sleep(0.2)


def find(*names: str) -> str:
    """The first of some programs that is here."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"no {' or '.join(names)} here: apt-get install firefox-esr webkit2gtk-driver xvfb")
    return found
