"""The floors of ARCHITECTURE.md: a module imports its own package or lower floors."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "transliconet"
FLOORS = (
    {"errors", "storage", "outputs", "output_file", "batch", "_version", "third_party", "progress"},
    {"romanizers", "language_tag", "language_codes", "unicode_script", "pairs"},
    {"corpus", "tokens"},
    {"data", "model"},
    {"objectives", "probe", "vocab"},
    {"train", "sweep", "downstream", "documents"},
    {"report", "benchmark"},
    {"runs"},
    {"api"},
    {"__init__"},
    {"cli"},
    {"__main__"},
)
"""From the ground up. Packages of one floor do not import each other, but for :data:`NEIGHBOURS`."""
NEIGHBOURS = {
    ("batch", "errors"),
    ("storage", "errors"),
    ("outputs", "errors"),
    ("outputs", "storage"),
    ("output_file", "errors"),
    ("output_file", "outputs"),
    ("output_file", "storage"),
    ("romanizers", "language_tag"),
    ("language_tag", "language_codes"),
    ("pairs", "language_tag"),
}
WITHOUT_TORCH = (
    "errors",
    "storage",
    "outputs",
    "pairs",
    "romanizers",
    "corpus",
    "language_tag",
    "cli.app",
    "cli.help",
    "cli.report",
    "cli.compare",
)
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}


def room(module: str) -> str:
    """``transliconet.corpus.scan`` → ``corpus``; the package itself → ``__init__``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """Modules of this package that a file imports, at its top or inside a function, with the line."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "transliconet":
            names = [
                f"transliconet.{alias.name}" if alias.name in FLOOR_OF else "transliconet"
                for alias in node.names
            ]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        yield from ((name, node.lineno) for name in names if name.split(".")[0] == "transliconet")


def test_every_module_has_a_floor() -> None:
    rooms = {room(module_name(file)) for file in PACKAGE.rglob("*.py")}
    assert rooms - FLOOR_OF.keys() == set()


def test_no_import_goes_up_or_to_a_neighbour() -> None:
    wrong = []
    for file in sorted(PACKAGE.rglob("*.py")):
        here = room(module_name(file))
        if here == "__init__":
            continue  # its names are imported when they are first used
        for module, line in imports(file):
            there = room(module)
            lower = FLOOR_OF[there] < FLOOR_OF[here]
            if not (lower or there == here or (here, there) in NEIGHBOURS):
                wrong.append(f"{file.relative_to(PACKAGE)}:{line} imports {module}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_no_torch(name: str) -> None:
    code = f"""
import importlib, pkgutil, sys
module = importlib.import_module("transliconet.{name}")
for found in pkgutil.iter_modules(getattr(module, "__path__", []), module.__name__ + "."):
    importlib.import_module(found.name)
print([m for m in ("torch", "transformers", "pytorch_lightning") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
