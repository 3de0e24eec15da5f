"""Values that pages load as scripts, because browsers refuse to read any other file for ``file://``."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tutorial_utils.files import whole_file
from tutorial_utils.report.results import output_folder, plain

DTYPES = ("float32", "float64", "uint8")
"""What JavaScript has arrays of, and what is needed here."""


def write(name: str, values: dict[str, Any]) -> Path | None:
    """Write values into a script for pages, if the chapter was told where.

    A page that loads ``page_data/<name>.js`` finds them as ``MEASURED.<name>``. Tensors and arrays become
    objects with ``dtype``, ``shape`` and their little-endian bytes as ``base64``.

    Args:
        name: A Python identifier, such as ``"mnist_model"``.
        values: Plain values, tensors and arrays by name.

    Returns:
        The file, or None when ``TUTORIAL_OUTPUT`` is not set.

    Raises:
        ValueError: The name is not an identifier.
        TypeError: A value has no plain form, or an array is of a type that pages do not read.
    """
    if not name.isidentifier():
        raise ValueError(f"'{name}' cannot name a script; use letters, digits and underscores")
    encoded = json.dumps({key: _encode(value) for key, value in values.items()}, allow_nan=False)
    folder = output_folder()
    if folder is None:
        return None
    path = folder / "page_data" / f"{name}.js"
    with whole_file(path) as temporary:
        temporary.write_text(f"(globalThis.MEASURED ??= {{}}).{name} = {encoded};\n")
    return path


def _encode(value: Any) -> Any:
    """Encode one value: arrays as bytes, all else as JSON has it."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if not isinstance(value, np.ndarray):
        return plain(value)
    if value.dtype.name not in DTYPES:
        raise TypeError(f"pages read arrays of {', '.join(DTYPES)}, not {value.dtype.name}; convert it")
    little = value if sys.byteorder == "little" else value.astype(value.dtype.newbyteorder("<"))
    return {
        "dtype": value.dtype.name,
        "shape": list(value.shape),
        "base64": base64.b64encode(np.ascontiguousarray(little).tobytes()).decode(),
    }
