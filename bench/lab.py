"""What the benchmarks are measured with: a cluster, an endpoint that counts, and sessions whose backend is watched."""
import json
import os
import random
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / "build" / "bench"


def output(*command, **more):
    """Run a command of this tree and return what it prints."""
    return subprocess.run(command, cwd=TOP, check=True, text=True, stdout=subprocess.PIPE, **more).stdout


def compiled(source, *options):
    """Compile a C program of this folder; return its path."""
    program = BUILD / Path(source).stem
    BUILD.mkdir(parents=True, exist_ok=True)
    output("gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-Isrc", f"bench/{source}", "-o", program, *options)
    return program


def wait_for(condition, what, seconds=60):
    """Poll until condition() is true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"{what} did not start")
        time.sleep(0.05)


def cpu_of(pid):
    """Return user and system time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Endpoint:
    """The endpoint of endpoint.c; with an emulator's port the way to that emulator, else it answers itself."""

    def __init__(self, emulator_port=None):
        url_file = BUILD / "endpoint.url"
        url_file.unlink(missing_ok=True)
        program = compiled("endpoint.c", "-lpthread")
        self.process = subprocess.Popen([program, url_file] + ([str(emulator_port)] if emulator_port else []))
        wait_for(lambda: url_file.exists() and url_file.stat().st_size > 0, "the endpoint")
        self.url = url_file.read_text().strip()

    def set(self, **values):
        """Set the delay in ms or the made-up inventory, and forget what was counted."""
        query = "&".join(f"{name}={value}" for name, value in values.items())
        urllib.request.urlopen(f"{self.url}/bench/set?{query}").read()

    def counts(self):
        """Return (requests, peak in flight, bytes of answers, busy ms, requests by operation) since the last set()."""
        first, *lines = urllib.request.urlopen(f"{self.url}/bench/counts").read().decode().splitlines()
        by_operation = {name: int(n) for n, name in (line.split(" ", 1) for line in lines)}
        return (*map(int, first.split()), by_operation)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def python():
    """Return the Python that has the peers and the fast emulator, made if there is none yet."""
    program = BUILD / "venv" / "bin" / "python"
    if not program.exists():
        output("python3", "-m", "venv", BUILD / "venv")
        output(program, "-m", "pip", "install", "-q", "-r", "bench/requirements.txt")
    return program


