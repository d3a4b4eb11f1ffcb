"""Homes and settings: files, keys, and what wrong ones are told."""

from __future__ import annotations

import os

import pytest

from api.home import KEY_NAMES, Home, HomeError, KeyFileError, find_home
from api.settings import load_settings, render_settings
from api.settings_errors import SettingsError
from swarm.storage.files import atomic_write


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    made.create(render_settings("alder", recommend="courses", share="opt-in", database_url=""))
    return made


def test_a_new_home_has_settings_and_keys_for_its_owner_alone(home):
    settings = load_settings(home.require())
    assert (settings.platform, settings.recommend, settings.share) == (
        "alder",
        "courses",
        "opt-in",
    )
    keys = [home.read_key(name) for name in KEY_NAMES]
    assert len(set(keys)) == len(KEY_NAMES)
    modes = [home.key_path(name).stat().st_mode & 0o777 for name in KEY_NAMES]
    assert modes == [0o600] * len(KEY_NAMES)
    assert home.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "platform", ['Al"der', "back\\slash", "tab\there", "日本語", "line\nbreak"]
)
def test_any_name_of_a_platform_survives_the_settings_file(tmp_path, platform):
    made = Home(tmp_path)
    made.create(render_settings(platform, recommend="items", share="off", database_url="sqlite://"))
    assert load_settings(made).platform == platform


def test_a_home_is_made_once_and_its_keys_stay(home):
    before = home.read_key("identity.key")
    with pytest.raises(HomeError, match="already a home; nothing was changed"):
        home.create("platform = 'other'")
    assert home.read_key("identity.key") == before
    assert load_settings(home).platform == "alder"


def test_making_a_home_goes_on_where_it_stopped(home):
    before = home.read_key("identity.key")
    home.settings_path.unlink()  # settings are written last
    home.create(render_settings("alder", recommend="items", share="off", database_url=""))
    assert home.read_key("identity.key") == before


def test_a_home_cannot_be_made_under_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match="choose a folder that you can write to"):
        Home(tmp_path / "file" / "home").create("platform = 'x'")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_nothing_starts_with_a_key_that_others_can_read(home, mode):
    home.key_path("pseudonym.key").chmod(mode)
    with pytest.raises(KeyFileError, match=rf"pseudonym\.key.*{mode:04o}.*chmod 600"):
        find_home(home.path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_bytes(b"short"), "32 bytes, found 5"),
    ],
)
def test_a_missing_or_short_key_is_named(home, damage, said):
    damage(home.key_path("session.key"))
    with pytest.raises(KeyFileError, match=rf"session\.key.*{said}"):
        home.require()


def test_a_home_is_found_by_argument_or_by_variable(home, tmp_path, monkeypatch):
    monkeypatch.delenv("MURMURATION_HOME", raising=False)
    with pytest.raises(HomeError, match="--home"):
        find_home(None)
    with pytest.raises(HomeError, match="murmuration init"):
        find_home(tmp_path / "nowhere")
    monkeypatch.setenv("MURMURATION_HOME", str(home.path))
    assert find_home(None) == home


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "pointer"
    atomic_write(path, b"old")
    atomic_write(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(TypeError):
        atomic_write(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["pointer"]  # noqa: PTH208 - hidden ones too


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("platform = 'a'\nrecomend = 'items'", "unknown setting `recomend`"),
        ("platform = 'a'\nshare = 'maybe'", "setting `share` is 'maybe'.*'opt-in' or 'opt-out'"),
        ("recommend = 'items'", "the setting `platform` is missing"),
        ("platform = 'a'\n[serve]\nport = 'x'", "setting `serve.port` is 'x'"),
        ("platform = 'a'\n[serve]\nhots = 'x'", "unknown setting `serve.hots`"),
        ("platform = 'a'\n[[sources]]\nadapter = 'moodle'", "`sources.0.inputs` is missing"),
        ("platform = 'a'\nshare = \nx = 1", "not valid TOML.*line 2"),
        ("platform = ''", "setting `platform`"),
    ],
)
def test_wrong_settings_name_the_file_and_the_field(home, text, said):
    home.settings_path.write_text(text)
    with pytest.raises(SettingsError, match=rf"settings\.toml: .*{said}"):
        load_settings(home)


def test_a_variable_overrides_the_file_and_is_named_when_wrong(home, monkeypatch):
    monkeypatch.setenv("MURMURATION_SERVE__PORT", "9999")
    monkeypatch.setenv("MURMURATION_RECOMMEND", "items")
    settings = load_settings(home)
    assert (settings.serve.port, settings.recommend) == (9999, "items")
    assert settings.serve.host == "127.0.0.1"
    monkeypatch.setenv("MURMURATION_SERVE__PORT", "70000")
    with pytest.raises(SettingsError, match="environment variable MURMURATION_SERVE__PORT"):
        load_settings(home)


def test_settings_that_are_missing_say_how_to_make_them(tmp_path):
    with pytest.raises(SettingsError, match=r"settings\.toml.*murmuration init"):
        load_settings(Home(tmp_path))


def test_children_are_this_installation_s_own_unless_settings_name_others(home):
    assert load_settings(home).swarm.contribute_argv(home)[-3:] == (
        "contribute",
        "--home",
        str(home.path),
    )
    with home.settings_path.open("a") as file:
        file.write('fit_command = ["nice", "fit"]\n')
    assert load_settings(home).swarm.fit_argv(home) == ("nice", "fit")
