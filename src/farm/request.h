/* What a rank asks of its spawner, through their socket. */
#ifndef RELIN_FARM_REQUEST_H
#define RELIN_FARM_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

enum request_kind { REQUEST_INSPECT, REQUEST_PREPARE, REQUEST_RUN, REQUEST_STOP };

struct request {
    enum request_kind kind;
    bool urgent;                         /* of STOP */
    uint64_t bytes[];                    /* struct child_order, the setup, or the path */
};

/* Longest message: a job is some kilobytes. */
enum { MESSAGE_SIZE = 128 * 1024 };

/* What both have mapped, for struct spawner's `slowest`. Returns NULL where it cannot be. */
volatile double *request_map_slowest(int shared);

#endif
