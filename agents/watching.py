"""Detections in, movements judged and counted, alerts and windows out."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from agents.app import GATHERED, App, create_app
from agents.handling import Codec
from agents.stage import Stage
from pipeline import watching
from pipeline.errors import Rejected
from pipeline.logs import log
from pipeline.received import Received
from pipeline.settings import Settings
from pipeline.watching import CameraState, Exporting, View
from schemas.detections import DeviceMessage
from schemas.envelope import CameraMessage, Message, Module
from schemas.estate import Estate, load_regulations
from schemas.ids import CameraId, StoreId
from schemas.regulation import Regulation
from schemas.topics import topics

Views = Mapping[tuple[StoreId, CameraId], View]


def views_of(estate: Estate, regulations: Mapping[StoreId, Regulation], exporting: Exporting | None = None) -> Views:
    """Put together what the step has to know of every camera."""
    digest = hashlib.sha256(estate.model_dump_json().encode()).hexdigest()
    module = Module(name="watching", version="1", config_digest=digest)
    return {
        (store.id, camera.id): watching.view(estate, store, camera, regulations[store.id], module, exporting=exporting)
        for store in estate.stores
        for camera in store.cameras
    }


def exporting_of(settings: Settings, estate: Estate) -> Exporting | None:
    """Return what windows are exported with; None where the estate exports none.

    Raises:
        Misconfigured: There is no secret, or no such ledger.
    """
    if estate.flow.profile != "export":
        return None
    # Imported here: whoever exports nothing needs no database.
    from pipeline.exported import open_exported, secret_of  # noqa: PLC0415

    ledger = open_exported(settings.home, settings.flow.ledger.get_secret_value())
    return Exporting(secret_of(settings.flow.secret), ledger)


def step(
    state: CameraState | None, received: Received[CameraMessage], *, views: Views
) -> tuple[CameraState, Sequence[Message]]:
    """Follow one camera by one message.

    Raises:
        Rejected: The estate has no such camera, or another device at it.
    """
    message = received.message
    view = views.get((message.store_id, message.camera_id))
    if view is None:
        raise Rejected("unknown_camera")
    if isinstance(message, DeviceMessage) and message.device_id != view.camera.device:
        raise Rejected("unknown_device", "not this camera's")
    return watching.step(state or CameraState(), message, received.ref, view=view)


def is_repeat(before: CameraState | None, after: CameraState, received: Received[CameraMessage]) -> bool:
    """Say whether a device's message changed nothing: its number had been used before."""
    return before is after and isinstance(received.message, DeviceMessage)


def remains(key: str, state: CameraState, *, views: Views) -> CameraState | None:
    """Leave of a silent camera's state what is about nobody; of a camera that has left the estate, nothing."""
    store, _, camera = key.partition("/")
    view = views.get((StoreId(store), CameraId(camera)))
    return None if view is None else watching.rest(state, view)


def create(settings: Settings, estate: Estate) -> App:
    """Make the stage."""
    app = create_app("watching", settings.kafka, patience=GATHERED)
    stage = Stage(
        app,
        "watching",
        topics=topics(estate.lives),
        sources=["detections.v1"],
        outputs=["alerts.v1", "flow.v1"],
        lives=estate.frame_ttl,
    )
    views = views_of(estate, load_regulations(settings.estate, estate), exporting_of(settings, estate))

    def follow(state: CameraState | None, received: Received[CameraMessage]) -> tuple[CameraState, Sequence[Message]]:
        after, messages = step(state, received, views=views)
        if is_repeat(state, after, received):
            # Counted here and not in a window: a stage that redoes its work repeats itself, and no number may show it.
            stage.counts["repeated"] += 1
            ref = received.ref
            log().info("repeated", stage="watching", topic=ref.topic, partition=ref.partition, offset=ref.offset)
        return after, messages

    state = Codec(watching.dumps, watching.loads, partial(remains, views=views))

    @app.agent(stage.channel, concurrency=1)
    async def watch(stream: Any) -> None:
        """Follow every camera, and send on what the rules notice and the windows count."""
        await stage.run(stream, step=follow, state=state)

    return app
