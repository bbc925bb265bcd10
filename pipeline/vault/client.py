"""The vault from afar: keys for devices and stages, the ledger for erasing, and what a signed-in person may do."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from pipeline import sealing
from pipeline.errors import Erased, MimamoriError, Refused, Rejected, Unavailable
from pipeline.governance.people import Suspended
from pipeline.governance.throttle import Wait
from pipeline.sealing import KeyPair, Opener, SealSuite
from pipeline.vault.access import WrongRole
from pipeline.vault.api import (
    SESSION,
    BackdropRequest,
    CheckpointPage,
    Erasure,
    ErasureRequest,
    EvidenceObject,
    Fault,
    Hold,
    HoldRequest,
    Holds,
    Lease,
    LeaseRequest,
    LedgerPage,
    Look,
    LookRequest,
    Matrix,
    Nothing,
    ObjectKey,
    ObjectRequest,
    Objects,
    Person,
    Problem,
    PublicKey,
    PublicKeys,
    PublicKeysQuery,
    Receipt,
    Release,
    ReleaseRequest,
    Releases,
    RulesRead,
    SignedIn,
    SignedOut,
    SignIn,
    Status,
    Stored,
    lease_info,
)
from pipeline.vault.keys import Owner
from pipeline.vault.people_api import (
    ROUTES,
    AccountChange,
    NewAccount,
    NewPassword,
    OwnPassword,
    ShownAccounts,
)
from pipeline.vault.ring import wipe
from pipeline.vault.tls import verifying
from schemas.envelope import Purpose
from schemas.ids import AlertId, KeyId, StoreId

Answer = TypeVar("Answer", bound=BaseModel)


_TIMEOUT: Final = httpx.Timeout(5)
_BEHIND: Final = timedelta(seconds=10)
"""How long a frame may take from the camera to the seal."""
_SOON: Final = timedelta(hours=1)

_FROM_THE_MESSAGE: Final[Mapping[str, frozenset[str]]] = {
    "/v1/leases": frozenset({"key_id", "purpose"}),
    "/v1/objects": frozenset(ObjectRequest.model_fields),
}
"""What requests take over from a message; the rest is ours."""

_SET: Final = "set MIMAMORI_VAULT__TOKEN (`mimamori vault tokens` names the files)"
_REMEMBERED: Final = 50_000
_REFUSED_FOR: Final = 60.0
"""For so many seconds a refusal stands: the vault writes down every question that it refuses."""


class VaultClient:
    """One principal's way to the vault.

    Every method raises Unavailable when the vault is away, does not know the token or is none, Refused when this
    principal may not, Erased when the key is gone, and Rejected when there never was such a key.

    What a person does takes the `session` that `sign_in` gave, and raises SignedOut when that is over.
    """

    def __init__(
        self, url: str, token: str, transport: httpx.AsyncBaseTransport | None = None, *, ca: Path | None = None
    ) -> None:
        """`ca` is who vouches for the vault's certificate, where the machine itself does not know it."""
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT,
            transport=transport,
            verify=verifying(url, ca) if transport is None else True,
        )

    async def public_keys(self, owner: Owner, start: datetime, end: datetime) -> tuple[PublicKey, ...]:
        """Return the keys for frames from `start` to before `end`, fewer where there are too many for one answer."""
        asked = PublicKeysQuery(store=owner.store, camera=owner.camera, purpose=owner.purpose, start=start, end=end)
        return (await self._ask(PublicKeys, "GET", "/v1/public-keys", params=asked.model_dump(mode="json"))).keys

    async def lease(self, key_id: KeyId, purpose: Purpose, lease_public: bytes) -> Lease:
        """Ask to hold a private key. It comes sealed to `lease_public`."""
        try:
            asked = LeaseRequest(key_id=key_id, purpose=purpose, lease_public=lease_public)
        except ValidationError:
            raise Rejected("unknown_key", "no key has such a name") from None
        return await self._ask(Lease, "POST", "/v1/leases", json=asked.model_dump(mode="json"))

    async def object_key(self, asked: ObjectRequest) -> ObjectKey:
        """Return the key for one alert's evidence, the same one always. Raises Erased when there may be none anew."""
        return await self._ask(ObjectKey, "POST", "/v1/objects", json=asked.model_dump(mode="json"))

    async def object_stored(self, key_id: KeyId, stored: Stored) -> EvidenceObject:
        """Say that the evidence lies in the object storage, sealed."""
        path = f"/v1/objects/{quote(key_id, safe='')}/stored"
        return await self._ask(EvidenceObject, "POST", path, json=stored.model_dump(mode="json"))

    async def objects(self, store: StoreId | None = None, *, session: str | None = None) -> tuple[EvidenceObject, ...]:
        """Return the evidence that lives, of one store or all that who asks may know of."""
        params = {} if store is None else {"store": store}
        return (await self._ask(Objects, "GET", "/v1/objects", session, params=params)).objects

    async def object_of(self, alert_id: AlertId, *, session: str | None = None) -> EvidenceObject:
        """Return the evidence of one alert. Raises Erased when it is gone, Rejected when there never was any."""
        return await self._ask(EvidenceObject, "GET", f"/v1/objects/{quote(alert_id, safe='')}", session)

    async def ask_backdrop(self, asked: BackdropRequest, *, session: str) -> EvidenceObject:
        """Ask for a picture of a camera's place without anybody in it. It is looked at as an alert's evidence is."""
        return await self._ask(EvidenceObject, "POST", "/v1/backdrops", session, json=asked.model_dump(mode="json"))

    async def backdrops(self) -> tuple[EvidenceObject, ...]:
        """Return the backdrops that are to be made."""
        return (await self._ask(Objects, "GET", "/v1/backdrops")).objects

    async def look(self, asked: LookRequest, *, session: str) -> Look:
        """Lend a person the key of one alert's evidence. The ledger holds the look before this returns."""
        return await self._ask(Look, "POST", "/v1/looks", session, json=asked.model_dump(mode="json"))

    async def erase(self, asked: ErasureRequest, *, session: str) -> Erasure:
        """Erase before time. When this returns the keys are destroyed."""
        return await self._ask(Erasure, "POST", "/v1/erasures", session, json=asked.model_dump(mode="json"))

    async def propose_hold(self, asked: HoldRequest, *, session: str) -> Hold:
        """Propose to keep one alert's evidence longer."""
        return await self._ask(Hold, "POST", "/v1/holds", session, json=asked.model_dump(mode="json"))

    async def confirm_hold(self, hold_id: str, *, session: str) -> Hold:
        """Confirm a hold that somebody else proposed."""
        return await self._ask(Hold, "POST", f"/v1/holds/{quote(hold_id, safe='')}/confirm", session)

    async def hold_sealed(self, hold_id: str, stored: Stored) -> Hold:
        """Say that the clip lies sealed to the hold's own key."""
        path = f"/v1/holds/{quote(hold_id, safe='')}/sealed"
        return await self._ask(Hold, "POST", path, json=stored.model_dump(mode="json"))

    async def end_hold(self, hold_id: str, *, session: str) -> Hold:
        """End a hold before its time: its key is destroyed when this returns."""
        return await self._ask(Hold, "POST", f"/v1/holds/{quote(hold_id, safe='')}/end", session)

    async def holds(self, *, session: str | None = None) -> tuple[Hold, ...]:
        """Return the holds that who asks may know of."""
        return (await self._ask(Holds, "GET", "/v1/holds", session)).holds

    async def release(self, asked: ReleaseRequest, *, session: str) -> Release:
        """Let one member of staff look at one alert's evidence for a while."""
        return await self._ask(Release, "POST", "/v1/releases", session, json=asked.model_dump(mode="json"))

    async def releases(self, *, session: str) -> tuple[Release, ...]:
        """Return the releases in force: to this person, or of stores where they may release."""
        return (await self._ask(Releases, "GET", "/v1/releases", session)).releases

    async def sign_in(self, name: str, password: str) -> SignedIn:
        """Sign a person in. Raises SignedOut when name and password are not somebody's."""
        asked = SignIn(name=name, password=SecretStr(password))
        return await self._ask(SignedIn, "POST", "/v1/sign-in", json=asked.model_dump(mode="json"))

    async def sign_out(self, *, session: str) -> None:
        """End a session."""
        await self._ask(Nothing, "POST", "/v1/sign-out", session)

    async def me(self, *, session: str) -> Person:
        """Return who is signed in."""
        return await self._ask(Person, "GET", "/v1/me", session)

    async def here(self, *, session: str) -> Person:
        """Say that the person is at their page: asking for anything, by itself, keeps no session alive."""
        return await self._ask(Person, "POST", "/v1/here", session)

    async def acknowledge_rules(self, version: str, *, session: str) -> Person:
        """Say that the person has read this version of the rules."""
        asked = RulesRead(version=version)
        return await self._ask(Person, "POST", "/v1/acknowledge-rules", session, json=asked.model_dump(mode="json"))

    async def matrix(self, *, session: str | None = None) -> Matrix:
        """Return all that anybody may."""
        return await self._ask(Matrix, "GET", "/v1/matrix", session)

    async def accounts(self, *, session: str) -> tuple[Person, ...]:
        """Return the accounts of a manager's stores."""
        return (await self._ask(ShownAccounts, "GET", ROUTES, session)).accounts

    async def add_account(self, asked: NewAccount, *, session: str) -> Person:
        """Make an account for one of a manager's staff."""
        return await self._ask(Person, "POST", ROUTES, session, json=asked.model_dump(mode="json"))

    async def change_account(self, name: str, asked: AccountChange, *, session: str) -> Person:
        """Change an account of a manager's staff: stores, training and pledge, or whether it is closed."""
        path = f"{ROUTES}/{quote(name, safe='')}/{asked.path}"
        return await self._ask(Person, "POST", path, session, json=asked.model_dump(mode="json"))

    async def reset_password(self, name: str, asked: NewPassword, *, session: str) -> None:
        """Give another password to one of a manager's staff; they are signed out."""
        path = f"{ROUTES}/{quote(name, safe='')}/password"
        await self._ask(Nothing, "POST", path, session, json=asked.model_dump(mode="json"))

    async def change_password(self, asked: OwnPassword, *, session: str) -> None:
        """Choose another password; every session of that person ends. Raises SignedOut where the old one is wrong."""
        await self._ask(Nothing, "POST", "/v1/password", session, json=asked.model_dump(mode="json"))

    async def ledger(self, from_index: int, limit: int = 1000, *, session: str | None = None) -> LedgerPage:
        """Return ledger entries from an index on."""
        asked = {"from_index": from_index, "limit": limit}
        return await self._ask(LedgerPage, "GET", "/v1/ledger", session, params=asked)

    async def checkpoints(self, from_index: int = 0, *, session: str | None = None) -> CheckpointPage:
        """Return the ledger's checkpoints, from the so-manieth on."""
        return await self._ask(CheckpointPage, "GET", "/v1/checkpoints", session, params={"from_index": from_index})

    async def receipt(self, key_id: KeyId, *, session: str | None = None) -> Receipt:
        """Return the receipt of a key's destruction with its proof. Raises Rejected where there is none (yet)."""
        return await self._ask(Receipt, "GET", f"/v1/receipts/{quote(key_id, safe='')}", session)

    async def status(self) -> Status:
        """Return the vault in numbers."""
        return await self._ask(Status, "GET", "/v1/status")

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(
        self, answer: type[Answer], method: str, path: str, session: str | None = None, **more: Any
    ) -> Answer:
        headers = {} if session is None else {SESSION: session}
        try:
            response = await self._http.request(method, path, headers=headers, **more)
        except httpx.TransportError as error:
            raise Unavailable(f"the vault is away: {type(error).__name__}") from None
        if response.is_success:
            try:
                return answer.model_validate_json(response.content)
            except ValidationError:
                # Not quoted: an answer may hold a sealed key.
                raise Unavailable(f"the vault's answer to {path} cannot be read") from None
        raise _error(response)


