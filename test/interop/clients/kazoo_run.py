"""What kazoo, the Python client, sees of an ensemble: every recipe of it, and one line for each thing that came about.

    /usr/bin/python3 kazoo_run.py HOST:PORT,HOST:PORT,HOST:PORT

Lines hold no time, zxid, session id or port, so that two ensembles can be compared by their text. A line
"ASK stop" or "ASK start" on stdout asks whoever runs this to stop or start the first server, and is answered by a
line on stdin when that is done.
"""
import logging
import subprocess
import sys
import threading
import time

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import KazooException, LockTimeout
from kazoo.recipe.barrier import Barrier, DoubleBarrier
from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.recipe.counter import Counter
from kazoo.recipe.lock import Lock
from kazoo.recipe.party import Party, ShallowParty
from kazoo.recipe.partitioner import SetPartitioner
from kazoo.recipe.watchers import PatientChildrenWatch
from kazoo.retry import KazooRetry
from kazoo.security import (
    CREATOR_ALL_ACL,
    OPEN_ACL_UNSAFE,
    READ_ACL_UNSAFE,
    make_acl,
    make_digest_acl,
)

PATIENCE_S = 60.0
LOOK_EVERY_S = 0.02
SESSION_TIMEOUT_S = 20.0
SHORT_SESSION_TIMEOUT_S = 2.0

logging.basicConfig(level=logging.CRITICAL)
hosts = sys.argv[1]


def say(*words):
    print(*words, flush=True)


def until(what, look):
    end = time.monotonic() + PATIENCE_S
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > end:
            raise RuntimeError("waited in vain: " + what)
        time.sleep(LOOK_EVERY_S)


def connected(timeout=SESSION_TIMEOUT_S, **options):
    options.setdefault("randomize_hosts", False)
    client = KazooClient(hosts=hosts, timeout=timeout, **options)
    client.start(timeout=PATIENCE_S)
    return client


def ended(*clients):
    for client in clients:
        client.stop()
        client.close()


def tried(what, run):
    """One line for what came of it: a value, or the kind of error."""
    try:
        say(what, "->", show(run()))
    except KazooException as error:
        say(what, "-> raises", type(error).__name__)


def show(value):
    if hasattr(value, "czxid"):
        return "stat(version=%d cversion=%d aversion=%d length=%d children=%d owned=%s changed=%s)" % (
            value.version,
            value.cversion,
            value.aversion,
            value.dataLength,
            value.numChildren,
            value.ephemeralOwner != 0,
            value.mzxid != value.czxid,
        )
    if isinstance(value, bytes) and len(value) > 100:
        return "%d bytes" % len(value)
    if isinstance(value, KazooException):
        return type(value).__name__
    if type(value) in (tuple, list):
        return "[" + ", ".join(show(one) for one in value) + "]"
    return repr(value)


def in_thread(run):
    """Starts it; `join` waits and hands on what it raised."""
    failures = []

    def body():
        try:
            run()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()

    def join():
        thread.join(PATIENCE_S)
        if thread.is_alive():
            raise RuntimeError("a thread does not end")
        if failures:
            raise failures[0]

    return join


def section(name):
    def named(body):
        body.title = name
        SECTIONS.append(body)
        return body

    return named


SECTIONS = []


