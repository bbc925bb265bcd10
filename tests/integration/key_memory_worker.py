"""A process that makes, wraps, lends, takes and wipes keys, and tells which they were so that nobody here knows them.

Each key leaves masked, in the buffer that it was in: what is found of it in this process was left by somebody else.
"""

import gc
import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline import sealing
from pipeline.sealing import KeyPair, Opener, SealSuite
from pipeline.vault.api import lease_info
from pipeline.vault.ledger import MemoryLedger
from pipeline.vault.ring import MemoryRing, wipe
from pipeline.vault.store import SqliteKeyTable
from pipeline.vault.vault import Limits, Vault
from tests.unit.pipeline.vault.building import BUCKET, DETECTING, DEVICE, DOOR, NOON, POLICY, TILL
from tests.unit.pipeline.vault.evidence_building import Desk

KEY = Ed25519PrivateKey.generate()

MASK = 0x5A
KEPT: list[bytearray] = []
"""Keys that are left behind on purpose, for the scan to find."""
OPENERS: list[Opener] = []
"""Closed ones that somebody still refers to: nothing of a key may be in them."""


def tell(private: bytearray) -> None:
    """Write a key, masked, and unmask it again in place."""
    for _ in range(2):
        for place in range(len(private)):
            private[place] ^= MASK
        if _ == 0:
            os.write(1, private)


def main(kept: bool) -> None:
    """Let a vault live: keys made, lent, some erased early, the rest destroyed."""
    generate = sealing.generate

    def telling(suite: SealSuite) -> KeyPair:
        pair = generate(suite)
        tell(pair.private)
        if kept:
            KEPT.append(bytearray(pair.private))
        return pair

    with tempfile.TemporaryDirectory() as folder:
        worker = generate()
        vault = Vault(SqliteKeyTable(Path(folder) / "keys.db"), MemoryRing(), MemoryLedger(KEY), POLICY, Limits())
        with patch.object(sealing, "generate", telling):
            keys = vault.public_keys(DEVICE, DOOR, NOON, NOON + 6 * BUCKET, NOON)
            vault.public_keys(DEVICE, TILL, NOON, NOON + 6 * BUCKET, NOON)
            Desk(vault).sealed(NOON)
        for key in keys:
            lease = vault.lease(DETECTING, key.key_id, DOOR.purpose, worker.public, NOON)
            held = bytearray(sealing.open_(worker.private, lease_info(lease), lease.sealed))
            info, picture = b"info", bytes(60_000)
            opener = Opener(held)
            for _ in range(2):
                if opener.open_(info, sealing.seal(key.public, info, picture)) != picture:
                    raise SystemExit(1)
            opener.close()
            OPENERS.append(opener)
            wipe(held)
        Desk(vault).erase("sato", NOON)
        vault.shred(NOON + timedelta(days=8))
        vault.bury(NOON + timedelta(days=8))
        gc.collect()
        os.write(1, b"\n")
        os.read(0, 1)


if __name__ == "__main__":
    main(sys.argv[1] == "kept")
