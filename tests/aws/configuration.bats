#!/usr/bin/env bats
# The configuration of the machine's AWS CLI: endpoints, profiles, tokens of other logins, another CLI.
# shellcheck disable=SC2030,SC2031  # each test has its own environment

bats_require_minimum_version 1.5.0
load ../support/helper

setup_file() { start_aws; }
teardown_file() { stop_aws; }
setup() {
  use_aws
  make_site
  export HOME=$BATS_TEST_TMPDIR/home
  mkdir -p "$HOME/.aws"
  unset AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
}

# no_keys: let the AWS CLI look for credentials itself
no_keys() { unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; }

# profile LINE...: write a profile named library, and use it
profile() {
  printf '%s\n' '[profile library]' "$@" >"$HOME/.aws/config"
  export AWS_PROFILE=library
}

# fake_aws LINE...: make a program that AWS_CLI names
fake_aws() {
  printf '%s\n' '#!/usr/bin/env bash' "$@" >"$BATS_TEST_TMPDIR/aws"
  chmod 755 "$BATS_TEST_TMPDIR/aws"
  export AWS_CLI=$BATS_TEST_TMPDIR/aws
}

@test "An endpoint in ~/.aws/config is used, logged and part of the destination" {
  local endpoint=$AWS_ENDPOINT_URL
  unset AWS_ENDPOINT_URL
  printf '[default]\nendpoint_url = %s\n' "$endpoint" >"$HOME/.aws/config"
  run -0 upload
  says "level=warn .*sending requests to another server than AWS\" key=\"?~/.aws/config\"? endpoint=$endpoint"
  head -n 1 "$BUILD_DIR/published.manifest" | grep -qxF "# destination $endpoint s3://$S3_BUCKET/$S3_PREFIX"
  run -0 invalidate
  says 'invalidated.* endpoint=http|key="?~/.aws/config'
  # Without the line, S3 itself gets the whole site (here: moto instead of the proxy).
  rm "$HOME/.aws/config"
  AWS_ENDPOINT_URL=$MOTO_URL run -0 upload
  says 'new endpoint, bucket or prefix'
  says 'uploaded=5 '
}

@test "A services section is used for S3 and CloudFront alike" {
  printf '[default]\nservices = local\n[services local]\ns3 =\n  endpoint_url = %s\ncloudfront =\n  endpoint_url = %s\n' \
    "$AWS_ENDPOINT_URL" "$AWS_ENDPOINT_URL" >"$HOME/.aws/config"
  unset AWS_ENDPOINT_URL
  run -0 upload
  run -0 invalidate
  AWS_ENDPOINT_URL=$MOTO_URL published
}

@test "A plan has the destination of the upload, with a profile and with a key pair" {
  local endpoint=$AWS_ENDPOINT_URL id=$AWS_ACCESS_KEY_ID secret=$AWS_SECRET_ACCESS_KEY
  unset AWS_ENDPOINT_URL
  no_keys
  profile "endpoint_url = $endpoint" "aws_access_key_id = $id" "aws_secret_access_key = $secret"
  run -0 upload
  run -0 upload --dry-run
  says '^1 upload '
  says_not 'new endpoint'
}

@test "A profile that does not exist ends with 78 and changes no file" {
  no_keys
  AWS_PROFILE=gone run -78 upload
  says 'key=AWS_PROFILE'
  same "$(grep -c level=error <<<"$output")" 1
  [[ ! -e $BUILD_DIR/published.manifest ]]
}

@test "Tokens, profiles and roles of another login do not mix with the key pair of the settings" {
  export UPLOAD_AWS_ACCESS_KEY_ID=AKIAUPLOAD UPLOAD_AWS_SECRET_ACCESS_KEY=secret-of-upload
  AWS_SECURITY_TOKEN=foreign AWS_SESSION_TOKEN=foreign AWS_PROFILE=gone AWS_DEFAULT_PROFILE=gone \
    AWS_ROLE_ARN=arn:aws:iam::111122223333:role/x AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere run -0 upload
  same "$(tokens)" ''
  # Also if the pair in the settings file is the common one.
  unset UPLOAD_AWS_ACCESS_KEY_ID UPLOAD_AWS_SECRET_ACCESS_KEY
  printf 'AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >"$BATS_TEST_TMPDIR/env"
  no_keys
  ENV_FILE=$BATS_TEST_TMPDIR/env AWS_SECURITY_TOKEN=foreign AWS_SESSION_TOKEN=foreign run -0 upload
  same "$(tokens)" ''
  # The token of the same login is sent.
  AWS_ACCESS_KEY_ID=ASIATEMPORARY AWS_SECRET_ACCESS_KEY=x AWS_SESSION_TOKEN=own-token run -0 upload
  same "$(tokens)" own-token
}

