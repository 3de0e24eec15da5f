"""Chapters share no more than a few lines of code: what is needed twice belongs in the package."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).parents[1]
MOST = 6


def code_of(source: Path) -> list[str]:
    """Lines of code, whitespace folded; set-up, parameters and their check are alike by rule: left out."""
    cells = [cell for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    if cells and "remove-cell" in cells[0].metadata.get("tags", ()):
        cells = cells[1:]
    if cells and "parameters" in cells[0].metadata.get("tags", ()):
        required = 2 if len(cells) > 1 and "config = TrainingConfig(" in cells[1].source else 1
        cells = cells[required:]
    return [line for cell in cells for line in without_imports(cell.source)]


def without_imports(cell: str) -> list[str]:
    lines, importing = [], False
    for line in (" ".join(line.split()) for line in cell.splitlines()):
        if importing or line.startswith(("import ", "from ")):
            importing = ")" not in line and (importing or "(" in line)
        elif line and not line.startswith("#"):
            lines.append(line)
    return lines


def shared_runs(one: Sequence[str], other: Sequence[str]) -> list[list[str]]:
    """Runs of more than the allowed number of lines that both have, each as long as it goes."""
    size = MOST + 1
    known = {tuple(one[start : start + size]) for start in range(len(one) - MOST)}
    runs: list[list[str]] = []
    last = -2
    for start in range(len(other) - MOST):
        window = tuple(other[start : start + size])
        if window in known:
            if start == last + 1:
                runs[-1].append(window[-1])
            else:
                runs.append(list(window))
            last = start
    return runs


def find_copies(folder: Path) -> list[str]:
    """What pairs of chapters share, for a message."""
    sources = {str(path.relative_to(folder).with_suffix("")): path for path in sorted(folder.rglob("*.py"))}
    code = {name: code_of(path) for name, path in sources.items()}
    return [
        f"{one} and {other} share {len(run)} lines:\n    " + "\n    ".join(run)
        for one, other in itertools.combinations(code, 2)
        for run in shared_runs(code[one], code[other])
    ]


def test_no_two_chapters_share_more_than_six_lines_of_code() -> None:
    copies = find_copies(ROOT / "notebooks")
    assert not copies, "\n".join(["move these into the package:", *copies])


# The detector itself

COPIED = [f"total = total + {number}" for number in range(MOST + 1)]


def write_chapter(folder: Path, name: str, *cells: str) -> None:
    path = folder / "part" / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"# %%{cell}\n\n" for cell in cells))


def test_a_planted_copy_is_found_behind_other_whitespace_comments_and_cells(tmp_path: Path) -> None:
    first, second = COPIED[:3], COPIED[3:]
    write_chapter(tmp_path, "01_one", "\nbefore = 1", "\n" + "\n".join(COPIED), "\nafter = 1")
    indented = "\n".join(f"    {line.replace(' + ', '  +  ')}\n    # said otherwise\n" for line in first)
    write_chapter(
        tmp_path,
        "02_two",
        f"\nwith other_name:\n{indented}",
        " [markdown]\n# Prose between.",
        "\nimport math\nfrom module import (\n    datasets,\n)\n\n" + "\n".join(second),
        "\nafter = 2",
    )
    (copy,) = find_copies(tmp_path)
    assert copy.startswith(f"part/01_one and part/02_two share {MOST + 1} lines:")
    assert [line.strip() for line in copy.splitlines()[1:]] == COPIED


def test_a_run_is_reported_once_and_whole_and_six_lines_are_allowed(tmp_path: Path) -> None:
    lines = [str(number) for number in range(20)]
    assert shared_runs(["x", *lines], [*lines[:12], "y", *lines[12:]]) == [lines[:12], lines[12:]]
    for name in ("01_one", "02_two"):
        write_chapter(tmp_path, name, "\n".join(["", *COPIED[:MOST], f"chapter = {name!r}", *COPIED[:MOST]]))
    assert find_copies(tmp_path) == []


MANY = "\n".join(f"    setting_{number}: int = {number}," for number in range(9))


@pytest.mark.parametrize(
    "same",
    [
        f' tags=["parameters"]\nseed: int = 0\n\n# %%\nconfig = TrainingConfig(\n{MANY}\n)',
        f' tags=["remove-cell"]\ninstall(\n{MANY}\n)\n\n# %% tags=["parameters"]\nlist(\n{MANY}\n)',
        "\n" + "\n".join(f"import module_{number}" for number in range(9)),
        f"\nfrom module import (\n{MANY}\n)",
        " [markdown]\n" + "\n".join(f"# Sentence {number}." for number in range(9)),
        "\n" + "\n".join(f"# Comment {number}." for number in range(9)),
    ],
    ids=["configuration", "set-up and parameters", "imports", "one import", "prose", "comments"],
)
def test_what_every_chapter_needs_is_not_a_copy(tmp_path: Path, same: str) -> None:
    for name in ("01_one", "02_two"):
        write_chapter(tmp_path, name, same, f"\nchapter = {name!r}")
    assert find_copies(tmp_path) == []
