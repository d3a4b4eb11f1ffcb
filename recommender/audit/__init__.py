"""Attacks on a release, to see that it keeps its promise (R16)."""
