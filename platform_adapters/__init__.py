"""From each learning platform's own logs to interactions."""
