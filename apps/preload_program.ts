/**
 * The Python program that has Flower's app programs loaded and forks for each app process.
 *
 * It is text in this file so that a compiled executable has it. It reads one JSON object a line on
 * stdin and writes one a line on file descriptor 3; stdout and stderr belong to the apps.
 *
 *     in   {"launch": 1, "program": "flwr-clientapp", "argv": [...], "env": {...}, "expires": 1.5}
 *          {"signal": 1, "number": 15}
 *     out  {"ready": true}, or {"unusable": "reason"} before it ends
 *          {"started": 1, "pid": 4711}, or {"refused": 1, "reason": "stale"}
 *          {"ended": 1, "code": 0, "signal": null}
 *
 * @module
 */

/**
 * What `python -c` runs; its argument is the folder of the console scripts. The program itself comes
 * as the first line on stdin, so that process lists stay readable. A console script finds modules
 * beside itself, and not in the working directory.
 */
export const PRELOAD_BOOTSTRAP = "import sys; sys.path = [p or sys.argv[1] for p in sys.path]; " +
  "exec(eval(sys.stdin.buffer.raw.readline()))";

/** The program, in ASCII: its JSON text is the same string for Python. */
export const PRELOAD_PROGRAM = String.raw`
import atexit, gc, importlib, json, logging, os, select, signal, sys, threading, time, warnings
from importlib.metadata import entry_points

REQUESTS, REPORTS = 0, 3
PROGRAMS = ("flwr-clientapp", "flwr-serverapp")
# What the programs import when they make their first call, over gRPC or (from 1.35 on) HTTP.
USED_LATER = ("grpc._channel", "grpc.experimental", "httpcore")
# A signal to the whole group or service is for the parent to act on: this process ends with its
# stdin. Blocked, not ignored, so that a child gets what was sent to it before it was ready.
BLOCKED = {signal.SIGINT, signal.SIGTERM, signal.SIGQUIT}


def report(**event):
    os.write(REPORTS, json.dumps(event).encode() + b"\n")


def load_programs():
    loaded = {}
    for name in PROGRAMS:
        scripts = list(entry_points(group="console_scripts", name=name))
        if not scripts:
            raise RuntimeError(f"the environment has no {name}")
        loaded[name] = scripts[0].load()
    for name in USED_LATER:
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    if threading.active_count() > 1:
        raise RuntimeError("a module that flwr imports has started a thread")
    return loaded


def installed():
    """Changes whenever packages are installed, updated or removed."""
    return [os.stat(path).st_mtime_ns for path in sys.path if os.path.isdir(path)]


def reap(running):
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        name = signal.Signals(-code).name if code < 0 else None
        report(ended=running.pop(pid), code=128 - code if code < 0 else code, signal=name)


def fork():
    with warnings.catch_warnings():
        # Python 3.12 counts the threads of numerical libraries, which end theirs before a fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def serve():
    """Forks for each request. Returns the request in the child, and None at the parent's end."""
    alive = os.pipe()
    wake = os.pipe()
    for end in wake:
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake[1], warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    at_start = installed()
    running = {}
    rest = b""
    report(ready=True)
    while True:
        readable, _, _ = select.select([REQUESTS, wake[0]], [], [])
        if wake[0] in readable:
            os.read(wake[0], 4096)
            reap(running)
        if REQUESTS not in readable:
            continue
        received = os.read(REQUESTS, 65536)
        if not received:
            break
        *lines, rest = (rest + received).split(b"\n")
        for request in map(json.loads, lines):
            if "signal" in request:
                for pid, launch in running.items():
                    if launch == request["signal"]:
                        os.kill(pid, request["number"])
            elif time.time() > request["expires"]:
                report(refused=request["launch"], reason="it was asked too long ago")
            elif installed() != at_start:
                report(refused=request["launch"], reason="stale")
            else:
                try:
                    pid = fork()
                except OSError as error:
                    report(refused=request["launch"], reason=f"{error}")
                    continue
                if pid == 0:
                    become_app(request, alive, wake)
                    return request
                running[pid] = request["launch"]
                report(started=request["launch"], pid=pid)
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def become_app(request, alive, wake):
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for fd in (alive[1], *wake, REPORTS):
        os.close(fd)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, REQUESTS)
    os.close(null)
    threading.Thread(target=end_with, args=(alive[0],), daemon=True).start()
    os.environ.update(request["env"])
    sys.argv = request["argv"]
    # Forks would draw the same numbers as each other. Python's own generator sees to that itself.
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    logging.getLogger("flwr").addFilter(add_traceback)
    if os.path.exists("/proc/self/comm"):
        with open("/proc/self/comm", "w") as comm:
            comm.write(request["program"])
    # The first to be registered comes last, after the app's own: what is left to do is to take Python
    # down module by module, for which nobody waits and other apps should not.
    atexit.register(os.nice, 19)
    gc.enable()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)


def add_traceback(record):
    """A RuntimeError of a ServerApp counts as a start that was refused in 1.25: it logs no more."""
    if record.msg == "Failed to start run.":
        record.exc_info = sys.exc_info()
    return True


def end_with(alive):
    """Ends this process when the one that has the other end of the pipe is gone."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGKILL)


signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
# What is never collected is not written to either, and stays shared with the children.
gc.disable()
try:
    programs = load_programs()
except BaseException as error:
    report(unusable=f"{type(error).__name__}: {error}")
    sys.exit(1)
gc.freeze()
request = serve()
if request:
    sys.exit(programs[request["program"]]())
`;
