/* SPDX-License-Identifier: MIT
 *
 * sluice chat - a topic as a room to talk in. A message is "NAME: text", so
 * that `sluice listen` and `sluice send` can take part.
 *
 * A line is not printed when it is entered but when it comes back from the
 * broker, like the lines of the others: all see the same lines in the same
 * order, and a line that was lost is not shown. A second connection, to another
 * topic, is for the list of people in the room (presence.h).
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/escape.h"
#include "client/lib/deadline.h"
#include "client/outage.h"
#include "client/presence.h"
#include "client/prompt.h"
#include "client/stop_signal.h"
#include "client/target.h"
#include "client/topic_link.h"
#include "client/watch.h"
#include "proto/channel_name.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { CHAT_PROMPT_BYTES = PRESENCE_NAME_MAX + 3 };

struct chat_options {
    struct target target;
    const char *name;
    struct cli_option_number timeout_ms;
    bool has_reconnect, is_quiet;
};

#define CHAT_VALUE(field) offsetof(struct chat_options, field)

static const struct cli_option chat_options[] = {
    TARGET_SERVER(CHAT_VALUE(target)),
    {"as", CLI_OPTION_TEXT, CHAT_VALUE(name), "NAME", "anonymous", "USER", 0, 0,
     "your name in the room"},
    {"timeout", CLI_OPTION_DURATION, CHAT_VALUE(timeout_ms), "TIME", "5s", NULL,
     1, 86400000, "how long to try to connect, to send a line, and to leave"},
    {"reconnect", CLI_OPTION_FLAG, CHAT_VALUE(has_reconnect), NULL, NULL, NULL,
     0, 0, "try again when the broker cannot be reached or is lost"},
    {"quiet", CLI_OPTION_FLAG, CHAT_VALUE(is_quiet), NULL, NULL, NULL, 0, 0,
     "do not show who comes and goes"},
    TARGET_TLS(CHAT_VALUE(target)),
    TARGET_LOGIN(CHAT_VALUE(target)),
    {.name = NULL},
};

struct chat {
    struct chat_options options;
    struct topic_link room, door; /* for lines; for who is there */
    struct sluice_bytes channel, door_channel;
    char door_name[SLUICE_CHANNEL_MAX + sizeof PRESENCE_SUFFIX];
    struct presence presence;
    bool is_taken; /* the name */
    bool is_heard; /* the broker has delivered something */
    struct outage outage;
    char prompt_text[CHAT_PROMPT_BYTES];
    struct prompt *prompt;
    bool has_colour;
    bool is_out; /* the user has ended it while it was not connected */
    enum sluice_error error; /* why it ends; SLUICE_OK when the user ends it */
    const struct sluice *failed; /* the connection that knows more of it */
};

/* --- receiving ----------------------------------------------------------- */

/* A name has the same colour on every terminal. */
static int chat_colour(const uint8_t *name, size_t length)
{
    static const int colours[] = {31, 32, 33, 34, 35, 36};
    uint32_t hash = 5381;
    for (size_t i = 0; i < length; i++)
        hash = hash * 33 + name[i];
    return colours[hash % (sizeof colours / sizeof *colours)];
}

static void chat_print_escaped(const uint8_t *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        char shown[ESCAPE_BYTES];
        size_t shown_length;
        at += escape_next(text + at, length - at, shown, &shown_length);
        fwrite(shown, 1, shown_length, stdout);
    }
}

/* The length of the name that it begins with; 0 when there is none. */
static size_t chat_name_length(struct sluice_bytes message)
{
    const uint8_t *colon = NULL;
    if (message.length > 0)
        colon = memchr(message.data, ':', message.length);
    size_t length = colon ? (size_t)(colon - (const uint8_t *)message.data) : 0;
    return length <= PRESENCE_NAME_MAX ? length : 0;
}

static void chat_print(const struct chat *c, struct sluice_bytes message)
{
    const uint8_t *text = message.data;
    size_t name = c->has_colour ? chat_name_length(message) : 0;
    if (name > 0) {
        printf("\033[%dm", chat_colour(text, name));
        chat_print_escaped(text, name);
        fputs("\033[0m", stdout);
    }
    chat_print_escaped(text + name, message.length - name);
    putchar('\n');
}

