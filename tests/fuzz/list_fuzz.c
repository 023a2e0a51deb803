/* SPDX-License-Identifier: MIT */
/* list_fuzz.c - a list of URLs in a file, in both grammars; see fuzz.h */
#include "config.h"

#include "download/filename.h"
#include "download/job_list.h"
#include "download/protocol.h"
#include "tests/fuzz/fuzz.h"

static void check_job(const struct job *job)
{
	REQUIRE(job->url && job->shown && *job->url);
	REQUIRE(strlen(job->url) <= COMMAND_URL_MAX);
	REQUIRE(!strpbrk(job->url, "\r\n"));
	REQUIRE(!job->dir || (*job->dir && !strpbrk(job->dir, "\r\n\t")));
	REQUIRE(!job->name || filename_check(job->name) == FILENAME_OK);
}

static void read_as(enum job_format format, const uint8_t *data, size_t size)
{
	struct job_input input = { .path = "input", .format = (int)format };
	struct job_list list = { 0 };
	size_t i;
	int rc;

	if (size == 0) /* fmemopen takes none */
		return;
	input.file = fmemopen((void *)(uintptr_t)data, size, "r");
	REQUIRE(input.file);
	rc = job_list_read(&list, &input);
	REQUIRE(rc <= 0 && (rc == 0 || *input.why));
	REQUIRE(list.dir_count <= OUTPUT_DIRS_MAX);
	for (i = 0; i < list.count; i++)
		check_job(&list.jobs[i]);
	(void)fclose(input.file);
	job_list_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_as(JOB_FORMAT_PLAIN, data, size);
	read_as(JOB_FORMAT_ARIA2, data, size);
	return 0;
}
