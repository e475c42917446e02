"""Sweeps over executors: folders, ids and claims of `apical sweep`; workers that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

import apical

PLAN = {
    "name": "small",
    "experiment": "digits",
    "seeds": 2,
    "set": {"train.epochs": 2, "expect": {}},
    "vary": {"train.batch": [10, 30]},
}


def files(folder):
    kept = ("metrics.jsonl", "metrics.json", "checkpoints/last.safetensors")
    return {(run.name, name): (run / name).read_bytes() for run in (folder / "runs").iterdir() for name in kept}


def test_threads_processes_and_the_command_make_the_same_runs(command, place):
    with ThreadPoolExecutor(2) as pool:
        threads = list(apical.sweep(PLAN, pool, out="threads"))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        processes = list(apical.sweep(PLAN, pool, out="processes"))
    (place / "small.toml").write_text(
        'experiment = "digits"\nseeds = 2\n[set]\ntrain.epochs = 2\nexpect = {}\n[vary]\ntrain.batch = [10, 30]\n'
    )
    subprocess.run([command, "sweep", "run", "small.toml", "--out", "cli"], check=True, capture_output=True)
    assert len(threads) == len(processes) == 4
    assert {one.state for one in threads} == {"finished"}
    assert all(one.metrics["test.error"] < 1 and "train.batch" in one.with_ for one in threads)
    wanted = files(place / "cli/small")
    assert files(place / "threads/small") == wanted
    assert files(place / "processes/small") == wanted


def test_what_is_there_is_not_made_again():
    first = apical.sweep(PLAN, out="here").table()
    begun = {name: os.stat(f"here/small/runs/{name}/metrics.json").st_mtime_ns for name in first.index}
    again = apical.sweep(PLAN, out="here")
    assert len(again) == 4
    assert again.table().equals(first)
    assert begun == {name: os.stat(f"here/small/runs/{name}/metrics.json").st_mtime_ns for name in first.index}


def test_experiments_are_swept_as_ordinary_runs():
    base = apical.experiment("digits").with_({"train.epochs": 1, "expect": {}})
    found = list(apical.sweep([base.with_(seed=s) for s in (1, 2, 1)], out="many"))
    assert sorted(one.name for one in found) == sorted({base.with_(seed=s).run_name for s in (1, 2)})
    assert found[0].run.state == "finished"


def test_leaving_early_stops_the_runs_with_their_checkpoints():
    base = apical.experiment("digits").with_({"train.epochs": 100_000, "expect": {}})
    quick = base.with_({"train.epochs": 1})
    coming = apical.sweep([quick, base, base.with_(seed=1)], out="many")
    begun = time.monotonic()
    assert next(coming).name == quick.run_name
    coming.close()
    # Hours, if they went on.
    assert time.monotonic() - begun < 60
    assert apical.Run(f"many/{base.run_name}").state == "unfinished"


def test_searches_are_left_to_the_command():
    with pytest.raises(apical.InputError, match="its runs depend on each other"):
        apical.sweep("thesis-self-prediction")
    with pytest.raises(apical.InputError, match="experiment"):
        apical.sweep({"vary": {"seed": [1]}})


WORKER = """
    import apical, sys
    for one in apical.sweep(sys.argv[1], out="shared"):
        print(one.name, flush=True)
"""


def test_a_worker_that_is_killed_is_taken_over(place):
    """kill -9 in the middle of a run: another process ends it, with the bits of a serial sweep."""
    plan = {**PLAN, "set": {"train.epochs": 60, "expect": {}}}
    from apical._sweep import _document

    (place / "small.toml").write_text(_document(plan))
    script = textwrap.dedent(WORKER)
    worker = subprocess.Popen([sys.executable, "-c", script, "small.toml"], stdout=subprocess.PIPE)
    work = place / "shared/small/work"
    until = time.monotonic() + 60
    while time.monotonic() < until and not any(work.glob("*/*/metrics.jsonl")):
        time.sleep(0.01)
    assert any(work.glob("*/*/metrics.jsonl")), "a run is on its way"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    found = list(apical.sweep("small.toml", out="shared"))
    assert {one.state for one in found} == {"finished"}
    list(apical.sweep("small.toml", ThreadPoolExecutor(1), out="serial"))
    assert files(place / "shared/small") == files(place / "serial/small")




def test_dask_survives_a_killed_worker(place):
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    plan = {**PLAN, "seeds": 4, "set": {"train.epochs": 20, "expect": {}}}
    cluster = distributed.LocalCluster(n_workers=4, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        pids = list(client.run(os.getpid).values())
        coming = apical.sweep(plan, client.get_executor(), out="dask")
        first = next(coming)
        os.kill(pids[0], signal.SIGKILL)
        # The interpreter's lock is free while runs are made, so the scheduler hears its workers.
        begun = time.monotonic()
        client.run_on_scheduler(lambda: None)
        assert time.monotonic() - begun < 30
        found = [first, *coming]
    assert len(found) == 8 and {one.state for one in found} == {"finished"}
    list(apical.sweep(plan, ThreadPoolExecutor(1), out="serial"))
    assert files(place / "dask/small") == files(place / "serial/small")


def test_processes_that_fork_are_refused():
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool, pytest.raises(apical.InputError, match="spawn"):
        apical.sweep([apical.experiment("digits")], executor=pool)
