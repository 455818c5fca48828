"""Sweeps: each job in a process of its own, and what became of it in a file."""
