"""One frozen Settings object, from openstack-rca.toml, the environment, .env and flags."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from openstack_rca.errors import UsageError

SETTINGS_FILE = "openstack-rca.toml"


class Analysis(BaseModel):
    """How lines are chosen and causes ranked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_evidence: int = Field(20, ge=3, le=200, description="lines of evidence that a report shows at most")
    max_causes: int = Field(5, ge=1, le=20, description="ranked causes that a report shows at most")
    level_weight: float = Field(1.0, ge=0, description="weight of a line's level in its relevance")
    novelty_weight: float = Field(1.0, ge=0, description="weight of being new against the baseline")
    issue_weight: float = Field(1.0, ge=0, description="weight of closeness to the issue text")
    inconclusive_below: float = Field(
        0.3, ge=0, le=1, description="a diagnosis whose best cause is less certain than this is inconclusive"
    )


class VectorDb(BaseModel):
    """The vector store: where it is, what embeds, and how much of a text or a result is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    persist_directory: Path = Field(Path("chroma_db"), description="folder of the embedded store")
    host: str | None = Field(None, description="a Chroma server in place of the embedded store")
    port: int = Field(8000, ge=1, le=65535, description="port of the Chroma server")
    timeout: float = Field(10.0, gt=0, description="seconds that a call of the Chroma server may take")
    lock_wait: float = Field(10.0, ge=0, description="seconds that a writer waits for another one to finish")
    collection_name: str = Field("openstack_logs", min_length=3, description="collection of ingested logs")
    embedding_model: str = Field("all-MiniLM-L6-v2", description="what embeds; with -fp32 exact and three times slower")
    top_k_results: int = Field(10, ge=1, le=10_000, description="results of a search that names no number")
    chunk_size: int = Field(1000, ge=100, le=8000, description="characters of a text that are embedded as one")


class Rag(BaseModel):
    """What past incidents add to an analysis."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    similarity_threshold: float = Field(
        0.7, ge=0, le=1, description="a past incident less similar than this is not shown"
    )
    max_historical_context: int = Field(5, ge=0, le=50, description="past incidents that are shown at most")
    context_window_size: int = Field(1000, ge=100, description="characters of a past incident's cause and solution")
    enable_historical_learning: bool = Field(True, description="confirmed incidents help to rank causes")
    solution_template_matching: bool = Field(True, description="a past solution is reworded for the host at hand")


class Lstm(BaseModel):
    """How the learned classifier is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(
        25, ge=1, le=1000, description="passes over the training logs at most; it stops when nothing improves"
    )
    batch_size: int = Field(32, ge=1, le=4096, description="sequences learned from at once")
    sequence_length: int = Field(16, ge=2, le=512, description="records of a window that are read as one sequence")
    units: int = Field(48, ge=4, le=512, description="size of the network's memory")


class Llm(BaseModel):
    """The language model: which one, how much it may read, write and cost, and what is hidden from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field("claude-sonnet-5-5", min_length=1, description="name of the model (also AI_MODEL)")
    max_input_tokens: int = Field(8000, ge=2500, le=1_000_000, description="tokens that one request may hold")
    max_output_tokens: int = Field(4000, ge=500, le=128_000, description="tokens that one answer may hold")
    max_calls: int = Field(8, ge=2, le=100, description="requests that one investigation may make")
    max_retries: int = Field(3, ge=0, le=10, description="times that a request is repeated after a passing failure")
    timeout_seconds: float = Field(120.0, gt=0, description="seconds without any answer after which a request fails")
    investigation_seconds: float = Field(300.0, gt=0, description="seconds after which an investigation must conclude")
    redact: bool = Field(True, description="hide passwords, tokens, keys and e-mail addresses from the model")
    redact_ips: bool = Field(False, description="hide IP addresses too")
    redact_hosts: bool = Field(False, description="hide host names too")
    redact_ids: bool = Field(False, description="hide project and user ids too")
    cache: bool = Field(True, description="equal evidence is answered from the last answer")
    dollars_per_million_input: float = Field(
        3.0, ge=0, description="price of input for the estimate; your contract says"
    )
    dollars_per_million_output: float = Field(15.0, ge=0, description="price of output for the estimate")


