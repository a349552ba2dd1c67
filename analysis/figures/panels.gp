# One panel a group, one curve a series, with intervals. Before it: style.gp, and
#   data, picture                the data file; the name of the picture
#   x_name, x_text, x_kind       column, axis title; 'log' (0 and inf set apart) or 'linear'
#   y_name, y_text, y_scale, y_log    columns are y_name, and y_name_low, y_name_high drawn as bars (bars = 1) or bands (2)
#   series, two                  column that tells curves apart; two: 1 where there are two, far apart in style
#   from_zero                    where there is such a variable the axis begins at 0
#   joined, pointless            1: lines between points; 1: no points
#   level, edge                  a line where nothing changes, and a dashed one, the margin, so far below it (0: none)
#   y_least, y_most              what the axis does not go beyond
#   beside                       1: curves are moved aside a little, so that none hides another
#   x2_name, x2_text             column that is a constant over x in each panel: a second axis, above, falling as x grows
stats data using (note(strcol('group'))) nooutput
n_groups = n_names
array groups[n_groups + 1]
do for [i = 1:n_groups] { groups[i] = names[i] }
n_names = 0
is_inf(s) = s eq 'inf'
number(name) = is_inf(strcol(name)) ? NaN : column(name)
seen(name) = is_inf(strcol(name)) || column(name) == column(name)
stats data using (seen(x_name) && seen(y_name) ? note(strcol(series)) : 0) nooutput
if (n_names == 0) { print picture.': nothing to draw'; exit }
most = 12
n_panels = n_groups < most ? n_groups : most

# Two read-outs far apart, and the same with another dash for schedules; else from dark to light, with infinity its own.
other(s) = s[1:8] eq 'schedule' || s[1:12] eq 'Gauss-Newton'
start = n_names > 0 && names[1] eq 'at initialisation' ? 1 : 0
n_finite = n_names > 0 ? (sum [i = 1:n_names] (names[i] eq 'K = ∞' ? 0 : 1)) - start : 1
style_of(i) = two ? (strstrt(names[i], 'network') || names[i] eq 'predicted' ? 12 : 11) + (other(names[i]) ? 2 : 0) : \
	(names[i] eq 'K = ∞' ? 10 : (i <= start ? 15 : (n_finite <= 9 ? 1 + int((i - 1 - start) * 8.0 / (n_finite > 1 ? n_finite - 1 : 1) + 0.5) : ((i - 1 - start) % 9) + 1)))

low_name = bars ? y_name.'_low' : y_name; high_name = bars ? y_name.'_high' : y_name

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
# one wide interval is not to flatten all curves: so much of them is shown as the curves span, or most of them need
span = middle_high > middle_low ? middle_high - middle_low : (abs(middle_high) > 0 ? 0.1 * abs(middle_high) : 1)
half = 0
if (bars && !y_log && middle_low <= middle_high) { stats data using (y_scale * (number(high_name) - number(low_name)) / 2) nooutput; if (exists('STATS_median') && STATS_records > 0) { half = STATS_median } }
if (span < 2 * half) { span = 2 * half }
if (!y_log) { if (y_low < middle_low - span) { y_low = middle_low - span }; if (y_high > middle_high + span) { y_high = middle_high + span } }
if (y_low > y_high) { y_low = 0; y_high = 1 }
if (exists('from_zero')) { y_low = 0 }
# what lies far beyond the margin would make it, and all that is near it, one line: it is drawn at the edge
if (exists('level')) {
	far = 8 * abs(edge) > 4 * half ? 8 * abs(edge) : 4 * half
	if (far > 0 && y_low < level - far) { y_low = level - far }
	if (far > 0 && y_high > level + far) { y_high = level + far }
	do for [v in sprintf('%g %g', level, level - edge)] { if (y_low > real(v)) { y_low = real(v) }; if (y_high < real(v)) { y_high = real(v) } }
}
# no accuracy is above 100 % or below 0
if (exists('y_most')) { if (y_high > y_most) { y_high = y_most }; if (y_low < y_least) { y_low = y_least } }
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
	nice(v) = v <= 1 ? 1 : (v <= 2 ? 2 : (v <= 5 ? 5 : 10))
	raw = (right - left) / 4; unit = 10 ** floor(log10(raw))
	set_x = sprintf('set xtics %g', unit * nice(raw / unit))
}

# --- the picture ---
columns = n_panels < 3 ? n_panels : (n_panels == 4 ? 2 : 3)
if (columns < 1) { columns = 1 }
rows = (n_panels + columns - 1) / columns
if (rows < 1) { rows = 1 }
panel_wide = columns == 1 ? 560.0 : (columns == 2 ? 380.0 : 290.0)
panel_high = columns == 1 ? 330.0 : 250.0
longest = 4
do for [i = 1:n_names] { longest = strlen(names[i]) > longest ? strlen(names[i]) : longest }
key_columns = int((columns * panel_wide + 60) / (longest * 7.6 + 62))
if (key_columns < 1) { key_columns = 1 }
key_rows = n_names > 0 ? (n_names + key_columns - 1) / key_columns : 1
second = exists('x2_name'); above = second ? 26.0 : 0.0   # pixels for the second axis
margin_left = 96.0; gap_x = 22.0; gap_y = 64.0 + above; margin_top = 46.0 + (second ? above + 20 : 0); margin_bottom = 64.0 + 20.0 * key_rows
wide = int(margin_left + columns * panel_wide + (columns - 1) * gap_x + 16)
high = int(margin_top + rows * panel_high + (rows - 1) * gap_y + margin_bottom)

