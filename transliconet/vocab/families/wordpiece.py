"""WordPiece: from the left of a word, always the longest subword that there is."""

from collections.abc import Collection, Sequence

from transliconet.vocab.families.base import TokenizerFamily
from transliconet.vocab.merge import NewSubword


class WordPiece(TokenizerFamily):
    """A tokenizer of BERT's kind, such as those of mBERT, LaBSE, MuRIL and IndicBERT.

    The longest match decides: a new subword that is nowhere the longest match of a text leaves the
    tokenization of that text as it was. Whole words become subwords without a mark, the others
    subwords with ``##``. A subword with punctuation in it is not added, since punctuation is split
    off before the vocabulary is looked at.

    It has no scores. Vocabularies are sorted by frequency, so that lower ids count as more
    frequent: ``merge=max`` takes the source with the lowest id.
    """

    kind = "WordPiece"

    def complete(
        self, new: Sequence[NewSubword], banned: Collection[str] = ()
    ) -> tuple[NewSubword, ...]:
        """See the base class. Single characters are added where they could be missing.

        A longer match ends where none ended before, perhaps inside an original subword. If the
        rest could not be split, the whole word would become the unknown token.
        """
        completed = list(super().complete(new, banned))
        known = {*self.ids, *(self.marks.own(subword.text) for subword in completed)}
        for original, id_ in self.ids.items():
            if not completed or not original.startswith(self.marks.continuation):
                continue
            for character in self.marks.plain(original):
                own = self.marks.own(character)
                if own not in known and character not in banned:
                    known.add(own)
                    completed.append(NewSubword(character, 0.0, (id_,)))
        return tuple(completed)
