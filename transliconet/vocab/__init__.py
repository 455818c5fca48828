"""Vocabulary surgery on Unigram tokenizers and the embedding rows that go with them."""
