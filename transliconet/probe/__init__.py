"""The retrieval probe: embed sentences, search for their counterparts, and score the ranks."""
