"""A peer at work: python worker.py MODULE FOLDER. A line on stdin says what to do, a line on stdout answers, as
`bench-circuit serve` does it (benches/src/peer.rs)."""

import importlib
import sys
import time

from case import Case, flat


def main(module, folder):
    case = Case(folder)
    peer = importlib.import_module(module).Peer(case)
    peer.reset()
    peer.present(0, case.jump)  # whatever is compiled when first used is compiled now
    peer.wait()
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "check":
            peer.reset()
            for n in range(int(words[1])):
                peer.present(n, 0.0)
            flat(*peer.results()).astype("<f4").tofile(words[2])
            print("done", flush=True)
        elif words[0] == "time":
            peer.reset()
            peer.wait()
            began = time.perf_counter()
            for n in range(int(words[1])):
                peer.present(n, case.jump)
            peer.wait()
            print(time.perf_counter() - began, flush=True)
        else:
            sys.exit(f"worker: neither check nor time: {line}")


if __name__ == "__main__":
    main(*sys.argv[1:])
