"""Translate the errors of the AWS CLI, versions 1 and 2, to our exit codes and to advice for the log.

Sources: the error codes of S3, CloudFront, STS, IAM Identity Center and KMS, of MinIO and Ceph; the
exceptions of botocore; the error names of the AWS Common Runtime (CRT), with which the AWS CLI transfers
files from version 2.37 on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from exit_codes import CONFIG, FAILED, OK, UNAVAILABLE

MOST_DETAIL = 1000  # characters

_CODE = re.compile(r"An error occurred \(([\w.-]+)\)")
_CRT = re.compile(r"\bAWS_(?:ERROR|IO|AUTH)_[A-Z0-9_]+")
_START = re.compile(
    r"(?:(?:upload|delete|copy|move) failed:|fatal error:|aws: \[ERROR\]:|An error occurred|Unable to|Error )"
)
_OTHER_FILE = re.compile(r"(?:upload|delete|copy|move)(?: failed)?:|warning:|Completed |usage:")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]{2,4})?-(central|east|west|(north|south)(east|west)?)-\d+")

# {role} is UPLOAD or INVALIDATE.
_RIGHTS = "AWS denied access: check the {role}_AWS_ key pair and its policy"
_KEYS = "AWS rejected the keys: check {role}_AWS_ACCESS_KEY_ID and {role}_AWS_SECRET_ACCESS_KEY"
_EXPIRED = (
    "the credentials or their session token have expired: log in again, or renew"
    " {role}_AWS_ACCESS_KEY_ID, its secret and its token"
)
_NO_KEYS = "no AWS credentials: set {role}_AWS_ACCESS_KEY_ID and {role}_AWS_SECRET_ACCESS_KEY"
_CHAIN = "the profile or role gives no AWS credentials: correct the AWS configuration, or log in again"
_SSO = "the SSO login is missing or has expired: run aws sso login as the user of this program"
_ROLE = "AWS refuses the role: check its name, its trust policy and the credentials that assume it"
_KMS = "the bucket's KMS key cannot be used: check its state, and the {role}_AWS_ right to use the key"
_QUOTA = "the quota of the bucket or account is used up: raise the quota or delete other files"
_REGION_ADVICE = "wrong region for the bucket: check AWS_DEFAULT_REGION"
_CLOCK = "the clock of this machine is over 15 minutes wrong: set it"
_LATER = "AWS is overloaded or down; the next run continues"
_CONFLICT = "another change of the bucket or the file is in progress; the next run continues"
_UNREACHABLE = "cannot reach AWS; the next run continues"
_BUCKET = "no such bucket: check S3_BUCKET"
_CHECKSUM = (
    "the store does not accept the CLI's checksums: set AWS_REQUEST_CHECKSUM_CALCULATION to when_required,"
    " or to when_supported if it is set already"
)
_NO_STORE = "the endpoint is not that of an S3 store: check AWS_ENDPOINT_URL_S3 and the AWS configuration"
_TLS = (
    "the TLS certificate is not trusted: set AWS_CA_BUNDLE to the certificates of your network or store,"
    " or correct the endpoint's name"
)
_BUNDLE = "AWS_CA_BUNDLE names no file of certificates"
_NO_TLS = "the endpoint or proxy does not speak TLS: its address may have to begin with http://"
_PROXY = "cannot connect through the proxy: check HTTPS_PROXY, its user name and its password"
_ENDPOINT = "wrong endpoint: check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 and the AWS configuration"
_PROGRAM = "the AWS CLI cannot be run: check AWS_CLI"
_PROFILE = "the profile is not in the AWS configuration: check AWS_PROFILE"

# The whole code must match; the first match counts.
_CODES = (
    (r"(Slow_?Down\w*|\w*Throttl\w*|KMS\.Throttl\w*|TooManyRequests\w*|429)", UNAVAILABLE, _LATER),
    (
        r"TooManyInvalidationsInProgress",
        UNAVAILABLE,
        "CloudFront has too many invalidations in progress; the next run tries again",
    ),
    (
        r"RequestLimitExceeded|BandwidthLimitExceeded|LimitExceededException|ServerBusy|Busy",
        UNAVAILABLE,
        _LATER,
    ),
    (r"Request_?Timeout\w*|PriorRequestNotComplete|InternalError|InternalFailure", UNAVAILABLE, _LATER),
    (r"Internal(Server|Service)\w*|ServiceUnavailable\w*|XMinioServerNotInitialized", UNAVAILABLE, _LATER),
    (r"OperationAborted|ConditionalRequestConflict|Conflict|409", UNAVAILABLE, _CONFLICT),
    (r"KMS\..*|Kms.*Exception", CONFIG, _KMS),
    (r".*Quota.*|XMinioStorageFull|XMinioAdminBucketQuota.*|InsufficientStorage\w*|507", CONFIG, _QUOTA),
    (r"5\d\d", UNAVAILABLE, _LATER),
    (r"ExpiredToken\w*|TokenRefreshRequired|InvalidToken\w*|RequestExpired", CONFIG, _EXPIRED),
    (r"AccessDenied\w*|AllAccessDisabled|AccountProblem|Forbidden|403|UnauthorizedAccess", CONFIG, _RIGHTS),
    (r"InvalidAccessKeyId|InvalidClientTokenId|UnrecognizedClient\w*|SignatureDoesNotMatch", CONFIG, _KEYS),
    (r"IncompleteSignature\w*|MissingAuthenticationToken\w*|MissingSecurityHeader|401", CONFIG, _KEYS),
    (r"InvalidSignature\w*|InvalidSecurity|AuthFailure|NotSignedUp|OptInRequired", CONFIG, _KEYS),
    (r"Unauthorized\w*|AuthorizationHeaderMalformed", CONFIG, _KEYS),
    (r"NoSuchBucket|InvalidBucketName", CONFIG, _BUCKET),
    (r"PermanentRedirect|301|IllegalLocationConstraint\w*|InvalidLocationConstraint", CONFIG, _REGION_ADVICE),
    (r"TemporaryRedirect|307", UNAVAILABLE, _LATER),
    (r"NoSuchDistribution", CONFIG, "no such distribution: check CLOUDFRONT_DISTRIBUTION_ID"),
    (r"RequestTimeTooSkewed", FAILED, _CLOCK),
    (
        r"XAmzContentSHA256Mismatch|BadDigest|InvalidDigest|MissingContent\w+|InvalidChunk\w*",
        CONFIG,
        _CHECKSUM,
    ),
    (r"NotImplemented|501|411", CONFIG, _CHECKSUM),
    (r"MethodNotAllowed|405", CONFIG, _NO_STORE),
)
# Words of the message that say more than the code.
_MESSAGES = (
    (r"region '[^']*' is wrong|expecting '[a-z]+-[a-z0-9-]+'", CONFIG, _REGION_ADVICE),
    (r"Signature expired|Signature not yet current", FAILED, _CLOCK),
    (r"\bkms:|KMS key|KMS.*disabled", CONFIG, _KMS),
    (r"calling the AssumeRole\w* operation", CONFIG, _ROLE),
    (r"calling the GetRoleCredentials operation", CONFIG, _SSO),
    (
        r"x-amz-(checksum|sdk-checksum|trailer|content-sha256|decoded)|Content-MD5|[Cc]hecksum",
        CONFIG,
        _CHECKSUM,
    ),
)
# Errors without a code of AWS: the cause for aws=, the code and the advice.
_TEXTS = (
    (r"Unable to parse config file", "NoCredentials", CONFIG, _CHAIN),
    (r"config profile .* (could )?not be found", "NoCredentials", CONFIG, _PROFILE),
    (
        r"\bSSO\b|sso[_-]session|Token has expired and refresh failed|aws login|login session|authorization token",
        "NoCredentials",
        CONFIG,
        _SSO,
    ),
    (
        r"Error when retrieving|Partial credentials|source_profile|credential_source|refreshed credentials"
        r"|Refreshing temporary credentials failed|credential configuration|\bMFA\b|is configured to use"
        r"|web.identity|[Tt]oken[^/]*No such file|No such file or directory: '[^']*token"
        r"|services section|EOF when reading",
        "NoCredentials",
        CONFIG,
        _CHAIN,
    ),
    (r"Unable to locate credentials|AWS_AUTH_\w+|NoCredentialsError", "NoCredentials", CONFIG, _NO_KEYS),
    (
        r"suitable TLS CA certificate bundle|SSL validation failed.*No such file|NO_CERTIFICATE_OR_CRL_FOUND|AWS_IO_FILE_VALIDATION\w*",
        "TLS",
        CONFIG,
        _BUNDLE,
    ),
    (r"WRONG_VERSION_NUMBER|record layer failure|SSL: HTTP_REQUEST", "TLS", CONFIG, _NO_TLS),
    (
        r"UNEXPECTED_EOF|EOF occurred in violation|TLS_NEGOTIATION_TIMEOUT",
        "Unreachable",
        UNAVAILABLE,
        _UNREACHABLE,
    ),
    (
        r"SSL validation failed|CERTIFICATE_VERIFY_FAILED|\[SSL|AWS_IO_TLS\w*|certificate verify",
        "TLS",
        CONFIG,
        _TLS,
    ),
    (r"407 Proxy|Proxy Authentication|PROXY_CONNECT_FAILED", "Proxy", CONFIG, _PROXY),
    (r"Tunnel connection failed: 4", "Proxy", CONFIG, _PROXY),
    (r"connect to proxy|Tunnel connection failed", "Proxy", UNAVAILABLE, _PROXY),
    (
        r"doesn't match a supported format|Invalid region|must specify a region",
        "Region",
        CONFIG,
        _REGION_ADVICE,
    ),
    (r"Invalid endpoint|endpoint-url|scheme is missing|EndpointConfiguration", "Endpoint", CONFIG, _ENDPOINT),
    (
        r"Invalid bucket name|Bucket named .* is not DNS|S3 ARN",
        "InvalidBucketName",
        CONFIG,
        "wrong name: check S3_BUCKET",
    ),
    (r"cannot run |No module named|bad interpreter|cannot execute", "NoProgram", CONFIG, _PROGRAM),
    (r"AWS_ERROR_S3_(SLOW_DOWN|INTERNAL_ERROR|REQUEST_TIMEOUT)\w*", "", UNAVAILABLE, _LATER),
    (r"AWS_ERROR_S3_REQUEST_TIME_TOO_SKEWED", "", FAILED, _CLOCK),
    (r"AWS_ERROR_S3\w*CHECKSUM\w*|FlexibleChecksum|Checksum .* failed", "", CONFIG, _CHECKSUM),
    (
        r"(?i)AWS_IO_(DNS|SOCKET|EVENT|CHANNEL|MAX)\w*|AWS_ERROR_HTTP\w*|AWS_ERROR_S3_(CANCELED|EXCEEDS\w*)"
        r"|Could not connect|timeout|timed out|Connection was closed|Connection reset|Connection aborted"
        r"|Connection refused|Failed to connect|Name or service not known|Temporary failure in name"
        r"|IncompleteRead|Connection broken|reading from response stream|Insufficient request capacity"
        r"|failed to establish a connection",
        "Unreachable",
        UNAVAILABLE,
        _UNREACHABLE,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a command of the AWS CLI ended: our exit code, AWS's error, what to do, the CLI's own words."""

    exit_code: int
    error: str
    advice: str
    detail: str


