"""`init`, `consent`, `status`, `catalogue` and `keys`."""

from __future__ import annotations

import json

import click
import pytest

from api.home import PSEUDONYM_KEY, Home, HomeError, KeyFileError
from api.security.keys import verify
from api.security.sign_in import redeem
from api.settings import load_settings
from api.store.errors import CatalogueRefusedError, StoreUnavailableError
from api.store.opening import open_store
from platform_adapters.errors import CatalogueError
from platform_adapters.pseudonyms import Pseudonymiser

CATALOGUE = """item,title,content_key,position,skills,hidden,duration_minutes
b,Second,urn:b,2,s1;s2,,12.5
a,First,,1,,true,
"""


def test_init_makes_a_home_and_says_what_comes_next(tmp_path, run):
    path = tmp_path / "new"
    said = run("init", "--home", path, "--platform", "Fjord", "--recommend", "courses")
    assert "Sharing is off" in said
    assert f"murmuration ingest ADAPTER LOG... --home {path}" in said
    settings = load_settings(Home(path).require())
    assert (settings.platform, settings.recommend, settings.share) == ("Fjord", "courses", "off")
    with open_store(Home(path)) as store:
        assert store.counts() == {
            "learners": 0,
            "interactions": 0,
            "catalogue": 0,
            "released": 0,
        }


def test_init_on_a_home_changes_nothing(home, run):
    before = home.settings_path.read_text()
    with pytest.raises(HomeError, match="already a home"):
        run("init", "--home", home.path, "--platform", "other")
    assert home.settings_path.read_text() == before


def test_init_with_a_database_that_is_not_there_can_be_repeated(tmp_path, run):
    path = tmp_path / "new"
    url = "sqlite:////no/such/folder/store.sqlite"
    with pytest.raises(StoreUnavailableError):
        run("init", "--home", path, "--platform", "x", "--database-url", url)
    run("init", "--home", path, "--platform", "x")
    assert Home(path).require().exists


def test_init_without_a_folder_or_a_name_is_wrong_usage(run, monkeypatch, tmp_path):
    monkeypatch.delenv("MURMURATION_HOME", raising=False)
    with pytest.raises(click.UsageError, match="--home"):
        run("init", "--platform", "x")
    with pytest.raises(click.MissingParameter, match="platform"):
        run("init", "--home", tmp_path / "x")


def _pseudonym(home, learner):
    return Pseudonymiser(home.read_key(PSEUDONYM_KEY)).pseudonym(learner)


def test_consent_takes_the_platform_s_own_ids(home, run):
    name = _pseudonym(home, "4711")
    assert run("consent", "4711", "--home", home.path) == (
        f"{name}: serve yes, local yes, share yes\n"
    )
    said = run("consent", name, "--share", "no", "--serve", "no", "--home", home.path)
    assert said == f"{name}: serve no, local yes, share no\n"
    run("consent", "4711", "--serve", "default", "--home", home.path)
    with open_store(home) as store:
        found = store.consent(name)
    assert (found.serve, found.local, found.share) == (True, True, False)


def test_consent_reads_a_table_and_refuses_it_whole(home, run, tmp_path):
    table = tmp_path / "consent.csv"
    table.write_text("learner,share,local\n1,no,\n2,yes,no\n3,default,maybe\n")
    with pytest.raises(click.ClickException, match=r"consent\.csv, line 4, column local"):
        run("consent", "--file", table, "--home", home.path)
    with open_store(home) as store:
        assert store.consent(_pseudonym(home, "1")).share
    table.write_text("learner,share,local\n1,no,\n2,yes,no\n")
    assert "2 learners set" in run("consent", "--file", table, "--home", home.path)
    with open_store(home) as store:
        one, two = (store.consent(_pseudonym(home, learner)) for learner in "12")
    assert (one.share, one.local, two.share, two.local) == (False, True, True, False)
    table.write_text("name\nx\n")
    with pytest.raises(click.ClickException, match="expected a header with learner"):
        run("consent", "--file", table, "--home", home.path)


def test_a_learner_id_of_two_kilobytes_is_refused(home, run):
    with pytest.raises(click.ClickException, match="longer than 1,024 bytes; nothing was changed"):
        run("consent", "x" * 2048, "--share", "no", "--home", home.path)


