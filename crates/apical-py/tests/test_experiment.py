"""Experiments and run folders: those of the command, to the byte."""

from __future__ import annotations

import json
import pickle
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import apical

SHORT = {"train.epochs": 3, "expect": {}}


def digits(**more):
    return apical.experiment("digits").with_(SHORT, **more)


def contents(folder):
    """All that a run computed, by file."""
    kept = ("metrics.jsonl", "metrics.json", "config.resolved.toml", "confusion.json", "rates.json")
    files = [Path(folder) / name for name in kept] + sorted(Path(folder, "checkpoints").iterdir())
    return {path.name: path.read_bytes() for path in files}


def test_a_run_is_that_of_the_command_to_the_byte(apical_run):
    run = digits().run("here", threads=1)
    theirs = apical_run("run", "digits", "--set", "train.epochs=3", "--set", "expect={}", "--out", "there")
    assert run.name == theirs.name == digits().run_name
    assert contents(run.path) == contents(theirs)
    # And goes on as one: the command finds the run of Python, and shows its results.
    assert apical_run("run", "digits", "--set", "train.epochs=3", "--set", "expect={}", "--out", "here") == run.path


def test_changes_come_as_dotted_keys_and_as_tables():
    a = digits(plasticity={"eta_ip": 1.0}, seed=4)
    b = apical.experiment("digits").with_({"train.epochs": 3, "seed": 4, "plasticity.eta_ip": 1, "expect": {}})
    assert a == b and hash(a) == hash(b) and a != digits()
    assert a.config["phase"][0]["eta_ip"] == [1.0]
    assert pickle.loads(pickle.dumps(a)) == a


def test_dicts_files_and_presets_are_the_same_experiment(place):
    import tomllib

    resolved = digits().toml
    (place / "mine.toml").write_text(resolved)
    from_file, from_dict = apical.experiment("mine.toml"), apical.experiment(tomllib.loads(resolved))
    assert from_file.run_name == from_dict.run_name == digits().run_name
    with pytest.raises(apical.InputError, match="did you mean `digits`"):
        apical.experiment("digit")
    with pytest.raises(apical.InputError, match="a value of type object"):
        digits(train={"batch": object()})


def test_what_a_run_holds(place):
    run = digits(record={"soma": {"every": 50}}).run()
    frame = run.metrics
    assert list(frame.index.names) == ["presentation", "epoch", "time_ms"]
    assert frame["validation.error"].notna().sum() == 3
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == int(frame.notna().sum().sum())
    for line in lines:
        assert frame[line["name"]][line["presentation"], line["epoch"], line["time_ms"]] == line["value"]
    assert run.final["epochs"] == 3 and run.state == "finished"
    assert run.weights["Wpp.1"].shape == (32, 64)
    assert run.config["phase"][0]["epochs"] == 3
    assert set(run.traces) == {"soma_1", "soma_2"}
    assert "finished" in run._repr_html_() and run.name in run._repr_html_()
    with pytest.raises(apical.InputError, match="no checkpoint"):
        run.checkpoint("epoch-0007.safetensors")
    with pytest.raises(apical.InputError):
        apical.Run(place)


def test_traces_are_those_that_xarray_opens():
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("zarr", reason="zarr is not installed")
    run = digits(record={"soma": {"every": 50}, "weights": {"Wpp.1": {"every": 20, "pairs": [[0, 1]]}}}).run()
    theirs, ours = xarray.open_zarr(run.path / "traces"), run.traces
    xarray.testing.assert_identical(ours, theirs.load())


def test_a_callback_sees_each_validation_and_stops():
    seen = []

    def callback(found):
        seen.append((found.epoch, found["validation.error"]))
        return found.epoch == 2

    stopped = digits().run(callback=callback)
    assert [epoch for epoch, _ in seen] == [1, 2] and stopped.state == "unfinished"
    assert "stopped by the program" in stopped.info["exit"]
    whole = digits().run(callback=callback)
    assert whole.path == stopped.path and whole.state == "finished" and [epoch for epoch, _ in seen] == [1, 2, 3]
    assert contents(whole.path) == contents(digits().run("other").path), "stopping leaves no trace in the results"


def test_after_the_last_validation_there_is_nothing_to_stop():
    run = digits().run(callback=lambda found: found.epoch == 3)
    assert run.state == "finished" and contents(run.path) == contents(digits().run("other").path)


def test_what_a_callback_raises_is_raised_and_the_checkpoint_kept():
    def callback(found):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        digits().run(callback=callback)
    assert apical.Run(Path("runs") / digits().run_name).state == "unfinished"
    assert contents(digits().run().path) == contents(digits().run("other").path)


