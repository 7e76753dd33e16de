/* SPDX-License-Identifier: MIT
 *
 * A users file is read whole or not at all, every mistake in it is reported
 * with its line, and each user is found by what it shows.
 */
#include "users/users_file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ini.h"
#include "common/mistakes.h"
#include "tests/unit/unit.h"
#include "users/users.h"

#define YESCRYPT                                                               \
    "$y$j9T$dZ5LfzKRFZzhKGnXCgyFO/$"                                           \
    "A3lFgJyXjBbOqLhrRZRzCcsGqvkmSrYEDMbXCvTcbn7"
#define DIGEST                                                                 \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "ff23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEY                                                                    \
    "ed25519:MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
/* The public key of an example in zmq_curve(7), with marks in it that files and
 * patterns give a meaning. */
#define CURVE             "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define USER(name, lines) "[user \"" name "\"]\n" lines
#define IN                "uid = 1\n"

/* What was reported during the last read. */
static char said[16384];

static void report(void *arg, const char *sentence)
{
    (void)arg;
    size_t n = strlen(said);
    snprintf(said + n, sizeof said - n, "%s\n", sentence);
}

static char path[64];

static int make_file(void **state)
{
    (void)state;
    strcpy(path, "/tmp/sluice-users-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static struct users *read_bytes(const void *text, size_t length,
                                size_t *mistakes)
{
    struct mistakes m = {.report = report};
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
    said[0] = '\0';
    struct users *users = users_file_read(path, &m);
    assert_int_equal(users == NULL, m.count > 0);
    *mistakes = m.count;
    return users;
}

static struct users *read_text(const char *text)
{
    size_t mistakes;
    struct users *users = read_bytes(text, strlen(text), &mistakes);
    if (!users)
        fail_msg("%s", said);
    return users;
}

/* --- a good file --------------------------------------------------------- */

static const char good[] = "# who may what\n"
                           "[role \"sensor\"]\n"
                           "publish = /topic/sensors/**\n"
                           "messages = 5000/s\n"
                           "memory = 16m\n"
                           "\n"
                           "[user \"thermo\"]\n"
                           "role = sensor ; a comment\n"
                           "password = " YESCRYPT "\n"
                           "token = sha256:" DIGEST "\n"
                           "token = sha256:" OTHER "\n"
                           "key = " KEY "\n"
                           "certificate = thermo.example\n"
                           "certificate = urn:sluice:thermo\n"
                           "subscribe = /topic/alarms\n"
                           "memory = 1m\n"
                           "bytes: 2m/s\n"
                           "[user \"plc-1\"]\n"
                           "role = sensor\n"
                           "network = 10.1.2.0/24\n"
                           "network = 2001:db8::/32\n"
                           "[user \"ops\"]\n"
                           "uid = 1001\n"
                           "uid = 1002\n"
                           "monitor = yes\n"
                           "connections = 10\n"
                           "from = 10.0.0.0/8\n"
                           "from = ::1\n"
                           "[user \"anonymous\"]\n"
                           "subscribe = /topic/public/**\n";

static void test_a_key_for_the_feed_is_a_users_alone(void **state)
{
    (void)state;
    struct users *u = read_text(
        USER("ann", "key = curve:" CURVE "\nkey = " KEY "\n") USER("b", IN));
    assert_ptr_equal(credential_user(users_find_curve(u, CURVE)),
                     users_find(u, "ann"));
    char other[] = CURVE;
    other[0] = 'R';
    assert_null(users_find_curve(u, other));
    assert_int_equal(users_find(u, "ann")->key_count, 1); /* to sign with */
    users_unref(u);
}

static void test_users_are_found_by_what_they_show(void **state)
{
    (void)state;
    struct users *u = read_text(good);
    uint8_t digest[SECRET_DIGEST_BYTES];
    const struct user *thermo = users_find(u, "thermo");
    assert_non_null(thermo);
    assert_int_equal(users_count(u), 4);
    assert_string_equal(thermo->password, YESCRYPT);
    assert_int_equal(thermo->password_line, 9);
    assert_int_equal(thermo->line, 7);
    assert_int_equal(thermo->key_count, 1);
    assert_int_equal(thermo->keys[0][0], 0x19);
    assert_int_equal(thermo->keys[0][31], 0xe1);
    assert_true(secret_parse_token("sha256:" OTHER, digest));
    assert_ptr_equal(credential_user(users_find_token(u, digest)), thermo);
    digest[31] ^= 1;
    assert_null(users_find_token(u, digest));
    assert_ptr_equal(
        credential_user(users_find_certificate(u, "urn:sluice:thermo")),
        thermo);
    assert_null(users_find_certificate(u, "thermo.exampl"));
    assert_string_equal(credential_user(users_find_uid(u, 1002))->name, "ops");
    assert_null(users_find_uid(u, 0));
    assert_string_equal(credential_user(users_find_anonymous(u))->name,
                        "anonymous");
    assert_null(users_find(u, "sensor")); /* a role is nobody */
    assert_null(users_find(u, ""));
    users_unref(u);
}

static const struct user *find_peer(const struct users *u, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct network peer;
    bool is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
    assert_true(is_v4 || inet_pton(AF_INET6, text, &v6.sin6_addr) == 1);
    assert_true(network_of_peer(
        is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, &peer));
    return credential_user(users_find_peer(u, &peer));
}

static void test_users_are_found_by_their_network(void **state)
{
    (void)state;
    struct users *u = read_text(USER("a", "network = 10.1.2.0/24\n") USER(
        "b", "network = 10.1.3.128/25\n") USER("c", "network = 2001:db8::/32\n")
                                    USER("d", "network = 10.1.4.4\n")
                                        USER("e", "network = fe80::/128\n"));
    const struct {
        const char *peer, *name;
    } rows[] = {
        {"10.1.2.0", "a"},    {"10.1.2.255", "a"}, {"::ffff:10.1.2.3", "a"},
        {"10.1.3.0", NULL},   {"10.1.3.128", "b"}, {"10.1.4.4", "d"},
        {"10.1.4.5", NULL},   {"9.9.9.9", NULL},   {"2001:db8:1::", "c"},
        {"2001:db9::", NULL}, {"fe80::", "e"},     {"fe80::1", NULL},
        {"::", NULL},         {"255.1.1.1", NULL},
    };
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const struct user *found = find_peer(u, rows[i].peer);
        if (!rows[i].name != !found ||
            (found && strcmp(found->name, rows[i].name) != 0))
            fail_msg("%s is %s", rows[i].peer, found ? found->name : "nobody");
    }
    users_unref(u);
}

