"""Checkpoints that ship a SentencePiece model alone, and tokenizers that cannot be changed."""

import io
from pathlib import Path

import pytest
import sentencepiece
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from tests.settings import raises
from tests.vocab.tokenizers import FAMILIES, NATIVE, encoder_with, romanize
from transliconet.errors import CheckpointError
from transliconet.model.encoder import Encoder
from transliconet.runs.hf_folder import export_encoder
from transliconet.vocab.apply import changed_share
from transliconet.vocab.base import VocabularyInputs
from transliconet.vocab.families.choose import family_of
from transliconet.vocab.reload import check_reload
from transliconet.vocab.transmi import TransMI


def sentencepiece_model(kind: str) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(NATIVE),
        model_writer=model,
        model_type=kind,
        vocab_size=70,
        hard_vocab_limit=False,
        character_coverage=1.0,
        control_symbols=["[CLS]", "[SEP]"],
        minloglevel=2,
    )
    return model.getvalue()


@pytest.mark.parametrize(
    ("model_type", "file", "kind"),
    [
        ("xlm-roberta", "sentencepiece.bpe.model", "unigram"),
        ("rembert", "sentencepiece.model", "unigram"),
        ("deberta-v2", "spm.model", "unigram"),
    ],
)
def test_a_sentencepiece_model_alone_is_enough(
    model_type: str, file: str, kind: str, tmp_path: Path
) -> None:
    made = encoder_with(FAMILIES["unigram"](NATIVE * 2, 200), model_type)
    folder = export_encoder(made, tmp_path / "checkpoint", "card")
    for of_tokenizer in folder.glob("tokenizer*"):
        of_tokenizer.unlink()
    (folder / file).write_bytes(sentencepiece_model(kind))
    made.masked_lm.resize_token_embeddings(100)
    made.masked_lm.save_pretrained(folder)
    encoder = Encoder.from_pretrained(str(folder))
    before = encoder.tokenizer
    reference = sentencepiece.SentencePieceProcessor(model_file=str(folder / file))
    for text in ("привет мир", "вода и мир"):
        assert before.tokenize(text) == reference.encode(text, out_type=str)
        row = before(text)["input_ids"]
        assert (row[0], row[-1]) == (before.cls_token_id, before.sep_token_id)
    native = [text for text in NATIVE if not text.isascii()]
    inputs = VocabularyInputs([romanize], native, {"rus_Cyrl": native})  # type: ignore[list-item]
    extended = TransMI()(encoder, inputs).encoder
    assert len(extended.tokenizer) > len(before)
    check_reload(extended, native)
    again = Encoder.from_pretrained(str(export_encoder(extended, tmp_path / "x", "card")))
    assert changed_share(before, again.tokenizer, native) == 0
    assert again.tokenizer(native)["input_ids"] == before(native)["input_ids"]
    (folder / file).write_bytes(b"not a model")
    with pytest.raises(CheckpointError) as error:
        Encoder.from_pretrained(str(folder))
    assert error.value.code in ("TLN-CKPT-406", "TLN-CKPT-407")


def bpe(**settings: object) -> PreTrainedTokenizerFast:
    vocabulary = {"[UNK]": 0, "▁": 1, "a": 2, "##a": 3, "▁a": 4}
    model = models.BPE(vocabulary, [], unk_token="[UNK]", **settings)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]")


def test_tokenizers_that_cannot_be_changed_are_refused() -> None:
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "▁a": 1}, unk_token="[UNK]"))
    with raises("TLN-CKPT-700"):
        family_of(PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]"))
    with raises("TLN-CKPT-704"):
        family_of(bpe(dropout=0.5))
    with raises("TLN-CKPT-705"):
        family_of(bpe(continuing_subword_prefix="##"))


def test_a_tokenizer_that_is_not_saved_as_it_is_is_refused() -> None:
    encoder = encoder_with(FAMILIES["wordpiece"](NATIVE, 70))
    check_reload(encoder, NATIVE)
    # its class makes the normalizer anew, from settings that do not say this
    encoder.tokenizer.backend_tokenizer.normalizer = normalizers.Replace("м", "п")
    with raises("TLN-CKPT-706"):
        check_reload(encoder, NATIVE)
