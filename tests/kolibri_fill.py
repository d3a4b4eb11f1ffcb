"""What a small school leaves behind in a real Kolibri: run inside it (`kolibri manage shell`).

Learners, a coach and an administrator of one facility; a channel with prerequisites; sessions,
summaries, mastery and attempts. Times are fixed, so that what comes out can be compared.
"""

import datetime as dt
import uuid

import pytz
from kolibri.core.auth.models import Classroom, Facility, FacilityUser
from kolibri.core.content.models import (
    AssessmentMetaData,
    ChannelMetadata,
    ContentNode,
    Language,
)
from kolibri.core.logger.models import (
    AttemptLog,
    ContentSessionLog,
    ContentSummaryLog,
    MasteryLog,
)

NAIROBI = pytz.timezone("Africa/Nairobi")


def at(day, hour, minute=0, second=0):
    utc = dt.datetime(2024, 3, day, hour - 3, minute, second, tzinfo=dt.UTC)
    return utc.astimezone(NAIROBI)


def name(text):
    return uuid.uuid5(uuid.NAMESPACE_URL, "urn:plants:" + text).hex


facility = Facility.objects.get(name="Nalanda")
classroom = Classroom.objects.create(name="Botany", parent=facility)


def person(username):
    user = FacilityUser(username=username, full_name=username.title(), facility=facility)
    user.set_password("password")
    user.save()
    classroom.add_member(user)
    return user


ana, ben, cora = (person(username) for username in ("ana", "ben", "cora"))
classroom.add_coach(cora)

english = Language.objects.create(id="en", lang_code="en", lang_name="English")
channel = name("channel")


def node(title, kind, parent=None, **more):
    return ContentNode.objects.create(
        id=name("node " + title),
        content_id=name(title),
        channel_id=channel,
        title=title,
        kind=kind,
        parent=parent,
        available=True,
        lang=english,
        **more,
    )


root = node("Plants", "topic")
topic = node("Cells", "topic", root, sort_order=1)
video = node("Cell walls", "video", topic, sort_order=1, duration=420)
exercise = node("Name the parts", "exercise", topic, sort_order=2)
reading = node("Osmosis", "document", topic, sort_order=3, coach_content=False)
guide = node("For teachers", "document", root, sort_order=2, coach_content=True)
exercise.has_prerequisite.add(video)
reading.has_prerequisite.add(exercise)
ChannelMetadata.objects.create(
    id=channel, name="Plants", root=root, min_schema_version="5", version=3
)
AssessmentMetaData.objects.create(
    id=name("assessment"),
    contentnode=exercise,
    assessment_item_ids=[name("q1"), name("q2"), name("q3")],
    number_of_assessments=3,
    mastery_model={"type": "m_of_n", "m": 2, "n": 3},
)


def session(user, thing, start, end, seconds, progress):
    return ContentSessionLog.objects.create(
        user=user,
        dataset=facility.dataset,
        content_id=thing.content_id,
        channel_id=channel,
        start_timestamp=start,
        end_timestamp=end,
        time_spent=seconds,
        progress=progress,
        kind=thing.kind,
    )


def summary(user, thing, start, end, seconds, progress, *, done=None):
    return ContentSummaryLog.objects.create(
        user=user,
        content_id=thing.content_id,
        channel_id=channel,
        start_timestamp=start,
        end_timestamp=end,
        completion_timestamp=done,
        time_spent=seconds,
        progress=progress,
        kind=thing.kind,
    )


session(ana, video, at(1, 9), at(1, 9, 7), 402.5, 1.0)
summary(ana, video, at(1, 9), at(1, 9, 7), 402.5, 1.0, done=at(1, 9, 7))
practice = session(ana, exercise, at(1, 9, 10), at(1, 9, 15), 280.0, 1.0)
whole = summary(ana, exercise, at(1, 9, 10), at(1, 9, 15), 280.0, 1.0, done=at(1, 9, 15))
mastery = MasteryLog.objects.create(
    user=ana,
    summarylog=whole,
    mastery_criterion={"type": "m_of_n", "m": 2, "n": 3},
    start_timestamp=at(1, 9, 10),
    end_timestamp=at(1, 9, 15),
    completion_timestamp=at(1, 9, 15),
    mastery_level=1,
    complete=True,
    time_spent=280.0,
)
for minute, question, correct, hinted in (
    (11, "q1", 0, True),
    (13, "q2", 1, False),
    (15, "q3", 1, False),
):
    AttemptLog.objects.create(
        user=ana,
        masterylog=mastery,
        sessionlog=practice,
        item=name(question),
        start_timestamp=at(1, 9, minute - 1),
        end_timestamp=at(1, 9, minute),
        completion_timestamp=at(1, 9, minute),
        time_spent=60.0,
        complete=True,
        correct=correct,
        hinted=hinted,
        answer={"text": "chloroplast"},
        interaction_history=[],
    )
session(ben, video, at(2, 14), at(2, 14, 2), 95.2, 0.25)
summary(ben, video, at(2, 14), at(2, 14, 2), 95.2, 0.25)
session(ben, reading, at(2, 14, 5), None, 0.0, 0.0)
summary(ben, reading, at(2, 14, 5), None, 0.0, 0.0)
session(cora, guide, at(2, 8), at(2, 8, 20), 1150.0, 1.0)
summary(cora, guide, at(2, 8), at(2, 8, 20), 1150.0, 1.0, done=at(2, 8, 20))
session(None, video, at(3, 7), at(3, 7, 1), 31.0, 0.1)
print("facility", facility.id)
