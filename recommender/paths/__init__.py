"""From scores to a learning path: rank, constrain, explain."""
