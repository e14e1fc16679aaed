"""The engines: how each is found, how it is told a graph, what runs it, and how it forgets."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

JOBS = os.cpu_count() or 1
COMMITTER = {"GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@b", "GIT_COMMITTER_NAME": "b", "GIT_COMMITTER_EMAIL": "b@b"}


def aside(folder, *names):
    """Takes files out of an engine's sight. They are deleted at the end only: a file system may be slow at making files just
    after many were deleted (ext4 without a journal looks at each inode that was free a minute ago)."""
    for name in names:
        if (folder / name).exists():
            (folder / name).rename(Path(tempfile.mkdtemp(prefix="aside-", dir=folder.parent)) / name.lstrip("."))


def inputs_of(stage):
    return [f"out/{name}.txt" for name in stage.needs] or ["in.txt"]


def body_of(stage):
    return stage.body.replace("{out}", f"out/{stage.name}.txt").replace("{in}", inputs_of(stage)[0])


class Engine:
    """One engine; `program` is None where it is not installed."""

    name = ""
    rounds = 1.0  # the share of the rounds it takes part in: the slow ones would take all the time
    environment: dict[str, str] = {}

    def __init__(self, program=None):
        variable = self.name.upper()
        found = program or os.environ.get(variable) or shutil.which(self.name)
        self.program = str(Path(found).absolute()) if found and shutil.which(found) else None
        self.missing = f"{self.name} is not installed: skipped (its program may be named by ${variable})"

    def write(self, folder, graph):
        """Writes the graph and everything that the engine wants to have once."""
        raise NotImplementedError

    def command(self):
        """Runs what is not up to date, in the folder that was written."""
        raise NotImplementedError

    def forget(self, folder):
        """Back to the state after `write`."""
        aside(folder, "out")
        (folder / "out").mkdir()

    def outputs(self, folder, stage):
        """Where a stage's output lies, once for each run that has a folder of its own."""
        return [folder / "out" / f"{stage}.txt"]

    def results(self, folder, stage):
        """The texts of a stage's output."""
        return [path.read_text() for path in self.outputs(folder, stage) if path.exists()]


class Pipeline(Engine):
    name = "pipeline"

    def write(self, folder, graph):
        lines = ["operation_mode: stages", "stages:"]
        for stage in graph:
            body = stage.body.replace("{out}", f"{{outputs.{stage.name}.txt}}").replace("{in}", "{inputs.0}")
            inputs = [f"{name}/{name}.txt" for name in stage.needs] or ["in.txt"]
            lines += [
                f"  {stage.name}:",
                f"    command: {json.dumps(body)}",
                f"    inputs: {json.dumps(inputs)}",
                f"    outputs: [{stage.name}.txt]",
            ]
        (folder / "pipeline.yaml").write_text("\n".join(lines) + "\n")
        (folder / "in.txt").write_text("x\n")
        self.environment = {"PIPELINE_CACHE_DIR": str(folder / "cache")}

    def command(self):
        return [self.program, "run", "pipeline.yaml"]

    def forget(self, folder):
        aside(folder, "cache", "experiments_outputs")

    def outputs(self, folder, stage):
        return sorted((folder / "experiments_outputs").glob(f"*/{stage}/{stage}.txt"))


class Ninja(Engine):
    name = "ninja"

    def write(self, folder, graph):
        lines = []
        for stage in graph:
            inputs = " ".join(inputs_of(stage))
            body = body_of(stage).replace("$", "$$")
            lines += [f"rule {stage.name}", f"  command = {body}", f"build out/{stage.name}.txt: {stage.name} {inputs}"]
        (folder / "build.ninja").write_text("\n".join(lines) + "\n")
        (folder / "in.txt").write_text("x\n")
        (folder / "out").mkdir()

    def command(self):
        return [self.program, f"-j{JOBS}"]

    def forget(self, folder):
        super().forget(folder)
        aside(folder, ".ninja_log", ".ninja_deps")


