# Installs the servers that tests/databases.rs and tests/it start throw-away instances of. To be sourced, on Debian or Ubuntu.
#
# ROTAKEY_SERVERS=required turns the absence of a server from a test that says "skipped" into one that fails.

servers_install() {
    missing=""
    [ -n "$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] || missing="$missing postgresql"
    [ -x /usr/sbin/mariadbd ] || missing="$missing mariadb-server"
    command -v redis-server >/dev/null || missing="$missing redis-server"
    command -v openssl >/dev/null || missing="$missing openssl"
    python3 -c 'import aiosmtpd' 2>/dev/null || /usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null ||
        missing="$missing python3-aiosmtpd"
    [ -x /usr/sbin/cron ] || missing="$missing cron"
    [ -x /usr/bin/faketime ] || missing="$missing faketime"
    [ -z "$missing" ] && return 0
    if [ "$(id -u)" != 0 ]; then
        echo "missing, and only root can install them:$missing" >&2
        return 1
    fi
    apt-get update -q >&2
    # No server is to start by itself: the tests start their own.
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    # shellcheck disable=SC2086 # a list of names
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing >&2
    status=$?
    rm -f /usr/sbin/policy-rc.d
    return $status
}

servers_install && export ROTAKEY_SERVERS=required
