"""Early erasure reaches what a device has spooled by its key: the device need not be reached, nor even be on."""

from pathlib import Path

import pytest

from pipeline.edge import envelope
from pipeline.edge.device import Pixels
from pipeline.errors import Erased
from pipeline.opening import open_frame
from pipeline.sealing import Opener
from pipeline.vault.api import PublicKey
from pipeline.vault.keys import BucketKey
from schemas.wire import Sealed, decode
from tests.unit.pipeline.edge.building import OFFICE, WHO
from tests.unit.pipeline.edge.test_spool import opened
from tests.unit.pipeline.vault.building import BUCKET, NOON, in_memory, keys_for, lent
from tests.unit.pipeline.vault.evidence_building import Desk, whole

PICTURE = b"a picture"


def public(key: BucketKey) -> PublicKey:
    return PublicKey(
        key_id=key.key_id,
        store_id=key.owner.store,
        camera_id=key.owner.camera,
        purpose=key.owner.purpose,
        bucket_start=key.span.start,
        bucket_end=key.span.end,
        expires_at=key.span.expires_at,
        public=key.public,
    )


def spooled(folder: Path) -> list[Sealed]:
    """Start the device again, and let it send what it had spooled."""
    one, found = opened(folder), []
    while (head := one.oldest()) is not None:
        place, parcel = head
        key, value, headers = parcel.record
        message = decode(OFFICE.frames, key, headers, value)
        assert isinstance(message, Sealed)
        found.append(message)
        one.acknowledge(place)
    one.close()
    return found


def test_r23_a_spooled_frame_of_an_erased_bucket_opens_no_more_and_others_do(tmp_path: Path) -> None:
    desk = Desk(in_memory(tmp_path).vault())
    buckets = keys_for(desk.vault, NOON, 2 * BUCKET)
    device = opened(tmp_path / "spool")
    for number, bucket in enumerate(buckets):
        pixels = Pixels(number, bucket.span.start, "", reference=False, jpeg=PICTURE)
        device.put(envelope.sealed(pixels, public(bucket), WHO, OFFICE))
    device.close()
    soon = NOON + 2 * BUCKET

    desk.erase("suzuki", soon, whole(NOON, NOON + BUCKET / 2))
    erased, other = spooled(tmp_path / "spool")

    with pytest.raises(Erased):
        lent(desk.vault, buckets[0], soon)
    assert erased.frame.key_id == buckets[0].key_id
    assert open_frame(other, Opener(lent(desk.vault, buckets[1], soon))) == PICTURE
