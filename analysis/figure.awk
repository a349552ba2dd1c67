# Cells of `relin summary --csv` -> one data file a group, and gnuplot settings on stdout.
# Columns of group-N.dat: x, then mean, low, high of f_lin, of f_theta and of the path length.
# K=inf stands 0.8 of a decade to the right of the largest finite K.

# Splits a CSV line with quoted fields into field[1..]; returns how many.
function split_csv(line, field,    n, c, quoted, i) {
	n = 1; field[1] = ""; quoted = 0
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		if (c == "\"") quoted = !quoted
		else if (c == "," && !quoted) field[++n] = ""
		else field[n] = field[n] c
	}
	return n
}
function least(a, b) { return a == "" || b < a ? b : a }
function most(a, b) { return a == "" || b > a ? b : a }
function value(name) { return field[column[name]] == "" ? "NaN" : scale * field[column[name]] }
function plain(name) { return field[column[name]] == "" ? "NaN" : field[column[name]] }
function thousands(n,    text) {
	for (text = n ""; match(text, /^[0-9][0-9][0-9][0-9]+/); )
		text = substr(text, 1, RLENGTH - 3) "," substr(text, RLENGTH - 2)
	return text
}
function quoted(text) { gsub(/'/, "''", text); return "'" text "'" }

FILENAME != last_file { last_file = FILENAME; files++; row = 0 }
files == 1 { sentence[FNR] = $0; next }
row++ == 0 {
	n = split_csv($0, field)
	for (i = 1; i <= n; i++) column[field[i]] = i
	if (!("refresh_period" in column)) { print "figure.sh: cells need the axis refresh_period" > "/dev/stderr"; bad = 1; exit 2 }
	next
}
{
	split_csv($0, field)
	group = ""
	for (i = 1; i < column["metric"]; i++)
		if (i != column["refresh_period"]) group = group (group == "" ? "" : ", ") field[i]
	if (row == 2 || group != group_name[groups]) group_name[++groups] = group
	metric = field[column["metric"]]
	scale = metric ~ /_accuracy$/ ? 100 : 1
	K[row] = field[column["refresh_period"]]
	of_group[row] = groups
	if (plain("low") != "NaN") seeds = most(seeds, field[column["n"]] + 0)   # none: no intervals to explain
	updates[row] = plain("feature_updates")
	line[row] = value("mean") " " value("low") " " value("high") " " value("network_mean") " " \
		value("network_low") " " value("network_high") " " plain("path_length_mean") " " \
		plain("path_length_low") " " plain("path_length_high")
	if (K[row] != "inf") largest = most(largest, log(K[row]) / log(10))
	else has_inf = 1
	if (field[column["suffices"]] == "baseline") base[groups] = value("mean")
	if (plain("mean") != "NaN") {
		low = least(low, value(plain("low") == "NaN" ? "mean" : "low"))
		high = most(high, value(plain("high") == "NaN" ? "mean" : "high"))
	}
	if (plain("network_mean") != "NaN") network_low = least(network_low, value("network_mean"))
	if (plain("network_mean") != "NaN") network_high = most(network_high, value("network_mean"))
	if (plain("path_length_mean") != "NaN") path_high = most(path_high, plain(plain("path_length_high") == "NaN" ? "path_length_mean" : "path_length_high"))
}
# An arrow to an f_theta outside the frame, with its value.
function arrow(x, number, from, to, text) {
	return sprintf("set arrow from first %s, graph %s to first %s, graph %s ls 2 dt 1 head size screen 0.006, 25 filled front; ", x, from, x, to) \
		sprintf("set label '%.*f' at first %s, graph %s center textcolor ls 2 front; ", scale == 100 ? 1 : 3, number, x, text)
}
# A step of 1, 2 or 5 times a power of ten: about four to the range.
function step(range,    power, share) {
	for (power = 1; power > range / 4; ) power /= 10
	for (; 10 * power <= range / 4; ) power *= 10
	share = range / 4 / power
	return power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10)
}
function place(k) { return k == "inf" ? largest + 0.8 : log(k) / log(10) }
END {
	if (bad) exit 2
	if (groups > 3) { print "figure.sh: expected at most 3 groups of cells, got " groups ": choose with --where" > "/dev/stderr"; exit 2 }
	if (low == "") { print "figure.sh: no job has ended yet" > "/dev/stderr"; exit 2 }
	for (g in base) { low = least(low, base[g] - margin()); high = most(high, base[g] + margin()) }
	# f_theta is shown as far as it leaves f_lin readable; outside, an arrow says where it is
	span = high - low
	bottom = network_low != "" && network_low < low ? (network_low > low - span ? network_low : low - span) : low
	top = network_high != "" && network_high > high ? (network_high < high + span ? network_high : high + span) : high
	pad = 0.06 * (top - bottom) + (top == bottom)
	for (r = 2; r <= row; r++) {
		g = of_group[r]; x = place(K[r])
		print x, line[r] > (work "/group-" g ".dat")
		tics[g] = tics[g] (tics[g] == "" ? "" : ", ") quoted(K[r] == "inf" ? "∞" : thousands(K[r])) " " x
		bare[g] = bare[g] (bare[g] == "" ? "" : ", ") "'' " x
		split(line[r], v, " ")
		if (v[4] != "NaN" && v[4] < bottom - pad) arrows[g] = arrows[g] arrow(x, v[4], 0.10, 0.02, 0.145)
		if (v[4] != "NaN" && v[4] > top + pad) arrows[g] = arrows[g] arrow(x, v[4], 0.90, 0.98, 0.855)
		# labels of the upper axis need room: about 9 pixels a digit, in decades
		text = updates[r] == "NaN" ? "?" : thousands(updates[r])
		half = (4.5 * length(text) + 4) * (largest + 1.2) / (groups == 1 ? 550 : 425)
		if (!(g in taken) || x - half > taken[g]) {
			upper[g] = upper[g] (upper[g] == "" ? "" : ", ") quoted(text) " " x
			taken[g] = x + half
		}
	}
	printf "groups = %d\nhas_inf = %d\nx_inf = %g\n", groups, has_inf, largest + 0.8
	for (g = 1; g <= groups; g++) longest = most(longest, length(sentence[g]) - length(group_name[g]))
	printf "sentence_font = ',%d'\n", (longest > 112 ? 11 : 13)
	printf "metric = %s\npercent = %d\nmargin = %g\n", quoted(metric), scale == 100, margin()
	if (!(path_high > 0)) path_high = 1
	printf "path_step = %g\nseeds = %d\n", step(path_high), seeds + 0
	printf "y_low = %g\ny_high = %g\npath_high = %g\n", bottom - pad, top + pad, 1.08 * path_high
	printf "array title[%d]; array first_line[%d]; array second_line[%d]; array base[%d]; array tics[%d]; array bare[%d]; array upper[%d]; array arrows[%d]\n", \
		groups, groups, groups, groups, groups, groups, groups, groups
	for (g = 1; g <= groups; g++) {
		text = substr(sentence[g], index(sentence[g], ": ") + 2)
		cut = index(text, "; ")
		printf "title[%d] = %s\nfirst_line[%d] = %s\nsecond_line[%d] = %s\n", g, quoted(group_name[g]), g, \
			quoted(cut ? substr(text, 1, cut) : text), g, quoted(cut ? substr(text, cut + 2) : "")
		printf "bare[%d] = \"%s\"\n", g, bare[g]
		printf "base[%d] = %s\ntics[%d] = %s\nupper[%d] = %s\narrows[%d] = %s\n", g, \
			g in base ? base[g] : "NaN", g, "\"" tics[g] "\"", g, "\"" upper[g] "\"", g, "\"" arrows[g] "\""
	}
}
# The margin of the sentences: "within 1 point", "within 0.5 points".
function margin(    words, i, n) {
	n = split(sentence[1], words, " ")
	for (i = 1; i < n; i++)
		if (words[i] == "within") return words[i + 1] + 0
	return 0
}
