#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# sandbox_net_test.sh - what a download needs of the machine, from within a whole sandbox: TLS with
# a certificate of one's own, names, proxies, passwords, local files, resuming, attributes, ranges.
# As root, for whom fewer files are readable there, and as an ordinary user.
DEADLINE=200
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=40
unset CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR NETRC
"$IPCDEMO" --help | tr -s '\n ' ' ' | grep -q 'require or off (default auto)' ||
	skip_all "this build has the sandbox off: what instruments it makes system calls of its own"
command -v openssl >/dev/null || skip_all "openssl is missing (Debian: apt-get install openssl)"
find_nginx || skip_all "nginx is missing (Debian: apt-get install nginx, or set NGINX_BIN)"

W=$T/www
G=$T/got
mkdir -p "$W/secret"
printf '300000 one\n90000 two\n' >"$T/list"
make_files "$W" <"$T/list" >"$T/sums"
cp "$W/one" "$W/secret/one"
chmod -R a+rX "$W" "$T/sums"

# A CA, and a certificate of it for localhost and for a name that is not ASCII.
certificates() {
	mkdir -p "$T/ca/dir" && cd "$T/ca" || return 1
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key \
		-out ca.pem -days 2 -subj /CN=test-ca &&
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key \
			-out csr -subj /CN=localhost &&
		printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:xn--bcher-kva.localhost\n' \
			>ext &&
		openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
			-extfile ext -out pem &&
		cp ca.pem "dir/$(openssl x509 -hash -noout -in ca.pem).0"
}
(certificates) >"$T/openssl" 2>&1 || skip_all "openssl: $(tail -n 1 "$T/openssl")"
chmod -R a+rX "$T/ca"

# A second server, which speaks TLS.
nginx_http() {
	tls=$("$ORIGIN_TOOL" --free-port)
	cat <<-END
			server {
				listen 127.0.0.1:$tls ssl;
				ssl_certificate $T/ca/pem;
				ssl_certificate_key $T/ca/key;
				root $1;
				location /secret/ {
					auth_basic x;
					auth_basic_user_file $T/htpasswd;
				}
			}
	END
}

# fetched WHAT [VARIABLE=VALUE]... ARGUMENT...: file `one` arrives.
fetched() {
	what=$1
	shift
	sets=''
	while [ "${1#*=}" != "$1" ] && [ "${1#-}" = "$1" ]; do
		sets="$sets $1"
		shift
	done
	rm -rf "$G/one"
	program=$run_program run_program=/usr/bin/env
	# shellcheck disable=SC2086 # words
	run_ipcdemo HOME="$T/home" $sets "$program" --sandbox=require --progress=plain \
		--retries=0 -d "$G" "$@"
	run_program=$program
	if [ "$status" -eq 3 ] && grep -q 'this machine has no' "$T/err"; then
		skip_all "$(head -n 1 "$T/err")"
	fi
	succeeds "$who: $what"
	equal "$who: $what: every byte" "$(sum_of "$W/one")" "$(sum_of "$G/one" 2>/dev/null)"
}

failed() {
	what=$1 pattern=$2
	shift 2
	rm -rf "$G/one"
	run_ipcdemo --sandbox=require --progress=plain --retries=0 -d "$G" "$@"
	fails "$who: $what" 1 "$pattern"
}

all() {
	https=https://localhost:$tls
	plain=http://localhost:$port
	fetched "a private CA by --cacert" --cacert="$T/ca/ca.pem" "$https/one"
	fetched "over zmq, which has threads" --ipc=zmq --cacert="$T/ca/ca.pem" "$https/one"
	fetched "HTTP/2 asked for" --http2 --cacert="$T/ca/ca.pem" "$https/one"
	fetched "a private CA by SSL_CERT_FILE" SSL_CERT_FILE="$T/ca/ca.pem" "$https/one"
	fetched "a private CA by SSL_CERT_DIR" SSL_CERT_DIR="$T/ca/dir" "$https/one"
	fetched "in a program executed anew" --start=spawn --cacert="$T/ca/ca.pem" "$https/one"
	fetched "in threads of a process" --model=hybrid --cacert="$T/ca/ca.pem" "$https/one"
	fetched "a name that is not ASCII" --cacert="$T/ca/ca.pem" \
		"https://bücher.localhost:$tls/one"
	failed "no CA" '(certificate|issuer)' "$https/one"
	fetched "a proxy" http_proxy="http://localhost:$port" http://nowhere.invalid/one
	fetched "a password from .netrc" --netrc --cacert="$T/ca/ca.pem" "$https/secret/one"
	failed "a name that does not exist" 'resolve' "http://nowhere.invalid/one"
	fetched "a local file" "file://$W/one"
	ln -sf "$W/one" "$T/link%20 one"
	fetched "a local file, percent-encoded, by a link" "file://$T/link%2520%20one" -o one
	fetched "the server's time" --remote-time "$plain/one"
	equal "$who: the server's time" "$(stat -c %Y "$W/one")" "$(stat -c %Y "$G/one")"
	fetched "at a rate" --limit-rate=10M "$plain/one"
	fetched "ranges" --split=2 -j2 "$plain/one"
}

# What a run of ours has left unfinished is gone on with: its note is an extended attribute.
resumed() {
	rm -rf "$G/one"
	head -c 100000 "$W/one" >"$G/one.part"
	[ -z "$run_as" ] || chown 65534:65534 "$G/one.part"
	fetched "a leftover is used again" --exists=resume "$plain/one"
	equal "$who: no .part is left" one "$(names_in "$G")"
}

mkdir -p "$T/home" "$G"
echo 'machine localhost login user password word' >"$T/home/.netrc"
chmod 755 "$T/home"
echo "user:{PLAIN}word" >"$T/htpasswd"
start_nginx "$W"
who='as root'
[ "$(id -u)" -eq 0 ] || who='as oneself'
all
resumed
if [ -n "$nobody" ] && become_nobody; then
	who='as an ordinary user'
	G=$T/nobody/got
	chown 65534 "$T/home" "$T/home/.netrc"
	mkdir "$G" && chown 65534:65534 "$G"
	all
	resumed
fi
finish
