"""What goes over the wire between the vault and those who ask it."""

import unicodedata
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_serializer, model_validator

from pipeline.canonical import canonical
from pipeline.errors import Refused
from pipeline.governance.people import Suspension
from pipeline.governance.roles import Action, Role
from pipeline.vault.checkpoints import Checkpoint
from pipeline.vault.ledger import Entry, Hash
from schemas.audit import PRINCIPAL
from schemas.envelope import Purpose
from schemas.frozen import Frozen, UtcTime, iso
from schemas.ids import AlertId, NamedCamera, NamedKey, NamedStore

SESSION: Final = "Mimamori-Session"
"""The header that names the person who asks through the console, by the token that signing in gave."""

_LEASE_TAG: Final = b"mimamori/lease/1\x00"

NamedAlert = Annotated[AlertId, Field(min_length=1, max_length=64)]
Id = Annotated[str, Field(pattern=r"^[0-9a-f-]{1,64}$")]
Why = Annotated[str, Field(min_length=10, max_length=256)]
"""A reason that somebody wrote. It names nobody."""

_NEVER_TYPED: Final = frozenset({"Cc", "Zl", "Zp"})


def one_line(text: str) -> str:
    """Return a text that is one line without control characters: what is typed here is read on terminals, too.

    Raises:
        ValueError: It is not.
    """
    if any(unicodedata.category(each) in _NEVER_TYPED for each in text):
        raise ValueError("a control character or the end of a line is in it")
    return text


Said = Annotated[Why, AfterValidator(one_line)]
"""A reason as it is taken."""

Incident = Annotated[str, Field(min_length=1, max_length=64)]


class _Answer(Frozen):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class PublicKeysQuery(Frozen):
    """Asks for the keys of all frames from `start` to before `end`."""

    store: NamedStore
    camera: NamedCamera
    purpose: Purpose
    start: UtcTime
    end: UtcTime


class PublicKey(_Answer):
    """Seal frames from `bucket_start` to before `bucket_end` to this, and let them expire at `expires_at`."""

    key_id: NamedKey
    store_id: NamedStore
    camera_id: NamedCamera
    purpose: Purpose
    bucket_start: UtcTime
    bucket_end: UtcTime
    expires_at: UtcTime
    public: bytes


class PublicKeys(_Answer):
    """Keys in order of time, without a gap; fewer than asked for where there were too many."""

    keys: tuple[PublicKey, ...]


class LeaseRequest(_Answer):
    """Asks to hold a private key for a while. It comes sealed to `lease_public`, which the asker made."""

    key_id: NamedKey
    purpose: Purpose
    lease_public: Annotated[bytes, Field(max_length=4096)]


class Lease(_Answer):
    """A private key, sealed to the worker's lease key under `lease_info`. Use it no longer than until `ends_at`.

    `at` is the vault's time: the worker counts from there with a clock of its own that only runs.
    """

    key_id: NamedKey
    purpose: Purpose
    principal: str
    at: UtcTime
    ends_at: UtcTime
    sealed: bytes


class ObjectRequest(Frozen):
    """Asks for the key that seals one alert's evidence; `start` and `end` are the alert's own."""

    alert_id: NamedAlert
    store_id: NamedStore
    camera_id: NamedCamera
    purpose: Purpose
    start: UtcTime
    end: UtcTime

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "ObjectRequest":
        if self.end < self.start:
            raise ValueError("end lies before start")
        return self


class ObjectKey(_Answer):
    """Seal one alert's evidence to this, once: `stored` says whether that was done."""

    key_id: NamedKey
    alert_id: NamedAlert
    store_id: NamedStore
    camera_id: NamedCamera
    purpose: Purpose
    expires_at: UtcTime
    public: bytes
    stored: bool


class Stored(Frozen):
    """What was put into the object storage: the hash of the ciphertext, never of a picture."""

    sha256: Hash
    size: int = Field(ge=1, lt=2**40)


class EvidenceObject(Frozen):
    """One sealed clip. With `held_until`, a hold sealed it anew: then `key_id` and `expires_at` are the hold's."""

    key_id: NamedKey
    alert_id: NamedAlert
    store_id: NamedStore
    camera_id: NamedCamera
    purpose: Purpose
    start: UtcTime
    end: UtcTime
    created_at: UtcTime
    expires_at: UtcTime
    stored: bool
    sha256: Hash | None = None
    size: int | None = None
    held_until: UtcTime | None = None