static void
test_a_role_gives_its_lines_and_the_limits_that_are_missing(void **state)
{
    (void)state;
    struct users *u = read_text(good);
    const struct user *thermo = users_find(u, "thermo");
    const struct user *plc = users_find(u, "plc-1");
    const uint8_t *name = (const uint8_t *)"/topic/sensors/k1";
    rights_set by;
    assert_true(rights_may_publish(&thermo->rights, name, 17, &by));
    assert_int_equal(thermo->rights.publish.rows[0]->number, 3);
    assert_true(rights_may_publish(&plc->rights, name, 17, NULL));
    assert_int_equal(plc->rights.subscribe.count, 0);
    assert_int_equal(thermo->limits.messages_per_s, 5000);
    assert_int_equal(thermo->limits.bytes_per_s, 2 << 20);
    assert_int_equal(thermo->limits.memory_bytes, 1 << 20);
    assert_int_equal(plc->limits.memory_bytes, 16 << 20);
    assert_false(thermo->rights.may_monitor);
    assert_true(users_find(u, "ops")->rights.may_monitor);
    assert_int_equal(users_find(u, "ops")->limits.connections, 10);
    users_unref(u);
}

static void test_a_user_comes_from_its_networks_only(void **state)
{
    (void)state;
    struct users *u = read_text(good);
    struct network inside, outside;
    assert_null(network_parse("10.200.1.1", &inside));
    assert_null(network_parse("11.0.0.1", &outside));
    const struct user *ops = users_find(u, "ops");
    assert_true(user_may_come_from(ops, &inside));
    assert_false(user_may_come_from(ops, &outside));
    assert_true(user_may_come_from(ops, NULL));
    assert_true(user_may_come_from(users_find(u, "thermo"), &outside));
    users_unref(u);
}

static void test_owners_keep_a_generation_alive(void **state)
{
    (void)state;
    struct users *u = read_text(good);
    assert_ptr_equal(users_ref(u), u);
    users_unref(u);
    assert_non_null(users_find(u, "ops"));
    users_unref(u);
    users_unref(NULL);
}

