"""Export of an encoder or a run as a plain Hugging Face folder, which transformers loads without
this package.
"""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel

from transliconet.errors import CheckpointError, ConfigError, Option, first_line
from transliconet.model.adapters import train_adapters
from transliconet.model.encoder import Encoder
from transliconet.model.interpolation import StartingWeights
from transliconet.model.language_script import LanguageScriptEmbeddings
from transliconet.model.load import model_class
from transliconet.model.lora import LoraSettings
from transliconet.model.merge_adapters import merge_adapters
from transliconet.model.pooling import OR_AUTO
from transliconet.model.sentence import SentenceSettings
from transliconet.outputs import new_folder, output_folder
from transliconet.probe.results import read_results_file
from transliconet.report.card import plain_card
from transliconet.runs.adapter_folder import KIND as ADAPTER
from transliconet.runs.adapter_folder import RunAdapters, export_adapters, require_base
from transliconet.runs.sentence_transformer import write_modules
from transliconet.storage import atomic_write
from transliconet.third_party import no_loading_bars
from transliconet.train.checkpoint import LAST, callback_state, checkpoint_path, fitting_state
from transliconet.train.run_state import RunState

KIND = "export"
"""Kind in the marker file of an exported folder (:func:`transliconet.outputs.mark`)."""
ENCODER_FOLDER, NAME_FILE = "encoder", "name.json"
"""Folder of a run with configuration and tokenizer, and a file in it with the encoder's name. With
them a checkpoint can be exported without the base model.
"""
CHECKPOINT_COMMENT = "<!-- checkpoint -->"
"""Line of a model card that an export replaces with the name of the checkpoint."""


def save_architecture(encoder: Encoder, run: Path, base: str | None = None) -> None:
    """Write the encoder's configuration and tokenizer, without weights, to ``run/encoder``.

    Args:
        encoder: as it is trained.
        run: the run folder.
        base: see :func:`transliconet.runs.adapter_folder.adapter_base`.
    """
    folder = run / ENCODER_FOLDER
    encoder.masked_lm.config.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    atomic_write(folder / NAME_FILE, json.dumps({**_described(encoder), "base": base}) + "\n")


def _described(encoder: Encoder) -> dict[str, Any]:
    """Name, prompt, what the checkpoint said about sentence vectors, settings and names of
    adapters, and the names of languages and scripts that have embeddings.
    """
    embeddings, adapters = encoder.language_script, encoder.adapters
    return {
        "name": encoder.name,
        "prompt": encoder.prompt,
        "sentence": asdict(encoder.sentence),
        "lora": None if encoder.lora is None else asdict(encoder.lora),
        "adapters": None if adapters is None else adapters.names,
        "language_script": None if embeddings is None else embeddings.names,
    }


def export_encoder(
    encoder: Encoder,
    out: str | Path,
    card: str,
    overwrite: bool = False,
    recognize: Callable[[Path], bool] | None = None,
    *,
    layer: int | str = "auto",
    pooling: str = "auto",
) -> Path:
    """Write a Hugging Face folder: ``config.json``, ``model.safetensors`` (float32, head tied), the
    tokenizer, embeddings of languages and scripts if there are any, the modules of
    sentence-transformers and a model card.

    The folder appears whole or not at all.

    Args:
        encoder: to export.
        out: the folder.
        card: Markdown for ``README.md``.
        overwrite: replace a folder of this kind.
        recognize: see :func:`transliconet.outputs.new_folder`.
        layer: hidden layer that sentence-transformers is to use.
        pooling: pooling that sentence-transformers is to use.

    Raises:
        ConfigError: it has adapters per language or script, which are no part of such a folder.
        ConfigError, StorageError: see :func:`transliconet.outputs.new_folder`.
    """
    if encoder.adapters is not None:
        raise ConfigError(
            "encoder",
            f"it has adapters per {encoder.adapters.per}",
            'Merge them first: transliconet.merge_adapters(encoder, {"hin": 0.5, "mar": 0.5})',
            code="TLN-CONFIG-875",
        )
    with new_folder(out, KIND, overwrite, recognize) as folder:
        with no_loading_bars():
            _in_float32(encoder.masked_lm).save_pretrained(folder)
        encoder.tokenizer.save_pretrained(folder)
        if encoder.language_script is not None:
            encoder.language_script.save(folder)
        _name_portable_tokenizer_class(folder / "tokenizer_config.json")
        write_modules(folder, encoder, layer, pooling)
        (folder / "README.md").write_text(card, encoding="utf-8")
    return Path(out).expanduser()


def _in_float32(masked_lm: PreTrainedModel) -> PreTrainedModel:
    """The model in float32; a copy, if it has another precision, as after ``bf16-true``."""
    if all(p.dtype == torch.float32 for p in masked_lm.parameters()):
        return masked_lm
    return deepcopy(masked_lm).float()


def _name_portable_tokenizer_class(file: Path) -> None:
    """Name a tokenizer class that transformers 4 also has; it reads the same ``tokenizer.json``."""
    settings = json.loads(file.read_text(encoding="utf-8"))
    if settings.get("tokenizer_class") == "TokenizersBackend":
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
        file.write_text(json.dumps(settings, ensure_ascii=False, indent=2) + "\n", "utf-8")


