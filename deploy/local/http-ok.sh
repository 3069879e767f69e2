#!/bin/bash
# Succeeds when a port of this machine answers a GET with 200. Needs bash only,
# so that it also runs inside the images.
#
# Usage: http-ok.sh PORT PATH
set -euo pipefail

exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&3
read -r -t 3 _ status _ <&3
[ "$status" = 200 ]
