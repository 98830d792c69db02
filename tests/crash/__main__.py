"""`python -m tests.crash [KILLS] [SEED]`: kills so often at random instants, in runs of 500 captures, in two processes.

The seed is printed, and gives the same kills on the same machine as far as its clock does.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import MEMORY
from tests.crash.killing import Killing
from tests.crash.world import FULL, playing

PROCESSES = 2


def part(kills: int, seed: int) -> None:
    """Kills in this process, and says what was done."""
    base = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="quotechain-crash-", dir=base) as folder, playing(FULL) as world:
        killing = Killing(world, Path(folder), seed)
        try:
            print(f"seed {seed}: {killing.run(kills)}", flush=True)
        finally:
            killing.close()


def main() -> int:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    if len(sys.argv) > 3:  # one of the processes below
        part(kills, int(sys.argv[2]))
        return 0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(1_000_000)
    print(f"{kills} kills, seed {seed}", flush=True)
    shares = [kills // PROCESSES + (n < kills % PROCESSES) for n in range(PROCESSES)]
    started = [
        subprocess.Popen([sys.executable, "-m", "tests.crash", str(share), str(seed + n), "part"])
        for n, share in enumerate(shares)
    ]
    return max(process.wait() for process in started)


if __name__ == "__main__":
    sys.exit(main())
