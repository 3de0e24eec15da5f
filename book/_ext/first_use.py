"""Links a word to the glossary where a page first uses it, so that authors write plain words.

A term is known by itself and by the forms that the glossary's front matter lists, such as plurals, each also
with a capital. A bold word is one that the page explains itself, and needs no link from then on. Only running
text is looked at: no headings, links, code, tables, captions and outputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from docutils import nodes  # type: ignore[import-untyped]
from measured.sources import depend_on
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

GLOSSARY = "book/glossary"
WITHOUT = {GLOSSARY, "book/api", "book/api_more", "book/bibliography", "book/changelog"}
"""Pages that explain no words: the glossary itself, and lists."""

_BLOCK = re.compile(r"^```\{glossary\}\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FRONT = re.compile(r"\A---\n(.*?)^---\n", re.MULTILINE | re.DOTALL)
_NO_PROSE = (nodes.table, nodes.field_list, nodes.figure, nodes.container)


def read_forms(path: Path) -> dict[str, str]:
    """Read which word leads to which term.

    Args:
        path: The glossary: a ``{glossary}`` block, and front matter with ``forms``, lists of words by term.

    Returns:
        Terms by their forms, each as it stands and with a capital.

    Raises:
        ValueError: The front matter names a term that the glossary lacks.
    """
    text = path.read_text(encoding="utf-8")
    block, front = _BLOCK.search(text), _FRONT.match(text)
    terms = re.findall(r"^\S.*$", block[1], re.MULTILINE) if block else []
    listed = (yaml.safe_load(front[1]) or {}).get("forms", {}) if front else {}
    if unknown := sorted(set(listed) - set(terms)):
        raise ValueError(f"{path}: forms of {', '.join(unknown)}, which the glossary does not explain")
    forms = {form: term for term in terms for form in (term, *listed.get(term, []))}
    return {f"{form[0].upper()}{form[1:]}": term for form, term in forms.items()} | forms


class LinkFirstUse(SphinxTransform):
    """Links each term of the glossary once a page, unless its author did."""

    default_priority = 250

    def apply(self, **kwargs: Any) -> None:
        """Go through the running text of one page."""
        path = depend_on(self.env, f"{GLOSSARY}.md")
        if self.env.docname in WITHOUT or not path.is_file():
            return
        forms = read_forms(path)
        longest_first = sorted(forms, key=len, reverse=True)
        # A term of several words may stand on two lines.
        patterns = (r"\s+".join(map(re.escape, form.split())) for form in longest_first)
        words = re.compile(rf"(?<![\w-])(?:{'|'.join(patterns)})(?![\w-])")
        linked = {
            link["reftarget"] for link in self.document.findall(pending_xref) if link.get("reftype") == "term"
        }
        for text in list(_running_text(self.document)):
            if isinstance(text, nodes.strong):  # where a page explains a word itself
                linked.update(forms[" ".join(match[0].split())] for match in words.finditer(text.astext()))
                continue
            parts = list(_split(str(text), words, forms, linked))
            if len(parts) > 1:
                text.parent.replace(text, [self._node(part) for part in parts])

    def _node(self, part: tuple[str, str]) -> nodes.Node:
        """A piece of text, or a link to a term as the role ``{term}`` makes it."""
        words, term = part
        if not term:
            return nodes.Text(words)
        link = pending_xref(
            "", refdomain="std", reftype="term", reftarget=term, refexplicit=True, refwarn=True
        )
        link["refdoc"] = self.env.docname
        link += nodes.inline("", words, classes=["xref", "std", "std-term"])
        return link


def _running_text(document: nodes.document) -> Iterator[nodes.Text | nodes.strong]:
    """Texts, and bold ones, that stand directly in paragraphs which a person wrote as prose."""
    for paragraph in document.findall(nodes.paragraph):
        above = paragraph.parent
        while above is not None and not isinstance(above, _NO_PROSE):
            above = above.parent
        if above is None:
            _join_lines(paragraph)
            open_link = False  # written in HTML: a link in a link would break both
            for child in paragraph.children:
                if isinstance(child, nodes.raw):
                    open_link = child.astext().startswith("<a ") or (open_link and child.astext() != "</a>")
                elif not open_link and isinstance(child, nodes.Text | nodes.strong):
                    yield child


def _join_lines(paragraph: nodes.paragraph) -> None:
    """Make one text of those that follow each other: MyST makes one of each line, and one of each break."""
    for place in range(len(paragraph) - 1, 0, -1):
        first, second = paragraph[place - 1 : place + 1]
        if isinstance(first, nodes.Text) and isinstance(second, nodes.Text):
            paragraph[place - 1 : place + 1] = [nodes.Text(f"{first}{second}")]


def _split(
    text: str, words: re.Pattern[str], forms: dict[str, str], linked: set[str]
) -> Iterator[tuple[str, str]]:
    """Cut a text where terms are first used: each piece with its term, or with none; notes what is linked."""
    done = 0
    for match in words.finditer(text):
        term = forms[" ".join(match[0].split())]
        if term in linked:
            continue
        linked.add(term)
        if match.start() > done:
            yield text[done : match.start()], ""
        yield match[0], term
        done = match.end()
    if done < len(text):
        yield text[done:], ""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_transform(LinkFirstUse)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
