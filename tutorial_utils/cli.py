"""The ``tutorial`` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import tutorial_utils
from tutorial_utils.exceptions import TutorialError

# What a command needs is imported inside it: `tutorial --help` should not wait for torch.

app = typer.Typer(
    help="Helpers of the book 'Logistic Regression, Measured'.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command; an error that was foreseen is shown as its message alone, with exit code 1."""
    try:
        app()
    except TutorialError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"tutorial {tutorial_utils.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def data(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Data sets; all when none is named.")
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(help="Folder of all data sets; $TUTORIAL_DATA, else ~/.cache/tutorial_utils."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Verify only, fetch nothing.")] = False,
) -> None:
    """Fetch and verify the data sets."""
    from tutorial_utils import catalogue, datasets

    descriptions = [catalogue.describe(name) for name in names or catalogue.DATASETS]
    for description in descriptions:
        arrival = datasets.fetch(description.name, root, offline=offline)
        print(f"{description.title}: {arrival.folder} - {arrival}")


@app.command()
def chapter(
    name: Annotated[str, typer.Argument(help="Part and name, such as mnist/03_training.")],
    into: Annotated[Path, typer.Option(help="Folder for the executed chapter and its results.")],
) -> None:
    """Execute one chapter for the book, as `make book` does."""
    from tutorial_utils import reruns

    print(f"{name}: executing", flush=True)
    measured = reruns.execute_chapter(name, into)
    print(f"{name}: done in {measured.timings['chapter_seconds']:.0f} s", flush=True)


@app.command()
def status(
    build: Annotated[Path, typer.Argument(help="Folder that `make book` writes to.")] = Path("_build"),
) -> None:
    """Say where the book is, how long each chapter took and what the headline results are."""
    from tutorial_utils import reruns

    print(reruns.describe_build(build))
