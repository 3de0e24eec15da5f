"""Makes the page of the package from its docstrings, with the chapter that introduces each public name.

The page is read again when a module, a chapter or the order of either changes. Everything is built from
docutils nodes: a docstring can never become markup.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path, PurePath
from types import ModuleType
from typing import Annotated, Any, ForwardRef, get_origin

from docutils import nodes  # type: ignore[import-untyped]
from measured.sources import CHAPTERS
from measured.tables import link_to
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

LONGEST_DEFAULT = 40
"""A default value that takes more characters is not printed in a signature."""

NOT_USED = "Not used by name in a chapter."

LITERAL = re.compile(r"``(.+?)``|:\w+:`~?([^`]+)`")
"""What docstrings set as code: literals, and references to other names."""


def modules_of(root: Path, package: str) -> dict[str, Path]:
    """List a package's modules in the order of their imports.

    Args:
        root: The repository; its CONTRIBUTING.md holds the table of the house.
        package: The package's name, which is also its folder's.

    Returns:
        Path of each module, by its name below the package, such as ``"plots.data"``.
    """
    house = (root / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## The house")[1]
    files = re.findall(r"^\| `([^`]+)\.py` \|", house, re.MULTILINE)
    return {file.replace("/", "."): root / package / f"{file}.py" for file in files}


def chapters_of(root: Path) -> dict[str, Path]:
    """List the sources of the book's chapters in the order of the contents.

    Args:
        root: The repository.

    Returns:
        Path of each source that is there, by chapter, such as ``"mnist/03_training"``.
    """
    contents = (root / "book" / "_toc.yml").read_text(encoding="utf-8")
    names = re.findall(rf"^[\s-]*file: *{CHAPTERS}(\S+)", contents, re.MULTILINE)
    sources = {name: root / CHAPTERS / f"{name}.py" for name in names}
    return {name: path for name, path in sources.items() if path.is_file()}


def public_names(module: ModuleType) -> dict[str, Any]:
    """Collect the functions and classes that a module defines, in the order of its source."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(inspect.unwrap(value)))
        and value.__module__ == module.__name__
    }


# Where a name is introduced


