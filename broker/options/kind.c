/* SPDX-License-Identifier: MIT */
#include "broker/options/kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/base/log.h"
#include "broker/core/topic_policy.h"
#include "broker/options/door.h"
#include "common/address.h"
#include "common/mistakes.h"
#include "common/sentence.h"
#include "common/units.h"

static bool parse_mode(const char *text, uint64_t *value)
{
    size_t n = strspn(text, "01234567");
    if (n < 3 || n > 4 || text[n] != '\0')
        return false;
    *value = 0;
    for (; *text; text++)
        *value = *value * 8 + (uint64_t)(*text - '0');
    return true;
}

static void format_mode(uint64_t value, char *out)
{
    snprintf(out, KIND_NUMBER_BYTES, "%04" PRIo64, value);
}

static const char *word_of_level(uint64_t i)
{
    return log_level_names[i];
}

static const char *word_of_log_format(uint64_t i)
{
    return log_format_names[i];
}

/* enum tls_clients_word and enum tls_min_word. */

static const char *word_of_tls_clients(uint64_t i)
{
    static const char *const words[] = {"required", "optional", NULL};
    return words[i];
}

static const char *word_of_tls_min(uint64_t i)
{
    static const char *const words[] = {"1.2", "1.3", NULL};
    return words[i];
}

static const char *word_of_policy(uint64_t i)
{
    return i < topic_policy_count ? topic_policies[i].name : NULL;
}

static const char *word_of_yes_no(uint64_t i)
{
    static const char *const words[] = {"no", "yes", NULL};
    return words[i];
}

static bool is_address(const char *text)
{
    struct sluice_address address;
    return sluice_address_parse(text, SLUICE_DEFAULT_PORT, &address);
}

static bool is_door(const char *text)
{
    struct sentence why;
    struct door door;
    return door_parse(DOOR_LISTEN, text, &door, &why);
}

static void explain_door(const char *text, struct sentence *why)
{
    struct door door;
    (void)door_parse(DOOR_LISTEN, text, &door, why);
}

/* "off" would be looked up as a host, which may take long. */
static bool read_http_door(const char *text, struct sentence *why)
{
    struct door door;
    return door_parse(DOOR_HTTP, text, &door, why) &&
           (strcmp(door.address, "off") != 0 ||
            sentence_fail(why, "is not " DOOR_FORM));
}

static bool is_http_door(const char *text)
{
    struct sentence why;
    return read_http_door(text, &why);
}

static void explain_http_door(const char *text, struct sentence *why)
{
    (void)read_http_door(text, why);
}

static bool is_local(const char *text)
{
    return strcmp(text, "auto") == 0 || strcmp(text, "off") == 0 ||
           (strncmp(text, "unix:", 5) == 0 && is_address(text));
}

static bool is_endpoint(const char *text)
{
    const char *colon = strstr(text, "://");
    return colon && colon > text && colon[3] != '\0';
}

static bool is_not_empty(const char *text)
{
    return *text != '\0';
}

#define NUMBER(p, f) .parse = (p), .format = (f)

const struct kind kind_size = {"SIZE", UNITS_SIZE_FORM,
                               NUMBER(units_parse_size, units_format_size)};
const struct kind kind_duration = {
    "TIME", UNITS_DURATION_FORM,
    NUMBER(units_parse_duration_ms, units_format_duration_ms)};
const struct kind kind_count = {"N", UNITS_COUNT_FORM,
                                NUMBER(units_parse_count, units_format_count)};
const struct kind kind_mode = {"MODE", "a mode in octal such as 0660",
                               NUMBER(parse_mode, format_mode)};
const struct kind kind_level = {"LEVEL", "error, warning, info or debug",
                                .word = word_of_level};
const struct kind kind_log_format = {"FORMAT", "text or json",
                                     .word = word_of_log_format};
const struct kind kind_tls_clients = {"WORD", "required or optional",
                                      .word = word_of_tls_clients};
const struct kind kind_tls_min = {"VERSION", "1.2 or 1.3",
                                  .word = word_of_tls_min};
const struct kind kind_policy = {"POLICY",
                                 "wait, drop-newest, drop-oldest or disconnect",
                                 .word = word_of_policy};
const struct kind kind_yes_no = {"yes|no", "yes or no", .word = word_of_yes_no};
const struct kind kind_door = {"ADDR", DOOR_FORM, .accepts = is_door,
                               .explain = explain_door};
const struct kind kind_http_door = {"ADDR", DOOR_FORM, .accepts = is_http_door,
                                    .explain = explain_http_door};
const struct kind kind_local = {"ADDR", "auto, off or unix:PATH",
                                .accepts = is_local};
const struct kind kind_file = {"FILE", "the path of a file",
                               .accepts = is_not_empty};
const struct kind kind_folder = {"DIR", "the path of a folder",
                                 .accepts = is_not_empty};
const struct kind kind_endpoint = {
    "ENDPOINT", "an endpoint of ZeroMQ such as tcp://127.0.0.1:5555",
    .accepts = is_endpoint};
const struct kind kind_text = {"TEXT", "a text", .accepts = is_not_empty};
const struct kind kind_rule = {"RULE", "'PATTERN key=value ...'",
                               .accepts = is_not_empty};

static bool find_word(const struct kind *kind, const char *text,
                      uint64_t *value)
{
    const char *word;
    for (uint64_t i = 0; (word = kind->word(i)) != NULL; i++) {
        if (strcmp(text, word) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static bool kind_refuse(const struct kind *kind, const char *name,
                        const char *text, struct mistakes *m)
{
    /* A comment that was taken for a part of the value does not look wrong. */
    bool has_comment = m->line > 0 && strpbrk(text, "#;");
    struct sentence why;
    (void)sentence_fail(&why, "is not %s", kind->form);
    if (kind->explain)
        kind->explain(text, &why);
    return mistakes_add(
        m, "%s: '%s' %s%s", name, text, why.text,
        has_comment ? "; a comment behind a value begins with ' ;'" : "");
}

bool kind_read(const struct kind *kind, const char *name, const char *text,
               uint64_t min, uint64_t max, uint64_t *value, struct mistakes *m)
{
    uint64_t read = min;
    bool is_good = kind->accepts ? kind->accepts(text)
                   : kind->word  ? find_word(kind, text, &read)
                                 : kind->parse(text, &read);
    if (!is_good)
        return kind_refuse(kind, name, text, m);
    if (kind->parse && (read < min || read > max)) {
        char range[KIND_RANGE_BYTES];
        kind_range(kind, min, max, range);
        return mistakes_add(m, "%s: %s is out of range: %s", name, text, range);
    }
    if (!kind->accepts)
        *value = read;
    return true;
}

void kind_write(const struct kind *kind, uint64_t value,
                char out[KIND_NUMBER_BYTES])
{
    if (kind->word)
        snprintf(out, KIND_NUMBER_BYTES, "%s", kind->word(value));
    else
        kind->format(value, out);
}

void kind_range(const struct kind *kind, uint64_t min, uint64_t max,
                char out[KIND_RANGE_BYTES])
{
    char from[KIND_NUMBER_BYTES], to[KIND_NUMBER_BYTES];
    kind->format(min, from);
    kind->format(max, to);
    snprintf(out, KIND_RANGE_BYTES, "from %s to %s", from, to);
}
