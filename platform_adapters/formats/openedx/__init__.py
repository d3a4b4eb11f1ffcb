"""Open edX: its tracking logs, and its courses as catalogue."""
