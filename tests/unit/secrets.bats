#!/usr/bin/env bats
# bin/secrets: one file for each secret, for the containers alone; and what Compose's provider wants.

bats_require_minimum_version 1.5.0
load ../support/helper

NAMES="aws_ca_bundle branches invalidate_command invalidate_config invalidate_credentials invalidate_identity_token
  invalidate_shared_credentials libcal_client_id libcal_client_secret logo owner requests_ca_bundle
  upload_config upload_credentials upload_identity_token upload_shared_credentials"

setup() {
  own_environment
  export SECRETS_DIR=$BATS_TEST_TMPDIR/secrets
}

secret() { printf '%s' "$(<"$SECRETS_DIR/$1")"; }
names() { find "$SECRETS_DIR" -mindepth 1 -printf '%P %m\n' | LC_ALL=C sort; }

# settings LINE...: as the .env file
settings() {
  export ENV_FILE=$BATS_TEST_TMPDIR/env
  printf '%s\n' "$@" >"$ENV_FILE"
}

@test "Each secret has a file of its own, read by any container's user, in a folder that only the owner can open" {
  settings LIBCAL_CLIENT_ID=101 'LIBCAL_CLIENT_SECRET=planted' \
    UPLOAD_AWS_ACCESS_KEY_ID=AKUP UPLOAD_AWS_SECRET_ACCESS_KEY=up/+= \
    INVALIDATE_AWS_ACCESS_KEY_ID=AKIN INVALIDATE_AWS_SECRET_ACCESS_KEY=in/+= INVALIDATE_AWS_SESSION_TOKEN=token
  run -0 secrets
  same "$output" ''
  same "$(stat -c %a "$SECRETS_DIR")" 700
  # shellcheck disable=SC2086  # words
  same "$(names)" "$(printf '%s 444\n' $NAMES)"
  same "$(secret libcal_client_id)" 101
  same "$(secret libcal_client_secret)" planted
  same "$(secret upload_credentials)" $'[default]\naws_access_key_id = AKUP\naws_secret_access_key = up/+='
  same "$(secret invalidate_credentials)" \
    $'[default]\naws_access_key_id = AKIN\naws_secret_access_key = in/+=\naws_session_token = token'
}

@test "A role without its own key pair gets the whole common pair" {
  settings AWS_ACCESS_KEY_ID=AKALL AWS_SECRET_ACCESS_KEY=all AWS_SESSION_TOKEN=token \
    UPLOAD_AWS_ACCESS_KEY_ID=AKUP UPLOAD_AWS_SECRET_ACCESS_KEY=up
  run -0 secrets write
  same "$(secret upload_credentials)" $'[default]\naws_access_key_id = AKUP\naws_secret_access_key = up'
  same "$(secret invalidate_credentials)" \
    $'[default]\naws_access_key_id = AKALL\naws_secret_access_key = all\naws_session_token = token'
}

@test "Without keys the file is empty, so that the AWS CLI uses its own credentials" {
  run -0 secrets write
  [[ ! -s $SECRETS_DIR/upload_credentials && ! -s $SECRETS_DIR/invalidate_credentials ]] || fail 'not empty'
  same "$(names | wc -l)" "$(wc -w <<<"$NAMES")"
}

@test "A secret may come from a file" {
  printf 'of-a-file\n' >"$BATS_TEST_TMPDIR/value"
  settings LIBCAL_CLIENT_ID=101 "LIBCAL_CLIENT_SECRET_FILE=$BATS_TEST_TMPDIR/value" \
    UPLOAD_AWS_ACCESS_KEY_ID=AKUP "UPLOAD_AWS_SECRET_ACCESS_KEY_FILE=$BATS_TEST_TMPDIR/value"
  run -0 secrets write
  same "$(secret libcal_client_secret)" of-a-file
  same "$(secret upload_credentials)" $'[default]\naws_access_key_id = AKUP\naws_secret_access_key = of-a-file'
  rm "$BATS_TEST_TMPDIR/value"
  run -78 secrets write
  says 'cannot be read by uid [0-9]+" key=LIBCAL_CLIENT_SECRET_FILE'
}

@test "Half a key pair is refused, and the old files remain" {
  LIBCAL_CLIENT_ID=101 secrets write
  settings LIBCAL_CLIENT_ID=102 UPLOAD_AWS_ACCESS_KEY_ID=AKUP
  run -78 secrets write
  says 'msg="UPLOAD_AWS_SECRET_ACCESS_KEY is not set, .* key=UPLOAD_AWS_SECRET_ACCESS_KEY'
  same "$(secret libcal_client_id)" 101
}

@test "The logo is copied too, and a missing one is refused before a file is written" {
  printf '\x89PNG\r\n\x00\xff' >"$BATS_TEST_TMPDIR/our logo.png"
  LOGO="$BATS_TEST_TMPDIR/our logo.png" run -0 secrets write
  cmp "$BATS_TEST_TMPDIR/our logo.png" "$SECRETS_DIR/logo"
  secrets remove
  LOGO=nowhere.svg run -78 secrets write
  says "key=LOGO path=.*/nowhere\.svg"
  [[ ! -e $SECRETS_DIR ]] || fail 'something was written'
}

@test "The environment wins over the file" {
  settings LIBCAL_CLIENT_SECRET=of-the-file
  LIBCAL_CLIENT_SECRET=of-the-environment run -0 secrets write
  same "$(secret libcal_client_secret)" of-the-environment
}

