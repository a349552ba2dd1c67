# Where the time of the workers went: one bar a use.
picture = 'uses'; data = 'uses.tsv'
load 'style.gp'; load 'settings.gp'
stats data using (strcol('use') eq 'efficiency' ? 0 : note(strcol('use'))) nooutput
array files[64]; n_files = 0
known_file(s) = n_files == 0 ? 0 : ((sum [i = 1:n_files] (files[i] eq s ? 1 : 0)) > 0)
note_file(s) = known_file(s) || n_files == 64 ? 0 : (n_files = n_files + 1, files[n_files] = s, 0)
file_of(s) = sum [i = 1:n_files] (files[i] eq s ? i : 0)
stats data using (note_file(strcol('group'))) nooutput
if (n_names == 0) { print 'uses: nothing to draw'; exit }
wide = 700; high = int(80 + 24 * n_names)
eval open_output
set lmargin at screen 100.0 / wide; set rmargin at screen 1 - 16.0 / wide
set tmargin at screen 1 - 10.0 / high; set bmargin at screen 56.0 / high
set yrange [n_names + 0.6:0.4]
set xrange [0:*]
set xlabel "share of the workers' time (%)" offset 0, 0.3
unset grid; set grid xtics ls 20 back
set ytics ('' 0)
do for [i = 1:n_names] { set ytics add (names[i] i) }
unset key
# files share the place of a bar
part = 0.76 / (n_files > 0 ? n_files : 1)
top(z) = number_of(strcol('use')) - 0.38 + (file_of(strcol('group')) - 1) * part
plot for [f = 1:n_files] data using (strcol('use') ne 'efficiency' && file_of(strcol('group')) == f ? 50 * column('share') : NaN):(top(0) + part / 2):(0):(100 * column('share')):(top(0)):(top(0) + part) \
	with boxxyerror ls ((f - 1) % 2 == 0 ? 11 : 13) dt 1 fillstyle solid (f > 1 ? 0.5 : 0.75) noborder notitle
unset output
