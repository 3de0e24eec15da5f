"""The Sphinx extensions: numbers come from results, their text is never markup, diagrams are described.

Pages that show what was measured are the book's own, over results that nobody measured.
"""

import copy
import dataclasses
import datetime
import json
import math
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diagrams
import pytest
import vendor
import yaml
from bs4 import BeautifulSoup, Tag
from measured import provenance
from measured.advice import fill_in
from sphinx.errors import ExtensionError
from sphinx.testing.util import SphinxTestApp
from sphinx.util.console import strip_colors

from tutorial_utils.data import datasets
from tutorial_utils.data.catalogue import DATASETS
from tutorial_utils.report import rules
from tutorial_utils.report.ledger import Ledger, Measurement
from tutorial_utils.report.rules import ClaimRules, Dropped, PartRule, Rulebook
from tutorial_utils.report.verdicts import above, below

ROOT = Path(__file__).parents[1]
BOOK = yaml.safe_load((ROOT / "_config.yml").read_text())
CHAPTER, OTHER = "mnist/04_evaluation", "cifar10/04_evaluation"
REPEATED = "mnist/04c_comparing_models"
FEATURES, NETWORKS, BOUGHT = "beyond/01_better_features", "beyond/02_networks", "beyond/03_what_it_buys"
REPOSITORY = "https://example.org/owner/book"
MARKUP = "<script>alert(1)</script> **bold** `code` {ref}`x` [link](y) $z$ &amp; <b>x</b>"
TYPED = """it's "so" -- really..."""
DIAGRAM = """flowchart LR
    accTitle: From images to labels
    accDescr: An image goes through <one> model & becomes a label.
    image["<b>image</b>"] --> label
"""
RESULTS = {
    "notebook": CHAPTER,
    "parameters": {"dataset": "mnist", "seed": 7, "remark": MARKUP},
    "metrics": {
        "test_accuracy": 0.92653,
        "test_accuracy_low": 0.92125,
        "test_accuracy_high": 0.93144,
        "test_loss": 0.26781,
        "n_test": 10_000,
        "accuracy_over_seeds": [0.9253, 0.9265],
        "accuracy_seed_mean": 0.9259,
        "accuracy_seed_deviation": 0.00086,
        "counts": [5923, 6742],
        "matrix": [[980, 2], [3, 1135]],
        "inputs": {"raw pixels": 12345.6, "weight decay 0.001": 0.5, "reference: 30 epochs": -0.25},
        "undefined": None,
        "remark": MARKUP,
        "braces": "{mnist/04_evaluation|metrics/n_test|,}",
    },
    "timings": {"chapter_seconds": 185.4, "peak_memory_bytes": 512 * 2**20},
    "provenance": {
        "python": "3.11.7",
        "versions": {"torch": "2.14.1"},
        "cpu": MARKUP,
        "system": "Linux",
        "cores": 2,
        "threads": 1,
        "date": "2026-01-02T03:04:05+00:00",
        "commit": "abc1234",
        "data_hash": "c65580678af9",
    },
}


def write_results(folder: Path, content: dict[str, Any], chapter: str = CHAPTER) -> None:
    path = folder / "results" / f"{chapter}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


class Site:
    """A tiny book in a folder: pages read with the settings of the real one."""

    def __init__(self, folder: Path, pages: dict[str, str], **settings: Any) -> None:
        self.folder = folder
        pages = {"index": "# Home\n\n```{toctree}\n:glob:\n**\n```\n", **pages}
        for name, text in pages.items():
            path = folder / "site" / (name if Path(name).suffix else f"{name}.md")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        config = {
            "extensions": ["myst_nb", "measured", "diagrams"],
            "nb_execution_mode": BOOK["execute"]["execute_notebooks"],
            "myst_enable_extensions": BOOK["parse"]["myst_enable_extensions"],
            "myst_fence_as_directive": BOOK["sphinx"]["config"]["myst_fence_as_directive"],
            "measured_results": BOOK["sphinx"]["config"]["measured_results"],
            "html_theme": "basic",
            "html_theme_options": {"repository_url": REPOSITORY},
            **settings,
        }
        conf = "".join(f"{key} = {value!r}\n" for key, value in config.items())
        (folder / "site" / "conf.py").write_text(conf)

    def build(self) -> str:
        """Build what is out of date, and return the warnings."""
        app = SphinxTestApp("html", srcdir=self.folder / "site", builddir=self.folder / "build")
        try:
            app.build()
            warnings = strip_colors(app.warning.getvalue())
            return warnings.replace("WARNING: unsupported theme option 'repository_url' given\n", "")
        finally:
            app.cleanup()

    def page(self, name: str) -> BeautifulSoup:
        path = self.folder / "build" / "html" / f"{name}.html"
        return BeautifulSoup(path.read_text(), "html.parser")


def real_page(name: str) -> str:
    """A page of the book, without its links to pages and works that a tiny book lacks."""
    text = (ROOT / "book" / f"{name}.md").read_text()
    return re.sub(r"\[([^]]*)\]\([^){]*\)|\{(?:cite[:\w]*|ref)\}`[^`{]*`", r"\1", text)


