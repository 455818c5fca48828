"""The model card of an export."""

from collections.abc import Mapping

import yaml

from transliconet._version import __version__


def model_card(
    base: str, manifest: Mapping, config: Mapping, tables: str, seconds: float, steps: int
) -> str:
    """Markdown that states data, settings and probe numbers, with the front matter the hub
    reads.
    """
    languages = manifest["languages"]
    rows = "\n".join(
        f"| {tag} | {counts['kept'] - counts['heldout']} | {counts['heldout']} | {counts['identical']} |"
        for tag, counts in languages.items()
    )
    front = yaml.safe_dump(
        {
            "library_name": "transformers",
            "pipeline_tag": "fill-mask",
            "tags": ["transliconet", "xlm-roberta"],
            "language": sorted({tag.split("_")[0] for tag in languages}),
        },
        sort_keys=False,
    )
    romanizer = manifest["romanizer"]
    return f"""---
{front}---
# {base}, aligned across scripts

Fine-tuned with transliconet {__version__} on sentences and their romanizations ({romanizer["name"]}
{romanizer["version"]}). Load it with `AutoModelForMaskedLM` and `AutoTokenizer`.

<!-- checkpoint -->

## Data

{manifest["rows"]} pairs; sources: {_sources(manifest)}.

| language | not held out | held out | identical to their romanization |
|:--|--:|--:|--:|
{rows}

## Training

{steps} optimizer steps, {seconds:.0f} s.

```yaml
{yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True).strip()}
```

## Retrieval probe, held-out text

Ties count against the model; means are over languages.

{tables or "Not run."}
"""


def _sources(manifest: Mapping) -> str:
    return "; ".join(
        str(s.get("path") or f"{s.get('package')} {s.get('version')}") for s in manifest["sources"]
    )


def vocabulary_card(base: str, counts: Mapping[str, int], changed: Mapping[str, float]) -> str:
    """Markdown for an encoder whose vocabulary was changed and that was not trained since."""
    pieces = "\n".join(f"| {name} | {number} |" for name, number in counts.items())
    shares = "\n".join(f"| {tag} | {100 * share:.2f} |" for tag, share in changed.items())
    cut = (
        f"\n| language | % of native texts cut differently |\n|:--|--:|\n{shares}\n"
        if changed
        else ""
    )
    return f"""# {base}, with romanized pieces

Vocabulary changed with transliconet {__version__} (TransMI, arXiv 2405.09913); not trained since.

| pieces | number |
|:--|--:|
{pieces}
{cut}"""
