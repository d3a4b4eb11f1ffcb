"""Simplex consensus as a pure state machine."""