def test_ctrl_c_keeps_a_checkpoint():
    long = apical.experiment("digits").with_({"train.epochs": 100_000, "expect": {}})
    timer = threading.Timer(1.0, signal.raise_signal, args=(signal.SIGINT,))
    timer.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        long.run()
    # Hours, if nobody had looked.
    assert time.monotonic() - begun < 60
    run = apical.Run(Path("runs") / long.run_name)
    assert run.state == "unfinished" and len(run.checkpoint("last")) > 5


@pytest.mark.filterwarnings("ignore::apical.ConfigWarning")
def test_ctrl_c_is_heard_during_an_evaluation():
    """Nearly all of this run is its validation. What was interrupted is evaluated again, and nothing is written twice."""
    sizes = {"task.train": 5, "task.validation": 1500, "task.test": 5, "train.epochs": 1, "expect": {}}
    yin_yang = apical.experiment("h20-yin-yang").with_(sizes)
    whole = yin_yang.run("whole", threads=1)
    timer = threading.Timer(0.3, signal.raise_signal, args=(signal.SIGINT,))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        yin_yang.run("cut", threads=1)
    cut = apical.Run(Path("cut") / yin_yang.run_name)
    assert cut.state == "unfinished" and "validation.error" not in cut.metrics
    assert contents(yin_yang.run("cut").path) == contents(whole.path)


def test_a_failed_run_says_why():
    run = digits(plasticity={"eta_pp": 1e9}).run()
    assert run.state == "failed" and "diverged" in run.info["exit"] and run.final == {}


def test_progress_goes_to_stderr(capsys):
    digits().run(progress=True)
    assert "epoch 3/3: validation error" in capsys.readouterr().err


def _in_a_process(experiment):
    return str(experiment.run("pool").path)


def test_experiments_go_to_processes(place):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        paths = list(pool.map(_in_a_process, [digits(seed=1), digits(seed=2)]))
    assert contents(place / paths[0]) == contents(digits(seed=1).run("serial").path)


def test_compare_is_that_of_the_command(apical_run):
    import pandas as pd

    base = digits()
    found = apical.compare(base, ["microcircuit", "bp"], 2, threads=1)
    folder = apical_run(
        "compare", "digits", "--learners", "microcircuit,bp", "--seeds", "2", "--set", "train.epochs=3", "--set",
        "expect={}",
    )
    theirs = pd.read_csv(folder / "compare.csv")
    # The command found the same run folders, so even seconds agree.
    pd.testing.assert_frame_equal(found.runs, theirs)
    assert list(found.folders) == ["microcircuit", "bp"] and len(found.folders["bp"]) == 2
    assert found.measure == "validation.error" and len(found.summary) == 2


def test_relate_is_that_of_the_command(apical_run):
    import pandas as pd

    found = apical.relate("digits", ["microcircuit", "bp"], samples=20, threads=1)
    folder = apical_run(
        "relate", "digits", "--learners", "microcircuit,bp", "--samples", "20", "--limit-samples", "0", "--start-only",
    )
    theirs = pd.read_csv(folder / "relate.csv", dtype={"layer": str})
    pd.testing.assert_frame_equal(found.angles, theirs)
    assert np.diag(found.matrix()) == pytest.approx(0.0)


FIGURES = ["learning-curves", "apical-distance", "learning", "confusion", "weight-tiles", "circuit", "synapse-distance"]


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_return_axes_with_the_data_of_the_report(figure, apical_run):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    run = digits().run()
    axes = run.plot(figure)
    all_axes = list(np.ravel(axes))
    assert all(isinstance(one, matplotlib.axes.Axes) for one in all_axes)
    lines = [line for one in all_axes for line in one.get_lines()]
    if lines:
        folder = apical_run("plot", str(run.path), "--figure", figure)
        assert folder
        text = next(run.path.joinpath("figures").glob(f"{figure}*.csv")).read_text()
        drawn = {f"{y:.6g}" for line in lines for y in np.asarray(line.get_ydata(), float) if np.isfinite(y)}
        told = {f"{float(cell):.6g}" for row in text.splitlines()[1:] for cell in row.split(",") if _is_number(cell)}
        assert drawn <= told
    all_axes[0].figure.savefig(f"{figure}.png")
    matplotlib.pyplot.close("all")


def _is_number(text):
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def test_figures_that_cannot_be_drawn_say_what_would_have_kept_them():
    run = digits().run()
    with pytest.raises(apical.InputError, match="record.angles"):
        run.plot("angles")
    with pytest.raises(apical.InputError, match="there is no figure"):
        run.plot("angle")
    assert "apical-distance" in apical.figures()


def test_several_runs_in_one_figure():
    axes = apical.plot([digits(seed=s).run() for s in (1, 2)], "learning-curves")
    assert np.ravel(axes)[0].collections, "seeds are a band"
