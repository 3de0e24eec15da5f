"""A chapter's parameters: read from its parameters cell, and new values checked before anything runs."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import re
import textwrap
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import ConfigDict, Field, ValidationError, create_model

from tutorial_utils import reproducibility
from tutorial_utils.data import catalogue
from tutorial_utils.exceptions import ChapterError, ConfigurationError, did_you_mean, join_problems
from tutorial_utils.training.config import TrainingConfig, describe_range, problems_of

Scalar = int | float | str | bool
"""What a parameter may be."""

_TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}
_READERS: dict[type, str] = {int: "a whole number", float: "a number", bool: "true or false"}
_WHOLE = r"-?\d[\d,]*"
_NUMBERS: dict[type, str] = {int: rf"({_WHOLE})", float: rf"({_WHOLE}(?:\.\d+)?(?:e[+-]?\d+)?)"}
_RANGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("any number", ()),
    ("{0} or more", ("ge",)),
    ("above {0} to {0}", ("gt", "le")),
    ("above {0}", ("gt",)),
    ("{0} to below {0}", ("ge", "lt")),
    ("between {0} and {0}", ("gt", "lt")),
    ("{0} to {0}", ("ge", "le")),
)
"""How the comment of a number ends, and which bounds that states; CONTRIBUTING.md lists the same."""
_TEXTS = r'(?:^|[,:] )("[^"]*"(?:(?:, | or )"[^"]*")*)$'
_LIMITS: dict[type, str] = {int: r"(?<![\w.])\d", float: r"(?<![\w.])\d", str: r"(?<!\w)[\"'“]\S"}
"""What every comment has that is meant to say which values are allowed: a number, or a quoted text."""


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: ``name: type = default  # meaning, range``.

    Attributes:
        name: Its name.
        kind: ``int``, ``float``, ``str`` or ``bool``.
        default: Its value in the notebook.
        meaning: What it means, from the comment.
        allowed: Which values it takes, in the comment's words, else in those of ``TrainingConfig``.
        bounds: What the comment says, for the check: pydantic's ``ge``, ``gt``, ``le``, ``lt``.
        choices: The texts that the comment lists; empty for any.
    """

    name: str
    kind: type
    default: Scalar
    meaning: str
    allowed: str
    bounds: Mapping[str, Any]
    choices: tuple[str, ...]


def read_cell(source: str, chapter: str) -> dict[str, Parameter]:
    """Read a parameters cell: the parameters by name, in order. Messages name the chapter.

    Raises:
        ChapterError: A statement is not of the form ``name: type = value  # meaning, range``. The range may
            be missing where ``TrainingConfig`` knows the name, or any text or truth value is allowed.
    """
    try:
        tree = ast.parse(source)
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    except (SyntaxError, tokenize.TokenError) as error:
        raise ChapterError(f"{chapter}: the parameters cell is not Python ({error})") from None
    found: dict[str, Parameter] = {}
    for node in tree.body:
        try:
            name, kind, default = _take_apart(node)
            if name in found:
                raise ValueError(f"{name} stands there twice")
            comment = comments.get(node.end_lineno or node.lineno, "").lstrip("# ")
            found[name] = _describe(name, kind, default, comment.rstrip())
        except ValueError as error:
            line = ast.unparse(node).splitlines()[0]
            raise ChapterError(f"{chapter}: {line!r} in the parameters cell: {error}") from None
    return found


def _take_apart(node: ast.stmt) -> tuple[str, type, Scalar]:
    """Name, type and default of a statement ``name: type = default``."""
    match node:
        case ast.AnnAssign(target=ast.Name(name), annotation=ast.Name(kind), value=ast.expr() as value) if (
            kind in _TYPES
        ):
            default: Scalar | None = None
            with contextlib.suppress(ValueError, TypeError):
                default = ast.literal_eval(value)
            if default is None or type(default) is not _TYPES[kind]:
                raise ValueError(f"the value must be {kind}, written out")
            return name, _TYPES[kind], default
    raise ValueError(f"expected `name: type = value`, with a type of {', '.join(_TYPES)}")


