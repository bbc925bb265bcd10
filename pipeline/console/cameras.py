"""How each camera is: when it last gave a sign, how much of it was seen, and what ails it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pipeline.console import places, spoken
from pipeline.console.words import Words
from pipeline.flow.rows import CoverageRow
from pipeline.motion.standing import COVERS
from schemas.aside import SetAside, Thing
from schemas.estate import Camera, Estate, Store
from schemas.frozen import Frozen, UtcTime
from schemas.health import CameraHealth, CameraState, DeviceHealth

SILENT_AFTER: Final = timedelta(seconds=60)
"""A device reports every few seconds; a camera that has said nothing for so long, in windows too, is silent."""

ASIDE_FOR: Final = timedelta(minutes=15)
"""Watching tells every few minutes what it has set aside; what is older no longer holds."""

Key = tuple[str, str]

_COUNTED: Final = ("frames", "stills", "dropped", "spooled")
_ONLY_WHERE_ANY: Final = frozenset({"dropped", "spooled"})


@dataclass(frozen=True)
class Signs:
    """The latest that was heard of each camera, by store and camera."""

    counts: Mapping[Key, DeviceHealth] = field(default_factory=dict)
    states: Mapping[Key, CameraHealth] = field(default_factory=dict)
    asides: Mapping[Key, SetAside] = field(default_factory=dict)

    def aside(self, store: str, camera: str, now: datetime) -> tuple[Thing, ...]:
        """Return what is set aside at a camera now."""
        known = self.asides.get((store, camera))
        return known.things if known and now - known.utc_time <= ASIDE_FOR and known.expires_at > now else ()


def hear(signs: Signs, message: DeviceHealth | CameraHealth | SetAside) -> Signs:
    """Take in a report; an older one changes nothing."""
    key = (message.store_id, message.camera_id)
    if isinstance(message, SetAside):
        before = signs.asides.get(key)
        newer = before is None or before.utc_time <= message.utc_time
        return replace(signs, asides={**signs.asides, key: message}) if newer else signs
    if isinstance(message, DeviceHealth):
        known = signs.counts.get(key)
        return (
            signs
            if known and known.utc_time > message.utc_time
            else replace(signs, counts={**signs.counts, key: message})
        )
    last = signs.states.get(key)
    return signs if last and last.utc_time > message.utc_time else replace(signs, states={**signs.states, key: message})


class CameraPanel(Frozen):
    """One camera, in one language."""

    store_id: str
    store: str
    camera_id: str
    name: str
    state: str
    state_name: str
    last_seen: UtcTime | None
    last: str
    coverage: float | None
    coverage_text: str
    frames: int | None
    stills: int | None
    dropped: int | None
    spooled: int | None
    counts: str
    ails: str
    """Since when, and what was measured of the picture; nothing of a camera that is well."""
    aside: str
    """How much is set aside since it never moves, and waits for a person to confirm it; mostly nothing."""


class Known(NamedTuple):
    """All that is known of one camera."""

    counts: DeviceHealth | None
    health: CameraHealth | None
    window: CoverageRow | None
    aside: int
    """Things that are set aside and of which nobody has decided."""


def panels(
    estate: Estate, signs: Signs, coverage: Sequence[CoverageRow], now: datetime, words: Words
) -> tuple[CameraPanel, ...]:
    """Every camera of the estate, whether it was ever heard of or not."""
    windows = {(row.store_id, row.camera_id): row for row in coverage}

    def known(key: Key) -> Known:
        return Known(signs.counts.get(key), signs.states.get(key), windows.get(key), 0)

    return tuple(
        _panel(
            store,
            camera,
            known((store.id, camera.id))._replace(aside=len(undecided(signs.aside(store.id, camera.id, now), camera))),
            now,
            words,
        )
        for store, camera in places.cameras(estate)
    )


def undecided(things: Sequence[Thing], camera: Camera) -> tuple[Thing, ...]:
    """Return those of which no manager has said yet whether they are things or people."""
    decided = (*camera.not_people, *camera.people_here)
    return tuple(each for each in things if not any(each.bounding_box.overlap(other) >= COVERS for other in decided))


def _panel(store: Store, camera: Camera, known: Known, now: datetime, words: Words) -> CameraPanel:
    counts, health, window, aside = known
    seen = last_seen(counts, window)
    state = state_of(seen, window, health, now)
    share = share_seen(window)
    numbers = _counts(counts, window)
    return CameraPanel(
        store_id=store.id,
        store=store.name or store.id,
        camera_id=camera.id,
        name=camera.name or camera.id,
        state=state,
        state_name=words(f"camera.{state}"),
        last_seen=seen,
        last=words("cameras.ago", length=spoken.length(now - seen, words)) if seen else words("cameras.never"),
        coverage=share,
        coverage_text="–" if share is None else spoken.percent(share),
        frames=numbers[0],
        stills=numbers[1],
        dropped=numbers[2],
        spooled=counts.spooled if counts else None,
        counts=" · ".join(
            f"{words(f'cameras.{name}')}\N{NO-BREAK SPACE}{spoken.number(number)}"
            for name, number in zip(_COUNTED, (*numbers, counts.spooled if counts else None), strict=True)
            if number is not None and (number or name not in _ONLY_WHERE_ANY)
        ),
        ails=_ails(state, health, now, words),
        aside=words("cameras.aside", count=aside) if aside else "",
    )


def _ails(state: str, health: CameraHealth | None, now: datetime, words: Words) -> str:
    if health is None or health.state.value != state or health.state is CameraState.WELL:
        return ""
    said = [words(f"camera.{state}.do")]
    if health.since is not None:
        said.append(words("camera.since", length=spoken.length(max(now - health.since, timedelta(0)), words)))
    if health.numbers is not None:
        said.append(
            words(
                "camera.numbers",
                edges=spoken.percent(health.numbers.edges_kept),
                sharpness=spoken.percent(min(health.numbers.sharpness, 9.99)),
                moved=spoken.percent(min(health.numbers.moved, 1)),
            )
        )
    return " · ".join(said)


def last_seen(counts: DeviceHealth | None, window: CoverageRow | None) -> datetime | None:
    """The newest sign: the device's own report, or the end of a window in which frames were seen."""
    ended = window.window_start + timedelta(seconds=window.window_seconds) if window and seen_any(window) else None
    return max(filter(None, (counts.utc_time if counts else None, ended)), default=None)


def seen_any(window: CoverageRow) -> bool:
    return window.frames_analysed + window.stills + window.passed > 0


def share_seen(window: CoverageRow | None) -> float | None:
    """Of the frames that were expected, how many were analysed, held still, or passed over as the profile says."""
    if window is None or not window.frames_expected:
        return None
    return min(1.0, (window.frames_analysed + window.stills + window.passed) / window.frames_expected)


def state_of(seen: datetime | None, window: CoverageRow | None, health: CameraHealth | None, now: datetime) -> str:
    """Silence first: what a silent camera last said of itself says nothing of now."""
    if seen is None:
        return "unknown"
    patience = max(SILENT_AFTER, timedelta(seconds=2 * window.window_seconds) if window else SILENT_AFTER)
    if now - seen > patience:
        return CameraState.SILENT.value
    return health.state.value if health else CameraState.WELL.value


def _counts(counts: DeviceHealth | None, window: CoverageRow | None) -> tuple[int | None, int | None, int | None]:
    """The device's own since its boot; without them, those of the last window."""
    if counts:
        return counts.frames, counts.stills, counts.dropped
    return (window.frames_analysed, window.stills, window.skipped) if window else (None, None, None)
