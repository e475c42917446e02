"""What fits beside other packages: each test needs its package, and says so where it is missing."""

from __future__ import annotations

import numpy as np
import pytest

import apical


def net(**more):
    return apical.Circuit([6, 5, 3], seed=3, precision="f64", network={"bias_rate": 0.5, "start": {"bpp": 0.3}}, **more)


def test_torch_has_the_function_of_the_circuit():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from apical.pytorch import FeedForward

    x = np.random.default_rng(0).random((7, 6))
    for phi in ["logistic", "soft_relu", "softplus", "tanh", "hard_sigmoid", "hard_tanh", "relu", "leaky_relu", "gelu"]:
        one = net(activation=phi, solver="two-step")
        one.self_predicting()
        module = FeedForward.of(one)
        # Sums in another order, of numbers near 1.
        np.testing.assert_allclose(module(torch.tensor(x)).detach().numpy(), one.answer(x), atol=1e-12, err_msg=phi)
    module(torch.tensor(x)).square().sum().backward()
    torch.optim.SGD(module.parameters(), 0.1).step()
    one.weights.update(module.weights())
    np.testing.assert_allclose(module(torch.tensor(x)).detach().numpy(), one.answer(x), atol=1e-12)
    shared = torch.zeros(4, 6, dtype=torch.float64)
    from apical._arrays import numbers

    assert np.shares_memory(numbers(shared, np.dtype(np.float64), "x"), shared.numpy())
    assert np.shares_memory(numbers(shared.requires_grad_(), np.dtype(np.float64), "x"), shared.detach().numpy())


def test_runs_load_in_torch_by_safetensors():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    st = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
    from apical.pytorch import FeedForward

    run = apical.experiment("digits").with_({"train.epochs": 1, "expect": {}}).run()
    loaded = st.load_file(run.path / "checkpoints" / "best.safetensors")
    for name, values in run.weights.items():
        assert torch.equal(loaded[name], torch.tensor(values))
    assert FeedForward.of(run)(torch.zeros(2, 64)).shape == (2, 10)


def recording():
    one = net()
    x = np.random.default_rng(0).random((3, 6))
    return one.simulate(x, record={"soma": {"every": 5}, "apical": {"every": 5}}, ms=10)


def test_nwb_keeps_a_recording():
    pytest.importorskip("pynwb", reason="pynwb is not installed")
    from apical import nwb

    seen = recording()
    nwb.write(seen, "run.nwb", description="a test", identifier="one")
    back = nwb.read("run.nwb")
    assert set(back) == {"soma_1", "soma_2", "apical_1"}
    for name in back:
        np.testing.assert_array_equal(back[name], seen[name])
        assert back[name].dims == seen[name].dims
    # ms to s and back rounds twice.
    np.testing.assert_allclose(back.time, seen.time, rtol=1e-15)
    import pynwb

    assert not pynwb.validate(path="run.nwb")
    with pytest.raises(apical.InputError, match="no variable over time"):
        nwb.write(seen[["output"]], "none.nwb", description="none", identifier="two")


def test_sonata_keeps_a_recording():
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    from apical import sonata

    seen = recording()
    sonata.write(seen, "soma_1", "soma.h5")
    back = sonata.read("soma.h5")
    np.testing.assert_array_equal(back.soma_1, seen.soma_1.astype(np.float32))
    np.testing.assert_allclose(back.time, seen.time, rtol=1e-12)
    np.testing.assert_array_equal(back.pyramidal_1, seen.pyramidal_1)
    with h5py.File("soma.h5") as file:
        report = file["report/pyramidal_1"]
        assert file.attrs["magic"] == 0x0A7A
        assert report["data"].shape == (60, 5) and list(report["mapping/index_pointers"]) == [0, 1, 2, 3, 4, 5]
    with pytest.raises(apical.InputError, match="it has no 'soma_9'"):
        sonata.write(seen, "soma_9", "x.h5")


def test_a_classifier_of_scikit_learn():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    from sklearn.utils.estimator_checks import check_estimator

    from apical.scikit_learn import MicrocircuitClassifier

    # No check is exempt.
    check_estimator(MicrocircuitClassifier())


