# SPDX-License-Identifier: MIT
"""libipc from Python: fixed-size records between processes over a mechanism chosen by name.

The calls are those of <ipcdemo/ipc.h>, see ipc(3); this module only changes their clothes:
errors are OSError (BlockingIOError where nothing is there or no room is, BrokenPipeError where the
peer is gone), a record is bytes, and a Session closes itself at the end of a `with`.

    with ipc.Session("shm", ipc.TO_HUB, record_size=8) as events:
        ticket = events.ticket(0)
        worker = subprocess.Popen(["./slot", ticket.text], pass_fds=ticket.fds)
        events.attach(0, ipc.HUB, worker.pid)
        ticket.close()
        slot, records = events.recv()
"""
import ctypes
import os

TO_HUB, FROM_HUB = 0, 1
HUB, SLOT = 0, 1
BLOCK, POLL, SPIN, ADAPTIVE = 0, 1, 2, 3
_NOWAIT = 1
_PATH = os.environ.get("LIBIPC", "libipc.so.0")


class _Info(ctypes.Structure):  # the beginning of struct ipc_info
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("title", ctypes.c_char_p),
        ("summary", ctypes.c_char_p),
        ("group", ctypes.c_int),
        ("capabilities", ctypes.c_uint),
        ("record_limit", ctypes.c_size_t),
    ]


class _Config(ctypes.Structure):
    _fields_ = [
        ("direction", ctypes.c_int),
        ("record_size", ctypes.c_size_t),
        ("slots", ctypes.c_uint),
        ("depth", ctypes.c_uint),
        ("runtime_dir", ctypes.c_char_p),
        ("accept_fds", ctypes.c_bool),
        ("keep", ctypes.c_bool),
        ("listen", ctypes.c_char_p),
        ("peer_timeout", ctypes.c_uint),
    ]


class _Peer(ctypes.Structure):
    _fields_ = [("pid", ctypes.c_int), ("pidfd", ctypes.c_int)]


class _Ticket(ctypes.Structure):
    _fields_ = [
        ("text", ctypes.c_char * 256),
        ("fds", ctypes.c_int * 4),
        ("words", ctypes.c_uint64 * 3),
    ]


def _checked(result, function, _arguments):
    if result < 0:
        raise OSError(-result, os.strerror(-result), function.__name__)
    return result


def _declare(library):
    """Tells ctypes the prototypes: a pointer must not be cut to an int."""
    session, slot, size = ctypes.c_void_p, ctypes.c_uint, ctypes.c_size_t
    counts = {
        "open": [ctypes.POINTER(session), ctypes.c_char_p, ctypes.POINTER(_Config)],
        "ticket": [session, slot, ctypes.POINTER(_Ticket)],
        "join": [ctypes.POINTER(session), ctypes.c_char_p, ctypes.POINTER(_Peer),
                 ctypes.POINTER(slot)],
        "arm": [session, slot],
        "attach": [session, slot, ctypes.c_int, ctypes.POINTER(_Peer)],
        "send": [session, slot, ctypes.c_void_p, size, ctypes.c_uint],
        "send_all": [session, slot, ctypes.c_void_p, size],
        "recv": [session, ctypes.POINTER(slot), ctypes.c_void_p, size, ctypes.c_uint],
        "wait": [session, ctypes.c_int64],
        "pollfd": [session, ctypes.POINTER(ctypes.c_short)],
        "probe": [ctypes.c_char_p, ctypes.c_char_p, size],
    }
    for name, arguments in counts.items():
        function = getattr(library, "ipc_" + name)
        function.argtypes = arguments
        function.restype = ctypes.c_ssize_t if name in ("send", "recv") else ctypes.c_int
        function.errcheck = _checked
    for name, arguments in {
        "detach": [session, slot],
        "close": [session],
        "set_strategy": [session, ctypes.c_int],
        "ticket_close": [ctypes.POINTER(_Ticket)],
    }.items():
        getattr(library, "ipc_" + name).argtypes = arguments
        getattr(library, "ipc_" + name).restype = None
    library.ipc_info_at.argtypes = [size]
    library.ipc_info_at.restype = ctypes.POINTER(_Info)
    library.ipc_capability_name.argtypes = [ctypes.c_uint]
    library.ipc_capability_name.restype = ctypes.c_char_p
    return library


_library = _declare(ctypes.CDLL(_PATH))


