"""A smaller vocabulary to train on, and the way back: the pieces a corpus uses, their rows put into
the full table.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel

from transliconet.errors import CheckpointError, ConfigError, require_range
from transliconet.model.encoder import Encoder
from transliconet.tokens.words import WORD_START
from transliconet.unicode_script import scripts_in
from transliconet.vocab.apply import tokenizer_from, unigram_vocabulary, used_token_ids
from transliconet.vocab.base import VocabularyInputs

ID_SETTINGS = ("bos_token_id", "pad_token_id", "eos_token_id", "mask_token_id")


def best_of_each_script(vocabulary: Sequence[tuple[str, float]], floor: int) -> set[int]:
    """Ids of the ``floor`` pieces of highest score of each script."""
    of_script: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
    for id_, (piece, score) in enumerate(vocabulary):
        for script in scripts_in(piece.removeprefix(WORD_START)):
            of_script[script].append((-score, id_))
    return {id_ for pieces in of_script.values() for _, id_ in sorted(pieces)[:floor]}


def keep_tokens(encoder: Encoder, kept: Collection[int]) -> Encoder:
    """The encoder with these pieces and the special ones alone, in their order, with the rows and
    biases they had.

    Text that needs no other piece is cut as before. The encoder given is changed and must not be
    used on.
    """
    vocabulary = unigram_vocabulary(encoder.tokenizer)
    order = sorted({*kept, *encoder.tokenizer.all_special_ids})
    number = {old: new for new, old in enumerate(order)}
    state = json.loads(encoder.tokenizer.backend_tokenizer.to_str())
    state["model"]["vocab"] = [list(vocabulary[i]) for i in order]
    state["model"]["unk_id"] = number[state["model"]["unk_id"]]
    for token in state["added_tokens"]:
        token["id"] = number[token["id"]]
    for token in (state.get("post_processor") or {}).get("special_tokens", {}).values():
        token["ids"] = [number[i] for i in token["ids"]]
    tokenizer = tokenizer_from(state, encoder.tokenizer)
    _take_rows(encoder.masked_lm, order)
    config = encoder.masked_lm.config
    for name in ID_SETTINGS:
        if getattr(config, name, None) is not None:
            setattr(config, name, number[getattr(config, name)])
    if hasattr(config, "original_vocabulary"):
        config.original_vocabulary = int(np.searchsorted(order, config.original_vocabulary))
    return Encoder(encoder.masked_lm, tokenizer, encoder.name)


def _take_rows(masked_lm: PreTrainedModel, order: Sequence[int]) -> None:
    rows = masked_lm.get_input_embeddings().weight.data[list(order)]
    bias = masked_lm.lm_head.bias.data[list(order)]
    masked_lm.resize_token_embeddings(len(order), mean_resizing=False)
    masked_lm.get_input_embeddings().weight.data.copy_(rows)
    masked_lm.lm_head.bias.data.copy_(bias)
    embeddings = masked_lm.get_input_embeddings()
    embeddings.padding_idx = order.index(masked_lm.config.pad_token_id)


@dataclass(frozen=True)
class Trim:
    """Keeps only the pieces that a corpus uses, so that the table and its optimizer state are
    small.

    Args:
        min_per_script: of every script the so many most frequent pieces stay too, whether used or
            not.

    Raises:
        ConfigError: there are no texts to keep pieces of.
    """

    min_per_script: int = 100

    def __post_init__(self) -> None:
        require_range("method.min_per_script", self.min_per_script, least=0)

    def __call__(
        self, encoder: Encoder, material: VocabularyInputs
    ) -> tuple[Encoder, dict[str, int]]:
        """The trimmed encoder, and counts of pieces; the encoder given is changed."""
        if not material.texts:
            raise ConfigError(
                "pairs=null",
                "no text to keep the pieces of",
                "Add pairs=FOLDER",
                code="TLN-CONFIG-705",
            )
        vocabulary = unigram_vocabulary(encoder.tokenizer)
        used = used_token_ids(encoder.tokenizer, [*material.texts, *material.protected])
        floor = best_of_each_script(vocabulary, self.min_per_script)
        trimmed = keep_tokens(encoder, used | floor)
        kept = len(unigram_vocabulary(trimmed.tokenizer))
        counts = {"used": len(used), "kept by min_per_script": len(floor - used), "kept": kept}
        return trimmed, {**counts, "removed": len(vocabulary) - kept}


@dataclass(frozen=True)
class Graft:
    """Puts a model that was trained on a trimmed vocabulary back into the full one.

    The layers are the trained model's; so are the rows and biases of its pieces. Every other row is
    the full model's, byte for byte. Pieces are matched by their text.

    Args:
        full: the encoder that was trimmed, folder or hub name.

    Raises:
        CheckpointError: the two are not of one shape, or the trained one has pieces that the full
            one lacks.
    """

    full: str

    def __call__(
        self, encoder: Encoder, material: VocabularyInputs
    ) -> tuple[Encoder, dict[str, int]]:
        """The full encoder with the trained weights in it, and counts of pieces."""
        full = Encoder.from_pretrained(self.full)
        ids = self._places(encoder, full)
        trained, state = encoder.masked_lm.state_dict(), full.masked_lm.state_dict()
        size = len(encoder.masked_lm.get_input_embeddings().weight)
        with torch.no_grad():
            for name, values in trained.items():
                if values.shape[:1] == (size,) and state[name].shape != values.shape:
                    state[name][ids] = values[: len(ids)]
                elif state[name].shape == values.shape:
                    state[name].copy_(values)
                else:
                    raise CheckpointError(
                        f"method.full={self.full}",
                        f"{name} has shape {tuple(state[name].shape)}, not {tuple(values.shape)}",
                        "Name the encoder that was trimmed",
                        code="TLN-CKPT-702",
                    )
        pieces = len(unigram_vocabulary(full.tokenizer))
        return full, {"put back": len(ids), "as they were": pieces - len(ids)}

    def _places(self, trained: Encoder, full: Encoder) -> list[int]:
        number = {piece: i for i, (piece, _) in enumerate(unigram_vocabulary(full.tokenizer))}
        pieces = [piece for piece, _ in unigram_vocabulary(trained.tokenizer)]
        if unknown := [piece for piece in pieces if piece not in number]:
            raise CheckpointError(
                f"method.full={self.full}",
                f"it has no piece {unknown[0]!r}, nor {len(unknown) - 1} more",
                "Name the encoder that was trimmed: trim after transmi, not before",
                code="TLN-CKPT-703",
            )
        return [number[piece] for piece in pieces]
