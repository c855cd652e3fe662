"""Each error of the AWS CLI, of both versions and both transfer clients, gets its exit code and advice."""

from __future__ import annotations

import pytest

from aws_errors import MOST_DETAIL, translate

PUT = "upload failed: a/b.html to s3://b/a/b.html An error occurred ({}) when calling the PutObject operation: {}"
LIST = "fatal error: An error occurred ({}) when calling the ListObjectsV2 operation: {}"
CALL = "\naws: [ERROR]: An error occurred ({}) when calling the CreateInvalidation operation: {}"
CRT = "upload failed: a/b.html to s3://b/a/b.html {}: {}"


def coded(text: str, code: str, message: str = "x") -> str:
    return text.format(code, message)


CASES: list[tuple[str, int, str, str]] = [
    # Rights and keys
    (coded(PUT, "AccessDenied"), 78, "AccessDenied", "key pair and its policy"),
    (coded(PUT, "InvalidAccessKeyId"), 78, "InvalidAccessKeyId", "UPLOAD_AWS_ACCESS_KEY_ID"),
    (coded(CALL, "InvalidClientTokenId"), 78, "InvalidClientTokenId", "UPLOAD_AWS_ACCESS_KEY_ID"),
    (coded(PUT, "SignatureDoesNotMatch"), 78, "SignatureDoesNotMatch", "SECRET_ACCESS_KEY"),
    (coded(CALL, "IncompleteSignature", "got 'x/20261130/us-east-1'"), 78, "IncompleteSignature", "_KEY_ID"),
    (coded(CALL, "UnrecognizedClientException"), 78, "UnrecognizedClientException", "_KEY_ID"),
    (coded(PUT, "ExpiredToken"), 78, "ExpiredToken", "expired"),
    (coded(PUT, "TokenRefreshRequired"), 78, "TokenRefreshRequired", "token"),
    (coded(CALL, "ExpiredTokenException"), 78, "ExpiredTokenException", "log in again"),
    (
        coded(PUT, "AuthorizationHeaderMalformed", "the Credential is mal-formed; expecting YOUR-AKID/"),
        78,
        "AuthorizationHeaderMalformed",
        "check UPLOAD_AWS_ACCESS_KEY_ID",
    ),
    (
        coded(PUT, "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-1'"),
        78,
        "AuthorizationHeaderMalformed",
        "AWS_DEFAULT_REGION",
    ),
    # Bucket, region, distribution
    (coded(LIST, "NoSuchBucket"), 78, "NoSuchBucket", "S3_BUCKET"),
    (coded(LIST, "PermanentRedirect"), 78, "PermanentRedirect", "AWS_DEFAULT_REGION"),
    (coded(LIST, "301", "Moved Permanently"), 78, "301", "AWS_DEFAULT_REGION"),
    (coded(CALL, "NoSuchDistribution"), 78, "NoSuchDistribution", "CLOUDFRONT_DISTRIBUTION_ID"),
    (
        'Parameter validation failed:\nInvalid bucket name "a b": it must match',
        78,
        "InvalidBucketName",
        "S3_BUCKET",
    ),
    (coded(PUT, "MethodNotAllowed"), 78, "MethodNotAllowed", "AWS_ENDPOINT_URL_S3"),
    # KMS and quotas
    (coded(PUT, "KMS.DisabledException", "key is disabled"), 78, "KMS.DisabledException", "KMS"),
    (coded(PUT, "KMS.NotFoundException"), 78, "KMS.NotFoundException", "KMS"),
    (coded(PUT, "KMS.KMSInvalidStateException"), 78, "KMS.KMSInvalidStateException", "KMS"),
    (coded(PUT, "KMS.ThrottlingException"), 75, "KMS.ThrottlingException", "next run"),
    (coded(PUT, "AccessDenied", "not authorized to perform: kms:GenerateDataKey"), 78, "AccessDenied", "KMS"),
    (coded(PUT, "QuotaExceeded"), 78, "QuotaExceeded", "quota"),
    (coded(PUT, "ServiceQuotaExceededException"), 78, "ServiceQuotaExceededException", "quota"),
    (coded(PUT, "XMinioStorageFull"), 78, "XMinioStorageFull", "quota"),
    (coded(PUT, "507"), 78, "507", "quota"),
    # Later
    (coded(PUT, "SlowDown") + " (reached max retries: 2)", 75, "SlowDown", "next run"),
    (coded(PUT, "SlowDownWrite"), 75, "SlowDownWrite", "next run"),
    (coded(PUT, "503"), 75, "503", "next run"),
    (coded(PUT, "429"), 75, "429", "next run"),
    (coded(PUT, "TooManyRequests", "Reduce your rate"), 75, "TooManyRequests", "next run"),
    (coded(PUT, "409", "Conflict"), 75, "409", "next run"),
    (coded(PUT, "OperationAborted"), 75, "OperationAborted", "next run"),
    (coded(PUT, "ConditionalRequestConflict"), 75, "ConditionalRequestConflict", "next run"),
    (coded(CALL, "Throttling"), 75, "Throttling", "next run"),
    (coded(CALL, "TooManyInvalidationsInProgress"), 75, "TooManyInvalidationsInProgress", "next run"),
    # The clock
    (coded(PUT, "RequestTimeTooSkewed"), 1, "RequestTimeTooSkewed", "clock"),
    (
        coded(CALL, "SignatureDoesNotMatch", "Signature expired: 20261130T1 is now earlier"),
        1,
        "SignatureDoesNotMatch",
        "clock",
    ),
    # Checksums
    (
        coded(PUT, "NotImplemented", "A header you provided implies"),
        78,
        "NotImplemented",
        "AWS_REQUEST_CHECKSUM_CALCULATION",
    ),
    (
        coded(PUT, "XAmzContentSHA256Mismatch"),
        78,
        "XAmzContentSHA256Mismatch",
        "AWS_REQUEST_CHECKSUM_CALCULATION",
    ),
    (
        coded(PUT, "InvalidRequest", "Missing required header: Content-MD5 OR x-amz-checksum-*"),
        78,
        "InvalidRequest",
        "CHECKSUM",
    ),
    # Credentials of the chain
    ("Unable to locate credentials. You can configure", 78, "NoCredentials", "set UPLOAD_AWS_ACCESS_KEY_ID"),
    ("The config profile (x) could not be found", 78, "NoCredentials", "AWS_PROFILE"),
    (
        "Partial credentials found in env, missing: aws_secret_access_key",
        78,
        "NoCredentials",
        "profile or role",
    ),
    ("Error loading SSO Token: Token for lib does not exist", 78, "NoCredentials", "aws sso login"),
    (
        "The SSO session associated with this profile has expired or is otherwise invalid. To refresh this SSO"
        " session run aws sso login with the corresponding profile.",
        78,
        "NoCredentials",
        "aws sso login",
    ),
    (
        "Error when retrieving token from sso: Token has expired and refresh failed",
        78,
        "NoCredentials",
        "sso login",
    ),
    (
        "Your session has expired or credentials have changed. Please reauthenticate using 'aws login'.",
        78,
        "NoCredentials",
        "login",
    ),
    (
        "Error when retrieving credentials from custom-process: vault is sealed",
        78,
        "NoCredentials",
        "profile or role",
    ),
    (
        "Error when retrieving credentials from container-role: Error retrieving metadata: Read timeout on endpoint URL",
        78,
        "NoCredentials",
        "profile or role",
    ),
    (
        "An error occurred (AccessDenied) when calling the AssumeRole operation: User is not authorized",
        78,
        "AccessDenied",
        "trust policy",
    ),
    (
        "An error occurred (ForbiddenException) when calling the GetRoleCredentials operation: No access",
        78,
        "ForbiddenException",
        "aws sso login",
    ),
    ("[Errno 2] No such file or directory: '/var/run/secrets/token'", 78, "NoCredentials", "profile or role"),
    ("Unable to parse config file: /root/.aws/config", 78, "NoCredentials", "AWS configuration"),
    # TLS, proxies, endpoints
    (
        "fatal error: SSL validation failed for https://h/ [SSL: CERTIFICATE_VERIFY_FAILED]",
        78,
        "TLS",
        "AWS_CA_BUNDLE",
    ),
    ("Could not find a suitable TLS CA certificate bundle, invalid path: /x.pem", 78, "TLS", "AWS_CA_BUNDLE"),
    (
        "fatal error: SSL validation failed for https://h/ [Errno 2] No such file or directory",
        78,
        "TLS",
        "no file",
    ),
    ("fatal error: SSL validation failed for https://h/ [SSL: WRONG_VERSION_NUMBER]", 78, "TLS", "http://"),
    ("fatal error: SSL validation failed [SSL: UNEXPECTED_EOF_WHILE_READING]", 75, "Unreachable", "next run"),
    ('fatal error: Failed to connect to proxy URL: "http://***:***@p:3128"', 75, "Proxy", "HTTPS_PROXY"),
    ("OSError('Tunnel connection failed: 407 Proxy Authentication Required')", 78, "Proxy", "password"),
    ('Bad value for --endpoint-url "minio:9000": scheme is missing.', 78, "Endpoint", "AWS_ENDPOINT_URL"),
    ("Invalid endpoint: http://a b", 78, "Endpoint", "AWS_ENDPOINT_URL"),
    (
        "Provided region_name 'Europe (Frankfurt)' doesn't match a supported format.",
        78,
        "Region",
        "AWS_DEFAULT_REGION",
    ),
    # The network
    (
        'fatal error: Could not connect to the endpoint URL: "http://127.0.0.1:9/b"',
        75,
        "Unreachable",
        "next run",
    ),
    ("upload failed: a to s3://b/a Connection was closed before we received", 75, "Unreachable", "next run"),
    ('fatal error: Read timeout on endpoint URL: "http://h/b"', 75, "Unreachable", "next run"),
    # The Common Runtime of version 2
    (
        coded(CRT, "AWS_ERROR_S3_SLOW_DOWN", "Response code indicates throttling"),
        75,
        "AWS_ERROR_S3_SLOW_DOWN",
        "next run",
    ),
    (coded(CRT, "AWS_ERROR_S3_INTERNAL_ERROR"), 75, "AWS_ERROR_S3_INTERNAL_ERROR", "next run"),
    (coded(CRT, "AWS_ERROR_S3_REQUEST_TIME_TOO_SKEWED"), 1, "AWS_ERROR_S3_REQUEST_TIME_TOO_SKEWED", "clock"),
    (coded(CRT, "AWS_IO_DNS_INVALID_NAME"), 75, "AWS_IO_DNS_INVALID_NAME", "cannot reach AWS"),
    (
        coded(CRT, "AWS_IO_SOCKET_TIMEOUT", "socket operation timed out."),
        75,
        "AWS_IO_SOCKET_TIMEOUT",
        "cannot reach",
    ),
    (coded(CRT, "AWS_ERROR_HTTP_CONNECTION_CLOSED"), 75, "AWS_ERROR_HTTP_CONNECTION_CLOSED", "cannot reach"),
    (
        coded(CRT, "AWS_IO_TLS_ERROR_NEGOTIATION_FAILURE"),
        78,
        "AWS_IO_TLS_ERROR_NEGOTIATION_FAILURE",
        "AWS_CA_BUNDLE",
    ),
    (coded(CRT, "AWS_IO_TLS_NEGOTIATION_TIMEOUT"), 75, "AWS_IO_TLS_NEGOTIATION_TIMEOUT", "cannot reach"),
    (
        coded(CRT, "AWS_AUTH_CREDENTIALS_PROVIDER_CHAIN_FAILURE"),
        78,
        "AWS_AUTH_CREDENTIALS_PROVIDER_CHAIN_FAILURE",
        "credentials",
    ),
    (
        coded(CRT, "AWS_ERROR_HTTP_PROXY_CONNECT_FAILED"),
        78,
        "AWS_ERROR_HTTP_PROXY_CONNECT_FAILED",
        "HTTPS_PROXY",
    ),
    # Others
    ("warning: Skipping file x. File does not exist.", 1, "", "failed"),
    ("aws: error: argument command: Invalid choice", 1, "", "failed"),
    ("cannot run /opt/aws: No such file or directory", 78, "NoProgram", "AWS_CLI"),
    ("", 1, "", "failed"),
    (coded(PUT, "SomethingNew"), 1, "SomethingNew", "failed"),
]


