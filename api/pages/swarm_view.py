"""What `/ui/swarm` shows, as plain values: members, rounds, promises, what leaves.

Every sentence about agreement follows R22, every claim about privacy R4; sizes are the public
brackets only (R14).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from api.pages.swarm_models import (
    ClaimView,
    Line,
    MemberView,
    Node,
    OutView,
    Ring,
    RoundView,
    Row,
    SwarmView,
    Tile,
    Warned,
)
from api.pages.wording import counted, figure, listing, minute, short_id
from recommender.release import accounting
from swarm.ledger.kinds import PARAMETERS

if TYPE_CHECKING:
    from datetime import datetime
    from fractions import Fraction

    from api.swarm_status import Reading, StatusMember, StatusRound, SwarmStatus
    from recommender.release.accounting import Claim

BYZANTINE_MINIMUM = 4
"""Below this many members no quorum can catch one that lies (R22)."""
TRUSTING = "Agreement assumes that no member lies: a swarm of fewer than four cannot catch one."
LEAVES = (
    "One vector of sums a round, over all learners in it together: which items go together, in "
    "which order, how popular they are. It has the same length whatever the data, and random "
    "noise is added to every number before it leaves.",
    "The shared catalogue: global identifiers of items, no learner's identifiers.",
    "A public size bracket, such as “fewer than 1,000 learners”, and the platform's name, address "
    "and signatures.",
)
TRAINED = (
    "Where the swarm trains a network and this platform takes part: the change of its parameters "
    "after some steps, each noised like a sum. It is not served."
)
STAYS = (
    "Logs, and every record of a single learner.",
    "Names, learner ids and pseudonyms, and which learners are in a release.",
    "Exact counts of learners, of those who opted out, and of erasures.",
    "This platform's own exact statistics, its model's mix and its hold-out figures.",
)


def swarm_view(
    status: Reading[SwarmStatus],
    claim: Reading[Claim],
    serving_line: Tile,
    now: datetime,
    mix: str = "",
) -> SwarmView:
    """Build the page.

    Args:
        status: What the peer last said.
        claim: What a release promises; missing before a swarm is joined.
        serving_line: Which model this platform serves.
        now: The time now, UTC.
        mix: Which parts the served model gives weight to; empty before the first fit.
    """
    said = status.value
    warnings = [
        Warned("A file is damaged", text) for text in (status.problem, claim.problem) if text
    ]
    if said is None:
        return SwarmView(
            headline="Not in a swarm yet",
            subtitle="This platform serves from its own knowledge alone. "
            "An operator founds or joins a swarm with murmuration swarm.",
            warnings=tuple(warnings),
            tiles=(serving_line,),
            members=(),
            ring=Ring("", (), ()),
            anchor_note="",
            rounds=(),
            leaves=("Nothing. Sharing begins with the first round of a swarm.",),
            stays=STAYS,
            mix=mix,
            claim=_claim(claim.value),
            updated="",
        )
    return SwarmView(
        headline=f"{counted(len(said.members), 'platform', 'platforms')}, one model",
        subtitle="Nobody collects the data. Each platform sends noised sums, every member "
        "computes the merge for itself, and they sign that they got the same.",
        warnings=tuple(warnings + _warnings(said, now)),
        tiles=(serving_line, *_tiles(said, claim.value)),
        members=tuple(_member(one, said) for one in said.members),
        ring=_ring(said),
        anchor_note=_anchor_note(said),
        rounds=tuple(_round(one, claim.value) for one in _newest_first(said.rounds)),
        leaves=(*LEAVES, TRAINED) if _has_network(said) else LEAVES,
        stays=STAYS,
        mix=mix,
        claim=_claim(claim.value),
        updated=f"As the peer saw it at {minute(said.updated_at)}." if said.updated_at else "",
    )


def _has_network(said: SwarmStatus) -> bool:
    return any(one.kind == PARAMETERS for one in said.rounds)


def _newest_first(rounds: tuple[StatusRound, ...]) -> list[StatusRound]:
    return sorted(rounds, key=lambda one: (one.round, one.attempt), reverse=True)


def _warnings(said: SwarmStatus, now: datetime) -> list[Warned]:
    found = []
    if said.is_stale(now):
        found.append(
            Warned(
                "No news from the peer",
                f"Its last word is of {minute(said.updated_at) or 'an unknown time'}. "
                "Learners are served as before; start it again with murmuration peer.",
            )
        )
    if said.members and len(said.members) < BYZANTINE_MINIMUM:
        found.append(Warned("A small swarm", TRUSTING))
    found.extend(Warned("The peer says", text) for text in said.warnings)
    return found


def _tiles(said: SwarmStatus, claim: Claim | None) -> tuple[Tile, ...]:
    away = [one.name for one in said.members if not _is_here(one, said)]
    members = len(said.members)
    if members < BYZANTINE_MINIMUM:
        fault = "must sign; nobody may lie"
    else:
        fault = f"must sign; {said.tolerates} may lie or fail"
    tiles = [
        Tile("Agreement", f"{said.quorum} of {members}", fault),
        Tile(
            "Members connected",
            f"{members - len(away)} of {members}",
            f"{listing(away)} away" if away else "Everybody is here",
        ),
    ]
    if claim is not None:
        spent = Tile(
            "Spent of each learner",
            f"ε = {figure(claim.epsilon)}",
            f"once in a lifetime, δ = {_delta(claim.delta)}",
        )
        tiles.insert(1, spent)
    return tuple(tiles)


def _is_here(member: StatusMember, said: SwarmStatus) -> bool:
    return member.connected or member.id == said.member


def _member(member: StatusMember, said: SwarmStatus) -> MemberView:
    here = _is_here(member, said)
    role = "Contributes" if member.contributes else "Witness: votes, contributes nothing"
    return MemberView(
        name=member.name,
        id=member.id,
        short_id=short_id(member.id),
        me=member.id == said.member,
        state="Connected" if here else "Away",
        state_css="on" if here else "off",
        seen=f"last seen {minute(member.last_seen)}" if member.last_seen and not here else "",
        bracket=_bracket(member.bracket),
        role=f"Anchor. {role}" if member.anchor else role,
    )


def _bracket(bracket: str) -> str:
    """The public bracket (R14) in words: `<1000` reads "fewer than 1,000"."""
    digits = bracket.strip("<> ").replace(",", "")
    if not digits.isdigit():
        return bracket or "not declared"
    return f"{'fewer than ' if bracket.startswith('<') else ''}{int(digits):,}"


def _anchor_note(said: SwarmStatus) -> str:
    anchors = [one.name for one in said.members if one.anchor]
    if not anchors:
        return "No member is an anchor: none can outweigh all the others together."
    trusted = "is an anchor" if len(anchors) == 1 else "are anchors"
    return (
        f"{listing(anchors)} {trusted}: the founders trust it with more than half of a figure. "
        "No other member can outweigh all the others together."
    )


def _ring(said: SwarmStatus) -> Ring:
    """Place the members on a circle, clockwise from the top; lines end at members who are here."""
    count = len(said.members)
    places = [
        (
            round(160 + 102 * math.sin(2 * math.pi * index / count)),
            round(138 - 102 * math.cos(2 * math.pi * index / count)),
        )
        for index in range(count)
    ]
    here = [_is_here(one, said) for one in said.members]
    lines = tuple(
        Line(*places[a], *places[b], css="" if here[a] and here[b] else "away")
        for a in range(count)
        for b in range(a + 1, count)
    )
    nodes = tuple(
        Node(
            name=short_id(member.name, 14, 0),
            letter=member.name[:1].upper(),
            x=x,
            y=y,
            label_y=y + 37,
            anchor=member.anchor,
            css=("" if here[index] else "away ") + ("me" if member.id == said.member else ""),
        )
        for index, (member, (x, y)) in enumerate(zip(said.members, places, strict=True))
    )
    away = [one.name for one, present in zip(said.members, here, strict=True) if not present]
    state = f"{listing(away)} away" if away else "all connected"
    return Ring(f"{counted(count, 'member', 'members')}, {state}", lines, nodes)


def _round(one: StatusRound, claim: Claim | None) -> RoundView:
    match one.outcome:
        case "merged":
            outcome = "Merged"
            sentence = (
                f"{counted(len(one.inside), 'platform', 'platforms')} contributed. "
                "Every member computed the merge, and a quorum signed the same result."
            )
        case "void":
            outcome = "Void"
            why = f": {one.reason}" if one.reason else ""
            sentence = f"The round ended without a merge{why}. The old model stays in use."
        case _:
            outcome = "Under way"
            sentence = "Members compute, commit and exchange. The old model stays in use meanwhile."
    epsilon = one.epsilon(claim.delta) if claim is not None else None
    is_network = one.kind == PARAMETERS
    return RoundView(
        number=one.round,
        subject="the network" if is_network else "",
        attempt=one.attempt,
        outcome=outcome,
        css=one.outcome if one.outcome in {"merged", "void"} else "open",
        when=minute(one.decided_at or one.opened_at),
        sentence=sentence,
        inside=listing(one.inside),
        out=tuple(OutView(out.member, out.reason) for out in one.out),
        epsilon=f"ε = {figure(epsilon)} at "
        f"δ = {_delta(claim.delta)}{' for the whole training' if is_network else ''}"
        if epsilon is not None and claim is not None
        else "",
        digest=one.digest or "",
    )


def _claim(claim: Claim | None) -> ClaimView:
    if claim is None:
        return ClaimView(
            "Nothing has been released from this platform, so nothing has been spent of anybody.",
            (),
        )
    rows = (
        Row("Whom it protects", f"{accounting.UNIT}: {accounting.ADJACENCY}"),
        Row(
            "How much, in a lifetime",
            f"ε = {figure(claim.epsilon)} at δ = {_delta(claim.delta)}; each learner enters one "
            "release in a lifetime, so further rounds spend nothing more of them",
        ),
        Row("If one learner were another", f"ε = {figure(claim.epsilon_replace_one)}"),
        *(
            Row(
                f"One person with {count} accounts",
                f"ε = {figure(apart)} on separate platforms, {figure(together)} in one release",
            )
            for count, apart, together in claim.epsilon_accounts
        ),
        Row(
            "Exact contract",
            f"ρ = {claim.rho.numerator}/{claim.rho.denominator} zCDP "
            f"(about {float(claim.rho):.4f}); ε after Canonne, Kamath and Steinke (2020)",
        ),
        Row("How", accounting.MECHANISM),
        Row("Whom to trust", accounting.TRUST[claim.mode]),
        Row("Tuning used", accounting.TUNING),
        Row("Not covered", f"{accounting.EXCLUSIONS}. {accounting.INFLUENCE}"),
    )
    return ClaimView(
        "Whatever this platform sends would be almost as likely without any one learner in it. "
        "ε and δ say how nearly: the smaller, the closer.",
        rows,
    )


def _delta(delta: Fraction) -> str:
    exponent = math.log10(float(delta))
    if abs(exponent - round(exponent)) < 1e-9:
        return f"10⁻{_superscript(-round(exponent))}"
    return f"{float(delta):.1e}"


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
