"""A first guess at what the columns of an unknown table mean, with the reason for each.

Names decide first, in the languages that exports come in; contents must agree. What cannot be
told (is 3/4/2024 in March or April?) is left open and said. The result is a proposal for a
person to read, never applied by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from platform_adapters.errors import ReadError, RecordError
from platform_adapters.format import ROWS
from platform_adapters.readers.glimpse import look
from platform_adapters.readers.rows import read_rows
from platform_adapters.values import Clock, text_number
from recommender.interactions import VERBS

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE_ROWS = 2_000
"""Rows that a guess looks at."""

_SHOWN = 3
_FEWEST_COLUMNS = 3  # somebody, something, and when
_WORDS: dict[str, str] = {
    "learner": r"learner|student|user|participant|pupil|person|member|username|matrikel|teilnehmer"
    r"|nutzer|benutzer|lernende|apprenant|utilisateur|étudiant|estudiante|usuario|alumn|aluno",
    "item": r"item|resource|activity|content|lesson|module|page|unit|object|exercise|question|quiz"
    r"|aktivität|inhalt|lektion|ressource|activité|contenu|leçon|recurso|actividad|conteúdo",
    "timestamp": r"time|date|timestamp|when|zeit|datum|heure|fecha|hora|data\b|created|occurred",
    "verb": r"verb|action|event|type of|aktion|ereignis|événement|acción|evento|ação",
    "raw": r"score|grade|mark|points|result|punkte|note|bewertung|ergebnis|nota|puntuación|pontos",
    "max": r"max|possible|out of|total points|maximum|höchst|von punkten|possibles|máxim",
    "success": r"success|correct|passed|richtig|bestanden|réussi|correcto|aprobado",
    "completion": r"complet|finished|done|abgeschlossen|fertig|terminé|completado|concluído",
    "progress": r"progress|percent|fortschritt|progression|progreso|progresso",
    "duration_seconds": r"duration|seconds|time spent|dauer|durée|duración|duração",
    "attempt": r"attempt|try|versuch|essai|intento|tentativa",
    "course": r"course|class|kurs|cours|curso|subject",
    "session": r"session|sitzung|sesión|sessão",
    "language": r"lang|sprache|langue|idioma",
    "skill": r"skill|competenc|outcome|kompetenz|compétence|competencia|kc\b|knowledge component",
    "event_id": r"event.?id|log.?id|statement.?id|record.?id|^id$",
    "order": r"order|sequence|position|reihenfolge|nummer|ordre|orden",
}
_TIMES = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d-%b-%y %I.%M.%S.%f %p",
    "%d %b %Y %H:%M",
    "%d %B %Y, %I:%M %p",
    "%Y/%m/%d %H:%M:%S",
)
_VERB_WORDS: dict[str, str] = {
    "viewed": r"view|read|open|access|visit|gesehen|gelesen|consult|visto|leído",
    "completed": r"complet|finish|done|abgeschlossen|terminé",
    "submitted": r"submit|hand.?in|abgegeben|upload|entregad",
    "answered": r"answer|respon|beantwort|répon",
    "started": r"start|begin|launch|begonnen|commenc",
    "passed": r"pass|bestanden|réussi|aprobad",
    "failed": r"fail|nicht bestanden|échou|reprobad|suspen",
    "scored": r"grade|score|mark|bewertet|noté",
    "enrolled": r"enrol|join|eingeschrieben|inscri",
    "hinted": r"hint|hinweis|indice|pista",
}


@dataclass
class Proposal:
    """What one column may be.

    Attributes:
        column: Its name in the file.
        ours: Our column; empty: none.
        why: The reason, for a person.
        samples: A few values, masked: letters and digits only by kind.
    """

    column: str
    ours: str
    why: str
    samples: list[str]


@dataclass
class Guess:
    """Proposals for all columns, and what else a map needs.

    Attributes:
        proposals: One for each column.
        times: The way in which times are written, where it can be told.
        verbs: From what stands in the verb's column to our verb, where it can be told.
        open: What a person must decide.
    """

    proposals: list[Proposal]
    times: list[str] = field(default_factory=list)
    verbs: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    @property
    def columns(self) -> dict[str, str]:
        """From our column to the file's."""
        return {p.ours: p.column for p in self.proposals if p.ours}