@section("nodes")
def nodes(a, b):
    tried("create", lambda: a.create("/nodes", b"x"))
    tried("create again", lambda: a.create("/nodes"))
    tried("create below nothing", lambda: a.create("/none/x"))
    tried("create with parents", lambda: a.create("/nodes/p/q/r", b"deep", makepath=True))
    tried("create sequence", lambda: a.create("/nodes/s-", sequence=True))
    tried("create sequence 2", lambda: a.create("/nodes/s-", b"2", sequence=True, include_data=True))
    tried("create ephemeral", lambda: a.create("/nodes/e", ephemeral=True, include_data=True))
    tried("create below ephemeral", lambda: a.create("/nodes/e/x"))
    tried("get", lambda: a.get("/nodes"))
    tried("get of the other", lambda: b.sync("/nodes") and b.get("/nodes"))
    tried("get nothing", lambda: a.get("/none"))
    tried("exists", lambda: a.exists("/nodes"))
    tried("exists nothing", lambda: a.exists("/none"))
    tried("set", lambda: a.set("/nodes", b"yy"))
    tried("set version", lambda: a.set("/nodes", b"zzz", version=1))
    tried("set old version", lambda: a.set("/nodes", b"w", version=1))
    tried("set nothing", lambda: a.set("/none", b""))
    tried("children", lambda: sorted(a.get_children("/nodes")))
    tried("children and stat", lambda: a.get_children("/nodes/p", include_data=True))
    tried("children of nothing", lambda: a.get_children("/none"))
    tried("delete full", lambda: a.delete("/nodes/p"))
    tried("delete old version", lambda: a.delete("/nodes/p/q/r", version=7))
    tried("delete", lambda: a.delete("/nodes/p/q/r", version=0))
    tried("delete nothing", lambda: a.delete("/nodes/p/q/r"))
    tried("delete recursively", lambda: a.delete("/nodes/p", recursive=True))
    tried("ensure path", lambda: a.ensure_path("/nodes/a/b/c"))
    tried("ensure path again", lambda: a.ensure_path("/nodes/a/b/c"))
    tried("odd name", lambda: a.create("/nodes/\u00fc\u20ac", "\u00e9".encode()))
    tried("odd name back", lambda: sorted(a.get_children("/nodes"))[-1])
    tried("large", lambda: a.create("/nodes/large", b"l" * 900_000))
    tried("large back", lambda: a.get("/nodes/large"))
    tried("config", lambda: len(a.get("/zookeeper/config")[0]) > 0)
    tried("delete zookeeper", lambda: a.delete("/zookeeper/config"))
    tried("delete root", lambda: a.delete("/"))


@section("transactions")
def transactions(a, b):
    def run(*steps):
        transaction = a.transaction()
        for step in steps:
            step(transaction)
        return transaction.commit()

    tried(
        "all well",
        lambda: run(
            lambda t: t.create("/tx", b"1"),
            lambda t: t.check("/tx", 0),
            lambda t: t.set_data("/tx", b"2", 0),
            lambda t: t.create("/tx/n-", sequence=True),
            lambda t: t.create("/tx/gone"),
            lambda t: t.delete("/tx/gone", 0),
        ),
    )
    tried(
        "one wrong",
        lambda: run(
            lambda t: t.create("/tx/new"),
            lambda t: t.check("/tx", 7),
            lambda t: t.delete("/tx"),
        ),
    )
    tried("nothing came of it", lambda: a.exists("/tx/new"))
    tried("children", lambda: sorted(a.get_children("/tx")))
    tried("empty", lambda: run())


@section("access")
def access(a, b):
    alice = KazooClient(
        hosts=hosts, randomize_hosts=False, auth_data=[("digest", "alice:secret")], timeout=SESSION_TIMEOUT_S
    )
    alice.start(timeout=PATIENCE_S)
    acl = [make_digest_acl("alice", "secret", all=True)]
    tried("create", lambda: alice.create("/access", b"secret", acl=acl))
    tried("creator", lambda: alice.create("/access/mine", acl=CREATOR_ALL_ACL))
    tried("acls", lambda: [(one.perms, one.id.scheme, one.id.id) for one in alice.get_acls("/access/mine")[0]])
    tried("own get", lambda: alice.get("/access"))
    a.sync("/access")
    tried("another's get", lambda: a.get("/access"))
    tried("another's set", lambda: a.set("/access", b""))
    tried("another's create", lambda: a.create("/access/x"))
    tried("another's delete", lambda: a.delete("/access/mine"))
    tried("another's acls", lambda: a.get_acls("/access"))
    tried("another's exists", lambda: a.exists("/access"))
    tried("creator without name", lambda: a.create("/nobody", acl=CREATOR_ALL_ACL))
    tried("unknown scheme", lambda: a.create("/nobody", acl=[make_acl("none", "x", all=True)]))
    tried("read only", lambda: alice.set_acls("/access", READ_ACL_UNSAFE))
    a.sync("/access")
    tried("another's get now", lambda: a.get("/access"))
    tried("own set now", lambda: alice.set("/access", b""))
    tried("set acls now", lambda: alice.set_acls("/access", OPEN_ACL_UNSAFE))
    tried("late auth", lambda: a.add_auth("digest", "alice:secret"))
    tried("then get", lambda: a.get("/access/mine"))
    ended(alice)


