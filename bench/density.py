"""How dense the code is: comprehensions, conditional expressions and comments per 1,000 lines.

    python bench/density.py REVISION …

prints the figures of the package at each revision. tests/test_density.py holds the limits.
"""

import ast
import io
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
Places = list[tuple[int, str]]


@dataclass
class Density:
    """The counts of one file. Places are (line, what was found there)."""

    lines: int
    code_lines: int
    comments: int
    comprehensions: int = 0
    conditionals: int = 0
    nested_comprehensions: Places = field(default_factory=list)
    crowded_lines: Places = field(default_factory=list)
    nested_conditionals: Places = field(default_factory=list)
    parameters: Places = field(default_factory=list)
    unnamed_values: Places = field(default_factory=list)
    """Functions with their number of parameters, and calls with their number of unnamed values."""


def measure(source: str) -> Density:
    """The density of a file's source."""
    tree = ast.parse(source)
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    docstrings = docstring_lines(tree)
    code: set[int] = set()
    for token in tokens:
        if token.type not in NOT_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    comments = sum(token.type == tokenize.COMMENT for token in tokens)
    found = Density(len(source.splitlines()), len(code - docstrings), comments)
    count_nodes(tree, found)
    return found


def docstring_lines(tree: ast.AST) -> set[int]:
    """Line numbers of docstrings and other bare strings."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        is_constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_constant and isinstance(node.value.value, str):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def count_nodes(tree: ast.AST, found: Density) -> None:
    """Add the counts of a syntax tree to ``found``."""
    on_line: Counter[int] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, COMPREHENSIONS):
            found.comprehensions += 1
            on_line[node.lineno] += 1
            if has_inner(node, COMPREHENSIONS):
                found.nested_comprehensions.append((node.lineno, "nested comprehension"))
        elif isinstance(node, ast.IfExp):
            found.conditionals += 1
            if has_inner(node, (ast.IfExp,)):
                found.nested_conditionals.append((node.lineno, "nested conditional expression"))
        elif isinstance(node, FUNCTIONS):
            found.parameters.append((number_of_parameters(node), node.name))
        elif isinstance(node, ast.Call):
            found.unnamed_values.append((len(node.args), f"line {node.lineno}"))
    for line, number in sorted(on_line.items()):
        if number > 1:
            found.crowded_lines.append((line, f"{number} comprehensions"))


def has_inner(node: ast.AST, kinds: tuple[type[ast.AST], ...]) -> bool:
    """Whether ``node`` contains a node of one of these kinds."""
    inner = (isinstance(child, kinds) for child in ast.walk(node) if child is not node)
    return any(inner)


def number_of_parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Parameters of a function, without ``self`` and ``cls``."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in arguments)


def summary(files: Mapping[str, Density]) -> dict[str, float]:
    """Figures of all files together; rates are per 1,000 lines of code, docstrings left out."""
    total: Counter[str] = Counter()
    for one in files.values():
        total["lines"] += one.lines
        total["code"] += one.code_lines
        total["comments"] += one.comments
        total["comprehensions"] += one.comprehensions
        total["nested"] += len(one.nested_comprehensions)
        total["conditionals"] += one.conditionals
    rate = 1000 / total["code"]
    return {
        "files": len(files),
        "lines": total["lines"],
        "longest file": max(one.lines for one in files.values()),
        "lines of code": total["code"],
        "comprehensions per 1,000": round(rate * total["comprehensions"], 1),
        "nested comprehensions per 1,000": round(rate * total["nested"], 1),
        "conditional expressions per 1,000": round(rate * total["conditionals"], 1),
        "comments, % of code": round(100 * total["comments"] / total["code"], 2),
        "functions of over 8 parameters": over(files, "parameters", 8),
        "calls of over 4 unnamed values": over(files, "unnamed_values", 4),
    }


def over(files: Mapping[str, Density], name: str, limit: int) -> int:
    """Number of places of a kind whose number exceeds ``limit``."""
    numbers = [number for one in files.values() for number, _ in getattr(one, name)]
    return sum(number > limit for number in numbers)


def sources_at(revision: str) -> Iterator[tuple[str, str]]:
    """Name and source of every file of the package at a revision."""
    command = ["git", "ls-tree", "-r", "--name-only", revision, "transliconet"]
    names = subprocess.check_output(command, text=True).split()
    for name in names:
        if name.endswith(".py"):
            yield name, subprocess.check_output(["git", "show", f"{revision}:{name}"], text=True)


def main(revisions: list[str]) -> None:
    columns = []
    for revision in revisions:
        files = {name: measure(source) for name, source in sources_at(revision)}
        columns.append(summary(files))
    print(f"{'':36}" + "".join(f"{revision:>12}" for revision in revisions))
    for name in columns[0]:
        print(f"{name:36}" + "".join(f"{column[name]:>12}" for column in columns))


if __name__ == "__main__":
    main(sys.argv[1:])