def masked(value: object) -> str:
    """A value's form without the value: `Ana 12` is `Aaa 99`."""
    text = str(value)[:40]
    return re.sub(
        r"[^\W\d_]", lambda m: "A" if m.group().isupper() else "a", re.sub(r"\d", "9", text)
    )


def guess_columns(path: Path) -> Guess:
    """Look at a table's first rows.

    Raises:
        ReadError: It holds no rows, or cannot be read.
    """
    glimpse = look(path)
    if glimpse.kind not in ROWS or len(glimpse.names) < _FEWEST_COLUMNS:
        raise ReadError(
            f"{path.name} is no table with columns of names (it looks like {glimpse.kind}); "
            "`adapt --detect` says what it is, if it is known"
        )
    rows = [r for _, r in islice(read_rows(path), SAMPLE_ROWS) if isinstance(r, dict)]
    if not rows:
        raise ReadError(f"{path.name} holds no row that can be read; expected a header and rows")
    values = {str(name): [row.get(name) for row in rows] for name in rows[0]}
    filled = {n: [v for v in column if v not in (None, "")] for n, column in values.items()}
    guess = Guess([])
    taken: dict[str, Proposal] = {}
    for name, column in filled.items():
        proposal = _propose(name, column)
        rival = taken.get(proposal.ours)
        if rival is not None and proposal.ours:
            guess.open.append(
                f"{proposal.ours}: {rival.column!r} was taken; it could be {name!r} as well"
            )
            proposal.why += f"; but {rival.column!r} is the {proposal.ours} already"
            proposal.ours = ""
        elif proposal.ours:
            taken[proposal.ours] = proposal
        guess.proposals.append(proposal)
    _decide_scores(guess, filled)
    _decide_times(guess, filled)
    _decide_verbs(guess, filled)
    guess.open += [
        f"{name}: no column looks like it; name one"
        for name in ("learner", "item")
        if name not in guess.columns
    ]
    if not {"timestamp", "order"} & set(guess.columns):
        guess.open.append("timestamp: no column looks like a time; name one, or an order")
    return guess


def _propose(name: str, column: list[object]) -> Proposal:
    samples = [masked(value) for value in dict.fromkeys(column[:50])][:_SHOWN]
    words = re.sub(r"[_\-.]+", " ", name).casefold()
    for ours, pattern in _ORDERED:
        if not re.search(pattern, words):
            continue
        objection = _objection(ours, column)
        if not objection:
            return Proposal(name, ours, f"its name, and {_agreement(ours, column)}", samples)
    if _all_times(column):
        return Proposal(name, "timestamp", "every value is a time", samples)
    return Proposal(name, "", "nothing about it says what it is; left out", samples)


_ORDERED = [
    (ours, re.compile(_WORDS[ours]))
    for ours in (
        "event_id",
        "duration_seconds",
        "timestamp",
        "max",
        "raw",
        "progress",
        "success",
        "completion",
        "attempt",
        "session",
        "language",
        "skill",
        "course",
        "verb",
        "learner",
        "item",
        "order",
    )
]


def _objection(ours: str, column: list[object]) -> str:
    """Why the contents cannot be what the name says; empty if they can."""
    if not column:
        return "it is empty"
    if ours in {"raw", "max", "progress", "duration_seconds", "attempt", "order"}:
        return "" if _numbers(column) else "it holds no numbers"
    if ours == "timestamp":
        return "" if _all_times(column) or _formats(column) else "it holds no times"
    if ours in {"success", "completion"}:
        return "" if len(set(map(str, column))) <= 2 else "it has more than two values"
    if ours == "event_id":
        return "" if len(set(map(str, column))) == len(column) else "its values repeat"
    if ours == "verb":
        return "" if len(set(map(str, column))) <= 60 else "it has too many values"
    return ""


