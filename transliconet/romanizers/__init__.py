"""Romanizers: from text in any script to Latin letters."""
