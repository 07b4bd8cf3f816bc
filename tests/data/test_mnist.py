"""The sample is MNIST's; the full set is whole, or one sentence says why not, whatever disk and net do."""

import _thread
import errno
import gc
import gzip
import hashlib
import os
import re
import socket
import subprocess
import sys
import textwrap
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import make_mnist_sample
import numpy as np
import pytest
import torch
import torchvision
from torchvision.datasets import MNIST

from losslab.data import mnist
from losslab.data.mnist import DataError, load

REPOSITORY = Path(__file__).parents[2]
SHARED = REPOSITORY.parent / "shared" / "mnist"
NAMES = list(mnist.SHA256["full"])
needs_full = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/mnist, the full set")


# ---- small stand-ins for the full set, and mirrors on 127.0.0.1 that serve them, well or badly


def stand_ins(seed=0):
    """Small files in MNIST's form, by name: 20 training and 10 test images of noise."""
    rng = np.random.default_rng(seed)
    arrays = [rng.integers(0, 256, (n, 28, 28), np.uint8) for n in (20, 10)]
    arrays = [a for images in arrays for a in (images, rng.integers(0, 10, len(images), np.uint8))]
    return dict(zip(NAMES, map(make_mnist_sample.idx, arrays), strict=True))


GOOD = stand_ins()
FOREIGN = stand_ins(seed=1)  # another data set of the very same shapes
TABLE = {name: hashlib.sha256(content).hexdigest() for name, content in GOOD.items()}
PACKED = {f"{name}.gz": make_mnist_sample.gzipped(content) for name, content in GOOD.items()}
LAST = NAMES[-1]
SHORT = PACKED[f"{LAST}.gz"][:-9]


class Mirror(ThreadingHTTPServer):
    """A web server; `answers` maps file names to their bytes, or to functions of the request handler."""

    daemon_threads = True

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), Answer)
        self.answers, self.asked = answers, []
        self.url = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request, client_address):
        """Clients may go away in mid-download; some are made to."""


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path[1:]
        self.server.asked.append(name)
        answer = self.server.answers.get(name)
        if answer is None:
            self.send_error(404)
        elif callable(answer):
            answer(self)
        else:
            send(self, answer)

    def log_message(self, *args):
        pass


def send(handler, body, promised=None):
    """Answer with `body`, having promised that many bytes."""
    handler.send_response(200)
    handler.send_header("Content-Length", len(body) if promised is None else promised)
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()


@pytest.fixture
def mirrors(monkeypatch):
    """Make the stand-ins the full set; return a function that makes torchvision's mirrors serve answers."""
    servers = []

    def serve(*answers):
        new = [Mirror(a) for a in answers]
        servers.extend(new)
        monkeypatch.setattr(MNIST, "mirrors", [server.url for server in new])
        return new

    monkeypatch.setitem(mnist.SHA256, "full", TABLE)
    monkeypatch.setattr(MNIST, "mirrors", [])
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    gc.freeze()  # torch's objects need no collecting
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
    gc.collect()  # a socket left open fails this test, not another
    gc.unfreeze()
    assert socket.getdefaulttimeout() is None


def tree(root):
    """All that lies under `root`, sorted, as text."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def listing(*names):
    """The tree of a root whose raw folder holds just these files."""
    return sorted(["MNIST", "MNIST/raw", *(f"MNIST/raw/{name}" for name in names)])


def put(root, files):
    """Write files into the raw folder of `root`; return that folder."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (raw / name).write_bytes(content)
    return raw


def assert_stand_ins(digits):
    for name, tensor in zip(NAMES, vars(digits).values(), strict=True):
        assert make_mnist_sample.idx(tensor.numpy()) == GOOD[name]


def refusal(root):
    """The one sentence that says why `root` gives no data."""
    with pytest.raises(DataError) as refused:
        load("full", root)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert "mnist.load('sample')" in sentence, "the way out that always works is named"
    return sentence


# ---- the sample


