"""Unigram: of all ways to split a word, the one with the highest sum of log probabilities."""

from collections.abc import Collection, Mapping, Sequence

from transliconet.vocab.families.base import REPLACED, State, TokenizerFamily
from transliconet.vocab.merge import NewSubword


class Unigram(TokenizerFamily):
    """A tokenizer of SentencePiece's Unigram model, such as XLM-R's, mDeBERTa's and RemBERT's."""

    kind = "Unigram"
    has_probabilities = True

    def complete(
        self, new: Sequence[NewSubword], banned: Collection[str] = ()
    ) -> tuple[NewSubword, ...]:
        return tuple(subword for subword in new if subword.text not in banned)

    def _scores(self) -> Mapping[int, float]:
        vocabulary = self.state()["model"]["vocab"]
        return {id_: score for id_, (_, score) in enumerate(vocabulary)}

    def _take_in(self, model: State, token: str, id_: int) -> None:
        if id_ >= len(model["vocab"]):
            model["vocab"].append([token, _lowest_score(model)])

    def _add(self, model: State, new: Sequence[NewSubword]) -> None:
        lowest = _lowest_score(model)
        for subword in new:
            if subword.replaces is not None:
                model["vocab"][subword.replaces] = [REPLACED + subword.text, lowest]
            model["vocab"].append([subword.text, subword.score])

    def _keep(self, model: State, new_ids: Mapping[int, int]) -> None:
        vocabulary = model["vocab"]
        model["vocab"] = [vocabulary[id_] for id_ in new_ids]
        if model["unk_id"] is not None:
            model["unk_id"] = new_ids[model["unk_id"]]


def _lowest_score(model: State) -> float:
    """The least score that an entry may have: that of unknown characters is derived from the
    lowest one, which must not change.
    """
    return min(score for _, score in model["vocab"])
