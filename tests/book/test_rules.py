"""The dated list of rules: in order, with words and a source each, and due when it says."""

from datetime import date, timedelta

from losslab.book import rules, words


def test_rules_come_in_the_order_in_which_they_begin():
    days = [rule.begins for rule in rules.RULES]
    assert days == sorted(days)
    assert len({rule.key for rule in rules.RULES}) == len(rules.RULES)


def test_each_rule_has_words_a_standing_and_a_source():
    said = words.read("en")["rules"]
    for rule in rules.RULES:
        assert len(said[rule.key]) > 20
        assert rule.standing in ("primary", "copies", "reports")
        assert all((rule.act, rule.source))
    others = {"as_of", "head", "applies", "comes", "primary", "copies", "reports"}
    assert set(said) == others | {rule.key for rule in rules.RULES}


def test_a_rule_applies_from_its_first_day():
    for rule in rules.RULES:
        assert rule in rules.due(rule.begins)
        assert rule not in rules.due(rule.begins - timedelta(days=1))


def test_what_the_omnibus_moved_is_still_to_come():
    later = set(rules.RULES) - set(rules.due(rules.AS_OF))
    assert [rule.key for rule in rules.RULES if rule in later] == [
        "ai_act_marking",
        "ai_act_risk",
        "ai_act_products",
    ]
    assert date(2026, 11, 1) < rules.AS_OF < date(2026, 12, 2)


def test_the_table_has_a_row_per_rule_and_says_when_it_was_looked_up():
    first, blank, head, rule, *rows = rules.table().splitlines()
    assert "2026-11-29" in first
    assert blank == ""
    assert len(rows) == len(rules.RULES)
    assert {line.count("|") for line in (head, rule, *rows)} == {5}
    assert sum("still to come" in row for row in rows) == 3
