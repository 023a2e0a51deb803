/* SPDX-License-Identifier: MIT */
/*
 * contract_subjects.h - the mechanisms that the contract is tried on.
 */
#ifndef IPCDEMO_TESTS_CONTRACT_SUBJECTS_H
#define IPCDEMO_TESTS_CONTRACT_SUBJECTS_H

#include "tests/ipc/contract.h"

/*
 * Fills SUBJECTS, which has MAX entries, with what this machine can use, then the template and a
 * NULL. If FEW is set and CONTRACT_ONLY is not, contract_seed chooses one mechanism of each group.
 */
void contract_find_subjects(const struct ipc_backend **subjects, size_t max);

#endif
