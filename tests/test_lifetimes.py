"""Forks, event loops and the end of a process, each in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

from matrixinfer_client.config import Config
from matrixinfer_client.drivers import AsyncDriver
from matrixinfer_client.errors import TransportError
from matrixinfer_client.flows import Request, Retries, call
from tests.cluster.certificates import CertificateAuthority
from tests.conftest import Serve
from tests.loopback import HOST, ignore, reply, server_tls, stall, stream

PREAMBLE = """
import asyncio, gc, os, sys, threading, time
from matrixinfer_client.config import Config
from matrixinfer_client.drivers import AsyncDriver, Driver
from matrixinfer_client.errors import MatrixInferError, TransportTimeout
from matrixinfer_client.flows import Emit, Read, Request, Retries, call, open_stream

url = sys.argv[1]

def read():
    return call(Request("GET", "/apis/x", repeatable=True), Retries(attempts=1))
"""


def script(server_url: str, text: str, *arguments: str) -> str:
    """Run a program with all warnings as errors and return its output, which must be all."""
    program = PREAMBLE + textwrap.dedent(text)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, server_url, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def test_a_forked_child_opens_connections_of_its_own(serve: Serve) -> None:
    server = serve(reply())
    script(
        server.url,
        """
        driver = Driver(Config(url))
        driver.run(read())
        child = os.fork()
        driver.run(read())
        if child == 0:
            gc.collect()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        driver.run(read())
        driver.close()
        """,
    )
    assert (len(server.received), server.connections) == (4, 2)


def test_a_fork_while_another_thread_opens_connections_leaves_the_child_working(
    serve: Serve,
) -> None:
    server = serve(reply())
    script(
        server.url,
        """
        driver = Driver(Config(url))
        lock = driver._transport._lock[1]
        lock.acquire()
        child = os.fork()
        if child == 0:
            driver.run(read())
            os._exit(0)
        lock.release()
        assert os.waitpid(child, 0)[1] == 0
        """,
    )


def test_an_asynchronous_client_lives_through_several_event_loops(serve: Serve) -> None:
    server = serve(reply())
    script(
        server.url,
        """
        driver = AsyncDriver(Config(url))
        async def several():
            await asyncio.gather(*[driver.run(read()) for _ in range(3)])
        for _ in range(3):
            asyncio.run(several())
        asyncio.run(driver.close())
        """,
    )
    assert len(server.received) == 9


def test_a_client_that_is_never_closed_leaves_nothing_behind(serve: Serve) -> None:
    server = serve(reply())
    script(
        server.url,
        """
        async def forgetful():
            await AsyncDriver(Config(url)).run(read())
        for _ in range(5):
            asyncio.run(forgetful())
        forgotten = AsyncDriver(Config(url))
        asyncio.run(forgotten.run(read()))
        """,
    )


def test_a_client_that_is_forgotten_while_its_loop_ends_leaves_no_task(serve: Serve) -> None:
    server = serve(reply())
    script(
        server.url,
        """
        box = []

        class Loop(asyncio.SelectorEventLoop):
            async def shutdown_asyncgens(self):
                box.clear()
                gc.collect()
                await super().shutdown_asyncgens()

        async def main():
            box.append(AsyncDriver(Config(url)))
            await asyncio.gather(*[box[0].run(read()) for _ in range(5)])

        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(main())
        """,
    )


def test_a_stream_that_is_left_early_is_closed_when_its_loop_ends(
    serve: Serve, tmp_path: Path
) -> None:
    authority = CertificateAuthority()
    server = serve(stream(b"one", end=False), tls=server_tls(authority, tmp_path, HOST))
    script(
        server.url,
        """
        def follow():
            opened = yield from open_stream(Request("GET", "/x", repeatable=True), Retries())
            while chunk := (yield Read(opened)):
                yield Emit(chunk)

        async def main(turns):
            driver = AsyncDriver(Config(url, ca_file=sys.argv[2]))
            async for _ in driver.iterate(follow()):
                break
            for _ in range(turns):
                await asyncio.sleep(0)

        # What is left to do when the loop ends depends on how many turns it has had.
        for turns in range(6):
            asyncio.run(main(turns))
        """,
        str(tmp_path / "ca.crt"),
    )


def test_a_call_that_is_given_up_leaves_no_connection(serve: Serve, tmp_path: Path) -> None:
    authority = CertificateAuthority()
    server = serve(ignore, tls=server_tls(authority, tmp_path, HOST))
    script(
        server.url,
        """
        def hasty():
            return call(Request("GET", "/x", timeout=1.0), Retries(attempts=1))

        async def main(flow, limit):
            driver = AsyncDriver(Config(url, ca_file=sys.argv[2]))
            try:
                await asyncio.wait_for(driver.run(flow), limit)
            except (TransportTimeout, TimeoutError):
                await driver.close()

        asyncio.run(main(hasty(), 20))
        asyncio.run(main(read(), 1.0))
        gc.collect()
        """,
        str(tmp_path / "ca.crt"),
    )
    assert len(server.received) == 2


@contextlib.contextmanager
def deaf(tls: ssl.SSLContext) -> Iterator[str]:
    """Make connections and then neither say nor hear anything on them."""
    held: list[ssl.SSLSocket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(5.0)
            with contextlib.suppress(OSError):
                held.append(tls.wrap_socket(connection, server_side=True))

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"https://{HOST}:{listener.getsockname()[1]}"
        finally:
            # Closing alone does not wake a thread that is in accept().
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def test_a_client_that_is_closed_while_it_connects_leaves_no_connection(tmp_path: Path) -> None:
    authority = CertificateAuthority()
    with deaf(server_tls(authority, tmp_path, HOST)) as url:
        script(
            url,
            """
            async def main(seconds):
                driver = AsyncDriver(Config(url, ca_file=sys.argv[2]))
                connecting = asyncio.create_task(driver.run(read()))
                await asyncio.sleep(seconds)
                await driver.close()
                await asyncio.wait([connecting])
                assert isinstance(connecting.exception(), MatrixInferError)

            # How far the connection is when the client is closed depends on its time.
            for thousandths in range(12):
                asyncio.run(main(thousandths / 1000))
            gc.collect()
            """,
            str(tmp_path / "ca.crt"),
        )


def test_closing_a_client_ends_what_is_connecting_at_once() -> None:
    # The kernel takes the connection, and nobody ever says a word on it.
    with socket.create_server((HOST, 0)) as listener:
        script(
            f"https://{HOST}:{listener.getsockname()[1]}",
            """
            async def main():
                driver = AsyncDriver(Config(url))
                connecting = asyncio.create_task(driver.run(read()))
                await asyncio.sleep(0.2)
                started = time.monotonic()
                await driver.close()
                await asyncio.wait([connecting])
                assert time.monotonic() - started < 1
                assert isinstance(connecting.exception(), MatrixInferError)

            asyncio.run(main())
            gc.collect()
            """,
        )


async def test_closing_a_client_fails_calls_that_wait_their_turn_and_cancels_no_task(
    serve: Serve,
) -> None:
    server = serve(stall)
    driver = AsyncDriver(Config(server.url))
    request = Request("GET", "/x", repeatable=True)
    calls = [
        asyncio.create_task(driver.run(call(request, Retries(attempts=1)))) for _ in range(105)
    ]
    while len(server.received) < 100:  # noqa: ASYNC110 - a thread counts them
        await asyncio.sleep(0.01)
    await driver.close()
    ends = await asyncio.gather(*calls, return_exceptions=True)
    sent = [end.sent for end in ends if isinstance(end, TransportError)]
    assert (sent.count(True), sent.count(False)) == (100, 5)


def test_a_client_closed_in_another_loop_than_it_was_used_in_is_closed(serve: Serve) -> None:
    server = serve(reply())
    script(
        server.url,
        """
        driver = AsyncDriver(Config(url))
        with asyncio.Runner() as first:
            first.run(driver.run(read()))
            asyncio.run(driver.close())
            first.run(asyncio.sleep(0.1))
        """,
    )
    assert server.ended.is_set()


def test_nothing_keeps_the_interpreter_alive(serve: Serve) -> None:
    server = serve(reply())
    script(
        server.url,
        """
        driver = Driver(Config(url))
        driver.run(read())
        """,
    )
