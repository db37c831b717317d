/*
 * timestamp.c
 *	  Reading and writing points in time.
 *
 * The formats are Smithy's timestampFormat trait ("date-time", "http-date",
 * "epoch-seconds").  Readers are lenient where services are: RFC 7231 dates
 * with a fraction, ISO 8601 without seconds or zone (UTC then), seconds with
 * an exponent.  Arithmetic is exact, never in floating point.
 */
#include "aws/timestamp.h"

#include <strings.h>
#include <time.h>

/* 0000-01-01 and the last second of 9999 */
#define SECONDS_MIN INT64_C(-62167219200)
#define SECONDS_MAX INT64_C(253402300799)

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekdays[] = "SunMonTueWedThuFriSat";

/* What is left to read. */
typedef struct Scan
{
	const char *p;
	const char *end;
} Scan;

static bool
scan_char(Scan *scan, char c)
{
	if (scan->p == scan->end || *scan->p != c)
		return false;
	scan->p++;
	return true;
}

/* Between 'min' and 'max' digits. */
static bool
scan_number(Scan *scan, int min, int max, int *value)
{
	int n = 0;

	for (*value = 0; n < max && scan->p < scan->end && *scan->p >= '0' && *scan->p <= '9'; n++)
		*value = *value * 10 + (*scan->p++ - '0');
	return n >= min;
}

/* A pattern such as "4-2-2": a digit stands for a number of so many digits, anything else for itself. */
static bool
scan_fields(Scan *scan, const char *pattern, int *fields)
{
	for (; *pattern != '\0'; pattern++)
		if (*pattern >= '1' && *pattern <= '9' ? !scan_number(scan, *pattern - '0', *pattern - '0', fields++)
											   : !scan_char(scan, *pattern))
			return false;
	return true;
}

/* An optional ".digits" as nanoseconds; further digits are cut off. */
static void
scan_fraction(Scan *scan, int *nanos)
{
	int unit = 100000000;

	*nanos = 0;
	if (!scan_char(scan, '.'))
		return;
	for (; scan->p < scan->end && *scan->p >= '0' && *scan->p <= '9'; unit /= 10)
		*nanos += (*scan->p++ - '0') * unit;
}

