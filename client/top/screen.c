/* SPDX-License-Identifier: MIT */
#include "client/top/screen.h"

#include <curses.h>
#include <locale.h>
#include <string.h>

enum {
    SCREEN_STATE_LINES = 2,
    SCREEN_ROWS_ABOVE = MODEL_LINES + SCREEN_STATE_LINES + 1,
    SCREEN_TEXT_MIN = 16
};
enum screen_colour { SCREEN_ALARM = 1, SCREEN_HEAD };

bool screen_open(struct screen *s)
{
    (void)s;
    setlocale(LC_CTYPE, "");
    if (!newterm(NULL, stdout, stdin))
        return false;
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
        init_pair(SCREEN_ALARM, COLOR_RED, -1);
        init_pair(SCREEN_HEAD, COLOR_CYAN, -1);
    }
    return true;
}

void screen_close(void)
{
    endwin();
}

/* --- drawing ------------------------------------------------------------- */

static void screen_put_line(int y, int attributes, const char *text)
{
    attrset(attributes);
    mvaddnstr(y, 0, text, COLS);
    clrtoeol();
    attrset(A_NORMAL);
}

/* Spare columns before `spare` are left out, and rare ones that are blank,
 * except the one that the rows are sorted by. */
static bool screen_shows(const struct table *s, size_t column, size_t spare)
{
    enum table_need need = s->columns[column].need;
    if (column == s->order)
        return true;
    if (need == TABLE_RARE && table_is_blank(s, column))
        return false;
    return column >= spare || need == TABLE_NEEDED;
}

/* The width of the column that has none of its own. */
static int screen_rest(const struct table *s, size_t spare)
{
    int rest = COLS + 1;
    for (size_t c = 0; s->columns[c].title; c++)
        if (screen_shows(s, c, spare))
            rest -= s->columns[c].width + 1;
    return rest;
}

/* Up to which column the spare ones are left out, so that enough of each name
 * is seen to distinguish them. */
static size_t screen_find_spare(const struct table *s)
{
    size_t spare = 0;
    while (s->columns[spare].title && screen_rest(s, spare) < SCREEN_TEXT_MIN)
        spare++;
    return spare;
}

/* `row` NULL: the titles. */
static void screen_put_row(const struct table *s, const struct table_row *row,
                           int y)
{
    size_t spare = screen_find_spare(s);
    int x = 0, rest = screen_rest(s, spare);
    for (size_t c = 0; s->columns[c].title && x < COLS; c++) {
        const struct table_column *column = &s->columns[c];
        int width = column->width ? column->width : rest > 0 ? rest : 1;
        char text[TABLE_TEXT_BYTES];
        if (!screen_shows(s, c, spare))
            continue;
        if (row)
            table_cell(s, row, c, text);
        else
            snprintf(text, sizeof text, "%s", column->title);
        if (!row)
            attrset(c == s->order ? A_REVERSE | A_BOLD : A_BOLD);
        int length = (int)strlen(text);
        bool is_left = table_is_text(column->kind) || length > width;
        mvaddnstr(y, is_left ? x : x + width - length, text,
                  width < COLS - x ? width : COLS - x);
        attrset(A_NORMAL);
        x += width + 1;
    }
}

static void screen_put_table(const struct screen *s)
{
    const struct table *table = &s->model->table[s->table];
    int y = SCREEN_ROWS_ABOVE;
    screen_put_row(table, NULL, y++);
    for (size_t i = s->scrolled; i < table->shown && y < LINES - 1; i++)
        screen_put_row(table, table->show[i], y++);
}

static void screen_put_state(const struct screen *s)
{
    char text[MODEL_LINE_BYTES];
    int64_t silent_ms = model_silent_ms(s->model);
    if (!s->model->stats)
        snprintf(text, sizeof text, "Waiting for %s: no answer yet",
                 s->endpoint);
    else if (silent_ms > 0)
        snprintf(text, sizeof text,
                 "SILENT for %.0f s; trying to reconnect to %s",
                 (double)silent_ms / 1000, s->endpoint);
    else
        model_print_headline(s->model, text);
    attrset(A_BOLD | COLOR_PAIR(SCREEN_ALARM));
    mvaddnstr(MODEL_LINES, 0, text,
              SCREEN_STATE_LINES * COLS); /* text would wrap */
    attrset(A_NORMAL);
}

static void screen_put_foot(const struct screen *s)
{
    const struct table *table = &s->model->table[s->table];
    char text[MODEL_LINE_BYTES];
    if (s->is_filtering)
        snprintf(text, sizeof text, "filter: %s_  (Enter: keep, Esc: none)",
                 table->filter);
    else
        snprintf(text, sizeof text,
                 "%s: %zu of %zu%s%s | Tab other table  <> sort  r reverse  "
                 "/ filter  ? help  q quit",
                 table->name, table->shown, table->rows,
                 table->filter[0] ? " with " : "", table->filter);
    screen_put_line(LINES - 1, A_REVERSE, text);
}

