"""What is measured. Each case makes its folders below `folder`, and gives one or more tables."""

import os
import shutil
import subprocess
import sys
import time
from typing import NamedTuple

import graphs
from engines import aside
from measure import Contender, Failed, Row, by_turns, once, peak, start

GIB = 1 << 30


class Target(NamedTuple):
    """What the engine promises."""

    what: str  # ratio | seconds | memory
    most: float
    goal: float | None = None


class Table(NamedTuple):
    case: str
    title: str
    rows: list[Row]
    base: str = "ninja"
    targets: list[Target] = []


class Counts(NamedTuple):
    """How often the bodies of stages ran."""

    case: str
    title: str
    rows: list[tuple[str, float, list[int], dict[str, int]]]  # engine, seconds, exit codes, executions by stage
    expected: dict[str, int]


def made(engine, folder, graph):
    """The folder of one engine with the graph in it, after a first run."""
    engine.write(folder, graph)
    once(contender(engine, folder))
    return folder


def contender(engine, folder, **more):
    return Contender(engine.name, engine.command(), folder, engine.environment, rounds=engine.rounds, **more)


def expects(engine, folder, stage):
    """Fails unless the last stage's output is there."""

    def check():
        if set(engine.results(folder, stage)) != {f"{stage}\n"}:
            raise Failed(f"{engine.name}: no output of `{stage}` in {folder}")

    return check


def folders(folder, engines):
    for engine in engines:
        place = folder / engine.name
        place.mkdir(parents=True)
        yield engine, place


def chain(folder, engines, rounds):
    """(a) Nothing to do in a chain of three."""
    (folder / "nothing").mkdir()
    nothing = Contender("true (a process)", [shutil.which("true")], folder / "nothing")
    contenders = [nothing]
    for engine, place in folders(folder, engines):
        made(engine, place, graphs.chain())
        contenders.append(contender(engine, place, check=expects(engine, place, "evaluate")))
    rows = by_turns(contenders, rounds)
    yield Table("a", "no-op of a chain of 3", rows, targets=[Target("ratio", 5, 2)])


