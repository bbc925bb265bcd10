"""Runs in the environment of the peer `norfair`: asked line by line, it follows scenes and says who is who."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from norfair import Detection, Tracker  # type: ignore[import-not-found]  # only in the peer's environment

HEIGHT = 720.0
NOBODY = -1


def frigate(detection: Any, tracked: Any) -> float:
    """The distance that Frigate gives to norfair: how far the foot moved and the size changed, in own box sizes."""
    seen, guess = detection.points, tracked.estimate
    size, own = np.maximum(guess[1] - guess[0], 1e-6), np.maximum(seen[1] - seen[0], 1e-6)
    foot = np.array([(seen[0, 0] + seen[1, 0] - guess[0, 0] - guess[1, 0]) / 2, seen[1, 1] - guess[1, 1]])
    ratios = np.maximum(own / size, size / own) - 1
    return float(np.linalg.norm([*(foot / size), *ratios]))


def heights(detection: Any, tracked: Any) -> float:
    """How far the foot is from where it was foreseen, in body heights: norfair's advice for few frames a second."""
    seen, guess = detection.points, tracked.estimate
    foot = np.array([(seen[0, 0] + seen[1, 0] - guess[0, 0] - guess[1, 0]) / 2, seen[1, 1] - guess[1, 1]])
    return float(np.linalg.norm(foot) / max(1e-6, seen[1, 1] - seen[0, 1]))


DISTANCES = {"iou": "iou", "frigate": frigate, "heights": heights}


def follow(scene: dict[str, Any], settings: dict[str, Any]) -> list[int]:
    """Say for each box of each frame, one after another, which track it is."""
    kept = max(1, round(settings["seconds_lost"] * scene["fps"]))
    own = Tracker(
        distance_function=DISTANCES[settings["distance"]],
        distance_threshold=settings["threshold"],
        hit_counter_max=max(kept, settings["delay"] + 1),
        initialization_delay=settings["delay"],
    )
    said: list[int] = []
    for frame in scene["frames"]:
        ids = [NOBODY] * len(frame["boxes"])
        seen = [
            Detection(points=np.array(box).reshape(2, 2) * HEIGHT, scores=np.array([sure, sure]), data=place)
            for place, (box, sure) in enumerate(zip(frame["boxes"], frame["likelihoods"], strict=True))
            if sure >= settings["at_least"]  # its own threshold keeps no unlikely box from beginning a track
        ]
        now = {id(each): each.data for each in seen}
        for each in own.update(detections=seen):
            if id(each.last_detection) in now:
                ids[now[id(each.last_detection)]] = each.id
        said += ids
    return said


def main() -> None:
    """Answer each line `{"scenes": path, "settings": …, "part": [0, 7]}` with one line of tracks a scene."""
    read: dict[str, list[dict[str, Any]]] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["scenes"] not in read:
            read = {asked["scenes"]: json.loads(Path(asked["scenes"]).read_text())}
        first, last = asked["part"]
        told = [follow(scene, asked["settings"]) for scene in read[asked["scenes"]][first:last]]
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
