"""Attacks of ordinary members on the merge, tuned against its defences, and what they achieve."""
