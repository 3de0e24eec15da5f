"""The workflow that publishes the book: valid, able to run what it names, allowed no more than it needs."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from rules import rule_for

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "publish.yml"
CONTENT: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text())
TRIGGERS: dict[str, Any] = CONTENT[True]  # YAML 1.1 reads "on" as true
BUILD, PUBLISH = CONTENT["jobs"]["build"], CONTENT["jobs"]["publish"]
ELSEWHERE = CONTENT["jobs"]["elsewhere"]
STEPS: list[dict[str, Any]] = [*BUILD["steps"], *PUBLISH["steps"]]
EVERY_STEP: list[dict[str, Any]] = [*STEPS, *ELSEWHERE["steps"]]


def step_that_uses(action: str) -> dict[str, Any]:
    (step,) = [step for step in STEPS if step.get("uses", "").startswith(f"{action}@")]
    return step


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_workflow_is_valid_by_githubs_own_schema_which_finds_what_is_not(tmp_path: Path) -> None:
    """As the package check-jsonschema brings the schema: no network."""
    text = WORKFLOW.read_text()
    spoilt = {"key.yml": ("runs-on:", "run-on:"), "value.yml": ("contents: read", "contents: some")}
    for name, (right, wrong) in spoilt.items():
        assert right in text
        (tmp_path / name).write_text(text.replace(right, wrong, 1))
    command = [str(Path(sys.executable).parent / "check-jsonschema"), "--no-cache", "--output-format=json"]
    command += ["--builtin-schema=vendor.github-workflows", str(WORKFLOW), *map(str, tmp_path.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    found = json.loads(done.stdout)
    assert {Path(error["filename"]).name for error in found["errors"]} == spoilt.keys(), done.stdout


@rule_for({step["run"]: step["run"] for step in EVERY_STEP if "run" in step})
def test_every_command_exists_in_the_repository(command: str) -> Iterator[str]:
    program, *arguments = command.split()
    tracked = subprocess.run(["git", "ls-files", program], cwd=ROOT, capture_output=True, text=True)
    if program == "make":
        yield from [] if arguments and set(arguments) <= targets() else ["no such target"]
    elif tracked.stdout.strip() != program or not os.access(ROOT / program, os.X_OK):
        yield "not a tracked program"


def test_the_book_is_built_and_tested_before_it_is_printed() -> None:
    assert [step["run"] for step in BUILD["steps"] if "run" in step] == [
        ".ci/run",
        "make pdf",
        "make audit",
    ]
    commands = (ROOT / ".ci" / "run").read_text().splitlines()
    assert commands.index("make book") < commands.index("make test")


def test_nothing_but_the_audit_may_fail_and_be_passed_over() -> None:
    assert [step["run"] for step in EVERY_STEP if step.get("continue-on-error")] == ["make audit"]


def test_only_main_is_published_and_only_after_the_tests() -> None:
    assert TRIGGERS["push"] == {"branches": ["main"]}
    assert {"pull_request", "workflow_dispatch"} <= TRIGGERS.keys()
    assert "pull_request_target" not in TRIGGERS, "strangers' code would run with the repository's rights"
    assert PUBLISH["needs"] == ["build", "elsewhere"]
    assert PUBLISH["if"] == "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'"
    assert step_that_uses("actions/upload-pages-artifact")["with"] == {"path": "_build/html"}


def test_each_job_may_do_no_more_than_it_needs() -> None:
    assert CONTENT["permissions"] == {"contents": "read"}
    assert "permissions" not in BUILD and "permissions" not in ELSEWHERE
    assert PUBLISH["permissions"] == {"pages": "write", "id-token": "write"}
    checkouts = [step["with"] for step in EVERY_STEP if step.get("uses", "").startswith("actions/checkout@")]
    assert [each["persist-credentials"] for each in checkouts] == [False, False]
    assert "secrets." not in WORKFLOW.read_text()


def test_actions_are_githubs_own_in_a_major_version() -> None:
    used = [step["uses"] for step in EVERY_STEP if "uses" in step]
    assert used and not [action for action in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", action)]


def test_the_data_are_cached_where_the_book_keeps_them_until_the_catalogue_changes() -> None:
    settings = step_that_uses("actions/cache")["with"]
    assert f'or "{settings["path"]}"' in (ROOT / "tutorial_utils" / "data" / "datasets.py").read_text()
    assert "hashFiles('tutorial_utils/data/catalogue.py')" in settings["key"]
    assert (ROOT / "tutorial_utils" / "data" / "catalogue.py").is_file()


def test_python_is_the_oldest_that_the_package_supports() -> None:
    asked = step_that_uses("actions/setup-python")["with"]["python-version"]
    assert f'requires-python = ">={asked}"' in (ROOT / "pyproject.toml").read_text()


def test_a_newer_python_is_tested_and_the_book_is_built_on_a_mac() -> None:
    places = {
        (place["system"].partition("-")[0], place["python"])
        for place in ELSEWHERE["strategy"]["matrix"]["include"]
    }
    assert places == {("ubuntu", "3.13"), ("macos", "3.13")}
    commands = [(step["run"], step.get("if", "")) for step in ELSEWHERE["steps"] if "run" in step]
    assert commands == [("make book", ""), (".ci/run", "runner.os == 'Linux'")]
