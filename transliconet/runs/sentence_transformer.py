"""Files that let sentence-transformers read an export as it was evaluated, with stock modules.

::

    modules.json                the modules, in order
    sentence_bert_config.json   length limit, and the number of layers where not all are used
    1_WordWeights/              of pooling "mean": weight 0 for special tokens, 1 for all others
    …_Pooling/config.json       mean, weighted mean or first token
    …_Normalize/                vectors of length 1

The stock mean pooling includes special tokens. ``WordWeights`` before it gives them weight 0. Since
the pooling divides by the sum of the weights, it is then the mean over content tokens.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from transliconet.model.encoder import Encoder
from transliconet.model.shapes import final_norm, known_shape

STOCK_POOLING = {
    "mean": "pooling_mode_mean_tokens",
    "mean_with_special": "pooling_mode_mean_tokens",
    "cls": "pooling_mode_cls_token",
    "weighted": "pooling_mode_weightedmean_tokens",
    "max": "pooling_mode_max_tokens",
    "last_token": "pooling_mode_lasttoken",
    "mean_sqrt_len": "pooling_mode_mean_sqrt_len_tokens",
}
POOLING_MODES = (
    *("pooling_mode_cls_token", "pooling_mode_mean_tokens", "pooling_mode_max_tokens"),
    *("pooling_mode_mean_sqrt_len_tokens", "pooling_mode_weightedmean_tokens"),
    "pooling_mode_lasttoken",
)


def write_modules(
    folder: Path, encoder: Encoder, layer: int | str = "auto", pooling: str = "auto"
) -> None:
    """Write the files beside an exported model.

    Args:
        folder: of the export.
        encoder: the exported encoder.
        layer: hidden layer that it was evaluated with.
        pooling: that it was evaluated with.
    """
    pooling = encoder.pooling_name(pooling)
    width = int(encoder.masked_lm.config.hidden_size)
    modules = [("", "Transformer")]
    if pooling == "mean":
        modules.append(("1_WordWeights", "WordWeights"))
        _write_word_weights(folder / "1_WordWeights", encoder)
    pooling_folder = f"{len(modules)}_Pooling"
    modules.append((pooling_folder, "Pooling"))
    settings: dict[str, object] = {"word_embedding_dimension": width}
    for mode in POOLING_MODES:
        settings[mode] = mode == STOCK_POOLING[pooling]
    _write_json(folder / pooling_folder / "config.json", {**settings, "include_prompt": True})
    normalize_folder = f"{len(modules)}_Normalize"
    (folder / normalize_folder).mkdir()
    modules.append((normalize_folder, "Normalize"))
    _write_module_list(folder, modules)
    most = encoder.length_limit(None)
    transformer: dict[str, object] = {"max_seq_length": most, "do_lower_case": False}
    number = encoder.layer_number(layer)
    if number < encoder.layers and can_truncate(encoder):
        transformer["config_args"] = {"num_hidden_layers": number}
    _write_json(folder / "sentence_bert_config.json", transformer)
    write_prompts(folder, encoder)


def write_prompts(folder: Path, encoder: Encoder) -> None:
    """The prompts of the checkpoint, and as the default the one that the encoder was used with."""
    prompts = dict(encoder.sentence.prompts)
    if not prompts and not encoder.prompt:
        return
    names = [name for name, text in prompts.items() if text == encoder.prompt]
    if not names and encoder.prompt:
        names = ["transliconet"]
        prompts[names[0]] = encoder.prompt
    default = names[0] if encoder.prompt else None
    settings = {"prompts": prompts, "default_prompt_name": default, "similarity_fn_name": "cosine"}
    _write_json(folder / "config_sentence_transformers.json", settings)


def can_truncate(encoder: Encoder) -> bool:
    """Whether the states of an inner layer can be had by leaving out the layers above it. They
    cannot where a norm follows the last layer: it would then follow the inner one.
    """
    known = known_shape(encoder.masked_lm.config)
    return known is not None and final_norm(encoder.masked_lm, known) is None


def load_note(encoder: Encoder, layer: int | str, pooling: str) -> str:
    """The sentence of a model card about layer and pooling."""
    number = encoder.layer_number(layer)
    if number < encoder.layers and not can_truncate(encoder):
        return (
            f"**It was evaluated with hidden layer {number}, but sentence-transformers uses the "
            f"last.** `transliconet.embed(encoder, texts, layer={number})` uses layer {number}."
        )
    pooling = encoder.pooling_name(pooling)
    notes = {
        "mean": "the mean over content tokens (special tokens have weight 0)",
        "mean_with_special": "the mean over all tokens",
        "cls": "the first token",
        "weighted": "the mean over all tokens, later ones weighing more",
        "max": "the largest value of each dimension over all tokens",
        "last_token": "the last token",
        "mean_sqrt_len": "the sum over all tokens by the square root of their number",
    }
    prompt = f" Each text is put after the prompt `{encoder.prompt}`." if encoder.prompt else ""
    return f"Vectors are {notes[pooling]} of hidden layer {number}, scaled to length 1.{prompt}"


def _write_word_weights(folder: Path, encoder: Encoder) -> None:
    """Weight 0 for special tokens, 1 for all others."""
    tokenizer = encoder.tokenizer
    rows = int(encoder.masked_lm.config.vocab_size)
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    tokens += [f"<unused{number}>" for number in range(len(tokens), rows)]
    special = dict.fromkeys(tokenizer.all_special_tokens, 0.0)
    config = {"vocab": tokens, "word_weights": special, "unknown_word_weight": 1.0}
    _write_json(folder / "config.json", config)
    weights = torch.ones(rows, 1)  # (V, 1), by token id
    weights[tokenizer.all_special_ids] = 0
    save_file({"emb_layer.weight": weights}, folder / "model.safetensors")


def _write_module_list(folder: Path, modules: Sequence[tuple[str, str]]) -> None:
    entries = []
    for number, (path, kind) in enumerate(modules):
        name = f"sentence_transformers.models.{kind}"
        entries.append({"idx": number, "name": str(number), "path": path, "type": name})
    _write_json(folder / "modules.json", entries)


def _write_json(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=2)
    file.write_text(text + "\n", encoding="utf-8")
