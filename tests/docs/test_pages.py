"""What the pages list is what the code has: options, reasons of skipped lines, extras, renamed keys."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
import yaml

import transliconet
from transliconet.corpus.selection import REASONS
from transliconet.corpus.skipped import REMEDIES
from transliconet.romanizers.registry import ROMANIZERS

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
CHANGELOG = ROOT / "CHANGELOG.md"
NAME = re.compile(r"[a-z][a-z0-9_]+")
OPTION = re.compile(r"(?<![\w/.+])([a-z_]+(?:\.[a-z_0-9]+)+)(?=[=\s`,;:)\]'\"|]|$)", re.M)
INNER = re.compile(r"^  - /(\w+)@(\w+):", re.M)
"""How ``defaults:`` puts a group into a section: ``/task@task: classification``."""
FILE = re.compile(r".*\.(md|npz|py|yaml|jsonl?)")


def keys_in(node: object, prefix: str = "") -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, inner in node.items():
            key = f"{prefix}.{name}" if prefix else str(name)
            yield key
            yield from keys_in(inner, key)


@cache
def option_keys() -> set[str]:
    """Every key that a command takes."""
    keys = set()
    for file in CONF.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        everywhere = file.parent == CONF or text.startswith("# @package _global_")
        prefix = "" if everywhere else file.parent.name
        content = yaml.safe_load(text) or {}
        keys.update(keys_in(content, prefix))
        for inner, name in INNER.findall(text):  # a group inside a section of its own
            for other in CONF.glob(f"{inner}/*.yaml"):
                nested = yaml.safe_load(other.read_text(encoding="utf-8"))
                keys.update(keys_in({name: nested}, prefix))
    return keys


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_a_page_names_exists(page: Path) -> None:
    keys = option_keys()
    sections = {key.split(".")[0] for key in keys if "." in key}
    text = page.read_text(encoding="utf-8")
    if page == CHANGELOG:
        text = re.sub(r"^\|.*", "", text, flags=re.M)  # the table of renamed keys
    named = {key for key in OPTION.findall(text) if key.split(".")[0] in sections}
    missing = {key for key in named - keys if not FILE.fullmatch(key)}
    assert missing == set()


@pytest.mark.parametrize("file", sorted((ROOT / "bench").glob("*.py")), ids=lambda f: f.name)
def test_every_option_that_a_bench_sets_exists(file: Path) -> None:
    keys = option_keys()
    sections = {key.split(".")[0] for key in keys if "." in key}
    set_ = set()
    for text in constants(ast.parse(file.read_text(encoding="utf-8"))):
        if found := re.match(r"([a-z_]+(?:\.[a-z_0-9]+)+)=", text):
            set_.add(found[1])
    known = {key for key in set_ if key.split(".")[0] in sections}
    assert {key for key in known - keys if not key.endswith("_target_")} == set()


def test_renamed_keys_are_gone_and_their_new_names_exist() -> None:
    keys = option_keys()
    rows = re.findall(r"^\| [a-z, ]+ \| (.+?) \| (.+?) \|$", CHANGELOG.read_text("utf-8"), re.M)
    assert len(rows) > 20
    for old, new in rows:
        for key in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)", old):
            assert key not in keys, f"{key} is still there"
        for key in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)", new):
            assert key in keys, f"{key} does not exist"


def constants(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def reasons_in(tree: ast.AST) -> Iterator[str]:
    """Reasons that code gives: of a Skip, of an entry of skipped.jsonl, or returned as such."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called == "Skip" and len(node.args) > 3:
                yield from constants(node.args[3])
            elif called == "_entry":
                yield from constants(node.args[1])
        elif isinstance(node, ast.Assign) and "reason" in ast.unparse(node.targets[0]):
            if not isinstance(node.value, ast.Call):
                yield from constants(node.value)
        elif isinstance(node, ast.FunctionDef) and node.name in REASON_FUNCTIONS:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield from constants(inner.value)


REASON_FUNCTIONS = ("__call__", "_cleaned", "_parse", "_reason", "_reason_to_drop")


