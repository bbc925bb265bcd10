"""Checks a ledger of keys offline: that it is whole, and that what it promises was done. This file runs alone.

It needs Python 3.11 and `cryptography`, and nothing of Mimamori, so that whoever checks need not trust or install it:

    python verify.py ledger.jsonl --public-key ledger.pub
    python verify.py receipt.json --receipt --public-key ledger.pub

An entry's hash is the RFC 6962 leaf hash of its RFC 8785 JSON without `hash` and `signature`, and names the hash before
it; a checkpoint signs the Merkle root of all entries so far. Exit status: 0 all holds, 1 something does not, 2 it could
not be checked.
"""

import argparse
import json
import os
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SLACK: Final = timedelta(seconds=60)
"""How long after its time a key's destruction is on time."""

HOLD_LONGEST: Final = timedelta(days=366)
"""So long at most after the ledger was told of it, a hold keeps anything."""

FIRST: Final = "0" * 64
CREATED: Final = "key_created"
DESTROYED: Final = "key_destroyed"
HELD: Final = "key_held"
DECIDED: Final = "erasure_decided"
OTHERS: Final = frozenset(
    {
        "leases", "refused", "evidence_stored", "look", "released", "hold_proposed", "hold_confirmed", "hold_ended",
        "signed_in", "account_changed",
    }
)  # fmt: skip

_ENTRY_TAG: Final = b"mimamori/ledger/1\x00"
_CHECKPOINT_TAG: Final = b"mimamori/checkpoint/1\x00"
_ENTRY: Final = frozenset({"index", "at", "kind", "body", "previous", "hash", "signature"})
_CHECKPOINT: Final = frozenset({"size", "root", "at", "previous", "hash", "signature"})
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_KEY_FACTS: Final = (
    "store_id", "camera_id", "purpose", "bucket_start", "bucket_end", "expires_at", "created_at", "notice_id",
    "alert_id", "hold_id",
)  # fmt: skip
_HELD_FACTS: Final = ("store_id", "camera_id", "purpose", "alert_id")
"""What a hold's key has of the key that is held."""

_HOLD_FACTS: Final = ("held_key_id", "hold_id", "alert_id", "until", "incident", "proposed_by", "confirmed_by")
_SHOWN: Final = 20

Body = dict[str, Any]


# --- What is found -------------------------------------------------------------------------------------------------
class What(StrEnum):
    """What can be wrong with a ledger, and what is worth a note."""

    LINE_UNREADABLE = "line_unreadable"
    DOES_NOT_FOLLOW = "does_not_follow"
    CHANGED = "changed"
    NOT_SIGNED = "not_signed"
    CHECKPOINT_UNREADABLE = "checkpoint_unreadable"
    CHECKPOINT_DOES_NOT_FOLLOW = "checkpoint_does_not_follow"
    CHECKPOINT_NOT_SIGNED = "checkpoint_not_signed"
    CUT_SHORT = "cut_short"
    OTHER_ROOT = "other_root"
    FACTS_UNREADABLE = "facts_unreadable"
    CREATED_TWICE = "created_twice"
    NEVER_CREATED = "never_created"
    OTHER_FACTS = "other_facts"
    DESTROYED_TWICE = "destroyed_twice"
    DESTROYED_LATER_THAN_WRITTEN = "destroyed_later_than_written"
    NEVER_DESTROYED = "never_destroyed"
    ENDS_BEFORE = "ends_before"
    LATE = "late"
    HELD_TOO_LATE = "held_too_late"
    HELD_BY_ONE = "held_by_one"
    HELD_OTHERWISE = "held_otherwise"
    HELD_TOO_LONG = "held_too_long"
    HELD_NO_EVIDENCE = "held_no_evidence"
    NOT_HELD = "not_held"
    DECIDED_BY_NOBODY = "decided_by_nobody"
    DECIDED_ABOUT_ANOTHER = "decided_about_another"
    NOT_ERASED = "not_erased"
    MADE_ANEW = "made_anew"
    NOT_A_RECEIPT = "not_a_receipt"
    NOT_INCLUDED = "not_included"
    NOT_CONSISTENT = "not_consistent"

    NO_CHECKPOINTS = "no_checkpoints"
    AFTER_LAST_CHECKPOINT = "after_last_checkpoint"
    TORN_LINE = "torn_line"
    GOES_ON_AFTER = "goes_on_after"
    UNKNOWN_KIND = "unknown_kind"
    LOST = "lost"
    TOLD_LATE = "told_late"


