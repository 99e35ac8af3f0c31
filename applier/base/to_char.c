#include "base/to_char.h"

#include "base/clock.h"

#define BIT(unit) (1U << (unit))

typedef enum PatternStyle {
    STYLE_NUMBER,   /* filled with zeros; FM takes them away */
    STYLE_FRACTION, /* filled with zeros, always */
    STYLE_COMMA,    /* a number with a comma before its last three digits */
    STYLE_NAME,     /* filled with blanks behind; FM takes them away */
    STYLE_NOTHING,
    STYLE_REFUSED,
} PatternStyle;

/* Which other spellings of a pattern count. */
enum {
    LOWER = 1,   /* "month" beside "MONTH" */
    CAPITAL = 2, /* and "Month" */
};

typedef struct Pattern {
    const char *name;
    PatternStyle style;
    ToCharUnit unit;
    unsigned spellings;
    int width;
    int64_t (*number)(const CivilTime *time);
    int64_t modulo; /* 0: the whole number */
    const char *(*word)(const CivilTime *time);
    const char *reason; /* STYLE_REFUSED */
} Pattern;

typedef enum Spelling {
    SPELLING_UPPER,
    SPELLING_LOWER,
    SPELLING_CAPITAL,
} Spelling;

/* A pattern of the format, or a text. */
typedef struct Piece {
    const Pattern *pattern; /* NULL: text */
    Spelling spelling;
    bool fill_mode; /* FM */
    char ordinal;   /* 'T' for TH, 't' for th, or NUL */
    size_t at;      /* where the pattern begins */
    Text text;
} Piece;

typedef struct Scan {
    Text format;
    size_t at;
    bool quoted;
} Scan;

/* ---- numbers ---- */

static int64_t
year_day(const CivilTime *time)
{
    return clock_days(time->year, time->month, time->day) - clock_days(time->year, 1, 1) + 1;
}

/* 1 is Monday. */
static int64_t
iso_day(const CivilTime *time)
{
    /* the first day of 1970 was a Thursday */
    int64_t remainder = (clock_days(time->year, time->month, time->day) + 3) % 7;

    return (remainder < 0 ? remainder + 7 : remainder) + 1;
}

/* An ISO year has the weeks whose Thursdays are in the calendar year. */
static CivilTime
thursday_of(const CivilTime *time)
{
    CivilTime thursday = {0};

    clock_date(clock_days(time->year, time->month, time->day) + 4 - iso_day(time), &thursday.year,
        &thursday.month, &thursday.day);
    return thursday;
}

static int64_t
iso_year(const CivilTime *time)
{
    return thursday_of(time).year;
}

static int64_t
iso_week(const CivilTime *time)
{
    CivilTime thursday = thursday_of(time);

    return (year_day(&thursday) - 1) / 7 + 1;
}

static int64_t
iso_year_day(const CivilTime *time)
{
    return (iso_week(time) - 1) * 7 + iso_day(time);
}

static int64_t
century(const CivilTime *time)
{
    return (time->year + 99) / 100;
}

static int64_t
year(const CivilTime *time)
{
    return time->year;
}

static int64_t
quarter(const CivilTime *time)
{
    return (time->month + 2) / 3;
}

static int64_t
month(const CivilTime *time)
{
    return time->month;
}

static int64_t
year_week(const CivilTime *time)
{
    return (year_day(time) - 1) / 7 + 1;
}

static int64_t
month_week(const CivilTime *time)
{
    return (time->day - 1) / 7 + 1;
}

static int64_t
month_day(const CivilTime *time)
{
    return time->day;
}

/* 1 is Sunday. */
static int64_t
week_day(const CivilTime *time)
{
    return iso_day(time) % 7 + 1;
}

/* Days since November 24, 4714 BC. */
static int64_t
julian_day(const CivilTime *time)
{
    return clock_days(time->year, time->month, time->day) + 2440588;
}

static int64_t
hour(const CivilTime *time)
{
    return time->hour;
}

static int64_t
half_hour(const CivilTime *time)
{
    return (time->hour + 11) % 12 + 1;
}

static int64_t
minute(const CivilTime *time)
{
    return time->minute;
}

static int64_t
second(const CivilTime *time)
{
    return time->second;
}

