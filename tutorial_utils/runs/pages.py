"""Executed notebooks as single HTML pages that load nothing from anywhere."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tutorial_utils.lessons.expect import BROKEN
from tutorial_utils.runs.frame import frame

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Of nbconvert only what it makes of cells: its own page asks three hosts for scripts, and suits no phone.
_TEMPLATE = """
{%- extends 'lab/base.html.j2' -%}
{%- block codecell -%}
{%- if "hide-cell" in cell.metadata.get("tags", []) -%}
<details><summary>{{ cell.metadata.title | escape_html }}</summary>{{ super() }}</details>
{%- else -%}{{ super() }}{%- endif -%}
{%- endblock -%}
{%- block input -%}
{%- if "hide-input" in cell.metadata.get("tags", []) -%}
<details><summary>{{ cell.metadata.title | escape_html }}</summary>{{ super() }}</details>
{%- else -%}{{ super() }}{%- endif -%}
{%- endblock -%}
{%- block data_png scoped -%}
<img alt="A figure without description"
src="data:image/png;base64,{{ output.data['image/png'] | escape_html }}">
{%- endblock -%}
{%- block footer -%}{%- endblock -%}
"""
_MATHJAX = """<script>
function letKeysScroll() {
  for (const formula of document.querySelectorAll("mjx-container[display]"))
    formula.tabIndex = formula.scrollWidth > formula.clientWidth ? 0 : -1;
}
addEventListener("resize", letKeysScroll);
MathJax = {
  tex: {inlineMath: [["$", "$"]], processEscapes: true},
  options: {enableMenu: false},
  startup: {pageReady: () => MathJax.startup.defaultPageReady().then(letKeysScroll)}
};
</script>
"""

_TITLE = re.compile(r"^# @title ([^\n]+)\n")
_LINK_OR_AS_IT_IS = re.compile(
    r"(?P<same>^```.*?^```|`[^`]+`|\$\$.*?\$\$|(?<!\\)\$[^$]+\$)"
    r"|(?<!!)\[(?P<text>[^\]]*)\]\((?!https?:|#)(?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)


def to_html(notebook: str, title: str, mathjax: Path | None = None) -> str:
    """Make a page of an executed notebook, with its pictures inside.

    Above it stands which run it is and, with links, which of its sentences do not hold. Cells that the book
    folds are folded.

    Args:
        notebook: JSON.
        title: Of the page: chapter and values.
        mathjax: The script ``tex-svg.js`` of MathJax 3, which is put into the page; without it, or when there
            is no such file, formulas are shown as they were typed.

    Returns:
        The page. Links to other chapters are plain text.
    """
    import nbformat
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    content = nbformat.reads(notebook, as_version=4)  # type: ignore[no-untyped-call]
    note = _introduce(title, content)
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = without_links(cell.source)
        elif found := _TITLE.match(cell.source):
            cell.metadata["title"], cell.source = found[1], cell.source[found.end() :]
        cell.metadata.setdefault("title", "Code")
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        embed_images=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        extra_loaders=[DictLoader({"page.html.j2": _TEMPLATE})],
        template_file="page.html.j2",
        config=Config(
            {
                "TagRemovePreprocessor": {
                    "remove_cell_tags": ["remove-cell"],
                    "remove_input_tags": ["remove-input"],
                }
            }
        ),
    )
    head = f"<style>\n{_style_of_code()}</style>"
    if mathjax and mathjax.is_file():
        script = mathjax.read_text(encoding="utf-8").replace("</script", r"<\/script")
        head += f"{_MATHJAX}<script>{script}</script>"
    return frame(title, note + exporter.from_notebook_node(content)[0], head=head)


def _introduce(title: str, notebook: NotebookNode) -> str:
    """Say which run a page shows, and which sentences do not hold in it."""
    broken = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            said = str(output.get("data", {}).get("text/markdown", "")).partition("\n")[0]
            if said.startswith(BROKEN):
                words = html.escape(said.removeprefix(BROKEN))
                broken.append(f'<li><a href="#cell-id={cell["id"]}">{words}</a></li>')
    note = f"<p>A run of {html.escape(title)}. Its text was written for the values of the book."
    if broken:
        note += f" With these, what follows does not hold:</p>\n<ul>{''.join(broken)}</ul>"
    return f'<div class="note">{note}</div>\n'


def _style_of_code() -> str:
    """Colours for the words of code with enough contrast, as in the book."""
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

    light, dark = (
        HtmlFormatter(style=style).get_style_defs(".highlight")
        for style in ("a11y-high-contrast-light", "a11y-dark")
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def without_links(source: str) -> str:
    """Turn links to other files into their words; code, formulas and links to the web stay as they are."""
    return _LINK_OR_AS_IT_IS.sub(
        lambda found: found["same"] or found["text"] or f"*{found['target'].removeprefix('../')}*", source
    )
