"""Settings of one platform: `HOME/settings.toml`, overridden by `MURMURATION_…` variables.

- This file alone reads TOML and environment; everyone else is given a `Settings`.
- Unknown fields are errors: a misspelt setting must not be silently without effect.
- In a variable's name, `__` separates sections: `MURMURATION_SERVE__PORT=8080`.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from api.settings_errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from api.home import Home

ENV_PREFIX = "MURMURATION_"
Recommend = Literal["items", "courses"]
_CREDENTIAL = re.compile(r"://[^/@\s'\"]+:[^/@\s'\"]+@")
"""User and password in a URL."""
Share = Literal["off", "opt-in", "opt-out"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Login(_Section):
    """A credential. A secret may be written as `env:NAME`: then it stands in that variable."""

    username: str = ""
    """Name for Basic authentication."""
    password: SecretStr = SecretStr("")
    """Password for Basic authentication."""
    token: SecretStr = SecretStr("")
    """Token for Bearer authentication."""

    def reveal(self) -> tuple[str, str, str]:
        """Name, password and token, those in variables looked up.

        Raises:
            SettingsError: A variable is not set.
        """
        secrets = (self.password.get_secret_value(), self.token.get_secret_value())
        password, token = (_looked_up(secret) for secret in secrets)
        return self.username, password, token


class LrsSettings(_Login):
    """`[lrs]`: how learning record stores are asked, unless a source says otherwise."""

    page_statements: int = Field(default=500, ge=1, le=10_000)
    """Statements asked for at a time."""
    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """Longest silence of a store."""
    allow_http: bool = False
    """Let credentials cross the network unencrypted."""


class SourceSettings(_Login):
    """One `[[sources]]` entry: logs that `sync` ingests."""

    adapter: str
    """Name of the adapter, as `murmuration adapt --list` prints it."""
    inputs: tuple[str, ...]
    """Files or glob patterns, relative ones from the home; for xapi also https addresses, for
    moodle also the URL of its database (`postgresql+psycopg://host/name`, `mysql+pymysql://…`)."""
    prefix: str = "mdl_"
    """Prefix of the tables of such a database."""
    since: str = ""
    """A store's statements after this moment only, ISO 8601."""
    timezone: str | None = None
    """Time zone of timestamps that carry none, such as `Europe/Berlin`."""
    year: int | None = Field(default=None, ge=1990, le=2200)
    """Year of timestamps that carry none."""
    home_page: str | None = None
    """xAPI accounts of this home page are known by their name alone."""
    map: str | None = None
    """For table: the file that says what its columns mean (`adapt table --guess` writes one)."""
    accounts: str | None = None
    """CSV with old_id,new_id: accounts that were merged or made anew."""
    staff: str | None = None
    """Ids of people who are no learners: one a line, or CSV with a column id."""
    catalogue: str | None = None
    """Catalogue file in the same platform's form, imported first."""
    replace_catalogue: bool = False
    """Whether what its catalogue, or a database, no longer has leaves ours."""


class SwarmSettings(_Section):
    """`[swarm]`: the peer."""

    listen: str = "/ip4/0.0.0.0/tcp/4001"
    """Multiaddress that the peer listens on."""
    addresses: dict[str, tuple[str, ...]] = {}
    """Where this peer dials a member, by name, instead of where the ledger says: a member that has
    moved, or that is reached through a tunnel."""
    max_epsilon: float = Field(default=4.0, gt=0)
    """Most that a learner's one release may cost here; a weaker swarm is answered by abstaining."""
    contribute_command: tuple[str, ...] = ()
    """Command that makes a contribution; empty means this installation's own `contribute`."""
    fit_command: tuple[str, ...] = ()
    """Command that fits the serving model; empty means this installation's own `fit`."""

    train_network: bool = False
    """Whether this platform's learners may be in a training of the swarm's network instead of a
    release of statistics; needs the `network` extra (torch, opacus)."""

    def contribute_argv(self, home: Home) -> tuple[str, ...]:
        """The command line of the contributing child, without round arguments."""
        return self.contribute_command or own_command("contribute", home)

    def fit_argv(self, home: Home) -> tuple[str, ...]:
        """The command line of the fitting child."""
        return self.fit_command or own_command("fit", home)


class LearnSettings(_Section):
    """`[learn]`: what is fitted from this platform's own learners."""

    reranker: bool = False
    """Whether `fit` tries a local re-ranker (torch, minutes); it stays off unless it pays."""
    reranker_learners: int = Field(default=20_000, ge=1)
    """Learners with own statistics below which it is not tried."""


class ServeSettings(_Section):
    """`[serve]`: API and pages."""

    host: str = "127.0.0.1"
    """Address to bind; loopback unless a TLS proxy stands in front."""
    port: int = Field(default=8420, ge=0, le=65535)
    """TCP port; 0 lets the system choose."""
    keep_recommendations_days: int = Field(default=180, ge=1, le=3650)
    """How long recommendation logs are kept (R20)."""
    accounts: str | None = None
    """CSV with old_id,new_id for events that are sent; read again when it changes."""
    staff: str | None = None
    """Ids of people whose events are no learner's; read again when it changes."""
    home_page: str | None = None
    """xAPI accounts of this home page are known by their name alone."""


