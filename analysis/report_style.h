/* The colours of figures/style.gp and what takes their place in the page: names of CSS, with a value for light and one
 * for dark. */
#ifndef RELIN_ANALYSIS_REPORT_STYLE_H
#define RELIN_ANALYSIS_REPORT_STYLE_H

struct style_colour {
    const char *name;
    unsigned light, dark;    /* 0xRRGGBB; light is what style.gp has */
};

static const struct style_colour style_colours[] = {
    {"s1", 0x440154, 0xFDE725}, {"s2", 0x482878, 0xC8E020}, {"s3", 0x3E4989, 0x90D743}, {"s4", 0x31688E, 0x5EC962},
    {"s5", 0x26828E, 0x35B779}, {"s6", 0x1F9E89, 0x2AA9A0}, {"s7", 0x35B779, 0x3FA0C0}, {"s8", 0x6DCD59, 0x5B93D0},
    {"s9", 0xB4C020, 0x8288DC}, {"s10", 0xD55E00, 0xFF8C42}, {"first", 0x0072B2, 0x5CB8F2}, {"second", 0xD55E01, 0xFF9A57},
    {"third", 0x009E73, 0x3ED6A5}, {"grid", 0xDDDDDD, 0x3A3F47}, {"frame", 0x777777, 0x9AA0A8},
};

#endif
