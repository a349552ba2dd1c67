#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void fill(struct error *err, enum error_code code, const char *format, va_list args)
{
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, args);
}

int error_set(struct error *err, enum error_code code, const char *format, ...)
{
    if (!err)
        return -1;
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    return -1;
}

int error_set_errno(struct error *err, enum error_code code, const char *format, ...)
{
    int number = errno;
    if (!err)
        return -1;
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(number));
    error_judge_space(err, number);
    return -1;
}

void error_judge_space(struct error *err, int number)
{
    if (!err || (number != ENOSPC && number != EDQUOT))
        return;
    size_t used = strlen(err->text);
    err->code = ERROR_SPACE;
    snprintf(err->text + used, sizeof err->text - used, "; make room there, then the same command goes on");
}

int error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return -1;
    char rest[sizeof err->text];
    memcpy(rest, err->text, sizeof rest);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", rest);
    return -1;
}

int error_exit_code(enum error_code code)
{
    static const int exit_codes[] = {
#define X(name, exit_code, text) [name] = exit_code,
        ERROR_CODES(X)
#undef X
    };
    return (unsigned)code < ERROR_COUNT ? exit_codes[code] : 70;
}
