"""Low-rank adapters inside an encoder, by peft: put in before training, taken out after it, and
written as a folder of their own.

They lie in the base model, so that their names are those of ``AutoModel``, which is what peft and
sentence-transformers load an adapter into.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from transliconet.errors import CheckpointError, ConfigError, Option
from transliconet.model.adapter_choice import AdapterChoice, adapted_layers, inject
from transliconet.model.encoder import Encoder
from transliconet.model.layers import require_layers
from transliconet.model.lora import LoraSettings
from transliconet.model.rows import NewRows, first_new_row, train_new_rows

NAME = "default"
"""peft's name of an adapter for all texts. It does not occur in an adapter folder."""
WRAPPED, IN_ADAPTER = ".base_layer.", re.compile(r"\.lora_\w+\.")
"""In names of weights: an adapted layer's own, and those of its adapter."""


def train_adapters(
    encoder: Encoder,
    settings: LoraSettings,
    new_rows: bool = False,
    names: Sequence[str] | None = None,
) -> None:
    """Put adapters into the layers, and freeze everything else.

    The encoder computes at first what it computed before. The weights of the adapters depend on the
    seed that was set last (``torch.manual_seed``), and not on what has been drawn since.

    Args:
        encoder: changed in place.
        settings: of the adapters.
        new_rows: also train the embedding rows of new subwords.
        names: of the adapters of ``settings.per``
            (:func:`transliconet.model.adapter_choice.adapter_names`), which all start with the same
            weights. None: one adapter for all texts.

    Raises:
        ConfigError: peft is not installed, or no layer has one of the names.
        CheckpointError: it is not known where the layers are, there are no new subwords, or
            ``settings.per`` is set and the encoder computes rows with their padding.
    """
    peft = _peft()
    body = encoder.masked_lm.base_model
    if settings.per is not None:
        _require_packed(encoder, settings.per)
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        use_dora=settings.dora,
        use_rslora=settings.rslora,
        target_modules=_target_pattern(encoder, settings),
        task_type=peft.TaskType.FEATURE_EXTRACTION,
    )
    if new_rows:
        train_new_rows(encoder)
    encoder.masked_lm.requires_grad_(False)
    for name in names or [NAME]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch.initial_seed())
            inject(config, body, name)
    encoder.lora = settings
    if settings.per is not None:
        encoder.adapters = AdapterChoice(settings.per, names or ())
        encoder.adapters.attach(encoder.masked_lm)
        for path, weight in body.named_parameters():
            weight.requires_grad_(IN_ADAPTER.search(path) is not None)
    rows = encoder.masked_lm.get_input_embeddings()
    if isinstance(rows, NewRows):
        rows.new.requires_grad_(True)


def _require_packed(encoder: Encoder, per: str) -> None:
    if not encoder.shape.packed:
        raise CheckpointError(
            encoder.name,
            f"adapters per {per} need rows without padding, which this architecture cannot compute",
            "Use another encoder, or leave per=null",
            code="TLN-CKPT-414",
        )


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise ConfigError(
            "trainable=lora",
            "peft is not installed",
            "Install it: pip install -e '.[lora]' in a checkout",
            code="TLN-CONFIG-410",
        ) from error
    return peft


def _target_pattern(encoder: Encoder, settings: LoraSettings) -> str:
    """A regular expression for the paths, from the base model, of the layers that get an adapter.

    Raises:
        ConfigError: no layer has one of the names.
        CheckpointError: it is not known where the layers are.
    """
    require_layers(encoder, "Use another encoder, or trainable=all")
    there = linear_names(encoder)
    wanted = list(settings.targets or encoder.shape.linear or there)
    unknown = [name for name in settings.targets or () if name not in there]
    if unknown:
        raise ConfigError(
            Option("targets", unknown[0]),
            f"no linear layer of {encoder.name} has this name",
            f"Choose from: {', '.join(there)}",
            code="TLN-CONFIG-411",
        )
    names = "|".join(map(re.escape, wanted))
    return rf"{re.escape(str(encoder.shape.layers))}\.\d+\.(?:.+\.)?(?:{names})"


def linear_names(encoder: Encoder) -> list[str]:
    """The last parts of the paths of the linear layers in a transformer layer, each once."""
    names: dict[str, None] = {}
    for block in encoder.blocks:
        for path, module in block.named_modules():
            if isinstance(module, nn.Linear):
                names[path.rpartition(".")[2]] = None
    return list(names)


@contextmanager
def without_adapters(encoder: Encoder) -> Iterator[None]:
    """Within the block the encoder computes what it would compute without its adapters."""
    layers = adapted_layers(encoder.masked_lm).values()
    chosen, encoder.adapters = encoder.adapters, None
    trained = [p for layer in layers for p in layer.parameters() if p.requires_grad]
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        encoder.adapters = chosen
        for layer in layers:
            layer.enable_adapters(True)
            layer.requires_grad_(False)
        for parameter in trained:  # peft would also train those that are frozen
            parameter.requires_grad_(True)


def state_without_adapters(model: nn.Module) -> dict[str, Tensor]:
    """The state of a model as it would be without its adapters, by the ordinary names."""
    state = {}
    for name, value in model.state_dict().items():
        if not IN_ADAPTER.search(name):
            state[name.replace(WRAPPED, ".")] = value
    return state


@dataclass(frozen=True)
class Adapter:
    """Trained adapters and embedding rows of new subwords, apart from their encoder.

    Args:
        config: of peft, as ``adapter_config.json`` has it.
        state: names in an adapter folder → weights.
        new_subwords: whether the tokenizer is another than the base's.
    """

    config: dict[str, Any]
    state: dict[str, Tensor]
    new_subwords: bool

    @property
    def base(self) -> str:
        """Folder or hub name of the encoder that they belong to."""
        return str(self.config["base_model_name_or_path"])

    @classmethod
    def from_encoder(cls, encoder: Encoder, base: str, name: str = NAME) -> "Adapter":
        """The adapters that an encoder has in training.

        Args:
            encoder: its embedding matrix is already an ordinary one
                (:func:`transliconet.model.rows.restore_matrix`).
            base: folder or hub name of the encoder that they belong to.
            name: of the adapter, where there is one per language or script.
        """
        peft = _peft()
        body: Any = encoder.masked_lm.base_model
        config = deepcopy(body.peft_config[name])
        config.base_model_name_or_path, config.inference_mode = base, True
        state = peft.get_peft_model_state_dict(body, adapter_name=name, save_embedding_layers=False)
        first, rows = first_new_row(encoder), encoder.masked_lm.get_input_embeddings()
        if first is not None:
            paths = {id(module): path for path, module in body.named_modules()}
            matrix = paths[id(rows)]
            config.trainable_token_indices = {matrix: list(range(first, len(rows.weight)))}
            state[f"{matrix}.token_adapter.trainable_tokens_delta"] = rows.weight[first:]
        weights = {f"base_model.model.{n}": v.detach().cpu().float() for n, v in state.items()}
        return cls(config.to_dict(), weights, first is not None)

    def save(self, folder: Path) -> None:
        """Write ``adapter_config.json`` and ``adapter_model.safetensors``."""
        plain = {name: _plain(value) for name, value in self.config.items()}
        text = json.dumps(plain, indent=2, sort_keys=True)
        (folder / "adapter_config.json").write_text(f"{text}\n", encoding="utf-8")
        contiguous = {name: value.contiguous() for name, value in self.state.items()}
        save_file(contiguous, folder / "adapter_model.safetensors", {"format": "pt"})


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set) else value
