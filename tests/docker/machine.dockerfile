# A Debian machine for the systemd test, with the packages of an operator's machine and systemd as PID 1.
# The docker command and Compose come from the machine that runs the test (docker_machine.py).
FROM debian:12-slim
# No pinned versions: an operator's machine has the current ones too.
# hadolint ignore=DL3008
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      dbus make python3 systemd-sysv tzdata && rm -rf /var/lib/apt/lists/*
STOPSIGNAL SIGRTMIN+3
# Shared mounts, as systemd makes them outside a container: without them a unit does not see its credentials.
CMD ["sh", "-c", "groupadd --gid \"$(stat -c %g /run/docker.sock)\" docker; mount --make-rshared / && exec /sbin/init"]
