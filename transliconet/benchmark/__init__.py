"""MTEB: an encoder on its tasks and on your own, native and romanized."""
