/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/ipc/contract_subjects.h"

static size_t keep_few(const struct ipc_backend **subjects, size_t count)
{
	size_t members[IPC_GROUP_COUNT] = { 0 }, seen[IPC_GROUP_COUNT] = { 0 }, kept = 0, i;

	for (i = 0; i < count; i++)
		members[subjects[i]->info.group]++;
	for (i = 0; i < count; i++) {
		const enum ipc_group group = subjects[i]->info.group;

		if (seen[group]++ == contract_seed % members[group])
			subjects[kept++] = subjects[i];
	}
	return kept;
}

void contract_find_subjects(const struct ipc_backend **subjects, size_t max)
{
	const char *few = getenv("FEW");
	char reason[128];
	size_t i, count = 0;

	for (i = 0; ipc_info_at(i); i++) {
		const char *name = ipc_info_at(i)->name;

		if (count == max - 2) {
			(void)fprintf(stderr, "contract: more than %zu mechanisms\n", max - 2);
			exit(1);
		}
		if (ipc_probe(name, reason, sizeof reason) == 0)
			subjects[count++] = ipc_backend_find(name);
		else
			printf("contract: %s is not usable here: %s\n", name, reason);
	}
	if (few && *few && !getenv("CONTRACT_ONLY"))
		count = keep_few(subjects, count);
	subjects[count] = &ipc_skeleton;
	subjects[count + 1] = NULL;
}
