/* SPDX-License-Identifier: MIT
 *
 * Whatever is in a users file: it is refused with sentences that name it, or
 * each user in it is found by its name and can be let in by something.
 */
#include "users/users_file.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mistakes.h"
#include "tests/fuzz/fuzz.h"
#include "users/users.h"

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
    if (fd < 0) {
        fd = memfd_create("users", 0);
        FUZZ_CHECK(fchmod(fd, 0600) == 0);
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    FUZZ_CHECK(ftruncate(fd, 0) == 0);
    FUZZ_CHECK(pwrite(fd, bytes, n, 0) == (ssize_t)n);
}

static void check_user(const struct users *u, const struct user *user)
{
    struct pattern all;
    FUZZ_CHECK(users_find(u, user->name) == user);
    FUZZ_CHECK(strlen(user->name) > 0 && strlen(user->name) < USER_NAME_BYTES);
    FUZZ_CHECK(!user->password || !secret_check_hash(user->password));
    FUZZ_CHECK(user->rights.publish.count <= RIGHTS_LINES_MAX);
    FUZZ_CHECK(pattern_read(&all, span_of("/**")));
    rights_may_subscribe(&user->rights, &all, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct mistakes mistakes = {.report = report};
    write_file(bytes, n);
    struct users *u = users_file_read(path, &mistakes);
    FUZZ_CHECK((u == NULL) == (mistakes.count > 0));
    for (size_t i = 0; u && i < users_count(u); i++)
        check_user(u, users_get(u, i));
    users_unref(u);
    return 0;
}
