"""Real servers for tests marked `server`: PostgreSQL and MariaDB of Debian's packages.

- A server is started from the distribution's binaries in a temporary folder, listens on a
  random loopback port, and is ended by its process id.
- Started as root, it runs as an unprivileged user (PostgreSQL refuses root).
- A missing server is installed by apt if we are root. What cannot be had is a failure in CI
  (`CI` is set) and a skip elsewhere that names the package.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_SECONDS = 60
PASSWORD = "a secret of the tests"


@dataclass(frozen=True)
class DatabaseServer:
    """A running server.

    Attributes:
        admin: URL of a user who may do everything.
        dialect: `postgresql` or `mysql`.
    """

    admin: sa.URL
    dialect: str

    def engine(self, database: str | None = None) -> sa.Engine:
        """A connection as the administrator; it commits by itself."""
        url = self.admin.set(database=database) if database else self.admin
        return sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def execute(self, *statements: str, database: str | None = None) -> None:
        """Run statements as the administrator."""
        with self.engine(database).connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    @contextmanager
    def database(self, name: str) -> Iterator[sa.URL]:
        """A new database, dropped at the end; the URL is the administrator's."""
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.admin.set(database=name)
        finally:
            force = " WITH (FORCE)" if self.dialect == "postgresql" else ""
            self.execute(f"DROP DATABASE {name}{force}")


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require(programs: Sequence[str], package: str, folders: str = "") -> list[Path]:
    """Paths of a package's programs, which is installed if it is missing and we may.

    Args:
        programs: Names of the programs.
        package: Debian's package that holds them.
        folders: Glob below `/` of a folder that is not on the search path.
    """
    found = _find(programs, folders)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        # In this runlevel a package's own service is not started.
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        for command in (["apt-get", "update", "-qq"], install):
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
        found = _find(programs, folders)
    if found is None:
        missing(f"install the Debian package {package} (apt-get install {package})")
    return found


def missing(advice: str) -> NoReturn:
    """A failure in CI, a named skip at a desk."""
    if os.environ.get("CI"):
        pytest.fail(f"needed in CI: {advice}")
    pytest.skip(advice)


def _find(programs: Sequence[str], folders: str) -> list[Path] | None:
    places = [*sorted(Path("/").glob(folders), reverse=True)] if folders else []
    places += [Path(place) for place in ("/usr/sbin", "/usr/bin", "/usr/local/bin")]
    found = [next((p / name for p in places if (p / name).exists()), None) for name in programs]
    return None if None in found else [path.resolve() for path in found if path]


@contextmanager
def unprivileged_folder(user: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder of a user who owns nothing else, and what makes `subprocess` run as that user."""
    folder = Path(tempfile.mkdtemp(prefix="murmuration-server-"))
    options: dict[str, Any] = {"cwd": folder, "stderr": subprocess.STDOUT}
    if os.geteuid() == 0:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
        options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    try:
        yield folder, options
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[object], log: Path, options: dict[str, Any], ending: signal.Signals
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process, ended by its id."""
    with log.open("wb") as output:
        process = subprocess.Popen([str(part) for part in command], stdout=output, **options)
        try:
            yield process
        finally:
            process.send_signal(ending)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(server: DatabaseServer, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server answers; fail with its log if it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.execute("SELECT 1")
        except sa.exc.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)
        else:
            return


@contextmanager
def postgresql_server() -> Iterator[DatabaseServer]:
    """A PostgreSQL of this process's own."""
    initdb, postgres = require(
        ["initdb", "postgres"], "postgresql", folders="usr/lib/postgresql/*/bin"
    )
    with unprivileged_folder("postgres") as (folder, options):
        data, log, secret = folder / "data", folder / "log", folder / "secret"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        make = [initdb, "-D", data, "-U", "operator", "--auth=scram-sha-256", "--no-sync"]
        make += ["--encoding=UTF8", "--locale=C.UTF-8", f"--pwfile={secret}"]
        subprocess.run([str(part) for part in make], check=True, stdout=-3, **options)
        port = free_port()
        command = [postgres, "-D", data, "-p", str(port), "-k", folder]
        for setting in ("listen_addresses=127.0.0.1", "fsync=off", "log_statement=all"):
            command += ["-c", setting]
        url = sa.URL.create(
            "postgresql+psycopg", "operator", PASSWORD, "127.0.0.1", port, "postgres"
        )
        server = DatabaseServer(url, "postgresql")
        with running(command, log, options, signal.SIGQUIT) as process:
            wait_for(server, process, log)
            yield server


@contextmanager
def mariadb_server() -> Iterator[DatabaseServer]:
    """A MariaDB of this process's own."""
    install, mariadbd = require(["mariadb-install-db", "mariadbd"], "mariadb-server")
    with unprivileged_folder("mysql") as (folder, options):
        data, log, first = folder / "data", folder / "log", folder / "first.sql"
        first.write_text(
            f"CREATE USER operator@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';"
            "\nGRANT ALL ON *.* TO operator@'127.0.0.1' WITH GRANT OPTION;\n",
            encoding="utf-8",
        )
        first.chmod(0o644)
        make = [install, "--no-defaults", f"--datadir={data}", "--skip-test-db"]
        make += ["--auth-root-authentication-method=normal"]
        subprocess.run([str(part) for part in make], check=True, stdout=-3, **options)
        port = free_port()
        command = [mariadbd, "--no-defaults", f"--datadir={data}", f"--port={port}"]
        command += [f"--socket={folder / 'socket'}", "--bind-address=127.0.0.1"]
        command += [f"--pid-file={folder / 'pid'}", f"--init-file={first}", "--skip-name-resolve"]
        command += ["--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb4"]
        url = sa.URL.create("mysql+pymysql", "operator", PASSWORD, "127.0.0.1", port)
        server = DatabaseServer(url, "mysql")
        with running(command, log, options, signal.SIGTERM) as process:
            wait_for(server, process, log)
            yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[DatabaseServer]:
    """PostgreSQL for the whole run."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[DatabaseServer]:
    """MariaDB for the whole run."""
    with mariadb_server() as server:
        yield server


@pytest.fixture(scope="session", params=["postgresql", "mariadb"])
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Either server in turn."""
    server: DatabaseServer = request.getfixturevalue(request.param)
    return server
