/* SPDX-License-Identifier: MIT */
/*
 * job_list_test.c - the list of jobs: what an input file may hold, what is wrong with it and where,
 * and what one job may be.
 */
#include "config.h"

#include "download/job_list.h"

#include <errno.h>

#include "download/filename.h"
#include "tests/download/job_list_stage.h"

static const char hex[] = "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100";

/* ---- helpers ---- */

static int read_format(struct job_list *list, const char *text, size_t bytes,
		       enum job_format format, char why[512])
{
	struct job_input input = { .path = "list", .format = (int)format };
	int rc;

	input.file = fmemopen((void *)(uintptr_t)text, bytes, "r");
	assert_non_null(input.file);
	rc = job_list_read(list, &input);
	(void)snprintf(why, 512, "%s", input.why);
	fclose(input.file);
	return rc;
}

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

/* What job_list_add says of a job with such a sum. */
static int add_sum(struct job_list *list, const char *sha256, char why[512])
{
	const struct job_wish wish = { .url = "http://a/x", .sha256 = sha256 };

	return job_list_add(list, &wish, why, 512);
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
		     "list:1: only out=NAME, dir=DIR and sha256=HEX may follow a URL, not junk");
	assert_wrong("# comment\n\nhttp://a/x\nhttp://a/y OUT=z\n",
		     "list:4: only out=NAME, dir=DIR and sha256=HEX may follow a URL, not OUT=z");
	assert_wrong("http://a/x # comment\n",
		     "list:1: only out=NAME, dir=DIR and sha256=HEX may follow a URL, not #");
	assert_wrong("http://a/x y.pdf out=z\n",
		     "list:1: only out=NAME, dir=DIR and sha256=HEX may follow a URL, not y.pdf");
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
		       "http://a/2\n\tdir=there\n# still its own\n\n out = 2 b \t\n"
		       "http://a/3\nhttp://a/4\n dir=a \"b\"\nhttp://a/5\n dir=there",
		       hex);
	assert_int_equal(read_format(&list, text, strlen(text), JOB_FORMAT_ARIA2, why), 0);
	assert_int_equal(list.count, 5);
	assert_string_equal(list.jobs[0].name, "one two.pdf");
	assert_true(list.jobs[0].has_sha256);
	assert_null(list.jobs[0].dir);
	assert_string_equal(list.jobs[1].name, "2 b");
	assert_string_equal(list.jobs[1].dir, "there");
	assert_string_equal(list.jobs[2].url, "http://a/3");
	assert_null(list.jobs[2].dir);
	assert_string_equal(list.jobs[3].dir, "a \"b\"");
	assert_string_equal(list.jobs[4].dir, "there");
	assert_int_equal(list.dir_count, 2);
	job_list_free(&list);
	(void)snprintf(text, sizeof text,
		       "http://a/1\n out=a/b/c\nhttp://a/2\n out=/x\nhttp://a/3\n out=/e//f\n"
		       " dir=/d\n");
	list.dir = "main";
	assert_int_equal(read_format(&list, text, strlen(text), JOB_FORMAT_ARIA2, why), 0);
	assert_string_equal(list.jobs[0].dir, "main/a/b");
	assert_string_equal(list.jobs[0].name, "c");
	assert_null(list.jobs[1].dir);
	assert_string_equal(list.jobs[1].name, "x");
	assert_string_equal(list.jobs[2].dir, "/d/e/");
	assert_string_equal(list.jobs[2].name, "f");
	job_list_free(&list);
}

