# The metric against eta K.
picture = 'performance-eta-period'; data = 'performance.tsv'
load 'style.gp'; load 'settings.gp'
x_name = 'eta_K'; x_text = 'ηK (learning rate × refresh period; ∞: never refreshed)'; x_kind = 'log'
y_name = 'mean'; y_text = metric_text; y_scale = metric_scale; y_log = 0; bars = 1
series = 'curve'; two = 1; joined = 1
load 'panels.gp'
