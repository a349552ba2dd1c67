# The metric over (T, K): one panel a group, a field for each measured pair.
picture = 'phase'; data = 'phase.tsv'
load 'style.gp'; load 'settings.gp'
is_inf(s) = s eq 'inf'
stats data using (note(strcol('group'))) nooutput
if (n_names == 0) { print 'phase: nothing to draw'; exit }
n_panels = n_names < 12 ? n_names : 12
array groups[n_names + 1]
do for [i = 1:n_names] { groups[i] = names[i] }

# --- the different Ks and Ts, ascending, on log axes ---
array K[512]; array T[64]; n_K = 0; n_T = 0; has_inf = 0
known_K(v) = n_K == 0 ? 0 : ((sum [i = 1:n_K] (K[i] == v ? 1 : 0)) > 0)
known_T(v) = n_T == 0 ? 0 : ((sum [i = 1:n_T] (T[i] == v ? 1 : 0)) > 0)
note_K(s, v) = is_inf(s) ? (has_inf = 1, 0) : (known_K(v) || n_K == 512 ? 0 : (n_K = n_K + 1, K[n_K] = v, 0))
note_T(v) = known_T(v) || n_T == 64 ? 0 : (n_T = n_T + 1, T[n_T] = v, 0)
stats data using (note_K(strcol('refresh_period'), is_inf(strcol('refresh_period')) ? 0 : column('refresh_period'))) nooutput
T_first = 1e300; T_last = 0
span_T(v) = (T_first = v < T_first ? v : T_first, T_last = v > T_last ? v : T_last, 0)
stats data using (span_T(column('step'))) nooutput
do for [i = 2:n_K] { do for [j = i:2:-1] { if (K[j] < K[j - 1]) { v = K[j]; K[j] = K[j - 1]; K[j - 1] = v } } }
at_K(i) = log10(K[i]); at_T(i) = log10(T[i])
half_K = n_K > 1 ? (at_K(n_K) - at_K(1)) / (n_K - 1) / 2 : 0.3
end_K = n_K > 0 ? at_K(n_K) + half_K : 0
at_inf = end_K + 1.8 * half_K
index_K(v) = sum [i = 1:n_K] (K[i] == v ? i : 0)
index_T(v) = sum [i = 1:n_T] (T[i] == v ? i : 0)
# a field reaches to the middle between neighbours
low_K(i) = i == 1 ? at_K(1) - half_K : (at_K(i - 1) + at_K(i)) / 2
high_K(i) = i == n_K ? at_K(i) + half_K : (at_K(i) + at_K(i + 1)) / 2
low_T(i) = i < 1 ? NaN : i == 1 ? at_T(1) - half_T : (at_T(i - 1) + at_T(i)) / 2
high_T(i) = i < 1 ? NaN : i == n_T ? at_T(i) + half_T : (at_T(i) + at_T(i + 1)) / 2
inf_here(a) = is_inf(strcol('refresh_period'))
x_low(z) = inf_here(0) ? at_inf - half_K : low_K(index_K(column('refresh_period')))
x_high(z) = inf_here(0) ? at_inf + half_K : high_K(index_K(column('refresh_period')))
x_at(z) = inf_here(0) ? at_inf : log10(column('refresh_period'))

