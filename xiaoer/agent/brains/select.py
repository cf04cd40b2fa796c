"""`XIAOER_BRAIN` → a brain, or a sentence that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from xiaoer.agent.brains.fallback import FallbackBrain
from xiaoer.agent.brains.model.brain import DEADLINE, ModelBrain
from xiaoer.agent.brains.model.cards import Words
from xiaoer.agent.brains.model.instructions import Playbook, render_shop
from xiaoer.agent.brains.model.offer import ToolSchema
from xiaoer.agent.brains.protocol import Brain
from xiaoer.domain.stores import Store

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

# The quickest Claude there is, at a twentieth of the next one's price: a customer waits, the facts of a turn are
# prefetched, and what a weaker mind might get wrong (money, proof, claims) is decided by code.
# https://platform.claude.com/docs/en/models/haiku-5-5/overview
DEFAULT_ANTHROPIC = "claude-haiku-5-5"
DEFAULT_OPENAI = "gpt-5.4-mini"  # the same choice among OpenAI's: small, quick, calls tools

MOST_TOKENS = 4_096  # a reply has hundreds; models that think before they speak count that too

# Providers of LangChain's init_chat_model → the package that must be installed beside ours.
_PACKAGES: dict[str, str] = {
    "anthropic": "langchain_anthropic",
    "openai": "langchain_openai",
    "azure_openai": "langchain_openai",
    "bedrock_converse": "langchain_aws",
    "cohere": "langchain_cohere",
    "deepseek": "langchain_deepseek",
    "fireworks": "langchain_fireworks",
    "google_genai": "langchain_google_genai",
    "google_vertexai": "langchain_google_vertexai",
    "groq": "langchain_groq",
    "mistralai": "langchain_mistralai",
    "ollama": "langchain_ollama",
    "openrouter": "langchain_openrouter",
    "together": "langchain_together",
    "xai": "langchain_xai",
}


class BrainSettings(Protocol):
    """Secrets may be plain text or pydantic's SecretStr."""

    @property
    def brain(self) -> str: ...
    @property
    def anthropic_api_key(self) -> Any: ...
    @property
    def anthropic_base_url(self) -> str | None: ...
    @property
    def openai_api_key(self) -> Any: ...
    @property
    def openai_base_url(self) -> str | None: ...


class BrainSettingRefused(ValueError):
    """XIAOER_BRAIN names no brain that can be had; the message says what to do."""


def build_brain(
    settings: BrainSettings,
    embedded: Brain,
    tool_schemas: Iterable[ToolSchema],
    playbooks: Iterable[Playbook],
    stores: Mapping[str, Store],
    words: Words | None = None,
) -> Brain:
    """The brain of the settings, falling back to `embedded`; raises BrainSettingRefused.

    The caller awaits `start()` of the result, if it has one, so that no customer waits for an import.
    """
    choice = resolve(settings)
    for store in stores.values():
        render_shop(store)  # a prompt file with a name too many is found now, not in a conversation
    if choice == "embedded":
        return embedded
    provider, _, model = choice.partition(":")
    if provider == "recorded":
        return recorded_brain(Path(model), tool_schemas, playbooks, words)
    factory = chat_model_factory(settings, provider, model)
    return FallbackBrain(ModelBrain(factory, tool_schemas, playbooks, choice, words=words), embedded)


def resolve(settings: BrainSettings) -> str:
    """`embedded`, `recorded:FILE` or `provider:MODEL`, checked as far as it can be without a request."""
    choice = settings.brain.strip() or "auto"
    if choice == "auto":
        return _automatic(settings)
    if choice == "embedded":
        return choice
    provider, _, model = choice.partition(":")
    if provider == "recorded":
        return _checked_tape(choice, model)
    if provider not in _PACKAGES:
        raise BrainSettingRefused(
            f"XIAOER_BRAIN={choice} names no brain. Use auto, embedded, anthropic:MODEL, openai:MODEL, "
            f"recorded:FILE, or another provider:MODEL ({', '.join(sorted(_PACKAGES))})."
        )
    if not model:
        raise BrainSettingRefused(
            f"XIAOER_BRAIN={choice} lacks the model. Write {provider}:MODEL, for example "
            f"anthropic:{DEFAULT_ANTHROPIC}."
        )
    _check_key(settings, provider)
    if find_spec(_PACKAGES[provider]) is None:
        package = _PACKAGES[provider].replace("_", "-")
        raise BrainSettingRefused(f"XIAOER_BRAIN={choice} needs the package {package}; it is not installed.")
    return choice


def _automatic(settings: BrainSettings) -> str:
    if _secret(settings.anthropic_api_key):
        return f"anthropic:{DEFAULT_ANTHROPIC}"
    if _secret(settings.openai_api_key):
        return f"openai:{DEFAULT_OPENAI}"
    return "embedded"


def _checked_tape(choice: str, file: str) -> str:
    if not file or not Path(file).is_file():
        raise BrainSettingRefused(f"XIAOER_BRAIN={choice}: there is no tape at {file or '(nothing)'}.")
    return choice


def _check_key(settings: BrainSettings, provider: str) -> None:
    keys = {"anthropic": settings.anthropic_api_key, "openai": settings.openai_api_key}
    if provider in keys and not _secret(keys[provider]):
        raise BrainSettingRefused(
            f"XIAOER_BRAIN={provider}:… needs {provider.upper()}_API_KEY, which is not set. "
            "Set it, or use XIAOER_BRAIN=embedded."
        )


def _secret(value: Any) -> str:
    read = getattr(value, "get_secret_value", None)
    return str(read() if read else value or "")


def chat_model_factory(settings: BrainSettings, provider: str, model: str) -> Callable[[], BaseChatModel]:
    """Makes the chat model when called: importing a provider takes seconds.

    No client retries by itself (the brain is the one retrying layer), and no sampling setting is sent:
    Anthropic's current models refuse temperature, top_p and top_k.
    """
    common: dict[str, Any] = {"max_retries": 0, "timeout": DEADLINE}
    if provider == "anthropic":
        common["max_tokens"] = MOST_TOKENS
        return lambda: _anthropic(
            model, _secret(settings.anthropic_api_key), settings.anthropic_base_url, common
        )
    if provider == "openai":
        common["api_key"] = _secret(settings.openai_api_key)
        if settings.openai_base_url:
            common["base_url"] = settings.openai_base_url
    return lambda: _any_provider(provider, model, common)


def _anthropic(model: str, key: str, base_url: str | None, common: Mapping[str, Any]) -> BaseChatModel:
    from langchain_anthropic import ChatAnthropic

    where = {"base_url": base_url} if base_url else {}
    made = ChatAnthropic(model=model, api_key=key, **where, **common)  # type: ignore[arg-type,call-arg]  # aliases
    _ = made._async_client  # reads the TLS certificates (0.15 s) here in the thread, not in the first request
    return made


def _any_provider(provider: str, model: str, common: Mapping[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    made: BaseChatModel = init_chat_model(model, model_provider=provider, **common)
    return made


def recorded_brain(
    tape: Path,
    tool_schemas: Iterable[ToolSchema],
    playbooks: Iterable[Playbook],
    words: Words | None = None,
) -> ModelBrain:
    """The model brain over a tape, without fallback: a divergence is a finding, not an outage."""

    def factory() -> BaseChatModel:
        from xiaoer.agent.brains.recorded.chat_models import RecordedChatModel
        from xiaoer.agent.brains.recorded.tape import Tape

        return RecordedChatModel(tape=Tape.read(tape))

    return ModelBrain(factory, tool_schemas, playbooks, "recorded", words=words)
