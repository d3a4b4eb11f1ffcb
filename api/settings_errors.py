"""Errors of settings."""

from __future__ import annotations

from api.errors import ApiError


class SettingsError(ApiError):
    """Settings that cannot be used; the message names file or variable, field and remedy."""