_ENGLISH: Final[Mapping[What, str]] = {
    What.LINE_UNREADABLE: "Line {line} is no entry of a ledger.",
    What.DOES_NOT_FOLLOW: "Entry {index} does not follow the one before it: something was left out, added or moved.",
    What.CHANGED: "Entry {index} was changed after it was written.",
    What.NOT_SIGNED: "Entry {index} was not signed with the vault's key.",
    What.CHECKPOINT_UNREADABLE: "{file}: line {line} is no checkpoint.",
    What.CHECKPOINT_DOES_NOT_FOLLOW: "{file}: the checkpoint of {size} entries does not follow the one before it.",
    What.CHECKPOINT_NOT_SIGNED: "{file}: the checkpoint of {size} entries was not signed with the vault's key.",
    What.CUT_SHORT: "{file} knows of {size} entries; the ledger has {length}: its end is missing.",
    What.OTHER_ROOT: "{file}: the first {size} entries are not those that the checkpoint was made of.",
    What.FACTS_UNREADABLE: "Entry {index} does not say what an entry of its kind must say.",
    What.CREATED_TWICE: "Key {key} was made a second time (entry {index}).",
    What.NEVER_CREATED: "Key {key} was never made as far as the ledger says (entry {index}).",
    What.OTHER_FACTS: "The receipt of key {key} does not say of it what was said when it was made (entry {index}).",
    What.DESTROYED_TWICE: "Key {key} has a second receipt (entry {index}).",
    What.DESTROYED_LATER_THAN_WRITTEN: "The receipt of key {key} was written before the destruction it tells of.",
    What.NEVER_DESTROYED: "Key {key} should have been destroyed at {due}, and there is no receipt.",
    What.ENDS_BEFORE: (
        "The ledger ends at {end}; {count} keys fell due since, the first at {due}, and it cannot tell of them. "
        "If it is a copy, fetch a newer one, or give the copy's time with --now."
    ),
    What.LATE: "Key {key} was destroyed {seconds} s after {due}.",
    What.HELD_TOO_LATE: "Key {key} was held after it should have been destroyed (entry {index}).",
    What.HELD_BY_ONE: "Key {key} was held by one person alone (entry {index}): it takes two.",
    What.HELD_OTHERWISE: "What holds key {key} until {until} is not a key that ends then (entry {index}).",
    What.HELD_TOO_LONG: "Key {key} is held until {until} (entry {index}): no hold lasts longer than a year.",
    What.HELD_NO_EVIDENCE: "Key {key} was held, and is not that of the alert's evidence (entry {index}).",
    What.NOT_HELD: "Key {key} was made for a hold that never came into force, and lives on.",
    What.DECIDED_BY_NOBODY: "Key {key} was destroyed before its time by a decision that the ledger does not have.",
    What.DECIDED_ABOUT_ANOTHER: "Key {key} was destroyed before its time by a decision about something else.",
    What.NOT_ERASED: "Key {key} should have been erased by the decision of {at} (entry {index}), and was not at once.",
    What.MADE_ANEW: "Key {key} was made for what had been erased at {at} (entry {index}).",
    What.NOT_A_RECEIPT: "This is no receipt as `mimamori ledger receipt` prints it.",
    What.NOT_INCLUDED: "The entry is not in the ledger that the checkpoint was made of.",
    What.NOT_CONSISTENT: "This receipt's ledger is not shown to have grown out of the checkpoint of {size} entries.",
    What.NO_CHECKPOINTS: "There were no checkpoints: entries missing at the end would not show.",
    What.AFTER_LAST_CHECKPOINT: "{count} entries are newer than the last checkpoint.",
    What.TORN_LINE: "The last line is not complete, and was not counted: the file was copied or stopped while written.",
    What.GOES_ON_AFTER: "The ledger goes on after {now}; it was judged as of its last entry.",
    What.UNKNOWN_KIND: "{count} entries are of a kind unknown here ({kind}): their content was not judged.",
    What.LOST: "{count} keys were destroyed before their time and nobody decided it: the vault had lost what opens "
    "them. That shows nobody anything; what they sealed is gone.",
    What.TOLD_LATE: "{count} receipts were written long after the destruction that they tell of, at most {seconds} s: "
    "so it is where the ledger was away. Until they were written, only the vault's word stands for it.",
}

_JAPANESE: Final[Mapping[What, str]] = {
    What.LINE_UNREADABLE: "{line} 行目は台帳の記録として読めません。",
    What.DOES_NOT_FOLLOW: "記録 {index} が前の記録に続いていません。抜け、追加、または入れ替えがあります。",
    What.CHANGED: "記録 {index} は書かれた後に変更されています。",
    What.NOT_SIGNED: "記録 {index} は鍵保管庫の鍵で署名されていません。",
    What.CHECKPOINT_UNREADABLE: "{file}：{line} 行目はチェックポイントとして読めません。",
    What.CHECKPOINT_DOES_NOT_FOLLOW: "{file}：{size} 件時点のチェックポイントが前のものに続いていません。",
    What.CHECKPOINT_NOT_SIGNED: "{file}：{size} 件時点のチェックポイントは鍵保管庫の鍵で署名されていません。",
    What.CUT_SHORT: "{file} には {size} 件の記録があったとありますが、台帳は {length} 件です。末尾が欠けています。",
    What.OTHER_ROOT: "{file}：最初の {size} 件は、チェックポイントが作られた時の記録と異なります。",
    What.FACTS_UNREADABLE: "記録 {index} に、その種類に必要な内容がありません。",
    What.CREATED_TWICE: "鍵 {key} の作成が二度記録されています（記録 {index}）。",
    What.NEVER_CREATED: "鍵 {key} の作成が台帳にありません（記録 {index}）。",
    What.OTHER_FACTS: "鍵 {key} の消去証明の内容が作成時の記録と異なります（記録 {index}）。",
    What.DESTROYED_TWICE: "鍵 {key} の消去証明が二つあります（記録 {index}）。",
    What.DESTROYED_LATER_THAN_WRITTEN: "鍵 {key} の消去証明が、消去の時刻より前に書かれています。",
    What.NEVER_DESTROYED: "鍵 {key} は {due} に消去されるはずでしたが、消去証明がありません。",
    What.ENDS_BEFORE: (
        "台帳は {end} で終わっています。"
        "その後に期限を迎えた鍵が {count} 件（最初は {due}）あり、この台帳では分かりません。"
        "複製であれば、新しい複製を取得するか、複製の時刻を --now で指定してください。"
    ),
    What.LATE: "鍵 {key} の消去は {due} より {seconds} 秒遅れました。",
    What.HELD_TOO_LATE: "鍵 {key} は消去されるべき時刻の後に保全されています（記録 {index}）。",
    What.HELD_BY_ONE: "鍵 {key} は一人だけで保全されています（記録 {index}）。二人の決定が必要です。",
    What.HELD_OTHERWISE: "鍵 {key} を {until} まで保全する鍵の期限が、その時刻と異なります（記録 {index}）。",
    What.HELD_TOO_LONG: "鍵 {key} は {until} まで保全されています（記録 {index}）。保全は一年を超えられません。",
    What.HELD_NO_EVIDENCE: "保全された鍵 {key} は、その通知の記録映像の鍵ではありません（記録 {index}）。",
    What.NOT_HELD: "鍵 {key} は、効力を生じなかった保全のために作られ、消去されていません。",
    What.DECIDED_BY_NOBODY: "鍵 {key} は、台帳にない決定によって期限前に消去されています。",
    What.DECIDED_ABOUT_ANOTHER: "鍵 {key} は、別のものについての決定によって期限前に消去されています。",
    What.NOT_ERASED: "鍵 {key} は {at} の決定（記録 {index}）で消去されるはずでしたが、直ちに消去されていません。",
    What.MADE_ANEW: "鍵 {key} は、{at} に消去されたもの（記録 {index}）のために作られています。",
    What.NOT_A_RECEIPT: "`mimamori ledger receipt` が出力する消去証明ではありません。",
    What.NOT_INCLUDED: "この記録は、チェックポイントが作られた台帳に含まれていません。",
    What.NOT_CONSISTENT: "この消去証明の台帳が {size} 件時点のチェックポイントから続くものだと示されていません。",
    What.NO_CHECKPOINTS: "チェックポイントがありません。末尾の欠けは検出できません。",
    What.AFTER_LAST_CHECKPOINT: "最後のチェックポイントより新しい記録が {count} 件あります。",
    What.TORN_LINE: "最後の行は途中で切れているため数えていません（書き込み中に複写または停止されました）。",
    What.GOES_ON_AFTER: "台帳は {now} より後まで続いています。最後の記録の時点で判定しました。",
    What.UNKNOWN_KIND: "この検査が知らない種類の記録が {count} 件あります（{kind}）。内容は判定していません。",
    What.LOST: "決定によらず期限前に消去された鍵が {count} 個あります。鍵保管庫が開くための鍵を失ったものです。"
    "誰にも見られておらず、封印されたものは失われています。",
    What.TOLD_LATE: "消去の後かなり経ってから書かれた消去証明が {count} 件あります（最大 {seconds} 秒）。"
    "台帳に書き込めなかった場合に起こります。書かれるまでの間については、鍵保管庫の申告以外に裏付けがありません。",
}

