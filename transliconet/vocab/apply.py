"""A merge plan carried out: new pieces into the tokenizer, new rows into the model."""

import json
from collections.abc import Iterable, Sequence

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from transliconet.errors import CheckpointError
from transliconet.model.encoder import Encoder
from transliconet.vocab.merge import MergePlan, NewSubword


def unigram_vocabulary(tokenizer: PreTrainedTokenizerBase) -> list[tuple[str, float]]:
    """(piece, score) by id.

    Raises:
        CheckpointError: it is not a Unigram tokenizer, or new pieces would take ids of tokens
            beyond its vocabulary.
    """
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    model = state["model"]
    if model.get("type") != "Unigram":
        raise CheckpointError(
            tokenizer.name_or_path,
            f"its tokenizer is {model.get('type')}, not Unigram",
            "Use an XLM-R-like checkpoint",
            code="TLN-CKPT-700",
        )
    if beyond := [
        token["content"] for token in state["added_tokens"] if token["id"] >= len(model["vocab"])
    ]:
        raise CheckpointError(
            tokenizer.name_or_path,
            f"its tokens {beyond[:5]} have ids beyond its Unigram vocabulary",
            "Put them into the vocabulary of tokenizer.json",
            code="TLN-CKPT-701",
        )
    return [(piece, score) for piece, score in model["vocab"]]


def used_token_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> set[int]:
    """Ids of the pieces that ``texts`` are cut into."""
    used: set[int] = set()
    for start in range(0, len(texts), 4096):
        for row in tokenizer(list(texts[start : start + 4096]), verbose=False)["input_ids"]:
            used.update(row)
    return used


def extend(encoder: Encoder, new: Sequence[NewSubword]) -> Encoder:
    """The encoder with ``new`` pieces; original ids, scores and rows stay as they are.

    New ids follow the last piece of the tokenizer. Input rows, the output rows tied to them and the
    head's bias start from the sources' mean. The encoder given is changed and must not be used on.
    """
    first = len(unigram_vocabulary(encoder.tokenizer))
    tokenizer = add_subwords(encoder.tokenizer, new)
    masked_lm = encoder.masked_lm
    rows, bias = (
        masked_lm.get_input_embeddings().weight.data.clone(),
        masked_lm.lm_head.bias.data.clone(),
    )
    size = max(first + len(new), len(rows))
    masked_lm.resize_token_embeddings(size, mean_resizing=False)
    weight, head_bias = masked_lm.get_input_embeddings().weight.data, masked_lm.lm_head.bias.data
    with torch.no_grad():
        head_bias[: len(bias)] = bias
        for id_, piece in enumerate(new, first):
            sources = list(piece.sources)
            weight[id_] = rows[sources].mean(0)
            head_bias[id_] = bias[sources].mean()
    masked_lm.config.original_vocabulary = getattr(masked_lm.config, "original_vocabulary", first)
    return Encoder(masked_lm, tokenizer, encoder.name)


def add_subwords(
    tokenizer: PreTrainedTokenizerBase, new: Iterable[NewSubword]
) -> PreTrainedTokenizerBase:
    """A copy of the tokenizer with pieces appended to its Unigram model."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    state["model"]["vocab"] += [[piece.piece, piece.score] for piece in new]
    return tokenizer_from(state, tokenizer)


def tokenizer_from(state: dict, like: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """A tokenizer from the state of a fast one, with the settings of ``like``."""
    return type(like)(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)),
        model_max_length=like.model_max_length,
        name_or_path=like.name_or_path,
        **like.special_tokens_map,
    )


def drop_subwords_used_in(
    tokenizer: PreTrainedTokenizerBase, plan: MergePlan, texts: Sequence[str]
) -> MergePlan:
    """The plan without the new pieces that would cut ``texts`` differently.

    Romanized pieces are Latin strings, so they can also change how Latin-script text is cut. Here
    every new piece that the extended tokenizer uses on ``texts`` is dropped, again and again until
    it uses none: ``texts`` are then cut as the original tokenizer cuts them.
    """
    first = len(unigram_vocabulary(tokenizer))
    new, dropped = list(plan.new), 0
    texts = list(dict.fromkeys(texts))
    if not texts:
        return plan
    while True:  # each round drops pieces, or is the last
        rows = add_subwords(tokenizer, new)(texts, add_special_tokens=False)["input_ids"]
        used = {i for ids in rows for i in ids if i >= first}
        if not used:
            break
        # A text that was cut without the pieces that go now is cut the same without them: it needs
        # no second look.
        texts = [text for text, ids in zip(texts, rows, strict=True) if not used.isdisjoint(ids)]
        new = [piece for id_, piece in enumerate(new, first) if id_ not in used]
        dropped += len(used)
    return MergePlan(
        tuple(new), {**plan.skipped, "protected": plan.skipped.get("protected", 0) + dropped}
    )


def changed_share(
    before: PreTrainedTokenizerBase, after: PreTrainedTokenizerBase, texts: Sequence[str]
) -> float:
    """Share of texts that the two tokenizers cut differently."""
    old, new = (t(list(texts), add_special_tokens=False)["input_ids"] for t in (before, after))
    return sum(a != b for a, b in zip(old, new, strict=True)) / max(len(texts), 1)