static int64_t
day_second(const CivilTime *time)
{
    return ((int64_t)time->hour * 60 + time->minute) * 60 + time->second;
}

static int64_t
fraction_1(const CivilTime *time)
{
    return time->microsecond / 100000;
}

static int64_t
fraction_2(const CivilTime *time)
{
    return time->microsecond / 10000;
}

static int64_t
fraction_3(const CivilTime *time)
{
    return time->microsecond / 1000;
}

static int64_t
fraction_4(const CivilTime *time)
{
    return time->microsecond / 100;
}

static int64_t
fraction_5(const CivilTime *time)
{
    return time->microsecond / 10;
}

static int64_t
fraction_6(const CivilTime *time)
{
    return time->microsecond;
}

/* ---- words, in capitals ---- */

static const char *
era(const CivilTime *time)
{
    return time->year <= 0 ? "BC" : "AD";
}

static const char *
era_dots(const CivilTime *time)
{
    return time->year <= 0 ? "B.C." : "A.D.";
}

static const char *
half_day(const CivilTime *time)
{
    return time->hour >= 12 ? "PM" : "AM";
}

static const char *
half_day_dots(const CivilTime *time)
{
    return time->hour >= 12 ? "P.M." : "A.M.";
}

static const char *const months[] = {"JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY",
    "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"};
