/* SPDX-License-Identifier: MIT */
#include "client/source.h"

#include <stdlib.h>

struct source_arguments {
    struct source base;
    int left;
    char **next;
};

static enum source_result arguments_next(struct source *source,
                                         struct sluice_bytes *message)
{
    struct source_arguments *a = (struct source_arguments *)source;
    if (a->left == 0)
        return SOURCE_END;
    a->left--;
    *message = sluice_text(*a->next++);
    return SOURCE_MESSAGE;
}

static void arguments_free(struct source *source)
{
    free(source);
}

static const struct source_type arguments_type = {arguments_next,
                                                  arguments_free};

struct source *source_arguments_new(int count, char **texts)
{
    struct source_arguments *a = malloc(sizeof *a);
    if (!a)
        return NULL;
    *a = (struct source_arguments){
        {&arguments_type, -1, -1, NULL}, count, texts};
    return &a->base;
}
