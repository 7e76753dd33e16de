/* SPDX-License-Identifier: MIT
 *
 * The program of the suite on top of libsluice, in an event loop of its own;
 * README.md explains its orders and events.
 *
 * No order waits: one that cannot be carried out yet stays in a list, and later
 * ones overtake it, unless they publish to the same channel.
 */
#include "client/sluice.h"

#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORDS_MAX = 40, GOODBYE_MS = 20000 };

/* A line, and its words. */
struct order {
    struct order *next;
    uint64_t token;
    unsigned arguments, pairs;
    char *argument[WORDS_MAX], *name[WORDS_MAX], *value[WORDS_MAX];
    char *line;
};

/* What is remembered of a token. */
struct call {
    char *tag;     /* NULL: its success is not shown */
    char *pattern; /* of a subscription, else NULL */
    bool is_made;
};

static struct sluice *handle;
static struct order *orders;
static struct call *calls;
static uint64_t call_count;
static struct sluice_delivery *deliveries;
static size_t delivery_count;

/* --- memory -------------------------------------------------------------- */

/* Everything lives until the program ends, which frees it, so that what the
 * library leaks is found. */
static void **pieces;
static size_t piece_count;

static void *piece(size_t bytes)
{
    pieces = realloc(pieces, (piece_count + 1) * sizeof *pieces);
    return pieces[piece_count++] = calloc(1, bytes + 1);
}

static char *copy_of(const char *text)
{
    return strcpy(piece(strlen(text)), text);
}

static void free_all(void)
{
    while (piece_count > 0)
        free(pieces[--piece_count]);
    free(pieces);
    free(calls);
    free(deliveries);
    sluice_free(handle);
}

/* --- words --------------------------------------------------------------- */

static struct sluice_bytes unspell(const char *text)
{
    size_t length = strlen(text), n = 0;
    char *octets = piece(length);
    for (size_t i = 0; i < length; i++) {
        unsigned octet = (unsigned char)text[i];
        if (text[i] == '%' && sscanf(text + i + 1, "%2x", &octet) == 1)
            i += 2;
        octets[n++] = (char)octet;
    }
    return (struct sluice_bytes){octets, n};
}

static void print_spelled(struct sluice_bytes bytes, const char *special)
{
    const unsigned char *octets = bytes.data;
    for (size_t i = 0; i < bytes.length; i++)
        if (isgraph(octets[i]) && !strchr(special, octets[i]) &&
            !(*special == '=' && i == 0 && octets[i] == '@'))
            putchar(octets[i]);
        else
            printf("%%%02X", octets[i]);
}

static void print_channel(struct sluice_bytes channel)
{
    print_spelled(channel, "=*%");
}

static void print_tail(const struct sluice_event *e)
{
    for (const struct sluice_header *h = e->headers; h->name; h++) {
        printf(" %s=", h->name);
        print_spelled(h->value, "%");
    }
    fputs(" body=", stdout);
    print_spelled(e->body, "%");
}

static const char *option(const struct order *o, const char *name)
{
    for (unsigned i = 0; i < o->pairs; i++)
        if (strcmp(o->name[i], name) == 0)
            return o->value[i];
    return NULL;
}