@section("watchers")
def watchers(a, b):
    seen = []
    a.create("/watched", b"0")
    a.sync("/watched")
    a.DataWatch("/watched", lambda data, stat, event: seen.append(("data", data, event and event.type)))
    a.ChildrenWatch("/watched", lambda children: seen.append(("children", sorted(children))))
    a.DataWatch("/watched/x", lambda data, stat: seen.append(("x", data)))
    for step, (run, count) in enumerate(
        [
            (lambda: b.sync("/watched"), 3),
            (lambda: b.set("/watched", b"1"), 4),
            (lambda: b.create("/watched/x", b"new"), 6),
            (lambda: b.set("/watched/x", b"newer"), 7),
            (lambda: b.delete("/watched/x"), 9),
        ]
    ):
        run()
        until("step %d" % step, lambda: len(seen) >= count)
        say("step", step, sorted(map(str, seen)))
    patient = PatientChildrenWatch(a, "/watched", time_boundary=0.2).start()
    children, changed = patient.get(timeout=PATIENCE_S)
    say("patient", sorted(children), changed.ready())
    b.create("/watched/y")
    changed.wait(PATIENCE_S)
    say("patient heard", changed.ready())
    events = []
    a.get("/watched/y", watch=lambda event: events.append((event.type, event.state, event.path)))
    a.exists("/watched/z", watch=lambda event: events.append((event.type, event.state, event.path)))
    a.get_children("/watched/y", watch=lambda event: events.append((event.type, event.state, event.path)))
    b.create("/watched/z")
    b.delete("/watched/y")
    until("three events", lambda: len(events) >= 3)
    say("events", sorted(map(str, events)))


@section("locks")
def locks(a, b):
    first, second = Lock(a, "/lock", "first"), Lock(b, "/lock", "second")
    say("first", first.acquire())
    say("second at once", second.acquire(blocking=False))
    try:
        second.acquire(timeout=0.3)
    except LockTimeout:
        say("second in time: no")
    order = []
    join = in_thread(lambda: (second.acquire(), order.append("second has it"), second.release()))
    until("both wait", lambda: len(first.contenders()) == 2)
    say("contenders", first.contenders())
    order.append("first lets go")
    first.release()
    join()
    say(order)
    say("left", a.get_children("/lock"))
    with a.Lock("/lock", "with"):
        say("held in a block")
    reader, other, writer = a.ReadLock("/rw", "r1"), b.ReadLock("/rw", "r2"), b.WriteLock("/rw", "w")
    say("two readers", reader.acquire(timeout=PATIENCE_S), other.acquire(timeout=PATIENCE_S))
    say("writer at once", writer.acquire(blocking=False))
    reader.release()
    other.release()
    say("writer then", writer.acquire(timeout=PATIENCE_S))
    say("reader at once", reader.acquire(blocking=False))
    writer.release()


@section("semaphore")
def semaphore(a, b):
    one, two, three = (client.Semaphore("/semaphore", name, max_leases=2) for client, name in [(a, "1"), (b, "2"), (a, "3")])
    say("two of two", one.acquire(), two.acquire())
    say("holders", sorted(one.lease_holders()))
    say("third at once", three.acquire(blocking=False))
    one.release()
    say("third then", three.acquire(timeout=PATIENCE_S))
    two.release()
    three.release()
    try:
        b.Semaphore("/semaphore", "x", max_leases=3).acquire()
    except ValueError as error:
        say("other size", type(error).__name__)


@section("election")
def election(a, b):
    order, elections = [], [a.Election("/election", "A"), b.Election("/election", "B")]
    free = [threading.Event(), threading.Event()]

    def lead(index):
        order.append("AB"[index])
        free[index].wait(PATIENCE_S)

    join_a = in_thread(lambda: elections[0].run(lead, 0))
    until("A leads", lambda: order == ["A"])
    join_b = in_thread(lambda: elections[1].run(lead, 1))
    until("B waits", lambda: len(elections[0].contenders()) == 2)
    say("contenders", elections[0].contenders(), "leaders", order)
    free[0].set()
    join_a()
    until("B leads", lambda: order == ["A", "B"])
    free[1].set()
    join_b()
    say("leaders", order)


