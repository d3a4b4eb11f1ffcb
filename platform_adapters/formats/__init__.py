"""Records to interactions, one file per platform."""
