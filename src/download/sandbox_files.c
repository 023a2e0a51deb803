/* SPDX-License-Identifier: MIT */
/*
 * sandbox_files.c - the files of a worker (landlock(7)).
 *
 * A ruleset names the accesses that it handles; what it handles and does not grant is refused. The
 * system's header may be older than the kernel, so the calls and their bits are written down here;
 * the kernel says how many of them it knows (its ABI), and the others are left out.
 */
#include "config.h"

#include "download/sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/hex.h"
#include "download/url.h"

#ifndef SYS_landlock_create_ruleset /* the same on all architectures */
# define SYS_landlock_create_ruleset 444
# define SYS_landlock_add_rule       445
# define SYS_landlock_restrict_self  446
#endif

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH      1

#define FS_EXECUTE     (1ull << 0)
#define FS_WRITE_FILE  (1ull << 1)
#define FS_READ_FILE   (1ull << 2)
#define FS_READ_DIR    (1ull << 3)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_REG    (1ull << 8)
#define FS_REFER       (1ull << 13) /* from ABI 2 on, here and below */
#define FS_TRUNCATE    (1ull << 14) /* 3 */
#define FS_IOCTL_DEV   (1ull << 15) /* 5 */

#define NET_BIND_TCP   1ull /* 4 */
#define SCOPE_ABSTRACT 1ull /* 6: abstract Unix sockets of others */
#define SCOPE_SIGNAL   2ull /* 6 */

#define READS  (FS_READ_FILE | FS_READ_DIR)
#define WRITES (FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG | FS_REMOVE_FILE)

struct ruleset_attributes {
	uint64_t fs, net, scope;
};

struct beneath {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

/*
 * What names, certificates and shared libraries need. Directories, where a file in them may be
 * replaced by another while a worker runs: a rule follows the inode, not the name.
 */
static const char *const readable[] = {
	"/usr/lib",
	"/usr/lib32",
	"/usr/lib64",
	"/usr/libexec",
	"/usr/share",
	"/usr/local/lib",
	"/usr/local/share",
	"/lib",
	"/lib64",
	"/nix/store",
	"/gnu/store",
	/* name services */
	"/run/systemd/resolve",
	"/run/resolvconf",
	"/run/NetworkManager",
	"/run/nscd",
	"/var/lib/sss",
	"/run/avahi-daemon",
	"/mnt/wsl",
	/* certificates of other systems */
	"/var/lib/ca-certificates",
	"/var/lib/p11-kit",
	/* figures that libraries ask for */
	"/proc/sys",
	"/proc/cpuinfo",
	"/proc/meminfo",
	"/proc/stat",
	"/sys/devices/system/cpu",
	"/dev/random",
	"/dev/urandom",
};

/*
 * What root's workers may read of /etc, where root could read every secret. An ordinary user's may
 * read all that the user may.
 */
static const char *const of_etc[] = {
	"/etc/ssl/certs",       "/etc/ssl/openssl.cnf", "/etc/pki/tls",     "/etc/pki/ca-trust",
	"/etc/ca-certificates", "/etc/crypto-policies", "/etc/resolv.conf", "/etc/resolvconf",
	"/etc/hosts",           "/etc/host.conf",       "/etc/hostname",    "/etc/nsswitch.conf",
	"/etc/gai.conf",        "/etc/services",        "/etc/protocols",   "/etc/networks",
	"/etc/passwd",          "/etc/localtime",       "/etc/ld.so.cache", "/etc/ld.so.preload",
	"/etc/machine-id",      "/etc/mdns.allow",
};

/* Files and directories that the libraries take from the environment. */
static const char *const variables[] = {
	"SSL_CERT_FILE",   "SSL_CERT_DIR", "CURL_CA_BUNDLE", "OPENSSL_CONF", "OPENSSL_MODULES",
	"OPENSSL_ENGINES", "HOSTALIASES",  "LOCPATH",        "NETRC",
};

/* Grants ACCESS to PATH and what is beneath it. What is not there needs no rule. */
static int grant(int ruleset, const char *path, uint64_t access)
{
	struct beneath beneath = { .access = access };
	struct stat st;
	int rc = 0;

	beneath.fd = open(path, O_PATH | O_CLOEXEC);
	if (beneath.fd < 0)
		return 0;
	if (fstat(beneath.fd, &st) < 0)
		rc = -errno;
	if (!S_ISDIR(st.st_mode))
		beneath.access &= FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE;
	if (rc == 0 && syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &beneath, 0) < 0)
		rc = -errno;
	(void)close(beneath.fd);
	return rc;
}

