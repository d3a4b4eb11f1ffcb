"""Networks in torch: baselines, the private encoder, a local re-ranker; imported late, by name."""