def layers(folder, engines, rounds):
    """(b) A thousand stages: all of them, and none."""
    # The others take minutes to hours for this graph.
    engines = [engine for engine in engines if engine.name in ("pipeline", "ninja", "make")]
    graph = graphs.layers(10, 100)
    full, nothing = [], []
    for engine, place in folders(folder, engines):
        engine.write(place, graph)
        check = expects(engine, place, "s9_99")
        full.append(contender(engine, place, prepare=lambda e=engine, p=place: e.forget(p), check=check))
        nothing.append(contender(engine, place, check=check))
    yield with_peak(
        Table("b full", "1000 stages, all of them", by_turns(full, max(rounds // 6, 1)), targets=[Target("ratio", 3, 1.5), Target("memory", 50)]),
        full,
    )
    yield with_peak(
        Table("b no-op", "1000 stages, no-op", by_turns(nothing, rounds), targets=[Target("seconds", 0.050, 0.020), Target("memory", 50)]),
        nothing,
    )


def with_peak(table, contenders):
    """Memory is looked at in a run of its own: looking costs time."""
    peaks = {contender.name: peak(contender) for contender in contenders}
    return table._replace(rows=[row._replace(memory=peaks[row.name]) for row in table.rows])


def restore(folder, engines, rounds):
    """(c) A stored artifact of one GiB is copied out, its digest checked on the way."""
    engine, place = next(folders(folder, engines))
    source = place / "random"
    with source.open("wb") as file:
        for _ in range(GIB >> 20):
            file.write(os.urandom(1 << 20))
    made(engine, place, [graphs.Stage("train", [], f"cp --reflink=never {source} {{out}}")])
    outputs, copy = place / "experiments_outputs", place / "copy"

    def prepare():
        shutil.rmtree(outputs, ignore_errors=True)
        copy.unlink(missing_ok=True)
        # What was written before is no longer on its way to the disk while the next one writes.
        os.sync()

    def check():
        sizes = [file.stat().st_size for file in outputs.glob("*/train/train.txt")]
        if sizes != [GIB]:
            raise Failed(f"restored {sizes}, not one file of {GIB} bytes")

    cp = Contender("cp", [shutil.which("cp"), "--reflink=never", str(source), str(copy)], place, prepare=prepare)
    ours = contender(engine, place, prepare=prepare, check=check)
    rows = by_turns([cp, ours], max(rounds // 6, 1))
    yield Table("c", "restore of 1 GiB", rows, base="cp", targets=[Target("ratio", 1.3)])


VARIANTS = 50


def sweep(folder, engines, rounds):
    """(d) 50 variants with a shared first stage: how often each body runs, with one and with two invocations at once."""
    for invocations in (1, 2):
        rows = []
        for engine, place in folders(folder / str(invocations), engines):
            write = {"pipeline": write_our_sweep, "snakemake": write_snakemake_sweep}.get(engine.name)
            if write is None:
                continue
            marks = place / "marks"
            marks.mkdir()
            command = write(engine, place, marks)
            if command is None:
                continue
            before = time.perf_counter()
            logs = [place.parent / f"{engine.name}-{at}.log" for at in range(invocations)]
            running = [start(command, place, engine.environment, log) for log in logs]
            codes = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in running]
            wall = time.perf_counter() - before
            counted = {
                stage: (marks / stage).read_text().count("\n") if (marks / stage).exists() else 0
                for stage in ("train", "quantize", "evaluate")
            }
            rows.append((engine.name, wall, codes, counted))
        expected = {"train": 1, "quantize": VARIANTS, "evaluate": VARIANTS}
        yield Counts(f"d {invocations}", f"sweep of {VARIANTS}, {invocations} at once", rows, expected)


def write_our_sweep(engine, place, marks):
    if subprocess.run([engine.program, "sweep", "--help"], capture_output=True).returncode != 0:
        print("pipeline: this program has no `sweep`: skipped", file=sys.stderr)
        return None
    engine.environment = {"PIPELINE_CACHE_DIR": str(place / "cache")}
    (place / "pipeline.yaml").write_text(f"""\
operation_mode: stages
stages:
  train:
    command: echo . >> {marks}/train; sleep 0.05; echo train > {{outputs.train.txt}}
    outputs: [train.txt]
  quantize:
    command: echo . >> {marks}/quantize; cat {{inputs.0}} > {{outputs.quantize.txt}}; echo {{params.bits}} >> {{outputs.quantize.txt}}
    inputs: [train/train.txt]
    outputs: [quantize.txt]
    params: {{bits: 8}}
  evaluate:
    command: echo . >> {marks}/evaluate; wc -c < {{inputs.0}} > {{outputs.evaluate.txt}}; cat {{inputs.0}} >> {{outputs.evaluate.txt}}
    inputs: [quantize/quantize.txt]
    outputs: [evaluate.txt]
""")
    return [engine.program, "sweep", "pipeline.yaml", f"stages.quantize.params.bits=range(1,{VARIANTS + 1})"]


def write_snakemake_sweep(engine, place, marks):
    engine.environment = {"XDG_CACHE_HOME": str(place / "home")}
    (place / "Snakefile").write_text(f"""\
rule all:
    input: expand("out/e_{{b}}.txt", b=range(1, {VARIANTS + 1}))
rule train:
    output: "out/train.txt"
    shell: "echo . >> {marks}/train; sleep 0.05; echo train > {{output}}"
rule quantize:
    input: "out/train.txt"
    output: "out/q_{{b}}.txt"
    shell: "echo . >> {marks}/quantize; cat {{input}} > {{output}}; echo {{wildcards.b}} >> {{output}}"
rule evaluate:
    input: "out/q_{{b}}.txt"
    output: "out/e_{{b}}.txt"
    shell: "echo . >> {marks}/evaluate; wc -c < {{input}} > {{output}}; cat {{input}} >> {{output}}"
""")
    return engine.command()


FILES, SIZE = 10_000, 200 << 10


def data(folder, engines, rounds):
    """(e) A stage that reads 10,000 files of 200 KiB, none of which changed."""
    engines = [engine for engine in engines if engine.name in ("pipeline", "ninja")]
    images = folder / "images"
    images.mkdir()
    block = os.urandom(SIZE)
    for at in range(FILES):
        (images / f"{at:05}.bin").write_bytes(at.to_bytes(8, "little") + block[8:])
    contenders = []
    for engine, place in folders(folder, engines):
        if engine.name == "ninja":
            inputs = " ".join(f"{images}/{at:05}.bin" for at in range(FILES))
            (place / "build.ninja").write_text(f"rule count\n  command = ls {images} > $out\nbuild out.txt: count {inputs}\n")
            contenders.append(Contender("ninja (no-op)", engine.command(), place))
            once(contenders[-1])
            continue
        (place / "pipeline.yaml").write_text(f"""\
operation_mode: stages
stages:
  train:
    command: ls {{inputs.images}} > {{outputs.names.txt}}
    inputs: {{images: {images}}}
    outputs: [names.txt]
""")
        command = [engine.program, "plan", "pipeline.yaml"]
        cold = {"PIPELINE_CACHE_DIR": str(place / "cold")}
        warm = {"PIPELINE_CACHE_DIR": str(place / "warm")}
        contenders += [
            Contender("plan, never seen", command, place, cold, prepare=lambda at=place: aside(at, "cold"), rounds=0.2),
            Contender("plan, unchanged", command, place, warm),
            Contender("run, no-op", [engine.program, "run", "pipeline.yaml"], place, warm),
        ]
    # What was changed less than two seconds ago might change again unseen: nobody trusts its times.
    time.sleep(2.5)
    for contender in contenders:
        if contender.environment.get("PIPELINE_CACHE_DIR", "").endswith("warm"):
            once(contender)
    yield Table("e", f"{FILES} files, {FILES * SIZE / GIB:.1f} GiB, unchanged", by_turns(contenders, rounds), base="ninja (no-op)")


CASES = {"a": chain, "b": layers, "c": restore, "d": sweep, "e": data}