@pytest.mark.parametrize(("stderr", "exit_code", "error", "words"), CASES)
def test_trap_13_an_error_of_the_aws_cli_becomes_our_exit_code_a_cause_and_advice(
    stderr: str, exit_code: int, error: str, words: str
) -> None:
    failure = translate(255, stderr, "UPLOAD")
    assert (failure.exit_code, failure.error) == (exit_code, error)
    assert words in failure.advice
    assert "{" not in failure.advice


def test_success_has_no_cause() -> None:
    assert translate(0, "warning: x", "UPLOAD").exit_code == 0


def test_the_advice_names_the_key_pair_of_the_step() -> None:
    assert "INVALIDATE_AWS_" in translate(255, coded(CALL, "AccessDenied"), "INVALIDATE").advice


@pytest.mark.parametrize(
    ("region", "exit_code"),
    [
        ("us-est-1", 78),
        ("Frankfurt", 78),
        ("us-east-1", 75),
        ("eu-central-1", 75),
        ("ap-southeast-2", 75),
        ("us-gov-west-1", 75),
        ("eusc-de-east-1", 75),
        ("us-isob-east-1", 75),
    ],
)
def test_a_region_that_does_not_exist_is_no_outage(region: str, exit_code: int) -> None:
    stderr = f'fatal error: Could not connect to the endpoint URL: "https://b.s3.{region}.amazonaws.com/"'
    failure = translate(1, stderr, "UPLOAD", region)
    assert failure.exit_code == exit_code
    assert ("AWS_DEFAULT_REGION" in failure.advice) == (exit_code == 78)
    assert translate(1, stderr, "UPLOAD").exit_code == 75  # another store, or a service without regions


def test_the_detail_is_one_line_with_the_point_of_a_long_message() -> None:
    stderr = "Completed 1 file\r" + coded(
        PUT.replace("a/b", "x/" * 900), "AccessDenied", "no policy\nallows it\n"
    )
    detail = translate(1, stderr + "upload failed: other", "UPLOAD").detail
    assert detail.startswith("upload failed: x/")
    assert detail.endswith("no policy allows it")
    assert len(detail) < MOST_DETAIL + 10
    assert "other" not in detail


def test_the_detail_of_credential_process_is_what_the_process_says() -> None:
    stderr = "\nError when retrieving credentials from custom-process: vault:\n  * is sealed\n"
    assert translate(255, stderr, "UPLOAD").detail.endswith("custom-process: vault: * is sealed")
