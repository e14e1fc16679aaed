#!/usr/bin/env python3
"""What each engine makes of a kill in the middle of a stage, and of a second run while the first one works.

    python3 examples/engine_speed/disturb.py

A chain of three; the second stage writes half of its output, sleeps, and writes the other half. Killed are, while it sleeps,
either the engine alone or its process group and all stages; then the same command runs again, with no flag that undoes
locks. Needs Python 3.10; peers that are not installed are skipped.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # no folder of compiled files in the checkout

import graphs
from engines import PEERS, Pipeline
from measure import end, start
from report import aligned
from run import ROOT, build, program

# The last one copies what it finds: half of its input, if the engine takes that for finished.
SLOW = """\
echo "$1 $$" >> MARKS/starts
if [ "$1" = evaluate ]; then cat "$3" > "$2"; exit; fi
echo half > "$2"
if [ "$1" = quantize ]; then sleep "$(cat MARKS/seconds)"; fi
echo full >> "$2"
"""
WHOLE = "half\nfull\n"
PATIENCE = 120  # seconds


class World:
    """An engine's folder with the slow chain in it."""

    def __init__(self, engine, folder):
        self.engine, self.folder, self.marks = engine, folder / "work", folder / "marks"
        self.folder.mkdir(parents=True)
        self.marks.mkdir()
        (self.marks / "slow.sh").write_text(SLOW.replace("MARKS", str(self.marks)))
        engine.write(self.folder, graphs.chain(f"sh {self.marks}/slow.sh {{name}} {{out}} {{in}}"))

    def start(self, seconds, log="log"):
        """Starts the engine; the second stage is going to sleep that long."""
        (self.marks / "seconds").write_text(f"{seconds}\n")
        return start(self.engine.command(), self.folder, self.engine.environment, self.folder.parent / log)

    def starts(self):
        """Each start of a stage: its name and its process."""
        path = self.marks / "starts"
        return [tuple(line.split()) for line in path.read_text().splitlines()] if path.exists() else []

    def wait_for_quantize(self):
        limit = time.monotonic() + PATIENCE
        while not any(name == "quantize" for name, _ in self.starts()):
            if time.monotonic() > limit:
                raise TimeoutError(f"{self.engine.name} does not reach the second stage, see {self.folder.parent}")
            time.sleep(0.02)
        time.sleep(0.5)

    def counted(self):
        names = [name for name, _ in self.starts()]
        return names.count("quantize")

    def quantized(self):
        """What the second and the third stage left, in few words."""
        found = self.engine.results(self.folder, "quantize") + self.engine.results(self.folder, "evaluate")
        wrong = sorted({text.replace("\n", " ").strip() for text in found if text != WHOLE})
        if wrong:
            return "corrupt: " + ", ".join(wrong)
        return "right" if len(found) >= 2 else "absent"

    def living(self):
        return [int(process) for _, process in self.starts() if lives(int(process))]


def lives(process):
    """Whether it runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait(process):
    """The exit code, or None after a patience that no engine should need."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    end(process)
    os.waitpid(process, 0)
    return None


def killed(engine, folder, whole_group):
    world = World(engine, folder)
    process = world.start(8)
    world.wait_for_quantize()
    (end if whole_group else lambda one: os.kill(one, signal.SIGKILL))(process)
    if whole_group:
        for stage in world.living():
            os.kill(stage, signal.SIGKILL)
    os.waitpid(process, 0)
    time.sleep(1)
    alive = len(world.living())
    code = wait(world.start(0.5, "again.log"))
    # Who is still alive is going to write.
    while world.living():
        time.sleep(0.02)
    return [
        engine.name,
        f"{alive} alive" if alive else "none alive",
        f"exit code {code}",
        world.quantized(),
        str(world.counted()),
    ]


def together(engine, folder):
    world = World(engine, folder)
    first = world.start(6, "first.log")
    world.wait_for_quantize()
    second = world.start(6, "second.log")
    codes = [wait(first), wait(second)]
    return [engine.name, f"exit codes {codes[0]}, {codes[1]}", world.quantized(), str(world.counted())]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipeline", type=program, help="the program to look at [default: built from this checkout]")
    parser.add_argument("--folder", type=Path, help="where the temporary folders go [default: the system's]")
    arguments = parser.parse_args()
    ours = Pipeline(arguments.pipeline or build())
    peers = [peer() for peer in PEERS]
    for peer in peers:
        if peer.program is None:
            print(peer.missing, file=sys.stderr)
    engines = [engine for engine in [ours, *peers] if engine.program]

    kills = ["", "stage after 1 s", "next run", "its result", "times stage 2 ran"]
    tables = {
        "kill -9 of the engine alone": (kills, lambda engine, folder: killed(engine, folder, False)),
        "kill -9 of the engine's process group and the stages": (kills, lambda engine, folder: killed(engine, folder, True)),
        "a second run while the first works": (["", "ended with", "result", "times stage 2 ran"], together),
    }
    folder = Path(tempfile.mkdtemp(prefix="disturb-", dir=arguments.folder))
    try:
        for at, (title, (head, case)) in enumerate(tables.items()):
            rows = [case(engine, folder / f"{at}-{engine.name}") for engine in engines]
            print(f"\n{title}", *aligned([head, *rows]), sep="\n", flush=True)
    finally:
        os.chdir(ROOT)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
