"""Canvas without an administrator: one file for each kind of export; `platform` lists them."""
