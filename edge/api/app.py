"""The application: every part goes in here, every route comes out."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from aiohttp import web

from edge.api.auth import auth, refuse_open_doors
from edge.api.broken import build_broken_app
from edge.api.capture import CaptureApi
from edge.api.case_image import CaseImage
from edge.api.case_words import CaseWords
from edge.api.cases import CasesApi
from edge.api.check_image import CheckImage
from edge.api.choose_language import ChooseLanguage
from edge.api.cors import add_origin, cors
from edge.api.device import DeviceApi
from edge.api.docs import Docs
from edge.api.doors import Doors
from edge.api.errors import errors
from edge.api.events import EventsApi, close_streams
from edge.api.health import HealthApi
from edge.api.hosts import hosts
from edge.api.llm import Llm
from edge.api.metrics import Metrics, metered
from edge.api.models import ModelsApi
from edge.api.openapi import document
from edge.api.operation import Operation, add_operations
from edge.api.pages import Pages
from edge.api.pairing import PairingApi
from edge.api.phone_pages import PhonePages
from edge.api.phones import PhonesApi
from edge.api.plain import pages_go_to_https, refuse_plain
from edge.api.rate import Rate, rate
from edge.api.render import error_page, set_up_templates
from edge.api.report import ReportApi
from edge.api.security import add_headers
from edge.api.session import SessionApi
from edge.api.static import Static
from edge.api.sync import SyncApi
from edge.api.trust import Trust
from edge.api.upload import expects, limits
from edge.api.yolo import Yolo

if TYPE_CHECKING:
    from edge.api.parts import Parts


def build_app(parts: Parts) -> web.Application:
    """Make the application of these parts.

    Raises:
        ConfigError: it would let everybody on the network use the device.
    """
    if parts.config_problem is not None:
        return build_broken_app(parts.config_problem, parts.http, parts.device)
    refuse_open_doors(parts.http)
    max_bytes = int(parts.http.max_body_mb * 1_000_000)
    metrics = Metrics()
    app = web.Application(
        client_max_size=max_bytes,
        middlewares=[
            metered(metrics),
            errors(error_page),
            hosts(parts.device, (*parts.http.allowed_hosts, *parts.lan.names)),
            cors(parts.http.cors_origins),
            pages_go_to_https(parts.http.plain, parts.lan.tls.port),
            auth(parts.http.auth, parts.store, Doors(parts.store.tokens)),
            refuse_plain(parts.http.plain, parts.lan.tls.port),
            rate(Rate(parts.http.rate_per_minute, parts.clock.monotonic)),
            limits(max_bytes),
        ],
    )
    set_up_templates(app, parts.device)
    add_operations(app, _operations(parts, metrics, max_bytes), expects(max_bytes))
    app.on_response_prepare.append(add_origin)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(lambda _app: close_streams(parts.events))
    return app


def _operations(parts: Parts, metrics: Metrics, max_bytes: int) -> tuple[Operation, ...]:
    pairing = PairingApi(parts.desk, parts.lan)
    words = CaseWords(parts.store, parts.events, parts.clock)
    resources = (
        HealthApi(parts, metrics),
        DeviceApi(parts),
        CheckImage(parts.pipeline, max_bytes),
        CasesApi(parts.pipeline, parts.store, max_bytes),
        CaseImage(parts.store, parts.vision),
        ReportApi(parts.store, parts.vision, parts.pipeline),
        words,
        CaptureApi(parts.capture),
        Yolo(parts.pipeline, max_bytes),
        Llm(parts.writer),
        ModelsApi(
            parts.pipeline,
            parts.vision,
            parts.writer,
            parts.library,
            parts.events,
            parts.updates,
        ),
        SyncApi(parts.store, parts.uplink),
        EventsApi(parts.events),
        Static(),
        ChooseLanguage(),
        SessionApi(parts.http.auth, parts.store),
        pairing,
        PhonePages(parts.store, pairing),
        PhonesApi(parts.store),
        Trust(parts.lan, parts.http.plain),
        Pages(parts, words, max_bytes),
    )
    described = tuple(op for resource in resources for op in resource.operations())
    # The documentation describes itself too, so it is made last and asked for later.
    everything: list[Operation] = [*described]
    tokens = parts.http.auth == "token"
    docs = Docs(lambda: document(tuple(everything), _version(), tokens=tokens))
    everything += docs.operations()
    return tuple(everything)


def _version() -> str:
    try:
        return version("edgecase")
    except PackageNotFoundError:  # run from a checkout that isn't installed
        return "0"
