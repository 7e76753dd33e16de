/* SPDX-License-Identifier: MIT
 *
 * Whatever is in a configuration file: it is refused with sentences that name
 * it, or it sets values that are within their bounds.
 */
#include "broker/options/file.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker/options/help.h"
#include "broker/options/option_table.h"
#include "broker/options/options.h"
#include "common/mistakes.h"
#include "tests/fuzz/fuzz.h"

static char path[32];

static void report(void *arg, const char *sentence)
{
    (void)arg;
    FUZZ_CHECK(strncmp(sentence, path, strlen(path)) == 0);
}

/* The same file every time, of just these bytes. */
static void write_file(const uint8_t *bytes, size_t n)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("config", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    FUZZ_CHECK(ftruncate(fd, 0) == 0);
    FUZZ_CHECK(pwrite(fd, bytes, n, 0) == (ssize_t)n);
}

static void check_values(const struct options *o)
{
    FILE *out = fopen("/dev/null", "w");
    FUZZ_CHECK(out);
    help_values(o, path, out);
    fclose(out);
    for (const struct option *row = option_table; row->name; row++) {
        struct option_value value;
        if (row->max == 0)
            continue;
        memcpy(&value, (const char *)o + row->offset, sizeof value);
        FUZZ_CHECK(value.number >= row->min && value.number <= row->max);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct mistakes mistakes = {.report = report};
    struct options *o = malloc(sizeof *o);
    FUZZ_CHECK(o);
    write_file(bytes, n);
    options_init(o);
    bool ok = file_read(path, o, &mistakes);
    FUZZ_CHECK(ok == (mistakes.count == 0));
    if (ok) {
        FUZZ_CHECK(options_finish(o, &mistakes));
        check_values(o);
    }
    options_fini(o);
    free(o);
    return 0;
}
