"""The words between the words: how sentences join, count and limit, in both languages.

In charge of every phrase that `segments.sentence` says and `segments.typed` reads. "…" is the place of a number, {}
of a value. The wording of operators is in `segments.operators`.
"""

from segments.label import Label

EVERYBODY = Label("everybody", "alle")
NOBODY = Label("nobody", "niemand")
AND = Label("and", "und")
OR = Label("or", "oder")
AND_DATE = Label(" and ", " und dem ")
NOT = Label("not", "nicht")
NONE_OF = Label("none of", "nichts davon")
NOT_ALL_OF = Label("not all of", "nicht alles davon")
QUOTES = Label("“”", "„“")

LAST_DAYS = Label("in the last … days", "in den letzten … Tagen")
NEXT_DAYS = Label("in the next … days", "in den nächsten … Tagen")
# A window of one day includes today.
LAST_DAY = Label("yesterday or today", "gestern oder heute")
NEXT_DAY = Label("today or tomorrow", "heute oder morgen")
DAYS_AGO = Label("more than … days ago", "mehr als … Tage zurück")
DAY_AGO = Label("before yesterday", "vor gestern zurück")

OFTEN = Label("{event} at least {n} times", "mindestens {n}-mal {event}")
SELDOM = Label("{event} fewer than {n} times", "weniger als {n}-mal {event}")
NOT_LATELY = Label("not {event}", "nicht {event}")
NEVER = Label("never {event}", "nie {event}")

CAMPAIGN = Label("in campaign {}", "in Kampagne {}")
LINK = Label("on a link with {}", "auf einen Link mit {}")
PRODUCT = Label("with product {}", "mit Produkt {}")
SINCE = Label("since {}", "seit dem {}")
UNTIL = Label("until {}", "bis zum {}")
BETWEEN = Label("between {} and {}", "zwischen dem {} und dem {}")

HELD = Label("{} for at least {} days", "{} seit mindestens {} Tagen")
SAMPLE = Label("{} % (seed {})", "{} % (Startwert {})")
