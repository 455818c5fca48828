"""Model cards of exports: Markdown with the front matter that the Hub reads."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import try_to_load_from_cache

from transliconet._version import __version__
from transliconet.probe.shareable import path_name, shareable

CITATION = """@software{transliconet,
  title = {transliconet: aligning multilingual encoders across scripts},
  version = {%s},
  license = {Apache-2.0},
}"""
MOST_FRONT_MATTER = 100_000
"""Number of characters at the start of a card in which its front matter is looked for."""
SNIPPET_PATH = "path/to/this/folder"
"""Model name in the code snippet of a card."""
UNKNOWN_LICENCE = "# license: that of the base model applies; add its identifier here\n"
"""Comment of the front matter where the base model's card is not at hand."""
SHOWN_SETTINGS = ("objective", "data", "optim", "trainable", "method", "trainer", "seed")
"""Sections of a run's settings that a card shows; the others are in results.json."""
SHOWN_TRAINER = (
    *("max_steps", "max_epochs", "accumulate_grad_batches", "precision", "devices"),
    "gradient_clip_val",
)


def front_matter(
    languages: Sequence[str], base: str = "", tags: Sequence[str] = (), licence: str | None = None
) -> str:
    """The front matter of a card, YAML between ``---`` lines.

    Args:
        languages: ISO 639-3 codes.
        base: folder or Hub name of the base model.
        tags: more tags for the Hub.
        licence: identifier of the Hub; None takes that of the base model's card, see
            :func:`licence_of`. Where that is not known, a comment says so and the Hub shows none.
    """
    licence = licence or licence_of(base)
    content: dict[str, Any] = {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "feature-extraction", "transliconet", *tags],
    }
    if is_hub_name(base):
        content["base_model"] = base
    if languages:
        content["language"] = sorted(set(languages))
    if licence:
        content["license"] = licence
    note = "" if licence else UNKNOWN_LICENCE
    return f"---\n{yaml.safe_dump(content, sort_keys=False)}{note}---\n"


def is_hub_name(name: str) -> bool:
    """Whether a model's name is one of the Hub's, ``user/model``, rather than a folder.

    >>> is_hub_name("intfloat/multilingual-e5-small"), is_hub_name("/data/e5"), is_hub_name("tiny")
    (True, False, False)
    """
    user, slash, model = name.partition("/")
    plain = path_name(name) == name and not name.startswith(".")
    return plain and bool(user and slash and model) and "/" not in model


def licence_of(model: str) -> str | None:
    """The licence that the card of a model names, an identifier of the Hub; None where there is no
    card in the model's folder or in the local cache of the Hub.
    """
    card = Path(model).expanduser() / "README.md"
    try:
        if not card.is_file() and is_hub_name(model):
            downloaded = try_to_load_from_cache(model, "README.md")
            card = Path(downloaded) if isinstance(downloaded, str) else card
        with card.open(encoding="utf-8") as text:
            start = text.read(MOST_FRONT_MATTER)
        front = yaml.safe_load(start.split("---\n", 2)[1])
    except (OSError, ValueError, IndexError, RecursionError, yaml.YAMLError):
        return None
    licence = front.get("license") if isinstance(front, dict) else None
    known = isinstance(licence, str) and re.fullmatch(r"[a-z0-9.-]+", licence)
    return licence if known and licence not in ("other", "unknown") else None


def revision_of(model: str) -> str | None:
    """The commit of a model of the Hub in the local cache; None of a folder."""
    if not is_hub_name(model) or Path(model).expanduser().exists():
        return None
    downloaded = try_to_load_from_cache(model, "config.json")
    return Path(downloaded).parent.name if isinstance(downloaded, str) else None


def usage_section(load_note: str = "") -> str:
    """How to load and use the model, as Markdown."""
    note = f"\n{load_note}\n" if load_note else ""
    return f"""## Use

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("{SNIPPET_PATH}")
vectors = model.encode(["Москва", "Moskva"])  # (2, H), of length 1
print(vectors @ vectors.T)
```
{note}
`AutoModelForMaskedLM` and `AutoTokenizer` of transformers load it too.
"""


def name_in_snippet(card: str, name: str) -> str:
    """A card whose snippet loads the model by its name on the Hub."""
    for start in ('SentenceTransformer("', 'path = "'):
        card = card.replace(f'{start}{SNIPPET_PATH}"', f'{start}{name}"')
    return card


