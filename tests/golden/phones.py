"""Writes phones.csv: telephone texts with what Google's own port makes of them, to hold src/plan/normalise/phone.rs against.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install phonenumbers==9.0.42
    /tmp/golden/bin/python tests/golden/phones.py        # the same file each time

Columns: kind, text, region, e164, type, defect. Kinds:
  valid      Google reads a valid number, so must we: same E.164, same kind of line
  invalid    Google reads none, and neither may we
  refused    Google reads one and we give none on purpose, for the reason in `defect`
  repaired   Google reads none, or another spelling of the line; we read `e164` (the reason stands beside the rows below)
The metadata version is that of the crate; raise both together.
"""

import csv
import pathlib
import random

import phonenumbers as google
from phonenumbers import PhoneNumberFormat as Form
from phonenumbers import PhoneNumberType as Type

random.seed(20240517)

KINDS = {value: name for name, value in vars(Type).items() if isinstance(value, int)}
SERVICES = {Type.TOLL_FREE, Type.PREMIUM_RATE, Type.SHARED_COST, Type.PERSONAL_NUMBER, Type.UAN, Type.VOICEMAIL}

ITALIAN_MOBILES = (
    "320 324 327 328 329 330 331 333 334 335 336 337 338 339 340 342 345 346 347 348 349 350 351 352 360 366 368 370 371 "
    "373 375 376 377 379 380 388 389 391 392 393"
).split()
ITALIAN_AREAS = (
    "02 06 010 011 015 019 030 031 035 039 040 041 045 049 050 051 055 059 070 071 075 079 080 081 085 089 090 091 095 099 "
    "0121 0165 0321 0331 0332 0341 0362 0371 0382 0415 0424 0434 0444 0461 0471 0521 0541 0544 0549 0571 0577 0583 0586 0721 "
    "0734 0761 0773 0775 0824 0832 0861 0865 0874 0881 0922 0931 0961 0965 0971 0984"
).split()
ABROAD = "FR DE ES GB CH AT NL BE PT PL RO GR US CA BR AR CN IN SM HR SI TR RU UA SE NO IE AU JP MA".split()

rows = {}


def reading(text, region):
    """What Google makes of a text: (E.164, kind of line), or nothing."""
    try:
        number = google.parse(text, region)
    except google.NumberParseException:
        return None
    if not google.is_valid_number(number):
        return None
    return google.format_number(number, Form.E164), google.number_type(number)


def put(kind, text, region, e164="", line="", defect=""):
    rows.setdefault((text, region), (kind, text, region, e164, line, defect))


def looks_typed_in(e164):
    """Our rule against placeholders; such numbers are written below by hand."""
    digits = e164[1:]
    return any(digit * 7 == digits[-7:] for digit in "0123456789")


def judged(text, region):
    """A row whose kind Google decides."""
    read = reading(text, region)
    if read is None:
        return put("invalid", text, region)
    e164, line = read
    if looks_typed_in(e164):
        return None
    if line in SERVICES:
        return put("refused", text, region, e164, KINDS[line], "phone-service")
    if e164.startswith("+390549"):
        # San Marino, reached through Italy: kept as its own country's.
        direct = reading("+378" + e164[3:], region)
        if direct:
            return put("repaired", text, region, direct[0], KINDS[direct[1]])
    return put("valid", text, region, e164, KINDS[line])


def digits(count):
    return "".join(random.choice("0123456789") for _ in range(count))


def fullwidth(text):
    return "".join(chr(ord(c) + 0xFEE0) if c in "0123456789+" else c for c in text)


def arabic(text):
    return "".join(chr(ord(c) - 48 + 0x660) if c in "0123456789" else c for c in text)


def grouped(text, separator):
    return separator.join(text[i : i + 3] for i in range(0, len(text), 3))