@test "A new secret replaces the old one, also after a killed run" {
  LIBCAL_CLIENT_SECRET=old secrets write
  printf 'half' >"$SECRETS_DIR/libcal_client_secret.new"
  chmod 0444 "$SECRETS_DIR/libcal_client_secret.new"
  exec 8<"$SECRETS_DIR/libcal_client_secret"
  LIBCAL_CLIENT_SECRET=new run -0 secrets write
  same "$(secret libcal_client_secret)" new
  same "$(cat <&8)" old # a container that has the file mounted still reads the old secret
  exec 8<&-
  same "$(names | wc -l)" "$(wc -w <<<"$NAMES")"
}

@test "remove removes the secrets and the folder, but no file of others" {
  secrets write
  run -0 secrets remove
  [[ ! -e $SECRETS_DIR ]] || fail 'the folder is still there'
  run -0 secrets remove
  secrets write
  printf 'mine\n' >"$SECRETS_DIR/mine"
  chmod 644 "$SECRETS_DIR/mine"
  run -0 secrets remove
  same "$(names)" 'mine 644'
}

@test "For Compose it is a provider: up writes, down removes, and stdout has only JSON" {
  run -0 secrets compose --project-name=events-display up secrets
  same "$output" ''
  same "$(names | wc -l)" "$(wc -w <<<"$NAMES")"
  run -0 secrets compose --project-name=events-display metadata
  same "$output" ''
  run -0 secrets compose --project-name=events-display down secrets
  [[ ! -e $SECRETS_DIR ]] || fail 'the folder is still there'
}

@test "A wrong .env is reported to Compose as JSON, without the value" {
  settings 'LIBCAL_CLIENT_SECRET=two "planted" words'
  run -78 --separate-stderr secrets compose --project-name=events-display up secrets
  python -c 'import json, sys; assert json.loads(sys.argv[1])["type"] == "error"' "$output"
  says 'needs single quotes: LIBCAL_CLIENT_SECRET='
  says_not planted
  run -78 secrets write
  says 'needs single quotes: LIBCAL_CLIENT_SECRET='
  says_not planted
  [[ ! -e $SECRETS_DIR ]] || fail 'something was written'
}

@test "Unknown actions are wrong usage" {
  run -2 secrets show
  says 'unknown action: show'
  run -0 secrets --help
  says '^Usage: bin/secrets'
}

@test "The files of a profile are for the role without a key pair of its own" {
  printf '[p]\naws_secret_access_key = planted\n' >"$BATS_TEST_TMPDIR/credentials"
  printf '[profile p]\nregion = eu-west-1\naws_secret_access_key = planted\n' >"$BATS_TEST_TMPDIR/config"
  settings AWS_PROFILE=p "AWS_SHARED_CREDENTIALS_FILE=$BATS_TEST_TMPDIR/credentials" \
    "AWS_CONFIG_FILE=$BATS_TEST_TMPDIR/config" UPLOAD_AWS_ACCESS_KEY_ID=AKUP UPLOAD_AWS_SECRET_ACCESS_KEY=up
  run -0 secrets write
  same "$(secret invalidate_shared_credentials)" "$(<"$BATS_TEST_TMPDIR/credentials")"
  same "$(secret invalidate_config)" "$(<"$BATS_TEST_TMPDIR/config")"
  same "$(secret upload_config)" $'[profile p]\nregion = eu-west-1'
  [[ ! -s $SECRETS_DIR/upload_shared_credentials ]] || fail 'the uploader gets the keys of the profile'
}

@test "A profile without files named in the settings is that of the home folder, as with the AWS CLI" {
  mkdir "$BATS_TEST_TMPDIR/.aws"
  echo '[p]' >"$BATS_TEST_TMPDIR/.aws/credentials"
  settings AWS_PROFILE=p
  HOME=$BATS_TEST_TMPDIR run -0 secrets write
  same "$(secret upload_shared_credentials)" '[p]'
  settings S3_BUCKET=b
  HOME=$BATS_TEST_TMPDIR run -0 secrets write
  [[ ! -s $SECRETS_DIR/upload_shared_credentials ]] || fail 'a profile that no setting names'
}

@test "CA bundles and the token of a web identity are copied, and a missing file is refused" {
  local name
  echo token >"$BATS_TEST_TMPDIR/token"
  echo bundle >"$BATS_TEST_TMPDIR/ca.pem"
  settings "AWS_WEB_IDENTITY_TOKEN_FILE=$BATS_TEST_TMPDIR/token" "AWS_CA_BUNDLE=$BATS_TEST_TMPDIR/ca.pem" \
    "REQUESTS_CA_BUNDLE=$BATS_TEST_TMPDIR/ca.pem"
  run -0 secrets write
  same "$(secret upload_identity_token) $(secret invalidate_identity_token)" 'token token'
  same "$(secret aws_ca_bundle) $(secret requests_ca_bundle)" 'bundle bundle'
  for name in AWS_WEB_IDENTITY_TOKEN_FILE AWS_CA_BUNDLE REQUESTS_CA_BUNDLE LOGO BRANCHES AWS_CONFIG_FILE; do
    settings "$name=$BATS_TEST_TMPDIR/missing"
    run -78 secrets write
    says "msg=\"$name names a file that cannot be read\" key=$name path=.*/missing rc=78"
    same "$(secret aws_ca_bundle)" bundle
  done
}

@test "The owner of the volumes is the build folder, with and without a run" {
  BUILD_DIR=$BATS_TEST_TMPDIR/build secrets write
  same "$(secret owner)" "$BATS_TEST_TMPDIR/build"
  BUILD_DIR=$BATS_TEST_TMPDIR/build/docker secrets write
  same "$(secret owner)" "$BATS_TEST_TMPDIR/build"
  secrets write
  same "$(secret owner)" "$ROOT/build"
}
