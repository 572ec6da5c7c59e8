"""`matrixinfer fake-cluster`: the API server of one process, for `kubectl` and other programs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from matrixinfer_client.cli.options import positive
from matrixinfer_client.errors import MatrixInferError

if TYPE_CHECKING:
    from types import FrameType

    from matrixinfer_client.testing import FakeCluster, Served

__all__ = ["command"]


@click.command("fake-cluster", context_settings={"allow_interspersed_args": False})
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free one.")
@click.option("--tls", is_flag=True, help="Serve HTTPS, with a certificate made for it.")
@click.option("--token", help="The bearer token that callers need; also turns on HTTPS.")
@click.option("--simulate", is_flag=True, help="Run stand-ins for the platform's controllers.")
@click.option(
    "--speed",
    type=float,
    callback=positive,
    help="How fast they are; 1, the default, takes two seconds for a Model.",
)
@click.option("--seed", type=click.IntRange(min=0), help="The same names and UIDs with each seed.")
@click.option(
    "--kubeconfig",
    type=click.Path(dir_okay=False),
    help="Where to write the kubeconfig, which then stays. Default: a temporary file.",
)
@click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
def command(
    *,
    port: int,
    tls: bool,
    token: str | None,
    simulate: bool,
    speed: float | None,
    seed: int | None,
    kubeconfig: str | None,
    program: Sequence[str],
) -> int:
    """Serve an API server of one process on 127.0.0.1, until Ctrl-C.

    It behaves as a real one with MatrixInfer's resources does; kubectl and every other client can
    use it. With COMMAND, run that with KUBECONFIG set instead, and exit with its exit code.
    """
    from matrixinfer_client.testing import FakeCluster  # noqa: PLC0415
    from matrixinfer_client.testing.making import check_rules  # noqa: PLC0415

    if speed is not None and not simulate:
        raise click.UsageError("--speed is that of --simulate, which is not there")
    check_rules("cli")
    # A plain SIGTERM would end Python and leave the files behind.
    signal.signal(signal.SIGTERM, _exit)
    options: bool | dict[str, Any] = {"speed": speed or 1.0} if simulate else False
    with (
        FakeCluster(simulate=options, seed=seed) as cluster,
        cluster.serve(port=port, tls=tls or None, token=token, kubeconfig=kubeconfig) as served,
    ):
        return _run(program, served) if program else _wait(cluster, served)


def _exit(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)


def _wait(cluster: FakeCluster, served: Served) -> int:
    """Say how to use it, and wait for Ctrl-C, which is no failure."""
    click.echo(
        f"A fake cluster at {served.url}, seed {cluster.seed}, until Ctrl-C. Elsewhere:\n\n"
        f"    export KUBECONFIG={served.kubeconfig}\n"
        "    kubectl get models --all-namespaces\n"
    )
    try:
        while True:
            # In turns, since on some systems Ctrl-C does not end a long wait.
            time.sleep(0.5)
    except KeyboardInterrupt:
        click.echo("\nstopped", err=True)
    return 0


def _run(program: Sequence[str], served: Served) -> int:
    """Run a command; its exit code, as a shell reports it."""
    environment = {**os.environ, "KUBECONFIG": str(served.kubeconfig)}
    try:
        process = subprocess.Popen(program, env=environment)  # noqa: S603 - the caller's own words
    except OSError as error:
        raise MatrixInferError(f"{program[0]!r} cannot be run: {error.strerror}") from None
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            # The terminal told the command, too; how it ends is its own decision.
            continue
        except SystemExit:
            process.terminate()
            raise
        return code if code >= 0 else 128 - code
