/* SPDX-License-Identifier: MIT */
/*
 * job_list_test.c - the list of jobs: what an input file may hold, what is wrong with it and where,
 * and what is settled before the first network byte.
 */
#include "config.h"

#include "download/job_list.h"

#include <errno.h>

#include "download/filename.h"
#include "tests/download/part_file_place.h"

#define DEADLINE_S 60

static const char hex[] = "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100";

/* ---- helpers ---- */

static int read_format(struct job_list *list, const char *text, size_t bytes,
		       enum job_format format, char why[512])
{
	struct job_input input = { .file = fmemopen((void *)(uintptr_t)text, bytes, "r"),
				   .path = "list",
				   .format = format };
	int rc;

	assert_non_null(input.file);
	rc = job_list_read(list, &input);
	(void)snprintf(why, 512, "%s", input.why);
	fclose(input.file);
	free(input.dir);
	return rc;
}

/* Reads BYTES of TEXT as the input file "list". */
static int read_bytes(struct job_list *list, const char *text, size_t bytes, char why[512])
{
	return read_format(list, text, bytes, JOB_FORMAT_PLAIN, why);
}

static void assert_read(struct job_list *list, const char *text, size_t jobs)
{
	char why[512];

	assert_int_equal(read_bytes(list, text, strlen(text), why), 0);
	assert_string_equal(why, "");
	assert_int_equal(list->count, jobs);
}

/* TEXT is refused, and the one line says exactly WHY. */
static void assert_wrong(const char *text, const char *expected)
{
	struct job_list list = { .jobs = NULL };
	char why[512];

	assert_int_equal(read_bytes(&list, text, strlen(text), why), -EINVAL);
	assert_string_equal(why, expected);
	job_list_free(&list);
}

static void add(struct job_list *list, const char *url, const char *name)
{
	const struct job_wish wish = { .url = url, .name = name };
	char why[512];

	assert_int_equal(job_list_add(list, &wish, why, sizeof why), 0);
}

/* What job_list_add says of a job with such a sum. */
static int add_sum(struct job_list *list, const char *sha256, char why[512])
{
	const struct job_wish wish = { .url = "http://a/x", .sha256 = sha256 };

	return job_list_add(list, &wish, why, 512);
}

static void assert_job(const struct job *job, enum job_state state, enum failure_kind kind,
		       int32_t code)
{
	assert_int_equal(job->state, state);
	assert_int_equal(job->failure.kind, kind);
	assert_int_equal(job->failure.code, code);
}

/* ---- the input file ---- */

static void test_job_read_urls_one_a_line(void **state)
{
	struct job_list list = { .jobs = NULL };

	(void)state;
	assert_read(&list, "http://a/one\nhttp://b/two?q=1#f\nc/three", 3);
	assert_string_equal(list.jobs[0].url, "http://a/one");
	assert_string_equal(list.jobs[0].name, "one");
	assert_string_equal(list.jobs[1].url, "http://b/two?q=1#f");
	assert_string_equal(list.jobs[1].name, "two");
	assert_string_equal(list.jobs[2].url, "c/three"); /* the last line needs no newline */
	assert_string_equal(list.jobs[2].name, "three");
	for (size_t i = 0; i < 3; i++) {
		assert_job(&list.jobs[i], JOB_READY, FAILURE_NONE, 0);
		assert_false(list.jobs[i].has_sha256);
		assert_true(list.jobs[i].total == UINT64_MAX);
	}
	job_list_free(&list);
	assert_null(list.jobs);
	assert_int_equal(list.count, 0);
}

static void test_job_read_blanks_and_comments_are_passed_over(void **state)
{
	struct job_list list = { .jobs = NULL };

	(void)state;
	assert_read(&list, "", 0);
	assert_read(&list, "\n\r\n \t \n# http://a/x\n\t # http://a/y\n#\n", 0);
	assert_read(&list, "\n# one\n  http://a/z\t\r\n\n", 1);
	assert_string_equal(list.jobs[0].url, "http://a/z");
	job_list_free(&list);
}

