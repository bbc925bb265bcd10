"""Runs in the environment of the peer `trackers`: asked line by line, it follows scenes and says who is who."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import supervision as sv  # type: ignore[import-not-found]  # only in the peer's environment
from trackers import (  # type: ignore[import-not-found]  # only in the peer's environment
    BIoU,
    ByteTrackTracker,
    CBIoUTracker,
    DIoU,
    GIoU,
    IoU,
    OCSORTTracker,
    SORTTracker,
)
from trackers.utils.state_representations import (  # type: ignore[import-not-found]  # only there
    XCYCSRStateEstimator,
    XCYCWHStateEstimator,
    XYXYStateEstimator,
)

KINDS = {"bytetrack": ByteTrackTracker, "sort": SORTTracker, "ocsort": OCSORTTracker, "cbiou": CBIoUTracker}
OVERLAPS = {"iou": IoU, "giou": GIoU, "diou": DIoU}
STATES = {"xyxy": XYXYStateEstimator, "xcycsr": XCYCSRStateEstimator, "xcycwh": XCYCWHStateEstimator}
HEIGHT = 720.0
NOBODY = -1


def tracker(kind: str, fps: float, settings: dict[str, Any]) -> Any:
    """Make a tracker. What it calls a buffer is counted in frames of 30 a second."""
    how = dict(settings)
    if "seconds_lost" in how:
        how["lost_track_buffer"] = max(1, round(how.pop("seconds_lost") * 30))
    if "state" in how:
        how["state_estimator_class"] = STATES[how.pop("state")]
    if (name := how.get("iou")) is not None:
        how["iou"] = OVERLAPS[name]() if name in OVERLAPS else BIoU(float(name.removeprefix("biou")))
    return KINDS[kind](frame_rate=fps, **how)


def follow(scene: dict[str, Any], kind: str, settings: dict[str, Any]) -> list[int]:
    """Say for each box of each frame, one after another, which track it is."""
    how = dict(settings)
    at_least = how.pop("at_least", 0.0)
    own = tracker(kind, scene["fps"], how)
    said: list[int] = []
    for frame in scene["frames"]:
        ids = np.full(len(frame["boxes"]), NOBODY)
        likelihoods = np.array(frame["likelihoods"], dtype=np.float32)
        places = np.flatnonzero(likelihoods >= at_least)
        boxes = np.array(frame["boxes"], dtype=np.float32).reshape(-1, 4)[places] * HEIGHT
        # What comes back is known by its class, which is its place: trackers may change the order.
        out = own.update(sv.Detections(xyxy=boxes, confidence=likelihoods[places], class_id=places))
        if out.tracker_id is not None and len(out):
            ids[out.class_id] = out.tracker_id
        said += ids.tolist()
    return said


def main() -> None:
    """Answer each line `{"scenes": path, "kind": …, "settings": …, "part": [0, 7]}` with one line of tracks a scene."""
    read: dict[str, list[dict[str, Any]]] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["scenes"] not in read:
            read = {asked["scenes"]: json.loads(Path(asked["scenes"]).read_text())}
        first, last = asked["part"]
        told = [follow(scene, asked["kind"], asked["settings"]) for scene in read[asked["scenes"]][first:last]]
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
