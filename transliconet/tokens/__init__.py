"""From text to token ids: tokenization, words, padding, noise, cache."""
