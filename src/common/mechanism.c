/* SPDX-License-Identifier: MIT */
/* mechanism.c - see mechanism.h */
#include "config.h"

#include "common/mechanism.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "common/exit_code.h"
#include "ipc/ipc.h"
#include "common/options.h"
#include "common/language.h"
#include "common/message.h"

static const char *name_at(size_t index)
{
	const struct ipc_info *info = ipc_info_at(index);

	return info ? info->name : NULL;
}

const char *mechanism_words(const char *option, size_t index)
{
	return strcmp(option, "ipc") == 0 ? name_at(index) : NULL;
}

static int refuse_unknown(const char *name)
{
	const char *nearest = options_suggest(name, name_at);

	if (nearest)
		message_error(_("no mechanism is called '%s'; did you mean '%s'? "
				"(ipcdemo list shows them all)"),
			      name, nearest);
	else
		message_error(_("no mechanism is called '%s' (ipcdemo list shows them all)"), name);
	return EXIT_USAGE;
}

int mechanism_check(const char *name, bool use)
{
	const char *missing, *why;
	char reason[256];
	size_t i;

	for (i = 0; (missing = ipc_missing_at(i, &why)); i++) {
		if (strcmp(missing, name) == 0) {
			message_error(_("%s is not available: %s"), name, _(why));
			return EXIT_UNAVAILABLE;
		}
	}
	if (!ipc_info_find(name))
		return refuse_unknown(name);
	if (use && ipc_probe(name, reason, sizeof reason) < 0) {
		message_error(_("%s cannot be used here: %s"), name, _(reason));
		return EXIT_UNAVAILABLE;
	}
	return 0;
}

static int refuse_module(const char *path, int rc)
{
	const char *why = rc == -ENOEXEC ? _("it was compiled for another version of ipcdemo") :
			  rc == -EINVAL  ? _("its mechanism lacks an operation or a usable name") :
			  rc == -EEXIST  ? _("another mechanism has its name") :
					   language_errno(-rc);

	message_error(_("cannot use %s: %s"), path, why);
	return EXIT_USAGE;
}

int mechanism_load(const char **name)
{
	const struct ipc_module *module;
	void *object;
	int rc;

	if (!strchr(*name, '/'))
		return 0;
	object = dlopen(*name, RTLD_NOW | RTLD_LOCAL);
	if (!object) {
		message_error(_("cannot load a mechanism: %s"), dlerror());
		return EXIT_USAGE;
	}
	module = dlsym(object, "ipc_module");
	if (!module) {
		message_error(_("cannot use %s: it has no ipc_module (see IPC_MODULE in "
				"ipcdemo/backend.h)"),
			      *name);
		return EXIT_USAGE;
	}
	rc = ipc_register(module);
	if (rc < 0)
		return refuse_module(*name, rc);
	*name = ipc_info_at((size_t)rc)->name;
	return 0;
}

void mechanism_print_all(FILE *out)
{
	const struct ipc_info *info;
	const char *missing, *why;
	char reason[256];
	size_t i;

	for (i = 0; (info = ipc_info_at(i)); i++) {
		(void)fprintf(out, "%-8s %s\n", info->name, _(info->summary));
		if (ipc_probe(info->name, reason, sizeof reason) < 0)
			(void)fprintf(out, _("%-8s not available here: %s\n"), "", _(reason));
	}
	for (i = 0; (missing = ipc_missing_at(i, &why)); i++)
		(void)fprintf(out, _("%-8s not available: %s\n"), missing, _(why));
}
