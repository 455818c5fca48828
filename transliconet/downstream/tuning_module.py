"""An encoder with a classifier on its last layer, as Lightning trains it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from transliconet.downstream.head import Items, are_sentences
from transliconet.errors import require_range
from transliconet.model.encoder import Encoder
from transliconet.model.pooling import pool
from transliconet.tokens.padding import Vocabulary, content_mask, pad
from transliconet.tokens.tokenize import tokenize
from transliconet.tokens.word_positions import NOWHERE, tokenize_words

NO_LABEL = -100
"""Class of a label that is not among the training data's."""


@dataclass(frozen=True)
class TunedWeights:
    """Which weights are trained, and how.

    Args:
        frozen_embeddings: leave the word embeddings as they are: half the time and memory of a
            small encoder with many of them.
        weight_decay: of AdamW.
        dropout: before the linear layer; the encoder has its own.
        clip: largest norm of the gradient.
    """

    frozen_embeddings: bool = False
    weight_decay: float = 0.01
    dropout: float = 0.1
    clip: float = 1.0

    def __post_init__(self) -> None:
        require_range("weight_decay", self.weight_decay, least=0)
        require_range("dropout", self.dropout, least=0, most=0.99)
        require_range("clip", self.clip, above=0)


@dataclass(frozen=True)
class ItemRow:
    """A text or sentence as token ids.

    Args:
        ids: (L,) int32, special tokens included.
        first: (W,) position of each word's first subword, -1 without one; of a text, one position,
            which pooling does not need.
        labels: of the words, or of the text.
    """

    ids: np.ndarray
    first: np.ndarray
    labels: Sequence[str]


def item_rows(encoder: Encoder, items: Items, max_length: int) -> list[ItemRow]:
    """Tokenize texts or sentences."""
    limit = encoder.length_limit(max_length)
    labels = [item.labels for item in items]
    if are_sentences(items):
        words = [item.words for item in items]  # type: ignore[attr-defined]
        tokens = tokenize_words(encoder.tokenizer, words, limit, encoder.prompt)
        rows, first = tokens.rows, tokens.first
    else:
        texts = [item.text for item in items]
        rows, _ = tokenize(encoder.tokenizer, texts, limit, encoder.prompt)
        first = [np.zeros(1, np.int64)] * len(items)
    return [ItemRow(rows[i], first[i], labels[i]) for i in range(len(items))]


@dataclass(frozen=True)
class ItemBatch:
    """B items with U labels, S of them at words that have a subword.

    Args:
        input_ids: (B, L) int64.
        attention_mask: (B, L) bool.
        places: (S,) int64, ``row · L + position`` of each label's token.
        targets: (S,) int64 classes; :data:`NO_LABEL` where the class is unknown.
        seen: (U,) bool, whether a label's word has a subword.
    """

    input_ids: Tensor
    attention_mask: Tensor
    places: Tensor
    targets: Tensor
    seen: list[bool]

    def to(self, device: torch.device | str) -> "ItemBatch":
        """The same on a device; Lightning calls it, too."""
        return replace(
            self,
            input_ids=self.input_ids.to(device),
            attention_mask=self.attention_mask.to(device),
            places=self.places.to(device),
            targets=self.targets.to(device),
        )


def collate(rows: Sequence[ItemRow], module: "TuningModule") -> ItemBatch:
    """Pad items into a batch."""
    input_ids, attention_mask = pad([row.ids for row in rows], module.vocabulary.pad_id)
    length = input_ids.shape[1]
    places, targets, seen = [], [], []
    for number, row in enumerate(rows):
        for position, label in zip(row.first.tolist(), row.labels, strict=True):
            seen.append(position != NOWHERE)
            if position != NOWHERE:
                places.append(number * length + position)
                targets.append(module.numbers.get(label, NO_LABEL))
    return ItemBatch(
        input_ids,
        attention_mask,
        places=torch.tensor(places, dtype=torch.long),
        targets=torch.tensor(targets, dtype=torch.long),
        seen=seen,
    )


