/* SPDX-License-Identifier: MIT
 *
 * A broker and its clients agree on where a local socket lies, and trust no
 * folder that somebody else may have made.
 */
#include "common/local_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sentence.h"
#include "tests/unit/unit.h"

/* A folder for the service, which is missing at first, and two of the user. */
struct ground {
    char root[32];
    struct local_places places;
    struct local_path path;
    struct sentence why;
};

enum { SERVICE, SESSION, TEMPORARY };

static int begin(void **state)
{
    static struct ground g;
    static const char *const names[] = {"service", "session", "temporary"};
    g = (struct ground){.places.count = LOCAL_PLACES_MAX};
    strcpy(g.root, "/tmp/local-place-XXXXXX");
    assert_non_null(mkdtemp(g.root));
    for (size_t i = 0; i < LOCAL_PLACES_MAX; i++) {
        struct local_place *place = &g.places.all[i];
        snprintf(place->folder, sizeof place->folder, "%s/%s", g.root,
                 names[i]);
        place->is_own = i != SERVICE;
    }
    *state = &g;
    return 0;
}

static int end(void **state)
{
    struct ground *g = *state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", g->root);
    return system(command);
}

static const char *folder(const struct ground *g, size_t i)
{
    return g->places.all[i].folder;
}

static bool choose(struct ground *g, const char *address)
{
    return local_place_choose(&g->places, address, "control", &g->path,
                              &g->why);
}

static enum local_place_found find(struct ground *g, const char *server)
{
    g->path.text[0] = '\0';
    return local_place_find(&g->places, server, "control", &g->path, &g->why);
}

static void assert_path(const struct ground *g, size_t i, const char *file)
{
    char expected[2 * LOCAL_PATH_BYTES];
    snprintf(expected, sizeof expected, "%s/%s", folder(g, i), file);
    assert_string_equal(g->path.text, expected);
}

