// SPDX-License-Identifier: MIT
//
// embed.cc - embed.c in C++: a worker's progress over any mechanism of libipc, chosen by name.
//
//	c++ -o embed embed.cc $(pkg-config --cflags --libs libipc) && ./embed shm
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <ipcdemo/ipc.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" { // glibc 2.36 forgets to say so itself
#include <sys/pidfd.h>
}

namespace {

struct closer {
	void operator()(ipc *session) const { ipc_close(session); }
};
using session = std::unique_ptr<ipc, closer>;

ssize_t check(ssize_t rc, const char *what)
{
	if (rc < 0)
		throw std::system_error(static_cast<int>(-rc), std::generic_category(), what);
	return rc;
}

session open_session(const std::string &name, ipc_direction direction)
{
	ipc_config config{};
	ipc *opened = nullptr;

	config.direction = direction;
	config.record_size = 8;
	config.slots = 1;
	check(ipc_open(&opened, name.c_str(), &config), name.c_str());
	check(ipc_arm(opened, 0), "ipc_arm");
	return session(opened);
}

int run(const std::string &name)
{
	const ipc_peer hub{ getpid(), pidfd_open(getpid(), 0) };
	session events = open_session(name, IPC_TO_HUB), orders = open_session(name, IPC_FROM_HUB);
	const pid_t worker = fork();
	std::uint64_t percent = 0;
	unsigned slot = 0;
	int status = 0;

	check(worker, "fork");
	const ipc_peer peer = worker == 0 ? hub : ipc_peer{ worker, pidfd_open(worker, 0) };
	check(ipc_attach(events.get(), 0, worker == 0 ? IPC_SLOT : IPC_HUB, &peer), "ipc_attach");
	check(ipc_attach(orders.get(), 0, worker == 0 ? IPC_SLOT : IPC_HUB, &peer), "ipc_attach");
	if (worker == 0) {
		while ((percent += 20) <= 100)
			check(ipc_send_all(events.get(), 0, &percent, 1), "ipc_send_all");
		check(ipc_recv(orders.get(), &slot, &percent, 1, 0), "ipc_recv"); // may go
		return EXIT_SUCCESS;
	}
	while (percent < 100 && check(ipc_recv(events.get(), &slot, &percent, 1, 0), "recv") > 0)
		std::cout << percent << (percent == 100 ? "% done\n" : "%\n");
	check(ipc_send(orders.get(), 0, &percent, 1, 0), "ipc_send");
	waitpid(worker, &status, 0);
	return status == 0 && percent == 100 ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace

int main(int argc, char **argv)
try {
	return run(argc > 1 ? argv[1] : "unix");
} catch (const std::exception &error) {
	std::cerr << error.what() << '\n';
	return EXIT_FAILURE;
}