static const char *const short_months[] = {
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const roman_months[] = {
    "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"};
static const char *const days[] = {
    "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"};
static const char *const short_days[] = {"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"};

static const char *
month_name(const CivilTime *time)
{
    return months[time->month - 1];
}

static const char *
short_month(const CivilTime *time)
{
    return short_months[time->month - 1];
}

static const char *
roman_month(const CivilTime *time)
{
    return roman_months[time->month - 1];
}

static const char *
day_name(const CivilTime *time)
{
    return days[iso_day(time) - 1];
}

static const char *
short_day(const CivilTime *time)
{
    return short_days[iso_day(time) - 1];
}

/* ---- patterns ---- */

#define ZONE_REASON "depends on the time zone: it cannot be a part of a name"

/* clang-format off */
/* Of two that begin alike the longer one comes first. */
static const Pattern patterns[] = {
    {"A.D.", STYLE_NAME, TO_CHAR_NOTHING, LOWER, 0, NULL, 0, era_dots, NULL},
    {"A.M.", STYLE_NAME, TO_CHAR_HALF_DAY, LOWER, 0, NULL, 0, half_day_dots, NULL},
    {"AD", STYLE_NAME, TO_CHAR_NOTHING, LOWER, 0, NULL, 0, era, NULL},
    {"AM", STYLE_NAME, TO_CHAR_HALF_DAY, LOWER, 0, NULL, 0, half_day, NULL},
    {"B.C.", STYLE_NAME, TO_CHAR_NOTHING, LOWER, 0, NULL, 0, era_dots, NULL},
    {"BC", STYLE_NAME, TO_CHAR_NOTHING, LOWER, 0, NULL, 0, era, NULL},
    {"CC", STYLE_NUMBER, TO_CHAR_CENTURY, LOWER, 2, century, 0, NULL, NULL},
    {"DAY", STYLE_NAME, TO_CHAR_DAY, LOWER | CAPITAL, 9, NULL, 0, day_name, NULL},
    {"DDD", STYLE_NUMBER, TO_CHAR_DAY, LOWER, 3, year_day, 0, NULL, NULL},
    {"DD", STYLE_NUMBER, TO_CHAR_DAY, LOWER, 2, month_day, 0, NULL, NULL},
    {"DY", STYLE_NAME, TO_CHAR_DAY, LOWER | CAPITAL, 0, NULL, 0, short_day, NULL},
    {"D", STYLE_NUMBER, TO_CHAR_DAY, LOWER, 0, week_day, 0, NULL, NULL},
    {"FF1", STYLE_FRACTION, TO_CHAR_FRACTION, LOWER, 1, fraction_1, 0, NULL, NULL},
    {"FF2", STYLE_FRACTION, TO_CHAR_FRACTION, LOWER, 2, fraction_2, 0, NULL, NULL},
    {"FF3", STYLE_FRACTION, TO_CHAR_FRACTION, LOWER, 3, fraction_3, 0, NULL, NULL},
    {"FF4", STYLE_FRACTION, TO_CHAR_FRACTION, LOWER, 4, fraction_4, 0, NULL, NULL},
    {"FF5", STYLE_FRACTION, TO_CHAR_FRACTION, LOWER, 5, fraction_5, 0, NULL, NULL},
    {"FF6", STYLE_FRACTION, TO_CHAR_FRACTION, LOWER, 6, fraction_6, 0, NULL, NULL},
    {"FX", STYLE_NOTHING, TO_CHAR_NOTHING, LOWER, 0, NULL, 0, NULL, NULL},
    {"HH24", STYLE_NUMBER, TO_CHAR_HOUR, LOWER, 2, hour, 0, NULL, NULL},
    {"HH12", STYLE_NUMBER, TO_CHAR_HOUR, LOWER, 2, half_hour, 0, NULL, NULL},
    {"HH", STYLE_NUMBER, TO_CHAR_HOUR, LOWER, 2, half_hour, 0, NULL, NULL},
    {"IDDD", STYLE_NUMBER, TO_CHAR_DAY, LOWER, 3, iso_year_day, 0, NULL, NULL},
    {"ID", STYLE_NUMBER, TO_CHAR_DAY, LOWER, 0, iso_day, 0, NULL, NULL},
    {"IW", STYLE_NUMBER, TO_CHAR_WEEK, LOWER, 2, iso_week, 0, NULL, NULL},
    {"IYYY", STYLE_NUMBER, TO_CHAR_ISO_YEAR, LOWER, 4, iso_year, 0, NULL, NULL},
    {"IYY", STYLE_NUMBER, TO_CHAR_ISO_YEAR, LOWER, 3, iso_year, 1000, NULL, NULL},
    {"IY", STYLE_NUMBER, TO_CHAR_ISO_YEAR, LOWER, 2, iso_year, 100, NULL, NULL},
    {"I", STYLE_NUMBER, TO_CHAR_ISO_YEAR, LOWER, 1, iso_year, 10, NULL, NULL},
    {"J", STYLE_NUMBER, TO_CHAR_DAY, LOWER, 0, julian_day, 0, NULL, NULL},
    {"MI", STYLE_NUMBER, TO_CHAR_MINUTE, LOWER, 2, minute, 0, NULL, NULL},
    {"MM", STYLE_NUMBER, TO_CHAR_MONTH, LOWER, 2, month, 0, NULL, NULL},
    {"MONTH", STYLE_NAME, TO_CHAR_MONTH, LOWER | CAPITAL, 9, NULL, 0, month_name, NULL},
    {"MON", STYLE_NAME, TO_CHAR_MONTH, LOWER | CAPITAL, 0, NULL, 0, short_month, NULL},
    {"MS", STYLE_FRACTION, TO_CHAR_FRACTION, LOWER, 3, fraction_3, 0, NULL, NULL},
    {"OF", STYLE_REFUSED, TO_CHAR_NOTHING, LOWER, 0, NULL, 0, NULL, ZONE_REASON},
    {"P.M.", STYLE_NAME, TO_CHAR_HALF_DAY, LOWER, 0, NULL, 0, half_day_dots, NULL},
    {"PM", STYLE_NAME, TO_CHAR_HALF_DAY, LOWER, 0, NULL, 0, half_day, NULL},
    {"Q", STYLE_NUMBER, TO_CHAR_QUARTER, LOWER, 0, quarter, 0, NULL, NULL},
    {"RM", STYLE_NAME, TO_CHAR_MONTH, LOWER, 4, NULL, 0, roman_month, NULL},
    {"SSSSS", STYLE_NUMBER, TO_CHAR_SECOND, LOWER, 0, day_second, 0, NULL, NULL},
    {"SSSS", STYLE_NUMBER, TO_CHAR_SECOND, LOWER, 0, day_second, 0, NULL, NULL},
    {"SS", STYLE_NUMBER, TO_CHAR_SECOND, LOWER, 2, second, 0, NULL, NULL},
    {"TZH", STYLE_REFUSED, TO_CHAR_NOTHING, LOWER, 0, NULL, 0, NULL, ZONE_REASON},
    {"TZM", STYLE_REFUSED, TO_CHAR_NOTHING, LOWER, 0, NULL, 0, NULL, ZONE_REASON},
    {"TZ", STYLE_REFUSED, TO_CHAR_NOTHING, LOWER, 0, NULL, 0, NULL, ZONE_REASON},
    {"US", STYLE_FRACTION, TO_CHAR_FRACTION, LOWER, 6, fraction_6, 0, NULL, NULL},
    {"WW", STYLE_NUMBER, TO_CHAR_YEAR_WEEK, LOWER, 2, year_week, 0, NULL, NULL},
    {"W", STYLE_NUMBER, TO_CHAR_MONTH_WEEK, LOWER, 0, month_week, 0, NULL, NULL},
    {"Y,YYY", STYLE_COMMA, TO_CHAR_YEAR, LOWER, 0, year, 0, NULL, NULL},
    {"YYYY", STYLE_NUMBER, TO_CHAR_YEAR, LOWER, 4, year, 0, NULL, NULL},
    {"YYY", STYLE_NUMBER, TO_CHAR_YEAR, LOWER, 3, year, 1000, NULL, NULL},
    {"YY", STYLE_NUMBER, TO_CHAR_YEAR, LOWER, 2, year, 100, NULL, NULL},
    {"Y", STYLE_NUMBER, TO_CHAR_YEAR, LOWER, 1, year, 10, NULL, NULL},
};

static const Pattern locale_prefix = {"TM", STYLE_REFUSED, TO_CHAR_NOTHING, LOWER, 0, NULL, 0, NULL,
    "depends on the server's locale: it cannot be a part of a name"};
/* clang-format on */

/* ---- reading a format ---- */

static Text
rest_of(const Scan *scan)
{
    return (Text){scan->format.data + scan->at, scan->format.len - scan->at};
}

static char
spell(char c, size_t index, Spelling spelling)
{
    bool lower = spelling == SPELLING_LOWER || (spelling == SPELLING_CAPITAL && index > 0);

    if (!lower || c < 'A' || c > 'Z')
        return c;
    return "abcdefghijklmnopqrstuvwxyz"[c - 'A'];
}

static bool
begins_with(Text text, const char *name, Spelling spelling)
{
    for (size_t i = 0; name[i] != '\0'; i++) {
        if (i >= text.len || text.data[i] != spell(name[i], i, spelling))
            return false;
    }
    return true;
}

static bool
matches(Text text, const Pattern *pattern, Spelling *ret_spelling)
{
    static const unsigned needs[] = {0, LOWER, CAPITAL};

    for (unsigned i = 0; i < ARRAY_LEN(needs); i++) {
        if ((pattern->spellings & needs[i]) == needs[i] &&
            begins_with(text, pattern->name, (Spelling)i)) {
            *ret_spelling = (Spelling)i;
            return true;
        }
    }
    return false;
}

static void
take_suffix(Scan *scan, Piece *piece)
{
    Text rest = rest_of(scan);

    if (begins_with(rest, "TH", SPELLING_UPPER))
        piece->ordinal = 'T';
    else if (begins_with(rest, "TH", SPELLING_LOWER))
        piece->ordinal = 't';
    else if (!begins_with(rest, "SP", SPELLING_UPPER))
        return;
    scan->at += 2;
}

static bool
take_pattern(Scan *scan, Piece *piece)
{
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        if (!matches(rest_of(scan), &patterns[i], &piece->spelling))
            continue;
        piece->pattern = &patterns[i];
        piece->at = scan->at;
        scan->at += strlen(patterns[i].name);
        take_suffix(scan, piece);
        return true;
    }
    return false;
}

