"""Errors of the recommender; each message says what to do."""


class RecommenderError(Exception):
    """Root of this package's errors."""


class InteractionsError(RecommenderError):
    """Interactions that cannot be."""


class ManifestError(RecommenderError):
    """A manifest that breaks a privacy rule or does not parse."""


class ReleaseError(RecommenderError):
    """A release that must not be made."""


class ModelError(RecommenderError):
    """A model file that is damaged, of another shape, or cannot be fitted."""


class EvaluationError(RecommenderError):
    """An evaluation that cannot be run on the data given."""
