"""Sakai: one file for each kind of export; `platform` lists them."""
