"""Searches by Optuna: any number of processes ask one study, and what a killed one had begun is tried again."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _check
from ._engine import InputError
from ._experiment import Evaluation, Experiment
from ._run import Run

if TYPE_CHECKING:
    import optuna

#: A trial's attributes: its worker's token, the run folder, and whether its run failed.
WORKER, RUN, LOST = "apical.worker", "apical.run", "apical.lost"


def search(
    experiment: Experiment,
    space: Callable[[optuna.Trial], Mapping[str, Any]],
    study: optuna.Study,
    trials: int,
    *,
    metric: str = "validation.error",
    out: str | PathLike[str] = "runs",
    threads: int = 1,
    callback: Callable[[optuna.trial.FrozenTrial, Run], object] | None = None,
) -> None:
    """Adds trials to a study until it has ``trials`` that ended well or were pruned, by ask and tell.

    Several processes may do this with one study in a ``JournalStorage``, each calling this function. Each trial is an
    ordinary run in ``out``; its value is the best of ``metric`` over the run, which the study's direction decides. After each
    validation the study's pruner is asked. A trial whose process has died is told as failed, and its parameters are queued
    again; the run goes on from its checkpoint.

    Parameters
    ----------
    experiment
        What is varied.
    space
        From a trial to changes of the experiment, as :meth:`Experiment.with_` takes them:
        ``lambda t: {"plasticity.eta_ip": t.suggest_float("eta_ip", 0.1, 10, log=True)}``.
    study
        Made with ``optuna.create_study(storage=JournalStorage(JournalFileBackend(path)), load_if_exists=True, ...)``.
    callback
        Called with each trial that this process told, and its run.
    """
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    import optuna

    if not isinstance(study, optuna.Study):
        raise _check.refused("study", study, "a study of Optuna")
    if len(study.directions) != 1:
        raise _check.refused("study", study, "a study with one direction: a trial's value is one metric")
    if not isinstance(experiment, Experiment):
        raise _check.refused("experiment", experiment, "an experiment")
    if not callable(space):
        raise _check.refused("space", space, "a function from a trial to changes")
    trials, threads = _check.integer(trials, "trials", 1), _check.threads(threads)
    callback = _check.function(callback, "callback")
    folder = _check.path(out, "out")
    with _alive(folder) as token:
        while True:
            _bury(study, folder)
            # Trials that others are at count: they end, or their workers die and they are tried again.
            failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
            lost = sum(LOST in trial.user_attrs for trial in failed)
            if lost + _count(study, TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING) >= trials:
                break
            trial = study.ask()
            trial.set_user_attr(WORKER, token)
            try:
                state, value, run = _made(trial, experiment, space, study, metric, out, threads)
            except Exception:
                # Not tried again: what it raised, it would raise once more.
                trial.set_user_attr(LOST, True)
                with contextlib.suppress(UpdateFinishedTrialError):
                    study.tell(trial, state=TrialState.FAIL)
                raise
            with contextlib.suppress(UpdateFinishedTrialError):
                study.tell(trial, value, state=state)
            if callback:
                callback(study.trials[trial.number], run)


def _count(study: optuna.Study, *states: Any) -> int:
    return len(study.get_trials(deepcopy=False, states=states))


def _made(
    trial: optuna.Trial,
    experiment: Experiment,
    space: Callable[[optuna.Trial], Mapping[str, Any]],
    study: optuna.Study,
    metric: str,
    out: str | PathLike[str],
    threads: int,
) -> tuple[Any, float | None, Run]:
    from optuna.study import StudyDirection
    from optuna.trial import TrialState

    better = min if study.direction == StudyDirection.MINIMIZE else max
    one = experiment.with_(_check.mapping(space(trial), "space"))
    if metric not in one._config.metrics:
        raise _check.refused("metric", metric, ", ".join(one._config.metrics))
    trial.set_user_attr(RUN, one.run_name)

    def judge(found: Evaluation) -> bool:
        if metric in found:
            trial.report(found[metric], found.epoch)
        return bool(trial.should_prune())

    run = one.run(out, callback=judge, threads=threads)
    found = run.metrics
    values = found[metric].dropna().tolist() if metric in found else []
    if run.state == "unfinished":
        return TrialState.PRUNED, None, run
    if run.state == "failed" or len(values) == 0:
        # It counts, as it is not tried again; that of a worker that died is.
        trial.set_user_attr(LOST, True)
        return TrialState.FAIL, None, run
    return TrialState.COMPLETE, float(better(values)), run


@contextlib.contextmanager
def _alive(out: Path) -> Any:
    """A file that is locked while this process lives: the operating system tells the others when it died."""
    import fcntl

    folder = out / ".searching"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out: {error}; allowed: a folder in which folders can be made") from None
    token = uuid.uuid4().hex
    # Locked before it has its name, so that nobody takes it for one of the dead.
    hidden, path = folder / f".{token}", folder / token
    with hidden.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        hidden.rename(path)
        try:
            yield token
        finally:
            path.unlink(missing_ok=True)


def _bury(study: optuna.Study, out: Path) -> None:
    """Fails trials whose workers have died, and queues their parameters again."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        token = trial.user_attrs.get(WORKER)
        if token is None or _lives(out / ".searching" / str(token)):
            continue
        try:
            # Of several that see it dead one succeeds.
            study.tell(trial.number, state=TrialState.FAIL)
        except UpdateFinishedTrialError:
            continue
        study.enqueue_trial(trial.params, user_attrs={"apical.retries": trial.number})


def _lives(path: Path) -> bool:
    import fcntl

    try:
        with path.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