static void test_what_was_shown_is_found_again(void **state)
{
    (void)state;
    struct network inside, outside;
    assert_null(network_parse("10.1.2.3", &inside));
    assert_null(network_parse("10.1.3.3", &outside));
    struct users *u = read_text(good);
    struct users *other = read_text(
        USER("ops", "uid = 1002\n") USER("plc-2", "network = 10.1.0.0/16\n"));
    const struct credential *uid = users_find_uid(u, 1002),
                            *gone = users_find_uid(u, 1001),
                            *network = users_find_peer(u, &inside),
                            *nothing = users_find_anonymous(u);
    assert_string_equal(
        credential_user(users_find_again(other, uid, NULL))->name, "ops");
    assert_null(users_find_again(other, gone, NULL));
    assert_null(users_find_again(other, nothing, NULL));
    assert_string_equal(
        credential_user(users_find_again(other, network, &outside))->name,
        "plc-2");
    assert_null(users_find_again(other, network, NULL));
    users_unref(u);
    users_unref(other);
}

static void test_what_became_of_users_is_counted(void **state)
{
    (void)state;
    struct users *u = read_text(good);
    const struct {
        const char *text;
        struct users_change change;
    } rows[] = {
        {good, {0, 0, 0}},
        {"# nobody\n", {0, 4, 0}},
        {USER("ops", "uid = 1001\n"), {0, 3, 1}},
        {USER("new", "uid = 1\n") USER("zulu", "uid = 2\n"), {2, 4, 0}},
    };
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct users *other = read_text(rows[i].text);
        struct users_change change = users_compare(u, other);
        assert_memory_equal(&change, &rows[i].change, sizeof change);
        change = users_compare(other, u);
        assert_int_equal(change.added, rows[i].change.removed);
        assert_int_equal(change.removed, rows[i].change.added);
        users_unref(other);
    }
    assert_int_equal(users_compare(NULL, u).added, 4);
    users_unref(u);
}

/* A user whose role says something else has changed as well. */
static void test_rights_are_equal_line_by_line(void **state)
{
    (void)state;
    static const char *const texts[] = {
        USER("a", "uid = 1\npublish = /a\n"),
        USER("a", "uid = 1\npublish = /a/*\n"),
        USER("a", "uid = 1\npublish = /*\n"),
        USER("a", "uid = 1\nsubscribe = /a\n"),
        USER("a", "uid = 1\npublish = /a\nmonitor = yes\n"),
        USER("a", "uid = 1\npublish = /a\npublish = /b\n"),
        "[role \"r\"]\npublish = /r\n" USER("a", "uid = 1\nrole = r\n"),
        "[role \"r\"]\npublish = /q\n" USER("a", "uid = 1\nrole = r\n"),
    };
    for (size_t i = 0; i < UNIT_COUNT(texts); i++)
        for (size_t j = 0; j < UNIT_COUNT(texts); j++) {
            struct users *u = read_text(texts[i]), *v = read_text(texts[j]);
            assert_int_equal(rights_are_equal(&users_find(u, "a")->rights,
                                              &users_find(v, "a")->rights),
                             i == j);
            assert_int_equal(users_compare(u, v).changed, i != j);
            users_unref(u);
            users_unref(v);
        }
}

static void test_a_file_without_users_lets_nobody_in(void **state)
{
    (void)state;
    struct users *u = read_text("# nobody yet\n");
    uint8_t digest[SECRET_DIGEST_BYTES] = {0};
    assert_int_equal(users_count(u), 0);
    assert_null(users_find(u, "a"));
    assert_null(users_find_uid(u, 0));
    assert_null(users_find_token(u, digest));
    assert_null(find_peer(u, "127.0.0.1"));
    users_unref(u);
}

/* --- broken ones --------------------------------------------------------- */

