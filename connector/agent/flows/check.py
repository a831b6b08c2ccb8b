"""Checks a flow before anything runs, by what its connectors declare. It uses no network."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, Literal

from ...catalog.expressions import ExpressionError
from ...contract import ActionInfo, CheckReport, Connector, TriggerInfo
from ...support import time_zones
from ...support.redaction import shortened
from . import call_check, file, reference_check, references, shapes
from .call_check import Form
from .model import Call, Flow, FlowConnection, Step
from .problems import FlowProblem, InvalidFlow, Positions, in_order
from .references import Reference
from .shapes import ANY, TEXT, Shape

_EVENT: Final = {"id": TEXT, "kind": TEXT, "created_at": TEXT, "created_by": TEXT}
_ALWAYS: Final = {
    "flow": shapes.mapping(name=TEXT, url=TEXT),
    "run": shapes.mapping(id=TEXT, started_at=TEXT),
    "flows": ANY,
}
_NO_REPORTS: Final[Mapping[str, CheckReport]] = {}


def check_file(
    content: str | bytes,
    connectors: Mapping[str, Connector],
    *,
    credentials: Collection[str] | None = None,
    reports: Mapping[str, CheckReport] = _NO_REPORTS,
) -> tuple[Flow | None, list[FlowProblem]]:
    """Return the flow of a file, and everything that is wrong with it, in the order of the file."""
    found = file.read(content)
    problems = list(found.problems)
    if found.flow:
        problems += check(found.flow, found.positions, connectors, credentials=credentials, reports=reports)
    return found.flow, in_order(problems)


def load(content: str | bytes, connectors: Mapping[str, Connector], **known: Any) -> Flow:
    """Return the flow of a file that is fit to be deployed. Raises InvalidFlow with all errors."""
    flow, problems = check_file(content, connectors, **known)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or flow is None:
        raise InvalidFlow(errors)
    return flow


def check(
    flow: Flow,
    positions: Positions,
    connectors: Mapping[str, Connector],
    *,
    credentials: Collection[str] | None = None,
    reports: Mapping[str, CheckReport] = _NO_REPORTS,
) -> list[FlowProblem]:
    """Return what is wrong with a flow, in the order of its file.

    `connectors` are the installed ones by name. With `credentials`, the names of all stored ones, an unknown
    name is an error. `reports` are check reports by the name of a credential: they say what it can't do.
    """
    checking = _Checking(flow, positions, connectors, reports)
    checking.connections(credentials)
    checking.trigger()
    checking.steps()
    return in_order(checking.problems)


def item_source(step: Step) -> str:
    """Return the reference of `for_each` without its braces, such as `meetings.records`; "" without one."""
    try:
        parts = references.parse(step.for_each)
    except ExpressionError:
        return ""
    return parts[0].text if len(parts) == 1 and isinstance(parts[0], Reference) else ""


class _Checking:
    """One check. What can't be read has been reported, and is skipped."""

    def __init__(
        self,
        flow: Flow,
        positions: Positions,
        connectors: Mapping[str, Connector],
        reports: Mapping[str, CheckReport],
    ) -> None:
        self.problems: list[FlowProblem] = []
        self._flow = flow
        self._positions = positions
        self._connectors = connectors
        self._reports = reports

    def _add(
        self,
        path: str,
        message: str,
        fix: str = "",
        near: str | None = None,
        *,
        severity: Literal["error", "warning"] = "error",
        at_key: bool = False,
    ) -> None:
        place = self._positions.of_key(path) if at_key else self._positions.of(path)
        self.problems.append(FlowProblem(place.line, place.column, path, message, fix, near, severity))

    # Connections

    def connections(self, credentials: Collection[str] | None) -> None:
        """Check the connections: their connectors and credentials, and that each is used."""
        calls = [call for step in self._flow.steps for call in (step.call, step.undo) if call]
        used = {self._flow.trigger.connection, *(call.connection for call in calls)}
        for name, connection in self._flow.connections.items():
            path = f"connections.{name}"
            if connection.connector and connection.connector not in self._connectors:
                installed = shapes.listing(self._connectors) or "none"
                fix = f"Install the package that has it. Installed: {installed}."
                message = f"unknown connector {shortened(connection.connector)!r}"
                near = shapes.nearest(connection.connector, self._connectors)
                self._add(f"{path}.connector", message, fix, near)
            if credentials is not None and connection.credential not in {"", *credentials}:
                message = f"unknown credential {shortened(connection.credential)!r}"
                near = shapes.nearest(connection.credential, credentials)
                known = ", ".join(map(shortened, sorted(credentials)))
                fix = f"Choose one of {known}, or add it to the vault." if known else "Add it to the vault."
                self._add(f"{path}.credential", message, fix, near)
            if name not in used:
                self._add(path, f"nothing uses the connection {name!r}", severity="warning", at_key=True)

    def _connection(self, name: str, path: str) -> FlowConnection | None:
        """Return a connection of the flow; report an unknown one."""
        if name and name not in self._flow.connections:
            near = shapes.nearest(name, self._flow.connections)
            fix = "" if near else f"The flow has {shapes.listing(self._flow.connections) or 'none'}."
            self._add(path, f"unknown connection {shortened(name)!r}", fix, near)
        return self._flow.connections.get(name)

    def _connector(self, connection: FlowConnection | None) -> Connector | None:
        return self._connectors.get(connection.connector) if connection else None

    # The trigger

    def trigger(self) -> None:
        """Check the trigger: its events and filters, its time zone, and the scopes of its credential."""
        trigger = self._flow.trigger
        zone = trigger.schedule.time_zone if trigger.schedule else "UTC"
        if time_zones.find(zone) is None:
            message = f"unknown time zone {shortened(zone)!r}"
            self._add("trigger.time_zone", message, near=time_zones.nearest(zone))
        connection = self._connection(trigger.connection, "trigger.connection")
        connector = self._connector(connection)
        if connector is None or connection is None:
            return
        known = connector.manifest.triggers
        for number, event in enumerate(trigger.events):
            path = f"trigger.events[{number}]"
            if event in known:
                self._event(known[event], path, connection.credential)
            else:
                message = f"{connection.connector} has no event {shortened(event)!r}"
                near = shapes.nearest(event, known)
                fix = "" if near else f"Its events are {shapes.listing(known) or 'none'}."
                self._add(path, message, fix, near)

    def _event(self, event: TriggerInfo, path: str, credential: str) -> None:
        form = Form(event.filters, event.fields, {}, "isn't a filter")
        filters = self._flow.trigger.filters
        for number, (key, value) in enumerate(filters):
            if "~{" in str(value):
                place = self._positions.row("trigger.filters", number, key)
                self._add(place, f"{key}: the filters of a trigger are plain values, without ~{{…}}~")
        plain = tuple((key, value) for key, value in filters if "~{" not in str(value))
        for finding in call_check.check_rows(plain, form, {}):
            self._add_finding(
                finding, "trigger.filters", plain, f" ({event.id})" if finding.row is None else ""
            )
        report = self._reports.get(credential)
        for scope in event.scopes if report else ():
            if report and report.scopes.get(scope) == "refused":
                self._add(
                    path, f"the credential {credential!r} lacks the scope {scope}, which {event.id} needs"
                )

    def _payload(self) -> Shape | None:
        """Return the shape of the events' payload: what any of them has. None without events."""
        trigger = self._flow.trigger
        connector = self._connector(self._flow.connections.get(trigger.connection))
        if not trigger.events:
            return None
        known = connector.manifest.triggers if connector else {}
        outputs = [output for event in trigger.events if event in known for output in known[event].outputs]
        return shapes.of_outputs(outputs)

    # The steps

    def steps(self) -> None:
        """Check the steps, each with what is known before it."""
        known: dict[str, Shape] = dict(_ALWAYS)
        payload = self._payload()
        if payload is not None:
            known["event"] = shapes.mapping(**_EVENT, payload=payload)
        lines: dict[str, str] = {}
        for number, step in enumerate(self._flow.steps):
            path = f"steps[{number}]"
            self._id(step, path, lines)
            item = self._step(step, path, known)
            if step.id:
                known[step.id] = self._output(step, item)
                lines.setdefault(step.id, path)
        self._compensation()

    def _id(self, step: Step, path: str, earlier: Mapping[str, str]) -> None:
        if step.id in references.RESERVED:
            fix = "Choose another id."
            self._add(f"{path}.id", f"{step.id!r} is the name of something else in references", fix)
        elif step.id in earlier:
            line = self._positions.of(f"{earlier[step.id]}.id").line
            self._add(f"{path}.id", f"the id {step.id!r} is used twice, first in line {line}")

    def _step(self, step: Step, path: str, known: Mapping[str, Shape]) -> Shape:
        """Check a step. Return the shape of its item."""
        self._conditions(step, path, known)
        here = dict(known)
        if step.for_each:
            here["item"] = self._item(step, f"{path}.for_each", known)
        action = self._call(step.call, path, here)
        if action:
            self._options(step, path, action)
        if step.undo:
            undo = self._call(step.undo, f"{path}.undo", {**here, step.id: self._one_output(action)})
            if undo and undo.effect == "read":
                message = f"{undo.id} only reads, so it undoes nothing"
                self._add(f"{path}.undo.action", message, severity="warning")
        return here.get("item", ANY)

    def _conditions(self, step: Step, path: str, known: Mapping[str, Shape]) -> None:
        for number, condition in enumerate(step.conditions):
            for field, value in (("value", condition.value), (condition.operator, condition.operand)):
                for message, fix, near in reference_check.reference_findings(value, known, functions=False):
                    self._add(f"{path}.when[{number}].{field}", message, fix, near)

    def _item(self, step: Step, path: str, known: Mapping[str, Shape]) -> Shape:
        """Return the shape of the items of `for_each`; report what isn't a list."""
        findings = list(reference_check.reference_findings(step.for_each, known, functions=False))
        for message, fix, near in findings:
            self._add(path, message, fix, near)
        if findings:
            return ANY
        fix = "Refer to a list, such as ~{meetings.records}~."
        match references.parse(step.for_each):
            case (Reference() as reference,):
                shape = reference_check.shape_of(reference, known)
                if shape.type not in {"", "array"} and not shape.open:
                    self._add(path, f"{reference} is {shape}, not a list", fix)
                return shape.items or ANY
        self._add(path, f"{shortened(step.for_each)} isn't one reference", fix)
        return ANY

    def _call(self, call: Call, path: str, known: Mapping[str, Shape]) -> ActionInfo | None:
        """Check a call, and return its action if it exists."""
        connection = self._connection(call.connection, f"{path}.connection")
        connector = self._connector(connection)
        if connection is None or connector is None or not call.action:
            return None
        actions = connector.actions()
        action = find_action(actions, call)
        if action is None:
            names = [*actions, *(alias for one in actions.values() for alias in one.aliases)]
            message = f"{connection.connector} has no action {shortened(call.action)!r}"
            few = len(actions) <= 12  # noqa: PLR2004 - more are no help
            fix = f"Its actions are {shapes.listing(actions)}." if few else ""
            self._add(f"{path}.action", message, fix, shapes.nearest(call.action, names))
            return None
        form = Form(action.input, action.fields, connector.manifest.functions)
        for finding in call_check.check_rows(call.rows, form, known):
            self._add_finding(finding, f"{path}.filter", call.rows, f" ({action.id})")
        self._ability(action, f"{path}.action", connection.credential)
        return action

    def _ability(self, action: ActionInfo, path: str, credential: str) -> None:
        report = self._reports.get(credential)
        verdict = report.actions.get(action.id) if report else None
        if verdict and verdict.ability == "cannot":
            self._add(
                path, f"the credential {credential!r} can't run {action.id}: {verdict.reason.rstrip('.')}"
            )

    def _add_finding(
        self, finding: call_check.Finding, base: str, rows: tuple[tuple[str, Any], ...], where: str
    ) -> None:
        if finding.row is None:
            self._add(base, f"{finding.message}{where}", finding.fix, finding.near, at_key=True)
            return
        key = rows[finding.row][0]
        path = self._positions.row(base, finding.row, key)
        is_name = finding.path == key and "isn't a" in finding.message
        self._add(path, finding.message, finding.fix, finding.near, at_key=is_name and path.endswith(key))

    def _options(self, step: Step, path: str, action: ActionInfo) -> None:
        if action.returns != "many":
            for name, value in (("limit", step.call.limit), ("all_pages", step.call.all_pages)):
                if value:
                    self._add(f"{path}.{name}", f"{action.id} doesn't return a list, so it has no {name}")
        is_doubtful = action.effect != "read" and not action.safe_to_repeat and action.look_up is None
        if step.retry.times and is_doubtful:
            message = f"{action.id} isn't safe to repeat, and nothing shows whether it happened"
            fix = "If its reply is lost, it isn't tried again: the run then needs a person."
            self._add(f"{path}.on_error.retry", message, fix, severity="warning")

    def _output(self, step: Step, item: Shape) -> Shape:
        connector = self._connector(self._flow.connections.get(step.call.connection))
        action = find_action(connector.actions(), step.call) if connector else None
        one = self._one_output(action)
        if not step.for_each:
            return one
        each = one if one.open else shapes.mapping(**one.fields, item=item)
        return shapes.mapping(items=shapes.listed(each))

    @staticmethod
    def _one_output(action: ActionInfo | None) -> Shape:
        if action is None:
            return ANY
        record = shapes.of_outputs(action.outputs)
        match action.returns:
            case "many":
                return shapes.mapping(records=shapes.listed(record), extra=ANY)
            case "one":
                return shapes.mapping(record=record)
            case "none":
                return Shape("object")

    def _compensation(self) -> None:
        """Check that what compensates has something to undo, and the other way round."""
        steps = list(enumerate(self._flow.steps))
        undone = [number for number, step in steps if step.undo]
        compensating = [number for number, step in steps if step.then == "compensate"]
        for number in compensating:
            if not any(earlier < number for earlier in undone):
                message = "no step before this one has an undo, so nothing is undone"
                self._add(f"steps[{number}].on_error.then", message, severity="warning")
        for number in undone:
            if not any(later > number for later in compensating):
                message = "no step after this one has `then: compensate`, so this undo never runs"
                self._add(f"steps[{number}].undo", message, severity="warning", at_key=True)


def find_action(actions: Mapping[str, ActionInfo], call: Call) -> ActionInfo | None:
    """Return the action that a call names by id or alias; of several, the one that has all its inputs."""
    if call.action in actions:
        return actions[call.action]
    wanted = call.action.casefold()
    named = [
        one for one in actions.values() if wanted in {alias.casefold() for alias in (one.id, *one.aliases)}
    ]
    keys = {key.removesuffix("[]").partition(".")[0] for key, _ in call.rows}
    fitting: Iterator[ActionInfo] = (one for one in named if keys <= one.input.get("properties", {}).keys())
    return next(fitting, named[0] if named else None)