# tokens: print the session tokens of the requests
tokens() { calls | grep -o 'token=[^ ]*' | sort -u | sed 's/^token=//;/^$/d'; }

@test "credential_process, a role of another profile and web identity work" {
  local id=$AWS_ACCESS_KEY_ID secret=$AWS_SECRET_ACCESS_KEY
  no_keys
  # It also reads its input, which must not be the commands of the upload.
  printf '#!/bin/sh\ncat >/dev/null\necho '\''{"Version": 1, "AccessKeyId": "%s", "SecretAccessKey": "%s"}'\''\n' "$id" "$secret" \
    >"$BATS_TEST_TMPDIR/process"
  chmod 755 "$BATS_TEST_TMPDIR/process"
  profile "credential_process = $BATS_TEST_TMPDIR/process"
  run -0 upload
  published
  profile 'role_arn = arn:aws:iam::111122223333:role/publisher' 'source_profile = base'
  printf '[base]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$id" "$secret" >"$HOME/.aws/credentials"
  run -0 upload
  says 'uploaded=0 '
  unset AWS_PROFILE
  rm "$HOME/.aws/config" "$HOME/.aws/credentials"
  echo token >"$BATS_TEST_TMPDIR/token"
  AWS_ROLE_ARN=arn:aws:iam::111122223333:role/publisher AWS_WEB_IDENTITY_TOKEN_FILE=$BATS_TEST_TMPDIR/token run -0 upload
}

@test "The role of an EC2 machine and that of an ECS task work, and their token is sent" {
  no_keys
  unset AWS_EC2_METADATA_DISABLED
  python "$ROOT/tests/support/instance_role.py" >"$BATS_TEST_TMPDIR/address" 3>&- &
  local server=$!
  until [[ -s $BATS_TEST_TMPDIR/address ]]; do sleep 0.05; done
  AWS_EC2_METADATA_SERVICE_ENDPOINT=$(<"$BATS_TEST_TMPDIR/address") run -0 upload
  same "$(tokens)" role-token
  published
  ask DELETE /-/log
  AWS_EC2_METADATA_DISABLED=true AWS_CONTAINER_CREDENTIALS_FULL_URI=$(<"$BATS_TEST_TMPDIR/address")/task run -0 upload
  same "$(tokens)" task-token
  # The role does not count beside a key pair of our own.
  ask DELETE /-/log
  AWS_ACCESS_KEY_ID=AKIAOWN AWS_SECRET_ACCESS_KEY=x AWS_CONTAINER_CREDENTIALS_FULL_URI=$(<"$BATS_TEST_TMPDIR/address")/task \
    run -0 upload
  same "$(tokens)" ''
  kill "$server"
}

@test "A missing or expired SSO login and a failing credential_process end with 78 and the way out" {
  no_keys
  export AWS_EC2_METADATA_DISABLED=true
  profile 'sso_session = lib' 'sso_account_id = 111122223333' 'sso_role_name = Publisher' 'region = us-east-1' \
    '[sso-session lib]' 'sso_start_url = https://library.awsapps.com/start' 'sso_region = us-east-1'
  run -78 upload
  says 'level=error .*aws sso login.* aws=NoCredentials .*SSO'
  mkdir -p "$HOME/.aws/sso/cache"
  printf '{"startUrl": "https://library.awsapps.com/start", "region": "us-east-1", "accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z"}' \
    >"$HOME/.aws/sso/cache/$(printf lib | sha1sum | cut -d' ' -f1).json"
  run -78 upload
  says 'level=error .*aws sso login'
  profile "credential_process = sh -c 'echo the vault is sealed >&2; exit 1'"
  run -78 upload
  says 'level=error .*profile or role gives no AWS credentials.* detail=.*the vault is sealed'
}

