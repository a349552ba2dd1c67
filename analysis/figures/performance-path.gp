# The metric against how far the kernel moved.
picture = 'performance-path'; data = 'performance.tsv'
load 'style.gp'; load 'settings.gp'
x_name = 'path_length'; x_text = 'kernel path length (sum of kernel distances, dimensionless)'; x_kind = 'linear'
y_name = 'mean'; y_text = metric_text; y_scale = metric_scale; y_log = 0; bars = 1
series = 'curve'; two = 1; joined = 0
if (exists('metric_most')) { y_least = metric_least; y_most = metric_most }
load 'panels.gp'