class Objects(Frozen):
    """Evidence that lives, in order of the alerts' time."""

    objects: tuple[EvidenceObject, ...]


BACKDROP: Final = "backdrop-"
"""What stands in place of an alert's id where no alert is, but a picture to draw a camera's places on."""


class BackdropRequest(Frozen):
    """A person asks for a picture of a camera's place without anybody in it."""

    store_id: NamedStore
    camera_id: NamedCamera


class LookRequest(_Answer):
    """A person asks to open one alert's evidence. The key comes sealed to `lease_public`, as a lease does."""

    alert_id: NamedAlert
    purpose: Purpose
    reason: Said
    lease_public: Annotated[bytes, Field(max_length=4096)]


class Look(_Answer):
    """A key lent to a person; the lease's `principal` is the person's name. The ledger holds it already.

    What it opens may be shown to them until `until`: the evidence's own end, or that of a release before it (R16).
    """

    lease: Lease
    object: EvidenceObject
    until: UtcTime


class ErasureRequest(Frozen):
    """Decides to erase before time: one alert's evidence, or all of one camera from `start` to `end`.

    With both, the span says where an alert was whose evidence was never sealed.
    """

    alert_id: NamedAlert | None = None
    store_id: NamedStore | None = None
    camera_id: NamedCamera | None = None
    start: UtcTime | None = None
    end: UtcTime | None = None
    reason: Said

    @model_validator(mode="after")
    def _names_something(self) -> "ErasureRequest":
        span = (self.store_id, self.camera_id, self.start, self.end)
        if any(each is None for each in span) and (self.alert_id is None or any(each is not None for each in span)):
            raise ValueError("name an alert, or store, camera, start and end")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError("end lies before start")
        return self


class Erasure(Frozen):
    """What was decided, and the keys that are destroyed by now."""

    erasure_id: Id
    keys: tuple[NamedKey, ...]


HOLD_LONGEST: Final = timedelta(days=365)


class HoldRequest(Frozen):
    """Proposes to keep one alert's evidence longer. Another person confirms it, before the evidence expires."""

    alert_id: NamedAlert
    until: UtcTime
    reason: Said
    incident: Annotated[Incident, AfterValidator(one_line)]


class HoldState(StrEnum):
    """How far a hold has come. Confirmed, it waits for the clip to be sealed anew; sealed, it is in force."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    SEALED = "sealed"
    ENDED = "ended"
    LAPSED = "lapsed"


class Hold(_Answer):
    """A recorded decision to keep named evidence longer.

    `until` is when it ends, on a slot's end; `expires_at` is when the evidence itself expires, and with it a hold that
    was not sealed by then. `key_id` opens the evidence, `public` and `held_key_id` seal the clip for the hold.
    """

    hold_id: Id
    alert_id: NamedAlert
    store_id: NamedStore
    camera_id: NamedCamera
    purpose: Purpose
    state: HoldState
    until: UtcTime
    expires_at: UtcTime
    reason: Why
    incident: Incident
    proposed_by: str
    proposed_at: UtcTime
    confirmed_by: str | None = None
    ended_by: str | None = None
    key_id: NamedKey
    held_key_id: NamedKey | None = None
    public: bytes | None = None


class Holds(_Answer):
    """Holds, newest first; those that are over too, for a month."""

    holds: tuple[Hold, ...]


RELEASE_LONGEST: Final = timedelta(hours=24)


class ReleaseRequest(Frozen):
    """A manager lets one member of staff, by name, look at one alert's evidence for a while (R16)."""

    alert_id: NamedAlert
    to: Annotated[str, Field(min_length=1, max_length=PRINCIPAL)]
    until: UtcTime
    reason: Said


class Release(Frozen):
    """One item, one person, for a while."""

    release_id: Id
    alert_id: NamedAlert
    store_id: NamedStore
    to: str
    by: str
    at: UtcTime
    until: UtcTime
    reason: Why


class Releases(Frozen):
    """Releases that are in force: one's own, and those of stores where one may release."""

    releases: tuple[Release, ...]


