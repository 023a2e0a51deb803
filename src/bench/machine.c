/* SPDX-License-Identifier: MIT */
/* machine.c - see machine.h */
#include "config.h"

#include "bench/machine.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "common/language.h"

/* Made by the build; a build by hand lacks them. */
#ifndef PACKAGE_VERSION
# define PACKAGE_VERSION "unknown"
#endif
#ifndef IPCDEMO_COMMIT
# define IPCDEMO_COMMIT "unknown"
#endif
#ifndef IPCDEMO_CFLAGS
# define IPCDEMO_CFLAGS "unknown"
#endif

/* If one of these shares is exceeded, a run was not quiet. */
#define OTHERS_SHARE 0.05
#define LOST_SHARE   0.02
#define STEAL_SHARE  0.02

/* The file at PATH, its last white space cut. False: unreadable or empty. */
static bool slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	(void)close(fd);
	while (n > 0 && isspace((unsigned char)buf[n - 1]))
		n--;
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static json_t *file(const char *path)
{
	char buf[512];

	return slurp(path, buf, sizeof buf) ? json_string(buf) : json_null();
}

/* "always [madvise] never": the word in brackets. */
static json_t *chosen(const char *path)
{
	char buf[256];
	char *open, *close;

	if (!slurp(path, buf, sizeof buf) || !(open = strchr(buf, '[')) ||
	    !(close = strchr(open, ']')))
		return json_null();
	return json_stringn(open + 1, (size_t)(close - open - 1));
}

/* The value of "KEY : value" in /proc/cpuinfo, first CPU. */
static bool cpuinfo(const char *key, char *value, size_t size)
{
	FILE *in = fopen("/proc/cpuinfo", "re");
	char line[4096];
	bool found = false;

	while (in && !found && fgets(line, sizeof line, in)) {
		char *colon = strchr(line, ':');

		if (!colon || strncmp(line, key, strlen(key)) != 0)
			continue;
		colon += 1 + strspn(colon + 1, " ");
		colon[strcspn(colon, "\n")] = '\0';
		(void)snprintf(value, size, "%s", colon);
		found = true;
	}
	if (in)
		(void)fclose(in);
	return found;
}

static json_t *cpu(const struct topology *topology)
{
	json_t *record = topology_record(topology);
	char model[256], flags[4096];

	/* x86 says "model name", arm64 an implementer's number */
	if (cpuinfo("model name", model, sizeof model) ||
	    cpuinfo("CPU implementer", model, sizeof model))
		json_object_set_new(record, "model", json_string(model));
	json_object_set_new(record, "virtual",
			    json_boolean(cpuinfo("flags", flags, sizeof flags) &&
					 strstr(flags, " hypervisor")));
	json_object_set_new(record, "governor",
			    file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
	json_object_set_new(record, "smt", file("/sys/devices/system/cpu/smt/control"));
	json_object_set_new(record, "idle_driver",
			    file("/sys/devices/system/cpu/cpuidle/current_driver"));
	return record;
}

static json_t *mitigations(void)
{
	static const char dir[] = "/sys/devices/system/cpu/vulnerabilities";
	json_t *record = json_object();
	struct dirent *entry;
	DIR *all = opendir(dir);
	char path[512], text[256];

	while (all && (entry = readdir(all))) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		if (entry->d_name[0] == '.' || !slurp(path, text, sizeof text) ||
		    strcmp(text, "Not affected") == 0)
			continue;
		json_object_set_new(record, entry->d_name, json_string(text));
	}
	if (all)
		(void)closedir(all);
	return record;
}

