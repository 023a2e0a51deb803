#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh PROGRAM - runs a test program for make check, and says in its log how it ended if that was
# by a signal. Every test has a deadline of its own, mostly alarm(2); the one here is for a test
# that hangs before it is set.
LIMIT=900

timeout --kill-after=5 $LIMIT "$@"
status=$?
case $status in
124 | 137) echo "$1: killed, not done after $LIMIT s: what began last above hangs" ;;
142) echo "$1: not done at its own deadline: what began last above hangs" ;;
152) echo "$1: its CPU time is used up: what began last above turns in circles" ;;
129 | 1[3-8][0-9]) echo "$1: killed by signal $((status - 128))" ;;
esac
exit $status
