"""The LightningDataModule that makes batches from pairs folders."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedTokenizerBase

from transliconet.data.augment import Augmenter
from transliconet.data.batch_order import BatchOrder, batch_identity, numbers_of_languages
from transliconet.data.collate import Collator
from transliconet.data.masking import RARE, Masking
from transliconet.data.masking_units import MakeUnits, masking_units
from transliconet.data.mixture import Mixture
from transliconet.data.mixture_sampler import MixtureBatchSampler
from transliconet.data.sampler import BatchPlan, PairBatchSampler
from transliconet.data.settings import DataSettings
from transliconet.data.training_text import TrainingText
from transliconet.errors import CheckpointError, ConfigError, DataError, Option, section
from transliconet.pairs import PairsFolder, checksum
from transliconet.tokens.concepts import CONCEPT
from transliconet.tokens.fields import BatchNeeds, TrainingTokens
from transliconet.tokens.padding import Vocabulary
from transliconet.tokens.tokenize import TokenizedPairs, concatenate_pairs
from transliconet.tokens.words import WordBoundaries

log = logging.getLogger(__name__)


class PairBatches(Dataset):
    """A dataset whose items are whole batches; its index is a :class:`BatchPlan`."""

    def __init__(self, collator: Collator) -> None:
        self.collator = collator

    def __getitem__(self, plan: BatchPlan) -> dict[str, Tensor]:
        return self.collator(plan)


class PairsDataModule(pl.LightningDataModule):
    """Training batches from the part of a pairs folder that is not held out.

    Args:
        pairs: the opened folder.
        tokenizer: of the encoder.
        settings: which pairs are trained on, and how they are batched.
        needs: what the objectives read beside token ids and masks.
        positions: longest row that the encoder takes, in tokens; None sets no limit.
        seed: of the order of the pairs and of every random choice in making batches.

    Raises:
        ConfigError: ``settings.max_length`` exceeds ``positions``, an objective reads translations
            and ``settings.pivot`` is empty, or :meth:`TrainingText.from_folder` raises.
    """

    def __init__(
        self,
        pairs: PairsFolder,
        tokenizer: PreTrainedTokenizerBase,
        settings: DataSettings | None = None,
        needs: BatchNeeds | None = None,
        positions: int | None = None,
        seed: int = 0,
        prompt: str = "",
    ) -> None:
        super().__init__()
        self.settings = settings or DataSettings()
        self.needs = needs or BatchNeeds()
        if positions is not None and self.settings.max_length > positions:
            raise ConfigError(
                Option("max_length", self.settings.max_length),
                f"the encoder has {positions} positions",
                "Lower it",
                code="TLN-CONFIG-320",
            )
        if self.needs.translations and not self.settings.pivot:
            raise ConfigError(
                Option("pivot", list(self.settings.pivot)),
                "an objective reads translations",
                "Name their languages, such as [eng_Latn]",
                code="TLN-CONFIG-324",
            )
        if self.settings.pivot and not self.needs.translations:
            log.warning("pivot languages are named, and no objective reads translations")
        self.text = TrainingText.from_folder(pairs, self.settings, tokenizer, prompt)
        self.tokenizer, self.prompt = tokenizer, prompt
        self.seed = seed
        self.pairs: TokenizedPairs | None = None
        self._collator: Collator | None = None
        self._sources: list[str] = []
        self._start, self._round = (0, 0), dict[str, Any]()  # epoch, batch within it, its round
        self.sampler: PairBatchSampler | None = None
        self.mixture: Mixture | None = None
        """The shares of languages; None draws every pair once an epoch."""
        self.round_batches: int | None = None
        """Batches after which an online method may change the mixture; None: none does."""

    def prepare_data(self) -> None:
        """Tokenize the training part, and prepare the fields that objectives have asked for.

        Lightning calls it in one process of each machine; the others then read the cache.
        """
        tokens = self._tokens()
        for field in self.needs.fields:
            field.prepare(tokens)

    def setup(self, stage: str | None = None) -> None:
        """Open the cached token ids, once in each process.

        Raises:
            DataError: no training pair is left.
        """
        if self._collator is not None:
            return
        tokens = self._tokens()
        pairs = concatenate_pairs(tokens.parts)
        if len(pairs) == 0:
            raise DataError(
                self.text.folders[0].path,
                "no training pair",
                "Lower heldout in prepare, or train with skip_unchanged=false",
                code="TLN-DATA-320",
            )
        native, romanized = pairs.native.lengths.mean(), pairs.romanized.lengths.mean()
        log.info(
            f"{len(pairs)} training pairs, {native:.1f} native and {romanized:.1f} romanized "
            f"tokens a pair, {pairs.truncated} rows truncated at {self.settings.max_length} tokens"
        )
        self._sources = [part.folder.name for part in tokens.texts if part.folder]
        for field in self.needs.fields:
            self._sources += field.identity(tokens)
        self.pairs = pairs
        masking = self.settings.masking if self.needs.masked_input else None
        self._collator = Collator(
            pairs,
            Vocabulary.from_tokenizer(self.tokenizer),
            masking=masking,
            units=self._masking_units(masking, tokens),
            augmenter=self._augmenter(),
            fields=[field.open(tokens) for field in self.needs.fields],
        )

    def batch(self, plan: BatchPlan) -> dict[str, Tensor]:
        """The batch of some training pairs, made as those that are trained on."""
        assert self._collator is not None, "setup() has run"
        return self._collator(plan)

    def _tokens(self) -> TrainingTokens:
        parts = self.text.parts()
        # fields computed before training, such as anchors, have the precision of training
        in_bfloat16 = self.trainer is not None and self.trainer.precision == "bf16-mixed"
        return TrainingTokens(
            parts,
            self.tokenizer,
            torch.bfloat16 if in_bfloat16 else None,
            self._pairs_read(concatenate_pairs(parts)),
            pivots=self.text.pivots if self.needs.translations else (),
            concepts=self.text.concepts if self.needs.has_field(CONCEPT) else None,
        )

    def _pairs_read(self, pairs: TokenizedPairs) -> np.ndarray | None:
        """(n,) pairs that a run of less than an epoch reads; None: all, or no field asks."""
        trainer = self.trainer
        if trainer is None or not self.needs.fields or trainer.max_steps < 0 or len(pairs) < 2:
            return None
        if self.round_batches:
            return None  # which pairs are read is decided during training
        batches = trainer.max_steps * trainer.accumulate_grad_batches
        sampler = self.order_of(pairs).sampler(trainer)
        return sampler.first_pairs(batches) if batches < len(sampler) else None

    def _masking_units(self, masking: Masking | None, tokens: TrainingTokens) -> MakeUnits | None:
        if masking is None:
            return None
        file = None if masking.spans == RARE else masking.spans
        with section("masking"):
            return masking_units(masking, tokens, self._spans(file), self.prompt)

    def _spans(self, file: str | Path | None) -> dict[int, np.ndarray] | None:
        """The spans of a file, and its checksum among what decides the batches."""
        if file is None:
            return None
        spans = self.text.spans(file)
        self._sources.append(checksum(Path(file).expanduser()))
        return spans

    def _augmenter(self) -> Augmenter | None:
        augment = self.settings.augment
        if not augment:
            return None
        boundaries = WordBoundaries.from_tokenizer(self.tokenizer)
        with section("augment"):
            return Augmenter(
                augment,
                self.tokenizer,
                boundaries,
                self.settings.max_length,
                prompt=self.prompt,
                spans=self._spans(augment.mixed_spans),
            )

    def train_dataloader(self) -> DataLoader:
        # Lightning calls setup() first
        assert self._collator is not None, "setup() has run"
        assert self.pairs is not None, "setup() has run"
        trainer = self.trainer
        sampler = self.sampler = self.order_of(self.pairs).sampler(trainer)
        epoch, done = self._start
        if done >= len(sampler):  # the checkpoint was written at the end of an epoch
            epoch, done = epoch + 1, 0
        # loader processes ask for batches before Lightning sets the epoch
        sampler.set_epoch(epoch)
        sampler.resume(epoch, done)
        if self._round and isinstance(sampler, MixtureBatchSampler):
            sampler.rounds.restore(self._round)
        on_gpu = trainer is not None and type(trainer.accelerator).__name__ == "CUDAAccelerator"
        return DataLoader(
            PairBatches(self._collator),
            sampler=sampler,
            batch_size=None,
            num_workers=self.settings.workers,
            persistent_workers=self.settings.workers > 0,
            pin_memory=on_gpu,
        )

    def order_of(self, pairs: TokenizedPairs) -> BatchOrder:
        """How the pairs become batches."""
        settings = self.settings
        if self.mixture is None and (settings.is_mixed or self.round_batches):
            numbers = numbers_of_languages(pairs)
            self.mixture = Mixture(numbers, settings.weights, settings.alpha)
        masks = self.needs.masked_input and settings.masking.is_scheduled
        return BatchOrder(
            settings,
            pairs,
            self.seed,
            concepts=self.text.concepts if settings.pairs_per_id > 1 else None,
            mixture=self.mixture,
            round_batches=self.round_batches,
            scheduled=masks or (self.mixture is not None and self.mixture.is_scheduled),
        )

    def _batch_identity(self) -> dict[str, Any]:
        """Everything that decides which batches a run makes. A checkpoint can only be resumed
        where all of it is unchanged.
        """
        return {
            **batch_identity(self.settings, self.seed),
            "number of processes": self.trainer.world_size if self.trainer else 1,
            "pairs, tokenizer and anchors": self._sources,
        }

    def state_dict(self) -> dict[str, Any]:
        """The position within the epoch, for a checkpoint.

        It counts the batches trained on. Loader processes have made some more by then.
        """
        assert self.trainer is not None, "Lightning saves while a trainer runs"
        progress: Any = self.trainer.fit_loop.epoch_loop.batch_progress.current
        state = {
            "epoch": self.trainer.current_epoch,
            "batches": progress.processed,
            "identity": self._batch_identity(),
        }
        if isinstance(self.sampler, MixtureBatchSampler):
            state["round"] = self.sampler.round_after(progress.processed)
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue after the last batch trained on.

        Raises:
            CheckpointError: the run that wrote the checkpoint made other batches than this one
                would.
        """
        before = state_dict.get("identity", {})
        for name, now in self._batch_identity().items():
            if before.get(name) != now:
                raise CheckpointError(
                    "resume",
                    f"the run had {name} {before.get(name)}, not {now}",
                    "Keep what the run had, or start another one from its export",
                    code="TLN-CKPT-320",
                )
        self._start = (state_dict["epoch"], state_dict["batches"])
        self._round = state_dict.get("round", {})