def spelled_at_home(area, rest):
    """Spellings of a number in its own country, the area code (or mobile prefix) apart."""
    return [
        area + rest,
        f"{area} {rest}",
        f"{area}/{rest}",
        f"{area} / {rest}",
        f"{area}-{rest}",
        f"{area} - {rest}",
        f"{area}.{rest}",
        f"({area}) {rest}",
        f"[{area}]{rest}",
        f"{area} {grouped(rest, ' ')}",
        f"{area}.{grouped(rest, '.')}",
        f"{area}-{grouped(rest, '-')}",
        f"  {area}\u00a0{rest} ",
        f"{area}\u2013{rest}",
        fullwidth(area + rest),
        arabic(area + rest),
        f"tel. {area} {rest}",
        f"Tel: {area}{rest}",
        f"cell. {area} {rest}",
    ]


def spelled_abroad(code, area, rest):
    """Spellings with the country code; `area` as dialled from abroad."""
    national = area + rest
    return [
        f"+{code}{national}",
        f"+{code} {area} {rest}",
        f"+{code}-{area}-{rest}",
        f"+{code}/{area}/{rest}",
        f"(+{code}) {national}",
        f"+{code} ({area}) {grouped(rest, ' ')}",
        f"00{code}{national}",
        f"00{code} {area} {rest}",
        f"00{code}/{area}.{rest}",
        f"++{code}{national}",
        f"+ {code} {national}",
        fullwidth(f"+{code}{national}"),
        f"tel:+{code}{national}",
        f"+00{code} {national}",
    ]


def italian():
    for prefix in ITALIAN_MOBILES:
        for _ in range(8):
            rest = digits(random.choice([7, 7, 7, 7, 7, 6]))
            texts = spelled_at_home(prefix, rest) + spelled_abroad("39", prefix, rest)
            for text in random.sample(texts, 4):
                judged(text, "IT")
            judged("39" + prefix + rest, "IT")
    for area in ITALIAN_AREAS:
        for _ in range(4):
            rest = digits(random.choice([5, 6, 6, 7, 7, 8]))
            if area == "0549":
                rest = random.choice(["88", "90", "99", "87"]) + digits(4)
            texts = spelled_at_home(area, rest) + spelled_abroad("39", area, rest)
            for text in random.sample(texts, 4):
                judged(text, "IT")
            judged("39" + area + rest, "IT")
    for _ in range(40):
        rest = digits(7)
        judged(f"+39 (0)6 {rest}", "IT")
        judged(f"+39 (0)2.{rest}", "IT")
        judged(f"0039 (0)81 {rest}", "IT")
        judged("3" + digits(random.choice([5, 6, 7, 8, 10, 11, 12])), "IT")
        judged("0" + digits(random.choice([2, 3, 4, 5, 11, 12, 13])), "IT")
        judged(digits(random.choice([4, 5, 6, 7, 8, 9])), "IT")
        judged("+" + digits(random.choice([6, 8, 10, 12, 14])), "IT")
        judged(random.choice(["800 ", "803 ", "840 ", "848 ", "892 ", "895 ", "899 ", "178 ", "199 "]) + digits(6), "IT")


def example(region, line):
    """A random valid number of a region and kind, near the metadata's example."""
    number = google.example_number_for_type(region, line)
    if number is None or google.number_type(number) != line:
        return None
    for _ in range(200):
        national = google.national_significant_number(number)
        keep = random.choice([2, 3, 4])
        e164 = f"+{number.country_code}{national[:keep]}{digits(len(national) - keep)}"
        read = reading(e164, region)
        if read and read[1] == line and google.region_code_for_number(google.parse(e164)) == region:
            return google.parse(e164)
    return number


