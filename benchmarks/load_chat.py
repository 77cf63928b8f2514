"""How a running chat bears a class: many who ask at once, or one who asks for hours.

    assistant serve &
    python benchmarks/load_chat.py --clients 50 --through api
    python benchmarks/load_chat.py --clients 50 --through queue
    python benchmarks/load_chat.py --soak 2000 --through queue

Prints one JSON object: times in seconds, errors by status, the server's memory from
/metrics. A reply of 429 is waited out as it asks and counted; a soak goes no faster than
one client may. It asks for ten readers in turn, whose conversations are kept and grow, and
its growth is that of the server's memory from after 100 questions of ten other readers to
the end; between them the memory is noted every 250 turns, which tells a leak from a server
that warms up. Leaves out the browser.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections import Counter
from itertools import cycle, islice

import httpx

QUESTIONS = (
    "À quoi servent les cgroups ?",
    "C'est quoi une image Docker ?",
    "De quoi se compose Docker Engine ?",
    "Kubernetes, ça sert à quoi ?",
    "Combien coûte une licence Docker Desktop ?",
)
PACE = 0.11  # seconds between the questions of a soak: the guard lets ten pass in a second
WARM = 100  # turns before the memory is first looked at
STEP = 250  # turns between two looks


async def ask_api(client: httpx.AsyncClient, question: str, session: str) -> int:
    return (await client.post("/api/ask", json={"question": question})).status_code


async def ask_queue(client: httpx.AsyncClient, question: str, session: str) -> int:
    """Ask as the page does: join the queue, then follow the events to the end."""
    joined = await client.post(
        "/gradio_api/queue/join",
        json={"data": [question, None, None], "fn_index": await respond_index(client),
              "session_hash": session},
    )  # fmt: skip
    if joined.status_code != 200:
        return joined.status_code
    address = f"/gradio_api/queue/data?session_hash={session}"
    async with client.stream("GET", address) as events:
        async for line in events.aiter_lines():
            if "process_completed" in line:
                return 200 if json.loads(line.removeprefix("data:"))["success"] else 500
    return 0  # closed before the end


async def respond_index(client: httpx.AsyncClient, known: dict[str, int] = {}) -> int:  # noqa: B006
    """The number of the page's event that answers a question; asked of the server once."""
    if not known:
        events = (await client.get("/config")).json()["dependencies"]
        known["index"] = next(
            e["id"] for e in events if any(target[1] == "submit" for target in e["targets"])
        )
    return known["index"]


async def memory(client: httpx.AsyncClient) -> float:
    """Resident memory of the server in MB."""
    for line in (await client.get("/metrics")).text.splitlines():
        if line.startswith("process_resident_memory_bytes"):
            return float(line.split()[1]) / 1e6
    return 0.0


async def measure(address: str, clients: int, questions: int, through: str) -> dict:
    ask = {"api": ask_api, "queue": ask_queue}[through]
    seconds: list[float] = []
    statuses: Counter[int] = Counter()

    async with httpx.AsyncClient(
        base_url=address, timeout=120, limits=httpx.Limits(max_connections=None)
    ) as client:
        if through == "queue":
            await respond_index(client)

        async def one(number: int) -> None:
            for turn in range(questions):
                question = QUESTIONS[(number + turn) % len(QUESTIONS)]
                started = time.perf_counter()
                statuses[await ask(client, question, f"load-{number}-{turn}")] += 1
                seconds.append(time.perf_counter() - started)

        started = time.perf_counter()
        await asyncio.gather(*map(one, range(clients)))
        total = time.perf_counter() - started
    ordered = sorted(seconds)
    return {
        "through": through, "clients": clients, "questions": len(ordered),
        "p50": round(statistics.median(ordered), 3),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 3),
        "slowest": round(ordered[-1], 3), "total": round(total, 2),
        "statuses": dict(statuses),
    }  # fmt: skip


async def soak(address: str, turns: int, through: str) -> dict:
    ask = {"api": ask_api, "queue": ask_queue}[through]
    statuses: Counter[int] = Counter()
    async with httpx.AsyncClient(base_url=address, timeout=120) as client:
        await client.get("/")  # for the cookie with which conversations are kept
        for number, question in enumerate(islice(cycle(QUESTIONS), WARM)):
            await ask(client, question, f"warm-{number % 10}")
            await asyncio.sleep(PACE)
        before = await memory(client)
        curve = [round(before, 1)]
        for number, question in enumerate(islice(cycle(QUESTIONS), turns)):
            if number and number % STEP == 0:
                curve.append(round(await memory(client), 1))
            started = time.perf_counter()
            while (status := await ask(client, question, f"soak-{number % 10}")) == 429:
                statuses[status] += 1
                await asyncio.sleep(1)
            statuses[status] += 1
            await asyncio.sleep(max(0.0, PACE - (time.perf_counter() - started)))
        after = await memory(client)
    return {
        "through": through, "turns": turns, "statuses": dict(statuses),
        "memory_before_mb": round(before, 1), "memory_after_mb": round(after, 1),
        f"memory_every_{STEP}_turns_mb": [*curve, round(after, 1)],
        "growth": round(after / before - 1, 4) if before else None,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", default="http://127.0.0.1:7860")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--questions", type=int, default=1, help="for each client")
    parser.add_argument("--through", choices=["api", "queue"], default="api")
    parser.add_argument("--soak", type=int, metavar="TURNS")
    given = parser.parse_args()
    if given.soak:
        measured = soak(given.address, given.soak, given.through)
    else:
        measured = measure(given.address, given.clients, given.questions, given.through)
    print(json.dumps(asyncio.run(measured)))


if __name__ == "__main__":
    main()
