"""How each stage is: how far behind, on which partition, with how many workers; and what could not be used."""

from collections.abc import Mapping, Sequence
from typing import Final

from pipeline.console import spoken
from pipeline.console.sources import Group, Reading
from pipeline.console.words import Words
from schemas.frozen import Frozen
from schemas.topics import STAGES

BEHIND: Final = 500
"""Messages: about half a minute of three cameras. A label, not an alarm."""


class PartitionPanel(Frozen):
    """One partition of one stage."""

    topic: str
    partition: int
    lag: int
    text: str


class StagePanel(Frozen):
    """One stage, in one language."""

    stage: str
    name: str
    note: str
    state: str
    state_name: str
    workers: int
    workers_text: str
    lag: int
    lag_text: str
    partitions: tuple[PartitionPanel, ...]


class DeadPanel(Frozen):
    """How many records of one topic could not be used."""

    topic: str
    count: int


class StagesPanel(Frozen):
    """All stages."""

    stages: tuple[StagePanel, ...]
    dead: tuple[DeadPanel, ...]
    dead_total: int
    dead_text: str


def panel(groups: Sequence[Group], dead: Mapping[str, int], words: Words) -> StagesPanel:
    """Every stage that there should be, in the order in which a frame meets them."""
    known = {group.stage: group for group in groups}
    total = sum(dead.values())
    return StagesPanel(
        stages=tuple(_stage(known.get(stage, Group(stage, 0, ())), words) for stage in STAGES),
        dead=tuple(DeadPanel(topic=topic, count=count) for topic, count in sorted(dead.items()) if count),
        dead_total=total,
        dead_text=spoken.number(total) if total else words("stages.dead.none"),
    )


def lag(reading: Reading) -> int:
    """How many messages are waiting. What retention has removed waits no longer."""
    begin = reading.begin if reading.committed is None else max(reading.committed, reading.begin)
    return max(0, reading.end - begin)


def state_of(group: Group) -> str:
    if not group.workers:
        return "stopped"
    if not group.readings:
        return "idle"
    return "behind" if sum(map(lag, group.readings)) > BEHIND else "running"


def _stage(group: Group, words: Words) -> StagePanel:
    behind = sum(map(lag, group.readings))
    state = state_of(group)
    return StagePanel(
        stage=group.stage,
        name=words(f"stage.{group.stage}"),
        note=words(f"stage.{group.stage}.note"),
        state=state,
        state_name=words(f"state.{state}"),
        workers=group.workers,
        workers_text=words("stages.workers", count=group.workers),
        lag=behind,
        lag_text=spoken.number(behind) if group.readings else "–",
        partitions=tuple(_partition(reading, words) for reading in sorted(group.readings)),
    )


def _partition(reading: Reading, words: Words) -> PartitionPanel:
    waiting = lag(reading)
    text = words("stages.partition", topic=reading.topic, partition=reading.partition, lag=spoken.number(waiting))
    return PartitionPanel(topic=reading.topic, partition=reading.partition, lag=waiting, text=text)
