"""The site builds without a warning and without a network; its generated pages have every key and
every docstring.
"""

import ast
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
import yaml

import transliconet
from transliconet.cli.app import COMMANDS

pytest.importorskip("mkdocs")
ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
CONF_FILES = sorted(f.relative_to(CONF) for f in CONF.rglob("*.yaml"))
PURE = ("objectives", "vocab", "probe")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; whatever asked for a network would meet a closed port."""
    out = tmp_path_factory.mktemp("site")
    closed = dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", out],
        cwd=ROOT,
        env={**os.environ, **closed, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    return out


def text_of(page: Path) -> str:
    """What a reader sees of a page, in one line; equations are left out."""
    html = page.read_text(encoding="utf-8")
    html = re.sub(
        r"<(math|script|style).*?</\1>",
        "",
        html[html.index("<article") : html.index("</article")],
        flags=re.S,
    )
    html = re.sub(
        r"<[^>]+>", "", html.replace("</td>", " ").replace("¶", " ").replace("&para;", " ")
    )
    return " ".join(unescape(html).split())


def test_every_page_is_there_and_none_loads_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    sources = [f.relative_to(ROOT / "docs") for f in (ROOT / "docs").rglob("*.md")]
    assert {str(f.with_suffix(".html")) for f in sources} <= {
        str(f.relative_to(site)) for f in pages
    }
    for page in pages:
        loads = re.findall(
            r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"?([^\s\">]+)", page.read_text()
        )
        assert loads
        assert not [address for address in loads if re.match(r"(https?:)?//", address)]
    assert not list(site.rglob("*.py"))


def leaves(node: object, prefix: str = "") -> list[str]:
    if isinstance(node, dict) and node:
        return [
            leaf
            for key, value in node.items()
            for leaf in leaves(value, f"{prefix}.{key}" if prefix else str(key))
        ]
    return [prefix] if prefix else []


def command_described_in(site: Path, file: Path) -> str:
    """The command on whose page a file of ``conf/`` has its section."""
    if not file.parent.name:
        return file.stem
    anchor = f'id="{file.parent.name}-{file.stem}"'
    for command in COMMANDS:
        page = (site / "reference" / f"{command}.html").read_text(encoding="utf-8")
        if anchor in page:
            return command
    raise AssertionError(f"no page has a section for {file}")


@pytest.mark.parametrize("file", CONF_FILES, ids=str)
def test_the_reference_has_every_key_and_every_comment(site: Path, file: Path) -> None:
    pages = {command: text_of(site / "reference" / f"{command}.html") for command in COMMANDS}
    text, group = (CONF / file).read_text(encoding="utf-8"), file.parent.name
    page = pages[command_described_in(site, file)]
    prefix = "" if not group or text.startswith("# @package _global_") else f"{group}."
    shown = set(page.split())
    left_out = ("defaults",) if group else ("defaults", "hydra")
    for key in leaves({k: v for k, v in (yaml.safe_load(text) or {}).items() if k not in left_out}):
        if not key.split(".")[-1].startswith("_"):
            assert prefix + key in shown
    own = text if group else text.split("\nhydra:")[0]
    for target in re.findall(r"_target_: (\S+)", own):
        assert target in page
    for comment in re.findall(r"(?:^|\s)#\s?(.*)", text):
        if not comment.startswith("@package"):
            assert " ".join(comment.split()).replace("`", "") in page.replace(
                "`", ""
            )  # shown as code, or as it is


def test_a_new_key_and_its_comment_appear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "hooks")
    import reference

    file = tmp_path / "new.yaml"
    file.write_text(
        "# What it is,\n# at length.\na: {b: 1, c: [x, y]}  # of c\nd: '#1'  # first\n              # second\ne:\n"
    )
    found = reference.read(file)
    assert found.about == "What it is, at length."
    assert [(o.key, o.default, o.comment) for o in found.options] == [
        ("a.b", "1", ""),
        ("a.c", "[x, y]", "of c"),
        ("d", "'#1'", "first"),
        ("e", "null", ""),
    ]
    file.write_text("d: 1  # first\n      # second\ne: 2\n")
    assert [o.comment for o in reference.read(file).options] == ["first second", ""]


def public_names(file: Path) -> list[str]:
    """Public functions and classes of a module that have a docstring."""
    return [
        node.name
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node)
    ]


@pytest.mark.parametrize("package", PURE)
def test_the_api_pages_have_every_public_function(site: Path, package: str) -> None:
    html = (site / "api" / f"{package}.html").read_text(encoding="utf-8")
    for file in sorted((ROOT / "transliconet" / package).glob("[a-z]*.py")):
        for name in public_names(file):
            assert f'id="transliconet.{package}.{file.stem}.{name}"' in html


def test_the_notebook_names_are_described(site: Path) -> None:
    html = (site / "python.html").read_text(encoding="utf-8")
    for name in transliconet.__all__:
        assert name == "__version__" or f'id="transliconet.{name}"' in html


def test_docstrings_and_equations_are_rendered_not_shown_as_they_are_written(site: Path) -> None:
    for page in [*site.glob("*.html"), *(site / "api").glob("*.html")]:
        for math in re.findall(r"<math.*?</math>", page.read_text(encoding="utf-8"), re.S):
            assert "\\" not in math
        text = re.sub(r"<(pre|code)\b.*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.S)
        assert not re.search(
            r":(?:math|func|class|mod|data|attr|meth):|\.\. math|arithmatex|\\frac|&gt;&gt;&gt;|``",
            text,
        )
    docstrings = [
        f.read_text(encoding="utf-8")
        for package in (*PURE, "documents")  # its metrics are on the page of the probe
        for f in (ROOT / "transliconet" / package).glob("*.py")
    ]
    blocks = sum(text.count(".. math::") for text in docstrings)
    api = "".join(f.read_text(encoding="utf-8") for f in (site / "api").glob("*.html"))
    assert blocks >= 8
    assert api.count('display="block"') == blocks
    assert '<a class="autorefs autorefs-internal"' in api