class CheckpointPage(_Answer):
    """The checkpoints from one on: signed lines, to be kept elsewhere."""

    public_key: bytes
    checkpoints: tuple[Checkpoint, ...]


class Consistency(Frozen):
    """Shows that a ledger grew out of its first `size` entries."""

    size: int
    proof: tuple[Hash, ...]


class Receipt(Frozen):
    """A key's destruction with the proof that a signed checkpoint holds it, as `verify.py --receipt` checks it."""

    entry: dict[str, Any]
    inclusion: tuple[Hash, ...]
    checkpoint: Checkpoint
    consistency: tuple[Consistency, ...] = ()


class SignIn(Frozen):
    """A name and what only its owner knows."""

    name: Annotated[str, Field(min_length=1, max_length=PRINCIPAL)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=1024)]

    @field_serializer("password", when_used="json")
    def _said(self, password: SecretStr) -> str:
        return password.get_secret_value()


class Grant(Frozen):
    """What somebody is, and in which stores."""

    role: Role
    stores: tuple[NamedStore, ...] | Literal["*"]


class Person(Frozen):
    """Who is signed in, and whether they may see what identifies people: `suspended` says why not."""

    name: str
    display_name: str
    grants: tuple[Grant, ...]
    training_until: UtcTime | None = None
    pledge_until: UtcTime | None = None
    acknowledged_version: str | None = None
    """The version that they have read, where it is the same for all stores of theirs; else see `acknowledged`."""
    acknowledged: dict[NamedStore, str] = Field(default_factory=dict)
    to_acknowledge: tuple[str, ...] = ()
    """Versions of rules that they still have to read (R15)."""
    suspended: tuple[str, ...] = ()


class SignedIn(Frozen):
    """A session. The token is shown once; `ends_at` is when it ends at the latest."""

    token: str
    ends_at: UtcTime
    person: Person


class RulesRead(Frozen):
    """Somebody has read this version of the rules."""

    version: Annotated[str, Field(min_length=1, max_length=64)]


class MatrixRow(Frozen):
    """One cell of the role matrix that says yes. A purpose of null: none needs to be named."""

    role: Role
    action: Action
    purposes: tuple[Purpose | None, ...]
    only_released: bool = False


class Matrix(Frozen):
    """All that anybody may. What is not in it is refused."""

    rows: tuple[MatrixRow, ...]


class Nothing(Frozen):
    """An answer that says no more than that it was done."""


class LedgerPage(_Answer):
    """Entries from an index on, and how many there are in all."""

    entries: tuple[Entry, ...]
    length: int


class Status(_Answer):
    """The vault in numbers. Lateness is of destructions since the vault started."""

    now: UtcTime
    keys_alive: int
    keys_destroyed: int
    oldest_readable: UtcTime | None
    next_destruction: UtcTime | None
    lateness_last_seconds: float | None
    lateness_max_seconds: float | None
    ledger_length: int
    ledger_waiting: int
    suite: str
    frame_ttl_seconds: float
    clock_doubtful: bool = False
    ledger_public_key: bytes = b""


class Fault(StrEnum):
    """Why the vault gives nothing, in its problem details: what no vault says was not answered by one."""

    STRANGER = "stranger"
    WRONG_ROLE = "wrong_role"
    REFUSED = "refused"
    UNKNOWN_KEY = "unknown_key"
    ERASED = "erased"
    UNREADABLE = "unreadable"
    AWAY = "away"
    BROKEN = "broken"
    SIGNED_OUT = "signed_out"
    SUSPENDED = "suspended"
    WAIT = "wait"


class SignedOut(Refused):
    """Nobody is signed in by that token, or not any more; or name and password are not somebody's."""


class Problem(BaseModel):
    """Problem details (RFC 9457), as far as they are read."""

    detail: str = ""
    fault: Fault
    fields: tuple[str, ...] = ()
    """What could not be read."""
    reasons: tuple[Suspension, ...] = ()
    """What suspends somebody."""
    seconds: float = 0
    """How long to wait."""


def lease_info(lease: Lease) -> bytes:
    """Say canonically what a lease is for: sealed under it, it opens under no other."""
    return _LEASE_TAG + canonical(
        {
            "ends_at": iso(lease.ends_at),
            "key_id": lease.key_id,
            "principal": lease.principal,
            "purpose": lease.purpose.value,
        }
    )
