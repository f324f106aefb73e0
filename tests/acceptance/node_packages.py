"""Installs the npm packages of the acceptance tests, once for each list of them, and runs programs with them.

Knows no test. Where node, npm or the packages cannot be had, the test that asks is skipped (exit code 77).
"""
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
LISTS = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "npm", name)
         for name in ("package.json", "package-lock.json")]


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def needs_programs():
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            skip(f"{program} is not installed")


def needs_node(least=20):
    """Skips unless node of at least that version and npm are there."""
    needs_programs()
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    if not version.lstrip("v").split(".")[0].isdigit() or int(version.lstrip("v").split(".")[0]) < least:
        skip(f"node is {version or 'broken'}; at least {least} is needed")


def install_apart(package, folder, *options):
    """Installs one package into a new folder of the test's own; skips where that cannot be done."""
    needs_programs()
    os.mkdir(folder)
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *options, "--prefix", folder, package],
                          capture_output=True, text=True)
    if done.returncode != 0:
        skip(f"npm cannot install {package}: {(done.stdout + done.stderr).strip()[-300:]}")


def packages():
    """The folder with `node_modules`: from the cache, or freshly installed into it."""
    needs_node()
    lists = b"".join(open(name, "rb").read() for name in LISTS)
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "weir")
    folder = os.path.join(cache, "npm-" + hashlib.sha256(lists).hexdigest()[:16])
    if os.path.isdir(folder):
        return folder
    os.makedirs(cache, exist_ok=True)
    # Tests that run at once install once; and half of it is never seen, since it is renamed when it is whole.
    with open(os.path.join(cache, "npm.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            for left in glob.glob(os.path.join(cache, "npm-new-*")):  # by a run that was killed
                shutil.rmtree(left, ignore_errors=True)
            fresh = tempfile.mkdtemp(prefix="npm-new-", dir=cache)
            try:
                install(fresh)
                os.rename(fresh, folder)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return folder


def install(folder):
    for name in LISTS:
        shutil.copy(name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400)
    except subprocess.TimeoutExpired:
        skip("npm did not install the packages in time")
    if done.returncode != 0:
        skip("the npm packages cannot be installed: " + " ".join(done.stderr.split())[:200])


def run_script(name, folder, arguments, seconds=120):
    """Runs a script of this folder with the packages. It is copied to them, since node looks for a module's packages
    beside it."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    handle, script = tempfile.mkstemp(prefix="run-", suffix=".mjs", dir=folder)
    os.close(handle)
    try:
        shutil.copy(source, script)
        # A proxy of the machine's must not come between two ends of a loopback.
        environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        return subprocess.run(["node", script, *arguments], capture_output=True, text=True, timeout=seconds, env=environment)
    finally:
        os.unlink(script)
