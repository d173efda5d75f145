"""``make bench``: run every row, print asked beside measured, and write docs/benchmarks.md."""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEERS = (
    *("statsforecast", "statsmodels", "stumpy", "ruptures", "scikit-learn", "npeet-plus", "infomeasure"),
    *("skfolio", "PyPortfolioOpt", "highspy", "vectorbt", "empyrical-reloaded", "quantstats"),
)
OURS = ("prism-lab", "numpy", "scipy", "numba", "torch", "panel", "voila", "jupyterlab")


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of file names, such as arima; all without")
    parser.add_argument("--out", type=Path, help="keep the rows as JSON here, added to what is there")
    given = parser.parse_args()
    files = sorted(Path(__file__).parent.glob("bench_*.py"))
    files = [f for f in files if not given.names or any(n in f.stem for n in given.names)]
    with tempfile.TemporaryDirectory() as folder:
        out = given.out or Path(folder) / "rows.json"
        command = [sys.executable, "-m", "pytest", "-q", "-s", "--benchmark-enable", *map(str, files)]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PRISM_BENCH_OUT": str(out)}, check=False)
        rows = json.loads(out.read_text()) if out.exists() else []
    table = "\n".join(["| what | against | asked | measured | held |", "|---|---|---|---|---|", *map(_line, rows)])
    print(f"\n{table}")
    (ROOT / "docs" / "benchmarks.md").write_text(_page(table))
    return done.returncode


def _line(row):
    asked, held = _verdict(row)
    word = {True: "yes", False: "no", None: "–"}[held]
    cells = (row["name"], row["against"] or "–", asked, f"{row['measured']:.4g}{row['unit']}", word)
    return f"| {' | '.join(cells)} |"


def _verdict(row):
    """Return what was asked for, as the table shows it, and whether the measure held it; two bounds are a range."""
    unit, asked, measured = row["unit"], row["asked"], row["measured"]
    if asked is None:
        return "–", None
    if isinstance(asked, (list, tuple)):
        low, high = asked
        return f"{low:g}–{high:g}{unit}", low <= measured <= high
    if row.get("detail", {}).get("at_most", False):
        return f"≤ {asked:g}{unit}", measured <= asked
    return f"≥ {asked:g}{unit}", measured >= asked


def _page(table):
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in (*OURS, *PEERS))
    models = (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name"))
    cpu = next(models, platform.processor())
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`. Each row is the peer and PRISM in one run, on one thread, after asserting equal "
        "results; a ratio says how many times less CPU PRISM takes.\n\n"
        f"{table}\n\n"
        f"Machine: {cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}.\n\n"
        f"Versions: {versions}.\n"
    )


def _cpuinfo():
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    raise SystemExit(main())
