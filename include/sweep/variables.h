/* Every variable of the result file, in ONE table: the store builds the file from it, the
 * experiment fills the results by its names, FORMAT.md is checked against it.
 *
 *   X(id, group, name, dims, type, writer, units, long_name)
 *
 * writer says who writes it and when: SKELETON with the file, in both groups, as a coordinate; PLAN with
 * the file, what was expected of the job; ROWS the worker, when a job
 * has ended; RECORD rank 0, at the commit. Scales, and the columns of further axes, are the
 * store's (store/skeleton.c). */
#ifndef RELIN_SWEEP_VARIABLES_H
#define RELIN_SWEEP_VARIABLES_H

#include <stddef.h>

enum variable_group { GROUP_ROOT, GROUP_KERNELS };
enum variable_dims {
    DIMS_JOB, DIMS_EVAL, DIMS_REFRESH, DIMS_SNAPSHOT, DIMS_LAYER, DIMS_EIGENVALUE, DIMS_KERNEL,
    DIMS_PARAMETER, DIMS_METRIC, DIMS_EVAL_METRIC,
    DIMS_COUNT
};  /* (job), (job, eval), (job, refresh), (job, snapshot), (job, snapshot, layer), (job, snapshot,
       eigenvalue), (job, snapshot, probe, probe2), (job, parameter), (job, metric), (job, eval, metric) */
enum variable_type { TYPE_F64, TYPE_F32, TYPE_I64, TYPE_I32, TYPE_U32, TYPE_U8, TYPE_TEXT16,
                     TYPE_TEXT64, TYPE_TEXT256, TYPE_TEXT /* variable length, skeleton only */ };
enum variable_writer { WRITER_SKELETON, WRITER_PLAN, WRITER_ROWS, WRITER_RECORD };