def advice(*effects: str, where: str = "numbers") -> str:
    """A table of advice with one group."""
    rows = [{"advice": f"Advice {i}.", "where": where, "effect": effect} for i, effect in enumerate(effects)]
    return yaml.safe_dump([{"group": "Data & more", "rows": rows}])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Everything in order: two chapters, advice, tables, a diagram, and a page after it without one."""
    pages = {
        "book/advice": real_page("advice"),
        "book/advice.yml": advice(
            "Accuracy {mnist/04_evaluation|metrics/test_accuracy|.2%} on\n  "
            "{mnist/04_evaluation|metrics/n_test|,} images.",
            "Said {mnist/04_evaluation|metrics/remark|}.",
            "No number.",
        ),
        "diagram": f"# Diagram\n\n```mermaid\n{DIAGRAM}```\n",
        f"notebooks/{CHAPTER}": "(numbers)=\n# Counting\n\nText.\n\n## Last section\n\nMore.\n",
        f"notebooks/{OTHER}": f"# More counting\n\nProse: {TYPED}\n",
        **{f"notebooks/{name}": f"# {name}\n" for name in (FEATURES, NETWORKS)},
        "plain": '# Plain\n\n```html\n<pre class="mermaid">only shown</pre>\n```\n',
        "book/intro": real_page("intro"),
        "book/status": real_page("status"),
    }
    made = Site(tmp_path_factory.mktemp("book"), pages, smartquotes=True)
    write_results(made.folder, RESULTS)
    write_results(made.folder, RESULTS | {"notebook": REPEATED}, REPEATED)
    write_results(made.folder, RESULTS | {"parameters": {"dataset": "mnist", "remark": TYPED}}, OTHER)
    model = {"accuracy": 0.98765, "low": 0.98, "high": 0.99, "n_test": 10_000}
    models = {data: {"features": model, "convolution": model} for data in ("MNIST", "CIFAR-10")}
    seeds = {data: [0.9881, 0.9879, 0.9887] for data in models}
    write_results(made.folder, RESULTS | {"metrics": {"models": models}}, BOUGHT)
    write_results(made.folder, RESULTS | {"metrics": {"test_accuracy_over_seeds": seeds}}, FEATURES)
    write_results(made.folder, RESULTS, NETWORKS)
    assert made.build() == ""
    return made


def rows_of(soup: BeautifulSoup) -> list[list[str]]:
    return [[cell.get_text().strip() for cell in row.select("td")] for row in soup.select("tbody tr")]


# Numbers in sentences


@pytest.fixture
def env(tmp_path: Path) -> Any:
    """The part of Sphinx's environment that reading results takes."""
    write_results(tmp_path, RESULTS)
    dependencies: list[str] = []
    return SimpleNamespace(
        srcdir=tmp_path / "site",
        config=SimpleNamespace(measured_results="../results"),
        docname="page",
        note_dependency=dependencies.append,
        dependencies=dependencies,
    )


@pytest.mark.parametrize(
    ("sentence", "filled"),
    [
        ("It is {mnist/04_evaluation|metrics/test_accuracy|.2%}, no less.", "It is 92.65 %, no less."),
        ("{mnist/04_evaluation|metrics/matrix/1/0|d}", "3"),
        ("{mnist/04_evaluation|metrics/inputs/reference: 30 epochs|+.3f}", "-0.250"),
        ("{mnist/04_evaluation|timings/chapter_seconds|.0f}", "185"),
        (
            "From {mnist/04_evaluation|metrics/counts/0|d} to {mnist/04_evaluation|metrics/n_test|,}.",
            "From 5923 to 10,000.",
        ),
        ("A {set} of {a|b}, |x|, {a|b|c|d} and {}.", "A {set} of {a|b}, |x|, {a|b|c|d} and {}."),
        ("{mnist/04_evaluation|metrics/braces|}", "{mnist/04_evaluation|metrics/n_test|,}"),
    ],
)
def test_every_number_is_found_by_its_path_and_filled_in_once_and_other_braces_are_left_alone(
    env: Any, sentence: str, filled: str
) -> None:
    assert fill_in(env, sentence) == filled
    read = [str(Path(env.srcdir).parent / "results" / f"{CHAPTER}.json")]
    assert sorted(set(env.dependencies)) == ([] if filled == sentence else read)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("metrics/absent|d", "no such value .*absent"),
        ("metrics/counts/2|d", "no such value .*out of range"),
        ("metrics/undefined|.2f", "no such value .*it is undefined"),
        ("metrics/remark|.2f", "no such value .*format code"),
        ("parameters/seed|d", "no such value .*parameters"),
    ],
)
def test_a_value_that_is_not_there_is_an_error_that_names_it(env: Any, path: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"{re.escape(path)}.*{problem}"):
        fill_in(env, f"Before {{{CHAPTER}|metrics/n_test|,}}, then {{{CHAPTER}|{path}}}.")
    with pytest.raises(ValueError, match=r"06_absent\.json.*make book"):
        fill_in(env, "So {mnist/06_absent|metrics/x|d}.")


def test_durations_are_written_in_minutes_and_seconds() -> None:
    assert list(map(provenance.minutes, (59.4, 59.6, 3_725))) == ["59 s", "1 min 00 s", "62 min 05 s"]


