"""The outermost things: HTTP, pages, command line, settings, wiring."""
