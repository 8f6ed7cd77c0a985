"""Dashboard, alerts and docs/observe.md name the metrics that there are, and Prometheus' own tool takes them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector import metrics
from connector.audit import Event, Outcome

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "config" / "deploy" / "observe"
ALERTS, DASHBOARD = DEPLOY / "alerts.yml", DEPLOY / "grafana-dashboard.json"
TRIED = Path(__file__).with_name("alerts.yml")
SAMPLES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
NAME = re.compile(r"\bmoncompte_[a-z_]+")
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")


def exposed() -> set[str]:
    """Every series that /metrics may have."""
    described = (family for metric in metrics.COUNTED for family in metric.describe())
    counted = {family.name + suffix for family in described for suffix in SAMPLES[family.type]}
    return counted | set(metrics.ASKED) | {metrics.BUILD}


def families(names: set[str]) -> set[str]:
    """The histograms by one name."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def expressions() -> Iterator[str]:
    """What the dashboard asks."""
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))


def test_the_dashboard_asks_for_what_there_is() -> None:
    asked = set(NAME.findall(" ".join(expressions())))
    assert asked <= exposed()
    assert families(asked) == families(exposed())  # and leaves nothing out


def test_the_alerts_ask_for_what_there_is() -> None:
    text = ALERTS.read_text(encoding="utf-8")
    assert set(NAME.findall(text)) <= exposed()
    assert set(NAME.findall(TRIED.read_text(encoding="utf-8"))) <= exposed()


def test_every_alert_says_what_happened_and_what_to_do_and_is_tried() -> None:
    text, tried = ALERTS.read_text(encoding="utf-8"), TRIED.read_text(encoding="utf-8")
    for rule in text.split("- alert: ")[1:]:
        name = rule.split()[0]
        assert re.search(r'summary: ".+"', rule)
        assert re.search(r'action: ".+"', rule)
        assert f'alertname="{name}"' in tried


def test_the_document_explains_every_metric_and_no_other() -> None:
    explained = set(NAME.findall((ROOT / "docs" / "observe.md").read_text(encoding="utf-8")))
    assert explained == families(exposed())


def test_the_alerts_use_the_words_of_the_audit() -> None:
    text = ALERTS.read_text(encoding="utf-8")
    assert set(re.findall(r'event="([^"]+)"', text)) <= {event.value for event in Event}
    assert set(re.findall(r'outcome="([^"]+)"', text)) <= {outcome.value for outcome in Outcome}


@needs_promtool
@pytest.mark.parametrize("words", [("check", "rules", str(ALERTS)), ("test", "rules", str(TRIED))], ids=" ".join)
def test_prometheus_takes_the_rules_and_they_fire_when_they_should(words: tuple[str, ...]) -> None:
    done = subprocess.run([str(PROMTOOL), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_takes_what_is_exposed() -> None:
    with metrics.shared() as counts:
        for metric in metrics.COUNTED:
            _touch(metric)
        text = counts.text(dict.fromkeys(metrics.ASKED, 1.0))
    done = subprocess.run([str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@needs_promtool
def test_prometheus_takes_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": expr.replace("$__rate_interval", "5m")}
        for number, expr in enumerate(expressions())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run([str(PROMTOOL), "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _touch(metric: Any) -> None:
    """One series of it."""
    child = metric.labels(*("x" for _ in metric._labelnames))
    act = getattr(child, "observe", None) or getattr(child, "set", None) or child.inc
    act(1)