def test_status_shows_what_a_home_holds_and_check_fails_while_something_is_missing(
    home, log, run, result, tmp_path
):
    run("ingest", "table", log(10), "--home", home.path)
    said = run("status", "--home", home.path, "--json", tmp_path / "result.json")
    assert "interactions:   10" in said
    (record,) = result()
    assert record["interactions"] == 10
    assert any("catalogue import" in problem for problem in record["problems"])
    with pytest.raises(SystemExit):
        run("status", "--check", "--home", home.path)


def test_status_names_a_key_that_others_can_read(home, run, capsys):
    home.key_path("identity.key").chmod(0o644)
    with pytest.raises(HomeError, match="cannot be used as it is"):
        run("status", "--home", home.path)
    assert "chmod 600" in capsys.readouterr().err


def test_status_of_a_damaged_store_says_so(home, run, capsys):
    home.store_path.write_bytes(b"scrambled" * 1000)
    with pytest.raises(HomeError):
        run("status", "--home", home.path)
    assert "restore it from a backup" in capsys.readouterr().err


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_no_command_runs_with_an_open_key(home, run, log, mode):
    home.key_path(PSEUDONYM_KEY).chmod(mode)
    with pytest.raises(KeyFileError, match=r"pseudonym\.key"):
        run("ingest", "table", log(1), "--home", home.path)


def test_a_catalogue_comes_out_as_it_went_in(home, run, tmp_path):
    path = tmp_path / "catalogue.csv"
    path.write_text(CATALOGUE)
    said = run("catalogue", "import", path, "--home", home.path)
    assert "2 rows = 2 new + 0 changed + 0 unchanged + 0 repeated" in said
    assert "1 rows have no content_key" in said
    with open_store(home) as store:
        before = store.catalogue()
    assert before[0].skills == ("s1", "s2")
    assert [item.hidden for item in before] == [False, True]
    for name in ("out.csv", "out.jsonl"):
        run("catalogue", "export", "--out", tmp_path / name, "--home", home.path)
        said = run("catalogue", "import", tmp_path / name, "--home", home.path)
        assert "0 new + 0 changed + 2 unchanged" in said, name
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["item"] == "b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title,url\nFirst,https://x\n", "item"),
        ("item,title\na,First\n,Second\n", "item"),
        ("item,title\n", "no item"),
        (f"item,title\n{'x' * 2048},Long\n", "1,024 bytes"),
    ],
)
def test_a_catalogue_without_usable_ids_changes_nothing(home, run, tmp_path, text, said):
    path = tmp_path / "catalogue.csv"
    path.write_text(CATALOGUE)
    run("catalogue", "import", path, "--home", home.path)
    path.write_text(text)
    with pytest.raises((CatalogueError, CatalogueRefusedError), match=said):
        run("catalogue", "import", "--replace", path, "--home", home.path)
    with open_store(home) as store:
        assert [item.item for item in store.catalogue()] == ["b", "a"]


def test_a_key_is_shown_once_and_can_be_revoked(home, run):
    made = run("keys", "create", "--scope", "paths:read", "--scope", "design", "--home", home.path)
    token = made.strip()
    with open_store(home) as store:
        key = verify(store, token, "design")
    listed = run("keys", "list", "--home", home.path)
    assert key.id in listed
    assert token not in listed
    run("keys", "revoke", key.id, "--home", home.path)
    assert "revoked" in run("keys", "list", "--home", home.path)
    with pytest.raises(click.ClickException, match="no live key"):
        run("keys", "revoke", key.id, "--home", home.path)


def test_results_for_machines_have_the_form_promised(home, run, result, tmp_path):
    out = ["--json", tmp_path / "result.json", "--home", home.path]
    (tmp_path / "catalogue.csv").write_text(CATALOGUE)
    run("catalogue", "import", tmp_path / "catalogue.csv", *out)
    assert [record["items"] for record in result()] == [2]
    run("consent", "1", "2", "--share", "no", *out)
    assert [record["share"] for record in result()] == [False, False]
    token = run("keys", "create", "--scope", "operate", *out).strip()
    assert [record["key"] for record in result()] == [token]
    run("keys", "list", *out)
    assert [record["scopes"] for record in result()] == [["operate"]]


def test_a_key_of_an_unknown_scope_is_wrong_usage(home, run):
    with pytest.raises(click.UsageError, match="paths:read"):
        run("keys", "create", "--scope", "everything", "--home", home.path)


def test_a_link_for_the_pages_signs_in(home, run):
    said = run("keys", "link", "--role", "operator", "--home", home.path).strip()
    assert said.startswith("http://127.0.0.1:8420/ui/sign-in?token=")
    with open_store(home) as store:
        assert redeem(store, said.partition("token=")[2]).scopes == ("operate",)
