# Who was busy when: a line a worker.
picture = 'timeline'; data = 'timeline.tsv'
load 'style.gp'; load 'settings.gp'
stats data using (note(strcol('worker'))) nooutput
n_rows = n_names > 0 ? n_names : 1
row_high = n_rows > 40 ? (n_rows > 200 ? 4.0 : 10.0) : 22.0
wide = 760; high = int(80 + (n_rows * row_high > 60 ? n_rows * row_high : 60))
eval open_output
set lmargin at screen 90.0 / wide; set rmargin at screen 1 - 16.0 / wide
set tmargin at screen 1 - 10.0 / high; set bmargin at screen 56.0 / high
set yrange [n_rows + 0.5:0.5]
set xlabel 'time since the first start (s)' offset 0, 0.3
set xrange [0:*]
unset grid; set grid xtics ls 20 back
every = n_rows <= 40 ? 1 : int((n_rows + 39) / 40)
set ytics ('' 0)
do for [i = 1:n_names:every] { set ytics add (names[i] i) }
unset key
set style fill solid 0.75 noborder
lost(z) = column('failed') + column('lost') > 0
plot data using (lost(0) ? NaN : (column('from') + column('to')) / 2):(number_of(strcol('worker'))):(column('from')):(column('to')):(number_of(strcol('worker')) - 0.38):(number_of(strcol('worker')) + 0.38) \
	with boxxyerror ls 11 fillstyle solid 0.75 noborder notitle, \
     data using (lost(0) ? (column('from') + column('to')) / 2 : NaN):(number_of(strcol('worker'))):(column('from')):(column('to')):(number_of(strcol('worker')) - 0.38):(number_of(strcol('worker')) + 0.38) \
	with boxxyerror ls 12 dt 1 fillstyle pattern 4 notitle
unset output