_CANNOT: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "That nobody copied a key out of the vault's memory, or kept a picture that was open while its key was lent.",
        "That the disk under the vault forgot the key too: no copy by its file system, its controller or a backup.",
        "That the times are right: they are the vault's own. Only a checkpoint kept elsewhere can bound them.",
        "That you were shown the same ledger as everybody else: whoever has the vault's signing key can write another "
        "one. Give a checkpoint that was kept elsewhere, or the witness's file, with --since.",
        "That every picture was sealed with a key that is listed here.",
    ),
    "ja": (
        "鍵が鍵保管庫のメモリーから写し取られていないこと、また鍵の貸出中に開かれた画像が残されていないこと。",
        "鍵保管庫の下のディスクからも鍵が消えたこと（ファイルシステム、ディスク制御装置、バックアップによる複製がないこと）。",
        "時刻が正しいこと。時刻は鍵保管庫自身のものです。外部に保管されたチェックポイントだけが裏付けになります。",
        "ほかの人と同じ台帳が示されたこと。鍵保管庫の署名鍵を持つ者は別の台帳を作れます。"
        "外部に保管されたチェックポイントか立会人のファイルを --since で指定してください。",
        "すべての画像が、この台帳にある鍵で封印されたこと。",
    ),
}

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "ledger": "Ledger: {entries} entries, root {root}",
        "checkpoints": "Checkpoints: {checkpoints} checked, the last of {covered} entries",
        "keys": "Keys: {made} made, {destroyed} destroyed ({early} before their time, {late} late), {held} held, "
        "{alive} alive, {overdue} overdue",
        "until": "Alive or held until {until} at the latest",
        "decided": "Erased before their time by decision: {keys} keys, by {decisions} decisions",
        "held": "Held: evidence of alert {alert} until {until} (incident {incident})",
        "life": "Longest time from a picture to the end of its key: {life}",
        "evidence": "For evidence of alerts: {life}",
        "lateness": "Destruction came at most {seconds} s after its time",
        "receipt": "Receipt: key {key} ({store}, {camera}) was to be destroyed at {due} and was at {destroyed}; "
        "entry {index} of {size}",
        "judged": "Judged as of {now}",
        "whole": "All that was checked holds.",
        "faults": "This does not hold ({count}):",
        "more": "… and {count} more (--json lists all)",
        "notes": "To be noted:",
        "cannot": "What this check cannot prove:",
    },
    "ja": {
        "ledger": "台帳：記録 {entries} 件、ルート {root}",
        "checkpoints": "チェックポイント：{checkpoints} 件を検査、最後は記録 {covered} 件時点",
        "keys": "鍵：作成 {made}、消去 {destroyed}（うち期限前 {early}、遅れ {late}）、"
        "保全 {held}、有効 {alive}、期限超過 {overdue}",
        "until": "有効または保全中の鍵の最終期限：{until}",
        "decided": "決定による期限前の消去：鍵 {keys} 個、決定 {decisions} 件",
        "held": "保全中：通知 {alert} の記録映像、{until} まで（件名番号 {incident}）",
        "life": "撮影から鍵の期限までの最長時間：{life}",
        "evidence": "通知の記録映像については：{life}",
        "lateness": "最も遅い消去：期限から {seconds} 秒後",
        "receipt": "消去証明：鍵 {key}（{store}、{camera}）の期限は {due}、消去は {destroyed}。"
        "{size} 件中の記録 {index}",
        "judged": "判定時刻：{now}",
        "whole": "検査したことはすべて成り立っています。",
        "faults": "成り立たないことが {count} 件あります：",
        "more": "…ほか {count} 件（--json ですべて表示）",
        "notes": "注意：",
        "cannot": "この検査では証明できないこと：",
    },
}


class Finding(NamedTuple):
    """Something found, with what it takes to say it in words."""

    what: What
    facts: Mapping[str, object]


def _found(what: What, **facts: object) -> Finding:
    return Finding(what, facts)


def said(finding: Finding, language: str) -> str:
    words = _JAPANESE if language == "ja" else _ENGLISH
    return words[finding.what].format(**finding.facts)


class State(StrEnum):
    """What became of a key."""

    ALIVE = "alive"
    HELD = "held"
    DESTROYED = "destroyed"
    OVERDUE = "overdue"


_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_ENDS_LATER: Final = frozenset({State.ALIVE, State.HELD})


