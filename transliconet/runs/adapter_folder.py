"""Trained adapters as a folder of their own, which peft loads into the base model: one base, many
languages.
"""

import json
from collections.abc import Callable
from pathlib import Path

from transliconet.errors import CheckpointError, ConfigError, Option
from transliconet.model.adapters import Adapter
from transliconet.model.encoder import Encoder
from transliconet.model.rows import first_new_row
from transliconet.outputs import new_folder
from transliconet.report.card import adapter_card, is_hub_name
from transliconet.runs.sentence_transformer import load_note, write_prompts
from transliconet.runs.spec import RunSpec
from transliconet.vocab.trim import Trim

KIND = "adapter"
"""Kind in the marker file of the folder (:func:`transliconet.outputs.mark`)."""


def adapter_base(spec: RunSpec, encoder: Encoder) -> str | None:
    """Folder or hub name of the encoder that a run's adapters belong to; None if the run trains
    none, or if they belong to no encoder that can be loaded: one that was made from scratch, or one
    whose vocabulary was trimmed for good.
    """
    source = spec.encoder.source
    if encoder.lora is None or source is None:
        return None
    if spec.vocabulary is not None and isinstance(spec.vocabulary.spec.method, Trim):
        put_back = spec.vocabulary.graft and first_new_row(encoder) is None
        return source if put_back else None
    return source if is_hub_name(source) or Path(source).expanduser().is_dir() else None


def require_base(base: str | None, run: str | Path) -> str:
    """The name of the base.

    Raises:
        CheckpointError: a run has no adapters, or they belong to no encoder that can be loaded.
    """
    if base is None:
        raise CheckpointError(
            Option("run", run),
            "it trained no adapters of an encoder that can be loaded",
            "Export without adapter=true",
            code="TLN-CKPT-856",
        )
    return base


def require_hub_base(folder: Path) -> None:
    """Refuse to publish adapters that nobody else can use, and the path in their configuration.

    Raises:
        ConfigError: they belong to an encoder in a folder.
    """
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    base = config["base_model_name_or_path"]
    if not is_hub_name(base):
        raise ConfigError(
            Option("adapter", True),
            f"its base is a folder, {base}",
            "Upload the merged export, or train from a name of the Hub",
            code="TLN-CONFIG-873",
        )


def export_adapter(
    adapter: Adapter,
    encoder: Encoder,
    out: str | Path,
    overwrite: bool = False,
    recognize: Callable[[Path], bool] | None = None,
    *,
    layer: int | str = "auto",
    pooling: str = "auto",
) -> Path:
    """Write ``adapter_config.json``, ``adapter_model.safetensors``, prompts, a card, and the
    tokenizer if it has new subwords.

    Args:
        adapter: to write.
        encoder: that the adapters were trained in.
        out: the folder.
        overwrite, recognize: see :func:`transliconet.outputs.new_folder`.
        layer, pooling: that it was evaluated with.

    Raises:
        ConfigError, StorageError: see :func:`transliconet.outputs.new_folder`.
    """
    rows = len(encoder.masked_lm.get_input_embeddings().weight) if adapter.new_subwords else None
    card = adapter_card(adapter.base, rows, load_note(encoder, layer, pooling))
    with new_folder(out, KIND, overwrite, recognize) as folder:
        adapter.save(folder)
        if adapter.new_subwords:
            encoder.tokenizer.save_pretrained(folder)
        write_prompts(folder, encoder)
        (folder / "README.md").write_text(card, encoding="utf-8")
    return Path(out).expanduser()
