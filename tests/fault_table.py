"""The list of faults in `faults.md`, and which tests show what happens then: a table at the end of a run.

A test names its rows with `@pytest.mark.fault(12)`, several numbers if it shows several.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("faults.md")
PROPERTY = "fault"
WIDTH = 46
"""Columns for a fault's name; longer ones are cut."""

Outcomes = dict[int, dict[str, str]]
"""By row: each test's outcome, "passed", "failed" or "skipped: why"."""


def read_rows(text: str) -> dict[int, str]:
    """The rows of the list by number, in their order."""
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", text, re.MULTILINE)
    return {int(number): name for number, name in rows}


def judge(outcomes: Iterable[str]) -> str:
    """One word for all tests of a row, the worst of theirs; "none" without a test."""
    found = list(outcomes)
    if "failed" in found:
        return "failed"
    skipped = [outcome for outcome in found if outcome != "passed"]
    return skipped[0] if skipped else "passed" if found else "none"


def write_table(rows: dict[int, str], outcomes: Outcomes) -> list[str]:
    """The table, a line for each row and one that counts."""
    lines = [f"{'row':>3}  {'fault':<{WIDTH}}  tests  outcome"]
    for number, name in rows.items():
        tests = outcomes.get(number, {})
        shown = name if len(name) <= WIDTH else f"{name[: WIDTH - 3].rstrip()}..."
        lines.append(f"{number:>3}  {shown:<{WIDTH}}  {len(tests):>5}  {judge(tests.values())}")
    passed = sum(judge(outcomes.get(number, {}).values()) == "passed" for number in rows)
    return [*lines, f"{passed} of {len(rows)} rows tested and passing"]


class FaultTable:
    """Collects outcomes, in one process or from the workers of xdist, and prints the table if asked."""

    def __init__(self, *, show: bool) -> None:
        self.show = show
        self.outcomes: Outcomes = defaultdict(dict)
        self.rows = read_rows(LIST.read_text(encoding="utf-8"))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Write a test's rows where its report carries them from a worker to the table."""
        for item in items:
            for mark in item.iter_markers("fault"):
                item.user_properties.extend((PROPERTY, number) for number in mark.args)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> object:
        """Where CI runs, everything is there that a row needs: a skip is a failure, but for nightly tests."""
        report: pytest.TestReport = yield
        may_skip = os.environ.get("CI") != "true" or item.get_closest_marker("nightly")
        if report.skipped and not may_skip and item.get_closest_marker("fault"):
            report.outcome = "failed"
            report.longrepr = f"skipped, which is not allowed where CI=true: {reason(report)}"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note an outcome; set-up and clean-up count when they go wrong, nightly tests when they run."""
        if (report.when != "call" and report.passed) or (report.skipped and "nightly" in report.keywords):
            return
        outcome = f"skipped: {reason(report)}" if report.skipped else report.outcome
        for name, number in report.user_properties:
            if name == PROPERTY:
                assert isinstance(number, int)
                before = self.outcomes[number].get(report.nodeid)
                self.outcomes[number][report.nodeid] = "failed" if before == "failed" else outcome

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        if not self.show:
            return
        terminalreporter.section("faults")
        for line in write_table(self.rows, self.outcomes):
            terminalreporter.write_line(line)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A row without a test fails the run, as a failed test does."""
        is_worker = hasattr(session.config, "workerinput")
        if not self.show or is_worker or session.exitstatus != pytest.ExitCode.OK:
            return
        if not self.rows.keys() <= self.outcomes.keys():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def reason(report: pytest.TestReport) -> str:
    """Why a test was skipped."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(report.longrepr)