/* Prints all that has come. SLUICE_AGAIN: nothing more for now. */
static enum sluice_error chat_hear(struct chat *c)
{
    struct sluice_bytes message;
    enum sluice_error error = topic_link_receive(&c->room, &message);
    if (error != SLUICE_OK)
        return error;
    prompt_hide(c->prompt);
    do {
        chat_print(c, message);
        error = topic_link_receive(&c->room, &message);
        /* After a stop signal the time is limited, and this may never pause. */
    } while (error == SLUICE_OK && !stop_signal_came());
    if (error == SLUICE_OK)
        chat_print(c, message);
    prompt_show(c->prompt);
    return error == SLUICE_OK ? SLUICE_AGAIN : error;
}

/* --- who is there -------------------------------------------------------- */

static enum sluice_error chat_announce(struct chat *c, const char *word,
                                       int timeout_ms)
{
    char text[PRESENCE_MESSAGE_BYTES];
    presence_write(&c->presence, word, text);
    enum sluice_error error = topic_link_publish(&c->door, c->door_channel,
                                                 sluice_text(text), timeout_ms);
    return error == SLUICE_OK ? sluice_flush(c->door.s, timeout_ms) : error;
}

static void chat_print_news(const struct chat *c,
                            const struct presence_news *news)
{
    static const char *const texts[] = {
        [PRESENCE_CAME] = "came",
        [PRESENCE_WAS_HERE] = "is here",
        [PRESENCE_LEFT] = "left",
        [PRESENCE_LOST] = "is gone: nothing was heard for 45 seconds",
        [PRESENCE_TAKEN] = NULL,
    };
    if (c->options.is_quiet || !prompt_is_terminal(c->prompt) ||
        !texts[news->change])
        return;
    prompt_hide(c->prompt);
    printf("* %s %s\n", news->name.text, texts[news->change]);
    prompt_show(c->prompt);
}

static enum sluice_error chat_on_news(struct chat *c,
                                      const struct presence_news *news)
{
    c->is_taken = c->is_taken || news->change == PRESENCE_TAKEN;
    chat_print_news(c, news);
    return news->must_answer
               ? chat_announce(c, "here", (int)c->options.timeout_ms.value)
               : SLUICE_OK;
}

/* Takes what others say at the door, and says what is due. SLUICE_AGAIN:
 * nothing more for now. */
static enum sluice_error chat_mind_door(struct chat *c)
{
    int64_t now_ms = sluice_deadline_clock();
    struct sluice_bytes message;
    struct presence_news news;
    enum sluice_error error = SLUICE_AGAIN;
    while (!stop_signal_came() &&
           (error = topic_link_receive(&c->door, &message)) == SLUICE_OK) {
        c->is_heard = true; /* one's own word comes back as well */
        news = presence_hear(&c->presence, message, now_ms);
        error = chat_on_news(c, &news);
        if (error != SLUICE_OK)
            return error;
    }
    while ((news = presence_miss(&c->presence, now_ms)).change !=
           PRESENCE_NOTHING)
        chat_print_news(c, &news);
    if (error == SLUICE_AGAIN && presence_must_beat(&c->presence, now_ms))
        error = chat_announce(c, "here", (int)c->options.timeout_ms.value);
    return error == SLUICE_OK ? SLUICE_AGAIN : error;
}

/* --- coming -------------------------------------------------------------- */

/* On a new handle: the old one may still be connected. Version 1 has no way to
 * show who somebody is. */
static enum sluice_error chat_dial(struct chat *c, struct topic_link *l,
                                   struct sluice_bytes channel)
{
    struct sluice *fresh = sluice_new();
    if (!fresh)
        return SLUICE_NO_MEMORY;
    sluice_free(l->s);
    *l = (struct topic_link){fresh, login_is_wanted(&c->options.target.login)};
    c->failed = fresh;
    return topic_link_join(l, &c->options.target, channel,
                           (int)c->options.timeout_ms.value);
}

static enum sluice_error chat_join(struct chat *c)
{
    uint64_t identity;
    if (getrandom(&identity, sizeof identity, 0) != (ssize_t)sizeof identity)
        return SLUICE_NO_MEMORY; /* cannot happen */
    enum sluice_error error = chat_dial(c, &c->room, c->channel);
    if (error == SLUICE_OK)
        error = chat_dial(c, &c->door, c->door_channel);
    presence_init(&c->presence, c->options.name, identity,
                  sluice_deadline_clock(),
                  (int64_t)c->options.timeout_ms.value);
    if (error != SLUICE_OK)
        return error;
    outage_on_connected(&c->outage);
    return chat_announce(c, "join", (int)c->options.timeout_ms.value);
}