@dataclass
class Key:
    """A key, as far as the ledger tells of it. `due` is when it is to be destroyed: its expiry, or its hold's end."""

    key_id: str
    made: Body
    index: int
    start: datetime
    end: datetime
    due: datetime
    held: bool = False
    destroyed_at: datetime | None = None
    receipt: int | None = None
    decided: str | None = None

    @property
    def is_evidence(self) -> bool:
        return "alert_id" in self.made

    def state(self, now: datetime) -> State:
        if self.destroyed_at is not None:
            return State.DESTROYED
        if now > self.due + SLACK:
            return State.OVERDUE
        return State.HELD if self.held else State.ALIVE


@dataclass(frozen=True)
class Decision:
    """That something is to be erased before its time: a camera's span, an alert's evidence, or what a hold kept."""

    index: int
    at: datetime
    start: datetime | None
    end: datetime | None
    about: Body

    def concerns(self, key: Key) -> bool:
        """Say whether the key had to go by it, had it been there."""
        said, made = self.about, key.made
        if any(said.get(name) != made.get(name) for name in ("store_id", "camera_id")):
            return False
        if "hold_id" in said:
            return str(said["hold_id"]) == str(made.get("hold_id"))
        if key.is_evidence and "alert_id" in said:
            return str(said["alert_id"]) == str(made["alert_id"])
        if self.start is None or self.end is None or key.start > self.end:
            return False
        # An alert lasts to its end and with it, a bucket to before its own.
        return key.end >= self.start if key.is_evidence else key.end > self.start

    def bars(self, key: Key) -> bool:
        """Say whether the key must not be made after it. What had not begun by then may be."""
        return "hold_id" not in self.about and key.start < self.at and self.concerns(key)


@dataclass
class Report:
    """All that was found out about one ledger."""

    now: datetime
    end: datetime = _NEVER
    """The time of the last entry: of what fell due later, the ledger could not tell yet."""
    entries: int = 0
    root: str = ""
    checkpoints: int = 0
    covered: int = 0
    keys: dict[str, Key] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    holds: dict[str, Body] = field(default_factory=dict)
    told_late: list[timedelta] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    def destroyed(self) -> list[tuple[Key, datetime]]:
        return [(key, key.destroyed_at) for key in self.keys.values() if key.destroyed_at is not None]

    def count(self, state: State) -> int:
        return sum(key.state(self.now) is state for key in self.keys.values())

    def lateness(self) -> timedelta | None:
        return max((at - key.due for key, at in self.destroyed()), default=None)

    def until(self) -> datetime | None:
        return max((key.due for key in self.keys.values() if key.state(self.now) in _ENDS_LATER), default=None)

    def life(self, *, evidence: bool = False) -> timedelta | None:
        """How long a picture could be opened at most, as planned: to be compared with what people are told.

        Of frames, or of evidence; what a hold keeps is listed by itself.
        """
        lives = (
            key.due - key.start
            for key in self.keys.values()
            if key.is_evidence == evidence and "hold_id" not in key.made
        )
        return max(lives, default=None)

    def in_force(self) -> list[Body]:
        """The holds that keep something at the moment."""
        held = {str(key.made.get("hold_id")) for key in self.keys.values() if key.state(self.now) is State.HELD}
        return [said for hold_id, said in self.holds.items() if hold_id in held]

    def decided(self) -> list[Key]:
        """The keys that went before their time by decision."""
        return [key for key, at in self.destroyed() if key.decided is not None and at < key.due]


# --- Reading, distrustfully ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Entry:
    """One line of the ledger; `digest` is what its hash should be."""

    index: int
    at: datetime
    kind: str
    body: Body
    previous: str
    hash: str
    signature: str
    digest: str


class Checkpoint(NamedTuple):
    """One line of checkpoints; `digest` is what its hash should be, `file` where it was found."""

    file: str
    size: int
    root: str
    previous: str
    hash: str
    signature: str
    digest: str


def canonical(value: Any) -> str:
    """Write JSON as RFC 8785 does, as far as a ledger has it: no fractions.

    Raises:
        ValueError: There is something in it that a ledger does not have.
    """
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{_plain(name)}:{canonical(each)}" for name, each in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, int) and abs(value) >= 1 << 53:
        raise ValueError("no reader of JSON is sure of so large a number")
    if value is None or isinstance(value, str | int):
        return _plain(value)
    raise ValueError(f"not in a ledger: {type(value).__name__}")


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def parse(line: bytes) -> Body:
    """Read one JSON object that no two readers can read differently.

    Raises:
        ValueError: It is none.
    """
    try:
        found = json.loads(line.decode(), object_pairs_hook=_once, parse_constant=_refuse, parse_float=_refuse)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - what cannot be read is a ValueError here, whatever it was
    return found


def _once(members: list[tuple[str, Any]]) -> Body:
    if len(found := dict(members)) != len(members):
        raise ValueError("a name twice")
    return found


def _refuse(text: str) -> Any:
    raise ValueError(f"not in a ledger: {text}")


def entry_of(found: Body) -> Entry:
    if found.keys() - {"outbox"} != _ENTRY:
        raise ValueError("not the members of an entry")
    _require(isinstance(found["body"], dict) and _is_count(found["index"]) and _is_count(found.get("outbox", 0)))
    _require(all(isinstance(found[name], str) for name in ("kind", "signature")))
    _require(all(_is_hash(found[name]) for name in ("previous", "hash")))
    content = {name: each for name, each in found.items() if name not in {"hash", "signature"}}
    return Entry(
        index=found["index"],
        at=time_of(found["at"]),
        kind=found["kind"],
        body=found["body"],
        previous=found["previous"],
        hash=found["hash"],
        signature=found["signature"],
        digest=sha256(b"\x00" + canonical(content).encode()).hexdigest(),
    )


def checkpoint_of(found: Body, file: str) -> Checkpoint:
    if found.keys() != _CHECKPOINT:
        raise ValueError("not the members of a checkpoint")
    _require(_is_count(found["size"]) and isinstance(found["signature"], str))
    _require(all(_is_hash(found[name]) for name in ("root", "previous", "hash")))
    time_of(found["at"])
    content = {name: each for name, each in found.items() if name not in {"hash", "signature"}}
    return Checkpoint(
        file=file,
        size=found["size"],
        root=found["root"],
        previous=found["previous"],
        hash=found["hash"],
        signature=found["signature"],
        digest=sha256(canonical(content).encode()).hexdigest(),
    )


