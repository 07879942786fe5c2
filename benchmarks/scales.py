"""Memory and time at the scales of the reference application: `make benchmark-scales`.

Backs up, restores into a scratch database and verifies `embedded:demo-medium` and `embedded:demo-large`, each step a
process of its own; then one business of the large demo beside the whole of it, in turn.
"""

from __future__ import annotations

import json
import statistics
import sys

from benchmarks.process import ROOT, Timing, run

HOME = ROOT / ".playback" / "scales"


def play(host: str, name: str, *tasks: dict[str, object]) -> list[str]:
    """The command that runs tasks on a host."""
    file = HOME / f"{name}.yml"
    listed = [{"name": f"{name} {number}", **task} for number, task in enumerate(tasks)]
    file.write_text(json.dumps([{"name": name, "hosts": host, "tasks": listed}]), encoding="utf-8")
    return [sys.executable, "-m", "invoke", "run", str(file), "--inventory", str(HOME / "inventory")]


def prepare(*scales: str) -> None:
    """Make an inventory with a host for each scale, and fill those that are named, or all, on first use."""
    (HOME / "inventory" / "catalogs").mkdir(parents=True, exist_ok=True)
    catalog = ROOT / "inventory" / "catalogs" / "multi-business.yml"
    (HOME / "inventory" / "catalogs" / catalog.name).write_text(catalog.read_text(encoding="utf-8"), encoding="utf-8")
    hosts = {
        scale: {"database": f"embedded:demo-{scale}", "catalog": "multi-business", "repository": "local"}
        for scale in ("medium", "large")
    }
    (HOME / "inventory" / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    stores = {"local": {"type": "local", "path": str(HOME / "repository")}}
    (HOME / "inventory" / "repositories.yml").write_text(json.dumps(stores), encoding="utf-8")
    for scale in scales or hosts:
        run(play(scale, "fill", {"sql": {"query": "SELECT count(*) FROM businesses"}}))


def one_of(scale: str) -> dict[str, Timing]:
    """Backup, restore and verify of a scale, in this order."""
    latest = {"job": "scales", "host": scale}
    restore = {"from": latest, "mode": "mirror", "scratch": {"like": scale, "name": f"scratch-{scale}"}}
    against = {"backup": latest, "against": "database", "host": f"embedded:scratch-{scale}"}
    return {
        "backup": run(play(scale, "backup", {"backup": {"demo": "include", "job": "scales"}})),
        "restore": run(play(scale, "restore", {"restore": restore})),
        "verify": run(play(scale, "verify", {"verify": against})),
    }


def main() -> None:
    """Run everything and print a row for each figure."""
    prepare()
    found = {scale: one_of(scale) for scale in ("medium", "large")}
    for action in ("backup", "restore", "verify"):
        medium, large = found["medium"][action], found["large"][action]
        print(
            f"{action:8} medium {medium.seconds:6.1f} s {medium.memory / 2**20:4.0f} MiB   "
            f"large {large.seconds:6.1f} s {large.memory / 2**20:4.0f} MiB   "
            f"memory ratio {large.memory / medium.memory:.2f}",
            flush=True,
        )
    ratios = []
    for turn in range(3):
        one: dict[str, object] = {
            "backup": {"businesses": ["biz-umoja-grill"], "demo": "include", "job": f"one-{turn}"}
        }
        whole: dict[str, object] = {"backup": {"demo": "include", "job": f"whole-{turn}"}}
        pair = [run(play("large", name, task)).seconds for name, task in (("one", one), ("whole", whole))]
        ratios.append(pair[0] / pair[1])
        print(f"one business of 20 at large: {pair[0]:.1f} s, the whole: {pair[1]:.1f} s", flush=True)
    print(f"one business costs {statistics.median(ratios):.2f} of the whole ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