def _describe(name: str, kind: type, default: Scalar, comment: str) -> Parameter:
    """Take a parameter's comment apart into meaning and range."""
    comment = comment.rstrip(" .")
    allowed, bounds, choices = _read_range(kind, comment)
    meaning = comment.removesuffix(allowed).rstrip(" ,:")
    known = name in TrainingConfig.model_fields
    needed = (kind in _NUMBERS and not known) or (kind in _LIMITS and re.search(_LIMITS[kind], comment))
    if (needed and not allowed) or (allowed and _read_range(kind, meaning)[0]):
        forms = '"a", "b" or "c"' if kind is str else ", ".join(form.format("N") for form, _ in _RANGES)
        raise ValueError(f"which values are allowed? Let its comment end in a comma and one of: {forms}")
    return Parameter(
        name, kind, default, meaning, allowed or (_config_range(name) if known else ""), bounds, choices
    )


def _read_range(kind: type, comment: str) -> tuple[str, dict[str, float], tuple[str, ...]]:
    """What a comment ends in: which values are allowed in its words, as bounds, and as texts."""
    for form, signs in _RANGES if kind in _NUMBERS else ():
        pattern = rf"(?:^|, )({form.format(_NUMBERS[kind])})$"
        if match := re.search(pattern, comment, re.IGNORECASE):
            return match[1], dict(zip(signs, map(_read_bound, match.groups()[1:]), strict=True)), ()
    if kind is str and (match := re.search(_TEXTS, comment, re.IGNORECASE)):
        return match[1], {}, tuple(re.findall(r'"([^"]*)"', match[1]))
    return "", {}, ()


def _config_range(name: str) -> str:
    """Which values ``TrainingConfig`` takes for one of its settings, in words."""
    field = TrainingConfig.model_fields[name]
    texts: Sequence[str] = get_args(field.annotation)
    if name == "device":
        texts = ["auto", *reproducibility.available_devices()]
    elif name == "dataset":
        texts = list(catalogue.DATASETS)
    return ", ".join(f'"{text}"' for text in texts) or describe_range(field)


def _read_bound(text: str) -> float:
    """Read ``"40,000"`` or ``"1e-3"``; a whole number stays one, so that messages show it as it is."""
    digits = text.replace(",", "")
    return int(digits) if re.fullmatch(_WHOLE, digits) else float(digits)


