/*
 * timestamp.h
 *	  The three forms in which AWS writes a point in time.
 */
#ifndef AWS_TIMESTAMP_H
#define AWS_TIMESTAMP_H

#include "aws/buffer.h"
#include "aws/model.h"

/*
 * Reads ISO 8601 ("2020-01-31T12:00:00.5+01:00", a date alone too), HTTP's
 * form ("Tue, 29 Apr 2014 18:30:38 GMT") or seconds since 1970 ("1398796238.5",
 * "1.39E9") into seconds since 1970 and nanoseconds (0 to 999999999).  False
 * when it is none of them or lies outside the years 0 to 9999.
 */
extern bool aws_timestamp_parse(const char *text, size_t len, int64_t *seconds, int *nanos);

/*
 * Appends what aws_timestamp_parse gave.  AWS_TIME_ISO8601 and AWS_TIME_EPOCH
 * keep a fraction, the former in 3, 6 or 9 digits; AWS_TIME_RFC822 has none.
 */
extern void aws_timestamp_write(AwsBuffer *buffer, int64_t seconds, int nanos, AwsTimeFormat format);

#endif /* AWS_TIMESTAMP_H */
