"""Canvas Data 2: one file for each table that is read; `platform` lists them."""