/* After `error`: tries until it is in the room again. Returns the error that
 * ends the chat, SLUICE_OK when it is in the room or the user ends it. */
static enum sluice_error chat_rejoin(struct chat *c, enum sluice_error error)
{
    if (error == SLUICE_OK)
        return error;
    prompt_hide(c->prompt);
    fflush(stdout); /* what follows is on standard error */
    while (error != SLUICE_OK) {
        if (!c->options.has_reconnect || outage_is_final(&c->outage, error))
            return error;
        outage_on_lost(&c->outage, sluice_error_detail(c->failed));
        if (!outage_pause(&c->outage))
            break;
        error = chat_join(c);
    }
    outage_on_success(&c->outage);
    prompt_show(c->prompt);
    c->is_out = error != SLUICE_OK;
    return SLUICE_OK;
}

/* Prints what has come on both connections. SLUICE_AGAIN: nothing more. */
static enum sluice_error chat_take(struct chat *c)
{
    c->failed = c->room.s;
    enum sluice_error error = chat_hear(c);
    if (error != SLUICE_AGAIN)
        return error;
    c->failed = c->door.s;
    return chat_mind_door(c);
}

/* The prompt's wait: prints messages until a key is typed. */
static bool chat_wait(void *context)
{
    struct chat *c = context;
    while (!stop_signal_came() && !c->is_taken) {
        enum sluice_error error = chat_take(c);
        if (error != SLUICE_AGAIN) {
            c->error = chat_rejoin(c, error);
            if (c->error != SLUICE_OK)
                return false;
            continue;
        }
        if (c->is_taken)
            return false;
        struct watch watch = {
            .s = c->room.s,
            .other = c->door.s,
            .fd = STDIN_FILENO,
            .events = POLLIN,
            .timeout_ms = sluice_deadline_left(presence_due_ms(&c->presence)),
        };
        if (watch_wait(&watch) != 0)
            return true;
        /* Perhaps the window has another size, or this is the foreground
         * again: in both cases the line may not stand where it did. */
        prompt_hide(c->prompt);
        prompt_show(c->prompt);
    }
    return false;
}

/* --- sending ------------------------------------------------------------- */

static enum sluice_error chat_say(struct chat *c, const char *line)
{
    size_t length = strlen(c->prompt_text) + strlen(line);
    char *text = malloc(length + 1);
    if (!text)
        return SLUICE_NO_MEMORY;
    snprintf(text, length + 1, "%s%s", c->prompt_text, line);
    c->failed = c->room.s;
    int timeout_ms = (int)c->options.timeout_ms.value;
    enum sluice_error error =
        topic_link_publish(&c->room, c->channel, sluice_text(text), timeout_ms);
    free(text);
    return error != SLUICE_OK ? error : sluice_flush(c->room.s, timeout_ms);
}

static void chat_talk(struct chat *c)
{
    const char *line;
    while (c->error == SLUICE_OK && (line = prompt_line(c->prompt)))
        if (line[strspn(line, " \t")])
            c->error = chat_rejoin(c, chat_say(c, line));
}

/* --- going --------------------------------------------------------------- */

/* Waits until the broker has read all lines and sent the messages still due. */
static enum sluice_error chat_leave(struct chat *c)
{
    int timeout_ms = (int)c->options.timeout_ms.value;
    int64_t due_ms = sluice_deadline_in(timeout_ms);
    c->failed = c->door.s;
    enum sluice_error error = chat_announce(c, "leave", timeout_ms);
    if (error == SLUICE_OK)
        error = sluice_close(c->door.s, timeout_ms);
    if (error != SLUICE_OK)
        return error;
    c->failed = c->room.s;
    error = sluice_goodbye(c->room.s);
    if (error != SLUICE_OK)
        return error;
    while ((error = chat_hear(c)) == SLUICE_AGAIN) {
        struct watch watch = {.s = c->room.s,
                              .fd = -1,
                              .is_stopping = true,
                              .timeout_ms = sluice_deadline_left(due_ms)};
        if (watch.timeout_ms == 0)
            return SLUICE_TIMEOUT;
        watch_wait(&watch);
    }
    return error == SLUICE_CLOSED ? SLUICE_OK : error;
}

