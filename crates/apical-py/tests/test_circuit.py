"""Circuits: the bits of the command, shapes, state."""

from __future__ import annotations

import pickle
import signal
import threading
import time

import numpy as np
import pytest

import apical

RATES = {"eta_pp": [0.01, 0.005], "eta_ip": 0.01, "eta_pi": 0.005}


def circuit(**more):
    return apical.Circuit([6, 5, 3], seed=3, plasticity=RATES, **more)


def patterns(n, cells=6, seed=0):
    return np.random.default_rng(seed).random((n, cells), dtype=np.float32)


def same(a, b):
    assert set(a.weights) == set(b.weights)
    for name in a.weights:
        np.testing.assert_array_equal(a.weights[name], b.weights[name], name)
    for name, values in a.state.items():
        np.testing.assert_array_equal(values, b.state[name], name)


CONFIG = """
seed = 5
[network]
sizes = [6, 5, 3]
sigma = 0.1
[plasticity]
eta_pp = [0.01, 0.005]
eta_ip = 0.01
eta_pi = 0.005
[time]
presentation = 20.0
[task]
kind = "file"
path = "data.npz"
targets = "potentials"
sequence = true
split = { by = "tail", validation = 0.0, test = 0.0 }
[record]
figures = false
apical = { every = 10 }
soma = { every = 10 }
weights = { "Wpi.1" = { every = 50, pairs = [[0, 1], [2, 2]], mean = true } }
"""


def test_a_circuit_has_the_bits_of_the_command(apical_run, place):
    """The same samples in the same order: the same weights, state and traces."""
    x = patterns(12)
    y = np.random.default_rng(1).normal(size=(12, 3)).astype(np.float32)
    np.savez("data.npz", x=x, y=y)
    (place / "mine.toml").write_text(CONFIG)
    folder = apical_run("run", "mine.toml")
    run = apical.Run(folder)
    one = apical.Circuit(
        [6, 5, 3], seed=5, plasticity=RATES, network={"sigma": 0.1}, time={"presentation": 20.0}
    )
    record = {"apical": {"every": 10}, "soma": {"every": 10}}
    record["weights"] = {"Wpi.1": {"every": 50, "pairs": [[0, 1], [2, 2]], "mean": True}}
    seen = one.simulate(x, y, record=record)
    last = run.checkpoint("last")
    for name in one.weights:
        np.testing.assert_array_equal(one.weights[name], last[name], name)
    for name, values in one.state.items():
        np.testing.assert_array_equal(values, last[name], name)
    traces = run.traces
    assert set(traces) == {"apical_1", "soma_1", "soma_2", "Wpi.1", "Wpi.1_mean"}
    for name in traces:
        a, b = traces[name], seen[name]
        assert a.dims == b.dims and a.attrs == b.attrs
        np.testing.assert_array_equal(a.values, b.values, str(name))
        for coordinate in a.coords:
            np.testing.assert_array_equal(a[coordinate], b[coordinate], str(coordinate))
            assert a[coordinate].attrs == b[coordinate].attrs


def test_weights_are_a_mapping_with_checked_shapes():
    one = circuit()
    assert list(one.weights) == ["Wpp.1", "Wpp.2", "Wpb.1", "Wip.1", "Wpi.1"]
    assert one.weights["Wpp.1"].shape == (5, 6)
    new = np.arange(30.0).reshape(5, 6)
    one.weights["Wpp.1"] = new
    np.testing.assert_array_equal(one.weights["Wpp.1"], new)
    with pytest.raises(ValueError, match=r"Wpp\.1: shape \(6, 5\); allowed: \(5, 6\)"):
        one.weights["Wpp.1"] = new.T
    with pytest.raises(KeyError, match=r"the circuit has Wpp\.1"):
        one.weights["W"]
    with pytest.raises(ValueError, match="read-only"):
        one.weights["Wpp.1"][0, 0] = 1.0
    with pytest.raises(TypeError):
        del one.weights["Wpp.1"]


def test_the_self_predicting_state_silences_the_apical_dendrites():
    one = circuit(solver="steady", precision="f64")
    one.self_predicting()
    np.testing.assert_array_equal(one.weights["Wpi.1"], -one.weights["Wpb.1"])
    seen = one.simulate(patterns(3), record=["apical"], plastic=False)
    # The sweeps stop at a residual of 1e-10 per ms.
    assert abs(seen.apical_1).max() < 1e-8


def test_steps_make_a_presentation():
    """The reference plan has no blocks, so a presentation is its steps to the bit."""
    whole, steps = (circuit(solver={"kind": "euler", "plan": "reference"}) for _ in range(2))
    x, y = patterns(1)[0], np.array([0.5, -0.5, 1.0])
    a = whole.present(x, y, ms=5.0)
    steps.step(x, y, n=20)
    for _ in range(30):
        b = steps.step(x, y)
    np.testing.assert_array_equal(a, b)
    same(whole, steps)
    assert whole.time_ms == pytest.approx(5.0)


