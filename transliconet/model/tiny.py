"""A small encoder made from scratch, with its tokenizer: for demonstrations, tests and controlled
experiments.
"""

import io
import unicodedata
from collections.abc import Sequence
from typing import Any

import sentencepiece
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, PreTrainedConfig, PreTrainedTokenizerFast

from transliconet.errors import ConfigError, Option, require_choice, require_range
from transliconet.model.encoder import Encoder
from transliconet.model.load import model_class
from transliconet.model.shapes import AFTER_PADDING, SHAPES, known_shape

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""Special tokens, in the order of their ids."""
TYPES = tuple(model_type for shape in SHAPES for model_type in shape.model_types)
"""Architectures that :func:`tiny_encoder` makes."""


def train_tokenizer(
    texts: Sequence[str], vocab_size: int, max_subword_length: int = 16, positions: int = 512
) -> PreTrainedTokenizerFast:
    """Train a Unigram tokenizer by SentencePiece, with the special tokens, the template and the
    ``▁`` convention of XLM-R's.

    The same texts give the same tokenizer. (The trainer of the package ``tokenizers`` does not
    promise that.)

    Args:
        texts: usually both views of the training part.
        vocab_size: number of tokens, special tokens included. It is exceeded where the texts have
            more characters: every character is a token.
        max_subword_length: in characters; 1 gives a character tokenizer.
        positions: ``model_max_length`` of the tokenizer, in tokens.
    """
    unknown = SPECIALS.index("<unk>")
    subwords = unigram_subwords(texts, vocab_size - len(SPECIALS), max_subword_length)
    specials = [(token, 0.0) for token in SPECIALS]
    tokenizer = Tokenizer(models.Unigram([*specials, *subwords], unk_id=unknown))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace("  ", " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        cls_token="<s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        model_max_length=positions,
    )


def unigram_subwords(
    texts: Sequence[str], number: int, max_subword_length: int
) -> list[tuple[str, float]]:
    """Subwords with their log-probabilities, the most probable first, by SentencePiece's Unigram
    trainer.

    There are fewer than ``number`` where the texts do not have that many, and more where they have
    more characters.
    """
    normalized = [unicodedata.normalize("NFKC", text) for text in texts]
    characters = len(set().union(*normalized))
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        model_type="unigram",
        vocab_size=max(number, characters + 1) + 1,
        hard_vocab_limit=False,
        character_coverage=1.0,
        max_sentencepiece_length=max_subword_length,
        max_sentence_length=1 << 20,
        normalization_rule_name="nfkc",
        unk_id=0,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    trained = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    without_unknown = range(1, trained.get_piece_size())
    return [(trained.id_to_piece(i), trained.get_score(i)) for i in without_unknown]


def tiny_encoder(
    texts: Sequence[str],
    vocab_size: int = 8000,
    max_subword_length: int = 16,
    hidden_size: int = 128,
    layers: int = 2,
    heads: int = 4,
    positions: int = 128,
    seed: int = 0,
    type: str = "xlm-roberta",
) -> Encoder:
    """An untrained encoder of a given size, with a Unigram tokenizer trained on ``texts``.

    Args:
        texts, vocab_size, max_subword_length: see :func:`train_tokenizer`.
        hidden_size: H; the feed-forward layers have 4 H.
        layers: number of transformer layers.
        heads: number of attention heads.
        positions: longest row in tokens.
        seed: of the weights.
        type: its architecture, one of :data:`TYPES`.

    Raises:
        ConfigError: a size is below 1, ``hidden_size`` is not a multiple of ``heads``, or the type
            is unknown.
    """
    require_range("hidden_size", hidden_size, least=1)
    require_range("layers", layers, least=1)
    require_range("heads", heads, least=1)
    require_range("vocab_size", vocab_size, least=1)
    require_choice("type", type, TYPES)
    if hidden_size % heads:
        raise ConfigError(
            Option("hidden_size", hidden_size),
            f"not a multiple of heads={heads}",
            "Change one",
            code="TLN-CONFIG-402",
        )
    tokenizer = train_tokenizer(texts, vocab_size, max_subword_length, positions)
    config = tiny_config(type, len(tokenizer), hidden_size, layers=layers, heads=heads)
    shape = known_shape(config)
    assert shape is not None
    unused = 2 if shape.positions == AFTER_PADDING else 0
    config.max_position_embeddings = positions + unused
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        masked_lm = model_class(config).from_config(config)
        return Encoder(masked_lm, tokenizer, "tiny").eval()


def tiny_config(
    model_type: str, vocab_size: int, hidden_size: int, *, layers: int, heads: int
) -> PreTrainedConfig:
    """The configuration of a small model of an architecture, for the tokenizer of
    :func:`train_tokenizer`.

    Args:
        model_type: one of :data:`TYPES`.
        vocab_size: number of embedding rows.
        hidden_size, layers, heads: see :func:`tiny_encoder`.
    """
    settings: dict[str, Any] = {
        "vocab_size": vocab_size,
        "hidden_size": hidden_size,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * hidden_size,
        "type_vocab_size": 1,
        "pad_token_id": SPECIALS.index("<pad>"),
        "bos_token_id": SPECIALS.index("<s>"),
        "eos_token_id": SPECIALS.index("</s>"),
        **_own_settings(model_type, hidden_size, layers, heads),
    }
    if model_type in ("modernbert", "eurobert"):
        del settings["type_vocab_size"]
    return AutoConfig.for_model(model_type, **settings)


def _own_settings(model_type: str, hidden_size: int, layers: int, heads: int) -> dict[str, Any]:
    """Settings that an architecture calls otherwise, or has beside those of the others."""
    own: dict[str, dict[str, Any]] = {
        "distilbert": {
            "dim": hidden_size,
            "hidden_dim": 4 * hidden_size,
            "n_layers": layers,
            "n_heads": heads,
        },
        "electra": {"embedding_size": hidden_size},
        "xmod": {"languages": ["all"], "default_language": "all"},
        "eurobert": {"num_key_value_heads": heads, "mask_token_id": SPECIALS.index("<mask>")},
        "modernbert": {
            "cls_token_id": SPECIALS.index("<s>"),
            "sep_token_id": SPECIALS.index("</s>"),
        },
        "deberta-v2": {
            "relative_attention": True,
            "position_buckets": 32,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
        },
        "rembert": {"input_embedding_size": hidden_size, "output_embedding_size": hidden_size},
    }
    return own.get(model_type, {})