class Settings(BaseSettings):
    """Everything an operator can set."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    platform: Annotated[str, Field(min_length=1, max_length=100)]
    """Name of the platform; also the namespace of its event ids, so it must not change."""
    recommend: Recommend = "items"
    """What learners are recommended: items within courses, or courses themselves."""
    share: Share = "off"
    """How learners consent to being in releases: not at all, each by opting in, or unless out."""
    database_url: str = ""
    """SQLAlchemy URL of the store; empty means `HOME/store.sqlite`."""
    log: Literal["text", "json"] = "text"
    """Form of the log lines of `peer` and `serve`."""
    sources: tuple[SourceSettings, ...] = ()
    """Logs that `sync` ingests."""
    lrs: LrsSettings = LrsSettings()
    """Learning record stores."""
    swarm: SwarmSettings = SwarmSettings()
    """The peer."""
    learn: LearnSettings = LearnSettings()
    """What is fitted from this platform's own learners."""
    serve: ServeSettings = ServeSettings()
    """API and pages."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then the file (given as keyword arguments), nothing else."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    def store_url(self, home: Home) -> str:
        """SQLAlchemy URL of the store."""
        return self.database_url or f"sqlite:///{home.store_path.absolute()}"


def _looked_up(secret: str) -> str:
    """A secret, or the one in the variable that it names."""
    if not secret.startswith("env:"):
        return secret
    name = secret.removeprefix("env:")
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError(f"the environment variable {name}, named by the settings, is not set")
    return value


def own_program() -> tuple[str, ...]:
    """How to start `murmuration` again, without a search path: cron and systemd have none."""
    return (sys.executable, "-c", "from api.cli.main import main; main()")


def own_command(name: str, home: Home) -> tuple[str, ...]:
    """A command line that runs one of this installation's own commands on `home`."""
    return (*own_program(), name, "--home", str(home.path.absolute()))


def load_settings(home: Home) -> Settings:
    """Read the settings of a home.

    Raises:
        SettingsError: The file is missing, is not TOML, or a field is unknown or wrong.
    """
    return read_settings(home.settings_path)


def read_settings(path: Path) -> Settings:
    """Read a settings file and the environment over it.

    Raises:
        SettingsError: The file is missing, is not TOML, or a field is unknown or wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path}: the settings cannot be read ({error.strerror or error}); "
            "`murmuration init` writes them"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from error
    try:
        settings = Settings(**content)
    except ValidationError as error:
        raise SettingsError(_explain(error, path)) from error
    _refuse_open_secrets(content, path)
    return settings


def _refuse_open_secrets(content: dict[str, Any], path: Path) -> None:
    """Passwords and tokens stand in a file of the owner alone, or in the environment."""
    sections = [content.get("lrs", {}), *content.get("sources", ())]
    secrets = [section.get(name) for section in sections for name in ("password", "token")]
    written = any(secret and not secret.startswith("env:") for secret in secrets)
    inputs = [text for section in content.get("sources", ()) for text in section.get("inputs", ())]
    written |= any(_CREDENTIAL.search(str(text)) for text in inputs)
    if written and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(
            f"{path} holds a password or token and others may read it; "
            f'`chmod 600 {path}`, or write "env:NAME" there and set that variable'
        )


def _shown(value: object) -> str:
    """A value for a message, without the credential of a URL in it."""
    return _CREDENTIAL.sub("://…@", repr(value))


def _explain(error: ValidationError, path: Path) -> str:
    sentences = [_explain_one(detail, path) for detail in error.errors(include_url=False)]
    return "; ".join(sentences)


def _explain_one(detail: Any, path: Path) -> str:  # noqa: ANN401 - pydantic's own TypedDict
    where = ".".join(str(part) for part in detail["loc"])
    variable = ENV_PREFIX + "__".join(str(part) for part in detail["loc"]).upper()
    place = f"environment variable {variable}" if variable in os.environ else str(path)
    if detail["type"] == "extra_forbidden":
        return f"{place}: unknown setting `{where}`; check the spelling or remove it"
    if detail["type"] == "missing":
        return f"{place}: the setting `{where}` is missing"
    if detail["loc"] and detail["loc"][-1] in {"password", "token"}:
        return f"{place}: setting `{where}` (not shown): {detail['msg']}"
    return f"{place}: setting `{where}` is {_shown(detail['input'])}: {detail['msg']}"


def render_settings(platform: str, *, recommend: Recommend, share: Share, database_url: str) -> str:
    """The text of a new `settings.toml`, with what can be added as comments."""
    lines = [
        f"platform = {_quoted(platform)}  # also the namespace of event ids: do not change it",
        f'recommend = "{recommend}"  # items | courses',
        f'share = "{share}"  # off | opt-in | opt-out: how learners consent to releases',
    ]
    if database_url:
        lines.append(f"database_url = {_quoted(database_url)}")
    lines += [
        "",
        "# What `murmuration sync` ingests, one entry a log:",
        "# [[sources]]",
        '# adapter = "moodle"',
        '# inputs = ["/var/exports/moodle/*.csv"]  # or a database: docs/guides/moodle.md',
        '# timezone = "UTC"',
        '# catalogue = "/var/exports/moodle/catalogue.csv"',
        "# [[sources]]",
        '# adapter = "xapi"',
        '# inputs = ["https://lrs.example.org/xAPI"]',
        '# username = "reader"',
        '# password = "env:LRS_PASSWORD"',
        "",
        "[serve]",
        f'host = "{ServeSettings().host}"',
        f"port = {ServeSettings().port}",
        "",
        "[swarm]",
        f'listen = "{SwarmSettings().listen}"',
        "",
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in escaped) + '"'
