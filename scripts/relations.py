"""Angles between the microcircuit's update and those of other learners at the same weights, over the nudge, the depth and the
feedback, before and after training: docs/results/data/relations.csv. Needs the Python package.

    python scripts/relations.py docs/results/data/relations.csv
"""

from __future__ import annotations

import csv
import sys
import tempfile

import apical

LEARNERS = ["bp", "fa", "pc", "ep", "dtp"]
NUDGES = [0.001, 0.01, 0.1, 0.3]
CIRCUIT = "microcircuit two-step"


def main(table: str) -> None:
    rows = []
    for feedback in ("transpose", 5.0):
        for hidden in (1, 2, 3):
            for seed in (0, 1, 2):
                rows += asked(feedback, hidden, seed)
                print(f"feedback {feedback}, {hidden} hidden layers, seed {seed}", file=sys.stderr)
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def asked(feedback: str | float, hidden: int, seed: int) -> list[dict[str, object]]:
    """A row for each moment, nudge and layer."""
    base = apical.experiment("digits").with_(
        {
            "network.sizes": [64, *[32] * hidden, 10],
            "network.start.pb": feedback,
            "plasticity.eta_pp": 0.5,
            "plasticity.eta_ip": 5.0,
            "train.loss": "matching",
            "expect": {},
        },
        seed=seed,
    )
    rows = []
    with tempfile.TemporaryDirectory() as out:
        run = base.run(out)
        for when, weights in (("start", None), ("trained", run)):
            for nudge in NUDGES:
                one = base.with_({"solver.mixing.output": nudge})
                angles = apical.relate(one, ["microcircuit", *LEARNERS], weights=weights).angles
                # What is asked at given weights is asked at the start, too.
                chosen = angles[(angles.learner_a == CIRCUIT) & (angles.when == ("start" if weights is None else "given"))]
                wide = chosen.pivot(index="layer", columns="learner_b", values="degrees")
                for layer, degrees in wide.iterrows():
                    place = {"when": when, "feedback": feedback, "hidden_layers": hidden, "nudge": nudge, "layer": layer}
                    found = {f"degrees.{name}": round(float(degrees[name]), 4) for name in LEARNERS}
                    rows.append({**place, "seed": seed, "state": "done", **found})
    return rows


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: relations.py TABLE")
    main(sys.argv[1])
