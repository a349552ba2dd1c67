/* Reading values out of nodes, for the files values*.c: one function a kind that parses, one that prints. */
#ifndef RELIN_SWEEP_VALUES_H
#define RELIN_SWEEP_VALUES_H

#include "schema.h"

struct reading {
    const struct key *key;
    const char *path;
    const struct node *node;
    struct mistakes *mistakes;
};

/* A number, inf or .inf as YAML writes them; false for anything else, quoted texts too. */
bool value_number(const struct node *node, double *number);
bool value_is_word(const struct node *node, const char *word);

/* Adds "path: expected WHAT, got the node" and a hint; returns -1. */
int value_refuse(const struct reading *r, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define expected(r, ...) value_refuse(r, "", __VA_ARGS__)

/* A whole number in the key's range; word, unless NULL, stands for word_value. Returns 0 or -1. */
int value_whole(const struct reading *r, const char *word, int64_t word_value, int64_t *out);

/* A number in the key's range, or word for word_value; one of the key's choices, into an int64_t where wide, else
 * into an enum. Each returns 0 or -1. */
int value_real(const struct reading *r, const char *word, double word_value, double *out);
int value_choice(const struct reading *r, void *out, bool wide);

/* Structured values. Each parser returns 0, or -1 with a mistake recorded. */
int value_parse_lr(const struct reading *r, struct training_spec *training);
void value_print_lr(const struct training_spec *training, struct text *out);
int value_parse_schedule(const struct reading *r, struct schedule *out);
void value_print_schedule(const struct schedule *s, struct text *out);
/* A period too: then refresh.kind is REFRESH_PERIOD. */
int value_parse_refresh(const struct reading *r, struct draft *draft);
void value_print_refresh(const struct draft *draft, struct text *out);
int value_parse_widths(const struct reading *r, struct network_spec *network);
void value_print_widths(const struct network_spec *network, struct text *out);
int value_parse_channels(const struct reading *r, struct network_spec *network);
void value_print_channels(const struct network_spec *network, struct text *out);
int value_parse_norm(const struct reading *r, enum normalisation *norm);
int value_parse_layers(const struct reading *r, struct network_spec *network);
void value_print_layers(const struct network_spec *network, struct text *out);
/* Refuses the names of batch normalisation with the reason; false where the node names something else. */
bool value_refuse_batch_norm(const struct reading *r);
int value_parse_augment(const struct reading *r, struct augmentation *out);
void value_print_augment(const struct augmentation *augment, struct text *out);

int value_parse_trainer(const struct reading *r, struct draft *draft);
int value_parse_parameter(const struct reading *r, struct parameters *parameters);
void value_print_parameters(const struct parameters *parameters, struct text *out);

#endif
