dnl SPDX-License-Identifier: MIT

# IPCDEMO_CFLAG(VARIABLE, FLAG, [required])
# Appends FLAG to VARIABLE if the compiler takes it; an error if it must and does not. clang
# only warns of an unknown -W flag, hence -Werror in the trial.
AC_DEFUN([IPCDEMO_CFLAG], [
	AS_VAR_PUSHDEF([cache], [ipcdemo_cv_cflag_$2])dnl
	AC_CACHE_CHECK([whether $CC accepts $2], [cache], [
		ipcdemo_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
		CFLAGS=$ipcdemo_save_CFLAGS
	])
	AS_VAR_IF([cache], [yes], [$1="${$1:+$$1 }$2"],
		[m4_ifval([$3], [AC_MSG_ERROR([$CC does not accept $2])])])
	AC_SUBST([$1])
	AS_VAR_POPDEF([cache])dnl
])

# IPCDEMO_LDFLAG(VARIABLE, FLAG)
# The same for the linker.
AC_DEFUN([IPCDEMO_LDFLAG], [
	AS_VAR_PUSHDEF([cache], [ipcdemo_cv_ldflag_$2])dnl
	AC_CACHE_CHECK([whether $CC links with $2], [cache], [
		ipcdemo_save_LDFLAGS=$LDFLAGS
		LDFLAGS="$LDFLAGS $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
		LDFLAGS=$ipcdemo_save_LDFLAGS
	])
	AS_VAR_IF([cache], [yes], [$1="${$1:+$$1 }$2"])
	AC_SUBST([$1])
	AS_VAR_POPDEF([cache])dnl
])

# IPCDEMO_NEED(PREFIX, PKG-CONFIG MODULE, DEBIAN PACKAGE)
# PREFIX_CFLAGS and PREFIX_LIBS, or a line in the report of what is missing.
AC_DEFUN([IPCDEMO_NEED], [
	PKG_CHECK_MODULES([$1], [$2], [], [
		AC_MSG_RESULT([no])
		ipcdemo_lacking="${ipcdemo_lacking:+$ipcdemo_lacking, }$2"
		ipcdemo_packages="$ipcdemo_packages $3"
	])
])

# IPCDEMO_NEED_REPORT
# Ends configure with one error that names everything missing and how to get it.
AC_DEFUN([IPCDEMO_NEED_REPORT], [
	AS_IF([test -n "$ipcdemo_lacking"], [
		AS_CASE([$ipcdemo_packages], [*libzmq3-dev*],
			[ipcdemo_hint=' (or give --without-zmq for a build without ZeroMQ)'],
			[ipcdemo_hint=])
		AC_MSG_ERROR(m4_normalize([not found by pkg-config: $ipcdemo_lacking. Debian:
			apt-get install$ipcdemo_packages$ipcdemo_hint]))
	])
])

dnl IPCDEMO_NEED_LIBC: what glibc has and another C library may lack. One error names all of it.
AC_DEFUN([IPCDEMO_NEED_LIBC],
	[ipcdemo_lacks=
	AC_CHECK_DECL([argp_parse], [], [ipcdemo_lacks="$ipcdemo_lacks argp_parse"],
		[[#include <argp.h>]])
	AC_CHECK_DECL([arc4random], [], [ipcdemo_lacks="$ipcdemo_lacks arc4random"],
		[[#include <stdlib.h>]])
	AC_CHECK_DECL([pidfd_open], [], [ipcdemo_lacks="$ipcdemo_lacks sys/pidfd.h"],
		[[#include <sys/pidfd.h>]])
	AC_CHECK_DECL([preadv2], [], [ipcdemo_lacks="$ipcdemo_lacks preadv2"],
		[[#include <sys/uio.h>]])
	AC_CHECK_DECL([pwritev2], [], [ipcdemo_lacks="$ipcdemo_lacks pwritev2"],
		[[#include <sys/uio.h>]])
	AC_CHECK_DECL([RWF_NOWAIT], [], [ipcdemo_lacks="$ipcdemo_lacks RWF_NOWAIT"],
		[[#include <sys/uio.h>]])
	AC_CHECK_DECL([sigabbrev_np], [], [ipcdemo_lacks="$ipcdemo_lacks sigabbrev_np"],
		[[#include <string.h>]])
	AC_CHECK_DECL([TEMP_FAILURE_RETRY], [],
		[ipcdemo_lacks="$ipcdemo_lacks TEMP_FAILURE_RETRY"], [[#include <unistd.h>]])
	AS_IF([test -n "$ipcdemo_lacks"],
		[AC_MSG_ERROR([the C library lacks$ipcdemo_lacks: glibc 2.36 or later is needed])])])
