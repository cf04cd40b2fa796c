"""hand_off: the conversation goes to a person, and the customer is told so at once."""

from __future__ import annotations

from typing import Any

from xiaoer.agent.state import State
from xiaoer.domain.messages import HandOff, Reply
from xiaoer.domain.stores import Store, pick
from xiaoer.domain.text import excerpt

_OPEN = {
    "en": "I'd rather have a colleague look at this than guess. They have our whole conversation and will answer you here.",
    "zh": "这个问题我请同事来看，以免说错。同事能看到我们的全部对话，会在这里回复您。",
    "zh-Hant": "這個問題我請同事來看，以免說錯。同事能看到我們的全部對話，會在這裡回覆您。",
    "es": "Prefiero que lo vea un compañero antes que adivinar. Tiene toda nuestra conversación y le responderá aquí.",
    "fr": "Je préfère qu'un collègue regarde cela plutôt que de deviner. Il a toute notre conversation et vous répondra ici.",
    "de": "Ich lasse das lieber einen Kollegen ansehen, als zu raten. Er hat unser ganzes Gespräch und antwortet Ihnen hier.",
    "pt": "Prefiro que um colega veja isto a adivinhar. Ele tem toda a nossa conversa e responderá por aqui.",
    "ja": "推測でお答えするより、担当のスタッフが確認いたします。これまでのやり取りは引き継がれており、こちらでお返事します。",
    "ko": "추측으로 답변드리기보다 담당 직원이 확인하도록 하겠습니다. 지금까지의 대화가 모두 전달되며, 이곳에서 답변드립니다.",
    "ru": "Не хочу гадать: пусть на это посмотрит мой коллега. Он видит всю нашу переписку и ответит вам здесь.",
    "ar": "أفضّل أن ينظر أحد الزملاء في هذا بدل التخمين. المحادثة كاملة لديه وسيردّ عليكم هنا.",
}
_CLOSED = {
    "en": "I'd rather have a colleague look at this than guess. Our team is away right now; they have our whole conversation and will answer you here as soon as they are back.",
    "zh": "这个问题我请同事来看，以免说错。现在是非工作时间，同事上班后会看到我们的全部对话，第一时间在这里回复您。",
    "zh-Hant": "這個問題我請同事來看，以免說錯。現在是非上班時間，同事上班後會看到我們的全部對話，並在這裡回覆您。",
    "es": "Prefiero que lo vea un compañero antes que adivinar. Ahora mismo no hay nadie del equipo; al volver tendrán toda nuestra conversación y le responderán aquí.",
    "fr": "Je préfère qu'un collègue regarde cela plutôt que de deviner. L'équipe est absente pour le moment ; à son retour, elle aura toute notre conversation et vous répondra ici.",
    "de": "Ich lasse das lieber einen Kollegen ansehen, als zu raten. Unser Team ist gerade nicht da; sobald es zurück ist, antwortet es Ihnen hier und kennt unser ganzes Gespräch.",
    "pt": "Prefiro que um colega veja isto a adivinhar. A equipe está ausente agora; quando voltar, terá toda a nossa conversa e responderá por aqui.",
    "ja": "推測でお答えするより、担当のスタッフが確認いたします。ただいま営業時間外のため、営業再開後にこれまでのやり取りを確認のうえ、こちらでお返事します。",
    "ko": "추측으로 답변드리기보다 담당 직원이 확인하도록 하겠습니다. 지금은 업무 시간이 아니며, 업무가 시작되면 지금까지의 대화를 보고 이곳에서 답변드립니다.",
    "ru": "Не хочу гадать: пусть на это посмотрит мой коллега. Сейчас нерабочее время; когда коллеги вернутся, они увидят всю переписку и ответят вам здесь.",
    "ar": "أفضّل أن ينظر أحد الزملاء في هذا بدل التخمين. الفريق غير متواجد الآن، وعند عودته سيطّلع على المحادثة كاملة ويردّ عليكم هنا.",
}


async def hand_off(state: State) -> dict[str, Any]:
    given = state["plan"].hand_off or doubtful(state)
    return {"replies": (Reply(given.say),), "hand_off": given, "misses": 0}


def doubtful(state: State) -> HandOff:
    """The guard refused the draft twice."""
    why = "; ".join(state.get("guard_notes", ()))
    return HandOff("guard", f"{_gist(state)} The draft was held back: {why}.", words(state))


def tired(state: State) -> HandOff:
    """The turn has used all its steps or calls."""
    return HandOff("missed", f"{_gist(state)} The turn ran into its limit of steps.", words(state))


def words(state: State) -> str:
    store: Store = state["turn"].store
    local = state["turn"].now.astimezone(store.zone)
    return pick(_OPEN if store.hours.open_at(local) else _CLOSED, state["lang"])


def _gist(state: State) -> str:
    intents = ", ".join(score.id for score in state["understanding"].intents) or "not understood"
    return f"Customer wrote: “{excerpt(' '.join(state['messages']), 160)}” ({intents})."
