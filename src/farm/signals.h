/* Signals that ask a rank to stop. */
#ifndef RELIN_FARM_SIGNALS_H
#define RELIN_FARM_SIGNALS_H

#include <stdbool.h>

/* From now on USR1, TERM and the first INT ask for a drain; a second INT ends the process at
 * once with exit code 75 (its spawner clears up). */
void signals_catch(void);
/* Has a drain been asked for? */
bool signals_drain(void);
/* ... by TERM: mpirun ends its ranks two seconds after it. */
bool signals_urgent(void);

#endif
