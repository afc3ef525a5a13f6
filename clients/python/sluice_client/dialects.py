"""What the providers' events look like, as far as most applications read them."""

from __future__ import annotations

from typing import Any, Generic, List, Literal, TypedDict, TypeVar, Union

Data = TypeVar("Data", covariant=True)


class AnthropicEvent(TypedDict, total=False):
    """One event of Anthropic Messages."""

    type: str
    index: int
    message: dict[str, Any]
    content_block: dict[str, Any]
    delta: dict[str, Any]
    usage: dict[str, Any]
    error: dict[str, Any]


class ChatChunk(TypedDict, total=False):
    """One chunk of OpenAI Chat Completions; the last event is the text `[DONE]`."""

    id: str
    model: str
    choices: List[dict[str, Any]]
    usage: Union[dict[str, Any], None]


class ResponsesEvent(TypedDict, total=False):
    """One event of OpenAI Responses."""

    type: str
    delta: str
    item_id: str
    output_index: int
    item: dict[str, Any]
    response: dict[str, Any]


class GeminiChunk(TypedDict, total=False):
    """One `GenerateContentResponse` of Google's Gemini API."""

    candidates: List[dict[str, Any]]
    usageMetadata: dict[str, Any]


class Dialect(str, Generic[Data]):
    """By which the data of a stream's events is typed. It changes nothing else."""


ANTHROPIC: Dialect[AnthropicEvent] = Dialect("anthropic")
OPENAI_CHAT: Dialect[Union[ChatChunk, Literal["[DONE]"]]] = Dialect("openai-chat")
OPENAI_RESPONSES: Dialect[ResponsesEvent] = Dialect("openai-responses")
GOOGLE_GEMINI: Dialect[GeminiChunk] = Dialect("google-gemini")
RAW: Dialect[Any] = Dialect("raw")


def text_of(data: Any) -> str:
    """The text that an event adds to the answer, whatever its dialect; "" if it adds none."""
    if not isinstance(data, dict):
        return ""
    kind = data.get("type")
    if kind == "content_block_delta":
        text = _in(data, "delta", "text")
    elif kind == "response.output_text.delta":
        text = data.get("delta")
    elif isinstance(data.get("choices"), list):
        text = _in(data, "choices", 0, "delta", "content")
    else:
        parts = _in(data, "candidates", 0, "content", "parts")
        shown = [_in(part, "text") for part in parts if _in(part, "thought") is not True] if _is_list(parts) else []
        text = "".join(part for part in shown if isinstance(part, str))
    return text if isinstance(text, str) else ""


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _in(value: Any, *path: str | int) -> Any:
    """What stands at this path, or None. Nothing here is checked yet."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
