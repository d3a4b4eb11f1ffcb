"""From noised sums to a served model: denoise, solve, gate, blend."""
