#!/usr/bin/env bash
# Usage: scripts/install.sh install | uninstall      (called by make install, make uninstall)
#
# Installs the program, its systemd units and its user, for a timer that publishes in Docker:
#
#   $LIBDIR                          the program ($PREFIX/lib/events-display), and its VERSION
#   $UNITDIR/events-display*         service, timer, notice
#   $SYSUSERSDIR/events-display.conf
#   $SYSCONFDIR/events-display/env   the settings, 0600; never overwritten, never removed
#
# LIBRARY=NAME adds another library, which shares the program and the images only: the units
# events-display@NAME and the settings $SYSCONFDIR/events-display/NAME.env.
#
# Enables and starts no unit. Waits for a run in progress. With DESTDIR, for packages, only
# writes files. TIMEZONE and SCHEDULE are those of the timer; default: the ones in the settings.
#
# Exit status: 0 done; 1 failed; 2 wrong usage; 75 the current run did not end; 78 TIMEZONE or
# SCHEDULE is wrong.

set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=common.sh
source "$(dirname "$(realpath "$0")")/common.sh"

readonly NAME=events-display LIBRARY=${LIBRARY:-}

# put MODE FILE: install it below LIBDIR and add it to the list that uninstall reads
put() {
  install -D -m "$1" "$ROOT/$2" "$DESTDIR$LIBDIR/$2"
  printf '%s\n' "$LIBDIR/$2" >>"$list"
}

# settings_of LIBRARY: print the path of its settings; the library without a name is ''
settings_of() { printf '%s/%s/%s' "$SYSCONFDIR" "$NAME" "${1:-env}${1:+.env}"; }

# libraries: print the names of those that are installed, and of the one to be installed
libraries() {
  {
    printf '%s\n' "$LIBRARY"
    [[ ! -d $DESTDIR$LIBDIR/libraries ]] || (cd "$DESTDIR$LIBDIR/libraries" && printf '%s\n' *)
  } | sed '/^$/d' | sort -u
}

