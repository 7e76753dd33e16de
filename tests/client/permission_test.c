/* SPDX-License-Identifier: MIT
 *
 * A unix socket that is for others: the failure names who may use it, so that
 * nobody starts a second broker because of it. Root may use every socket, so
 * these give up being root while they connect.
 */
#include "client/sluice.h"

#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    NOBODY = 65534,
    UNKNOWN = 54321, /* neither a user nor a group has this number */
};

static char folder[] = "/tmp/sluice-XXXXXX";
static char path[64], address[80], sentence[512];

static int open_socket(void **state)
{
    (void)state;
    strcpy(strrchr(folder, '-'), "-XXXXXX");
    if (!mkdtemp(folder) || chmod(folder, 0755) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(address, sizeof address, "unix:%s", path);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(at.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 8) != 0)
        return -1;
    int *kept = malloc(sizeof *kept);
    *kept = fd;
    *state = kept;
    return 0;
}

static int close_socket(void **state)
{
    close(*(int *)*state);
    free(*state);
    unlink(path);
    return rmdir(folder);
}

static void need_root(void)
{
    if (geteuid() == 0)
        return;
    print_message("SKIP: only root can be another user\n");
    skip();
}

static void give(const char *name, uid_t user, gid_t group, mode_t mode)
{
    assert_int_equal(chown(name, user, group), 0);
    assert_int_equal(chmod(name, mode), 0);
}

/* Connects as the user nobody, who is also in `group`. */
static enum sluice_error connect_as_nobody(gid_t group)
{
    gid_t old[64];
    int count = getgroups(64, old);
    assert_true(count >= 0);
    assert_int_equal(setgroups(1, &group), 0);
    assert_int_equal(setegid(NOBODY), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    struct sluice *s = sluice_new();
    enum sluice_error error = sluice_connect(s, address, 1000);
    snprintf(sentence, sizeof sentence, "%s", sluice_error_detail(s));
    sluice_free(s);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(setegid(0), 0);
    assert_int_equal(setgroups((size_t)count, old), 0);
    return error;
}

static void check_sentence(const char *reason, const char *place)
{
    char expected[512];
    snprintf(expected, sizeof expected,
             "cannot connect to %s: Permission denied%s%s", address, reason,
             place);
    assert_string_equal(sentence, expected);
}

static void test_the_group_of_the_socket_is_named(void **state)
{
    (void)state;
    need_root();
    give(path, 0, 0, 0660);
    assert_int_equal(connect_as_nobody(NOBODY), SLUICE_DENIED);
    check_sentence(": you are not in group 'root' of ", path);
    give(path, 0, UNKNOWN, 0660);
    assert_int_equal(connect_as_nobody(NOBODY), SLUICE_DENIED);
    check_sentence(": you are not in group 54321 of ", path);
    assert_int_equal(connect_as_nobody(UNKNOWN), SLUICE_OK);
}

static void test_the_group_of_a_folder_is_named(void **state)
{
    (void)state;
    need_root();
    give(path, 0, 0, 0666);
    give(folder, 0, 0, 0750);
    assert_int_equal(connect_as_nobody(NOBODY), SLUICE_DENIED);
    check_sentence(": you are not in group 'root' of ", folder);
}

static void test_the_only_user_is_named(void **state)
{
    (void)state;
    need_root();
    give(path, 0, 0, 0600);
    assert_int_equal(connect_as_nobody(NOBODY), SLUICE_DENIED);
    check_sentence(": only user 'root' may use ", path);
    give(path, UNKNOWN, 0, 0600);
    assert_int_equal(connect_as_nobody(NOBODY), SLUICE_DENIED);
    check_sentence(": only user 54321 may use ", path);
}

static void test_what_is_not_known_is_not_said(void **state)
{
    (void)state;
    need_root();
    give(path, NOBODY, NOBODY, 0000); /* its own user */
    assert_int_equal(connect_as_nobody(NOBODY), SLUICE_DENIED);
    check_sentence("", "");
    give(path, 0, UNKNOWN, 0606); /* a group that is kept out */
    assert_int_equal(connect_as_nobody(UNKNOWN), SLUICE_DENIED);
    check_sentence(": only user 'root' may use ", path);
}

#define PERMISSION_TEST(test)                                                  \
    cmocka_unit_test_setup_teardown(test, open_socket, close_socket)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PERMISSION_TEST(test_the_group_of_the_socket_is_named),
        PERMISSION_TEST(test_the_group_of_a_folder_is_named),
        PERMISSION_TEST(test_the_only_user_is_named),
        PERMISSION_TEST(test_what_is_not_known_is_not_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
