"""Language codes: files have `eng`, `en`, `en-US` or `English` for the same language."""

import re

# ISO 639-1 code: the ISO 639-2 codes (terminological, bibliographic) and the English name.
_LANGUAGES = """
af afr Afrikaans; ar ara Arabic; bg bul Bulgarian; bn ben Bengali; bs bos Bosnian; ca cat Catalan;
cs ces cze Czech; cy cym wel Welsh; da dan Danish; de deu ger German; el ell gre Greek; en eng English;
eo epo Esperanto; es spa Spanish; et est Estonian; eu eus baq Basque; fa fas per Persian; fi fin Finnish;
fr fra fre French; ga gle Irish; gl glg Galician; he heb Hebrew; hi hin Hindi; hr hrv Croatian;
hu hun Hungarian; hy hye arm Armenian; id ind Indonesian; is isl ice Icelandic; it ita Italian;
ja jpn Japanese; ka kat geo Georgian; ko kor Korean; la lat Latin; lt lit Lithuanian; lv lav Latvian;
mk mkd mac Macedonian; ml mal Malayalam; ms msa may Malay; nb nob Norwegian; nl nld dut Dutch;
no nor Norwegian; pl pol Polish; pt por Portuguese; ro ron rum Romanian; ru rus Russian; sk slk slo Slovak;
sl slv Slovenian; sq sqi alb Albanian; sr srp Serbian; sv swe Swedish; ta tam Tamil; te tel Telugu;
th tha Thai; tl tgl Tagalog; tr tur Turkish; uk ukr Ukrainian; ur urd Urdu; vi vie Vietnamese;
zh zho chi Chinese
"""
_TWO_LETTERS = {
    name.lower(): two for two, *names in (entry.split() for entry in _LANGUAGES.split(";")) for name in names
}
_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")


def bcp47(code: str) -> str:
    """A language code or English name as a BCP 47 tag: `eng` → `en`, `pt_br` → `pt-br`; "" if it is none."""
    code = code.strip()
    if not _TAG.fullmatch(code):
        return ""
    primary, separator, rest = code.replace("_", "-").partition("-")
    primary = _TWO_LETTERS.get(primary.lower(), primary.lower())
    return "" if primary == "und" else f"{primary}{separator}{rest}"


def same_language(one: str, other: str) -> bool:
    """Whether two codes name the same language, regions and scripts aside."""
    first, second = bcp47(one).partition("-")[0], bcp47(other).partition("-")[0]
    return bool(first) and first == second


def is_language(code: str) -> bool:
    """Whether this is the code or the English name of a common language."""
    return code.lower() in _TWO_LETTERS or code.lower() in _TWO_LETTERS.values()
