# A Debian machine for the systemd test: what an operator's has, started by its own PID 1.
# The docker command and Compose come from the machine that runs the test (docker_machine.py).
FROM debian:12-slim
# An operator's machine has what Debian has on the day.
# hadolint ignore=DL3008
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      dbus make python3 systemd-sysv tzdata && rm -rf /var/lib/apt/lists/*
STOPSIGNAL SIGRTMIN+3
# Shared, as PID 1 makes it outside a container: without it a unit does not see its credentials.
CMD ["sh", "-c", "groupadd --gid \"$(stat -c %g /run/docker.sock)\" docker; mount --make-rshared / && exec /sbin/init"]
