#!/usr/bin/env python3
"""The engine's own speed, beside its peers in the same interleaved run.

    python3 examples/engine_speed/run.py                 all cases
    python3 examples/engine_speed/run.py --cases a,b     some of them

--folder /dev/shm keeps the disk out of it. Needs Python 3.10 and nothing else; ninja, make, Turborepo, DVC and Snakemake take part where they are installed.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # no folder of compiled files in the checkout

import report
from cases import CASES
from engines import JOBS, PEERS, Pipeline
from measure import Failed

ROOT = Path(__file__).resolve().parents[2]


def main():
    arguments = parse()
    ours = Pipeline(arguments.pipeline or build())
    peers = [peer() for peer in PEERS]
    for peer in peers:
        if peer.program is None:
            print(peer.missing, file=sys.stderr)
    engines = [engine for engine in [ours, *peers] if engine.program]
    machine = {
        "cores": JOBS,
        "load": round(os.getloadavg()[0], 2),
        "system": platform.release(),
        "pipeline": version(ours.program),
        "folder": str(arguments.folder or tempfile.gettempdir()),
    }
    tables = []
    text = arguments.format == "text"
    if text:
        print("  ".join(f"{key} {value}" for key, value in machine.items()))
    for case in arguments.cases:
        folder = Path(tempfile.mkdtemp(prefix=f"engine_speed-{case}-", dir=arguments.folder))
        try:
            for table in CASES[case](folder, engines, arguments.rounds):
                tables.append(table)
                if text:
                    print("\n" + report.text(table), flush=True)
        except Failed as failed:
            sys.exit(f"case {case}: {failed}")
        finally:
            os.chdir(ROOT)
            shutil.rmtree(folder, ignore_errors=True)
    if not text:
        print(json.dumps({"format": 1, "machine": machine, "tables": [report.plain(table) for table in tables]}, indent=1))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=cases, default=list(CASES), help=f"some of {','.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=30, help="times that each command is measured; less for what takes seconds")
    parser.add_argument("--pipeline", type=program, help="the program to measure [default: built from this checkout]")
    parser.add_argument("--folder", type=Path, help="where the temporary folders go [default: the system's]")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    return parser.parse_args()


def cases(text):
    found = text.split(",")
    if unknown := [case for case in found if case not in CASES]:
        raise argparse.ArgumentTypeError(f"no case {unknown[0]!r}; there are {','.join(CASES)}")
    return found


def program(text):
    if shutil.which(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no program")
    return text


def build():
    """The engine without the stages that train: what is measured is the engine."""
    options = ["--release", "--no-default-features", "--features", "command", "--bin", "pipeline"]
    subprocess.run(["cargo", "build", *options], cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute() / "release" / "pipeline"


def version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip().removeprefix("pipeline ")


if __name__ == "__main__":
    main()
