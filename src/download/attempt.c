/* SPDX-License-Identifier: MIT */
/* attempt.c - see attempt.h */
#include "config.h"

#include "download/attempt.h"

#include <unistd.h>

#include "download/part_file.h"

void transfer_run(struct transfer *transfer, const struct transfer_order *order)
{
	struct fetch_result *result = &transfer->result;

	*result = (struct fetch_result){ .total = FETCH_SIZE_UNKNOWN };
	transfer->fd =
		output_open_part(order->dirfd, order->name, &transfer->inode, &result->fault);
	if (transfer->fd < 0)
		return;
	if (fetch_run(order->fetch, order->url, transfer->fd, order->hooks, result) == 0)
		return;
	(void)close(transfer->fd); /* nothing of it will be used */
	transfer->fd = -1;
}
