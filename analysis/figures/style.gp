# What all figures share: how a data file is read, colours that stay apart in grey too, panels, axes.
#
# A figure's script is run in the folder of the data, which `relin report FILE.h5 --tables FOLDER` writes:
#   gnuplot -e "terminal='pdf'" performance-period.gp        (pdf, png or svg)
# terminal: what to draw for; out: the file, without it the script's own name; settings.gp, in that folder: what was asked.
if (!exists('terminal')) { terminal = 'svg' }
set encoding utf8
set datafile separator tab
set datafile columnheaders
set datafile missing ''
set datafile commentschars ''

# Ten of one palette, dark to light, so that they have an order in grey; dashes and points differ as well.
array colour[10] = ['#440154', '#482878', '#3E4989', '#31688E', '#26828E', '#1F9E89', '#35B779', '#6DCD59', '#B4C020', '#D55E00']
array dash[10] = ['1', '(8,3)', '(4,3)', '(2,2)', '(8,3,2,3)', '1', '(8,3)', '(4,3)', '(2,2)', '(6,2,2,2)']
array mark[10] = [7, 5, 9, 13, 11, 6, 4, 8, 12, 10]
do for [i = 1:10] { eval sprintf("set style line %d lc rgb '%s' dt %s pt %d lw 1.8 ps 0.7", i, colour[i], dash[i], mark[i]) }
# Two read-outs, or two trainers: far apart.
set style line 11 lc rgb '#0072B2' dt 1 pt 7 lw 2.2 ps 0.8
set style line 12 lc rgb '#D55E01' dt (6,4) pt 6 lw 1.8 ps 0.9
set style line 13 lc rgb '#009E73' dt (2,3) pt 9 lw 1.8 ps 0.9
set style line 14 lc rgb '#009E73' dt (8,3,2,3) pt 8 lw 1.8 ps 0.9
set style line 15 lc rgb '#777777' dt (1,3) pt 1 lw 1.8 ps 0.8    # where all begin
set style line 20 lc rgb '#DDDDDD' lw 1 dt 1      # grid
set style line 21 lc rgb '#777777' lw 1.2 dt 1    # frame
set border 3 ls 21
set tics nomirror out scale 0.5
set grid ytics ls 20 back

# The different values of a text column, in the order of the file: names[1] to names[n_names].
array names[4096]
n_names = 0
known(s) = n_names == 0 ? 0 : ((sum [i = 1:n_names] (names[i] eq s ? 1 : 0)) > 0)
note(s) = known(s) || n_names == 4096 ? 0 : (n_names = n_names + 1, names[n_names] = s, 0)
number_of(s) = n_names == 0 ? 0 : (sum [i = 1:n_names] (names[i] eq s ? i : 0))

# Opens the output for a picture of so many pixels.
open_output = "if (terminal eq 'svg') { set terminal svg size wide, high font 'sans-serif,13' noenhanced rounded } \
else { if (terminal eq 'pdf') { set terminal pdfcairo size wide / 96.0, high / 96.0 font 'sans-serif,9.75' noenhanced rounded } \
else { set terminal pngcairo size 2 * wide, 2 * high font 'sans-serif,13' fontscale 2 linewidth 2 pointscale 2 background rgb 'white' noenhanced rounded } }; \
if (!exists('out')) { out = picture.'.'.terminal }; set output out"

# A long text in two lines, broken at a blank.
blank_before(s, n) = n < 2 ? 0 : (s[n:n] eq ' ' ? n : blank_before(s, n - 1))
shortened(s, n) = strlen(s) <= n ? s : s[1:n - 1].'…'
break_at(s, n) = (blank = blank_before(s, n), blank < n / 3 ? n : blank)
two_lines(s, n) = strlen(s) <= n ? s : s[1:break_at(s, n)]."\n".shortened(s[break_at(s, n) + 1:*], n)
thousands(v) = v < 1000 ? sprintf('%g', v) : (v < 1e6 ? sprintf('%d,%03d', int(v / 1000), int(v) % 1000) : sprintf('10^{%g}', log10(v)))
