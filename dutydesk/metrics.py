"""Prometheus metrics of one process (names are an interface: dashboards depend on them)."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)


@dataclass(slots=True)
class Metrics:
    """What the process counts. Times are in seconds."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    handed_over: Histogram = field(init=False)
    sends: Counter = field(init=False)
    passes: Counter = field(init=False)
    heartbeats: Counter = field(init=False)
    oldest_undone: Gauge = field(init=False)
    last_pass_age: Gauge = field(init=False)
    owed: Gauge = field(init=False)

    def __post_init__(self) -> None:
        """Register every metric in this process's own registry."""
        self.handed_over = Histogram(
            "dutydesk_due_to_handed_over_seconds",
            "From the moment an alert was due to the provider's answer",
            ["channel"],
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self.sends = Counter(
            "dutydesk_sends", "Requests to providers", ["provider", "outcome"], registry=self.registry
        )
        self.passes = Counter(
            "dutydesk_passes", "Passes of the clockwork", ["outcome"], registry=self.registry
        )
        self.heartbeats = Counter(
            "dutydesk_heartbeats", "Outgoing heartbeats", ["outcome"], registry=self.registry
        )
        self.oldest_undone = Gauge(
            "dutydesk_oldest_undone_seconds",
            "Age of the oldest deadline that should have been acted on",
            registry=self.registry,
        )
        self.last_pass_age = Gauge(
            "dutydesk_last_full_pass_age_seconds", "Age of the last full pass", registry=self.registry
        )
        self.owed = Gauge(
            "dutydesk_open_obligations", "Obligations still owed", ["rule"], registry=self.registry
        )
