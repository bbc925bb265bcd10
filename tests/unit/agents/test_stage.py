"""The stage protocol, without Kafka: what is written, in which order, and what a new process makes of it."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from agents import lane, stage
from agents.handling import Doing, Following
from agents.outputs import routes
from agents.position import Attempt, Kept, Place, Position, Saved
from agents.stage import CAREFUL
from pipeline.errors import MimamoriError, Misconfigured, Refused, Rejected, Unavailable
from pipeline.received import Received
from schemas.envelope import Invalid, Message
from tests.unit.agents.twin import COUNT, NOON, SOURCE, TOPICS, Died, Twin, broken, echo, tick


def count(state: int | None, received: Received[Any]) -> tuple[int, Sequence[Message]]:
    """Count messages; every second one is told."""
    now = (state or 0) + 1
    return now, [echo(received.message.camera_id, now)] if now % 2 == 0 else []


def following(twin: Twin, step: Any = count, lives: timedelta | None = None) -> Following[int]:
    return Following(step, COUNT, lives, twin.stage.outputs)


def doing(twin: Twin, work: Any) -> Doing:
    return Doing(work, twin.stage.outputs)


@pytest.fixture(autouse=True)
def _die_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(why: str, error: BaseException | None = None) -> NoReturn:
        raise Died(why)

    monkeypatch.setattr(stage, "die", die)


@pytest.fixture
def at_ease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handle messages together from the first."""
    monkeypatch.setattr(stage, "CAREFUL", 0)


async def test_outputs_are_sent_before_states_and_the_position_last(at_ease: None) -> None:
    twin = Twin()

    await twin.handle(following(twin), [tick(0), tick(1), tick(2, "b")])

    assert twin.kinds() == ["out.v1", "state", "state", "position"]
    assert twin.after().position == Position(2, {"s1/a": 1, "s1/b": 2})
    assert twin.after().states["s1/a"].state == b"2"


async def test_a_new_process_goes_on_where_the_last_one_was(at_ease: None) -> None:
    first = Twin()
    await first.handle(following(first), [tick(0), tick(1)])

    second = Twin(first.after())
    await second.handle(following(second), [tick(2)])

    assert second.after().states["s1/a"].state == b"3"


async def test_what_was_sent_but_not_recorded_is_sent_again_alike(at_ease: None) -> None:
    first, second = Twin(), Twin()

    await first.handle(following(first), [tick(0), tick(1)])
    await second.handle(following(second), [tick(0), tick(1)])

    assert first.sent == second.sent


async def test_a_state_that_is_newer_than_the_position_skips_what_it_has_seen(at_ease: None) -> None:
    kept = Kept(Position(0, {"s1/a": 0}), states={"s1/a": Saved(1, 0, b"2")})
    twin = Twin(kept)

    await twin.handle(following(twin), [tick(1), tick(2)])

    assert twin.after().states["s1/a"].state == b"3"


async def test_a_state_that_is_older_than_the_position_says_is_redone_and_no_other(at_ease: None) -> None:
    kept = Kept(Position(3, {"s1/a": 3, "s1/b": 1}), states={"s1/a": Saved(0, 0, b"1"), "s1/b": Saved(1, 0, b"7")})
    twin = Twin(kept)

    await twin.handle(following(twin), [tick(1, "b"), tick(2), tick(3), tick(4)])

    assert twin.after().states["s1/a"].state == b"4"
    assert twin.after().states["s1/b"].state == b"7"
    assert twin.after().position == Position(4, {"s1/a": 4, "s1/b": 1})


async def test_dying_in_the_midst_of_a_redo_leaves_it_to_be_redone(at_ease: None) -> None:
    kept = Kept(Position(3, {"s1/a": 3}), states={"s1/a": Saved(0, 0, b"1")})
    first = Twin(kept)
    await first.handle(following(first), [tick(1)])

    second = Twin(first.after())
    await second.handle(following(second), [tick(2), tick(3)])

    assert second.after().states["s1/a"].state == b"4"


