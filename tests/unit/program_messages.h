/* Programs of the user's own that are refused in a sweep file, in the manner of sweep_messages.h. */
#ifndef RELIN_TESTS_PROGRAM_MESSAGES_H
#define RELIN_TESTS_PROGRAM_MESSAGES_H

#include "sweep_messages.h"

static const struct refused refused_programs[] = {
    {BEGIN "trainer: {comand: [x]}\n", NULL,
     "@:4:10: trainer: expected {command: [words]} such as {command: [python3, train.py]}, got {comand: [x]}"},
    {BEGIN "trainer: {command: []}\n", NULL,
     "@:4:10: trainer: expected {command: [words]} such as {command: [python3, train.py]}, got {command: []}"},
    {BEGIN "trainer: {command: [a, [b]]}\n", NULL,
     "@:4:10: trainer: expected {command: [words]} such as {command: [python3, train.py]}, got {command: [a, [b]]}"},
    {BEGIN "trainer: command\n", NULL,
     "@:4:10: trainer: expected standard | linearised | gauss-newton or a command, got command: a program is {command: [python3, train.py]}"},
    {BEGIN "trainer: {command: [a]}\ngrid: {trainer: [standard]}\n", NULL,
     "@:4:10: trainer: expected once, but it stands in training or grid too: remove one, got {command: [a]}"},
    {BEGIN "trainer: {command: [a, '{parameters.lr}']}\n", NULL,
     "@:1:1: training.trainer: command: expected a parameter of the job in {parameters.NAME}, got 'lr': add it to parameters, or as an axis parameters.lr"},
    {BEGIN "parameters: {lr: 1}\n", NULL,
     "@:4:13: parameters: expected only beside trainer: {command: [words]}, which they are for: remove them"},
    {BEGIN "trainer: {command: [a]}\nparameters: 3\n", NULL,
     "@:5:13: parameters: expected a map of names to numbers, true, false or texts, got 3"},
    {BEGIN "trainer: {command: [a]}\nparameters: {a-b: 3}\n", NULL,
     "@:5:19: parameters.a-b: expected a name of at most 47 letters, digits and _, which begins with no digit, got 'a-b'"},
    {BEGIN "trainer: {command: [a]}\nparameters: {a.b: 3}\n", NULL,
     "@:5:14: parameters.a.b: expected a name of at most 47 letters, digits and _, which begins with no digit, got 'a.b'"},
    {BEGIN "trainer: {command: [a]}\nparameters: {a: [1, 2], b: null}\n", NULL,
     "@:5:17: parameters.a: expected a number, true, false or a text, got [1, 2]\n"
     "@:5:28: parameters.b: expected a number, true, false or a text, got null"},
    {BEGIN "trainer: {command: [a]}\nparameters: {a: 12345678901234567890}\n", NULL,
     "@:5:17: parameters.a: expected a whole number up to 2^53, or a text in quotes, got 12345678901234567890"},
    {BEGIN "trainer: {command: [a]}\nmetrics: f1\n", NULL,
     "@:5:10: metrics: expected a list of names, such as [f1, perplexity], got f1"},
    {BEGIN "trainer: {command: [a]}\nmetrics: [f1, f1, test_loss, curve_x, 3d]\n", NULL,
     "@:5:15: metrics: expected each name once, got f1\n"
     "@:5:19: metrics: expected a name that the result file has not yet, got test_loss\n"
     "@:5:30: metrics: expected a name that the result file has not yet, got curve_x\n"
     "@:5:39: metrics: expected a name of letters, digits and _, which begins with no digit, got 3d"},
    {"grid: {trainer: [standard, {command: [a]}]}\n", NULL,
     "@:1:7: architectures: expected a map of names to networks beside a trainer that is no command, got nothing: add it\n"
     "@:1:7: data.set: expected the name of a data set, got nothing: add it\n"
     "@:1:7: training.lr: expected a number > 0 or {of_limit: x}, got nothing: add it\n"
     "@:1:7: training.steps: expected a whole number >= 0, got nothing: add it"},
};

#endif
