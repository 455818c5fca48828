"""Families of tokenizers: how the vocabulary of each is read, extended and reduced."""
