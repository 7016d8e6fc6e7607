"""What the embedded fonts can print.

- PDF/A and PDF/UA forbid a text without a glyph and code points of the private area (ISO 19005-3, 6.2.11;
  ISO 14289-1, 7.21): one emoji in a dissent would otherwise stop the minutes from being printed.
- A character outside the table prints as its number, `[U+1F600]`: visible, never dropped in silence.
- Bidirectional overrides and isolates print as their number too: they would let the printed order of a
  text differ from the recorded one (Unicode UAX 9). Right-to-left scripts as such are printed.
- The table is the union of what Libertinus Serif and DejaVu Sans Mono hold in both weights used, taken
  from the fonts inside the `typst` wheel. A test prints every character of it.
"""

import re
import unicodedata

_RANGES = (
    "0020-007E 00A0-0241 0243-0245 0247-0249 024C-024D 0250-02E9 02EC-02EE 02F3 0300-033F 0342-0343 0351 "
    "0357-0363 0374-0377 037A-037F 0384-038A 038C 038E-03A1 03A3-03CE 03D0-03E1 03F0-045F 0462-0463 "
    "0470-0477 0490-04C4 04C7-04CC 04CF-04F9 0510-0511 051A-051D 0531-0556 0559-055F 0561-0587 0589-058A "
    "05B0-05C3 05C6 05D0-05EA 05F0-05F4 0606-0607 0609-060A 060C 0615 061B 061F 0621-063A 0640-0655 065A "
    "0660-066D 0674 0679-067B 067E-0680 0683-0684 0686-0687 0691 0698 06A4 06A9 06AF 06BE 06CC 06F0-06F9 "
    "0E3F 10D0-10FC 1E00-1E9B 1E9E-1EF9 1F00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D "
    "1F5F-1F7D 1F80-1FB4 1FB6-1FC4 1FC6-1FD3 1FD6-1FDB 1FDD-1FEF 1FF2-1FF4 1FF6-1FFE 2000-2027 202F-2037 "
    "2039-203F 2042 2044-204B 204F 205F 2070-2071 2074-208E 2090-209C 20A0-20B5 20B8-20BA 20BD 20BF "
    "2100-2103 2105-2106 2109 210C-210F 2111 2113 2115-2117 2119-211A 211C-211D 2120 2122 2124 2126-2127 "
    "212A-212B 212E 2135-2139 2148 214F-2151 2153-2184 2189 2190-2220 2223-222D 2234-223D 2241-226B "
    "226D-228B 228D-22A5 22B2-22B5 22B8 22C2-22C6 22CD-22D1 22DA-22E9 22EF 2300-2306 2308-2315 2318-2319 "
    "231C-2321 2325-232B 2335-237A 237D 2380-2383 2388-238B 2395 239B-23AE 23CE-23CF 23D3 2423 2460-2487 "
    "24EA-262F 2638-268B 2690-269C 26A0-26A5 26B0-26B1 2701-2704 2706-2709 270C-2727 2729-274B 274D "
    "274F-2752 2756 2758-275E 2761-277F 2794 2798-27AF 27B1-27BE 27C2 27C5-27C6 27DC 27E0 27E6-27EB "
    "27F5-27F7 2987-2988 2997-2998 29EB 29FA-29FB 2B05-2B0D 2B12-2B1A 2E17-2E18 2E1F 2E22-2E25 2E2E "
    "FB01-FB02 FB29-FB36 FB38-FB3C FB3E FB40-FB41 FB43-FB44 FB46-FB4E FB52-FB81 FB8A-FB95 FB9E-FB9F "
    "FBAA-FBAD FBE8-FBE9 FBFC-FBFF FE70-FE74 FE76-FEFC FFFC-FFFD"
)


def printable() -> list[int]:
    """Every code point that the templates can print."""
    points: list[int] = []
    for part in _RANGES.split():
        first, _, last = part.partition("-")
        points.extend(range(int(first, 16), int(last or first, 16) + 1))
    return points


def _class(parts: list[str]) -> str:
    return "".join("-".join(f"\\u{bound}" for bound in part.split("-")) for part in parts)


_FOREIGN = re.compile(f"[^\\n{_class(_RANGES.split())}]")
_UNSURE = re.compile(r"[^\n\u0020-\u007e\u00a0-\u00ac\u00ae-\u017f\u2010-\u2027\u202f-\u2037\u20ac\u2588]")
_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def _number(match: re.Match[str]) -> str:
    return f"[U+{ord(match.group()):04X}]"


def clean(text: str, *, cautious: bool = False) -> str:
    """The text as it can be printed; `cautious` keeps Latin letters only (for clusters no font shapes)."""
    lines = _BREAKS.sub("\n", unicodedata.normalize("NFC", text)).replace("\t", " ")
    shown = _FOREIGN.sub(_number, lines)
    return _UNSURE.sub(_number, shown) if cautious else shown
