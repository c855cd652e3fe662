# common.sh: functions that the commands in bin/ share; sourced, never run.
# The caller sets STEP before it logs.
# shellcheck shell=bash

# shellcheck disable=SC2034  # the commands use them
readonly EX_FAILED=1 EX_USAGE=2 EX_REFUSED=65 EX_UNAVAILABLE=75 EX_CONFIG=78
umask go-w # no file is for every user to write, whatever the caller allows
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly ROOT
export RUN_ID=${RUN_ID:-${INVOCATION_ID:-}}
# Without make: put the project's Python first in PATH, but keep the aws of the caller's PATH.
if [[ -d $ROOT/.venv/bin && :$PATH: != *:$ROOT/.venv/bin:* ]]; then
  export callers_aws && callers_aws=$(type -P aws) || true
  export PATH=$ROOT/.venv/bin:$PATH
fi

# shellcheck source=log.sh
source "$ROOT/scripts/log.sh"

# at_exit: a command may define its own
at_exit() { :; }

# ended: the end of every command. Only documented exit codes leave it; bash itself ends with 254 if it
# cannot start a process, and with 126 or 127 if it cannot start a program.
ended() {
  local rc=$? why
  at_exit || true
  case $rc in
    0 | 1 | 2 | 65 | 75 | 78) return ;;
    126 | 127) why='cannot start a program; the line before names it' ;;
    254) why='cannot start another process: too many are running (pids limit, ulimit -u)' ;;
    *) why='ended with an unknown exit code' ;;
  esac
  STEP=${STEP:-${0##*/}} RUN_ID=${RUN_ID:--}
  [[ $STEP != publish ]] || why="publish failed: $why"
  write_log error "$why" "status=$rc" "rc=$EX_FAILED"
  exit "$EX_FAILED"
}
trap ended EXIT
shopt -s execfail # so that `ended` runs when exec fails

usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

new_run_id() { printf '%s-%04x\n' "$(date -u +%Y%m%dT%H%M%SZ)" "$((RANDOM * 2))"; }
[[ -n $RUN_ID ]] || RUN_ID=$(new_run_id)

# die CODE MESSAGE [KEY=VALUE...]: log the reason and end with CODE, or with 1 if it is not a documented one
die() {
  local code=$1
  shift
  [[ $code =~ ^(1|2|65|75|78)$ ]] || { set -- "$@" "status=$code" && code=$EX_FAILED; }
  log error "$@" "rc=$code"
  exit "$code"
}

die_usage() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  usage >&2
  exit "$EX_USAGE"
}

# load_env [READER]: export the settings of .env (or $ENV_FILE) that the environment does not have.
# READER, a program and its options, prints each as KEY=value and a NUL character, or logs the faults.
load_env() {
  local file=${ENV_FILE:-$ROOT/.env} setting
  # A session token without its key pair is of another login than the pair in the file.
  [[ -n ${AWS_ACCESS_KEY_ID:-}${AWS_ACCESS_KEY_ID_FILE:-} ]] || unset AWS_SESSION_TOKEN AWS_SECURITY_TOKEN
  if (($# == 0)); then
    [[ -e $file && $file != /dev/null ]] || return 0
    set -- "$ROOT/scripts/read_env.py" "${STEP:-settings}" "$file"
  fi
  while IFS= read -r -d '' setting; do
    [[ -v ${setting%%=*} ]] || export "${setting?}"
  done < <(python3 "$@")
  wait "$!" || return "$?"
}

# Of several libraries on this machine, LIBRARY names one (make NAME=): its units, state and settings
if [[ -n ${LIBRARY:-} ]]; then
  [[ $LIBRARY =~ ^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$ && $LIBRARY != env ]] ||
    die_usage "NAME must be a word such as kilton: small letters, digits and hyphens"
  export COMPOSE_PROJECT_NAME=events-display-$LIBRARY ENV_FILE=${ENV_FILE:-/etc/events-display/$LIBRARY.env}
elif [[ -e $ROOT/installed-files && -e /etc/events-display/env ]]; then
  export ENV_FILE=${ENV_FILE:-/etc/events-display/env}
fi
# shellcheck disable=SC2034  # the commands use it
readonly SERVICE=events-display${LIBRARY:+@$LIBRARY}

# as_the_service: in an installed program, which root may run by hand, set the runner and state of its service
as_the_service() {
  [[ ! -e $ROOT/installed-files ]] || export RUNNER=docker BUILD_DIR=${BUILD_DIR:-/var/lib/events-display${LIBRARY:+-$LIBRARY}}
}

# require_env KEY...: end with 78 unless every setting has a value
require_env() {
  local key
  for key in "$@"; do
    [[ -n ${!key:-} ]] || die "$EX_CONFIG" "$key is not set; see .env.example" "key=$key"
  done
}

# require_package NAME: end with 78 unless Python can import it. Looks into the folder first: that is
# faster than starting Python.
require_package() {
  local python
  python=$(type -P python3)
  compgen -G "${python%/*}/../lib/python3*/site-packages/$1" >/dev/null ||
    python3 -c "import $1" 2>/dev/null ||
    die "$EX_CONFIG" 'a Python package is missing: run "make setup" first' "package=$1"
}

# enter_build_dir: make BUILD_DIR absolute (it is relative to the project); set RUN_DIR and PENDING_DIR
enter_build_dir() {
  BUILD_DIR=${BUILD_DIR:-build}
  [[ $BUILD_DIR == /* ]] || BUILD_DIR=$ROOT/$BUILD_DIR
  export BUILD_DIR PENDING_DIR=${PENDING_DIR:-$BUILD_DIR} # in a container, PENDING_DIR is a volume
  # shellcheck disable=SC2034  # the commands use it
  RUN_DIR=$BUILD_DIR/run
}

# seconds_since TIME: print the seconds since TIME, a value of EPOCHREALTIME
seconds_since() {
  local us=$((${EPOCHREALTIME/./} - ${1/./}))
  printf '%d.%02d' "$((us / 1000000))" "$((us % 1000000 / 10000))"
}
