/* SPDX-License-Identifier: MIT */
/* attempt.c - see attempt.h */
#include "config.h"

#include "download/attempt.h"

#include <unistd.h>

#include "download/part_file.h"

void attempt_run(struct attempt *attempt, const struct attempt_config *order)
{
	struct fetch_result *result = &attempt->result;
	struct fetch_request request;

	*result = (struct fetch_result){ .total = FETCH_SIZE_UNKNOWN };
	attempt->fd = part_file_open(order->dirfd, order->name, &attempt->inode, &result->failure);
	if (attempt->fd < 0)
		return;
	request = (struct fetch_request){ .url = order->url,
					  .fd = attempt->fd,
					  .hooks = order->hooks };
	if (fetch_run(order->fetch, &request, result) == 0)
		return;
	(void)close(attempt->fd); /* nothing of it will be used */
	attempt->fd = -1;
}