# --- the second axis: its number times x is the same all over a panel, or there is none ---
array constant[n_panels + 1]
if (second) { do for [g = 1:n_panels] {
	stats data using (strcol('group') eq groups[g] && !is_inf(strcol(x_name)) ? number(x_name) * number(x2_name) : NaN) nooutput
	constant[g] = STATS_records > 0 && STATS_max < 1.0001 * STATS_min ? STATS_mean : 0
} }
plain(v, e) = e >= 0 ? thousands(v) : (e < -4 ? sprintf('%.0e', v) : sprintf('%g', v))
second_tics(c) = (t2 = '', sum [e = floor(log10(c) - hi) - 1:ceil(log10(c) - lo) + 1] sum [k = 1:3] (v2 = (k == 1 ? 1 : (k == 2 ? 2 : 5)) * 10.0 ** e, p2 = log10(c) - log10(v2), \
	p2 > lo - 0.01 && p2 < hi + 0.01 && (k == 1 || hi - lo < 1.6) && (hi - lo < 5 || e % 2 == 0) ? (t2 = t2.sprintf('"%s" %g, ', plain(v2, e), p2), 1) : 0), t2)

set xrange [left:right]
eval set_x
if (y_log) { set logscale y; set format y '%g'; set yrange [y_low / 1.3:y_high * 1.3]; if (y_high < 100 * y_low) { do for [e = floor(log10(y_low)) - 1:ceil(log10(y_high))] { do for [m in (y_high < 3 * y_low ? '1 1.2 1.5 2 2.5 3 4 5 6 8' : '1 2 5')] { set ytics add (m * 10.0 ** e) } } } } else { set yrange [y_low - pad:y_high + pad] }
# --- each panel's rows by themselves, as numbers: curve, place, is it joined, y, low, high ---
# the second of two is moved aside a little, so that it does not hide the first
aside(i) = i < 1 ? 0 : exists('beside') ? 0.008 * (i - (n_names + 1) / 2.0) * (right - left) : two && style_of(i) % 2 == 0 ? 0.012 * (right - left) : 0
# lines do not lead to what is set apart
inner(z) = !is_inf(strcol(x_name)) && !(x_kind eq 'log' && column(x_name) <= 0)
# a bound below what a log axis shows is its lower end; nor does a band leave the panel
least = y_log ? y_low / 1.3 : y_low - pad; greatest = y_log ? y_high * 1.3 : y_high + pad
beyond(v) = v != v ? 0 : (v < least ? -1 : (v > greatest ? 1 : 0))
clip(v) = v != v ? NaN : (v < least ? least : (v > greatest ? greatest : v))
do for [g = 1:n_panels] {
	eval sprintf('set table $panel%d', g)
	plot data using (number_of(strcol(series))):(place(number(x_name), strcol(x_name)) + aside(number_of(strcol(series)))):(inner(0)): \
		(y_scale * number(y_name)):(y_scale * number(low_name)):(y_scale * number(high_name)) with table if (strcol('group') eq groups[g] && seen(x_name) && seen(y_name)), \
	     '+' using (0):(NaN):(0):(NaN):(NaN):(NaN) every ::0::0 with table   # a panel may be empty
	unset table
}

eval open_output
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
	set label 1 two_lines(groups[g], int(panel_wide / 6.1)) at graph 0, graph 1 offset 0, character (above / 13.0 + (strlen(groups[g]) > int(panel_wide / 6.1) ? 1.6 : 0.7)) font ',11' noenhanced
	if (col == 0) { set label 2 y_text at screen 16.0 / wide, graph 0.5 center rotate } else { unset label 2 }
	if (g == 1) { set label 3 x_text at screen 0.5, screen (20.0 * key_rows + 22) / high center } else { unset label 3 }
	set format y (col == 0 ? '%g' : '')
	unset arrow; unset x2tics; unset label 4
	if (second && constant[g] > 0) {
		eval "set x2tics (".second_tics(constant[g]).(has_inf ? sprintf('"0" %g', at_inf) : sprintf('"" %g', lo)).")"
		set x2range [left:right]
		set border 7
	} else { set border 3 }
	if (second && g == 1) { set label 4 x2_text at screen 0.5, screen 1 - 14.0 / high center }
	if (exists('level')) { set arrow 3 from graph 0, first level to graph 1, first level nohead ls 21 back }
	if (exists('level') && edge != 0) { set arrow 4 from graph 0, first level - edge to graph 1, first level - edge nohead ls 21 dt (8,4) back }
	if (x_kind eq 'log' && has_inf) { set arrow 1 from (hi + at_inf) / 2, graph 0 to (hi + at_inf) / 2, graph 1 nohead ls 20 back }
	if (x_kind eq 'log' && has_zero) { set arrow 2 from (lo + at_zero) / 2, graph 0 to (lo + at_zero) / 2, graph 1 nohead ls 20 back }
	block = sprintf('$panel%d', g)
	load 'panel.gp'
}
# --- the key, below all panels ---
unset label; unset arrow; unset border; unset xtics; unset x2tics; unset ytics; unset grid; unset logscale
set lmargin at screen 0; set rmargin at screen 1
set bmargin at screen 0; set tmargin at screen (20.0 * key_rows + 12) / high
set xrange [0:1]; set yrange [0:1]
set key at screen 0.5, screen (20.0 * key_rows + 8.0) / high center top vertical maxrows key_rows Left reverse samplen 3 noenhanced
plot for [i = 1:n_names] NaN with linespoints ls style_of(i) title names[i]
unset multiplot
unset output
