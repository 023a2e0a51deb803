#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154,SC2119,SC2317 # shared with lib.sh; called by name
# trust_test.sh - against a real server, nginx. TLS: whose certificate is taken and whose is not,
# and what the user reads then; HTTP/2 over it; the time of a file.
DEADLINE=60
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

find_nginx || skip_all "no nginx"
command -v openssl >/dev/null || skip_all "no openssl(1)"
unset CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR
mkdir "$T/tls"

key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'

# leaf NAME ALTERNATIVE-NAME DAYS: a certificate by our own authority.
leaf() {
	printf 'subjectAltName=%s\n' "$2" >"$T/tls/$1.ext"
	# shellcheck disable=SC2086 # these are words
	openssl req $key -keyout "$T/tls/$1.key" -out "$T/tls/$1.csr" -subj "/CN=$1" &&
		openssl x509 -req -in "$T/tls/$1.csr" -CA "$T/tls/ca.pem" \
			-CAkey "$T/tls/ca.key" -CAcreateserial -out "$T/tls/$1.pem" \
			-days "$3" -extfile "$T/tls/$1.ext"
}

make_certificates() {
	# shellcheck disable=SC2086 # these are words
	openssl req -x509 $key -keyout "$T/tls/ca.key" -out "$T/tls/ca.pem" -subj /CN=ca \
		-days 2 &&
		leaf good IP:127.0.0.1 2 && leaf host DNS:elsewhere.test 2 &&
		leaf old IP:127.0.0.1 -1
}

# A port with TLS for each certificate.
nginx_http() {
	echo "log_format protocol '\$server_protocol';"
	nginx_log="$T/nginx/access.log protocol"
	for name in good host old; do
		eval "${name}_port=$("$ORIGIN_TOOL" --free-port)"
		cat <<-END
			server {
				listen 127.0.0.1:$(eval "echo \$${name}_port") ssl http2;
				root $1;
				ssl_certificate $T/tls/$name.pem;
				ssl_certificate_key $T/tls/$name.key;
			}
		END
	done
}

run() {
	rm -rf "$T/got"
	run_ipcdemo -d "$T/got" "$@"
}

make_certificates >"$T/tls/out" 2>&1 || skip_all "openssl: $(tail -n 1 "$T/tls/out")"
printf '5000 file\n' | make_files "$T/served" >"$T/sums"
start_nginx "$T/served"
# The function that wrote the ports ran in this shell, since its output went to a file.
good=https://127.0.0.1:$good_port/file

run "$good"
fails "a certificate by a stranger" 1 'nobody who is trusted here has signed.*--cacert'
equal "a certificate by a stranger: no further try" 0 "$(grep -c 'next try' "$T/err")"
run --cacert="$T/tls/ca.pem" "https://127.0.0.1:$host_port/file"
fails "a certificate of another host" 1 'certificate is for another host'
run --cacert="$T/tls/ca.pem" "https://127.0.0.1:$old_port/file"
fails "an old certificate" 1 "has expired or .*clock is wrong"

run --cacert="$T/tls/ca.pem" "$good"
succeeds "--cacert"
for variable in CURL_CA_BUNDLE SSL_CERT_FILE; do
	export $variable="$T/tls/ca.pem"
	run "$good"
	unset $variable
	succeeds "$variable"
	verify "$variable" "$T/got" "$T/sums"
done
run --insecure "https://127.0.0.1:$old_port/file"
succeeds "--insecure"
matches "--insecure is loud" 'certificates are not checked' "$T/err"

last_protocol() {
	tail -n 1 "$T/nginx/access.log"
}

touch -d 2001-02-03T04:05:06Z "$T/served/file"
run --remote-time --cacert="$T/tls/ca.pem" "$good"
equal "--remote-time" 981173106 "$(stat -c %Y "$T/got/file")"

equal "without --http2" HTTP/1.1 "$(last_protocol)"
run --http2 --cacert="$T/tls/ca.pem" "$good"
succeeds "--http2"
equal "with --http2" HTTP/2.0 "$(last_protocol)"
finish
