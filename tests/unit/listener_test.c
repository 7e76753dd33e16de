/* SPDX-License-Identifier: MIT
 *
 * A listener opens its address or says in one sentence why not, replaces no
 * file but a socket that no process answers, and never spins.
 */
#include "broker/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/net/reactor.h"
#include "common/address.h"
#include "common/sentence.h"
#include "tests/unit/sockets.h"
#include "tests/unit/unit.h"

struct fixture {
    struct reactor *reactor;
    struct listener *list;
    struct sentence why;
    char folder[32], path[64], text[80]; /* of a unix socket */
    int accepted, unix_accepted, errors, last_error;
};

static struct fixture f;

static void on_accept(void *owner, int fd, const struct sockaddr *peer,
                      socklen_t length)
{
    assert_ptr_equal(owner, &f);
    assert_true(peer->sa_family == AF_INET || peer->sa_family == AF_UNIX);
    assert_true(length >= sizeof(sa_family_t));
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    f.accepted++;
    f.unix_accepted += peer->sa_family == AF_UNIX;
    reactor_stop(f.reactor);
}

static void on_error(void *owner, int err)
{
    assert_ptr_equal(owner, &f);
    f.last_error = err;
    f.errors++;
    reactor_stop(f.reactor);
}

static const struct listener_events events = {on_accept, on_error};

static int open_fixture(void **state)
{
    (void)state;
    f = (struct fixture){.folder = "/tmp/sluice-XXXXXX"};
    f.reactor = reactor_new();
    if (!f.reactor || !mkdtemp(f.folder))
        return -1;
    snprintf(f.path, sizeof f.path, "%s/socket", f.folder);
    snprintf(f.text, sizeof f.text, "unix:%s", f.path);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    while (f.list)
        f.list = listener_close(f.list);
    reactor_free(f.reactor);
    unlink(f.path);
    return rmdir(f.folder);
}

static bool open_at(const char *text)
{
    return listener_open(f.reactor, text, "25000", &events, &f, &f.list,
                         &f.why);
}

static bool no_more(void *arg)
{
    (void)arg;
    return false;
}

static void run(void)
{
    reactor_run(f.reactor, no_more, NULL);
}

static void check_error(const char *part)
{
    if (!strstr(f.why.text, part))
        fail_msg("'%s' is not in: %s", part, f.why.text);
    assert_null(strchr(f.why.text, '\n'));
}

static int connect_tcp(const char *text)
{
    int port = atoi(strrchr(text, ':') + 1);
    struct sockaddr_in sin = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof sin), 0);
    return fd;
}

static int open_unix(int (*how)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(sun.sun_path, f.path, strlen(f.path) + 1);
    assert_int_equal(how(fd, (struct sockaddr *)&sun, sizeof sun), 0);
    return fd;
}

static void test_port_0_becomes_a_real_one(void **state)
{
    (void)state;
    assert_true(open_at("127.0.0.1:0"));
    assert_true(open_at("127.0.0.1:0"));
    for (struct listener *l = f.list; l; l = listener_next(l)) {
        const char *text = listener_address(l);
        assert_memory_equal(text, "127.0.0.1:", 10);
        assert_true(atoi(text + 10) > 0);
        int fd = connect_tcp(text);
        run();
        close(fd);
    }
    assert_int_equal(f.accepted, 2);
}

static void test_address_in_use_is_told(void **state)
{
    (void)state;
    char text[SLUICE_ADDRESS_TEXT_BYTES];
    assert_true(open_at("127.0.0.1:0"));
    snprintf(text, sizeof text, "%s", listener_address(f.list));
    struct listener *first = f.list;
    assert_false(open_at(text));
    check_error(text);
    check_error("in use");
    assert_ptr_equal(f.list, first);
    assert_null(listener_next(first));
}

static void test_bad_address_is_a_usage_error(void **state)
{
    (void)state;
    assert_false(open_at("25000"));
    check_error("'25000'");
    check_error(SLUICE_ADDRESS_FORM);
    assert_null(f.list);
}

