# The metric against the refresh period K, both read-outs.
picture = 'performance-period'; data = 'performance.tsv'
load 'style.gp'; load 'settings.gp'
x_name = 'refresh_period'; x_text = 'refresh period K (steps; ∞: never refreshed)'; x_kind = 'log'
y_name = 'mean'; y_text = metric_text; y_scale = metric_scale; y_log = 0; bars = 1
series = 'curve'; two = 1; joined = 1
if (exists('metric_most')) { y_least = metric_least; y_most = metric_most }
load 'panels.gp'
