"""What a stage sends: messages, each to the topic that lists its type, and dead letters."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from agents import dead_letter
from agents.wire import Broken
from pipeline.errors import Misconfigured, Rejected
from pipeline.logs import log
from pipeline.received import Received
from schemas.dead_letter import DeadLetter
from schemas.envelope import Invalid, Message
from schemas.topics import Topic
from schemas.wire import encode


class Sending(NamedTuple):
    """A record on its way."""

    topic: str
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]
    partition: int | None = None


class Outputs:
    """Writes what a stage sends.

    Args:
        stage: Its name, for dead letters.
        topics: Every topic by name.
        names: The topics that it writes besides dead letters.
        counts: Counts what was set aside.
    """

    def __init__(self, stage: str, topics: Mapping[str, Topic], names: Sequence[str], counts: Counter[str]) -> None:
        self._stage = stage
        self._topics = topics
        self._routes = routes(topics, names)
        self._counts = counts

    def message(self, message: Message) -> Sending:
        """Write a message for the topic that its type lies in."""
        topic = self._routes[type(message)]
        return Sending(topic.name, *encode(message, topic))

    def rejected(self, item: Received[Any], why: Rejected | Invalid) -> Sending:
        """Write a dead letter for a message that a step refused."""
        self._counts["rejected"] += 1
        return self._dead(dead_letter.of_rejected(item, why, self._stage))

    def broken(self, item: Broken) -> Sending:
        """Write a dead letter for a record that is no message."""
        self._counts["rejected"] += 1
        return self._dead(dead_letter.of_broken(item, self._stage))

    def poison(self, item: Received[Any]) -> Sending:
        """Write a dead letter for a message that the process died of."""
        self._counts["poison"] += 1
        ref = item.ref
        log().error("poison", stage=self._stage, topic=ref.topic, partition=ref.partition, offset=ref.offset)
        return self._dead(dead_letter.of_poison(item, self._stage))

    def _dead(self, letter: DeadLetter) -> Sending:
        topic = self._topics[f"{letter.source_record.topic}.dead"]
        return Sending(topic.name, *encode(letter, topic))


def routes(topics: Mapping[str, Topic], outputs: Sequence[str]) -> dict[type[Message], Topic]:
    """Return which topic each type of message goes to.

    Raises:
        Misconfigured: A type could go to two of them.
    """
    found: dict[type[Message], Topic] = {}
    for name in outputs:
        for message in topics[name].messages:
            if message in found:
                raise Misconfigured(f"{message.__name__} could go to {found[message].name} or to {name}")
            found[message] = topics[name]
    return found
