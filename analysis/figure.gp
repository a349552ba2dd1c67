# Draws what figure.awk prepared: a column of two panels a group. Read-outs differ in shape and
# dash as well as colour (Okabe and Ito's palette), so grey prints and colour-blind eyes lose nothing.
load work.'/settings.gp'
wide = groups == 1 ? 640 : 470 * groups + 20
high = 660
if (terminal eq 'svg') {
	set terminal svg size wide, high font 'Helvetica,Arial,sans-serif,14' background rgb 'white' enhanced rounded
} else {
	set terminal pngcairo size 2 * wide, 2 * high font 'Helvetica,14' fontscale 1.5 linewidth 2 pointscale 2 background rgb 'white' enhanced rounded
}
set output out
set encoding utf8

set style line 1 lc rgb '#0072B2' lw 2.2 pt 7 ps 0.75           # f_lin: filled, solid
set style line 2 lc rgb '#D55E00' lw 1.6 pt 6 ps 0.85 dt (6,4)  # f_theta: open, dashed
set style line 3 lc rgb '#303030' lw 2.0 pt 5 ps 0.65           # path length: squares
set style line 9 lc rgb '#E4E4E4' lw 1 dt 1                     # grid
set style line 10 lc rgb '#707070' lw 1.2 dt 1
set border 3 ls 10
set tics nomirror out scale 0.5 textcolor rgb '#303030'
set grid ytics ls 9 back

left = 90.0 / wide   # room for tick labels such as 0.002, and the axis's name beside them
gap = 0.018
column_width = (1 - left - 0.015 - gap * (groups - 1)) / groups
x_low = -0.18
x_high = x_inf + 0.22
x_break = x_inf - 0.4
unit = percent ? ' (%)' : ''
name = metric
if (metric eq 'test_accuracy') name = 'test accuracy'
if (metric eq 'test_loss') name = 'test loss'

set multiplot
do for [g = 1:groups] {
	data = sprintf('%s/group-%d.dat', work, g)
	from = left + (g - 1) * (column_width + gap)
	set lmargin at screen from
	set rmargin at screen from + column_width

	# --- accuracy ---
	set tmargin at screen 0.775
	set bmargin at screen 0.39
	set xrange [x_low:x_high]
	set yrange [y_low:y_high]
	eval 'set xtics ('.bare[g].')'
	eval 'set x2tics ('.upper[g].') nomirror out scale 0.5 offset 0,-0.4 textcolor rgb "#303030"'
	set x2range [x_low:x_high]
	set border 7
	set x2label 'feature updates' offset 0,-0.9 textcolor rgb '#303030'
	if (g == 1) { set label 5 name.unit at screen 16.0 / wide, graph 0.5 center rotate }
	set ytics format (g == 1 ? '%g' : '')
	set label 1 title[g] at graph 0, screen 0.965 font ',17' noenhanced
	set label 2 first_line[g] at graph 0, screen 0.922 font sentence_font textcolor rgb '#303030' noenhanced
	set label 3 second_line[g] at graph 0, screen 0.889 font sentence_font textcolor rgb '#303030' noenhanced
	if (base[g] == base[g] && margin > 0) {
		set object 1 rectangle from graph 0, first base[g] - margin to graph 1, first base[g] + margin fillcolor rgb '#EBEBEB' fillstyle solid noborder behind
		set arrow 1 from graph 0, first base[g] to graph 1, first base[g] nohead lc rgb '#909090' lw 1 dt 1 back
	}
	if (has_inf) { set arrow 2 from x_break, graph 0 to x_break, graph 1 nohead lc rgb '#D0D0D0' lw 1.5 dt 1 back }
	eval arrows[g]
	if (g == 1) {
		# where the curve is not: it falls for accuracies, rises for losses
		eval 'set key at graph 0.03, graph '.(percent ? '0.04 left bottom' : '0.96 left top')
		set key Left reverse samplen 2.2 spacing 1.15 width -2 font ',13'
	} else { unset key }
	band = percent ? sprintf('± %g point%s of K = 1', margin, margin == 1 ? '' : 's') : sprintf('± %g of K = 1', margin)
	plot data using ($1 < x_break ? $1 : NaN):2 with lines ls 1 notitle, \
	     data using ($1 < x_break ? $1 + 0.03 : NaN):5 with lines ls 2 notitle, \
	     data using ($1 + 0.03):5:6:7 with yerrorbars ls 2 dt 1 lw 1.2 notitle, \
	     data using 1:2:3:4 with yerrorbars ls 1 lw 1.6 notitle, \
	     NaN with linespoints ls 1 title 'f_{lin}, the model being trained', \
	     NaN with linespoints ls 2 title 'f_θ, the network', \
	     NaN with boxes fillcolor rgb '#DADADA' fillstyle solid noborder title band
	unset arrow; unset label; unset object; unset x2tics; unset x2label; unset key
	set border 3

	# --- kernel path length ---
	set tmargin at screen 0.35
	set bmargin at screen 0.15
	set yrange [0:path_high]
	eval 'set xtics ('.tics[g].') format "%g"'
	set xlabel 'refresh period K (steps between feature updates)' offset 0,0.3 textcolor rgb '#303030'
	if (g == 1) { set label 5 'kernel path length' at screen 16.0 / wide, graph 0.5 center rotate }
	set ytics path_step format (g == 1 ? '%g' : '')
	if (g == 1 && seeds > 0) { set label 4 sprintf('Bars and brackets: 95 %% t intervals over %d seeds.', seeds) at graph 0, screen 0.025 font ',12' textcolor rgb '#606060' noenhanced }
	if (has_inf) { set arrow 2 from x_break, graph 0 to x_break, graph 1 nohead lc rgb '#D0D0D0' lw 1.5 dt 1 back }
	plot data using ($1 < x_break ? $1 : NaN):8 with lines ls 3 notitle, \
	     data using 1:8:9:10 with yerrorbars ls 3 lw 1.4 notitle
	unset arrow; unset xlabel; unset label
	set ytics autofreq
}
unset multiplot