# --- the picture ---
columns = n_panels < 3 ? (n_panels > 0 ? n_panels : 1) : (n_panels == 4 ? 2 : 3)
rows = (n_panels + columns - 1) / columns
if (rows < 1) { rows = 1 }
panel_wide = columns == 1 ? 520.0 : (columns == 2 ? 370.0 : 270.0); panel_high = columns == 1 ? 330.0 : 240.0
margin_left = 96.0; gap_x = 24.0; gap_y = 64.0; margin_top = 46.0; margin_bottom = 70.0; margin_right = 124.0
wide = int(margin_left + columns * panel_wide + (columns - 1) * gap_x + margin_right)
high = int(margin_top + rows * panel_high + (rows - 1) * gap_y + margin_bottom)
eval open_output
# cividis: monotone in lightness, so that it reads in grey
set palette defined (0 '#00224E', 1 '#123570', 2 '#3B496C', 3 '#575D6D', 4 '#707173', 5 '#8A8678', 6 '#A59C74', 7 '#C3B369', 8 '#E1CC55', 9 '#FEE838')
stats data using (metric_scale * column('mean')) nooutput
if (STATS_max > STATS_min) { set cbrange [STATS_min:STATS_max] } else { set cbrange [STATS_min - 1:STATS_min + 1] }
set xrange [n_K > 0 ? at_K(1) - half_K : at_inf - half_K : has_inf ? at_inf + half_K : end_K]
set yrange [log10(T_first) - 0.15:log10(T_last) + 0.15]
tics = ''
last = -1e9
do for [i = 1:n_K] { if (at_K(i) - last > (columns == 3 ? 0.12 : 0.07) * (at_inf - at_K(1))) { tics = tics.sprintf('"%s" %g, ', thousands(K[i]), at_K(i)); last = at_K(i) } }
if (has_inf) { tics = tics.sprintf('"∞" %g, ', at_inf) }
eval "set xtics (".tics[1:strlen(tics) - 2].")"
tics = ''
do for [e = 0:ceil(log10(T_last))] { do for [m in (T_last < 100 * T_first ? '1 2 5' : '1')] { v = m * 10 ** e; if (v >= T_first && v <= T_last) { tics = tics.sprintf('"%s" %g, ', thousands(v), log10(v)) } } }
tics = strlen(tics) ? tics[1:strlen(tics) - 2] : sprintf('"%s" %g', thousands(T_last), log10(T_last))
unset grid; unset key; set border 0
set multiplot
do for [g = 1:n_panels] {
	row = (g - 1) / columns; col = (g - 1) % columns
	from = margin_left + col * (panel_wide + gap_x); top = margin_top + row * (panel_high + gap_y)
	set lmargin at screen from / wide; set rmargin at screen (from + panel_wide) / wide
	set tmargin at screen 1 - top / high; set bmargin at screen 1 - (top + panel_high) / high
	long = strlen(groups[g]) > int(panel_wide / 6.1)
	set label 1 two_lines(groups[g], int(panel_wide / 6.1)) at graph 0, graph 1 offset 0, character (long ? 1.6 : 0.7) font ',11' noenhanced
	if (col == 0) { set label 2 'T, training steps' at screen 16.0 / wide, graph 0.5 center rotate; eval "set ytics (".tics.")" } else { unset label 2; set ytics format ''; unset ytics }
	if (g == 1) { set label 3 'refresh period K (steps; ∞: never refreshed)' at screen 0.5, screen 16.0 / high center } else { unset label 3 }
	if (g == 1) { set colorbox user origin screen 1 - (margin_right - 14) / wide, screen (margin_bottom / high) size screen 12.0 / wide, screen 1 - (margin_top + margin_bottom) / high
		set cblabel metric_text offset 0.6, 0; set cbtics font ',11' } else { unset colorbox }
	mine(z) = strcol('group') eq groups[g]
	n_T = 0
	stats data using (mine(0) ? note_T(column('step')) : 0) nooutput
	do for [i = 2:n_T] { do for [j = i:2:-1] { if (T[j] < T[j - 1]) { v = T[j]; T[j] = T[j - 1]; T[j - 1] = v } } }
	half_T = n_T > 1 ? (at_T(n_T) - at_T(1)) / (n_T - 1) / 2 : 0.15
	says(s) = strcol('group') eq groups[g] && strcol('suffices') eq s
	plot data using (mine(0) ? x_at(0) : NaN):(log10(column('step'))):(x_low(0)):(x_high(0)):(low_T(index_T(column('step')))):(high_T(index_T(column('step')))):(metric_scale * column('mean')) \
		with boxxyerror fillstyle solid 1.0 noborder palette notitle, \
	     data using (mine(0) && strlen(strcol('suffices')) && strcol('suffices') ne 'baseline' ? x_at(0) : NaN):(log10(column('step'))) with points pt 7 ps 0.95 lc rgb '#FFFFFE' notitle, \
	     data using (says('yes') ? x_at(0) : NaN):(log10(column('step'))) with points pt 7 ps 0.65 lc rgb '#000001' notitle, \
	     data using (says('unclear') ? x_at(0) : NaN):(log10(column('step'))) with points pt 6 ps 0.6 lc rgb '#000001' notitle, \
	     data using (says('no') ? x_at(0) : NaN):(log10(column('step'))) with points pt 2 ps 0.5 lc rgb '#000001' notitle
}
unset multiplot
unset output