def abroad():
    for region in ABROAD:
        for line in (Type.MOBILE, Type.FIXED_LINE, Type.FIXED_LINE_OR_MOBILE, Type.VOIP):
            for _ in range(7 if line in (Type.MOBILE, Type.FIXED_LINE, Type.FIXED_LINE_OR_MOBILE) else 2):
                number = example(region, line)
                if number is None:
                    continue
                home = google.format_number(number, Form.NATIONAL)
                whole = google.format_number(number, Form.INTERNATIONAL)
                e164 = google.format_number(number, Form.E164)
                plain = "".join(c for c in home if c.isdigit())
                for text in (home, plain, grouped(plain, "."), home.replace("-", " ").replace(" ", "/")):
                    judged(text, region)
                for text in (whole, e164, "00" + e164[1:], whole.replace(" ", ".")):
                    judged(text, "IT")
                if google.ndd_prefix_for_region(region, True) == "0":
                    code, _, rest = whole.partition(" ")
                    judged(f"{code} (0){rest}", "IT")
                # One digit lost, and one too many.
                judged(e164[:-1], "IT")
                judged(e164 + random.choice("0123456789"), "IT")


def by_hand():
    refused = [
        ("333 12345O7", "IT", "phone-letters"),
        ("333 1234567 Mario", "IT", "phone-letters"),
        ("1-800-FLOWERS", "US", "phone-letters"),
        ("+1 650 253-CALL", "US", "phone-letters"),
        ("ufficio 06 12345678", "IT", "phone-letters"),
        ("06 12345678 int. 12", "IT", "phone-extension"),
        ("06 12345678 interno 12", "IT", "phone-extension"),
        ("06 12345678 ext 12", "IT", "phone-extension"),
        ("06 12345678 x12", "IT", "phone-extension"),
        ("06 12345678 #12", "IT", "phone-extension"),
        ("06 123456/7", "IT", "phone-two-numbers"),
        ("06 12345678 / 333 1234567", "IT", "phone-two-numbers"),
        ("3331234567;3347654321", "IT", "phone-two-numbers"),
        ("3331234567, 3347654321", "IT", "phone-two-numbers"),
        ("333 3333333", "IT", "phone-placeholder"),
        ("333 0000000", "IT", "phone-placeholder"),
        ("0123456789", "IT", "phone-placeholder"),
        ("+39 (0)331 1234567", "IT", "phone-ambiguous"),
        ("333 1234567*", "IT", "phone-symbols"),
    ]
    for text, region, defect in refused:
        read = reading(text, region)
        put("refused", text, region, read[0] if read else "", KINDS[read[1]] if read else "", defect)
    repaired = [
        # The vendor's own sample: a plus too many, after a country code.
        ("+44+207 2243688", "+44 207 2243688", "IT"),
        ("0044+207 2243688", "+44 207 2243688", "IT"),
        ("+39+333 1234567", "+39 333 1234567", "IT"),
        # Twice the same number is one number.
        ("3331234567 / +39 333 1234567", "3331234567", "IT"),
        ("3331234567; 3331234567", "3331234567", "IT"),
        ("333 1234567 e 333 1234567", "3331234567", "IT"),
        # Characters that nobody sees.
        ("\u202a+39 333 1234567\u202c", "+39 333 1234567", "IT"),
        ("333\u200b1234567\ufeff", "333 1234567", "IT"),
        # San Marino.
        ("0549 991234", "+378 0549 991234", "IT"),
        ("+39 0549 991234", "+378 0549 991234", "IT"),
        ("+378 991234", "+378 0549 991234", "IT"),
        ("00378 0549991234", "+378 0549 991234", "IT"),
        ("991234", "+378 0549 991234", "SM"),
    ]
    for text, meant, region in repaired:
        e164, line = reading(meant, region)
        put("repaired", text, region, e164, KINDS[line])
    for text in ["0000000000", "1234567890", "112", "118", "+", "+39", "00", "()", "abc", "n/a", "nessuno", "???", "12", "1"]:
        judged(text, "IT")


by_hand()
italian()
abroad()

target = pathlib.Path(__file__).with_name("phones.csv")
with target.open("w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["kind", "text", "region", "e164", "type", "defect"])
    writer.writerows(sorted(rows.values()))
tally = {kind: sum(row[0] == kind for row in rows.values()) for kind in ("valid", "invalid", "refused", "repaired")}
print(len(rows), tally)
