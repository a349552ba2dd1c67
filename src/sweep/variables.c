#include "sweep/variables.h"

#define ROW(id, group, name, dims, type, writer, units, long_name) \
    [VAR_##id] = {GROUP_##group, name, DIMS_##dims, TYPE_##type, WRITER_##writer, units, long_name},
const struct variable variables[VAR_COUNT] = {VARIABLES(ROW)};
#undef ROW

size_t variable_type_size(enum variable_type type)
{
    switch (type) {
    case TYPE_F64: case TYPE_I64: return 8;
    case TYPE_F32: case TYPE_I32: case TYPE_U32: return 4;
    case TYPE_U8: return 1;
    case TYPE_TEXT16: return 16;
    case TYPE_TEXT64: return 64;
    case TYPE_TEXT256: return 256;
    case TYPE_TEXT: return 0;
    }
    return 0;
}
