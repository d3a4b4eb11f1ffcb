"""Agreement and merging among platforms, without a server."""