def model_card(
    base: str,
    manifest: Mapping,
    config: Mapping,
    tables: str,
    seconds: float,
    steps: int,
    load_note: str = "",
) -> str:
    """The card of a trained model: data, settings and probe numbers.

    Args:
        base: folder or Hub name of the model that training started from.
        manifest: of the pairs folder.
        config: settings of the run, as plain values.
        tables: Markdown of the probe; empty where it was not run.
        seconds: of training.
        steps: optimizer steps.
        load_note: what a reader must know about pooling.
    """
    languages = manifest["languages"]
    codes = [tag.split("_")[0] for tag in languages]
    romanizer = manifest["romanizer"]
    return f"""{front_matter(codes, base)}# {path_name(base)}, aligned across scripts

Fine-tuned with transliconet {__version__} on sentences and their romanizations ({romanizer["name"]}
{romanizer["version"]}): a sentence and its romanization have nearly the same vector.

<!-- checkpoint -->

{usage_section(load_note)}
## Data

{manifest["rows"]} pairs; sources: {_sources(manifest)}.

{_languages_table(languages)}

## Training

{steps} optimizer steps, {seconds:.0f} s.

```yaml
{_short_settings(config)}
```

## Retrieval probe, held-out text

Ties count against the model; means are over languages.

{tables or "Not run."}

## Licence and citation

The licence of the base model and of the training data applies.

```bibtex
{CITATION % __version__}
```
"""


def _languages_table(languages: Mapping[str, Mapping[str, int]]) -> str:
    lines = ["| language | training | held out | identical to their romanization |"]
    lines.append("|:--|--:|--:|--:|")
    for tag, counts in languages.items():
        training = counts["kept"] - counts["heldout"]
        lines.append(f"| {tag} | {training} | {counts['heldout']} | {counts['identical']} |")
    return "\n".join(lines)


def _sources(manifest: Mapping) -> str:
    names = []
    for source in manifest["sources"]:
        path = source.get("path")
        package = f"{source.get('package')} {source.get('version')}"
        names.append(path_name(str(path)) if path else package)
    return "; ".join(dict.fromkeys(names))


def _short_settings(config: Mapping) -> str:
    """The settings that decide what was learned, as YAML."""
    settings = shareable(config)
    shown = {name: settings[name] for name in SHOWN_SETTINGS if settings.get(name) is not None}
    trainer = shown.get("trainer")
    if isinstance(trainer, Mapping):
        shown["trainer"] = {name: trainer[name] for name in SHOWN_TRAINER if name in trainer}
    compact = _without_defaults(shown)
    return yaml.safe_dump(compact, sort_keys=False, allow_unicode=True).strip()


def _without_defaults(value: Any) -> Any:
    """Settings without empty ones, Hydra's keys and objectives whose weight is 0."""
    if not isinstance(value, Mapping):
        return value
    compact = {}
    for key, inner in value.items():
        switched_off = isinstance(inner, Mapping) and inner.get("weight") == 0
        if str(key).startswith("_") or inner in (None, {}, []) or switched_off:
            continue
        compact[key] = _without_defaults(inner)
    return compact


def plain_card(base: str) -> str:
    """The card of an encoder about whose training and evaluation nothing is known."""
    heading = f"{front_matter([], base)}# {path_name(base)}"
    return f"{heading}\n\nWritten with transliconet {__version__}.\n\n{usage_section()}"


def adapter_card(base: str, rows: int | None, load_note: str) -> str:
    """The card of a folder of adapters.

    Args:
        base: folder or Hub name of the encoder that they belong to.
        rows: number of embedding rows that it needs; None: as many as it has.
        load_note: what a reader must know about layer, pooling and prompt.
    """
    content: dict[str, Any] = {"library_name": "peft", "tags": ["lora", "transliconet"]}
    if is_hub_name(base):
        content["base_model"] = base
    resize, tokenizer = "", f'"{path_name(base)}"'
    if rows is not None:  # new subwords
        resize, tokenizer = f"base.resize_token_embeddings({rows})\n", "path"
    return f"""---
{yaml.safe_dump(content, sort_keys=False)}---
# Adapters for {path_name(base)}, aligned across scripts

Low-rank adapters trained with transliconet {__version__}.

## Use

```python
from peft import PeftModel
from transformers import AutoModel, AutoTokenizer

path = "{SNIPPET_PATH}"
base = AutoModel.from_pretrained("{path_name(base)}")
{resize}model = PeftModel.from_pretrained(base, path)
tokenizer = AutoTokenizer.from_pretrained({tokenizer})
```

{load_note}

`transliconet.load("{SNIPPET_PATH}")` does the same and merges the adapters into the encoder.
"""


def vocabulary_card(
    base: str, method: str, counts: Mapping[str, int], changed: Mapping[str, float]
) -> str:
    """The card of an encoder whose vocabulary was changed, without training.

    Args:
        base: folder or Hub name of the encoder.
        method: name of the vocabulary method.
        counts: what was done → number of subwords.
        changed: language tag → share of native texts that are tokenized differently now.
    """
    codes = [tag.split("_")[0] for tag in changed]
    changes = "\n".join(f"| {name} | {number} |" for name, number in counts.items())
    parts = [
        f"{front_matter(codes, base)}# {path_name(base)}, with another vocabulary",
        f"Vocabulary changed with transliconet {__version__} ({method}); not trained since.",
        usage_section().strip(),
        f"| what | number |\n|:--|--:|\n{changes}",
    ]
    if changed:
        shares = "\n".join(f"| {tag} | {100 * share:.2f} |" for tag, share in changed.items())
        heading = "| language | % of native texts tokenized differently |\n|:--|--:|"
        parts.append(f"{heading}\n{shares}")
    return "\n\n".join(parts) + "\n"
