"""Moodle's tables in a real server, filled from the golden dump.

Columns and types as in Moodle's `install.xml` files, as far as they are read, and some that must
not be (`user.email`, `logstore_standard_log.ip`).
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import DatabaseServer

ROOT = Path(__file__).resolve().parents[2]
DUMP = ROOT / "tests/golden/moodle/dump/input"
GUIDE = ROOT / "docs/guides/moodle.md"
READER, SECRET = "murmuration", "choose one"

_TEXTS = frozenset(
    {
        *("eventname", "component", "action", "target", "objecttable", "crud", "other", "origin"),
        *("ip", "idnumber", "availability", "lang", "name", "search", "fullname", "shortname"),
        *("summary", "format", "sequence", "state", "element", "value", "itemname", "itemtype"),
        *("itemmodule", "enrol", "description", "archetype", "path", "auth", "username"),
        *("firstname", "lastname", "email", "intro", "content", "scormtype", "reference"),
        *("plugin", "oldvalue"),
    }
)
_NUMBERS = frozenset(
    {
        *("finalgrade", "rawgrade", "rawgrademax", "rawgrademin", "grademax", "grademin"),
        *("gradepass", "sumgrades", "grade"),
    }
)


def _type(column: str) -> sa.types.TypeEngine[object]:
    if column in _TEXTS:
        return sa.Text()
    return sa.Numeric(10, 5) if column in _NUMBERS else sa.BigInteger()


def rows_of(path: Path) -> list[dict[str, str | None]]:
    """Rows that a server can hold: the golden dump has one whose grade is no number."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{k: None if v == "NULL" else v for k, v in r.items()} for r in csv.DictReader(file)]
    return [row for row in rows if row.get("finalgrade") != "much"]


class MoodleSite:
    """One Moodle's database, and its reader as the guide makes it."""

    def __init__(self, server: DatabaseServer, url: sa.URL, prefix: str) -> None:
        self.server = server
        self.admin = url
        self.prefix = prefix
        self.tables = {p.stem.removeprefix("mdl_"): self._table(p) for p in DUMP.glob("*.csv")}
        for name, columns in {
            "scorm_attempt": ("id", "userid", "scormid", "attempt"),
            "scorm_scoes_value": ("id", "scoid", "attemptid", "elementid", "value", "timemodified"),
            "scorm_element": ("id", "element"),
        }.items():
            self.tables[name] = self._make(name, columns)
        with self.engine() as engine:
            for table in self.tables.values():
                table.metadata.create_all(engine)
        for path in DUMP.glob("*.csv"):
            self.add(path.stem.removeprefix("mdl_"), *rows_of(path))

    def _table(self, path: Path) -> sa.Table:
        with path.open(encoding="utf-8", newline="") as file:
            return self._make(path.stem.removeprefix("mdl_"), tuple(next(csv.reader(file))))

    def _make(self, name: str, columns: tuple[str, ...]) -> sa.Table:
        made = [sa.Column(column, _type(column)) for column in columns if column != "id"]
        own = sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False)
        return sa.Table(self.prefix + name, sa.MetaData(), own, *made)

    def engine(self) -> _Disposing:
        return _Disposing(sa.create_engine(self.admin, isolation_level="AUTOCOMMIT"))

    def add(self, table: str, *rows: dict[str, object]) -> None:
        with self.engine() as engine, engine.connect() as connection:
            connection.execute(sa.insert(self.tables[table]), list(rows))

    def change(self, table: str, number: int, **values: object) -> None:
        target = self.tables[table]
        with self.engine() as engine, engine.connect() as connection:
            connection.execute(sa.update(target).where(target.c.id == number).values(values))

    def grant(self) -> sa.URL:
        """Make the reader exactly as the guide says, and give its URL."""
        for statement in self._statements():
            self.server.execute(statement, database=self.admin.database)
        return self.admin.set(username=READER, password=SECRET)

    def _statements(self) -> Iterator[str]:
        blocks = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
        postgresql, mysql, grants = blocks
        yield from filter(None, map(str.strip, _users(self.server, postgresql, mysql).split(";")))
        for grant in filter(None, map(str.strip, grants.split(";"))):
            table = re.search(r"ON mdl_(\w+)", grant)
            assert table is not None, grant
            if table.group(1) in self.tables:
                yield grant.replace("mdl_", self.prefix)

    def revoke_all_but(self, kept: str) -> None:
        """Take back what the guide has granted, but for one table."""
        for grant in self._statements():
            if grant.startswith("GRANT") and f"ON {self.prefix}{kept} " not in grant:
                revoke = grant.replace("GRANT", "REVOKE").replace(" TO ", " FROM ")
                self.server.execute(revoke, database=self.admin.database)

    def drop_reader(self) -> None:
        """Roles outlive databases."""
        if self.server.dialect == "postgresql":
            self.server.execute(f"DROP OWNED BY {READER}", database=self.admin.database)
            self.server.execute(f"DROP ROLE {READER}")
        else:
            self.server.execute(f"DROP USER {READER}@'%'")


def _users(server: DatabaseServer, postgresql: str, mysql: str) -> str:
    return postgresql if server.dialect == "postgresql" else mysql


class _Disposing:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def __enter__(self) -> sa.Engine:
        return self._engine

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()