/* A listening socket at the path chosen. */
static int listen_there(const struct ground *g)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(at.sun_path, g->path.text, sizeof at.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void test_the_first_folder_that_can_be_written_is_chosen(void **state)
{
    struct ground *g = *state;
    assert_true(choose(g, "127.0.0.1:25000"));
    assert_path(g, SESSION, "25000.control");
    assert_int_equal(mkdir(folder(g, SERVICE), 0755), 0);
    assert_true(choose(g, "[::]:7"));
    assert_path(g, SERVICE, "7.control");
}

static void test_a_folder_of_the_user_is_made_for_the_user_alone(void **state)
{
    struct ground *g = *state;
    struct stat st;
    mode_t mask = umask(0);
    assert_true(choose(g, "127.0.0.1:25000"));
    umask(mask);
    assert_int_equal(lstat(folder(g, SESSION), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_a_folder_that_others_may_enter_is_not_used(void **state)
{
    struct ground *g = *state;
    assert_int_equal(mkdir(folder(g, SESSION), 0700), 0);
    assert_int_equal(chmod(folder(g, SESSION), 0710), 0);
    assert_true(choose(g, "127.0.0.1:25000"));
    assert_path(g, TEMPORARY, "25000.control");
}

static void test_a_folder_of_another_user_is_not_used(void **state)
{
    struct ground *g = *state;
    if (geteuid() != 0) {
        print_message("SKIP: only root can be another user\n");
        skip();
    }
    assert_int_equal(mkdir(folder(g, SESSION), 0700), 0);
    assert_int_equal(chown(folder(g, SESSION), 12345, 12345), 0);
    assert_true(choose(g, "127.0.0.1:25000"));
    assert_path(g, TEMPORARY, "25000.control");
}

static void test_a_symbolic_link_is_not_used(void **state)
{
    struct ground *g = *state;
    char target[64];
    snprintf(target, sizeof target, "%s/target", g->root);
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, folder(g, SESSION)), 0);
    assert_int_equal(symlink(target, folder(g, TEMPORARY)), 0);
    assert_false(choose(g, "127.0.0.1:25000"));
    assert_non_null(strstr(g->why.text, folder(g, SERVICE)));
    assert_non_null(strstr(g->why.text, folder(g, TEMPORARY)));
}

static void test_a_unix_address_has_its_sockets_beside_it(void **state)
{
    struct ground *g = *state;
    assert_true(choose(g, "unix:/run/x.sock"));
    assert_string_equal(g->path.text, "/run/x.sock.control");
}

static void test_a_path_too_long_for_a_socket_is_not_cut(void **state)
{
    struct ground *g = *state;
    char address[6 + LOCAL_PATH_BYTES] = "unix:/";
    memset(address + 6, 'a', LOCAL_PATH_BYTES - 8);
    assert_false(choose(g, address));
    assert_non_null(strstr(g->why.text, "too long"));
    /* A folder in which the file's name does not fit is passed over. */
    size_t n = strlen(folder(g, SESSION));
    char *name = g->places.all[SESSION].folder;
    memset(name + n, 'a', LOCAL_PATH_BYTES - 1 - n);
    name[LOCAL_PATH_BYTES - 1] = '\0';
    assert_true(choose(g, "127.0.0.1:25000"));
    assert_path(g, TEMPORARY, "25000.control");
}

static void test_a_client_finds_what_the_broker_chose(void **state)
{
    static const char *const servers[] = {"127.0.0.1:25000", "localhost",
                                          "[::1]:25000", "127.8.8.8"};
    struct ground *g = *state;
    assert_true(choose(g, "127.0.0.1:25000"));
    int fd = listen_there(g);
    for (size_t i = 0; i < UNIT_COUNT(servers); i++) {
        assert_int_equal(find(g, servers[i]), LOCAL_FOUND);
        assert_path(g, SESSION, "25000.control");
    }
    assert_int_equal(find(g, "127.0.0.1:25001"), LOCAL_ABSENT);
    close(fd);
}

static void test_a_client_finds_the_socket_beside_a_unix_socket(void **state)
{
    struct ground *g = *state;
    char address[64];
    snprintf(address, sizeof address, "unix:%s/x", g->root);
    assert_int_equal(find(g, address), LOCAL_ABSENT);
    assert_true(choose(g, address));
    int fd = listen_there(g);
    assert_int_equal(find(g, address), LOCAL_FOUND);
    close(fd);
}

static void test_the_file_of_a_killed_broker_is_not_found(void **state)
{
    struct ground *g = *state;
    assert_true(choose(g, "127.0.0.1:25000"));
    close(listen_there(g)); /* the file stays */
    assert_int_equal(find(g, "127.0.0.1:25000"), LOCAL_ABSENT);
    assert_non_null(strstr(g->why.text, "25000.control"));
    assert_non_null(strstr(g->why.text, folder(g, TEMPORARY)));
}

static void test_a_client_trusts_no_folder_that_others_may_write(void **state)
{
    struct ground *g = *state;
    assert_true(choose(g, "127.0.0.1:25000"));
    int fd = listen_there(g);
    assert_int_equal(chmod(folder(g, SESSION), 0777), 0);
    assert_int_equal(find(g, "127.0.0.1:25000"), LOCAL_ABSENT);
    close(fd);
}

static void test_a_broker_on_another_machine_has_no_local_socket(void **state)
{
    struct ground *g = *state;
    assert_int_equal(find(g, "192.0.2.1:25000"), LOCAL_ELSEWHERE);
    assert_int_equal(find(g, "broker.example.org"), LOCAL_ELSEWHERE);
    assert_int_equal(find(g, "25000"), LOCAL_ELSEWHERE);
    assert_non_null(strstr(g->why.text, "'25000'"));
}

static void test_the_folders_are_of_service_session_and_user(void **state)
{
    struct local_places places;
    char temporary[32];
    (void)state;
    snprintf(temporary, sizeof temporary, "/tmp/sluice-%u",
             (unsigned)geteuid());
    setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
    local_places_init(&places);
    assert_int_equal(places.count, 3);
    assert_string_equal(places.all[0].folder, "/run/sluice");
    assert_false(places.all[0].is_own);
    assert_string_equal(places.all[1].folder, "/run/user/7/sluice");
    assert_true(places.all[1].is_own);
    assert_string_equal(places.all[2].folder, temporary);
    assert_true(places.all[2].is_own);
    unsetenv("XDG_RUNTIME_DIR");
    local_places_init(&places);
    assert_int_equal(places.count, 2);
}

#define PLACE_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_the_first_folder_that_can_be_written_is_chosen),
        PLACE_TEST(test_a_folder_of_the_user_is_made_for_the_user_alone),
        PLACE_TEST(test_a_folder_that_others_may_enter_is_not_used),
        PLACE_TEST(test_a_folder_of_another_user_is_not_used),
        PLACE_TEST(test_a_symbolic_link_is_not_used),
        PLACE_TEST(test_a_unix_address_has_its_sockets_beside_it),
        PLACE_TEST(test_a_path_too_long_for_a_socket_is_not_cut),
        PLACE_TEST(test_a_client_finds_what_the_broker_chose),
        PLACE_TEST(test_a_client_finds_the_socket_beside_a_unix_socket),
        PLACE_TEST(test_the_file_of_a_killed_broker_is_not_found),
        PLACE_TEST(test_a_client_trusts_no_folder_that_others_may_write),
        PLACE_TEST(test_a_broker_on_another_machine_has_no_local_socket),
        cmocka_unit_test(test_the_folders_are_of_service_session_and_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
