"""What each rule of `tutorial_utils/report/rules.toml` said when it was last accepted, and its date.

A rule that changed needs a new date. `make rules` runs this file to accept new and changed rules: it writes
`rules_seen.json`, and refuses while a rule says something else under its old date.
"""

import json
import sys
from pathlib import Path

from tutorial_utils.report import rules

FILE = Path(__file__).with_name("rules_seen.json")

Seen = dict[str, dict[str, str]]
"""Hash and date, by number and letter of the part."""


def look(rulebook: rules.Rulebook) -> Seen:
    """What the rules say now."""
    dates = {name: part.date.isoformat() for name, part in rulebook.parts.items()}
    return {name: {"says": says, "date": dates[name]} for name, says in rulebook.fingerprints().items()}


def find_undated(seen: Seen, now: Seen) -> list[str]:
    """One line for each rule that says something else than before and has no later date."""
    return [
        f"the rule of {name} changed, but its date is still {rule['date']}"
        for name, rule in now.items()
        if name in seen and rule["says"] != seen[name]["says"] and rule["date"] <= seen[name]["date"]
    ]


def read() -> Seen:
    """What was accepted last."""
    seen: Seen = json.loads(FILE.read_text())
    return seen


if __name__ == "__main__":
    found = look(rules.read())
    if undated := find_undated(read() if FILE.exists() else {}, found):
        sys.exit("\n".join([*undated, "Give each its new date in rules.toml, and say there why it changed."]))
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(rule)}" for name, rule in found.items())
    FILE.write_text(f"{{\n{lines}\n}}\n")
    print(f"{len(found)} rules are on record in {FILE.name}")
