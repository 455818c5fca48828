"""One set of defaults: what a class does without arguments is what the configuration says, but for
the differences that are listed here with their reasons.
"""

import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf

from transliconet.train.module import PairModule

CONF = Path(__file__).parents[1] / "conf"
READERS = sorted(
    file.stem for file in CONF.glob("corpus/*.yaml") if "\ndefaults:" not in f"\n{file.read_text()}"
)
"""Files of a reader's own options; those with ``defaults:`` are the layout of one collection."""
COMPOSITIONS = [
    *((root.stem, ()) for root in sorted(CONF.glob("*.yaml")) if root.stem != "train"),
    ("train", ("objective=parts",)),
    ("train", ("objective=parts", "encoder=tiny")),
    ("train", ("objective=parts", "mixing=aioli")),
    ("train", ("objective=parts", "mixing=dga")),
    ("probe", ("probe=typed",)),
    ("probe", ("probe=documents",)),
    ("transfer", ("task=classification",)),
    ("transfer", ("task=tagging", "head=finetune")),
    *(("prepare", (f"corpus={name}",)) for name in READERS),
    *(("vocab", (f"method={file.stem}",)) for file in sorted(CONF.glob("method/*.yaml"))),
]
"""Every section with its general values. Experiments, layouts, and the objectives and probes of a
paper are recipes that say otherwise."""

OFF = "the parts of a sum are off until they are switched on"
DIFFERENCES = {
    ("objectives.mlm.MaskedLanguageModel", "weight"): OFF,
    ("objectives.tcm.TransliterationContrast", "weight"): OFF,
    ("objectives.tlm.TransliterationLanguageModel", "weight"): OFF,
    ("objectives.word_alignment.WordAlignment", "weight"): OFF,
    ("objectives.anchored.AnchoredContrast", "weight"): OFF,
    ("objectives.distillation.Distillation", "weight"): OFF,
    ("objectives.lexical.LexicalContrast", "weight"): OFF,
    (
        "corpus.sources.delimited.DelimitedFiles",
        "dialect",
    ): "a Dialect of nulls is sniffed, as None",
    ("probe.settings.Candidates", "noisy"): "an Augment of zeros changes nothing, as None",
    ("probe.settings.Candidates", "max"): "DocumentProbe takes all queries of a collection",
    ("tokens.noise.Augment", "typed"): "DocumentProbe has a view of queries as people type them",
    ("probe.settings.Search", "depth"): "DocumentProbe has MRR@10, as BEIR",
}
"""(target, key) → why the configuration says another value than the class does."""


PASS_OPTIONS_ON = {
    "transliconet.train.sharded.fsdp_strategy",
    "transliconet.train.loggers.wandb_logger",
    "transliconet.train.loggers.mlflow_logger",
}
"""Functions that hand all their options to a library: they have no defaults of their own."""


WITH_DEFAULTS_OF_THEIR_BASE = {
    "transliconet.corpus.sources.lexicon.LexiconFiles": "DelimitedFiles",
}
"""Classes of a layout, which take the arguments of a class that is compared."""


def sections(node: DictConfig) -> Iterator[DictConfig]:
    """Every part of a configuration that has a ``_target_`` of this package."""
    if str(node.get("_target_", "")).startswith("transliconet."):
        yield node
    for key in node:
        if OmegaConf.is_missing(node, key) or OmegaConf.is_interpolation(node, key):
            continue
        if isinstance(node[key], DictConfig):
            yield from sections(node[key])


def defaults_of(target: object) -> dict[str, object]:
    """Parameters with a default, and the default."""
    defaults = {}
    for name, parameter in inspect.signature(target).parameters.items():  # type: ignore[arg-type]
        if parameter.default is not parameter.empty:
            defaults[name] = parameter.default
    if dataclasses.is_dataclass(target):
        for field in dataclasses.fields(target):
            if field.default_factory is not dataclasses.MISSING:
                defaults[field.name] = field.default_factory()
    return defaults


def differing(section: DictConfig) -> Iterator[tuple[str, object, object]]:
    """Keys whose value is not the default of the class, with both."""
    defaults = defaults_of(get_object(section._target_))
    for key in section:
        if str(key).startswith("_") or OmegaConf.is_missing(section, key) or key not in defaults:
            continue
        if OmegaConf.is_interpolation(section, key):
            continue
        value = section[key]
        default = defaults[key]
        built = isinstance(value, DictConfig) and "_target_" in value
        if built and type(default) is get_object(value._target_):
            continue  # a section of its own
        if OmegaConf.is_config(value):
            value = instantiate(value, _convert_="all")
        if isinstance(default, tuple):
            default = list(default)
        if isinstance(value, tuple):
            value = list(value)
        if value != default:
            yield str(key), value, default


@pytest.fixture(scope="module")
def composed() -> list[DictConfig]:
    """The sections of all compositions."""
    with initialize_config_module("transliconet.conf", version_base="1.3"):
        roots = [compose(root, overrides=list(overrides)) for root, overrides in COMPOSITIONS]
        return [section for root in roots for section in sections(root)]


def test_each_difference_has_a_reason(composed: list[DictConfig]) -> None:
    found = {}
    for section in composed:
        target = section._target_.removeprefix("transliconet.")
        for key, value, default in differing(section):
            found[target, key] = (value, default)
    without = {key: values for key, values in found.items() if key not in DIFFERENCES}
    assert not without, "configuration and class disagree (value, default)"
    assert not DIFFERENCES.keys() - found.keys(), "no difference any more"


def test_every_class_of_the_configuration_is_compared(composed: list[DictConfig]) -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in CONF.rglob("*.yaml"))
    named = set(re.findall(r"_target_: (transliconet\.\S+)", text))
    own = {target for target in named if not target.startswith("transliconet.cli.")}
    for target, base in WITH_DEFAULTS_OF_THEIR_BASE.items():
        assert "__init__" not in vars(get_object(target))
        assert get_object(target).__base__.__name__ == base
    expected = PASS_OPTIONS_ON | WITH_DEFAULTS_OF_THEIR_BASE.keys()
    assert own - {section._target_ for section in composed} == expected


def test_the_optimizer_settings_are_those_of_the_module() -> None:
    with initialize_config_module("transliconet.conf", version_base="1.3"):
        optim = compose("train").optim
    defaults = defaults_of(PairModule)
    for key in ("weight_decay", "layer_decay", "new_rows_lr_factor"):
        assert optim[key] == defaults[key]