class Make(Engine):
    name = "make"

    def write(self, folder, graph):
        needed = {name for stage in graph for name in stage.needs}
        leaves = " ".join(f"out/{stage.name}.txt" for stage in graph if stage.name not in needed)
        lines = [f"all: {leaves}"]
        for stage in graph:
            inputs = " ".join(inputs_of(stage))
            body = body_of(stage).replace("$", "$$")
            lines += [f"out/{stage.name}.txt: {inputs}", f"\t@{body}"]
        (folder / "Makefile").write_text("\n".join(lines) + "\n")
        (folder / "in.txt").write_text("x\n")
        (folder / "out").mkdir()

    def command(self):
        return [self.program, f"-j{JOBS}"]


class Turbo(Engine):
    name = "turbo"
    rounds = 0.3
    environment = {"TURBO_TELEMETRY_DISABLED": "1"}

    def write(self, folder, graph):
        root = {"name": "root", "private": True, "packageManager": "npm@10.0.0", "workspaces": ["packages/*"]}
        lock = {"name": "root", "lockfileVersion": 3, "requires": True, "packages": {"": {"name": "root", "workspaces": ["packages/*"]}}}
        for stage in graph:
            package = folder / "packages" / stage.name
            package.mkdir(parents=True)
            needs = {name: "*" for name in stage.needs}
            before = f"../{stage.needs[0]}/out.txt" if stage.needs else "package.json"
            body = stage.body.replace("{out}", "out.txt").replace("{in}", before)
            (package / "package.json").write_text(
                json.dumps({"name": stage.name, "version": "1.0.0", "dependencies": needs, "scripts": {"build": body}})
            )
            lock["packages"][f"node_modules/{stage.name}"] = {"resolved": f"packages/{stage.name}", "link": True}
            lock["packages"][f"packages/{stage.name}"] = {"version": "1.0.0", "dependencies": needs}
        (folder / "package.json").write_text(json.dumps(root))
        (folder / "package-lock.json").write_text(json.dumps(lock))
        (folder / "turbo.json").write_text(json.dumps({"tasks": {"build": {"dependsOn": ["^build"], "outputs": ["out.txt"]}}}))
        (folder / ".gitignore").write_text(".turbo\nnode_modules\nout.txt\n")
        (folder / "node_modules").mkdir()
        for step in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "graph"]):
            subprocess.run(["git", *step], cwd=folder, env=os.environ | COMMITTER, check=True)

    def command(self):
        return [self.program, "run", "build", "--no-daemon", f"--concurrency={JOBS}"]

    def outputs(self, folder, stage):
        return [folder / "packages" / stage / "out.txt"]


class Dvc(Engine):
    name = "dvc"
    rounds = 0.1
    environment = {"DVC_NO_ANALYTICS": "1"}

    def write(self, folder, graph):
        lines = ["stages:"]
        for stage in graph:
            lines += [
                f"  {stage.name}:",
                f"    cmd: {json.dumps(body_of(stage))}",
                f"    deps: {json.dumps(inputs_of(stage))}",
                f"    outs: [out/{stage.name}.txt]",
            ]
        (folder / "dvc.yaml").write_text("\n".join(lines) + "\n")
        (folder / "in.txt").write_text("x\n")
        (folder / "out").mkdir()
        # Its folder for the whole site holds locks and would outlive the measurement.
        self.environment = Dvc.environment | {"DVC_SITE_CACHE_DIR": str(folder / "site")}
        subprocess.run(
            [self.program, "init", "-q", "--no-scm"], cwd=folder, env=os.environ | self.environment, check=True
        )

    def command(self):
        return [self.program, "repro"]


class Snakemake(Engine):
    name = "snakemake"
    rounds = 0.1

    def write(self, folder, graph):
        needed = {name for stage in graph for name in stage.needs}
        leaves = [f"out/{stage.name}.txt" for stage in graph if stage.name not in needed]
        lines = ["rule all:", f"    input: {leaves!r}"]
        for stage in graph:
            lines += [
                f"rule {stage.name}:",
                f"    input: {inputs_of(stage)!r}",
                f"    output: 'out/{stage.name}.txt'",
                f"    shell: {body_of(stage)!r}",
            ]
        (folder / "Snakefile").write_text("\n".join(lines) + "\n")
        (folder / "in.txt").write_text("x\n")
        (folder / "out").mkdir()
        self.environment = {"XDG_CACHE_HOME": str(folder / "home")}

    def command(self):
        return [self.program, "all", f"-c{JOBS}"]


PEERS = [Ninja, Make, Turbo, Dvc, Snakemake]
