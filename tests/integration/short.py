"""Houses in which things expire within seconds: for tests of what is left afterwards."""

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

from rich.console import Console

from pipeline.local import demo as local
from pipeline.local import kafka
from pipeline.local.demo import Demo, Wish
from pipeline.local.estate import ESTATES, Scene
from pipeline.local.supervise import Child
from schemas.ids import CameraId, StoreId
from tests.integration.house import House, link_provisioned

CAMERAS: Final = (("ginza", "entrance"), ("ginza", "aisle"), ("shibuya", "entrance"))


@dataclass(frozen=True)
class Short:
    """How a short house differs from the demo."""

    ttl: timedelta
    """How long frames live in Kafka, and by their keys unless `keys_live` is less."""
    keys_live: timedelta | None = None
    played: Collection[tuple[str, str]] = CAMERAS
    """Cameras whose devices are not started: the test plays them itself, or nobody does."""
    sources: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """What devices look at, where that is no drawn scene."""
    ahead: timedelta = timedelta(seconds=60)
    """How far ahead devices fetch keys."""
    evidence: str = "1d"
    check_ms: int | None = None
    """How often Kafka looks for what has outlived its retention; None as the demo's does."""
    vault_folder: Path | None = None
    """Where the vault's files lie instead: its place in the house becomes a link."""
    environment: Mapping[str, str] = field(default_factory=dict)


class ShortDemo(Demo):
    """A demo with some cameras that nobody but the test plays."""

    def __init__(self, wish: Wish, short: Short) -> None:
        super().__init__(wish, Console(quiet=True))
        self._short = short

    def _fresh(self) -> None:
        super()._fresh()
        if self._short.vault_folder is not None:
            (self.run / "vault").symlink_to(self._short.vault_folder)

    def _vault(self) -> Child:
        child, lives = super()._vault(), self._short.keys_live
        return child if lives is None else replace(child, argv=(*child.argv, "--frame-ttl", _said(lives)))

    def _devices(self) -> list[Child]:
        nobody = {f"device-{store}-{camera}" for store, camera in self._short.played}
        return [each for each in super()._devices() if each.name not in nobody]


@contextlib.asynccontextmanager
async def short_house(folder: Path, short: Short) -> AsyncIterator[House]:
    """Start everything in this folder, its temporary files too; stop all of it at the end."""
    link_provisioned(folder)
    temporary = folder / "tmp"
    temporary.mkdir()
    environment = {
        # A slow machine may be late, and everything is counted all the same.
        "MIMAMORI_SHED": "false",
        "TMPDIR": str(temporary),
        "JAVA_TOOL_OPTIONS": f"-Djava.io.tmpdir={temporary} -XX:-UsePerfData",
        **short.environment,
    }
    with (
        patch.dict(os.environ, environment),
        patch.object(kafka, "Kafka", _broker(short)),
        patch.object(local, "_AHEAD", short.ahead),
    ):
        demo = ShortDemo(Wish(folder, _scene(folder, short), headless=True), short)
        try:
            await demo.start()
            yield House(demo, folder)
        finally:
            await demo.stop()


def _broker(short: Short) -> Callable[..., kafka.Kafka]:
    """Make the demo's broker, with no other settings than how often it looks."""
    return kafka.Kafka if short.check_ms is None else partial(kafka.Kafka, retention_check_ms=short.check_ms)


def _scene(folder: Path, short: Short) -> Scene:
    template = folder / "template"
    template.mkdir()
    for name in ("drawn.toml", "rules.toml"):
        text = (ESTATES / name).read_text().replace('"60s"', f'"{_said(short.ttl)}"')
        (template / name).write_text(text.replace('evidence = "1d"', f'evidence = "{short.evidence}"'))
    drawn = {camera: f"drawn:{number}" for number, camera in enumerate(CAMERAS, start=1)}
    sources = {
        (StoreId(store), CameraId(camera)): source for (store, camera), source in {**drawn, **short.sources}.items()
    }
    return Scene(str(template / "drawn.toml"), sources, "scenes of a test", folder_fps=5)


def _said(length: timedelta) -> str:
    return f"{length.total_seconds():g}s"
