"""Caliper, of any sensor, and the dialects of Canvas and Open edX."""
