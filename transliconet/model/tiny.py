"""A small XLM-R made from scratch, tokenizer and all: for demonstrations, tests and controlled
experiments.
"""

import io
import unicodedata
from collections.abc import Sequence

import sentencepiece
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForMaskedLM

from transliconet.errors import ConfigError, Option, require_range
from transliconet.model.encoder import Encoder

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def train_tokenizer(
    texts: Sequence[str], vocab_size: int, max_subword_length: int = 16, positions: int = 512
) -> PreTrainedTokenizerFast:
    """A Unigram tokenizer with XLM-R's specials, template and ``▁`` convention, trained on
    ``texts`` by SentencePiece.

    The same texts give the same tokenizer (which the trainer of ``tokenizers`` does not promise).

    Args:
        texts: both views of the training part.
        vocab_size: number of subwords, special tokens included. Every character of the texts is
            one, whatever the size.
        max_subword_length: in characters; 1 gives a character tokenizer.
        positions: ``model_max_length`` of the tokenizer.
    """
    unknown = SPECIALS.index("<unk>")
    subwords = _unigram_subwords(texts, vocab_size - len(SPECIALS), max_subword_length)
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


def _unigram_subwords(
    texts: Sequence[str], number: int, max_subword_length: int
) -> list[tuple[str, float]]:
    """Subwords and log-probabilities, most probable first; fewer than ``number`` where the texts
    have fewer.
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
    return [
        (trained.id_to_piece(i), trained.get_score(i)) for i in range(1, trained.get_piece_size())
    ]


def tiny_encoder(
    texts: Sequence[str],
    vocab_size: int = 8000,
    max_subword_length: int = 16,
    hidden_size: int = 128,
    layers: int = 2,
    heads: int = 4,
    positions: int = 128,
    seed: int = 0,
) -> Encoder:
    """An untrained XLM-R of the given size over a tokenizer trained on ``texts``.

    Raises:
        ConfigError: ``hidden_size`` is not a multiple of ``heads``.
    """
    for option, value in (
        ("hidden_size", hidden_size),
        ("layers", layers),
        ("heads", heads),
        ("vocab_size", vocab_size),
    ):
        require_range(option, value, least=1)
    if hidden_size % heads:
        raise ConfigError(
            Option("hidden_size", hidden_size),
            f"not a multiple of heads={heads}",
            "Change one",
            code="TLN-CONFIG-402",
        )
    tokenizer = train_tokenizer(texts, vocab_size, max_subword_length, positions)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden_size,
        max_position_embeddings=positions + 2,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Encoder(XLMRobertaForMaskedLM(config), tokenizer, "tiny").eval()
