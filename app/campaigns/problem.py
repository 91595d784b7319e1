"""What is wrong with a template, said to the marketer who wrote it.

In charge of: the value that carries line and sentence, and of Jinja's own complaints in plain English and
German. Not of finding the problems: allowed, shield and inline do.
"""

import re
from dataclasses import dataclass

from segments.label import Label


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """One thing to mend. `line` counts from 1 in the part (subject, preheader, html) the marketer wrote."""

    line: int
    message: Label
    part: str = "html"


class TemplateInvalid(Exception):
    """The template cannot become a mail; `problems` says why, in order of line."""

    def __init__(self, problems: tuple[TemplateProblem, ...]) -> None:
        super().__init__(
            "; ".join(f"{problem.part}, line {problem.line}: {problem.message.en}" for problem in problems)
        )
        self.problems = problems


def syntax_sentence(complaint: str) -> Label:
    """Jinja's message as a plain sentence; one we do not know is passed on as it is."""
    for pattern, en, de in _SENTENCES:
        if found := re.search(pattern, complaint, re.DOTALL):
            words = found.groupdict(default="")
            return Label(en=en.format(**words), de=de.format(**words))
    return Label(en=f"This tag cannot be read: {complaint}", de=f"Dieser Tag ist nicht lesbar: {complaint}")


_SENTENCES = (
    (
        r"unexpected char '#'",
        "This looks like Handlebars (“{{{{#each}}}}”). Loops are {{% for … %}} … {{% endfor %}} here.",
        "Das ist wohl Handlebars („{{{{#each}}}}“). Schleifen heißen hier {{% for … %}} … {{% endfor %}}.",
    ),
    (
        r"unexpected '\.'",
        "A name cannot begin with a dot, as in Go templates. Names stand alone here: {{{{ first_name }}}}.",
        "Ein Name darf nicht mit einem Punkt beginnen wie bei Go. Namen stehen hier allein: {{{{ first_name }}}}.",
    ),
    (
        r"Unexpected end of template.*innermost block that needs to be closed is '(?P<tag>\w+)'",
        "“{{% {tag} %}}” is opened but never closed: “{{% end{tag} %}}” is missing.",
        "„{{% {tag} %}}“ wird geöffnet, aber nie geschlossen: „{{% end{tag} %}}“ fehlt.",
    ),
    (
        r"Encountered unknown tag '(?P<tag>\w+)'.*innermost block that needs to be closed is '(?P<open>\w+)'",
        "“{{% {tag} %}}” does not fit here: “{{% {open} %}}” is still open and needs “{{% end{open} %}}”.",
        "„{{% {tag} %}}“ passt hier nicht: „{{% {open} %}}“ ist noch offen und braucht „{{% end{open} %}}“.",
    ),
    (
        r"Encountered unknown tag '(?P<tag>\w+)'",
        "There is no tag “{{% {tag} %}}”. Tags are if, elif, else, endif, for, endfor and set.",
        "Den Tag „{{% {tag} %}}“ gibt es nicht. Es gibt if, elif, else, endif, for, endfor und set.",
    ),
    (
        r"(Missing end of comment tag)",
        "A comment opened with “{{#” is never closed with “#}}”.",
        "Ein Kommentar beginnt mit „{{#“, aber „#}}“ fehlt.",
    ),
    (
        r"expected token 'end of print statement', got (?P<got>.+)",
        "“}}}}” is expected before {got}. Text belongs in quotes, and filters follow a “|”.",
        "Vor {got} wird „}}}}“ erwartet. Text steht in Anführungszeichen, ein Filter hinter „|“.",
    ),
    (
        r"expected token 'end of statement block', got (?P<got>.+)",
        "“%}}” is expected before {got}.",
        "Vor {got} wird „%}}“ erwartet.",
    ),
    (
        r"[Uu]nexpected end of template|unexpected 'end of|unexpected '\}'|Expected an expression, got 'end of",
        "This tag is empty or is not closed.",
        "Dieser Tag ist leer oder wird nicht geschlossen.",
    ),
    (
        r"unexpected char (?P<char>.+?)(?: at \d+)?$",
        "The character {char} cannot stand inside a tag.",
        "Das Zeichen {char} darf in einem Tag nicht stehen.",
    ),
)
