"""Yes, no, or "either": only where the message is an answer and hardly anything else."""

from __future__ import annotations

import re

_SOFT = r"(?:[\s,.!?~。，！？、…:;'\"()-]|[\U0001F300-\U0001FAFF\u2600-\u27bf\ufe0f\u200d])*"

_ANY = """都行|都可以|都可|都好|随便|随你|看着办|你看着办吧?|你定|你决定|怎么都行|哪个都行|无所谓|两个都行|
either|either one|either is fine|any|anything|any of them|whatever|whichever|up to you|you decide|you choose|doesn't matter|dont care|don't care|i don't mind|no preference|both are fine|any is fine|
cualquiera|me da igual|da igual|peu importe|n'importe lequel|egal|ist mir egal|tanto faz|qualquer um|qualunque|è uguale|どちらでも|どれでも|なんでもいい|아무거나|상관없어요|всё равно|все равно|любой|أي شيء|لا يهم"""

_YES = """好|好的|好滴|好哒|好呀|好啊|好吧|好嘞|嗯|嗯嗯|恩|恩恩|是|是的|是啊|是呀|对|对的|对啊|对呀|对对|对对对|没错|可以|可以的|可以啊|行|行吧|行的|行啊|行呀|成|中|要|要的|需要|确定|确认|我确认|我确定|同意|我同意|没问题|当然|当然可以|就这样|就这样吧|就这么办|办吧|麻烦了|麻烦你了|请吧|退吧|帮我办吧|帮我弄吧|ok|okk|okay|okey|oki|k|好的呢|得|正确|是这个|就是这个|对就是这个|没毛病|弄吧|来吧|继续|可|收到|好的好的|是滴|要得|哦了|妥|yes please do|
y|ye|yes|yea|yeah|yeah sure|yep|yup|yas|ya|aye|sure|sure thing|sure go ahead|for sure|certainly|of course|absolutely|definitely|correct|right|that's right|thats right|that's correct|exactly|confirm|confirmed|i confirm|i agree|agreed|go ahead|go for it|do it|please do|proceed|please proceed|sounds good|sounds great|that works|works for me|fine|fine by me|that's fine|alright|all right|perfect|affirmative|yes please|yes sure|yes do it|yes go ahead|yes that's right|yes i do|yes it is|i do|it is|that's it|that one|great|looks good|good|yes i confirm|i'm sure|im sure|indeed|okie|okie dokie|continue|approve|accept|deal|why not|
sí|si|claro|claro que sí|por supuesto|vale|de acuerdo|correcto|está bien|adelante|confirmo|perfecto|exacto|bueno|desde luego|
oui|ouais|bien sûr|d'accord|exactement|c'est ça|allez-y|je confirme|parfait|ça marche|volontiers|tout à fait|certainement|
ja|jawohl|klar|genau|stimmt|richtig|in ordnung|einverstanden|na klar|natürlich|passt|bestätigt|ich bestätige|gerne|sicher|jep|korrekt|mach das|
sim|claro que sim|com certeza|pode ser|pode|isso|isso mesmo|confirmo|tá bom|beleza|
sì|certo|va bene|d'accordo|esatto|giusto|confermo|certamente|perfetto|ovviamente|
はい|ええ|うん|お願いします|はいお願いします|了解|わかりました|大丈夫です|네|네네|예|응|좋아요|맞아요|그래요|알겠습니다|да|ага|конечно|хорошо|верно|согласен|согласна|давайте|ладно|نعم|أجل|اكيد|أكيد|تمام|موافق|ايوه|حسنا"""