#define SCORES(X, PREFIX, prefix, dims, writer, text)                                                            \
    X(PREFIX##TRAIN_LOSS, ROOT, prefix "train_loss", dims, F64, writer, "1", "training loss of the trained model f_lin" text)           \
    X(PREFIX##VALIDATION_LOSS, ROOT, prefix "validation_loss", dims, F64, writer, "1", "validation loss of the trained model f_lin" text) \
    X(PREFIX##TEST_LOSS, ROOT, prefix "test_loss", dims, F64, writer, "1", "test loss of the trained model f_lin" text)                 \
    X(PREFIX##TRAIN_ACCURACY, ROOT, prefix "train_accuracy", dims, F64, writer, "1", "training accuracy of the trained model f_lin, 0 to 1" text) \
    X(PREFIX##VALIDATION_ACCURACY, ROOT, prefix "validation_accuracy", dims, F64, writer, "1", "validation accuracy of the trained model f_lin, 0 to 1" text) \
    X(PREFIX##TEST_ACCURACY, ROOT, prefix "test_accuracy", dims, F64, writer, "1", "test accuracy of the trained model f_lin, 0 to 1" text) \
    X(PREFIX##TRAIN_LOSS_NETWORK, ROOT, prefix "train_loss_network", dims, F64, writer, "1", "training loss of the network f_theta" text) \
    X(PREFIX##VALIDATION_LOSS_NETWORK, ROOT, prefix "validation_loss_network", dims, F64, writer, "1", "validation loss of the network f_theta" text) \
    X(PREFIX##TEST_LOSS_NETWORK, ROOT, prefix "test_loss_network", dims, F64, writer, "1", "test loss of the network f_theta" text)     \
    X(PREFIX##TRAIN_ACCURACY_NETWORK, ROOT, prefix "train_accuracy_network", dims, F64, writer, "1", "training accuracy of the network f_theta, 0 to 1" text) \
    X(PREFIX##VALIDATION_ACCURACY_NETWORK, ROOT, prefix "validation_accuracy_network", dims, F64, writer, "1", "validation accuracy of the network f_theta, 0 to 1" text) \
    X(PREFIX##TEST_ACCURACY_NETWORK, ROOT, prefix "test_accuracy_network", dims, F64, writer, "1", "test accuracy of the network f_theta, 0 to 1" text)

/* Metrics of a snapshot: at theta_t, and (suffix _linearised) at theta_s. */
#define SNAPSHOT_METRICS(X, SUFFIX, suffix, text)                                                                \
    X(KERNEL_TRACE##SUFFIX, KERNELS, "kernel_trace" suffix, SNAPSHOT, F64, ROWS, "1", "trace of the kernel" text)  \
    X(KERNEL_DISTANCE##SUFFIX, KERNELS, "kernel_distance" suffix, SNAPSHOT, F64, ROWS, "1", "kernel distance to the kernel at initialisation" text) \
    X(KERNEL_DISTANCE_PREVIOUS##SUFFIX, KERNELS, "kernel_distance_previous" suffix, SNAPSHOT, F64, ROWS, "1", "kernel distance to the previous snapshot" text) \
    X(KERNEL_VELOCITY##SUFFIX, KERNELS, "kernel_velocity" suffix, SNAPSHOT, F64, ROWS, "step-1", "kernel distance to the previous snapshot per step" text) \
    X(RELATIVE_CHANGE##SUFFIX, KERNELS, "relative_change" suffix, SNAPSHOT, F64, ROWS, "1", "norm of the kernel's change since initialisation over its initial norm" text) \
    X(TRACE_RATIO##SUFFIX, KERNELS, "trace_ratio" suffix, SNAPSHOT, F64, ROWS, "1", "trace of the kernel over its trace at initialisation" text) \
    X(LAMBDA_MAX##SUFFIX, KERNELS, "lambda_max" suffix, SNAPSHOT, F64, ROWS, "1", "largest eigenvalue of the probe kernel" text) \
    X(STABILITY##SUFFIX, KERNELS, "stability" suffix, SNAPSHOT, F64, ROWS, "1", "eta times lambda_max over the number of probe inputs" text) \
    X(CONDITION_NUMBER##SUFFIX, KERNELS, "condition_number" suffix, SNAPSHOT, F64, ROWS, "1", "largest over smallest eigenvalue of the probe kernel" text) \
    X(CKA##SUFFIX, KERNELS, "cka" suffix, SNAPSHOT, F64, ROWS, "1", "centred kernel alignment with the kernel at initialisation" text) \
    X(TARGET_ALIGNMENT_TRAIN##SUFFIX, KERNELS, "target_alignment_train" suffix, SNAPSHOT, F64, ROWS, "1", "centred alignment of the kernel with the targets on the training half of the probe" text) \
    X(TARGET_ALIGNMENT_TEST##SUFFIX, KERNELS, "target_alignment_test" suffix, SNAPSHOT, F64, ROWS, "1", "centred alignment of the kernel with the targets on the test half of the probe" text) \
    X(EFFECTIVE_RANK##SUFFIX, KERNELS, "effective_rank" suffix, SNAPSHOT, F64, ROWS, "1", "squared trace over squared Frobenius norm" text) \
    X(ENTROPY_RANK##SUFFIX, KERNELS, "entropy_rank" suffix, SNAPSHOT, F64, ROWS, "1", "exponential of the entropy of the normalised eigenvalues" text) \
    X(KERNEL_REGRESSION_LOSS##SUFFIX, KERNELS, "kernel_regression_loss" suffix, SNAPSHOT, F64, ROWS, "1", "half-MSE on the test half of the probe of kernel regression from its training half" text) \
    X(KERNEL_REGRESSION_ACCURACY##SUFFIX, KERNELS, "kernel_regression_accuracy" suffix, SNAPSHOT, F64, ROWS, "1", "accuracy on the test half of the probe of kernel regression from its training half, 0 to 1" text) \
    X(EIGENVALUES##SUFFIX, KERNELS, "eigenvalues" suffix, EIGENVALUE, F64, ROWS, "1", "eigenvalues of the probe kernel, descending" text) \
    X(TARGET_ENERGY##SUFFIX, KERNELS, "target_energy" suffix, EIGENVALUE, F64, ROWS, "1", "share of the centred targets in the leading eigenvectors, cumulative" text) \
    X(LAYER_TRACE_SHARE##SUFFIX, KERNELS, "layer_trace_share" suffix, LAYER, F64, ROWS, "1", "share of the layer in the trace" text) \
    X(LAYER_KERNEL_DISTANCE##SUFFIX, KERNELS, "layer_kernel_distance" suffix, LAYER, F64, ROWS, "1", "kernel distance of the layer's term to initialisation" text) \
    X(LAYER_TARGET_ALIGNMENT##SUFFIX, KERNELS, "layer_target_alignment" suffix, LAYER, F64, ROWS, "1", "centred alignment (CKA) of the layer's activations with the targets on the probe" text)

#define VARIABLES(X)                                                                                             \
    /* what a job is */                                                                                          \
    X(JOB_ID, ROOT, "job_id", JOB, TEXT, SKELETON, "", "hash of everything that decides the job's numbers")       \
    X(ARCHITECTURE, ROOT, "architecture", JOB, TEXT, SKELETON, "", "name of the network under architectures")     \
    X(TRAINER, ROOT, "trainer", JOB, TEXT, SKELETON, "", "standard, linearised, gauss-newton, or the words of a program of the user's own")                  \
    X(SCHEDULE, ROOT, "schedule", JOB, TEXT, SKELETON, "", "label of a refresh schedule that is not a constant period, else constant") \
    X(REFRESH_PERIOD, ROOT, "refresh_period", JOB, F64, SKELETON, "step", "refresh period K; inf: features never updated; of another schedule T/(feature_updates + 1), or inf where the gap decides") \
    X(SEED, ROOT, "seed", JOB, I64, SKELETON, "", "seed of all random streams")                                   \
    X(FEATURE_UPDATES, ROOT, "feature_updates", JOB, F64, SKELETON, "1", "number of feature updates (refreshes) of the whole run by its schedule; NaN where the gap decides: see refreshes_done") \
    /* what was planned */                                                                                       \
    X(ENGINE_PLANNED, ROOT, "engine_planned", JOB, TEXT, PLAN, "", "engine chosen when the file was made, or asked for; standard in ordinary training") \
    X(PREDICTED_SECONDS_TANGENT, ROOT, "predicted_seconds_tangent", JOB, F64, PLAN, "s", "predicted seconds of the steps by the tangent engine, or of ordinary training; NaN of a program") \
    X(PREDICTED_SECONDS_KERNEL, ROOT, "predicted_seconds_kernel", JOB, F64, PLAN, "s", "predicted seconds of the steps by the kernel engine; NaN where it cannot take them") \
    X(PREDICTED_SECONDS_FILTER, ROOT, "predicted_seconds_filter", JOB, F64, PLAN, "s", "predicted seconds of the steps by the filter engine; NaN where it cannot take them") \
    /* how it went */                                                                                            \
    X(STATUS, ROOT, "status", JOB, U8, RECORD, "", "state of the job; written last")                              \
    X(OUTCOME, ROOT, "outcome", JOB, TEXT16, RECORD, "", "completed, diverged; of a failed attempt its class: crashed, out-of-memory, wall, stopped, lost, bad-data; else empty") \
    X(ERROR, ROOT, "error", JOB, TEXT256, RECORD, "", "why the job, or its last attempt, failed, or why it diverged") \
    X(ATTEMPTS, ROOT, "attempts", JOB, I32, RECORD, "1", "how often the job was started, less the starts that it was stopped or lost in") \
    X(ENGINE, ROOT, "engine", JOB, TEXT16, RECORD, "", "engine that stepped the segments: tangent, kernel or filter; else the trainer, standard, gauss-newton or command") \
    X(WORKER, ROOT, "worker", JOB, I32, RECORD, "", "MPI rank that ran the job, -1 before")                       \
    X(HOST, ROOT, "host", JOB, TEXT64, RECORD, "", "host that ran the job")                                       \
    X(CPU_MODEL, ROOT, "cpu_model", JOB, TEXT64, RECORD, "", "processor that ran the job")                        \
    X(BLAS_CORE, ROOT, "blas_core", JOB, TEXT16, RECORD, "", "kernels the BLAS library used")                     \
    X(THREADS, ROOT, "threads", JOB, I32, RECORD, "1", "BLAS threads of the job")                                 \
    X(START_TIME, ROOT, "start_time", JOB, F64, RECORD, "seconds since 1970-01-01 00:00:00 UTC", "start of the last attempt") \
    X(WALL_SECONDS, ROOT, "wall_seconds", JOB, F64, RECORD, "s", "wall time of the last attempt")                 \
    X(CPU_SECONDS, ROOT, "cpu_seconds", JOB, F64, RECORD, "s", "processor time of the last attempt")              \
    X(MAX_RSS_BYTES, ROOT, "max_rss_bytes", JOB, F64, RECORD, "B", "peak memory of the job's own allocations (shared data not counted)") \
    X(FLOPS, ROOT, "flops", JOB, F64, RECORD, "1", "floating-point operations by the cost model")                 \
    X(ENERGY_JOULES, ROOT, "energy_joules", JOB, F64, RECORD, "J", "processor energy where readable")             \
    X(PREDICTED_SECONDS, ROOT, "predicted_seconds", JOB, F64, RECORD, "s", "predicted wall time when the job was handed out") \
    X(CRC, ROOT, "crc", JOB, U32, RECORD, "", "CRC-32 of the job's rows and record")                              \
    X(STEPS_DONE, ROOT, "steps_done", JOB, I64, RECORD, "step", "training steps done; less than planned where diverged") \
    X(LEARNING_RATE, ROOT, "learning_rate", JOB, F64, RECORD, "1", "base learning rate eta, a multiple of the limit resolved; of gauss-newton with a given damping the scale of its step") \
    X(LAMBDA_MAX_INITIAL, ROOT, "lambda_max_initial", JOB, F64, RECORD, "1", "largest eigenvalue of the full kernel on the training inputs at initialisation, for cross-entropy with the Hessian of the loss, where the learning rate needs it") \
    /* results */                                                                                                \
    SCORES(X, , "", JOB, RECORD, "")                                                                             \
    /* curves */                                                                                                 \
    X(STEP, ROOT, "step", EVAL, I64, ROWS, "step", "training step of the evaluation; -1 where unused")            \
    X(CURVE_TIME, ROOT, "curve_time", EVAL, F64, ROWS, "1", "sum of eta over the steps so far; a step of gauss-newton counts its scale lr, with tied damping eta K")                   \
    SCORES(X, CURVE_, "curve_", EVAL, ROWS, " along training")                                                   \
    /* refreshes */                                                                                              \
    X(REFRESH_STEP, ROOT, "refresh_step", REFRESH, I64, ROWS, "step", "step of the refresh; -1 where unused")     \
    X(REFRESH_GAP, ROOT, "refresh_gap", REFRESH, F64, ROWS, "1", "|f_theta - f_lin| / |f_lin - f_s| on the training inputs before the refresh") \
    X(REFRESH_LOSS_JUMP, ROOT, "refresh_loss_jump", REFRESH, F64, ROWS, "1", "training loss of f_theta minus that of f_lin at the refresh") \
    X(REFRESH_ACCURACY_JUMP, ROOT, "refresh_accuracy_jump", REFRESH, F64, ROWS, "1", "training accuracy of f_theta minus that of f_lin at the refresh") \
    X(REFRESH_PARAMETER_CHANGE, ROOT, "refresh_parameter_change", REFRESH, F64, ROWS, "1", "|theta_{s+K} - theta_s| / |theta_s|") \
    X(REFRESH_CONVERGENCE, ROOT, "refresh_convergence", REFRESH, F64, ROWS, "1", "segment convergence |r_{s+K}| / |r_s|, r the residual of f_lin on the training inputs (cross-entropy: of the probabilities)") \
    X(REFRESH_STABILITY_RATIO, ROOT, "refresh_stability_ratio", REFRESH, F64, ROWS, "1", "eta over the stability limit at the refresh; NaN where not measured (kernels.stability)") \
    X(REFRESH_SOLVER_ITERATIONS, ROOT, "refresh_solver_iterations", REFRESH, F64, ROWS, "1", "gauss-newton: products with the kernel in the solve of the step before the refresh") \
    X(REFRESH_SOLVER_RESIDUAL, ROOT, "refresh_solver_residual", REFRESH, F64, ROWS, "1", "gauss-newton: what that solve left of its system, relative") \
    X(REFRESHES_DONE, ROOT, "refreshes_done", JOB, I64, ROWS, "1", "number of feature updates (refreshes) that happened; -1 until the job ended") \
    /* of programs of the user's own */                                                                           \
    X(METRICS, ROOT, "metrics", METRIC, F64, ROWS, "1", "numbers of the user's own that the program reported, the last of each") \
    X(CURVE_METRICS, ROOT, "curve_metrics", EVAL_METRIC, F64, ROWS, "1", "the same along training")               \
    /* kernels */                                                                                                \
    X(N_SNAPSHOTS, KERNELS, "n_snapshots", JOB, I32, ROWS, "1", "number of snapshots that are there")              \
    X(KERNEL_PATH_LENGTH, KERNELS, "kernel_path_length", JOB, F64, ROWS, "1", "sum of kernel distances between consecutive measuring times, at theta_t") \
    X(KERNEL_PATH_LENGTH_LINEARISED, KERNELS, "kernel_path_length_linearised", JOB, F64, ROWS, "1", "sum of kernel distances between consecutive measuring times, at theta_s") \
    X(SNAPSHOT_STEP, KERNELS, "step", SNAPSHOT, I64, ROWS, "step", "training step of the snapshot; -1 where unused") \
    SNAPSHOT_METRICS(X, , "", ", at theta_t")                                                                    \
    SNAPSHOT_METRICS(X, _LINEARISED, "_linearised", ", at the linearisation point theta_s")                      \
    X(KERNEL, KERNELS, "kernel", KERNEL, F32, ROWS, "1", "empirical NTK on the probe set at theta_t, in the mode of kernels.mode") \
    X(PARAMETER_CHANGE, KERNELS, "parameter_change", PARAMETER, F32, ROWS, "1", "theta_T - theta_0, flat, zero beyond the network's own length")

enum variable_id {
#define X(id, ...) VAR_##id,
    VARIABLES(X)
#undef X
    VAR_COUNT
};

struct variable {
    enum variable_group group;
    const char *name;
    enum variable_dims dims;
    enum variable_type type;
    enum variable_writer writer;
    const char *units, *long_name;
};

extern const struct variable variables[VAR_COUNT];

/* Bytes of one number (or fixed-length string) of a type; 0 for TYPE_TEXT. */
size_t variable_type_size(enum variable_type type);

#endif
