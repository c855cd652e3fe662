# log.sh: the log of the commands in bin/, the same as scripts/log.py writes; sourced by common.sh.
# shellcheck shell=bash

# LOG_FORMAT: logfmt in files and pipes, the same with a priority in the journal, short lines on a terminal
if [[ ! ${LOG_FORMAT:-} =~ ^(logfmt|journal|terminal)$ ]]; then
  LOG_FORMAT=logfmt
  if [[ -t 2 ]]; then
    LOG_FORMAT=terminal
  elif [[ -n ${JOURNAL_STREAM:-} && $JOURNAL_STREAM == "$(stat -Lc %d:%i /dev/fd/2)" ]]; then
    LOG_FORMAT=journal
  fi
fi

# The settings whose values never reach the log; the same in log.py.
readonly SECRET_NAMES='(_SECRET|_TOKEN|_PASSWORD|ACCESS_KEY_ID|ACCESS_KEY)$|^(NOTIFY|PING)_URL$'

# log LEVEL MESSAGE [KEY=VALUE...]
log() {
  local words=()
  redact "${@:2}"
  write_log "$1" "${words[@]}"
}

# write_log LEVEL MESSAGE [KEY=VALUE...]: log it as it is, without starting a process
write_log() {
  local line pair level=$1 message=$2 logged
  shift 2
  if [[ $LOG_FORMAT == terminal ]]; then
    log_for_terminal "$level" "$message" "$@"
    return
  fi
  log_value "$message"
  line="level=$level step=$STEP run=$RUN_ID msg=$logged"
  for pair in "$@"; do
    log_value "${pair#*=}"
    line+=" ${pair%%=*}=$logged"
  done
  if [[ $LOG_FORMAT == journal ]]; then
    case $level in
      error) line="<3>$line" ;;
      warn) line="<4>$line" ;;
      *) line="<6>$line" ;;
    esac
  fi
  printf '%s\n' "$line" >&2
}

# redact TEXT...: set `words` to the texts without secrets and without the logins in addresses
redact() {
  # A signal's trap may log while `IFS= read` waits, with that IFS in force.
  local IFS=$' \t\n' name value secret text secrets=()
  for name in $(compgen -e); do
    value=${!name}
    if [[ $name =~ $SECRET_NAMES ]]; then
      secrets+=("$value")
      [[ ! $value =~ ^https?://[^/]+(/.+) ]] || secrets+=("${BASH_REMATCH[1]}") # an error may name only the path
    elif [[ $name == *_FILE && ${name%_FILE} =~ $SECRET_NAMES ]]; then
      [[ ! -f $value || ! -r $value ]] || secrets+=("$(<"$value")")
    elif [[ $value =~ ://[^:/]*:(.+)@ ]]; then
      secrets+=("${BASH_REMATCH[1]}")
    fi
  done
  for text in "$@"; do
    for secret in "${secrets[@]}"; do
      ((${#secret} < 4)) || text=${text//"$secret"/[redacted]}
    done
    while [[ $text =~ ^(.*://)[^/[:space:]]+@(.*)$ ]]; do text=${BASH_REMATCH[1]}${BASH_REMATCH[2]}; done
    words+=("$text")
  done
}

# log_value VALUE: set `logged` to it, in quotes where logfmt needs them
log_value() {
  local value=$1
  if [[ $value =~ ^[A-Za-z0-9_./:@%+,*#-]+$ ]]; then
    logged=$value
  else
    value=${value//\\/\\\\}
    value=${value//\"/\\\"}
    value=${value//$'\n'/\\n}
    value=${value//$'\r'/\\r}
    logged="\"${value//$'\t'/\\t}\""
  fi
}

# log_for_terminal LEVEL MESSAGE [KEY=VALUE...]: time, step, message, values; without control characters
log_for_terminal() {
  local pair value color='' text=$2 shown=''
  case $1 in
    error) color=$'\e[31m' text="error: $text" ;;
    warn) color=$'\e[33m' text="warning: $text" ;;
    *) ;;
  esac
  text=${text//[[:cntrl:]]/?}
  [[ -z $color || -n ${NO_COLOR:-} ]] || text=$color$text$'\e[0m'
  for pair in "${@:3}"; do
    value=${pair#*=} value=${value//[[:cntrl:]]/?}
    [[ $pair != rc=0 ]] || continue
    [[ -n $value && $value != *[\ \"=]* ]] || value="\"$value\""
    shown+=" ${pair%%=*}=$value"
  done
  printf '%(%H:%M:%S)T %-11s %s%s\n' -1 "$STEP" "$text" "${shown:+ $shown}" >&2
}
