"""The claims that the chapters recorded, for the ledger's page."""

from __future__ import annotations

from collections import Counter

from sphinx.environment import BuildEnvironment

from measured.sources import logger, read_all_results
from tutorial_utils.exceptions import DataError
from tutorial_utils.report import narrate, rules
from tutorial_utils.report.ledger import Claim, correct, from_entry
from tutorial_utils.report.rules import NUM_CLAIMS, PartRule, Rulebook


def read_claims(env: BuildEnvironment) -> list[Claim]:
    """Read every claim.

    Returns:
        Claims sorted by id, judged anew, with Holm's correction over all of them; after warnings when one is
        missing, doubled or cannot be judged, or when a chapter was judged by other rules than today's.

    Raises:
        DataError: A chapter has no results.
    """
    claims = []
    for chapter, results in read_all_results(env, "claims/").items():
        if not results.metrics.get("claims") and not results.timings.get("claims"):
            continue  # a chapter that judges nothing
        if results.metrics.get("rules_sha256") != rules.read().sha256:
            text = "%s: judged by other rules than those of the package; run `make book` to judge again"
            logger.warning(text, chapter, location=env.docname, type="measured")
        for values in (results.metrics, results.timings):
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
    return correct(sorted(claims, key=lambda claim: claim.id))


def rulebook() -> Rulebook:
    """All rules, for the list of those that changed."""
    return rules.read()


def changed_rules() -> dict[str, PartRule]:
    """Rules that were others before, by number and letter."""
    return {name: part for name, part in rules.read().parts.items() if part.was}


def numbers_changed() -> list[int]:
    """Claims of which a rule changed or went."""
    book = rules.read()
    changed = [
        number for number, claim in book.claims.items() if any(part.was for part in claim.parts.values())
    ]
    return sorted({*changed, *(rule.claim for rule in book.dropped)})
