# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154 # shared with lib.sh and the tests
#
# servers.sh - what end-to-end tests download from: the origin, which can commit faults, and nginx.
# lib.sh takes it in, and ends what a test has started.

# start_origin [NAME SIZE SECONDS]...: $ORIGIN is its http://127.0.0.1:PORT. It ends with the last
# holder of descriptor 8, which is why nothing else that is started inherits that.
start_origin() {
	rm -f "$T/origin.in" "$T/origin.port"
	mkfifo "$T/origin.in" "$T/origin.port" || exit 1
	"$ORIGIN_TOOL" "$@" <"$T/origin.in" >"$T/origin.port" 2>"$T/origin.err" &
	origin_pid=$!
	exec 8>"$T/origin.in"
	read -r port <"$T/origin.port" || port=''
	if [ -z "$port" ]; then
		not_ok "the test origin starts"
		note_file "$T/origin.err"
		finish
	fi
	ORIGIN=http://127.0.0.1:$port
}

# open_gate G: what /fault/held/G/... holds back comes now.
open_gate() {
	"$ORIGIN_TOOL" --wait "${ORIGIN##*:}" "/fault/open/$1/x" || not_ok "gate $1 opens"
}

stop_origin() {
	[ -n "$origin_pid" ] || return 0
	exec 8>&-
	wait "$origin_pid"
	origin_pid=''
}

find_nginx() {
	for nginx in "${NGINX_BIN:-}" "$(command -v nginx)" /usr/sbin/nginx \
		"$abs_top_builddir/tools/usr/sbin/nginx" \
		"$srcdir/build/tools/usr/sbin/nginx"; do
		[ -n "$nginx" ] && [ -x "$nginx" ] && return 0
	done
	nginx=''
	return 1
}

# nginx_http DIR: a test defines it to say more in the http block, also which $nginx_log to keep.
nginx_http() { :; }

nginx_config() {
	[ "$(id -u)" -ne 0 ] || echo "user root root;" # the worker must read our private directory
	cat <<-END
		daemon off;
		pid $T/nginx/pid;
		error_log $T/nginx/error.log;
		events { worker_connections 16384; }
		http {
	END
	nginx_http "$1"
	cat <<-END
			access_log ${nginx_log:-off};
			sendfile on; tcp_nopush on;
			keepalive_requests 100000;
			default_type application/octet-stream;
			client_body_temp_path $T/nginx/body;
			proxy_temp_path $T/nginx/proxy;
			fastcgi_temp_path $T/nginx/fastcgi;
			uwsgi_temp_path $T/nginx/uwsgi;
			scgi_temp_path $T/nginx/scgi;
			server {
				listen 127.0.0.1:$port;
				root $1;
				location = /ready-$$ { return 200 "$T"; }
			}
		}
	END
}

# start_nginx DIR: serves DIR; $NGINX is its http://127.0.0.1:PORT. False: there is no nginx. The
# path /ready-PID, which only our server knows, tells it from another that took the port.
start_nginx() {
	find_nginx || return 1
	mkdir -p "$T/nginx"
	for _ in 1 2 3 4 5; do
		port=$("$ORIGIN_TOOL" --free-port) || break
		nginx_config "$1" >"$T/nginx/conf"
		"$nginx" -e "$T/nginx/error.log" -p "$T/nginx" -c "$T/nginx/conf" \
			</dev/null >"$T/nginx/out" 2>&1 8>&- &
		nginx_pid=$!
		if "$ORIGIN_TOOL" --wait "$port" "/ready-$$"; then
			NGINX=http://127.0.0.1:$port
			return 0
		fi
		stop_nginx
	done
	not_ok "nginx starts"
	note_file "$T/nginx/error.log"
	finish
}

stop_nginx() {
	[ -n "$nginx_pid" ] || return 0
	kill "$nginx_pid" 2>/dev/null
	wait "$nginx_pid"
	nginx_pid=''
}
