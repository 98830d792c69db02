"""`python -m tests.fuzz [SECONDS [TARGET...]]`: fuzzing guided by coverage (atheris), so many seconds for each target.

Prints how many inputs were tried and what was found; inputs that lead to findings are kept in `build/fuzz/TARGET`, and
what grew coverage in `build/fuzz/TARGET/corpus`, from where the next run goes on. `--try TARGET FILE` tries one again.
Exit code 1 says that something was found.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

HOME = Path("build/fuzz")
MEMORY = 2048  # megabytes
LONGEST = 400  # bytes of choices
PATIENCE = 30  # seconds of wall time for one input, which the bound on CPU time does not see (a lock, a sleep)


def one(target: str, arguments: list[str]) -> None:
    """Fuzzes one target in this process, which libFuzzer ends."""
    import atheris  # in an environment of its own: `make fuzz`

    with atheris.instrument_imports(include=["archiver"]):
        from tests.fuzz.targets import run

    def attempt(data: bytes) -> None:
        run(target, data)

    atheris.Setup([sys.argv[0], *arguments], attempt)
    atheris.Fuzz()


def fuzz(target: str, seconds: int) -> tuple[int, list[Path]]:
    """Fuzzes one target in a process of its own: how many inputs were tried, and those that were found."""
    folder = HOME / target
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    tried, found = 0, set(folder.glob("*-*"))
    known = set(found)
    log = folder / "log.txt"
    command = [
        sys.executable, "-m", "tests.fuzz", "--one", target, str(folder / "corpus"), f"-artifact_prefix={folder}/",
        f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-rss_limit_mb={MEMORY}", f"-timeout={PATIENCE}",
        f"-report_slow_units={PATIENCE}", "-print_final_stats=1",
    ]  # fmt: skip
    with log.open("wb") as out:
        subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False)
    told = log.read_text("utf-8", "replace")
    tried = max(map(int, re.findall(r"stat::number_of_executed_units:\s*(\d+)", told)), default=0)
    return tried, sorted(set(folder.glob("*-*")) - known)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--one"]:
        one(arguments[1], arguments[2:])
        return 0
    from tests.fuzz.targets import TARGETS, run

    if arguments[:1] == ["--try"]:
        run(arguments[1], Path(arguments[2]).read_bytes())
        return 0
    seconds, targets = int((arguments or ["60"])[0]), arguments[1:] or list(TARGETS)
    total, faults = 0, 0
    for target in targets:
        tried, found = fuzz(target, seconds)
        total, faults = total + tried, faults + len(found)
        print(f"{target:<12} {tried:>9,} inputs, {len(found)} findings", *map(os.fspath, found), flush=True)
    print(f"{total:,} inputs in {seconds} s for each of {len(targets)} targets: {faults} findings")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
