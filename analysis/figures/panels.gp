# One panel a group, one curve a series, with intervals. Before it: style.gp, and
#   data, picture                the data file; the name of the picture
#   x_name, x_text, x_kind       column, axis title; 'log' (0 and inf set apart) or 'linear'
#   y_name, y_text, y_scale, y_log    columns are y_name, y_name_low, y_name_high (bars: 1 where these are there)
#   series, two                  column that tells curves apart; two: 1 where there are two, far apart in style
#   joined                       1: lines between points
stats data using (note(strcol('group'))) nooutput
n_groups = n_names
array groups[n_groups + 1]
do for [i = 1:n_groups] { groups[i] = names[i] }
n_names = 0
is_inf(s) = s eq 'inf'
number(name) = is_inf(strcol(name)) ? NaN : column(name)
seen(name) = is_inf(strcol(name)) || column(name) == column(name)
stats data using (seen(x_name) && seen(y_name) ? note(strcol(series)) : 0) nooutput
most = 24
n_panels = n_groups < most ? n_groups : most

# --- the axes, from all of the data ---
x_low = 1e300; x_high = -1e300; has_zero = 0; has_inf = 0
seen_x(v, s) = (is_inf(s) ? (has_inf = 1) : (v != v ? 0 : (v <= 0 && x_kind eq 'log' ? (has_zero = 1) : \
	(x_low = v < x_low ? v : x_low, x_high = v > x_high ? v : x_high, 0))), 0)
stats data using (seen_x(number(x_name), strcol(x_name))) nooutput
if (x_low > x_high) { x_low = 1; x_high = 10 }
y_low = 1e300; y_high = -1e300
seen_y(v) = (v != v || (y_log && v <= 0) ? 0 : (y_low = v < y_low ? v : y_low, y_high = v > y_high ? v : y_high, 0), 0)
stats data using (seen_y(y_scale * number(y_name))) nooutput
middle_low = y_low; middle_high = y_high
if (bars) { stats data using (seen_y(y_scale * number(y_name.'_low')), seen_y(y_scale * number(y_name.'_high'))) nooutput }
# one wide interval is not to flatten all curves
span = middle_high > middle_low ? middle_high - middle_low : (abs(middle_high) > 0 ? 0.1 * abs(middle_high) : 1)
if (!y_log) { if (y_low < middle_low - span) { y_low = middle_low - span }; if (y_high > middle_high + span) { y_high = middle_high + span } }
if (y_low > y_high) { y_low = 0; y_high = 1 }
pad = 0.06 * (y_high > y_low ? y_high - y_low : span)

if (x_kind eq 'log') {
	lo = log10(x_low); hi = log10(x_high)
	if (hi - lo < 0.3) { lo = lo - 0.3; hi = hi + 0.3 }
	apart = 0.16 * (hi - lo)
	at_inf = hi + apart; at_zero = lo - apart
	place(v, s) = is_inf(s) ? at_inf : (v <= 0 ? at_zero : log10(v))
	left = (has_zero ? at_zero : lo) - 0.05 * (hi - lo); right = (has_inf ? at_inf : hi) + 0.05 * (hi - lo)
	tics = ''
	step = hi - lo > 7 ? 2 : 1
	do for [e = ceil(lo - 0.01):floor(hi + 0.01):step] {
		tics = tics.sprintf('"%s" %g, ', e >= 0 ? thousands(10 ** e) : (e < -4 ? sprintf('1e%d', e) : sprintf('%g', 10 ** e)), e)
	}
	if (hi - lo < 2.2) {
		do for [e = floor(lo) - 1:ceil(hi)] { do for [m in '2 5'] {
			v = e + log10(m); if (v > lo - 0.01 && v < hi + 0.01) { tics = tics.sprintf('"%s" %g, ', e >= 0 ? thousands(m * 10 ** e) : sprintf('%g', m * 10 ** e), v) }
		} }
	}
	if (has_zero) { tics = tics.sprintf('"0" %g, ', at_zero) }
	if (has_inf) { tics = tics.sprintf('"∞" %g, ', at_inf) }
	tics = tics[1:strlen(tics) - 2]
	set_x = "set xtics (".tics.")"
} else {
	place(v, s) = v
	margin_x = x_high > x_low ? 0.05 * (x_high - x_low) : 0.5
	left = x_low - margin_x; right = x_high + margin_x
	set_x = 'set xtics autofreq'
}

