"""The vault in numbers for Prometheus: counts and times alone. No label names a store, a camera, a stage or a person.

========================================= =========== ===========================================================
metric                                    kind        what it says
========================================= =========== ===========================================================
mimamori_vault_answers                    gauge       1; 0 while the key table does not answer: then those of (*)
                                                      are missing
mimamori_vault_keys_alive                 gauge       keys that can be lent, or will be (*)
mimamori_vault_keys_destroyed_total       counter     keys destroyed, ever (*)
mimamori_vault_overdue_seconds            gauge       how late the next destruction is; 0 when none is due (*)
mimamori_vault_lateness_last_seconds      gauge       how late the last slot died, since the start (*)
mimamori_vault_lateness_max_seconds       gauge       how late any slot died, since the start (*)
mimamori_vault_ledger_length              gauge       entries in the ledger (*)
mimamori_vault_ledger_waiting             gauge       facts that the ledger has not heard: the outbox, leases and
                                                      refusals (*)
mimamori_vault_clock_doubtful             gauge       1 while the wall clock has leapt and nobody confirmed it (*)
mimamori_vault_frame_ttl_seconds          gauge       how long frames live (*)
mimamori_vault_leases_total               counter     keys lent to stages
mimamori_vault_faults_total               counter     questions that got no answer, by `fault`
mimamori_vault_destruction_seconds        histogram   destroying what was due and writing it down: once each time
mimamori_vault_timer_failures_total       counter     rounds of the timer that the disk or the ledger stopped
mimamori_vault_timer_idle_seconds         gauge       how long ago the timer last went round
========================================= =========== ===========================================================

To page on: overdue above 5 s, timer_idle above 10 s, ledger_waiting that only rises, clock_doubtful, answers of 0.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.errors import Unavailable
from pipeline.vault.api import Fault, Status

CONTENT_TYPE: Final = "text/plain; version=1.0.0; charset=utf-8"
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_READ: Final = "mimamori_vault"


class Metrics:
    """What happened since the start; how things are is asked when Prometheus does."""

    def __init__(self, status: Callable[[], Status], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._registry = CollectorRegistry()
        self._monotonic = monotonic
        self._turned = monotonic()
        self._leases = Counter(f"{_READ}_leases", "Keys lent to stages", registry=self._registry)
        self._faults = Counter(f"{_READ}_faults", "Questions that got no answer", ["fault"], registry=self._registry)
        for fault in Fault:
            self._faults.labels(fault.value)
        self._destruction = Histogram(
            f"{_READ}_destruction_seconds",
            "Destroying what was due and writing it down",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._failures = Counter(
            f"{_READ}_timer_failures", "Rounds of the timer that disk or ledger stopped", registry=self._registry
        )
        idle = Gauge(f"{_READ}_timer_idle_seconds", "Since the timer last went round", registry=self._registry)
        idle.set_function(self.idle)
        self._registry.register(_Now(status))
        ProcessCollector(registry=self._registry)

    def lent(self) -> None:
        """A key was lent."""
        self._leases.inc()

    def refused(self, fault: Fault) -> None:
        """A question got no answer."""
        self._faults.labels(fault.value).inc()

    @contextmanager
    def round(self) -> Iterator[Callable[[int], None]]:
        """Around one round of the timer; call what it gives with how many keys were destroyed."""
        started, destroyed = self._monotonic(), 0

        def told(count: int) -> None:
            nonlocal destroyed
            destroyed += count

        try:
            yield told
        except Unavailable:
            self._failures.inc()
            raise
        finally:
            self._turned = self._monotonic()
            if destroyed:
                self._destruction.observe(self._turned - started)

    def idle(self) -> float:
        """How many seconds ago the timer last went round."""
        return self._monotonic() - self._turned

    def text(self) -> bytes:
        """Write all of it as Prometheus reads it."""
        return generate_latest(self._registry)


class _Now(Collector):
    """How the vault is when it is asked."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

    def describe(self) -> list[Metric]:
        # Else registering would ask the key table.
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            status = self._status()
        except Unavailable:
            yield GaugeMetricFamily(f"{_READ}_answers", "Whether the key table answers", 0)
            return
        yield GaugeMetricFamily(f"{_READ}_answers", "Whether the key table answers", 1)
        for name, (help_, read) in _GAUGES.items():
            if (value := read(status)) is not None:
                yield GaugeMetricFamily(f"{_READ}_{name}", help_, float(value))
        yield CounterMetricFamily(f"{_READ}_keys_destroyed", "Keys destroyed, ever", status.keys_destroyed)


def overdue(status: Status) -> float:
    """How many seconds late the next destruction is."""
    if status.next_destruction is None:
        return 0.0
    return max(0.0, (status.now - status.next_destruction).total_seconds())


_GAUGES: Final[dict[str, tuple[str, Callable[[Status], float | None]]]] = {
    "keys_alive": ("Keys that can be lent, or will be", lambda status: status.keys_alive),
    "overdue_seconds": ("How late the next destruction is", overdue),
    "lateness_last_seconds": ("How late the last slot died", lambda status: status.lateness_last_seconds),
    "lateness_max_seconds": ("How late any slot died", lambda status: status.lateness_max_seconds),
    "ledger_length": ("Entries in the ledger", lambda status: status.ledger_length),
    "ledger_waiting": ("Facts that the ledger has not heard", lambda status: status.ledger_waiting),
    "clock_doubtful": ("Whether the wall clock has leapt", lambda status: status.clock_doubtful),
    "frame_ttl_seconds": ("How long frames live", lambda status: status.frame_ttl_seconds),
}
