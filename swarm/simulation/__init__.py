"""The protocol core under seeded faults."""