static void
take_character(Scan *scan, Piece *piece)
{
    piece->text = (Text){scan->format.data + scan->at, 1};
    scan->at++;
}

/* Between quotes a backslash takes the next character as it is. False at the closing quote. */
static bool
take_quoted(Scan *scan, Piece *piece)
{
    Text rest = rest_of(scan);

    if (rest.data[0] == '"') {
        scan->quoted = false;
        scan->at++;
        return false;
    }
    if (rest.data[0] == '\\' && rest.len > 1)
        scan->at++;
    take_character(scan, piece);
    return true;
}

/* Outside of them only before a quote. False at an opening quote. */
static bool
take_plain(Scan *scan, Piece *piece)
{
    Text rest = rest_of(scan);

    if (rest.data[0] == '"') {
        scan->quoted = true;
        scan->at++;
        return false;
    }
    if (rest.len > 1 && rest.data[0] == '\\' && rest.data[1] == '"')
        scan->at++;
    take_character(scan, piece);
    return true;
}

/* False at the end. */
static bool
next_piece(Scan *scan, Piece *ret_piece)
{
    while (scan->at < scan->format.len) {
        Piece *piece = ret_piece;
        Spelling ignored;

        *piece = (Piece){.text = TEXT_NONE};
        if (scan->quoted) {
            if (take_quoted(scan, piece))
                return true;
            continue;
        }
        if (matches(rest_of(scan), &locale_prefix, &ignored)) {
            *piece = (Piece){.pattern = &locale_prefix, .at = scan->at};
            scan->at += 2;
            return true;
        }
        if (begins_with(rest_of(scan), "FM", SPELLING_UPPER) ||
            begins_with(rest_of(scan), "FM", SPELLING_LOWER)) {
            piece->fill_mode = true;
            scan->at += 2;
        }
        if (scan->at < scan->format.len && (take_pattern(scan, piece) || take_plain(scan, piece)))
            return true;
    }
    return false;
}