def time_of(text: object) -> datetime:
    """Read RFC 3339 with its offset."""
    if not isinstance(text, str):
        raise ValueError("no time")  # noqa: TRY004 - what cannot be read is a ValueError here, whatever it was
    time = datetime.fromisoformat(text)
    if time.tzinfo is None or not 2000 <= time.year < 2200:
        raise ValueError("no time")
    return time.astimezone(UTC)


def iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("not of its type")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def is_signed(public: Ed25519PublicKey, tag: bytes, digest: str, signature: str) -> bool:
    try:
        raw = b64decode(signature, validate=True)
        public.verify(raw, tag + bytes.fromhex(digest))
    except (InvalidSignature, ValueError):
        return False
    # Base64 has several spellings of the same bytes; the vault writes one.
    return b64encode(raw).decode() == signature


# --- Merkle trees (RFC 6962 §2.1; checking as in RFC 9162 §2.1.3.2 and §2.1.4.2) -----------------------------------
Peaks = tuple[tuple[int, bytes], ...]


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def grown(peaks: Peaks, leaf: bytes) -> Peaks:
    leaves = 1
    while peaks and peaks[-1][0] == leaves:
        leaf, leaves, peaks = _node(peaks[-1][1], leaf), 2 * leaves, peaks[:-1]
    return (*peaks, (leaves, leaf))


def root_of(peaks: Peaks) -> bytes:
    if not peaks:
        return sha256(b"").digest()
    digest = peaks[-1][1]
    for _, left in reversed(peaks[:-1]):
        digest = _node(left, digest)
    return digest


