"""From a run to a plain Hugging Face folder, which transformers loads with no code of ours."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer

from transliconet.errors import CheckpointError, first_line
from transliconet.model.encoder import Encoder
from transliconet.outputs import new_folder, output_folder
from transliconet.train.checkpoint import best_checkpoint
from transliconet.train.module import PREFIX
from transliconet.train.sharded import gathered_state, is_sharded

KIND = "export"
"""What the marker of an exported folder says."""
SKELETON = "encoder"
"""Folder in the run with configuration and tokenizer, so that a checkpoint is exported without the
base model.
"""


def save_skeleton(encoder: Encoder, run: Path) -> None:
    """Write the encoder's configuration and tokenizer, without weights, to ``run/encoder``."""
    folder = run / SKELETON
    encoder.masked_lm.config.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    (folder / "name.json").write_text(json.dumps({"name": encoder.name}) + "\n", encoding="utf-8")


def export_encoder(
    encoder: Encoder,
    out: str | Path,
    card: str,
    overwrite: bool = False,
    recognize: Callable[[Path], bool] | None = None,
) -> Path:
    """Write ``config.json``, ``model.safetensors`` (float32, head tied), the tokenizer and a model
    card; the folder appears whole or not at all.

    Raises:
        ConfigError, StorageError: see :func:`transliconet.outputs.new_folder`.
    """
    with new_folder(out, KIND, overwrite, recognize) as folder:
        encoder.masked_lm.save_pretrained(folder)
        encoder.tokenizer.save_pretrained(folder)
        (folder / "README.md").write_text(card, encoding="utf-8")
    return Path(out).expanduser()


def fitting_state(file: str | Path, masked_lm: nn.Module) -> dict[str, Tensor]:
    """The masked LM's part of a checkpoint, a file or an FSDP folder, checked against
    ``masked_lm``.

    Only tensors and plain data are read.

    Raises:
        CheckpointError: there is no such file, it is damaged or holds code, or it is of another
            model.
    """
    if not Path(file).is_file() and not is_sharded(file):
        raise CheckpointError(
            file,
            "no such checkpoint",
            "Give a file of a run's checkpoints/ folder",
            code="TLN-CKPT-850",
        )
    try:
        content = (
            gathered_state(file)
            if is_sharded(file)
            else torch.load(file, map_location="cpu", weights_only=True)["state_dict"]
        )
        state = {k.removeprefix(PREFIX): v for k, v in content.items() if k.startswith(PREFIX)}
        shapes = {k: v.shape for k, v in state.items()}
    except CheckpointError:
        raise  # of a sharded one, with its words
    # torch raises pickle, zip, key and runtime errors for a file it cannot take
    except Exception as error:
        remedy = "Take another checkpoint of this run"
        raise CheckpointError(
            file, f"cannot be loaded ({first_line(error)})", remedy, code="TLN-CKPT-851"
        ) from error
    expected = {k: v.shape for k, v in masked_lm.state_dict().items()}
    if differing := sorted(
        k for k in expected.keys() | shapes.keys() if expected.get(k) != shapes.get(k)
    ):
        name, (there, here) = (
            differing[0],
            (tuple(x.get(differing[0]) or ()) for x in (shapes, expected)),
        )
        raise CheckpointError(
            file,
            f"does not fit the encoder: {name} has shape {there} there and {here} here, and {len(differing) - 1} more",
            "Use the encoder that the checkpoint was trained with",
            code="TLN-CKPT-852",
        )
    return state


def encoder_from_checkpoint(run: str | Path, checkpoint: str = "last.ckpt") -> Encoder:
    """The encoder at a checkpoint of a run folder; ``best``: the one that ``checkpoint.monitor``
    chose.

    Raises:
        CheckpointError: the run folder or checkpoint is not there, is damaged, or does not fit.
    """
    run = Path(run).expanduser()
    skeleton = run / SKELETON
    if not skeleton.is_dir():
        raise CheckpointError(
            f"run={run}",
            "not a run folder (no encoder/ in it)",
            "Give the folder that train wrote",
            code="TLN-CKPT-853",
        )
    file = run / "checkpoints" / (best_checkpoint(run) if checkpoint == "best" else checkpoint)
    if not file.exists():
        there = sorted(f.name for f in file.parent.glob("*.ckpt")) or ["none"]
        raise CheckpointError(
            f"checkpoint={checkpoint}",
            f"not in {file.parent}",
            f"There: {', '.join(there)}",
            code="TLN-CKPT-854",
        )
    name = json.loads((skeleton / "name.json").read_text(encoding="utf-8"))["name"]
    masked_lm = AutoModelForMaskedLM.from_config(
        AutoConfig.from_pretrained(skeleton), dtype=torch.float32
    )
    masked_lm.load_state_dict(fitting_state(file, masked_lm))
    masked_lm.eval()
    return Encoder(masked_lm, AutoTokenizer.from_pretrained(skeleton), name)


def export_run(
    run: str | Path, out: str | Path, checkpoint: str = "last.ckpt", overwrite: bool = False
) -> Path:
    """Export a checkpoint of a run folder.

    Raises:
        ConfigError, StorageError: see :func:`transliconet.outputs.new_folder`.
        CheckpointError: see :func:`encoder_from_checkpoint`.
    """
    output_folder(out, KIND, overwrite)  # before the weights are read
    encoder = encoder_from_checkpoint(run, checkpoint)
    written = Path(run).expanduser() / "export" / "README.md"
    card = (
        written.read_text(encoding="utf-8")
        if written.is_file()
        else f"# {encoder.name}, trained with transliconet\n"
    )
    return export_encoder(
        encoder,
        out,
        card.replace("<!-- checkpoint -->", f"Exported from checkpoint `{checkpoint}`."),
        overwrite,
    )
