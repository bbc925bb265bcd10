"""What people set, from the environment: MIMAMORI_KAFKA__BOOTSTRAP=… and so on, one branch a part."""

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.errors import Misconfigured
from schemas.frozen import Length

Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(lambda said: said.upper())]


class _Branch(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kafka(_Branch):
    """Where the brokers are."""

    bootstrap: str = "127.0.0.1:9092"
    seat: str = Field(
        default="",
        description="A name that a worker's supervisor gives to it, and to whoever it starts in its place: "
        "no other worker may have it",
    )


class Clickhouse(_Branch):
    """Where ClickHouse is, and who writes and who reads there; the owner of its tables is for migrations alone.

    The eraser sees when parts expire, the dropper drops partitions: neither reads a row.
    """

    url: str = "http://127.0.0.1:8123"
    database: str = "mimamori"
    owner: str = "owner"
    owner_password: SecretStr = SecretStr("")
    writer: str = "writer"
    writer_password: SecretStr = SecretStr("")
    reader: str = "reader"
    reader_password: SecretStr = SecretStr("")
    eraser: str = "eraser"
    eraser_password: SecretStr = SecretStr("")
    dropper: str = "dropper"
    dropper_password: SecretStr = SecretStr("")
    replicated: bool = Field(default=False, description="Make the tables on a cluster, with every row on each replica")


class Vault(_Branch):
    """Where the vault is, and the token of who asks."""

    url: str = "http://127.0.0.1:8200"
    token: SecretStr = SecretStr("")
    ca: Path | None = Field(default=None, description="Who vouches for the vault's certificate, as a PEM file")
    ahead: Length = Field(default=timedelta(hours=24), description="How far ahead a device fetches public keys")

    def bearer(self) -> str:
        """Return the token.

        Raises:
            Misconfigured: There is none.
        """
        if token := self.token.get_secret_value().strip():
            return token
        raise Misconfigured(
            "MIMAMORI_VAULT__TOKEN is not set: `mimamori vault tokens` names the files, one a principal"
        )


class Keys(_Branch):
    """Where the vault keeps its keys; unless said, in its own folder. For the vault's own process alone."""

    table: SecretStr = Field(default=SecretStr(""), description="postgresql://user:password@host/database")
    ring: str = Field(default="", description="A transit engine of OpenBao or Vault: https://host:8200/transit")
    ring_token: SecretStr = SecretStr("")
    ring_token_file: Path | None = Field(default=None, description="In place of the token: read again when it changes")
    ring_namespace: str = ""
    ring_prefix: str = Field(default="mimamori-", description="Of its keys' names there: nobody else may use it")
    ring_ca: Path | None = Field(default=None, description="Who vouches for its certificate, as a PEM file")


class Accounts(_Branch):
    """Where people's accounts are; unless said, in the vault's folder. For the vault and `mimamori accounts`."""

    url: SecretStr = Field(default=SecretStr(""), description="postgresql://user:password@host/database")


class Spool(_Branch):
    """A device's spool: what is sealed waits on its disk while Kafka is away. Also as "500 MiB" and the like."""

    bytes: ByteSize = Field(default=ByteSize(4 << 30), description="How much of the disk it may take; 0: none")
    keep_free: ByteSize = Field(default=ByteSize(1 << 30), description="How much of the disk stays free for others")


class Objects(_Branch):
    """Where sealed evidence lies: file:///folder, s3://bucket/prefix; unless said, the folder `objects` of the home."""

    url: str = ""


class Flow(_Branch):
    """What `flow.profile = "export"` needs: the secret of its noise, and the ledger of what was told."""

    secret: Path | None = Field(default=None, description="A file of mode 0600: `mimamori flow secret` makes it")
    ledger: SecretStr = Field(
        default=SecretStr(""),
        description="postgresql://user:password@host/database, for workers on several machines; else a file at home",
    )


class Detector(_Branch):
    """What detecting looks with."""

    people: str = Field(
        default="",
        description="The network that finds people: a name in models/manifest.toml, or in own.toml beside the networks "
        "(`mimamori models list`). Unless said, the project's own",
    )
    processor: Literal["cpu", "cuda"] = Field(
        default="cpu", description="cuda needs onnxruntime-gpu in place of onnxruntime; where there is none, the CPU"
    )
    batch: int = Field(
        default=16, ge=1, le=64, description="On a GPU: pictures of all cameras that the network gets at once"
    )


class Logs(_Branch):
    """How logs are written."""

    level: Level = "INFO"
    json_lines: bool = True


class Settings(BaseSettings):
    """The whole tree; each part gets its own branch."""

    model_config = SettingsConfigDict(env_prefix="MIMAMORI_", env_nested_delimiter="__", frozen=True, extra="ignore")

    home: Path = Path(".local")
    estate: Path = Path(".local/estate/estate.toml")
    shed: bool = Field(default=True, description="Skip frames when detecting is a quarter of their lifetime behind")
    kafka: Kafka = Kafka()
    clickhouse: Clickhouse = Clickhouse()
    vault: Vault = Vault()
    keys: Keys = Keys()
    accounts: Accounts = Accounts()
    spool: Spool = Spool()
    objects: Objects = Objects()
    flow: Flow = Flow()
    detector: Detector = Detector()
    logs: Logs = Logs()

    @property
    def weights(self) -> Path:
        return self.home / "models"

    @property
    def objects_url(self) -> str:
        return self.objects.url or (self.home.absolute() / "objects").as_uri()


@cache
def settings() -> Settings:
    """Return this process's settings, read once.

    Raises:
        Misconfigured: One is not as it must be; the message names it, and never its value: it may be a secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
        names = ("MIMAMORI_" + "__".join(map(str, each["loc"])).upper() + f": {each['msg']}" for each in wrong)
        raise Misconfigured("; ".join(names)) from None