#define LONG_NAME                                                              \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *text;
    unsigned line; /* of the only mistake; 0: the file as a whole */
    const char *words;
} broken[] = {
    {"", 0, "is empty"},
    {"uid = 1\n", 1, "before the first section"},
    {"[user]\nuid = 1\n", 1, "[user] is not a section"},
    {"[users \"a\"]\nuid = 1\n", 1, "is not a section"},
    {"[user \"a\"\nuid = 1\n", 1, "a section is"},
    {"[user \"a\"] uid = 1\n", 1, "a section is"},
    {"[user a]\n", 1, "[user a] is not a section"},
    {"[broker]\nport = 1\n", 1, "[broker] is not a section"},
    {USER("a", IN) "publish = /a", 3, "the last line has no end"},
    {USER("a", "uid = 1\n") "junk\n", 3, "neither [section] nor key"},
    {USER("", IN), 1, "the name '' is empty"},
    {USER("a b", IN), 1, "visible ASCII"},
    {USER("\xc3\xa4", IN), 1, "visible ASCII"},
    {USER("a\x7f", IN), 1, "visible ASCII"},
    {USER("a*", IN), 1, "one of the characters"},
    {USER("#a", IN), 1, "one of the characters"},
    {USER("a+b", IN), 1, "one of the characters"},
    {USER("a%41", IN), 1, "one of the characters"},
    {USER("a=b", IN), 1, "one of the characters"},
    {USER("a\"b", IN), 1, "one of the characters"},
    {USER(LONG_NAME, IN), 1, "longer than 64"},
    {USER("a", IN) USER("a", "uid = 2\n"), 3, "begins in line 1 already"},
    {USER("a", ""), 1, "has no way in"},
    {USER("a", "publish = **\n"), 1, "has no way in"},
    {USER("anonymous", IN), 1, "who shows nothing"},
    {USER("anonymous", "password = " YESCRYPT "\n"), 1, "who shows nothing"},
    {USER("a", IN "uids = 2\n"), 3, "did you mean 'uid'?"},
    {USER("a", IN "Publish = /a\n"), 3, "'Publish' is not a key"},
    {USER("a", IN "= /a\n"), 3, "'' is not a key"},
    {USER("a", IN "role =\n"), 3, "nothing behind it"},
    {USER("a", IN "publish =\n"), 3, "nothing behind it"},
    {USER("a", IN "publish = ; nothing\n"), 3, "nothing behind it"},
    {USER("a", IN "role = b\n"), 3, "there is no [role \"b\"]"},
    {"[role \"r\"]\nrole = q\n", 2, "only a user has one"},
    {"[role \"r\"]\nuid = 1\n", 2, "only a user has one"},
    {"[role \"r\"]\nfrom = ::1\n", 2, "only a user has one"},
    {"[role \"r\"]\nnonsense = 1\n", 2, "not a key of a role"},
    {"[role \"r\"]\n[role \"r\"]\n", 2, "begins in line 1 already"},
    {"[role \"a b\"]\n", 1, "visible ASCII"},
    {USER("a", "role = r\nrole = r\n" IN) "[role \"r\"]\n", 3,
     "was set in line 2 already"},
    {USER("a", "password = " YESCRYPT "\npassword = " YESCRYPT "\n"), 3,
     "was set in line 2 already"},
    {USER("a", IN "password = secret\n"), 3, "not a hash"},
    {USER("a", IN "password = $1$abcdefgh$G3/ZPNLYKxzbVXc3pSuwf.\n"), 3,
     "too weak"},
    {USER("a", IN "password = ab01FAX.bQRSU\n"), 3, "not a hash"},
    {USER("a", IN "password = _J9..rasmBYk8r9AiWNc\n"), 3, "too weak"},
    {USER("a", IN "password = $5$salt$"
                  "Gcm6FsVtF/Qa77ZKD.iwsJlCVPY0XSMgLJL0Hnww/c1\n"),
     3, "too weak"},
    {USER("a", IN "password = $y$j9T$salt$A3lFgJy\n"), 3, "not complete"},
    {USER("a", IN "password = $6$\n"), 3, "not complete"},
    {USER("a", IN "password = *\n"), 3, "characters that no hash has"},
    {USER("a", IN "token = " DIGEST "\n"), 3, "not sha256:"},
    {USER("a", IN "token = sha256:" DIGEST "00\n"), 3, "not sha256:"},
    {USER("a", IN "token = sha256:0123\n"), 3, "not sha256:"},
    {USER("a", IN "token = sha256:G" DIGEST "\n"), 3, "not sha256:"},
    {USER("a", "token = sha256:" DIGEST "\n")
         USER("b", "token = sha256:" DIGEST "\n"),
     4, "is also one of user a in line 2"},
    {USER("a", IN "key = MCowBQYDK2VwAyEA\n"), 3, "not ed25519:"},
    {USER("a", IN "key = ed25519:MCowBQYDK2VwAyEA\n"), 3, "not ed25519:"},
    {USER("a", IN "key = ed25519:AAAABQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqow"
                  "trbLDFw4rXAxZuE=\n"),
     3, "not ed25519:"},
    {USER("a", "key = " KEY "\n") USER("b", "key = " KEY "\n"), 4,
     "is also one of user a"},
    {USER("a", IN "key = ed25519:MCowBQYDK2VwAyEA" ZEROS "\n"), 3,
     "of small order"},
    {USER("a", IN "key = curve:rq:rM>}U?\n"), 3, "or curve: and one"},
    {USER("a", IN "key = curve:" CURVE "0\n"), 3, "or curve: and one"},
    {USER("a", IN "key = curve:~" CURVE "\n"), 3, "or curve: and one"},
    {USER("a", "key = curve:" CURVE "\n") USER("b", "key = curve:" CURVE "\n"),
     4, "key: is also one of user a"},
    {USER("a", "certificate = *.example\n"), 2, "certificate:"},
    {USER("a", "certificate = a b\n"), 2, "certificate:"},
    {USER("a", "certificate = x.y\n") USER("b", "certificate = x.y\n"), 4,
     "is also one of user a"},
    {USER("a", "uid = root\n"), 2, "uid: 'root'"},
    {USER("a", "uid = -1\n"), 2, "uid:"},
    {USER("a", "uid = 4294967295\n"), 2, "uid:"},
    {USER("a", "uid = 4294967296\n"), 2, "uid:"},
    {USER("a", IN) USER("b", IN), 4, "uid: is also one of user a in line 2"},
    {USER("a", "network = 10.0.0.0/8\n") USER("b", "network = 10.1.0.0/16\n"),
     4, "network: overlaps one of user a in line 2"},
    {USER("a", "network = 10.1.1.1\n") USER("b", "network = 0.0.0.0/0\n"), 4,
     "network: overlaps"},
    {USER("a", IN) USER("b", "network = 10.0.0.0/8\n")
         USER("c", "network = ::ffff:10.0.0.0/104\n"),
     6, "network: overlaps one of user b in line 4"},
    {USER("a", "network = 10.1.1.1/24\n"), 2, "other bits than zero"},
    {USER("a", "network = 10.1.1.0/33\n"), 2, "no number of bits"},
    {USER("a", "network = 10.1.1.0/\n"), 2, "no number of bits"},
    {USER("a", "network = example.com\n"), 2, "is not an IP address"},
    {USER("a", "network = 10.1/16\n"), 2, "is not an IP address"},
    {USER("a", IN "from = nowhere\n"), 3, "from: 'nowhere' is not an IP"},
    {USER("a", IN "publish = /a*\n"), 3, "publish: '/a*' is not a pattern"},
    {USER("a", IN "subscribe = /**/a\n"), 3, "is not a pattern"},
    {USER("a", IN "subscribe = @x\n"), 3, "is not a pattern"},
    {USER("a", IN "subscribe = /a b\n"), 3, "is not a pattern"},
    {USER("a", IN "monitor = true\n"), 3, "is not yes or no"},
    {USER("a", IN "connections = 0\n"), 3, "connections:"},
    {USER("a", IN "connections = many\n"), 3, "connections:"},
    {USER("a", IN "messages = 5000\n"), 3, "/s behind"},
    {USER("a", IN "messages = /s\n"), 3, "/s behind"},
    {USER("a", IN "bytes = 2mb/s\n"), 3, "/s behind"},
    {USER("a", IN "memory = lots\n"), 3, "memory:"},
    {USER("a", IN "memory = 1m\nmemory = 2m\n"), 4, "line 3 already"},
};