static void test_job_read_aria2_lists_that_are_wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "http://a/1\n split=5\n", "list:2: of aria2's options only out=, dir= and "
					    "checksum=sha-256= are known here, not split=5" },
		{ "http://a/1\n directory=x\n", "list:2: of aria2's options only out=, dir= and "
						"checksum=sha-256= are known here, not "
						"directory=x" },
		{ "http://a/1\n checksum=md5=0\n", "list:2: of aria2's options only out=, dir= and "
						   "checksum=sha-256= are known here, not "
						   "checksum=md5=0" },
		{ "\nhttp://a/1\thttp://b/1\n out=x\n",
		  "list:2: mirrors of one file are not supported: http://a/1\thttp://b/1" },
		{ "http://a/1\n dir=x\n dir=y\n", "list:3: given twice: dir=y" },
		{ "http://a/1\n\n dir= \n", "list:1: dir= names no directory" },
		{ "http://a/1\n dir=a\tb\n",
		  "list:1: the name of a directory holds a control character" },
		{ "http://a/1\n out=a/../../b\n",
		  "list:1: out= leads out of its directory: a/../../b" },
		{ "http://a/1\n out=a/\n",
		  "list:1: the output name cannot be used: its name is empty" },
		{ "\n out=x\n", "list:2: an option without a URL above it:  out=x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct job_list list = { .jobs = NULL };
		char why[512];

		assert_int_equal(read_format(&list, wrong[i].text, strlen(wrong[i].text),
					     JOB_FORMAT_ARIA2, why),
				 -EINVAL);
		assert_string_equal(why, wrong[i].why);
		job_list_free(&list);
	}
}

static void test_job_read_directories(void **state)
{
	struct job_list list = { .jobs = NULL };
	char line[64];
	static char text[20000];

	(void)state;
	assert_read(&list,
		    "http://a/1 dir=图书\n"
		    "http://a/2 dir=\"two \\\"2\\\"\" out=x\n"
		    "http://a/3\nhttp://a/4 out=y dir=图书\n",
		    4);
	assert_string_equal(list.jobs[0].dir, "图书");
	assert_string_equal(list.jobs[1].dir, "two \"2\"");
	assert_null(list.jobs[2].dir);
	assert_ptr_equal(list.jobs[3].dir, list.jobs[0].dir); /* each spelling once */
	assert_int_equal(list.dir_count, 2);
	job_list_free(&list);
	assert_wrong("http://a/x dir=\n", "list:1: dir= names no directory");
	assert_wrong("http://a/x dir=\"\"\n", "list:1: dir= names no directory");
	assert_wrong("http://a/x dir=a dir=a\n", "list:1: given twice: dir");
	assert_wrong("http://a/x dir=a\x7f\n",
		     "list:1: the name of a directory holds a control character");
	for (unsigned i = 0; i <= OUTPUT_DIRS_MAX; i++) {
		(void)snprintf(line, sizeof line, "http://a/x dir=%u\n", i);
		strcat(text, line);
	}
	assert_wrong(text, "list:256: more than 255 different directories: divide the list");
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
		add_job(&list, url, NULL);
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
	char wrong[80] = "", why[512];

	(void)state;
	for (size_t length = 0; length < 70; length++) {
		assert_int_equal(add_sum(&list, wrong, why), length == 64 ? 0 : -EINVAL);
		wrong[length] = 'a'; /* behind it all is '\0' */
	}
	(void)snprintf(wrong, sizeof wrong, "%s  x.iso", hex); /* as sha256sum prints it */
	assert_int_equal(add_sum(&list, wrong, why), -EINVAL);
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
	add_job(&list, "http:///x", NULL);
	assert_null(list.jobs[0].name);
	assert_job(&list.jobs[0], JOB_FAILED, FAILURE_NAME, FILENAME_NO_HOST);
	assert_string_equal(list.jobs[0].url, "http:///x");
	add_job(&list, "http://a/.vimrc", ".vimrc"); /* the user's wish; a URL's would be encoded */
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
		add_job(&list, urls[i].typed, NULL);
		assert_string_equal(list.jobs[i].url, urls[i].url);
	}
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
		cmocka_unit_test(test_job_read_aria2_lists_that_are_wrong),
		cmocka_unit_test(test_job_read_directories),
		cmocka_unit_test(test_job_read_random_lists_do_no_harm),
		cmocka_unit_test(test_job_read_unreadable_file_is_told_by_its_path),
		cmocka_unit_test(test_job_read_thousands_of_jobs_keep_their_order),
		cmocka_unit_test(test_job_sha256_is_read_in_either_case),
		cmocka_unit_test(test_job_sha256_of_wrong_form_is_refused),
		cmocka_unit_test(test_job_url_without_a_host_fails_alone),
		cmocka_unit_test(test_job_url_is_trimmed_and_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
