"""Kolibri: the database of a device, or the CSV exports of a facility's logs.

After the models and exports of Kolibri 0.19, and tried on what it wrote.
"""

from __future__ import annotations

from platform_adapters.catalogues.declared import Reader
from platform_adapters.catalogues.kolibri import read_catalogue
from platform_adapters.declared import Declared
from platform_adapters.formats.kolibri import (
    attempt,
    mastery,
    session,
    session_csv,
    summary,
    summary_csv,
    words,
)

_LOGS = (summary_csv, session_csv, session, attempt, mastery, summary)
_CONTENT = Reader(
    what="Kolibri's database of content",
    example="*Cell walls* (a video of 4 minutes) comes after *Cells* in the channel *Biology*.",
    marks={"content_contentnode", "content_channelmetadata"},
    read=read_catalogue,
    kinds=("sqlite",),
)

FORMAT = Declared(
    name="kolibri",
    summary="Kolibri's db.sqlite3, or its CSV exports of session and summary logs (any language)",
    tried_on="a real Kolibri 0.19 with synthetic learners: its database and its exports",
    aliases=words.ALIASES,
    rows=tuple(kind.ROWS for kind in _LOGS),
    catalogues=(_CONTENT,),
).format()