def test_present_and_simulate_agree():
    a, b = circuit(), circuit()
    x, y = patterns(4), np.zeros((4, 3))
    seen = a.simulate(x, y, ms=10)
    for n in range(4):
        np.testing.assert_array_equal(seen.output[n], b.present(x[n], y[n], ms=10))
    same(a, b)


def test_nothing_learns_unless_plastic():
    one = circuit()
    before = {name: np.array(one.weights[name]) for name in one.weights}
    one.simulate(patterns(3), np.ones((3, 3)), ms=10, plastic=False)
    for name, values in before.items():
        np.testing.assert_array_equal(one.weights[name], values)
    one.simulate(patterns(3), np.ones((3, 3)), ms=10)
    assert (one.weights["Wpp.2"] != before["Wpp.2"]).any()


@pytest.mark.parametrize("solver", ["euler", "adaptive", "steady", "two-step"])
def test_solvers_by_name(solver):
    """Each runs under its own name: what they come to differs, and the answers of a settled circuit do not."""
    one = apical.Circuit([6, 5, 3], seed=3, solver=solver, precision="f64")
    one.self_predicting()
    answers = one.answer(patterns(5))
    other = apical.Circuit([6, 5, 3], seed=3, solver="steady", precision="f64")
    other.self_predicting()
    # 100 ms are 33 time constants of the input, of which e^-33 is left; adaptive's tolerance is 1e-5 of potentials near 1.
    np.testing.assert_allclose(answers, other.answer(patterns(5)), atol=2e-5)
    assert repr(one).startswith(f"<Circuit 6-5-3, {solver},")


def test_updates_and_their_angles():
    """In the self-predicting state with transposed feedback and a weak nudge the circuit's update is backprop's (S18)."""
    one = apical.Circuit(
        [6, 5, 3], seed=3, solver="steady", precision="f64",
        conductances={"g_som_output": 1e-4}, network={"start": {"pb": "transpose"}},
    )
    one.self_predicting()
    batch = (patterns(4), np.random.default_rng(2).normal(size=(4, 3)))
    bp, own, fa = (one.update(name, batch) for name in ("bp", "microcircuit", "fa"))
    assert list(bp) == ["Wpp.1", "Wpp.2"]
    # The nudge is 1e-4 of the other conductances, and so is what is left. Each layer has a length of its own, so not all at once.
    angles = apical.angle(bp, own)
    assert angles["Wpp.1"] < 0.05 and angles["Wpp.2"] < 0.05
    # The feedback of fa is the circuit's, which is the transposed here.
    assert apical.angle(bp, fa)["all"] < 1e-5
    dfa = one.update("sign-symmetric", batch)
    assert apical.angle(bp, dfa)["Wpp.1"] > 1.0
    assert apical.angle(bp, dfa)["Wpp.2"] < 1e-5


def test_bp_is_the_gradient_by_finite_differences():
    one = apical.Circuit([4, 3, 2], seed=1, precision="f64")
    x, y = patterns(3, 4).astype(float), np.random.default_rng(2).normal(size=(3, 2))
    found = one.update("bp", (x, y), loss="potentials")

    def loss():
        w1, w2 = one.weights["Wpp.1"], one.weights["Wpp.2"]
        hidden = 1 / (1 + np.exp(-(1.0 / 1.9) * x @ w1.T))
        return 0.5 * ((1.0 / 1.1 * hidden @ w2.T - y) ** 2).sum(axis=1).mean()

    for name, entry in (("Wpp.1", (1, 2)), ("Wpp.2", (0, 1))):
        w = np.array(one.weights[name])
        sides = []
        for side in (1e-5, -1e-5):
            changed = w.copy()
            changed[entry] += side
            one.weights[name] = changed
            sides.append(loss())
        one.weights[name] = w
        # Central differences: h^2 and rounding / h are both near 1e-10.
        assert found[name][entry] == pytest.approx(-(sides[0] - sides[1]) / 2e-5, abs=1e-8)