def test_the_classifier_learns_digits():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    from apical.scikit_learn import MicrocircuitClassifier

    x, y = load_digits(return_X_y=True)
    x, test_x, y, test_y = train_test_split(x, y, random_state=0)
    fitted = MicrocircuitClassifier(epochs=10, random_state=0).fit(x, y)
    # Guessing is 0.1; the preset has 0.96 after 100 epochs.
    assert fitted.score(test_x, test_y) > 0.85


@pytest.mark.parametrize(
    ("told", "wrong"), [("low: 0.0", {"low": 0.0}), ("high: 1.0", {"high": 1.0}), (r"hidden: \(\); allowed: at least", {"hidden": ()})]
)
def test_the_classifier_names_what_is_wrong(told, wrong):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    from apical.scikit_learn import MicrocircuitClassifier

    with pytest.raises(apical.InputError, match=told):
        MicrocircuitClassifier(**wrong).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match="X: features that span more"):
        MicrocircuitClassifier().fit([[-1e308], [1e308]], [0, 1])


def _seen(batch=1):
    x = np.zeros((1, 4) if batch == 1 else (1, batch, 4))
    return apical.Circuit([4, 3, 2], batch=batch).simulate(x, record=["soma"], ms=1)


@pytest.mark.parametrize(
    ("told", "arguments"),
    [
        ("recording: None", (None, "soma_1", "a.h5")),
        (r"recording: it has no \['soma_1'\]", (_seen(), ["soma_1"], "a.h5")),
        ("sample: 3", (_seen(3), "soma_1", "a.h5", 3)),
        ("sample: 'x'", (_seen(3), "soma_1", "a.h5", "x")),
        ("sample: 1", (_seen(), "soma_1", "a.h5", 1)),
        ("path: 3", (_seen(), "soma_1", 3)),
    ],
)
def test_sonata_names_what_is_wrong(told, arguments):
    pytest.importorskip("h5py", reason="h5py is not installed")
    from apical import sonata

    with pytest.raises(apical.InputError, match=told):
        sonata.write(*arguments)


def test_files_that_are_none(tmp_path):
    pytest.importorskip("h5py", reason="h5py is not installed")
    from apical import sonata

    junk = tmp_path / "junk.h5"
    junk.write_bytes(b"no file")
    for path in (junk, tmp_path / "none.h5"):
        with pytest.raises(apical.InputError, match=f"{path}: .*; allowed: a SONATA report"):
            sonata.read(path)
    with pytest.raises(apical.MachineError, match="nowhere"):
        sonata.write(_seen(), "soma_1", tmp_path / "nowhere" / "a.h5")


def test_nwb_names_what_is_wrong(tmp_path):
    pytest.importorskip("pynwb", reason="pynwb is not installed")
    import datetime

    from apical import nwb

    good = {"description": "d", "identifier": "i"}
    wrong = {
        "recording: None": (None, good),
        "identifier: ''": (_seen(), {**good, "identifier": ""}),
        "description: 5": (_seen(), {**good, "description": 5}),
        "start: ": (_seen(), {**good, "start": datetime.datetime(2020, 1, 1)}),
    }
    for told, (recording, more) in wrong.items():
        with pytest.raises(apical.InputError, match=told):
            nwb.write(recording, tmp_path / "a.nwb", **more)
    (tmp_path / "junk.nwb").write_bytes(b"no file")
    with pytest.raises(apical.InputError, match="allowed: an NWB file"):
        nwb.read(tmp_path / "junk.nwb")


def test_tensors_that_numpy_lacks_and_half_a_module():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from apical.pytorch import FeedForward

    with pytest.raises(apical.InputError, match=r"patterns: .*as \.float\(\)\.cpu\(\) gives"):
        apical.Circuit([3, 4, 2]).present(torch.ones(3, dtype=torch.bfloat16))
    for told, arguments in {
        r"factors: \[\]": ({}, "relu", []),
        r"factors: 'a'": ({}, "relu", ["a"]),
        "weights: no 'Wpp.2'": ({"Wpp.1": np.eye(2)}, "relu", [1.0, 1.0]),
    }.items():
        with pytest.raises(apical.InputError, match=told):
            FeedForward(*arguments)
