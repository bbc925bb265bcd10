"""Looks at evidence: by role, purpose and written reason, or by a manager's release; in the ledger before the key goes.

If the ledger does not take the look, there is no look.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from pipeline.errors import Refused, Rejected, Unavailable
from pipeline.vault.access import Action
from pipeline.vault.api import RELEASE_LONGEST, Look, LookRequest, Release, ReleaseRequest
from pipeline.vault.asking import Asker, noted
from pipeline.vault.ledger import Fact, Kind
from pipeline.vault.objects import Evidence, shown
from pipeline.vault.records import Record, RecordKind
from pipeline.vault.vault import Vault, owner_body
from schemas.frozen import iso
from schemas.ids import AlertId, StoreId

_KEPT: Final = timedelta(days=1)
"""How long a release is remembered after its end."""

Staff = Callable[[str, StoreId], None]
"""Raises Refused unless somebody of this name is staff of that store."""


class Looks:
    """Who looks at what. Methods may raise Unavailable: the ledger is known to be away."""

    def __init__(self, vault: Vault, evidence: Evidence) -> None:
        self._vault = vault
        self._evidence = evidence

    def look(self, asker: Asker, asked: LookRequest, now: datetime) -> Look:
        """Lend a person the key of one alert's evidence.

        Raises:
            Refused: Not to who asks, or not for this purpose. The ledger says so.
            Erased: The evidence is gone.
            Rejected: There never was any, or `lease_public` is no key.
        """
        self._vault.require_ledger()
        known = self._vault.table.of_alert(asked.alert_id)
        if not known:
            raise Rejected("unknown_key", "there is no evidence of such an alert")
        owner = known[0].key.owner
        about = {**owner_body(owner), "alert_id": str(asked.alert_id), "purpose": asked.purpose.value}
        # Whoever may look by their role needs no release, and its end is not theirs.
        own = asker.may_list(Action.LOOK, owner.store)
        release = None if own else self._release(asker.name, asked.alert_id, now)
        with noted(self._vault, asker, Action.LOOK, now, **about):
            asker.require(Action.LOOK, owner.store, asked.purpose, released=release is not None)
            self._vault.require_purpose(owner, asked.purpose)
        held = self._evidence.current(asked.alert_id, now)
        if held.key.ciphertext is None:
            raise Rejected("unknown_key", "this alert's evidence is not sealed yet")
        until = held.key.span.expires_at if release is None else min(release.until, held.key.span.expires_at)
        lease = self._vault.lent(held, asker.name, asked.lease_public, now, until)
        said = {"person": asker.name, "key_id": str(held.key.key_id), **about, "reason": asked.reason}
        released = {} if release is None else {"release_id": release.release_id}
        self._vault.write_down([Fact(Kind.LOOK, {**said, **released, "ends_at": iso(lease.ends_at)})], now)
        return Look(lease=lease, object=shown(held.key), until=until)

    def release(self, asker: Asker, asked: ReleaseRequest, staff: Staff, now: datetime) -> Release:
        """Let one member of staff look at one alert's evidence for a while.

        Raises:
            Refused: Not by who asks, not to that person, or not until then. The ledger says so.
            Erased: The evidence is gone.
            Rejected: There never was any.
        """
        self._vault.require_ledger()
        known = self._vault.table.of_alert(asked.alert_id)
        if not known:
            raise Rejected("unknown_key", "there is no evidence of such an alert")
        store = known[0].key.owner.store
        about = {"store_id": str(store), "alert_id": str(asked.alert_id), "to": asked.to}
        with noted(self._vault, asker, Action.RELEASE, now, **about):
            asker.require(Action.RELEASE, store)
            staff(asked.to, store)
            if not now < asked.until <= now + RELEASE_LONGEST:
                raise Refused("a release lasts a day at most")
        self._evidence.current(asked.alert_id, now)
        release = Release(
            release_id=uuid.uuid4().hex,
            alert_id=asked.alert_id,
            store_id=store,
            to=asked.to,
            by=asker.name,
            at=now,
            until=asked.until,
            reason=asked.reason,
        )
        until = release.until + _KEPT
        body = release.model_dump(mode="json") | {"remembered_until": iso(until)}
        record = Record(RecordKind.RELEASE, release.release_id, until, body)
        self._vault.table.put([record], [Fact(Kind.RELEASED, body)])
        # What is decided stands in the key table, and is told as soon as the ledger takes it; without a ledger nobody
        # looks.
        with suppress(Unavailable):
            self._vault.tell(now)
        return release

    def releases(self, asker: Asker, now: datetime) -> tuple[Release, ...]:
        """Return the releases in force that are to who asks, or of a store where they may release."""
        return tuple(
            release
            for release in self._in_force(now)
            if release.to == asker.name or asker.may_list(Action.RELEASE, release.store_id)
        )

    def _release(self, name: str, alert: AlertId, now: datetime) -> Release | None:
        found = (each for each in self._in_force(now) if each.to == name and each.alert_id == alert)
        return max(found, key=lambda each: each.until, default=None)

    def _in_force(self, now: datetime) -> Iterator[Release]:
        for record in self._vault.table.records(RecordKind.RELEASE):
            said = {each: value for each, value in record.body.items() if each in Release.model_fields}
            release = Release.model_validate(said)
            if release.at <= now < release.until:
                yield release
