"""The camera of a drawn shop: where its line and its zones lie, as one camera of the estate."""

from datetime import timedelta
from typing import Final

from pipeline.edge.drawn.scene import PIXELS_HIGH, WIDTH
from pipeline.edge.drawn.shop import DOORWAY, FLOOR_AREA, STAFF_AREA
from schemas.estate import Camera, Line, Zone, ZoneKind
from schemas.geometry import Point
from schemas.ids import CameraId, LineId, NoticeId, ZoneId

ENTRANCE: Final = LineId("entrance")
FLOOR: Final = ZoneId("floor")
STAFF: Final = ZoneId("staff")

LOITERING_AFTER: Final = timedelta(seconds=8)
"""DEMO VALUE: one visitor of each round stays longer."""


def camera(camera_id: str = "drawn", notice: str | None = None) -> Camera:
    """One line at the entrance (to the right is in), the open floor, and the staff area."""
    top, bottom = DOORWAY
    return Camera(
        id=CameraId(camera_id),
        name="Drawn shop 描画の店",
        notice=None if notice is None else NoticeId(notice),
        fps=5,
        width=WIDTH,
        lines=(Line(id=ENTRANCE, name="Entrance 入口", start=_point(bottom), end=_point(top)),),
        zones=(
            Zone(id=FLOOR, name="Floor 売場", polygon=_polygon(FLOOR_AREA), loitering_after=LOITERING_AFTER),
            Zone(id=STAFF, name="Staff only 関係者以外", kind=ZoneKind.RESTRICTED, polygon=_polygon(STAFF_AREA)),
        ),
    )


def toml(camera: Camera) -> str:
    """Write a camera's places as a camera file, which `mimamori analyse --camera` reads and an estate takes in."""
    lines = [f'id = "{camera.id}"', f'name = "{camera.name}"', f"fps = {camera.fps:g}", f"width = {camera.width}"]
    for line in camera.lines:
        lines += ["", "[[lines]]", f'id = "{line.id}"', f'name = "{line.name}"']
        lines += [f"start = {_table(line.start)}", f"end = {_table(line.end)}"]
    for zone in camera.zones:
        lines += ["", "[[zones]]", f'id = "{zone.id}"', f'name = "{zone.name}"', f'kind = "{zone.kind}"']
        if zone.loitering_after is not None:
            lines.append(f'loitering_after = "{zone.loitering_after.total_seconds():g}s"')
        lines.append(f"polygon = [{', '.join(map(_table, zone.polygon))}]")
    return "\n".join([*lines, ""])


def _table(point: Point) -> str:
    return f"{{ x = {point.x}, y = {point.y} }}"


def _point(place: tuple[int, int]) -> Point:
    return Point(x=round(place[0] / WIDTH, 4), y=round(place[1] / PIXELS_HIGH, 4))


def _polygon(corners: tuple[tuple[int, int], ...]) -> tuple[Point, ...]:
    return tuple(map(_point, corners))