static void test_job_read_out_and_sha256_in_any_order(void **state)
{
	struct job_list list = { .jobs = NULL };
	char text[512];

	(void)state;
	(void)snprintf(text, sizeof text,
		       "http://a/1 out=x sha256=%s\n"
		       "http://a/2\tsha256=%s  out=y=z\r\n"
		       "http://a/3 out=3.txt\n"
		       "http://a/4 sha256=%s",
		       hex, hex, hex);
	assert_read(&list, text, 4);
	assert_string_equal(list.jobs[0].name, "x");
	assert_string_equal(list.jobs[1].name, "y=z");
	assert_string_equal(list.jobs[2].name, "3.txt");
	assert_string_equal(list.jobs[3].name, "4");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(list.jobs[i].has_sha256, i != 2);
	job_list_free(&list);
}

/* The line number counts all lines, also those passed over. */
static void test_job_read_error_names_path_and_line(void **state)
{
	(void)state;
	assert_wrong("http://a/x junk\n",
		     "list:1: only out=NAME and sha256=HEX may follow a URL, not junk");
	assert_wrong("# comment\n\nhttp://a/x\nhttp://a/y OUT=z\n",
		     "list:4: only out=NAME and sha256=HEX may follow a URL, not OUT=z");
	assert_wrong("http://a/x # comment\n",
		     "list:1: only out=NAME and sha256=HEX may follow a URL, not #");
	assert_wrong("http://a/x y.pdf out=z\n",
		     "list:1: only out=NAME and sha256=HEX may follow a URL, not y.pdf");
	assert_wrong("http://a/x out=a out=b\n", "list:1: given twice: out");
	assert_wrong("http://a/\x1b[2J\n", "list:1: a URL holds a control character");
	assert_wrong("http://a/\n\v\n", "list:2: a URL is empty");
	assert_wrong("http://a/x\r\nhttp://a/y sha256=\r\n",
		     "list:2: sha256 needs 64 hexadecimal digits, not ");
	assert_wrong("\n\nhttp://a/x out=..",
		     "list:3: the output name cannot be used: its name is that of a directory");
	assert_wrong("http://a/x out=a/b",
		     "list:1: the output name cannot be used: its name holds a slash");
}

static void test_job_read_name_that_cannot_be_used_is_refused(void **state)
{
	static const char *const names[] = { "", ".", "..", "/etc/x", "a/../b", "a\x1b", "x.part" };
	struct job_list list = { .jobs = NULL };
	char why[512], text[64];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		(void)snprintf(text, sizeof text, "http://a/x out=%s\n", names[i]);
		assert_int_equal(read_bytes(&list, text, strlen(text), why), -EINVAL);
		assert_int_equal(strncmp(why, "list:1: ", 8), 0);
		assert_int_equal(list.count, 0);
	}
	job_list_free(&list);
}

/* As in a shell's double quotes, for who has blanks in a name or a URL. */
static void test_job_read_quotes_hold_blanks(void **state)
{
	static const char open_quote[] = "list:1: a double quote is not closed, or text follows it";
	struct job_list list = { .jobs = NULL };

	(void)state;
	assert_read(&list,
		    "http://a/1 out=\"a b.pdf\"\n"
		    "\"http://a/b c?d e\" \tout=\"say \\\"hi\\\" \\\\ \\n\"\r\n"
		    "http://a/d\"e out=f\"g\n",
		    3);
	assert_string_equal(list.jobs[0].name, "a b.pdf");
	assert_string_equal(list.jobs[1].url, "http://a/b%20c?d%20e");
	assert_string_equal(list.jobs[1].name, "say \"hi\" \\ \\n");
	assert_string_equal(list.jobs[2].url, "http://a/d%22e");
	assert_string_equal(list.jobs[2].name, "f\"g");
	job_list_free(&list);
	assert_wrong("http://a/x out=\"a b\n", open_quote);
	assert_wrong("\"http://a/x\"out=a\n", open_quote);
}

