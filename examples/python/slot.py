#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""slot.py TICKET TICKET - the worker of hub.py, in Python."""
import os
import struct
import sys

import ipc

STEPS = 5

hub = os.getppid()
events, slot = ipc.Session.join(sys.argv[1], hub, 8)
orders, _ = ipc.Session.join(sys.argv[2], hub, 8)
with events, orders:
    for step in range(1, STEPS + 1):
        events.send_all(slot, struct.pack("=Q", 100 * step // STEPS))
    orders.recv()  # not every mechanism delivers what a worker sent before it ended
