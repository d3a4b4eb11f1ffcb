"""What a member may cost: much at once, little in the long run, and nobody else waits for it."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from swarm.transport.budget import (
    AT_ONCE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    SHARE,
    Budgets,
    expected_cost,
)


def simulated(main):
    return trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_member_that_floods_costs_its_share_in_the_long_run():
    async def main():
        budgets, spent, cost = Budgets(), 0.0, expected_cost(300)
        while trio.current_time() < 100:
            budgets.charge("flooder", cost)
            spent += cost
            await budgets.wait("flooder")
        return spent / 100

    assert simulated(main) <= SHARE + 2 * AT_ONCE_SECONDS / 100


def test_who_has_been_quiet_may_say_much_at_once():
    async def main():
        budgets = Budgets()
        began = trio.current_time()
        for _ in range(1_000):  # more votes than a swarm of fifty has at one height
            budgets.charge("honest", expected_cost(300))
            await budgets.wait("honest")
            if budgets.left("honest") < 0.3:
                break
        return trio.current_time() - began

    assert simulated(main) == 0


def test_nobody_waits_for_anothers_budget_and_a_debt_ends_a_pause_in_the_end():
    async def main():
        budgets = Budgets()
        budgets.charge("flooder", 100)
        began = trio.current_time()
        await budgets.wait("honest")
        assert trio.current_time() == began
        await budgets.wait("flooder")
        return trio.current_time() - began

    assert simulated(main) == LONGEST_PAUSE_SECONDS


def test_what_is_given_back_never_makes_more_than_the_most():
    async def main():
        budgets = Budgets()
        budgets.charge("honest", 0.5)
        assert budgets.left("honest") == AT_ONCE_SECONDS - 0.5
        budgets.charge("honest", -9)
        return budgets.left("honest")

    assert simulated(main) == AT_ONCE_SECONDS
