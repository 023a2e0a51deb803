/* SPDX-License-Identifier: MIT */
/*
 * registry.c - the list of mechanisms: those of the build, then those that the program has added.
 *
 * backends.inc and cards.inc are generated: the first from IPC_BACKENDS in Makefile.am, the second
 * from the card at the top of each mechanism's file.
 */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "ipc/core/registry.h"
#include "ipc/core/sys.h"

#define IPC_BACKEND(id) extern const struct ipc_backend ipc_##id;
#define IPC_MISSING(id, reason)
#include "ipc/core/backends.inc"
#undef IPC_BACKEND
#undef IPC_MISSING

#define IPC_BACKEND(id) &ipc_##id,
#define IPC_MISSING(id, reason)
static const struct ipc_backend *const backends[] = {
#include "ipc/core/backends.inc"
	NULL
};
#undef IPC_BACKEND
#undef IPC_MISSING

static const struct {
	const char *name, *reason;
} missing[] = {
#define IPC_BACKEND(id)
#define IPC_MISSING(id, reason) { #id, reason },
#include "ipc/core/backends.inc"
	{ NULL, NULL }
};

static const struct {
	const char *name, *text;
} cards[] = {
#define IPC_CARD(id, text) { #id, text },
#include "ipc/core/cards.inc"
	{ NULL, NULL }
};

/*
 * What ipc_register has added, filled from the front. This is the library's only variable data
 * outside sessions.
 */
static _Atomic(const struct ipc_backend *) added[IPC_MODULES_MAX];

#define BUILT_IN (sizeof backends / sizeof backends[0] - 1)

/* NULL past the end. */
static const struct ipc_backend *backend_at(size_t index)
{
	if (index < BUILT_IN)
		return backends[index];
	/* Acquire: pairs with the exchange that published it. */
	return index - BUILT_IN < IPC_MODULES_MAX ?
		       atomic_load_explicit(&added[index - BUILT_IN], memory_order_acquire) :
		       NULL;
}

const struct ipc_backend *ipc_backend_find(const char *name)
{
	const struct ipc_backend *backend;
	size_t i;

	for (i = 0; (backend = backend_at(i)); i++)
		if (strcmp(backend->info.name, name) == 0)
			return backend;
	return NULL;
}

/* A name must be usable on a command line, in a file's name and in a C identifier. */
static bool name_usable(const char *name)
{
	return name && name[0] && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0;
}

static bool complete(const struct ipc_backend *b)
{
	return name_usable(b->info.name) && b->info.title && b->info.summary &&
	       b->info.record_limit >= IPC_RECORD_MIN && b->hub_fds && b->open && b->arm &&
	       b->attach && b->send && b->recv && b->detach;
}

int ipc_register(const struct ipc_module *module)
{
	size_t i;

	if (module->abi != IPC_BACKEND_ABI)
		return -ENOEXEC;
	if (!complete(module->backend))
		return -EINVAL;
	for (i = 0; i < IPC_MODULES_MAX; i++) {
		const struct ipc_backend *none = NULL;

		/*
		 * Searches again in each round, because another thread may have taken the place,
		 * and the name.
		 */
		if (ipc_backend_find(module->backend->info.name))
			return -EEXIST;
		if (atomic_compare_exchange_strong(&added[i], &none, module->backend))
			return (int)(BUILT_IN + i);
	}
	return -ENOSPC;
}

const struct ipc_info *ipc_info_at(size_t index)
{
	const struct ipc_backend *backend = backend_at(index);

	return backend ? &backend->info : NULL;
}

const struct ipc_info *ipc_info_find(const char *name)
{
	const struct ipc_backend *backend = ipc_backend_find(name);

	return backend ? &backend->info : NULL;
}

const char *ipc_missing_at(size_t index, const char **reason)
{
	size_t i;

	for (i = 0; i < index && missing[i].name; i++)
		;
	*reason = missing[i].reason;
	return missing[i].name;
}

const char *ipc_card(const char *name)
{
	size_t i;

	for (i = 0; cards[i].name; i++)
		if (strcmp(cards[i].name, name) == 0)
			return cards[i].text;
	return NULL;
}

const char *ipc_version(void)
{
	return IPC_VERSION;
}

const char *ipc_capability_name(unsigned bit)
{
	static const char *const names[IPC_CAP_COUNT] = {
		"BOUNDARIES", "EOF",        "POLLABLE", "TRUSTED_SLOT", "DURABLE",
		"NAMED",      "CROSS_HOST", "JOIN",     "THREADS",      "FAIR",
		"TRUSTING",   "PASS_FD",    "KEEPS",    "RESTRICTED",
	};

	return bit < IPC_CAP_COUNT ? names[bit] : NULL;
}

const char *ipc_group_name(unsigned group)
{
	static const char *const names[IPC_GROUP_COUNT] = {
		"other", "pipes", "sockets", "signals", "queues", "memory", "libraries",
	};

	return group < IPC_GROUP_COUNT ? names[group] : NULL;
}

int ipc_probe(const char *name, char *reason, size_t size)
{
	const struct ipc_backend *backend = ipc_backend_find(name);

	if (size > 0)
		reason[0] = '\0';
	if (!backend)
		return sys_reason(reason, size, -ENOENT, "no such mechanism");
	return backend->probe ? backend->probe(reason, size) : 0;
}

int ipc_limits(const char *name, struct ipc_limit *limits, size_t cap)
{
	const struct ipc_backend *backend = ipc_backend_find(name);
	struct ipc_limit all[IPC_LIMITS_MAX];
	int count;

	if (!backend)
		return -ENOENT;
	count = backend->limits ? backend->limits(all, IPC_LIMITS_MAX) : 0;
	if (count > 0 && (size_t)count > cap)
		count = (int)cap;
	if (count > 0)
		memcpy(limits, all, (size_t)count * sizeof *limits);
	return count;
}

int ipc_hub_fds(const char *name, unsigned slots)
{
	const struct ipc_backend *backend = ipc_backend_find(name);

	return backend ? backend->hub_fds(slots) : -ENOENT;
}
