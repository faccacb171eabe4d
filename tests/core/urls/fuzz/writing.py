# ruff: noqa: RUF001 (writing of many scripts is what this module is for)
"""Writing of many scripts, to stand before, between and behind URLs."""

from __future__ import annotations

from random import Random

SCRIPTS = {
    "latin": [
        "see",
        "Foto",
        "here",
        "Grüße aus Berlin",
        "naïve",
        "Straße",
        "ok",
        "Łódź",
        "İstanbul",
    ],
    "cyrillic": ["смотри", "Фото", "вот", "ещё раз", "ґанок"],
    "greek": ["δες", "Φωτογραφία", "εδώ", "ἄνθρωπος"],
    "arabic": ["انظر", "صورة", "هنا، شكرا", "١٢٣", "لا؟"],
    "hebrew": ["תראה", "תמונה", "כאן", "צה״ל", "שָׁלוֹם"],
    "devanagari": ["देखो", "तस्वीर", "यहाँ।", "क्ष", "न्‍"],
    "thai": ["ดูรูป", "ที่นี่", "ครับ", "กำ"],
    "chinese": ["见", "很好看", "图片，谢谢", "（附件）", "在这里。"],
    "japanese": ["写真", "です。", "「これ」", "ｶﾞ", "見て！"],
    "korean": ["사진", "보세요", "입니다.", "한글"],
    "emoji": ["😀", "👩‍👩‍👧", "👍🏽", "🇩🇪", "❤️", "1️⃣"],
    "combining": ["e\u0301", "\u0301", "Z\u0351\u036b", "\u20e3", "\u200d", "\u00ad", "\u202e"],
    "georgian": ["ნახე", "ფოტო"],
    "marks": ["…", "—", "–it’s", "“so”", "«да»", "§§", "·", "\u2028", "\u00a0", "\u200b", "\ufeff"],
}
"""Words by script. None holds a scheme, a host or ASCII that could continue a URL's path."""

ASCII_GLUE: list[str] = [
    *" \t\n.,;:!?()[]{}\"'<>|*~-_=+@#^`&$",
    ", ",
    ". ",
    "; ",
    ": ",
    " - ",
    "\r\n",
    "::",
    "@@",
    "##",
    "--",
    "__",
    "&&",
    "),(b:",
    "'),('",
    "](",
    "}{",
    "\\n",
    "\\t",
    "%20",
    "%0A",
    "?!",
    "...",
    " 2x, ",
    "|label>",
    "[/img]",
    "</a>",
    " =100x",
    " title",
    ",active,2020",
    ";image/png;",
    "::1200::800",
]

CAPTIONS = [
    " my cat",
    " lol",
    " this is new",
    " #summer",
    " @ana",
    " summer 2024",
    " 2x",
    " 😀",
    " tel:+123",
    " a.png",
    " www.example.com",
    " Smith, John.pdf",
    " = 3",
    " (copy)",
    " &c.",
    " 100%",
]


def phrase(random: Random) -> str:
    """A few words of one script, or of two, with or without blanks between."""
    words = []
    for _ in range(random.choice((1, 1, 2, 3))):
        script = random.choice(_NAMES)
        words.append(random.choice(SCRIPTS[script]))
    return random.choice(("", " ", " ", ", ")).join(words)


def glue(random: Random) -> str:
    """Something to stand directly before or behind a URL."""
    draw = random.random()
    if draw < 0.3:
        return random.choice(ASCII_GLUE)
    if draw < 0.45:
        return random.choice(CAPTIONS)
    if draw < 0.6:
        return random.choice(ASCII_GLUE) + phrase(random)
    if draw < 0.8:
        return phrase(random)
    if draw < 0.9:
        return " " + phrase(random) + " "
    return phrase(random) + random.choice(ASCII_GLUE)


_NAMES = list(SCRIPTS)
