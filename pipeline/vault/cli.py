"""`mimamori vault`: the process that holds the keys."""

import errno
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr, TypeAdapter, ValidationError

from pipeline import signing
from pipeline.errors import Misconfigured
from pipeline.listening import bound
from pipeline.logs import configure, log
from pipeline.sealing import SealSuite
from pipeline.settings import Keys, settings
from pipeline.vault import tokens
from pipeline.vault.checkpoints import CheckpointedLedger, Checkpoints
from pipeline.vault.confirming import confirm, confirmation
from pipeline.vault.guard import Guard, HostClock, latest
from pipeline.vault.hardening import keep_memory_private, may_be_swapped
from pipeline.vault.ledger import FileLedger, last_time
from pipeline.vault.people import People
from pipeline.vault.people_staff import Staff, open_people
from pipeline.vault.places import has_password, open_ring, open_table
from pipeline.vault.policy import Policy, policy_of
from pipeline.vault.ring import Ring
from pipeline.vault.service import Keeper, app_of
from pipeline.vault.tls import certificate
from pipeline.vault.uptime import boot_id, noting, time_by_uptime
from pipeline.vault.vault import Limits, Vault, expired_names
from schemas.estate import Estate, load_estate, load_regulations
from schemas.frozen import Length

_KEY_TABLE: Final = "postgresql://user@host/database, unless MIMAMORI_KEYS__TABLE names it; default: in DIR"
_RING: Final = "A transit engine: https://host:8200/transit, unless MIMAMORI_KEYS__RING names it; default: in DIR"

_DISK: Final = frozenset({errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO})
_AGAIN: Final = 0.5

app = typer.Typer(no_args_is_help=True, help="The vault: keys, leases, destruction on time, and the ledger.")

Folder = Annotated[
    Path | None,
    typer.Option("--dir", help="Where key table, key ring, ledger and tokens lie; default: MIMAMORI_HOME/vault"),
]
EstateFile = Annotated[Path | None, typer.Option("--estate", help="The estate; default: MIMAMORI_ESTATE")]


@app.command()
def serve(  # noqa: PLR0917 - the command line's own options, each by name
    folder: Folder = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8200,
    host: Annotated[str, typer.Option(help="Other than loopback only with TLS")] = "127.0.0.1",
    estate: EstateFile = None,
    frame_ttl: Annotated[str | None, typer.Option(help="Shorter than the estate's: '60s', '15min', '1h'")] = None,
    suite: Annotated[SealSuite, typer.Option(help="Of new keys")] = SealSuite.MLKEM768_X25519,
    witness: Annotated[Path | None, typer.Option(help="A file elsewhere that is told every checkpoint too")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM, its owner's alone")] = None,
    key_table: Annotated[str | None, typer.Option(help=_KEY_TABLE)] = None,
    ring: Annotated[str | None, typer.Option(help=_RING)] = None,
) -> None:
    """Make, lend and destroy keys until stopped."""
    shown = certificate(host, tls_cert, tls_key)
    context = None if shown is None else shown.context()
    keys = _keys(key_table, ring)
    keep_memory_private()
    configure(settings().logs, "vault")
    if may_be_swapped():
        log().warning("memory may be swapped", detail="allow the vault CAP_IPC_LOCK, or run it without swap")
    found = load_estate(estate or settings().estate)
    home = _home(folder)
    path = estate or settings().estate
    policy = _policy(found, path, frame_ttl)
    who, staff = _people(home, found, path)
    with bound(host, port) as own:
        keeper = _keeper(home, policy, Limits(suite=suite), witness, keys, who)
        known = tokens.issue(home, tokens.principals_of(found))
        log().info("vault opens", address=f"{host}:{port}", keys=keeper.status().keys_alive)
        config = uvicorn.Config(
            app_of(keeper, known, staff),
            access_log=False,
            log_config=None,
            server_header=False,
            ssl_context_factory=None if context is None else lambda *_: context,
        )
        # uvicorn stops in good order, and then raises the signal that stopped it once more.
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, _leave)
        uvicorn.Server(config).run(sockets=[own])


@app.command("tokens")
def issue_tokens(
    folder: Folder = None,
    estate: EstateFile = None,
    renew: Annotated[
        str | None, typer.Option(metavar="NAME", help="Make a new one for this stage or device: the old one ends now")
    ] = None,
) -> None:
    """Make a token for every stage and device that has none, each in its own file of DIR/tokens."""
    home = _home(folder)
    tokens.issue(home, tokens.principals_of(load_estate(estate or settings().estate)))
    if renew is not None:
        typer.echo(str(tokens.renew(home, renew)))
        return
    for own in sorted((home / tokens.FOLDER).iterdir()):
        typer.echo(str(own))


