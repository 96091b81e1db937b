#!/usr/bin/env bash
# Installs what the tests run against: the databases' own tools and foreign archivers, from Debian's packages. Needs root, or the tools already there.
set -euo pipefail

packages=(g++ libleveldb-dev libsnappy-dev sqlite3 libsqlite3-0 curl jq strace xfsprogs p7zip-full libarchive-tools bzip2 zip unzip xz-utils pigz age python3 util-linux e2fsprogs procps prometheus)
# Any Node.js will do; Debian's where there is none.
command -v node > /dev/null || packages+=(nodejs)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" != 0 ]; then
  echo "The tests need these Debian packages: ${missing[*]}. Install them, or run this script as root." >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
