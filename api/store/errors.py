"""Errors of the store; the class says whose fault it is, the message what to do."""

from __future__ import annotations

from api.errors import ApiError


class StoreError(ApiError):
    """Root of the store's errors."""


class StoreUnavailableError(StoreError):
    """The database cannot be opened, read or written (the world's fault); nothing is half-done."""


class StoreBusyError(StoreUnavailableError):
    """Another process holds the database for longer than we wait."""


class StoreFullError(StoreUnavailableError):
    """The disk or the file's limit is full; everything committed before is kept."""


class StoreDamagedError(StoreError):
    """The file is not a database of ours, or is damaged."""


class StoreVersionError(StoreError):
    """The database was made by a newer version of this product."""


class RowRefusedError(StoreError):
    """A row that the store cannot hold (the caller's fault); its batch was not stored."""


class CatalogueRefusedError(StoreError):
    """A catalogue that cannot be used; nothing of it was stored."""
