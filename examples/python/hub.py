#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hub.py MECHANISM COMMAND... - a hub in Python, its worker in any language.

COMMAND is started with two tickets as arguments and takes a slot with each: one to report the
progress of a job on, one to be told on that it may go. ./hub.py shm ./slot runs the worker in C of
slot.c, ./hub.py shm ./slot.py one in Python.
"""
import os
import struct
import subprocess
import sys

import ipc


def main(name, *command):
    with ipc.Session(name, ipc.TO_HUB, 8) as events, ipc.Session(name, ipc.FROM_HUB, 8) as orders:
        tickets = [events.ticket(0), orders.ticket(0)]
        worker = subprocess.Popen(
            [*command, *(ticket.text for ticket in tickets)],
            pass_fds=[fd for ticket in tickets for fd in ticket.fds])
        for session, ticket in zip((events, orders), tickets):
            session.attach(0, ipc.HUB, worker.pid)
            ticket.close()
        percent = 0
        while percent < 100:
            _slot, records = events.recv()
            if not records:
                break  # the worker is gone
            for record in records:
                (percent,) = struct.unpack("=Q", record)
                print(f"{percent}%" + (" done" if percent == 100 else ""))
        if percent == 100:
            orders.send_all(0, struct.pack("=Q", percent))
        return worker.wait() or int(percent < 100)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(f"usage: {os.path.basename(sys.argv[0])} MECHANISM COMMAND...")
    try:
        sys.exit(main(*sys.argv[1:]))
    except OSError as error:
        sys.exit(f"hub.py: {error}")