def _agreement(ours: str, column: list[object]) -> str:
    different = len(set(map(str, column)))
    if ours == "timestamp":
        return "its values are times"
    if ours in {"raw", "max", "progress", "duration_seconds", "attempt", "order"}:
        return "its values are numbers"
    return f"{different:,} different values in {len(column):,} rows"


def _numbers(column: list[object]) -> bool:
    try:
        return all(text_number(value, "") is not None for value in column)
    except RecordError:
        return False


def _all_times(column: list[object]) -> bool:
    """Whether all are ISO 8601 or unix seconds of this century; a bare small number is no time."""
    clock = Clock("UTC", "")
    try:
        return bool(column) and all(clock.seconds(v) > 900_000_000 for v in column)
    except RecordError:
        return False


def _formats(column: list[object]) -> list[str]:
    """The ways to write a time in which all values can be read."""
    return [pattern for pattern in _TIMES if _reads(pattern, column)]


def _reads(pattern: str, column: list[object]) -> bool:
    try:
        for value in column:
            datetime.strptime(str(value).strip(), pattern)  # noqa: DTZ007  only tried
    except ValueError:
        return False
    return True


def _decide_scores(guess: Guess, filled: dict[str, list[object]]) -> None:
    """A score between 0 and 1 is one; points need a maximum."""
    raw = next((p for p in guess.proposals if p.ours == "raw"), None)
    if raw is None:
        return
    highest = max(text_number(value, "") or 0.0 for value in filled[raw.column])
    if highest <= 1:
        raw.ours, raw.why = "score", raw.why + ", all between 0 and 1"
    elif "max" not in guess.columns:
        guess.open.append(
            f"max: {raw.column!r} goes up to {highest:g}, and nothing says out of how much; until "
            "[constants] max is set, rows have no score"
        )


def _decide_times(guess: Guess, filled: dict[str, list[object]]) -> None:
    name = guess.columns.get("timestamp")
    if name is None or _all_times(filled[name]):
        return
    found = _formats(filled[name])
    if len(found) == 1:
        guess.times = found
    else:
        guess.open.append(
            f"times: {name!r} can be read as {' or as '.join(found)}; which one, only you can tell"
        )


def _decide_verbs(guess: Guess, filled: dict[str, list[object]]) -> None:
    name = guess.columns.get("verb")
    if name is None:
        guess.open.append('verb: no column; every row counts as "viewed" unless [constants] says')
        return
    for value in sorted(set(map(str, filled[name]))):
        ours = (
            value
            if value in VERBS
            else next((v for v, p in _VERB_WORDS.items() if re.search(p, value.casefold())), "")
        )
        if ours:
            guess.verbs[value] = ours
        else:
            guess.open.append(f"verbs: what does {value[:40]!r} mean? Rows with it are left out")


def map_text(guess: Guess, source: str) -> str:
    """The proposal as TOML, with what is open as comments."""
    lines = [
        f"# What the columns of {source} mean. Proposed; read it before you use it.",
        "[columns]",
    ]
    lines += [f"{ours} = {_quoted(theirs)}" for ours, theirs in guess.columns.items()]
    lines += ["", '[constants]  # the same in every row, such as max = 100 or course = "bio"']
    lines += ["", "[times]", f"formats = [{', '.join(map(_quoted, guess.times))}]"]
    lines += ["", "[verbs]"]
    lines += [f"{_quoted(theirs)} = {_quoted(ours)}" for theirs, ours in guess.verbs.items()]
    lines += ["", *(f"# open: {question}" for question in guess.open)]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", " ", escaped) + '"'
