/* SPDX-License-Identifier: MIT
 *
 * sluice chat - a topic as a room to talk in. A message is "NAME: text", so
 * that `sluice listen` and `sluice send` can take part.
 *
 * A line is not printed when it is entered but when it comes back from the
 * broker, like the lines of the others: all see the same lines in the same
 * order, and a line that was lost is not shown.
 */
#include "client/command.h"
#include "client/complain.h"
#include "client/escape.h"
#include "client/lib/deadline.h"
#include "client/prompt.h"
#include "client/stop_signal.h"
#include "client/watch.h"
#include "proto/channel_name.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHAT_NAME_MAX = 32, CHAT_PROMPT_BYTES = CHAT_NAME_MAX + 3 };

struct chat_options {
    const char *server, *name;
    struct cli_option_number timeout_ms;
};

#define CHAT_VALUE(field) offsetof(struct chat_options, field)

static const struct cli_option chat_options[] = {
    {"server", CLI_OPTION_TEXT, CHAT_VALUE(server), "ADDR",
     SLUICE_DEFAULT_SERVER, "SLUICE_SERVER", 0, 0,
     "the broker: host:port, [v6]:port or unix:PATH"},
    {"as", CLI_OPTION_TEXT, CHAT_VALUE(name), "NAME", "anonymous", "USER", 0, 0,
     "your name in the room"},
    {"timeout", CLI_OPTION_DURATION, CHAT_VALUE(timeout_ms), "TIME", "5s", NULL,
     1, 86400000, "how long to try to connect, to send a line, and to leave"},
    {.name = NULL},
};

struct chat {
    struct chat_options options;
    struct sluice *s;
    struct sluice_bytes channel;
    char prompt_text[CHAT_PROMPT_BYTES];
    struct prompt *prompt;
    bool has_colour;
    enum sluice_error error; /* why it ends; SLUICE_OK when the user ends it */
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
    return length <= CHAT_NAME_MAX ? length : 0;
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
    enum sluice_error error = sluice_receive(c->s, &message, SLUICE_NO_WAIT);
    if (error != SLUICE_OK)
        return error;
    prompt_hide(c->prompt);
    do {
        chat_print(c, message);
        error = sluice_receive(c->s, &message, SLUICE_NO_WAIT);
    } while (error == SLUICE_OK);
    prompt_show(c->prompt);
    return error;
}

/* The prompt's wait: prints messages until a key is typed. */
static bool chat_wait(void *context)
{
    struct chat *c = context;
    while (!stop_signal_came()) {
        enum sluice_error error = chat_hear(c);
        if (error != SLUICE_AGAIN) {
            c->error = error;
            return false;
        }
        struct watch watch = {
            .s = c->s, .fd = STDIN_FILENO, .events = POLLIN, .timeout_ms = -1};
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
    int timeout_ms = (int)c->options.timeout_ms.value;
    enum sluice_error error =
        sluice_publish(c->s, c->channel, sluice_text(text), timeout_ms);
    free(text);
    return error != SLUICE_OK ? error : sluice_flush(c->s, timeout_ms);
}

static void chat_talk(struct chat *c)
{
    const char *line;
    while (c->error == SLUICE_OK && (line = prompt_line(c->prompt)))
        if (*line)
            c->error = chat_say(c, line);
}

/* --- coming and going ---------------------------------------------------- */

static enum sluice_error chat_join(struct chat *c)
{
    enum sluice_error error = sluice_connect(c->s, c->options.server,
                                             (int)c->options.timeout_ms.value);
    return error != SLUICE_OK ? error : sluice_subscribe(c->s, c->channel);
}

/* Waits until the broker has read all lines and sent the messages still due. */
static enum sluice_error chat_leave(struct chat *c)
{
    int64_t due_ms = sluice_deadline_in((int)c->options.timeout_ms.value);
    enum sluice_error error = sluice_goodbye(c->s);
    if (error != SLUICE_OK)
        return error;
    while ((error = chat_hear(c)) == SLUICE_AGAIN) {
        struct watch watch = {.s = c->s,
                              .fd = -1,
                              .is_stopping = true,
                              .timeout_ms = sluice_deadline_left(due_ms)};
        if (watch.timeout_ms == 0)
            return SLUICE_TIMEOUT;
        watch_wait(&watch);
    }
    return error == SLUICE_CLOSED ? SLUICE_OK : error;
}

static int chat_chat(struct chat *c)
{
    enum sluice_error error = chat_join(c);
    if (error != SLUICE_OK)
        return complain_unconnected(c->s, error);
    chat_talk(c);
    if (c->error == SLUICE_OK)
        c->error = chat_leave(c);
    if (c->error == SLUICE_OK)
        return EXIT_DONE;
    return complain(EXIT_FAILED, "%s", sluice_error_detail(c->s));
}

/* --- the command --------------------------------------------------------- */

/* False, with an error printed and *status set: a queue would give each line to
 * one person only, and the name is in the prompt, whose width must be known. */
static bool chat_check(const struct chat *c, int argc, char **argv, int *status)
{
    const char *wrong = NULL;
    size_t length = strlen(c->options.name);
    if (argc > 2)
        wrong = "chat takes one CHANNEL; type what you want to say";
    else if (strncmp(argv[1], "/queue", 6) == 0)
        wrong = "CHANNEL must be a topic: a queue would give each line to one "
                "person only";
    else if (strcmp(argv[1], CHANNEL_NAME_NULL) == 0 ||
             strcmp(argv[1], "/sys") == 0 || strncmp(argv[1], "/sys/", 5) == 0)
        wrong = "CHANNEL must be a topic of your own";
    else if (length < 1 || length > CHAT_NAME_MAX ||
             strspn(c->options.name,
                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                    "0123456789-_.") != length)
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
    c->s = sluice_new();
    if (!c->s || !stop_signal_init())
        return false;
    c->prompt = prompt_new(c->prompt_text, chat_wait, c);
    c->has_colour = c->prompt && prompt_is_terminal(c->prompt) &&
                    !(no_colour && *no_colour);
    return c->prompt;
}

static int chat_run(int argc, char **argv)
{
    struct chat c = {.s = NULL};
    int status;
    if (!command_parse(&command_chat, &c.options, &argc, argv, &status) ||
        !command_has_channel(&command_chat, argc, argv, &status) ||
        !chat_check(&c, argc, argv, &status))
        return status;
    status = chat_init(&c, argv[1])
                 ? chat_chat(&c)
                 : complain(EXIT_FAILED, "cannot start: %s", strerror(errno));
    prompt_free(c.prompt);
    sluice_free(c.s);
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
        "  sluice chat /topic/room --as ann\n",
    .options = chat_options,
    .run = chat_run,
};
