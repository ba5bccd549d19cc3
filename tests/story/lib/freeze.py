"""Holds one thread of another process still, as a loop that hangs would, by ptrace."""
import ctypes
import os

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000  # __WALL: wait for threads, too

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Frozen:
    """`with Frozen(thread):` the thread stands still; its process may die or exec meanwhile, for
    which the kernel wants the tracer to take notice (`reap`)."""

    def __init__(self, thread):
        self.thread = thread
        _ptrace(PTRACE_SEIZE, thread)
        _ptrace(PTRACE_INTERRUPT, thread)
        os.waitpid(thread, WALL)
        self.gone = False

    def reap(self):
        """True once the thread is no more (killed by execve or exit)."""
        if not self.gone:
            try:
                pid, status = os.waitpid(self.thread, WALL | os.WNOHANG)
            except ChildProcessError:
                self.gone = True
            else:
                self.gone = pid != 0 and (os.WIFEXITED(status) or os.WIFSIGNALED(status))
        return self.gone

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.reap():
            try:
                _ptrace(PTRACE_DETACH, self.thread)
            except ProcessLookupError:
                self.reap()
