"""Every file of conf/ composes, and every _target_ takes the keys beside it."""

import inspect
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf

CONF = Path(__file__).parents[2] / "conf"
ROOTS = sorted(f.stem for f in CONF.glob("*.yaml"))
USED_BY = {
    "corpus": "prepare",
    "method": "vocab",
    "encoder": "train",
    "data": "train",
    "objective": "train",
    "optim": "train",
    "trainer": "train",
    "logger": "train",
    "probe": "train",
    "experiment": "train",
    "jobs": "train",
    "task": "transfer",
    "head": "transfer",
    "transfer": "train",
    "lora": "train",
    "mixing": "train",
}
GROUP_FILES = sorted(f.relative_to(CONF) for f in CONF.glob("*/*.yaml"))


def composed(root: str, *overrides: str) -> DictConfig:
    with initialize_config_module("transliconet.conf", version_base="1.3"):
        return compose(root, overrides=list(overrides), return_hydra_config=False)


def targets(node: object, name: str = "") -> Iterator[tuple[str, DictConfig]]:
    if isinstance(node, DictConfig):
        if "_target_" in node:
            yield name, node
        for key in node:
            if not OmegaConf.is_missing(node, key) and not OmegaConf.is_interpolation(node, key):
                yield from targets(node[key], f"{name}.{key}" if name else str(key))
    elif isinstance(node, ListConfig):
        for item in node:
            yield from targets(item, name)


def check_targets(cfg: DictConfig) -> int:
    number = 0
    for name, node in targets(cfg):
        accepted = inspect.signature(get_object(node._target_)).parameters
        others = (
            {"romanizer"} if name == "corpus" else set()
        )  # a corpus says how it is romanized, beside its reader
        unknown = {str(k) for k in node if not str(k).startswith("_")} - set(accepted) - others
        takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in accepted.values())
        assert takes_any or not unknown, f"{name}: {node._target_} takes no {unknown}"
        number += 1
    return number


@pytest.mark.parametrize("root", ROOTS)
def test_roots_compose_and_their_targets_take_their_keys(root: str) -> None:
    cfg = composed(root)
    assert check_targets(cfg) >= (
        0 if root in ("compare", "export", "report", "run", "sweep") else 1
    )


PLUGINS = {
    "jobs/joblib.yaml": "joblib_launcher",
    "jobs/optuna.yaml": "optuna_sweeper",
    "jobs/ray.yaml": "ray_launcher",
    "jobs/slurm.yaml": "submitit_launcher",
}


@pytest.mark.parametrize("file", GROUP_FILES, ids=str)
def test_every_group_file_composes_and_its_targets_take_its_keys(file: Path) -> None:
    group = file.parent.name
    if plugin := PLUGINS.get(str(file)):
        pytest.importorskip(f"hydra_plugins.hydra_{plugin}")
    check_targets(composed(USED_BY[group], f"{group}={file.stem}"))


def test_every_group_is_offered_by_a_root_and_named_in_its_help() -> None:
    assert {f.parent.name for f in GROUP_FILES} == set(USED_BY)
    for group, root in USED_BY.items():
        text = (CONF / f"{root}.yaml").read_text()
        help_text = text[text.index("header:") :]
        assert group in help_text
        for option in (
            f.stem for f in GROUP_FILES if f.parent.name == group and group not in ("data", "optim")
        ):
            assert option in help_text, f"{root} --help does not name {group}={option}"


@pytest.mark.parametrize("experiment", sorted(f.stem for f in CONF.glob("experiment/*.yaml")))
def test_every_experiment_fits_a_small_encoder(experiment: str) -> None:
    chosen = f"experiment={experiment}"
    small = composed("train", chosen, "pairs=x", "encoder=tiny", "encoder.layers=3")
    assert small.data.max_length <= small.encoder.positions == 128
    layers = [
        small.probe.embedding.layer,
        *(part.get("layer") for part in small.objective.values()),
    ]
    assert all(layer in (None, "auto", "last", 3) for layer in layers)


def test_layers_and_lengths_of_checkpoints_are_as_published() -> None:
    cfg = composed("train", "experiment=translico", "pairs=x", "probe=sr_b")
    assert (cfg.objective.tcm.layer, cfg.probe.embedding.layer, cfg.data.max_length) == (8, 8, 512)


def test_the_paper_run_has_the_settings_of_the_paper() -> None:
    cfg = composed("train", "experiment=translico", "pairs=x")
    on = {
        name: o
        for name, o in OmegaConf.to_container(cfg.objective, resolve=True).items()
        if o["weight"] > 0
    }
    assert on == {
        "mlm": {
            "_target_": "transliconet.objectives.mlm.MaskedLanguageModel",
            "weight": 1.0,
            "chunk_size": 512,
            "kernel": "chunked",
            "language_script": False,
        },
        "tcm": {
            "_target_": "transliconet.objectives.tcm.TransliterationContrast",
            "weight": 0.5,
            "scale": 0.5,
            "layer": 8,
            "pooling": "mean",
            "similarity": "dot",
            "temperature": 1.0,
            "same_view_negatives": True,
            "input": "masked",
            "exclude_overlap": None,
            "across_devices": False,
        },
    }
    assert cfg.encoder.path == "cis-lmu/glot500-base"
    assert cfg.optim.optimizer.lr == 2e-5
    assert (cfg.data.batch_size, cfg.trainer.accumulate_grad_batches, cfg.trainer.devices) == (
        24,
        8,
        4,
    )
    assert (cfg.trainer.max_epochs, cfg.trainer.precision) == (2, "16-mixed")
    assert (
        cfg.data.masking.probability,
        cfg.data.masking.mask_share,
        cfg.data.masking.random_share,
    ) == (
        0.15,
        0.8,
        0.1,
    )


@pytest.mark.parametrize(
    ("objective", "on"),
    [
        ("translico", "mlm tcm"),
        ("contrast", "tcm"),
        ("ppa", "mlm tcm tlm"),
        ("anchored", "anchor"),
        ("parts", ""),
    ],
)
def test_what_each_objective_switches_on(objective: str, on: str) -> None:
    cfg = composed("train", f"objective={objective}", "pairs=x")
    assert [name for name in cfg.objective if cfg.objective[name].weight > 0] == on.split()
    summed = composed(
        "train",
        "objective=parts",
        "objective.tlm.weight=0.5",
        "objective.word_alignment.weight=2",
        "pairs=x",
    )
    assert [name for name in summed.objective if summed.objective[name].weight > 0] == [
        "tlm",
        "word_alignment",
    ]


def test_an_experiment_leaves_the_last_word_to_the_command_line() -> None:
    cfg = composed("train", "experiment=quickstart", "trainer.max_steps=3", "objective=translico")
    assert cfg.trainer.max_steps == 3
    assert cfg.objective.mlm.weight == 1.0
    assert cfg.data.batch_size == 256


def test_the_wheel_takes_every_package_and_configuration() -> None:
    project = tomllib.loads((CONF.parent / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {
        str(f.parent.relative_to(CONF.parent)).replace("/", ".")
        for f in CONF.parent.glob("transliconet/**/__init__.py")
    }
    assert set(project["packages"]) == packages | {"transliconet.conf"}
    assert project["package-dir"] == {"transliconet.conf": "conf"}
    assert project["package-data"]["transliconet.conf"] == ["**/*.yaml"]
