"""Merging of integer contributions."""