@test "AWS_CLI that names no program, a command with arguments or a broken program ends with 78 in one line" {
  local value
  printf '#!/nowhere/python\n' >"$BATS_TEST_TMPDIR/broken"
  chmod 755 "$BATS_TEST_TMPDIR/broken"
  for value in /usr/local/bin/aws-gone 'aws-vault exec library -- aws' "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/broken"; do
    AWS_CLI=$value run -78 upload
    says 'level=error .* key=AWS_CLI .*rc=78$'
    same "$(wc -l <<<"$output")" 1
  done
}

@test "AWS_CLI that is too slow to show its version ends with 1, not as a wrong setting" {
  fake_aws 'exit 124' # what `timeout` returns
  run -1 upload
  says 'level=error .*AWS_CLI did not show its version in 40 seconds" key=AWS_CLI .*rc=1$'
}

# bats test_tags=pinned-cli
@test "AWS_CLI in the settings file counts when bin/upload is run by hand" {
  # shellcheck disable=SC2016  # for the script to expand
  fake_aws "echo used >>$BATS_TEST_TMPDIR/used" "exec $ROOT/.venv/bin/aws \"\$@\""
  echo "AWS_CLI=$AWS_CLI" >"$BATS_TEST_TMPDIR/env"
  unset AWS_CLI
  ENV_FILE=$BATS_TEST_TMPDIR/env PATH=/usr/bin:/bin run -0 "$ROOT/bin/upload"
  [[ -s $BATS_TEST_TMPDIR/used ]]
}

@test "An AWS CLI that knows no endpoint settings is refused if one is set, before any request" {
  local version
  for version in 2.12.7 1.28.1; do
    # shellcheck disable=SC2016  # for the script to expand
    fake_aws "[[ \$1 != --version ]] || { echo aws-cli/$version Python/3; exit 0; }" "echo ran >>'$BATS_TEST_TMPDIR/ran'"
    run -78 upload
    says "level=error .*AWS_CLI is aws-cli/${version%.*}, which knows no AWS_ENDPOINT_URL: use version 2.13 or later\" .*rc=78"
    [[ ! -e $BATS_TEST_TMPDIR/ran ]]
  done
}

@test "Another AWS CLI gets no input, no pager and no prompts, and words that the upload understands" {
  # shellcheck disable=SC2016  # for the script to expand
  fake_aws 'echo aws-cli/2.99' '[[ $1 != --version ]] || exit 0' 'cat >&2' \
    'echo "prompt=$AWS_CLI_AUTO_PROMPT pager=$AWS_PAGER. errors=$AWS_CLI_ERROR_FORMAT" >&2' 'exit 1'
  AWS_CLI_AUTO_PROMPT=on AWS_CLI_ERROR_FORMAT=json run -1 timeout 100 "$ROOT/bin/upload"
  says 'prompt=off pager=. errors=legacy'
}

@test "An AWS CLI that ends well without having uploaded every file fails the upload" {
  # shellcheck disable=SC2016  # for the script to expand
  fake_aws '[[ $1 != --version ]] || exit 0' \
    '[[ $1 != s3api ]] || { echo "{\"objects\": null, \"folders\": null, \"more\": null}"; exit 0; }' 'exit 0'
  run -75 upload
  says 'level=error step=upload .*uploaded only 0 of 1 files'
}

@test "The words of the Common Runtime of AWS CLI 2 are understood" {
  # shellcheck disable=SC2016  # for the script to expand
  fake_aws '[[ $1 != --version ]] || exit 0' '[[ $1 != s3api ]] || { echo "{\"objects\": null, \"folders\": null, \"more\": null}"; exit 0; }' \
    'echo "upload failed: a to s3://b/a AWS_ERROR_S3_SLOW_DOWN: Response code indicates throttling" >&2' 'exit 1'
  run -75 upload
  says 'aws=AWS_ERROR_S3_SLOW_DOWN .*throttling'
}

@test "Another store than AWS gets no checksums unless they are required, but the settings win" {
  # shellcheck disable=SC2016  # for the script to expand
  fake_aws '[[ $1 != --version ]] || exit 0' \
    'echo "sum=$AWS_REQUEST_CHECKSUM_CALCULATION,$AWS_RESPONSE_CHECKSUM_VALIDATION." >&2' 'exit 1'
  run -1 upload
  says 'sum=when_required,when_required\.'
  AWS_REQUEST_CHECKSUM_CALCULATION=when_supported run -1 upload
  says 'sum=when_supported,when_required\.'
  AWS_ENDPOINT_URL='' run -1 upload
  says 'sum=,\.'
}

