"""Angles between the microcircuit's update and those of other learners at the same weights, over the nudge, the depth and the
feedback, before and after training, of a circuit without attenuation and of one with conductances (two-step, at its fixed
point and settled in full dynamics): docs/results/data/relations.csv. Needs the Python package.

    python scripts/relations.py docs/results/data/relations.csv
"""

from __future__ import annotations

import csv
import sys
import tempfile

import apical

LEARNERS = ["bp", "fa", "pc", "ep", "dtp", "dtp-exact"]
NUDGES = [0.001, 0.01, 0.1, 0.3]
TRAINED_AT = 0.1


def main(table: str) -> None:
    rows = []
    for attenuation in ("none", "conductances"):
        for feedback in ("transpose", 5.0):
            for hidden in (1, 2, 3):
                for seed in (0, 1, 2):
                    rows += asked(attenuation, feedback, hidden, seed)
                    print(f"attenuation {attenuation}, feedback {feedback}, {hidden} hidden layers, seed {seed}", file=sys.stderr)
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def asked(attenuation: str, feedback: str | float, hidden: int, seed: int) -> list[dict[str, object]]:
    """A row for each moment, nudge, solver and layer."""
    rows = []
    with tempfile.TemporaryDirectory() as out:
        run = apical.experiment(circuit(attenuation, feedback, hidden, seed, TRAINED_AT)).run(out)
        for when, weights in (("start", None), ("trained", run)):
            for nudge in NUDGES:
                one = circuit(attenuation, feedback, hidden, seed, nudge) | compared(attenuation)
                angles = apical.relate(one, weights=weights).angles
                # What is asked at given weights is asked at the start, too.
                now = angles[angles.when == ("start" if weights is None else "given")]
                chosen = now[now.learner_a.str.startswith("microcircuit")]
                wide = chosen.pivot(index=["learner_a", "layer"], columns="learner_b", values="degrees")
                for (name, layer), degrees in wide.iterrows():
                    place = {"attenuation": attenuation, "solver": name.removeprefix("microcircuit "), "when": when}
                    place |= {"feedback": feedback, "hidden_layers": hidden, "nudge": nudge, "layer": layer}
                    found = {f"degrees.{other}": round(float(degrees[other]), 4) for other in LEARNERS}
                    found["degrees.two-step"] = round(float(degrees["microcircuit two-step"]), 4)
                    rows.append({**place, "seed": seed, "state": "done", **found})
    return rows


def circuit(attenuation: str, feedback: str | float, hidden: int, seed: int, nudge: float) -> dict[str, object]:
    """The two-step circuit on the digits, its mixing factors given, or made by conductances."""
    mixing = {"output": nudge, "interneuron": 0.1, "hidden": 0.3}
    solver: dict[str, object] = {"kind": "two-step", "attenuation": attenuation}
    if attenuation == "none":
        given: dict[str, object] = {"solver": solver | {"mixing": mixing}}
    else:
        given = {"solver": solver, "conductances": {"from_mixing": mixing}}
    return given | {
        "seed": seed,
        "network": {
            "sizes": [64, *[32] * hidden, 10],
            "activation": "logistic",
            "bias_rate": 1.0,
            "start": {"pp": "fan-in", "bpp": 0.1, "pb": feedback, "ip": "self-predicting", "pi": "self-predicting"},
        },
        "plasticity": {"eta_pp": 0.5, "eta_ip": 5.0},
        "task": {"kind": "digits", "target": {"low": 0.1, "high": 0.8, "as": "rates"}},
        "train": {"epochs": 100, "batch": 10, "loss": "matching"},
    }


def compared(attenuation: str) -> dict[str, object]:
    """The learners, whose function is attenuated as the circuit's is."""
    others = {name: {"kind": name.removesuffix("-exact"), "attenuation": attenuation} for name in LEARNERS}
    others["dtp-exact"]["inverse"] = "exact"
    return {"compare": {"seeds": 1}, "learner": {"microcircuit": {}, **others}}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: relations.py TABLE")
    main(sys.argv[1])
