"""Eventlet's hub, changed to write reports before each wait."""

from typing import Any

from eventlet import hubs

from echo_servers.report import Report


def report_before_waiting(report: Report) -> None:
    """Run Eventlet on its default hub, which writes the reports before it waits."""
    default: Any = hubs.get_default_hub()

    class ReportingHub(default.Hub):  # type: ignore[misc]
        def wait(self, seconds: float | None = None) -> None:
            report.flush()
            super().wait(seconds)

    report.buffer()
    hubs.use_hub(ReportingHub)
