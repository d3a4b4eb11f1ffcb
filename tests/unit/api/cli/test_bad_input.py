"""What bad input gets: a sentence, or a model that still serves and says what it cannot."""

from __future__ import annotations

import hashlib
import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file, save_file

from api.cli.evaluate import evaluate
from api.serving import serving_problem
from recommender.errors import RecommenderError

MODELS = "popularity,course-order,item-knn,markov,ease,als,bpr,statistics"
CATALOGUE = "item,title,position\n" + "".join(f"i{n},,{n}\n" for n in range(12))


def table(path, rows):
    """An interaction table of (learner, item, second) rows."""
    lines = [f"l{who},i{what},{1_400_000_000 + when},c" for who, what, when in rows]
    path.write_text("\n".join(["learner,item,timestamp,course", *lines]) + "\n")
    return path


def circle(learners=60, length=5):
    return [(who, (who + step) % 12, step) for who in range(learners) for step in range(length)]


def measured(log, *options):
    """What `evaluate` printed, or the sentence that it refused with."""
    arguments = ["--interactions", str(log), "--model", MODELS, *map(str, options)]
    done = CliRunner().invoke(evaluate, arguments)
    if done.exception is not None:
        assert isinstance(done.exception, RecommenderError), done.exception
        return str(done.exception)
    return done.output


def test_one_learner_is_measured_without_a_standard_error(tmp_path):
    out = tmp_path / "out.json"
    log = table(tmp_path / "log.csv", [(0, item, item) for item in range(5)])
    said = measured(log, "--json", out)
    assert "1.000 ± -" in said
    assert "nan" not in said.lower()
    records = json.loads(out.read_text(), parse_constant=pytest.fail)["records"]
    assert all(record["targets"] == 1 and "error" not in record for record in records)


@pytest.mark.parametrize(
    "rows",
    [
        [(who, who % 7, who) for who in range(40)],
        [(0, 0, 0)] * 100_000,
        [(who, item, 0) for who in range(40) for item in range(4)],
    ],
    ids=["one item each", "100,000 identical events", "all tied"],
)
def test_nothing_to_hold_out_is_one_sentence(tmp_path, rows):
    assert "no learner has an item to hold out" in measured(table(tmp_path / "log.csv", rows))


def test_identical_events_do_not_weigh_more_than_one(tmp_path):
    once = measured(table(tmp_path / "once.csv", [(99, 0, 0), *circle()]))
    many = measured(table(tmp_path / "many.csv", [(99, 0, 0)] * 100_000 + circle()))
    assert many == once


def test_ties_everywhere_can_be_measured_with_one_held_out(tmp_path):
    rows = [(who, (who + item) % 8, 0) for who in range(40) for item in range(4)]
    assert "40 learners" in measured(table(tmp_path / "log.csv", rows), "--ties", "one")


@pytest.mark.parametrize("title", ["", "The same title"])
def test_texts_that_say_nothing_do_not_stop_a_model(tmp_path, title):
    catalogue = tmp_path / "catalogue.csv"
    catalogue.write_text(CATALOGUE.replace(",,", f",{title},"))
    said = measured(table(tmp_path / "log.csv", circle()), "--catalogue", catalogue)
    assert len(re.findall(r"statistics", said)) >= 2


def test_an_empty_catalogue_is_said_by_train(home, log, run):
    run("ingest", "table", log(60), "--home", home.path)
    said = run("train", "--home", home.path)
    assert "0 items" in said
    assert "murmuration catalogue import" in said
    assert "No item is within" in run("recommend", "learner-1", "--home", home.path)


@pytest.fixture
def trained(home, run, tmp_path):
    """A home with own exact statistics in its model."""
    catalogue = tmp_path / "catalogue.csv"
    catalogue.write_text(CATALOGUE)
    run("catalogue", "import", catalogue, "--home", home.path)
    run("ingest", "table", table(tmp_path / "log.csv", circle()), "--home", home.path)
    run("train", "--home", home.path)
    return home


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def put_nan(path):
    arrays = load_file(path)
    arrays["own_popularity"][0] = np.nan
    save_file(arrays, path)


def cut_an_array(path):
    arrays = load_file(path)
    arrays["own_popularity"] = arrays["own_popularity"][:-1]
    save_file(arrays, path)


def cut_the_file(path):
    path.write_bytes(path.read_bytes()[:100])


def name_as_it_is(home, model):
    """Let the folder, the card and SERVING name the file as it is now: no digest will tell."""
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    card = model.with_name("card.json")
    card.write_text(json.dumps({**json.loads(card.read_text()), "digest": digest}))
    model.parent.rename(home.serving_model_dir(digest))
    pointer = json.loads(home.serving_path.read_text())
    home.serving_path.write_text(json.dumps({**pointer, "digest": digest}))


@pytest.mark.parametrize(
    ("damage", "named", "says"),
    [
        (flip_a_byte, False, "damaged"),
        (cut_the_file, False, "damaged"),
        (put_nan, True, "not finite"),
        (cut_an_array, True, "shape"),
        (cut_the_file, True, "damaged"),
    ],
)
def test_a_damaged_model_serves_the_catalogues_order_and_says_so(trained, run, damage, named, says):
    digest = json.loads(trained.serving_path.read_text())["digest"]
    model = trained.serving_model_dir(digest) / "model.safetensors"
    damage(model)
    if named:
        name_as_it_is(trained, model)
    assert says in serving_problem(trained)
    said = run("recommend", "l3", "--home", trained.path)
    assert "model cannot be used" in said
    assert "catalogue's own order" in said
    assert len(re.findall(r"^\d\. ", said, re.MULTILINE)) == 5


def test_a_damaged_model_is_named_by_status_and_mended_by_train(trained, run):
    digest = json.loads(trained.serving_path.read_text())["digest"]
    flip_a_byte(trained.serving_model_dir(digest) / "model.safetensors")
    assert "All well" not in run("status", "--home", trained.path)
    run("train", "--home", trained.path)
    assert "All well" in run("status", "--home", trained.path)
    assert "cannot be used" not in run("recommend", "l3", "--home", trained.path)