@section("queues")
def queues(a, b):
    queue = a.Queue("/queue")
    for value, priority in [(b"low", 200), (b"first", 100), (b"second", 100)]:
        queue.put(value, priority)
    b.sync("/queue")
    other = b.Queue("/queue")
    say("length", len(other))
    say([other.get(), other.get(), other.get(), other.get()])
    locking = a.LockingQueue("/locking")
    locking.put_all([b"1", b"2"])
    locking.put(b"0", 50)
    b.sync("/locking")
    taker = b.LockingQueue("/locking")
    say("length", len(taker))
    say("get", taker.get(timeout=PATIENCE_S), "holds", taker.holds_lock())
    say("get again", taker.get(timeout=PATIENCE_S))
    say("consume", taker.consume())
    say("rest", taker.get(timeout=PATIENCE_S), taker.consume(), taker.get(timeout=PATIENCE_S), taker.release())
    say("length", len(taker))
    ended_taker = in_thread(lambda: say("waited for", taker.get(timeout=PATIENCE_S)))
    ended_taker()


@section("barriers")
def barriers(a, b):
    barrier = Barrier(a, "/barrier")
    barrier.create()
    passed = []
    join = in_thread(lambda: passed.append(Barrier(b, "/barrier").wait(PATIENCE_S)))
    say("in time", Barrier(b, "/barrier").wait(0.2))
    say("removed", barrier.remove(), barrier.remove())
    join()
    say("passed", passed)
    order, lock = [], threading.Lock()

    def both(client, name):
        double = DoubleBarrier(client, "/double", 2, identifier=name)
        double.enter()
        with lock:
            order.append("in")
        double.leave()
        with lock:
            order.append("out")

    joins = [in_thread(lambda: both(a, "A")), in_thread(lambda: both(b, "B"))]
    for join in joins:
        join()
    say("double", sorted(order))


@section("party and counter")
def party_and_counter(a, b):
    for kind, path in [(Party, "/party"), (ShallowParty, "/shallow")]:
        mine, theirs = kind(a, path, "A"), kind(b, path, "B")
        mine.join()
        theirs.join()
        until("two", lambda: len(mine) == 2)
        say(kind.__name__, sorted(mine))
        theirs.leave()
        until("one", lambda: len(mine) == 1)
        say(kind.__name__, sorted(mine))
    counter = Counter(a, "/counter", default=0)
    counter += 2
    counter -= 5
    say("counter", counter.value, counter.pre_value, counter.post_value)
    again = Counter(b, "/fraction", default=0.0)
    again += 1.5
    say("fraction", again.value)

    def count(client):
        counter = Counter(client, "/counter", default=0)
        for _ in range(20):
            counter.__add__(1)

    joins = [in_thread(lambda: count(a)), in_thread(lambda: count(b))]
    for join in joins:
        join()
    a.sync("/counter")
    say("counted", Counter(a, "/counter", default=0).value)


@section("set partitioner")
def partitioner(a, b):
    parts = [
        SetPartitioner(client, "/parts", set(range(6)), identifier=name, time_boundary=0.3)
        for client, name in [(a, "A"), (b, "B")]
    ]

    def settled():
        for part in parts:
            if part.release:
                part.release_set()
            elif part.allocating:
                part.wait_for_acquire(0.1)
        return all(part.acquired and len(list(part)) == 3 for part in parts)

    until("six shared by two", settled)
    say([sorted(part) for part in parts])
    parts[1].finish()

    def alone():
        if parts[0].release:
            parts[0].release_set()
        elif parts[0].allocating:
            parts[0].wait_for_acquire(0.1)
        return parts[0].acquired and len(list(parts[0])) == 6

    until("six for one", alone)
    say(sorted(parts[0]))
    parts[0].finish()


