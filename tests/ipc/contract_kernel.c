/* SPDX-License-Identifier: MIT */
/*
 * contract_kernel.c - what a test program changes about the world around libipc: a kernel
 * that lacks RWF_NOWAIT, and a registry that knows the template.
 */
#include "config.h"

#include "tests/ipc/contract_kernel.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/ipc/contract.h"

#define AT(field) ((unsigned)offsetof(struct seccomp_data, field))
/* The flags are the sixth argument; their lower half, on a little-endian machine. */
#define FLAGS     AT(args[5])

void kernel_refuse_nowait(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT(nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_preadv2, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwritev2, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FLAGS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
	};
	struct sock_fprog program = { .len = sizeof code / sizeof code[0], .filter = code };
	struct iovec none = { .iov_base = NULL, .iov_len = 0 };

	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	CHECK(preadv2(0, &none, 1, -1, RWF_NOWAIT) < 0 && errno == EOPNOTSUPP);
}

/*
 * Linked with --wrap=ipc_backend_find: the facade's look-ups come here, so ipc_open knows the
 * template, while the registry, and all that lists it, does not.
 */
const struct ipc_backend *__real_ipc_backend_find(const char *name);
const struct ipc_backend *__wrap_ipc_backend_find(const char *name);

const struct ipc_backend *__wrap_ipc_backend_find(const char *name)
{
	return strcmp(name, ipc_skeleton.info.name) == 0 ? &ipc_skeleton :
							   __real_ipc_backend_find(name);
}
