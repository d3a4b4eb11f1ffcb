"""Platform catalogues to catalogue items."""
