# The metric against the number of feature updates, both read-outs and schedules.
picture = 'performance-updates'; data = 'performance.tsv'
load 'style.gp'; load 'settings.gp'
x_name = 'feature_updates'; x_text = 'feature updates in the run'; x_kind = 'log'
y_name = 'mean'; y_text = metric_text; y_scale = metric_scale; y_log = 0; bars = 1
series = 'curve'; two = 1; joined = 1
if (exists('metric_most')) { y_least = metric_least; y_most = metric_most }
load 'panels.gp'
