#!/usr/bin/env bats
# bin/secrets: one file for each secret, for the containers alone; and what Compose's provider wants.

bats_require_minimum_version 1.5.0
load ../support/helper

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
  same "$(names)" "$(printf '%s 444\n' invalidate_credentials libcal_client_id libcal_client_secret logo upload_credentials)"
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
  same "$(secret upload_credentials)" ''
  same "$(names | wc -l)" 5
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
  same "$(names | wc -l)" 5
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
  same "$(names | wc -l)" 5
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
