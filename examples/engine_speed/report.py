"""Tables for people, and plain values for programs."""

from cases import Counts


def text(table):
    if isinstance(table, Counts):
        return counts(table)
    base = next((row for row in table.rows if row.name == table.base), None)
    lines = [["", "median", "least", "user+sys", f"x {table.base}", "x its CPU", "peak MiB", "times"]]
    for row in table.rows:
        ratio = [f"{row.wall() / base.wall():.2f}", f"{row.cpu() / max(base.cpu(), 1e-6):.2f}"] if base else ["", ""]
        memory = "" if row.memory is None else f"{row.memory:.1f}"
        lines.append([row.name, seconds(row.wall()), seconds(row.least()), seconds(row.cpu()), *ratio, memory, str(len(row.took))])
    shown = [f"({table.case}) {table.title}", *aligned(lines)]
    return "\n".join(shown + [verdict(*target) for target in judged(table)])


def counts(table):
    stages = list(table.expected)
    lines = [["", "seconds", "exit codes", *stages]]
    for name, wall, codes, found in table.rows:
        lines.append([name, f"{wall:.2f}", " ".join(map(str, codes)), *(str(found[stage]) for stage in stages)])
    lines.append(["expected", "", "0", *(str(table.expected[stage]) for stage in stages)])
    return "\n".join([f"({table.case}) {table.title}: executions", *aligned(lines)])


def judged(table):
    """Each target with what was measured."""
    ours = next((row for row in table.rows if row.name == "pipeline"), None)
    base = next((row for row in table.rows if row.name == table.base), None)
    for target in table.targets if ours else []:
        found = {
            "ratio": lambda: ours.wall() / base.wall() if base else None,
            "seconds": ours.wall,
            "memory": lambda: ours.memory,
        }[target.what]()
        if found is not None:
            yield target, found


def verdict(target, found):
    unit = {"ratio": "x", "seconds": "s", "memory": "MiB"}[target.what]
    goal = "" if target.goal is None else f", goal {target.goal}"
    met = "met" if found <= target.most else "MISSED"
    return f"  {target.what}: {found:.3g} {unit} of at most {target.most}{goal}: {met}"


def seconds(value):
    return f"{value * 1e3:.2f} ms" if value < 1 else f"{value:.2f} s"


def aligned(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        first, *others = zip(line, widths)
        yield "  " + "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()


def plain(table):
    if isinstance(table, Counts):
        rows = [
            {"engine": name, "seconds": wall, "exit_codes": codes, "executions": found}
            for name, wall, codes, found in table.rows
        ]
        return {"case": table.case, "title": table.title, "rows": rows, "expected": table.expected}
    base = next((row for row in table.rows if row.name == table.base), None)
    rows = [
        {
            "engine": row.name,
            "median_seconds": row.wall(),
            "least_seconds": row.least(),
            "median_cpu_seconds": row.cpu(),
            "ratio": row.wall() / base.wall() if base else None,
            "peak_mib": row.memory,
            "seconds": [took.wall for took in row.took],
        }
        for row in table.rows
    ]
    targets = [
        {"what": target.what, "found": found, "most": target.most, "goal": target.goal, "met": found <= target.most}
        for target, found in judged(table)
    ]
    return {"case": table.case, "title": table.title, "base": table.base, "rows": rows, "targets": targets}