_Static_assert(UNIT_COUNT(broken) >= 60, "there are many ways to be wrong");

static void test_a_file_with_one_mistake_is_no_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < UNIT_COUNT(broken); i++) {
        char place[128];
        size_t mistakes;
        struct users *u =
            read_bytes(broken[i].text, strlen(broken[i].text), &mistakes);
        snprintf(place, sizeof place, broken[i].line ? "%s:%u: " : "%s: ", path,
                 broken[i].line);
        if (u || mistakes != 1 || !strstr(said, broken[i].words) ||
            strncmp(said, place, strlen(place)) != 0)
            fail_msg("%s\nline %u, '%s', but: %s", broken[i].text,
                     broken[i].line, broken[i].words, said);
    }
}

static void test_all_mistakes_are_reported_at_once(void **state)
{
    (void)state;
    size_t mistakes;
    static const char text[] = "[user \"a\"]\nuid = x\npublish = /a*\n"
                               "[user \"b\"]\nrole = none\nuid = 7\n"
                               "[user \"c\"]\nuid = 7\n";
    assert_null(read_bytes(text, sizeof text - 1, &mistakes));
    assert_int_equal(mistakes, 4);
}

/* As a wrong hash may be a password, and as a mistake goes to the log. */
static void test_no_secret_is_in_a_sentence(void **state)
{
    (void)state;
    size_t mistakes;
    static const char text[] = "[user \"a\"]\npassword = canary\n"
                               "token = canary\nuid = 1\n";
    assert_null(read_bytes(text, sizeof text - 1, &mistakes));
    assert_int_equal(mistakes, 2);
    assert_null(strstr(said, "canary"));
}

