"""Bodies of the `/v1` routes, as in `docs/api.md`; unknown fields are refused.

Requests are strict: `"5"` is no number and `1` is no truth value. Ids are opaque strings of up
to 1,024 bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    Strict,
    WithJsonSchema,
    model_validator,
)

MAX_ID_BYTES = 1024
MAX_HISTORY = 1000
MAX_EVENTS = 1000
LATEST_UNIX_SECONDS = 253_402_300_799
"""The last second of year 9999, the last that a datetime can hold."""


def _opaque_id(value: str) -> str:
    size = len(value.encode())
    if not value.strip():
        raise ValueError("an id must not be empty")
    if size > MAX_ID_BYTES:
        raise ValueError(f"an id has at most {MAX_ID_BYTES:,} bytes, this one has {size:,}")
    if "\x00" in value:
        raise ValueError("an id must not hold a zero character")
    return value


OpaqueId = Annotated[
    str,
    AfterValidator(_opaque_id),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_ID_BYTES,
            "description": f"Opaque id, 1 to {MAX_ID_BYTES:,} bytes of UTF-8.",
        }
    ),
]


def _moment(value: Any) -> Any:  # noqa: ANN401  # before validation anything may come
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value <= LATEST_UNIX_SECONDS:
            raise ValueError("unix seconds must lie between 0 and the year 9999")
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError("expected ISO 8601 with an offset, or unix seconds") from error
        if parsed.tzinfo is None:
            raise ValueError("the time has no offset; write 2026-11-24T12:00:00Z or +01:00")
        return parsed
    return value


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number", "minimum": 0}],
            "description": "ISO 8601 with an offset, or unix seconds.",
        }
    ),
]
Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Body(BaseModel):
    """What a caller sends: unknown fields are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """What we answer."""

    model_config = ConfigDict(extra="forbid")


class HistoryEntryBody(Body):
    """One thing the learner has done, oldest or newest first: `timestamp` decides."""

    item: OpaqueId
    timestamp: Annotated[Moment, Strict(strict=False)]
    score: Unit | None = None


class GoalBody(Body):
    """What the path should lead to; at least one of the two."""

    skills: list[OpaqueId] = Field(default_factory=list, max_length=100)
    items: list[OpaqueId] = Field(default_factory=list, max_length=100)

    @model_validator(mode="after")
    def _not_empty(self) -> GoalBody:
        if not self.skills and not self.items:
            raise ValueError("a goal names at least one skill or item")
        return self


PATH_REQUEST_EXAMPLES: list[JsonValue] = [
    {"learner": "s1024", "limit": 3, "minutes": 90},
    {
        "learner": "visitor",
        "course": "course-v1:Uni+Bio1+2026",
        "history": [
            {
                "item": "block-v1:Uni+Bio1+2026+type@html+block@cells",
                "timestamp": "2026-11-20T09:00:00Z",
                "score": 0.8,
            }
        ],
    },
]


class PathRequestBody(Body):
    """Whose path, and within which bounds."""

    model_config = ConfigDict(json_schema_extra={"examples": PATH_REQUEST_EXAMPLES})

    learner: OpaqueId = Field(description="The platform's own learner id, or a pseudonym of ours.")
    course: OpaqueId | None = Field(None, description="Only items of this course.")
    limit: int = Field(5, ge=1, le=50, description="Most steps to answer.")
    minutes: float | None = Field(
        None, gt=0, le=1_000_000, allow_inf_nan=False, description="Time the learner has."
    )
    goal: GoalBody | None = None
    language: str | None = Field(
        None,
        min_length=2,
        max_length=35,
        description="BCP 47 tag of items wanted.",
        pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$",
    )
    exclude: list[OpaqueId] = Field(default_factory=list, max_length=MAX_HISTORY)
    history: list[HistoryEntryBody] | None = Field(
        None,
        max_length=MAX_HISTORY,
        description="Used instead of stored events, and never stored. Merged knowledge only, "
        "unless the key has scope `design`.",
    )


class ModelInfo(Answer):
    """Which model answered; all null while this platform has none."""

    digest: str | None = Field(description="SHA-256 of the serving model, hex.")
    round: int | None = Field(description="The swarm's round that it holds.")
    trained_at: datetime | None = Field(description="When `fit` wrote it, UTC.")


class PrerequisiteInfo(Answer):
    """Something that comes first; one of `item` and `skill` is given."""

    item: str | None = None
    skill: str | None = None
    met: bool


class ReasonInfo(Answer):
    """Why a step is there; codes and parameters let a platform write its own sentence."""

    code: str
    params: dict[str, Any]
    text: str


class StepInfo(Answer):
    """One step of the path."""

    rank: int
    item: str
    title: str
    url: str | None
    score: float
    minutes: float | None
    skills: list[str]
    mastery: dict[str, float] | None = Field(None, description="Left out where not estimated.")
    prerequisites: list[PrerequisiteInfo]
    pinned: bool
    reasons: list[ReasonInfo]


class ExcludedInfo(Answer):
    """An item that is not in the path, and why."""

    item: str
    reason: str


class PathAnswer(Answer):
    """A learner's path."""

    recommendation_id: str
    model: ModelInfo
    generated_at: datetime
    fallback: bool = Field(description="True where the answer is not personal or not from a model.")
    complete: bool = Field(description="True where nothing is left to do.")
    warnings: list[str]
    steps: list[StepInfo]
    excluded: list[ExcludedInfo] | None = Field(None, description="Only with scope `design`.")


class FieldProblemInfo(Answer):
    """One field that cannot be used."""

    pointer: str = Field(description="JSON pointer into the body, as a URI fragment.")
    detail: str


class ProblemInfo(Answer):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldProblemInfo] | None = None


class HealthAnswer(Answer):
    """The process answers."""

    status: Literal["ok"]


class ReadyAnswer(Answer):
    """Whether learners can be served."""

    status: Literal["ready", "degraded"]
    fallback: bool = Field(description="True while there is no model.")
    missing: list[str] = Field(description="What keeps paths from being personal.")


class OutInfo(Answer):
    """A member that was left out of a round."""

    member: str
    reason: str


class RoundInfo(Answer):
    """One round of the swarm."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    round: int
    attempt: int
    outcome: str = Field(description="`open`, `merged` or `void`.")
    inside: list[str] = Field(alias="in")
    out: list[OutInfo]
    digest: str | None
    epsilon: float | None = Field(description="Spent of each learner whose sums were in it.")
    decided_at: datetime | None


class MemberInfo(Answer):
    """One member of the swarm."""

    id: str
    name: str
    anchor: bool
    contributes: bool
    connected: bool


class SwarmInfo(Answer):
    """The swarm as this platform's peer sees it."""

    id: str
    state: str
    height: int
    quorum: int
    tolerates: int
    agreement: str = Field(description="What the agreement of members rests on.")
    members: list[MemberInfo]
    updated_at: datetime | None
    warnings: list[str]


class BudgetInfo(Answer):
    """What a learner's data can ever cost, in its one printed form."""

    epsilon: float
    delta: float
    rho: str = Field(description="zCDP, an exact fraction.")
    per: str
    claim: str


class PlatformAnswer(Answer):
    """This platform: model, rounds, budget."""

    platform: str
    version: str
    recommend: str
    model: ModelInfo
    fallback: bool
    swarm: SwarmInfo | None
    rounds: list[RoundInfo]
    budget: BudgetInfo | None = Field(description="Null before this platform is in a swarm.")
    warnings: list[str]