def mechanisms():
    """name -> (title, record limit, set of capabilities), in the library's order."""
    found = {}
    while info := _library.ipc_info_at(len(found)):
        bits, words = info.contents.capabilities, set()
        for bit in range(bits.bit_length()):
            if bits >> bit & 1:
                words.add(_library.ipc_capability_name(bit).decode())
        found[info.contents.name.decode()] = (
            info.contents.title.decode(), info.contents.record_limit, words)
    return found


def unusable(name):
    """Why mechanism NAME cannot be used here and now; None: it can."""
    reason = ctypes.create_string_buffer(256)
    try:
        _library.ipc_probe(name.encode(), reason, len(reason))
    except OSError:
        return reason.value.decode()
    return None


class Ticket:
    """What a process needs to take a slot: a line of text, and descriptors to inherit."""

    def __init__(self, raw):
        self._raw = raw
        self.text = raw.text.decode()
        self.fds = [fd for fd in raw.fds if fd >= 0]

    def close(self):
        """The descriptors are another's now, or nobody's."""
        _library.ipc_ticket_close(self._raw)


class Session:
    """An open session. Its opener is the hub; join() makes one that is a slot."""

    def __init__(self, name, direction, record_size, slots=1, depth=0, runtime_dir=None):
        config = _Config(direction, record_size, slots, depth,
                         runtime_dir.encode() if runtime_dir else None)
        self._handle = ctypes.c_void_p()
        self._pidfds = {}
        self.record_size = record_size
        _library.ipc_open(self._handle, name.encode(), config)

    @classmethod
    def join(cls, text, hub_pid, record_size):
        """The slot of a ticket, as (session, slot)."""
        self = cls.__new__(cls)
        slot = ctypes.c_uint()
        self._handle = ctypes.c_void_p()
        self._pidfds = {}
        self.record_size = record_size
        try:
            _library.ipc_join(self._handle, text.encode(), self._peer(None, hub_pid), slot)
        except OSError:
            self.close()
            raise
        return self, slot.value

    def _peer(self, slot, pid):
        """The library borrows the pidfd for as long as the slot is attached."""
        self._forget(slot)
        self._pidfds[slot] = os.pidfd_open(pid)
        return _Peer(pid, self._pidfds[slot])

    def _forget(self, slot):
        if slot in self._pidfds:
            os.close(self._pidfds.pop(slot))

    def arm(self, slot):
        _library.ipc_arm(self._handle, slot)

    def ticket(self, slot):
        raw = _Ticket()
        _library.ipc_ticket(self._handle, slot, raw)
        return Ticket(raw)

    def attach(self, slot, role, peer_pid):
        _library.ipc_attach(self._handle, slot, role, self._peer(slot, peer_pid))

    def set_strategy(self, strategy):
        _library.ipc_set_strategy(self._handle, strategy)

    def send(self, slot, *records, wait=True):
        """Sends some of RECORDS, at least one; returns how many."""
        return _library.ipc_send(self._handle, slot, self._join(records), len(records),
                                 0 if wait else _NOWAIT)

    def send_all(self, slot, *records):
        _library.ipc_send_all(self._handle, slot, self._join(records), len(records))

    def _join(self, records):
        if any(len(record) != self.record_size for record in records):
            raise ValueError(f"a record of this session has {self.record_size} bytes")
        return b"".join(records)

    def recv(self, cap=64, wait=True):
        """(slot, list of records); the list is empty, once, when that slot's sender has ended."""
        slot = ctypes.c_uint()
        buffer = ctypes.create_string_buffer(cap * self.record_size)
        n = _library.ipc_recv(self._handle, slot, buffer, cap, 0 if wait else _NOWAIT)
        size = self.record_size
        return slot.value, [buffer.raw[i * size:(i + 1) * size] for i in range(n)]

    def wait(self, seconds=None):
        """True: a call may go on; False: SECONDS have passed."""
        return _library.ipc_wait(self._handle, -1 if seconds is None else int(seconds * 1e9)) > 0

    def pollfd(self):
        """(descriptor, poll events), before each sleep; BlockingIOError: do not sleep."""
        events = ctypes.c_short()
        return _library.ipc_pollfd(self._handle, events), events.value

    def detach(self, slot):
        _library.ipc_detach(self._handle, slot)
        self._forget(slot)

    def close(self):
        _library.ipc_close(self._handle)
        self._handle = None
        for slot in list(self._pidfds):
            self._forget(slot)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
