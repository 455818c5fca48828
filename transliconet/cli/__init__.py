"""The commands: each a thin Hydra main over an importable function."""