# Results on pages


def test_advice_becomes_a_section_with_a_table_that_links_to_where_it_is_taught(site: Site) -> None:
    page = site.page("book/advice")
    assert page.select_one("section:has(#advice-data-more) > h2") is not None
    first, second, third = rows_of(page)
    assert first == ["Advice 0.", "Counting", "Accuracy 92.65 % on 10,000 images."]
    assert second[2] == f"Said {MARKUP}."
    assert third[2] == "No number."
    links = {str(link["href"]) for link in page.select("td a")}
    assert links == {"../notebooks/mnist/04_evaluation.html#numbers"}


def test_a_results_table_has_a_row_for_each_evaluation(site: Site) -> None:
    (table,) = site.page("book/intro").select("table.measured")
    row, other, *beyond = rows_of(table)
    assert row[:-1] == [
        "Handwritten digits, MNIST",
        "92.65 % of 10,000",
        "[92.12 %, 93.14 %]",
        "2 times: 92.59 % on average, standard deviation 0.09 percentage points",
    ]
    assert row[-1].startswith("93 %")
    assert [other[0], *other[1:-1]] == ["Colour photographs, CIFAR-10", *row[1:-1]]
    none = "\N{EN DASH}"
    for anew, (_, *cells) in zip(["3 times: 98.79 % to 98.87 %"] * 2 + [none] * 2, beyond, strict=True):
        assert cells == ["98.77 % of 10,000", "[98.00 %, 99.00 %]", anew, none]
    links = [str(link["href"]) for link in table.select("td a")]
    pages = [CHAPTER, OTHER, FEATURES, FEATURES, NETWORKS, NETWORKS]
    assert links == [f"../notebooks/{name}.html" for name in pages]


def test_the_status_page_has_a_row_for_each_chapter(site: Site) -> None:
    (table,) = site.page("book/status").select("table.status")
    assert [cell.get_text() for cell in table.select("thead th")][-1] == "Finished"
    ran = ["3 min 05 s", "512 MiB", "1 on 2 cores", "2026-01-02 03:04:05 UTC"]
    assert rows_of(table) == [[title, *ran] for title in (FEATURES, NETWORKS, "More counting", "Counting")]
    (link,) = site.page("book/status").select("p > a[href*=tree]")
    assert (link["href"], link.get_text()) == (f"{REPOSITORY}/tree/abc1234", "abc1234")


def test_the_status_page_shows_commits_where_they_differ(tmp_path: Path) -> None:
    pages = {f"notebooks/{name}": f"# About {name[:5]}\n" for name in (CHAPTER, OTHER)}
    made = Site(tmp_path, {**pages, "book/status": real_page("status")})
    write_results(tmp_path, RESULTS)
    edited = {**RESULTS["provenance"], "commit": "def5678-dirty"}  # type: ignore[dict-item]
    write_results(tmp_path, {**RESULTS, "provenance": edited}, OTHER)
    assert made.build() == ""
    (table,) = made.page("book/status").select("table.status")
    assert [cell.get_text() for cell in table.select("thead th")][-2:] == ["Finished", "Commit"]
    assert [(row[0], row[-1]) for row in rows_of(table)] == [
        ("About cifar", "edited after def5678"),
        ("About mnist", "abc1234"),
    ]
    assert "Commit:" not in made.page("book/status").get_text()


def test_a_chapter_ends_with_the_box_that_says_where_its_numbers_come_from(site: Site) -> None:
    page = site.page(f"notebooks/{CHAPTER}")
    box = page.select_one(".provenance")
    assert box is not None
    assert len(page.select(".provenance")) == 1
    assert not box.find_all_next("h2")
    labels = [label.get_text().rstrip(":") for label in box.select("dt")]
    values = [" ".join(value.get_text().split()) for value in box.select("dd")]
    assert dict(zip(labels, values, strict=True)) == {
        "Parameters": f"dataset = mnist, seed = 7, remark = {MARKUP}",
        "Seed": "7",
        "Data": "mnist, fingerprint c65580678af9",
        "Versions": "Python 3.11.7, torch 2.14.1",
        "Processor": f"{MARKUP} (Linux)",
        "Run time": "3 min 05 s",
        "Peak memory": "512 MiB",
        "Threads": "1 on 2 cores",
        "Finished": "2026-01-02 03:04:05 UTC",
        "Commit": "abc1234",
    }
    assert not site.page("plain").select(".provenance")


@pytest.mark.parametrize("name", DATASETS)
def test_the_box_names_the_data_that_a_chapter_loaded(name: str) -> None:
    loaded = datasets.load(name).fingerprint
    assert provenance.describe_data(loaded) == f"{name}, fingerprint {loaded}"
    assert provenance.describe_data(f"{loaded.partition(':')[0]}:6").startswith(f"{name}, ")
    assert provenance.describe_data("none") == "none"
    assert "not in the catalogue" in provenance.describe_data("0123456789ab")


def test_values_keep_their_quotes_and_dashes_although_prose_gets_typographic_ones(site: Site) -> None:
    body = site.page(f"notebooks/{OTHER}").select_one("section")
    assert body is not None
    assert TYPED not in body.select("p")[0].get_text(), "nothing was to be seen: prose kept its quotes, too"
    assert f"remark = {TYPED}" in body.select(".provenance dd")[0].get_text()