def names_used(source: str) -> set[str]:
    """Find the imported names that some code uses.

    Args:
        source: Python code.

    Returns:
        Full names: what it imports by name, and attributes of what it imports.
    """
    nodes_of_tree = list(ast.walk(ast.parse(source)))
    bound: dict[str, str] = {}
    for node in nodes_of_tree:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                bound[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            bound |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    used = set(bound.values())
    for node in nodes_of_tree:
        if isinstance(node, ast.Attribute):
            head, _, rest = ast.unparse(node).partition(".")
            if head in bound:
                used.add(f"{bound[head]}.{rest}")
    return used


def first_uses(chapters: Mapping[str, str]) -> dict[str, str]:
    """Find the chapter that introduces each name.

    Args:
        chapters: Source of each chapter, in the order of the book.

    Returns:
        The first chapter that uses it, by full name.
    """
    first: dict[str, str] = {}
    for chapter, source in chapters.items():
        for name in names_used(source):
            first.setdefault(name, chapter)
    return first


# Signatures


class _Bare(str):
    """Text that a signature shows as it is, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class _Shorter(ast.NodeTransformer):
    """Leaves out of an annotation where names come from, and all that is said besides the type."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name(node.attr)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if ast.unparse(node.value).endswith("Annotated") and isinstance(node.slice, ast.Tuple):
            shorter: ast.AST = self.visit(node.slice.elts[0])
            return shorter
        return self.generic_visit(node)


def shorten(annotation: Any) -> str:
    """Write an annotation as it would stand in short code: ``torch.optim.SGD`` is ``SGD``."""
    if get_origin(annotation) is Annotated:
        annotation = annotation.__origin__
    elif isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    try:
        return ast.unparse(_Shorter().visit(ast.parse(text, mode="eval")))
    except SyntaxError:  # the printed form of some objects is not code
        return text


def write_default(value: Any) -> str:
    """Write a default value, the same in every run; three dots stand for a long one."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, PurePath):
        return f"Path({str(value)!r})"
    text = str(value.__name__) if inspect.isclass(value) or inspect.isroutine(value) else repr(value)
    return "..." if len(text) > LONGEST_DEFAULT or " at 0x" in text or text == "<lambda>" else text


def write_signature(name: str, value: Any) -> str:
    """Write what is called and how.

    Args:
        name: The name.
        value: A function or class.

    Returns:
        Name, parameters and, for a function, result; the name alone where a call says nothing.
    """
    if inspect.isclass(value) and issubclass(value, Enum):
        return name
    try:
        signature = inspect.signature(value)
    except ValueError:
        return name
    empty = inspect.Parameter.empty
    parameters = [
        parameter.replace(
            annotation=empty if parameter.annotation is empty else _Bare(shorten(parameter.annotation)),
            default=empty if parameter.default is empty else _Bare(write_default(parameter.default)),
        )
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    if inspect.isclass(value) and [parameter.name for parameter in parameters] == ["args", "kwargs"]:
        return name
    result = signature.return_annotation
    bare = empty if inspect.isclass(value) or result is empty else _Bare(shorten(result))
    return f"{name}{signature.replace(parameters=parameters, return_annotation=bare)}"


# Docstrings


def split_docstring(value: Any) -> tuple[str, str]:
    """Split a docstring into its summary, on one line, and the rest, as it stands."""
    summary, _, rest = inspect.cleandoc(value.__doc__ or "").partition("\n\n")
    return " ".join(summary.split()), rest


def describe_methods(value: type) -> Iterator[str]:
    """Write the signature and the summary of each public method and property that a class defines."""
    for name, member in vars(value).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property | functools.cached_property):
            yield f"    {name}\n        {split_docstring(member)[0]}"
        elif isinstance(member, classmethod | staticmethod) or inspect.isfunction(member):
            called = getattr(value, name)
            yield f"    {write_signature(name, called)}\n        {split_docstring(called)[0]}"


def write_details(value: Any) -> str:
    """Write what a docstring says beyond its summary, and the methods of a class."""
    parts = [split_docstring(value)[1]]
    if inspect.isclass(value):
        if issubclass(value, Enum):
            parts.append("Members:\n" + "\n".join(f"    {name}" for name in value.__members__))
        if methods := list(describe_methods(value)):
            parts.append("Methods:\n" + "\n".join(methods))
    return "\n\n".join(part for part in parts if part)


# The page


def anchor(module: str, name: str = "") -> str:
    """Make the place of a name on the page: ``api-statistics-wilson_interval``."""
    return "-".join(filter(None, ("api", *module.split("."), name)))


def make_text(text: str) -> list[nodes.Node]:
    """Make nodes of a docstring's sentence: its code is set as code, all else stays text."""
    made: list[nodes.Node] = []
    end = 0
    for match in LITERAL.finditer(text):
        made += [nodes.Text(text[end : match.start()]), nodes.literal("", match[1] or match[2])]
        end = match.end()
    return [*made, nodes.Text(text[end:])]


def make_box(details: str) -> list[nodes.Node]:
    """Make a box that opens on a click, without a script; the HTML in it is constant."""
    return [
        nodes.raw("", "<details><summary>Details</summary>", format="html"),
        nodes.literal_block("", details, language="text"),
        nodes.raw("", "</details>", format="html"),
    ]


class PackageApi(SphinxDirective):
    """``{package-api}``: every public name of the package, module by module."""

    def run(self) -> list[nodes.Node]:
        """Make one section for each module that has public names."""
        root, package = repository(self.env), self.config.api_package
        modules, chapters = modules_of(root, package), chapters_of(root)
        listed = [root / "CONTRIBUTING.md", root / "book" / "_toc.yml"]
        for path in (*listed, *modules.values(), *chapters.values()):
            self.env.note_dependency(str(path))
        self.env.metadata[self.env.docname]["api_modules"] = " ".join(modules)
        introduced = first_uses({name: path.read_text(encoding="utf-8") for name, path in chapters.items()})
        loaded = {name: importlib.import_module(f"{package}.{name}") for name in modules}
        return [
            self._section(name, module, introduced) for name, module in loaded.items() if public_names(module)
        ]

    def _section(self, name: str, module: ModuleType, introduced: Mapping[str, str]) -> nodes.section:
        """Make the section of a module."""
        section = nodes.section(ids=[anchor(name)])
        section += nodes.title("", "", nodes.literal("", name))
        section += nodes.paragraph("", "", *make_text((module.__doc__ or "").splitlines()[0]))
        self._label(anchor(name), name)
        entries = nodes.definition_list(classes=["api"])
        for public, value in public_names(module).items():
            chapter = introduced.get(f"{module.__name__}.{public}")
            entries += self._entry(anchor(name, public), public, value, chapter)
        section += entries
        return section

    def _entry(self, place: str, name: str, value: Any, chapter: str | None) -> nodes.definition_list_item:
        """Make the entry of a public name."""
        signature = nodes.literal("", write_signature(name, value))
        if chapter is None:
            where = nodes.paragraph("", NOT_USED)
        else:
            where = link_to(self.env, chapter, chapter)
            where.insert(0, nodes.Text("Introduced in "))
        summary = nodes.paragraph("", "", *make_text(split_docstring(value)[0]))
        details = write_details(value)
        self._label(place, name)
        return nodes.definition_list_item(
            "",
            nodes.term("", "", signature, ids=[place]),
            nodes.definition("", summary, where, *(make_box(details) if details else ())),
        )

    def _label(self, place: str, title: str) -> None:
        """Let other pages link to a place. Labels know no capitals, so of two names the small one has it."""
        domain, label = self.env.domains["std"], place.lower()
        if place == label or label not in domain.data["labels"]:
            domain.data["labels"][label] = (self.env.docname, place, title)
            domain.data["anonlabels"][label] = (self.env.docname, place)


def repository(env: BuildEnvironment) -> Path:
    """The repository's folder, which holds the package and the chapters' sources."""
    return Path(env.srcdir, env.config.api_root).resolve()


def find_outdated(app: Sphinx, env: BuildEnvironment, *changes: set[str]) -> list[str]:
    """List the pages made when the package had other modules; dependencies cannot tell of a new file."""
    made = {name: data["api_modules"] for name, data in env.metadata.items() if "api_modules" in data}
    if not made:
        return []
    modules = " ".join(modules_of(repository(env), env.config.api_package))
    return [name for name, before in made.items() if before != modules]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive with Sphinx."""
    app.add_config_value("api_root", "../..", "env")  # from _build/site
    app.add_config_value("api_package", "tutorial_utils", "env")
    app.add_directive("package-api", PackageApi)
    app.connect("env-get-outdated", find_outdated)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