static void test_unix_socket_serves_and_its_file_goes(void **state)
{
    (void)state;
    struct stat st;
    assert_true(open_at(f.text));
    assert_string_equal(listener_address(f.list), f.text);
    int fd = open_unix(connect);
    run();
    assert_int_equal(f.accepted, 1);
    close(fd);
    f.list = listener_close(f.list);
    assert_int_equal(stat(f.path, &st), -1);
    assert_int_equal(errno, ENOENT);
}

static void test_stale_socket_file_is_replaced(void **state)
{
    (void)state;
    close(open_unix(bind)); /* as a killed broker leaves it */
    assert_true(open_at(f.text));
    int fd = open_unix(connect);
    run();
    assert_int_equal(f.accepted, 1);
    close(fd);
}

static void test_live_socket_is_left_alone(void **state)
{
    (void)state;
    assert_true(open_at(f.text));
    assert_false(open_at(f.text));
    check_error(f.path);
    sockets_turns(f.reactor, 3); /* the check for life was a connection */
    f.accepted = 0;
    int fd = open_unix(connect);
    run();
    assert_int_equal(f.accepted, 1);
    close(fd);
}

static void test_other_files_are_left_alone(void **state)
{
    (void)state;
    struct stat st;
    int fd = open(f.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "dear", 4), 4);
    close(fd);
    assert_false(open_at(f.text));
    assert_int_equal(stat(f.path, &st), 0);
    assert_int_equal(st.st_size, 4);
}

static void test_too_long_path_is_told(void **state)
{
    (void)state;
    char text[200] = "unix:/tmp/";
    memset(text + strlen(text), 'p', 150);
    assert_false(open_at(text));
    check_error("too long");
}

static void test_paused_listener_lets_wait(void **state)
{
    (void)state;
    assert_true(open_at("127.0.0.1:0"));
    listener_pause(f.list);
    listener_pause(f.list);
    int fd = connect_tcp(listener_address(f.list));
    sockets_turns(f.reactor, 3);
    assert_int_equal(f.accepted, 0);
    assert_true(sockets_count_wakes(f.reactor) < 8);
    listener_resume(f.list);
    run();
    assert_int_equal(f.accepted, 1);
    close(fd);
}

/* What is ready comes before newcomers: nothing bounds how many there are. */
static void test_a_turn_accepts_a_bounded_number(void **state)
{
    (void)state;
    enum { CROWD = 2 * REACTOR_STEPS_MAX + 1 };
    int crowd[CROWD], most = 0;
    assert_true(open_at("127.0.0.1:0"));
    for (int i = 0; i < CROWD; i++)
        crowd[i] = connect_tcp(listener_address(f.list));
    for (int before = 0; f.accepted < CROWD; before = f.accepted) {
        (void)reactor_turn(f.reactor, true, no_more, NULL);
        if (f.accepted - before > most)
            most = f.accepted - before;
    }
    assert_int_equal(most, REACTOR_STEPS_MAX);
    assert_true(sockets_count_wakes(f.reactor) < 8);
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
}

/* One that is flooded with connections leaves the others their share. */
static void test_listeners_accept_in_rotation(void **state)
{
    (void)state;
    int crowd[REACTOR_STEPS_MAX];
    assert_true(open_at("127.0.0.1:0"));
    for (int i = 0; i < REACTOR_STEPS_MAX; i++)
        crowd[i] = connect_tcp(listener_address(f.list));
    assert_true(open_at(f.text));
    int one = open_unix(connect);
    sockets_turns(f.reactor, 1); /* both are seen */
    f.unix_accepted = 0;
    sockets_turns(f.reactor, 1);
    assert_int_equal(f.unix_accepted, 1);
    assert_true(f.accepted <= REACTOR_STEPS_MAX);
    for (int i = 0; i < REACTOR_STEPS_MAX; i++)
        close(crowd[i]);
    close(one);
}

static void test_a_paused_listener_forgets_nobody(void **state)
{
    (void)state;
    assert_true(open_at("127.0.0.1:0"));
    int fd = connect_tcp(listener_address(f.list));
    sockets_turns(f.reactor, 1); /* seen, and due in the next turn */
    listener_pause(f.list);
    sockets_turns(f.reactor, 3);
    assert_int_equal(f.accepted, 0);
    listener_resume(f.list);
    run();
    assert_int_equal(f.accepted, 1);
    close(fd);
}

