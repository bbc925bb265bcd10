"""Runs in the environment of the peer `trackers`: TrackEval's own code judges tracks, one scene a line."""

import json
import sys
from typing import Any

import numpy as np
from trackeval.metrics import CLEAR, Identity  # type: ignore[import-not-found]  # only in the peer's environment


def judge(scene: dict[str, Any]) -> dict[str, float]:
    """Take the ids and overlaps of each frame; return IDF1, MOTA and switches."""
    data = {
        "num_gt_dets": sum(map(len, scene["people"])),
        "num_tracker_dets": sum(map(len, scene["tracks"])),
        "num_gt_ids": 1 + max((each for frame in scene["people"] for each in frame), default=-1),
        "num_tracker_ids": 1 + max((each for frame in scene["tracks"] for each in frame), default=-1),
        "num_timesteps": len(scene["people"]),
        "gt_ids": [np.array(frame, int) for frame in scene["people"]],
        "tracker_ids": [np.array(frame, int) for frame in scene["tracks"]],
        "similarity_scores": [
            np.array(overlaps, float).reshape(len(people), len(tracks))
            for overlaps, people, tracks in zip(scene["overlaps"], scene["people"], scene["tracks"], strict=True)
        ],
    }
    identity = Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    return {"idf1": float(identity["IDF1"]), "mota": float(clear["MOTA"]), "switches": int(clear["IDSW"])}


def main() -> None:
    """Answer each line with one."""
    for line in sys.stdin:
        print(json.dumps(judge(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
