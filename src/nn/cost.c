#include "nn/cost.h"

void network_measure(const struct network_spec *spec, struct image input, size_t outputs,
                     struct network_size *size)
{
    double in = (double)image_features(input);
    *size = (struct network_size){.widest = in};
    for (size_t l = 0; l <= spec->n_widths; l++) {
        bool last = l == spec->n_widths;
        double out = last ? (double)outputs : (double)spec->widths[l];
        *(l == 0 ? &size->first : &size->rest) += in * out;
        size->parameters += in * out + (spec->bias ? out : 0);
        size->boundary += last ? out : 2 * out;   /* before and after the activation */
        if (out > size->widest)
            size->widest = out;
        size->parameterised_layers++;
        in = out;
    }
}
