"""Lint, format, types and spelling."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BRITISH = re.compile(
    r"(?:roman|token|normal|optim|initial|serial|recogn|organ|capital|summar|regular|general"
    r"|vector|minim|maxim|synchron|final|special|parallel|random|custom|util|visual)is(?:e[ds]?\b|ing|ation|er)",
    re.I,
)
OTHERS = ("LICENSE", "constraints.txt", "CITATION.cff")
"""Files whose words are not ours."""


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        pytest.param(["mypy"], marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_style(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_word_is_misspelt() -> None:
    codespell = shutil.which("codespell", path=str(Path(sys.executable).parent))
    if codespell is None:
        pytest.skip("codespell is not installed")
    done = subprocess.run([codespell], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_romanize_and_its_like_are_spelled_with_z() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git repository")
    wrong = []
    for name in listed.stdout.splitlines():
        file = ROOT / name
        if name in OTHERS or not file.is_file() or file == Path(__file__):
            continue
        text = file.read_text(encoding="utf-8", errors="ignore")
        wrong += [f"{name}: {found[0]}" for found in BRITISH.finditer(text)]
    assert wrong == []


def test_lines_of_the_configuration_fit_a_screen() -> None:
    long = []
    for file in sorted((ROOT / "conf").rglob("*.yaml")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > 100:
                long.append(f"{file.name}:{number}")
    assert long == []
