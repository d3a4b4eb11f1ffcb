"""Blocks, certificates, genesis and their verification."""
