"""Forms of the pages: fields, what was typed, and sentences beside the fields. Nothing typed is ever lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from dutydesk.errors import ConflictError, DutydeskError, InvalidInputError, NotFoundError
from dutydesk.web.languages import say
from dutydesk.web.sentences import sentence

Kind = Literal["text", "lines", "moment", "day", "choice", "tick", "hidden", "password", "file"]
Checked = TypeVar("Checked", bound=BaseModel)

_CHECKS = {
    "string_too_short": "请填写",
    "missing": "请填写",
    "literal_error": "请选择",
    "datetime_from_date_parsing": "时间格式不对",
}


@dataclass(frozen=True, slots=True)
class Input:
    """One field of a form. ``choices`` are (value, words)."""

    name: str
    label: str
    kind: Kind = "text"
    required: bool = False
    hint: str = ""
    choices: Sequence[tuple[str, str]] = ()
    longest: int = 100


@dataclass(slots=True)
class Form:
    """A form on its way: its inputs, what stands in them, and what is wrong (field → sentences; "" for the whole)."""

    inputs: Sequence[Input]
    values: dict[str, str] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """Return what was typed, without the spaces around it."""
        return self.values.get(name, "").strip()

    def ticked(self, name: str) -> bool:
        """Tell whether a box is ticked."""
        return bool(self.values.get(name))

    def fault(self, name: str, text: str) -> None:
        """Note what is wrong with a field; with one that is not on the form, at its head."""
        name = name if any(one.name == name for one in self.inputs) else ""
        if text not in self.faults.setdefault(name, []):
            self.faults[name].append(text)

    def moment(self, name: str, zone: tzinfo) -> datetime | None:
        """Return a site time that was typed as an aware instant; notes a fault when it is none."""
        typed = self.value(name)
        if not typed:
            return None
        try:
            return datetime.fromisoformat(typed).replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fault(name, "时间格式不对，例如 2026-11-23 14:05")
            return None

    def check_required(self) -> None:
        """Note every required field that is empty."""
        for one in self.inputs:
            if one.required and one.kind != "tick" and not self.value(one.name):
                self.fault(one.name, "请选择" if one.kind == "choice" else "请填写")

    def check(self, model: type[Checked], values: Mapping[str, object]) -> Checked | None:
        """Return *values* as a model, or None with what is wrong noted field by field."""
        try:
            return model.model_validate(values)
        except ValidationError as error:
            for fault in error.errors():
                name = str(fault["loc"][0]) if fault["loc"] else ""
                self.fault(name, _said(fault["type"], fault.get("ctx", {})))
            return None

    def refused(self, error: DutydeskError) -> int:
        """Note why an action refused; return the status of the page that shows the form again.

        Raises:
            DutydeskError: the same again, when it says nothing about what was typed.
        """
        if not isinstance(error, InvalidInputError | ConflictError | NotFoundError):
            raise error
        for fault in error.faults:
            self.fault(fault.field.rpartition(".")[2], sentence(fault.message))
        if not error.faults:
            name, colon, _ = error.detail.partition(": ")
            self.fault(name if colon else "", sentence(error.detail))
        return error.status


def _said(kind: str, more: Mapping[str, object]) -> str:
    if kind == "string_too_long":
        return say("最多{count}字", count=more.get("max_length"))
    if kind == "value_error":
        return "含有不能使用的控制字符"
    return _CHECKS.get(kind, "填写有误")


async def typed(request: Request, inputs: Sequence[Input]) -> Form:
    """Read what was typed into a form that was sent."""
    sent = await request.form()
    values = {one.name: value for one in inputs if isinstance(value := sent.get(one.name), str)}
    return Form(inputs, values)
