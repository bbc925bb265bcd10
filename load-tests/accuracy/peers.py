"""Peers: each runs in an environment of its own, which is made here, and answers questions line by line."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scenes import Scene
from scoring import NOBODY, Score, Tracks, iou
from search import Memory

PLACE: Final = Path(__file__).parents[1] / "peers"
Ints = NDArray[np.int64]


def environment(name: str) -> Path:
    """Make a peer's environment, unless it is there as it should be, and return its Python."""
    wanted = PLACE / "requirements" / f"{name}.txt"
    place = Path(os.environ.get("MIMAMORI_HOME", PLACE.parents[1] / ".local")).absolute() / "peers" / name
    mark = place / "made-of"
    digest = sha256(wanted.read_bytes()).hexdigest()
    if not mark.is_file() or mark.read_text() != digest:
        uv = [sys.executable, "-m", "uv"]
        _run(*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place))
        _run(
            *uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            str(place / "bin/python"),
            "--require-hashes",
            "-r",
            str(wanted),
        )
        mark.write_text(digest)
    return place / "bin/python"


def _run(*argv: str) -> None:
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {ended.stderr[-2000:]}")


class Peer:
    """A script of a peer, running. One question at a time."""

    def __init__(self, environment_name: str, script: str) -> None:
        argv = [str(environment(environment_name)), "-W", "ignore", str(PLACE / script)]
        alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        # A file, not a pipe: nobody reads what a peer complains of before it dies, and a full pipe would stop it.
        self._errors = TemporaryFile("w+")  # noqa: SIM115 (closed with the peer)
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, env=alone
        )

    def ask(self, question: dict[str, Any]) -> Any:
        """Ask, and wait for the answer.

        Raises:
            RuntimeError: The peer died of it.
        """
        pipe, answers = self._process.stdin, self._process.stdout
        assert pipe is not None
        assert answers is not None
        try:
            pipe.write(json.dumps(question) + "\n")
            pipe.flush()
            answer = answers.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._errors.seek(0)
            raise RuntimeError(f"{self._process.args!r}: {self._errors.read()[-2000:]}")
        return json.loads(answer)

    def close(self) -> None:
        """Say that nothing more will be asked, and wait for the end."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()
        self._errors.close()


class Team:
    """Every peer that was asked for, running, and who judges."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._peers: dict[str, Peer] = {}

    def peer(self, environment_name: str, script: str) -> Peer:
        """Return a peer, begun when first asked for."""
        if script not in self._peers:
            self._peers[script] = Peer(environment_name, script)
        return self._peers[script]

    @property
    def judge(self) -> Peer:
        """Return TrackEval."""
        return self.peer("trackers", "judge_trackeval.py")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each in self._peers.values():
            each.close()


def write(scenes: Sequence[Scene], path: Path) -> None:
    """Write what trackers may see: boxes and likelihoods, not who they are."""
    told = [
        {
            "fps": each.fps,
            "frames": [
                {"boxes": frame.seen.tolist(), "likelihoods": frame.likelihoods.tolist()} for frame in each.frames
            ],
        }
        for each in scenes
    ]
    path.write_text(json.dumps(told))


def apart(flat: Sequence[int] | Ints, scene: Scene) -> Tracks:
    """Part the tracks of all boxes, one after another, into frames."""
    ends = np.cumsum([len(frame.seen) for frame in scene.frames])[:-1]
    return np.split(np.asarray(flat, np.int64), ends)


def judged(judge: Peer, scene: Scene, tracks: Tracks) -> Score:
    """Have TrackEval judge."""
    people = {each: number for number, each in enumerate(np.unique(np.concatenate([f.ids for f in scene.frames])))}
    ids = {each: number for number, each in enumerate(np.unique(np.concatenate([*tracks])))}
    ids.pop(np.int64(NOBODY), None)
    ids = {each: number for number, each in enumerate(ids)}
    said = [np.flatnonzero(own != NOBODY) for own in tracks]
    answer = judge.ask(
        {
            "people": [[people[each] for each in frame.ids] for frame in scene.frames],
            "tracks": [[ids[own[place]] for place in places] for own, places in zip(tracks, said, strict=True)],
            "overlaps": [
                iou(frame.truth, frame.seen[places]).tolist() for frame, places in zip(scene.frames, said, strict=True)
            ],
        }
    )
    return Score(answer["idf1"], answer["mota"], answer["switches"])