@test "A region that does not exist ends with 78" {
  AWS_DEFAULT_REGION=us-est-1 run -78 upload
  says 'key=AWS_DEFAULT_REGION'
  # Also the region of a profile, which no setting names.
  no_keys
  profile 'region = us-est-1' 'aws_access_key_id = x' 'aws_secret_access_key = y'
  unset AWS_ENDPOINT_URL AWS_DEFAULT_REGION
  export HTTPS_PROXY=http://127.0.0.1:9 # no request leaves this machine
  run -78 upload
  says 'check AWS_DEFAULT_REGION'
}

@test "No answer of AWS and no error of the AWS CLI brings a secret into the log or a file" {
  local planted echoed
  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
  export UPLOAD_AWS_ACCESS_KEY_ID=planted-upload-id UPLOAD_AWS_SECRET_ACCESS_KEY=planted/upload+secret
  export INVALIDATE_AWS_ACCESS_KEY_ID=planted-invalidate-id INVALIDATE_AWS_SECRET_ACCESS_KEY=planted/invalidate+secret
  export UPLOAD_AWS_SESSION_TOKEN=planted-token LIBCAL_CLIENT_SECRET=planted-libcal
  export NOTIFY_URL=https://hooks.test/planted PING_URL=https://hc-ping.test/planted-ping
  printf '[other]\naws_access_key_id = x\naws_secret_access_key = planted-in-credentials\n' >"$HOME/.aws/credentials"
  planted="$UPLOAD_AWS_ACCESS_KEY_ID $UPLOAD_AWS_SECRET_ACCESS_KEY $INVALIDATE_AWS_ACCESS_KEY_ID planted%2Fupload%2Bsecret"
  planted+=" $INVALIDATE_AWS_SECRET_ACCESS_KEY $UPLOAD_AWS_SESSION_TOKEN $LIBCAL_CLIENT_SECRET $NOTIFY_URL $PING_URL"
  planted+=' http://me:planted-password@proxy.test planted-in-credentials'
  for echoed in AccessDenied InvalidAccessKeyId SlowDown; do
    faults "{\"kind\": \"$echoed\", \"message\": \"Credential=$planted\"}"
    run ! upload
    says 'level=error .* aws='
    says_not planted
    mkdir -p "$BUILD_DIR"
    printf '# change a\nevent/1.html\n' >"$BUILD_DIR/pending-paths"
    run ! invalidate
    says 'level=error .* aws='
    says_not planted
    run -1 grep -r planted "$BUILD_DIR"
  done
  ask DELETE /-/faults
  # An address with a password, from each place that may name it.
  export AWS_MAX_ATTEMPTS=1
  AWS_ENDPOINT_URL=http://me:planted-password@127.0.0.1:9 run ! upload
  says 'another server than AWS.* endpoint=http://127.0.0.1:9'
  says_not planted
  printf '[default]\nendpoint_url = http://me:planted-password@127.0.0.1:9\n' >"$HOME/.aws/config"
  AWS_ENDPOINT_URL='' run ! upload
  says 'another server than AWS'
  says_not planted
  HTTPS_PROXY=http://me:planted-password@127.0.0.1:9 AWS_ENDPOINT_URL=https://s3.test run -75 upload
  says 'check HTTPS_PROXY'
  says_not planted
  run -1 grep -r planted "$BUILD_DIR"
}

@test "A key pair whose parts are swapped is refused with 78 before any call" {
  ask DELETE /-/log
  UPLOAD_AWS_ACCESS_KEY_ID=larkfield/upload+secret00000000000000000 UPLOAD_AWS_SECRET_ACCESS_KEY=AKIALARKFIELDUPLOAD0 run -78 upload
  says 'key=UPLOAD_AWS_ACCESS_KEY_ID rc=78'
  says_not 'upload\+secret'
  AWS_ACCESS_KEY_ID=larkfield0upload0secret00000000000000000 AWS_SECRET_ACCESS_KEY=ASIALARKFIELDUPLOAD0 run -78 upload
  says 'swapped'
  same "$(calls)" ''
}
