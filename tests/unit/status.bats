#!/usr/bin/env bats
# bin/status with the answers of a stub of systemctl; tests/docker/test_systemd.py uses systemd.
# shellcheck disable=SC2016  # scripts in single quotes are for others to expand

bats_require_minimum_version 1.5.0
load ../support/helper

setup() {
  own_environment
  cat >"$BATS_TEST_TMPDIR/systemctl" <<'END'
#!/usr/bin/env bash
# systemctl show --property NAME --value UNIT, or systemctl cat UNIT
[[ $1 != cat ]] || { printf '[Timer]\nOnCalendar=Mon..Sat *-*-* 18:00:00 America/New_York\n' && exit; }
[[ "$1 $2 $4" == 'show --property --value' ]] || exit 9
sed -n "s/^$5 $3=//p" "${0%/*}/units"
END
  printf '#!/bin/sh\nprintf "%%s|" "$@" >"${0%%/*}/asked"; cat "${0%%/*}/journal"; [ -s "${0%%/*}/journal" ]\n' >"$BATS_TEST_TMPDIR/journalctl"
  chmod +x "$BATS_TEST_TMPDIR"/{systemctl,journalctl}
  PATH=$BATS_TEST_TMPDIR:$PATH
  : >"$BATS_TEST_TMPDIR/units"
  : >"$BATS_TEST_TMPDIR/journal"
}

unit() { printf '%s\n' "${@/#/events-display.service }" >>"$BATS_TEST_TMPDIR/units"; }
timer() { printf '%s\n' "${@/#/events-display.timer }" >>"$BATS_TEST_TMPDIR/units"; }

@test "Without a run the command says how to enable the timer" {
  unit ActiveState=inactive Result=success
  timer ActiveState=inactive
  run -0 "$ROOT/bin/status"
  says '^last run    no run yet$'
  says '^next run    not scheduled: systemctl enable --now events-display.timer$'
}

@test "A good run is 0, with its end, its summary and the next one" {
  unit ActiveState=inactive Result=success 'ExecMainExitTimestamp=Tue 2026-03-03 09:00:41 EST'
  timer ActiveState=active 'NextElapseUSecRealtime=Tue 2026-03-03 09:15:00 EST'
  printf 'level=info step=publish run=r7 msg="run ended" outcome=ok\n' >"$BATS_TEST_TMPDIR/journal"
  run -0 "$ROOT/bin/status"
  says '^last run    Tue 2026-03-03 09:00:41 EST: success$'
  says '^summary     level=info step=publish run=r7 msg="run ended" outcome=ok$'
  says '^next run    Tue 2026-03-03 09:15:00 EST$'
  says '^healthchecks Mon\.\.Sat \*-\*-\* 18:00:00 America/New_York$'
}

@test "A run that failed or timed out is 1" {
  local result
  timer ActiveState=active 'NextElapseUSecRealtime=Tue 2026-03-03 09:15:00 EST'
  for result in exit-code timeout; do
    : >"$BATS_TEST_TMPDIR/units"
    unit ActiveState=failed Result="$result" 'ExecMainExitTimestamp=Tue 2026-03-03 09:00:41 EST'
    run -1 "$ROOT/bin/status"
    says "^last run    Tue 2026-03-03 09:00:41 EST: $result$"
  done
}

@test "A run in progress is 0" {
  unit ActiveState=activating Result=success 'ExecMainStartTimestamp=Tue 2026-03-03 09:15:00 EST'
  timer ActiveState=active NextElapseUSecRealtime=
  run -0 "$ROOT/bin/status"
  says '^last run    in progress since Tue 2026-03-03 09:15:00 EST$'
  says '^next run    after this run$'
}

@test "The logs are those of the runs, and the options are journalctl's" {
  run "$ROOT/bin/status" --logs --since today
  same "$(<"$BATS_TEST_TMPDIR/asked")" '--unit|events-display.service|--output|short-iso|--since|today|'
  run -0 "$ROOT/bin/status" --summaries --lines 3
  says_not .
  grep -q -- '--output|short-iso|--grep|.*|--lines|3|$' "$BATS_TEST_TMPDIR/asked"
  printf '2026-03-03T09:00:41-0500 make[71]: level=info step=publish msg="run ended"\n' >"$BATS_TEST_TMPDIR/journal"
  run -0 "$ROOT/bin/status" --summaries
  same "$output" '2026-03-03T09:00:41-0500 level=info step=publish msg="run ended"'
}

@test "The changes are the lines of fetch about single events" {
  run -0 "$ROOT/bin/status" --changes --since today
  grep -q -- '|short-iso|--grep|^level=\[a-z\]+ step=fetch .*event (added.*|--since|today|$' "$BATS_TEST_TMPDIR/asked"
}

@test "With LIBRARY the units and the state are those of this library" {
  timer ActiveState=inactive
  LIBRARY=kilton run -0 "$ROOT/bin/status"
  says '^next run    not scheduled: systemctl enable --now events-display@kilton.timer$'
  run make --no-print-directory -C "$ROOT" logs NAME=kilton
  grep -q -- '--unit|events-display@kilton.service|' "$BATS_TEST_TMPDIR/asked"
}

@test "Unknown options are wrong usage" {
  run -2 "$ROOT/bin/status" --all
  says 'unknown option: --all'
  run -0 "$ROOT/bin/status" --help
  says '^Usage: bin/status'
}
