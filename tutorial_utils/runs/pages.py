"""Executed notebooks as single HTML pages that load nothing from anywhere."""

from __future__ import annotations

import re
from pathlib import Path

_TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}
{%- if resources.mathjax -%}
<script>
MathJax = {
  tex: {inlineMath: [["$", "$"]], processEscapes: true},
  options: {enableMenu: false}
};
</script>
<script>{{ resources.mathjax }}</script>
{%- endif -%}
{%- endblock -%}
{%- block data_png scoped -%}
<figure class="jp-RenderedImage jp-OutputArea-output">
<img src="data:image/png;base64,{{ output.data['image/png'] | escape_html }}"
alt="{{ output.metadata.get('alt', '') | escape_html }}">
<figcaption class="jp-RenderedHTMLCommon">{{ output.metadata.get('caption', '') | escape_html }}</figcaption>
</figure>
{%- endblock -%}
"""
# nbconvert's own page asks three hosts for require.js, MathJax and Mermaid.

_ROLE = r"\{(?P<role>[\w:]+)\}`(?P<content>[^`]+)`"
_AS_IT_IS = r"^```.*?^```|`[^`]+`|\$\$.*?\$\$|(?<!\\)\$[^$]+\$"
_LINK = r"(?<!!)\[(?P<text>[^\]]*)\]\((?!https?:|#)(?P<target>[^)\s]+)\)"
_BOOK_MARKUP = re.compile(
    rf"{_ROLE}|(?P<same>{_AS_IT_IS})|{_LINK}|^\([\w-]+\)=\n|"
    r"^:::+(?:\{\w+\})?(?P<title>[^\n]*)\n?(?:^:\w+:[^\n]*\n)*",
    re.MULTILINE | re.DOTALL,
)


def to_html(notebook: str, title: str, mathjax: Path | None = None) -> str:
    """Make a page of an executed notebook, with its pictures inside.

    Args:
        notebook: JSON.
        title: Of the page.
        mathjax: The script ``tex-svg.js`` of MathJax 3, which is put into the page; without it, or when there
            is no such file, formulas are shown as they were typed.

    Returns:
        The page. Figures keep the captions and alt texts of the book. Links to other chapters are plain text.
    """
    import nbformat
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    content = nbformat.reads(notebook, as_version=4)  # type: ignore[no-untyped-call]
    content.metadata["title"] = title
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = plain_markdown(cell.source)
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):  # the book's caption and alt text
                figure = cell.metadata.get("mystnb", {})
                output.metadata["alt"] = figure.get("image", {}).get("alt", "a figure without description")
                output.metadata["caption"] = figure.get("figure", {}).get("caption", "")
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        embed_images=True,
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
    script = mathjax.read_text(encoding="utf-8") if mathjax and mathjax.is_file() else ""
    resources = {"mathjax": script.replace("</script", r"<\/script")}
    page: str = exporter.from_notebook_node(content, resources)[0]
    return page


def plain_markdown(source: str) -> str:
    """Rewrite as common Markdown what only the book understands: citations, references, labels and boxes.

    Code, formulas and links to the web are left as they are.
    """
    return _BOOK_MARKUP.sub(_rewrite, source)


def _rewrite(match: re.Match[str]) -> str:
    if match["same"]:
        return match["same"]
    if match["role"]:
        content = re.sub(r"\s*<[^>]*>$", "", match["content"])
        return f"({content})" if match["role"].startswith("cite") else content
    if match["target"]:
        return match["text"] or f"*{match['target'].removeprefix('../')}*"
    title = (match["title"] or "").strip()
    return f"**{title}**\n\n" if title else ""
