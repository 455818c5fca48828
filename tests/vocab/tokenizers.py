"""Small tokenizers of each family, trained in milliseconds, in encoders of one layer."""

import json
from collections.abc import Callable, Sequence

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    BertTokenizer,
    GemmaTokenizer,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
)

from transliconet.model.encoder import Encoder
from transliconet.model.load import model_class
from transliconet.model.tiny import tiny_config, train_tokenizer

NATIVE = [
    "привет мир",
    "мир и вода",
    "вода мира",
    "hello world, privacy mirror",
    "водный мир, привет!",
    "(мировая вода)",
    "да-да и нет",
] * 6
LETTERS = "привтмоданыя"
ALPHABET = dict(
    zip(LETTERS, ["p", "r", "i", "v", "t", "m", "o", "d", "a", "n", "y", "ya"], strict=True)
)
ALPHABET["е"] = "e"
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
NAMES = dict(
    zip(["bos", "pad", "eos", "unk", "mask"], SPECIALS, strict=True), cls="<s>", sep="</s>"
)


def romanize(text: str, code: str = "") -> str:
    return "".join(ALPHABET.get(letter, letter) for letter in text)


def wordpiece(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    trained.normalizer = normalizers.BertNormalizer(lowercase=False)
    trained.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=names, show_progress=False)
    trained.train_from_iterator(texts, trainer)
    return BertTokenizer(vocab=trained.get_vocab(), do_lower_case=False, model_max_length=64)


def byte_level_bpe(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size + 256,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(texts, trainer)
    return RobertaTokenizer(**_vocabulary_of(trained), model_max_length=64)


def gemma_bpe(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    trained = _trained_metaspace(texts, size)
    names = {f"{name}_token": NAMES[name] for name in ("bos", "pad", "eos", "unk", "mask")}
    return GemmaTokenizer(**_vocabulary_of(trained), **names, model_max_length=64)


def metaspace_bpe(texts: Sequence[str], size: int) -> PreTrainedTokenizerBase:
    """As of mmBERT: a file that no class of its own reads, with a word's mark at a text's start."""
    trained = _trained_metaspace(texts, size)
    trained.add_special_tokens(SPECIALS)
    names = {f"{name}_token": token for name, token in NAMES.items()}
    return PreTrainedTokenizerFast(tokenizer_object=trained, **names, model_max_length=64)


def _trained_metaspace(texts: Sequence[str], size: int) -> Tokenizer:
    trained = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.decoder = decoders.Metaspace()
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=size + 256, special_tokens=[*SPECIALS, *bytes_], show_progress=False
    )
    trained.train_from_iterator(texts, trainer)
    return trained


def _vocabulary_of(trained: Tokenizer) -> dict:
    model = json.loads(trained.to_str())["model"]
    return {"vocab": model["vocab"], "merges": [tuple(pair) for pair in model["merges"]]}


FAMILIES: dict[str, Callable[[Sequence[str], int], PreTrainedTokenizerBase]] = {
    "unigram": train_tokenizer,
    "wordpiece": wordpiece,
    "byte-level BPE": byte_level_bpe,
    "Gemma's BPE": gemma_bpe,
    "Metaspace BPE": metaspace_bpe,
}


def encoder_with(tokenizer: PreTrainedTokenizerBase, model_type: str = "bert") -> Encoder:
    config = tiny_config(model_type, len(tokenizer), 16, layers=1, heads=2)
    config.max_position_embeddings = 64
    for name in ("pad", "bos", "eos"):
        setattr(config, f"{name}_token_id", getattr(tokenizer, f"{name}_token_id"))
    torch.manual_seed(0)
    return Encoder(model_class(config).from_config(config), tokenizer, "tiny").eval()