/* Editors of one family begin a file so. */
static void test_job_read_byte_order_mark_is_passed_over(void **state)
{
	struct job_list list = { .jobs = NULL };
	char why[512];

	(void)state;
	assert_read(&list, "\xef\xbb\xbfhttp://a/x\r\n# end\n", 1);
	assert_string_equal(list.jobs[0].url, "http://a/x");
	job_list_free(&list);
	assert_int_equal(read_bytes(&list, "http://a/x\0y\n", 13, why), -EINVAL);
	assert_string_equal(why, "list:1: the line holds a NUL byte");
	job_list_free(&list);
}

static void test_job_read_aria2_lists(void **state)
{
	struct job_list list = { .jobs = NULL };
	char text[512], why[512];

	(void)state;
	(void)snprintf(text, sizeof text,
		       "# theirs\nhttp://a/1\n  out=one two.pdf\n  checksum=sha-256=%s\n\n"
		       "http://a/2\n\tdir=there\nhttp://a/3\n",
		       hex);
	assert_int_equal(read_format(&list, text, strlen(text), JOB_FORMAT_ARIA2, why), 0);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.jobs[0].name, "one two.pdf");
	assert_true(list.jobs[0].has_sha256);
	assert_string_equal(list.jobs[1].name, "2");
	assert_string_equal(list.jobs[2].url, "http://a/3");
	job_list_free(&list);
	(void)snprintf(text, sizeof text, "http://a/1\n split=5\n");
	assert_int_equal(read_format(&list, text, strlen(text), JOB_FORMAT_ARIA2, why), -EINVAL);
	assert_int_equal(strncmp(why, "list:2: ", 8), 0);
	(void)snprintf(text, sizeof text, "\nhttp://a/1\thttp://b/1\n out=x\n");
	assert_int_equal(read_format(&list, text, strlen(text), JOB_FORMAT_ARIA2, why), -EINVAL);
	assert_int_equal(strncmp(why, "list:2: ", 8), 0);
	job_list_free(&list);
}

/* xorshift64: the same sequence on every run. */
static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Any pieces in any order: read or refused, never read past the end (the sanitizers look). */
static void test_job_read_random_lists_do_no_harm(void **state)
{
	static const char *const pieces[] = {
		"http://a/x", " ",
		"\t",         "\n",
		"\r\n",       "\"",
		"\\",         "#",
		"out=",       "sha256=",
		"=",          "a",
		"%2",         "\xef\xbb\xbf",
		"dir=",       "checksum=sha-256=",
	};
	const size_t count = sizeof pieces / sizeof pieces[0];
	uint64_t seed = 20240301;
	unsigned read = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct job_list list = { .jobs = NULL };
		char text[512] = "", why[512];
		size_t n = 1 + next_random(&seed) % 16, used = 0;

		for (; n > 0; n--)
			used += (size_t)snprintf(text + used, sizeof text - used, "%s",
						 pieces[next_random(&seed) % count]);
		if (read_format(&list, text, used, next_random(&seed) % 2, why) == 0)
			read++;
		else
			assert_int_equal(strncmp(why, "list:", 5), 0);
		job_list_free(&list);
	}
	assert_in_range(read, 1000, 19000);
}

/* getline's buffer, and WHY, are the only limits. */
static void test_job_read_long_lines_do_no_harm(void **state)
{
	static char text[200000];
	struct job_list list = { .jobs = NULL };
	char why[512];

	(void)state;
	memset(text, 'a', sizeof text - 1);
	memcpy(text, "http://a/?", 10);
	assert_read(&list, text, 1);
	assert_int_equal(strlen(list.jobs[0].url), sizeof text - 1);
	memcpy(text, "http://a/x ", 11);
	assert_int_equal(read_bytes(&list, text, strlen(text), why), -EINVAL);
	assert_true(strlen(why) < sizeof why);
	assert_int_equal(list.count, 1);
	job_list_free(&list);
}

