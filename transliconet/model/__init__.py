"""The encoder: loading, hidden states, pooling."""
