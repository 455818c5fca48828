"""Sweeps: each job runs in a process of its own, and its state is kept in a file."""
