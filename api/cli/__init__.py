"""The murmuration command."""