def _read_text(text: str, kind: type) -> Scalar:
    """Read a value that was typed on a command line, such as ``"0.1"``, ``"1e-3"`` or ``"false"``."""
    try:
        value: Scalar = {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise ValueError(f"must be {_READERS[kind]}") from None
    return value


def split_pairs(pairs: Sequence[str], form: str) -> tuple[dict[str, str], dict[str, str]]:
    """Texts by name out of ``NAME=TEXT``, and problems with those not of the form, or with a name twice."""
    texts: dict[str, str] = {}
    problems: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not equals or not name:
            problems[pair] = f"{pair!r} is not of the form {form}"
        elif name in texts:
            problems[name] = f"{name} is given twice"
        else:
            texts[name] = text
    return texts, problems


def check_texts(parameters: Mapping[str, Parameter], pairs: Sequence[str]) -> dict[str, Scalar]:
    """Read and :func:`check` what was typed as ``-p``, such as ``["learning_rate=0.1", "seed=1"]``.

    Raises:
        ConfigurationError: Lists every problem, also with pairs that are none and names given twice.
    """
    texts, problems = split_pairs(pairs, "NAME=VALUE")
    try:
        checked = check(parameters, texts, from_text=True)
    except ConfigurationError as error:
        problems = {**error.problems, **problems}
    if problems:
        raise _refusal(problems)
    return checked


def check(
    parameters: Mapping[str, Parameter], values: Mapping[str, Any], *, from_text: bool = False
) -> dict[str, Scalar]:
    """Check new values against a chapter's parameters and against what ``TrainingConfig`` allows.

    Args:
        parameters: From :func:`read_cell`.
        values: New values by name.
        from_text: The values are texts from a command line, to be read first. Otherwise a text is not taken
            for a number.

    Returns:
        The values, in the cell's order.

    Raises:
        ConfigurationError: Lists every unknown name, wrong type and value outside its range.
    """
    problems: dict[str, str] = {}
    read: dict[str, Any] = {}
    for name, value in values.items():
        if name not in parameters:
            near = did_you_mean(name, parameters) if parameters else "there are none"
            problems[name] = f"{name} is not a parameter here; {near}"
            continue
        try:
            read[name] = _read_text(value, parameters[name].kind) if from_text else value
        except ValueError as error:
            allowed = parameters[name].allowed
            problems[name] = f"{name}={value!r}: {error}" + (f" (allowed: {allowed})" if allowed else "")
    problems |= _outside_comment(parameters, read)
    problems |= _outside_config(parameters, read, problems)
    if problems:
        raise _refusal(problems)
    # In the cell's order, so that the same values make the same file name; 1 for a float arrives as 1.0.
    return {name: parameters[name].kind(read[name]) for name in parameters if name in read}


def _refusal(problems: Mapping[str, str]) -> ConfigurationError:
    count = "1 parameter is" if len(problems) == 1 else f"{len(problems)} parameters are"
    return ConfigurationError(join_problems(f"{count} not allowed:", problems.values()), problems)


def _outside_comment(parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> dict[str, str]:
    """Problems with the types and ranges that the parameters cell states, by name."""
    fields: dict[str, Any] = {
        name: (Annotated[parameters[name].kind, Field(**parameters[name].bounds)], ...) for name in values
    }
    model = create_model("Parameters", __config__=ConfigDict(strict=True, allow_inf_nan=False), **fields)
    problems = {}
    try:
        model(**values)
    except ValidationError as error:
        problems = problems_of(error, allowed=model.model_fields)
    for name, value in values.items():
        choices = parameters[name].choices
        # A device may have a number, "cuda:1", so what the comment lists are examples; the config knows more.
        if name not in problems and name != "device" and choices and value not in choices:
            problems[name] = f"{name}={value!r}: {did_you_mean(str(value), choices)}"
    return problems


def _outside_config(
    parameters: Mapping[str, Parameter], values: Mapping[str, Any], known: Mapping[str, str]
) -> dict[str, str]:
    """Further problems that a ``TrainingConfig`` with these values would have, by name.

    A default may be among them: a batch size that the new validation share leaves too few images for.
    """
    settings = {
        # None is refused for every setting, and what depends on a refused setting is not judged.
        name: None if name in known else values.get(name, parameter.default)
        for name, parameter in parameters.items()
        if name in TrainingConfig.model_fields
    }
    try:
        TrainingConfig(**settings)
    except ConfigurationError as error:
        return {name: problem for name, problem in error.problems.items() if name not in known}
    return {}


def describe(parameters: Mapping[str, Parameter], width: int = 80) -> str:
    """Write each parameter for the terminal: name, type, default, allowed values, and below its meaning."""
    fold = textwrap.TextWrapper(
        width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    ).wrap
    lines = []
    for parameter in parameters.values():
        allowed = _READERS[bool] if parameter.kind is bool else parameter.allowed
        head = f"{parameter.name}: {parameter.kind.__name__} = {parameter.default!r}"
        lines += fold(head + (f"  ({allowed})" if allowed else "")) + fold(f"    {parameter.meaning}")
    return "\n".join(lines) or "this notebook has no parameters"


def name_run(values: Mapping[str, Scalar], longest: int = 100) -> str:
    """Make a file name from what differs from the defaults: ``"learning_rate=0.1,num_epochs=3"``."""
    return safe_name(",".join(f"{name}={value}" for name, value in values.items()) or "defaults", longest)


def safe_name(text: str, longest: int = 100) -> str:
    """Make a file name of any text: itself if it is harmless, else its beginning and a hash of the whole."""
    # ASCII alone: a file system counts bytes, and spells one accented letter in several ways.
    safe = re.sub(r"[^\w=,.+-]", "_", text, flags=re.ASCII)
    if text and safe == text and len(safe) <= longest and not safe.startswith("."):
        return safe
    return f"_{safe[: longest - 10]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
