#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hold.py COUNT BYTES - an HTTP origin that lets nobody go before all have come.

It prints its port, and answers each request with BYTES bytes, but only once COUNT of them wait:
so COUNT workers are alive at the same time, however long the start of one takes. If nobody has come
for ten seconds, there are fewer (descriptors may be short), and those that wait are answered.
"""
import select
import socket
import sys

count, size = int(sys.argv[1]), int(sys.argv[2])
answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
server = socket.create_server(("127.0.0.1", 0), backlog=4096)
server.setblocking(False)
epoll = select.epoll()
epoll.register(server.fileno(), select.EPOLLIN)
print(server.getsockname()[1], flush=True)
clients, waiting = {}, set()


def take(client):
    """What CLIENT sent: a request, or its end."""
    fd = client.fileno()
    try:
        data = client.recv(65536)
    except OSError:
        data = b""
    if data.endswith(b"\r\n\r\n"):
        waiting.add(fd)
    elif not data:
        waiting.discard(fd)
        clients.pop(fd).close()


while True:
    events = epoll.poll(10)
    for fd, _ in events:
        if fd != server.fileno():
            take(clients[fd])
            continue
        client, _ = server.accept()
        clients[client.fileno()] = client
        epoll.register(client.fileno(), select.EPOLLIN)
    if events and len(waiting) < count:
        continue
    for fd in waiting:
        clients[fd].sendall(answer)
    waiting.clear()
