"""The ledger: every claim with its measurement, the rule that judges it and the verdict."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable, Sequence

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from measured.sources import chapters_in, logger, results_of
from measured.tables import Cell, link_to_section, make_table
from tutorial_utils.exceptions import DataError
from tutorial_utils.report import narrate
from tutorial_utils.report.ledger import NUM_CLAIMS, Claim, Verdict, from_entry, tally

CLAIMS = "claims/"


def claims_of(env: BuildEnvironment) -> list[Claim]:
    """Read every claim that the chapters recorded, for the page that is being read.

    Args:
        env: Sphinx's environment; the page comes to depend on the results files.

    Returns:
        Claims sorted by id, judged anew; after warnings when one is missing, doubled or cannot be judged.
    """
    claims = []
    for chapter in chapters_in(env):
        results = results_of(env, chapter) if chapter.startswith(CLAIMS) else None
        for values in (results.metrics, results.timings) if results else ():
            for stored in values.get("claims", []):
                try:
                    claims.append(from_entry(stored))
                except DataError as error:
                    logger.warning("%s: %s", chapter, error, location=env.docname, type="measured")
    times = Counter(claim.id for claim in claims)
    missing = [number for number in range(1, NUM_CLAIMS + 1) if not times[number]]
    doubled = [number for number, count in sorted(times.items()) if count > 1]
    for problem, ids in (("in no chapter", missing), ("more than once", doubled)):
        if ids:
            text = f"recorded {problem}: claim {narrate.enumerate_words(ids)}; each needs one `Ledger.record`"
            logger.warning("%s", text, location=env.docname, type="measured")
    return sorted(claims, key=lambda claim: claim.id)


class MeasuredLedger(SphinxDirective):
    """``{measured-ledger}``: every claim with its measurement, the rule that judges it and the verdict."""

    def run(self) -> list[nodes.Node]:
        """Make the counts, the list of what does not hold, and the table."""
        claims = claims_of(self.env)
        header = ("No.", "Claim", "Measurement", "Rule", "Verdict", "Where")
        table = make_table(header, map(self._row, claims), "ledger")
        counts = f"Of {len(claims)} claims, {tally(claims)}."
        return [nodes.paragraph("", counts), *self._contradicted(claims), table]

    def _contradicted(self, claims: Sequence[Claim]) -> list[nodes.Node]:
        """Name the claims that do not hold, with a caution that holds whatever their number."""
        failed = [claim for claim in claims if claim.verdict is Verdict.FAILS]
        if not failed:
            return [nodes.paragraph("", "No claim is contradicted as a whole.")]
        caution = (
            "Where a claim does not hold, the estimate speaks against it. If its interval reaches into the "
            "rule, the question is open rather than settled. The source may have had other settings, "
            "versions or definitions in mind, so look at what was measured before you judge."
        )
        items = nodes.bullet_list("", classes=["contradicted"])
        for claim in failed:
            line = link_to_section(self.env, claim.anchor, f"Claim {claim.id}")
            line += nodes.Text(f" (source {claim.source}): {claim.text.rstrip('.')}.")
            items += nodes.list_item("", line)
        return [nodes.paragraph("", caution), items]

    def _row(self, claim: Claim) -> list[Cell]:
        name = claim.verdict.name.lower().replace("_", "-")
        verdict = nodes.inline("", f"{claim.verdict.symbol} {claim.verdict}", classes=["verdict", name])
        rules = [part.rule_text for part in claim.parts]
        if len(rules) > 1:  # else the claim's verdict is the part's
            rules = [f"{part.rule_text} ({part.verdict})" for part in claim.parts]
        return [
            nodes.paragraph("", str(claim.id), ids=[f"ledger-{claim.id}"]),
            f"{claim.text} (source {claim.source})",  # its remark stands where it is measured
            _lines(_lettered([part.finding for part in claim.parts])),
            _lines(_lettered(rules)),
            nodes.paragraph("", "", verdict),
            link_to_section(self.env, claim.anchor, "measured here"),
        ]


def _lines(texts: Iterable[str]) -> nodes.Node:
    return nodes.line_block("", *(nodes.line("", text) for text in texts))


def _lettered(texts: Sequence[str]) -> list[str]:
    """Mark texts that belong together across cells, when there are several."""
    if len(texts) == 1:
        return list(texts)
    return [f"{letter}. {text}" for letter, text in zip(string.ascii_lowercase, texts, strict=False)]
