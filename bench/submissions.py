"""Submissions of interactions under load: durable accepts a second, and accepts and audits together.

    python3 bench/submissions.py ASSIZE [--database postgres://...] [--seconds 20] [--audited-seconds 120]

ASSIZE is the release binary. The load comes from `wrk` (Debian package `wrk`) on the same machine: 64 connections, one
interaction of some 60 tokens each, users drawn from a thousand. SQLite runs with a write-ahead log and synchronous FULL;
every answer is sent after its commit. 0 seconds leave a part out: on PostgreSQL run each on a database of its own, because
what the first one leaves pending would be audited in the second. What is printed: answers a second that were 200, latency, what else was answered,
memory of the server, audits a second as the log counts them, and the time from submission to result when idle.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

LUA = """
local users = 0
function setup(thread) users = users + 1; thread:set("first", users * 7919) end
function init() math.randomseed(first); bad = 0; unavailable = 0; good = 0 end
function request()
  local body = string.format(BODY, math.random(1000))
  return wrk.format("POST", "/", {["X-API-Key"] = KEY, ["Content-Type"] = "application/json"}, body)
end
function response(status)
  if status == 200 then good = good + 1 elseif status == 503 then unavailable = unavailable + 1 else bad = bad + 1 end
end
local threads = {}
local old = setup
function setup(thread) table.insert(threads, thread); old(thread) end
function done()
  local g, u, b = 0, 0, 0
  for _, thread in ipairs(threads) do
    g = g + thread:get("good"); u = u + thread:get("unavailable"); b = b + thread:get("bad")
  end
  io.write(string.format("good %d unavailable %d bad %d\\n", g, u, b))
end
"""

BODY = {
    "user_id": "user_12345",
    "company_name": "Example Corp",
    "use_case": "Customer Support",
    "timestamp": "2026-01-31T12:00:00Z",
    "your_company_user_id": "internal_user_%d",
    "your_company_user_session_id": "session_abc123",
    "model_version": "gpt-4-turbo",
    "input": {"value": "How do I delete my account? I cannot find the button that the manual speaks of anywhere.",
              "format": "text", "country": "Germany"},
    "output": {"value": "To delete your account, please click the 'Delete Account' button in settings. Your data will be "
                        "removed within 30 days, and we will send you a mail once that is done.",
               "format": "text", "country": "global"},
}


def ask(url, key, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url + path, data=data, headers={"X-API-Key": key, "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


class Server:
    def __init__(self, binary, database, worker):
        self.home = tempfile.TemporaryDirectory(prefix="assize-bench-")
        place = ["--home", self.home.name] + (["--database", database] if database else [])
        key = subprocess.run([binary, "key", "create", *place, "--org", f"bench{os.getpid()}", "--role", "owner",
                              "--interface", "interactions", "--json"], check=True, capture_output=True, text=True)
        self.key = json.loads(key.stdout)["key"]
        self.url = "http://127.0.0.1:8377"
        environment = dict(os.environ, ASSIZE_LOGGING__LEVEL="warn", **({} if worker else {"ASSIZE_INTERACTIONS__QUEUE_MAX": "50000000"}))
        options = ["--listen", "127.0.0.1:8377"] + ([] if worker else ["--no-worker"])
        self.process = subprocess.Popen([binary, "serve", *place, *options], env=environment, stdout=subprocess.DEVNULL,
                                        stderr=open(self.home.name + "/log", "w"))
        for _ in range(200):
            try:
                urllib.request.urlopen(self.url + "/health")
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("the server does not answer")

    def memory_mb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) / 1024

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def load(self, seconds, connections=64):
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            body = json.dumps(json.dumps(BODY))
            script.write(f"BODY = {body}\nKEY = \"{self.key}\"\n{LUA}")
            script.flush()
            before = self.cpu_s()
            out = subprocess.run(["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script.name, self.url],
                                 check=True, capture_output=True, text=True).stdout
        good, unavailable, bad = map(int, re.search(r"good (\d+) unavailable (\d+) bad (\d+)", out).groups())
        duration = float(re.search(r"requests in ([\d.]+)(m?)s?", out).group(1)) * (60 if "requests in" in out and re.search(r"requests in [\d.]+m", out) else 1)
        p99 = re.search(r"^\s+99%\s+(\S+)", out, re.M).group(1)
        return {"a_second": good / duration, "p99": p99, "unavailable": unavailable, "bad": bad,
                "server_cpu_us_each": (self.cpu_s() - before) * 1e6 / max(good, 1), "memory_mb": self.memory_mb()}

    def audited(self):
        rows = ask(self.url, self.key, "/v1/usage")["by_day"]
        return sum(row["submissions"] for row in rows)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.home.cleanup()


def show(what, figures):
    print(f"{what}: " + ", ".join(f"{name} {value:.1f}" if isinstance(value, float) else f"{name} {value}"
                                  for name, value in figures.items()), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("assize")
    parser.add_argument("--database")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--audited-seconds", type=int, default=120)
    options = parser.parse_args()
    print("load of the machine before:", os.getloadavg()[0])

    if options.seconds:
        server = Server(options.assize, options.database, worker=False)
        server.load(3)
        show("accepted, workers stopped", server.load(options.seconds))
        server.stop()
    if not options.audited_seconds:
        return

    server = Server(options.assize, options.database, worker=True)
    waits = []
    ask(server.url, server.key, "/", dict(BODY, your_company_user_id="idle"))
    time.sleep(2)
    for _ in range(50):
        begin = time.monotonic()
        sent = ask(server.url, server.key, "/", dict(BODY, your_company_user_id="idle"))["submission_id"]
        while ask(server.url, server.key, f"/v1/interactions/{sent}")["state"] == "pending":
            pass
        waits.append(time.monotonic() - begin)
        time.sleep(0.02)
    waits.sort()
    show("submission to result, idle, ms", {"p50": waits[25] * 1e3, "max": waits[-1] * 1e3})
    before, begin = server.audited(), time.monotonic()
    figures = server.load(options.audited_seconds)
    audited = (server.audited() - before) / (time.monotonic() - begin)
    show("accepted and audited", {**figures, "audited_a_second": audited})
    server.stop()


main()
