"""Adapters per language or script in a run: which languages get one, and which a batch takes."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from transliconet.errors import ConfigError, Option
from transliconet.model.encoder import Encoder
from transliconet.objectives.adapter_choice import ChosenAdapters
from transliconet.objectives.encode import TRANSLATED
from transliconet.pairs import read_manifest
from transliconet.runs.spec import RunSpec
from transliconet.tokens.fields import BatchNeeds
from transliconet.train.module import PairModule

log = logging.getLogger(__name__)

LEAST_PAIRS = 50
"""A language with fewer training pairs has no adapter of its own. Such is English, which pairs of
equal texts leave out: few texts would train an adapter that few others are like.
"""


def languages_with_adapters(spec: RunSpec, tags: Sequence[str]) -> list[str]:
    """The languages that adapters per language or script are made for: those with
    :data:`LEAST_PAIRS` training pairs; all, where none has so many.

    Args:
        spec: of the run.
        tags: of its languages.
    """
    if spec.encoder.lora.per is None:
        return []
    pairs: Counter[str] = Counter()
    also = [read_manifest(Path(path).expanduser()) for path in spec.data.also]
    for manifest in (spec.pairs.manifest, *also):
        for tag, counts in manifest["languages"].items():
            pairs[tag] += counts["kept"] - counts["heldout"]
            if spec.data.skip_unchanged:
                pairs[tag] -= counts["identical"]  # with those that are held out, nearly
    enough = [tag for tag in tags if pairs[tag] >= LEAST_PAIRS]
    few = [tag for tag in tags if tag not in enough]
    if not enough or not few:
        return list(tags)
    log.info("fewer than %d training pairs, so no adapter: %s", LEAST_PAIRS, ", ".join(few))
    return enough


def batch_needs(module: PairModule, encoder: Encoder) -> BatchNeeds:
    """What the objectives read of a batch, and which adapters its tokens go through.

    Raises:
        ConfigError: a row would have two languages, of which only one is known.
    """
    needs = module.batch_needs
    if encoder.adapters is None:
        return needs
    if any(request.input == TRANSLATED for request in module.requests):
        raise ConfigError(
            Option("per", encoder.adapters.per),
            "the adapters of translations beside a text are not known",
            "Train one adapter for all, per=null, or without translations as second texts",
            code="TLN-CONFIG-861",
        )
    return replace(needs, fields=(*needs.fields, ChosenAdapters.from_choice(encoder.adapters)))
