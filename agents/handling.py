"""What a stage does with messages: follows each key with a state of its own, or handles many at once without one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from agents.lane import Held, Lane, key, time_of
from agents.outputs import Outputs, Sending
from pipeline.errors import Rejected
from pipeline.received import Received
from schemas.envelope import Invalid, Message

S = TypeVar("S")

Step = Callable[[S | None, Received[Any]], tuple[S, Sequence[Message]]]
"""Pure: a camera's state and a message in, its next state and messages out. Raises Rejected to refuse the message."""

Result = Sequence[Message] | Rejected | Invalid
Work = Callable[[Sequence[Received[Any]]], Awaitable[Sequence[Result]]]
"""Does something with messages, and returns for each what it makes of it, in order. May be called again with them."""


def nothing(_key: str, _state: object) -> None:
    """Leave nothing of a state that has outlived its frames."""


class Codec(NamedTuple, Generic[S]):
    """How a state becomes bytes and back, and what of it may outlive its frames."""

    dumps: Callable[[S], bytes]
    loads: Callable[[bytes], S]
    remains: Callable[[str, S], S | None] = nothing
    """Of a key's state after it has been silent for as long as states live; None takes it away. The step must do the
    same with the rest as with the whole: which of them it gets depends on when was swept."""


@dataclass
class Outcome:
    """What a portion of messages came to."""

    outputs: list[Sending] = field(default_factory=list)
    states: dict[str, Held] = field(default_factory=dict)


class Handler(Protocol):
    """What a stage does with messages of one lane."""

    async def __call__(self, lane: Lane, items: Sequence[Received[Any]]) -> Outcome: ...

    def loads(self, raw: bytes) -> Any: ...

    def dumps(self, state: Any) -> bytes: ...

    def remains(self, key: str, state: Any) -> Any: ...


class Following(Generic[S]):
    """Handles messages one after the other, each key with a state of its own."""

    def __init__(
        self,
        step: Step[S],
        codec: Codec[S],
        lives: timedelta | None,
        outputs: Outputs,
    ) -> None:
        self._step, self._codec, self._lives, self._outputs = step, codec, lives, outputs

    async def __call__(self, lane: Lane, items: Sequence[Received[Any]]) -> Outcome:
        outcome = Outcome()
        for item in items:
            name = key(item)
            held = outcome.states.get(name) or lane.states.get(name)
            if held is None or item.ref.offset > held.offset:
                self._one(outcome, name, held, item)
        return outcome

    def _one(self, outcome: Outcome, name: str, held: Held | None, item: Received[Any]) -> None:
        time = time_of(item)
        before = None if held is None else held.state
        # Of a state that outlived its frames only the rest is there, whether or not it has been swept yet.
        if held is not None and self._lives is not None and time - held.seen > self._lives:
            before = self._codec.remains(name, held.state)
        try:
            state, messages = self._step(before, item)
        except (Rejected, Invalid) as why:
            outcome.outputs.append(self._outputs.rejected(item, why))
            return
        outcome.outputs += map(self._outputs.message, messages)
        outcome.states[name] = Held(item.ref.offset, time, state)

    def loads(self, raw: bytes) -> S:
        return self._codec.loads(raw)

    def dumps(self, state: S) -> bytes:
        return self._codec.dumps(state)

    def remains(self, key: str, state: S) -> S | None:
        return self._codec.remains(key, state)


class Doing:
    """Handles messages together, without a state."""

    def __init__(self, work: Work, outputs: Outputs) -> None:
        self._work, self._outputs = work, outputs

    async def __call__(self, lane: Lane, items: Sequence[Received[Any]]) -> Outcome:
        del lane
        outcome = Outcome()
        for item, result in zip(items, await self._work(items), strict=True):
            if isinstance(result, Rejected | Invalid):
                outcome.outputs.append(self._outputs.rejected(item, result))
            else:
                outcome.outputs += map(self._outputs.message, result)
        return outcome

    def loads(self, raw: bytes) -> None:
        """Nothing is kept."""

    def dumps(self, state: None) -> bytes:
        raise AssertionError(f"nothing is kept, but here is {state!r}")

    def remains(self, key: str, state: None) -> None:
        """Nothing is kept."""
