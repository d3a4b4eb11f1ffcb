"""Keys, scopes and tokens."""
