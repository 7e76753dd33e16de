/* SPDX-License-Identifier: MIT
 *
 * What may be subscribed to is what the lines match, name by name; and a line
 * allows itself.
 *
 *     input   a name and a pattern, then lines: each its length (1 byte) and
 *             text
 */
#include "users/rights.h"

#include "tests/fuzz/fuzz.h"

static bool matches_some(const struct rights_lines *lines,
                         const struct pattern_name *name)
{
    for (size_t i = 0; i < lines->count; i++)
        if (pattern_matches_name(&lines->rows[i]->pattern, name))
            return true;
    return false;
}

static bool read_pattern(struct script *script, struct pattern *p)
{
    size_t n;
    const uint8_t *text = script_bytes(script, script_byte(script), &n);
    char *exact = (char *)fuzz_copy(text, n);
    bool is_pattern = pattern_read(p, (struct span){exact, (uint32_t)n});
    free(exact);
    return is_pattern;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct script script = {bytes, n};
    struct rights_line read[RIGHTS_LINES_MAX];
    const struct rights_line *rows[RIGHTS_LINES_MAX];
    struct rights rights = {.subscribe = {0, rows}, .publish = {0, rows}};
    struct rights_lines *lines = &rights.subscribe;
    struct pattern_name cut;
    struct pattern p;
    size_t length;
    const uint8_t *name = script_bytes(&script, script_byte(&script), &length);
    if (!read_pattern(&script, &p))
        return 0;
    for (size_t i = 0; i < RIGHTS_LINES_MAX; i++)
        rows[i] = &read[i];
    while (script.left > 0 && lines->count < RIGHTS_LINES_MAX - 1)
        lines->count += read_pattern(&script, &read[lines->count].pattern);
    rights.publish.count = lines->count;
    pattern_cut(&cut, name, length);
    bool is_sink = length == 5 && memcmp(name, CHANNEL_NAME_NULL, 5) == 0;
    rights_set by;
    bool allowed = rights_may_subscribe(&rights, &p, &by);
    FUZZ_CHECK(lines->count > 0 || by == 0);
    FUZZ_CHECK(by >> lines->count == 0);
    if (allowed && length > 0 && !is_sink && pattern_matches_name(&p, &cut))
        FUZZ_CHECK(matches_some(lines, &cut));
    FUZZ_CHECK(rights_may_publish(&rights, name, length, NULL) ==
               (is_sink || matches_some(lines, &cut)));
    read[lines->count++].pattern = p;
    FUZZ_CHECK(rights_may_subscribe(&rights, &p, NULL));
    return 0;
}