@pytest.mark.parametrize("commit", ["abc1234567", "v0.1.0-3-gabc1234567", "v0.1.0"])
def test_the_commit_is_linked_and_an_edited_tree_is_called_so(commit: str) -> None:
    address = f"{REPOSITORY}/tree/{commit.rpartition('-g')[2]}"
    assert provenance.describe_commit(commit, REPOSITORY) == ("", commit, address)
    assert provenance.describe_commit(f"{commit}-dirty", REPOSITORY) == ("edited after ", commit, address)
    unknown = ("not known: executed outside a git repository", "", "")
    assert provenance.describe_commit("unknown", REPOSITORY) == unknown
    refused = "unknown (git: detected dubious ownership)"
    assert provenance.describe_commit(refused, REPOSITORY) == (
        "not known (git: detected dubious ownership)",
        "",
        "",
    )


def test_the_sentence_on_all_chapters_adds_up_and_names_every_machine_once() -> None:
    machine = f"{MARKUP}, 2 cores, Linux"
    first = SimpleNamespace(timings=RESULTS["timings"], provenance=RESULTS["provenance"])
    later = {**RESULTS["provenance"], "date": "2026-01-03T00:00:00+00:00", "cpu": "Other"}  # type: ignore[dict-item]
    third = SimpleNamespace(timings={"chapter_seconds": 60.0}, provenance=later)
    assert provenance.say_status([first]) == (
        f"1 chapter, 3 min 05 s of run time in all. Finished: 2026-01-02 03:04:05 UTC. Machine: {machine}."
    )
    assert provenance.say_status([third, first, first]) == (
        "3 chapters, 7 min 11 s of run time in all. "
        "Finished: 2026-01-02 03:04:05 UTC to 2026-01-03 00:00:00 UTC. "
        f"Machines: {machine}; Other, 2 cores, Linux."
    )


@pytest.mark.parametrize("name", [f"notebooks/{CHAPTER}", "book/advice", "book/status"])
def test_text_from_results_that_looks_like_markup_stays_text(site: Site, name: str) -> None:
    body = site.page(name).select_one("div.body")
    assert body is not None
    assert MARKUP in body.get_text()
    (shown,) = body.select(".provenance, table:not(.status), p:-soup-contains('in all')")
    assert not shown.select("script, strong, b, .math, a[href=y]")


def test_a_page_follows_when_results_change(tmp_path: Path) -> None:
    pages = {
        "advice": "(numbers)=\n" + real_page("advice"),
        "advice.yml": advice(f"Of {{{CHAPTER}|metrics/n_test|,}}."),
    }
    made = Site(tmp_path, pages)
    for count, shown in ((10_000, "Of 10,000."), (26_032, "Of 26,032.")):
        write_results(tmp_path, {**RESULTS, "metrics": {"n_test": count}})
        assert made.build() == ""
        assert rows_of(made.page("advice"))[0][2] == shown
    (tmp_path / "site" / "advice.yml").write_text(advice("Now without."))
    assert made.build() == ""
    assert rows_of(made.page("advice"))[0][2] == "Now without."


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, str]:
    """What an author may get wrong, and the warnings of the build."""
    pages = {
        "advice": "# Advice\n\n{{ advice.fill_in(env, '" + f"{{{CHAPTER}|metrics/absent|,}}" + "') }}\n",
        "misspelt": "# Misspelt\n\n\n\n{{ sources.read_results(env, 'mnist/04_evaluation').absent }}\n",
        "diagram": "# Diagram\n\n```mermaid\nflowchart LR\n    accTitle: No description\n    a --> b\n```\n",
        f"notebooks/{CHAPTER}": "# Evaluation\n",
        "notebooks/mnist/05_absent": "# Absent\n",
    }
    made = Site(tmp_path_factory.mktemp("broken"), pages)
    write_results(made.folder, RESULTS)
    return made, made.build()


def test_the_build_warns_of_every_mistake(broken: tuple[Site, str]) -> None:
    for expected in (
        r"advice\.md:3: WARNING: .*\{mnist/04_evaluation\|metrics/absent\|,\}: no such value.*`make book`",
        r"misspelt\.md:5: WARNING: UndefinedError: .*no attribute 'absent'",
        r"05_absent.*WARNING: no results at .*05_absent\.json",
        r"diagram.*ERROR: a diagram needs an accDescr line",
    ):
        assert len(re.findall(expected, broken[1])) == 1, broken[1]
    assert len(re.findall("WARNING|ERROR", broken[1])) == 4, broken[1]


# The ledger


LEDGER_CHAPTERS = ("claims/01_first", "claims/02_second")
LEDGER_ANCHORS = "".join(f"(claim-{id})=\n## Section {id}\n\nText.\n\n" for id in range(1, 51))


def made_up_ledgers(ids: range = range(1, 51)) -> list[Ledger]:
    """Two chapters' claims. All hold but some.

    7 has markup, 9 takes time, 11 is mixed, 12 fails, 13 cannot be tested, 14 is open, 15 is once corrected.
    """
    ledgers = [Ledger(MADE_UP_RULES), Ledger(MADE_UP_RULES)]
    for id in ids:
        ledgers[id > 25].record(id, **made_up_parts(id))  # the second chapter has the later ones
    return ledgers


