"""Progress on screen: on stderr for commands, on stdout in Jupyter, which paints stderr red."""

import io
import sys

import pytest
from ipykernel.iostream import OutStream

from tutorial_utils import progress


class KernelStream(io.StringIO):
    """Stands in for what a kernel puts in place of stdout; the real one is tried in test_jupyterlab."""

    __module__ = OutStream.__module__


def show() -> None:
    progress.note("about to start\x07")
    for _ in progress.bar(range(3), description="counting", unit="step"):
        pass


def test_commands_keep_stdout_clean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TUTORIAL_QUIET", raising=False)
    show()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "about to start" in shown.err and "counting" in shown.err
    last = shown.err.split("\r")[-2:]
    assert not "".join(last).strip(), "the bar wipes itself"


def test_jupyter_gets_everything_on_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUTORIAL_QUIET", raising=False)
    kernel, errors = KernelStream(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", kernel)
    monkeypatch.setattr(sys, "stderr", errors)
    show()
    assert errors.getvalue() == ""
    text = kernel.getvalue()
    assert "about to start" in text and "counting" in text


def test_quiet_hides_bars_and_keeps_remarks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUTORIAL_QUIET", "1")
    show()
    shown = capsys.readouterr()
    assert shown.err == "about to start\\x07\n"


# What strangers' text may do to a terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, \N{LATIN SMALL LETTER E WITH ACUTE} and ±\n\tindented", None),
        ("clear\x1b[2Jthe screen", r"clear\x1b[2Jthe screen"),
        ("back\r over", r"back\r over"),
        ("turn \u202eround", r"turn \u202eround"),
        ("ring\x07", r"ring\x07"),
        ("\x9b31m", r"\x9b31m"),
    ],
)
def test_no_text_commands_a_terminal(text: str, shown: str | None) -> None:
    assert progress.printable(text) == (text if shown is None else shown)
