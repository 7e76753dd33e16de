/* SPDX-License-Identifier: MIT */
#include "client/http_answer.h"

#include "client/escape.h"
#include "client/http_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HTTP_ANSWER_WORDS_BYTES = 200 };

/* --- taking apart -------------------------------------------------------- */

/* What the head says about the body's length; -1 when it does not. */
static long long http_answer_length(const char *head, const char *end)
{
    static const char name[] = "\r\nContent-Length:";
    for (const char *at = head; at && at < end; at = strstr(at + 1, "\r\n"))
        if (strncasecmp(at, name, sizeof name - 1) == 0)
            return strtoll(at + sizeof name - 1, NULL, 10);
    return -1;
}

bool http_answer_parse(struct http_answer *out, const char *text, size_t n)
{
    const char *end = text ? strstr(text, "\r\n\r\n") : NULL;
    if (!end || sscanf(text, "HTTP/1.%*1[01] %3d", &out->status) != 1)
        return false;
    size_t head = (size_t)(end - text) + 4;
    long long length = http_answer_length(strstr(text, "\r\n"), end + 2);
    out->body = text + head;
    out->body_bytes = n - head;
    return length >= 0 && (unsigned long long)length == n - head;
}

bool http_answer_is_whole(const char *text, size_t n)
{
    struct http_answer ignored;
    return http_answer_parse(&ignored, text, n);
}

/* --- refusals ------------------------------------------------------------ */

/* The sentence that came with it, "" when it is only what the status says. */
static void http_answer_words(const struct http_answer *a, char *out)
{
    char line[HTTP_ANSWER_WORDS_BYTES];
    size_t n = strcspn(a->body, "\r\n");
    snprintf(line, sizeof line, "%.*s", (int)(n < 150 ? n : 150), a->body);
    escape_text(strchr(line, ' ') ? line : "", out, HTTP_ANSWER_WORDS_BYTES);
}

static enum sluice_error http_answer_unknown(const struct http_answer_peer *p,
                                             struct sluice_failure *why)
{
    return sluice_failure_set(
        why, SLUICE_REFUSED,
        p->has_login ? "%s does not know this user, or not by this secret"
                     : "%s must know who asks: show a user with --user, a "
                       "token with --token-file or a certificate with "
                       "--tls-cert",
        p->url->address);
}

static enum sluice_error http_answer_stranger(const struct http_answer_peer *p,
                                              struct sluice_failure *why)
{
    return sluice_failure_set(
        why, SLUICE_REFUSED,
        "%s does not answer to this name: start sluiced with --http-host and "
        "the name, or ask by its address",
        p->url->address);
}

static enum sluice_error http_answer_plain(const struct http_answer_peer *p,
                                           struct sluice_failure *why)
{
    return sluice_failure_set(why, SLUICE_REFUSED,
                              "%s demands TLS: ask it as https://%s, and see "
                              "--tls-ca and --tls-pin",
                              p->url->address, p->url->address);
}

static enum sluice_error http_answer_absent(const struct http_answer_peer *p,
                                            struct sluice_failure *why)
{
    return sluice_failure_set(why, SLUICE_FOREIGN,
                              "%s does not have the documents of a broker: "
                              "give the address of its --http",
                              p->url->address);
}

static const struct http_answer_row {
    int status;
    bool is_mute; /* only if no sentence came with it: one says what a broker
                     has against a user, but none against a host */
    enum sluice_error (*write)(const struct http_answer_peer *p,
                               struct sluice_failure *why);
} http_answer_rows[] = {
    {401, false, http_answer_unknown}, {403, true, http_answer_stranger},
    {404, false, http_answer_absent},  {421, false, http_answer_stranger},
    {426, false, http_answer_plain},
};

enum sluice_error http_answer_refused(const struct http_answer *a,
                                      const struct http_answer_peer *peer,
                                      struct sluice_failure *why)
{
    char words[HTTP_ANSWER_WORDS_BYTES];
    size_t rows = sizeof http_answer_rows / sizeof *http_answer_rows;
    http_answer_words(a, words);
    for (size_t i = 0; i < rows; i++)
        if (http_answer_rows[i].status == a->status &&
            !(http_answer_rows[i].is_mute && *words))
            return http_answer_rows[i].write(peer, why);
    /* 503 is for a while only. */
    return sluice_failure_set(
        why, a->status == 503 ? SLUICE_BROKEN : SLUICE_REFUSED,
        "%s refuses, with status %d%s%s", peer->url->address, a->status,
        *words ? ": " : "", words);
}