def made_up_rules() -> Rulebook:
    share = PartRule("share {number}", above(0.5), datetime.date(2026, 1, 1), True, "most")
    count = dataclasses.replace(share, what="count {number}", rule=below(2), exact="a count")
    one = {
        id: ClaimRules(f"statement {id}", "M" if id < 26 else "C", "data", "all", {"a": share})
        for id in range(1, 51)
    }
    markup = dataclasses.replace(
        share, what=MARKUP.replace("{", "{{").replace("}", "}}"), digits=0, exact=MARKUP
    )
    one[7] = ClaimRules(MARKUP, "M", "errors", "all", {"a": dataclasses.replace(markup, rule=above(0))})
    one[9] = dataclasses.replace(one[9], kind="timing")
    one[11] = dataclasses.replace(one[11], parts={"a": share, "b": count}, logic="alternatives")
    nothing = dataclasses.replace(share, what="minima", rule=None, digits=0, exact="a count", reason=MARKUP)
    one[13] = dataclasses.replace(one[13], parts={"a": nothing})
    return Rulebook(one, {}, (), rules.read().sha256)


MADE_UP_RULES = made_up_rules()


def made_up_parts(id: int) -> dict[str, Any]:
    value, reach = {12: (0.25, 0.0625), 14: (0.75, 0.5), 15: (0.75, 0.245)}.get(id, (0.75, 0.0625))
    share = Measurement(value, value - reach, value + reach, n=10_000, of_what="images", names={"number": id})
    if id == 7:
        return {"a": Measurement(1, n=5, of_what=MARKUP), "remark": MARKUP}
    if id == 11:
        return {"a": share, "b": Measurement(3, n=4, of_what="seeds", names={"number": id})}
    return {"a": Measurement(1, n=1, of_what="losses") if id == 13 else share}


def results_with(ledger: Ledger, **more: Any) -> dict[str, Any]:
    content = copy.deepcopy(RESULTS) | more
    content["metrics"] |= {"claims": ledger.entries("metric"), "rules_sha256": ledger.rulebook.sha256}
    content["timings"]["claims"] = ledger.entries("timing")
    return content


def ledger_site(folder: Path, ledgers: list[Ledger], **pages: str) -> Site:
    anchors = LEDGER_ANCHORS.split("(claim-26)=")
    chapters = {f"notebooks/{LEDGER_CHAPTERS[0]}": f"# First\n\n{anchors[0]}"}
    chapters[f"notebooks/{LEDGER_CHAPTERS[1]}"] = f"# Second\n\n(claim-26)={anchors[1]}"
    made = Site(folder, {"claims": real_page("claims"), **chapters, **pages})
    for chapter, ledger in zip(LEDGER_CHAPTERS, ledgers, strict=True):
        write_results(folder, results_with(ledger), chapter)
    return made


def ledger_rows(site: Site) -> dict[str, Tag]:
    """Rows of the ledger by the claim's number, in their order."""
    return {
        str(row["id"]).removeprefix("ledger-"): row for row in site.page("claims").select("li.ledger-row")
    }


def words_of(tag: Tag) -> str:
    return " ".join(tag.get_text().split())


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A ledger with every claim, as it should be, and a chapter elsewhere whose "claims" are none of its."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "read", lambda: MADE_UP_RULES)
        ledgers, other = made_up_ledgers(), f"notebooks/{CHAPTER}"
        made = ledger_site(tmp_path_factory.mktemp("ledger"), ledgers, **{other: "# Evaluation\n"})
        write_results(made.folder, results_with(ledgers[0]))
        write_results(made.folder, RESULTS, "claims/00_none")  # measures no claim, and was judged by no rules
        (made.folder / "site" / "notebooks" / "claims" / "00_none.md").write_text("# None\n")
        assert made.build() == ""
        yield made


def test_the_ledger_has_a_row_for_each_claim_with_a_link_to_where_it_is_measured(fifty: Site) -> None:
    rows = ledger_rows(fifty)
    assert sorted(rows, key=int) == [str(id) for id in range(1, 51)]
    assert len(fifty.page("claims").select("li.ledger-row")) == 50
    claim, (numbers,) = rows["1"].select_one(".ledger-claim"), rows["1"].select(".ledger-numbers")
    assert claim and words_of(claim) == "✓Claim 1 Statement 1"
    assert words_of(numbers) == "0.75 [0.69, 0.81] above 0.5"
    details = rows["1"].select_one(".ledger-details")
    assert details and "Source M, theme data." in words_of(details)
    assert "Share 1: 0.75, 95 % interval [0.69, 0.81], n = 10,000 images." in words_of(details)
    assert "above 0.5: most. Written on 2026-01-01, when results were known." in words_of(details)
    assert rows["9"]["data-verdict"] == "holds", "a timing claim is read from the timings"
    assert (rows["30"]["data-source"], rows["7"]["data-theme"]) == ("C", "errors")
    for id, row in rows.items():
        (link,) = row.select("a")
        assert link["href"] == f"notebooks/{LEDGER_CHAPTERS[int(id) > 25]}.html#claim-{id}"
        assert words_of(link) == f"measured here: claim {id}"


