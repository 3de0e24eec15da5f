"""Says what a word or a citation means without leaving the page.

A link to the glossary carries its definition, a citation its full reference, in ``data-tip``; the script
``tips.js`` shows them to mouse and keyboard. The links stay links, so nothing is lost without it.
"""

from __future__ import annotations

import functools
import html
import re
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

GLOSSARY, BIBLIOGRAPHY = "book/glossary", "book/bibliography"
SCRIPT = "tips.js"

LINK = re.compile(
    r'<a class="reference (?:internal|external)" href="([^"#]*)(#[^"]*)?"(?: title="([^"]*)")?>'
)


@functools.cache
def read_tips(env: BuildEnvironment) -> dict[str | None, str]:
    """Definitions by the anchor of their term, full references by the address that they link."""
    tips: dict[str | None, str] = {}
    if GLOSSARY in env.all_docs:
        for entry in env.get_doctree(GLOSSARY).findall(nodes.definition_list_item):
            definition = " ".join(entry[-1].astext().split())
            tips |= {f"#{name}": definition for term in entry.findall(nodes.term) for name in term["ids"]}
    for work in env.domaindata.get("cite", {}).get("citations", ()):
        fields, words = work.entry.fields, work.formatted_entry.text.render_as("text")
        tips |= {address: words for address in (fields.get("url"), f"https://doi.org/{fields.get('doi')}")}
    return tips


def add_tips(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Give each link of a page that has something to say its tip, and the page the script that shows it."""
    if doctree is None or page in (GLOSSARY, BIBLIOGRAPHY) or "body" not in context:
        return
    tips = read_tips(app.env)

    def mend(link: re.Match[str]) -> str:
        address, anchor, title = link[1], link[2] or "", link[3]
        if address.endswith("bibliography.html") and title:
            tip = html.unescape(title)
        elif address.endswith("glossary.html"):
            tip = tips.get(anchor, "")
        else:
            tip = tips.get(html.unescape(address + anchor), "")
        if not tip:
            return link[0]
        kept = link[0].replace(f' title="{title}"', "")  # or the browser would show it a second time
        return f'{kept[:-1]} data-tip="{html.escape(tip)}">'

    context["body"] = LINK.sub(mend, context["body"])
    if "data-tip" in context["body"]:
        app.add_js_file(SCRIPT, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("html-page-context", add_tips)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
