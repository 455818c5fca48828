"""A vocabulary method of one's own, named on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

METHOD = '''
from transliconet.vocab.apply import extend
from transliconet.vocab.base import VocabularyChange
from transliconet.vocab.merge import NewSubword

class AddWords:
    """Adds words of one's own; each starts from the row of the unknown token."""
    def __init__(self, words):
        self.words = words

    def __call__(self, encoder, inputs):
        source = (encoder.tokenizer.unk_token_id,)
        new = [NewSubword("▁" + word, -1.0, source) for word in self.words]
        return VocabularyChange(extend(encoder, new), {"added": len(new)})
'''


def test_a_method_of_ones_own(
    cli_here: Callable, encoder_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_method.py").write_text(METHOD, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    done = cli_here(
        "vocab",
        f"encoder.path={encoder_folder}",
        "method=none",
        "+method._target_=my_method.AddWords",
        "+method.words=[zzxq,qqzz]",
        "out=extended",
    )
    assert done.status == 0, done.err
    assert "added" in done.out
    tokenizer = json.loads((tmp_path / "extended" / "tokenizer.json").read_text(encoding="utf-8"))
    assert [subword for subword, _ in tokenizer["model"]["vocab"]][-2:] == ["▁zzxq", "▁qqzz"]
    assert "AddWords" in (tmp_path / "extended" / "README.md").read_text(encoding="utf-8")