static json_t *limit(__rlimit_resource_t which)
{
	struct rlimit limit;

	if (getrlimit(which, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return json_null();
	return json_integer((json_int_t)limit.rlim_cur);
}

/* The limits that a mechanism may reach. */
static json_t *limits(void)
{
	json_t *record = json_object();

	json_object_set_new(record, "sigpending", limit(RLIMIT_SIGPENDING));
	json_object_set_new(record, "nofile", limit(RLIMIT_NOFILE));
	json_object_set_new(record, "memlock", limit(RLIMIT_MEMLOCK));
	json_object_set_new(record, "pipe_max_size", file("/proc/sys/fs/pipe-max-size"));
	json_object_set_new(record, "wmem_max", file("/proc/sys/net/core/wmem_max"));
	return record;
}

/* ---- control group ---- */

/* FILE of our cgroup (v2): the nearest one up the tree that has it. */
static bool cgroup_file(const char *file_name, char *buf, size_t size)
{
	char own[512], path[1024];
	char *at = NULL;

	if (slurp("/proc/self/cgroup", own, sizeof own))
		at = strstr(own, "0::");
	if (!at)
		return false;
	at += 3;
	at[strcspn(at, "\n")] = '\0';
	for (;;) {
		char *slash = strrchr(at, '/');

		(void)snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", at, file_name);
		if (slurp(path, buf, size))
			return true;
		if (!slash)
			return false;
		*slash = '\0';
	}
}

static uint64_t throttled(void)
{
	char buf[1024];
	const char *at = cgroup_file("cpu.stat", buf, sizeof buf) ? strstr(buf, "nr_throttled ") :
								    NULL;

	return at ? strtoull(at + strlen("nr_throttled "), NULL, 10) : 0;
}

static json_t *cgroup(const struct machine_watch *watch)
{
	json_t *record = json_object();
	char max[128];

	json_object_set_new(record, "cpu_max",
			    cgroup_file("cpu.max", max, sizeof max) ? json_string(max) :
								      json_null());
	json_object_set_new(record, "throttled_periods",
			    json_integer((json_int_t)(throttled() - watch->throttled)));
	return record;
}

/* ---- quietness ---- */

static double load_average(void)
{
	double load[1];

	return getloadavg(load, 1) == 1 ? load[0] : NAN;
}

static void cpu_ticks(struct machine_watch *watch)
{
	char buf[512];
	char *at = buf + 3;
	int field;

	watch->busy = watch->steal = watch->total = 0;
	if (!slurp("/proc/stat", buf, sizeof buf) || strncmp(buf, "cpu", 3) != 0)
		return;
	for (field = 0; field < 8; field++) { /* user nice system idle iowait irq softirq steal */
		uint64_t ticks = strtoull(at, &at, 10);

		watch->total += ticks;
		if (field == 7)
			watch->steal = ticks;
		else if (field != 3 && field != 4)
			watch->busy += ticks;
	}
}

static double cpu_used(int who)
{
	struct rusage u;

	if (getrusage(who, &u) < 0)
		return 0;
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

void machine_watch(struct machine_watch *watch)
{
	watch->load1 = load_average();
	watch->throttled = throttled();
	watch->used = cpu_used(RUSAGE_SELF) + cpu_used(RUSAGE_CHILDREN);
	cpu_ticks(watch);
}

__attribute__((format(printf, 2, 3))) static void warn(json_t *warnings, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_array_append_new(warnings, json_string(text));
}

/*
 * Adds whether the run was quiet, and warnings that say what disturbed it. The load average does
 * not show it, since it still includes the run that has just ended.
 */
static void quietness(json_t *record, const struct machine_watch *before,
		      const struct baselines *baselines)
{
	json_t *warnings = json_array();
	struct machine_watch now;
	double lost = STATS_MEDIAN(baselines->round, baselines->rounds, lost, NULL);
	double stolen = 0, others = 0;

	machine_watch(&now);
	if (now.total > before->total) {
		double total = (double)(now.total - before->total);
		double used = (now.used - before->used) * (double)sysconf(_SC_CLK_TCK);
		double rounding = (double)sysconf(_SC_NPROCESSORS_ONLN); /* a tick of each CPU */

		stolen = (double)(now.steal - before->steal) / total;
		others = fmax(0, (double)(now.busy - before->busy) - used - rounding) / total;
	}
	json_object_set_new(record, "load1_before", json_real(before->load1));
	json_object_set_new(record, "others_share", json_real(round(others * 1e4) / 1e4));
	json_object_set_new(record, "steal_share", json_real(round(stolen * 1e4) / 1e4));
	json_object_set_new(record, "lost_share",
			    isnan(lost) ? json_null() : json_real(round(lost * 1e4) / 1e4));
	if (others > OTHERS_SHARE)
		warn(warnings, _("other programs used %.0f%% of this machine's CPUs"),
		     100 * others);
	if (lost > LOST_SHARE)
		warn(warnings, _("other programs took %.0f%% of the first CPU's time"), 100 * lost);
	if (stolen > STEAL_SHARE)
		warn(warnings, _("the host took %.0f%% of this machine's time"), 100 * stolen);
	if (now.throttled > before->throttled)
		warn(warnings, _("the control group's CPU quota stopped the run"));
	json_object_set_new(record, "quiet", json_boolean(json_array_size(warnings) == 0));
	json_object_set_new(record, "warnings", warnings);
}

/* ---- all ---- */

static void kernel(json_t *record)
{
	struct utsname name;

	if (uname(&name) < 0)
		return;
	json_object_set_new(record, "kernel",
			    json_pack("{s:s, s:s, s:s}", "release", name.release, "version",
				      name.version, "machine", name.machine));
}

static const char *sanitizer(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return "address";
#else
	return NULL;
#endif
}

static void build(json_t *record)
{
	json_object_set_new(record, "version", json_string(PACKAGE_VERSION));
	json_object_set_new(record, "commit", json_string(IPCDEMO_COMMIT));
	json_object_set_new(record, "compiler",
#ifdef __clang__
			    json_string("clang " __clang_version__)
#else
			    json_string("gcc " __VERSION__)
#endif
	);
	json_object_set_new(record, "cflags", json_string(IPCDEMO_CFLAGS));
	json_object_set_new(record, "sanitizer",
			    sanitizer() ? json_string(sanitizer()) : json_null());
}

static void date(json_t *record)
{
	char text[32];
	time_t now = time(NULL);
	struct tm utc;

	if (gmtime_r(&now, &utc) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0)
		json_object_set_new(record, "date", json_string(text));
}

json_t *machine_record(const struct machine_watch *watch, const struct topology *topology,
		       const struct baselines *baselines)
{
	json_t *record = json_object();

	if (!record)
		return NULL;
	date(record);
	build(record);
	kernel(record);
	json_object_set_new(record, "cpu", cpu(topology));
	json_object_set_new(
		record, "clock_source",
		file("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
	json_object_set_new(record, "transparent_hugepages",
			    chosen("/sys/kernel/mm/transparent_hugepage/enabled"));
	json_object_set_new(record, "mitigations", mitigations());
	json_object_set_new(record, "limits", limits());
	json_object_set_new(record, "cgroup", cgroup(watch));
	quietness(record, watch, baselines);
	return record;
}
