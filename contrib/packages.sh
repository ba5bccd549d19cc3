# shellcheck shell=sh
# What ./quickstart and ./tests/run need, by the names of Debian's packages, and how it is installed.
# Sourced by both; nothing is done that is not missing.

# shellcheck disable=SC2034  # for those who source this
BUILD_PACKAGES="gcc libc6-dev pkg-config meson ninja-build libuv1-dev libldns-dev libcjson-dev
  libssl-dev libcurl4-openssl-dev libexpat1-dev libpq-dev libmariadb-dev"
# shellcheck disable=SC2034
TEST_PACKAGES="libcmocka-dev clang clang-format python3 python3-pytest python3-pytest-xdist
  python3-dnspython python3-jsonschema nsd bind9-dnsutils iproute2 mandoc shellcheck procps
  util-linux zsh fish libcap2-bin openssl curl nginx postgresql mariadb-server python3-psycopg
  python3-psycopg-pool
  python3-botocore python3-pymysql default-jdk-headless libpostgresql-jdbc-java libhikaricp-java"
# What relay and gateway are measured beside, besides nginx. Nobody needs them for anything else.
# shellcheck disable=SC2034
BENCH_PACKAGES="haproxy libnginx-mod-stream pgbouncer"
# Clients of S3, for the stories of the gateway (tests/story/peers brings the newest ones).
# shellcheck disable=SC2034
PEER_PACKAGES="python3-venv awscli rclone s3cmd"
# What comes with those above and must not run, here or after the next boot.
SERVICES="nsd haproxy nginx postgresql mariadb pgbouncer"

# Debian's own programs before others: a Python from elsewhere lacks Debian's modules.
PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH"
export PATH

say() {
  printf '%s\n' "$*" >&2
}

give_up() {
  say "${0##*/}: $*"
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

is_installed() {
  dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

is_available() {
  apt-cache show "$1" >/dev/null 2>&1
}

missing_of() {
  for package in "$@"; do
    is_installed "$package" || printf '%s ' "$package"
  done
}

# The HTTP parser is a library in newer releases; Debian 12 has its C sources in node-llhttp.
llhttp_package() {
  if is_installed libllhttp-dev || { ! is_installed node-llhttp && is_available libllhttp-dev; }; then
    echo libllhttp-dev
  else
    echo node-llhttp
  fi
}

# Sanitizers and libFuzzer for the release's clang; older releases have them inside clang itself.
clang_runtime_package() {
  clang=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
  if [ -n "$clang" ] && is_available "libclang-rt-$clang-dev"; then
    echo "libclang-rt-$clang-dev"
  fi
}

can_install() {
  [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1
}

# A package's service (nsd's) must not start, now or at the next boot: this machine may have a name
# server of its own. Debian asks policy-rc.d before it starts one; an administrator's stays.
hold_services() {
  [ ! -e /usr/sbin/policy-rc.d ] || return 0
  trap 'release_services' EXIT
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
  as_root chmod 755 /usr/sbin/policy-rc.d
  services_held=yes
}

release_services() {
  [ "${services_held-}" = yes ] || return 0
  as_root rm -f /usr/sbin/policy-rc.d
  services_held=no
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 \
    -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@" >&2
}

# install_packages NAME... installs those that are missing, or says what to do.
install_packages() {
  if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
    say "This is no Debian or Ubuntu; going on with what is installed. Needed, by Debian's names:" "$@"
    return 0
  fi
  missing=$(missing_of "$@")
  [ -n "$missing" ] || return 0
  can_install || give_up "please run this as root, or with sudo installed. Missing packages: $missing"
  # shellcheck disable=SC2086  # one word a package
  install_held $missing || give_up "apt-get could not install: $missing
Is there a network, and a package mirror in /etc/apt?"
}

# By its unit: one that is here already is somebody's, whatever package brought it.
has_service() {
  [ -e "/lib/systemd/system/$1.service" ]
}

# install_held NAME... installs, and leaves no service running or enabled that was not there before.
install_held() {
  say "Installing: $*"
  new_services=""
  for service in $SERVICES; do
    has_service "$service" || new_services="$new_services $service"
  done
  hold_services
  status=0
  apt_install "$@" || status=$?
  for service in $new_services; do
    if has_service "$service"; then
      as_root update-rc.d "$service" disable >/dev/null 2>&1 || true
    fi
  done
  release_services
  return "$status"
}

# install_if_possible NAME... is for what can be done without.
install_if_possible() {
  missing=$(missing_of "$@")
  if [ -z "$missing" ] || ! command -v apt-get >/dev/null 2>&1 || ! can_install; then
    return 0
  fi
  for package in $missing; do
    install_held "$package" || say "$package cannot be installed; going on without."
  done
}

# Fresh package lists, once, and only when something is missing.
update_lists() {
  command -v apt-get >/dev/null 2>&1 && can_install && [ -n "$(missing_of "$@")" ] || return 0
  say "Reading the package lists …"
  as_root apt-get -q -q update >&2 || say "apt-get update failed (no network?); trying all the same."
}

install_build_packages() {
  # shellcheck disable=SC2086
  update_lists $BUILD_PACKAGES "$(llhttp_package)"
  # shellcheck disable=SC2086
  install_packages $BUILD_PACKAGES "$(llhttp_package)"
}

install_test_packages() {
  # shellcheck disable=SC2086
  update_lists $BUILD_PACKAGES $TEST_PACKAGES "$(llhttp_package)"
  # shellcheck disable=SC2046,SC2086
  install_packages $BUILD_PACKAGES $TEST_PACKAGES "$(llhttp_package)" $(clang_runtime_package)
}

install_bench_packages() {
  # shellcheck disable=SC2086
  update_lists $BENCH_PACKAGES
  # shellcheck disable=SC2086
  install_if_possible $BENCH_PACKAGES
}

install_peer_packages() {
  # shellcheck disable=SC2086
  install_if_possible $PEER_PACKAGES
  command -v npm >/dev/null 2>&1 || install_if_possible nodejs npm
}

# build_in FOLDER MESON-OPTION... sets FOLDER up if need be and builds it.
build_in() {
  folder=$1
  shift
  if [ ! -f "$folder/build.ninja" ]; then
    rm -rf "$folder"
    meson setup "$folder" "$@" >&2 || return 1
  fi
  ninja -j2 -C "$folder" >&2
}