def _error(response: httpx.Response) -> MimamoriError:
    """Say what an answer means. What is not plainly about the key or the purpose is a fault of ours: it is waited for,
    else a wrong setting would pass for frames that nobody may open."""
    try:
        said = Problem.model_validate_json(response.content)
    except ValidationError:
        return Unavailable(
            f"what answers at {response.url.host}:{response.url.port} is no vault (status {response.status_code}): "
            "check MIMAMORI_VAULT__URL"
        )
    if said.fault is Fault.UNREADABLE:
        return _unreadable(said, response.request)
    return _MEANING[said.fault](said)


def _unreadable(said: Problem, asked: httpx.Request) -> MimamoriError:
    """A message that no vault can read stays so: were it waited for, everything behind it would wait too."""
    theirs = _FROM_THE_MESSAGE.get(asked.url.path, frozenset()) if asked.method == "POST" else frozenset()
    if said.fields and set(said.fields) <= theirs:
        return Rejected("unknown_key", "the vault cannot read the names, the purpose or the times of what was asked")
    return Unavailable(f"the vault cannot read what was asked: are both of one version? {said.detail}")


_MEANING: Final[Mapping[Fault, Callable[[Problem], MimamoriError]]] = {
    Fault.STRANGER: lambda said: Unavailable(f"{said.detail}: {_SET}"),
    Fault.SIGNED_OUT: lambda said: SignedOut(said.detail),
    Fault.SUSPENDED: lambda said: Suspended(said.reasons),
    Fault.WAIT: lambda said: Wait(said.seconds),
    Fault.WRONG_ROLE: lambda said: WrongRole(f"{said.detail}: {_SET}"),
    Fault.REFUSED: lambda said: Refused(said.detail),
    Fault.UNKNOWN_KEY: lambda said: Rejected("unknown_key", said.detail),
    Fault.ERASED: lambda said: Erased(said.detail),
    Fault.AWAY: lambda said: Unavailable(said.detail),
    Fault.BROKEN: lambda said: Unavailable(said.detail),
}


