"""`HOME/local.json`: what it says, and that it stays at home."""

from __future__ import annotations

from dataclasses import replace

from api.home import Home
from api.local_mix import describe, explain, read_mix, shares, write_mix
from recommender.statistics.blend import DEFAULT_BLEND, Mix

FITTED = Mix(
    weights={**DEFAULT_BLEND, "merged": 1.2, "text": 0.0},
    default=dict(DEFAULT_BLEND),
    decay=0.5,
    ridge=0.5,
    holdouts=213,
    fitted=True,
    gain=0.25,
    released=True,
)


def test_what_is_written_is_read_back_and_nobody_else_may_read_it(tmp_path) -> None:
    home = Home(tmp_path)
    write_mix(home, FITTED)
    assert read_mix(home) == FITTED
    assert home.local_path.stat().st_mode & 0o077 == 0


def test_before_a_fit_and_where_the_file_is_damaged_there_is_no_mix(tmp_path) -> None:
    home = Home(tmp_path)
    assert read_mix(home) is None
    for content in ("", "{", "[]", "{}", '{"weights": 3}'):
        home.local_path.write_text(content, encoding="utf-8")
        assert read_mix(home) is None


def test_a_re_ranker_is_told_with_why_it_is_on_or_off(tmp_path) -> None:
    on = replace(FITTED, reranker=0.4, reranker_reason="on: +3.0 % hits")
    write_mix(Home(tmp_path), on)
    assert read_mix(Home(tmp_path)) == on
    assert describe(on).endswith("; a local re-ranker on top")
    assert "local re-ranker: on: +3.0 % hits" in explain(on)
    off = replace(FITTED, reranker_reason="off: torch is not installed")
    assert explain(off)[-1] == "local re-ranker: off: torch is not installed"
    assert "re-ranker" not in describe(off)
    assert "re-ranker" not in "".join(explain(FITTED))


def test_shares_add_up_to_one_and_leave_out_what_weighs_nothing() -> None:
    listed = shares(FITTED)
    assert sum(share for _, share in listed) == 1.0
    assert listed[0][0] == "own learners alone"
    assert "likeness of text" not in dict(listed)
    assert shares(Mix({}, {})) == []


def test_a_sentence_says_whether_the_mix_was_fitted() -> None:
    assert describe(FITTED).endswith("(fitted on this platform's hold-out)")
    plain = Mix(dict(DEFAULT_BLEND), dict(DEFAULT_BLEND))
    assert describe(plain).endswith("(the default)")
    assert describe(replace(plain, released=True)).endswith("(as the released sums say)")


def test_the_explanation_rounds_the_number_of_learners() -> None:
    text = "\n".join(explain(FITTED))
    assert "about 215 own learners" in text
    assert "213" not in text
    assert "not fitted" in "\n".join(explain(Mix({}, {})))


def test_the_explanation_says_whether_a_release_told_what_texts_and_order_weigh() -> None:
    assert "texts and order counted what the released sums say" in "\n".join(explain(FITTED))
    assert "texts and order counted what public constants say" in "\n".join(explain(Mix({}, {})))
