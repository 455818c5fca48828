"""What a wheel brings: every module, the configuration, and the mark that types can be trusted."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
BUILD = "import setuptools.build_meta as b; print(b.build_wheel('.'))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel that is built from a copy of the sources."""
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path_factory.mktemp("source")
    ignore = shutil.ignore_patterns("__pycache__")
    conf_link = ROOT / "transliconet" / "conf"
    for name in ("transliconet", "conf"):
        shutil.copytree(ROOT / name, source / name, ignore=ignore, symlinks=conf_link.is_symlink())
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    done = subprocess.run(
        [sys.executable, "-c", BUILD], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with ZipFile(source / done.stdout.split()[-1]) as archive:
        return set(archive.namelist())


def test_types_are_announced(wheel: set[str]) -> None:
    assert "transliconet/py.typed" in wheel


def test_every_module_and_every_configuration_file_is_there(wheel: set[str]) -> None:
    package = ROOT / "transliconet"
    modules = {
        str(file.relative_to(ROOT))
        for file in package.rglob("*.py")
        if "conf" not in file.relative_to(package).parts
    }
    settings = {f"transliconet/{file.relative_to(ROOT)}" for file in ROOT.glob("conf/**/*.yaml")}
    assert len(modules) > 50
    assert len(settings) > 30
    assert modules | settings <= wheel
