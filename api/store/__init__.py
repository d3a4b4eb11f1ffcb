"""The platform's store."""
