"""What the benchmarks of live sources measure alike: the cost of a quiet service, and how long after
its COMMIT a small transaction is visible in the target."""
import os
import re
import signal
import statistics
import subprocess
import time


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


def latencies(bench, database, count):
    """Milliseconds from the end of COMMIT at the source to the row's being seen in the target."""
    source = bench.source.connect("shop").cursor()
    target = bench.target.connect(database).cursor()
    found = []
    for number in range(count):
        key = 10 ** 12 + number
        source.execute("insert into item (id, note) values (%s, 'latency')", (key,))
        start = time.monotonic()
        while True:
            target.execute("select 1 from item where id = %s", (key,))
            if target.fetchone():
                break
            time.sleep(0.0005)
        found.append((time.monotonic() - start) * 1000)
        time.sleep(0.03)
    source.execute("delete from item where id >= %s", (10 ** 12,))
    source.connection.close()
    target.connection.close()
    return found


def quiet(bench, config, peer, seconds, count):
    """bench has program, source, target and their databases "shop" and "dw"; peer is the name and the
    database (on the target server) of what is compared."""
    process = subprocess.Popen([bench.program, "run", config], stdin=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        before, start = processor_seconds(process.pid), time.monotonic()
        time.sleep(seconds)
        used = (processor_seconds(process.pid) - before) / (time.monotonic() - start)
        print(f"\nquiet service, {seconds} s: {used * 100:.2f} % of a core (aim: under 0.5), "
              f"{resident(process.pid):.1f} MiB resident (aim: under 30)")
        ours = latencies(bench, "dw", count)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    name, database = peer
    peers = latencies(bench, database, count)
    print(f"\nfrom COMMIT to visible, {count} transactions of one row, milliseconds")
    for label, values in (("dray, max_interval 0", ours), (name, peers)):
        values = sorted(values)
        print(f"  {label:24} median {statistics.median(values):6.1f}   "
              f"95 % {values[int(len(values) * 0.95)]:6.1f}   worst {values[-1]:6.1f}")
    print("  (aim: dray's median under 50)")
