"""Ceph's object gateway over a cluster of one monitor and one OSD that keeps its data in memory.

Nothing of it outlives the block, nor this process, however that ends. Needs Ceph's own programs.
"""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.servers.s3 import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    ServedS3,
    free_port,
    is_listening,
)
from tests.waiting import wait_until

PROGRAMS = (
    *("ceph", "ceph-authtool", "ceph-mon", "ceph-osd"),
    *("monmaptool", "radosgw", "radosgw-admin"),
)
HOW_TO_GET_IT = (
    "Ceph's object gateway was not found. Get it with 'apt-get install --no-install-recommends "
    "radosgw ceph-mon ceph-osd ceph-common' (260 MB)."
)
START_SECONDS = 60.0

# A daemon ends when this process does, even by SIGKILL: then the shell's input ends.
WATCHED = '"$@" & read -r _; kill -9 $!; wait'

# One copy of everything, in memory; sizes that let a single OSD take all of the gateway's pools,
# each of which would otherwise take a second to make.
CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = {address}
public addr = 127.0.0.1
keyring = {folder}/keyring
run dir = {folder}
admin socket =
pid file =
log file = {folder}/$name.log
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
osd objectstore = memstore
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
paxos propose interval = 0.02
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 2
"""

RIGHTS = {
    "mon.": {"mon": "allow *"},
    "osd.0": {"mon": "allow profile osd", "osd": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *", "mgr": "allow *"},
}


def has_radosgw() -> bool:
    """Whether this machine has all of Ceph's programs that a gateway needs."""
    return all(shutil.which(program) for program in PROGRAMS)


@contextmanager
def radosgw(folder: Path, bucket: str = "omi.data") -> Iterator[ServedS3]:
    """``radosgw``: checks signatures; holds every key exactly. Skips where there is no Ceph."""
    if not has_radosgw():
        pytest.skip(HOW_TO_GET_IT)
    port = free_port()
    with ExitStack() as running:
        ceph = _start_cluster(folder, running)
        ceph.run(
            "radosgw-admin", "user", "create", "--uid", "test", "--display-name", "test",
            "--access-key", ACCESS_KEY_ID, "--secret", SECRET_ACCESS_KEY,
        )  # fmt: skip
        ceph.keep(
            "radosgw", "-n", "client.admin", "--rgw-frontends", f"beast endpoint=127.0.0.1:{port}"
        )
        wait_until(lambda: is_listening(port), START_SECONDS)
        served = ServedS3(
            f"http://127.0.0.1:{port}", bucket, checks_signatures=True, holds_odd_slashes=True
        )
        served.client().create_bucket(Bucket=bucket)
        yield served


def _start_cluster(folder: Path, running: ExitStack) -> _Ceph:
    fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
    address = f"v2:127.0.0.1:{free_port()}"
    keyring, monmap = str(folder / "keyring"), str(folder / "monmap")
    configuration = folder / "ceph.conf"
    configuration.write_text(CONFIGURATION.format(fsid=fsid, address=address, folder=folder))
    ceph = _Ceph(configuration, running)
    ceph.run("ceph-authtool", "--create-keyring", keyring)
    for name, rights in RIGHTS.items():
        capabilities = (word for pair in rights.items() for word in ("--cap", *pair))
        ceph.run("ceph-authtool", keyring, "--gen-key", "-n", name, *capabilities)
    ceph.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[{address}]", monmap)
    ceph.run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", keyring)
    ceph.keep("ceph-mon", "-i", "a")
    ceph.run("ceph", "osd", "new", osd)
    (folder / "osd").mkdir()
    ceph.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
    ceph.keep("ceph-osd", "-i", "0")
    return ceph


class _Ceph:
    """Ceph's programs, with one configuration; daemons end with ``running``."""

    def __init__(self, configuration: Path, running: ExitStack) -> None:
        self._configuration = configuration
        self._running = running

    def run(self, program: str, *arguments: str) -> None:
        """Run a program to its end, which must be a good one."""
        ended = subprocess.run(
            [program, *arguments, "-c", str(self._configuration)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, f"{program}: {ended.stderr}"

    def keep(self, program: str, *arguments: str) -> None:
        """Keep a program running. Leaving closes its shell's input, and waits for its end."""
        command = [program, *arguments, "-f", "-c", str(self._configuration)]
        self._running.enter_context(
            subprocess.Popen(
                ["/bin/sh", "-c", WATCHED, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
