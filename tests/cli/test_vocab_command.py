"""``transliconet vocab`` with several pairs folders."""

from collections.abc import Callable
from pathlib import Path

from transformers import AutoTokenizer

from transliconet.pairs import PairsFolder


def test_text_of_every_pairs_folder_is_protected(
    encoder_folder: Path, cldr_pairs: PairsFolder, cli_here: Callable, tmp_path: Path
) -> None:
    # Latin text that romanized subwords would split in another way
    lines = ["the gorod of moskva", "kazakhstan and belarus", "the rubl and the grivna"]
    (tmp_path / "dan_Latn.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = cli_here("prepare", "corpus=text", "corpus.paths=[dan_Latn.txt]", "out=danish")
    assert done.status == 0, done.err

    def tokenized_by(pairs: str, out: str) -> list[list[str]]:
        done = cli_here("vocab", f"encoder.path={encoder_folder}", f"pairs={pairs}", f"out={out}")
        assert done.status == 0, done.err
        assert ("dan_Latn" in done.out) == ("danish" in pairs)
        tokenizer = AutoTokenizer.from_pretrained(str(tmp_path / out))
        return [tokenizer.tokenize(line) for line in lines]

    before = AutoTokenizer.from_pretrained(str(encoder_folder))
    expected = [before.tokenize(line) for line in lines]
    assert tokenized_by(str(cldr_pairs.path), "one") != expected
    assert tokenized_by(f"[{cldr_pairs.path},danish]", "two") == expected
