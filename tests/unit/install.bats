#!/usr/bin/env bats
# make install, make uninstall: the files, their modes, and the files that must not change. All files
# go below DESTDIR; tests/docker/test_systemd.py installs on a machine of its own.
# shellcheck disable=SC2016  # scripts in single quotes are for others to expand

bats_require_minimum_version 1.5.0
load ../support/helper

setup() {
  own_environment
  export DEST="$BATS_TEST_TMPDIR/an image" # a space, since a path may have one
  LIB=/usr/local/lib/events-display UNITS=/usr/local/lib/systemd/system SETTINGS=/etc/events-display/env
}

# A checkout of its own, for the tests that change it.
checkout() {
  PROJECT=$BATS_TEST_TMPDIR/project
  mkdir -p "$PROJECT"
  (cd "$ROOT" && cp -r --parents Makefile pyproject.toml LICENSE .env.example requirements*.txt bin docker scripts systemd templates "$PROJECT")
}

in_dest() { make --no-print-directory -C "${PROJECT:-$ROOT}" "$1" DESTDIR="$DEST" "${@:2}"; }
files() { (cd "$DEST" && find . -type f -printf '%P\n' | LC_ALL=C sort); }
mode() { stat -c %a "$DEST$1"; }

# The program's files as they are in the checkout, relative to it.
program() {
  (cd "$ROOT" && find Makefile pyproject.toml LICENSE .env.example requirements.txt requirements-aws.txt bin docker scripts systemd \
    templates -type f ! -path '*/__pycache__/*' ! -path 'docker/kubernetes/*' | LC_ALL=C sort)
}

