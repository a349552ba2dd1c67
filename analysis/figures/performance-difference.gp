# The paired difference to the baseline against the refresh period K, with the margin.
picture = 'performance-difference'; data = 'performance.tsv'
load 'style.gp'; load 'settings.gp'
x_name = 'refresh_period'; x_text = 'refresh period K (steps; ∞: never refreshed)'; x_kind = 'log'
y_name = 'difference'; y_text = difference_text; y_scale = metric_scale; y_log = 0; bars = 1
level = 0; edge = metric_better * margin
series = 'curve'; two = 1; joined = 1
load 'panels.gp'
