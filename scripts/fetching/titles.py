"""Read an event's state from its title: LibCal has no field for it.

Staff write "CANCELLED:" before a title, or "- Cancelled", "(CXLD)" or "*POSTPONED to Sept. 5*" behind it. The
same words are also ordinary ones: "Cancelled Stamps: an Introduction to Philately", "How to Cancel a
Subscription". A title that could be read both ways has no state: visitors still see the word in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from event import CANCELLED, MOVED_ONLINE, NEW_DATE, POSTPONED, RESCHEDULED, SOLD_OUT

# The first state wins if a title has several.
ORDER = (CANCELLED, POSTPONED, RESCHEDULED, MOVED_ONLINE, NEW_DATE, SOLD_OUT)

_MONTHS = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)\.?|january|february|march|april|june|july|august"
    r"|september|october|november|december|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre"
    r"|noviembre|diciembre|januar|februar|marts|maj|juni|juli|oktober"
)
_DAYS = (
    r"(?:mon|tues?|wed|wednes|thur?s?|fri|sat|satur|sun)(?:day)?s?\.?|lunes|martes|miércoles|jueves|viernes|sábado"
    r"|domingo|mandag|tirsdag|onsdag|torsdag|fredag|lørdag|søndag"
)
# English, Spanish, Danish; any case. A word counts
# - STRONG: at both ends of a title, even without punctuation at the beginning ("Cancelled Storytime")
# - CLEAR: in capitals, or set apart by punctuation ("New date: Storytime", "Storytime (sold out)")
# - LATE: like CLEAR, but in small letters only behind the title ("Now online: our archive" has no state)
# - WEAK: set apart, and in capitals or beside the name of a program ("Storytime - Cancellation")
# - LOUD: set apart and in capitals ("FULL: Storytime")
_STRONG = {
    CANCELLED: r"cancell{0,2}e?d|cancled|canclled|canelled|cancalled|cxl(?:['’]?d)?|canx|cancelad[oa]"
    r"|se\s+cancelan?|afly(?:st|ses)",
    POSTPONED: r"postponed|(?:aplazad|pospuest|postergad)[oa]s?|se\s+(?:pospone|aplaza|posterga)n?|udskudt|udskydes|udsættes",
    RESCHEDULED: r"re-?scheduled|resched|reprogramad[oa]s?",
}
_CLEAR = {
    CANCELLED: r"called\s+off",
    POSTPONED: r"udsat",
    RESCHEDULED: rf"flyttet|moved(?=\s+to\s+(?:(?:{_MONTHS}|{_DAYS})(?!\w)|\d{{1,2}}/\d))",
    # "New time" is left out: a series that has a new hour is on.
    NEW_DATE: r"new\s+date(?:\s*(?:and|&|/|\+)\s*(?:new\s+)?(?:time|location|place))?"
    r"|date\s+changed?|change\s+of\s+date|nueva\s+fecha(?:\s+y\s+(?:hora|horario|lugar))?|cambio\s+de\s+fecha"
    r"|(?:ny|ændret)\s+dato(?:\s+og\s+tid(?:spunkt)?)?",
    MOVED_ONLINE: r"(?:(?:has\s+)?moved|moving|switched|changed)\s+(?:to\s+)?(?:an?\s+)?"
    r"(?:online|virtual|zoom|webex|teams|google\s+meet)(?:\s+(?:only|format|event|program))?"
    r"|(?:trasladad|cambiad|movid)[oa]\s+(?:a\s+)?(?:en\s+|formato\s+)?(?:línea|linea|zoom|virtual|online)"
    r"|pasa\s+a\s+(?:ser\s+)?(?:virtual|en\s+línea|zoom|online)"
    r"|flyttet\s+(?:til\s+)?(?:online|zoom|teams|nettet|virtuelt)",
    SOLD_OUT: r"sold[\s-]+out|fully\s+booked|fuldt\s+booket|(?:alt\s+)?udsolgt|alt\s+optaget"
    r"|fuldt\s+optaget|alle\s+pladser\s+optaget|(?:entradas|plazas|cupos)\s+agotad[oa]s|agotad[oa]s?"
    r"|(?:aforo|cupo)\s+(?:completo|lleno)|registration\s+(?:is\s+)?full|wait[\s-]?list\s+only|inscripciones\s+completas",
}
_LATE = {
    MOVED_ONLINE: r"now\s+(?:online|virtual|on\s+zoom)(?:\s+only)?|ahora\s+(?:virtual|en\s+línea|por\s+zoom|online)"
    r"|nu\s+(?:online|på\s+zoom|virtuelt)",
    SOLD_OUT: r"at\s+capacity|booked\s+up|booked\s+solid",
}
_WEAK = {
    CANCELLED: r"cancell?ations?(?:\s+notice)?|cancelación|cancelad[oa]s|aflysning|suspendid[oa]s?|anulad[oa]s?",
}
_LOUD = {CANCELLED: r"cancel|canc", SOLD_OUT: r"full"}

_STRENGTHS = (("strong", _STRONG), ("clear", _CLEAR), ("late", _LATE), ("weak", _WEAK), ("loud", _LOUD))
_KINDS = {
    f"k{number}": (strength, state, pattern)
    for number, (strength, state, pattern) in enumerate(
        (strength, state, pattern) for strength, table in _STRENGTHS for state, pattern in table.items()
    )
}
# Longer phrases first: "flyttet online" before "flyttet".
_WORD = "|".join(
    f"(?P<{name}>{pattern})"
    for name, (_, state, pattern) in sorted(
        _KINDS.items(), key=lambda item: (item[1][1] != MOVED_ONLINE, item[1][0])
    )
)
_ANY = "|".join(pattern for _, _, pattern in _KINDS.values())
_PHRASE = rf"(?:{_WORD})(?:\s*/\s*(?:{_ANY}))*(?![\w'’])"

_WHEN = (
    rf"(?:(?:the|a|an|this|next|el|la|los|den|próximo|næste)\s+)*(?:\d|(?:{_MONTHS}|{_DAYS}|today|tonight|tomorrow"
    r"|tonite|later|future|further|now|new|date|week|month|season|summer|fall|winter|spring|year|day|holidays?"
    r"|rescheduled|determined|announced|tbd|tba|hoy|mañana|nueva|otro|nuevo|otra|ny|nyt|senere|ubestemt|uge"
    r"|i\s+(?:dag|morgen|aften)|d\.?\s*\d{1,2}|efteråret|foråret|sommeren|vinteren|weather|snow|illness|lack|low)\b)"
)
# What may follow the word: why, until when, a new date. With such a tail the title keeps all its words.
_REASON = (
    r"due\b|because\b|owing\b|until\b|till\b|['’]til\b|through\b|thru\b"
    rf"|(?:to|for|on|from|as\s+of|effective|starting|till?|hasta|para|al?|desde|til|fra|indtil|på)\s+(?:be\s+)?{_WHEN}"
    r"|by\s+(?:the\s+)?(?:presenter|instructor|performer|author|speaker|library|host|teacher|request|organi[sz]er)"
    r"|hasta\b|debido\b|a\s+causa\b|por\s+(?:(?:el|la|los|las)\s+)?(?:mal|tormenta|huracán|lluvia|nieve|enfermedad|clima|causa|motivos?|falta|hoy|el\s+mal)"
    r"|på\s+grund\b|p\.?\s?g\.?\s?a\b|grundet\b|indtil\b"
)
_TAIL = re.compile(
    rf"(?:{_REASON}|{_WHEN}|this\s+(?:{_WHEN}|morning|afternoon|evening|class|program)|sorry\b|apolog|we\s+apologi"
    r"|new\s+(?:date|day|time|location|place|room|meeting)|next\s|more\s|wait[\s-]?list|refunds?\b|(?:instructor|presenter|performer|author|speaker|teacher|staff|library)\s+(?:is\s+)?(?:ill|sick|unavailable|closed|closure|closing|emergency)|snow|inclement|weather\b|storm|illness|sick|emergency|low\s+|see\s|check\s|please\s|no\s+(?:class|program|meeting)"
    r"|lo\s+sentimos|est[ea]\s+(?:semana|mes|noche|tarde)|desværre|beklager|i\s+(?:dag|aften|morgen)\b)",
    re.IGNORECASE,
)
_LEADING_TAIL = re.compile(rf"(?:{_REASON}|\d)", re.IGNORECASE)
_MAX_TAIL = 8
_DATED = re.compile(
    rf"\s+(?:to|until|till|through|thru|for|on)\s+(?:the\s+)?(?:\d|(?:{_MONTHS}|{_DAYS})(?!\w)|(?:a\s+)?(?:further|later|today)\b)",
    re.IGNORECASE,
)
# A sentence in small letters: "Chair Yoga has been cancelled". "Christmas Has Been Cancelled" is a title.
_SAID = re.compile(
    r"(?<!\bthat)(?<!\bwhich)(?<!\bwho)\s(?:(?:has|have)(?:\s+unfortunately)?\s+been|will\s+be|is\s+unfortunately|ha\s+sido|han\s+sido|er\s+desværre|er\s+blevet)\Z"
    r"|\A(?:[Tt]o(?:day|night)['’]s|[Tt]his|[Dd]agens)\s.*\s(?:is|are|er)\Z"
)
_SMILEY = re.compile(r"\s*[:;=]-?[()DPp\[\]|/\\]+(?!\w)")
# The event's kind before the word: "This event has been cancelled", "EVENT CANCELLED: Storytime".
_FILLER = (
    r"(?P<filler>(?:(?:sorry(?:\s+but)?|we(?:['’]re|\s+are)\s+sorry(?:,?\s+but)?|update|notice|note|attention|aviso|atención|obs|bemærk)[\s,:!–—-]+)?"
    r"(?:(?:(?:this|the|today['’]?s?|tonight['’]?s?|est[ea]|el|la|dagens|denne|dette)\s+)?"
    r"(?:event|program(?:me)?|class|session|meeting|workshop|evento|actividad|programa|taller|clase|arrangement(?:et)?"
    r"|kurset|tonight|today|\d{1,2}/\d{1,2}(?:\s+(?:class|session|program|meeting|event))?)\s+)?(?:(?:is|has|have|been|now|temporarily|unfortunately|ha|sido|está|queda|er|desværre|ahora)\s+)*)"
)
# A condition or a question is no state: "CANCELLED IF IT RAINS: Picnic".
_CONDITION = re.compile(r"\s*(?:\?|(?:if|unless|in\s+case|when|whenever|or|si|hvis|ved)\b)", re.IGNORECASE)

_QUOTES = "\"'“”„«»‘’"
_LEADING = re.compile(
    rf"[^\w{_QUOTES}]*{_FILLER}(?P<words>{_PHRASE})(?P<after>[\s:!.,;|/*<>()\[\]{{}}~–—•\u2190-\u2bff\U0001f000-\U0001faff\ufe0f-]*)",
    re.IGNORECASE,
)
_SEGMENT = re.compile(rf"[\s*~!¡.]*+{_FILLER}(?P<words>{_PHRASE})(?P<tail>.*)\Z", re.IGNORECASE | re.DOTALL)
_LOUD_END = re.compile(rf"\s(?P<words>{_PHRASE})(?P<tail>.*)\Z", re.IGNORECASE | re.DOTALL)
_DELIMITER = re.compile(r"[:|)\]}!–—*•-]")
# Punctuation that sets the end of a title apart. A hyphen inside a word does not ("self-cancelled"), except
# before a capital ("Storytime-Cancelled").
_BEFORE_END = re.compile(
    r"\s*+(?:[:|(\[{<>*~•_\u203c\u2190-\u2bff\U0001f000-\U0001faff\ufe0f]+|[–—]|--+|\.{2,}|…)\s*+|\s+[-/]+\s*|-\s+|(?<=\w\w\w\w)-(?=[A-ZÅÆØÁÉÍÓÚ])|(?<=[)!.])-"
)
_SOFT = re.compile(r"[,.;!]\s+")
_BRACKETED = re.compile(r"\s*(?:\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\}|\*+([^*]+)\*+)\s*")
_BETWEEN_DASHES = re.compile(r"\s+[-–—|]+\s*([^-–—|]+?)\s*[-–—|]+\s+")
_PAIRS = {")": "(", "]": "[", "}": "{"}

# Programs of libraries. Beside one of these words "cancellation" is one.
_PROGRAM = re.compile(
    r"\b(?:story\s?times?|\w+\s+time|babies|bab(?:y|ies)|discussions?|screenings?|performances?|seminars?|webinars?"
    r"|training|demos?|readings?|circle|bounce|lab|drop-in|visits?|open\s+house|exhibit\w*|walk|hike|sing\w*"
    r"|painting|drawing|sewing|cooking|coding|gardening|dance|dancing|hora|noche|hygge\w*|club|class(?:es)?|workshops?|meetings?|program(?:me)?s?|group|lectures?|concerts?|crafts?"
    r"|bingo|yoga|chess|lego|rhymes?|playgroup|talk|tour|session|lessons?|tutoring|knitting|book\s+(?:club|group)"
    r"|movies?|films?|matin[ée]e|music|gaming|games?|trivia|zumba|tai\s+chi|camp|fair|sale|party|hour|help"
    r"|taller(?:es)?|club|cuentos|charla|clase|concierto|reunión|foredrag|koncert|værksted|kursus|café|klub|møde|højtlæsning|læsekreds|lektiehjælp|fortælletime|filmaften|babyrytmik|omvisning)\b",
    re.IGNORECASE,
)
# Things that are themselves cancelled: "Cancelled Flights: Know Your Rights".
_THINGS = re.compile(
    r"\b(?:stamps|che(?:ck|que)s|czechs?|culture|flights|plans|postage|mail|debts?|orders|subscriptions|trips|loans"
    r"|contracts|polic(?:y|ies)|reservations|appointments|weddings?|projects|characters|lives|life|people|comedians"
    r"|authors|books|artists|women|men|tv|television|shows|series|sitcoms|cartoons|cards|promises|dreams?"
    r"|gratification|vacations?|holidays|futures?|tickets|leases?|missions|warships|aircraft|celebrit(?:y|ies)"
    r"|bryllup|ferie|fremtid|rejser?|vuelos?|deudas?|bodas?)\b",
    re.IGNORECASE,
)
_STAMP = re.compile(
    r"(?:stamp|che(?:ck|que)|flight|plan|order|subscription|trip|loan|contract|show)s?\b", re.IGNORECASE
)
_SENTENCE = re.compile(
    r"(?:is|are|was|were|and|but|before|without|in|at|by|of|as|with|while|too|not|never|again|after|for|from|on"
    r"|to|because|or|y|pero|en|sin|por|og|men|uden|af|for)\b",
    re.IGNORECASE,
)
_SUBTITLE = re.compile(
    r"(?:how|why|inside|what|when|who|surviving|life|lives)\b"
    r"|(?:the|a|an)\s+(?:\w+\s+)?(?:rise|fall|story|stories|true|art|history|left|politics|power|case|truth|death|end"
    r"|making|music|life|lives|novel|memoir|documentary|film|movie|play|musical|comedy|book|guide|thriller|introduction|author)\b"
    r"|(?:el|la|los|las|una?)\s+(?:historia|novela|película|obra|arte|vida|libro|documental|auge|caída)\b"
    r"|(?:true\s+)?(?:stories|story|tales)\s+(?:of|from|about)\b|historier\s+(?:om|fra)\b|historias\s+de\b"
    r"|(?:en|et|den|det)\s+(?:debat|forestilling|film|bog|roman|historie|samtale|dokumentar)\b"
    r"|(?:novel|documentary|film|movie|en\s+roman|una\s+novela|la\s+película)\b|\d{4}\s*(?:film|\)|movie)",
    re.IGNORECASE,
)
# Words that often begin a title of their own: "Udsat: unge fortæller".
_ALSO_A_TITLE = re.compile(r"called\s+off|udsat|flyttet|agotad[oa]s?|aplazad[oa]s", re.IGNORECASE)
# A film or a book follows the colon: "Movie Night: Canceled".
_WORK = re.compile(
    r"(?:\b(?:film|movie|movies|cinema|documentary|screening|matin[ée]e|book\s+(?:club|discussion|talk|group|chat|launch)|author\s+(?:talk|visit|event|reading)|novel|play|read|reading"
    r"|reads|película|cine|libro|lectura|bog|biograf|filmklub|læsekreds)\b[^:]*)\Z",
    re.IGNORECASE,
)
_NOT_A_STATE_BEFORE = re.compile(
    r"\b(?:be|being|get|gets|getting|got|was|were|not|never|no|longer|un|self|non|pre|noise|almost|nearly|to|or|and|of|the|a|an|my|your"
    r"|who|that|ikke|aldrig|nunca|fue|blev|bliver|at|el|la|los|las|en|et|y|o|og|eller|[\w’']+,)\Z",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"\b(?:how|why|when|what|if|who|where|whose|was|were|cómo|por\s+qué|cuándo|quién|hvordan|hvorfor|når|hvem|hvis)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Found:
    state: str
    rest: str


def split_state(title: str) -> tuple[str, str]:
    """Return (state, title without the state's words); the state is empty if the title has none.

    A title that consists only of the state, or says more about it ("Postponed until May"), is kept.
    """
    states: list[str] = []
    rest = title
    for _ in range(3):
        found = _leading(rest) or _bracketed(rest) or _trailing(rest) or _loud_end(rest)
        if found is None:
            break
        states.append(found.state)
        if found.rest == rest:
            break
        rest = found.rest
    if not states:
        return "", title
    return min(states, key=ORDER.index), rest


def _kind(match: re.Match[str]) -> tuple[str, str]:
    """Return (strength, state) of the first word that a pattern has found."""
    name = next(name for name in _KINDS if match[name] is not None)
    return _KINDS[name][:2]


def _leading(title: str) -> _Found | None:
    match = _LEADING.match(title)
    if not match:
        return None
    strength, state = _kind(match)
    after, following = match["after"], title[match.end() :].rstrip()
    loud = match["words"].isupper()
    apart = bool(_DELIMITER.search(after))
    if match["filler"] and following and not (apart or loud):
        return None
    if _CONDITION.match(title[match.end("words") :]) or _CONDITION.match(following):
        return None
    if not following:
        return _Found(state, title) if strength not in ("loud", "late", "weak") or loud else None
    tailed = not apart and bool(_LEADING_TAIL.match(following))
    if not _leads(
        strength, match["words"], following, loud=loud, apart=apart, tailed=tailed, bracket="(" in after
    ):
        return None
    return _Found(state, title if tailed else _closed(following))


def _leads(
    strength: str, words: str, following: str, *, loud: bool, apart: bool, tailed: bool, bracket: bool
) -> bool:
    """Return whether a word at the beginning is a state, given the text that follows it."""
    shout = loud and following.isupper()
    program = bool(_PROGRAM.search(following))
    if (apart or tailed or bracket) and not loud and _SUBTITLE.match(following):
        return False
    if strength == "weak":
        return apart and ((loud and not shout) or program)
    if strength in ("loud", "late"):
        return apart and loud
    if not loud and _ALSO_A_TITLE.fullmatch(words) and not program:
        return False
    if apart or tailed:
        return True
    if loud and not shout:
        return True
    return strength == "strong" and not _is_adjective(following)


def _is_adjective(following: str) -> bool:
    """Return whether a leading "Cancelled" rather describes the next words: "Cancelled Stamps: ..."."""
    head = re.split(r":|\s[–—-]\s", following)[0]
    if _SENTENCE.match(head) or _THINGS.search(head):
        return True
    program = bool(_PROGRAM.search(head))
    if _STAMP.match(head) and not program:
        return True
    return bool(re.fullmatch(r"\w+s", head.strip())) and not program


def _bracketed(title: str) -> _Found | None:
    """Find a state in brackets or between dashes, anywhere: "Storytime (CANCELLED) in the park"."""
    for pattern in (_BRACKETED, _BETWEEN_DASHES):
        for match in pattern.finditer(title):
            inner = next(group for group in match.groups() if group is not None)
            found = _SEGMENT.match(inner)
            if not found:
                continue
            rest = f"{title[: match.start()]} {title[match.end() :]}".strip()
            if pattern is _BETWEEN_DASHES:
                rest = f"{title[: match.start()]} – {title[match.end() :]}".strip()
                if found["tail"].strip(" .!*"):
                    continue
            accepted = _segment(found, title, title[: match.start()] + title[match.end() :], rest)
            if accepted:
                return accepted
    return None


def _trailing(title: str) -> _Found | None:
    """Find a state behind punctuation at the end, with a short tail: "Storytime - Postponed to Sept. 5"."""
    for pattern in (_BEFORE_END, _SOFT):
        for mark in pattern.finditer(title):
            before = title[: mark.start()].rstrip(" -–—:|/*~•([{,")
            found = _SEGMENT.match(title, mark.end())
            if not found or not before.strip():
                continue
            if pattern is _SOFT and not found["words"].isupper():
                continue
            work = ":" in mark[0] and _WORK.search(before) and not found["words"].isupper()
            if work or (mark[0].startswith("-") and _NOT_A_STATE_BEFORE.search(before)):
                continue
            accepted = _segment(found, title, before, before + _mark_kept(mark[0]))
            if accepted:
                return accepted
    return None


def _mark_kept(mark: str) -> str:
    return mark.strip() if mark.strip() in (".", "!") else ""


def _segment(found: re.Match[str], title: str, others: str, rest: str) -> _Found | None:
    """Return the state of a part that is set apart from `others`, the rest of the title."""
    strength, state = _kind(found)
    loud = found["words"].isupper()
    tail = _tail(found["tail"])
    if tail is None or (strength == "loud" and not (loud or found["filler"])):
        return None
    if strength == "weak" and not _PROGRAM.search(others) and not (loud and not others.isupper()):
        return None
    rest = rest.strip()
    if not rest:
        return _Found(state, title)
    return _Found(state, title if tail else _closed(rest))


def _loud_end(title: str) -> _Found | None:
    """Find a state in capitals, or before a date or a smiley, without punctuation before it."""
    match = _LOUD_END.search(title)
    if not match:
        return None
    strength, state = _kind(match)
    before, after = title[: match.start()].rstrip(), match["tail"]
    loud = match["words"].isupper()
    said = match["words"].islower() and bool(_SAID.search(before))
    if (
        strength in ("weak", "loud")
        or not before
        or not (loud or said or _DATED.match(after) or _SMILEY.match(after))
    ):
        return None
    if (_NOT_A_STATE_BEFORE.search(before) and not said) or _QUESTION.search(before) or before[-1] in _QUOTES:
        return None
    if before.isupper() and not _PROGRAM.search(before):
        return None
    tail = _tail(after)
    if tail is None and loud and not before.isupper() and re.match(r"\s*(?:[–—:(\[;,]|-\s)[^?]*\Z", after):
        # "Teen Café CANCELLED (staff illness)": any reason may follow a word in capitals.
        return None if _CONDITION.match(after.lstrip(" –—:([;,-")) else _Found(state, title)
    if tail is None:
        return None
    trimmed = re.sub(
        r"(?:\s+(?:is|are|has|have|been|will|be|unfortunately|er|desværre|blevet|está|han?\s+sido))+\Z",
        "",
        before,
        flags=re.IGNORECASE,
    )
    return _Found(state, title if tail else trimmed or title)


def _tail(text: str) -> str | None:
    """Return the words behind a state; empty if they say nothing more, None if they make it no state."""
    text = _SMILEY.sub("", text)
    if "?" in text:
        return None
    words = text.strip(" \t:;,.!*()[]{}<>~–—•|/-")
    if not re.search(r"\w", words):
        return None if text[:1] in _QUOTES and text else ""
    if _CONDITION.match(words) or not _TAIL.match(words) or len(words.split()) > _MAX_TAIL:
        return None
    return words


def _closed(rest: str) -> str:
    """Remove a closing bracket whose opening one went with the state: "(CANCELLED: Storytime)"."""
    bracket = _PAIRS.get(rest[-1:], "")
    if bracket and bracket not in rest:
        rest = rest[:-1].rstrip()
    return re.sub(r"\s{2,}", " ", rest)