static int chat_complain(const struct chat *c, enum sluice_error error)
{
    return complain(EXIT_FAILED, "%s%s", sluice_error_detail(c->failed),
                    error == SLUICE_BROKEN && !c->is_heard
                        ? "; the broker's log says why: " COMPLAIN_DEMANDS
                        : "");
}

static int chat_chat(struct chat *c)
{
    enum sluice_error error = chat_rejoin(c, chat_join(c));
    if (error == SLUICE_BROKEN)
        return chat_complain(c, error);
    if (error != SLUICE_OK)
        return complain_unconnected(c->failed, error);
    if (c->is_out)
        return EXIT_DONE;
    chat_talk(c);
    if (c->error == SLUICE_OK && !c->is_out)
        c->error = chat_leave(c);
    if (c->is_taken)
        return complain(EXIT_FAILED,
                        "the name '%s' is taken here; choose another with --as",
                        c->options.name);
    if (c->error == SLUICE_OK)
        return EXIT_DONE;
    return chat_complain(c, c->error);
}

/* --- the command --------------------------------------------------------- */

/* False, with an error printed and *status set: a queue would give each line to
 * one person only, and the name is in the prompt, whose width must be known. */
static bool chat_check(const struct chat *c, int argc, char **argv, int *status)
{
    const char *wrong = NULL;
    if (argc > 2)
        wrong = "chat takes one CHANNEL; type what you want to say";
    else if (strncmp(argv[1], "/queue", 6) == 0)
        wrong = "CHANNEL must be a topic: a queue would give each line to one "
                "person only";
    else if (strcmp(argv[1], CHANNEL_NAME_NULL) == 0 ||
             strcmp(argv[1], "/sys") == 0 || strncmp(argv[1], "/sys/", 5) == 0)
        wrong = "CHANNEL must be a topic of your own";
    else if (strlen(argv[1]) + strlen(PRESENCE_SUFFIX) > SLUICE_CHANNEL_MAX)
        wrong = "CHANNEL is too long: who is there is a channel as well, "
                "CHANNEL" PRESENCE_SUFFIX;
    else if (!presence_is_name(c->options.name))
        wrong = "--as takes 1 to 32 letters, digits, '-', '_' or '.'";
    if (wrong)
        *status = command_misused(&command_chat, wrong);
    return !wrong;
}

static bool chat_init(struct chat *c, const char *channel)
{
    const char *no_colour = getenv("NO_COLOR");
    c->channel = sluice_text(channel);
    snprintf(c->prompt_text, sizeof c->prompt_text, "%s: ", c->options.name);
    snprintf(c->door_name, sizeof c->door_name, "%s" PRESENCE_SUFFIX, channel);
    c->door_channel = sluice_text(c->door_name);
    outage_init(&c->outage, c->options.target.server, false);
    c->room.s = sluice_new();
    c->door.s = sluice_new();
    if (!c->room.s || !c->door.s || !stop_signal_init())
        return false;
    c->prompt = prompt_new(c->prompt_text, chat_wait, c);
    c->has_colour = c->prompt && prompt_is_terminal(c->prompt) &&
                    !(no_colour && *no_colour);
    return c->prompt;
}

static int chat_run(int argc, char **argv)
{
    struct chat c = {.prompt = NULL};
    int status;
    if (!command_parse(&command_chat, &c.options, &argc, argv, &status) ||
        !command_has_channel(&command_chat, argc, argv, &status) ||
        !chat_check(&c, argc, argv, &status))
        return status;
    status = chat_init(&c, argv[1])
                 ? chat_chat(&c)
                 : complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    prompt_free(c.prompt);
    sluice_free(c.door.s);
    sluice_free(c.room.s);
    return status;
}

const struct command command_chat = {
    .name = "chat",
    .arguments = "CHANNEL",
    .summary = "Talk to others on a topic",
    .details =
        "Shows what others say above the line that you type; Enter sends the\n"
        "line. Your own lines appear when they come back from the broker, so\n"
        "that everyone sees the same. Control-D or SIGINT ends it. Keys and\n"
        "history are those of libedit, see editrc(5).\n"
        "\n"
        "It shows who comes, is there and goes, as far as they say so on the\n"
        "topic CHANNEL/presence; a name is there once. Other programs can\n"
        "follow it, and take part.\n"
        "\n"
        "  sluice chat /topic/room --as ann\n",
    .options = chat_options,
    .run = chat_run,
};
