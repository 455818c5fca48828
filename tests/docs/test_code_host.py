"""The pages can be read where they lie, in the repository: no directive of the site's builder stands
in for content, and every link leads to a file and a heading that are there.
"""

import re
from pathlib import Path

import pytest

from tests.test_floors import FLOORS

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)\s]+)\)")
DIRECTIVES = re.compile(r"^(:::|!!!|\?\?\?|=== )|--8<--|^: ", re.M)
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)


def anchors(page: Path) -> set[str]:
    """The addresses of a page's headings, as code hosts make them."""
    found = set()
    for heading in re.findall(r"^#+ (.*)", prose(page), re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.replace(" ", "-"))
    return found


@pages
def test_no_directive_stands_in_for_content(page: Path) -> None:
    assert not DIRECTIVES.search(prose(page))
    assert len(prose(page)) > 500


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for address in LINK.findall(prose(page)):
        path, _, anchor = address.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {address}"
        assert ROOT in [target, *target.parents]
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {address}"


@pytest.mark.parametrize("package", ["objectives", "probe", "vocab"])
def test_the_api_pages_name_every_module(package: str) -> None:
    page = (ROOT / "docs" / "api" / f"{package}.md").read_text(encoding="utf-8")
    for file in (ROOT / "transliconet" / package).glob("[a-z]*.py"):
        assert f"(../../transliconet/{package}/{file.name})" in page


def test_the_architecture_has_the_floors() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", page, re.M)
    drawn = {int(number): set(re.findall(r"`(\w+)`", names)) for number, names in rows}
    assert drawn == dict(enumerate(FLOORS, start=1))


def test_the_readme_shows_every_package() -> None:
    tree = (ROOT / "README.md").read_text(encoding="utf-8").split("```")
    shown = next(block for block in tree if block.startswith("\ntransliconet/"))
    for package in (ROOT / "transliconet").glob("*/__init__.py"):
        assert f"  {package.parent.name}/ " in shown or package.parent.name == "conf"


def test_accuracies_are_told_in_one_place() -> None:
    """A page that repeats the summary grows stale when the summary changes. The diary in
    docs/research has its own runs.
    """
    home = ROOT / "docs" / "measurements.md"
    text = home.read_text(encoding="utf-8")
    summary = text[text.index("## Summary") : text.index("## The recommended recipe")]
    rows = re.findall(r"^\|.*\d.*\|$", summary, re.M)
    figures = set(re.findall(r"\b\d\d\.\d\b", "\n".join(rows)))
    assert len(figures) > 15
    others = [*PAGES, *(ROOT / "conf").rglob("*.yaml"), *(ROOT / "notebooks").glob("*.ipynb")]
    for file in others:
        if file != home and "research" not in file.parts:
            repeated = figures & set(re.findall(r"\b\d\d\.\d\b", file.read_text("utf-8")))
            # one figure may be equal by chance, such as a learning rate's factor of 10.0
            assert len(repeated) < 2, f"{file.name}: {repeated}"


def test_the_readme_trains_the_recommended_recipe_first() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.search(r"^transliconet train .*", readme, re.M)
    assert first is not None
    assert "experiment=recommended" in first[0]
