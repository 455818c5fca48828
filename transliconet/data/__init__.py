"""From a pairs folder to batches of token ids."""
