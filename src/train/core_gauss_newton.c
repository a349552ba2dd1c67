#include "core_engine.h"
const struct engine_ops engine_gauss_newton = {.name = "gauss-newton"};
