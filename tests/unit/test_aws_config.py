"""The endpoint that the AWS CLI really uses: our reading of its configuration against botocore's."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

import pytest
from botocore import configprovider  # type: ignore[import-untyped]
from botocore.session import Session  # type: ignore[import-untyped]

from aws_config import ConfigError, Endpoint, endpoint, option, profile, secrets, without_password
from settings import PublishSettings, SettingError

CONFIGS = [
    "",
    "[default]\nregion = us-east-1\n",
    "[default]\nendpoint_url = http://default.test\n",
    "[profile default]\nendpoint_url = http://quoted.test\n[default]\nregion = x\n",
    "[default]\nservices = local\nendpoint_url = http://default.test\n[services local]\ns3 =\n  endpoint_url = http://s3.test\n",
    "[default]\nservices = local\n[services local]\ncloudfront =\n  endpoint_url = http://cf.test\n",
    "[default]\nservices = missing\nendpoint_url = http://default.test\n",
    "[default]\nignore_configured_endpoint_urls = TRUE\nendpoint_url = http://default.test\n",
    "[profile minio]\nendpoint_url = http://minio.test\n[profile 'two words']\nregion = x\n",
    "[profile minio]\nservices = 'a b'\n[services 'a b']\ns3=\n endpoint_url=http://a.test\n addressing_style = path\n",
    "[minio]\nendpoint_url = http://no-profile.test\n",
    "[profile minio]\nEndpoint_URL : http://colon.test\n  # comment\n",
    "[DEFAULT]\nendpoint_url = http://inherited.test\n[profile minio]\nregion = x\n",
    "[profile minio\n",
    "no section\n",
    "[default]\ns3 =\n  broken\n",
    "[default]\na = 1\na = 2\n",
]
CREDENTIALS = ["", "[minio]\nendpoint_url = http://credentials.test\n", "[default]\nservices = local\n"]
VARIABLES: list[dict[str, str]] = [
    {},
    {"AWS_ENDPOINT_URL": "http://all.test"},
    {"AWS_ENDPOINT_URL_S3": "http://env-s3.test", "AWS_ENDPOINT_URL": "http://all.test"},
    {"AWS_ENDPOINT_URL_CLOUDFRONT": "http://env-cf.test"},
    {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_ENDPOINT_URL": "http://all.test"},
    {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"},
    {"AWS_PROFILE": "minio"},
    {"AWS_PROFILE": "two words", "AWS_ENDPOINT_URL_S3": "http://env-s3.test"},
    {"AWS_DEFAULT_PROFILE": "minio"},
    {"AWS_PROFILE": "default"},
]
REFUSALS = ("ProfileNotFound", "ConfigParseError", "InvalidConfigError")  # of botocore


def botocore_endpoint(service: str, session: Session) -> str | None:
    """Return botocore's endpoint for the environment of this process."""
    scoped = session.get_scoped_config()
    chain = configprovider.ConfiguredEndpointProvider(session.full_config, scoped, service)
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    return chain.provide() or None


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    return tmp_path / ".aws"