_NO = """不|不是|不是的|不对|不用|不用了|不用谢了|不要|不要了|不行|不可以|不需要|不需要了|不必|不必了|别|别了|算了|算了吧|还是算了|没有|没|没有了|否|错|错了|不同意|我不同意|不确定|先不用|先不要|暂时不用|暂时不需要|取消吧不用了|不了|不了谢谢|不太行|拒绝|不好|不想|免了|不是这个|不是那个|先别|等等先别|不用麻烦了|
n|no|nah|nope|no thanks|no thank you|not really|not now|not yet|never|never mind|nevermind|no way|negative|don't|dont|do not|don't do it|don't do that|please don't|stop|wrong|incorrect|that's wrong|thats wrong|that's not right|not that one|not this one|not correct|no it isn't|no i don't|i don't|i disagree|i'd rather not|rather not|no need|not necessary|forget it|leave it|absolutely not|of course not|certainly not|no don't|hold on|wait no|no wait|definitely not|not at all|i don't think so|
no gracias|para nada|nunca|incorrecto|de ninguna manera|claro que no|mejor no|
non|non merci|pas du tout|pas maintenant|jamais|surtout pas|absolument pas|ce n'est pas ça|
nein|nein danke|nö|nee|auf keinen fall|keinesfalls|niemals|falsch|lieber nicht|nicht nötig|stimmt nicht|
não|nao|não obrigado|não obrigada|de jeito nenhum|agora não|
no grazie|per niente|assolutamente no|sbagliato|mai|
いいえ|いや|違います|結構です|いりません|ちがいます|아니요|아니오|아뇨|아니|됐어요|괜찮아요|нет|не надо|не нужно|неверно|нет спасибо|لا|لا شكرا|كلا"""

_TABLE: dict[str, str] = {
    word.strip(): verdict
    for verdict, words in (("yes", _YES), ("no", _NO), ("any", _ANY))
    for word in words.split("|")
    if word.strip()
}
_DECORATION = re.compile(
    r"[\s,.!?~。，！？、…:;\"()<>*_-]+|[\U0001F300-\U0001FAFF\u2600-\u27bf\ufe0f\u200d]+"
)
_POLITE = re.compile(
    r"(?:谢谢您?你?|谢了|亲爱的|亲|麻烦|哈+|呢|啦|哦+|哈|呀|啊|吧|嘛|了|滴|哒|的话|呗)+$|^(?:那就?|嗯+|呃+|额+|哦+|亲|噢)+(?=.)"
)
_POLITE_WORDS = frozenset(
    "please thanks thank you thx mate bitte danke merci gracias grazie obrigado obrigada por favor "
    "s'il vous plaît per favore then just oh well um uh hmm so it that actually sir".split()
)
_YES_MARKS = frozenset("👍👌✅🆗")
_NO_MARKS = frozenset("👎❌🙅")
_LONGEST = 40


def read_answer(plain: str) -> str | None:
    """ "yes", "no" or "any"; None for anything that says more than that."""
    if len(plain) > _LONGEST:
        return None
    bare = " ".join(_DECORATION.sub(" ", plain.lower()).split())
    if not bare:
        return _by_mark(plain)
    return _look_up(bare) or _look_up(_without_politeness(bare)) or _of_parts(plain.lower())


def _by_mark(plain: str) -> str | None:
    if any(char in _YES_MARKS for char in plain):
        return "yes"
    return "no" if any(char in _NO_MARKS for char in plain) else None


def _look_up(bare: str) -> str | None:
    return _TABLE.get(bare) or _TABLE.get(bare.replace(" ", ""))


def _without_politeness(bare: str) -> str:
    words = [word for word in bare.split() if word not in _POLITE_WORDS]
    joined = " ".join(words)
    for _ in range(3):
        joined = _POLITE.sub("", joined).strip()
    return joined


def _of_parts(lowered: str) -> str | None:
    """ "Yes, please do" or "好的，办吧": parts that all say the same."""
    parts = [" ".join(part.split()) for part in re.split(r"[\s,.!。，！、;~-]{1,3}(?=\S)", lowered)]
    pieces = [_look_up(part) or _look_up(_without_politeness(part)) for part in parts if part]
    if len(parts) > 1 and pieces and pieces[0] and len(set(pieces)) == 1:
        return pieces[0]
    commas = [" ".join(_DECORATION.sub(" ", part).split()) for part in re.split(r"[,，。.!！;]", lowered)]
    said = [_look_up(part) or _look_up(_without_politeness(part)) for part in commas if part]
    if (
        len(said) > 1
        and said[0]
        and all(verdict in (said[0], None) for verdict in said[:2])
        and said[-1] == said[0]
    ):
        return said[0]
    return None
