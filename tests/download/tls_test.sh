#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# tls_test.sh - https: a private authority is believed where it is named; an unknown one, another
# host's certificate, one that has expired and one that signed itself are not.
DEADLINE=120
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

RUN_DEADLINE=30
command -v openssl >/dev/null || skip_all "no openssl to play the origin"
unset CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR
start_origin
mkdir "$T/ca" "$T/site"
cd "$T/ca" || exit 1
printf '3000 file\n' | make_files "$T/site" >"$T/sums"

# ---- certificates ----

# key NAME ARGUMENT...: a request, or with -x509 a certificate, and its key.
key() {
	key=$1
	shift
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$key.key" "$@" \
		>>log 2>&1 || { note_file log && exit 1; }
}

# certificate NAME HOST ALTERNATIVE OPTION...: signed by the authority.
certificate() {
	name=$1
	key "$name" -out "$name.csr" -subj "/CN=$2"
	printf 'subjectAltName = %s\n' "$3" >"$name.ext"
	shift 3
	openssl ca -batch -config ca.conf -notext -extfile "$name.ext" -in "$name.csr" \
		-out "$name.pem" "$@" >>log 2>&1 || { note_file log && exit 1; }
}

cat >ca.conf <<-'END'
	[ca]
	default_ca = here
	[here]
	database = index
	new_certs_dir = .
	serial = serial
	certificate = ca.pem
	private_key = ca.key
	default_md = sha256
	policy = any
	unique_subject = no
	[any]
	commonName = supplied
END
: >index
echo 01 >serial
key ca -x509 -out ca.pem -days 2 -subj '/CN=Test authority'
certificate right 127.0.0.1 IP:127.0.0.1 -days 2
certificate other elsewhere.example DNS:elsewhere.example -days 2
certificate old 127.0.0.1 IP:127.0.0.1 -startdate 200101000000Z -enddate 200102000000Z
key self -x509 -out self.pem -days 2 -subj '/CN=127.0.0.1' -addext 'subjectAltName = IP:127.0.0.1'

# ---- the origin ----

server_pid=''

# start_server CERTIFICATE: $SERVER is its https://127.0.0.1:PORT.
start_server() {
	rm -f "$T/server.out"
	(cd "$T/site" && exec openssl s_server -accept 127.0.0.1:0 -WWW -cert "$T/ca/$1.pem" \
		-key "$T/ca/$1.key" </dev/null >"$T/server.out" 2>&1 8>&-) &
	server_pid=$!
	await 10 grep -q '^ACCEPT 127' "$T/server.out" || {
		not_ok "the https origin starts"
		note_file "$T/server.out"
		finish
	}
	SERVER=https://127.0.0.1:$(sed -n 's/^ACCEPT 127.0.0.1://p' "$T/server.out")
}

stop_server() {
	kill "$server_pid"
	wait "$server_pid" 2>/dev/null
}

# fetch OPTION...: the file, and another over http.
fetch() {
	rm -rf "$T/got"
	run_ipcdemo --retries=0 "$@" -d "$T/got" "$SERVER/file" "$ORIGIN/bytes/0/other"
}

# refused WHAT PATTERN OPTION...
refused() {
	what=$1 pattern=$2
	shift 2
	fetch "$@"
	fails "$what" 1 "$pattern"
	equal "$what: nothing is there but another job's file" other "$(names_in "$T/got")"
}

start_server right
fetch --cacert="$T/ca/ca.pem"
succeeds "a private authority"
rm -f "$T/got/other"
verify "a private authority" "$T/got" "$T/sums"
refused "an unknown authority" 'certificate|issuer'
fetch --insecure
succeeds "--insecure"
stop_server
for wrong in other:'another host' old:'expired' self:'signed itself'; do
	start_server "${wrong%%:*}"
	refused "a certificate, ${wrong#*:}" 'certificate|host|subject' --cacert="$T/ca/ca.pem"
	stop_server
done
cd / || exit 1
finish