def test_sample_is_balanced_uint8_and_small():
    digits = load()
    for images, labels, each in (
        (digits.train_images, digits.train_labels, 600),
        (digits.test_images, digits.test_labels, 100),
    ):
        assert images.shape == (10 * each, 28, 28)
        assert images.dtype == labels.dtype == torch.uint8
        assert torch.bincount(labels).tolist() == [each] * 10
    assert sum(file.stat().st_size for file in make_mnist_sample.SAMPLE.iterdir()) <= 1_300_000


def test_every_call_returns_fresh_writable_tensors():
    first, second = load(), load()
    first.train_images.zero_()
    assert second.train_images.any()
    assert second == second != first  # no comparison of tensors, which has no truth value
    assert repr(first) == "Digits(6,000 training + 1,000 test images)"


@needs_full
def test_sample_images_are_mnist_images_with_their_labels_in_order():
    def pairs(images, labels):
        return zip((image.tobytes() for image in images.numpy()), labels.tolist(), strict=True)

    sample, full = load("sample"), load("full", SHARED)
    for part in ("train", "test"):
        of_full, of_sample = (
            pairs(getattr(d, f"{part}_images"), getattr(d, f"{part}_labels")) for d in (full, sample)
        )
        strays = [label for image, label in of_sample if (image, label) not in of_full]  # `in` walks onwards
        assert not strays


@needs_full
def test_script_makes_the_shipped_files():
    for name, content in make_mnist_sample.sample(load("full", SHARED)).items():
        shipped = (make_mnist_sample.SAMPLE / f"{name}.gz").read_bytes()
        assert gzip.decompress(shipped) == content
        assert shipped[:10] == make_mnist_sample.gzipped(content)[:10]  # the header: no name, no time


def test_sample_is_not_ignored_by_git():
    if not (REPOSITORY / ".git").exists():
        pytest.skip("needs a git checkout")
    files = [str(file) for file in make_mnist_sample.SAMPLE.glob("*.gz")]
    ignored = subprocess.run(["git", "check-ignore", *files], cwd=REPOSITORY, capture_output=True, text=True)
    assert (len(files), ignored.stdout) == (4, "")


