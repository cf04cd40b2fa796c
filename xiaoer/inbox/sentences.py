"""What a customer is told when no turn could answer: honest, short, in his language."""

from __future__ import annotations

from collections.abc import Mapping

from xiaoer.domain.stores import pick

# The turn took too long: nothing is claimed, a colleague goes on.
HOLDING: Mapping[str, str] = {
    "zh": "抱歉，这次查询花的时间太长，我没能查完。我已转给同事，他会接着为您处理。",
    "zh-Hant": "抱歉，這次查詢花的時間太長，我沒能查完。我已轉給同事，他會接著為您處理。",
    "en": "I'm sorry, this is taking too long and I could not finish it. A colleague is taking over from here.",
    "es": "Lo siento, está tardando demasiado y no he podido terminar. Un compañero se ocupa a partir de ahora.",
    "fr": "Désolé, cela prend trop de temps et je n'ai pas pu terminer. Un collègue prend le relais.",
    "de": "Es tut mir leid, das dauert zu lange und ich konnte es nicht abschließen. Ein Kollege übernimmt.",
    "pt": "Desculpe, está demorando demais e não consegui terminar. Um colega assume a partir daqui.",
    "ja": "申し訳ございません。お時間がかかりすぎ、確認を終えられませんでした。担当者が引き継ぎます。",
    "ko": "죄송합니다. 시간이 너무 오래 걸려 확인을 마치지 못했습니다. 담당자가 이어서 도와드리겠습니다.",
    "ru": "Извините, это заняло слишком много времени, и я не смог закончить. Дальше вам поможет мой коллега.",
    "ar": "عذرًا، استغرق الأمر وقتًا طويلًا ولم أتمكن من إكماله. سيتابع معك أحد الزملاء.",
}
# Every try failed: the message is kept and a person reads it.
FAULT: Mapping[str, str] = {
    "zh": "抱歉，我这边出了点故障，暂时无法回答。您的消息已保存，我已转给同事处理。",
    "zh-Hant": "抱歉，我這邊出了點故障，暫時無法回答。您的訊息已保存，我已轉給同事處理。",
    "en": "I'm sorry, something broke on my side and I cannot answer this. "
    "Your message is kept, and a colleague is taking over.",
    "es": "Lo siento, algo ha fallado por mi parte y no puedo responder. "
    "Su mensaje está guardado y un compañero se ocupa.",
    "fr": "Désolé, une panne de mon côté m'empêche de répondre. "
    "Votre message est conservé et un collègue prend le relais.",
    "de": "Es tut mir leid, bei mir ist ein Fehler aufgetreten und ich kann nicht antworten. "
    "Ihre Nachricht ist gespeichert, ein Kollege übernimmt.",
    "pt": "Desculpe, algo falhou do meu lado e não consigo responder. "
    "Sua mensagem está guardada e um colega assume.",
    "ja": "申し訳ございません。こちらの不具合でお答えできません。メッセージは保存済みで、担当者が引き継ぎます。",
    "ko": "죄송합니다. 저희 쪽 오류로 답변드릴 수 없습니다. 메시지는 저장되었고 담당자가 이어서 도와드리겠습니다.",
    "ru": "Извините, у меня произошёл сбой, и я не могу ответить. Ваше сообщение сохранено, дальше поможет коллега.",
    "ar": "عذرًا، حدث خلل من جانبي ولا أستطيع الرد. تم حفظ رسالتك وسيتابع معك أحد الزملاء.",
}
# A budget is spent or the conversation goes round in circles: no machine goes on, a person does.
LOOP: Mapping[str, str] = {
    "zh": "我们好像一直在重复，我继续回答也帮不上忙。我已转给同事，他会看完整段对话并在这里回复您。",
    "zh-Hant": "我們好像一直在重複，我繼續回答也幫不上忙。我已轉給同事，他會看完整段對話並在這裡回覆您。",
    "en": "We seem to be going round in circles, and more answers from me will not help. "
    "A colleague will read our whole conversation and answer you here.",
    "es": "Parece que damos vueltas a lo mismo y seguir respondiendo no ayudará. "
    "Un compañero leerá toda la conversación y le responderá aquí.",
    "fr": "Nous semblons tourner en rond et mes réponses n'aideront plus. "
    "Un collègue lira toute la conversation et vous répondra ici.",
    "de": "Wir drehen uns offenbar im Kreis, und weitere Antworten von mir helfen nicht. "
    "Ein Kollege liest unser ganzes Gespräch und antwortet Ihnen hier.",
    "pt": "Parece que estamos andando em círculos e mais respostas minhas não vão ajudar. "
    "Um colega lerá toda a conversa e responderá por aqui.",
    "ja": "同じやり取りの繰り返しになっているようで、これ以上の自動回答はお役に立てません。担当者が会話をすべて確認し、こちらでお返事します。",
    "ko": "같은 대화가 반복되고 있어 제가 더 답변드려도 도움이 되지 않을 것 같습니다. 담당자가 대화 전체를 읽고 이곳에서 답변드립니다.",
    "ru": "Похоже, мы ходим по кругу, и мои ответы больше не помогут. Коллега прочитает всю переписку и ответит вам здесь.",
    "ar": "يبدو أننا ندور في حلقة مفرغة ولن تفيد إجاباتي أكثر. سيقرأ أحد الزملاء محادثتنا كاملة ويردّ عليكم هنا.",
}


def say(texts: Mapping[str, str], lang: str | None, default: str) -> str:
    """In the conversation's language, else in the store's first one."""
    return pick(texts, lang or default)
