"""mkdocs hook: pages that read well in a repository become pages of the site.

The sources in docs/ are plain Markdown, whose links lead to files of the repository. In the site,

- ``<!-- api: NAME … -->`` becomes the documentation of these functions, modules and packages;
- ARCHITECTURE.md and its like are pages, too;
- a link to a file of conf/ leads to the configuration reference;
- a link to any other file outside docs/ is its text.
"""

import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))
from reference import COMMANDS, home_of

ROOT = Path(__file__).parents[2]
ROOT_PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
API = re.compile(r"<!-- api: (.*?) -->", re.S)
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s]+)\)")
CODE = re.compile(r"(```.*?```)", re.S)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by mkdocs with the files of docs/; the pages of the repository's root join them."""
    for name in ROOT_PAGES:
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Called by mkdocs with the Markdown of every page."""
    source = page.file.src_uri
    in_repository = source if source in ROOT_PAGES else f"docs/{source}"
    parts = CODE.split(markdown)
    for index in range(0, len(parts), 2):  # the odd ones are code
        parts[index] = relink(parts[index], in_repository, source)
    return API.sub(lambda found: api(found[1].split()), "".join(parts))


def relink(text: str, in_repository: str, in_site: str) -> str:
    """The text with its links as the site has them."""

    def replace(found: re.Match[str]) -> str:
        label, address = found.groups()
        path, _, anchor = address.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(in_repository), path))
        if target == "README.md":
            anchor = ""  # the overview has other headings
        there = place_in_site(target)
        if there is None:
            return label
        relative = posixpath.relpath(there, posixpath.dirname(in_site) or ".")
        return f"[{label}]({relative}{'#' + anchor if anchor else ''})"

    return LINK.sub(replace, text)


def place_in_site(target: str) -> str | None:
    """The page of the site that shows a file of the repository; None if there is none."""
    if target in ROOT_PAGES:
        return target
    if target == "README.md":
        return "index.md"
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    if target == "conf":
        return "reference/index.md"
    if target.startswith("conf/"):
        name = target.removeprefix("conf/").removesuffix(".yaml")
        command = name if name in COMMANDS else home_of(name.split("/")[0])
        return f"reference/{command}.md"
    return None


def api(names: list[str]) -> str:
    """The directives that mkdocstrings turns into documentation."""
    wanted = [module for name in names for module in modules(name)]
    directives = "\n\n".join(f"::: {name}" for name in wanted)
    return f"## Functions and classes\n\n{directives}"


def modules(name: str) -> Iterator[str]:
    """The modules of a package; any other name as it is."""
    folder = ROOT / name.replace(".", "/")
    if not folder.is_dir() or name == "transliconet":
        yield name
        return
    for file in sorted(folder.glob("[a-z]*.py")):
        yield f"{name}.{file.stem}"