static void screen_put_help(void)
{
    static const char *const lines[] = {
        "Tab c l u   channels, clients, users of the users file",
        "< >         sort by the column to the left or right (arrows, too)",
        "r           reverse the order",
        "/           show only rows that contain a text; Esc: all",
        "Up Down     scroll; PgUp, PgDn, Home",
        "?           this help",
        "q           quit",
        "",
        "DEPTH waits in the channel or with its subscribers, AGE is how",
        "long the oldest message has waited, PAUSED publishers wait for",
        "room. OUT/s goes to the sockets of subscribers. HELD was given to",
        "workers that have not acknowledged it yet, BACK/s comes back from",
        "them to be given out again. PARKED bytes of publishers wait for",
        "room while the rest of what they send is read. How much a consumer",
        "that does not acknowledge has finished, only the consumer knows.",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        screen_put_line(SCREEN_ROWS_ABOVE + (int)i, A_NORMAL, lines[i]);
}

void screen_draw(const struct screen *s)
{
    char line[MODEL_LINES][MODEL_LINE_BYTES];
    erase();
    if (s->model->stats) {
        model_print_totals(s->model, line);
        screen_put_line(0, A_BOLD | COLOR_PAIR(SCREEN_HEAD), line[0]);
        for (int y = 1; y < MODEL_LINES; y++)
            screen_put_line(y, A_NORMAL, line[y]);
    }
    screen_put_state(s);
    if (s->is_helping)
        screen_put_help();
    else
        screen_put_table(s);
    screen_put_foot(s);
    refresh();
}

/* --- keys ---------------------------------------------------------------- */

static void screen_show(struct screen *s, enum model_table table)
{
    s->table = table;
    s->scrolled = 0;
}

static void screen_scroll(struct screen *s, int rows)
{
    size_t shown = s->model->table[s->table].shown;
    if (rows < 0 && s->scrolled < (size_t)-rows)
        s->scrolled = 0;
    else
        s->scrolled += (size_t)rows;
    if (s->scrolled >= shown)
        s->scrolled = shown > 0 ? shown - 1 : 0;
}

static void screen_on_other(struct screen *s, int argument)
{
    enum model_table next = s->table;
    (void)argument;
    do {
        next = (next + 1) % MODEL_TABLES;
    } while (!model_has(s->model, next));
    screen_show(s, next);
}

static void screen_on_table(struct screen *s, int argument)
{
    screen_show(s, (enum model_table)argument);
}

static void screen_on_order(struct screen *s, int argument)
{
    table_order_by(&s->model->table[s->table], argument);
}

static void screen_on_reverse(struct screen *s, int argument)
{
    (void)argument;
    struct table *table = &s->model->table[s->table];
    table->is_ascending = !table->is_ascending;
    table_arrange(table);
}

static void screen_on_scroll(struct screen *s, int argument)
{
    screen_scroll(s, argument);
}

static void screen_on_filter(struct screen *s, int argument)
{
    (void)argument;
    s->is_filtering = true;
}

static void screen_on_help(struct screen *s, int argument)
{
    (void)argument;
    s->is_helping = !s->is_helping;
}

static void screen_on_quit(struct screen *s, int argument)
{
    (void)argument;
    s->is_over = true;
}

static const struct {
    void (*handle)(struct screen *s, int argument);
    int argument;
    int key;
} screen_keys[] = {
    {screen_on_other, 0, '\t'},
    {screen_on_table, MODEL_CHANNELS, 'c'},
    {screen_on_table, MODEL_CLIENTS, 'l'},
    {screen_on_table, MODEL_USERS, 'u'},
    {screen_on_order, -1, '<'},
    {screen_on_order, 1, '>'},
    {screen_on_order, -1, KEY_LEFT},
    {screen_on_order, 1, KEY_RIGHT},
    {screen_on_reverse, 0, 'r'},
    {screen_on_filter, 0, '/'},
    {screen_on_scroll, -1, KEY_UP},
    {screen_on_scroll, 1, KEY_DOWN},
    {screen_on_scroll, -10, KEY_PPAGE},
    {screen_on_scroll, 10, KEY_NPAGE},
    {screen_on_scroll, -TABLE_ROWS_MAX, KEY_HOME},
    {screen_on_help, 0, '?'},
    {screen_on_help, 0, 'h'},
    {screen_on_quit, 0, 'q'},
};

static void screen_on_key(struct screen *s, int key)
{
    for (size_t i = 0; i < sizeof screen_keys / sizeof *screen_keys; i++)
        if (screen_keys[i].key == key)
            screen_keys[i].handle(s, screen_keys[i].argument);
}

enum { SCREEN_ESCAPE = 27, SCREEN_DELETE = 127 };

/* While a filter is typed, every letter is part of it. */
static void screen_on_filter_key(struct screen *s, int key)
{
    struct table *table = &s->model->table[s->table];
    size_t length = strlen(table->filter);
    if (key == '\r' || key == '\n' || key == KEY_ENTER)
        s->is_filtering = false;
    else if (key == SCREEN_ESCAPE) {
        s->is_filtering = false;
        table->filter[0] = '\0';
    } else if (key == KEY_BACKSPACE || key == SCREEN_DELETE || key == '\b') {
        if (length > 0)
            table->filter[length - 1] = '\0';
    } else if (key >= ' ' && key < SCREEN_DELETE &&
               length + 1 < sizeof table->filter) {
        table->filter[length] = (char)key;
        table->filter[length + 1] = '\0';
    }
    s->scrolled = 0;
    table_arrange(table);
}

void screen_read_keys(struct screen *s)
{
    int key;
    while (!s->is_over && (key = getch()) != ERR) {
        if (s->is_filtering)
            screen_on_filter_key(s, key);
        else if (key == SCREEN_ESCAPE) {
            s->model->table[s->table].filter[0] = '\0';
            table_arrange(&s->model->table[s->table]);
        } else
            screen_on_key(s, key);
    }
}
