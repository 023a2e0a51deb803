#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deb.sh SOURCE TARBALL - Debian packages of the release in TARBALL (ipcdemo-VERSION.tar.xz), with
# SOURCE/debian, in ./deb; then lintian, whose warnings are errors here. The tests are not run again.
set -eu
source=$1
tarball=$2
for tool in dpkg-buildpackage lintian; do
	command -v "$tool" >/dev/null || {
		echo "deb.sh: $tool is missing (Debian: apt-get install dpkg-dev debhelper lintian)" >&2
		exit 1
	}
done
name=$(basename "$tarball" .tar.xz)

rm -rf deb
mkdir deb
cp "$tarball" "deb/ipcdemo_${name#ipcdemo-}.orig.tar.xz"
tar -xf "$tarball" -C deb
cp -R "$source/debian" "deb/$name/"
(cd "deb/$name" && DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" dpkg-buildpackage -us -uc) \
	>deb/log 2>&1 || {
	tail -n 30 deb/log
	exit 1
}
lintian --fail-on error,warning --allow-root deb/*.changes
ls deb/*.deb
