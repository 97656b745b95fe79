"""One frozen Settings object, from openstack-rca.toml, the environment, .env and flags."""

from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from openstack_rca.errors import UsageError

SETTINGS_FILE = "openstack-rca.toml"


class Analysis(BaseModel):
    """How lines are chosen and causes ranked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_evidence: int = Field(20, ge=3, le=200, description="lines of evidence that a report shows at most")
    max_causes: int = Field(5, ge=1, le=20, description="ranked causes that a report shows at most")
    context_minutes: float = Field(
        30.0, gt=0, description="without a baseline: minutes before the onset that count as healthy"
    )
    level_weight: float = Field(1.0, ge=0, description="weight of a line's level in its relevance")
    novelty_weight: float = Field(1.0, ge=0, description="weight of being new against the baseline")
    issue_weight: float = Field(1.0, ge=0, description="weight of closeness to the issue text")
    inconclusive_below: float = Field(
        0.25, ge=0, le=1, description="a diagnosis whose best cause is less certain than this is inconclusive"
    )


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

    data_dir: Path = Field(Path("logs"), validation_alias=AliasChoices("DATA_DIR", "data_dir"))
    timezone: str = Field("UTC", description="zone of times that carry none, as an IANA name or +HH:MM")
    ai_provider: Literal["claude", "none"] = Field(
        "claude", validation_alias=AliasChoices("AI_PROVIDER", "ai_provider")
    )
    analysis: Analysis = Analysis()

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
        return init_settings, dotenv_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**flags: Any) -> Settings:
    """Return the settings of this run; `flags` win over every other source, None means not given.

    Raises UsageError naming the setting and what is wrong with it.
    """
    try:
        return Settings(**{k: v for k, v in flags.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"The setting {name} is wrong: {first['msg']} (got {first['input']!r}).") from error
    except ValueError as error:
        raise UsageError(f"The settings cannot be read: {error}.") from error
