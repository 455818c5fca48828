"""Fine-tuning: the encoder and a linear layer on it are trained together, as the papers do."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.seed import isolate_rng

from transliconet.downstream.head import Items, TrainingData, are_sentences, by_item
from transliconet.downstream.tuning_module import TunedWeights, TuningModule, item_loader, item_rows
from transliconet.errors import ConfigError, Option, require_choice, require_range
from transliconet.model.encoder import Encoder
from transliconet.model.pooling import OR_AUTO
from transliconet.model.states import evaluation_mode


class Hyperparameters(NamedTuple):
    """What a paper trained with; the learning rate falls linearly to 0, without warm-up.

    Args:
        learning_rate: of AdamW.
        batch_size: items.
        epochs: over the training items.
        max_length: tokens.
    """

    learning_rate: float
    batch_size: int
    epochs: int
    max_length: int


RECIPES = {
    "taxi1500": Hyperparameters(1e-5, 16, 40, 100),  # Ma et al., 2023
    "sib200": Hyperparameters(1e-5, 16, 40, 160),  # Adelani et al., 2024
    "glot500_text": Hyperparameters(2e-5, 16, 40, 100),  # ImaniGooghari et al., 2023
    "glot500_words": Hyperparameters(2e-5, 32, 10, 256),  # the same; TransliCo, TransMI
    "xtreme_words": Hyperparameters(2e-5, 32, 10, 128),  # Hu et al., 2020
}
"""Name → the hyperparameters of a paper."""
USUAL = ("sib200", "glot500_words")
"""``auto``: the recipe for texts, and for words."""
AUTO = "auto"


@dataclass(frozen=True)
class FineTuning:
    """The encoder and a classifier on its last layer are trained together, with AdamW. The epoch
    whose weights are best on the dev split counts.

    A text is classified from its first token, through a layer with tanh, as transformers' sequence
    classifiers do; a word from its first subword. A batch is a batch: the scripts of TransliCo,
    TransMI and LangSAMP clear the gradients inside their loop of accumulation, so that what they
    train with is smaller than what they name.

    Args:
        recipe: hyperparameters of a paper, one of :data:`RECIPES`; ``auto``: ``sib200`` for texts,
            ``glot500_words`` for words.
        learning_rate, batch_size, epochs, max_length: None: the recipe's.
        pooling: how a text becomes a vector: ``cls`` as in the papers, or ``mean`` and the like.
        weights: which weights are trained, and how.
        seeds: of the classifier's weights, the order of items and dropout; one fit for each.
        trainer: further arguments of Lightning's trainer, e.g. ``{"accelerator": "gpu"}``.

    Raises:
        ConfigError: a value is out of range.
    """

    recipe: str = AUTO
    learning_rate: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    max_length: int | None = None
    pooling: str = "cls"
    weights: TunedWeights = field(default_factory=TunedWeights)
    seeds: Sequence[int] = (0,)
    trainer: dict[str, Any] = field(default_factory=dict)
    name = "finetune"

    def __post_init__(self) -> None:
        require_choice("recipe", self.recipe, (AUTO, *RECIPES))
        require_choice("pooling", self.pooling, OR_AUTO)
        for name in ("batch_size", "epochs", "max_length"):
            if getattr(self, name) is not None:
                require_range(name, getattr(self, name), least=1)
        if self.learning_rate is not None:
            require_range("learning_rate", self.learning_rate, above=0)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(
                Option("seeds", list(self.seeds)),
                "not a list of different seeds",
                "Give one or several, e.g. [0, 1, 2]",
                code="TLN-CONFIG-656",
            )

    def layer_and_pooling(self, encoder: Encoder) -> tuple[int, str]:
        """The last hidden layer, and how its states become the vector of a text."""
        return encoder.layers, encoder.pooling_name(self.pooling)

    def hyperparameters(self, of_words: bool) -> Hyperparameters:
        """The recipe's, with the values that are given in place of its own."""
        recipe = USUAL[of_words] if self.recipe == AUTO else self.recipe
        given = {}
        for name in Hyperparameters._fields:
            if getattr(self, name) is not None:
                given[name] = getattr(self, name)
        return RECIPES[recipe]._replace(**given)

    def fit(self, encoder: Encoder, data: TrainingData, seed: int = 0) -> "TunedHead":
        """Train a copy of the encoder."""
        of_words = are_sentences(data.train)
        chosen = self.hyperparameters(of_words)
        with isolate_rng():
            # not by seed_everything: it keeps the seed for processes of a run around this one
            torch.manual_seed(seed)
            module = TuningModule(
                copy.deepcopy(encoder),
                data.classes,
                pooling="" if of_words else encoder.pooling_name(self.pooling),
                learning_rate=chosen.learning_rate,
                weights=self.weights,
            )
            head = TunedHead(module, chosen, data.usual)
            if data.dev:
                module.score_dev = lambda: data.dev_score(head.predict(data.dev))
            rows = item_rows(encoder, data.train, chosen.max_length)
            loader = item_loader(rows, module, chosen.batch_size, seed=seed)
            trainer = self._trainer(chosen.epochs)
            module.train()  # the copy is in evaluation mode, and Lightning would leave it there
            trainer.fit(module, loader)
        module.take_best()
        module.to(trainer.strategy.root_device)  # Lightning leaves it on the CPU
        return head

    def _trainer(self, epochs: int) -> pl.Trainer:
        arguments = {
            "max_epochs": epochs,
            "accelerator": "auto",
            "devices": 1,
            "precision": "32-true",
            "gradient_clip_val": self.weights.clip,
            "enable_progress_bar": False,
            **self.trainer,
        }
        return pl.Trainer(
            **arguments, logger=False, enable_checkpointing=False, enable_model_summary=False
        )


@dataclass
class TunedHead:
    """A fine-tuned encoder with its classifier.

    Args:
        module: both.
        hyperparameters: what they were trained with.
        usual: the label of words that the encoder does not see.
    """

    module: TuningModule
    hyperparameters: Hyperparameters
    usual: str

    @property
    def max_length(self) -> int:
        """Tokens."""
        return self.hyperparameters.max_length

    @property
    def selected(self) -> dict[str, Any]:
        """The epoch that is best on the dev split, its score there, and the hyperparameters."""
        module = self.module
        chosen = self.hyperparameters._asdict()
        return {"epoch": module.best_epoch, "dev_score": module.best_score, **chosen}

    def predict(self, items: Items) -> list[list[str]]:
        """The labels of each item."""
        module = self.module
        rows = item_rows(module.encoder, items, self.hyperparameters.max_length)
        loader = item_loader(rows, module, self.hyperparameters.batch_size)
        labels: list[str] = []
        with evaluation_mode(module), torch.inference_mode():
            for batch in loader:
                classes = module(batch.to(module.device)).argmax(-1).tolist()
                of_seen = iter(classes)
                for seen in batch.seen:
                    labels.append(module.classes[next(of_seen)] if seen else self.usual)
        return by_item(labels, items)