def test_parts_of_a_claim_carry_letters_and_their_own_verdicts(fifty: Site) -> None:
    row = ledger_rows(fifty)["11"]
    assert [words_of(part) for part in row.select(".ledger-part")] == [
        "a 0.75 [0.69, 0.81] above 0.5",
        "b 3.00 below 2",
    ]
    first, second = row.select(".ledger-one")
    assert words_of(first).startswith("a. Share 11: 0.75, 95 % interval [0.69, 0.81], n = 10,000 images. ")
    assert words_of(second).startswith("b. Count 11: 3.00, no interval (a count), n = 4 seeds. ")
    assert words_of(second).endswith("Verdict ✗ does not hold")
    assert "readings of one statement (alternatives)" in words_of(row)


def test_a_verdict_has_a_sign_a_word_and_a_class_and_holm_opens_its_mark(fifty: Site) -> None:
    found = {
        "1": ("✓ holds", "holds"),
        "11": ("◐ mixed", "mixed"),
        "12": ("✗ does not hold", "fails"),
        "13": ("? cannot be tested", "untestable"),
        "14": ("○ not settled", "unsettled"),
        "15": ("✓ holds", "holds"),
    }
    rows = ledger_rows(fifty)
    for id, (word, name) in found.items():
        row = rows[id]
        plain, corrected = row.select(".ledger-details > p .verdict")
        assert (words_of(plain), plain["class"]) == (word, ["verdict", name])
        assert words_of(corrected) == ("○ not settled" if id == "15" else word)
        assert row["data-verdict"] == name
        assert row["data-holm"] == ("open" if id == "15" else "stands")
        assert len(row.select(".ledger-lane.open")) == len(row.select(".ledger-opened")) == (id == "15")
        (group,) = [tag for tag in row.parents if "ledger-group" in tag.get("class", [])]
        title = group.select_one("h3")
        assert title and words_of(title).lower().startswith(word)


def test_rows_stand_on_one_scale_sorted_by_verdict_and_depth(fifty: Site) -> None:
    rows = ledger_rows(fifty)
    order = list(rows)
    assert order[-5:] == ["15", "11", "14", "12", "13"], "of those that hold, 15 lies least inside"

    def lane(id: str) -> Tag:
        (found,) = rows[id].select(".ledger-lane")
        return found

    def at(depth: float) -> float:
        return 50 + 44 * math.asinh(depth / 2) / math.asinh(5)

    # An estimate of 0.75 with an arm of 0.0625 lies four arms above the bound, 0.5; 0.25 as many below.
    for id, depth in (("1", 4), ("12", -4), ("14", 0.5)):
        mark, arm = lane(id).select_one("use.point"), lane(id).select_one("line.arm")
        assert mark and arm
        places = [float(str(value).rstrip("%")) for value in (arm["x1"], mark["x"], arm["x2"])]
        assert places == pytest.approx([at(depth - 1), at(depth), at(depth + 1)], abs=0.01)
    assert not lane("7").select("line.arm"), "a count has no interval"
    assert lane("7").select_one('use.point[x="97.5%"]')
    assert not lane("13").select("use") and lane("13").get_text().strip() == "?"


def test_verdicts_are_counted_above_the_rows(fifty: Site) -> None:
    counts = "Of 50 claims, 46 hold, 1 does not hold, 1 is mixed, 1 is not settled and 1 cannot be tested."
    after = "45 hold, 1 does not hold, 1 is mixed, 2 are not settled and 1 cannot be tested."
    page = fifty.page("claims")
    (text,) = [words_of(tag) for tag in page.select("p") if words_of(tag).startswith("Of 50 claims")]
    assert text.startswith(f"{counts} After Holm") and text.endswith(f"s correction, {after}")
    choices = {tag["value"]: words_of(tag.parent) for tag in page.select(".ledger input") if tag.parent}
    assert choices["holds"] == "✓ holds 46" and choices["open"] == "open 1" and choices["C"].endswith(" 25")
    assert choices["data"] == "data 49" and choices["timing"] == "timing 0"


def test_text_of_a_claim_that_looks_like_markup_stays_text(fifty: Site) -> None:
    row = ledger_rows(fifty)["7"]
    assert row.select_one(".ledger-text")
    assert words_of(row.select_one(".ledger-text") or row) == f"Claim 7 {MARKUP}"
    finding = row.select_one(".ledger-one p")
    assert finding and words_of(finding) == f"{MARKUP}: 1, no interval ({MARKUP}), n = 5 {MARKUP}."
    assert f"none: {MARKUP}" in words_of(ledger_rows(fifty)["13"])
    assert not fifty.page("claims").select(".ledger :is(script, strong, code, em, .math, a[href=y])")


