"""Writes docs/errors.md, the catalogue of error codes, from the calls that make the errors.

Run ``python docs/hooks/error_catalogue.py`` after adding or changing one.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "errors.md"
ERRORS = (
    "ConfigError",
    "DataError",
    "CheckpointError",
    "TrainingError",
    "StorageError",
    "Interrupted",
)
UNKNOWN = "…"
"""Stands for what is only known when the error occurs."""
HEAD = """# Error codes

Every error that a change of input or configuration can fix has a code that stays the same from
version to version. The command line prints `error: GIVEN: PROBLEM. REMEDY [CODE]`; in Python the
exception has the attributes `given`, `problem`, `remedy` and `code`. Match codes, not messages.
`…` stands for what is only known when the error occurs.

This page is made from the code by `python docs/hooks/error_catalogue.py`.
"""


@dataclass(frozen=True)
class ErrorSite:
    """One call that makes an error, or a row (problem, remedy, code) of a table of errors.

    Args:
        package: of ``transliconet``, such as ``corpus``.
        module: with the package, such as ``corpus.scan``.
        line: of the call.
        kind: class of the error; empty in a table.
        code: None where it is not a constant string.
        given, problem, remedy: its texts.
    """

    package: str
    module: str
    line: int
    kind: str
    code: str | None
    given: str
    problem: str
    remedy: str


def error_sites(package: Path = ROOT / "transliconet") -> Iterator[ErrorSite]:
    """Every call in the package that makes one of :data:`ERRORS`."""
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        tree = ast.parse(file.read_text(encoding="utf-8"))
        texts = _assigned_texts(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ERRORS:
                kind, code, arguments = _parts_of_call(node)
            elif isinstance(node, ast.Tuple) and _is_code(node.elts[-1:]):
                kind = ""
                *arguments, code = [ast.Constant(UNKNOWN), *node.elts]
            else:
                continue
            if isinstance(code, ast.Name):
                continue  # from a table, whose rows are found by themselves
            given, problem, remedy = [_text(argument, texts) for argument in arguments]
            yield ErrorSite(
                package=parts[0],
                module=".".join(parts),
                line=node.lineno,
                kind=kind,
                code=str(code.value) if isinstance(code, ast.Constant) else None,
                given=given,
                problem=problem,
                remedy=remedy,
            )


def _parts_of_call(call: ast.Call) -> tuple[str, ast.expr | None, list[ast.expr]]:
    """Class, code and the three texts of a call that makes an error."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    assert isinstance(call.func, ast.Name)
    return call.func.id, keywords.get("code"), call.args[:3]


def _is_code(nodes: list[ast.expr]) -> bool:
    return any(isinstance(n, ast.Constant) and str(n.value).startswith("TLN-") for n in nodes)


def _assigned_texts(tree: ast.Module) -> dict[str, ast.expr]:
    """Name → the expression that a file assigns to it; of several, the last."""
    texts = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            texts[node.targets[0].id] = node.value
    return texts


def _text(node: ast.expr, texts: dict[str, ast.expr], depth: int = 3) -> str:
    """What an expression says, with :data:`UNKNOWN` for its variable parts."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, texts, depth) for part in node.values)
    if isinstance(node, ast.Name) and node.id in texts and depth:
        return _text(texts[node.id], texts, depth - 1)
    is_option = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Option"
    if is_option and isinstance(node, ast.Call):
        return f"{_text(node.args[0], texts, depth)}={UNKNOWN}"
    return UNKNOWN


def catalogue() -> str:
    """The page: one table for each package."""
    sites = sorted(error_sites(), key=lambda site: (site.package, site.code or ""))
    lines = [HEAD]
    package = ""
    for site in sites:
        if site.package != package:
            package = site.package
            heading = ["| code | given | problem | remedy |", "|:--|:--|:--|:--|"]
            lines += [f"\n## {package}\n", *heading]
        cells = [_cell(text) for text in (site.given, site.problem, site.remedy)]
        lines.append(f"| `{site.code}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(catalogue(), encoding="utf-8")
