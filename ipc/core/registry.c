/* SPDX-License-Identifier: MIT */
/*
 * registry.c - which mechanisms this build has, from the build's one list.
 *
 * backends.inc and cards.inc are generated: the first from IPC_BACKENDS in Makefile.am, the second
 * from the card at the top of each mechanism's file.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "ipc/core/backend.h"
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

const struct ipc_backend *ipc_backend_find(const char *name)
{
	size_t i;

	for (i = 0; backends[i]; i++)
		if (strcmp(backends[i]->info.name, name) == 0)
			return backends[i];
	return NULL;
}

const struct ipc_info *ipc_info_at(size_t index)
{
	size_t count = sizeof backends / sizeof backends[0] - 1;

	return index < count ? &backends[index]->info : NULL;
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

const char *ipc_capability_name(unsigned bit)
{
	static const char *const names[IPC_CAP_COUNT] = {
		"BOUNDARIES", "EOF", "POLLABLE", "TRUSTED_SLOT", "DURABLE", "NAMED", "CROSS_HOST",
	};

	return bit < IPC_CAP_COUNT ? names[bit] : NULL;
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

	if (!backend)
		return -ENOENT;
	return backend->limits ? backend->limits(limits, cap) : 0;
}

int ipc_hub_fds(const char *name, unsigned slots)
{
	const struct ipc_backend *backend = ipc_backend_find(name);

	return backend ? backend->hub_fds(slots) : -ENOENT;
}
