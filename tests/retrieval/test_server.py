"""The store on a real Chroma server on loopback, and on servers that are down or do not answer."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from openstack_rca.errors import UnavailableError, UsageError
from openstack_rca.retrieval import upkeep
from openstack_rca.retrieval.embeddings import MiniLmEmbedder
from openstack_rca.retrieval.store import Entry, VectorStore
from openstack_rca.settings import VectorDb, load_settings

LOGS = "openstack_logs"
ENTRIES = [
    Entry("disk", "Failed to write image data: No space left on device", {"service": "glance-api", "count": 2}),
    Entry("amqp", "AMQP server on <ip>:<port> is unreachable", {"service": "nova-compute", "count": 7}),
    Entry("long", "\n".join(["The broker was restarted."] * 60 + ["The quota of volumes is used up."] * 60)),
]


def free_port() -> int:
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorDb]:
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--path", str(folder), "--port", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    settings = VectorDb(host="127.0.0.1", port=port)
    for _ in range(300):
        with closing(socket.socket()) as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield settings
    process.terminate()
    process.wait()


@pytest.fixture
def store(server: VectorDb, embedder: MiniLmEmbedder) -> Iterator[VectorStore]:
    with VectorStore(server, lambda: embedder) as opened:
        upkeep.reset(opened)
        yield opened


def test_a_server_stores_and_finds_like_a_folder(store: VectorStore) -> None:
    first, second = store.ingest(LOGS, ENTRIES), store.ingest(LOGS, ENTRIES)
    assert (first.changed, second.changed) == (3, 0)
    assert first.pieces > 3
    best = store.search(LOGS, "the disk is full", 1)[0]
    assert (best.id, best.metadata) == ("disk", {"service": "glance-api", "count": 2})
    assert [f.id for f in store.search(LOGS, "disk", 5, where={"service": "nova-compute"})] == ["amqp"]
    assert upkeep.verify(store).ok


def test_two_clients_write_at_once(server: VectorDb, store: VectorStore, embedder: MiniLmEmbedder) -> None:
    with VectorStore(server, lambda: embedder) as other:
        other.ingest(LOGS, ENTRIES[:1])
        store.ingest(LOGS, ENTRIES[1:])
        assert other.entries(LOGS) == store.entries(LOGS) == {"disk", "amqp", "long"}


def test_changed_entries_replace_old_ones_and_removed_ones_go(store: VectorStore) -> None:
    store.ingest(LOGS, ENTRIES)
    store.ingest(LOGS, [Entry("long", "short now", {"level": "INFO"})])
    store.remove(LOGS, ["amqp"])
    assert store.count(LOGS) == 2
    assert store.search(LOGS, "short now", 1)[0].metadata == {"level": "INFO"}


def test_upkeep_works_on_a_server(server: VectorDb, store: VectorStore, tmp_path: Path) -> None:
    store.ingest(LOGS, ENTRIES)
    pieces = store.count(LOGS)
    told = upkeep.status(server)
    assert [(c.name, c.pieces) for c in told.collections] == [(LOGS, pieces)]
    assert upkeep.backup(store, tmp_path / "backup").pieces == {LOGS: pieces}
    assert upkeep.clear(store).pieces == {LOGS: pieces}
    assert store.count(LOGS) == 0
    assert upkeep.restore(store, tmp_path / "backup").verification.ok
    assert store.entries(LOGS) == {"disk", "amqp", "long"}


def test_models_are_not_mixed_on_a_server(server: VectorDb, store: VectorStore, embedder: MiniLmEmbedder) -> None:
    class Other:
        model_id, dimension = "other-model", embedder.dimension
        embed = staticmethod(embedder.embed)

    store.ingest(LOGS, ENTRIES)
    with VectorStore(server, Other) as other, pytest.raises(UsageError, match="other-model"):
        other.search(LOGS, "disk")


def test_a_server_that_is_down_is_one_sentence(embedder: MiniLmEmbedder) -> None:
    settings = VectorDb(host="127.0.0.1", port=free_port())
    with pytest.raises(UnavailableError, match=r"Chroma server 127.0.0.1:\d+ does not answer"):
        VectorStore(settings, lambda: embedder)
    with pytest.raises(UnavailableError, match="does not answer"):
        upkeep.status(settings)


@pytest.mark.parametrize("heartbeat", [False, True], ids=["never answers", "only has a heartbeat"])
def test_a_server_that_never_answers_ends_in_time(heartbeat: bool) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client = silent.accept()[0]
                    kept.append(client)
                    if heartbeat and b"heartbeat" in client.recv(65536):
                        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

        kept: list[socket.socket] = []
        threading.Thread(target=serve, daemon=True).start()
        settings = VectorDb(host="127.0.0.1", port=silent.getsockname()[1], timeout=0.3)
        started = time.monotonic()
        with pytest.raises(UnavailableError, match="timed out"):
            upkeep.status(settings)
        assert time.monotonic() - started < 5
    for client in kept:
        client.close()


def test_what_is_no_chroma_server_is_one_sentence() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:

        def greet() -> None:
            client = other.accept()[0]
            client.recv(65536)
            client.sendall(b"SSH-2.0-OpenSSH_9\r\n")
            client.close()

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(UnavailableError, match=r"does not answer \(SSH-2.0-OpenSSH_9\)\.$"):
            upkeep.status(VectorDb(host="127.0.0.1", port=other.getsockname()[1]))
    with pytest.raises(UnavailableError, match="does not answer"):
        upkeep.status(VectorDb(host="http://127.0.0.1", port=free_port()))


def test_a_server_that_falls_silent_later_ends_in_time(server: VectorDb, embedder: MiniLmEmbedder) -> None:
    with closing(Relay(server.port)) as relay:
        settings = VectorDb(host="127.0.0.1", port=relay.port, timeout=1.0)
        with VectorStore(settings, lambda: embedder) as store:
            store.ingest(LOGS, ENTRIES)
            relay.silent = True
            started = time.monotonic()
            with pytest.raises(UnavailableError, match="timed out"):
                store.search(LOGS, "disk")
            assert time.monotonic() - started < 10


def test_the_published_names_choose_server_and_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHROMA_HOST", "chroma.example.org")
    monkeypatch.setenv("CHROMA_PORT", "8123")
    monkeypatch.setenv("CHROMA_PERSIST_DIR", "elsewhere")
    chosen = load_settings().vector_db
    assert (chosen.host, chosen.port, chosen.persist_directory) == ("chroma.example.org", 8123, Path("elsewhere"))


class Relay:
    """Passes bytes on to a server until it is told to be silent."""

    def __init__(self, port: int) -> None:
        self.silent = False
        self._target = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for sock in [self._socket, *self._open]:
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                client = self._socket.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._open += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                while self.silent:
                    time.sleep(0.05)
                target.sendall(data)
        except OSError:
            return