static void lock_path(char out[80])
{
    snprintf(out, 80, "%s.lock", f.path);
}

/* As a broker does that has removed a stale file and has not bound yet. */
static int hold_lock(void)
{
    char lock[80];
    lock_path(lock);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    return fd;
}

static void
test_stale_socket_of_a_broker_that_starts_is_left_alone(void **state)
{
    (void)state;
    struct stat before, after;
    char lock[80];
    close(open_unix(bind));
    assert_int_equal(stat(f.path, &before), 0);
    int fd = hold_lock();
    assert_false(open_at(f.text));
    check_error(f.path);
    check_error("in use");
    assert_int_equal(stat(f.path, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    close(fd); /* the lock's file stays, as when its holder is killed */
    assert_true(open_at(f.text));
    f.list = listener_close(f.list);
    lock_path(lock);
    assert_int_equal(stat(lock, &after), -1);
}

static void test_lock_that_was_removed_locks_nothing(void **state)
{
    (void)state;
    char lock[80];
    struct stat st;
    lock_path(lock);
    int fd = hold_lock();
    assert_int_equal(unlink(lock), 0);
    assert_true(open_at(f.text));
    assert_int_equal(stat(lock, &st), 0);
    close(fd);
}

static void test_lock_that_cannot_be_had_is_named(void **state)
{
    (void)state;
    char lock[80];
    lock_path(lock);
    assert_int_equal(symlink("/dev/null", lock), 0);
    assert_false(open_at(f.text));
    check_error("cannot lock");
    check_error(lock);
    assert_int_equal(unlink(lock), 0);
}

static void test_file_of_another_is_not_removed(void **state)
{
    (void)state;
    struct stat st;
    assert_true(open_at(f.text));
    assert_int_equal(unlink(f.path), 0);
    int other = open_unix(bind);
    f.list = listener_close(f.list);
    assert_int_equal(stat(f.path, &st), 0);
    close(other);
}

/* No descriptor is free while `rl` is as this leaves it. */
static void take_all_descriptors(struct rlimit *old)
{
    int next = dup(0);
    close(next);
    getrlimit(RLIMIT_NOFILE, old);
    struct rlimit low = {(rlim_t)next, old->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
}

static void test_no_descriptors_pauses_and_resumes_by_itself(void **state)
{
    (void)state;
    struct rlimit old;
    assert_true(open_at("127.0.0.1:0"));
    int fd = connect_tcp(listener_address(f.list));
    take_all_descriptors(&old);
    run();
    assert_int_equal(f.errors, 1);
    assert_int_equal(f.last_error, EMFILE);
    int wakes = sockets_count_wakes(f.reactor);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_true(wakes < 8);
    assert_int_equal(f.errors, 1); /* it did not try all the time */
    while (f.accepted == 0)
        run();
    close(fd);
}

#define LISTENER_TEST(test)                                                    \
    cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LISTENER_TEST(test_port_0_becomes_a_real_one),
        LISTENER_TEST(test_address_in_use_is_told),
        LISTENER_TEST(test_bad_address_is_a_usage_error),
        LISTENER_TEST(test_unix_socket_serves_and_its_file_goes),
        LISTENER_TEST(test_stale_socket_file_is_replaced),
        LISTENER_TEST(test_live_socket_is_left_alone),
        LISTENER_TEST(test_stale_socket_of_a_broker_that_starts_is_left_alone),
        LISTENER_TEST(test_lock_that_was_removed_locks_nothing),
        LISTENER_TEST(test_lock_that_cannot_be_had_is_named),
        LISTENER_TEST(test_file_of_another_is_not_removed),
        LISTENER_TEST(test_other_files_are_left_alone),
        LISTENER_TEST(test_too_long_path_is_told),
        LISTENER_TEST(test_paused_listener_lets_wait),
        LISTENER_TEST(test_a_turn_accepts_a_bounded_number),
        LISTENER_TEST(test_listeners_accept_in_rotation),
        LISTENER_TEST(test_a_paused_listener_forgets_nobody),
        LISTENER_TEST(test_no_descriptors_pauses_and_resumes_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