static int grant_all(int ruleset, const char *const *paths, size_t n)
{
	int rc = 0;
	size_t i;

	for (i = 0; i < n && rc == 0; i++)
		rc = grant(ruleset, paths[i], READS);
	return rc;
}

/* The path of a file: URL, without its percent signs, to be freed. NULL: none, or no memory. */
static char *path_of(const char *url)
{
	struct url_parts parts;
	char *path;
	size_t from, to = 0;

	url_split(url, &parts);
	path = url_is_file(&parts) ? strndup(parts.path.at, parts.path.len) : NULL;
	for (from = 0; path && path[from]; from++) {
		const int byte = path[from] == '%' ? hex_byte(path + from + 1) : -1;

		path[to++] = byte < 0 ? path[from] : (char)byte;
		from += byte < 0 ? 0 : 2;
	}
	if (path)
		path[to] = '\0';
	return path;
}

static int grant_jobs(int ruleset, const struct job_list *jobs)
{
	int rc = 0;
	size_t i;

	for (i = 0; jobs && i < jobs->count && rc == 0; i++) {
		char *path = path_of(jobs->jobs[i].url);

		if (path)
			rc = grant(ruleset, path, FS_READ_FILE);
		free(path);
	}
	return rc;
}

/* What the user has named: certificates, and the file with passwords. */
static int grant_named(int ruleset, const struct fetch_settings *fetch)
{
	const char *home = getenv("HOME");
	char *netrc = NULL;
	int rc = 0;
	size_t i;

	for (i = 0; i < sizeof variables / sizeof variables[0] && rc == 0; i++)
		if (getenv(variables[i]))
			rc = grant(ruleset, getenv(variables[i]), READS);
	if (rc == 0 && fetch->cacert)
		rc = grant(ruleset, fetch->cacert, READS);
	if (rc == 0 && fetch->capath)
		rc = grant(ruleset, fetch->capath, READS);
	if (rc == 0 && fetch->netrc && home && asprintf(&netrc, "%s/.netrc", home) >= 0)
		rc = grant(ruleset, netrc, READS);
	free(netrc);
	return rc;
}

static int grant_directories(int ruleset, const struct output_dirs *dirs, uint64_t access)
{
	struct beneath beneath = { .access = access };
	unsigned i;

	for (i = 0; i < dirs->count; i++) {
		beneath.fd = output_dirs_fd(dirs, i);
		if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &beneath, 0) < 0)
			return -errno;
	}
	return 0;
}

static bool signals_its_hub(const struct sandbox_plan *plan)
{
	struct ipc_call calls[IPC_CALLS_MAX];
	size_t n = ipc_slot_calls(plan->events, &plan->hub, calls);

	while (n > 0)
		if (strcmp(calls[--n].name, "pidfd_send_signal") == 0)
			return true;
	return false;
}

/* All that a kernel of this ABI can handle: we handle it, so it is refused unless granted. */
static struct ruleset_attributes handled(int abi, const struct sandbox_plan *plan)
{
	struct ruleset_attributes all = { .fs = FS_REFER - 1 };

	all.fs |= (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
		  (abi >= 5 ? FS_IOCTL_DEV : 0);
	/*
	 * No TCP port to listen on. Any port may be connected to, since a redirect may lead to any
	 * without fault.
	 */
	all.net = abi >= 4 ? NET_BIND_TCP : 0;
	if (abi >= 6)
		all.scope = SCOPE_ABSTRACT | (signals_its_hub(plan) ? 0 : SCOPE_SIGNAL);
	return all;
}

int sandbox_landlock_abi(void)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return abi < 0 ? -errno : abi;
}

int sandbox_files_ruleset(const struct sandbox_plan *plan)
{
	struct ruleset_attributes all;
	int rc, ruleset, abi = sandbox_landlock_abi();

	if (abi < 0)
		return abi;
	all = handled(abi, plan);
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
	if (ruleset < 0)
		return -errno;
	rc = grant_directories(ruleset, &plan->dirs, WRITES & all.fs);
	if (rc == 0)
		rc = grant_all(ruleset, readable, sizeof readable / sizeof readable[0]);
	if (rc == 0 && geteuid() != 0)
		rc = grant(ruleset, "/etc", READS);
	else if (rc == 0)
		rc = grant_all(ruleset, of_etc, sizeof of_etc / sizeof of_etc[0]);
	if (rc == 0)
		rc = grant(ruleset, "/dev/null", FS_READ_FILE | FS_WRITE_FILE);
	if (rc == 0)
		rc = grant_named(ruleset, plan->fetch);
	if (rc == 0)
		rc = grant_jobs(ruleset, plan->jobs);
	if (rc == 0)
		return ruleset;
	(void)close(ruleset);
	return rc;
}

int sandbox_files_enter(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}