# --- the picture ---
columns = n_panels < 3 ? n_panels : 3
if (columns < 1) { columns = 1 }
rows = (n_panels + columns - 1) / columns
if (rows < 1) { rows = 1 }
panel_wide = columns == 1 ? 560.0 : (columns == 2 ? 380.0 : 290.0)
panel_high = columns == 1 ? 330.0 : 250.0
key_rows = int((n_names * (columns == 1 ? 110 : 110) - 1) / (columns * panel_wide)) + 1
margin_left = 80.0; gap_x = 22.0; gap_y = 52.0; margin_top = 46.0; margin_bottom = 66.0 + 22.0 * key_rows
wide = int(margin_left + columns * panel_wide + (columns - 1) * gap_x + 16)
high = int(margin_top + rows * panel_high + (rows - 1) * gap_y + margin_bottom)
eval open_output

set xrange [left:right]
eval set_x
if (y_log) { set logscale y; set format y '%g'; set yrange [y_low / 1.3:y_high * 1.3] } else { set yrange [y_low - pad:y_high + pad] }
set multiplot
unset key
do for [g = 1:n_panels] {
	row = (g - 1) / columns; col = (g - 1) % columns
	from = margin_left + col * (panel_wide + gap_x)
	top = margin_top + row * (panel_high + gap_y)
	set lmargin at screen from / wide
	set rmargin at screen (from + panel_wide) / wide
	set tmargin at screen 1 - top / high
	set bmargin at screen 1 - (top + panel_high) / high
	set label 1 two_lines(groups[g], int(panel_wide / 6.6)) at graph 0, graph 1 offset 0, character (strlen(groups[g]) > int(panel_wide / 6.6) ? 1.6 : 0.7) font ',12' noenhanced
	if (col == 0) { set label 2 y_text at screen 16.0 / wide, graph 0.5 center rotate } else { unset label 2 }
	if (g + columns > n_panels) { set label 3 x_text at graph 0.5, graph 0 center offset 0, character -2.4 } else { unset label 3 }
	set format y (col == 0 ? '%g' : '')
	unset arrow
	if (x_kind eq 'log' && has_inf) { set arrow 1 from (hi + at_inf) / 2, graph 0 to (hi + at_inf) / 2, graph 1 nohead ls 20 back }
	if (x_kind eq 'log' && has_zero) { set arrow 2 from (lo + at_zero) / 2, graph 0 to (lo + at_zero) / 2, graph 1 nohead ls 20 back }
	mine(i) = strcol('group') eq groups[g] && strcol(series) eq names[i]
	# lines do not lead to what is set apart
	inner(i) = mine(i) && !is_inf(strcol(x_name)) && !(x_kind eq 'log' && column(x_name) <= 0)
	joined_one(i) = joined && names[i][1:8] ne 'schedule'
	style_of(i) = two ? 10 + i : ((i - 1) % 10) + 1
	set style data lines
	plot for [i = 1:n_names] data using (inner(i) && joined_one(i) ? place(number(x_name), strcol(x_name)) : NaN):(inner(i) ? y_scale * number(y_name) : NaN) with lines ls style_of(i) notitle, \
	     for [i = 1:bars * n_names] data using (mine(i) ? place(number(x_name), strcol(x_name)) : NaN):(y_scale * number(y_name)):(y_scale * number(y_name.'_low')):(y_scale * number(y_name.'_high')) \
		with yerrorbars ls style_of(i) dt 1 lw 1.2 notitle, \
	     for [i = 1:n_names] data using (mine(i) ? place(number(x_name), strcol(x_name)) : NaN):(y_scale * number(y_name)) with points ls style_of(i) notitle
}
# --- the key, below all panels ---
unset label; unset arrow; unset border; unset xtics; unset ytics; unset grid; unset logscale
set lmargin at screen 0; set rmargin at screen 1
set bmargin at screen 0; set tmargin at screen (22.0 * key_rows + 14) / high
set xrange [0:1]; set yrange [0:1]
set key at screen 0.5, screen (22.0 * key_rows + 8.0) / high center top horizontal maxrows key_rows Left reverse samplen 3 noenhanced
plot for [i = 1:n_names] NaN with linespoints ls (two ? 10 + i : ((i - 1) % 10) + 1) title names[i]
unset multiplot
unset output