static void test_job_read_unreadable_file_is_told_by_its_path(void **state)
{
	struct job_list list = { .jobs = NULL };
	struct job_input input = { .file = fopen("/", "re"), .path = "some/path" };

	(void)state;
	assert_non_null(input.file); /* opens, but cannot be read */
	assert_int_equal(job_list_read(&list, &input), -EISDIR);
	assert_string_equal(input.why, "some/path: Is a directory");
	fclose(input.file);
	job_list_free(&list);
}

static void test_job_read_thousands_of_jobs_keep_their_order(void **state)
{
	struct job_list list = { .jobs = NULL };
	char url[64];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(url, sizeof url, "http://a/%u", i);
		add(&list, url, NULL);
	}
	assert_int_equal(list.count, 5000);
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(url, sizeof url, "http://a/%u", i);
		assert_string_equal(list.jobs[i].url, url);
	}
	job_list_free(&list);
}

/* ---- one job ---- */

static void test_job_sha256_is_read_in_either_case(void **state)
{
	static const unsigned char first[] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77 };
	struct job_list list = { .jobs = NULL };
	char why[512];

	(void)state;
	assert_int_equal(add_sum(&list, hex, why), 0);
	assert_true(list.jobs[0].has_sha256);
	assert_memory_equal(list.jobs[0].sha256, first, sizeof first);
	for (size_t i = 0; i < SHA256_BYTES; i++) /* the second half is the first, backwards */
		assert_int_equal(list.jobs[0].sha256[i], list.jobs[0].sha256[SHA256_BYTES - 1 - i]);
	job_list_free(&list);
}

static void test_job_sha256_of_wrong_form_is_refused(void **state)
{
	struct job_list list = { .jobs = NULL };
	char wrong[80], why[512];

	(void)state;
	for (size_t length = 0; length < 70; length++) {
		memset(wrong, 'a', sizeof wrong);
		wrong[length] = '\0';
		assert_int_equal(add_sum(&list, wrong, why), length == 64 ? 0 : -EINVAL);
	}
	for (const char *c = "gG zx-+/:@`"; *c; c++) {
		memcpy(wrong, hex, sizeof hex);
		wrong[*c % 64] = *c;
		assert_int_equal(add_sum(&list, wrong, why), -EINVAL);
		assert_non_null(strstr(why, wrong));
	}
	assert_int_equal(list.count, 1);
	job_list_free(&list);
}

/* No file name follows: the job fails, with its reason, and the others go on. */
static void test_job_url_without_a_host_fails_alone(void **state)
{
	struct job_list list = { .jobs = NULL };

	(void)state;
	add(&list, "http:///x", NULL);
	assert_null(list.jobs[0].name);
	assert_job(&list.jobs[0], JOB_FAILED, FAILURE_NAME, FILENAME_NO_HOST);
	assert_string_equal(list.jobs[0].url, "http:///x");
	add(&list, "http://a/.vimrc", ".vimrc"); /* the user's wish; a URL's would be encoded */
	assert_job(&list.jobs[1], JOB_READY, FAILURE_NONE, 0);
	assert_string_equal(list.jobs[1].name, ".vimrc");
	job_list_free(&list);
}

/* As a browser does with what is pasted into it. */
static void test_job_url_is_trimmed_and_encoded(void **state)
{
	static const struct {
		const char *typed, *url;
	} urls[] = { { " http://a/x\t", "http://a/x" },
		     { "http://a/b c", "http://a/b%20c" },
		     { "http://a/图?q=\"<>\"", "http://a/%E5%9B%BE?q=%22%3C%3E%22" },
		     { "http://b\xc3\xbc.example/x", "http://b\xc3\xbc.example/x" },
		     { "http://a/%41%zz", "http://a/%41%zz" } };
	struct job_list list = { .jobs = NULL };

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		add(&list, urls[i].typed, NULL);
		assert_string_equal(list.jobs[i].url, urls[i].url);
	}
	job_list_free(&list);
}

/* ---- settled before the start ---- */

