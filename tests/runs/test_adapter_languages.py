"""Languages of a few training pairs get no adapter."""

from types import SimpleNamespace
from typing import Any

import pytest

from transliconet.model.lora import LoraSettings
from transliconet.runs.adapter_languages import languages_with_adapters

COUNTS = {
    "rus_Cyrl": {"kept": 800, "heldout": 40, "identical": 2},
    "eng_Latn": {"kept": 800, "heldout": 40, "identical": 799},
    "nqo_Nkoo": {"kept": 60, "heldout": 20, "identical": 0},
}


def chosen(tags: list[str], per: str | None = "language", skip_unchanged: bool = True) -> list[str]:
    spec: Any = SimpleNamespace(
        encoder=SimpleNamespace(lora=LoraSettings(per=per)),
        pairs=SimpleNamespace(manifest={"languages": COUNTS}),
        data=SimpleNamespace(also=[], skip_unchanged=skip_unchanged),
    )
    return languages_with_adapters(spec, tags)


def test_a_language_needs_training_pairs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="transliconet")
    assert chosen([*COUNTS]) == ["rus_Cyrl"]
    assert caplog.messages == ["fewer than 50 training pairs, so no adapter: eng_Latn, nqo_Nkoo"]
    assert chosen([*COUNTS], skip_unchanged=False) == ["rus_Cyrl", "eng_Latn"]
    assert chosen(["nqo_Nkoo"]) == ["nqo_Nkoo"]  # there is nothing else
    assert chosen([*COUNTS], per=None) == []
