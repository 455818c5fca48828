"""Training objectives: pure functions of tensors first, a small class over each for the
configuration.
"""
