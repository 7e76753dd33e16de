/* SPDX-License-Identifier: MIT */
#include "client/page_users.h"

#include "client/complain.h"
#include "client/lib/deadline.h"
#include "common/http_login.h"
#include "common/mistakes.h"
#include "users/users.h"
#include "users/users_file.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { PAGE_USERS_LOOK_MS = 1000, PAGE_USERS_DIGEST = 32 };

struct page_users {
    char *path;
    struct stat seen;
    struct users *users;
    int64_t looked_ms;
    int64_t earned_ms;              /* up to when `compares` has been earned */
    unsigned compares;              /* passwords that may be compared now */
    uint8_t key[PAGE_USERS_DIGEST]; /* of the digests, of this run */
    uint8_t known[PAGE_USERS_KNOWN][PAGE_USERS_DIGEST]; /* the last ones */
    size_t known_next, known_count;
};

static const struct http_verdict page_users_admitted = {HTTP_OK, NULL},
                                 page_users_unknown = {HTTP_UNAUTHORIZED, NULL},
                                 page_users_busy = {
                                     HTTP_UNAVAILABLE,
                                     "too many passwords were tried: ask again "
                                     "in a few seconds, or show a token"};

/* --- the file ------------------------------------------------------------ */

static void page_users_report(void *arg, const char *sentence)
{
    (void)arg;
    complain(EXIT_FAILED, "%s", sentence);
}

static bool page_users_read(struct page_users *u)
{
    struct mistakes mistakes = {.report = page_users_report};
    (void)stat(u->path, &u->seen);
    struct users *fresh = users_file_read(u->path, &mistakes);
    if (!fresh)
        return false;
    users_unref(u->users);
    u->users = fresh;
    u->known_next = u->known_count = 0;
    return true;
}

struct page_users *page_users_new(const char *path)
{
    struct page_users *u = calloc(1, sizeof *u);
    if (u) {
        u->path = strdup(path);
        u->compares = PAGE_USERS_COMPARED;
        u->earned_ms = u->looked_ms = sluice_deadline_clock();
    }
    if (!u || !u->path || getrandom(u->key, sizeof u->key, 0) < 0)
        complain(EXIT_FAILED, "out of memory");
    else if (page_users_read(u))
        return u;
    page_users_free(u);
    return NULL;
}

void page_users_free(struct page_users *u)
{
    if (!u)
        return;
    users_unref(u->users);
    free(u->path);
    explicit_bzero(u, sizeof *u);
    free(u);
}

bool page_users_look(struct page_users *u)
{
    struct stat now;
    int64_t now_ms = sluice_deadline_clock();
    if (now_ms - u->looked_ms < PAGE_USERS_LOOK_MS)
        return false;
    u->looked_ms = now_ms;
    bool is_same =
        stat(u->path, &now) != 0 ||
        (now.st_ino == u->seen.st_ino && now.st_size == u->seen.st_size &&
         now.st_mtim.tv_sec == u->seen.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == u->seen.st_mtim.tv_nsec);
    return !is_same && page_users_read(u);
}

/* --- passwords ----------------------------------------------------------- */

static void page_users_digest(const struct page_users *u,
                              const struct http_login *l,
                              uint8_t out[PAGE_USERS_DIGEST])
{
    /* In the login the user comes first, and ends with a NUL. */
    uint8_t both[HTTP_LOGIN_MAX];
    size_t n = strlen(l->user) + 1;
    unsigned length = PAGE_USERS_DIGEST;
    memcpy(both, l->user, n);
    memcpy(both + n, l->secret, l->secret_length);
    HMAC(EVP_sha256(), u->key, sizeof u->key, both, n + l->secret_length, out,
         &length);
    explicit_bzero(both, sizeof both);
}

static bool page_users_knows(const struct page_users *u,
                             const uint8_t digest[PAGE_USERS_DIGEST])
{
    bool is_known = false;
    for (size_t i = 0; i < u->known_count; i++)
        is_known |= CRYPTO_memcmp(u->known[i], digest, PAGE_USERS_DIGEST) == 0;
    return is_known;
}

static void page_users_remember(struct page_users *u,
                                const uint8_t digest[PAGE_USERS_DIGEST])
{
    memcpy(u->known[u->known_next], digest, PAGE_USERS_DIGEST);
    u->known_next = (u->known_next + 1) % PAGE_USERS_KNOWN;
    if (u->known_count < PAGE_USERS_KNOWN)
        u->known_count++;
}

static bool page_users_may_compare(struct page_users *u)
{
    const int64_t each_ms = 1000 / PAGE_USERS_PER_SECOND;
    int64_t earned = (sluice_deadline_clock() - u->earned_ms) / each_ms;
    u->earned_ms += earned * each_ms;
    if (earned >= PAGE_USERS_COMPARED - (int64_t)u->compares)
        u->compares = PAGE_USERS_COMPARED;
    else
        u->compares += (unsigned)earned;
    if (u->compares == 0)
        return false;
    u->compares--;
    return true;
}

static bool page_users_compare(const char *secret, const char *hash)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    const char *made =
        data && hash ? crypt_rn(secret, hash, data, sizeof *data) : NULL;
    bool is_right = made && strlen(made) == strlen(hash) &&
                    CRYPTO_memcmp(made, hash, strlen(hash)) == 0;
    if (data)
        explicit_bzero(data, sizeof *data);
    free(data);
    return is_right;
}

/* --- verdicts ------------------------------------------------------------ */

static struct http_verdict page_users_admit(const struct user *user,
                                            const struct network *from)
{
    static const struct http_verdict forbidden = {
        HTTP_FORBIDDEN, "this user may not see the page: that takes monitor = "
                        "yes in its section of the users file"};
    if (!user || !user_may_come_from(user, from))
        return page_users_unknown;
    return user->rights.may_monitor ? page_users_admitted : forbidden;
}

/* NULL when it is nobody's. */
static const struct user *page_users_by_token(const struct page_users *u,
                                              const struct http_login *l)
{
    uint8_t digest[SECRET_DIGEST_BYTES];
    size_t made;
    if (!EVP_Q_digest(NULL, "SHA256", NULL, l->secret, l->secret_length, digest,
                      &made))
        return NULL;
    return credential_user(users_find_token(u->users, digest));
}

/* Browsers know no tokens: one may be shown as the password of its user. */
static struct http_verdict page_users_by_password(struct page_users *u,
                                                  const struct http_login *l,
                                                  const struct network *from)
{
    uint8_t digest[PAGE_USERS_DIGEST];
    const struct user *owner = page_users_by_token(u, l);
    const struct user *user = users_find(u->users, l->user);
    if (owner && owner == user)
        return page_users_admit(user, from);
    page_users_digest(u, l, digest);
    if (user && page_users_knows(u, digest))
        return page_users_admit(user, from);
    if (!page_users_may_compare(u))
        return page_users_busy;
    bool has_own = user && user->password;
    bool is_right = page_users_compare(
        l->secret, has_own ? user->password : users_decoy(u->users));
    if (!is_right || !has_own)
        return page_users_unknown;
    page_users_remember(u, digest);
    return page_users_admit(user, from);
}

struct http_verdict page_users_judge(struct page_users *u,
                                     const char *authorization,
                                     const struct network *from)
{
    struct http_login l;
    struct http_verdict verdict = page_users_unknown;
    http_login_parse(&l, authorization);
    if (l.scheme == HTTP_BEARER)
        verdict = page_users_admit(page_users_by_token(u, &l), from);
    else if (l.scheme == HTTP_BASIC)
        verdict = page_users_by_password(u, &l, from);
    http_login_wipe(&l);
    return verdict;
}