@test "install writes the program, the units, the user and the settings, and no other file" {
  run -0 in_dest install
  same "$output" ''
  same "$(files)" "$(
    LC_ALL=C sort <(program | sed "s|^|${LIB#/}/|") - <<END
${LIB#/}/VERSION
${LIB#/}/installed-files
${UNITS#/}/events-display-notify@.service
${UNITS#/}/events-display.service
${UNITS#/}/events-display.timer
usr/local/lib/sysusers.d/events-display.conf
${SETTINGS#/}
END
  )"
}

@test "Every user can run the commands and read the other files; only root can read the settings" {
  (umask 077 && in_dest install)
  local file
  while IFS= read -r file; do
    case $file in
      "${SETTINGS#/}") same "$file $(mode "/$file")" "$file 600" ;;
      "${LIB#/}"/bin/* | "${LIB#/}"/scripts/*.sh | "${LIB#/}"/docker/*)
        if [[ -x $ROOT/${file#"${LIB#/}"/} ]]; then
          same "$file $(mode "/$file")" "$file 755"
        else
          same "$file $(mode "/$file")" "$file 644"
        fi
        ;;
      *) [[ $(mode "/$file") == @(644|755) ]] || fail "$file $(mode "/$file")" ;;
    esac
  done < <(files)
  same "$(find "$DEST/usr" -type d ! -perm 755)" ''
  same "$(mode "$LIB/bin/publish")" 755
}

@test "The units name the folder of the program for every prefix, also the second time" {
  local prefix
  for prefix in /usr /opt/events; do
    in_dest install PREFIX="$prefix"
    local units=$DEST$prefix/lib/systemd/system
    run ! grep -r '@[A-Z]*@' "$units" "$DEST$prefix/lib/sysusers.d"
    grep -q "^ExecStart=$prefix/lib/events-display/bin/notify " "$units/events-display-notify@.service"
    grep -q "^WorkingDirectory=$prefix/lib/events-display$" "$units/events-display.service"
    same "$(grep -rhoE '/(usr|opt|local)[a-z/]*/events-display/bin/[a-z]+' "$units" | grep -v "^$prefix/lib/" || true)" ''
  done
}

@test "The installed program runs from where it is" {
  in_dest install
  run -0 env -C / "$DEST$LIB/bin/check" --help
  says '^Usage: bin/check'
  printf 'LIBCAL_URL=http://example.org\n' >"$DEST$SETTINGS"
  run -78 "$DEST$LIB/bin/check" "$DEST$SETTINGS"
  says 'LIBCAL_CLIENT_ID is not set'
}

@test "VERSION names the version and the revision; images built from the installed program carry both" {
  checkout
  local version revision
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$ROOT/pyproject.toml")
  in_dest install
  same "$(<"$DEST$LIB/VERSION")" "$version unknown"
  git -C "$PROJECT" init --quiet
  git -C "$PROJECT" add .
  git -C "$PROJECT" -c user.name=a -c user.email=a@example.org commit --quiet --message=a
  revision=$(git -C "$PROJECT" rev-parse --short HEAD)
  in_dest install
  same "$(<"$DEST$LIB/VERSION")" "$version $revision"
  printf '\n' >>"$PROJECT/LICENSE"
  in_dest install
  same "$(<"$DEST$LIB/VERSION")" "$version $revision-dirty"

  mkdir "$BATS_TEST_TMPDIR/path"
  printf '#!/bin/sh\necho "$VERSION $REVISION"\n' >"$BATS_TEST_TMPDIR/path/docker"
  chmod +x "$BATS_TEST_TMPDIR/path/docker"
  PATH=$BATS_TEST_TMPDIR/path:$PATH run -0 make --no-print-directory -C "$DEST$LIB" image
  same "$output" "$version $revision-dirty"
}

@test "An upgrade keeps the settings and removes the files that the new version does not have" {
  checkout
  printf 'x\n' >"$PROJECT/templates/old.html"
  mkdir "$PROJECT/templates/old"
  printf 'x\n' >"$PROJECT/templates/old/page.html"
  in_dest install
  printf 'LIBCAL_URL=https://larkfield.libcal.com\n' >"$DEST$SETTINGS"
  rm -r "$PROJECT"/templates/old*
  in_dest install
  same "$(<"$DEST$SETTINGS")" 'LIBCAL_URL=https://larkfield.libcal.com'
  same "$(mode "$SETTINGS")" 600
  [[ ! -e $DEST$LIB/templates/old.html && ! -e $DEST$LIB/templates/old ]] || fail 'the old version is still there'
  [[ -e $DEST$LIB/templates/index.html ]]
}

@test "uninstall keeps the settings, the files of others and their folders" {
  mkdir -p "$DEST$UNITS" "$DEST$LIB/templates" "$DEST/opt/empty"
  printf 'mine\n' | tee "$DEST$UNITS/mine.service" "$DEST$LIB/templates/mine.html" >"$DEST/usr/local/lib/mine"
  in_dest install
  mkdir -p "$DEST$LIB/scripts/__pycache__" # written when root ran bin/check
  printf x >"$DEST$LIB/scripts/__pycache__/check.cpython-311.pyc"
  run -0 in_dest uninstall
  says '^Removed\. Kept: the settings'
  same "$(files)" "$(printf '%s\n' "${SETTINGS#/}" "${LIB#/}/templates/mine.html" usr/local/lib/mine "${UNITS#/}/mine.service")"
  [[ -d $DEST/opt/empty ]]
}

@test "uninstall keeps the folders that existed before" {
  mkdir -p "$DEST/opt/events/lib"
  in_dest install PREFIX=/opt/events
  in_dest uninstall PREFIX=/opt/events
  [[ -d $DEST/opt/events/lib ]] || fail 'the prefix was removed'
  [[ ! -e $DEST/opt/events/lib/events-display ]] || fail 'the program is still there'
}

@test "uninstall without an installation fails and says so" {
  run -2 in_dest uninstall
  says 'msg="events-display is not installed"'
}

@test "A secret beside the sources is not installed" {
  checkout
  mkdir -p "$PROJECT/docker/kubernetes/overlays/larkfield/secrets"
  printf 'planted' >"$PROJECT/docker/kubernetes/overlays/larkfield/secrets/libcal_client_secret"
  printf 'LIBCAL_CLIENT_SECRET=planted\n' >"$PROJECT/.env"
  in_dest install
  run ! grep -rl planted "$DEST"
}

@test "The timer uses TIMEZONE, else the zone of the settings, else New York" {
  local timer=$DEST$UNITS/events-display.timer
  zones() { sed -n 's/^OnCalendar=.* //p' "$timer" | sort -u; }
  in_dest install
  same "$(zones)" America/New_York
  printf "TIMEZONE='Europe/Copenhagen'\n" >"$DEST$SETTINGS"
  in_dest install
  same "$(zones)" Europe/Copenhagen
  in_dest install TIMEZONE=America/Los_Angeles
  same "$(zones)" America/Los_Angeles
}

@test "The timer runs by SCHEDULE, else by that of the settings, else Monday to Saturday, 9:00 to 18:00" {
  local timer=$DEST$UNITS/events-display.timer
  lines() { grep '^OnCalendar=' "$timer"; }
  in_dest install
  same "$(lines)" "$(printf 'OnCalendar=Mon..Sat *-*-* %s America/New_York\n' 09..17:00/15:00 18:00:00)"
  grep -q '^Description=.*Mon-Sat 9:00-18:00 /15$' "$timer"
  printf "SCHEDULE='Sun 12:00'\nTIMEZONE=Europe/Copenhagen\n" >"$DEST$SETTINGS"
  in_dest install
  same "$(lines)" 'OnCalendar=Sun *-*-* 12:00:00 Europe/Copenhagen'
  in_dest install SCHEDULE='Mon 8:00'
  same "$(lines)" 'OnCalendar=Mon *-*-* 08:00:00 Europe/Copenhagen'
  run -2 in_dest install SCHEDULE='weekdays'
  says 'msg="SCHEDULE must look like .* rc=78'
  same "$(lines)" 'OnCalendar=Mon *-*-* 08:00:00 Europe/Copenhagen'
}

@test "A second library has its own units, settings, state and project, and shares the program" {
  in_dest install NAME=kilton SCHEDULE='Sun 12:00'
  local own="$DEST$UNITS/events-display@kilton" first="$DEST$UNITS/events-display"
  [[ -e $first.service && -e $DEST$SETTINGS ]]
  same "$(mode /etc/events-display/kilton.env)" 600
  run ! grep -r '@[A-Z]*@' "$DEST$UNITS"
  grep -q '^LoadCredential=env:/etc/events-display/kilton.env$' "$own.service"
  grep -q '^OnFailure=events-display-notify-kilton@failed.service$' "$own.service"
  grep -q 'COMPOSE_PROJECT_NAME=events-display-kilton$' "$own.service"
  grep -q '^ExecStart=.*/bin/notify events-display@kilton.service %i$' "$DEST$UNITS/events-display-notify-kilton@.service"
  grep -q '^OnCalendar=Sun ' "$own.timer"
  grep -q '^FixedRandomDelay=true$' "$own.timer"
  run ! grep -q 'RandomizedDelaySec\|OnCalendar=Sun' "$first.timer"
  run ! grep -q COMPOSE_PROJECT_NAME "$first.service"
  # No folder of the state, of the secrets or of the locks is shared.
  same "$(comm -12 <(grep -oE '%[St]/[a-z/.-]+' "$own.service" | sort -u) <(grep -oE '%[St]/[a-z/.-]+' "$first.service" | sort -u))" ''
  same "$(comm -12 <(grep -E '^(State|Runtime)Directory=' "$own.service") <(grep -E '^(State|Runtime)Directory=' "$first.service"))" ''
}

@test "An upgrade writes the units of all libraries again; each can be removed alone" {
  in_dest install
  in_dest install NAME=kilton
  in_dest install NAME=lebanon
  printf "SCHEDULE='Mon 7:00'\n" >"$DEST/etc/events-display/kilton.env"
  in_dest install SCHEDULE='Sun 12:00'
  grep -q '^OnCalendar=Mon ' "$DEST$UNITS/events-display@kilton.timer"
  grep -q '^OnCalendar=Mon..Sat ' "$DEST$UNITS/events-display@lebanon.timer"
  grep -q '^OnCalendar=Sun ' "$DEST$UNITS/events-display.timer"
  run -2 in_dest uninstall
  says 'msg="remove the other libraries first: .* libraries=kilton,lebanon'
  run -0 in_dest uninstall NAME=kilton
  says 'Removed. Kept: the settings .*/kilton.env'
  same "$(find "$DEST$UNITS" -name '*kilton*')" ''
  [[ -e $DEST$UNITS/events-display@lebanon.service && -e $DEST/etc/events-display/kilton.env ]]
  run -2 in_dest uninstall NAME=kilton
  says 'this library is not installed'
  in_dest uninstall NAME=lebanon
  in_dest uninstall
  same "$(files)" "$(printf 'etc/events-display/%s\n' env kilton.env lebanon.env)"
}

@test "A name that is no word is refused, and a variable NAME of the environment is not one" {
  local name
  for name in Kilton ../x env 'a b' -x; do
    run -2 in_dest install NAME="$name"
    says 'NAME must be a word such as kilton'
  done
  [[ ! -e $DEST ]] || fail 'a file was written'
  NAME=desktop in_dest install
  same "$(find "$DEST" -name '*desktop*')" ''
}

@test "A zone that does not exist is refused before a file is written" {
  command -v systemd-analyze >/dev/null || skip 'only systemd-analyze knows the zones'
  run -2 in_dest install TIMEZONE=America/NewYork
  says 'msg="TIMEZONE is not a time zone .* TIMEZONE=America/NewYork rc=78'
  [[ ! -e $DEST ]] || fail 'a file was written'
}

@test "A package changes neither the units nor the users of the system" {
  mkdir "$BATS_TEST_TMPDIR/path"
  local name
  for name in systemctl systemd-sysusers; do
    printf '#!/bin/sh\necho "$0 $*" >>"%s/called"\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/path/$name"
    chmod +x "$BATS_TEST_TMPDIR/path/$name"
  done
  PATH=$BATS_TEST_TMPDIR/path:$PATH
  in_dest install
  in_dest uninstall
  [[ ! -e $BATS_TEST_TMPDIR/called ]] || fail "$(<"$BATS_TEST_TMPDIR/called")"
}

@test "A machine without systemd can make a package" {
  mkdir "$BATS_TEST_TMPDIR/path"
  local name
  for name in bash sh make python3 sed grep find sort comm install dirname realpath mktemp rm rmdir cut date cat awk stat; do
    ln -s "$(type -P "$name")" "$BATS_TEST_TMPDIR/path/$name"
  done
  PATH=$BATS_TEST_TMPDIR/path run -0 in_dest install
  [[ -e $DEST$UNITS/events-display.timer ]]
}
