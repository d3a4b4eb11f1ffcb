"""Real peers whose members change: a late joiner, a witness, a new key, who leaves (R27, R29)."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from api.cli.main import cli
from api.home import IDENTITY_KEY, NEXT_IDENTITY_KEY
from api.ledger import read_ledger
from recommender.release.manifest import default_manifest
from swarm.codec import digest, encode
from swarm.merge.merge import head_digest, merge
from tests.e2e.peers import NAMES, Swarm, contribution

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

CATALOGUE = b"content_key,title\nurn:a,A\nurn:b,B\n"
RELEASED = default_manifest(2, digest(CATALOGUE), enrolled_counts=False)
NEWCOMER, WITNESS = "hazel", "ivy"


def run(*args):
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


@pytest.fixture
def swarm(tmp_path):
    made = Swarm(
        tmp_path,
        NAMES[:4],
        cells=RELEASED.cells,
        manifest=encode(RELEASED.to_dict()),
        catalogue=CATALOGUE,
        rho=(RELEASED.rho.numerator, RELEASED.rho.denominator),
    ).found()
    yield made
    made.close()


def merged(swarm, **rounds):
    """Digest of a merge of these members' contributions to these rounds."""
    ids = {
        name: [contribution(name, n, RELEASED.cells) for n in numbers]
        for name, numbers in rounds.items()
    }
    total, rest = merge(ids, ())
    return head_digest(digest(swarm.manifest), total, rest).hex()


def members(swarm, name):
    return {member["name"] for member in swarm.status(name)["members"]}


def until_members(swarm, names, *, at):
    swarm.until(lambda: all(members(swarm, n) == set(names) for n in at), f"members {names}")


def round_of(swarm, asker, *, number, at, close=8):
    swarm.ask_for_round(asker, close_after_seconds=close)
    swarm.until_head(number, *at)


def let_in(swarm, name, *extra):
    """Request, invitation, signatures of a quorum, joining: what people do."""
    home = swarm.add_home(name)
    request, invitation = swarm.folder / f"{name}.request", swarm.folder / f"{name}.invitation"
    run("swarm", "request", "--home", home.path, "--out", request, *extra)
    quorum = swarm.status("alder")["quorum"]
    run("swarm", "invite", request, "--home", swarm.homes["alder"].path, "--out", invitation)
    for signer in [n for n in swarm.names if n != "alder"][: quorum - 1]:
        said = run("swarm", "sign", invitation, "--home", swarm.homes[signer].path)
    assert "Handed to this platform's peer" in said
    run("swarm", "join", invitation, "--home", home.path)
    swarm.start(name)


def rotate_key(swarm, name, *signers):
    """A new key for a member whose peer runs; it goes on under it by itself."""
    home = swarm.homes[name]
    old, rotation = home.read_key(IDENTITY_KEY), swarm.folder / "rotation"
    run("swarm", "rotate-key", "--home", home.path, "--out", rotation)
    for signer in signers:
        run("swarm", "sign", rotation, "--home", swarm.homes[signer].path)
    swarm.until(lambda: not home.key_path(NEXT_IDENTITY_KEY).exists(), "the next key took over")
    assert home.read_key(IDENTITY_KEY) != old


def test_members_come_change_their_key_and_go_while_rounds_go_on(swarm):
    founders = swarm.names
    swarm.start_all()
    round_of(swarm, "alder", number=1, at=founders)

    let_in(swarm, NEWCOMER)
    five = (*founders, NEWCOMER)
    swarm.until_head(1, *five)  # it has the history and has computed the model itself
    swarm.until_connected(*five)
    assert swarm.until_same_head(*five)[1] == merged(swarm, **{name: [1] for name in founders})
    round_of(swarm, NEWCOMER, number=2, at=five)
    assert NEWCOMER in swarm.status("alder")["rounds"][-1]["in"]

    rotate_key(swarm, "alder", "birch", "cedar", "dogwood")
    swarm.until_connected(*five)
    round_of(swarm, "alder", number=3, at=five)
    assert "alder" in swarm.status("birch")["rounds"][-1]["in"]
    whole = {**{name: [1, 2, 3] for name in founders}, NEWCOMER: [2, 3]}
    assert swarm.until_same_head(*five)[1] == merged(swarm, **whole)

    run("swarm", "leave", "--drop", "--home", swarm.homes["birch"].path)
    rest = tuple(name for name in five if name != "birch")
    until_members(swarm, rest, at=rest)
    swarm.until_head(4, *rest)
    del whole["birch"]
    assert swarm.until_same_head(*rest)[1] == merged(swarm, **whole)
    swarm.until(lambda: swarm.status("birch")["state"] == "no member", "birch knows that it left")
    round_of(swarm, "cedar", number=5, at=rest)
    swarm.until_same_head(*rest)
    swarm.assert_one_truth(*rest)
    assert read_ledger(swarm.homes["alder"]).roster.changes == 3


@pytest.mark.soak
def test_a_witness_makes_up_the_number_and_contributes_nothing(swarm):
    swarm.start_all()
    let_in(swarm, WITNESS, "--witness")
    five = (*swarm.names, WITNESS)
    swarm.until_connected(*five)
    swarm.stop("birch")
    round_of(swarm, "alder", number=1, at=tuple(n for n in five if n != "birch"))
    entry = swarm.status("alder")["rounds"][-1]
    assert WITNESS not in entry["in"]
    assert WITNESS not in [out["member"] for out in entry["out"]]
    assert not (swarm.homes[WITNESS].path / "made").exists()


@pytest.mark.soak
def test_two_of_four_lost_for_good_the_others_found_anew_with_the_same_model(swarm):
    swarm.start_all()
    round_of(swarm, "alder", number=1, at=swarm.names)
    digest_before = swarm.until_same_head(*swarm.names)[1]
    lost, left = ("alder", "birch"), ("cedar", "dogwood")
    for name in lost:
        swarm.stop(name)
        del swarm.homes[name]
    for name in left:
        swarm.stop(name)
    requests, founding = [], swarm.folder / "second.founding"
    shared = swarm.homes["cedar"].shared_catalogue_path
    for name in left:
        requests.append(swarm.folder / f"{name}.again")
        run("swarm", "request", "--home", swarm.homes[name].path, "--out", requests[-1])
    run("swarm", "create", *requests, "--catalogue", shared, "--name", "two", "--out", founding)
    for name in left:
        run("swarm", "sign", founding, "--home", swarm.homes[name].path)
    for name in left:
        run("swarm", "join", founding, "--home", swarm.homes[name].path, "--leave-behind")
    swarm.start_all(*left)
    carried = swarm.folder / "old.carry"
    said = run("swarm", "carry", "--home", swarm.homes["cedar"].path, "--out", carried)
    assert "4 contribution(s) of 4 member(s)" in said
    run("swarm", "sign", carried, "--home", swarm.homes["dogwood"].path)
    swarm.until(lambda: all(swarm.status(n)["height"] == 2 for n in left), "the merge is decided")
    assert swarm.until_same_head(*left)[1] == digest_before
    round_of(swarm, "cedar", number=2, at=left)
    swarm.assert_one_truth(*left)