class Emulator:
    """An AWS emulator: the tests' moto, or ministack, which answers ten times as fast."""

    def __init__(self, name):
        self.name = name
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        if name == "moto":
            self.port = int(output("test/emulator/start", "bench", env=env).strip().rpartition(":")[2])
            folder = Path(os.environ.get("IASQL_RUN", TOP / "build" / "run"))
            self.pid = int((folder / "bench.emulator" / "pid").read_text())
            return
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        env["GATEWAY_PORT"] = str(self.port)
        with open(BUILD / "ministack.log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([python().parent / "ministack"], env=env, cwd=BUILD, stdout=log, stderr=log)
        self.pid = self.process.pid
        wait_for(self.answers, "ministack")

    def answers(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_ministack/health").status == 200
        except OSError:
            return False

    def stop(self):
        if self.name == "moto":
            output("test/emulator/stop", "bench")
        else:
            self.process.terminate()
            self.process.wait()


class Cluster:
    """A private cluster, made with the tests' tools."""

    def __init__(self):
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PG"))}
        if "PG_CONFIG" in os.environ:
            self.env["PG_CONFIG"] = os.environ["PG_CONFIG"]
        for setting in output("test/cluster/start", "bench", env=self.env).replace("export ", "").split():
            name, _, value = setting.partition("=")
            self.env[name] = value
        self.env["PGOPTIONS"] = "-c client_min_messages=error"
        bindir = output(self.env.get("PG_CONFIG", "pg_config"), "--bindir").strip()
        self.env["PATH"] = bindir + ":" + self.env["PATH"]

    def stop(self):
        output("test/cluster/stop", "bench", env=self.env)


class Session:
    """One psql and its backend."""

    def __init__(self, cluster, endpoint, database="postgres"):
        self.endpoint = endpoint
        self.process = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=0", "-d", database],
            env=cluster.env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        self.pid = int(self.sql("SELECT pg_backend_pid()"))
        self.idle = self.memory()

    @classmethod
    def fresh(cls, cluster, endpoint, database, modules):
        """Make a database with the extension, an account at the endpoint and some modules; return a session in it."""
        first = cls(cluster, endpoint)
        first.sql(f"DROP DATABASE IF EXISTS {database}")
        first.sql(f"CREATE DATABASE {database}")
        first.sql(f"ALTER DATABASE {database} SET iasql.endpoint_url = '{endpoint.url}'")
        first.close()
        session = cls(cluster, endpoint, database)
        session.sql("CREATE EXTENSION iasql")
        session.sql("SELECT iasql_install('aws_account')")
        session.sql("INSERT INTO aws_account (region, access_key_id, secret_access_key)"
                    " VALUES ('us-east-1', '123456789012', 'test')")
        if modules:
            session.sql(f"SELECT iasql_install({', '.join(repr(m) for m in modules)})")
        return session

    def send(self, text):
        """Have statements run."""
        self.process.stdin.write(text.rstrip().rstrip(";") + ";\n\\echo =end=\n")
        self.process.stdin.flush()

    def answer(self):
        """Return what they print."""
        return "".join(iter(self.process.stdout.readline, "=end=\n"))

    def sql(self, text):
        """Run statements; return what they print.  An error ends the benchmark."""
        self.send(text)
        result = self.answer()
        if "ERROR:" in result or "FATAL:" in result or self.process.poll() is not None:
            raise SystemExit(f"{text[:300]}\n{result}")
        return result

    def cancel(self, text, other):
        """Run a statement until it waits, and have another session cancel it; return in how many ms it has ended."""
        waits = f"SELECT wait_event_type IN ('Extension', 'Timeout') FROM pg_stat_activity WHERE pid = {self.pid}"
        self.send(text)
        wait_for(lambda: other.sql(waits) == "t\n", text)
        time.sleep(random.uniform(0.5, 1.5))  # at any moment of what is done once a second
        start = time.monotonic()
        other.send(f"SELECT pg_cancel_backend({self.pid})")
        result = self.answer()
        wall = time.monotonic() - start
        other.answer()
        if "canceling statement due to user request" not in result:
            raise SystemExit(f"{text[:300]}\n{result}")
        return wall * 1000

    def memory(self, key="VmRSS"):
        """Return kB of the backend, shared buffers left out: what it holds now, or (VmHWM) held at most."""
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return int(fields[key].split()[0]) - int(fields["RssShmem"].split()[0])

    def cpu(self):
        """Return the CPU time of the backend in ms."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e6

    def measure(self, text, **delay):
        """Run one statement; return its figures."""
        try:
            Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # VmHWM starts again; root only
        except PermissionError:
            pass
        self.endpoint.set(**delay)
        cpu, start = self.cpu(), time.monotonic()
        rows = len(self.sql(text).splitlines())
        wall = time.monotonic() - start
        requests, peak, size, busy, by_operation = self.endpoint.counts()
        return {
            "wall_s": round(wall, 3), "cpu_s": round((self.cpu() - cpu) / 1000, 3),
            "peak_mb": round((self.memory("VmHWM") - self.idle) / 1024, 1), "requests": requests,
            "in_flight": peak, "answers_mb": round(size / 1e6, 1), "busy_s": busy / 1000, "rows": rows, "operations": by_operation,
        }

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure_peer(endpoint, delay, *command, quiet=False):
    """Run another program that does the work; return its figures, those of its children included."""
    endpoint.set(delay=delay)
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=TOP, stdout=subprocess.DEVNULL if quiet else None,
                               stderr=subprocess.DEVNULL if quiet else None)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    if status != 0:
        raise SystemExit(f"{command} failed")
    requests, peak, size, busy, by_operation = endpoint.counts()
    return {
        "wall_s": round(wall, 3), "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
        "peak_mb": round(usage.ru_maxrss / 1024, 1), "requests": requests, "in_flight": peak,
        "answers_mb": round(size / 1e6, 1), "rows": 0, "operations": by_operation,
    }


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")
