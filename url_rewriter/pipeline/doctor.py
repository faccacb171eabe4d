"""Examine what a migration needs, before one is begun; nothing is changed anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from url_rewriter.pipeline.doctor_database import examine_database
from url_rewriter.pipeline.doctor_lines import DoctorLine, DoctorRequest, DoctorState
from url_rewriter.pipeline.doctor_local import examine_machine, examine_rules
from url_rewriter.pipeline.doctor_objects import examine_objects
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.services import Services
from url_rewriter.rules import Rules


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was found, in order."""

    lines: tuple[DoctorLine, ...]

    def of(self, state: DoctorState) -> tuple[DoctorLine, ...]:
        """The lines with a state."""
        return tuple(each for each in self.lines if each.state is state)

    @property
    def failed(self) -> tuple[DoctorLine, ...]:
        """What does not work."""
        return self.of(DoctorState.FAILED)

    @property
    def denied(self) -> bool:
        """Whether something failed because of who asks."""
        return any(each.denied for each in self.failed)


def doctor(request: DoctorRequest, services: Services, progress: Progress) -> Examination:
    """Examine machine, rules, database and object store. What fails is a line, and no exception."""
    progress.begin("examine", "checks")
    lines = []
    for line in _examine(request, services):
        lines.append(line)
        progress.advance(1)
    progress.end()
    return Examination(tuple(lines))


def _examine(request: DoctorRequest, services: Services) -> Iterator[DoctorLine]:
    loaded: list[Rules] = []
    yield from examine_machine(request)
    yield from examine_rules(request, services.environ, loaded)
    yield from examine_database(request, services)
    yield from examine_objects(request, services, loaded[0] if loaded else None)
