# shellcheck shell=bash
# Sourced by scripts that start mpirun on this one machine, whatever it is: a laptop, a
# container, a continuous-integration runner. On a cluster the site's own settings rule.

# Open MPI refuses root unless told twice; in a container root is who there is.
if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
# One machine needs no remote shell, and a bare one has none.
if ! command -v ssh >/dev/null && ! command -v rsh >/dev/null; then
    export OMPI_MCA_plm_rsh_agent=sh PRTE_MCA_plm_ssh_agent=sh
fi
# Containers often forbid one process to read another's memory; our messages are small.
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_smsc=^cma,xpmem
# Ranks sleep while their children train: leave placement to the kernel, and let tests
# start more ranks than there are cores. (OMPI_: Open MPI 4, PRTE_: Open MPI 5.)
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMPI_MCA_hwloc_base_binding_policy=none PRTE_MCA_hwloc_default_binding_policy=none
