"""Client of a Sluice gateway: one socket for all streams, credits, resume, idempotent opens (docs/client.md)."""

from .client import Sluice, connect
from .dialects import ANTHROPIC, GOOGLE_GEMINI, OPENAI_CHAT, OPENAI_RESPONSES, RAW, Dialect
from .errors import SluiceError
from .reading import StreamEvent
from .stream import SluiceStream

__all__ = [
    "ANTHROPIC",
    "GOOGLE_GEMINI",
    "OPENAI_CHAT",
    "OPENAI_RESPONSES",
    "RAW",
    "Dialect",
    "Sluice",
    "SluiceError",
    "SluiceStream",
    "StreamEvent",
    "connect",
]