async def test_a_message_that_comes_again_is_left_out(at_ease: None) -> None:
    twin = Twin()

    await twin.handle(following(twin), [tick(0), tick(1)])
    await twin.handle(following(twin), [tick(0), tick(1), tick(2)])

    assert twin.after().states["s1/a"].state == b"3"


async def test_a_gap_ends_the_process(at_ease: None) -> None:
    twin = Twin()

    with pytest.raises(Died, match="offset 2"):
        await twin.handle(following(twin), [tick(0), tick(2)])

    assert twin.after().position.offset == 0


async def test_a_gap_that_stays_is_a_hole_in_the_log_and_crossed(at_ease: None) -> None:
    kept = Kept()
    for _death in range(lane.DEATHS):
        twin = Twin(kept)
        with pytest.raises(Died):
            await twin.handle(following(twin), [tick(1)])
        kept = twin.after()

    last = Twin(kept)
    await last.handle(following(last), [tick(1), tick(2)])

    assert last.after().position.offset == 2
    assert last.stage.counts["holes"] == 1


async def test_a_message_that_comes_late_to_a_gap_has_not_been_tried_and_is_no_poison() -> None:
    kept = Kept()
    for _death in range(lane.DEATHS):
        twin = Twin(kept)
        with pytest.raises(Died):
            await twin.handle(following(twin), [tick(1)])
        kept = twin.after()

    last = Twin(kept)
    await last.handle(following(last), [tick(0), tick(1)])

    assert last.after().position == Position(1, {"s1/a": 1})
    assert last.after().states["s1/a"].state == b"2"


async def test_messages_of_a_former_assignment_are_left_to_their_new_owner(at_ease: None) -> None:
    twin = Twin()

    await twin.handle(following(twin), [tick(0)], generation=0)

    assert not twin.sent


async def test_nothing_is_begun_while_partitions_are_handed_out(at_ease: None) -> None:
    twin = Twin()
    twin.app.rebalancing = True

    await twin.handle(following(twin), [tick(0)])

    assert not twin.sent


async def test_a_partition_that_is_lost_meanwhile_is_abandoned_before_its_state_is_written(at_ease: None) -> None:
    twin = Twin()

    async def lose(items: Sequence[Any]) -> list[list[Message]]:
        twin.stage.forget()
        return [[] for _ in items]

    await twin.handle(doing(twin, lose), [tick(0)])

    assert not twin.sent


async def test_what_is_no_message_becomes_a_dead_letter_and_the_position_moves_on(at_ease: None) -> None:
    twin = Twin()

    await twin.handle(following(twin), [tick(0), broken(1), tick(2)])

    assert twin.kinds() == ["out.v1", "in.v1.dead", "state", "position"]
    assert twin.after().position.offset == 2
    assert twin.stage.counts["rejected"] == 1


@pytest.mark.parametrize("tells", [True, False])
async def test_r21_what_expired_before_it_came_is_counted_and_no_letter_outlives_it(at_ease: None, tells: bool) -> None:
    twin = Twin(tells=tells)
    late = replace(broken(1), reason=Invalid("expired"))

    await twin.handle(following(twin), [tick(0), late, broken(2), tick(3)])

    assert twin.kinds() == ["out.v1", *["in.v1.dead"] * tells, "state", "position"]
    assert twin.after().position.offset == 3
    assert (twin.stage.counts["expired"], twin.stage.counts["rejected"]) == (1, 1)


async def test_what_a_step_refuses_becomes_a_dead_letter_without_payload(at_ease: None) -> None:
    twin = Twin()

    def refuse(state: int | None, received: Received[Any]) -> NoReturn:
        raise Rejected("unknown_camera")

    await twin.handle(following(twin, refuse), [tick(0)])

    assert twin.kinds() == ["in.v1.dead", "position"]
    assert b"unknown_camera" in (twin.sent[0].value or b"")


