/* SPDX-License-Identifier: MIT */
/* For cppcheck, which reads no system header: loops that it would take for calls. */
#define TAILQ_FOREACH_REVERSE(var, head, name, field) \
	for (var = TAILQ_LAST(head, name); var; var = TAILQ_PREV(var, name, field))
#define json_array_foreach(array, index, value) \
	for (index = 0; (value = json_array_get(array, index)); index++)
