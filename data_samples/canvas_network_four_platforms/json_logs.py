"""Alder, Birch and Cedar: the three platforms whose logs are JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facts import Fact, Platform, compact, source_uuid, write_gzip, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facts import Course

SHARD = 1087 * 10**13
"""Birch's Canvas shard: a global id is this plus the local id."""


# Alder: xAPI 1.0.3 statements, one a line --------------------------------------------------

XAPI_VERBS = {
    "enrolled": ("http://adlnet.gov/expapi/verbs/registered", "registered"),
    "viewed": ("http://id.tincanapi.com/verb/viewed", "viewed"),
    "progressed": ("http://adlnet.gov/expapi/verbs/progressed", "progressed"),
    "completed": ("http://adlnet.gov/expapi/verbs/completed", "completed"),
    "graded": ("http://adlnet.gov/expapi/verbs/scored", "scored"),
}
XAPI_PROGRESS = "https://w3id.org/xapi/cmi5/result/extensions/progress"
XAPI_COURSE = "http://adlnet.gov/expapi/activities/course"
LRS_HOME = "https://alder.example"


def xapi_result(step: str, fact: Fact) -> dict[str, object]:
    """The `result` of a statement; progress is out of 100, the score has all its parts."""
    if step == "progressed":
        return {"extensions": {XAPI_PROGRESS: round(100 * (fact.progress or 0), 1)}}
    if step == "completed":
        return {"completion": True}
    if step == "graded":
        grade = fact.grade or 0.0
        score = {"raw": round(100 * grade, 2), "min": 0, "max": 100, "scaled": grade}
        return {"score": score}
    return {}


def write_alder(platform: Platform, facts: list[Fact]) -> int:
    """Write Alder and return the number of events."""
    titles = {course.source_id: course.title for course in platform.courses}

    def activity(course: int) -> str:
        return f"{LRS_HOME}/courses/{platform.numbers[course]}"

    def lines() -> Iterable[str]:
        for fact in facts:
            learner = source_uuid(LRS_HOME, "people", platform.people[fact.person])
            for step in fact.steps:
                verb, name = XAPI_VERBS[step]
                statement: dict[str, object] = {
                    "id": source_uuid(LRS_HOME, learner, activity(fact.course), step),
                    "version": "1.0.3",
                    "actor": {
                        "objectType": "Agent",
                        "account": {"homePage": LRS_HOME, "name": learner},
                    },
                    "verb": {"id": verb, "display": {"en": name}},
                    "object": {
                        "objectType": "Activity",
                        "id": activity(fact.course),
                        "definition": {"type": XAPI_COURSE, "name": {"en": titles[fact.course]}},
                    },
                }
                result = xapi_result(step, fact)
                if result:
                    statement["result"] = result
                statement["timestamp"] = f"{fact.day}T12:00:00.000Z"
                yield compact(statement)

    definitions = [
        {
            "objectType": "Activity",
            "id": activity(course.source_id),
            "definition": {
                "type": XAPI_COURSE,
                "name": {"en": course.title},
                "description": {"en": course.description},
                "moreInfo": activity(course.source_id),
                "extensions": {
                    "urn:murmuration:content-key": course.content_key,
                    "urn:murmuration:duration-minutes": course.minutes,
                },
            },
        }
        for course in platform.courses
    ]
    write_json(platform.folder / "catalogue.json", definitions)
    return write_gzip(platform.folder / "events.jsonl.gz", lines())


# Birch: Canvas Live Events, one a line -----------------------------------------------------

CANVAS_EVENTS = {
    "enrolled": "enrollment_created",
    "viewed": "asset_accessed",
    "progressed": "course_progress",
    "completed": "course_completed",
    "graded": "course_grade_change",
}
REQUIREMENTS = 1000
"""The source's share completed has three decimals; rendered as done out of this many."""


def canvas_body(step: str, fact: Fact, user: int, course: int) -> dict[str, object]:
    """The `body` of a Live Event; ids are global in some events and local in others."""
    if step == "enrolled":
        return {
            "enrollment_id": str(SHARD + user * 1000 + course),
            "course_id": str(SHARD + course),
            "user_id": str(SHARD + user),
            "type": "StudentEnrollment",
            "workflow_state": "active",
            "created_at": f"{fact.day}T12:00:00Z",
        }
    if step == "viewed":
        return {
            "asset_id": str(SHARD + course),
            "asset_type": "course",
            "asset_subtype": "home",
            "category": "home",
            "role": "StudentEnrollment",
            "level": None,
        }
    if step == "graded":
        percent = round(100 * (fact.grade or 0), 2)
        return {
            "user_id": str(SHARD + user),
            "course_id": str(SHARD + course),
            "workflow_state": "active",
            "current_score": percent,
            "final_score": percent,
            "old_current_score": None,
            "old_final_score": None,
        }
    done = round(REQUIREMENTS * (fact.progress or 0))
    return {
        "course": {"id": str(course), "account_id": "1"},
        "progress": {
            "requirement_count": REQUIREMENTS,
            "requirement_completed_count": done,
            "completed_at": f"{fact.day}T12:00:00Z" if step == "completed" else None,
        },
        "user": {"id": str(user)},
    }