async def test_what_is_away_is_tried_again_and_counts_for_nothing() -> None:
    twin = Twin()
    answers = iter([Unavailable("away"), Unavailable("away"), None])

    async def insert(items: Sequence[Any]) -> list[list[Message]]:
        if answer := next(answers):
            raise answer
        return [[] for _ in items]

    await twin.handle(doing(twin, insert), [tick(0)])

    assert twin.after().position.offset == 0
    assert twin.after().attempt == Attempt(0, 0)


@pytest.mark.parametrize("error", [Refused("token"), Misconfigured("token"), Unavailable("away")])
async def test_what_is_set_wrongly_never_makes_a_message_poison(error: MimamoriError) -> None:
    kept = Kept()
    for _start in range(lane.DEATHS + 1):
        twin = Twin(kept)

        async def ask(items: Sequence[Any], twin: Twin = twin) -> list[list[Message]]:
            twin.app.should_stop = True
            raise error

        with contextlib.suppress(Refused, Misconfigured):
            await twin.handle(doing(twin, ask), [tick(0)])
        kept = twin.after()

    assert kept.attempt == Attempt(0, 0)
    assert kept.position.offset == -1


async def test_a_message_that_is_refused_by_an_exception_where_none_is_awaited_becomes_poison() -> None:
    kept = Kept()

    async def refuse(items: Sequence[Any]) -> NoReturn:
        raise Rejected("unknown_camera")

    for _death in range(lane.DEATHS):
        twin = Twin(kept)
        with pytest.raises(Rejected):
            await twin.handle(doing(twin, refuse), [tick(0)])
        kept = twin.after()
    last = Twin(kept)
    await last.handle(doing(last, refuse), [tick(0)])

    assert last.after().position == Position(0, {}, (0,))


async def test_a_worker_that_waits_for_something_lets_go_when_partitions_are_handed_out(at_ease: None) -> None:
    twin = Twin()

    async def insert(items: Sequence[Any]) -> list[list[Message]]:
        twin.app.rebalancing = True
        raise Unavailable("away")

    await twin.handle(doing(twin, insert), [tick(0)])

    assert not twin.sent


async def test_any_other_exception_is_not_survived(at_ease: None) -> None:
    twin = Twin()

    def fail(state: int | None, received: Received[Any]) -> NoReturn:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await twin.handle(following(twin, fail), [tick(0)])


async def test_after_an_assignment_messages_are_handled_singly_and_each_is_recorded_before_it_is_begun() -> None:
    twin = Twin()

    await twin.handle(following(twin), [tick(offset) for offset in range(CAREFUL + 10)])

    assert twin.kinds()[:4] == ["attempt", "attempt", "state", "position"]
    assert twin.kinds().count("position") == CAREFUL + 1


async def test_a_message_at_which_the_process_died_three_times_is_poison_and_what_follows_is_handled() -> None:
    def die_of_it(state: int | None, received: Received[Any]) -> tuple[int, Sequence[Message]]:
        if received.ref.offset == 1:
            raise Died
        return count(state, received)

    kept, deaths = Kept(), 0
    while deaths < 10:
        twin = Twin(kept)
        try:
            await twin.handle(
                following(twin, die_of_it), [tick(offset) for offset in range(kept.position.offset + 1, 4)]
            )
        except Died:
            kept, deaths = twin.after(), deaths + 1
        else:
            break

    assert deaths == lane.DEATHS
    assert twin.after().position == Position(3, {"s1/a": 3}, (1,))
    assert twin.after().states["s1/a"].state == b"3"
    assert b'"poison"' in next(each.value or b"" for each in twin.sent if each.kind == "in.v1.dead")


async def test_a_state_that_has_outlived_its_frames_is_none_to_the_step(at_ease: None) -> None:
    twin, minute = Twin(), timedelta(minutes=1)
    handler = following(twin, lives=minute)

    await twin.handle(handler, [tick(0, time=NOON), tick(1, time=NOON + minute), tick(2, time=NOON + 3 * minute)])

    assert twin.after().states["s1/a"].state == b"1"


