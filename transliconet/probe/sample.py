"""A small sample of sentences and their vectors, kept beside a run's results for maps and heat
maps.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.model.vectors import normalize
from transliconet.pairs import PairsFolder, id_fraction
from transliconet.storage import atomic_file

FILE = "sample.npz"
ROMANIZED_GROUP = "romanized"
"""The group of all romanized sentences, beside one for the native ones of each script."""
SENTENCES = 300
"""Of all languages together; each is there in both views."""


@dataclass(frozen=True)
class Sample:
    """Sentences in both views: language, text and romanization of each, and the vectors of each
    stage.

    ``vectors`` maps a stage (``before``, ``after``) to (2, N, D): native, romanized.
    """

    languages: Sequence[str]
    texts: Sequence[str]
    romanized: Sequence[str]
    vectors: dict[str, np.ndarray]

    @classmethod
    def draw(
        cls, pairs: PairsFolder, languages: Sequence[str] | None = None, split: str = "heldout"
    ) -> "Sample":
        """As many sentences of each language, chosen by a hash of their ids, those that
        romanization changes.
        """
        rows = pairs.split(split, languages=languages, skip_unchanged=True).to_pylist()
        by_language: defaultdict[str, list[dict]] = defaultdict(list)
        for row in sorted(rows, key=lambda r: (id_fraction(r["id"], 3), r["id"])):
            by_language[row["lang"]].append(row)
        each = max(2, SENTENCES // max(len(by_language), 1))
        chosen = [row for _, members in sorted(by_language.items()) for row in members[:each]]
        return cls(
            [r["lang"] for r in chosen],
            [r["text"] for r in chosen],
            [r["romanized"] for r in chosen],
            {},
        )

    def measure(
        self, stage: str, encoder: Encoder, layer: int | str = "last", pooling: str = "mean"
    ) -> None:
        """Add the vectors of a stage."""
        views = (
            embed(encoder, list(view), layer, pooling, max_length=128)
            for view in (self.texts, self.romanized)
        )
        self.vectors[stage] = np.stack(list(views))

    def save(self, folder: Path) -> None:
        stages = {f"vectors_{stage}": v.astype(np.float16) for stage, v in self.vectors.items()}
        with atomic_file(folder / FILE) as partial, partial.open("wb") as file:
            np.savez_compressed(
                file,
                languages=np.array(self.languages),
                texts=np.array(self.texts),
                romanized=np.array(self.romanized),
                **stages,  # type: ignore[arg-type]
            )

    @classmethod
    def load(cls, folder: Path) -> "Sample | None":
        """The sample of a run folder, None where there is none."""
        if not (folder / FILE).is_file():
            return None
        with np.load(folder / FILE, allow_pickle=False) as file:
            stages = {
                k.removeprefix("vectors_"): file[k].astype(np.float32)
                for k in file
                if k.startswith("vectors_")
            }
            languages, texts, romanized = (
                file[k].tolist() for k in ("languages", "texts", "romanized")
            )
            return cls(languages, texts, romanized, stages)

    def by_script(self, stage: str) -> dict[str, np.ndarray]:
        """Script → vectors of its native sentences, in alphabetical order; then ``romanized`` →
        those of all.
        """
        native, romanized = self.vectors[stage]
        scripts = np.array([tag.split("_")[-1] for tag in self.languages])
        return {
            **{name: native[scripts == name] for name in sorted(set(scripts.tolist()))},
            ROMANIZED_GROUP: romanized,
        }


def script_similarities(sample: Sample, stage: str) -> tuple[list[str], np.ndarray]:
    """Names and (S, S) mean cosines between the sentences of scripts, native ones by script and all
    romanized ones.

    The diagonal leaves a sentence's cosine with itself out.
    """
    names, groups = zip(
        *((name, normalize(vectors)) for name, vectors in sample.by_script(stage).items()),
        strict=True,
    )
    means = np.zeros((len(names), len(names)))
    for i, a in enumerate(groups):
        for j, b in enumerate(groups):
            total, number = float((a @ b.T).sum()), len(a) * len(b)
            if i == j:
                total, number = total - len(a), number - len(a)
            means[i, j] = total / max(number, 1)
    return list(names), means
