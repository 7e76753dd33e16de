/* SPDX-License-Identifier: MIT
 *
 * Standard input becomes messages: one per line, whatever is in it, however it
 * arrives.
 */
#include "client/source.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    int write_fd;
    struct source *source;
};

static struct fixture open_source(size_t longest)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct fixture f = {ends[1], source_lines_new(ends[0], longest)};
    assert_non_null(f.source);
    return f;
}

static void close_source(struct fixture *f)
{
    int fd = f->source->fd;
    source_free(f->source);
    close(fd);
}

static void feed(const struct fixture *f, const char *bytes, size_t n)
{
    assert_int_equal(write(f->write_fd, bytes, n), n);
}

/* The next line, of which more may have to be read. */
static enum source_result next(const struct fixture *f,
                               struct sluice_bytes *line)
{
    enum source_result result = source_next(f->source, line);
    return result == SOURCE_WAIT ? source_next(f->source, line) : result;
}

static void check_line(const struct fixture *f, const char *text, size_t n)
{
    struct sluice_bytes line;
    assert_int_equal(next(f, &line), SOURCE_MESSAGE);
    assert_int_equal(line.length, n);
    assert_memory_equal(line.data, text, n);
}

static void test_lines_empty_lines_and_nuls(void **state)
{
    (void)state;
    struct fixture f = open_source(100);
    feed(&f, "one\n\n\0two\0\nlast", 15);
    close(f.write_fd);
    check_line(&f, "one", 3);
    check_line(&f, "", 0);
    check_line(&f, "\0two\0", 5);
    check_line(&f, "last", 4);
    struct sluice_bytes line;
    assert_int_equal(next(&f, &line), SOURCE_END);
    close_source(&f);
}

static void test_a_last_newline_is_no_line(void **state)
{
    (void)state;
    struct fixture f = open_source(100);
    feed(&f, "a\n", 2);
    close(f.write_fd);
    check_line(&f, "a", 1);
    struct sluice_bytes line;
    assert_int_equal(next(&f, &line), SOURCE_END);
    close_source(&f);
}

static void test_a_line_in_pieces(void **state)
{
    (void)state;
    struct fixture f = open_source(100);
    struct sluice_bytes line;
    feed(&f, "ab", 2);
    assert_int_equal(next(&f, &line), SOURCE_WAIT);
    feed(&f, "cd", 2);
    assert_int_equal(source_next(f.source, &line), SOURCE_WAIT);
    /* asked again too early, it must not block */
    assert_int_equal(source_next(f.source, &line), SOURCE_WAIT);
    assert_int_equal(source_next(f.source, &line), SOURCE_WAIT);
    feed(&f, "\nx\n", 3);
    check_line(&f, "abcd", 4);
    check_line(&f, "x", 1);
    close(f.write_fd);
    close_source(&f);
}

static void test_the_longest_line_and_one_byte_more(void **state)
{
    (void)state;
    struct fixture f = open_source(4);
    feed(&f, "1234\n12345\n", 11);
    check_line(&f, "1234", 4);
    struct sluice_bytes line;
    errno = 0;
    assert_int_equal(next(&f, &line), SOURCE_FAILED);
    assert_int_equal(errno, EMSGSIZE);
    close(f.write_fd);
    close_source(&f);
}

/* Without this, a stream without newlines would be read into memory whole. */
static void test_a_line_without_end_is_refused_early(void **state)
{
    (void)state;
    struct fixture f = open_source(4);
    feed(&f, "12345", 5);
    struct sluice_bytes line;
    assert_int_equal(next(&f, &line), SOURCE_FAILED);
    close(f.write_fd);
    close_source(&f);
}

static void test_a_file_larger_than_the_buffer(void **state)
{
    (void)state;
    enum { LINES = 200000 };
    FILE *file = tmpfile();
    for (int i = 0; i < LINES; i++)
        fprintf(file, "line %d\n", i);
    rewind(file);
    struct fixture f = {-1, source_lines_new(fileno(file), 100)};
    for (int i = 0; i < LINES; i++) {
        char expected[32];
        int n = snprintf(expected, sizeof expected, "line %d", i);
        check_line(&f, expected, (size_t)n);
    }
    source_free(f.source);
    fclose(file);
}

static void test_a_line_longer_than_the_buffer(void **state)
{
    (void)state;
    enum { LONG = 3 << 20 };
    FILE *file = tmpfile();
    char *text = malloc(LONG);
    memset(text, 'x', LONG);
    assert_int_equal(fwrite(text, 1, LONG, file), LONG);
    fputs("\nshort\n", file);
    rewind(file);
    struct fixture f = {-1, source_lines_new(fileno(file), LONG)};
    struct sluice_bytes line;
    enum source_result result;
    do
        result = source_next(f.source, &line);
    while (result == SOURCE_WAIT);
    assert_int_equal(result, SOURCE_MESSAGE);
    assert_int_equal(line.length, LONG);
    assert_memory_equal(line.data, text, LONG);
    check_line(&f, "short", 5);
    source_free(f.source);
    fclose(file);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_empty_lines_and_nuls),
        cmocka_unit_test(test_a_last_newline_is_no_line),
        cmocka_unit_test(test_a_line_in_pieces),
        cmocka_unit_test(test_the_longest_line_and_one_byte_more),
        cmocka_unit_test(test_a_line_without_end_is_refused_early),
        cmocka_unit_test(test_a_file_larger_than_the_buffer),
        cmocka_unit_test(test_a_line_longer_than_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
