#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh PROGRAM - runs a test for make check, and says in its log how it ended if that was by a
# signal. A program that hangs is ended after a minute, as tests/harness/tree_clock.h counts: what
# it said last in its log began last. A shell script has a harness and a deadline of its own, and
# what runs for long watches itself; the one here is then for what hangs before that is set.
case $1 in
*.sh | *contract_test | *kill_sweep | *doorbell_soak) limit=900 ;;
*) limit=60 ;;
esac

HARNESSED=yes "${abs_top_builddir:?}/tests/harness/harness" --trust --deadline=$limit -- "$@"
status=$?
case $status in
124) echo "$1: ended: it hangs" ;;
129 | 1[3-8][0-9]) echo "$1: killed by signal $((status - 128))" ;;
esac
exit $status
