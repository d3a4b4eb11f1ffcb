"""How records find their meaning where a format is more than rows of one kind; see `formats/`."""