static void test_bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    size_t mistakes;
    char *much = malloc(INI_BYTES_MAX + 1);
    assert_non_null(much);
    memset(much, '\n', INI_BYTES_MAX + 1);
    assert_null(read_bytes("[user\0", 6, &mistakes));
    assert_null(read_bytes(much, INI_BYTES_MAX + 1, &mistakes));
    assert_non_null(strstr(said, "longer than 32 MiB"));
    memset(much, 'a', 70 << 10);
    much[70 << 10] = '\n';
    assert_null(read_bytes(much, (70 << 10) + 1, &mistakes));
    assert_non_null(strstr(said, "the line is longer"));
    free(much);
}

static void test_lines_have_a_bound(void **state)
{
    (void)state;
    char text[16384];
    for (unsigned lines = 64; lines <= 65; lines++) {
        char *at = text + sprintf(text, USER("a", IN "role = r\n"));
        for (unsigned i = 1; i < lines; i++)
            at += sprintf(at, "publish = /topic/%u/**\n", i);
        strcpy(at, "[role \"r\"]\npublish = /a\n");
        size_t mistakes;
        struct users *u = read_bytes(text, strlen(text), &mistakes);
        assert_int_equal(u == NULL, lines == 65);
        if (u)
            assert_int_equal(users_get(u, 0)->rights.publish.count, 64);
        users_unref(u);
    }
}

static void test_a_file_that_others_may_open_is_refused(void **state)
{
    (void)state;
    static const mode_t wide[] = {0641, 0644, 0604, 0660, 0666, 0650, 0777};
    static const mode_t narrow[] = {0640, 0600, 0440, 0400};
    size_t mistakes;
    for (size_t i = 0; i < UNIT_COUNT(wide); i++) {
        assert_int_equal(chmod(path, wide[i]), 0);
        assert_null(read_bytes(good, sizeof good - 1, &mistakes));
        assert_int_equal(mistakes, 1);
        assert_non_null(strstr(said, "run: chmod 640 "));
    }
    assert_int_equal(chmod(path, 0600), 0);
    users_unref(read_text(good));
    for (size_t i = 0; i < UNIT_COUNT(narrow); i++) {
        struct mistakes m = {.report = report};
        assert_int_equal(chmod(path, narrow[i]), 0);
        if (access(path, R_OK) != 0)
            continue;
        struct users *u = users_file_read(path, &m);
        assert_non_null(u);
        users_unref(u);
    }
    assert_int_equal(chmod(path, 0600), 0);
}

static void test_what_is_not_a_file_is_refused(void **state)
{
    (void)state;
    struct mistakes m = {.report = report};
    said[0] = '\0';
    assert_null(users_file_read("/nowhere/users", &m));
    assert_null(users_file_read("/tmp", &m));
    assert_null(users_file_read("/dev/null", &m));
    assert_int_equal(m.count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_for_the_feed_is_a_users_alone),
        cmocka_unit_test(test_users_are_found_by_what_they_show),
        cmocka_unit_test(test_users_are_found_by_their_network),
        cmocka_unit_test(
            test_a_role_gives_its_lines_and_the_limits_that_are_missing),
        cmocka_unit_test(test_a_user_comes_from_its_networks_only),
        cmocka_unit_test(test_owners_keep_a_generation_alive),
        cmocka_unit_test(test_what_was_shown_is_found_again),
        cmocka_unit_test(test_what_became_of_users_is_counted),
        cmocka_unit_test(test_rights_are_equal_line_by_line),
        cmocka_unit_test(test_a_file_without_users_lets_nobody_in),
        cmocka_unit_test(test_a_file_with_one_mistake_is_no_file),
        cmocka_unit_test(test_all_mistakes_are_reported_at_once),
        cmocka_unit_test(test_no_secret_is_in_a_sentence),
        cmocka_unit_test(test_bytes_that_are_no_text_are_refused),
        cmocka_unit_test(test_lines_have_a_bound),
        cmocka_unit_test(test_a_file_that_others_may_open_is_refused),
        cmocka_unit_test(test_what_is_not_a_file_is_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
