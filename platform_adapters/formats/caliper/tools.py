"""Tools, and what they sum up, which is marked as an aggregate, not as an event seen.

Example: the reading tool says that Ana spent 45 minutes in it and read 3 of 8 units.
"""

from __future__ import annotations

from platform_adapters.formats.caliper.words import Event, Outcome, kind_of
from platform_adapters.values import get, number, ratio


def _measures(event: Event) -> Outcome:
    """Minutes on task, units completed of all."""
    if kind_of(event.get("generated")) != "AggregateMeasureCollection":
        return {}
    found: Outcome = {"evidence": "aggregate", "verb": "progressed"}
    items = get(event.get("generated"), "items")
    for measure in items if isinstance(items, list) else []:
        value = number(get(measure, "metricValue"), "metricValue")
        metric = get(measure, "metric")
        if metric == "MinutesOnTask" and value is not None and value >= 0:
            found["duration_seconds"] = value * 60
        elif metric == "UnitsCompleted":
            most = number(get(measure, "maxMetricValue"), "maxMetricValue")
            found["progress"] = ratio(value, 0.0, most)
    return found


ACTIONS = {
    "ToolLaunchEvent": {"Launched": "started", "Returned": "progressed"},
    "ToolUseEvent": {"Used": "viewed"},
}
OUTCOMES = {"ToolUseEvent": _measures}
