"""Vocabulary extension and trimming of Unigram tokenizers, with their embedding rows."""