def encoder_from_checkpoint(
    run: str | Path,
    checkpoint: str = LAST,
    keep_adapters: bool = False,
    merge: Mapping[str, float] | None = None,
) -> Encoder:
    """The encoder at a checkpoint of a run folder, with the share of its starting weights that the
    run keeps.

    Args:
        run: the run folder.
        checkpoint: name of a file in its ``checkpoints/``, or ``best``, the one that scored best by
            the monitored metric.
        keep_adapters: leave adapters in the encoder, rather than merging them into its layers.
        merge: weights of adapters per language or script
            (:func:`transliconet.model.merge_adapters.merge_adapters`).

    Raises:
        CheckpointError: the run folder or checkpoint is not there, is damaged, or does not fit.
        ConfigError: there are no adapters of these names.
    """
    run = Path(run).expanduser()
    folder = run / ENCODER_FOLDER
    if not folder.is_dir():
        raise CheckpointError(
            Option("run", run),
            "not a run folder (no encoder/ in it)",
            "Give the folder that train wrote",
            code="TLN-CKPT-853",
        )
    file = checkpoint_path(run, checkpoint)
    described = _read_described(folder)
    try:
        name, prompt = str(described["name"]), str(described["prompt"])
        sentence = SentenceSettings(**described["sentence"])
        config = AutoConfig.from_pretrained(folder)
        masked_lm = model_class(config).from_config(config, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        lora = LoraSettings(**described["lora"]) if described.get("lora") else None
        embeddings = None
        if described.get("language_script"):
            embeddings = LanguageScriptEmbeddings(**described["language_script"])
    except Exception as error:  # transformers, tokenizers and torch raise errors of many kinds
        raise _damaged(folder, error) from error
    encoder = Encoder(masked_lm, tokenizer, name, sentence=sentence, prompt=prompt)
    if lora is not None:
        train_adapters(encoder, lora, names=described.get("adapters"))
    encoder.language_script = embeddings
    encoder.load_state_dict(fitting_state(file, encoder.state_dict()))
    start = callback_state(file, RunState.__name__).get("start")
    if start:
        StartingWeights(**start).blend_into(encoder)
    if not keep_adapters:
        merge_adapters(encoder, merge)
    return encoder.eval()


def _read_described(folder: Path) -> dict[str, Any]:
    """The content of :data:`NAME_FILE`."""
    try:
        described = json.loads((folder / NAME_FILE).read_text(encoding="utf-8"))
        return dict(described)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise _damaged(folder, error) from error


def _damaged(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        folder,
        f"damaged ({first_line(error)})",
        "Copy it from another run that started from the same encoder",
        code="TLN-CKPT-855",
    )


def export_run(
    run: str | Path,
    out: str | Path,
    checkpoint: str = LAST,
    overwrite: bool = False,
    merge: Mapping[str, float] | None = None,
) -> Path:
    """Export a checkpoint of a run folder.

    Raises:
        ConfigError, StorageError: see :func:`transliconet.outputs.new_folder`.
        ConfigError, CheckpointError: see :func:`encoder_from_checkpoint`.
    """
    output_folder(out, KIND, overwrite)  # before the weights are read
    encoder = encoder_from_checkpoint(run, checkpoint, merge=merge)
    card = f"{plain_card(encoder.name)}\n{CHECKPOINT_COMMENT}\n"
    written = Path(run).expanduser() / "export" / "README.md"
    if written.is_file():
        card = written.read_text(encoding="utf-8", errors="replace")
    exported = f"Exported from checkpoint `{checkpoint}`."
    if merge is not None:
        weights = ", ".join(f"{name}: {weight:g}" for name, weight in merge.items())
        exported += f" Its weights have a sum of adapters in them: {weights}."
    return export_encoder(
        encoder,
        out,
        card.replace(CHECKPOINT_COMMENT, exported),
        overwrite,
        **_evaluated_with(Path(run).expanduser()),
    )


def export_run_adapter(
    run: str | Path, out: str | Path, checkpoint: str = LAST, overwrite: bool = False
) -> Path:
    """Export the adapters of a checkpoint of a run folder.

    Raises:
        ConfigError, StorageError: see :func:`transliconet.outputs.new_folder`.
        CheckpointError: the run trained none, or see :func:`encoder_from_checkpoint`.
    """
    output_folder(out, ADAPTER, overwrite)
    run = Path(run).expanduser()
    encoder = encoder_from_checkpoint(run, checkpoint, keep_adapters=True)
    base = require_base(_read_described(run / ENCODER_FOLDER).get("base"), run)
    adapters = RunAdapters.from_encoder(encoder, base)
    return export_adapters(adapters, encoder, out, overwrite, **_evaluated_with(run))


def _evaluated_with(run: Path) -> dict[str, Any]:
    """Layer and pooling of a run's probe; empty if it had no probe."""
    results = run / "results.json"
    if not results.is_file():
        return {}
    probe = read_results_file(results).content.get("config", {}).get("probe")
    embedding = probe.get("embedding") if isinstance(probe, dict) else None
    if not isinstance(embedding, dict):
        return {}
    layer, pooling = embedding.get("layer"), embedding.get("pooling")
    single = isinstance(layer, int) or layer == "last"
    settings: dict[str, Any] = {"layer": layer if single else "auto"}
    return {**settings, "pooling": pooling} if pooling in OR_AUTO else settings
