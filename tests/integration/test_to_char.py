"""Names of partitions are PostgreSQL's own to_char(), and time zones are PostgreSQL's too.

tests/support/time_probe.c answers with Dray's functions; the same questions go to a server.
"""
import datetime
import os
import random
import subprocess
import time

import pytest

import servers
from service import program

EPOCH = datetime.datetime(1970, 1, 1)
FIRST = int((datetime.datetime(1, 1, 1) - EPOCH).total_seconds())
LAST = int((datetime.datetime(9999, 12, 31, 23, 59, 59) - EPOCH).total_seconds())

PATTERNS = """HH HH12 HH24 MI SS MS US FF1 FF2 FF3 FF4 FF5 FF6 SSSS SSSSS AM A.M. PM P.M. Y,YYY YYYY
    YYY YY Y IYYY IYY IY I BC B.C. AD A.D. MONTH MON MM DAY DY DDD IDDD DD D ID W WW IW CC J Q RM FX
    """.split()
MIXED = ["Month", "Mon", "Day", "Dy"]
# what looks like a pattern and is none, alone or beside its neighbours
NOT_QUITE = ["FF7", "FF0", "FF", "Yyyy", "Mm", "Dd", "hH24", "Rm", "MONth", "dAY", "A.m.", "Am", "iYYY",
             "Of", "oF", "Tzh", "tZ", "Tz", "T", "S", "M", "m", "F", "Th", "sp", "Sp", "H", "p.M.", "y,YYY"]
TEXTS = ['"', '"YYYY"', '"a\\"b"', '"\\\\"', '"\\', "\\", '\\"', "\\\\", '"x\\', "_", "-", "/", " ", ".",
         ",", "é", "day ", "日", "\t", "w", "x", "'", "%s", "%", "1", '""', "SP", "TH", "th", "FM", "fm",
         "Quarter", "week", "T00"]


@pytest.fixture(scope="session")
def postgres():
    server = servers.shared("postgres-time", servers.Postgres)
    connection = server.connect()
    yield connection.cursor()
    connection.close()


@pytest.fixture
def seed():
    number = int(os.environ.get("SEED", time.time_ns() % 1_000_000_000))
    print("SEED", number)
    return number


