#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "sweep/result.h"
#include "unit.h"

static const struct result_layout layout = {
    .eval = 5, .refresh = 3, .snapshot = 2, .layer = 3, .eigenvalue = 8, .probe = 8, .parameter = 7, .kernel = 1, .metric = 2,
};

static struct result make_result(const struct result_layout *of)
{
    struct result result;
    result_bind(&result, of, mem_alloc(result_size(of), 1, NULL));
    result_clear(&result);
    return result;
}

START_TEST(every_variable_has_a_name_of_its_own_in_its_group)
{
    for (int a = 0; a < VAR_COUNT; a++) {
        ck_assert_ptr_nonnull(variables[a].name);
        ck_assert_ptr_nonnull(variables[a].long_name);
        for (int b = 0; b < a; b++)
            ck_assert(variables[a].group != variables[b].group || strcmp(variables[a].name, variables[b].name) != 0);
    }
    ck_assert_str_eq(variables[VAR_CURVE_TEST_LOSS_NETWORK].name, "curve_test_loss_network");
    ck_assert_str_eq(variables[VAR_CKA_LINEARISED].name, "cka_linearised");
    ck_assert_int_eq(variables[VAR_TEST_LOSS].writer, WRITER_RECORD);
    ck_assert_int_eq(variables[VAR_CURVE_TEST_LOSS].dims, DIMS_EVAL);
}
END_TEST

START_TEST(slabs_follow_each_other_without_overlap)
{
    struct result result = make_result(&layout);
    size_t end = 0;
    for (int id = 0; id < VAR_COUNT; id++) {
        size_t bytes = result_count(&layout, id) * variable_type_size(variables[id].type);
        if (variables[id].writer == WRITER_SKELETON || variables[id].writer == WRITER_PLAN) {
            ck_assert_uint_eq(bytes, 0);
            ck_assert_ptr_null(result_slab(&result, id));
            continue;
        }
        ck_assert_uint_gt(bytes, 0);
        ck_assert_uint_ge(result.offset[id], end);
        ck_assert_uint_eq(result.offset[id] % 64, 0);
        end = result.offset[id] + bytes;
    }
    ck_assert_uint_ge(result_size(&layout), end);
    ck_assert_uint_eq(result_count(&layout, VAR_KERNEL), 2 * 8 * 8);
    ck_assert_uint_eq(result_count(&layout, VAR_LAYER_TRACE_SHARE), 2 * 3);
    mem_free(result.block);
}
END_TEST

START_TEST(a_cleared_result_is_nan_and_minus_one_and_empty)
{
    struct result result = make_result(&layout);
    for (size_t i = 0; i < 5; i++) {
        ck_assert(isnan(result_f64(&result, VAR_CURVE_TRAIN_LOSS)[i]));
        ck_assert_int_eq(result_i64(&result, VAR_STEP)[i], -1);
    }
    ck_assert(isnan(result_f32(&result, VAR_KERNEL)[127]));
    ck_assert(isnan(result_f32(&result, VAR_PARAMETER_CHANGE)[6]));
    ck_assert_int_eq(*result_i32(&result, VAR_WORKER), -1);
    ck_assert_str_eq(result_text(&result, VAR_ERROR), "");
    ck_assert_uint_eq(*(unsigned char *)result_slab(&result, VAR_STATUS), STATUS_PENDING);
    mem_free(result.block);
}
END_TEST

START_TEST(a_file_without_kernels_has_no_room_for_them)
{
    struct result_layout small = layout;
    small.kernel = 0;
    small.parameter = 0;
    ck_assert_uint_lt(result_size(&small), result_size(&layout));
    struct result result = make_result(&small);
    ck_assert_ptr_null(result_f32(&result, VAR_KERNEL));
    ck_assert_ptr_null(result_f32(&result, VAR_PARAMETER_CHANGE));
    ck_assert_ptr_nonnull(result_f64(&result, VAR_EIGENVALUES));
    mem_free(result.block);
}
END_TEST

START_TEST(a_text_too_long_is_cut_between_characters)
{
    struct result result = make_result(&layout);
    result_set_text(&result, VAR_OUTCOME, "completed");
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "completed");
    result_set_text(&result, VAR_OUTCOME, "12345678901234\xC3\xA9");   /* e acute would need bytes 15 and 16 */
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "12345678901234");
    result_set_text(&result, VAR_OUTCOME, "1234567890123\xC3\xA9");
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "1234567890123\xC3\xA9");
    result_set_text(&result, VAR_OUTCOME, "x");
    ck_assert_mem_eq(result_text(&result, VAR_OUTCOME), "x\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    mem_free(result.block);
}
END_TEST

START_TEST(the_crc_sees_rows_and_record_but_not_status_and_itself)
{
    struct result result = make_result(&layout);
    uint32_t before = result_crc(&result);
    *(unsigned char *)result_slab(&result, VAR_STATUS) = STATUS_DONE;
    *(uint32_t *)result_slab(&result, VAR_CRC) = before;
    ck_assert_uint_eq(result_crc(&result), before);
    result_f32(&result, VAR_KERNEL)[127] = 1;
    uint32_t kernel = result_crc(&result);
    ck_assert_uint_ne(kernel, before);
    *result_f64(&result, VAR_TEST_LOSS) = 0.5;
    ck_assert_uint_ne(result_crc(&result), kernel);
    mem_free(result.block);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, every_variable_has_a_name_of_its_own_in_its_group);
    tcase_add_test(tests, slabs_follow_each_other_without_overlap);
    tcase_add_test(tests, a_cleared_result_is_nan_and_minus_one_and_empty);
    tcase_add_test(tests, a_file_without_kernels_has_no_room_for_them);
    tcase_add_test(tests, a_text_too_long_is_cut_between_characters);
    tcase_add_test(tests, the_crc_sees_rows_and_record_but_not_status_and_itself);
}

UNIT_MAIN("result", add)
