"""A model on loopback that answers from a script, by the APIs of OpenAI and Anthropic."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "input_tokens": 1, "output_tokens": 1}


@dataclass(frozen=True)
class Call:
    """A call of a tool."""

    tool: str
    arguments: dict[str, Any]


Step = Call | str | Callable[[Any], Call | str]  # a function gets the last tool result, parsed


@dataclass
class Model:
    """What it will say, and what it was sent."""

    steps: list[Step]
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def next(self, results: list[str]) -> Call | str:
        """Return the next step. The results are those of all tool calls so far, as texts."""
        self.results = [_parsed(text) for text in results]
        step = self.steps.pop(0)
        return step(self.results[-1]) if callable(step) else step


def _parsed(text: Any) -> Any:
    """Return a tool's result as JSON. Clients wrap it in different ways."""
    if isinstance(text, list):
        text = "".join(part.get("text", "") for part in text)
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return _parsed(value["text"]) if isinstance(value, dict) and value.get("type") == "text" else value


def chat_completions(model: Model, body: dict[str, Any]) -> dict[str, Any]:
    """Answer `POST /v1/chat/completions`."""
    results = [message["content"] for message in body["messages"] if message["role"] == "tool"]
    step = model.next(results)
    message: dict[str, Any] = {"role": "assistant", "content": step if isinstance(step, str) else None}
    if isinstance(step, Call):
        function = {"name": step.tool, "arguments": json.dumps(step.arguments)}
        message["tool_calls"] = [{"id": f"call_{next(model.ids)}", "type": "function", "function": function}]
    reason = "tool_calls" if isinstance(step, Call) else "stop"
    choice = {"index": 0, "message": message, "finish_reason": reason}
    kind = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"]}
    return kind | {"choices": [choice], "usage": USAGE}


def responses(model: Model, body: dict[str, Any]) -> dict[str, Any]:
    """Answer `POST /v1/responses`."""
    items = [item for item in body["input"] if isinstance(item, dict)]
    step = model.next([item["output"] for item in items if item.get("type") == "function_call_output"])
    number = next(model.ids)
    if isinstance(step, Call):
        output = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}"}
        output |= {"name": step.tool, "arguments": json.dumps(step.arguments), "status": "completed"}
    else:
        content = [{"type": "output_text", "text": step, "annotations": []}]
        output = {"type": "message", "id": f"msg_{number}", "role": "assistant", "content": content}
        output["status"] = "completed"
    kind = {"id": f"resp_{number}", "object": "response", "created_at": 1, "model": body["model"]}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    kind |= {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": USAGE | details}
    return kind | {"status": "completed", "output": [output]}


def messages(model: Model, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer `POST /v1/messages` as the events of a stream."""
    blocks = [block for message in body["messages"] for block in _blocks(message)]
    step = model.next([block["content"] for block in blocks if block["type"] == "tool_result"])
    number = next(model.ids)
    if isinstance(step, Call):
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": step.tool, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(step.arguments)}
    else:
        block = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": step}
    reason = "tool_use" if isinstance(step, Call) else "end_turn"
    head = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": body["model"]}
    head |= {"content": [], "stop_reason": None, "stop_sequence": None, "usage": USAGE}
    return [
        {"type": "message_start", "message": head},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": USAGE},
        {"type": "message_stop"},
    ]


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return content if isinstance(content, list) else []


APIS: dict[str, Callable[[Model, dict[str, Any]], Any]] = {
    "/v1/chat/completions": chat_completions,
    "/v1/responses": responses,
    "/v1/messages": messages,
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        api = APIS.get(self.path.partition("?")[0])
        if api is None:
            self.reply(b"{}", status=404)
            return
        model: Model = self.server.model  # type: ignore[attr-defined]
        model.bodies.append(body)
        answer = api(model, body)
        if isinstance(answer, list):
            events = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in answer)
            self.reply("".join(events).encode(), kind="text/event-stream")
        else:
            self.reply(json.dumps(answer).encode())

    def reply(self, content: bytes, *, status: int = 200, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def scripted_model(*steps: Step) -> Iterator[Model]:
    """Serve a model that takes these steps, one for each request."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.model = Model(list(steps), f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.model  # type: ignore[attr-defined]
        finally:
            server.shutdown()
