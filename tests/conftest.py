"""What many tests share: small real pairs, a small real encoder, and the commands as a user runs
them.
"""

import logging
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import pytest
import torch

from tests.forked import SCRIPT, ForkedCli
from tests.settings import CliHere, Finished, RunCli
from transliconet.corpus.prepare import prepare
from transliconet.corpus.recipe import Recipe, Rules
from transliconet.corpus.sources.cldr import CldrNames
from transliconet.model.encoder import Encoder
from transliconet.model.tiny import tiny_encoder
from transliconet.pairs import PairsFolder
from transliconet.romanizers.uroman import Uroman

torch.set_num_threads(1)  # the tests run in several processes already

SLOW_FIXTURES = {"run_cli", "start_cli", "site"}
SLOW_FILES = (
    "benchmark/test_mteb.py",
    "cli/test_bad_input.py",
    "cli/test_spine.py",
    "cli/test_whole_commands.py",
    "corpus/test_accounting.py",
    "corpus/test_prepare.py",
    "docs/test_notebooks.py",
    "docs/test_readme.py",
    "model/test_adapters.py",
    "model/test_shapes.py",
    "objectives/test_distributed.py",
    "objectives/test_gradcache.py",
    "runs/test_adapter_folder.py",
    "runs/test_checkpoint_settings.py",
    "runs/test_damaged.py",
    "runs/test_fit.py",
    "runs/test_folder.py",
    "runs/test_hf_folder.py",
    "runs/test_hub.py",
    "runs/test_recipes.py",
    "sweep/test_sweep.py",
    "train/test_early_stopping.py",
    "train/test_health.py",
    "train/test_resume.py",
    "train/test_sharded.py",
)
"""What ``make test-fast`` leaves out, beside single tests that are marked: what starts processes,
builds the site or trains again and again."""
LANGUAGES = ("ell_Grek", "heb_Hebr", "kat_Geor", "rus_Cyrl", "tha_Thai")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what uses a slow fixture or stands in a slow file."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if SLOW_FIXTURES.intersection(fixtures) or item.path.as_posix().endswith(SLOW_FILES):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def run_cli() -> RunCli:
    """Runs ``transliconet`` in a process of its own, which is forked: see ``tests.forked``."""

    def run(
        *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> Finished:
        process = ForkedCli(arguments, cwd, env or {})
        out, err = process.communicate()
        return Finished(cast(int, process.returncode), out, err)

    return run


@pytest.fixture(scope="session")
def start_cli() -> RunCli:
    """Runs ``transliconet`` in a new interpreter, for what depends on how it starts."""

    def run(
        *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> Finished:
        done = subprocess.run(
            [SCRIPT, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def cli_here(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CliHere:
    """Runs ``transliconet`` in this process and an empty working folder: quick, for what ends
    before training.
    """
    from transliconet.cli.app import run

    monkeypatch.chdir(tmp_path)

    def call(command: str, *overrides: str) -> Finished:
        capfd.readouterr()
        root = logging.getLogger()
        before = root.handlers[:]
        try:
            status = run(command, list(overrides))
        finally:
            # Hydra's handlers write to this test's stdout, which is closed after it
            root.handlers[:] = before
        return Finished(status, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def uroman() -> Uroman:
    return Uroman()


@pytest.fixture(scope="session")
def cldr_pairs(tmp_path_factory: pytest.TempPathFactory, uroman: Uroman) -> PairsFolder:
    """Territory and currency names of five languages in five scripts, a fifth of the ids held
    out.
    """
    reader = CldrNames(kinds=("territories", "currencies"), languages=LANGUAGES)
    out = tmp_path_factory.mktemp("cldr") / "pairs"
    return prepare(reader, uroman, out, Recipe(rules=Rules(heldout=0.2)), progress=False)


def texts_of(pairs: PairsFolder, part: str = "train") -> Sequence[str]:
    rows = pairs.split(part)
    return [*rows["text"].to_pylist(), *rows["romanized"].to_pylist()]


@pytest.fixture(scope="session")
def make_encoder(cldr_pairs: PairsFolder) -> Callable[..., Encoder]:
    """A fresh small encoder (2 layers of 32) over the pairs; keyword arguments as of
    ``tiny_encoder``.
    """

    def make(**options: Any) -> Encoder:
        sizes = {"vocab_size": 1200, "hidden_size": 32, "layers": 2, "heads": 2, "positions": 64}
        return tiny_encoder(texts_of(cldr_pairs), **{**sizes, **options}).eval()

    return make


@pytest.fixture(scope="session")
def encoder(make_encoder: Callable[..., Encoder]) -> Encoder:
    """Shared: tests must not change it."""
    return make_encoder()


@pytest.fixture(scope="session")
def encoder_folder(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared encoder as a Hugging Face folder."""
    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    encoder.masked_lm.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder
