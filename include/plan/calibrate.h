/* How slow this machine is against the speeds that formulas assume. */
#ifndef RELIN_PLAN_CALIBRATE_H
#define RELIN_PLAN_CALIBRATE_H

struct error;
struct lessons;

/* Trains a 784-512-512-10 network for about a second, ordinarily and linearised: lessons->machine becomes its
 * processor time over what formulas say. Nothing is kept. Returns 0, or -1 with *err filled. */
int calibrate(struct lessons *lessons, struct error *err);

#endif