def test_what_a_rule_was_and_what_went_stands_in_the_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = MADE_UP_RULES.claims[2]
    part = dataclasses.replace(one.parts["a"], was="above nothing", date=datetime.date(2026, 1, 2))
    gone = Dropped(3, "another share", "above 1", datetime.date(2026, 1, 3), "the source never said it")
    claims = {**MADE_UP_RULES.claims, 2: dataclasses.replace(one, parts={"a": part})}
    book = dataclasses.replace(MADE_UP_RULES, claims=claims, dropped=(gone,))
    monkeypatch.setattr(rules, "read", lambda: book)
    made = ledger_site(tmp_path, made_up_ledgers())
    assert made.build() == ""
    rows = ledger_rows(made)
    assert "Written on 2026-01-02, when results were known. Before above nothing. " in words_of(rows["2"])
    assert "Dropped on 2026-01-03: another share. Rule above 1. Why The source never" in words_of(rows["3"])
    links = [(link.get_text(), link["href"]) for link in made.page("claims").select('p a[href^="#ledger-"]')]
    assert links == [("2", "#ledger-2"), ("3", "#ledger-3")]


def test_missing_doubled_and_unreadable_claims_and_missing_sections_are_warned_of(tmp_path: Path) -> None:
    first, second = made_up_ledgers(range(2, 50))
    second.record(5, **made_up_parts(5))
    made = ledger_site(tmp_path, [first, second])
    content = results_with(second)
    content["metrics"]["claims"][-1]["parts"][0]["low"] = "small"  # claim 49
    content["metrics"]["rules_sha256"] = "0" * 64
    write_results(tmp_path, content, LEDGER_CHAPTERS[1])
    chapter = tmp_path / "site" / "notebooks" / f"{LEDGER_CHAPTERS[0]}.md"
    chapter.write_text(chapter.read_text().replace("(claim-3)=\n", ""))
    warnings = made.build()
    for expected in (
        r"claims.*WARNING: claims/02_second: .* claim 49 cannot be read.*make book(?s:.{1,90})small",
        r"claims.*WARNING: claims/02_second: judged by other rules .*make book",
        r"claims.*WARNING: recorded in no chapter: claim 1, 49 and 50; each needs",
        r"claims.*WARNING: recorded more than once: claim 5; each needs",
        r"claims.*WARNING: undefined label: 'claim-3'",
    ):
        assert len(re.findall(expected, warnings)) == 1, warnings
    assert warnings.count("WARNING") == 5, warnings
    ids = sorted(int(str(row["id"])[7:]) for row in made.page("claims").select("li.ledger-row"))
    assert ids[:6] == [2, 3, 4, 5, 5, 6]


# Diagrams


def test_a_fence_becomes_a_diagram_with_its_source_as_text(site: Site) -> None:
    (diagram,) = site.page("diagram").select("pre.mermaid")
    assert diagram.get_text() == DIAGRAM.rstrip("\n")
    assert not diagram.find_all(True), "the source has become markup"


def scripts_of(soup: BeautifulSoup) -> list[str]:
    """What concerns diagrams among a page's scripts: addresses and code."""
    scripts = [str(script.get("src") or script.get_text()) for script in soup.select("script")]
    return [script for script in scripts if "mermaid" in script]


def test_the_script_is_loaded_and_started_on_pages_with_a_diagram_and_on_no_other(site: Site) -> None:
    address, start = scripts_of(site.page("diagram"))
    assert re.fullmatch(r"_static/mermaid\.min\.js(\?v=\w+)?", address)
    assert "startOnLoad: true" in start and "securityLevel: 'strict'" in start
    for name in ("index", "book/advice", f"notebooks/{CHAPTER}", "plain", "book/intro"):
        assert scripts_of(site.page(name)) == []


def test_a_diagram_without_a_description_is_not_drawn(broken: tuple[Site, str]) -> None:
    page = broken[0].page("diagram")
    assert not page.select("pre.mermaid") and scripts_of(page) == []


def test_diagrams_refuse_a_book_in_which_plain_fences_would_not_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(ExtensionError, match="myst_fence_as_directive"):
        Site(tmp_path, {}, myst_fence_as_directive=[]).build()


# Scripts


def test_scripts_are_pinned_by_version_size_and_checksum() -> None:
    for package, script in vendor.SCRIPTS:
        assert re.fullmatch(r"[0-9a-f]{64}", script.sha256)
        assert re.fullmatch(r"\w+@\d+\.\d+\.\d+", package.spec)
        assert 0 < script.size < package.size


@pytest.mark.fault(80)
def test_scripts_that_cannot_be_fetched_are_told_and_offline_opens_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTORIAL_OFFLINE", "1")
    monkeypatch.setattr("subprocess.Popen", lambda *args, **options: pytest.fail("npm was started"))
    monkeypatch.setattr("socket.socket", lambda *args, **options: pytest.fail("a socket was opened"))
    monkeypatch.setattr("sys.argv", ["vendor.py", str(tmp_path)])
    with pytest.raises(
        SystemExit, match=r"error: (.|\n)*tex-svg\.js is missing(.|\n)*nothing is fetched when offline"
    ):
        runpy.run_path(vendor.__file__, run_name="__main__")


@pytest.mark.fault(80)
def test_scripts_come_from_a_second_source_where_the_registry_is_unreachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(vendor.ensure, "ensure", lambda files, folder, sources: asked.append(sources))
    vendor.fetch_scripts(tmp_path)
    for (_, source), (_, script), place in zip(
        asked,
        vendor.SCRIPTS,
        ("mathjax@3.2.2/es5/tex-svg.js", "mermaid@11.4.1/dist/mermaid.min.js"),
        strict=True,
    ):
        assert source.by_hand([script]) == f"download https://cdn.jsdelivr.net/npm/{place}"