def item_loader(
    rows: Sequence[ItemRow], module: "TuningModule", batch_size: int, seed: int | None = None
) -> DataLoader:
    """Batches of items in the order of ``seed``; in their own order without one."""
    generator = torch.Generator().manual_seed(seed or 0)
    return DataLoader(
        rows,  # type: ignore[arg-type]  # a sequence is enough
        batch_size=batch_size,
        shuffle=seed is not None,
        generator=generator,
        collate_fn=lambda some: collate(some, module),
    )


class TuningModule(pl.LightningModule):
    """An encoder and a linear layer on its last hidden layer.

    Args:
        encoder: is trained; give a copy.
        classes: C names of classes.
        pooling: of texts; empty: each label is at a token.
        learning_rate: of AdamW, at the start.
        weights: which weights are trained, and how.
    """

    def __init__(
        self,
        encoder: Encoder,
        classes: Sequence[str],
        pooling: str,
        learning_rate: float,
        weights: TunedWeights,
    ) -> None:
        super().__init__()
        self.encoder, self.classes, self.pooling = encoder, list(classes), pooling
        self.numbers = {name: number for number, name in enumerate(classes)}
        self.learning_rate, self.weights = learning_rate, weights
        self.vocabulary = Vocabulary.from_tokenizer(encoder.tokenizer)
        encoder.requires_grad_(True)
        if weights.frozen_embeddings:
            encoder.masked_lm.get_input_embeddings().requires_grad_(False)
        width = encoder.masked_lm.config.hidden_size
        # transformers has these steps for texts, and only the last two for words
        steps: list[nn.Module] = []
        if pooling:
            steps += [nn.Dropout(weights.dropout), nn.Linear(width, width), nn.Tanh()]
        steps += [nn.Dropout(weights.dropout), nn.Linear(width, len(classes))]
        self.classifier = nn.Sequential(*steps)
        spread = encoder.masked_lm.config.initializer_range
        for layer in self.classifier:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=spread)
                nn.init.zeros_(layer.bias)
        self.score_dev: Callable[[], float] | None = None
        self.best_score: float | None = None
        self.best_epoch: int | None = None
        self._best: dict[str, Tensor] = {}

    def forward(self, batch: ItemBatch) -> Tensor:
        """(S, C) logits."""
        last = self.encoder.layers
        states = self.encoder.hidden_states(batch.input_ids, batch.attention_mask, {last})[last]
        if not self.pooling:
            return self.classifier(states.flatten(0, 1)[batch.places])  # (B · L, H) → (S, H)
        special = self.vocabulary.special_ids.to(batch.input_ids.device)
        content = content_mask(batch.input_ids, batch.attention_mask, special)
        return self.classifier(pool(states, content, batch.attention_mask, self.pooling))

    def training_step(self, batch: ItemBatch, _: int) -> Tensor:
        """Mean cross-entropy over the labels of a batch."""
        if not len(batch.targets):  # no word has a subword: the mean would not be a number
            return self(batch).sum() * 0
        return F.cross_entropy(self(batch), batch.targets, ignore_index=NO_LABEL)

    def configure_optimizers(self) -> Any:
        """AdamW; weights of two or more dimensions decay. The rate falls to 0 at the last step."""
        decayed: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for parameter in self.parameters():
            if parameter.requires_grad:
                (decayed if parameter.ndim >= 2 else others).append(parameter)
        groups = [
            {"params": decayed, "weight_decay": self.weights.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.learning_rate)
        steps = max(int(self.trainer.estimated_stepping_batches), 1)
        schedule = LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    def on_train_epoch_end(self) -> None:
        """Keep the weights of the best epoch; of equal ones, the first."""
        if self.score_dev is None:
            return
        score = self.score_dev()
        if self.best_score is None or score > self.best_score:
            self.best_score, self.best_epoch = score, self.current_epoch + 1
            self._best = {}
            for name, parameter in self.named_parameters():
                if parameter.requires_grad:
                    self._best[name] = parameter.detach().to("cpu", copy=True)

    def take_best(self) -> None:
        """Go back to the weights of the best epoch; without a dev split, the last ones stay."""
        for name, parameter in self.named_parameters():
            if name in self._best:
                parameter.data.copy_(self._best[name])
        self._best = {}