def translate(rc: int, stderr: str, role: str, region: str = "") -> Failure:
    """Translate the exit code and the errors of the AWS CLI; `role` is UPLOAD or INVALIDATE.

    `region` is part of the address that the CLI could not reach, or empty.
    """
    if rc == 0:
        return Failure(exit_code=OK, error="", advice="", detail="")
    exit_code, error, advice = _cause(stderr, region)
    return Failure(
        exit_code=exit_code, error=error, advice=advice.format(role=role), detail=_detail(rc, stderr)
    )


def _cause(stderr: str, region: str) -> tuple[int, str, str]:
    code = _CODE.search(stderr)
    if code:
        message = stderr[code.start() :].split("\n", 1)[0]
        busy = next(
            (each for each in _CODES if each[1] == UNAVAILABLE and re.fullmatch(each[0], code[1])), None
        )
        for pattern, exit_code, advice in () if busy else _MESSAGES:
            if re.search(pattern, message):
                return exit_code, code[1], advice
        for pattern, exit_code, advice in _CODES:
            if re.fullmatch(pattern, code[1]):
                return exit_code, code[1], advice
        return FAILED, code[1], "the AWS CLI failed: see the detail"
    crt = _CRT.search(stderr)
    for pattern, error, exit_code, advice in _TEXTS:
        if re.search(pattern, stderr):
            if error in ("Unreachable", "Proxy") and region and not _REGION.fullmatch(region):
                return CONFIG, "Region", "no such region: check AWS_DEFAULT_REGION"
            return exit_code, crt[0] if crt else error, advice
    return FAILED, crt[0] if crt else "", "the AWS CLI failed: see the detail"


def _detail(rc: int, stderr: str) -> str:
    """Return the first error and its lines as one line; cut the middle of a long one."""
    lines = [line.strip() for line in stderr.replace("\r", "\n").splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("usage:")]
    if not lines:
        return f"aws ended with {rc}"
    first = next((number for number, line in enumerate(lines) if _START.search(line)), len(lines) - 1)
    last = first + 1
    while last < len(lines) and not _OTHER_FILE.match(lines[last]):
        last += 1
    text = re.sub(r"\s+", " ", " ".join(lines[first:last]))
    if len(text) <= MOST_DETAIL:
        return text
    # The start names the file and the end the point.
    return f"{text[: MOST_DETAIL // 2]} ... {text[-MOST_DETAIL // 2 :]}"