async def test_the_states_of_silent_cameras_are_taken_from_the_topic_and_not_worked_out_again(at_ease: None) -> None:
    hour = timedelta(hours=1)
    twin = Twin(lives=hour)
    await twin.handle(following(twin, lives=hour), [tick(0), tick(1, "b", NOON + hour)])
    twin.clock.advance(hour + timedelta(seconds=1))

    await twin.stage.sweep()

    assert twin.kinds()[-2:] == ["position", "state"]
    assert twin.sent[-1].value is None
    assert twin.after().states.keys() == twin.after().position.keys.keys() == {"s1/b"}


def rest(key: str, state: int) -> int | None:
    """Of camera a something may stay; of others nothing."""
    return min(state, 1) if key == "s1/a" else None


async def test_what_may_outlive_its_frames_stays_in_memory_and_in_the_topic(at_ease: None) -> None:
    hour = timedelta(hours=1)
    twin = Twin(lives=hour)
    handler = Following(count, COUNT._replace(remains=rest), hour, twin.stage.outputs)
    await twin.handle(handler, [tick(0), tick(1), tick(2, "b")])
    twin.clock.advance(hour + timedelta(seconds=1))

    await twin.stage.sweep()
    written = len(twin.sent)
    await twin.stage.sweep()

    assert len(twin.sent) == written
    assert twin.after().states.keys() == twin.after().position.keys.keys() == {"s1/a"}
    assert twin.after().states["s1/a"].state == b"1"
    assert twin.after().states["s1/a"].offset == twin.after().position.keys["s1/a"] == 1
    assert twin.stage.lanes[SOURCE].states["s1/a"].state == 1


async def test_r20_an_idle_partition_is_written_to_so_that_what_was_taken_away_is_compacted(at_ease: None) -> None:
    hour = timedelta(hours=1)
    twin = Twin(lives=hour)
    await twin.handle(following(twin, lives=hour), [tick(0)])
    twin.clock.advance(hour + timedelta(seconds=1))
    await twin.stage.sweep()
    swept = len(twin.sent)

    for _turn in range(8):
        twin.clock.advance(timedelta(minutes=5))
        await twin.stage.sweep()

    assert twin.kinds()[swept:] == ["position", "position"]
    assert twin.after().position == Position(0, {}, ())
    assert not twin.after().states


async def test_a_partition_that_was_never_written_to_stays_so(at_ease: None) -> None:
    twin = Twin(lives=timedelta(hours=1))
    await twin.handle(following(twin), [])
    twin.clock.advance(timedelta(hours=2))

    await twin.stage.sweep()

    assert twin.sent == []


async def test_a_message_after_a_long_silence_finds_the_rest_whether_it_was_swept_or_not(at_ease: None) -> None:
    hour = timedelta(hours=1)
    twin = Twin()
    handler = Following(count, COUNT._replace(remains=rest), hour, twin.stage.outputs)

    await twin.handle(handler, [tick(0), tick(1), tick(2), tick(3, time=NOON + 2 * hour)])

    assert twin.after().states["s1/a"].state == b"2"


async def test_state_records_say_how_identifying_they_are(at_ease: None) -> None:
    twin = Twin()

    await twin.handle(following(twin), [tick(0)])

    assert all(dict(each.headers)["ce_dataclass"] == b"linkable" for each in twin.sent)


async def test_state_lies_in_the_partition_of_its_source(at_ease: None) -> None:
    twin = Twin()

    await twin.handle(following(twin), [tick(0)])

    assert [each.partition for each in twin.sent] == [SOURCE.partition] * 2
    assert Place.loads(twin.sent[0].key) == Place("state", "in.v1", "s1/a")


def test_a_message_that_could_go_to_two_topics_is_refused() -> None:
    with pytest.raises(Misconfigured, match="Tick could go to"):
        routes(TOPICS, ["in.v1", "out.v1"])


def test_results_that_are_kept_by_nobody_cannot_be_written() -> None:
    twin = Twin()

    with pytest.raises(AssertionError):
        doing(twin, None).dumps(None)
