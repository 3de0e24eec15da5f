"""The ``tutorial`` command."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

import tutorial_utils
from tutorial_utils.exceptions import ConfigurationError, TutorialError

# What a command needs is imported inside it: `tutorial --help` should not wait for torch.

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Notebook or folder to write; by default below _build.")
]
TimeLimit = Annotated[
    float, typer.Option(min=1, help="Seconds for the whole notebook, in a sweep each time.")
]

app = typer.Typer(
    help="Helpers of the book 'Logistic Regression, Measured'.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command; an error that was foreseen is shown as its message alone, with exit code 1."""
    for stream in (sys.stdout, sys.stderr):  # a path that the terminal cannot write ends no finished run
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except TutorialError as error:
        from tutorial_utils import progress

        print(f"error: {progress.printable(str(error))}", file=sys.stderr)
        raise SystemExit(1) from None


def _refuse_loose_words(notebook: str, more: list[str], given: list[str] | None, option: str) -> None:
    """Say how a value is written when it stands apart from its name, as other tools have it."""
    if more:
        names = [text for text in given or [] if "=" not in text]
        values = [word for word in (notebook, *more) if "/" not in word][-len(names) :]
        hint = " ".join(f"{option} {name}={value}" for name, value in zip(names, values, strict=False))
        raise ConfigurationError(f"unexpected: {' '.join(more)}; write {hint or f'{option} NAME=VALUE'}")


@contextlib.contextmanager
def _interruptible(said: str) -> Iterator[None]:
    """End with a remark after Ctrl-C, not with a traceback."""
    try:
        yield
    except KeyboardInterrupt:
        logging.disable()  # what was interrupted complains while it is taken down
        print(said, file=sys.stderr)
        raise SystemExit(130) from None  # as shells expect after Ctrl-C


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
    from tutorial_utils.data import catalogue, datasets

    descriptions = [catalogue.describe(name) for name in names or catalogue.DATASETS]
    for description in descriptions:
        arrival = datasets.fetch(description.name, root, offline=offline)
        print(f"{description.title}: {arrival.folder} - {arrival}")


@app.command(context_settings={"allow_extra_args": True})
def run(
    context: typer.Context,
    notebook: Annotated[str, typer.Argument(help="Such as notebooks/mnist/03_training.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A new value; may be repeated."),
    ] = None,
    output: Output = None,
    html: Annotated[bool, typer.Option("--html", help="Also write an HTML page.")] = False,
    time_limit: TimeLimit = 1800.0,
    help_parameters: Annotated[
        bool, typer.Option("--help-parameters", help="List what can be changed, and end.")
    ] = False,
) -> None:
    """Run a chapter again with other parameters."""
    from tutorial_utils.runs import chapters, parameters, reruns

    _refuse_loose_words(notebook, context.args, parameter, "-p")
    chapter = chapters.find(notebook)
    if help_parameters:
        print(parameters.describe(chapter.parameters))
        return
    values = parameters.check_texts(chapter.parameters, parameter or [])
    with _interruptible(f"{chapter.name}: interrupted"):
        done = reruns.run(notebook, values, output=output, html=html, time_limit=time_limit)
    print(f"{chapter.name}: done in {done.results.timings['chapter_seconds']:.0f} s")
    for path in filter(None, (done.notebook, done.results_file, done.page)):
        print(f"  {path}")


@app.command(context_settings={"allow_extra_args": True})
def sweep(
    context: typer.Context,
    notebook: Annotated[str, typer.Argument(help="Such as notebooks/mnist/02_model.")],
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid", "-g", metavar="NAME=V1,V2,...", help="Values of one parameter; may be repeated."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A YAML file with grid: or points:.")
    ] = None,
    output: Output = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", help="Points at a time on this machine; by default one for each core."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="A running dask scheduler, such as tcp://192.0.2.1:8786.")
    ] = None,
    time_limit: TimeLimit = 1800.0,
) -> None:
    """Run a chapter with every combination of several values; run again, it does what is missing."""
    from tutorial_utils.runs import chapters, sweep_points

    _refuse_loose_words(notebook, context.args, grid, "-g")
    chapter = chapters.find(notebook)
    if (grid is None) == (file is None):
        raise ConfigurationError("give a grid (-g NAME=V1,V2, may be repeated) or a file (-f), and not both")
    points = (
        sweep_points.read_file(file, chapter.parameters)
        if file
        else sweep_points.read_grid(grid or [], chapter.parameters)
    )
    from tutorial_utils.runs import sweep_report, sweeps

    folder = output or sweeps.default_folder(chapter, points)
    print(f"{chapter.name}: {len(points)} points into {folder}", flush=True)
    kept = f"finished points stay in {folder}, and the same command goes on from there"
    with _interruptible(f"{chapter.name}: interrupted; {kept}"):
        outcomes = sweeps.run(chapter, points, folder, jobs=jobs, scheduler=scheduler, time_limit=time_limit)
    failed = sum(bool(outcome.error) for outcome in outcomes)
    print(f"{chapter.name}: {len(outcomes) - failed} finished, {failed} failed")
    print(f"  {sweep_report.write(sweep_report.tabulate(outcomes), f'Sweep of {chapter.name}', folder)}")
    if failed:
        print(f"{chapter.name}: the same command tries again what failed", file=sys.stderr)
        raise SystemExit(1)


@app.command()
def chapter(
    name: Annotated[str, typer.Argument(help="Part and name, such as mnist/03_training.")],
    into: Annotated[Path, typer.Option(help="Folder for the executed chapter and its results.")],
    preview: Annotated[bool, typer.Option("--preview", help="With few epochs and seeds.")] = False,
    keep_outputs: Annotated[
        bool, typer.Option("--keep-outputs", help="Execute it only if its code changed, not for its text.")
    ] = False,
    time_limit: TimeLimit = 1800.0,
) -> None:
    """Execute one chapter for the book, as `make book` does."""
    from tutorial_utils.runs import reruns

    measured = reruns.execute_chapter(
        name, into, preview=preview, keep_outputs=keep_outputs, time_limit=time_limit
    )
    print(f"{name}: done in {measured.timings['chapter_seconds']:.0f} s", flush=True)


@app.command()
def status(
    build: Annotated[Path, typer.Argument(help="Folder that `make book` writes to.")] = Path("_build"),
) -> None:
    """Say where the book is, how long each chapter took and what the headline results are."""
    from tutorial_utils.runs.status import describe_build

    print(describe_build(build))