@section("tree cache")
def tree_cache(a, b):
    b.create("/cached/x/y", b"deep", makepath=True)
    a.sync("/cached")
    events, names = [], {value: name for name, value in vars(TreeEvent).items() if name.isupper()}
    cache = TreeCache(a, "/cached")
    cache.listen(lambda event: events.append((names[event.event_type], event.event_data and event.event_data.path)))
    cache.start()
    until("the tree is known", lambda: ("INITIALIZED", None) in events)
    say(sorted(map(str, events)))
    events.clear()
    b.set("/cached/x", b"new")
    b.create("/cached/z")
    b.delete("/cached/x/y")
    until("three events", lambda: len(events) >= 3)
    say(sorted(map(str, events)))
    say(cache.get_data("/cached/x").data, sorted(cache.get_children("/cached")), cache.get_children("/cached/none"))
    cache.close()


@section("retries")
def retries(a, b):
    tried("a retry that succeeds", lambda: a.retry(a.create, "/retried"))
    tried("a retry that may not", lambda: KazooRetry(max_tries=3)(a.create, "/retried"))
    calls = []

    def third_time():
        calls.append(1)
        if len(calls) < 3:
            from kazoo.exceptions import ConnectionLoss

            raise ConnectionLoss()
        return len(calls)

    tried("at the third time", lambda: KazooRetry(max_tries=5, delay=0.01)(third_time))


@section("reconnect")
def reconnect(a, b):
    states = []
    c = KazooClient(hosts=hosts, randomize_hosts=False, timeout=SESSION_TIMEOUT_S)
    c.add_listener(lambda state: states.append(state))
    c.start(timeout=PATIENCE_S)
    say("session", c.client_id is not None)
    before = c.client_id
    c.create("/kept", b"", ephemeral=True)
    seen = []
    c.DataWatch("/moving", lambda data, stat: seen.append(data))
    ask("stop")
    until("connected again", lambda: states[-1:] == [KazooState.CONNECTED] and len(states) >= 3)
    say("states", states, "same session", c.client_id == before)
    retry = KazooRetry(max_tries=-1, delay=0.05)
    say("ephemeral", retry(c.exists, "/kept") is not None, "its own", c.exists("/kept").ephemeralOwner == before[0])
    retry(b.create, "/moving", b"while it is down")
    until("the watch moved along", lambda: b"while it is down" in seen)
    say("watch", seen)
    ask("start")
    retry(c.set, "/moving", b"and up")
    until("the watch stays", lambda: b"and up" in seen)
    say("watch", seen)
    ended(c)
    until("the ephemeral is gone", lambda: retry(b.exists, "/kept") is None)
    say("ephemeral gone with its session")


@section("expiry")
def expiry(a, b):
    states = []
    c = KazooClient(hosts=hosts, randomize_hosts=False, timeout=SESSION_TIMEOUT_S)
    c.add_listener(lambda state: states.append(state))
    c.start(timeout=PATIENCE_S)
    c.create("/mortal", b"", ephemeral=True)
    before = c.client_id
    thief = connected(client_id=before)
    say("taken over", thief.client_id == before)
    ended(thief)
    until("lost and new", lambda: KazooState.LOST in states and states[-1] == KazooState.CONNECTED)
    say("lost", KazooState.LOST in states, "new session", c.client_id[0] != before[0])
    b.sync("/mortal")
    say("ephemeral", b.exists("/mortal"))
    ended(c)
    holder = subprocess.Popen(
        [sys.executable, __file__, hosts, "hold"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    say(holder.stdout.readline().strip(), b.sync("/held") and b.exists("/held") is not None)
    holder.kill()
    holder.wait()
    retry = KazooRetry(max_tries=-1, delay=0.05)
    until("its session expires", lambda: retry(b.exists, "/held") is None)
    say("gone after its session expired")


def hold():
    client = connected(timeout=SHORT_SESSION_TIMEOUT_S)
    client.create("/held", ephemeral=True)
    say("holds it")
    sys.stdin.read()


@section("commands")
def commands(a, b):
    say("ruok", a.command(b"ruok"))
    say("isro", a.command(b"isro"))
    say("version", a.server_version()[:2])


def ask(what):
    say("ASK", what)
    sys.stdin.readline()


def main():
    for body in SECTIONS:
        # The first client stays away from the server that is stopped.
        a, b = connected(), connected()
        say("==", body.title)
        body(a, b)
        ended(a, b)
    say("done")


hold() if sys.argv[2:] == ["hold"] else main()