def test_answers_are_those_of_the_command(apical_run, place):
    """Of more samples than one portion: portions, and so the bits, are the command's."""
    run = apical.experiment("digits").with_({"train.epochs": 1, "expect": {}}).run()
    x = patterns(230, 64)
    np.savez("new.npz", x=x)
    apical_run("predict", str(run.path), "new.npz", "-o", "answers.csv")
    theirs = np.loadtxt("answers.csv", delimiter=",", skiprows=1, usecols=range(2, 12), dtype=np.float32)
    one = apical.Circuit(
        [64, 32, 10], network={"bias_rate": 1.0}, plasticity={"eta_pp": 1.0, "eta_ip": 10.0},
        solver={"kind": "two-step", "attenuation": "none", "mixing": run.config["solver"]["mixing"]},
    )
    one.weights = run.weights
    # The pixels of this task are 0 to 16.
    np.testing.assert_array_equal(one.answer(x / np.float32(16)), theirs)


def test_nothing_shown_is_nothing_answered():
    one = circuit()
    assert one.answer(np.zeros((0, 6))).shape == (0, 3)
    seen = one.simulate(np.zeros((0, 6)), record=["soma"])
    assert seen.output.shape == (0, 3) and seen.sizes["time"] == 0 and one.time_ms == 0


def test_minibatches_have_a_state_each():
    one = circuit(batch=4)
    x = patterns(4)
    assert one.present(x, np.zeros((4, 3)), ms=5).shape == (4, 3)
    seen = one.simulate(np.stack([x, x]), record=["soma"], ms=5)
    assert dict(seen.soma_2.sizes) == {"time": 100, "sample": 4, "pyramidal_2": 3}
    with pytest.raises(ValueError, match=r"shape \(6,\); allowed: \(4, 6\)"):
        one.present(x[0])


def test_pickled_circuits_go_on_as_they_were():
    one = circuit(network={"sigma": 0.1})
    one.simulate(patterns(3), np.ones((3, 3)), ms=10)
    other, third = pickle.loads(pickle.dumps(one)), one.copy()
    for each in (one, other, third):
        each.simulate(patterns(2, seed=9), np.zeros((2, 3)), ms=10)
    same(one, other)
    same(one, third)
    assert one.time_ms == other.time_ms


def test_two_threads_have_the_bits_of_one_after_the_other():
    def work(one):
        one.simulate(patterns(40), np.ones((40, 3)))

    alone = [circuit(), apical.Circuit([6, 5, 3], seed=4, plasticity=RATES)]
    beside = [each.copy() for each in alone]
    for each in alone:
        work(each)
    threads = [threading.Thread(target=work, args=(each,)) for each in beside]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for a, b in zip(alone, beside, strict=True):
        same(a, b)


def test_threads_within_a_circuit_do_not_change_bits():
    a, b = (apical.Circuit([300, 200, 50], seed=1, plasticity=RATES, threads=n) for n in (1, 2))
    for each in (a, b):
        each.simulate(patterns(2, 300), np.ones((2, 50)), ms=10)
    same(a, b)


def test_one_circuit_in_two_threads_is_refused():
    one = circuit()
    thread = threading.Thread(target=one.simulate, args=(patterns(2000),))
    thread.start()
    refused = False
    while thread.is_alive():
        try:
            one.time_ms  # noqa: B018
        except ValueError as error:
            refused = "another thread" in str(error)
    assert refused


def test_ctrl_c_ends_a_long_call():
    one = circuit()
    timer = threading.Timer(0.3, signal.raise_signal, args=(signal.SIGINT,))
    # A handler runs in the main thread, whoever raises.
    timer.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        one.simulate(np.tile(patterns(1000), (50, 1)))
    # Minutes if nobody had looked.
    assert time.monotonic() - begun < 20
    assert 0 < one.time_ms < 50_000 * 100.0
    one.present(patterns(1)[0])


def test_what_diverges_says_so():
    one = apical.Circuit([6, 5, 3], activation="relu", plasticity={"eta_pp": 1e6, "tau_w": "none"})
    with pytest.raises(apical.ScienceError, match="diverged: the soma of"):
        one.simulate(patterns(20), np.ones((20, 3)))
    assert issubclass(apical.ScienceError, RuntimeError)


def test_errors_are_those_of_the_command(command, place):
    import subprocess

    (place / "c.toml").write_text('task = "digits"\n[network]\nsizes = [64, 10]\nactivtion = "relu"\n')
    told = subprocess.run([command, "run", "c.toml"], capture_output=True, text=True, check=False)
    assert told.returncode == 2
    with pytest.raises(apical.InputError) as caught:
        apical.experiment("c.toml")
    assert str(caught.value).strip() == told.stderr.strip()
    assert isinstance(caught.value, ValueError)


def test_warnings_are_those_of_the_config():
    with pytest.warns(apical.ConfigWarning, match="no rule is plastic"):
        apical.Circuit([6, 5, 3], plasticity={})


def test_sizes_are_given_once():
    with pytest.raises(apical.InputError, match="'sizes' among its keys"):
        apical.Circuit([3, 2, 1], network={"sizes": [1, 2]})