def write_birch(platform: Platform, facts: list[Fact]) -> int:
    """Write Birch and return the number of events."""

    def lines() -> Iterable[str]:
        for fact in facts:
            user, course = platform.people[fact.person], platform.numbers[fact.course]
            for step in fact.steps:
                metadata = {
                    "event_name": CANVAS_EVENTS[step],
                    "event_time": f"{fact.day}T12:00:00.000Z",
                    "root_account_id": str(SHARD + 1),
                    "context_type": "Course",
                    "context_id": str(SHARD + course),
                    "request_id": source_uuid("birch", user, course, step),
                    "hostname": "birch.example",
                    "producer": "canvas",
                }
                if step == "graded":  # the grader, who is not the learner
                    metadata |= {
                        "user_id": str(SHARD + 17),
                        "context_role": "TeacherEnrollment",
                    }
                elif step != "enrolled":
                    metadata |= {
                        "user_id": str(SHARD + user),
                        "context_role": "StudentEnrollment",
                    }
                yield compact({"metadata": metadata, "body": canvas_body(step, fact, user, course)})

    listing = [
        {
            "id": str(SHARD + platform.numbers[course.source_id]),
            "name": course.title,
            "course_code": course.code,
            "integration_id": course.content_key,
            "public_description": course.description,
            "workflow_state": "available",
            "start_at": f"{course.start}T12:00:00Z",
            "locale": "en",
            "root_account_id": str(SHARD + 1),
            "duration_minutes": course.minutes,
        }
        for course in platform.courses
    ]
    write_json(platform.folder / "catalogue.json", listing)
    return write_gzip(platform.folder / "events.jsonl.gz", lines())


# Cedar: Open edX tracking log ---------------------------------------------------------------

EDX_EVENTS = {
    "enrolled": "edx.course.enrollment.activated",
    "progressed": "openedx.completion_aggregator.progress.course",
    "completed": "openedx.completion_aggregator.completion.course",
    "graded": "edx.grades.course.grade_calculated",
}


def edx_course_id(course: Course) -> str:
    """Cedar's course key; the run is the quarter in which the course starts."""
    year, month, _ = course.start.split("-")
    return f"course-v1:Cedar+{course.code}+{year}Q{(int(month) + 2) // 3}"


def edx_data(step: str, fact: Fact, user: int, course: str) -> dict[str, object]:
    """The event's own data: who it is about stands here, not in the context."""
    data: dict[str, object] = {"course_id": course, "user_id": user}
    if step == "enrolled":
        return {**data, "mode": "honor"}
    if step == "graded":
        return {**data, "percent_grade": fact.grade, "letter_grade": ""}
    block = course.replace("course-v1:", "block-v1:") + "+type@course+block@course"
    percent = 1.0 if step == "completed" else fact.progress
    return {**data, "block_id": block, "percent": percent}


def edx_line(step: str, fact: Fact, user: int, course: str) -> str:
    """One event; a page view has the legacy shape, and graders' events another user's context."""
    time = f"{fact.day}T12:00:00.000000+00:00"
    if step == "viewed":
        path = f"/courses/{course}/courseware/"
        return compact(
            {
                "username": f"cedar_{user}",
                "event_type": path,
                "event_source": "server",
                "event": compact({"GET": {}, "POST": {}}),
                "time": time,
                "context": {"course_id": course, "user_id": user, "path": path},
            }
        )
    context_user: int | None = 7 if step == "graded" else user
    return compact(
        {
            "name": EDX_EVENTS[step],
            "timestamp": time,
            "event_source": "server",
            "context": {"course_id": course, "user_id": context_user, "org_id": "Cedar"},
            "data": edx_data(step, fact, user, course),
        }
    )


def write_cedar(platform: Platform, facts: list[Fact]) -> int:
    """Write Cedar and return the number of events."""
    keys = {course.source_id: edx_course_id(course) for course in platform.courses}
    lines = (
        edx_line(step, fact, platform.people[fact.person], keys[fact.course])
        for fact in facts
        for step in fact.steps
    )
    results = [
        {
            "id": keys[course.source_id],
            "course_id": keys[course.source_id],
            "name": course.title,
            "number": course.code,
            "org": "Cedar",
            "short_description": course.description,
            "start": f"{course.start}T12:00:00Z",
            "pacing": "self",
            "hidden": False,
            "other_course_settings": {
                "content_key": course.content_key,
                "duration_minutes": course.minutes,
                "language": "en",
            },
        }
        for course in platform.courses
    ]
    pagination = {"count": len(results), "num_pages": 1, "next": None, "previous": None}
    write_json(platform.folder / "catalogue.json", {"pagination": pagination, "results": results})
    return write_gzip(platform.folder / "events.log.gz", lines)