/* ---- writing ---- */

static const char *
ordinal_of(int64_t number)
{
    static const char *const endings[] = {"TH", "ST", "ND", "RD"};

    if (number / 10 % 10 == 1 || number % 10 > 3 || number < 0)
        return endings[0];
    return endings[number % 10];
}

static void
add_ordinal(const Piece *piece, int64_t number, Buf *out)
{
    const char *ending = ordinal_of(number);

    if (piece->ordinal == '\0')
        return;
    for (size_t i = 0; ending[i] != '\0'; i++)
        buf_add_char(
            out, spell(ending[i], i, piece->ordinal == 'T' ? SPELLING_UPPER : SPELLING_LOWER));
}

static void
add_number(const Piece *piece, const CivilTime *time, Buf *out)
{
    const Pattern *pattern = piece->pattern;
    int64_t number = pattern->number(time);
    int width = piece->fill_mode && pattern->style == STYLE_NUMBER ? 0 : pattern->width;

    if (pattern->modulo > 0)
        number %= pattern->modulo;
    if (pattern->style == STYLE_COMMA)
        buf_addf(out, "%lld,%03lld", (long long)(number / 1000), (long long)(number % 1000));
    else
        buf_addf(out, "%0*lld", width, (long long)number);
    add_ordinal(piece, number, out);
}

static void
add_name(const Piece *piece, const CivilTime *time, Buf *out)
{
    const char *word = piece->pattern->word(time);
    size_t width = piece->fill_mode ? 0 : (size_t)piece->pattern->width;
    size_t len = strlen(word);

    for (size_t i = 0; i < len; i++)
        buf_add_char(out, spell(word[i], i, piece->spelling));
    for (; len < width; len++)
        buf_add_char(out, ' ');
}

void
to_char_add(Text format, const CivilTime *time, Buf *out)
{
    Scan scan = {.format = format};
    Piece piece;

    while (next_piece(&scan, &piece)) {
        if (piece.pattern == NULL)
            buf_add_text(out, piece.text);
        else if (piece.pattern->style == STYLE_NAME)
            add_name(&piece, time, out);
        else if (piece.pattern->number != NULL)
            add_number(&piece, time, out);
    }
}

/* ---- what a format shows ---- */

/* From 1, in characters of UTF-8. */
static size_t
character_number(Text format, size_t at)
{
    size_t number = 1;

    for (size_t i = 0; i < at; i++)
        number += ((unsigned char)format.data[i] & 0xc0) != 0x80 ? 1 : 0;
    return number;
}

bool
to_char_check(Text format, Buf *reason)
{
    Scan scan = {.format = format};
    Piece piece;

    while (next_piece(&scan, &piece)) {
        if (piece.pattern == NULL || piece.pattern->style != STYLE_REFUSED)
            continue;
        buf_addf(reason, TEXT_FMT " at character %zu %s",
            TEXT_ARG(((Text){format.data + piece.at, strlen(piece.pattern->name)})),
            character_number(format, piece.at), piece.pattern->reason);
        return false;
    }
    return true;
}