def test_scripts_are_the_ones_that_the_pages_load() -> None:
    fetched = {script.name for _, script in vendor.SCRIPTS}
    assert fetched == {diagrams.SCRIPT, BOOK["sphinx"]["config"]["mathjax_path"]}


# A sweep on a page

SWEEP_PAGE = f"{real_page('sweep')}\nSee {{numref}}`fig-sweep`.\n"
SWEEP_LOSSES = {0.01: [0.50, 0.40, 0.45], 0.1: [0.30, 0.22, 0.27], 1.0: [0.33, 0.20, 0.31]}


def write_sweep(folder: Path, losses: dict[float, list[float | None]]) -> Path:
    """Write the table that a sweep leaves behind; a point without a loss failed."""
    rows = ["learning_rate,seed,status,reason,seconds,validation_loss,validation_accuracy"]
    for rate, values in losses.items():
        for seed, loss in enumerate(values):
            ending = "failed,it broke,,," if loss is None else f"finished,,2.5,{loss},{1 - loss}"
            rows.append(f"{rate},{seed},{ending}")
    path = folder / "sweeps" / "book" / "results.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_sweep_becomes_a_sentence_a_table_and_a_figure(tmp_path: Path) -> None:
    site = Site(tmp_path, {"about/sweep": SWEEP_PAGE}, numfig=True)
    path = write_sweep(tmp_path, SWEEP_LOSSES)
    assert site.build() == ""
    page = site.page("about/sweep")
    text = page.get_text(" ")
    # By hand: means 0.45, 0.79/3, 0.28; differences to the second 0.2, 0.18, 0.18 and 0.03, -0.02, 0.04.
    assert "Of 9 runs, none failed" in text
    assert "lowest mean validation loss, 0.2633 over 3 seeds, came with learning rate 0.1." in text
    assert "At 0.01 it is 0.1867 higher" in text
    assert "[+0.1580, +0.2154], n = 3 seeds), so the interval tells the two apart" in text
    assert "At 1 it is 0.0167 higher" in text
    assert "so the interval does not tell the two apart" in text
    rows = rows_of(page)
    assert [row[0] for row in rows] == ["0.01", "0.1", "1"]
    assert [row[2] for row in rows] == ["0.4500", "0.2633", "0.2800"]
    assert rows[0][3:5] == ["0.0500", "[0.3258, 0.5742]"]  # 0.45 and 4.3027 times 0.05 / sqrt(3)
    assert rows[0][5] == "0.5500"
    (image,) = page.select("figure#fig-sweep img")
    drawn = (tmp_path / "build" / "html" / "about" / str(image["src"])).resolve()
    assert drawn.read_bytes().startswith(b"\x89PNG")
    assert page.select_one("figure#fig-sweep figcaption") is not None
    assert page.select_one('a[href="#fig-sweep"]') is not None

    assert not site.page("index").select("figure")
    before = drawn.stat().st_mtime_ns
    assert site.build() == ""
    assert drawn.stat().st_mtime_ns == before  # nothing changed, nothing was drawn
    path.unlink()
    write_sweep(tmp_path, {0.01: [0.1], 0.1: [0.3]})
    assert site.build() == ""
    page = site.page("about/sweep")
    assert "At 0.1 it is 0.2000 higher, from one seed alone" in page.get_text(" ")
    single = ["none", "none: one seed"]
    assert rows_of(page)[0] == ["0.01", "1", "0.1000", *single, "0.9000", *single]


@pytest.mark.fault(94)
def test_a_sweep_with_failed_runs_names_them_and_compares_what_all_have(tmp_path: Path) -> None:
    site = Site(tmp_path, {"sweep": SWEEP_PAGE}, numfig=True)
    write_sweep(tmp_path, {0.01: [0.5, 0.1], 0.1: [None, 0.2], 1.0: [None, None]})
    assert site.build() == ""
    text = site.page("sweep").get_text()
    assert "Of 6 runs, 3 failed. At 0.1, seed 0 gave no validation loss. At 1, seeds 0, 1 gave no" in text
    # Over its own seeds, 0.1 has the lower mean.
    assert "0.1000 over 1 seed (those at every value compared: 1), came with learning rate 0.01." in text
    assert [row[:4] for row in rows_of(site.page("sweep"))] == [
        ["0.01", "2", "0.3000", "0.2828"],
        ["0.1", "1, without 0", "0.2000", "none"],
        ["1", "0, without 0, 1", "none", "none"],
    ]
    write_sweep(tmp_path, {0.01: [0.5, None], 0.1: [None, 0.2]})
    assert site.build() == ""
    assert "so none is called the lowest" in site.page("sweep").get_text()


def test_a_sweep_that_is_not_there_warns(tmp_path: Path) -> None:
    site = Site(tmp_path, {"sweep": SWEEP_PAGE})
    warning = site.build()
    assert "No such file" in warning and "make book" in warning
    write_sweep(tmp_path, {0.01: [None, None]})
    assert "no point has a seed and validation_loss" in site.build()
