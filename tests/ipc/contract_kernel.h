/* SPDX-License-Identifier: MIT */
/* contract_kernel.h - an older kernel, and the registry with the template in it. */
#ifndef IPCDEMO_TESTS_CONTRACT_KERNEL_H
#define IPCDEMO_TESTS_CONTRACT_KERNEL_H

/*
 * From now on, in this process and its children, preadv2 and pwritev2 with flags fail with
 * EOPNOTSUPP, as they do for pipes before Linux 6.4. Cannot be undone. Fails the rule where
 * seccomp is missing.
 */
void kernel_refuse_nowait(void);

#endif
