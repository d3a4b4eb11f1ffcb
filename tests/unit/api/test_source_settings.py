"""Credentials of sources: where they may stand, and that they are never shown."""

from __future__ import annotations

import pytest

from api.settings import read_settings
from api.settings_errors import SettingsError

SECRET = "a secret of the tests"
SOURCE = 'adapter = "xapi"\ninputs = ["https://lrs.example.org/xAPI"]\n'


@pytest.fixture
def settings(tmp_path):
    def read(text, mode=0o600):
        path = tmp_path / "settings.toml"
        path.write_text('platform = "alder"\n' + text)
        path.chmod(mode)
        return read_settings(path)

    return read


def test_a_secret_is_hidden_wherever_settings_are_printed(settings):
    found = settings(f'[lrs]\ntoken = "{SECRET}"\n[[sources]]\n{SOURCE}password = "{SECRET}"\n')
    assert found.lrs.reveal() == ("", "", SECRET)
    assert found.sources[0].reveal() == ("", SECRET, "")
    assert SECRET not in repr(found) + str(found) + found.model_dump_json()


def test_a_secret_in_a_file_that_others_may_read_is_refused(settings):
    for text in (f'[lrs]\npassword = "{SECRET}"\n', f'[[sources]]\n{SOURCE}token = "{SECRET}"\n'):
        with pytest.raises(SettingsError, match="chmod 600") as refused:
            settings(text, mode=0o644)
        assert SECRET not in str(refused.value)
    settings(f'[[sources]]\n{SOURCE}token = "env:LRS_TOKEN"\n', mode=0o644)


def test_a_secret_of_the_wrong_kind_is_refused_without_being_told(settings):
    with pytest.raises(SettingsError, match=r"sources.0.password. \(not shown\)") as refused:
        settings(f"[[sources]]\n{SOURCE}password = 12345678\n")
    assert "12345678" not in str(refused.value)


def test_a_password_in_the_url_of_a_database_is_a_secret_too(settings):
    url = "mysql+pymysql://reader:hush-hush@db.example.org/moodle"
    source = f'[[sources]]\nadapter = "moodle"\ninputs = ["{url}"]\n'
    with pytest.raises(SettingsError, match="chmod 600"):
        settings(source, mode=0o644)
    assert settings(source).sources[0].inputs == (url,)
    with pytest.raises(SettingsError, match=r"mysql\+pymysql://…@db.example.org") as refused:
        settings(f'[[sources]]\nadapter = "moodle"\ninputs = "{url}"\n')
    assert "hush" not in str(refused.value)


def test_a_secret_may_stand_in_the_environment(settings, monkeypatch):
    monkeypatch.setenv("MURMURATION_LRS__TOKEN", SECRET)
    assert settings("", mode=0o644).lrs.reveal()[2] == SECRET
    monkeypatch.setenv("THE_TOKEN", SECRET)
    assert (
        settings(f'[[sources]]\n{SOURCE}token = "env:THE_TOKEN"\n').sources[0].reveal()[2] == SECRET
    )