unsigned
to_char_units(Text format)
{
    Scan scan = {.format = format};
    Piece piece;
    unsigned units = 0;

    while (next_piece(&scan, &piece)) {
        if (piece.pattern != NULL && piece.pattern->unit != TO_CHAR_NOTHING)
            units |= BIT(piece.pattern->unit);
    }
    return units;
}

ToCharUnit
to_char_unit(Text format)
{
    unsigned units = to_char_units(format);
    ToCharUnit finest = TO_CHAR_NOTHING;

    for (unsigned unit = 0; unit < TO_CHAR_UNITS; unit++) {
        if ((units & BIT(unit)) != 0)
            finest = (ToCharUnit)unit;
    }
    return finest;
}

/* What a format tells for certain, to see whether it names a period only once. */
typedef struct Known {
    bool year;
    bool iso_year;
    bool month;
    bool iso_week;
    bool month_day;
    bool week_day;
    bool day;
    bool half_day;
    bool half_hour;
    bool hour;
    bool minute;
    bool second;
} Known;

static void
learn(const Pattern *pattern, Known *known)
{
    bool long_year = pattern->modulo != 10;

    known->year |= pattern->number == year && long_year;
    known->iso_year |= pattern->number == iso_year && long_year;
    known->month |= pattern->unit == TO_CHAR_MONTH;
    known->iso_week |= pattern->number == iso_week;
    known->month_day |= pattern->number == month_day;
    known->week_day |= pattern->number == week_day || pattern->number == iso_day ||
                       pattern->word == day_name || pattern->word == short_day;
    known->half_day |= pattern->unit == TO_CHAR_HALF_DAY;
    known->half_hour |= pattern->number == half_hour;
    known->hour |= pattern->number == hour || pattern->number == day_second;
    known->minute |= pattern->number == minute || pattern->number == day_second;
    known->second |= pattern->unit == TO_CHAR_SECOND;
}

static Known
known_of(Text format)
{
    Scan scan = {.format = format};
    Piece piece;
    Known known = {false};
    bool year_day_told = false;
    bool iso_day_told = false;
    bool julian_told = false;

    while (next_piece(&scan, &piece)) {
        if (piece.pattern == NULL)
            continue;
        learn(piece.pattern, &known);
        year_day_told |= piece.pattern->number == year_day;
        iso_day_told |= piece.pattern->number == iso_year_day;
        julian_told |= piece.pattern->number == julian_day;
    }
    known.day = julian_told ||
                (known.year && (year_day_told || (known.month && known.month_day))) ||
                (known.iso_year && (iso_day_told || (known.iso_week && known.week_day)));
    known.hour |= known.half_hour && known.half_day;
    return known;
}

static bool
is_known(const Known *known, ToCharUnit unit)
{
    switch (unit) {
    case TO_CHAR_YEAR:
    case TO_CHAR_QUARTER:
    case TO_CHAR_MONTH:
    case TO_CHAR_YEAR_WEEK:
        return known->year || known->day;
    case TO_CHAR_MONTH_WEEK:
        return (known->year && known->month) || known->day;
    case TO_CHAR_ISO_YEAR:
    case TO_CHAR_WEEK:
        return known->iso_year || known->day;
    case TO_CHAR_DAY:
    case TO_CHAR_HALF_DAY:
        return known->day;
    case TO_CHAR_HOUR:
        return known->day && known->hour;
    case TO_CHAR_MINUTE:
        return known->day && known->hour && known->minute;
    case TO_CHAR_SECOND:
    case TO_CHAR_FRACTION:
        return known->day && known->hour && known->minute && known->second;
    case TO_CHAR_NOTHING:
    case TO_CHAR_CENTURY:
    case TO_CHAR_UNITS:
        break;
    }
    return true;
}

bool
to_char_is_unique(Text format)
{
    const Known known = known_of(format);
    unsigned units = to_char_units(format);

    for (unsigned unit = 0; unit < TO_CHAR_UNITS; unit++) {
        if ((units & BIT(unit)) != 0 && !is_known(&known, (ToCharUnit)unit))
            return false;
    }
    return units != 0;
}