static uint32_t number(const char *text, uint32_t otherwise)
{
    return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

/* "5s" or "250ms"; they are all that the scenarios have. */
static uint32_t milliseconds(const char *text, uint32_t otherwise)
{
    bool is_ms = text && strstr(text, "ms");
    return text ? number(text, 0) * (is_ms ? 1 : 1000) : otherwise;
}

static void headers_of(const struct order *o, struct sluice_header *headers)
{
    for (unsigned i = 0; i < o->pairs; i++)
        if (isupper((unsigned char)*o->name[i]))
            *headers++ =
                (struct sluice_header){o->name[i], unspell(o->value[i])};
    headers->name = NULL;
}

static struct sluice_bytes body_of(const struct order *o)
{
    const char *size = option(o, "size"), *body = option(o, "body");
    if (!size)
        return unspell(body ? body : "");
    size_t length = strtoul(size, NULL, 10);
    return (struct sluice_bytes){memset(piece(length), 'x', length), length};
}

/* --- orders -------------------------------------------------------------- */

/* A delivery that was received; one of nobody's when there was none. */
static const struct sluice_delivery *delivery_of(const struct order *o)
{
    static const struct sluice_delivery none;
    struct sluice_bytes channel = unspell(o->argument[1]);
    for (size_t i = delivery_count; i-- > 0;) {
        const struct sluice_delivery *d = &deliveries[i];
        if (d->seq == strtoul(o->argument[2], NULL, 10) &&
            d->channel_length == channel.length &&
            memcmp(d->channel, channel.data, channel.length) == 0)
            return d;
    }
    return &none;
}

static enum sluice_error do_sub(const struct order *o)
{
    bool acks = option(o, "ack") && strcmp(option(o, "ack"), "yes") == 0;
    struct sluice_subscription how = {
        .size = sizeof how,
        .acks = acks,
        .credit = number(option(o, "credit"), 0),
        .wait_ms = milliseconds(option(o, "wait"), 0),
    };
    calls[o->token].pattern = copy_of(o->argument[1]);
    return sluice_subscribe_to(handle, sluice_text(o->argument[1]), &how,
                               o->token, SLUICE_NO_WAIT);
}

static uint64_t token_of(const struct order *o)
{
    return option(o, "tag") ? o->token : 0;
}

static enum sluice_error do_unsub(const struct order *o)
{
    return sluice_unsubscribe(handle, sluice_text(o->argument[1]), token_of(o),
                              SLUICE_NO_WAIT);
}

static enum sluice_error do_credit(const struct order *o)
{
    return sluice_credit(handle, sluice_text(o->argument[1]),
                         number(o->argument[2], 0), token_of(o),
                         SLUICE_NO_WAIT);
}

static enum sluice_error do_pub(const struct order *o)
{
    struct sluice_header headers[WORDS_MAX];
    headers_of(o, headers);
    return sluice_publish_to(handle, unspell(o->argument[1]), body_of(o),
                             headers, token_of(o), SLUICE_NO_WAIT);
}

static enum sluice_error do_req(const struct order *o)
{
    struct sluice_header headers[WORDS_MAX];
    headers_of(o, headers);
    return sluice_request(handle, unspell(o->argument[1]), body_of(o), headers,
                          (int)milliseconds(option(o, "timeout"), 5000),
                          o->token, SLUICE_NO_WAIT);
}

static enum sluice_error do_reply(const struct order *o)
{
    struct sluice_header headers[WORDS_MAX];
    headers_of(o, headers);
    return sluice_reply(handle, delivery_of(o), body_of(o), headers,
                        token_of(o), SLUICE_NO_WAIT);
}

static enum sluice_error do_ack(const struct order *o)
{
    return sluice_ack(handle, delivery_of(o), token_of(o), SLUICE_NO_WAIT);
}

static enum sluice_error do_touch(const struct order *o)
{
    return sluice_touch(handle, delivery_of(o), token_of(o), SLUICE_NO_WAIT);
}

static enum sluice_error do_nak(const struct order *o)
{
    return sluice_nak(handle, delivery_of(o),
                      milliseconds(option(o, "delay"), 1000), body_of(o),
                      token_of(o), SLUICE_NO_WAIT);
}

static const struct {
    const char *verb;
    enum sluice_error (*obey)(const struct order *o);
} verbs_of_orders[] = {
    {"sub", do_sub}, {"unsub", do_unsub}, {"credit", do_credit},
    {"pub", do_pub}, {"req", do_req},     {"reply", do_reply},
    {"ack", do_ack}, {"touch", do_touch}, {"nak", do_nak},
};

/* The library's own refusals, as the suite calls them. */
static const char *code_of(enum sluice_error error)
{
    switch (error) {
    case SLUICE_TOO_LONG:
        return "too-big";
    case SLUICE_GONE:
        return "gone";
    case SLUICE_BAD_CHANNEL:
        return "bad-channel";
    default:
        return sluice_error_detail(handle);
    }
}

/* False: later. */
static bool obey(const struct order *o)
{
    enum sluice_error error = SLUICE_BAD_STATE;
    for (size_t i = 0; i < sizeof verbs_of_orders / sizeof *verbs_of_orders;
         i++)
        if (strcmp(verbs_of_orders[i].verb, o->argument[0]) == 0)
            error = verbs_of_orders[i].obey(o);
    if (error == SLUICE_AGAIN || error == SLUICE_HELD)
        return false;
    if (error != SLUICE_OK && option(o, "tag"))
        printf("err %s tag=%s\n", code_of(error), option(o, "tag"));
    return true;
}

/* Whether an earlier order that has not been obeyed has the same channel. */
static bool is_behind(const struct order *o)
{
    for (const struct order *e = orders; e != o; e = e->next)
        if (strcmp(e->argument[0], o->argument[0]) == 0 &&
            strcmp(e->argument[1], o->argument[1]) == 0)
            return true;
    return false;
}

static void obey_all(void)
{
    for (struct order **at = &orders; *at;)
        if (!is_behind(*at) && obey(*at))
            *at = (*at)->next;
        else
            at = &(*at)->next;
}

static struct order *read_order(const char *line)
{
    struct order *o = piece(sizeof *o);
    o->line = copy_of(line);
    for (char *rest = o->line, *word; (word = strsep(&rest, " "));) {
        char *value = strchr(word, '=');
        if (!value) {
            o->argument[o->arguments++] = word;
            continue;
        }
        *value = '\0';
        o->name[o->pairs] = word;
        o->value[o->pairs++] = value + 1;
    }
    return o;
}

static void show_events(void);

static void take_order(const char *line)
{
    struct order *o = read_order(line);
    if (strcmp(o->argument[0], "echo") == 0) {
        show_events();
        printf("echo %s\n", o->argument[1]);
        return;
    }
    const char *tag = option(o, "tag");
    calls = realloc(calls, (call_count + 2) * sizeof *calls);
    o->token = ++call_count;
    calls[o->token] = (struct call){.tag = tag ? copy_of(tag) : NULL};
    struct order **at = &orders;
    while (*at)
        at = &(*at)->next;
    *at = o;
    obey_all();
}

/* --- events -------------------------------------------------------------- */

static void remember(const struct sluice_event *e)
{
    deliveries = realloc(deliveries, (delivery_count + 1) * sizeof *deliveries);
    deliveries[delivery_count++] = e->delivery;
}

static void show_message(const struct sluice_event *e)
{
    remember(e);
    printf("msg %s ", calls[e->token].pattern);
    print_channel(e->channel);
    printf(" %llu%s", (unsigned long long)e->seq, e->is_new ? " new=1" : "");
    if (e->tries > 1)
        printf(" try=%llu", (unsigned long long)e->tries);
    if (e->wants_reply)
        fputs(" reply=yes", stdout);
    print_tail(e);
    putchar('\n');
}

static void show_gap(const struct sluice_event *e)
{
    printf("gap %s ", calls[e->token].pattern);
    print_channel(e->channel);
    printf(" %llu %llu%s why=%s\n", (unsigned long long)e->seq,
           (unsigned long long)e->last, e->is_new ? " new=1" : "", e->reason);
}

static void show_missed(const struct sluice_event *e)
{
    printf("missed %s", calls[e->token].pattern);
    if (e->last > 0)
        printf(" %llu", (unsigned long long)(e->last - e->seq + 1));
    putchar('\n');
}

static void show_receipt(const struct sluice_event *e)
{
    struct call *call = &calls[e->token];
    call->is_made = true;
    if (!call->tag)
        return;
    printf("ok tag=%s seq=%llu subs=%llu drop=%llu held=%llu\n", call->tag,
           (unsigned long long)e->seq, (unsigned long long)e->subscribers,
           (unsigned long long)e->dropped, (unsigned long long)e->waiting);
}

static void show_reply(const struct sluice_event *e)
{
    printf("rep tag=%s", calls[e->token].tag);
    print_tail(e);
    putchar('\n');
}

static void show_failed(const struct sluice_event *e)
{
    const struct call *call = e->token ? &calls[e->token] : NULL;
    if (call && call->tag && !(call->is_made && call->pattern))
        printf("err %s tag=%s\n", e->reason, call->tag);
    else
        printf("err %s\n", e->reason);
}

static void show_with_channel(const char *word, const struct sluice_event *e)
{
    printf("%s ", word);
    print_channel(e->channel);
    putchar('\n');
}

static void show(const struct sluice_event *e)
{
    switch (e->kind) {
    case SLUICE_EVENT_MESSAGE:
        show_message(e);
        break;
    case SLUICE_EVENT_GAP:
        show_gap(e);
        break;
    case SLUICE_EVENT_MISSED:
        show_missed(e);
        break;
    case SLUICE_EVENT_UNTOLD:
        show_with_channel("wrong", e);
        break;
    case SLUICE_EVENT_RECEIPT:
        show_receipt(e);
        break;
    case SLUICE_EVENT_REPLY:
        show_reply(e);
        break;
    case SLUICE_EVENT_FAILED:
        show_failed(e);
        break;
    case SLUICE_EVENT_HOLD:
        show_with_channel("hold", e);
        break;
    case SLUICE_EVENT_GO:
        show_with_channel("go", e);
        break;
    case SLUICE_EVENT_OPEN:
        printf("open run=%s\n", e->run);
        break;
    case SLUICE_EVENT_DRAIN:
        puts("drain");
        break;
    case SLUICE_EVENT_END:
        printf("lost why=%s\n", e->reason);
        break;
    }
}

/* Everything that has happened. Ends the program if that was the end. */
static void show_events(void)
{
    const struct sluice_event *e;
    enum sluice_error error;
    while ((error = sluice_next(handle, &e, SLUICE_NO_WAIT)) == SLUICE_OK) {
        show(e);
        obey_all();
    }
    if (error == SLUICE_AGAIN)
        return;
    if (*sluice_error_code(handle))
        printf("err %s\n", sluice_error_code(handle));
    fprintf(stderr, "%s\n", sluice_error_detail(handle));
    free_all();
    exit(0);
}

/* --- loop ---------------------------------------------------------------- */

/* Takes the whole lines that have come; false at the end of the input. */
static bool read_orders(void)
{
    static char input[1 << 16];
    static size_t length;
    ssize_t n = read(STDIN_FILENO, input + length, sizeof input - length - 1);
    if (n <= 0)
        return false;
    length += (size_t)n;
    input[length] = '\0';
    char *line = input, *end;
    while ((end = strchr(line, '\n'))) {
        *end = '\0';
        take_order(line);
        line = end + 1;
    }
    length -= (size_t)(line - input);
    memmove(input, line, length);
    return true;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    handle = sluice_new();
    const char *server = getenv("SLUICE_SERVER");
    if (!handle || !server || sluice_set_name(handle, "suite") != SLUICE_OK ||
        sluice_set_reconnect(handle, true) != SLUICE_OK ||
        sluice_open(handle, server, SLUICE_NO_WAIT) != SLUICE_OK)
        return 1;
    for (;;) {
        show_events();
        obey_all();
        struct pollfd waiting[] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = sluice_fd(handle), .events = sluice_events(handle)},
        };
        poll(waiting, 2, sluice_wait_ms(handle));
        if (waiting[0].revents && !read_orders())
            break;
    }
    enum sluice_error error = sluice_close(handle, GOODBYE_MS);
    if (error != SLUICE_OK)
        fprintf(stderr, "%s\n", sluice_error_detail(handle));
    free_all();
    return error == SLUICE_OK ? 0 : 1;
}