@pytest.mark.parametrize("text", CONFIGS)
def test_the_endpoint_is_that_of_botocore(files: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (files / "config").write_text(text)
    # All combinations take ten times as long; each pair of values is covered.
    start = CONFIGS.index(text)
    for number, variables in enumerate(VARIABLES, start):
        credentials = CREDENTIALS[number % len(CREDENTIALS)]
        (files / "credentials").write_text(credentials)
        with monkeypatch.context() as environment:
            for name, value in variables.items():
                environment.setenv(name, value)
            session = Session()
            for service in ("s3", "cloudfront"):
                try:
                    wanted = botocore_endpoint(service, session)
                except Exception as error:
                    if type(error).__name__ not in REFUSALS:
                        raise
                    with pytest.raises(ConfigError):
                        endpoint(service, os.environ)
                else:
                    assert endpoint(service, os.environ).url == (wanted or ""), (credentials, variables)


@pytest.mark.parametrize("place", ["config", "credentials"])
def test_a_client_of_botocore_talks_to_this_endpoint(
    files: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "minio")
    title = "[profile minio]" if place == "config" else "[minio]"
    (files / place).write_text(f"{title}\nendpoint_url = http://minio.test:9000\n")
    client = Session().create_client("s3", region_name="us-east-1")
    assert endpoint("s3", os.environ).url == client.meta.endpoint_url == "http://minio.test:9000"


def test_the_source_of_the_endpoint_is_named(files: Path) -> None:
    (files / "config").write_text("[default]\nendpoint_url = http://a.test\n")
    assert endpoint("s3", {}) == Endpoint(url="http://a.test", source="~/.aws/config")
    assert endpoint("s3", {"AWS_ENDPOINT_URL": "http://b.test"}).source == "AWS_ENDPOINT_URL"


def test_other_files_may_be_named(files: Path) -> None:
    (files / "mine").write_text("[default]\nendpoint_url = http://mine.test\n")
    assert endpoint("s3", {"AWS_CONFIG_FILE": "~/.aws/mine"}).url == "http://mine.test"
    assert endpoint("s3", {"AWS_SHARED_CREDENTIALS_FILE": "$HOME/.aws/mine"}).url == "http://mine.test"


@pytest.mark.parametrize("key", ["UPLOAD_AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID_FILE"])
def test_with_a_key_pair_of_our_own_no_profile_counts(files: Path, key: str) -> None:
    (files / "config").write_text("[profile minio]\nendpoint_url = http://minio.test\n")
    assert endpoint("s3", {"AWS_PROFILE": "minio"}).url == "http://minio.test"
    assert endpoint("s3", {"AWS_PROFILE": "gone", key: "x"}).url == ""
    assert profile({"AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": "minio"}) == "minio"


def test_the_destination_names_the_endpoint_of_the_configuration_file(files: Path) -> None:
    def destination(env: Mapping[str, str]) -> str:
        return PublishSettings.from_env({"S3_BUCKET": "events", "S3_PREFIX": "a", **env}).destination

    assert destination({}) == "aws s3://events/a"
    (files / "config").write_text("[default]\nendpoint_url = http://me:pw@minio.test:9000/?token=t\n")
    assert destination({}) == "http://minio.test:9000/ s3://events/a"
    assert destination({"AWS_ENDPOINT_URL": "http://u:p@b.test"}) == "http://b.test s3://events/a"
    with pytest.raises(SettingError) as caught:
        destination({"AWS_PROFILE": "gone"})
    assert caught.value.key == "AWS_PROFILE"


def test_a_user_without_a_home_folder_has_no_configuration(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_entry(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", no_entry)
    assert endpoint("s3", {}).url == ""


def test_a_broken_file_is_named_without_its_text(files: Path) -> None:
    (files / "credentials").write_text("aws_secret_access_key = planted\n")
    with pytest.raises(ConfigError) as caught:
        endpoint("s3", {})
    assert caught.value.key == "AWS_SHARED_CREDENTIALS_FILE"
    assert "planted" not in str(caught.value)


def test_the_secrets_of_all_profiles_are_known(files: Path) -> None:
    (files / "credentials").write_text(
        "[default]\naws_access_key_id = AKIAA\naws_secret_access_key = one\n[b]\naws_session_token = two\n"
    )
    assert set(secrets({})) == {"AKIAA", "one", "two"}
    assert option("aws_session_token", {"AWS_PROFILE": "b"}) == "two"
    (files / "credentials").write_text("broken")
    assert secrets({}) == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:pw@h.test:9/x", "http://h.test:9/x"),
        ("http://me:p@w@h.test", "http://h.test"),
        ("http://me:p/w@h.test", "http://h.test"),
        ("me:pw@h.test", "h.test"),
        ("https://h.test/?sig=1#x", "https://h.test/"),
        ("https://h.test", "https://h.test"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    ("url", "is_aws"),
    [
        ("", True),
        ("https://s3.eu-central-1.amazonaws.com", True),
        ("https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com", True),
        ("https://s3.cn-north-1.amazonaws.com.cn", True),
        ("https://s3.us-east-1.api.aws", True),
        ("https://amazonaws.com.evil.test", False),
        ("https://notamazonaws.com", False),
        ("http://127.0.0.1:9000", False),
    ],
)
def test_other_stores_than_aws_are_known_by_their_names(url: str, is_aws: bool) -> None:
    assert Endpoint(url=url).is_aws is is_aws
