# aws.sh: the AWS CLI for bin/upload and bin/invalidate; sourced after common.sh, never run.
# shellcheck shell=bash

# aws_begin ROLE: start the AWS CLI in the background with the keys of ROLE (UPLOAD, INVALIDATE)
aws_begin() {
  local program version rc=0
  aws_keys "$1"
  program=$(type -P "${AWS_CLI:-${callers_aws:-aws}}") || [[ -z ${AWS_CLI:-} ]] ||
    die "$EX_CONFIG" 'AWS_CLI is not a program: it must be one path without arguments' key=AWS_CLI "path=$AWS_CLI"
  if [[ -z $program || $program -ef $(dirname "$(type -P python3)")/aws ]]; then
    require_package awscli
  else
    export AWS_CLI=$program
    version=$(timeout 40 "$AWS_CLI" --version 2>&1 </dev/null) || rc=$?
    ((rc != 124)) || # a busy machine, or a program that waits; the setting may be right
      die "$EX_FAILED" 'AWS_CLI did not show its version in 40 seconds' key=AWS_CLI "path=$AWS_CLI"
    ((rc == 0)) ||
      die "$EX_CONFIG" 'AWS_CLI cannot be run' key=AWS_CLI "path=$AWS_CLI" "detail=${version##*$'\n'}"
    export AWS_CLI_VERSION=${version%%[[:space:]]*}
    log info 'using an AWS CLI other than the tested one' "aws=$AWS_CLI" "version=${version%%$'\n'*}"
  fi
  mkdir -p "$RUN_DIR" || die "$EX_FAILED" 'cannot write to the build folder' "path=$RUN_DIR"
  trap '' PIPE # the missing answer shows that the CLI died
  coproc aws_session { exec python3 "$ROOT/scripts/aws_session.py" "$1" "$RUN_DIR/aws.out"; }
  exec {aws_to}>&"${aws_session[1]}" {aws_from}<&"${aws_session[0]}"
}

# aws ARGUMENT...: run one command; set aws_rc (our exit code), aws_error, aws_files (uploaded or
# deleted), aws_advice and aws_detail. Each request is retried twice, so three times
# aws_read_timeout must be below the time limit of the step in bin/publish.
aws_read_timeout=15
aws() {
  aws_rc=$EX_FAILED aws_error=- aws_files=0 aws_detail=-
  aws_advice='the AWS CLI was killed or crashed; the next run continues'
  # If the CLI dies, an earlier answer must not count as that to this command.
  if ! { : >"$RUN_DIR/aws.out" && : >"$RUN_DIR/aws.err"; }; then
    aws_advice="cannot write to $RUN_DIR"
    return 1
  fi
  set -- "$@" --output json --cli-connect-timeout 5 --cli-read-timeout "$aws_read_timeout"
  printf '%s\0' "$#" "$@" >&"$aws_to" || return 1
  local answer # after the death of the CLI, read into all five would empty them
  IFS='' read -r -u "$aws_from" answer || return 1
  # shellcheck disable=SC2034  # the commands use them
  IFS=$'\t' read -r aws_rc aws_error aws_files aws_advice aws_detail <<<"$answer"
  ((aws_rc == 0))
}

# aws_keys ROLE: export ROLE_AWS_... as AWS_...; each may come as a file (NAME_FILE)
aws_keys() {
  local id secret token
  id=$(secret "$1_AWS_ACCESS_KEY_ID")
  secret=$(secret "$1_AWS_SECRET_ACCESS_KEY")
  token=$(secret "$1_AWS_SESSION_TOKEN")
  if [[ -z $id$secret ]]; then
    id=$(secret AWS_ACCESS_KEY_ID)
    secret=$(secret AWS_SECRET_ACCESS_KEY)
    token=$(secret AWS_SESSION_TOKEN)
    token=${token:-${AWS_SECURITY_TOKEN:-}} # the old name
  fi
  [[ -n $id || -z $secret ]] ||
    die "$EX_CONFIG" "$1_AWS_ACCESS_KEY_ID is not set, but its secret is: set both or neither" \
      "key=$1_AWS_ACCESS_KEY_ID"
  [[ -n $secret || -z $id ]] ||
    die "$EX_CONFIG" "$1_AWS_SECRET_ACCESS_KEY is not set, but its key id is: set both or neither" \
      "key=$1_AWS_SECRET_ACCESS_KEY"
  if [[ $secret =~ ^A[KS]IA[A-Z0-9]{12,}$ || $id == *[+/=]* ]]; then
    die "$EX_CONFIG" "$1_AWS_ACCESS_KEY_ID is no access key id: it may be swapped with its secret" \
      "key=$1_AWS_ACCESS_KEY_ID"
  fi
  [[ -n $id ]] || return 0 # the CLI's own chain: a profile or instance role
  # Of another login, which must not mix with this key pair.
  unset "${!AWS_ROLE_@}" "${!AWS_CONTAINER_@}" AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN \
    AWS_SECURITY_TOKEN AWS_WEB_IDENTITY_TOKEN_FILE AWS_CREDENTIAL_EXPIRATION
  export AWS_ACCESS_KEY_ID=$id AWS_SECRET_ACCESS_KEY=$secret AWS_EC2_METADATA_DISABLED=true
  [[ -z $token ]] || export AWS_SESSION_TOKEN=$token
}

# secret NAME: print its value, or the content of the file named by NAME_FILE
secret() {
  local file=$1_FILE
  if [[ -n ${!1:-} ]]; then
    printf '%s' "${!1}"
  elif [[ -n ${!file:-} ]]; then
    [[ -r ${!file} ]] || die "$EX_CONFIG" "$file cannot be read by uid $EUID" "key=$file" "path=${!file}"
    printf '%s' "$(<"${!file}")"
  fi
}

# aws_one_at_a_time: take the lock on the publish state, or end with 75. In containers, the two steps
# share the folder with their group only.
# The CLI inherits the lock on purpose: while an orphaned CLI still writes, no other run may. It dies
# with its step, so a wait of one second is enough.
aws_one_at_a_time() {
  local lock=$PENDING_DIR/state.lock
  mkdir -p "$BUILD_DIR" "$PENDING_DIR" || die "$EX_FAILED" 'cannot write to the build folder' "path=$BUILD_DIR"
  [[ ! -L $lock ]] || die "$EX_REFUSED" 'guard: link in place of a file' "path=$lock"
  { [[ -e $lock ]] || (umask 0113 && : >"$lock") && exec {state_lock}>>"$lock"; } ||
    die "$EX_FAILED" 'cannot write to the build folder' "path=$lock"
  flock -w 1 "$state_lock" || die "$EX_UNAVAILABLE" 'another upload or invalidation is running' \
    "holder=$(<"$lock")"
  # shellcheck disable=SC2329  # called by `ended`
  at_exit() { flock -u "$state_lock"; }
  printf 'step=%s pid=%s run=%s\n' "$STEP" "$$" "$RUN_ID" >"$lock" ||
    die "$EX_FAILED" 'cannot write to the build folder' "path=$lock"
}
