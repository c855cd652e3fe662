"""The AWS CLI's own configuration: its profile, its endpoint and its secrets, as botocore reads them.

The order is that of botocore's ConfiguredEndpointProvider and configloader: a variable for the service,
AWS_ENDPOINT_URL, the services section of the profile, the profile. tests/unit/test_aws_config.py compares
the results with the AWS CLI's botocore.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

Section = Mapping[str, str | Mapping[str, str]]

_KEYS = ("UPLOAD_AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID")
_SECRETS = ("aws_secret_access_key", "aws_session_token", "aws_security_token", "aws_access_key_id")
_OF_AWS = re.compile(
    r"(^|\.)(amazonaws\.com(\.cn)?|api\.aws|amazonaws\.eu|api\.amazonwebservices\.com\.cn)\Z"
)


class ConfigError(Exception):
    """The AWS CLI cannot use its configuration; `key` is the setting to change."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(why)
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The endpoint in force; `url` is empty for AWS's own, `source` is a variable or a file."""

    url: str = ""
    source: str = ""

    @property
    def shown(self) -> str:
        """The address without a password, for the log and the publish state."""
        return without_password(self.url)

    @property
    def is_aws(self) -> bool:
        """Whether the requests go to AWS."""
        return not self.url or bool(_OF_AWS.search(urlsplit(self.url).hostname or ""))


def endpoint(service: str, env: Mapping[str, str]) -> Endpoint:
    """Return the endpoint that the AWS CLI uses for `service` (s3, cloudfront); raise ConfigError."""
    files = _Files.read(env)
    section = files.section(profile(env))
    ignored = env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") or section.get("ignore_configured_endpoint_urls")
    if str(ignored).lower() == "true":
        return Endpoint()
    for name in (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL"):
        if env.get(name):
            return Endpoint(url=env[name], source=name)
    for url in (files.service(section, service).get("endpoint_url"), section.get("endpoint_url")):
        if url and isinstance(url, str):
            return Endpoint(url=url, source=files.config)
    return Endpoint()


def profile(env: Mapping[str, str]) -> str:
    """Return the profile in force, or an empty string. With a key pair of our own no profile counts."""
    if any(env.get(key) or env.get(f"{key}_FILE") for key in _KEYS):
        return ""
    return env.get("AWS_PROFILE") or env.get("AWS_DEFAULT_PROFILE") or ""


def option(name: str, env: Mapping[str, str]) -> str:
    """Return an option of the profile in force, or an empty string; raise ConfigError."""
    value = _Files.read(env).section(profile(env)).get(name, "")
    return value if isinstance(value, str) else ""


def secrets(env: Mapping[str, str]) -> list[str]:
    """Return the secrets in the configuration files, of all profiles."""
    try:
        sections = _Files.read(env).profiles.values()
    except ConfigError:
        return []
    return [str(section[name]) for section in sections for name in _SECRETS if name in section]


def without_password(url: str) -> str:
    """Return `url` without user name, password, query and fragment."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url.rpartition("@")[2]
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    return f"{scheme}://{place.rpartition('@')[2]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """The configuration and credentials files, merged as botocore merges them."""

    config: str
    profiles: Mapping[str, Section]
    services: Mapping[str, Section]

    @classmethod
    def read(cls, env: Mapping[str, str]) -> _Files:
        config = env.get("AWS_CONFIG_FILE") or "~/.aws/config"
        parsed = _parse(config, "AWS_CONFIG_FILE")
        profiles: dict[str, Section] = dict(_named(parsed, "profile"))
        credentials = env.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
        for name, section in _parse(credentials, "AWS_SHARED_CREDENTIALS_FILE").items():
            profiles[name] = {**profiles.get(name, {}), **section}
        return cls(config=config, profiles=profiles, services=dict(_named(parsed, "services")))

    def section(self, name: str) -> Section:
        """Return the settings of a profile; an empty name means the default one, which may be missing."""
        if name and name not in self.profiles:
            raise ConfigError("AWS_PROFILE", f"names a profile that {self.config} does not have: {name}")
        return self.profiles.get(name or "default", {})

    def service(self, section: Section, service: str) -> Mapping[str, str]:
        """Return the settings for a service in the services section that the profile names."""
        if "services" not in section:
            return {}
        name = str(section["services"])
        if not self.services.get(name):
            raise ConfigError(
                "AWS_CONFIG_FILE", f"{self.config} has no [services {name}], named by its profile"
            )
        found = self.services[name].get(service, {})
        return found if isinstance(found, Mapping) else {}


def _parse(name: str, key: str) -> dict[str, dict[str, str | Mapping[str, str]]]:
    """Return the sections of a file; those of a missing one are empty."""
    parser = configparser.RawConfigParser()
    try:
        # As botocore does: without a home folder, the path stays as it is, and there is no such file.
        parser.read([os.path.expanduser(os.path.expandvars(name))], encoding="utf-8")
        return {
            section: {key: _nested(value) for key, value in parser.items(section)}
            for section in parser.sections()
        }
    except (configparser.Error, UnicodeDecodeError, ValueError) as error:
        # The text of the error may hold a line of the file, and that a secret.
        raise ConfigError(key, f"the AWS CLI cannot read {name}: {type(error).__name__}") from None


def _nested(value: str) -> str | Mapping[str, str]:
    """Return an indented block as a mapping; raise ValueError for a line without an equals sign."""
    if not value.startswith("\n"):
        return value
    pairs = [line.split("=", 1) for line in value.splitlines() if line.strip()]
    return {key.strip(): text.strip() for key, text in pairs}


def _named(parsed: Mapping[str, Section], kind: str) -> Iterator[tuple[str, Section]]:
    """Yield the sections `[kind NAME]` with their names; `[default]` is a profile too."""
    for title, section in parsed.items():
        if kind == "profile" and title == "default":
            yield title, section
        elif title.startswith(kind):
            try:
                words = shlex.split(title)
            except ValueError:
                continue
            if len(words) == 2:
                yield words[1], section
