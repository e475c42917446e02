"""Interneurons learn to predict the cells above them; how far they are is printed as they do."""

import numpy as np

import apical


def main() -> None:
    """Shows random patterns and measures the apical potential between them."""
    circuit = apical.Circuit([30, 20, 10], seed=1, plasticity={"eta_ip": 0.002, "eta_pi": 0.005})
    draws = np.random.default_rng(0)
    for block in range(4):
        seen = circuit.simulate(draws.random((2, 30)), record={"apical": {"every": 10}}, plastic=False)
        squared = float((seen.apical_1**2).sum("pyramidal_1").mean())
        print(f"after {block * 100:3} patterns: squared apical potential {squared:.3f}")
        circuit.simulate(draws.random((100, 30)))


if __name__ == "__main__":
    main()
