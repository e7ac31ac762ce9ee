#!/bin/sh
# Installs those of the programs $@ that are missing, from the Debian packages of their names.
set -eu
missing=""
for program in "$@"; do
  command -v "$program" >/dev/null || missing="$missing $program"
done
[ -z "$missing" ] && exit
if [ "$(id -u)" = 0 ]; then
  # Without their lists first: those may be there already.
  apt-get install -y --no-install-recommends $missing || { apt-get update && apt-get install -y --no-install-recommends $missing; }
else
  echo "missing programs:$missing. Install them, as with: sudo apt-get install$missing" >&2
  exit 1
fi
