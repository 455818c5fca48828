"""A masked language model and its tokenizer: hidden states, and the masked-LM head."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, Self

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from transliconet.errors import CheckpointError, ConfigError, Option
from transliconet.model import sentence as of_checkpoint
from transliconet.model.adapter_choice import AdapterChoice
from transliconet.model.adapter_set import adapter_set
from transliconet.model.language_script import LanguageScriptEmbeddings
from transliconet.model.load import HEAD_MISSING, checkpoint_path, load_parts
from transliconet.model.lora import LoraSettings
from transliconet.model.packing import PACKED_ATTENTION, Packing
from transliconet.model.self_check import shape_of
from transliconet.model.sentence import AUTO, SentenceSettings
from transliconet.model.shapes import AFTER_PADDING, head_steps, layers_of, longest_row
from transliconet.model.states import packed_states, padded_states


class EncoderLike(Protocol):
    """The part of :class:`Encoder` that objectives use. Tests can put something smaller in its
    place.
    """

    language_script: LanguageScriptEmbeddings | None

    @property
    def layers(self) -> int: ...
    def layer_number(self, layer: int | str) -> int: ...
    def pooling_name(self, pooling: str) -> str: ...
    def embed_tokens(self, ids: Tensor) -> Tensor: ...
    def hidden_states(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        layers: set[int],
        texts_per_row: int = 1,
        token_vectors: Tensor | None = None,
        adapters: Tensor | None = None,
    ) -> dict[int, Tensor]: ...
    @property
    def has_head(self) -> bool: ...
    @property
    def positions_restart(self) -> bool: ...
    def transform_for_decoder(self, hidden: Tensor) -> Tensor: ...
    @property
    def decoder(self) -> tuple[Tensor, Tensor]: ...


class Encoder(nn.Module):
    """A masked language model and its tokenizer.

    Args:
        masked_lm: a masked LM of transformers, or an encoder of it that has no masked-LM head. Its
            architecture is one of :data:`transliconet.model.shapes.SHAPES`, or passes
            :mod:`transliconet.model.self_check`.
        tokenizer: the tokenizer that it was trained with.
        name: folder or hub name that it was loaded from, for model cards and messages.
        sentence: what its checkpoint says about sentence vectors; None: nothing.
        prompt: text that is put before every text, or the name of one of the checkpoint's prompts;
            None: the checkpoint's default.

    Raises:
        CheckpointError: the tokenizer has more tokens than the model has embedding rows, or the
            architecture is not supported.
    """

    def __init__(
        self,
        masked_lm: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        name: str,
        sentence: SentenceSettings | None = None,
        prompt: str | None = None,
    ) -> None:
        super().__init__()
        self.masked_lm, self.tokenizer, self.name = masked_lm, tokenizer, name
        self.sentence = sentence or SentenceSettings()
        self.prompt = self.sentence.prompt(prompt)
        self.shape = shape_of(masked_lm, name)
        self.lora: LoraSettings | None = None  # of adapters, while they are in the layers
        self.adapters: AdapterChoice | None = None  # where there is one per language or script
        self.language_script: LanguageScriptEmbeddings | None = None  # of the masked-LM head
        if self.shape.packed:
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
    def from_pretrained(
        cls, path: str, language: str | None = None, prompt: str | None = None
    ) -> Self:
        """Load an encoder in evaluation mode, its weights in float32.

        Args:
            path: a folder, or a name on the Hugging Face hub; of an encoder, or of adapters, which
                are then merged into their encoder, unless they are per language or script.
            language: whose adapters are used, of an encoder that has adapters for single languages
                (X-MOD), such as ``en_XX``.
            prompt: see :class:`Encoder`.

        Raises:
            CheckpointError: it does not exist, lacks weights or a tokenizer, or its architecture is
                not supported.
            ConfigError: the encoder has no such adapters.
        """
        path = checkpoint_path(path)
        masked_lm, tokenizer, sentence = load_parts(path, language)
        encoder = cls(masked_lm, tokenizer, path, sentence=sentence, prompt=prompt).eval()
        if (several := adapter_set(path)) is not None:
            several.put_into(encoder)
        encoder.language_script = LanguageScriptEmbeddings.load(path)
        of_checkpoint.warn_of_differences(path, sentence, prompt=encoder.prompt)
        return encoder

    def with_tokenizer(self, tokenizer: PreTrainedTokenizerBase) -> "Encoder":
        """The same encoder with another tokenizer, whose tokens its rows are."""
        encoder = Encoder(
            self.masked_lm, tokenizer, self.name, sentence=self.sentence, prompt=self.prompt
        )
        encoder.language_script = self.language_script
        return encoder

    @property
    def layers(self) -> int:
        """Number of transformer layers. Hidden layer 0 is the embedding output, ``layers`` the
        last.
        """
        return int(self.masked_lm.config.num_hidden_layers)

    @property
    def positions(self) -> int:
        """Length of the longest row in tokens."""
        return longest_row(self.masked_lm.config, self.shape)

    @property
    def positions_restart(self) -> bool:
        """Whether each text of a row can have positions of its own."""
        return self.shape.positions_restart

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The transformer layers, from the lowest to the highest."""
        return layers_of(self.masked_lm, self.shape)

    def layer_number(self, layer: int | str) -> int:
        """The index of a layer among the hidden states.

        Args:
            layer: ``last``, 0 … :attr:`layers`, or ``auto``: the checkpoint's, else the last.

        Raises:
            ConfigError: the encoder has no such layer.
        """
        if layer == AUTO:
            layer = "last" if self.sentence.layer is None else self.sentence.layer
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

    def pooling_name(self, pooling: str) -> str:
        """A pooling; for ``auto`` that of the checkpoint, else ``mean``."""
        own = self.sentence.pooling or of_checkpoint.DEFAULT_POOLING
        return own if pooling == AUTO else pooling

    def length_limit(self, max_length: int | None) -> int:
        """Longest row in tokens: as given, else the checkpoint's, else 512, if it has them."""
        wanted = max_length or self.sentence.max_length or of_checkpoint.DEFAULT_MAX_LENGTH
        return min(wanted, self.positions)

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
        adapters: Tensor | None = None,
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
            adapters: (N, L) int64, the adapter that each token goes through, where there is one per
                language or script (:mod:`transliconet.model.adapter_choice`).

        Returns:
            Layer → (N, L, H) states, zeros at padding.

        Raises:
            ConfigError: there are adapters per language or script, and none are given.
        """
        packing = Packing.from_mask(attention_mask)
        ids = packing.pack(input_ids).unsqueeze(0)  # (1, T) real tokens of all rows
        if token_vectors is None:
            vectors = self.embed_tokens(ids)  # (1, T, H)
        else:
            vectors = F.embedding(ids, token_vectors)
        positions: Tensor | None = None
        if self.shape.packed or texts_per_row > 1:
            positions = packing.pack(self._positions(attention_mask, texts_per_row)).unsqueeze(0)
        if self.shape.packed:
            assert positions is not None
            with self._chosen(packing, adapters):
                kept = packed_states(
                    self.masked_lm, self.shape, vectors, positions, packing=packing, layers=layers
                )
        else:
            kept = padded_states(self.masked_lm, vectors, positions, packing=packing, layers=layers)
        return {number: packing.unpack(states[0]) for number, states in kept.items()}

    def _chosen(self, packing: Packing, adapters: Tensor | None) -> AbstractContextManager[None]:
        if self.adapters is None:
            return nullcontext()
        if adapters is None:
            raise self.adapters.no_tag()
        return self.adapters.for_tokens(packing.pack(adapters))

    def _positions(self, attention_mask: Tensor, texts_per_row: int) -> Tensor:
        """(N, L) int64 positions of tokens, counted anew in each text."""
        texts = attention_mask.unflatten(1, (texts_per_row, -1))  # (N, texts, L / texts)
        after_padding = self.shape.positions == AFTER_PADDING
        first = self.masked_lm.config.pad_token_id if after_padding else -1
        return (texts.cumsum(-1) * texts).flatten(1) + first

    @property
    def has_head(self) -> bool:
        """Whether there is a masked-LM head, trained or to be trained from scratch."""
        missing = getattr(self.masked_lm.config, HEAD_MISSING, False)
        return not missing and self._head_steps() is not None

    def _head_steps(self) -> list[Callable[[Tensor], Tensor]] | None:
        if self.shape.head is None or self.masked_lm.get_output_embeddings() is None:
            return None
        return head_steps(self.masked_lm, self.shape.head)

    def transform_for_decoder(self, hidden: Tensor) -> Tensor:
        """(M, H) last-layer states → (M, E) states that :attr:`decoder` turns into logits.

        Raises:
            CheckpointError: the encoder has no masked-LM head that is known.
        """
        steps = self._head_steps()
        if steps is None:
            raise CheckpointError(
                self.name,
                "it has no masked-LM head that is known",
                "Use another encoder, or no MLM",
                code="TLN-CKPT-410",
            )
        for step in steps:
            hidden = step(hidden)
        return hidden

    @property
    def decoder(self) -> tuple[Tensor, Tensor]:
        """(V, E) weight and (V,) bias of the masked-LM head's last step. The weight is usually the
        embedding matrix.
        """
        output, rows = self.masked_lm.get_output_embeddings(), self.masked_lm.get_input_embeddings()
        weight: Tensor = output.weight
        # where new rows are trained, they are kept apart from the original matrix
        if weight is rows.weight and hasattr(rows, "merged"):
            weight = rows.merged()
        bias = output.bias
        return weight, weight.new_zeros(len(weight)) if bias is None else bias

    def vocabulary_logits(self, hidden: Tensor) -> Tensor:
        """(M, H) last-layer states → (M, V) logits of the masked-LM head."""
        return F.linear(self.transform_for_decoder(hidden), *self.decoder)
