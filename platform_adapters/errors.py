"""Errors of the platform adapters; each message says which file and line, and what to do."""

from __future__ import annotations


class AdapterError(Exception):
    """Root of this package's errors."""


class RecordError(AdapterError):
    """One record is not what its format demands; it is counted as rejected and reading goes on.

    The message is the reason in the report. It never holds a value of the record.
    """


class ReadError(AdapterError):
    """A file cannot be read to its end: truncated, damaged, or not of this format."""


class OptionsError(AdapterError):
    """An option is missing or wrong."""


class TimezoneError(OptionsError):
    """Local times without a zone, or a zone that does not exist. Never guessed."""


class TooManyRejectsError(AdapterError):
    """More records are unusable than the allowed share: most likely the wrong adapter."""


class CatalogueError(AdapterError):
    """A catalogue without item ids, or one that does not parse."""


class LearnerIdError(RecordError):
    """A learner id that is empty or longer than 1,024 bytes."""


class ForeignPseudonymError(RecordError):
    """A pseudonym that another home's key has made."""


class ReportError(AdapterError):
    """A report whose counts do not add up: a bug in an adapter, never the export's fault."""
