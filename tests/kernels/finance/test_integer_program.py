"""Integer programs: nothing is printed that nobody asked for, and nothing that somebody did is lost."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest

from prism_kernels.finance import allocate, integer_program

DEBUG = integer_program._DEBUG.decode() + "\n"
# One asset of which a part is bought for a fee: HiGHS repairs its solution, and says so on the screen.
ASKED = {"capital": 100.0, "fee_rate": 0.01, "fee_per_trade": 3.0, "fractional": True}


def shell(*arguments, program=None, folder=None):
    command = [sys.executable, "-W", "ignore", *(["-c", textwrap.dedent(program)] if program else arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_highs_still_prints_and_the_sieve_is_still_needed():
    printed = shell(
        program=f"""
        import contextlib
        from prism_kernels.finance import allocate, integer_program
        integer_program.without_debug_text = contextlib.nullcontext
        allocate({{"a": 1.0}}, {{"a": [113.21]}}, **{ASKED!r})
        """
    )
    assert set(printed.splitlines(keepends=True)) == {DEBUG}, "HiGHS is quiet by itself: take the sieve out"


def test_a_shell_sees_the_result_and_nothing_else(tmp_path):
    pd.DataFrame({"a": [113.21]}, index=pd.Index(["2024-01-02"], name="date")).to_csv(tmp_path / "prices.csv")
    settings = [x for n, v in ASKED.items() for x in ("--set", f"{n}={json.dumps(v)}")]
    command = ["-m", "prism_cli", "run", "finance.allocate", "--data", "weights=a=1", "--data", "prices=prices.csv"]
    assert shell(*command, *settings, "--out", "found.json", folder=tmp_path) == ""
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["result"]["shares"] == allocate({"a": 1.0}, {"a": [113.21]}, **ASKED).shares.tolist()
    printed = shell(
        program=f"""
        import json
        from prism_kernels.finance import allocate
        print(json.dumps(allocate({{"a": 1.0}}, {{"a": [113.21]}}, **{ASKED!r}).to_dict()))
        """
    )
    assert json.loads(printed)["shares"] == found["result"]["shares"]


def test_what_others_print_meanwhile_arrives_whole():
    said = shell(
        program=f"""
        import os, subprocess, sys, threading
        from prism_kernels.finance import allocate

        stop, count = threading.Event(), 0

        def talk():
            global count
            while not stop.is_set():
                os.write(1, b"line %d\\n" % count)
                count += 1

        speaker = threading.Thread(target=talk)
        speaker.start()

        def work():
            for _ in range(20):
                allocate({{"a": 1.0}}, {{"a": [113.21]}}, **{ASKED!r})

        workers = [threading.Thread(target=work) for _ in range(3)]
        [w.start() for w in workers]
        subprocess.run(["echo", "a child"], check=True)
        [w.join() for w in workers]
        stop.set()
        speaker.join()
        print("end", count)
        """
    )
    *lines, last = said.splitlines()
    assert lines.count("a child") == 1
    lines.remove("a child")
    assert sorted(lines) == sorted(f"line {k}" for k in range(len(lines)))
    assert last == f"end {len(lines)}"
    assert len(lines) > 100


def test_a_child_that_outlives_the_program_keeps_its_screen():
    said = shell(
        program="""
        import os, subprocess, sys
        from prism_kernels.finance.integer_program import without_debug_text

        with without_debug_text():
            late = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1); print('late')"])
            os.write(1, b"HighsMipSolverData")  # the beginning of the line alone is no such line
        os.write(1, b" and more\\n")
        late.wait()
        """
    )
    assert said == "HighsMipSolverData and more\nlate\n"


def test_without_a_screen_programs_are_solved_all_the_same():
    said = shell(
        program=f"""
        import os, sys
        from prism_kernels.finance import allocate

        os.close(1)
        found = allocate({{"a": 1.0}}, {{"a": [113.21]}}, **{ASKED!r})
        sys.stderr.write(found.status)
        """
    )
    assert said == ""


@pytest.mark.parametrize("threads", [1, 4])
def test_the_sieve_is_taken_out_when_the_last_is_done(threads):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda _: allocate({"a": 1.0}, {"a": [113.21]}, **ASKED).shares, range(3 * threads)))
    assert np.ptp(np.array(found)) == 0
    assert (integer_program._inside, integer_program._sieve) == ([], [])