static void test_job_settle_first_of_a_name_keeps_it(void **state)
{
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };

	add(&list, "http:///x", NULL); /* without a name: neither here nor there */
	add(&list, "http://a/same", NULL);
	add(&list, "http://a/other", NULL);
	add(&list, "http://b/same", NULL);
	add(&list, "http://c/z", "same");
	add(&list, "http://c/sam", NULL);
	assert_int_equal(job_list_settle(&list, place->dirfd, EXISTS_FAIL), 0);
	assert_job(&list.jobs[0], JOB_FAILED, FAILURE_NAME, FILENAME_NO_HOST);
	assert_job(&list.jobs[1], JOB_READY, FAILURE_NONE, 0);
	assert_job(&list.jobs[2], JOB_READY, FAILURE_NONE, 0);
	assert_job(&list.jobs[3], JOB_FAILED, FAILURE_CLASH, 1);
	assert_job(&list.jobs[4], JOB_FAILED, FAILURE_CLASH, 1);
	assert_job(&list.jobs[5], JOB_READY, FAILURE_NONE, 0);
	job_list_free(&list);
}

static void assert_names(const struct job_list *list, const char *const *names, size_t count)
{
	assert_int_equal(list->count, count);
	for (size_t i = 0; i < count; i++) {
		assert_job(&list->jobs[i], JOB_READY, FAILURE_NONE, 0);
		assert_string_equal(list->jobs[i].name, names[i]);
	}
}

static void test_job_settle_queries_tell_pages_apart(void **state)
{
	static const char *const names[] = { "page?id=2", "page?id=3", "page", "alone" };
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };

	add(&list, "http://a/page?id=2", NULL);
	add(&list, "http://a/page?id=3", NULL);
	add(&list, "http://a/page", NULL);
	add(&list, "http://a/alone?id=4", NULL);
	assert_int_equal(job_list_settle(&list, place->dirfd, EXISTS_FAIL), 0);
	assert_names(&list, names, 4);
	job_list_free(&list);
}

static void test_job_settle_a_url_that_comes_twice_is_one_job(void **state)
{
	static const char *const names[] = { "x", "y", "z" };
	const struct job_wish summed = { .url = "http://a/x", .sha256 = hex };
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };
	char why[512];

	add(&list, "http://a/x", NULL);
	add(&list, "http://a/y", NULL);
	assert_int_equal(job_list_add(&list, &summed, why, sizeof why), 0);
	add(&list, "http://a/y", NULL);
	add(&list, "http://a/x", "z"); /* two files, so two jobs */
	assert_int_equal(job_list_settle(&list, place->dirfd, EXISTS_FAIL), 0);
	assert_names(&list, names, 3);
	assert_true(list.jobs[0].has_sha256);
	job_list_free(&list);
}

static void test_job_settle_rename_numbers_them_in_order(void **state)
{
	static const char *const names[] = { "x.2", "x.3", "y", "x.1.1" };
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };

	put(place, "x", "");
	put(place, "x.1", "");
	add(&list, "http://a/x", NULL);
	add(&list, "http://b/x", NULL);
	add(&list, "http://a/y", NULL);
	add(&list, "http://a/x.1", NULL);
	assert_int_equal(job_list_settle(&list, place->dirfd, EXISTS_RENAME), 0);
	assert_names(&list, names, 4);
	job_list_free(&list);
}

static void test_job_settle_many_of_a_name_all_name_the_first(void **state)
{
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };
	char url[32];

	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(url, sizeof url, "http://a%u/%s", i, i % 2 ? "odd" : "even");
		add(&list, url, NULL);
	}
	assert_int_equal(job_list_settle(&list, place->dirfd, EXISTS_OVERWRITE), 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_job(&list.jobs[i], i < 2 ? JOB_READY : JOB_FAILED,
			   i < 2 ? FAILURE_NONE : FAILURE_CLASH, i < 2 ? 0 : (int32_t)i % 2);
	job_list_free(&list);
}

