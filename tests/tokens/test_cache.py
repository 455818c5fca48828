"""The token cache: made once, keyed by what it depends on, and never in the way."""

import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.tokens import cache
from transliconet.tokens.cache import cached_token_ids
from transliconet.tokens.tokenize import TokenizedPairs, tokenize_pairs


@pytest.fixture
def folder(cldr_pairs: PairsFolder, tmp_path: Path) -> PairsFolder:
    """A copy without a cache."""
    shutil.copytree(cldr_pairs.path, tmp_path / "pairs", ignore=shutil.ignore_patterns("cache"))
    return PairsFolder.open(tmp_path / "pairs")


def same(a: TokenizedPairs, b: TokenizedPairs) -> bool:
    return a.truncated == b.truncated and all(
        np.array_equal(x.values, y.values) and np.array_equal(x.offsets, y.offsets)
        for x, y in ((a.native, b.native), (a.romanized, b.romanized))
    )


def test_the_cache_holds_what_tokenizing_gives(folder: PairsFolder, encoder: Encoder) -> None:
    rows = folder.split("train", skip_unchanged=True)
    expected = tokenize_pairs(
        encoder.tokenizer, rows["text"].to_pylist(), rows["romanized"].to_pylist(), 12
    )
    assert expected.truncated > 0
    assert same(cached_token_ids(folder, encoder.tokenizer, 12), expected)


def test_a_second_run_does_not_tokenize(
    folder: PairsFolder, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cached_token_ids(folder, encoder.tokenizer, 48)
    monkeypatch.setattr(cache, "tokenize", None)
    again = cached_token_ids(PairsFolder.open(folder.path), encoder.tokenizer, 48)
    assert same(first, again)
    assert isinstance(again.native.values, np.memmap)


def test_length_languages_tokenizer_and_pairs_have_their_own_cache(
    folder: PairsFolder, encoder: Encoder, make_encoder: Callable[..., Encoder]
) -> None:
    cached_token_ids(folder, encoder.tokenizer, 48)
    cached_token_ids(folder, encoder.tokenizer, 24)
    cached_token_ids(folder, encoder.tokenizer, 48, languages=["tha_Thai"])
    cached_token_ids(folder, encoder.tokenizer, 48, skip_unchanged=False)
    cached_token_ids(folder, make_encoder(vocab_size=900).tokenizer, 48)
    manifest = folder.path / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    cached_token_ids(folder, encoder.tokenizer, 48)
    assert len(list((folder.path / "cache").glob("tokens-*"))) == 6


def test_an_interrupted_cache_is_not_used(
    folder: PairsFolder, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(cache, "tokenize", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            cached_token_ids(folder, encoder.tokenizer, 48)
    assert not [file for file in (folder.path / "cache").iterdir() if file.suffix != ".lock"]
    assert len(cached_token_ids(folder, encoder.tokenizer, 48)) > 1000


def test_a_folder_that_cannot_be_written(
    folder: PairsFolder, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = cache._write

    def refuse(place: Path, *arguments: object, **options: object) -> None:
        # by an error of our own: root can write where modes forbid it
        if place.is_relative_to(folder.path):
            raise PermissionError(13, os.strerror(13))
        make(place, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "_write", refuse)
    pairs = cached_token_ids(folder, encoder.tokenizer, 48)
    assert len(pairs) > 1000
    assert pairs.folder is not None
    assert not pairs.folder.is_relative_to(folder.path)


def test_of_jobs_at_the_same_time_one_tokenizes_and_the_others_wait(
    folder: PairsFolder, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def slow(*arguments: object, **options: object) -> None:
        made.append(arguments[0])
        time.sleep(0.5)
        make(*arguments, **options)  # type: ignore[arg-type]

    make = cache._write
    monkeypatch.setattr(cache, "_write", slow)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: cached_token_ids(folder, encoder.tokenizer, 48), range(3)))
    assert len(made) == 1
    assert same(found[0], found[1])
    assert same(found[0], found[2])