class DeviceKeys:
    """The public keys of one camera, fetched ahead, so that a device seals for hours without the vault."""

    def __init__(self, client: VaultClient, owner: Owner, ahead: timedelta) -> None:
        self._client = client
        self._owner = owner
        self._ahead = ahead
        self._keys: OrderedDict[datetime, PublicKey] = OrderedDict()

    def key_at(self, time: datetime) -> PublicKey | None:
        """Return the key for a frame of this time; None where none was fetched: such a frame must be dropped."""
        found = next((key for key in self._keys.values() if time < key.bucket_end), None)
        return found if found is not None and found.bucket_start <= time else None

    @property
    def until(self) -> datetime | None:
        """The end of what was fetched."""
        return next((key.bucket_end for key in reversed(self._keys.values())), None)

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """All that was fetched and is not long past, in order of time."""
        return tuple(self._keys.values())

    async def refresh(self, now: datetime) -> None:
        """Fetch the keys that are missing up to `ahead` from now, and drop those of frames long past.

        Call it every so often, more often than `ahead`; it asks nothing when nothing is missing.

        Raises:
            Unavailable: The vault is away, or has not all of them yet; what was fetched stays.
            Refused: This device gets no keys for this camera.
        """
        for start in [start for start, key in self._keys.items() if key.expires_at <= now]:
            del self._keys[start]
        # What is needed soon first: a vault whose clock leapt gives that, and has the rest waited for.
        for ahead in (min(self._ahead, _SOON), self._ahead):
            await self._fetch(max(self.until or now - _BEHIND, now - _BEHIND), now + ahead)

    async def _fetch(self, start: datetime, end: datetime) -> None:
        while start < end:
            fetched = await self._client.public_keys(self._owner, start, end)
            self._keys |= {key.bucket_start: key for key in fetched if key.bucket_end > start}
            if not fetched or fetched[-1].bucket_end <= start:
                return
            start = fetched[-1].bucket_end


