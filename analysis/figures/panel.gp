# One panel of panels.gp: bands, lines, bars, points of the rows in @block.
set datafile nocolumnheaders
set datafile separator whitespace
joined_one(i) = joined && !(two && other(names[i]))
plot for [i = 1:(bars == 2) * n_names] @block using ($1 == i && $3 > 0 ? $2 : NaN):(clip($5)):(clip($6)) \
	with filledcurves ls style_of(i) fillstyle transparent solid 0.15 noborder notitle, \
     for [i = 1:n_names] @block using ($1 == i && $3 > 0 && joined_one(i) ? $2 : NaN):4 with lines ls style_of(i) notitle, \
     for [i = 1:(bars == 1) * n_names] @block using ($1 == i ? $2 : NaN):4:5:6 with yerrorbars ls style_of(i) dt 1 lw 1.2 notitle, \
     for [i = 1:(exists('pointless') ? 0 : n_names)] @block using ($1 == i ? $2 : NaN):4 with points ls style_of(i) notitle, \
     for [i = 1:(bars == 1) * n_names] @block using ($1 == i && beyond($4) < 0 ? $2 : NaN):(least) with points ls style_of(i) pt 11 ps 1.2 notitle, \
     for [i = 1:(bars == 1) * n_names] @block using ($1 == i && beyond($4) > 0 ? $2 : NaN):(greatest) with points ls style_of(i) pt 9 ps 1.2 notitle
set datafile columnheaders
set datafile separator tab