# units LIBRARY: install its service, timer and notice, each with its placeholders replaced
units() {
  local file target zone schedule times unit=$NAME${1:+@$1} notice=$NAME-notify${1:+-$1} state=$NAME${1:+-$1}
  read_times "$1"
  for file in "$NAME.service" "$NAME.timer" "$NAME-notify@.service"; do
    target=${file/#$NAME-notify/$notice} && target=$UNITDIR/${target/#$NAME./$unit.}
    sed -e "s|@LIBDIR@|$LIBDIR|g" -e "s|@SETTINGS@|$(settings_of "$1")|g" -e "s|@SCHEDULE@|$schedule|g" \
      -e "s|^@ON_CALENDAR@|${times//$'\n'/\\n}|" -e "s|@UNIT@|$unit|g" -e "s|@NOTIFY@|$notice|g" \
      -e "s|@PROJECT@|${1:+ COMPOSE_PROJECT_NAME=$state}|g" -e "s|@STATE@|$state|g" "$ROOT/systemd/$file.in" |
      install -D -m 0644 /dev/stdin "$DESTDIR$target"
    printf '%s\n' "$target" >>"$list"
  done
  target=$DESTDIR$(settings_of "$1")
  [[ -e $target ]] || install -D -m 0600 "$ROOT/.env.example" "$target"
}

# read_times LIBRARY: set zone, schedule and times, the lines of the timer
read_times() {
  local settings
  settings=$DESTDIR$(settings_of "$1") zone='' schedule=''
  [[ $1 != "$LIBRARY" ]] || zone=${TIMEZONE:-} schedule=${SCHEDULE:-}
  if [[ -r $settings ]]; then
    zone=${zone:-$(sed -n "s/^TIMEZONE=['\"]\{0,1\}\([A-Za-z0-9_/+-]*\).*/\1/p" "$settings")}
    schedule=${schedule:-$(sed -n "s/^SCHEDULE='\(.*\)'$/\1/p" "$settings")}
  fi
  zone=${zone:-America/New_York} schedule=${schedule:-Mon-Sat 9:00-18:00 /15}
  ! type -P systemd-analyze >/dev/null || systemd-analyze calendar "Mon 09:00 $zone" >/dev/null 2>&1 ||
    die "$EX_CONFIG" "TIMEZONE is not a time zone such as America/New_York" "TIMEZONE=$zone"
  times=$(SCHEDULE=$schedule TIMEZONE=$zone python3 "$ROOT/scripts/print_schedule.py" timer)
  # Libraries of one machine do not start at the same moment.
  [[ -z $1 ]] || times+=$'\nRandomizedDelaySec=4min\nFixedRandomDelay=true'
}

# install_all: sets zone and schedule
install_all() {
  local file library names old=$DESTDIR$LIBDIR/installed-files times
  mapfile -t names < <(libraries)
  for library in "${names[@]}" '' "$LIBRARY"; do read_times "$library"; done
  scratch=$(mktemp)
  list=$scratch
  trap 'rm -f "$scratch"' EXIT
  while read -r file; do
    if [[ -x $ROOT/$file ]]; then put 0755 "$file"; else put 0644 "$file"; fi
  done < <(cd "$ROOT" && find Makefile pyproject.toml LICENSE .env.example requirements.txt requirements-aws.txt \
    bin docker scripts systemd templates -type f -not -path '*/__pycache__/*' -not -path 'docker/*/*')
  "$ROOT/scripts/version.sh" | install -m 0644 /dev/stdin "$DESTDIR$LIBDIR/VERSION"
  printf '%s\n' "$LIBDIR/VERSION" >>"$list"
  units ''
  install -D -m 0644 "$ROOT/systemd/$NAME.sysusers" "$DESTDIR$SYSUSERSDIR/$NAME.conf"
  printf '%s\n' "$SYSUSERSDIR/$NAME.conf" >>"$list"
  # Remove the files that only an older version had.
  [[ ! -e $old ]] || sort "$old" | comm -23 - <(sort "$list") | remove_listed
  install -m 0644 "$list" "$DESTDIR$LIBDIR/installed-files"
  for library in "${names[@]}"; do
    mkdir -p "$DESTDIR$LIBDIR/libraries"
    list=$DESTDIR$LIBDIR/libraries/$library
    : >"$list"
    units "$library"
  done
}

# remove_listed: remove the files on stdin, then the empty folders of the program
remove_listed() {
  local file
  while read -r file; do
    rm -f "$DESTDIR$file"
  done
  find "$DESTDIR$LIBDIR" -type d -empty -delete
}

# wait_for_run LIBRARY
wait_for_run() {
  local lock state=/var/lib/$NAME${1:+-$1}
  [[ -z $DESTDIR && -e $state/publish.lock ]] || return 0
  exec {lock}<"$state/publish.lock"
  flock --nonblock "$lock" || log info 'waiting for the current run to end'
  flock --wait 780 "$lock" ||
    die "$EX_UNAVAILABLE" 'the current run did not end in 13 minutes; try again later' "lock=$state/publish.lock"
}

wait_for_all_runs() {
  local library
  wait_for_run ''
  while read -r library; do wait_for_run "$library"; done < <(libraries)
}

# uninstall_library NAME: remove the units of one of several libraries
uninstall_library() {
  local files own=$LIBDIR/libraries/$1
  [[ -e $DESTDIR$own ]] || die "$EX_FAILED" 'this library is not installed' "path=$DESTDIR$own"
  wait_for_run "$1"
  [[ -n $DESTDIR || ! -d /run/systemd/system ]] || systemctl disable --quiet --now "$NAME@$1.timer"
  mapfile -t files <"$DESTDIR$own"
  printf '%s\n' "${files[@]}" "$own" | remove_listed
  [[ -n $DESTDIR || ! -d /run/systemd/system ]] || systemctl daemon-reload
  printf 'Removed. Kept: the settings (%s), the state (/var/lib/%s) and the volumes (%s_*).\n' \
    "$(settings_of "$1")" "$NAME-$1" "$NAME-$1"
}

uninstall_all() {
  local files others
  [[ -e $DESTDIR$LIBDIR/installed-files ]] ||
    die "$EX_FAILED" 'events-display is not installed' "path=$DESTDIR$LIBDIR"
  others=$(libraries)
  [[ -z $others ]] ||
    die "$EX_FAILED" 'remove the other libraries first: make uninstall NAME=...' "libraries=${others//$'\n'/,}"
  wait_for_run ''
  [[ -n $DESTDIR || ! -d /run/systemd/system ]] || systemctl disable --quiet --now "$NAME.timer"
  # Python wrote these when root ran bin/check.
  find "$DESTDIR$LIBDIR/scripts" -name __pycache__ -exec rm -rf {} +
  mapfile -t files <"$DESTDIR$LIBDIR/installed-files"
  printf '%s\n' "${files[@]}" "$LIBDIR/installed-files" | remove_listed
  [[ -n $DESTDIR || ! -d /run/systemd/system ]] || systemctl daemon-reload
  printf 'Removed. Kept: the settings (%s), the state (%s), the images and the volume.\n' \
    "$SYSCONFDIR/$NAME" "/var/lib/$NAME"
}

STEP=install
: "${DESTDIR=}" "${LIBDIR:?}" "${UNITDIR:?}" "${SYSUSERSDIR:?}" "${SYSCONFDIR:?}"
case ${1:-} in
  install)
    wait_for_all_runs
    install_all
    [[ -z $DESTDIR ]] || exit 0
    systemd-sysusers "$SYSUSERSDIR/$NAME.conf"
    [[ ! -d /run/systemd/system ]] || systemctl daemon-reload
    settings=$(settings_of "$LIBRARY")
    read_times "$LIBRARY"
    printf 'Installed. The timer runs %s, in the time zone %s (to change it: SCHEDULE and TIMEZONE in the settings). Next:\n' \
      "$schedule" "$zone"
    printf '  %s\n' "sudoedit $settings && sudo make -C $LIBDIR image" \
      "sudo ${LIBRARY:+LIBRARY=$LIBRARY }$LIBDIR/bin/check $settings && sudo systemctl enable --now $SERVICE.timer"
    ;;
  uninstall) if [[ -n $LIBRARY ]]; then uninstall_library "$LIBRARY"; else uninstall_all; fi ;;
  -h | --help) usage ;;
  *) die_usage 'the first argument must be install or uninstall' ;;
esac