/* "Z", "GMT", "+01:00", "+0100" or nothing, in seconds east of UTC. */
static bool
scan_zone(Scan *scan, int *offset)
{
	int hours, minutes;
	bool west;

	*offset = 0;
	if (scan->p == scan->end || scan_char(scan, 'Z') || scan_char(scan, 'z'))
		return true;
	if (scan->end - scan->p >= 3 && (strncmp(scan->p, "GMT", 3) == 0 || strncmp(scan->p, "UTC", 3) == 0))
	{
		scan->p += 3;
		return true;
	}
	west = *scan->p == '-';
	if (!scan_char(scan, '-') && !scan_char(scan, '+'))
		return false;
	if (!scan_number(scan, 2, 2, &hours))
		return false;
	scan_char(scan, ':');
	if (!scan_number(scan, 2, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*offset = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
	return true;
}

/* Seconds since 1970 of year, month (from 1), day, hour, minute, second; false if there is no such time. */
static bool
combine(const int *fields, int offset, int64_t *seconds)
{
	struct tm tm = {.tm_year = fields[0] - 1900, .tm_mon = fields[1] - 1, .tm_mday = fields[2]};

	*seconds = timegm(&tm) + fields[3] * 3600 + fields[4] * 60 + fields[5] - offset;
	/* timegm takes 30 February for 1 or 2 March; 60 is a leap second, which is the next minute's first for us */
	return tm.tm_mon == fields[1] - 1 && tm.tm_mday == fields[2] && fields[3] <= 23 && fields[4] <= 59 &&
		   fields[5] <= 60 && *seconds >= SECONDS_MIN && *seconds <= SECONDS_MAX;
}

static bool
parse_iso8601(Scan scan, int64_t *seconds, int *nanos)
{
	int fields[6] = {0};
	int offset = 0;

	*nanos = 0;
	if (!scan_fields(&scan, "4-2-2", fields))
		return false;
	if (scan_char(&scan, 'T') || scan_char(&scan, 't') || scan_char(&scan, ' '))
	{
		if (!scan_fields(&scan, "2:2", fields + 3) || (scan_char(&scan, ':') && !scan_fields(&scan, "2", fields + 5)))
			return false;
		scan_fraction(&scan, nanos);
		if (!scan_zone(&scan, &offset))
			return false;
	}
	return scan.p == scan.end && combine(fields, offset, seconds);
}

/* "Tue, 29 Apr 2014 18:30:38 GMT"; the weekday is not checked */
static bool
parse_http(Scan scan, int64_t *seconds, int *nanos)
{
	int fields[6] = {0};
	int month = 0, offset;

	if (scan.end - scan.p < 5 || scan.p[3] != ',' || scan.p[4] != ' ')
		return false;
	scan.p += 5;
	if (!scan_number(&scan, 1, 2, &fields[2]) || !scan_char(&scan, ' ') || scan.end - scan.p < 4)
		return false;
	while (month < 12 && strncasecmp(scan.p, months + 3 * month, 3) != 0)
		month++;
	scan.p += 3;
	if (!scan_fields(&scan, " 4", fields) || !scan_fields(&scan, " 2:2:2", fields + 3))
		return false;
	fields[1] = month + 1;
	scan_fraction(&scan, nanos);
	scan_char(&scan, ' ');
	return scan_zone(&scan, &offset) && scan.p == scan.end && combine(fields, offset, seconds);
}

/* A decimal number, its point moved by the exponent and then cut in two. */
static bool
parse_epoch(Scan scan, int64_t *seconds, int *nanos)
{
	char digits[64];
	int count = 0, point = -1, exponent = 0;
	bool negative = scan_char(&scan, '-');

	for (; scan.p < scan.end && ((*scan.p >= '0' && *scan.p <= '9') || (*scan.p == '.' && point < 0)); scan.p++)
	{
		if (*scan.p == '.')
			point = count;
		else if (count == sizeof(digits))
			return false;
		else
			digits[count++] = *scan.p;
	}
	if (count == 0)
		return false;
	if (point < 0)
		point = count;
	if (scan_char(&scan, 'e') || scan_char(&scan, 'E'))
	{
		bool down = scan_char(&scan, '-');

		if (!down)
			scan_char(&scan, '+');
		if (!scan_number(&scan, 1, 3, &exponent))
			return false;
		point += down ? -exponent : exponent;
	}
	if (scan.p != scan.end)
		return false;

	*seconds = 0;
	*nanos = 0;
	for (int i = 0; i < point; i++)
	{
		*seconds = *seconds * 10 + (i < count ? digits[i] - '0' : 0);
		if (*seconds > SECONDS_MAX)
			return false;
	}
	for (int i = point; i < point + 9; i++)
		*nanos = *nanos * 10 + (i >= 0 && i < count ? digits[i] - '0' : 0);
	if (negative)
	{
		*seconds = -*seconds - (*nanos > 0 ? 1 : 0);
		*nanos = *nanos > 0 ? 1000000000 - *nanos : 0;
	}
	return *seconds >= SECONDS_MIN;
}

bool
aws_timestamp_parse(const char *text, size_t len, int64_t *seconds, int *nanos)
{
	Scan scan = {text, text + len};

	return parse_iso8601(scan, seconds, nanos) || parse_http(scan, seconds, nanos) || parse_epoch(scan, seconds, nanos);
}

void
aws_timestamp_write(AwsBuffer *buffer, int64_t seconds, int nanos, AwsTimeFormat format)
{
	time_t time = (time_t) seconds;
	struct tm tm;

	if (format == AWS_TIME_EPOCH)
	{
		/* -0.5 is the second -1 and half a second */
		if (seconds < 0 && nanos > 0)
		{
			seconds++;
			nanos = 1000000000 - nanos;
			if (seconds == 0)
				aws_buffer_char(buffer, '-');
		}
		aws_buffer_format(buffer, "%lld", (long long) seconds);
		if (nanos > 0)
		{
			aws_buffer_format(buffer, ".%09d", nanos);
			while (!buffer->failed && buffer->data[buffer->len - 1] == '0')
				aws_buffer_cut(buffer, buffer->len - 1);
		}
		return;
	}

	gmtime_r(&time, &tm);
	if (format == AWS_TIME_RFC822)
	{
		aws_buffer_format(buffer, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", weekdays + 3 * tm.tm_wday, tm.tm_mday,
						  months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
		return;
	}
	aws_buffer_format(buffer, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
					  tm.tm_min, tm.tm_sec);
	if (nanos % 1000 != 0)
		aws_buffer_format(buffer, ".%09d", nanos);
	else if (nanos % 1000000 != 0)
		aws_buffer_format(buffer, ".%06d", nanos / 1000);
	else if (nanos != 0)
		aws_buffer_format(buffer, ".%03d", nanos / 1000000);
	aws_buffer_char(buffer, 'Z');
}