class _No(NamedTuple):
    """An answer that stands for a while, or for good."""

    error: Erased | Refused | Rejected
    until: float


@dataclass(frozen=True)
class _Held:
    private: bytearray
    ends: float
    opener: Opener


class Leases:
    """The private keys that one worker holds at the moment, each for a minute at most, wiped when it ends.

    The lease key is made here and never leaves; on the wire a private key is always sealed to it.
    """

    def __init__(
        self,
        client: VaultClient,
        suite: SealSuite = SealSuite.MLKEM768_X25519,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._pair: KeyPair = sealing.generate(suite)
        self._monotonic = monotonic
        self._held: dict[tuple[KeyId, Purpose], _Held] = {}
        self._refused: OrderedDict[tuple[KeyId, Purpose], _No] = OrderedDict()
        self._asking = asyncio.Lock()

    def held(self, key_id: KeyId, purpose: Purpose) -> bytearray | None:
        """Return the key if it is held right now. Use it before you next await: later it may have been wiped."""
        found = self._held.get((key_id, purpose))
        return found.private if found is not None and self._monotonic() < found.ends else None

    async def private_key(self, key_id: KeyId, purpose: Purpose) -> bytearray:
        """Return the key, asking for it where it is not held. Use it before you next await, and keep no copy.

        Raises:
            Erased: It was destroyed: count the frame and go on.
            Refused: Not for this purpose. Said again without asking, for a minute.
            Rejected: There never was such a key. Said again without asking, for a minute.
            Unavailable: The vault is away, or our token is not one for this: wait and try again.
        """
        if (private := self._known(key_id, purpose)) is not None:
            return private
        async with self._asking:
            return self._known(key_id, purpose) or await self._ask(key_id, purpose)

    async def opener(self, key_id: KeyId, purpose: Purpose) -> Opener:
        """Return the key made ready for opening; when to use it, and errors, as of `private_key`."""
        await self.private_key(key_id, purpose)
        return self._held[key_id, purpose].opener

    async def open_(self, key_id: KeyId, purpose: Purpose, info: bytes, sealed: bytes) -> bytes:
        """Open a frame; errors as of `private_key`, and Rejected when it does not open under this envelope."""
        return (await self.opener(key_id, purpose)).open_(info, sealed)

    def close(self) -> None:
        """Wipe everything that is held."""
        for asked in list(self._held):
            self._end(asked)
        wipe(self._pair.private)

    async def _ask(self, key_id: KeyId, purpose: Purpose) -> bytearray:
        asked_at = self._monotonic()
        try:
            lease = await self._client.lease(key_id, purpose, self._pair.public)
        except WrongRole as error:
            # No frame is at fault for it.
            raise Unavailable(str(error)) from None
        except Erased as error:
            # Destroyed is for good; a replay of a million expired frames asks once a key.
            self._remember((key_id, purpose), error, math.inf)
            raise
        except (Refused, Rejected) as error:
            self._remember((key_id, purpose), error, asked_at + _REFUSED_FOR)
            raise
        private = self._opened(lease)
        # From when it was asked for, by a clock that only runs: neither the way here nor a clock that was set adds.
        return self._hold((key_id, purpose), private, asked_at + (lease.ends_at - lease.at).total_seconds())

    def _opened(self, lease: Lease) -> bytearray:
        try:
            return bytearray(sealing.open_(self._pair.private, lease_info(lease), lease.sealed))
        except Rejected:
            raise Unavailable("the vault's lease does not open: are both of one version?") from None

    def _hold(self, asked: tuple[KeyId, Purpose], private: bytearray, ends: float) -> bytearray:
        self._end(asked)
        held = self._held[asked] = _Held(private, ends, Opener(private))
        asyncio.get_running_loop().call_later(max(0, ends - self._monotonic()), self._end_if, asked, held)
        return private

    def _end_if(self, asked: tuple[KeyId, Purpose], held: _Held) -> None:
        if self._held.get(asked) is held:
            self._end(asked)

    def _end(self, asked: tuple[KeyId, Purpose]) -> None:
        if (held := self._held.pop(asked, None)) is not None:
            held.opener.close()
            wipe(held.private)

    def _known(self, key_id: KeyId, purpose: Purpose) -> bytearray | None:
        """Return the key where it is held; say again what the vault said where that stands; else None."""
        no = self._refused.get((key_id, purpose))
        if no is not None and self._monotonic() < no.until:
            raise no.error.with_traceback(None)
        return self.held(key_id, purpose)

    def _remember(self, asked: tuple[KeyId, Purpose], error: Erased | Refused | Rejected, until: float) -> None:
        self._refused[asked] = _No(error, until)
        self._refused.move_to_end(asked)
        if len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)


@asynccontextmanager
async def connected(url: str, token: str, ca: Path | None = None) -> AsyncIterator[VaultClient]:
    """Give a client for the length of a block."""
    client = VaultClient(url, token, ca=ca)
    try:
        yield client
    finally:
        await client.close()
