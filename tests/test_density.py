"""Code that can be read: short files and parameter lists, one comprehension a line and none inside
another, comments where it gets hard.
"""

from pathlib import Path

import pytest

from bench.density import Density, Places, measure, summary

PACKAGE = Path(__file__).parents[1] / "transliconet"
MOST_LINES, LEAST_LINES = 300, 30
MOST_PARAMETERS, MOST_UNNAMED = 8, 4
TINY = {"__init__.py", "__main__.py", "_version.py"}
EXEMPT = {
    "corpus/sources/hub.py": "every column of a dataset is a keyword of its own",
    "model/tiny.py": "its arguments are the keys of conf/encoder/tiny.yaml",
    "objectives/vocabulary_loss.py": "torch.autograd.Function passes its settings by position",
    "runs/fit.py": "the notebook's one call: every setting is a keyword",
}
"""File → why its parameter lists and calls may be longer."""
FILES = {
    str(file.relative_to(PACKAGE)): measure(file.read_text(encoding="utf-8"))
    for file in sorted(PACKAGE.rglob("*.py"))
    if "conf" not in file.relative_to(PACKAGE).parts
}
each_file = pytest.mark.parametrize(("name", "found"), FILES.items(), ids=FILES)


def above(places: Places, limit: int) -> Places:
    return [place for place in places if place[0] > limit]


@each_file
def test_files_are_neither_long_nor_splinters(name: str, found: Density) -> None:
    assert found.lines <= MOST_LINES
    assert found.lines >= LEAST_LINES or Path(name).name in TINY


@each_file
def test_expressions_are_unpacked(name: str, found: Density) -> None:
    assert found.nested_comprehensions == []
    assert found.crowded_lines == []
    assert found.nested_conditionals == []


@each_file
def test_parameters_and_unnamed_values_are_few(name: str, found: Density) -> None:
    if name not in EXEMPT:
        assert above(found.parameters, MOST_PARAMETERS) == []
        assert above(found.unnamed_values, MOST_UNNAMED) == []


def test_the_whole_is_not_dense() -> None:
    figures = summary(FILES)
    assert figures["comprehensions per 1,000"] < 36
    assert figures["conditional expressions per 1,000"] < 19.5
    assert figures["comments, % of code"] > 2.6


def test_what_is_dense_is_found() -> None:
    found = measure(
        "def f(self, a, b):\n"
        "    '''Not code.'''\n"
        "    x = [[c for c in d] for d in a]  # nested, two on a line\n"
        "    return g(1, 2, 3, 4, 5) if x else (1 if b else 2)\n"
    )
    assert (found.lines, found.code_lines, found.comments) == (4, 3, 1)
    assert (found.comprehensions, found.conditionals) == (2, 2)
    assert found.nested_comprehensions == [(3, "nested comprehension")]
    assert found.crowded_lines == [(3, "2 comprehensions")]
    assert found.nested_conditionals == [(4, "nested conditional expression")]
    assert found.parameters == [(2, "f")]
    assert found.unnamed_values == [(5, "line 4")]
