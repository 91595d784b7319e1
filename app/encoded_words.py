"""Words of a header that are not ASCII (RFC 2047).

In charge of: encoded words and the lines they stand in. Not of which headers may hold them: `List-*` may not (mail).
"""

from binascii import b2a_base64


def encoded_words(name: str, value: str) -> str:
    """Q where that is hardly longer than B, lines of at most 76 characters, no character cut in two (RFC 2047 §2)."""
    letters = [letter.encode() for letter in value]
    costs = [1 if letter in _Q_SAFE else 3 * len(letter) for letter in letters]
    in_q = sum(costs) <= 2 * len(letters)
    words, word, room = [], b"", _room(76 - len(f"{name}: "), in_q=in_q)
    for letter, cost in zip(letters, costs, strict=True):
        used = cost if in_q else len(letter)
        if used > room:
            words.append(_encoded_word(word, in_q=in_q))
            word, room = b"", _room(75, in_q=in_q)
        word += letter
        room -= used
    return "\r\n ".join([*words, _encoded_word(word, in_q=in_q)])


def _room(width: int, *, in_q: bool) -> int:
    """What fits into an encoded word: characters, or bytes that become four characters by three."""
    inside = width - len("=?utf-8?q??=")
    return inside if in_q else inside // 4 * 3


def _encoded_word(word: bytes, *, in_q: bool) -> str:
    if in_q:
        return f"=?utf-8?q?{''.join(map(_Q.__getitem__, word))}?="
    return f"=?utf-8?b?{b2a_base64(word, newline=False).decode('ascii')}?="


# What may stand unencoded in every place of a header (RFC 2047 §5), a blank being written as "_".
_Q_SAFE = frozenset(bytes([code]) for code in range(128) if chr(code).isalnum() or chr(code) in " !*+-/")
_Q = ["_" if code == 32 else chr(code) if bytes([code]) in _Q_SAFE else f"={code:02X}" for code in range(256)]
