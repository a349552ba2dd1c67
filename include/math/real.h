/* The working precision of the numeric core.
 *
 * Every file of the core (Makefile: CORE) is compiled twice from one source, with
 * RELIN_DOUBLE 0 and 1; the functions it exports get a suffix, so that both live in
 * one binary. A function whose prototype speaks of `real` is listed here. Kernels,
 * eigenproblems and statistics are always in double: such files are compiled once,
 * with RELIN_DOUBLE 1. */
#ifndef RELIN_MATH_REAL_H
#define RELIN_MATH_REAL_H

#ifndef RELIN_DOUBLE
#error "this file belongs to the numeric core: compile it through the Makefile's CORE rules"
#endif

#if RELIN_DOUBLE
typedef double real;
#define REAL_NAME(name) name##_double
#define REAL_EPSILON 2.220446049250313e-16
#else
typedef float real;
#define REAL_NAME(name) name##_single
#define REAL_EPSILON 1.1920929e-7
#endif

/* math/blas.h */
#define blas_gemm REAL_NAME(blas_gemm)
#define blas_syrk REAL_NAME(blas_syrk)
#define blas_gemv REAL_NAME(blas_gemv)
#define blas_symv REAL_NAME(blas_symv)
#define blas_dot REAL_NAME(blas_dot)
#define blas_axpy REAL_NAME(blas_axpy)
#define blas_norm REAL_NAME(blas_norm)
/* data/gather.h */
#define gather_inputs REAL_NAME(gather_inputs)
#define gather_targets REAL_NAME(gather_targets)
#define gather_augmented REAL_NAME(gather_augmented)
/* nn */
#define layer_dense REAL_NAME(layer_dense)
#define layer_activation REAL_NAME(layer_activation)
#define layer_convolution REAL_NAME(layer_convolution)
#define layer_pooling REAL_NAME(layer_pooling)
#define layer_transpose REAL_NAME(layer_transpose)
#define layer_normalisation REAL_NAME(layer_normalisation)
#define layer_scale REAL_NAME(layer_scale)
#define winograd_pays REAL_NAME(winograd_pays)
#define winograd_forward REAL_NAME(winograd_forward)
#define winograd_vjp REAL_NAME(winograd_vjp)
#define network_create REAL_NAME(network_create)
#define network_destroy REAL_NAME(network_destroy)
#define network_block_rows REAL_NAME(network_block_rows)
#define network_cache_rows REAL_NAME(network_cache_rows)
#define network_init REAL_NAME(network_init)
#define network_forward REAL_NAME(network_forward)
#define network_vjp REAL_NAME(network_vjp)
#define network_jvp REAL_NAME(network_jvp)
#define network_deltas REAL_NAME(network_deltas)
#define network_flops REAL_NAME(network_flops)
#define tape_create REAL_NAME(tape_create)
#define tape_create_store REAL_NAME(tape_create_store)
#define tape_put REAL_NAME(tape_put)
#define tape_destroy REAL_NAME(tape_destroy)
#define tape_gather REAL_NAME(tape_gather)
/* train */
#define loss_value REAL_NAME(loss_value)
#define loss_gradient REAL_NAME(loss_gradient)
#define loss_sums REAL_NAME(loss_sums)
#define optimiser_update REAL_NAME(optimiser_update)
#define stability_watched REAL_NAME(stability_watched)
#define stability_product_bytes REAL_NAME(stability_product_bytes)
#define stability_lambda_max REAL_NAME(stability_lambda_max)
#define evaluate_part REAL_NAME(evaluate_part)
#define trainer_run REAL_NAME(trainer_run)
#define run_step_done REAL_NAME(run_step_done)
#define run_between_steps REAL_NAME(run_between_steps)
#define trainer_carry REAL_NAME(trainer_carry)
#define loss_softmax REAL_NAME(loss_softmax)
#define loss_factor REAL_NAME(loss_factor)
#define loss_factor_transposed REAL_NAME(loss_factor_transposed)
#define theta_form REAL_NAME(theta_form)
#define theta_bytes REAL_NAME(theta_bytes)
#define engine_kernel REAL_NAME(engine_kernel)
#define engine_gauss_newton REAL_NAME(engine_gauss_newton)
#define engine_tangent REAL_NAME(engine_tangent)
#define engine_filter REAL_NAME(engine_filter)
#define function_space_create REAL_NAME(function_space_create)
#define function_space_destroy REAL_NAME(function_space_destroy)
#define function_space_size REAL_NAME(function_space_size)
#define function_space_move REAL_NAME(function_space_move)
#define function_space_outputs REAL_NAME(function_space_outputs)
#define function_space_vjp REAL_NAME(function_space_vjp)
#define function_space_jvp REAL_NAME(function_space_jvp)
/* sweep */
#define run_show_layers REAL_NAME(run_show_layers)
#define run_show_end REAL_NAME(run_show_end)
#define experiment_train REAL_NAME(experiment_train)
#define refresh_log_create REAL_NAME(refresh_log_create)
#define refresh_log_destroy REAL_NAME(refresh_log_destroy)
#define refresh_log_moment REAL_NAME(refresh_log_moment)
#define refresh_log_step REAL_NAME(refresh_log_step)
#define refresh_log_record REAL_NAME(refresh_log_record)
#define refresh_log_carry REAL_NAME(refresh_log_carry)

#endif
