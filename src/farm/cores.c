#include "farm/cores.h"

#include <string.h>

#include "base/log.h"
#include "math/blas_setup.h"

enum { LENGTH = sizeof ((struct campaign *)0)->blas_core - 1 };

/* Is it another one than that of the rows so far? The first one is kept. */
static bool is_other(struct campaign *campaign, const char *core)
{
    if (!core[0])   /* of a program of the user's own */
        return false;
    if (!campaign->blas_core[0])
        strncpy(campaign->blas_core, core, LENGTH);
    return strncmp(campaign->blas_core, core, LENGTH) != 0;
}

void cores_begin(struct campaign *campaign, char *const *of_rows)
{
    size_t n = campaign->sweep.n_jobs, done = 0, other = n;
    for (size_t i = 0; i < n; i++)
        if (campaign->status[i] == STATUS_DONE) {
            done++;
            if (is_other(campaign, of_rows[i]) && other == n)
                other = i;
        }
    if (done == n)
        return;
    const char *lesser = blas_pinning_warning(), *core = other < n ? of_rows[other] : blas_core_type();
    if (lesser)
        log_warning("%s", lesser);
    campaign->blas_mixed = other < n || (done && strncmp(campaign->blas_core, core, LENGTH) != 0 && campaign->blas_core[0]);
    if (campaign->blas_mixed)
        log_warning("%s: jobs ran on %s kernels of BLAS%s %s: results agree to rounding then, not bit for bit. "
                    "OPENBLAS_CORETYPE=%s everywhere gives equal bits", campaign->path, campaign->blas_core,
                    other < n ? " and on" : ", here they are", core, campaign->blas_core);
}

void cores_hear(struct campaign *campaign, size_t row, const struct result *record)
{
    const char *core = result_text(record, VAR_BLAS_CORE);
    if (campaign->blas_mixed || !is_other(campaign, core))
        return;
    campaign->blas_mixed = true;
    log_warning("job %zu ran on %.*s kernels of BLAS (%.64s), others on %s: results agree to rounding then, not bit for bit. "
                "OPENBLAS_CORETYPE=%s everywhere gives equal bits", row, LENGTH, core, result_text(record, VAR_HOST),
                campaign->blas_core, campaign->blas_core);
}