class Dashboard(BaseModel):
    """Where the dashboard listens, who may open it, and how much may be uploaded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address that the dashboard listens at; others reach it only at another")
    port: int = Field(8501, ge=1, le=65535, description="port of the dashboard")
    password: SecretStr | None = Field(None, min_length=1, description="what to type before the dashboard opens")
    max_upload_mb: int = Field(500, ge=1, le=10_000, description="megabytes that may be uploaded at once")


class Settings(BaseSettings):
    """All settings of one run. Names in brackets are the environment variables of the published interface."""

    model_config = SettingsConfigDict(
        env_prefix="OPENSTACK_RCA_",
        env_nested_delimiter="__",
        env_file=".env",
        toml_file=SETTINGS_FILE,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
    )

    data_dir: Path = Field(
        Path("logs"),
        validation_alias=AliasChoices("DATA_DIR", "data_dir"),
        description="folder of logs that is read when none are named",
    )
    timezone: str = Field("UTC", description="zone of times that carry none, as an IANA name or +HH:MM")
    ai_provider: Literal["claude", "none"] = Field(
        "claude",
        validation_alias=AliasChoices("AI_PROVIDER", "ai_provider"),
        description="claude, or none: no language model is ever asked",
    )
    anthropic_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("ANTHROPIC_API_KEY", "anthropic_api_key"),
        description="key of the language model",
    )
    anthropic_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("ANTHROPIC_BASE_URL", "anthropic_base_url"),
        description="where the language model is, if not at its maker's",
    )
    ai_model: str | None = Field(
        None, validation_alias=AliasChoices("AI_MODEL", "ai_model"), description="wins over llm.model"
    )
    chroma_persist_dir: Path | None = Field(
        None,
        validation_alias=AliasChoices("CHROMA_PERSIST_DIR", "chroma_persist_dir"),
        description="wins over vector_db.persist_directory",
    )
    chroma_host: str | None = Field(
        None, validation_alias=AliasChoices("CHROMA_HOST", "chroma_host"), description="wins over vector_db.host"
    )
    chroma_port: int | None = Field(
        None,
        validation_alias=AliasChoices("CHROMA_PORT", "chroma_port"),
        ge=1,
        le=65535,
        description="wins over vector_db.port",
    )
    models_dir: Path = Field(
        Path("saved_models"),
        validation_alias=AliasChoices("MODELS_DIR", "models_dir"),
        description="folder of the models that `train` makes",
    )
    incidents_dir: Path = Field(Path("incidents"), description="folder of the remembered incidents")
    analysis: Analysis = Analysis()
    llm: Llm = Llm()
    lstm: Lstm = Lstm()
    vector_db: VectorDb = VectorDb()
    rag: Rag = Rag()
    dashboard: Dashboard = Dashboard()

    @field_validator("timezone")
    @classmethod
    def _exists(cls, timezone: str) -> str:
        zone_of(timezone)
        return timezone

    @model_validator(mode="after")
    def _published_names(self) -> Self:
        """Let AI_MODEL decide over the section llm, CHROMA_PERSIST_DIR, CHROMA_HOST and CHROMA_PORT over vector_db."""
        if self.ai_model:
            object.__setattr__(self, "llm", self.llm.model_copy(update={"model": self.ai_model}))
        given = {"persist_directory": self.chroma_persist_dir, "host": self.chroma_host, "port": self.chroma_port}
        found = {name: value for name, value in given.items() if value is not None}
        object.__setattr__(self, "vector_db", self.vector_db.model_copy(update=found))  # frozen from here on
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: flags beat .env, .env beats the environment, the environment beats the file."""
        return init_settings, dotenv_settings, env_settings, _settings_file(settings_cls)


def load_settings(**flags: Any) -> Settings:
    """Return the settings of this run; `flags` win over every other source, None means not given.

    Raises UsageError naming the setting and what is wrong with it.
    """
    try:
        return Settings(**{k: v for k, v in flags.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            section = [known for known in names() if known.startswith(f"{first['loc'][0]}.")]
            raise UsageError(f"There is no setting {name}; the nearest is {_nearest(name, section)}.") from error
        given = "" if any(word in name for word in ("key", "password")) else f" (got {first['input']!r})"
        raise UsageError(f"The setting {name} is wrong: {first['msg']}{given}.") from error
    except ValueError as error:
        raise UsageError(f"The settings cannot be read: {error}.") from error


def names() -> dict[str, FieldInfo]:
    """Return every setting by its name, with its section in front: "llm.model"."""
    found: dict[str, FieldInfo] = {}
    for name, field in Settings.model_fields.items():
        section = getattr(field.annotation, "model_fields", None)
        found |= {f"{name}.{key}": one for key, one in section.items()} if section else {name: field}
    return found


def _settings_file(settings: type[BaseSettings]) -> TomlConfigSettingsSource:
    """Return what the settings file says, if there is one; raises UsageError when it is none, or says what is not known."""
    if Path(SETTINGS_FILE).is_dir():
        raise UsageError(f"{SETTINGS_FILE} is a folder; the settings are read from a file of this name.")
    try:
        file = TomlConfigSettingsSource(settings)
    except (OSError, ValueError) as error:
        raise UsageError(f"{SETTINGS_FILE} cannot be read: {error}.") from error
    _check_keys(file.toml_data)
    return file


def _check_keys(content: Mapping[str, Any]) -> None:
    """Raise UsageError for a key or section of the settings file that is not known; sections check their own keys."""
    aliases = (field.validation_alias for field in Settings.model_fields.values())
    known = {*Settings.model_fields, *(n for a in aliases if isinstance(a, AliasChoices) for n in a.choices)}
    for name, value in content.items():
        if name not in known and isinstance(value, Mapping):
            near = _nearest(name, (setting.partition(".")[0] for setting in names() if "." in setting))
            raise UsageError(f"{SETTINGS_FILE} has a section [{name}], which is not known; the nearest is [{near}].")
        if name not in known:
            near = _nearest(name, names())
            raise UsageError(f"{SETTINGS_FILE} has a setting {name}, which is not known; the nearest is {near}.")


def _nearest(name: str, among: Iterable[str]) -> str:
    """Return the known name whose last part is most like that of an unknown one."""
    by_last = {known.rpartition(".")[2]: known for known in among}
    return by_last[get_close_matches(name.rpartition(".")[2], by_last, 1, 0.0)[0]]


def zone_of(name: str) -> tzinfo:
    """Return the zone of an IANA name or an offset +HH:MM.

    Raises UsageError when there is no such zone.
    """
    try:
        if name[:1] in ("+", "-"):
            ahead = datetime.strptime(name[1:], "%H:%M")
            offset = timedelta(hours=ahead.hour, minutes=ahead.minute)
            return timezone(-offset if name[0] == "-" else offset)
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"There is no time zone {name!r}; give a name such as Europe/Paris, or +02:00.") from error