static void test_job_settle_existing_file_by_policy(void **state)
{
	static const struct {
		enum exists_policy policy;
		enum job_state state;
		enum failure_kind kind;
	} wanted[] = { { EXISTS_FAIL, JOB_FAILED, FAILURE_EXISTS },
		       { EXISTS_SKIP, JOB_SKIPPED, FAILURE_NONE },
		       { EXISTS_RESUME, JOB_SKIPPED, FAILURE_NONE },
		       { EXISTS_OVERWRITE, JOB_READY, FAILURE_NONE } };
	static const char *const taken[] = { "file", "link", "directory" };
	struct place *place = *state;

	put(place, "file", "mine");
	assert_int_equal(symlinkat("nowhere", place->dirfd, "link"), 0);
	assert_int_equal(mkdirat(place->dirfd, "directory", 0700), 0);
	put(place, "free.part", ""); /* a leftover takes no name */
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct job_list list = { .jobs = NULL };

		for (size_t j = 0; j < 3; j++)
			add(&list, "http://a/x", taken[j]);
		add(&list, "http://a/x", "free");
		assert_int_equal(job_list_settle(&list, place->dirfd, wanted[i].policy), 0);
		for (size_t j = 0; j < 2; j++)
			assert_job(&list.jobs[j], wanted[i].state, wanted[i].kind, 0);
		/* Under no policy would it be replaced, or be what was asked for. */
		assert_job(&list.jobs[2], JOB_FAILED, FAILURE_NOT_FILE, S_IFDIR);
		assert_job(&list.jobs[3], JOB_READY, FAILURE_NONE, 0);
		job_list_free(&list);
	}
}

/* Of two jobs with one name that is taken, each says what is wrong with it. */
static void test_job_settle_clash_comes_before_exists(void **state)
{
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };

	put(place, "x", "mine");
	add(&list, "http://a/x", NULL);
	add(&list, "http://b/x", NULL);
	assert_int_equal(job_list_settle(&list, place->dirfd, EXISTS_SKIP), 0);
	assert_job(&list.jobs[0], JOB_SKIPPED, FAILURE_NONE, 0);
	assert_job(&list.jobs[1], JOB_FAILED, FAILURE_CLASH, 0);
	job_list_free(&list);
}

static void test_job_settle_nothing_is_fine(void **state)
{
	struct place *place = *state;
	struct job_list list = { .jobs = NULL };

	assert_int_equal(job_list_settle(&list, place->dirfd, EXISTS_FAIL), 0);
	job_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_job_read_urls_one_a_line),
		cmocka_unit_test(test_job_read_blanks_and_comments_are_passed_over),
		cmocka_unit_test(test_job_read_out_and_sha256_in_any_order),
		cmocka_unit_test(test_job_read_error_names_path_and_line),
		cmocka_unit_test(test_job_read_name_that_cannot_be_used_is_refused),
		cmocka_unit_test(test_job_read_long_lines_do_no_harm),
		cmocka_unit_test(test_job_read_quotes_hold_blanks),
		cmocka_unit_test(test_job_read_byte_order_mark_is_passed_over),
		cmocka_unit_test(test_job_read_aria2_lists),
		cmocka_unit_test(test_job_read_random_lists_do_no_harm),
		cmocka_unit_test(test_job_read_unreadable_file_is_told_by_its_path),
		cmocka_unit_test(test_job_read_thousands_of_jobs_keep_their_order),
		cmocka_unit_test(test_job_sha256_is_read_in_either_case),
		cmocka_unit_test(test_job_sha256_of_wrong_form_is_refused),
		cmocka_unit_test(test_job_url_without_a_host_fails_alone),
		cmocka_unit_test(test_job_url_is_trimmed_and_encoded),
		PLACED(test_job_settle_first_of_a_name_keeps_it),
		PLACED(test_job_settle_queries_tell_pages_apart),
		PLACED(test_job_settle_a_url_that_comes_twice_is_one_job),
		PLACED(test_job_settle_rename_numbers_them_in_order),
		PLACED(test_job_settle_many_of_a_name_all_name_the_first),
		PLACED(test_job_settle_existing_file_by_policy),
		PLACED(test_job_settle_clash_comes_before_exists),
		PLACED(test_job_settle_nothing_is_fine),
	};

	alarm(DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
