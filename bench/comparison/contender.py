"""A contender at work: a process that stays alive and speaks the protocol of bench/peers/serve.py, or one that is
started anew for each turn."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import time

BENCH = pathlib.Path(__file__).resolve().parent.parent
PYTHON = BENCH / ".venv/bin/python"
SETTLE_S = 0.03  # GNU OpenMP's idle threads spin for a few milliseconds before they sleep


class Failure(Exception):
    """A contender that could not start or answered with an error."""


def environment(threads, args):
    """The caller's environment, less what would tune one contender's libraries and not another's, and with a home of
    its own: neither settings nor algorithms that were chosen earlier, perhaps at a busy moment, have a part in it."""
    tuning = ("OPENBLAS_", "OMP_", "GOMP_", "KMP_", "MKL_", "DNNL_", "ONEDNN_", "ATEN_", "OV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(tuning)}
    return kept | {"OMP_NUM_THREADS": str(threads), "OCELLUS_BUILD": str(args.build), "HOME": str(args.home)}


def command_of(contender, build):
    if contender.program.endswith(".py"):
        return [PYTHON, BENCH / "peers" / contender.program]
    return [build / contender.program]


class Process:
    """A contender's process, prepared for one piece of work."""

    def __init__(self, contender, work, args):
        self.contender = contender
        self.threads = 1 if contender.single else args.threads
        command = command_of(contender, args.build)
        self.errors = tempfile.TemporaryFile("w+")
        try:
            self.process = subprocess.Popen(
                [str(word) for word in command], text=True, env=environment(self.threads, args), stderr=self.errors,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise Failure(f"{command[0]}: {error.strerror}") from error
        try:
            self.greeting = self.answer()
            self.facts = self.ask("prepare", work.network, work.mode, work.batch, self.threads, *contender.options)
        except Failure:
            self.close()
            raise
        self.warm_up = 0 if self.facts.get("fresh") else max(1, work.steps // 10)

    def turn(self, steps):
        """Seconds of each of `steps` steps."""
        time.sleep(SETTLE_S)
        if self.warm_up:
            self.ask("step", self.warm_up)
        return self.ask("step", steps)["seconds"]

    def processor_seconds(self):
        """What this process and those that it waited for have used of the processor until now."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def ask(self, *words):
        with contextlib.suppress(BrokenPipeError):  # answer() says why it ended
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            said = self.errors.read().strip().splitlines()
            raise Failure(said[-1] if said else f"ended with exit code {self.process.wait()}")
        fields = json.loads(line)
        if "error" in fields:
            raise Failure(fields["error"])
        return fields

    def close(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()
        self.errors.close()


class Starts:
    """A contender whose every turn is a fresh process, from its start to its first prediction: seconds and peak memory.

    `start.py PROGRAM prepare` says with which command; what it needs (an exported network, a saved model) lies ready
    then, and its files have been read once, so that the disk plays no part."""

    def __init__(self, contender, work, args):
        self.contender, self.threads, self.memory, self.used = contender, args.threads, [], 0.0
        self.environment = environment(args.threads, args)
        said = subprocess.run(
            [*map(str, command_of(contender, args.build)), *contender.options, "prepare", work.network,
             str(args.threads)], env=self.environment, text=True, capture_output=True)
        if said.returncode:
            raise Failure((said.stderr.strip().splitlines() or [f"ended with exit code {said.returncode}"])[-1])
        plan = json.loads(said.stdout.splitlines()[-1])
        self.command, self.greeting, self.facts = plan["command"], plan["greeting"], {}
        self.run()
        self.memory.clear()

    def run(self):
        """Seconds of one start. The most memory that the process had at a time is what /proc calls VmHWM."""
        with tempfile.TemporaryFile() as said:
            begin = time.perf_counter()
            process = subprocess.Popen(self.command, env=self.environment, stdout=said, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                raise Failure(said.read().decode(errors="replace").strip().splitlines()[-1])
        self.memory.append(usage.ru_maxrss * 1024)
        self.used += usage.ru_utime + usage.ru_stime
        return seconds

    def turn(self, steps):
        time.sleep(SETTLE_S)
        return [self.run() for _ in range(steps)]

    def processor_seconds(self):
        return self.used

    def close(self):
        pass
