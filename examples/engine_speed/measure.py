"""Running commands by turns and writing down what they took."""

import os
import signal
import statistics
import threading
import time
from pathlib import Path
from typing import Callable, NamedTuple

LIMIT = 600  # seconds that one command may take


class Failed(Exception):
    """A command that did not do what it was measured for."""


class Took(NamedTuple):
    wall: float  # seconds
    cpu: float  # seconds of user and system time, of all processes that were waited for


class Contender(NamedTuple):
    """What is measured: `prepare` comes before each time, `check` after it, and neither is counted."""

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str] = {}
    prepare: Callable[[], None] = lambda: None
    check: Callable[[], None] = lambda: None
    rounds: float = 1.0


class Row(NamedTuple):
    name: str
    took: list[Took]
    memory: float | None = None  # peak MiB of the engine's own process

    def wall(self):
        return statistics.median(took.wall for took in self.took)

    def least(self):
        return min(took.wall for took in self.took)

    def cpu(self):
        return statistics.median(took.cpu for took in self.took)


def start(command, folder, environment, log):
    """Starts a command in a process group of its own; what it says goes to a file."""
    os.chdir(folder)
    says = (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    reads = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    actions = [reads, says, (os.POSIX_SPAWN_DUP2, 1, 2)]
    return os.posix_spawn(command[0], command, os.environ | environment, file_actions=actions, setpgroup=0)


def end(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def once(contender, code=0):
    """Runs a command to its end."""
    log = contender.folder.parent / f"{contender.folder.name}.log"
    before = time.perf_counter()
    process = start(contender.command, contender.folder, contender.environment, log)
    limit = threading.Timer(LIMIT, end, [process])
    limit.start()
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - before
    limit.cancel()
    if os.waitstatus_to_exitcode(status) != code:
        raise Failed(f"{contender.name}: {' '.join(contender.command)} ended with {status}:\n{log.read_text()[-2000:]}")
    return Took(wall, usage.ru_utime + usage.ru_stime)


def by_turns(contenders, rounds):
    """Each contender once a round, each round beginning with another one, so that what else the machine does meets all."""
    took = {contender.name: [] for contender in contenders}
    for at in range(rounds):
        turn = at % len(contenders)
        for contender in contenders[turn:] + contenders[:turn]:
            # The slow ones take part in as many rounds as they are allowed, evenly spread.
            if int((at + 1) * contender.rounds) == int(at * contender.rounds) and at > 0:
                continue
            contender.prepare()
            took[contender.name].append(once(contender))
            contender.check()
    return [Row(name, times) for name, times in took.items()]


def peak(contender):
    """The most memory that the process itself had, in MiB, seen by looking each millisecond."""
    contender.prepare()
    log = contender.folder.parent / f"{contender.folder.name}.log"
    process = start(contender.command, contender.folder, contender.environment, log)
    most = 0
    # The status is read before it is asked whether the process has ended: afterwards there is none.
    while True:
        text = Path(f"/proc/{process}/status").read_text()
        most = max([most, *(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM:"))])
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            break
        time.sleep(0.001)
    if status != 0:
        raise Failed(f"{contender.name}: {' '.join(contender.command)} ended with {status}:\n{log.read_text()[-2000:]}")
    return most / 1024
