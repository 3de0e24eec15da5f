"""How long `import tutorial_utils` takes beside `import torch`; run it with --help for its options.

Each import has a fresh process of its own; the processes take turns, so that a busy machine slows both alike.
What counts is the ratio of the medians. The package itself imports nothing; the modules that a chapter of
training needs are shown beside it.
"""

import argparse
import json
import statistics
import subprocess
import sys

STATEMENTS = {
    "torch": "import torch",
    "tutorial_utils": "import tutorial_utils",
    "what training needs": "import tutorial_utils.datasets, tutorial_utils.training",
    "what evaluation needs": "import tutorial_utils.evaluation",
}
PROGRAM = """import time
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)"""


def import_seconds(statement: str) -> float:
    """Run one import in a fresh process and return its seconds, without those of starting Python."""
    command = [sys.executable, "-c", PROGRAM.format(statement=statement)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Measure, and print medians and ratios as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    for statement in STATEMENTS.values():
        import_seconds(statement)  # the first one reads from the disk
    seconds: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(rounds):
        for name, statement in STATEMENTS.items():
            seconds[name].append(import_seconds(statement))
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    ratios = {f"{name} / torch": median / medians["torch"] for name, median in medians.items()}
    print(json.dumps({"rounds": rounds, "median_seconds": medians, "ratios": ratios}, indent=1))


if __name__ == "__main__":
    main()