def corpus_code() -> list[ast.AST]:
    files = sorted((ROOT / "transliconet" / "corpus").rglob("*.py"))
    # a file that shows reasons, and gives none
    return [ast.parse(f.read_text("utf-8")) for f in files if f.stem != "evaluation_sets"]


def test_the_corpus_page_lists_every_reason_to_skip_a_line() -> None:
    page = (ROOT / "docs" / "corpus.md").read_text(encoding="utf-8")
    table = page[page.index("| reason | the line |") :]
    cells = re.findall(r"^\| (`[^|]*) \|", table, re.M)
    listed = re.findall(r"`([a-z0-9_]+)`", " ".join(cells))
    assert len(listed) == len(set(listed))
    given, written = set(REASONS.values()), set()
    for tree in corpus_code():
        given.update(reasons_in(tree))
        written.update(constants(tree))
    reasons = {reason for reason in given if NAME.fullmatch(reason)} | set(REMEDIES)
    assert {"too_long", "duplicate", "identical", "wrong_type", "fuzzy"} <= reasons
    assert reasons - set(listed) == {"romanizer_fallback"}
    assert "`romanizer_fallback`" in table
    assert set(listed) <= written, "a reason that the code does not know"


ABBREVIATION = re.compile(r"\b[A-Za-z]*[A-Z][A-Za-z]*[A-Z][A-Za-z0-9]*\b")
EVERYDAY = ["CSV", "TSV", "JSON", "HTML", "GB", "GPUs", "DD", "HH", "MM", "SS"]
PLACEHOLDERS = [
    "FILE",
    "FILES",
    "FOLDER",
    "NAME",
    "OUT",
    "RUN",
    "SENTENCE",
    "SET",
    "SIDE",
    "SPLIT",
    "MyTask",
]
NAMES_OF_OTHERS = ["BERT", "DistilBERT", "SIB200Classification"]


def test_the_glossary_has_every_abbreviation_of_the_help() -> None:
    """Names of models may be on the page about architectures."""
    pages = [ROOT / "docs" / name for name in ("glossary.md", "architectures.md")]
    known = {*EVERYDAY, *PLACEHOLDERS, *NAMES_OF_OTHERS}
    for page in pages:
        known.update(re.findall(r"[A-Za-z0-9]+", page.read_text(encoding="utf-8")))
    used = set()
    for file in CONF.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        comments = re.findall(r"#(.*)", text)
        headers = re.findall(r"header: \|-\n((?: {6,}.*\n|\n)*)", text)
        used.update(ABBREVIATION.findall(" ".join([*comments, *headers])))
    assert len(used) > 50
    assert used - known == set()


def test_the_overview_links_every_page() -> None:
    docs = ROOT / "docs"
    overview = (docs / "index.md").read_text(encoding="utf-8")
    for page in docs.rglob("*.md"):
        address = page.relative_to(docs).as_posix()
        assert address == "index.md" or f"]({address})" in overview


def test_the_quickstart_lists_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
    table = page[page.index("| extra | for |") :]
    cells = re.findall(r"^\| (`[^|]*) \|", table, re.M)
    assert set(re.findall(r"`([a-z-]+)`", " ".join(cells))) == set(project["optional-dependencies"])


def test_the_python_page_lists_every_public_name() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    table = page[page.index("| name | |") : page.index("<!-- api")]
    cells = re.findall(r"^\| (`tn[^|]*) \|", table, re.M)
    listed = set(re.findall(r"`tn\.(\w+)`", " ".join(cells)))
    assert listed == set(transliconet.__all__) - {"__version__"}


def test_the_page_of_romanizers_lists_every_one() -> None:
    page = (ROOT / "docs" / "romanizer.md").read_text(encoding="utf-8")
    table = page[page.index("| value |") : page.index("other packages come with")]
    cells = re.findall(r"^\| (`[^|]*) \|", table, re.M)
    assert set(re.findall(r"`([\w-]+)`", " ".join(cells))) == set(ROMANIZERS)
