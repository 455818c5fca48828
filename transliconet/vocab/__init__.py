"""Vocabulary extension, trimming and grafting of tokenizers, with their embedding rows."""
