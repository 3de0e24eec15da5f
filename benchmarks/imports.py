"""How long this package takes to import beside `import torch`, each import in a fresh process.

What a chapter imports is read from its source, so that it is measured as readers meet it.
"""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

from rounds import compare, interleave, say, summarise

CHAPTER = Path(__file__).parents[1] / "notebooks" / "mnist" / "03_training.py"


def imports_of(chapter: Path) -> str:
    """Every import statement of a chapter, in order."""
    nodes = ast.walk(ast.parse(chapter.read_text(encoding="utf-8")))
    return "\n".join(ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))


STATEMENTS = {
    "torch": "import torch",
    "trainer": "import tutorial_utils.training.trainer",
    "chapter": imports_of(CHAPTER),
}
PROGRAM = """import time
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)"""


def import_seconds(statement: str) -> float:
    """Run one import in a fresh process and return its seconds, without those of starting Python."""
    command = [sys.executable, "-c", PROGRAM.format(statement=statement)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """Every statement.

    Args:
        rounds: Of each.
        quick: Makes no difference.

    Returns:
        Seconds by statement, and their ratios to importing torch.
    """
    say("imports, each in a fresh process")
    for statement in STATEMENTS.values():
        import_seconds(statement)  # the first one reads from the disk
    actions = {name: functools.partial(import_seconds, statement) for name, statement in STATEMENTS.items()}
    # What counts is what each process says, not how long it took to start.
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds):
        for name, inner in interleave(actions, 1, first=number)[1].items():
            seconds[name].append(inner)
    return {
        "seconds": {name: summarise(times) for name, times in seconds.items()},
        "ratios": compare(seconds, "torch"),
    }
