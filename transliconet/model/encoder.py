"""A masked language model of XLM-R's architecture: its hidden states and its head."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from transliconet.errors import CheckpointError, ConfigError, Option, first_line
from transliconet.model.packing import PACKED_ATTENTION, Packing

ARCHITECTURES = ("xlm-roberta",)
"""Values of ``model_type`` in ``config.json`` that can be loaded."""
LOADING_LIBRARIES = ("safetensors", "tokenizers", "builtins", "huggingface_hub")
"""Top-level modules of the exceptions that mean that a file cannot be read."""


class EncoderLike(Protocol):
    """The part of :class:`Encoder` that objectives use. Tests can put something smaller in its
    place.
    """

    @property
    def layers(self) -> int: ...
    def layer_number(self, layer: int | str) -> int: ...
    def embed_tokens(self, ids: Tensor) -> Tensor: ...
    def hidden_states(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        layers: set[int],
        texts_per_row: int = 1,
        token_vectors: Tensor | None = None,
    ) -> dict[int, Tensor]: ...
    def transform_for_decoder(self, hidden: Tensor) -> Tensor: ...
    @property
    def decoder(self) -> tuple[Tensor, Tensor]: ...


class Encoder(nn.Module):
    """A masked language model and its tokenizer.

    Args:
        masked_lm: an ``XLMRobertaForMaskedLM``.
        tokenizer: the tokenizer that it was trained with.
        name: folder or hub name that it was loaded from, for model cards and messages.

    Raises:
        CheckpointError: the tokenizer has more tokens than the model has embedding rows.
    """

    def __init__(
        self, masked_lm: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str
    ) -> None:
        super().__init__()
        self.masked_lm, self.tokenizer, self.name = masked_lm, tokenizer, name
        masked_lm.set_attn_implementation(PACKED_ATTENTION)
        if len(tokenizer) > masked_lm.config.vocab_size:
            raise CheckpointError(
                name,
                f"its tokenizer has {len(tokenizer)} subwords, its model only "
                f"{masked_lm.config.vocab_size} embedding rows",
                "Take tokenizer and model from the same checkpoint",
                code="TLN-CKPT-400",
            )

    @classmethod
    def from_pretrained(cls, path: str) -> Self:
        """Load an encoder in evaluation mode, its weights in float32.

        Args:
            path: a folder, or a name on the Hugging Face hub.

        Raises:
            CheckpointError: it does not exist, lacks weights or a tokenizer, or has another
                architecture.
        """
        path = str(Path(path).expanduser()) if path and Path(path).expanduser().exists() else path
        local = bool(path) and Path(path).is_dir()
        remedy = (
            "Give a folder with config.json, model.safetensors and tokenizer.json, "
            "or a hub name that is reachable"
        )
        if not path or Path(path).is_file() or (not local and path.startswith((".", "/", "~"))):
            raise CheckpointError(
                Option("path", path), "no such folder", remedy, code="TLN-CKPT-401"
            )
        if local and not (Path(path) / "config.json").is_file():
            raise CheckpointError(
                Option("path", path), "no config.json in it", remedy, code="TLN-CKPT-402"
            )
        with _loading(path, "its configuration", remedy):
            config = AutoConfig.from_pretrained(path)
        if config.model_type not in ARCHITECTURES:
            raise CheckpointError(
                Option("path", path),
                f"its architecture is {config.model_type!r}",
                f"Use an XLM-R-shaped masked LM ({', '.join(ARCHITECTURES)})",
                code="TLN-CKPT-403",
            )
        with _loading(path, "its weights", remedy):
            masked_lm, report = AutoModelForMaskedLM.from_pretrained(
                path, dtype=torch.float32, output_loading_info=True
            )
        # sentence encoders have no head; but with random weights in the body all vectors are noise
        missing = sorted(key for key in report["missing_keys"] if key.startswith("roberta."))
        if missing:
            raise CheckpointError(
                Option("path", path),
                f"weights are missing: {missing[0]} and {len(missing) - 1} more",
                remedy,
                code="TLN-CKPT-404",
            )
        with _loading(path, "its tokenizer", remedy):
            tokenizer = AutoTokenizer.from_pretrained(path)
        # where its files are missing, transformers makes an empty tokenizer
        if len(tokenizer) <= len(tokenizer.all_special_ids):
            raise CheckpointError(
                Option("path", path),
                "its tokenizer has no subwords: files are missing",
                remedy,
                code="TLN-CKPT-405",
            )
        return cls(masked_lm, tokenizer, path).eval()

    @property
    def layers(self) -> int:
        """Number of transformer layers. Hidden layer 0 is the embedding output, ``layers`` the
        last.
        """
        return int(self.masked_lm.config.num_hidden_layers)

    @property
    def positions(self) -> int:
        """Length of the longest row in tokens. XLM-R counts positions from ``pad_token_id + 1``."""
        config = self.masked_lm.config
        return int(config.max_position_embeddings - config.pad_token_id - 1)

    def layer_number(self, layer: int | str) -> int:
        """The index of a layer among the hidden states.

        Args:
            layer: ``last``, or 0 … :attr:`layers`.

        Raises:
            ConfigError: the encoder has no such layer.
        """
        if layer == "last":
            return self.layers
        if isinstance(layer, bool) or not isinstance(layer, int) or not 0 <= layer <= self.layers:
            raise ConfigError(
                Option("layer", layer),
                f"{self.name} has hidden layers 0 (embeddings) to {self.layers}",
                "Choose one of them, or 'last'",
                code="TLN-CONFIG-400",
            )
        return layer

    def embed_tokens(self, ids: Tensor) -> Tensor:
        """(…,) int64 ids → (…, H) rows of the embedding matrix."""
        return self.masked_lm.get_input_embeddings()(ids)

    def hidden_states(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        layers: Collection[int],
        texts_per_row: int = 1,
        token_vectors: Tensor | None = None,
    ) -> dict[int, Tensor]:
        """Hidden states of the wanted layers.

        Neither layers above the wanted ones nor states at padding are computed.

        Args:
            input_ids: (N, L) int64.
            attention_mask: (N, L) bool, True at tokens.
            layers: the wanted ones, with the indices of transformers' ``hidden_states``.
            texts_per_row: number of texts in a row, of L / ``texts_per_row`` tokens each, padding
                included. They attend to each other; positions start anew in each text.
            token_vectors: (U, H) vectors in place of the embedding matrix; ``input_ids`` are then
                indices of these.

        Returns:
            Layer → (N, L, H) states, zeros at padding.
        """
        body, packing = self.masked_lm.roberta, Packing.from_mask(attention_mask)
        ids = packing.pack(input_ids).unsqueeze(0)  # (1, T) real tokens of all rows
        positions = packing.pack(self._positions(attention_mask, texts_per_row)).unsqueeze(0)
        if token_vectors is None:
            vectors = self.embed_tokens(ids)  # (1, T, H)
        else:
            vectors = F.embedding(ids, token_vectors)
        states = body.embeddings(inputs_embeds=vectors, position_ids=positions)
        # all states from here on: (1, T, H)
        kept = {0: states} if 0 in layers else {}
        for number, layer in enumerate(body.encoder.layer[: max(layers)], start=1):
            states = layer(states, packing=packing)
            if number in layers:
                kept[number] = states
        return {number: packing.unpack(states[0]) for number, states in kept.items()}

    def _positions(self, attention_mask: Tensor, texts_per_row: int) -> Tensor:
        """(N, L) int64 positions: XLM-R counts the tokens of a text from ``pad_token_id + 1``."""
        texts = attention_mask.unflatten(1, (texts_per_row, -1))  # (N, texts, L / texts)
        return (texts.cumsum(-1) * texts).flatten(1) + self.masked_lm.config.pad_token_id

    def transform_for_decoder(self, hidden: Tensor) -> Tensor:
        """(M, H) last-layer states → (M, H) states that :attr:`decoder` turns into logits."""
        head = self.masked_lm.lm_head
        return head.layer_norm(F.gelu(head.dense(hidden)))

    @property
    def decoder(self) -> tuple[Tensor, Tensor]:
        """(V, H) weight and (V,) bias of the masked-LM head's last step. The weight is usually the
        embedding matrix.
        """
        decoder, rows = self.masked_lm.lm_head.decoder, self.masked_lm.get_input_embeddings()
        # where new rows are trained, they are kept apart from the original matrix
        if decoder.weight is rows.weight and hasattr(rows, "merged"):
            return rows.merged(), decoder.bias
        return decoder.weight, decoder.bias

    def vocabulary_logits(self, hidden: Tensor) -> Tensor:
        """(M, H) last-layer states → (M, V) logits of the masked-LM head."""
        return F.linear(self.transform_for_decoder(hidden), *self.decoder)


@contextmanager
def _loading(path: str, what: str, remedy: str) -> Iterator[None]:
    """Turn exceptions for files that cannot be read into a :class:`CheckpointError`."""
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        problem = f"{what} cannot be loaded ({first_line(error)})"
        raise CheckpointError(Option("path", path), problem, remedy, code="TLN-CKPT-406") from error
    except Exception as error:
        if type(error).__module__.split(".")[0] not in LOADING_LIBRARIES:
            raise
        raise CheckpointError(
            Option("path", path),
            f"{what} cannot be loaded ({error})",
            remedy,
            code="TLN-CKPT-407",
        ) from error


def layer_numbers(encoder: EncoderLike, layers: int | str | Sequence[int | str]) -> list[int]:
    """The indices of one or several layers among the hidden states, without repetitions.

    Args:
        encoder: has the layers.
        layers: ``last``, a number, or several of these.

    Raises:
        ConfigError: the encoder has no such layer, or ``layers`` is empty.
    """
    several = layers if isinstance(layers, Sequence) and not isinstance(layers, str) else [layers]
    if not several:
        raise ConfigError(
            Option("layer", "[]"),
            "no layer",
            "Name one, e.g. 8, or several, [4, 8, last]",
            code="TLN-CONFIG-401",
        )
    return list(dict.fromkeys(encoder.layer_number(layer) for layer in several))
