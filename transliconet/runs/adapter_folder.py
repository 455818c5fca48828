"""Trained adapters as a folder of their own, which peft loads into the base model: one base, many
languages.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from transliconet.errors import CheckpointError, ConfigError, Option
from transliconet.model.adapter_set import write_index
from transliconet.model.adapters import NAME, Adapter
from transliconet.model.encoder import Encoder
from transliconet.model.rows import first_new_row
from transliconet.outputs import new_folder
from transliconet.report.card import adapter_card, is_hub_name
from transliconet.runs.sentence_transformer import load_note, write_prompts
from transliconet.runs.spec import RunSpec
from transliconet.vocab.trim import Trim

KIND = "adapter"
"""Kind in the marker file of the folder (:func:`transliconet.outputs.mark`)."""


@dataclass(frozen=True)
class RunAdapters:
    """The adapters of a run, apart from their encoder.

    Args:
        by_name: the one for all texts, or those per language or script that were trained.
        per: ``language``, ``script``, or None.
    """

    by_name: Mapping[str, Adapter]
    per: str | None

    @classmethod
    def from_encoder(cls, encoder: Encoder, base: str) -> "RunAdapters":
        """Those in an encoder; see :meth:`transliconet.model.adapters.Adapter.from_encoder`."""
        if encoder.adapters is None:
            return cls({NAME: Adapter.from_encoder(encoder, base)}, None)
        names = encoder.adapters.trained()
        by_name = {name: Adapter.from_encoder(encoder, base, name) for name in names}
        return cls(by_name, encoder.adapters.per)


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
    file = next(folder.rglob("adapter_config.json"))
    config = json.loads(file.read_text(encoding="utf-8"))
    base = config["base_model_name_or_path"]
    if not is_hub_name(base):
        raise ConfigError(
            Option("adapter", True),
            f"its base is a folder, {base}",
            "Upload the merged export, or train from a name of the Hub",
            code="TLN-CONFIG-873",
        )


def export_adapters(
    adapters: RunAdapters,
    encoder: Encoder,
    out: str | Path,
    overwrite: bool = False,
    recognize: Callable[[Path], bool] | None = None,
    *,
    layer: int | str = "auto",
    pooling: str = "auto",
) -> Path:
    """Write ``adapter_config.json``, ``adapter_model.safetensors``, prompts, a card, and the
    tokenizer if it has new subwords; of adapters per language or script, a folder of these for each
    and :data:`transliconet.model.adapter_set.INDEX`.

    Args:
        adapters: to write.
        encoder: that they were trained in.
        out: the folder.
        overwrite, recognize: see :func:`transliconet.outputs.new_folder`.
        layer, pooling: that it was evaluated with.

    Raises:
        ConfigError, StorageError: see :func:`transliconet.outputs.new_folder`.
    """
    note = load_note(encoder, layer, pooling)
    with new_folder(out, KIND, overwrite, recognize) as folder:
        for name, adapter in adapters.by_name.items():
            of_adapter = folder if adapters.per is None else folder / name
            of_adapter.mkdir(exist_ok=True)
            _write(of_adapter, adapter, encoder, note)
        if adapters.per is not None:
            write_index(folder, adapters.per, list(adapters.by_name))
    return Path(out).expanduser()


def _write(folder: Path, adapter: Adapter, encoder: Encoder, note: str) -> None:
    """Write what peft reads, prompts, a card, and the tokenizer if it has new subwords."""
    rows = len(encoder.masked_lm.get_input_embeddings().weight) if adapter.new_subwords else None
    adapter.save(folder)
    if adapter.new_subwords:
        encoder.tokenizer.save_pretrained(folder)
    write_prompts(folder, encoder)
    card = adapter_card(adapter.base, rows, note)
    (folder / "README.md").write_text(card, encoding="utf-8")