def test_sample_needs_no_network_and_no_torchvision():
    script = """
        import sys
        def refuse(event, args):
            if event.startswith(("socket.", "urllib.")):
                raise AssertionError(event)
        sys.addaudithook(refuse)
        from losslab.data import mnist
        mnist.load("sample", root="/nowhere")
        assert "torchvision" not in sys.modules
    """
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(script)], check=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("damage", "fault"),
    [("truncated", "cannot be read"), ("missing", "is missing"), ("foreign", "holds .* bytes with SHA-256")],
)
def test_damaged_sample_is_refused(monkeypatch, tmp_path, name, damage, fault):
    for file in make_mnist_sample.SAMPLE.glob("*.gz"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(mnist, "SAMPLE", tmp_path)
    broken = tmp_path / f"{name}.gz"
    if damage == "missing":
        broken.unlink()
    else:
        broken.write_bytes(broken.read_bytes()[:-100] if damage == "truncated" else PACKED[broken.name])
    with pytest.raises(DataError, match=f"{name}.gz {fault}.*: reinstall losslab$"):
        load("sample")


@pytest.mark.parametrize("which", ["Sample", "train", "", None, 7, ["sample"]])
def test_unknown_set_is_refused(which):
    with pytest.raises(ValueError, match=r"which must be 'sample' or 'full', got "):
        load(which)


# ---- the full set, present


@needs_full
def test_full_set_is_read_packed_and_in_place(monkeypatch):
    monkeypatch.setattr(MNIST, "mirrors", [])
    before = tree(SHARED)
    digits = load("full", SHARED)
    assert digits.train_images.shape == (60_000, 28, 28)
    assert digits.test_images.shape == (10_000, 28, 28)
    assert len(digits.train_labels) == 60_000
    assert len(digits.test_labels) == 10_000
    assert digits.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert tree(SHARED) == before


@pytest.mark.parametrize("files", [GOOD, PACKED, FOREIGN | PACKED], ids=["plain", "gz", "gz beside foreign"])
def test_files_already_there_are_used_and_nothing_is_written(mirrors, tmp_path, files):
    put(tmp_path, files)
    assert_stand_ins(load("full", tmp_path))
    assert tree(tmp_path) == listing(*files)


def test_default_root_is_the_environment_s_then_the_home_s(mirrors, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    put(tmp_path / "home" / ".cache" / "losslab", GOOD)
    put(tmp_path / "named", PACKED)
    monkeypatch.delenv("LOSSLAB_DATA", raising=False)
    assert_stand_ins(load("full"))
    assert_stand_ins(load("full", "~/.cache/losslab"))
    monkeypatch.setenv("LOSSLAB_DATA", str(tmp_path / "empty"))
    assert str(tmp_path / "empty") in refusal(None)
    monkeypatch.setenv("LOSSLAB_DATA", str(tmp_path / "named"))
    assert_stand_ins(load("full"))


# ---- the full set, downloaded


def test_download_leaves_what_torchvision_reads(mirrors, tmp_path, capsys):
    (server,) = mirrors(PACKED)
    digits = load("full", tmp_path)
    assert_stand_ins(digits)
    assert tree(tmp_path) == listing(*GOOD)
    assert "100%" in capsys.readouterr().err, "torchvision shows its progress bar"
    for train, images in ((True, digits.train_images), (False, digits.test_images)):
        torch.testing.assert_close(MNIST(tmp_path, train, download=False).data, images, rtol=0, atol=0)
    server.asked.clear()
    assert_stand_ins(load("full", tmp_path))
    assert server.asked == []


BROKEN_FILES = {
    "empty": {LAST: b""},
    "truncated": {LAST: GOOD[LAST][:-1]},
    "corrupt": {LAST: GOOD[LAST][:-1] + bytes([GOOD[LAST][-1] ^ 1])},
    "foreign": {LAST: FOREIGN[LAST]},
    "truncated gz": {f"{LAST}.gz": SHORT},
    "corrupt gz": {f"{LAST}.gz": SHORT[:10] + b"\xff" * 9},
    "foreign gz": {f"{LAST}.gz": gzip.compress(FOREIGN[LAST])},
    "no gz": {f"{LAST}.gz": b"<html>not found</html>"},
}


@pytest.mark.parametrize("broken", BROKEN_FILES.values(), ids=BROKEN_FILES)
def test_broken_file_is_replaced_or_refused(mirrors, tmp_path, capsys, broken):
    (name,) = broken
    raw = put(tmp_path, {**GOOD, **broken})
    if name.endswith(".gz"):
        (raw / LAST).unlink()
    before = tree(tmp_path)
    sentence = refusal(tmp_path)  # there is no mirror
    assert sentence.count(LAST) >= 2, "the file needed and the file found are named"
    assert str(raw / name) in sentence
    assert TABLE[LAST][:16] in sentence
    assert tree(tmp_path) == before, "nobody's file is thrown away before there is a better one"
    (server,) = mirrors(PACKED)
    capsys.readouterr()
    assert_stand_ins(load("full", tmp_path))
    assert capsys.readouterr().out.startswith(f"Downloading {LAST} again: {raw / name} ")
    assert set(server.asked) == {f"{LAST}.gz"}, "only the broken file is fetched"
    assert tree(tmp_path) == listing(*GOOD)


def hang_up(handler):
    handler.close_connection = True


BROKEN_ANSWERS = {
    "not found": (None, "HTTP Error 404"),
    "half, then dead": (lambda handler: send(handler, SHORT, promised=len(SHORT) + 9), ""),
    "half, as if whole": (SHORT, "ended before the end-of-stream"),
    "hangs up": (hang_up, "closed connection"),
    "corrupt": (SHORT[:10] + b"\xff" * 9, "invalid block type"),
    "not a web server": (lambda handler: handler.wfile.write(b"SSH-2.0\r\n"), "SSH-2.0"),
    "foreign": (gzip.compress(FOREIGN[LAST]), f"SHA-256 .*, not {TABLE[LAST][:16]}"),
    "a login page": (b"<html>Welcome to the hotel</html>", "Not a gzipped file"),
}


@pytest.mark.parametrize(("answer", "reason"), BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS)
def test_broken_mirror_leaves_nothing_broken(mirrors, tmp_path, answer, reason):
    bad = {**PACKED, f"{LAST}.gz": answer}
    (server,) = mirrors(bad)
    assert re.match(f"{LAST} .*{server.url}{LAST}.gz: .*{reason}", refusal(tmp_path))
    assert tree(tmp_path) == listing(*NAMES[:-1])
    _, good = mirrors(bad, PACKED)
    assert_stand_ins(load("full", tmp_path))
    assert set(good.asked) == {f"{LAST}.gz"}, "the other mirror is asked for what is missing, and no more"
    assert tree(tmp_path) == listing(*GOOD)


def test_silent_mirror_is_given_up(mirrors, monkeypatch, tmp_path):
    def stall(handler):
        send(handler, SHORT, promised=len(SHORT) + 9)
        time.sleep(2)

    put(tmp_path, {name: GOOD[name] for name in NAMES[:-1]})
    mirrors({f"{LAST}.gz": stall})
    monkeypatch.setattr(mnist, "STALLED", 0.3)
    assert f"{LAST}.gz: timed out" in refusal(tmp_path)
    assert tree(tmp_path) == listing(*NAMES[:-1])


def test_no_network_is_one_sentence_that_names_every_mirror(mirrors, monkeypatch, tmp_path):
    with socket.socket() as taken:  # bound but not listening: refuses connections
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        monkeypatch.setattr(MNIST, "mirrors", [f"{url}a/", f"{url}b/"])
        sentence = refusal(tmp_path)
    assert sentence.count("refused") == 2
    assert all(text in sentence for text in (f"{url}a/{NAMES[0]}.gz", f"{url}b/", str(tmp_path), "go online"))
    assert tree(tmp_path) == listing()


# ---- disks


@pytest.mark.parametrize("present", [[], NAMES[:2]], ids=["empty", "half there"])
def test_read_only_disk_is_refused(mirrors, monkeypatch, tmp_path, present):
    def mkdir(path, *args, **kwargs):
        code = errno.EEXIST if os.path.exists(path) else errno.EROFS
        raise OSError(code, os.strerror(code), path)

    (server,) = mirrors(PACKED)
    if present:
        put(tmp_path, {name: GOOD[name] for name in present})
    before = tree(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", mkdir)
        assert "(Read-only file system): make room and allow writing" in refusal(tmp_path)
    assert tree(tmp_path) == before
    assert server.asked == [], "nothing is downloaded that cannot be kept"


def test_file_in_the_way_is_refused(mirrors, tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    reason = r" \([^)]+\): make room and allow writing"  # every system has words of its own
    assert re.search(re.escape(f"cannot be kept in {file / 'MNIST' / 'raw'}") + reason, refusal(file))
    assert file.read_text() == "in the way"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /sys")
def test_root_without_permission_is_refused(mirrors):
    assert "cannot be kept in /sys/MNIST/raw (" in refusal(
        "/sys"
    )  # where nobody may make a folder, not even root


@pytest.mark.parametrize("last", [f"{LAST}.gz", LAST], ids=["downloading", "unpacking"])
def test_full_disk_is_refused_and_cleaned_up(mirrors, monkeypatch, tmp_path, last):
    def full(path, *args):
        if Path(path).name == last:
            with open(path, *args) as file:
                file.write(b"what still went in")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return open(path, *args)

    first, second = mirrors(PACKED, PACKED)
    with monkeypatch.context() as patch:
        patch.setattr(torchvision.datasets.utils, "open", full, raising=False)
        assert "(No space left on device): make room" in refusal(tmp_path)
    assert tree(tmp_path) == listing(*NAMES[:-1])
    assert second.asked == [], "another mirror would not help"
    first.asked.clear()
    assert_stand_ins(load("full", tmp_path))
    assert set(first.asked) == {f"{LAST}.gz"}


# ---- interruptions, and two at once


def start(root, server):
    """Start another Python that reads the full set (the stand-ins) from `root` and `server`."""
    script = f"""
        from torchvision.datasets import MNIST
        from losslab.data import mnist
        MNIST.mirrors, mnist.SHA256["full"] = [{server.url!r}], {TABLE!r}
        print(mnist.load("full", {str(root)!r}))
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def halfway(root, then):
    """An answer that sends half a file, waits until some of it is on the disk below `root`, calls `then`."""

    def answer(handler):
        if handler.server.asked.count(f"{LAST}.gz") == 1:  # torchvision first asks whether the file has moved
            return send(handler, b"")
        send(handler, bytes(100_000), promised=200_000)
        while not any(file.stat().st_size for file in root.glob(f"MNIST/{mnist.SCRATCH}*/*/{LAST}.gz")):
            time.sleep(0.01)
        time.sleep(0.1)
        then()

    return answer


def test_ctrl_c_leaves_nothing_and_the_next_run_finishes(mirrors, tmp_path):
    mirrors({**PACKED, f"{LAST}.gz": halfway(tmp_path, _thread.interrupt_main)})
    with pytest.raises(KeyboardInterrupt):
        load("full", tmp_path)
    assert tree(tmp_path) == listing(*NAMES[:-1])
    (server,) = mirrors(PACKED)
    assert_stand_ins(load("full", tmp_path))
    assert set(server.asked) == {f"{LAST}.gz"}


def test_killed_download_is_finished_by_the_next_run_and_swept_later(mirrors, monkeypatch, tmp_path):
    reached, over = threading.Event(), threading.Event()

    def hold():
        reached.set()
        over.wait(120)

    (server,) = mirrors({**PACKED, f"{LAST}.gz": halfway(tmp_path, hold)})
    with start(tmp_path, server) as process:
        assert reached.wait(120)
        process.kill()
        process.communicate()
    over.set()
    (left,) = (tmp_path / "MNIST").glob(f"{mnist.SCRATCH}*")
    assert sorted(path.name for path in (tmp_path / "MNIST" / "raw").iterdir()) == sorted(NAMES[:-1])
    (server,) = mirrors(PACKED)
    assert_stand_ins(load("full", tmp_path))
    assert set(server.asked) == {f"{LAST}.gz"}
    assert left.exists(), "young scratch folders may belong to another notebook"
    monkeypatch.setattr(mnist, "STALE", 0)
    assert_stand_ins(load("full", tmp_path))
    assert tree(tmp_path) == listing(*GOOD)


def test_what_cannot_be_swept_does_no_harm(mirrors, monkeypatch, tmp_path):
    raw = put(tmp_path, GOOD)
    (raw.parent / f"{mnist.SCRATCH}file").write_text("no folder, so it is not removed")
    monkeypatch.setattr(mnist, "STALE", -1)
    assert_stand_ins(load("full", tmp_path))


def test_two_notebooks_may_download_at_once(mirrors, monkeypatch, tmp_path):
    monkeypatch.setattr(mnist, "STALLED", 120)  # the other one imports torch first
    both = threading.Barrier(2)

    def together(handler):
        both.wait(120)  # neither gets the first file before the other has asked for it
        send(handler, PACKED[f"{NAMES[0]}.gz"])

    (server,) = mirrors({**PACKED, f"{NAMES[0]}.gz": together})
    with start(tmp_path, server) as other:
        assert_stand_ins(load("full", tmp_path))
        assert other.communicate(timeout=120)[0] == "Digits(20 training + 10 test images)\n"
    assert server.asked.count(f"{NAMES[0]}.gz") == 4, "two downloads, each of which asks twice"
    assert tree(tmp_path) == listing(*GOOD)
    assert_stand_ins(load("full", tmp_path))
