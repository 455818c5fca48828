"""``transliconet prepare``: text → pairs folder."""

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig
from tabulate import tabulate

from transliconet.cli.build import build, plain
from transliconet.corpus.estimate import Estimate, estimate
from transliconet.corpus.prepare import prepare as prepare_pairs
from transliconet.corpus.recipe import Recipe
from transliconet.errors import section as option_section
from transliconet.pairs import MIN_CANDIDATES, PairsFolder
from transliconet.romanizers.base import Romanizer, check_romanizer
from transliconet.romanizers.registry import romanizer

COUNTS = ("read", "kept", "heldout", "identical", "fallback")


def prepare(cfg: DictConfig) -> PairsFolder | Estimate:
    """Write the pairs folder that ``cfg`` describes; with ``cfg.dry_run``, only estimate it."""
    with option_section("corpus"):
        reader = build({k: v for k, v in cfg.corpus.items() if k != "romanizer"})
    recipe = Recipe(build(cfg.clean), build(cfg.sample), build(cfg.rules))
    to_latin = build_romanizer(cfg.corpus.romanizer)
    if cfg.dry_run:
        return estimate(reader, to_latin, recipe, progress=cfg.progress)
    return prepare_pairs(
        reader,
        to_latin,
        out=cfg.out,
        recipe=recipe,
        engine=cfg.engine,
        processes=cfg.processes,
        overwrite=cfg.overwrite,
        progress=cfg.progress,
    )


def build_romanizer(section: Any) -> Romanizer:
    """The romanizer of a section: a name, a map of language to name, or a class as ``_target_``."""
    if isinstance(section, DictConfig) and "_target_" in section:
        return check_romanizer(build(section), f"corpus.romanizer._target_={section['_target_']}")
    with option_section("corpus"):
        return romanizer(plain(section))


def summary(languages: Mapping[str, Mapping[str, Any]], romanized: bool = True) -> str:
    """A table of what was read, kept and dropped. Before romanizing it has fewer columns."""
    names = COUNTS if romanized else COUNTS[:2]
    reasons = sorted({reason for counts in languages.values() for reason in counts["dropped"]})
    rows: list[list[Any]] = []
    for tag, counts in languages.items():
        dropped = [counts["dropped"].get(reason, 0) for reason in reasons]
        unromanized = [f"{100 * counts['unromanized']:.1f}"] if romanized else []
        rows.append([tag, *(counts[name] for name in names), *unromanized, *dropped])
    totals: list[Any] = ["all"]
    for values in list(zip(*rows, strict=True))[1:]:
        totals.append("" if isinstance(values[0], str) else sum(values))
    share = ["% unromanized"] if romanized else []
    headers = ["", *names, *share, *(f"dropped: {reason}" for reason in reasons)]
    return tabulate([*rows, totals], headers, tablefmt="simple")


def too_few_heldout(languages: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Languages with too few held-out pairs for the probe, with the number of these."""
    few = []
    for tag, counts in languages.items():
        if counts["kept"] and 0 < counts["heldout"] < MIN_CANDIDATES:
            few.append(f"{tag} ({counts['heldout']})")
    return few


def closing_lines(result: PairsFolder, out: str) -> Sequence[str]:
    """The lines below the table."""
    languages = result.manifest["languages"]
    lines = [f"{result.table.num_rows} pairs in {len(languages)} languages: {out}"]
    if few := too_few_heldout(languages):
        lines.append(
            f"fewer than {MIN_CANDIDATES} held-out pairs, so the probe passes over them: "
            f"{', '.join(few)}; raise rules.heldout, or probe with "
            "probe.candidates.min=N"
        )
    if result.manifest["dropped"]:
        skipped = result.path / "skipped.jsonl"
        lines.append(f"every line that was kept out, with its reason: {skipped}")
    return lines


def _estimate_text(result: Estimate, processes: int) -> str:
    with_pairs = [tag for tag, counts in result.languages.items() if counts["kept"]]
    scripts = {tag.split("_")[1] for tag in with_pairs}
    kept = sum(counts["kept"] for counts in result.languages.values())
    minutes = result.seconds / processes / 60
    return (
        f"{summary(result.languages, romanized=False)}\n\n"
        f"dry run: {kept} lines in {len(with_pairs)} languages and {len(scripts)} scripts would be "
        f"romanized, in about {minutes:.1f} min with processes={processes}, after "
        f"{result.loading:.0f} s to load the romanizer; nothing was written"
    )


def main(cfg: DictConfig) -> None:
    result = prepare(cfg)
    if isinstance(result, Estimate):
        print(_estimate_text(result, cfg.processes))
        return
    print(summary(result.manifest["languages"]), end="\n\n")
    for line in closing_lines(result, cfg.out):
        print(line)
