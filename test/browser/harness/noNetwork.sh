#!/bin/sh
# Chromium on a machine without any network: only loopback, as in flight mode.
exec unshare --net sh -c 'ip link set lo up && exec "$0" "$@"' "${TABKEEPER_CHROMIUM:?}" "$@"
