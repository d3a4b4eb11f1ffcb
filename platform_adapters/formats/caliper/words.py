"""Caliper's entities: each may be an object or a bare IRI, types and actions words or IRIs."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from platform_adapters.formats.caliper.canvas import local_id
from platform_adapters.values import get, identifier

Event: TypeAlias = dict[str, Any]
Outcome: TypeAlias = dict[str, Any]
GRADES = frozenset({"GradeEvent", "OutcomeEvent"})


def iri(entity: object) -> str:
    """An entity's id, whether it is an object or a bare IRI; empty if there is none."""
    found = entity if isinstance(entity, str) else get(entity, "id") or get(entity, "@id")
    return found.strip() if isinstance(found, str) else ""


def known_as(entity: object, field: str) -> str:
    """The id under which we know an entity; Canvas's are those of its Live Events.

    Raises:
        RecordError: There is none, or it is longer than 1,024 bytes.
    """
    return local_id(identifier(iri(entity), field))


def kind_of(entity: object) -> str:
    """An entity's type, the IRI's last part if it is one; empty if unknown."""
    found = get(entity, "type") or get(entity, "@type")
    return last_of(found) if isinstance(found, str) else ""


def last_of(text: str) -> str:
    """The last part of an IRI; a word stays as it is."""
    return re.split(r"[#/]", text.strip())[-1]
