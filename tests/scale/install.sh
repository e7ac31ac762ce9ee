#!/bin/sh
# Installs what tests/scale runs into the folder $1: hosts from PyPI by their hashes, and what is missing of Debian's.
set -eu
packages=""
for program in haproxy docker-registry wrk; do
  command -v "$program" >/dev/null || packages="$packages $program"
done
if [ -n "$packages" ]; then
  if [ "$(id -u)" != 0 ] || ! apt-get install -y --no-install-recommends $packages; then
    echo "missing programs:$packages. Install them, as with: sudo apt-get install$packages" >&2
    exit 1
  fi
fi
python3 -m venv "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$(dirname "$0")/requirements.txt" || {
  echo "A package of tests/scale/requirements.txt could not be installed. If its registry no longer has it, see" >&2
  echo "docs/scale.md, 'Where a package has gone'." >&2
  exit 1
}
