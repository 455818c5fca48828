"""Runs: what one training run is made of, from its specification to its export."""
