"""Which rules apply to a product, and from when: a dated list with what was read. It is not legal advice.

What each rule asks for stands in [rules] of `book/words`, under the rule's key.
"""

from datetime import date
from typing import NamedTuple

from losslab.book import words

AS_OF = date(2026, 11, 29)  # when the list was looked up


class Rule(NamedTuple):
    """A rule, or a part of one that begins on a day of its own.

    Attributes
    ----------
    key : str
        Of the words that say what it asks for.
    act : str
        Under which number the act can be found.
    begins : datetime.date
        From when it applies.
    standing : str
        What was read: "copies" of the text or of the authority's release, or "reports" on it. "primary" if
        it was the act itself.
    source : str
        Where.
    """

    key: str
    act: str
    begins: date
    standing: str
    source: str


AI_ACT, OMNIBUS = "Regulation (EU) 2024/1689", "Regulation (EU) 2026/1744"
RULES = (
    Rule("gdpr", "Regulation (EU) 2016/679", date(2018, 5, 25), "reports", "Lexology, EuroComply"),
    Rule(
        "pipl",
        "中华人民共和国个人信息保护法",
        date(2021, 11, 1),
        "copies",
        "DigiChina's translation, at iapp.org",
    ),
    Rule(
        "china_generative",
        "生成式人工智能服务管理暂行办法",
        date(2023, 8, 15),
        "reports",
        "sl.china.com.cn, 14 July 2023",
    ),
    Rule("ai_act_bans", AI_ACT, date(2025, 2, 2), "reports", "Trusq, 4 July 2026"),
    Rule("ai_act_models", AI_ACT, date(2025, 8, 2), "reports", "Trusq, 4 July 2026"),
    Rule(
        "china_labels",
        "人工智能生成合成内容标识办法, GB 45438-2025",
        date(2025, 9, 1),
        "reports",
        "UDN, 1 September 2025",
    ),
    Rule("ai_act_openness", AI_ACT, date(2026, 8, 2), "reports", "Trusq, 4 July 2026"),
    Rule("ai_act_marking", OMNIBUS, date(2026, 12, 2), "reports", "DLA Piper, 2 July 2026"),
    Rule(
        "ai_act_risk", OMNIBUS, date(2027, 12, 2), "reports", "quoting the Official Journal of 24 July 2026"
    ),
    Rule(
        "ai_act_products",
        OMNIBUS,
        date(2028, 8, 2),
        "reports",
        "quoting the Official Journal of 24 July 2026",
    ),
)


def due(day):
    """Return the rules that apply on a day (datetime.date)."""
    return tuple(rule for rule in RULES if rule.begins <= day)


def table():
    """Return the rules as a Markdown table, in the order in which they begin."""
    said = words.of("rules")
    rows = [said["head"], "|:--|:--|:--|:--|"]
    for rule in RULES:
        state = said["applies" if rule.begins <= AS_OF else "comes"].format(day=f"{rule.begins:%Y-%m-%d}")
        rows.append(f"| {state} | {rule.act} | {said[rule.key]} | {said[rule.standing]}: {rule.source} |")
    return "\n".join([said["as_of"].format(day=f"{AS_OF:%Y-%m-%d}"), "", *rows])