@app.command("confirm-clock")
def confirm_clock(
    folder: Folder = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Say that this machine's clock is right, after the vault found that it leapt.

    A clock that leaps ahead by more than an hour, while the vault runs or the machine was off, is not believed: a wrong
    one would end every key at once. Keys that would have expired by it are not lent, but destroyed only when somebody
    has said here that the clock is right, or when it has gone on like that for as long as it leapt.
    """
    now = HostClock().now()
    typer.echo(f"This clock says {now:%Y-%m-%d %H:%M} UTC.")
    if not yes:
        typer.confirm("Is that right? Keys that have expired by it will be destroyed for good.", abort=True)
    confirm(_home(folder), now)
    typer.echo("The vault goes by it within a second, or when it is started within the hour.")


def _home(folder: Path | None) -> Path:
    return settings().home / "vault" if folder is None else folder


def _leave(*_: object) -> None:
    raise SystemExit(0)


def _keys(table: str | None, ring: str | None) -> Keys:
    """Return the settings with what the command line says in place of theirs."""
    if table is not None and has_password(table):
        raise Misconfigured(
            "arguments are for everybody to list: give a password by MIMAMORI_KEYS__TABLE or PGPASSFILE"
        )
    said = {"table": None if table is None else SecretStr(table), "ring": ring}
    return settings().keys.model_copy(update={name: value for name, value in said.items() if value is not None})


def _keeper(  # noqa: PLR0917 - what a vault stands on, each from another option
    folder: Path,
    policy: Policy,
    limits: Limits,
    witness: Path | None = None,
    keys: Keys | None = None,
    people: People | None = None,
) -> Keeper:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    chosen = keys or settings().keys
    # The ring first: whoever holds it is the only vault here.
    ring = open_ring(folder, chosen)
    key = signing.load_or_create(folder / "ledger.key")
    clock, boot = HostClock(), boot_id()
    file = _ledger(folder, key, lambda: _destroy_expired(ring, clock, time_by_uptime(folder, clock, boot)))
    noted = latest(last_time(file), time_by_uptime(folder, clock, boot))
    _destroy_expired(ring, clock, noted)
    table = open_table(folder, chosen)
    ledger = CheckpointedLedger(file, Checkpoints(folder / "checkpoints.jsonl", file, key, witness))
    guard = Guard(clock, latest(table.high_water(), noted))
    vault = Vault(table, ring, ledger, policy, limits)
    vault.recover(guard.read().now)
    return Keeper(
        vault,
        ledger,
        guard,
        _public(folder, key),
        confirmation=confirmation(folder),
        note=noting(folder, clock, boot),
        people=people,
        checkpoints=folder / "checkpoints.jsonl",
    )


def _ledger(folder: Path, key: Ed25519PrivateKey, meanwhile: Callable[[], None]) -> FileLedger:
    """Open the ledger. While its disk takes nothing nobody is answered, but keys go on dying."""
    while True:
        try:
            return FileLedger(folder / "ledger.jsonl", key)
        except OSError as error:
            if error.errno not in _DISK:
                raise
            log().error("destruction goes on, the ledger waits", error=str(error))
        meanwhile()
        time.sleep(_AGAIN)


def _people(folder: Path, estate: Estate, path: Path) -> tuple[People, Staff]:
    return open_people(folder, settings().accounts.url.get_secret_value(), load_regulations(path, estate))


def _destroy_expired(ring: Ring, clock: HostClock, noted: datetime | None) -> None:
    """Destroy what has expired by its name, should the key table be damaged."""
    if noted is not None:
        ring.destroy(expired_names(ring, Guard(clock, noted).read().now))


def _public(folder: Path, key: Ed25519PrivateKey) -> bytes:
    public = signing.public_bytes(key)
    (folder / "ledger.pub").write_text(public.hex() + "\n")
    return public


def _policy(estate: Estate, path: Path, frame_ttl: str | None) -> Policy:
    chosen = estate if frame_ttl is None else estate.model_copy(update={"frame_ttl": _shorter(estate, frame_ttl)})
    policy = policy_of(chosen, load_regulations(path, estate), HostClock().now())
    cameras = [(store.id, camera.id) for store in estate.stores for camera in store.cameras]
    for store, camera in cameras:
        if (store, camera) not in policy.cameras:
            log().warning("camera gets no keys", store=store, camera=camera, detail="mimamori estate check says why")
    return policy


def _shorter(estate: Estate, text: str) -> timedelta:
    try:
        ttl = TypeAdapter(Length).validate_python(text)
    except ValidationError:
        raise Misconfigured(f"--frame-ttl {text}: write 60s, 15min or 1h") from None
    if not timedelta(0) < ttl <= estate.frame_ttl:
        raise Misconfigured(f"--frame-ttl {text}: the estate keeps frames {estate.frame_ttl} and no longer")
    return ttl