def ask(questions):
    probe = os.path.join(os.path.dirname(program()), "tests", "time_probe")
    done = subprocess.run([probe], input="".join(line + "\n" for line in questions), text=True,
                          capture_output=True, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(questions)
    return answers


def random_pattern(chosen):
    pattern = chosen.choice(PATTERNS + MIXED)
    if pattern not in MIXED and chosen.random() < 0.3:
        pattern = pattern.lower()
    prefix = chosen.choice(["", "", "", "FM", "fm", "FMFM"])
    return prefix + pattern + chosen.choice(["", "", "", "", "TH", "th", "SP", "THSP", "Th"])


def random_format(chosen):
    pieces = []
    for _ in range(chosen.randint(1, 7)):
        kind = chosen.random()
        if kind < 0.65:
            pieces.append(random_pattern(chosen))
        elif kind < 0.9:
            pieces.append(chosen.choice(TEXTS))
        else:
            pieces.append(chosen.choice(NOT_QUITE))
    return "".join(pieces)


def random_time(chosen):
    """Microseconds. Often near the edge of a year, where weeks are difficult."""
    if chosen.random() < 0.4:
        new_year = datetime.datetime(chosen.randint(2, 9999), 1, 1)
        seconds = int((new_year - EPOCH).total_seconds()) + chosen.randint(-8, 8) * 86400
        return seconds * 1_000_000 + chosen.choice([-1, 0, 1, chosen.randint(0, 86_400_000_000)])
    return chosen.randint(FIRST, LAST) * 1_000_000 + chosen.choice([0, 1, 999_999, 5000, 120_000])


def time_of(time_us):
    return EPOCH + datetime.timedelta(microseconds=time_us)


def compare_texts(postgres, cases):
    postgres.execute("select coalesce(to_char(t, f), '') from unnest(%s::timestamp[], %s::text[]) "
                     "with ordinality as u(t, f, n) order by n",
                     ([time_of(time_us) for time_us, _ in cases], [form for _, form in cases]))
    expected = [row[0] for row in postgres.fetchall()]
    answers = ask([f"c {time_us} {form.encode().hex()}" for time_us, form in cases])
    for (time_us, form), answer, text in zip(cases, answers, expected):
        assert not answer.startswith("!"), (form, answer)
        assert bytes.fromhex(answer).decode() == text, (form, str(time_of(time_us)))


def is_portable(form):
    """Formats that Dray refuses have a test of their own."""
    return not ask([f"c 0 {form.encode().hex()}"])[0].startswith("!")


def test_every_pattern_alone_reads_as_in_postgresql(postgres):
    times = [time_of_day for year in (1, 9, 99, 100, 101, 999, 1000, 1582, 1970, 2000, 2016, 2024, 9999)
             for time_of_day in (datetime.datetime(year, 1, 1), datetime.datetime(year, 2, 28, 12),
                                 datetime.datetime(year, 5, 11, 11, 11, 11, 111213),
                                 datetime.datetime(year, 12, 31, 23, 59, 59, 999999))]
    forms = [prefix + form + suffix for pattern in PATTERNS + MIXED for form in {pattern, pattern.lower()}
             for prefix in ("", "FM", "fm") for suffix in ("", "TH", "th", "SP")] + NOT_QUITE + TEXTS
    cases = [((moment - EPOCH) // datetime.timedelta(microseconds=1), form)
             for moment in times for form in forms]
    compare_texts(postgres, cases)


def test_random_formats_at_random_times_read_as_in_postgresql(postgres, seed):
    chosen = random.Random(seed)
    forms = [form for form in (random_format(chosen) for _ in range(20_000))]
    answers = ask([f"c 0 {form.encode().hex()}" for form in forms])
    forms = [form for form, answer in zip(forms, answers) if not answer.startswith("!")]
    assert len(forms) > 19_000
    compare_texts(postgres, [(random_time(chosen), form) for form in forms])


@pytest.mark.parametrize("form, reason", [
    ("YYYY_TZ", "TZ at character 6 depends on the time zone: it cannot be a part of a name"),
    ("é tzh", "tzh at character 3 depends on the time zone: it cannot be a part of a name"),
    ('"TZ"OF', "OF at character 5 depends on the time zone: it cannot be a part of a name"),
    ("YYYY_TMMonth", "TM at character 6 depends on the server's locale: it cannot be a part of a name"),
])
def test_patterns_that_depend_on_a_zone_or_a_locale_are_refused_by_name(form, reason):
    assert ask([f"c 0 {form.encode().hex()}"]) == ["! " + reason]


# ---- time zones ----

HARD_YEARS = [
    ("Europe/Berlin", 2024), ("Europe/Berlin", 1945), ("America/St_Johns", 2006),
    ("Australia/Lord_Howe", 2024), ("Pacific/Apia", 2011), ("Africa/Casablanca", 2025),
    ("America/New_York", 2050), ("Europe/Dublin", 1916), ("Asia/Kathmandu", 1986),
    ("Africa/Monrovia", 1972), ("Antarctica/Troll", 2023), ("America/Caracas", 2016), ("UTC", 2016)]
MINUTE = 60_000_000


def time_zones(postgres):
    # a name like WET is an abbreviation first where AT TIME ZONE reads it
    postgres.execute("select name from pg_timezone_names where name ~ '/' and "
                     "name !~ '^(posix|right)/' order by name")
    return [row[0] for row in postgres.fetchall()]


def clocks(postgres, zone, times_us):
    """What the zone's clock shows, in microseconds since an epoch of its own."""
    postgres.execute(
        "select extract(epoch from t at time zone 'UTC' at time zone %s)::numeric from "
        "unnest(%s::timestamp[]) with ordinality as u(t, n) order by n",
        (zone, [time_of(time_us) for time_us in times_us]))
    return [int(row[0] * 1_000_000) for row in postgres.fetchall()]


def read_clock(answer):
    *civil, fraction = map(int, answer.split())
    return (datetime.datetime(*civil, fraction) - EPOCH) // datetime.timedelta(microseconds=1)


def compare_clocks(postgres, zone, times_us):
    expected = clocks(postgres, zone, times_us)
    answers = ask([f"l {zone} {time_us}" for time_us in times_us])
    assert [read_clock(answer) for answer in answers] == expected, zone
    return expected


def question(zone, clock_us):
    return f"u {zone} " + (EPOCH + datetime.timedelta(microseconds=clock_us)).strftime(
        "%Y %m %d %H %M %S")


def test_clocks_of_random_zones_at_random_times_are_postgresqls(postgres, seed):
    chosen = random.Random(seed)
    for zone in chosen.sample(time_zones(postgres), 40):
        # after the last change in its file GLib misreads Dublin, whose winter time is the odd one
        latest = 2_145_900_000 if zone == "Europe/Dublin" else 14_000_000_000
        compare_clocks(postgres, zone, [chosen.randint(-6_000_000_000, latest) * 1_000_000 +
                                        chosen.randint(0, 999_999) for _ in range(200)])


def test_where_clocks_are_set_forth_and_back_the_first_moment_of_a_time_is_found(postgres, seed):
    chosen = random.Random(seed)
    zones = time_zones(postgres)
    shifts = 0
    for zone, year in HARD_YEARS + [(chosen.choice(zones), chosen.randint(1970, 2037))
                                    for _ in range(8)]:
        start = (datetime.datetime(year, 1, 1) - EPOCH) // datetime.timedelta(microseconds=1)
        quarters = [start + i * 15 * MINUTE for i in range(366 * 96)]
        shown = compare_clocks(postgres, zone, quarters)
        for i in range(1, len(quarters)):
            shift = (shown[i] - quarters[i]) - (shown[i - 1] - quarters[i - 1])
            # offsets were once of odd seconds: such a leap is not where a minute begins
            if shift == 0 or shift % MINUTE != 0 or (shown[i] - quarters[i]) % MINUTE != 0:
                continue
            shifts += 1
            check_shift(postgres, zone, quarters[i], abs(shift))
    assert shifts > 10


def check_shift(postgres, zone, about_us, shift_us):
    """Every minute that the clock shows, or leaves out, in the hours around."""
    span = shift_us + 60 * MINUTE
    minutes = list(range(about_us - span, about_us + span, MINUTE))
    shown = compare_clocks(postgres, zone, minutes)
    first = {}
    for minute, clock in zip(minutes, shown):
        first.setdefault(clock, minute)
    # only those of which all moments are in sight
    wanted = [clock for clock in range(min(shown) + shift_us, max(shown) - shift_us, MINUTE)]
    for clock in wanted:
        # left out: the moment of the leap
        first.setdefault(clock, next(m for m, c in zip(minutes, shown) if c > clock))
    answers = ask([question(zone, clock) for clock in wanted])
    assert [int(answer) for answer in answers] == [first[clock] for clock in wanted], zone
