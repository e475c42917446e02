"""Searches by Optuna: several processes, one that is killed, pruning."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time

import pytest

import apical

optuna = pytest.importorskip("optuna", reason="optuna is not installed")

SCRIPT = textwrap.dedent("""
    import apical, optuna, sys
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    study = optuna.create_study(
        study_name="s", storage=JournalStorage(JournalFileBackend("journal.log")), load_if_exists=True,
        sampler=optuna.samplers.RandomSampler(seed=int(sys.argv[1])),
        pruner=optuna.pruners.NopPruner(),  # the default would end trials from the sixth on, by who was first
    )
    base = apical.experiment("digits").with_({"train.epochs": int(sys.argv[2]), "expect": {}})
    space = lambda t: {"plasticity.eta_ip": t.suggest_float("eta_ip", 1.0, 10.0, log=True)}
    apical.search(base, space, study, int(sys.argv[3]))
""")


def study(**more):
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend("journal.log"))
    return optuna.create_study(study_name="s", storage=storage, load_if_exists=True, **more)


def start(seed, epochs, trials):
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(seed), str(epochs), str(trials)])


def test_several_processes_share_a_study():
    workers = [start(seed, 2, 6) for seed in (1, 2)]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    found = study().trials
    assert len(found) == 6 and {t.state.name for t in found} == {"COMPLETE"}
    assert len({t.user_attrs["apical.worker"] for t in found}) == 2
    for trial in found:
        run = apical.Run(f"runs/{trial.user_attrs['apical.run']}")
        assert trial.value == run.metrics["validation.error"].min()
        assert run.config["phase"][0]["eta_ip"] == [trial.params["eta_ip"]]


def test_the_trial_of_a_killed_worker_fails_and_is_tried_again():
    worker = start(1, 3000, 2)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        running = study().get_trials(states=(optuna.trial.TrialState.RUNNING,))
        # An epoch is reported, then saved if it is the best: the second report says that the first is on the disk.
        if running and len(running[0].intermediate_values) > 1:
            break
        time.sleep(0.05)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    begun = running[0]
    base = apical.experiment("digits").with_({"train.epochs": 3000, "expect": {}})
    seen = []

    class Once(optuna.pruners.BasePruner):
        """Ends each trial at its second report: that it goes on is all that is asked."""

        def prune(self, study, trial):
            return len(trial.intermediate_values) > 1

    again = study(pruner=Once())
    apical.search(
        base, lambda t: {"plasticity.eta_ip": t.suggest_float("eta_ip", 1.0, 10.0, log=True)}, again, 1,
        callback=lambda trial, run: seen.append(trial),
    )
    states = [t.state.name for t in study().trials]
    assert states == ["FAIL", "PRUNED"]
    assert seen[0].params == begun.params
    assert seen[0].user_attrs["apical.retries"] == begun.number
    # The run went on from what the dead worker had saved.
    assert min(seen[0].intermediate_values) > 1


def test_pruning_sees_intermediate_errors():
    class Second(optuna.pruners.BasePruner):
        def prune(self, study, trial):
            return trial.number == 1 and max(trial.intermediate_values) >= 2

    base = apical.experiment("digits").with_({"train.epochs": 4, "expect": {}})
    one = optuna.create_study(pruner=Second())
    apical.search(base, lambda t: {"seed": t.suggest_int("seed", 0, 100)}, one, 2)
    first, second = one.trials
    assert first.state.name == "COMPLETE" and len(first.intermediate_values) == 4
    assert second.state.name == "PRUNED" and list(second.intermediate_values) == [1, 2]
    assert apical.Run(f"runs/{second.user_attrs['apical.run']}").state == "unfinished"


def test_trials_that_diverge_count():
    base = apical.experiment("digits").with_({"train.epochs": 1, "expect": {}})
    one = optuna.create_study()
    with pytest.warns(apical.ConfigWarning):
        apical.search(base, lambda t: {"plasticity.eta_pp": t.suggest_float("eta_pp", 1e8, 1e9)}, one, 2)
    assert [t.state.name for t in one.trials] == ["FAIL", "FAIL"]


def test_a_study_has_one_direction_and_a_folder():
    digits = apical.experiment("digits")
    with pytest.raises(apical.InputError, match="study: .*one direction"):
        apical.search(digits, dict, optuna.create_study(directions=["minimize", "maximize"]), 1)
    with pytest.raises(apical.InputError, match="out: .*Not a directory"):
        apical.search(digits, dict, optuna.create_study(), 1, out="/dev/null")
