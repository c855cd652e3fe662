"""HTTP interface for tests to control the LibCal stand-in: faults, log, events and clock."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, request

if TYPE_CHECKING:
    from standins.libcal_server import LibCal


def control(libcal: LibCal) -> Blueprint:
    """Return the routes below /_standin; libcal_server.py lists them."""
    routes = Blueprint("control", __name__)

    @routes.route("/faults", methods=["GET", "POST", "DELETE"])
    def faults() -> Any:
        if request.method == "DELETE":
            libcal.recover()
        elif request.method == "POST":
            try:
                libcal.fail(**_body())
            except (TypeError, ValueError) as error:
                return {"error": str(error)}, 400
        return [dataclasses.asdict(fault) for fault in libcal.faults]

    @routes.route("/log", methods=["GET", "DELETE"])
    def log() -> Any:
        if request.method == "DELETE":
            libcal.log.clear()
        return [dataclasses.asdict(entry) for entry in libcal.log]

    @routes.route("/events", methods=["GET", "POST"])
    def events() -> Any:
        if request.method == "GET":
            return list(libcal.events.values())
        try:
            return libcal.add(**_body())
        except (KeyError, TypeError, ValueError) as error:
            return {"error": f"{type(error).__name__}: {error}"}, 400

    @routes.route("/events/<number>", methods=["PATCH", "DELETE"])
    def event(number: str) -> Any:
        if number not in libcal.events:
            abort(404)
        if request.method == "DELETE":
            libcal.remove(number)
            return {}
        remove = [key for key in request.args.get("remove", "").split(",") if key]
        return libcal.edit(number, remove=remove, **_body())

    @routes.patch("/calendars/<number>")
    def calendar(number: str) -> Any:
        if number not in libcal.calendars:
            abort(404)
        libcal.calendars[number].update(_body())
        return libcal.calendars[number]

    @routes.patch("/hours/<place>")
    def hours(place: str) -> Any:
        libcal.hours.setdefault(place, {}).update(_body())
        return libcal.hours[place]

    @routes.put("/clock")
    def clock() -> Any:
        text = _body()["now"]
        libcal.now = datetime.fromisoformat(text).astimezone(libcal.zone) if text else None
        return {"now": libcal.clock().isoformat()}

    @routes.patch("/tokens")
    def tokens() -> Any:
        names = ("expires_in", "revoke_old", "refusal")
        for name in names:
            setattr(libcal, name, _body().get(name, getattr(libcal, name)))
        return {name: getattr(libcal, name) for name in names}

    @routes.delete("/tokens")
    def expire() -> Any:
        libcal.expire_tokens()
        return {}

    return routes


def _body() -> dict[str, Any]:
    body = request.get_json()
    if not isinstance(body, dict):
        abort(400)
    return body