def is_included(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether a leaf stands at this index of a tree of this size and root."""
    if not 0 <= index < size:
        return False
    place, last, digest = index, size - 1, leaf
    for each in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            digest = _node(each, digest)
            place, last = _up_left(place, last)
        else:
            digest = _node(digest, each)
        place, last = place >> 1, last >> 1
    return last == 0 and digest == root


def is_consistent(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether a tree grew out of an older one."""
    if not 0 < old_size < size:
        return old_size == size and old_root == root and not proof
    # A complete old tree is itself the first subtree, and not in the proof.
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        return False
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    older = newer = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            older, newer = _node(each, older), _node(each, newer)
            place, last = _up_left(place, last)
        else:
            newer = _node(newer, each)
        place, last = place >> 1, last >> 1
    return last == 0 and older == old_root and newer == root


def _up_left(place: int, last: int) -> tuple[int, int]:
    """Climb to the next subtree that is a right one: those between have no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


# --- Checking ------------------------------------------------------------------------------------------------------
def read_checkpoints(
    file: str, lines: Iterable[bytes], public: Ed25519PublicKey, faults: list[Finding], *, chained: bool
) -> list[Checkpoint]:
    """Give the checkpoints that the vault signed; add to the faults what is wrong with any. A torn last line goes."""
    found: list[Checkpoint] = []
    before: Checkpoint | None = None
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            break
        try:
            checkpoint = checkpoint_of(parse(line), file)
        except ValueError:
            faults.append(_found(What.CHECKPOINT_UNREADABLE, file=file, line=number))
            continue
        if chained and not _follows(checkpoint, before):
            faults.append(_found(What.CHECKPOINT_DOES_NOT_FOLLOW, file=file, size=checkpoint.size))
        if _holds(checkpoint, public):
            found.append(checkpoint)
        else:
            faults.append(_found(What.CHECKPOINT_NOT_SIGNED, file=file, size=checkpoint.size))
        before = checkpoint
    return found


def _follows(checkpoint: Checkpoint, before: Checkpoint | None) -> bool:
    if before is None:
        return checkpoint.previous == FIRST
    return checkpoint.previous == before.hash and checkpoint.size > before.size


def _holds(checkpoint: Checkpoint, public: Ed25519PublicKey) -> bool:
    whole = checkpoint.digest == checkpoint.hash
    return whole and is_signed(public, _CHECKPOINT_TAG, checkpoint.hash, checkpoint.signature)


def check_ledger(
    lines: Iterable[bytes], public: Ed25519PublicKey, checkpoints: Sequence[Checkpoint], now: datetime
) -> Report:
    """Check a ledger from its first line to its last against the checkpoints, and every key as of `now`."""
    distinct = len({each.hash for each in checkpoints})
    report = Report(now, checkpoints=distinct, covered=max((each.size for each in checkpoints), default=0))
    unknown: dict[str, int] = {}
    for entry in _whole(lines, public, checkpoints, report):
        report.end = max(report.end, entry.at)
        report.now = max(report.now, entry.at)
        if entry.kind in _TELLS:
            try:
                _TELLS[entry.kind](entry, report)
            except (KeyError, ValueError):
                report.faults.append(_found(What.FACTS_UNREADABLE, index=entry.index))
        elif entry.kind not in OTHERS:
            unknown[entry.kind] = unknown.get(entry.kind, 0) + 1
    report.faults.extend(_broken_promises(report))
    report.notes.extend(_notes(report, now, unknown))
    return report


def _whole(
    lines: Iterable[bytes], public: Ed25519PublicKey, checkpoints: Sequence[Checkpoint], report: Report
) -> Iterator[Entry]:
    """Read the entries; report what breaks chain, signatures or roots on the way."""
    wanted: dict[int, list[Checkpoint]] = {}
    for each in checkpoints:
        wanted.setdefault(each.size, []).append(each)
    peaks: Peaks = ()
    index, previous = 0, FIRST
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            report.notes.append(_found(What.TORN_LINE))
            break
        try:
            entry = entry_of(parse(line))
        except ValueError:
            report.faults.append(_found(What.LINE_UNREADABLE, line=number))
            continue
        report.faults.extend(_wrong_with(entry, index, previous, public))
        index, previous = entry.index + 1, entry.hash
        peaks, report.entries = grown(peaks, bytes.fromhex(entry.digest)), report.entries + 1
        report.faults.extend(_other_roots(wanted.get(report.entries, ()), root_of(peaks) if wanted else b""))
        yield entry
    report.root = root_of(peaks).hex()
    for size in sorted(size for size in wanted if size > report.entries):
        file = wanted[size][0].file
        report.faults.append(_found(What.CUT_SHORT, file=file, size=size, length=report.entries))


def _wrong_with(entry: Entry, index: int, previous: str, public: Ed25519PublicKey) -> Iterator[Finding]:
    if entry.index != index or entry.previous != previous:
        yield _found(What.DOES_NOT_FOLLOW, index=entry.index)
    if entry.digest != entry.hash:
        yield _found(What.CHANGED, index=entry.index)
    elif not is_signed(public, _ENTRY_TAG, entry.hash, entry.signature):
        yield _found(What.NOT_SIGNED, index=entry.index)


def _other_roots(checkpoints: Iterable[Checkpoint], root: bytes) -> Iterator[Finding]:
    for each in checkpoints:
        if each.root != root.hex():
            yield _found(What.OTHER_ROOT, file=each.file, size=each.size)


def _key_of(entry: Entry) -> Key:
    start, end, due = (time_of(entry.body[name]) for name in ("bucket_start", "bucket_end", "expires_at"))
    return Key(str(entry.body["key_id"]), entry.body, entry.index, start, end, due)


def _created(entry: Entry, report: Report) -> None:
    key = _key_of(entry)
    if key.key_id in report.keys:
        report.faults.append(_found(What.CREATED_TWICE, key=key.key_id, index=entry.index))
    report.keys.setdefault(key.key_id, key)


def _held(entry: Entry, report: Report) -> None:
    until = time_of(entry.body["until"])
    key = _known(entry, report)
    if key is None:
        return
    if key.destroyed_at is not None or entry.at > key.due:
        report.faults.append(_found(What.HELD_TOO_LATE, key=key.key_id, index=entry.index))
        return
    # The clip was sealed anew: the key itself dies on time, and the hold's own at the hold's end.
    said = entry.body
    _require(all(isinstance(said[name], str) for name in _HOLD_FACTS))
    report.holds[said["hold_id"]] = said
    faults = list(_wrong_with_hold(entry, key, report.keys.get(said["held_key_id"]), until))
    report.faults.extend(faults)
    if all(each.what is not What.HELD_OTHERWISE for each in faults):
        report.keys[said["held_key_id"]].held = True


def _wrong_with_hold(entry: Entry, key: Key, own: Key | None, until: datetime) -> Iterator[Finding]:
    said: dict[str, object] = {"key": key.key_id, "index": entry.index}
    if not _is_own(key) or key.made["alert_id"] != entry.body["alert_id"]:
        yield _found(What.HELD_NO_EVIDENCE, **said)
    if entry.body["proposed_by"] == entry.body["confirmed_by"]:
        yield _found(What.HELD_BY_ONE, **said)
    if until - entry.at > HOLD_LONGEST:
        yield _found(What.HELD_TOO_LONG, until=iso(until), **said)
    made = {} if own is None else own.made
    same = all(made.get(name) == key.made.get(name) for name in _HELD_FACTS)
    if own is None or own.due != until or made.get("hold_id") != entry.body["hold_id"] or not same:
        yield _found(What.HELD_OTHERWISE, until=iso(until), **said)


def _decided(entry: Entry, report: Report) -> None:
    said = entry.body
    start, end = (time_of(said[name]) if name in said else None for name in ("start", "end"))
    report.decisions[str(said["erasure_id"])] = Decision(entry.index, time_of(said["at"]), start, end, said)


def _destroyed(entry: Entry, report: Report) -> None:
    at = time_of(entry.body["destroyed_at"])
    key = _known(entry, report)
    if key is None:
        return
    if key.destroyed_at is not None:
        report.faults.append(_found(What.DESTROYED_TWICE, key=key.key_id, index=entry.index))
        return
    key.destroyed_at, key.receipt = at, entry.index
    key.decided = str(entry.body["erasure_id"]) if "erasure_id" in entry.body else None
    report.faults.extend(_wrong_with_receipt(entry, key, at))
    _note_how_late(entry, at, report)
    if key.decided is not None:
        report.faults.extend(_wrong_with_decision(report.decisions.get(key.decided), key))


def _note_how_late(entry: Entry, at: datetime, report: Report) -> None:
    if entry.at > at + SLACK:
        report.told_late.append(entry.at - at)


def _wrong_with_decision(decision: Decision | None, key: Key) -> Iterator[Finding]:
    if decision is None:
        yield _found(What.DECIDED_BY_NOBODY, key=key.key_id)
    elif not decision.concerns(key):
        yield _found(What.DECIDED_ABOUT_ANOTHER, key=key.key_id)


def _wrong_with_receipt(entry: Entry, key: Key, at: datetime) -> Iterator[Finding]:
    if any(entry.body.get(name) != key.made.get(name) for name in _KEY_FACTS):
        yield _found(What.OTHER_FACTS, key=key.key_id, index=entry.index)
    if at > entry.at + SLACK:
        yield _found(What.DESTROYED_LATER_THAN_WRITTEN, key=key.key_id)
    if at > key.due + SLACK:
        yield _late(key.key_id, key.due, at)


def _late(key_id: str, due: datetime, at: datetime) -> Finding:
    return _found(What.LATE, key=key_id, due=iso(due), seconds=f"{(at - due).total_seconds():.1f}")


def _known(entry: Entry, report: Report) -> Key | None:
    key_id = str(entry.body["key_id"])
    if key_id not in report.keys:
        report.faults.append(_found(What.NEVER_CREATED, key=key_id, index=entry.index))
    return report.keys.get(key_id)


_TELLS: Final = {
    CREATED: _created,
    HELD: _held,
    DESTROYED: _destroyed,
    DECIDED: _decided,
}


def _broken_promises(report: Report) -> Iterator[Finding]:
    overdue = [key for key in report.keys.values() if key.state(report.now) is State.OVERDUE]
    for key in overdue:
        if key.state(report.end) is State.OVERDUE:
            yield _found(What.NEVER_DESTROYED, key=key.key_id, due=iso(key.due))
    if untold := [key.due for key in overdue if key.state(report.end) is not State.OVERDUE]:
        yield _found(What.ENDS_BEFORE, end=iso(report.end), count=len(untold), due=iso(min(untold)))
    yield from _not_held(report)
    cameras: dict[str, list[Key]] = {}
    for key in report.keys.values():
        cameras.setdefault(_camera(key.made), []).append(key)
    for decision in report.decisions.values():
        yield from _not_as_decided(decision, cameras.get(_camera(decision.about), ()), report.now)


def _not_held(report: Report) -> Iterator[Finding]:
    """A hold's key lives on past the evidence's own expiry only where the clip was sealed to it by then."""
    ends = {str(key.made["alert_id"]): key.due for key in report.keys.values() if _is_own(key)}
    for key in report.keys.values():
        if "hold_id" in key.made and key.state(report.now) is State.ALIVE:
            due = ends.get(str(key.made.get("alert_id")))
            if due is None or report.now > due + SLACK:
                yield _found(What.NOT_HELD, key=key.key_id)


def _is_own(key: Key) -> bool:
    return key.is_evidence and "hold_id" not in key.made


def _camera(body: Body) -> str:
    return f"{body.get('store_id')}/{body.get('camera_id')}"


def _not_as_decided(decision: Decision, keys: Iterable[Key], now: datetime) -> Iterator[Finding]:
    said: dict[str, object] = {"at": iso(decision.at), "index": decision.index}
    for key in keys:
        if key.index > decision.index:
            if decision.bars(key):
                yield _found(What.MADE_ANEW, key=key.key_id, **said)
        elif key.receipt is not None and key.receipt < decision.index:
            continue
        elif decision.concerns(key) and (key.destroyed_at or now) > decision.at + SLACK:
            yield _found(What.NOT_ERASED, key=key.key_id, **said)


def _notes(report: Report, now: datetime, unknown: Mapping[str, int]) -> Iterator[Finding]:
    if not report.checkpoints:
        yield _found(What.NO_CHECKPOINTS)
    elif report.entries > report.covered:
        yield _found(What.AFTER_LAST_CHECKPOINT, count=report.entries - report.covered)
    if report.now > now:
        yield _found(What.GOES_ON_AFTER, now=iso(now))
    if lost := sum(at < key.due and key.decided is None for key, at in report.destroyed()):
        yield _found(What.LOST, count=lost)
    yield from _told_late(report)
    for kind, count in sorted(unknown.items()):
        yield _found(What.UNKNOWN_KIND, kind=kind, count=count)


def _told_late(report: Report) -> Iterator[Finding]:
    if report.told_late:
        seconds = max(report.told_late).total_seconds()
        yield _found(What.TOLD_LATE, count=len(report.told_late), seconds=f"{seconds:.0f}")


def check_receipt(content: bytes, public: Ed25519PublicKey, since: Sequence[Checkpoint]) -> Report:
    """Check one receipt: its entry, that the checkpoint's ledger holds it, and grew out of those in `since`."""
    report = Report(datetime.min.replace(tzinfo=UTC))
    try:
        found = parse(content)
        entry, checkpoint = entry_of(found["entry"]), checkpoint_of(found["checkpoint"], "checkpoint")
        proof = _hashes(found["inclusion"])
        grew = {each["size"]: _hashes(each["proof"]) for each in found.get("consistency", [])}
        key = _key_of(entry)
        key.destroyed_at = time_of(entry.body["destroyed_at"])
        _require(entry.kind == DESTROYED)
    except (KeyError, TypeError, ValueError):
        report.faults.append(_found(What.NOT_A_RECEIPT))
        return report
    report.now, report.entries, report.root, report.keys = entry.at, checkpoint.size, checkpoint.root, {key.key_id: key}
    report.checkpoints, report.covered = 1 + len(since), checkpoint.size
    root = bytes.fromhex(checkpoint.root)
    report.faults.extend(_wrong_with(entry, entry.index, entry.previous, public))
    report.faults.extend(_wrong_with_receipt(entry, key, key.destroyed_at))
    _note_how_late(entry, key.destroyed_at, report)
    report.notes.extend(_told_late(report))
    if not _holds(checkpoint, public):
        report.faults.append(_found(What.CHECKPOINT_NOT_SIGNED, file=checkpoint.file, size=checkpoint.size))
    if not is_included(bytes.fromhex(entry.digest), entry.index, checkpoint.size, root, proof):
        report.faults.append(_found(What.NOT_INCLUDED))
    for old in since:
        path = grew.get(old.size, ())
        if not is_consistent(old.size, bytes.fromhex(old.root), checkpoint.size, root, path):
            report.faults.append(_found(What.NOT_CONSISTENT, size=old.size))
    return report


def _hashes(found: Any) -> tuple[bytes, ...]:
    _require(isinstance(found, list) and all(map(_is_hash, found)))
    return tuple(map(bytes.fromhex, found))


# --- Saying it -----------------------------------------------------------------------------------------------------
def as_json(report: Report, language: str) -> str:
    lateness, until = report.lateness(), report.until()
    life, evidence = report.life(), report.life(evidence=True)
    content = {
        "holds": not report.faults,
        "now": iso(report.now),
        "entries": report.entries,
        "root": report.root,
        "checkpoints": report.checkpoints,
        "covered": report.covered,
        "keys": _counts(report),
        "alive_until": None if until is None else iso(until),
        "life_max_seconds": None if life is None else life.total_seconds(),
        "evidence_life_max_seconds": None if evidence is None else evidence.total_seconds(),
        "decisions": len(report.decisions),
        "evidence_held": [
            {name: each[name] for name in ("hold_id", "alert_id", "until")} for each in report.in_force()
        ],
        "lateness_max_seconds": None if lateness is None else lateness.total_seconds(),
        "faults": [_finding_json(each, language) for each in report.faults],
        "notes": [_finding_json(each, language) for each in report.notes],
        "cannot_prove": _CANNOT[language],
        "each_key": [_key_json(key, report.now) for key in report.keys.values()],
    }
    return json.dumps(content, ensure_ascii=False, indent=1)


def _counts(report: Report) -> dict[str, int]:
    destroyed = report.destroyed()
    return {
        "made": len(report.keys),
        "destroyed": len(destroyed),
        "early": sum(at < key.due for key, at in destroyed),
        "late": sum(at > key.due + SLACK for key, at in destroyed),
        "held": report.count(State.HELD),
        "alive": report.count(State.ALIVE),
        "overdue": report.count(State.OVERDUE),
    }


def _finding_json(finding: Finding, language: str) -> Body:
    return {"what": finding.what.value, **finding.facts, "said": said(finding, language)}


def _key_json(key: Key, now: datetime) -> Body:
    destroyed = {} if key.destroyed_at is None else {"destroyed_at": iso(key.destroyed_at)}
    return {"key_id": key.key_id, "state": key.state(now).value, "due": iso(key.due), **destroyed}


def as_text(report: Report, language: str) -> str:
    words = _WORDS[language]
    lines = [words["ledger"].format(entries=report.entries, root=report.root)]
    if report.checkpoints:
        lines.append(words["checkpoints"].format(checkpoints=report.checkpoints, covered=report.covered))
    lines.append(words["keys"].format(**_counts(report)))
    if (lateness := report.lateness()) is not None:
        lines.append(words["lateness"].format(seconds=f"{lateness.total_seconds():.1f}"))
    if (life := report.life()) is not None:
        lines.append(words["life"].format(life=life))
    if (life := report.life(evidence=True)) is not None:
        lines.append(words["evidence"].format(life=life))
    if decided := report.decided():
        lines.append(words["decided"].format(keys=len(decided), decisions=len({key.decided for key in decided})))
    lines.extend(
        words["held"].format(alert=each["alert_id"], until=each["until"], incident=each["incident"])
        for each in report.in_force()
    )
    if (until := report.until()) is not None:
        lines.append(words["until"].format(until=iso(until)))
    lines.append(words["judged"].format(now=iso(report.now)))
    return "\n".join([*lines, *_judgement(report, language)])


def receipt_text(report: Report, language: str) -> str:
    words = _WORDS[language]
    lines = [
        words["receipt"].format(
            key=key.key_id,
            store=key.made.get("store_id"),
            camera=key.made.get("camera_id"),
            due=iso(key.due),
            destroyed=iso(at),
            index=key.index,
            size=report.covered,
        )
        for key, at in report.destroyed()
    ]
    return "\n".join([*lines, *_judgement(report, language)])


def _judgement(report: Report, language: str) -> Iterator[str]:
    words = _WORDS[language]
    yield ""
    yield words["faults"].format(count=len(report.faults)) if report.faults else words["whole"]
    yield from (f"  - {said(each, language)}" for each in report.faults[:_SHOWN])
    if len(report.faults) > _SHOWN:
        yield "  " + words["more"].format(count=len(report.faults) - _SHOWN)
    if report.notes:
        yield words["notes"]
    yield from (f"  - {said(each, language)}" for each in report.notes)
    yield words["cannot"]
    yield from (f"  - {each}" for each in _CANNOT[language])


# --- The command line ----------------------------------------------------------------------------------------------
def main(arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """Check what the command line names; return the exit status."""
    parser = _parser(program)
    asked = parser.parse_args(arguments)
    try:
        report = _report(asked)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if asked.json:
        text = as_json(report, asked.lang)
    else:
        text = (receipt_text if asked.receipt else as_text)(report, asked.lang)
    sys.stdout.write(text + "\n")
    return 1 if report.faults else 0


def _report(asked: argparse.Namespace) -> Report:
    public, faults = _public_key(asked.public_key), list[Finding]()
    since = [] if asked.since is None else _checkpoints(asked.since, public, faults, chained=False)
    if asked.receipt:
        report = check_receipt(asked.file.read_bytes(), public, since[-1:])
    else:
        own = _beside(asked.file) if asked.checkpoints is None else asked.checkpoints
        known = [] if own is None else _checkpoints(own, public, faults, chained=True)
        now = datetime.now(UTC) if asked.now is None else time_of(asked.now)
        with asked.file.open("rb") as lines:
            report = check_ledger(lines, public, [*known, *since], now)
    report.faults[:0] = faults
    return report


def _checkpoints(file: Path, public: Ed25519PublicKey, faults: list[Finding], *, chained: bool) -> list[Checkpoint]:
    with file.open("rb") as lines:
        # One checkpoint that somebody kept may lack the line's end that the vault's own file has.
        kept = lines if chained else (line.rstrip(b"\n") + b"\n" for line in lines)
        found = read_checkpoints(str(file), kept, public, faults, chained=chained)
    if not found and not faults and not chained:
        raise ValueError(f"{file}: there is no checkpoint in it")
    return found


def _beside(ledger: Path) -> Path | None:
    own = ledger.with_name("checkpoints.jsonl")
    return own if own.exists() else None


def _public_key(given: str) -> Ed25519PublicKey:
    text = given if re.fullmatch(r"[0-9a-fA-F]{64}", given) else Path(given).read_text(encoding="ascii").strip()
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))


def _parser(program: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Check a ledger offline: chain, signatures, checkpoints, and that every key was destroyed on time. "
        "Exit status: 0 all holds, 1 something does not, 2 it could not be checked.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="ledger.jsonl, or a receipt with --receipt")
    parser.add_argument("--public-key", required=True, metavar="KEY", help="the vault's: 64 hex digits, or their file")
    parser.add_argument("--checkpoints", type=Path, metavar="FILE", help="default: checkpoints.jsonl beside the ledger")
    parser.add_argument(
        "--since", type=Path, metavar="CHECKPOINT", help="a checkpoint kept elsewhere, or the witness's whole file"
    )
    parser.add_argument("--now", metavar="TIME", help="judge as of then, RFC 3339; default: now")
    parser.add_argument("--receipt", action="store_true", help="FILE is what `mimamori ledger receipt` printed")
    parser.add_argument("--json", action="store_true", help="for machines, with every key")
    language = "ja" if os.environ.get("LANG", "").startswith("ja") else "en"
    parser.add_argument("--lang", choices=("en", "ja"), default=language, help="default: by LANG")
    return parser


if __name__ == "__main__":
    sys.exit(main())
