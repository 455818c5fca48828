"""An encoder of this package as MTEB calls it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from mteb.models import ModelMeta
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ScoringFunction

from transliconet.corpus.cleaning import mend
from transliconet.errors import DataError
from transliconet.language_tag import LanguageTag
from transliconet.model.embed import embed_rows
from transliconet.model.encoder import Encoder
from transliconet.probe.settings import Embedding
from transliconet.probe.views import NATIVE
from transliconet.romanizers.base import Romanizer, romanize_line
from transliconet.tokens.tokenize import tokenize
from transliconet.unicode_script import main_script

LATIN = "Latn"
DOCUMENT = "document"
"""MTEB's kind of text that queries look for."""
WITH_QUERIES = ("Retrieval", "Reranking", "InstructionRetrieval", "InstructionReranking")
"""Types of MTEB's tasks that search documents by queries."""


class MtebEncoder(AbsEncoder):
    """Embeds the texts of MTEB's tasks, in one view.

    In the romanized view, text is romanized by the language of the task's subset; text in Latin
    script stays as it is. Where queries look for documents, these stay native.

    Args:
        encoder: the model.
        view: ``native`` or ``romanized``.
        romanize: makes the romanized view.
        embedding: how a text becomes a vector; one layer.
        document_prompt: put before documents, or the name of one of the checkpoint's prompts; None:
            that of all texts.
    """

    def __init__(
        self,
        encoder: Encoder,
        view: str,
        romanize: Romanizer,
        embedding: Embedding,
        document_prompt: str | None = None,
    ) -> None:
        self.model, self.view, self.romanize = encoder, view, romanize
        self.embedding, self.document_prompt = embedding, document_prompt
        name = str(encoder.name).rstrip("/").split("/")[-1] or "encoder"
        about: dict[str, Any] = {
            "name": f"transliconet/{name}",
            "revision": view,
            "similarity_fn_name": ScoringFunction.COSINE,
            "framework": ["PyTorch"],
        }
        self.mteb_model_meta = ModelMeta.create_empty(overwrites=about)

    def encode(
        self,
        inputs: Iterable[Mapping[str, Sequence[str]]],
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        prompt_type: Any = None,
        **kwargs: Any,
    ) -> np.ndarray:
        """(N, H) float32 vectors of N texts; see MTEB's ``EncoderProtocol``."""
        texts: list[str] = []
        for batch in inputs:
            texts += map(mend, batch["text"])
        is_document = getattr(prompt_type, "value", prompt_type) == DOCUMENT
        searched = is_document and task_metadata.type in WITH_QUERIES
        if self.view != NATIVE and not searched:
            tag = language_of(task_metadata.hf_subsets_to_langscripts.get(hf_subset, []))
            texts = [self._romanized(text, tag) for text in texts]
        prompt = self.model.prompt
        if is_document and self.document_prompt is not None:
            prompt = self.model.sentence.prompt(self.document_prompt)
        most = self.model.length_limit(self.embedding.max_length)
        rows, _ = tokenize(self.model.tokenizer, texts, most, prompt)
        return embed_rows(
            self.model,
            rows,
            layer=self.embedding.layer,  # type: ignore[arg-type]  # one, checked by the encoder
            pooling=self.embedding.pooling,
            batch_tokens=self.embedding.batch_tokens,
        )

    def _romanized(self, text: str, tag: str) -> str:
        if main_script(text) == LATIN:
            return text
        return romanize_line(self.romanize, text, tag)[0]


def language_of(codes: Sequence[str]) -> str:
    """The tag of a subset's language; of a pair, that which is not in Latin script.

    Args:
        codes: as MTEB writes them: ``hin-Deva``.

    Returns:
        A tag; empty where no code is one.

    >>> language_of(["eng-Latn", "hin-Deva"]), language_of([])
    ('hin_Deva', '')
    """
    tags = []
    for code in codes:
        try:
            tags.append(LanguageTag.parse(code.replace("-", "_")))
        except DataError:
            continue  # such as python-Code
    others = [tag for tag in tags if tag.script != LATIN]
    found = others or tags
    return str(found[0]) if found else ""
