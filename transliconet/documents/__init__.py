"""Document retrieval: documents in their own script, queries in any."""
